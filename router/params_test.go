package router

import (
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// fitted is a set that differs from the prior in every way that decisions notice.
func fitted(id uint64) *policy.Params {
	p := *policy.PriorParams()
	p.ID = id
	for v := range p.Venues {
		q := &p.Venues[v]
		q.AddMarkout, q.Leakage = int32(100*v), int32(v)
		q.TakeFee, q.MakeFee = market.Fee{PerLotMilli: int64(10 * v)}, market.Fee{PerLotMilli: -int64(v)}
		q.Known = policy.KnownFees
	}
	return &p
}

func (s *script) params(p *policy.Params) {
	for _, e := range ParamEvents(p) {
		s.step(e)
	}
}

// A set is in force with its last part, for all at once, and not before.
func TestParamSetIsTakenWhole(t *testing.T) {
	s := newScript(t)
	before := *s.core.Params()
	events := ParamEvents(fitted(5))
	for _, e := range events[:len(events)-1] {
		s.step(e)
		if *s.core.Params() != before {
			t.Fatal("a part changed what decisions read")
		}
	}
	s.step(events[0]) // told twice
	s.step(events[len(events)-1])
	if got := s.core.Params(); got.ID != 5 || *got != *fitted(5) {
		t.Errorf("set %d is in force", got.ID)
	}
	if c := s.core.Counters; c.ParamSets != 1 || c.BadParams != 0 {
		t.Errorf("counted %d sets, %d bad", c.ParamSets, c.BadParams)
	}
	if got := s.core.venues[1].TakeFee; got.PerLotMilli != 10 {
		t.Errorf("the fee of venue 1 is %v", got)
	}
}

// What cannot be used leaves the set before in force, and a person is told.
func TestBadParamSetIsRefused(t *testing.T) {
	for name, spoil := range map[string]func([]event.Event){
		"a byte":       func(e []event.Event) { e[7].Part()[3] ^= 1 },
		"the number 0": func(e []event.Event) { e[0].Ref = 0 },
		"a part":       func(e []event.Event) { e[3].Qty = policy.Parts },
		"a tail": func(e []event.Event) {
			p := *fitted(6)
			p.Venues[2].Tail[0][3] = policy.One
			copy(e, ParamEvents(&p))
		},
	} {
		s := newScript(t)
		s.params(fitted(5))
		want, told := *s.core.Params(), 0
		events := ParamEvents(fitted(6))
		spoil(events)
		for _, e := range events {
			s.step(e)
			for i := range s.out.Commands {
				if c := &s.out.Commands[i]; c.Kind == event.Alert && c.Reason == event.ReasonBadParams {
					told++
				}
			}
		}
		if *s.core.Params() != want || s.core.Counters.BadParams == 0 || told == 0 {
			t.Errorf("%s: set %d in force, %d bad, %d alerts", name, s.core.Params().ID, s.core.Counters.BadParams, told)
		}
		s.params(fitted(7))
		if s.core.Params().ID != 7 {
			t.Errorf("%s: the next set was not taken", name)
		}
	}
}

// Parts of another set in between begin anew.
func TestPartsOfTwoSetsDoNotMix(t *testing.T) {
	s := newScript(t)
	a, b := ParamEvents(fitted(8)), ParamEvents(policy.PriorParams())
	for i := range b {
		b[i].Ref = 9
	}
	for i := range a {
		s.step(a[i])
		if i < len(a)-1 {
			s.step(b[i])
		}
	}
	if s.core.Params().ID != 0 {
		t.Errorf("set %d came out of two", s.core.Params().ID)
	}
	s.step(b[len(b)-1])
	for _, e := range b {
		s.step(e)
	}
	if s.core.Params().ID != 9 {
		t.Errorf("set %d is in force", s.core.Params().ID)
	}
}

// A fitted split divides what is posted and taken; without one nothing is divided.
func TestFittedSplitIsRead(t *testing.T) {
	c, p := tenVenueCore(t)
	for _, known := range []bool{false, true} {
		set := *policy.PriorParams()
		set.ID = 3
		for cell := range set.SplitTake {
			set.SplitTake[cell] = policy.One / 5 * 4
		}
		if known {
			set.Venues[1].Known |= policy.KnownSplit
		}
		c.adopt(&set)
		post, take := market.Qty(900), market.Qty(100)
		c.fitted(p, &post, &take)
		if want := map[bool]market.Qty{false: 100, true: 800}[known]; take != want || post != 1000-want {
			t.Errorf("known %v: %d posted, %d taken, %d should be", known, post, take, want)
		}
	}
}

// TestNewFeesReachWhatIsKeptOfTheBooks: a core that has merged the books of two venues by the fees
// before, and one that is loaded from its snapshot, see the same levels under the fees that follow.
func TestNewFeesReachWhatIsKeptOfTheBooks(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.buyInSlices(5000)
	c := w.core
	p, set := &c.parents[0], c.economics.set
	near, _ := c.composites[0].Books[0].Ladder(market.Sell).Best()
	w.level(1, market.Sell, near.Price, 0, 0)
	qty := near.Qty + near.Qty/2
	before := c.sweepCost(p, qty)
	set.Venues[0].Known |= policy.KnownFees
	set.Venues[0].TakeFee = market.Fee{PerLotMilli: 1_000_000}
	c.adopt(&set)
	loaded := testCore(t)
	if err := loadState(loaded, savedState(t, c)); err != nil {
		t.Fatal(err)
	}
	if kept, anew := c.sweepCost(p, qty), loaded.sweepCost(&loaded.parents[0], qty); kept != anew || kept == before {
		t.Errorf("a sweep costs %d with what was kept, %d with what is read anew, %d under the fees before", kept, anew, before)
	}
}
