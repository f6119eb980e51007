package bench

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/fix/ems"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/itch"
	"penstock/venues/wire"
)

// socketRig is the router as it runs: loop with feed and gateway inline, spinning,
// journal, firewall, ten venues. The first has sockets; the books of the others stand still.
type socketRig struct {
	core     *router.Core
	seq      *loop.Sequencer
	loop     *loop.Loop
	io       *loop.IO
	feed     *itch.Feed
	gateway  *fixgw.Gateway
	gate     *wire.Gate
	wall     *firewall.Firewall
	latch    firewall.Latch
	ordered  *ring.SPSC[firewall.Order] // of clients, for the firewall
	tripped  int
	journal  *journal.Writer
	dir      string
	venues   *ring.SPSC[event.Event]
	clients  *ring.SPSC[event.Event]
	peer     *counterparty
	report   func(*event.Command) bool    // to the client
	durable  atomic.Pointer[ems.Acceptor] // who waits for the journal
	bell     func()
	worker   int // of the gateway
	ended    chan error
	unheard  []event.Command
	config   *router.Config
	dropped  int // commands that found no room
	parentID int
}

const rigVenues = 10

// newSocketRig builds the router. before is called when nothing runs yet.
func newSocketRig(tb testing.TB, before func(r *socketRig)) *socketRig {
	tb.Helper()
	r := &socketRig{peer: newCounterparty(tb), venues: ring.New[event.Event](1 << 15),
		clients: ring.New[event.Event](1 << 12), ordered: ring.New[firewall.Order](1 << 12), ended: make(chan error, 1), report: func(*event.Command) bool { return true }}
	r.config = r.routerConfig(tb)
	var err error
	if r.core, err = router.New(r.config); err != nil {
		tb.Fatal(err)
	}
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	if r.dir, err = os.MkdirTemp(parent, "penstock-bench-"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(r.dir) })
	if r.journal, err = journal.Create(r.dir+"/journal", journal.Options{OnDurable: r.onDurable}); err != nil {
		tb.Fatal(err)
	}
	r.seq = loop.NewSequencer(r.core, r.journal, r.dispatch)
	sink := func(e *event.Event) bool { return r.venues.Push(e) }
	if r.gate, err = wire.NewGate(); err != nil {
		tb.Fatal(err)
	}
	if r.wall, err = firewall.New(firewallConfig(r.config, &r.latch, func(*firewall.Violation) { r.tripped++ })); err != nil {
		tb.Fatal(err)
	}
	r.openVenue(tb, sink)
	r.io, err = loop.NewIO([]loop.Worker{
		{Work: r.feed.Work, Glance: r.feed.Glance, PollFDs: r.feed.PollFDs, Commands: ring.New[event.Command](64), Obey: func(int64, *event.Command) bool { return true }},
		{Work: r.gateway.Work, Glance: r.gateway.Glance, Obey: r.gateway.Send, Rewarm: r.gateway.Rewarm, Commands: ring.New[event.Command](1 << 12)}}, sink, readClock)
	if err != nil {
		tb.Fatal(err)
	}
	r.io.Gate(r.gate)
	r.worker, r.bell = 1, r.io.Ring
	now := readClock() - slice55
	r.seq.Take(now, &event.Event{Kind: event.SessionStart, Ref: 217_000_000})
	r.seq.Take(now, priceBand(0, bestAsk))
	if before != nil {
		before(r)
	}
	r.seq.TakeTimer(readClock()) // parents come to their last decision before they see a book
	r.stillBooks(readClock())
	r.loop = loop.NewInline(r.seq, []*ring.SPSC[event.Event]{r.venues, r.clients}, r.io, loop.IdleSpin, readClock, r.flush)
	r.loop.Venues(r.venues)
	return r
}

// onDurable lets reports go whose cause is on disk now. Journal goroutine.
func (r *socketRig) onDurable() {
	if a := r.durable.Load(); a != nil {
		a.Wake()
	}
}

// slice55 is the part of an hour after which a parent is at its last decision.
const slice55 = int64(55 * 60e9)

func (r *socketRig) routerConfig(tb testing.TB) *router.Config {
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "bench", NotAfter: 1 << 62})
	if err != nil {
		tb.Fatal(err)
	}
	cfg := &router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits: []risk.Limits{{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6,
			ChildMaxNotional: 1e13, CollarBps: 500}},
		Table: table, Book: book.Capacity{Levels: 256, Orders: 1 << 20},
		MaxParents: 1 << 16, MaxChildren: 1 << 20, Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = 1<<20, 1<<20
	for v := range rigVenues {
		id := market.VenueID(v)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: fmt.Sprintf("V%d", v), MIC: "X", Kind: market.Lit,
			ByOrder: v == 0, MsgRate: 1 << 20, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: int64(30_000 + v)}})
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: id})
	}
	cfg.Controls, cfg.Protect = openControls(cfg), protection(cfg, true)
	return cfg
}

func (r *socketRig) openVenue(tb testing.TB, sink event.Sink) {
	dialect, ok := fixgw.DialectByName("sim")
	if !ok {
		tb.Fatal("no dialect sim")
	}
	guard, err := r.wall.Session(guardConfig(r.config, 0, dialect.BeginString))
	if err != nil {
		tb.Fatal(err)
	}
	r.gateway, err = fixgw.New(fixgw.Config{Addr: r.peer.addr(), SenderCompID: "PENSTOCK", TargetCompID: "VENUE",
		HeartBtIntSecs: 600, Dialect: dialect, Kind: market.Lit, Sink: sink, Clock: readClock,
		Firewall: guard, Latch: &r.latch, Socket: wire.Options{Gate: r.gate}, Symbols: []fixgw.Symbol{{Text: "PSTK", PriceDecimals: 4}}})
	if err != nil {
		tb.Fatal(err)
	}
	if r.feed, err = itch.NewFeed(feedConfig(r.peer, sink)); err != nil {
		tb.Fatal(err)
	}
	r.peer.sendTo(r.feed.LocalAddr(0))
}

