package itch

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// patience bounds every wait of these tests; none takes a fraction of it.
const patience = 20 * time.Second

// startVenue starts one lit venue that trades PNSK around 100.00 in the protocol
// of this package, on loopback.
func startVenue(t *testing.T) (*serve.Market, *serve.Server) {
	t.Helper()
	in := market.Instrument{Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, 1, "CLIENT")[:1]
	venues[0].SnapshotUser, venues[0].SnapshotPassword = "USER", "PASSWORD"
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: venues})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	v := m.Venues()[0]
	newClient(t, m, v, fromStart).untilLive() // the first messages are out: who comes now is late
	return m, v
}

// bookOrder is one order of a book built from events.
type bookOrder struct {
	side  market.Side
	price market.Price
	qty   market.Qty
}

// client is a feed on real sockets and the book that its events build, order by
// order in a map.
type client struct {
	t      *testing.T
	v      *serve.Server
	feed   *Feed
	poller *wire.Poller
	orders map[uint64]bookOrder
	state  event.BookState
	states []string
	events int
}

// newClient hears lines A and B of v from now on.
func newClient(t *testing.T, m *serve.Market, v *serve.Server, change ...func(*FeedConfig)) *client {
	t.Helper()
	c := &client{t: t, v: v, orders: map[uint64]bookOrder{}}
	cfg := FeedConfig{
		Config: Config{Midnight: func(int64) int64 { return m.Midnight() }, Sink: c.sink,
			Symbols: []Symbol{{Text: "PNSK", ID: 5, PriceDecimals: 4}}},
		Lines:   []LineConfig{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0"}},
		Request: v.RerequestAddr(),
		Snapshot: SnapshotConfig{Addr: v.SnapshotAddr(), User: "USER", Password: "PASSWORD",
			RetryNanos: 10e6, RetryMaxNanos: 50e6},
		// Long enough that this process being held up is not taken for a fault.
		GapNanos: 500e6, SilenceNanos: 10e9, RequestNanos: 20e6, RequestMessages: 64,
		GiveUpRequests: 4, HeldPackets: 4096, StallNanos: 10e9, ReadBuffer: 4 << 20,
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if c.feed, err = NewFeed(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.feed.Close() })
	if c.poller, err = wire.NewPoller(8); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.poller.Close() })
	for i := range cfg.Lines {
		if err := v.AddReceiverOn(i, c.feed.LocalAddr(i)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func fromStart(c *FeedConfig) { c.Snapshot, c.RecoverFromStart = SnapshotConfig{}, true }

// sink builds the book and demands that its state allows the event.
func (c *client) sink(e *event.Event) bool {
	c.events++
	o, known := c.orders[e.Ref]
	switch e.Kind {
	case event.MarketStatus, event.PriceBand, event.ShortRestriction:
		return true
	case event.BookClear:
		clear(c.orders)
		c.tell(event.BookSyncing, "CLEAR")
		return true
	case event.BookStatus:
		s := event.BookState(e.Code)
		c.tell(s, s.String())
		return true
	case event.OrderAdd:
		if known {
			c.t.Fatalf("order %d added twice", e.Ref)
		}
		o = bookOrder{e.Side, e.Price, e.Qty}
	case event.OrderExecuted, event.OrderReduced:
		o.qty -= e.Qty
	case event.OrderDeleted:
		o.qty = 0
	case event.OrderReplaced:
		if _, twice := c.orders[e.OrderRef]; twice {
			c.t.Fatalf("order %d added twice", e.OrderRef)
		}
		c.orders[e.OrderRef] = bookOrder{o.side, e.Price, e.Qty}
		o.qty = 0
	}
	if !known && e.Kind != event.OrderAdd || o.qty < 0 {
		c.t.Fatalf("%s of order %d, known %v, leaves %d; %v", e.Kind, e.Ref, known, o.qty, c.states)
	}
	c.orders[e.Ref] = o
	if o.qty == 0 {
		delete(c.orders, e.Ref)
	}
	return true
}

func (c *client) tell(s event.BookState, text string) {
	c.state = s
	c.states = append(c.states, text)
}

// until works the feed until done.
func (c *client) until(what string, done func() bool) {
	c.t.Helper()
	var fds []wire.PollFD
	for deadline := time.Now().Add(patience); !done(); {
		now := time.Now()
		if now.After(deadline) {
			c.t.Fatalf("no %s: %s, states %v, error %v\n%+v", what, c.feed.State(), c.states, c.feed.Err(), c.feed.Stats())
		}
		if c.feed.Work(now.UnixNano()) == 0 {
			fds = c.feed.PollFDs(fds[:0])
			if _, err := c.poller.Wait(fds, time.Millisecond); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

func (c *client) untilLive() {
	c.t.Helper()
	c.until("LIVE book", func() bool { return c.state == event.BookLive })
}

// more waits for n more events.
func (c *client) more(n int) {
	c.t.Helper()
	n += c.events
	c.until("more events", func() bool { return c.events >= n })
}

func (c *client) levels(side market.Side) (levels []sim.Level) {
	sum := map[market.Price]market.Qty{}
	for _, o := range c.orders {
		if o.side == side {
			sum[o.price] += o.qty
		}
	}
	for p, q := range sum {
		levels = append(levels, sim.Level{Price: p, Qty: q})
	}
	slices.SortFunc(levels, func(a, b sim.Level) int { return int(side.Sign()) * int(b.Price-a.Price) })
	return levels
}

// compare halts the venue, compares its book with the client's, level by level,
// and lets it trade again.
func (c *client) compare() {
	c.t.Helper()
	c.v.Halt(true)
	c.until("halt", func() bool { return c.state == event.BookHalted && c.feed.State() == InOrder })
	for _, side := range []market.Side{market.Buy, market.Sell} {
		if got, want := c.levels(side), c.v.Depth(side, 1000); !slices.Equal(got, want) || len(got) == 0 {
			c.t.Errorf("%v: client %v, venue %v", side, got, want)
		}
	}
	c.v.Halt(false)
	c.untilLive()
}

func (c *client) faults(line int, f serve.LineFaults) {
	c.t.Helper()
	if err := c.v.SetLineFaults(line, f); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) wantStates(want ...string) {
	c.t.Helper()
	if !slices.Equal(c.states, want) {
		c.t.Errorf("states %v, want %v", c.states, want)
	}
	c.states = c.states[:0]
}

func TestLateStartBySnapshot(t *testing.T) {
	m, v := startVenue(t)
	first := newClient(t, m, v, fromStart)
	first.untilLive()
	first.more(300)
	late := newClient(t, m, v)
	late.untilLive()
	late.wantStates("CLEAR", "LIVE")
	s := late.feed.Stats()
	if s.Snapshot.Taken != 1 || s.Receiver.Requests != 0 || s.Decoder.Unknown != 0 || s.Snapshot.Rejected != 0 {
		t.Errorf("%+v", s)
	}
	late.compare()
	v.Halt(true)
	for _, c := range []*client{first, late} {
		c.until("halt", func() bool { return c.state == event.BookHalted && c.feed.State() == InOrder })
	}
	if !maps.Equal(first.orders, late.orders) || len(late.orders) == 0 {
		t.Errorf("who heard everything has %d orders, who came late %d", len(first.orders), len(late.orders))
	}
	if all := first.feed.Stats().Decoder.Messages; late.feed.Stats().Decoder.Messages >= all {
		t.Errorf("the snapshot saved nothing of %d messages", all)
	}
}

func TestLossOnOneLineIsFilledByTheOther(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v)
	c.untilLive()
	c.faults(0, serve.LineFaults{Seed: 3, LoseBps: 2000})
	c.until("filled gaps", func() bool { return c.feed.Stats().Receiver.Filled >= 20 })
	c.compare()
	s := c.feed.Stats().Receiver
	if s.Requests != 0 || s.Requested != 0 || s.Lost != 0 {
		t.Errorf("%d requests: %+v", s.Requests, s)
	}
	if a, b := s.Lines[0], s.Lines[1]; a.Lost == 0 || b.Lost != 0 || b.Filled < 20 || a.Ahead == 0 || b.Ahead == 0 {
		t.Errorf("A %+v B %+v", a, b)
	}
	c.wantStates("CLEAR", "LIVE", "HALTED", "LIVE")
}

func TestLossOnBothLinesIsRequested(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v, func(c *FeedConfig) {
		c.GapNanos, c.GiveUpRequests = 1e6, 1000 // a late answer is waited for
	})
	c.untilLive()
	c.states = c.states[:0]
	if err := v.LosePackets(3); err != nil {
		t.Fatal(err)
	}
	c.until("a gap", func() bool { return c.feed.Stats().Receiver.Requested > 0 })
	c.untilLive()
	if s := c.feed.Stats(); s.Receiver.Requests == 0 || s.Receiver.Answers == 0 || s.Snapshot.Taken != 1 {
		t.Errorf("%+v", s)
	}
	c.wantStates("STALE", "LIVE")
	c.compare()
}

func TestDisorderAndRepetitionChangeNothing(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v)
	c.untilLive()
	for line := range 2 {
		c.faults(line, serve.LineFaults{Seed: 8, RepeatBps: 3000, SwapBps: 3000, DelayNanos: int64(line) * 3e6})
	}
	c.until("disorder", func() bool { return c.feed.Stats().Receiver.Lines[0].Late >= 50 })
	c.compare()
	s := c.feed.Stats().Receiver
	if s.Requests != 0 || s.Duplicates == 0 || s.Lines[1].Late == 0 {
		t.Errorf("%+v", s)
	}
	c.wantStates("CLEAR", "LIVE", "HALTED", "LIVE")
}

func TestDeadLineIsCountedAndNothingIsStale(t *testing.T) {
	t.Parallel()
	m, v := startVenue(t)
	c := newClient(t, m, v, func(c *FeedConfig) { c.SilenceNanos, c.GapNanos = 2e9, 1e6 })
	c.untilLive()
	c.faults(1, serve.LineFaults{Seed: 1, LoseBps: 10_000})
	c.until("silence of line B", func() bool { return c.feed.Stats().Receiver.Lines[1].Silent })
	c.wantStates("CLEAR", "LIVE")
	c.faults(1, serve.LineFaults{})
	c.until("line B again", func() bool { return !c.feed.Stats().Receiver.Lines[1].Silent })
	if s := c.feed.Stats().Receiver.Lines; s[1].Silences != 1 || s[0].Silences != 0 {
		t.Errorf("%+v", s)
	}
}

func TestDeadRequestServerLeadsToASnapshot(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v, func(c *FeedConfig) { c.GapNanos = 1e6 })
	c.untilLive()
	c.states = c.states[:0]
	if err := v.MuteRerequests(true); err != nil {
		t.Fatal(err)
	}
	if err := v.LosePackets(3); err != nil {
		t.Fatal(err)
	}
	c.until("snapshot", func() bool { return c.feed.Stats().Snapshot.Taken == 2 })
	c.untilLive()
	c.wantStates("STALE", "CLEAR", "LIVE")
	if s := c.feed.Stats(); s.Receiver.Lost != 1 || s.Receiver.Requests < 4 || s.Restarts != 1 {
		t.Errorf("%+v", s)
	}
	c.compare()
}

func TestWithoutRequestServerEveryLossIsASnapshot(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v, func(c *FeedConfig) { c.GapNanos, c.Request = 1e6, "" })
	c.untilLive()
	if err := v.LosePackets(3); err != nil {
		t.Fatal(err)
	}
	c.until("snapshot", func() bool { return c.feed.Stats().Snapshot.Taken == 2 })
	c.untilLive()
	c.compare()
}

