package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// routersPlan is how a router with a core of its own runs, with everything else that its
// process does beside it: see stallLoad.
func routersPlan(core int) stallPlan {
	return stallPlan{Core: core, Quiet: true, PutOff: true, Load: true}
}

// BenchmarkStall is the stall meter: the gaps of the loop's thread against those of a C
// thread that spins on the same core, alone and beside the same load in another process,
// in short turns, so that a host that is noisy for a while hits all three. STALL_SECONDS sets the
// time of each turn, STALL_ROUNDS how many there are. The ratio comes with the range that nine in ten
// samples of the rounds, drawn with replacement, fall into: with few gaps it is wide.
func BenchmarkStall(b *testing.B) {
	spin := buildSpin(b)
	core, others := hotCore(b)
	if others == "" {
		b.Fatal("the stall meter needs a second core for the load")
	}
	seconds, rounds := stallSetting(b, "STALL_SECONDS", 3), int(stallSetting(b, "STALL_ROUNDS", 3))
	var alone, beside, router stallResult
	var ratios gapRatio
	for range rounds {
		c := runSpin(b, spin, core, seconds)
		alone.add(c)
		done := make(chan stallResult)
		load := stallPlan{Core: -1, Seconds: seconds + 1, Load: true, GCOff: true, Collect: seconds / 2}
		go func() { done <- runStallOn(b, others, load) }()
		time.Sleep(700 * time.Millisecond) // the load measures itself after half a second
		beside.add(runSpin(b, spin, core, seconds))
		<-done
		plan := routersPlan(core)
		plan.Seconds, plan.Collect = seconds, min(5, seconds/2)
		r := runStall(b, plan)
		router.add(r)
		ratios = append(ratios, [2]stallResult{r, c})
	}
	b.Logf("core %d; gaps per minute over 10µs, 100µs, 1ms; longest; lost", core)
	b.Logf("C alone          %v", &alone)
	b.Logf("C beside load    %v", &beside)
	b.Logf("router's thread  %v", &router)
	for i, name := range []string{"10us", "100us", "1ms"} {
		b.ReportMetric(alone.perMinute(i), "C>"+name+"/min")
		b.ReportMetric(router.perMinute(i), "loop>"+name+"/min")
	}
	low, high := ratios.spread()
	b.Logf("gaps over 100µs: %.2f x those of C alone, %.2f to %.2f", ratios.of(ratios.rounds()), low, high)
	b.ReportMetric(ratios.of(ratios.rounds()), "ratio>100us")
	b.ReportMetric(low, "ratio-low")
	b.ReportMetric(high, "ratio-high")
	b.ReportMetric(0, "ns/op")
}

// gapRatio holds rounds of the loop's thread and the control.
type gapRatio [][2]stallResult

func (g gapRatio) rounds() (all []int) {
	for i := range g {
		all = append(all, i)
	}
	return all
}

// of returns how many gaps over 100 µs the loop has for one of the control, in these rounds together.
func (g gapRatio) of(rounds []int) float64 {
	var loop, control stallResult
	for _, i := range rounds {
		loop.add(g[i][0])
		control.add(g[i][1])
	}
	return loop.perMinute(1) / max(control.perMinute(1), 1)
}

// spread returns the range of nine in ten samples of the rounds.
func (g gapRatio) spread() (low, high float64) {
	const samples = 2000
	rng := rand.New(rand.NewPCG(1, 1))
	all, drawn := make([]float64, samples), make([]int, len(g))
	for i := range all {
		for k := range drawn {
			drawn[k] = rng.IntN(len(g))
		}
		all[i] = g.of(drawn)
	}
	slices.Sort(all)
	return all[samples/20], all[samples-1-samples/20]
}

func TestTheRatioOfGapsHasASpread(t *testing.T) {
	gaps := func(n uint64) stallResult { return stallResult{Seconds: 6, Over: [3]uint64{0, n, 0}} }
	even := gapRatio{{gaps(12), gaps(10)}, {gaps(24), gaps(20)}, {gaps(6), gaps(5)}}
	low, high := even.spread()
	if r := even.of(even.rounds()); min(r, low) < 1.1999 || max(r, high) > 1.2001 {
		t.Errorf("a host that hits both alike: %v, %v to %v", r, low, high)
	}
	odd := gapRatio{{gaps(10), gaps(10)}, {gaps(40), gaps(10)}, {gaps(10), gaps(40)}}
	if low, high = odd.spread(); low > 0.6 || high < 2 {
		t.Errorf("one that does not: %v to %v", low, high)
	}
}

// TestTheLoopKeepsItsCore runs the loop's process with and without putting requests to
// yield off, fed by rings and with sockets that it polls itself. What is asserted holds on any
// machine: that it keeps its core far better,
// that collections happen all the same, and that nothing it was sent is left.
func TestTheLoopKeepsItsCore(t *testing.T) {
	core, others := hotCore(t)
	if others == "" {
		t.Log("one core: there is nothing to keep")
		return
	}
	for _, sockets := range []int{0, 7} {
		keepsItsCore(t, core, sockets)
	}
}

// keepsItsCore compares the yields of pairs of runs, all together. One pair is enough where they differ
// by four times, which chance does not make; where others take the core before the runtime asks
// for it there is less to see (1.8 to 2.3 times on one guest), and one and a half times must be left after all of them:
// a loop that obeys is at one.
func keepsItsCore(t *testing.T, core, sockets int) {
	run := func(putOff bool) stallResult {
		plan := routersPlan(core)
		plan.Seconds, plan.Collect, plan.PutOff, plan.Sockets = 1.5, 0.7, putOff, sockets
		r := runStall(t, plan)
		t.Logf("%d sockets, put off %v: %v", sockets, putOff, &r)
		if r.GCs == 0 {
			t.Errorf("%d sockets, put off %v: no collection, and two were due", sockets, putOff)
		}
		if r.Events == 0 || r.Left > 0 {
			t.Errorf("%d sockets, put off %v: %d events, %d of them left", sockets, putOff, r.Events, r.Left)
		}
		return r
	}
	const pairs = 6
	var keeps, yields int64
	for range pairs {
		keeps += run(true).Yields
		yields += run(false).Yields
		if 4*keeps < yields || t.Failed() {
			return
		}
	}
	if 3*keeps >= 2*yields {
		t.Errorf("%d sockets: in %d pairs of runs the thread was given away %d times, and %d when it obeys", sockets, pairs, keeps, yields)
	}
}
