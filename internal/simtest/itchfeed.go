package simtest

import (
	"encoding/binary"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
)

// itchFeed turns what a feed that names orders shows into messages of ITCH 5.0, and takes
// what the decoder makes of them.
type itchFeed struct {
	decoder *itch.Decoder
	got     []event.Event
	msg     [48]byte
}

// newItchFeed returns the decoder of a venue that lists every instrument under its number
// plus one.
func newItchFeed(w *world, venue uint8) *itchFeed {
	f := &itchFeed{}
	cfg := itch.Config{Venue: market.VenueID(venue), Midnight: func(int64) int64 { return firstDay / (86_400 * second) * 86_400 * second },
		Sink: func(e *event.Event) bool {
			f.got = append(f.got, *e)
			return true
		}}
	for i := range w.cfg.Instruments {
		in := &w.cfg.Instruments[i]
		cfg.Symbols = append(cfg.Symbols, itch.Symbol{Text: in.Symbol, ID: in.ID, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals})
	}
	var err error
	if f.decoder, err = itch.NewDecoder(cfg); err != nil {
		w.fail("%v", err)
	}
	f.decoder.Reset(w.now)
	for i := range w.cfg.Instruments {
		m := f.begin('R', uint16(i), 0)
		copy(m[11:19], "        ")
		copy(m[11:19], w.cfg.Instruments[i].Symbol)
		f.decode(w, m)
	}
	f.decoder.Live(w.now)
	f.got = f.got[:0]
	return f
}

// begin starts a message of a type.
func (f *itchFeed) begin(kind byte, instrument uint16, ref uint64) []byte {
	m := f.msg[:itch.Length(kind)]
	clear(m)
	m[0] = kind
	binary.BigEndian.PutUint16(m[1:], instrument+1)
	if len(m) >= 19 {
		binary.BigEndian.PutUint64(m[11:], ref)
	}
	return m
}

func (f *itchFeed) decode(w *world, m []byte) {
	if err := f.decoder.Decode(w.now, m); err != nil {
		w.fail("ITCH message %q: %v", m, err)
	}
}

// pass sends e as a message and returns what comes out, which must say the same.
func (f *itchFeed) pass(w *world, e *event.Event) event.Event {
	instrument := uint16(e.Instrument)
	side := byte('B')
	if e.Side == market.Sell {
		side = 'S'
	}
	var m []byte
	switch e.Kind {
	case event.OrderAdd:
		m = f.begin('A', instrument, e.Ref)
		m[19] = side
		binary.BigEndian.PutUint32(m[20:], uint32(e.Qty))
		binary.BigEndian.PutUint32(m[32:], uint32(e.Price))
	case event.OrderExecuted:
		m = f.begin('E', instrument, e.Ref)
		binary.BigEndian.PutUint32(m[19:], uint32(e.Qty))
	case event.OrderReduced:
		m = f.begin('X', instrument, e.Ref)
		binary.BigEndian.PutUint32(m[19:], uint32(e.Qty))
	case event.OrderDeleted:
		m = f.begin('D', instrument, e.Ref)
	case event.OrderReplaced:
		m = f.begin('U', instrument, e.Ref)
		binary.BigEndian.PutUint64(m[19:], e.OrderRef)
		binary.BigEndian.PutUint32(m[27:], uint32(e.Qty))
		binary.BigEndian.PutUint32(m[31:], uint32(e.Price))
	default:
		return *e // states are the feed's own
	}
	f.decode(w, m)
	if len(f.got) != 1 {
		w.fail("ITCH message %q became %d events", m, len(f.got))
	}
	out := f.got[0]
	f.got = f.got[:0]
	if out.Kind != e.Kind || out.Venue != e.Venue || out.Instrument != e.Instrument || out.Ref != e.Ref || out.Qty != e.Qty ||
		out.Price != e.Price || out.OrderRef != e.OrderRef || out.Side != e.Side && e.Kind == event.OrderAdd {
		w.fail("ITCH message %q became %+v, it was to say %+v", m, out, *e)
	}
	out.Flags = e.Flags
	return out
}
