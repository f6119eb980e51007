package fixmd

import (
	"errors"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// patience bounds every wait; none takes a fraction of it.
const patience = 20 * time.Second

// feedTest is a Feed against a simulated venue on loopback.
type feedTest struct {
	*collect
	t      *testing.T
	feed   *Feed
	market *serve.Market
	venue  *serve.Server
	poller *wire.Poller
	shift  int64 // ns by which our clock is ahead
}

func newFeedTest(t *testing.T, change ...func(*FeedConfig)) *feedTest {
	t.Helper()
	in := market.Instrument{Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, 1, "SOR")
	venues[1].Feed, venues[1].Name = serve.FIX, "LITF"
	venues[5].Clients = append(venues[5].Clients, "SOR-PX")
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: venues})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	f := &feedTest{collect: newCollect(t), t: t, market: m, venue: m.Venue("LITF")}
	if f.poller, err = wire.NewPoller(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.poller.Close() })
	dl, _ := DialectByName("generic44")
	c := FeedConfig{
		Config: Config{Dialect: dl, Venue: 2, Sink: f.sink, StallNanos: second,
			Symbols: []Symbol{{ID: 0, Text: "PNSK", PriceDecimals: 4}}},
		Addr: f.venue.FeedAddr(), SenderCompID: "SOR", TargetCompID: "LITF", HeartBtIntSecs: 1,
		ConnectNanos: 5 * second, SilenceNanos: 3 * second, SnapshotNanos: second / 20,
		RetryNanos: second / 100, RetryMaxNanos: second / 10, Seed: 7,
	}
	for _, f := range change {
		f(&c)
	}
	if f.feed, err = NewFeed(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.feed.Close() })
	return f
}

func (f *feedTest) now() int64 { return time.Now().UnixNano() + f.shift }

// until works the feed until done.
func (f *feedTest) until(what string, done func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not in time; %s, %v, %+v", what, f.feed.State(), f.feed.Err(), f.feed.Stats())
		}
		if f.feed.Work(f.now()) == 0 {
			f.poller.Wait(f.feed.PollFDs(nil), 10*time.Millisecond)
		}
	}
}

func (f *feedTest) live() {
	f.t.Helper()
	f.until("live", func() bool { return f.book(0).state == event.BookLive })
}

// check stops trading and compares the book with the venue's.
func (f *feedTest) check() {
	f.t.Helper()
	f.live()
	f.venue.Halt(true)
	f.until("halt", func() bool { return f.book(0).state == event.BookHalted })
	for i, side := range []market.Side{market.Buy, market.Sell} {
		want := f.venue.Depth(side, 1<<20)
		got := f.book(0).levels[i]
		if len(got) != len(want) || len(want) == 0 {
			f.t.Errorf("%v: %d levels, the venue has %d", side, len(got), len(want))
		}
		for _, l := range want {
			if got[l.Price] != l.Qty {
				f.t.Errorf("%v %d: %d, the venue has %d", side, l.Price, got[l.Price], l.Qty)
			}
		}
	}
	f.venue.Halt(false)
	f.until("resume", func() bool { return f.book(0).state == event.BookLive })
}

// staleSince waits for STALE among the events behind n, and returns its reason.
func (f *feedTest) staleSince(n int) (reason event.Reason) {
	f.t.Helper()
	f.until("stale", func() bool {
		for _, e := range f.events[min(n, len(f.events)):] {
			if e.Kind == event.BookStatus && e.Code == uint8(event.BookStale) {
				reason = e.Reason
				return true
			}
		}
		return false
	})
	return reason
}

// patient never asks again because an answer is late, and moving our clock on by minutes ends no session.
func patient(c *FeedConfig) {
	c.SnapshotNanos, c.HeartBtIntSecs, c.SilenceNanos = 5*second, 600, 900*second
}

func TestFeedHasTheVenuesBook(t *testing.T) {
	f := newFeedTest(t, patient)
	f.check()
	f.until("trades", func() bool { return f.feed.Stats().Trades > 5 })
	f.check()
	for _, e := range f.events[:2] {
		if e.Kind == event.BookStatus && e.Code == uint8(event.BookStale) {
			t.Errorf("a new book is STALE: %+v", e)
		}
	}
	s := f.feed.Stats()
	if f.feed.State() != FeedRunning || s.Malformed+s.Absurd+s.Gaps+s.Disconnects+s.Resyncs != 0 || s.Snapshots != 1 {
		t.Errorf("%s %v %+v", f.feed.State(), f.feed.Err(), s)
	}
}

