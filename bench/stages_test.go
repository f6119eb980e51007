package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/internal/hist"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/risk"
	"penstock/venues/firewall"
)

// stages are the parts of the way from a feed message to an order, one by one. Each
// is made when it is wanted and then does one unit of work a call. They are counted in
// instructions as well (callgrind.sh).
func stages() []stage {
	feeds := func() *feeds { return itchFeeds(1, 10, 50_000, 8) }
	newDesk := func(tb testing.TB) *desk {
		return newDesk(tb, feeds(), deskOptions{parents: 1, maxChildren: 20_000})
	}
	return []stage{
		{"nothing", func(testing.TB) func() { return func() {} }},
		{"decode ITCH", func(tb testing.TB) func() { return decodeStage(tb, feeds()) }},
		{"decode Binance JSON", func(tb testing.TB) func() { return jsonStage(tb) }},
		{"venue book", func(tb testing.TB) func() { return bookStage(tb, feeds(), false) }},
		{"venue book, composite, features", func(tb testing.TB) func() { return bookStage(tb, feeds(), true) }},
		{"codes and table lookup", func(tb testing.TB) func() { return lookupStage(tb) }},
		{"allocate", func(testing.TB) func() { return allocateStage() }},
		{"risk gate", func(tb testing.TB) func() { return riskStage(tb) }},
		{"encode order", func(tb testing.TB) func() { return encodeStage(newDesk(tb)) }},
		{"journal append 192 B", func(tb testing.TB) func() { return journalStage(tb) }},
		{"ring push and pop", func(testing.TB) func() { return ringStage() }},
		{"two messages without order", func(tb testing.TB) func() { return tickStage(newDesk(tb)) }},
		{"two messages with an order each", func(tb testing.TB) func() { return orderStage(tb, feeds()) }},
		{"firewall, an order", func(tb testing.TB) func() { return firewallStage(tb, feeds()) }},
	}
}

type stage struct {
	name string
	open func(testing.TB) (work func())
}

// untimed runs f, which makes anew what a stage has used up, and stops the clock for it.
func untimed(tb testing.TB, f func()) {
	if b, ok := tb.(*testing.B); ok {
		b.StopTimer()
		defer b.StartTimer()
	}
	f()
}

// BenchmarkStages is the mean time of each stage: batches of one thread, warm.
func BenchmarkStages(b *testing.B) {
	for _, s := range stages() {
		b.Run(s.name, func(b *testing.B) {
			work := s.open(b)
			defer alone(b)()
			b.ReportAllocs()
			for b.Loop() {
				work()
			}
		})
	}
}

