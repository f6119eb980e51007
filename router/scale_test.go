package router

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/hist"
	"penstock/market"
	"penstock/router/risk"
)

// BenchmarkTickAmongLiveParents is the cost of an event that moves the touch of one instrument
// with four live parents, alone and among 4,096 parents on 1,000 instruments: it should depend
// on the parents of the instrument alone. "same" moves one instrument of them again and again,
// "all" one after the other, whose memory no cache holds.
func BenchmarkTickAmongLiveParents(b *testing.B) {
	for _, c := range []struct {
		name                        string
		parents, instruments, moved int
	}{{"parents=4/instruments=1", 4, 1, 1}, {"parents=4096/instruments=1000/same", 4096, 1000, 1}, {"parents=4096/instruments=1000/all", 4096, 1000, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			core, now := scaleCore(b, c.parents, c.instruments)
			out, seq, n := core.OutputFor(), core.Seq(), 0
			e := event.Event{Kind: event.BookLevel, Side: market.Buy}
			b.ReportAllocs()
			for b.Loop() {
				seq++
				now += 1000
				e.Seq, e.StepTime, e.RecvTime = seq, now, now
				e.Instrument, e.Price = market.InstrumentID(n%c.moved), 499_900
				e.Qty = market.Qty(300 * (1 - n/c.moved%2))
				out.Reset()
				core.Step(&e, out)
				n++
			}
			if len(core.Children()) != 0 || len(core.agenda.all) != c.parents {
				b.Fatalf("%d children, %d live parents", len(core.Children()), len(core.agenda.all))
			}
		})
	}
}

// scaleCore is a core with live parents spread over instruments of one lit venue, their limits
// out of reach.
func scaleCore(tb testing.TB, parents, instruments int, change ...func(*Config)) (*Core, int64) {
	tb.Helper()
	cfg := &Config{Book: book.Capacity{Levels: 16}, MaxParents: parents, MaxChildren: 1000, Tactics: DefaultTactics(),
		Venues: []market.Venue{{Name: "LIT", MIC: "XLIT", MsgRate: 1e6, AckNanos: 1e9}}}
	for i := range instruments {
		id := market.InstrumentID(i)
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: id, Symbol: fmt.Sprint("S", i), Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000, ChildMaxNotional: 1e12, CollarBps: 200})
		cfg.Listings = append(cfg.Listings, Listing{Instrument: id})
	}
	for _, f := range change {
		f(cfg)
	}
	cfg.Tactics.Off = OffPost // their limits are out of reach: they look, and send nothing
	const now = int64(1_800_000_000e9)
	c, step := startedAt(tb, cfg, now)
	step(event.Event{Kind: event.VenueSession, Code: uint8(event.SessionUp)})
	for i := range instruments {
		id := market.InstrumentID(i)
		step(event.Event{Kind: event.BookClear, Instrument: id, Flags: event.More})
		step(event.Event{Kind: event.BookLevel, Instrument: id, Side: market.Buy, Price: 499_800, Qty: 300, Flags: event.More})
		step(event.Event{Kind: event.BookLevel, Instrument: id, Side: market.Sell, Price: 500_200, Qty: 300, Flags: event.More})
		step(event.Event{Kind: event.BookStatus, Instrument: id, Code: uint8(event.BookLive)})
	}
	for i := range parents {
		id, _ := event.MakeID("P" + strconv.Itoa(i))
		step(event.Event{Kind: event.ParentNew, ID: id, Instrument: market.InstrumentID(i % instruments), Side: market.Buy, Qty: 1000,
			Price: 300_000, OrdType: market.OrdLimit, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: now + 36_000e9, SliceNanos: 3600e9})
	}
	if len(c.agenda.all) != parents {
		tb.Fatalf("%d parents are live, not %d", len(c.agenda.all), parents)
	}
	return c, now
}

// BenchmarkTimerAmongLiveParents is how long one timer keeps the core when it looks after what venues have not answered:
// it should not grow with the parents that are live.
func BenchmarkTimerAmongLiveParents(b *testing.B) {
	for _, parents := range []int{16, 512, 4096} {
		b.Run(fmt.Sprint("parents=", parents), func(b *testing.B) {
			core, now := scaleCore(b, parents, 1000)
			out, seq, took := core.OutputFor(), core.Seq(), hist.New()
			begin, timers := now, 0
			for b.Loop() {
				seq++
				now = max(now, core.NextTimer())
				e := event.Event{Kind: event.Timer, Seq: seq, StepTime: now, RecvTime: now}
				out.Reset()
				start := time.Now()
				core.Step(&e, out)
				took.Record(int64(time.Since(start)))
				timers++
			}
			b.ReportMetric(float64(took.Percentile(50)), "p50-ns")
			b.ReportMetric(float64(took.Percentile(99)), "p99-ns")
			b.ReportMetric(float64(timers)/(float64(now-begin)/1e9), "timers/s")
		})
	}
}

