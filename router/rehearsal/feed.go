package rehearsal

import (
	"encoding/binary"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
)

const symbol = "REHEARSE"

// feed is that of a venue which tells orders: messages of ITCH 5.0 in memory, and their decoder.
type feed struct {
	venue   market.VenueID
	decoder *itch.Decoder
	ref     uint64
	message [36]byte
}

func newFeed(v market.VenueID, sink event.Sink) (*feed, error) {
	d, err := itch.NewDecoder(itch.Config{Venue: v, Sink: sink, Symbols: []itch.Symbol{{Text: symbol, PriceDecimals: 4}}})
	return &feed{venue: v, decoder: d}, err
}

// open lists the stock and makes its book.
func (f *feed) open(now int64) error {
	f.decoder.Reset(now)
	var directory [39]byte
	directory[0], directory[2] = 'R', 1
	copy(directory[11:], symbol)
	if err := f.decoder.Decode(now, directory[:]); err != nil {
		return err
	}
	for i := range levels {
		for _, side := range []market.Side{market.Buy, market.Sell} {
			if err := f.decoder.Decode(now, f.order("BS"[side.Index()], resting(f.venue, side, i), 500)); err != nil {
				return err
			}
		}
	}
	f.decoder.Live(now)
	return nil
}

// order is the message that adds the next order.
func (f *feed) order(side byte, price market.Price, shares uint32) []byte {
	f.ref++
	m := f.message[:]
	clear(m)
	m[0], m[2], m[19] = 'A', 1, side
	binary.BigEndian.PutUint64(m[11:], f.ref)
	binary.BigEndian.PutUint32(m[20:], shares)
	copy(m[24:], symbol)
	binary.BigEndian.PutUint32(m[32:], uint32(price))
	return m
}

// add brings an offer to the limit, remove takes it away. Their errors are those of a message
// that is always the same: open has met them.
func (f *feed) add(now int64) { _ = f.decoder.Decode(now, f.order('S', limit, 300)) }

func (f *feed) remove(now int64) {
	m := f.message[:19]
	clear(m)
	m[0], m[2] = 'D', 1
	binary.BigEndian.PutUint64(m[11:], f.ref)
	_ = f.decoder.Decode(now, m)
}
