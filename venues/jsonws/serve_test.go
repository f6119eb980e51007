package jsonws

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// mirror is a book made of the events of a feed.
type mirror struct {
	sides  [2]map[market.Price]market.Qty // by Side.Index
	state  event.BookState
	whole  bool  // the last event ended a message
	stales int   // times it became STALE
	lives  int   // times it became LIVE
	source int64 // SrcTime of the last change
}

func (b *mirror) sink(e *event.Event) bool {
	b.whole = e.Flags&event.More == 0
	switch e.Kind {
	case event.BookClear:
		b.sides = [2]map[market.Price]market.Qty{{}, {}}
		b.state = event.BookSyncing
	case event.BookLevel:
		b.source = e.SrcTime
		if e.Qty == 0 {
			delete(b.sides[e.Side.Index()], e.Price)
		} else {
			b.sides[e.Side.Index()][e.Price] = e.Qty
		}
	case event.BookStatus:
		b.state = event.BookState(e.Code)
		switch b.state {
		case event.BookStale:
			b.stales++
		case event.BookLive:
			b.lives++
		}
	}
	return true
}

func (b *mirror) live() bool { return b.whole && b.state == event.BookLive }

// best returns the best price of a side.
func (b *mirror) best(side market.Side) (best market.Price) {
	for p := range b.sides[side.Index()] {
		if best == 0 || (p > best) == (side == market.Buy) {
			best = p
		}
	}
	return best
}

// served runs a feed against a venue of a simulated market, both in real time.
type served struct {
	mirror
	t      *testing.T
	market *serve.Market
	venue  *serve.Server
	feed   *Feed
	poller *wire.Poller
	depth  int
	ticks  int           // tickers compared with the book
	fetch  time.Duration // how long a snapshot may take
}

const (
	servedSilence = 900 * time.Millisecond
	servedFetch   = 800 * time.Millisecond
	// patientFetch lets a slow snapshot, of half a second, come on a busy machine, too.
	patientFetch = 3 * time.Second
)

// newServed starts both. secure puts the venue behind TLS.
func newServed(t *testing.T, kind serve.Feed, secure bool, fetch time.Duration) *served {
	in := market.Instrument{Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	const free = "127.0.0.1:0"
	cfg := serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: []serve.Venue{{
		Name: "V", MIC: "XVEN", Feed: kind, Clients: []string{"C"}, OrderAddr: free, FeedAddr: free,
		HTTPAddr: free, LatencyNanos: 200e3, TLS: secure}}}
	m, err := serve.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	s := &served{t: t, market: m, venue: m.Venue("V"), depth: 1 << 30, fetch: fetch}
	c := Config{Sink: s.sink, StallNanos: DefaultStallNanos, Symbols: []Symbol{{Text: "PNSK", ID: 3,
		PriceDecimals: 4, PricePrecision: 4}}}
	f := FeedConfig{Addr: s.venue.FeedAddr(), Path: "/v2", MaxMessage: 1 << 20,
		ConnectNanos: 500e6, ConfirmNanos: 2e9, SilenceNanos: int64(servedSilence), RetryNanos: 20e6,
		RetryMaxNanos: 100e6, SnapshotNanos: 100e6, SnapshotBase: s.venue.SnapshotBase(),
		FetchNanos: int64(fetch), Seed: 1}
	if secure {
		f.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		f.TLS.RootCAs.AppendCertsFromPEM(m.Certificate())
		f.SnapshotTLS = f.TLS
	}
	var d Decoder
	switch kind {
	case serve.Kraken:
		s.depth = 10
		d, err = NewKraken(c, s.depth)
	case serve.Coinbase:
		d, err = NewCoinbase(c, true)
	case serve.Binance:
		f.Path, f.ControlNanos = "/stream", 250e6
		var b *Binance
		b, err = NewBinance(BinanceConfig{Config: c, Buffered: DefaultBuffered,
			OnTicker: func(_ int64, _ market.InstrumentID, k *Ticker) { s.compare(b, k) }})
		d = b
	}
	if err == nil {
		s.feed, err = NewFeed(f, d)
	}
	if err == nil {
		s.poller, err = wire.NewPoller(2)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.feed.Close(); s.poller.Close() })
	return s
}

// TestMain lets the tests against venues, which mostly wait, run side by side.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8")
	os.Exit(m.Run())
}

// compare checks a LIVE book with a ticker of the same number.
func (s *served) compare(b *Binance, k *Ticker) {
	if !s.live() || b.UpdateID("PNSK") != k.UpdateID {
		return
	}
	s.ticks++
	bid, ask := s.best(market.Buy), s.best(market.Sell)
	if bid != k.Bid || ask != k.Ask || s.sides[0][bid] != k.BidQty || s.sides[1][ask] != k.AskQty {
		s.t.Errorf("update %d: LIVE and wrong: %d/%d, the venue says %+v", k.UpdateID, bid, ask, k)
	}
}

