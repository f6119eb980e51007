package router

import (
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// why is blocked as a person would say it, venue by venue.
func (c *Core) why(p *Parent, v market.VenueID) event.Why {
	st := &c.standings[p.Instrument][v]
	switch {
	case !c.SessionUp(v) || c.sessions.opening>>v&1 != 0:
		return event.WhyDown
	case c.sessions.behind>>v&1 != 0:
		return event.WhyGap
	case c.gate.Killed(v):
		return event.WhyRisk
	case p.avoid>>v&1 != 0:
		return event.WhyRefused
	case !c.venues[v].Takes(p.Mark):
		return event.WhyNoShorts
	case !has(c.gate.Allows(p.Client, p.Instrument), v):
		return event.WhyOptedOut
	case st.shut:
		return event.WhyShut
	case st.until > c.now:
		return event.WhyRefused
	case p.gaps>>v&1 != 0:
		return event.WhyGap
	case c.trading[p.Instrument].stopped>>v&1 != 0:
		return event.WhyHalted
	}
	return event.WhyFilled
}

// TestBlockedIsWhatEachVenueSays holds the sets against one venue after the other, in random states.
func TestBlockedIsWhatEachVenueSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	few := func() uint16 { return uint16(r.Uint32() & r.Uint32() & r.Uint32()) }
	seen := map[event.Why]int{}
	c := newScript(t).core
	p := &c.parents[0]
	controls := *testConfig().Controls
	controls.StrategyRate = 1
	for range 2000 {
		p.Mark = market.Mark(r.IntN(3))
		controls.Clients[0].Venues = make([]bool, len(c.venues))
		for v := range c.venues {
			c.venues[v].Shorts, c.venues[v].Exempts = r.IntN(4) > 0, r.IntN(4) > 0
			controls.Clients[0].Venues[v] = r.IntN(6) > 0
		}
		if err := c.gate.Control(&controls, c.venues, 1); err != nil {
			t.Fatal(err)
		}
		c.now = 1000
		c.listed[0].barred = 0
		c.gate.Resume(market.NoVenue)
		c.sessions = sessions{up: ^few(), behind: few(), opening: few()}
		p.avoid, p.gaps = few(), few()
		c.trading[0].stopped = few()
		for v := range c.venues {
			id := market.VenueID(v)
			c.standings[0][v] = standing{shut: has(few(), id), until: int64(r.IntN(4)) * 500}
			if c.standings[0][v] != (standing{}) {
				c.bar(0, id)
			}
			c.gate.Resume(id)
			if has(few(), id) {
				c.gate.Kill(id)
			}
			if has(few(), id) {
				c.gate.Quarantine(id)
			}
		}
		if r.IntN(20) == 0 {
			c.gate.Kill(market.NoVenue)
		}
		usable := c.usable(p)
		c.judgeVenues(p)
		for v := range c.venues {
			id := market.VenueID(v)
			c.verdict.of = p
			judged := c.blocked(p, id)
			c.verdict.of = nil
			want := c.why(p, id)
			if got := c.blocked(p, id); got != want || judged != want || has(usable, id) != (want == event.WhyFilled) {
				t.Fatalf("venue %d: %v, in a decision %v, usable %b, want %v", v, got, judged, usable, want)
			}
			seen[want]++
		}
	}
	if len(seen) != 9 {
		t.Errorf("met only %v", seen)
	}
}
