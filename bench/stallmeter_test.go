package bench

import (
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
// in turns. STALL_SECONDS sets the time of each; a machine of its own wants 60.
func BenchmarkStall(b *testing.B) {
	spin := buildSpin(b)
	core, others := hotCore(b)
	if others == "" {
		b.Fatal("the stall meter needs a second core for the load")
	}
	seconds := stallSeconds(b, 4)
	var alone, beside, router stallResult
	const rounds = 2
	for range rounds {
		alone.add(runSpin(b, spin, core, seconds))
		done := make(chan stallResult)
		load := stallPlan{Core: -1, Seconds: seconds + 1, Load: true, GCOff: true, Collect: seconds / 2}
		go func() { done <- runStallOn(b, others, load) }()
		time.Sleep(700 * time.Millisecond) // the load measures itself after half a second
		beside.add(runSpin(b, spin, core, seconds))
		<-done
		plan := routersPlan(core)
		plan.Seconds, plan.Collect = seconds, min(5, seconds/2)
		router.add(runStall(b, plan))
	}
	b.Logf("core %d; gaps per minute over 10µs, 100µs, 1ms; longest; lost", core)
	b.Logf("C alone          %v", &alone)
	b.Logf("C beside load    %v", &beside)
	b.Logf("router's thread  %v", &router)
	for i, name := range []string{"10us", "100us", "1ms"} {
		b.ReportMetric(alone.perMinute(i), "C>"+name+"/min")
		b.ReportMetric(router.perMinute(i), "loop>"+name+"/min")
	}
	b.ReportMetric(router.perMinute(1)/max(alone.perMinute(1), 1), "ratio>100us")
	b.ReportMetric(0, "ns/op")
}

// TestTheLoopKeepsItsCore runs the loop's process with and without putting requests to
// yield off, fed by rings and with sockets that it polls itself. What is asserted holds on any
// machine: that it keeps its core far better,
// that collections happen all the same, and that nothing it was sent is left. Where others
// take the core before the runtime asks for it, a pair of runs may not show the first: then again.
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

func keepsItsCore(t *testing.T, core, sockets int) {
	run := func(putOff bool) stallResult {
		plan := routersPlan(core)
		plan.Seconds, plan.Collect, plan.PutOff, plan.Sockets = 1.5, 0.7, putOff, sockets
		return runStall(t, plan)
	}
	var keeps, yields stallResult
	const pairs = 4
	for try := 1; ; try++ {
		keeps, yields = run(true), run(false)
		t.Logf("%d sockets, put off: %v", sockets, &keeps)
		t.Logf("%d sockets, obeying: %v", sockets, &yields)
		if 2*keeps.Yields < yields.Yields {
			break
		}
		if try == pairs {
			t.Errorf("%d sockets: in no pair of %d runs the thread was given away half as often as when it obeys", sockets, pairs)
			break
		}
	}
	for _, r := range []stallResult{keeps, yields} {
		if r.GCs == 0 {
			t.Error("no collection, and two were due")
		}
		if want := uint64(r.Seconds * eventRate / 2); r.Events < want {
			t.Errorf("%d sockets: %d events of more than %d", sockets, r.Events, want)
		}
	}
}