func TestContradictedBookTakesASnapshot(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v)
	c.untilLive()
	c.states = c.states[:0]
	c.feed.Resync(time.Now().UnixNano(), 5)
	c.feed.Resync(time.Now().UnixNano(), 5) // one at a time
	c.untilLive()
	c.wantStates("STALE", "CLEAR", "LIVE")
	if s := c.feed.Stats(); s.Snapshot.Taken != 2 || s.Restarts != 1 {
		t.Errorf("%+v", s)
	}
	c.compare()
}

// A message that cannot be true takes its book out of use; the re-request server
// would only repeat it, so the books come from a snapshot.
func TestBadMessageIsRepairedByASnapshot(t *testing.T) {
	m, v := startVenue(t)
	c := newClient(t, m, v)
	c.untilLive()
	c.states = c.states[:0]
	if err := v.CorruptNextOrder(); err != nil {
		t.Fatal(err)
	}
	c.until("bad message", func() bool { return c.state == event.BookStale })
	c.until("repair", func() bool { return c.feed.Stats().Repairs == 1 })
	c.untilLive()
	c.wantStates("STALE", "CLEAR", "LIVE")
	if s := c.feed.Stats(); s.Decoder.Absurd != 1 || s.Snapshot.Taken != 2 {
		t.Errorf("%+v", s)
	}
	c.compare()
}

