package router

import (
	"math"
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	fitting "penstock/policy/model"
)

// The tail that the core keeps in integers is the shrunk estimator of policy/model, fed
// with the same answers.
func TestPoolTailIsTheShrunkEstimator(t *testing.T) {
	s := newScript(t)
	c := s.core
	const pool = 2
	unit := c.darkUnit(pool, 0)
	bucket := c.darkBucket(0)
	prior := c.economics.set.Venues[pool].Tail[bucket]
	hazard := make([]float64, policy.DarkPoints)
	before := 1.0
	for k := range hazard {
		at := float64(prior[k]) / policy.One
		hazard[k] = 1 - at/before
		before = at
	}
	twin := fitting.NewTails(policy.DarkPoints, 30, hazard)
	points := func(q market.Qty) (n int) { // how many of the points it reaches
		for n < policy.DarkPoints && unit<<n <= q {
			n++
		}
		return n
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		sent := market.Qty(r.IntN(20_000) + 1)
		filled := min(market.Qty(r.ExpFloat64()*3000), sent)
		if r.IntN(3) > 0 {
			filled = 0
		}
		c.observePool(pool, 0, sent, filled)
		end := points(filled)
		if filled < sent {
			twin.Observe(end+1, end)
		} else {
			twin.Observe(end, end)
		}
	}
	want := twin.Curve(make([]float64, policy.DarkPoints))
	for k, p := range want {
		if got := float64(c.Params().Venues[pool].Tail[bucket][k]) / policy.One; math.Abs(got-p) > .002 {
			t.Errorf("P(2^%d units) is %.4f, the estimator says %.4f", k, got, p)
		}
	}
}

// What was seen fades: half in two hours, all in a day.
func TestPoolCountsFade(t *testing.T) {
	s := newScript(t)
	c := s.core
	bucket := c.darkBucket(0)
	for range 200 {
		c.observePool(2, 0, 1000, 1000)
	}
	n := &c.economics.pools[2]
	full := n.risk[bucket][0]
	c.now += 2 * 3600e9
	c.decayPool(2)
	if half := n.risk[bucket][0]; half < full*48/100 || half > full*52/100 {
		t.Errorf("after two hours %d of %d are left", half, full)
	}
	c.now += 24 * 3600e9
	c.decayPool(2)
	if n.risk[bucket][0] != 0 {
		t.Errorf("after a day %d are left", n.risk[bucket][0])
	}
}

// Markouts are those of the mid at the horizon, signed so that a cost is positive, and the
// prior gives way to them.
func TestMarkoutsAreMeasured(t *testing.T) {
	s := newScript(t)
	s.run("session LITA up", "book LITA 49.98x300 50.02x5000", "parent C1 buy 100 50.10 sweep")
	s.run("exec C1 trade Filled cum 100 100@50.02", "time 5ms", "book LITA 49.98x300 50.02x5000")
	if m := s.core.Scores()[0].Markout[0]; m.Count != 0 {
		t.Errorf("after 5 ms there is a markout for 10 ms: %+v", m)
	}
	s.run("time 6ms", "book LITA 49.96x300 50.00x5000") // at 11 ms the mid is still 50.00, then it falls
	s.run("time 10s", "book LITA 49.94x300 49.98x5000", "time 60s")
	got := s.core.Scores()[0].Markout
	// A half-spread is 0.02: the mid fell by one, and by two.
	for i, want := range []int64{0, 1000, 1000, 2000} {
		if got[i].Count != 1 || got[i].Of() != want {
			t.Errorf("markout after %d ns: %+v, want %d once", Horizons[i], got[i], want)
		}
	}
	if now := s.core.Params().Venues[0].TakeMarkout; now <= 0 {
		t.Errorf("taking there is expected to cost %d", now)
	}
	if a := &s.core.Scores()[0]; a.Orders != 1 || a.Sent != 100 || a.Filled != 100 || a.Fills != 1 {
		t.Errorf("counted %d orders, %d sent, %d filled, %d fills", a.Orders, a.Sent, a.Filled, a.Fills)
	}
}

func TestQuantileOfTimes(t *testing.T) {
	var h [TimeBuckets]uint32
	if Quantile(&h, 500) != 0 {
		t.Error("no times have no median")
	}
	for i := range 100 {
		h[bucketOf(int64(i+1)*100_000)]++ // 0.1 to 10 ms
	}
	if p50, p99 := Quantile(&h, 500), Quantile(&h, 990); p50 < 5_000 || p50 > 10_000 || p99 < 9_900 || p99 > 20_000 {
		t.Errorf("p50 %d µs, p99 %d µs", p50, p99)
	}
}

// A dealer's refusals raise the price of its last look; a dark pool that fills outside
// the touch is quarantined until a person resumes it.
func TestRefusalsAndStaleFillsCount(t *testing.T) {
	s := newScript(t)
	c := s.core
	before := c.Params().Venues[3].Reject[0]
	ch := &Child{Venue: 3, Side: market.Buy, Tactic: event.TacticQuote, Qty: 100}
	s.run("session DRKA up", "session LITA up", "book LITA 49.98x300 50.02x5000")
	for range 20 {
		c.scoreRefusal(ch)
	}
	if after := c.Params().Venues[3].Reject[0]; after <= before*4 {
		t.Errorf("after twenty refusals %d, before %d", after, before)
	}
	dark := &Child{Venue: 2, Side: market.Buy, Tactic: event.TacticPing, Qty: 100}
	inside, _ := c.composites[0].Mid2()
	for range 2 {
		c.scoreFill(dark, 100, market.Price(inside/2)+100_000, market.LiquidityRemoved)
	}
	c.scoreFill(dark, 100, market.Price(inside/2), market.LiquidityRemoved)
	if shut, resting := c.barred(0); shut != 0 || resting != 0 {
		t.Error("quarantined although a good fill came between")
	}
	for range 3 {
		c.scoreFill(dark, 100, market.Price(inside/2)+100_000, market.LiquidityRemoved)
	}
	if shut, _ := c.barred(0); shut != 1<<2 {
		t.Error("three stale fills in a row change nothing")
	}
	s.run("resume DRKA")
	if shut, resting := c.barred(0); shut != 0 || resting != 0 {
		t.Error("a person resumed it and it stays shut")
	}
}

// run plays lines of a script, and a timer after each.
func (s *script) run(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		s.line(line)
		s.step(event.Event{Kind: event.Timer})
	}
}