// TestStagesDoNotAllocate holds each stage to its promise.
func TestStagesDoNotAllocate(t *testing.T) {
	for _, s := range stages() {
		if n := testing.AllocsPerRun(5_000, s.open(t)); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

// eventsOf are the events of the streams, as their decoders make them.
func eventsOf(tb testing.TB, f *feeds) (all []event.Event) {
	ds := f.decoders(tb, func(e *event.Event) bool { all = append(all, *e); return true })
	for i := range f.messages {
		if err := ds[f.messages[i].venue](midnight, f.message(i)); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// decodeStage decodes the stream into nothing, again and again from its setup on.
func decodeStage(tb testing.TB, f *feeds) func() {
	ds := f.decoders(tb, func(*event.Event) bool { return true })
	i := 0
	return func() {
		if i == len(f.messages) {
			i = 0
		}
		if err := ds[f.messages[i].venue](midnight, f.message(i)); err != nil {
			panic(err)
		}
		i++
	}
}

// jsonMessage is what most messages of the recording are.
var jsonMessage = []byte(`{"stream":"btcusd_perp@bookTicker","data":{"u":1007198632021,"e":"bookTicker","s":"BTCUSD_PERP",` +
	`"ps":"BTCUSD","b":"61804.7","B":"35","a":"61804.8","A":"1645","T":1723161257465,"E":1723161257476}}`)

func jsonStage(tb testing.TB) func() {
	f := &feeds{venues: 1}
	d := binanceDecoders(f)(tb, func(*event.Event) bool { return true })[0]
	return func() {
		if err := d(1, jsonMessage); err != nil {
			panic(err)
		}
	}
}

// bookStage applies the events to the books of ten venues; with merged the touch and
// the features are brought up to date after each.
func bookStage(tb testing.TB, f *feeds, merged bool) func() {
	all := eventsOf(tb, f)
	venues := make([]market.Venue, f.venues)
	var indexes [market.MaxVenues]*book.Orders
	for v := range venues {
		venues[v] = market.Venue{ID: market.VenueID(v), Kind: market.Lit, ByOrder: true}
		indexes[v] = book.NewOrders(f.orders)
	}
	m := book.NewComposite(0, venues, func(market.VenueID) bool { return true }, book.Capacity{Levels: f.levels, Orders: f.orders},
		func(v market.VenueID) *book.Orders { return indexes[v] })
	i, now := 0, int64(1)
	return func() {
		if i == len(all) {
			i = 0 // the stream begins by clearing the books
		}
		now += 1000
		if merged {
			m.Apply(&all[i])
			m.Refresh(now)
		} else {
			m.Books[all[i].Venue].Apply(&all[i])
		}
		i++
	}
}

func lookupStage(tb testing.TB) func() {
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "bench", NotAfter: 1 << 62})
	if err != nil {
		tb.Fatal(err)
	}
	in := policy.Inputs{Decision: 2, Remaining: 700, Slice: 1000, Gap: 10, Spread: 2, SweepCost: 1100, Volatility: 1000, DarkFill: 1000}
	n, sum := 0, 0
	return func() {
		n++
		in.Decision, in.Spread = int64(n%6), int64(n&3+1)
		sum += int(table.Find(0, &in).Action)
	}
}

func allocateStage() func() {
	n, sum := 0, market.Qty(0)
	return func() {
		n++
		dark, sdp, post, take := policy.Split(policy.Template(uint8(1+n%(policy.Actions-1))), market.Qty(700+n&15), 1)
		sum += dark + sdp + post + take
	}
}

// riskStage judges an order of a client by all limits.
func riskStage(tb testing.TB) func() {
	cfg := &router.Config{Instruments: []market.Instrument{{PriceDecimals: 4}}, Venues: []market.Venue{{Name: "V", MsgRate: 1 << 20}},
		Limits: []risk.Limits{{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6, ChildMaxNotional: 1e13, CollarBps: 500}}}
	g, err := risk.NewGate(cfg.Limits, cfg.Venues)
	if err == nil {
		err = g.Control(openControls(cfg), cfg.Venues, 1)
	}
	if err != nil {
		tb.Fatal(err)
	}
	o, now := risk.Order{Side: market.Buy, Price: 500_000, Qty: 100, Limit: 500_100, Strategy: event.StrategyTWAP}, int64(midnight)
	return func() {
		now += 50_000 // within what a strategy may send
		if _, reason := g.Child(&o, 1_000_000, now); reason != event.ReasonNone {
			panic(reason)
		}
	}
}

func encodeStage(d *desk) func() {
	o := &d.venues[0]
	cmd := event.Command{Kind: event.SendOrder, Parent: d.core.Parents()[0].Number, Child: 217_000_000_000_000_001, Qty: 300, Price: 500_000, Side: market.Buy, TIF: market.TIFIOC}
	now := d.now
	return func() {
		now += 1000
		cmd.Child++
		if err := o.encode(now, &cmd); err != nil {
			panic(err)
		}
		o.session.Wrote(len(o.session.Out()))
	}
}

func journalStage(tb testing.TB) func() {
	d := &desk{}
	d.openJournal(tb)
	tb.Cleanup(func() { d.close(tb) })
	var e event.Event
	return func() {
		for d.journal.Append(journal.Event, 1, e.Bytes()) != nil {
			runtime.Gosched() // its ring is full
		}
	}
}

func ringStage() func() {
	r := ring.New[event.Event](1024)
	var e event.Event
	return func() {
		r.Push(&e)
		r.Pop(&e)
	}
}

// tickStage adds an order behind the best price and deletes it: two messages.
func tickStage(d *desk) func() {
	return func() {
		if err := d.decoders[0](d.now, tickAdd[:]); err != nil {
			panic(err)
		}
		if err := d.decoders[0](d.now, tickDelete[:]); err != nil {
			panic(err)
		}
	}
}

// orderStage adds an order within the spread and deletes it: the touch moves twice, and each
// time an order goes to where the best price is. The venues answer in between.
func orderStage(tb testing.TB, f *feeds) func() {
	o := deskOptions{parents: 1, maxChildren: 600_000}
	d := newDesk(tb, f, o)
	add := append([]byte(nil), tickAdd[:]...)
	v := 0
	return func() {
		if d.spent() {
			untimed(tb, func() { d = newDesk(tb, f, o) })
		}
		before := d.orders
		binary.BigEndian.PutUint32(add[32:], uint32(d.core.Composite(0).Ask.Price-50))
		for _, m := range [][]byte{add, tickDelete[:]} {
			if err := d.decoders[v](d.now, m); err != nil {
				panic(err)
			}
			d.settle()
			d.now += 25_000 // within what a strategy may send to a venue
		}
		if v++; v == len(d.venues) {
			v = 0
		}
		if d.orders != before+2 {
			panic(fmt.Sprintf("%d orders", d.orders-before))
		}
	}
}

// firewallStage judges and books the bytes of an order that was never there before, and then
// takes the word that it is over.
func firewallStage(tb testing.TB, f *feeds) func() {
	o := deskOptions{parents: 1, maxChildren: 600_000}
	d := newDesk(tb, f, o)
	cmd := event.Command{Kind: event.SendOrder, Parent: d.core.Parents()[0].Number, Child: 216_000_000_000_000_000, Qty: 30,
		Price: 500_000, Side: market.Buy, TIF: market.TIFIOC}
	if err := d.venues[0].encode(d.now, &cmd); err != nil {
		tb.Fatal(err)
	}
	b := bytes.Clone(d.venues[0].session.Out())
	id := b[bytes.Index(b, []byte("\x0111="))+4:][:18]
	return func() {
		if d.wall.Stats().Children == d.room {
			untimed(tb, func() { d = newDesk(tb, f, o) })
		}
		d.now += 4_000
		cmd.Child++
		for i := len(id) - 1; ; i-- {
			if id[i]++; id[i] <= '9' {
				break
			}
			id[i] = '0'
		}
		if _, why := d.venues[0].guard.Out(d.now, b, firewall.Said{}); why != firewall.Clear {
			panic(why.String())
		}
		d.wall.Resolve(cmd.Child, 0, true)
	}
}

var tickAdd, tickDelete = func() (add [36]byte, del [19]byte) {
	p := &counterparty{ref: 3_000_000}
	copy(add[:], p.addMessage('S', 600_000, 300))
	copy(add[24:], "N0      ")
	copy(del[:], p.deleteMessage())
	return add, del
}()

// BenchmarkRingHop is the one-way time of an event between two threads on cores of
// their own, beside a Go channel that does the same.
func BenchmarkRingHop(b *testing.B) {
	there, back := ring.New[event.Event](64), ring.New[event.Event](64)
	hop(b, "ring", func(e *event.Event) {
		there.Push(e)
		for !back.Pop(e) {
			safepoint()
		}
	}, func(e *event.Event) {
		for !there.Pop(e) {
			safepoint()
		}
		back.Push(e)
	})
	out, in := make(chan event.Event, 64), make(chan event.Event, 64)
	hop(b, "channel", func(e *event.Event) { out <- *e; *e = <-in }, func(e *event.Event) { *e = <-out; in <- *e })
}

// lastHop ends the other side.
const lastHop = 255

func hop(b *testing.B, name string, roundTrip, answer func(*event.Event)) {
	b.Run(name, func(b *testing.B) {
		defer alone(b)()
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			pinThread(b, allowedCores()[0])
			var e event.Event
			for e.Code != lastHop {
				answer(&e)
			}
		}()
		h, cost := hist.New(), timerCost()
		var e event.Event
		b.ReportAllocs()
		for b.Loop() {
			start := readClock()
			roundTrip(&e)
			h.Record(max(readClock()-start-cost, 0) / 2)
		}
		e.Code = lastHop
		roundTrip(&e)
		<-done
		report(b, "hop", name+" between threads, one way", h, "half of a round trip")
	})
}