// Each fault of the snapshot server is met, the books stay SYNCING, and they are
// LIVE once the server is well.
func TestSnapshotServersFaults(t *testing.T) {
	m, v := startVenue(t)
	for name, row := range map[string]struct {
		faults serve.SnapshotFaults
		met    func(s FeedStats) bool
	}{
		"half open": {serve.SnapshotFaults{Silent: true},
			func(s FeedStats) bool { return s.Snapshot.Login.Silences >= 2 }},
		"login rejected": {serve.SnapshotFaults{Reject: 'A'},
			func(s FeedStats) bool { return s.Snapshot.Login.Rejected >= 2 }},
		"broken off": {serve.SnapshotFaults{DropAfter: 7},
			func(s FeedStats) bool { return s.Snapshot.Begun >= 3 && s.Snapshot.Lost >= 2 }},
		"slower than the stream": {serve.SnapshotFaults{Batch: 1, GapNanos: 20e6},
			func(s FeedStats) bool { return s.Receiver.Overruns >= 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			if err := v.SetSnapshotFaults(row.faults); err != nil {
				t.Fatal(err)
			}
			c := newClient(t, m, v, func(c *FeedConfig) {
				c.Snapshot.LoginNanos, c.HeldPackets = 100e6, 64
			})
			c.until("fault", func() bool { return row.met(c.feed.Stats()) })
			if slices.Contains(c.states, "LIVE") || c.feed.Err() == nil && row.faults.Batch == 0 && c.feed.snapshot.client.Err() == nil {
				t.Errorf("states %v, error %v", c.states, c.feed.Err())
			}
			if err := v.SetSnapshotFaults(serve.SnapshotFaults{}); err != nil {
				t.Fatal(err)
			}
			c.untilLive()
			c.compare()
		})
	}
}

