package router

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// plainAgenda is the agenda as a map and a search.
type plainAgenda map[int32]struct {
	instrument int
	time       int64
}

func (p plainAgenda) next() due {
	first := due{math.MaxInt64, none}
	for slot, e := range p {
		if d := (due{e.time, slot}); first.slot == none || d.before(first) {
			first = d
		}
	}
	return first
}

func (p plainAgenda) of(instrument int) (slots []int32) {
	for slot, e := range p {
		if e.instrument == instrument {
			slots = append(slots, slot)
		}
	}
	slices.Sort(slots)
	return slots
}

func TestAgendaIsTheSearch(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		const instruments, parents = 5, 400
		a, plain := newAgenda(instruments, parents), plainAgenda{}
		entered := int32(0)
		for step := range 3000 {
			live := a.all
			switch {
			case entered < parents && rng.IntN(3) == 0:
				e := plain[entered]
				e.instrument, e.time = rng.IntN(instruments), rng.Int64N(50)
				plain[entered] = e
				a.enter(entered, e.instrument, e.time)
				entered++
			case len(live) > 0 && rng.IntN(3) == 0:
				slot := live[rng.IntN(len(live))]
				a.leave(slot, plain[slot].instrument)
				delete(plain, slot)
			case len(live) > 0:
				slot := live[rng.IntN(len(live))]
				e := plain[slot]
				e.time = rng.Int64N(50)
				plain[slot] = e
				a.wake(slot, e.time)
			}
			if a.next() != plain.next() {
				t.Fatalf("seed %d step %d: %v is next, want %v", seed, step, a.next(), plain.next())
			}
			if len(a.all) != len(plain) || !slices.IsSorted(a.all) {
				t.Fatalf("seed %d step %d: %d live in order %v, want %d", seed, step, len(a.all), slices.IsSorted(a.all), len(plain))
			}
			i := rng.IntN(instruments)
			var got []int32
			for slot := a.of[i].first; slot != none; slot = a.links[slot].next {
				got = append(got, slot)
			}
			if !slices.Equal(got, plain.of(i)) {
				t.Fatalf("seed %d step %d: instrument %d has %v, want %v", seed, step, i, got, plain.of(i))
			}
		}
	}
}

// crowd is a core with live parents spread over instruments, each with one lit venue.
func crowd(tb testing.TB, instruments, parents int) (core *Core, step func(event.Event)) {
	cfg := testConfig()
	cfg.Instruments, cfg.Limits, cfg.Listings, cfg.Curves = nil, nil, nil, nil
	for i := range instruments {
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: market.InstrumentID(i), Symbol: fmt.Sprint("I", i),
			Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000,
			ChildMaxNotional: 1e12, CollarBps: 2000})
		cfg.Listings = append(cfg.Listings, Listing{Venue: 0, Instrument: market.InstrumentID(i)})
	}
	cfg.Book = book.Capacity{Levels: 16}
	cfg.MaxParents, cfg.MaxChildren = parents+1, 4*parents+1000
	core, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	out, seq, now := core.OutputFor(), uint64(0), int64(1_800_000_000e9)
	slot := new(event.Event)
	step = func(e event.Event) {
		seq++
		now += 1000
		*slot = e
		slot.Seq, slot.StepTime, slot.RecvTime = seq, now, now
		out.Reset()
		core.Step(slot, out)
	}
	step(event.Event{Kind: event.SessionStart, Ref: 1})
	for i := range instruments {
		id := market.InstrumentID(i)
		step(event.Event{Kind: event.BookClear, Instrument: id, Flags: event.More})
		for _, side := range []market.Side{market.Buy, market.Sell} {
			price := market.Price(499_900)
			if side == market.Sell {
				price = 500_100
			}
			step(event.Event{Kind: event.BookLevel, Instrument: id, Side: side, Price: price, Qty: 500, Flags: event.More})
		}
		step(event.Event{Kind: event.BookStatus, Instrument: id, Code: uint8(event.BookLive)})
	}
	for i := range parents {
		e := event.Event{Kind: event.ParentNew, Instrument: market.InstrumentID(i % instruments), Side: market.Buy, Qty: 1000,
			OrdType: market.OrdLimit, Price: 450_000, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: now + 3600e9}
		e.ID, _ = event.MakeID(fmt.Sprint("P", i))
		step(e)
	}
	if len(core.agenda.all) != parents {
		tb.Fatalf("%d live, want %d", len(core.agenda.all), parents)
	}
	return core, step
}

// BenchmarkCrowd moves the touch of one instrument, and asks when the next timer is due, as
// the loop does in every turn: the time must follow the parents of the instrument, not
// those of all.
func BenchmarkCrowd(b *testing.B) {
	for _, c := range []struct{ instruments, parents int }{{1, 1}, {1, 4}, {1000, 1000}, {1000, 4096}, {1000, 16_384}} {
		b.Run(fmt.Sprintf("instruments=%d/parents=%d", c.instruments, c.parents), func(b *testing.B) {
			core, step := crowd(b, c.instruments, c.parents)
			b.ReportAllocs()
			for b.Loop() {
				step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_000, Qty: 100})
				step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_000, Qty: 0})
				if core.NextTimer() == math.MaxInt64 {
					b.Fatal("no timer")
				}
			}
		})
	}
}
