package tape

import "penstock/market"

// Stats counts what one source has played so far. Times are ns since epoch, 0
// when there was none.
type Stats struct {
	Feed       Feed
	Venue      market.VenueID
	Instrument market.InstrumentID

	Messages  int64 // records handed to the decoder
	Bytes     int64 // of these records
	Left      int64 // records outside From and To
	Events    int64 // events made
	Levels    int64 // book events among them: levels, orders, clears, states
	Trades    int64
	Quotes    int64
	Tickers   int64 // Binance: bookTicker messages, a check on the book
	Snapshots int64 // complete books taken
	Locked    int64 // quotes with bid = ask within the dealer
	Crossed   int64 // quotes with bid > ask within the dealer
	Foreign   int64 // messages of other symbols or channels
	Malformed int64 // messages that make no sense
	Gaps      int64 // breaks in the venue's numbering
	Checked   int64 // checksums, or best prices against bookTicker, that were right
	Mismatch  int64 // those that were not
	First     int64 // receive time of the first record played
	Last      int64

	FirstFault error // the first message refused, with its place
	Err        error // why a file ended early: an *Error
}

// Sound reports whether the recording was whole and everything in it usable.
func (s *Stats) Sound() bool {
	return s.Err == nil && s.Malformed == 0 && s.Gaps == 0 && s.Mismatch == 0
}