func TestFeedSurvivesFaults(t *testing.T) {
	f := newFeedTest(t)
	f.check()
	for _, tt := range []struct {
		name   string
		fault  func() error
		reason event.Reason
		stats  func(s, was FeedStats) bool
	}{
		{"connection drops", func() error { f.venue.DropConnections(); return nil }, event.ReasonDisconnect,
			func(s, was FeedStats) bool { return s.Disconnects > was.Disconnects }},
		{"message is lost", func() error { return f.venue.LosePrices(1) }, event.ReasonGap,
			func(s, was FeedStats) bool { return s.Session.Gaps == was.Session.Gaps+1 && s.Gaps == was.Gaps+1 }},
		{"RptSeq is left out", func() error { return f.venue.SkipRptSeq(1) }, event.ReasonGap,
			func(s, was FeedStats) bool { return s.Gaps == was.Gaps+1 && s.Session.Gaps == was.Session.Gaps }},
		{"message comes twice", func() error { return f.venue.RepeatPrices(3) }, event.ReasonNone,
			func(s, was FeedStats) bool { return s.Session.Duplicates >= was.Session.Duplicates+3 }},
		{"the core contradicts", func() error { f.feed.Resync(f.now(), 0); return nil }, event.ReasonAbsurd,
			func(s, was FeedStats) bool { return s.Resyncs == was.Resyncs+1 }},
		{"venue falls silent", func() error { f.venue.PauseWrites(true); return nil }, event.ReasonStale,
			func(s, was FeedStats) bool { return s.Disconnects == was.Disconnects+1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, was := len(f.events), f.feed.Stats()
			if err := tt.fault(); err != nil {
				t.Fatal(err)
			}
			if tt.reason == event.ReasonStale {
				f.until("nothing more", func() bool { return f.feed.Work(f.now()) == 0 })
				f.shift += 4 * second
			}
			if tt.reason != event.ReasonNone {
				if got := f.staleSince(n); got != tt.reason {
					t.Errorf("stale because of %s, want %s", got, tt.reason)
				}
			}
			f.until("counted", func() bool { return tt.stats(f.feed.Stats(), was) })
			f.check()
		})
	}
	if s := f.feed.Stats(); s.Malformed+s.Absurd+s.Unknown+s.Refused != 0 {
		t.Errorf("%v %+v", f.feed.Err(), s)
	}
}

func TestRefusedSubscriptionIsTriedAgain(t *testing.T) {
	f := newFeedTest(t, patient)
	if err := f.venue.RefusePrices(3); err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 3; n++ {
		f.until("refusal", func() bool { return f.feed.Stats().Refused == n })
		f.shift += f.feed.cfg.SnapshotNanos << n // the pause, which doubles
	}
	f.check()
	if s := f.feed.Stats(); s.Refused != 3 || s.Requests != 4 || !errors.Is(f.feed.Err(), ErrRefused) {
		t.Errorf("%v %+v", f.feed.Err(), s)
	}
	f = newFeedTest(t, func(c *FeedConfig) { c.Symbols[0].Text = "NOBODY" })
	f.until("refusals", func() bool { return f.feed.Stats().Refused >= 2 })
	if f.feed.State() != FeedSubscribing || len(f.events) != 0 {
		t.Errorf("%s, %+v", f.feed.State(), f.events)
	}
}

func TestSubscribedDepthIsAllThereIs(t *testing.T) {
	f := newFeedTest(t, func(c *FeedConfig) { c.Depth = 3 })
	f.until("changes", func() bool { return f.feed.Stats().Trades > 3 && f.book(0).state == event.BookLive })
	if b := f.book(0); !b.more && (len(b.levels[0]) > 3 || len(b.levels[1]) > 3) {
		t.Errorf("%s", b)
	}
}

// A dealer's price session: quotes are asked for and come on a session without
// orders.
func TestFeedOfQuotes(t *testing.T) {
	f := newFeedTest(t)
	sdp := f.market.Venue("SDP1")
	q := newFeedTest(t, func(c *FeedConfig) {
		dl, _ := DialectByName("quotes")
		c.Dialect, c.Addr, c.TargetCompID, c.SenderCompID = dl, sdp.OrderAddr(), "SDP1", "SOR-PX"
	})
	q.until("quotes", func() bool { return q.feed.Stats().Quotes > 5 })
	n := len(q.events)
	sdp.DropConnections()
	if got := q.staleSince(n); got != event.ReasonDisconnect {
		t.Errorf("stale because of %s", got)
	}
	n = len(q.events)
	q.until("quotes again", func() bool { return len(q.events) > n && q.book(0).state == event.BookLive })
	if e := q.events[len(q.events)-1]; e.Kind != event.Quote || e.Price <= 0 || e.LastPx < e.Price || e.ID.Len() == 0 {
		t.Errorf("%+v", e)
	}
}

// Seeded faults, one after another without waiting; at the end the books agree.
func TestFeedSoak(t *testing.T) {
	f := newFeedTest(t)
	f.live()
	seed := uint64(20261120)
	draw := func(n uint64) uint64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return (seed >> 33) % n
	}
	for range 40 {
		switch draw(6) {
		case 0:
			f.venue.DropConnections()
		case 1:
			f.venue.LosePrices(int(draw(3)) + 1)
		case 2:
			f.venue.SkipRptSeq(1)
		case 3:
			f.venue.RepeatPrices(int(draw(4)) + 1)
		case 4:
			f.feed.Resync(f.now(), 0)
		case 5:
			f.venue.RefusePrices(1)
		}
		until := f.feed.Stats().Events + draw(40)
		f.until("events", func() bool { return f.feed.Stats().Events >= until })
	}
	f.until("faults over", func() bool { return f.book(0).state == event.BookLive })
	f.check()
	if s := f.feed.Stats(); s.Malformed+s.Absurd+s.Unknown != 0 || s.Snapshots < 5 {
		t.Errorf("%v %+v", f.feed.Err(), s)
	}
}

func TestFeedConfigSaysWhatIsWrong(t *testing.T) {
	f := newFeedTest(t)
	for name, change := range map[string]func(*FeedConfig){
		"silence":  func(c *FeedConfig) { c.SilenceNanos = second },
		"times":    func(c *FeedConfig) { c.RetryMaxNanos = 1 },
		"address":  func(c *FeedConfig) { c.Addr = "nowhere" },
		"no books": func(c *FeedConfig) { c.Dialect, _ = DialectByName("jse") },
		"CompID":   func(c *FeedConfig) { c.SenderCompID = "" },
		"frame":    func(c *FeedConfig) { c.MaxFrame = fix.MaxFrameLimit + 1 },
	} {
		c := f.feed.cfg
		change(&c)
		if _, err := NewFeed(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