// TestOneTimerLooksAtSomeBooks: the books of many instruments fall silent together. Each is STALE in its time, and no
// timer finds out about more than some.
func TestOneTimerLooksAtSomeBooks(t *testing.T) {
	const instruments, maxAge = 5*agedAtOnce + 7, int64(3e9)
	core, now := scaleCore(t, 1, instruments, func(cfg *Config) { cfg.Venues[0].MaxAgeNanos = maxAge })
	out, seq, stale, longest := core.OutputFor(), core.Seq(), 0, 0
	for begin := now; now < begin+maxAge*(ageRounds+2)/ageRounds+1; {
		now = max(now, core.NextTimer())
		seq++
		out.Reset()
		core.Step(&event.Event{Kind: event.Timer, Seq: seq, StepTime: now, RecvTime: now}, out)
		found := 0
		for i := range out.Commands {
			if c := &out.Commands[i]; c.Kind == event.BookMoved && c.To == event.BookStale {
				if found++; now < begin+maxAge || now > begin+maxAge*(ageRounds+2)/ageRounds+1 {
					t.Errorf("STALE after %d ms", (now-begin)/1e6)
				}
			}
		}
		stale, longest = stale+found, max(longest, found)
	}
	if stale != instruments || longest > agedAtOnce {
		t.Errorf("%d of %d books are STALE, %d of them at once", stale, instruments, longest)
	}
}

// BenchmarkTimerAmongBooks is how long one timer keeps the core when it looks for books that are too old.
func BenchmarkTimerAmongBooks(b *testing.B) {
	for _, instruments := range []int{16, 500, 2000} {
		b.Run(fmt.Sprint("instruments=", instruments), func(b *testing.B) {
			core, now := scaleCore(b, 1, instruments, func(cfg *Config) { cfg.Venues[0].MaxAgeNanos = 1e15 })
			out, seq, took := core.OutputFor(), core.Seq(), hist.New()
			for b.Loop() {
				seq++
				core.nextAge = now
				e := event.Event{Kind: event.Timer, Seq: seq, StepTime: now, RecvTime: now}
				out.Reset()
				start := time.Now()
				core.Step(&e, out)
				took.Record(int64(time.Since(start)))
			}
			b.ReportMetric(float64(took.Percentile(50)), "p50-ns")
			b.ReportMetric(float64(took.Percentile(99)), "p99-ns")
		})
	}
}

// TestOneTimerLooksAfterSomeParents: however many are live, no timer keeps the core for longer than some of them take, and
// each is still looked after in its time.
func TestOneTimerLooksAfterSomeParents(t *testing.T) {
	const parents = 5*checkedAtOnce + 7
	cfg := testConfig()
	cfg.MaxParents = parents
	s := newScriptOf(t, cfg)
	for _, l := range []string{"session LITA up", "book LITA 49.99x90000 50.01x90000"} {
		s.line(l)
	}
	for i := range parents {
		s.line(fmt.Sprintf("parent C%d buy 100 50.01 sweep", i))
	}
	if len(s.core.agenda.all) != parents || len(s.core.Children()) != parents {
		t.Fatalf("%d live parents, %d orders", len(s.core.agenda.all), len(s.core.Children()))
	}
	sent, ack := s.now, cfg.Venues[0].AckNanos
	asked := map[uint64]int64{}
	again, err := New(cfg) // goes on in the middle of a round
	if err != nil {
		t.Fatal(err)
	}
	for s.now < sent+ack+2*checkNanos {
		s.now = max(s.now, s.core.NextTimer())
		if s.now-sent > ack+checkNanos/2 && again != nil {
			if err := loadState(again, savedState(t, s.core)); err != nil {
				t.Fatal(err)
			}
			s.core, again = again, nil
		}
		s.step(event.Event{Kind: event.Timer})
		now := 0
		for i := range s.out.Commands {
			if c := &s.out.Commands[i]; c.Kind == event.SendStatus {
				asked[c.Child] = s.now - sent
				now++
			}
		}
		if now > checkedAtOnce {
			t.Errorf("%d orders were asked for at once", now)
		}
	}
	for i := range s.core.Children() {
		ch := &s.core.Children()[i]
		if at := asked[ch.Number]; at <= ack || at > ack+3*checkNanos/2 {
			t.Errorf("order %d was asked for after %d ms", number(ch.Number), at/1e6)
		}
	}
}