func TestSlowSnapshotMeetsTheStream(t *testing.T) {
	m, v := startVenue(t)
	if err := v.SetSnapshotFaults(serve.SnapshotFaults{Batch: 10, GapNanos: 5e6}); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, m, v)
	c.untilLive()
	if s := c.feed.Stats(); s.Snapshot.Taken != 1 || s.Receiver.Overruns != 0 || s.Receiver.Requests != 0 {
		t.Errorf("%+v", s)
	}
	c.compare()
}

func TestNewSessionOnTheSockets(t *testing.T) {
	for name, change := range map[string]func(*FeedConfig){"snapshot": func(*FeedConfig) {}, "from the start": fromStart} {
		t.Run(name, func(t *testing.T) {
			m, v := startVenue(t)
			c := newClient(t, m, v, change)
			c.untilLive()
			c.states = c.states[:0]
			if err := v.StartSession(); err != nil {
				t.Fatal(err)
			}
			c.until("new session", func() bool { return c.feed.Stats().Receiver.Sessions == 2 })
			c.untilLive()
			c.wantStates("CLEAR", "LIVE")
			c.compare()
			c.states = c.states[:0]
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			c.until("end", func() bool { return c.feed.State() == Ended })
			c.wantStates("HALTED")
		})
	}
}

// TestFeedSoak changes the faults of everything at random again and again. The
// book equals the venue's whenever it says LIVE or HALTED with nothing missing.
func TestFeedSoak(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 77))
			m, v := startVenue(t)
			c := newClient(t, m, v, func(c *FeedConfig) {
				c.GapNanos, c.RequestNanos, c.HeldPackets = 2e6, 5e6, 256
				c.Snapshot.LoginNanos = 100e6
			})
			for round := range 6 {
				for line := range 2 {
					c.faults(line, serve.LineFaults{Seed: r.Uint64(), LoseBps: r.IntN(3000), RepeatBps: r.IntN(3000),
						SwapBps: r.IntN(3000), DelayNanos: int64(r.IntN(4)) * 1e6})
				}
				v.MuteRerequests(r.IntN(2) == 0)
				v.SetSnapshotFaults(serve.SnapshotFaults{DropAfter: r.IntN(2) * 40, Batch: 1 + r.IntN(100), GapNanos: 1e6})
				if r.IntN(3) == 0 {
					v.StartSession()
				}
				if r.IntN(3) == 0 {
					c.feed.Resync(time.Now().UnixNano(), 5)
				}
				c.more(200 + r.IntN(400))
				v.SetSnapshotFaults(serve.SnapshotFaults{})
				if round%2 == 0 {
					c.compare() // with the lines as they are
				}
			}
			for line := range 2 {
				c.faults(line, serve.LineFaults{})
			}
			c.compare()
			s := c.feed.Stats()
			t.Logf("gaps %d: %d filled, %d requested, %d lost; snapshots %d begun, %d taken; states %d",
				s.Receiver.Gaps, s.Receiver.Filled, s.Receiver.Requested, s.Receiver.Lost,
				s.Snapshot.Begun, s.Snapshot.Taken, len(c.states))
		})
	}
}