// work drives the feed until cond holds or the time is over, and reports which. Of the time for which
// this process stood still little counts: nothing came in it.
func (s *served) work(d time.Duration, cond func() bool) bool {
	for last := time.Now(); ; {
		if cond() {
			return true
		}
		if d <= 0 {
			return false
		}
		if s.feed.Work(time.Now().UnixNano()) == 0 {
			s.poller.Wait(s.feed.PollFDs(nil), 5*time.Millisecond)
		}
		now := time.Now()
		d -= min(now.Sub(last), 20*time.Millisecond)
		last = now
	}
}

func (s *served) until(what string, cond func() bool) {
	s.t.Helper()
	if !s.work(20*time.Second, cond) {
		s.t.Fatalf("not reached: %s: feed %s, book %v, %v, %+v", what, s.feed.State(), s.state,
			s.feed.Err(), s.feed.Stats())
	}
}

// later waits for a change that the venue sends from now on, while the book is LIVE.
func (s *served) later() {
	s.t.Helper()
	from := time.Now().UnixNano()
	s.until("a later change", func() bool { return !s.live() || s.source > from })
}

// equal reports whether the book is the venue's.
func (s *served) equal() bool {
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		levels := s.venue.Depth(side, s.depth)
		if len(levels) != len(s.sides[i]) {
			return false
		}
		for _, l := range levels {
			if s.sides[i][l.Price] != l.Qty {
				return false
			}
		}
	}
	return true
}

// settle stops the flow and lets what is under way arrive: a book that is LIVE
// must become the venue's before it is LIVE no more. The flow goes on until there
// is such a book.
func (s *served) settle() {
	s.t.Helper()
	never := func() bool { return false }
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		s.until("LIVE", s.live)
		s.work(110*time.Millisecond, never) // tickers are compared meanwhile
		s.later()                           // what follows a lost message shows the loss
		s.market.Rest(true)
		s.work(110*time.Millisecond, never) // the batches of Binance are the slowest
		was := s.live()
		ok := s.work(servedSilence/2, func() bool { return !s.live() || s.equal() })
		is := s.live()
		s.market.Rest(false)
		if was && !(ok && is) {
			s.t.Fatalf("LIVE and wrong: %v, %+v", s.feed.Err(), s.feed.Stats())
		}
		if is {
			return
		}
	}
	s.t.Fatal("never LIVE and at rest")
}

// servedFault is something that goes wrong, and what has to follow.
type servedFault struct {
	name  string
	do    func(s *served)
	undo  func(s *served) // once the book is STALE
	stale bool            // it must be noticed
	kinds []serve.Feed    // nil: all
}

func disturb(faults ...serve.MessageFault) func(*served) {
	return func(s *served) { s.venue.Disturb(faults...) }
}

// spoil makes the next snapshots wrong, and one necessary.
func spoil(faults ...serve.SnapshotFault) func(*served) {
	return func(s *served) {
		s.venue.SpoilSnapshots(faults...)
		s.work(250*time.Millisecond, func() bool { return false }) // some updates
		s.later()
		s.venue.DropConnections()
	}
}

var numbered = []serve.Feed{serve.Kraken, serve.Binance} // losses show in what follows

var feedFaults = []servedFault{
	{name: "close without a close frame", do: func(s *served) { s.venue.DropConnections() }, stale: true},
	{name: "half open", do: func(s *served) { s.venue.PauseWrites(true) }, stale: true},
	{name: "host hangs", stale: true, do: func(s *served) { s.venue.Mute(true); s.venue.DropConnections() },
		undo: func(s *served) {
			s.until("an attempt", func() bool {
				return errors.Is(s.feed.Err(), ErrConnectTimeout) || errors.Is(s.feed.Err(), wire.ErrHandshakeTimeout)
			})
			s.venue.Mute(false)
		}},
	{name: "slow server", do: func(s *served) { s.venue.Trickle(20) }, stale: true,
		undo: func(s *served) { s.venue.Trickle(0) }},
	{name: "corrupt frame", do: disturb(serve.CorruptFrame), stale: true},
	{name: "cut text", do: disturb(serve.CutText), stale: true},
	{name: "loss", do: disturb(serve.DropMessage, serve.DropMessage, serve.DropMessage), stale: true, kinds: numbered},
	{name: "duplicate", do: disturb(serve.DuplicateMessage, serve.DuplicateMessage)},
	{name: "order", do: disturb(serve.SwapMessages), kinds: numbered},
	{name: "checksum", do: func(s *served) { s.venue.CorruptNextChecksum() }, stale: true, kinds: []serve.Feed{serve.Kraken}},
}