// feedConfig is a feed of one line from peer.
func feedConfig(peer *counterparty, sink event.Sink) itch.FeedConfig {
	return itch.FeedConfig{Config: itch.Config{Sink: sink, Symbols: []itch.Symbol{{Text: "PSTK", PriceDecimals: 4}}},
		Lines: []itch.LineConfig{{Address: "127.0.0.1:0"}}, Request: peer.addr(), RecoverFromStart: true, SilenceNanos: 600e9,
		RequestNanos: itch.DefaultRequestNanos, RequestMessages: itch.DefaultRequestMessages, GiveUpRequests: itch.DefaultGiveUpRequests,
		HeldPackets: itch.DefaultHeldPackets, StallNanos: itch.DefaultStallNanos, ReadBuffer: 1 << 20}
}

// stillBooks makes the books of the venues without sockets, wider than the first.
func (r *socketRig) stillBooks(now int64) {
	for v := 1; v < rigVenues; v++ {
		r.seq.Take(now, &event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
		for i := range market.Price(10) {
			for _, side := range []market.Side{market.Buy, market.Sell} {
				r.seq.Take(now, &event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side, Qty: 500,
					Price: bestAsk - oneTick*(20+i)*market.Price(side.Sign()), Flags: event.More})
			}
		}
		r.seq.Take(now, &event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive)})
	}
}

// dispatch hands out commands as the command does. Loop goroutine.
func (r *socketRig) dispatch(c *event.Command) {
	switch c.Kind {
	case event.SendOrder, event.SendCancel, event.SendStatus:
		if c.Venue != 0 || !r.io.Push(r.worker, c) {
			r.dropped++
		}
	case event.Report, event.RejectCancel:
		if c.Kind == event.Report && (c.ExecType == market.ExecNew || c.ExecType == market.ExecReplaced) {
			r.hear()
			r.wall.Accept(&firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID})
		}
		if len(r.unheard) > 0 || !r.report(c) {
			r.unheard = append(r.unheard, *c)
		}
	}
}

// announce tells the firewall of a client's order before the core hears of it. The goroutine that reads clients' messages.
func (r *socketRig) announce(e *event.Event) {
	r.ordered.Push(&firewall.Order{ID: e.ID, Client: e.Client, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Limit: e.Price,
		Strategy: uint16(e.Strategy)})
}

// hear lets the firewall know of them. Loop goroutine.
func (r *socketRig) hear() {
	var o firewall.Order
	for r.ordered.Pop(&o) {
		r.wall.Ordered(&o)
	}
}

func (r *socketRig) flush() {
	for len(r.unheard) > 0 && r.report(&r.unheard[0]) {
		r.unheard = r.unheard[1:]
	}
}

// start runs the loop on a core of its own, the last one, and brings feed and session up.
func (r *socketRig) start(tb testing.TB) {
	cores := allowedCores()
	pinned := r.loop.Pin(cores[len(cores)-1], loop.IdleSpin)
	go func() { r.ended <- r.loop.Run() }()
	if err := (<-pinned).Pinned; err != nil {
		tb.Log("not pinned:", err)
	}
	r.peer.explain = func() (text string) {
		r.loop.Inspect(func(s *loop.Sequencer) {
			m := s.Core().Composite(0)
			text = fmt.Sprintf("%+v, bid %+v, ask %+v, feed %v, gateway %+v, parents %+v, %d orders", s.Core().Counters, m.Bid, m.Ask,
				r.feed.Stats(), r.gateway.Stats(), s.Core().Parents(), len(s.Core().Children()))
		})
		return text
	}
	r.peer.accept()
	r.peer.logon()
	r.peer.openBook()
	r.peer.await("book", func() bool {
		live := false
		r.loop.Inspect(func(s *loop.Sequencer) {
			m := s.Core().Composite(0)
			live = m.Normal() && s.Core().SessionUp(0) && m.Bid.Venues == 1 && m.Ask.Venues == 1 && m.Ask.Price == bestAsk+2*oneTick
		})
		return live
	})
}

// stop ends the loop and closes what it worked.
func (r *socketRig) stop(tb testing.TB) {
	r.loop.Stop()
	if err := <-r.ended; err != nil {
		tb.Error(err)
	}
	for _, c := range []func() error{r.io.Close, r.feed.Close, r.gateway.Close, r.gate.Close, r.journal.Close} {
		if err := c(); err != nil {
			tb.Error(err)
		}
	}
	if trouble := r.core.Audit(); trouble != "" || r.tripped > 0 {
		tb.Errorf("%s; the firewall tripped %d times", trouble, r.tripped)
	}
}

// twap sends a buyer that came 55 minutes ago and has an hour.
func (r *socketRig) twap(qty market.Qty) {
	now := readClock() - slice55
	parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: qty, OrdType: market.OrdLimit, Price: bestAsk,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: now + 3600e9, SliceNanos: 3600e9}
	r.parentID++
	parent.ID, _ = event.MakeID(fmt.Sprint("P", r.parentID))
	r.announce(&parent)
	r.seq.Take(now, &parent)
}
