package router

import (
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// trial is a core with one parent.
type trial struct {
	*script
	p *Parent
}

// newTrial accepts a buy order of 1000 with the terms of e at 08:00 UTC.
func newTrial(t *testing.T, e event.Event) *trial {
	s := newScript(t)
	for v := range market.VenueID(2) {
		s.step(event.Event{Kind: event.VenueSession, Venue: v, Code: uint8(event.SessionUp)})
	}
	for _, line := range []string{"book LITA 49.98x5000 50.00x5000", "book LITB 49.98x5000 50.00x5000"} {
		s.line(line)
	}
	e.Kind, e.Side, e.OrdType, e.TIF = event.ParentNew, market.Buy, market.OrdMarket, market.TIFDay
	e.ID, _ = event.MakeID("P")
	e.Qty = max(e.Qty, 1000)
	if e.Until != 0 {
		e.Until += s.now
	}
	s.step(e)
	if s.core.parentCount != 1 {
		t.Fatalf("refused:\n%s", s.text)
	}
	return &trial{s, &s.core.parents[0]}
}

// plan returns what should be filled by the end of each slice.
func (r *trial) plan() (all []market.Qty) {
	for i := range r.p.slices {
		all = append(all, r.core.planned(r.p, i))
	}
	return all
}

func TestStrategiesPlanTheirSlices(t *testing.T) {
	for name, c := range map[string]struct {
		e    event.Event
		want []market.Qty
	}{
		"TWAP":     {event.Event{Strategy: event.StrategyTWAP}, []market.Qty{250, 500, 750, 1000}},
		"VWAP":     {event.Event{Strategy: event.StrategyVWAP}, []market.Qty{400, 500, 600, 1000}},
		"IS low":   {event.Event{Strategy: event.StrategyIS, Code: uint8(event.UrgencyLow)}, []market.Qty{300, 556, 785, 1000}},
		"IS":       {event.Event{Strategy: event.StrategyIS}, []market.Qty{412, 675, 856, 1000}},
		"IS high":  {event.Event{Strategy: event.StrategyIS, Code: uint8(event.UrgencyHigh)}, []market.Qty{713, 918, 978, 1000}},
		"seek all": {event.Event{Strategy: event.StrategySeek}, []market.Qty{1000, 1000, 1000, 1000}},
	} {
		c.e.Until, c.e.SliceNanos = 60e9, 15e9
		if got := newTrial(t, c.e).plan(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v by the slice, want %v", name, got, c.want)
		}
	}
}

func TestVolumeCurveAcrossDays(t *testing.T) {
	v := testConfig().Curves[0]
	const day, open = int64(20_000) * dayNanos, int64(8 * 3600e9)
	for _, c := range []struct{ from, to, want int64 }{
		{day, day + open, 0},
		{day + open, day + open + 15e9, 400},
		{day + open + 5e9, day + open + 20e9, 400*2/3 + 1 + 33},
		{day + open + 60e9, day + 2*open, 0},
		{day + open + 30e9, day + dayNanos + open + 15e9, 500 + 400},
		{day + open, day + 2*dayNanos + open, 2000},
	} {
		if got := v.between(c.from, c.to); got != c.want {
			t.Errorf("from %d to %d: %d, want %d", c.from-day, c.to-day, got, c.want)
		}
	}
	for _, bad := range []VolumeCurve{
		{}, {Step: 1}, {Step: 0, Total: []market.Qty{1}}, {Step: dayNanos, Total: []market.Qty{1, 2}},
		{Open: -1, Step: 1, Total: []market.Qty{1}}, {Open: dayNanos, Step: 1, Total: []market.Qty{1}},
		{Step: 1, Total: []market.Qty{0}}, {Step: 1, Total: []market.Qty{5, 4}},
	} {
		if bad.Valid() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestParticipationIsNeverExceeded trades POV parents against a market that prints our
// fills before and after we hear of them, prints nothing for a while, and repeats
// itself on a book that is not LIVE. Our fills stay below the rate of others' volume.
func TestParticipationIsNeverExceeded(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		rate := market.Qty(500 + rng.IntN(4000))
		r := newTrial(t, event.Event{Strategy: event.StrategyPOV, Until: 600e9, SliceNanos: 60e9, CumQty: rate, Qty: 50_000})
		var others, filled market.Qty
		live := true
		for range 1500 {
			r.now += rng.Int64N(200e6)
			for r.core.NextTimer() <= r.now && r.p.Live() {
				r.step(event.Event{Kind: event.Timer})
			}
			print := event.Event{Kind: event.MarketTrade, Venue: market.VenueID(rng.IntN(2)), Price: 500_000, Side: market.Buy}
			switch pick := rng.IntN(10); {
			case pick < 4:
				print.Qty = 1 + market.Qty(rng.IntN(400))
				if live || print.Venue == 1 {
					others += print.Qty
				}
				r.step(print)
			case pick == 4: // the feed of LITA loses its way, and finds it
				state := event.BookStale
				if !live {
					state = event.BookLive
				}
				r.step(event.Event{Kind: event.BookStatus, Venue: 0, Code: uint8(state), Reason: event.ReasonGap})
				live = r.core.composites[0].Books[0].Live()
			default:
				ch := openChild(r.core, rng)
				if ch == nil {
					continue
				}
				qty := 1 + market.Qty(rng.Int64N(int64(ch.reserved())))
				e := event.Event{Kind: event.Exec, Venue: ch.Venue, Ref: ch.Number, Code: uint8(market.ExecTrade),
					OrdStatus: market.StatusPartiallyFilled, CumQty: ch.Cum + qty, LastQty: qty, LastPx: ch.Price}
				if e.CumQty == ch.Qty {
					e.OrdStatus = market.StatusFilled
				}
				print.Venue, print.Qty = ch.Venue, qty
				first := rng.IntN(2) == 0
				if first {
					r.step(print)
				}
				r.step(e)
				filled += qty
				if !first {
					r.step(print)
				}
			}
			if filled*basisPoints > rate*others {
				t.Fatalf("seed %d: filled %d of %d traded by others, more than %d/10000\n%s", seed, filled, others, rate, r.text)
			}
		}
		if filled*basisPoints < rate*others/4 {
			t.Errorf("seed %d: filled only %d of %d traded by others at %d/10000", seed, filled, others, rate)
		}
	}
}

func openChild(c *Core, rng *rand.Rand) *Child {
	var open []*Child
	for i := range c.children[:c.childCount] {
		if ch := &c.children[i]; ch.reserved() > 0 && !ch.Released {
			open = append(open, ch)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[rng.IntN(len(open))]
}

// TestTermsOutOfRangeAreRefused goes through what a strategy cannot be asked for.
func TestTermsOutOfRangeAreRefused(t *testing.T) {
	base := event.Event{Strategy: event.StrategyTWAP, Until: 60e9, SliceNanos: 10e9}
	for name, change := range map[string]func(*event.Event){
		"no end":              func(e *event.Event) { e.Until = 0 },
		"end before start":    func(e *event.Event) { e.StartTime = 1 << 62 },
		"negative slice":      func(e *event.Event) { e.SliceNanos = -1 },
		"price off tick":      func(e *event.Event) { e.LastPx = 50 },
		"negative price":      func(e *event.Event) { e.LastPx = -100 },
		"least above largest": func(e *event.Event) { e.MinQty, e.LastQty = 20, 10 },
		"negative least":      func(e *event.Event) { e.MinQty = -1 },
		"urgency":             func(e *event.Event) { e.Code = 4 },
		"rate above one":      func(e *event.Event) { e.CumQty = basisPoints + 1 },
		"no rate":             func(e *event.Event) { e.Strategy = event.StrategyPOV },
		"no such strategy":    func(e *event.Event) { e.Strategy = 1006 },
		"sweep with terms":    func(e *event.Event) { e.Strategy = event.StrategySweep },
		"no usual volume": func(e *event.Event) {
			e.Strategy, e.StartTime = event.StrategyVWAP, 1_800_000_000e9+120e9
			e.Until = 180e9
		},
	} {
		s := newScript(t)
		e := base
		change(&e)
		if e.Until > 0 {
			e.Until += s.now
		}
		e.Kind, e.Side, e.OrdType, e.TIF, e.Qty = event.ParentNew, market.Buy, market.OrdMarket, market.TIFDay, 100
		e.ID, _ = event.MakeID("P")
		s.step(e)
		if s.core.parentCount != 0 {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestNoCatchUpSpreadsWhatASliceMissed leaves the first half unfilled.
func TestNoCatchUpSpreadsWhatASliceMissed(t *testing.T) {
	for _, flags := range []event.Flags{0, event.NoCatchUp} {
		r := newTrial(t, event.Event{Strategy: event.StrategyTWAP, Until: 60e9, SliceNanos: 15e9, Flags: flags})
		r.line("time 31s")
		want := [2]market.Qty{500, 750}
		if flags != 0 {
			want = [2]market.Qty{0, 500}
		}
		if got := [2]market.Qty{r.p.base, r.p.goal}; got != want {
			t.Errorf("flags %v: third slice from %d to %d, want %v", flags, got[0], got[1], want)
		}
	}
}
