package tape

import (
	"errors"
	"io"

	"penstock/market"
)

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
	Absurd    int64 // messages whose values cannot be true
	HTTP      int64 // answers to HTTP requests; not among Messages
	Gaps      int64 // breaks in the venue's numbering
	Checked   int64 // checksums, or best prices against bookTicker, that were right
	Mismatch  int64 // those that were not
	Passes    int64 // among Checked, checksums that were right
	Restarts  int64 // streams that began again at their first message
	Beats     int64 // messages that only say that the sender is there
	Odd       int64 // NBBO: quote lines that are not one of a pair
	Before    int64 // LOBSTER: events of orders that were entered before the recording
	Early     int64 // those of them outside the levels that the book began with
	Other     int64 // captured packets that are not UDP to the wanted port
	Fragments int64 // captured packets that are parts of a datagram
	TCP       int64 // captured packets of TCP
	Snapped   int64 // captured packets that are not whole
	First     int64 // receive time of the first record played
	Last      int64

	Types map[string]int64 // ITCH, IEX, LOBSTER, FIX: messages by type, those of CutTypes not among them
	// CutTypes counts the messages of a packet that the end of the file cut, by type.
	// None of them was used.
	CutTypes map[string]int64

	FirstFault error // the first message refused, with its place
	Err        error // why a file ended early: an *Error
}

// Cut reports whether a file ended within a message.
func (s *Stats) Cut() bool { return errors.Is(s.Err, io.ErrUnexpectedEOF) }

func (s *Stats) addTypes(types *[256]uint64) {
	if s.Types == nil {
		s.Types = map[string]int64{}
	}
	for t, n := range types {
		if n > 0 {
			s.Types[string(rune(t))] += int64(n)
		}
	}
}

// Sound reports whether the recording was whole and everything in it usable.
func (s *Stats) Sound() bool {
	return s.Err == nil && s.Malformed == 0 && s.Absurd == 0 && s.Gaps == 0 && s.Mismatch == 0
}
