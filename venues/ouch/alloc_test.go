package ouch

import (
	"encoding/binary"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim/serve"
	"penstock/venues/soup"
)

// offline is a gateway without connection, with one order that the venue has accepted.
func offline(t testing.TB, v Version) (*Gateway, *[]event.Event) {
	t.Helper()
	events := new([]event.Event)
	g, err := New(Config{Name: "X", Addr: "127.0.0.1:1", User: "SOR", Version: v, Capacity: 'A', Venue: 2, MaxOrders: 1 << 10,
		Symbols: []Symbol{{ID: 3, Text: "ACME", PriceDecimals: 4}, {ID: 5, Text: "FINE", PriceDecimals: 6}},
		Sink:    func(e *event.Event) bool { *events = append(*events, *e); return true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	g.resumed = false
	return g, events
}

// say makes a message of the venue about child, whose UserRefNum is ref.
func say(v Version, kind byte, child uint64, ref, qty uint32, price, match uint64) []byte {
	l := &layouts50[kind]
	if v == V42 {
		l = &layouts42[kind]
	}
	be, token := binary.BigEndian, makeToken(child)
	b := make([]byte, l.size)
	b[0] = kind
	be.PutUint64(b[1:], 34_200_000_000_000)
	if l.ref != 0 {
		be.PutUint32(b[l.ref:], ref)
	}
	if l.orig != 0 {
		be.PutUint32(b[l.orig:], ref)
		be.PutUint32(b[l.ref:], ref+100)
	}
	if l.token != 0 {
		copy(b[l.token:], token[:])
	}
	if l.origToken != 0 {
		copy(b[l.origToken:], token[:])
	}
	if l.side != 0 {
		b[l.side] = 'B'
	}
	if l.qty != 0 {
		be.PutUint32(b[l.qty:], qty)
	}
	if l.symbol != 0 {
		copy(b[l.symbol:], "ACME    ")
	}
	if l.price != 0 && l.shortPrice {
		be.PutUint32(b[l.price:], uint32(price))
	} else if l.price != 0 {
		be.PutUint64(b[l.price:], price)
	}
	if l.orderRef != 0 {
		be.PutUint64(b[l.orderRef:], 77)
	}
	if l.match != 0 {
		be.PutUint64(b[l.match:], match)
	}
	if l.liquidity != 0 {
		b[l.liquidity] = 'R'
	}
	if l.state != 0 {
		b[l.state] = 'L'
	}
	return b
}

func eachVersion(t *testing.T, f func(t *testing.T, v Version)) {
	for _, v := range []Version{V50, V42} {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

// No message of the venue makes garbage, whatever its type.
func TestNoMessageAllocates(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		layouts := &layouts50
		if v == V42 {
			layouts = &layouts42
		}
		for kind := range layouts {
			if layouts[kind].size == 0 {
				continue
			}
			g, _ := offline(t, v)
			g.cfg.Sink = func(*event.Event) bool { return true }
			g.take(1, soup.Message{Sequence: 1, Data: say(v, 'A', child, 1, 1<<30, 1_000_000, 0)})
			msg, sequence := say(v, byte(kind), child, 1, 1, 1_000_000, 1), uint64(1)
			at := layouts[kind].match
			if n := testing.AllocsPerRun(100, func() {
				sequence++
				if at != 0 {
					binary.BigEndian.PutUint64(msg[at:], sequence)
				}
				g.take(1, soup.Message{Sequence: sequence, Data: msg})
				g.tell()
			}); n != 0 {
				t.Errorf("%q: %v allocations", byte(kind), n)
			}
			if s := g.Stats(); s.Malformed != 0 || s.NotOurs != 0 && kind != 'U' {
				t.Errorf("%q: %+v", byte(kind), s)
			}
		}
	})
}

// leastAllocs returns the allocations of f in the calmest of some rounds: the venue runs in
// this process, too, and its garbage is not ours.
func leastAllocs(f func()) float64 {
	least := testing.AllocsPerRun(20, f)
	for round := 0; round < 10 && least > 0; round++ {
		least = min(least, testing.AllocsPerRun(20, f))
	}
	return least
}

// Every style of order, a cancel and a status request leave without garbage.
func TestNoCommandAllocates(t *testing.T) {
	r := newRig(t, serve.OUCH50, "LITA", nil)
	r.up()
	r.g.cfg.OnSent = func(*event.Command, int64) {}
	r.g.cfg.Sink = func(*event.Event) bool { return true }
	number := uint64(child)
	for _, st := range []style{{market.OrdLimit, market.TIFIOC, 0}, {market.OrdLimit, market.TIFDay, 0}, {market.OrdLimit, market.TIFFOK, 0},
		{market.OrdLimit, market.TIFDay, market.ExecInstPostOnly}, {market.OrdPegged, market.TIFIOC, market.ExecInstMidPeg},
		{market.OrdPegged, market.TIFDay, market.ExecInstMidPeg}, {market.OrdMarket, market.TIFIOC, 0}} {
		c := event.Command{Kind: event.SendOrder, Instrument: 3, Side: market.Sell, Qty: 1, Price: 9_000_000, MinQty: 1, OrdType: st.ordType,
			TIF: st.tif, ExecInst: st.execInst}
		if n := leastAllocs(func() {
			number++
			c.Child = number
			if !r.g.Send(wall(), &c) {
				t.Fatalf("refused: %+v", r.g.Stats())
			}
			r.g.Work(wall())
		}); n != 0 {
			t.Errorf("%v: %v allocations", st, n)
		}
	}
	number = child
	for _, kind := range []event.CommandKind{event.SendCancel, event.SendStatus} {
		c := event.Command{Kind: kind, Instrument: 3, Side: market.Sell}
		if n := leastAllocs(func() {
			number++
			c.Child, c.Ref = number, number+1e6
			r.g.Send(wall(), &c)
			r.g.Work(wall())
		}); n != 0 {
			t.Errorf("%v: %v allocations", kind, n)
		}
	}
}

// BenchmarkEnter is an order from the command to the bytes.
func BenchmarkEnter(b *testing.B) {
	for _, v := range []Version{V50, V42} {
		b.Run(v.String(), func(b *testing.B) {
			g, _ := offline(b, v)
			c := takeOrder(child)
			b.ReportAllocs()
			for b.Loop() {
				c.Child++
				c.Qty = c.Qty%900 + 1
				if !g.enter(c) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// BenchmarkExecution is an Executed message from its bytes to the event and the book of
// orders, and the decoder alone.
func BenchmarkExecution(b *testing.B) {
	for _, v := range []Version{V50, V42} {
		b.Run(v.String()+"/decode", func(b *testing.B) {
			msg := say(v, 'E', child, 1, 1, 1_000_000, 1)
			var m Message
			b.ReportAllocs()
			for b.Loop() {
				if err := Decode(v, msg, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(v.String()+"/event", func(b *testing.B) {
			g, _ := offline(b, v)
			g.cfg.Sink = func(*event.Event) bool { return true }
			g.take(1, soup.Message{Sequence: 1, Data: say(v, 'A', child, 1, 1<<30, 1_000_000, 0)})
			msg := say(v, 'E', child, 1, 1, 1_000_000, 1)
			at := layouts50['E'].match
			if v == V42 {
				at = layouts42['E'].match
			}
			n := uint64(1)
			b.ReportAllocs()
			for b.Loop() {
				n++
				binary.BigEndian.PutUint64(msg[at:], n)
				g.take(1, soup.Message{Sequence: n, Data: msg})
				g.tell()
				if n&1023 == 0 { // a day has an end
					g.book.execs, g.book.byMatch.n = g.book.execs[:0], 0
					clear(g.book.byMatch.keys)
				}
			}
		})
	}
}