var snapshotFaults = []servedFault{
	{name: "429", do: spoil(serve.SnapshotTooMany), stale: true},
	{name: "500", do: spoil(serve.SnapshotBroken, serve.SnapshotBroken), stale: true},
	{name: "stall", do: spoil(serve.SnapshotStall), stale: true},
	{name: "cut snapshot", do: spoil(serve.SnapshotCut), stale: true},
	{name: "slow snapshot", do: spoil(serve.SnapshotSlow), stale: true},
	{name: "old snapshot", do: spoil(serve.SnapshotOld), stale: true},
}

func (x *servedFault) concerns(kind serve.Feed) bool {
	if x.kinds == nil {
		return true
	}
	for _, k := range x.kinds {
		if k == kind {
			return true
		}
	}
	return false
}

var servedKinds = []struct {
	name   string
	kind   serve.Feed
	secure bool
	part   []servedFault
}{
	{"binance", serve.Binance, false, feedFaults}, {"kraken", serve.Kraken, false, feedFaults},
	{"coinbase wss", serve.Coinbase, true, feedFaults}, {"binance snapshots wss", serve.Binance, true, snapshotFaults},
}

// TestFeedRecoversFromFaults: whatever happens to a feed, its book is STALE or
// right, and in the end LIVE and right.
func TestFeedRecoversFromFaults(t *testing.T) {
	for _, k := range servedKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := newServed(t, k.kind, k.secure, patientFetch)
			s.settle()
			for _, x := range k.part {
				if !x.concerns(k.kind) {
					continue
				}
				start, before := time.Now(), s.feed.Stats()
				stales := s.stales
				x.do(s)
				if x.stale {
					s.until(x.name+": STALE", func() bool { return s.stales > stales })
				}
				if x.undo != nil {
					x.undo(s)
				}
				s.until(x.name+": happened", func() bool { return s.venue.Disturbing() == 0 })
				s.settle()
				after := s.feed.Stats()
				t.Logf("%-28s %4d ms, %d disconnects, %d resyncs, %d fetch errors", x.name,
					time.Since(start).Milliseconds(), after.Disconnects-before.Disconnects,
					after.Resyncs-before.Resyncs, after.FetchErrors-before.FetchErrors)
				s.expected(x.name, time.Since(start), &before, &after)
			}
			if k.kind == serve.Binance && s.ticks < 20 {
				t.Errorf("only %d tickers compared", s.ticks)
			}
		})
	}
}

// expected checks what only some faults do.
func (s *served) expected(name string, took time.Duration, before, after *FeedStats) {
	s.t.Helper()
	ok := true
	switch name {
	case "429": // Retry-After: 1
		ok = after.FetchErrors == before.FetchErrors+1 && took > time.Second
	case "500":
		ok = after.FetchErrors == before.FetchErrors+2
	case "stall":
		ok = after.FetchErrors == before.FetchErrors+1 && took > s.fetch
	case "old snapshot":
		ok = after.Gaps > before.Gaps && after.Fetches > before.Fetches+1
	case "slow snapshot": // updates were held meanwhile
		ok = after.FetchErrors == before.FetchErrors && after.Early > before.Early+3
	case "duplicate":
		ok = after.Gaps == before.Gaps && after.ChecksumBad == before.ChecksumBad
	}
	if !ok {
		s.t.Errorf("%s: after %v\n%+v\nbefore\n%+v", name, took, *after, *before)
	}
}

// TestFeedSoak lets random faults happen, several at a time, for a few seconds.
func TestFeedSoak(t *testing.T) {
	for i, k := range servedKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := newServed(t, k.kind, !k.secure, servedFetch)
			r := rand.New(rand.NewPCG(7, uint64(i)))
			s.settle()
			for range 3 {
				for range 6 {
					x := k.part[r.IntN(len(k.part))]
					wait := time.Duration(r.IntN(150)) * time.Millisecond
					if !x.concerns(k.kind) || x.name == "429" { // its second adds up
						continue
					}
					switch x.undo {
					case nil:
						if s.work(300*time.Millisecond, s.live) {
							x.do(s)
						}
					default:
						s.venue.Trickle(50 << r.IntN(12))
					}
					s.work(wait, func() bool { return false })
				}
				s.venue.Undisturb()
				s.venue.Trickle(0)
				s.venue.PauseWrites(false)
				s.settle()
			}
			t.Logf("%d STALE, %d LIVE, %d tickers compared, %+v", s.stales, s.lives, s.ticks, s.feed.Stats())
			if s.stales < 2 || s.lives <= s.stales/2 {
				t.Error("too little happened")
			}
		})
	}
}
