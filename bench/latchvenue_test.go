package bench

import (
	"fmt"
	"runtime"
	"testing"

	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/ouch"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
)

const latchCancelBase = latchRun*1_000_000_000 + 900_000_000

// fixLatchVenue is a venue in FIX on the thread of the router.
type fixLatchVenue struct {
	peer   *counterparty
	orders int
}

func newFIXLatchVenue(tb testing.TB) latchVenue { return &fixLatchVenue{peer: newCounterparty(tb)} }

func (v *fixLatchVenue) open(r *latchRig) {
	dialect, ok := fixgw.DialectByName("sim")
	if !ok {
		r.tb.Fatal("no dialect sim")
	}
	guard, err := r.wall.Session(firewall.SessionConfig{BeginString: dialect.BeginString, IDs: dialect.IDs, ParentTag: dialect.ParentTag,
		Rate: 1 << 20, Symbols: []firewall.Symbol{{Text: "PSTK", PriceDecimals: 4}}})
	if err != nil {
		r.tb.Fatal(err)
	}
	g, err := fixgw.New(fixgw.Config{Addr: v.peer.addr(), SenderCompID: "PENSTOCK", TargetCompID: "VENUE", HeartBtIntSecs: 600,
		Dialect: dialect, Kind: market.Lit, Clock: readClock, Symbols: []fixgw.Symbol{{Text: "PSTK", PriceDecimals: 4}},
		Firewall: guard, Latch: &r.latch, CancelBase: latchCancelBase, Sink: r.sink, OnSent: r.sent})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.gateway = g
}

func (v *fixLatchVenue) ask() market.Price { return 1_000_200 }

func (v *fixLatchVenue) work() {
	p := v.peer
	if p.conn < 0 {
		p.accept()
		p.begin()
	}
	p.serve(p.read())
	for _, o := range p.orders {
		p.say(o.id, o.qty, "0", o.qty)
	}
	v.orders += len(p.orders)
	p.orders = p.orders[:0]
}

func (v *fixLatchVenue) cancels() int { return len(v.peer.cancel) }

func (v *fixLatchVenue) placed() int { return v.orders }

func (v *fixLatchVenue) end(r *latchRig) {
	for _, id := range v.peer.cancel {
		v.peer.say(id, 100, "4", 0)
		r.turn()
	}
	v.peer.cancel = v.peer.cancel[:0]
}

// say answers with an execution report of one kind.
func (p *counterparty) say(id uint64, qty int64, kind string, leaves int64) {
	w := p.session.Begin(readClock(), "8")
	p.execs++
	w.Uint(11, id)
	w.Int(37, int64(p.execs))
	w.Str(17, fmt.Sprint("X", p.execs))
	w.Str(55, "PSTK")
	w.Str(54, "1")
	w.Int(38, qty)
	w.Int(151, leaves)
	w.Str(150, kind)
	w.Str(39, kind)
	w.Int(14, 0)
	if err := p.session.Send(); err != nil {
		p.tb.Fatal(err)
	}
	p.flush()
}

// ouchLatchVenue is an exchange of the simulated market in OUCH 5.0, whose flow stands still.
type ouchLatchVenue struct {
	server *serve.Server
	read   uint64 // cancels before the last end
}

const latchClient = "SOR"

func newOUCHLatchVenue(tb testing.TB) latchVenue {
	in := market.Instrument{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	lit := serve.DemoVenues(in, 1, latchClient)[0]
	lit.Orders, lit.LatencyNanos = serve.OUCH50, 0
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: []serve.Venue{lit}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	m.Rest(true)
	before := runtime.GOMAXPROCS(4) // a venue is another process: the router's thread does not wait for its goroutines
	tb.Cleanup(func() { runtime.GOMAXPROCS(before) })
	return &ouchLatchVenue{server: m.Venue(lit.Name)}
}

func (v *ouchLatchVenue) open(r *latchRig) {
	guard, err := r.wall.OUCH(firewall.SessionConfig{Rate: 1 << 20, Symbols: []firewall.Symbol{{Text: "PSTK", PriceDecimals: 4}}}, false)
	if err != nil {
		r.tb.Fatal(err)
	}
	g, err := ouch.New(ouch.Config{Name: v.server.Name(), Addr: v.server.OrderAddr(), User: latchClient, Capacity: 'A', Clock: readClock,
		Symbols: []ouch.Symbol{{Text: "PSTK", PriceDecimals: 4}}, Firewall: guard, Latch: &r.latch, CancelBase: latchCancelBase,
		MaxOrders: latchOrders, Sink: r.sink, OnSent: r.sent})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(func() { g.Close() })
	r.gateway = g
}

func (v *ouchLatchVenue) ask() market.Price { return v.server.Depth(market.Sell, 1)[0].Price - 50_000 }

func (v *ouchLatchVenue) work() {}

func (v *ouchLatchVenue) cancels() int { return int(v.server.CancelsRead() - v.read) }

func (v *ouchLatchVenue) placed() int { return len(v.server.Orders(latchClient)) }

func (v *ouchLatchVenue) end(*latchRig) { v.read = v.server.CancelsRead() }
