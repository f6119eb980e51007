package ems

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/fix/ems/guard"
	"penstock/market"
)

// watched returns a configuration with two clients and a drop copy session in each version.
func watched(t *testing.T, d *desk) Config {
	cfg := testConfig(t, d, 2)
	cfg.Run = 91
	for i, begin := range []string{"FIX.4.4", "FIX.4.2"} {
		cfg.DropCopies = append(cfg.DropCopies, Session{Session: guard.Session{BeginString: begin,
			SenderCompID: "PENSTOCK", TargetCompID: fmt.Sprintf("SURV%d-%d", acceptors.Load(), i)}})
	}
	return cfg
}

// watch logs a drop copy session on, with a sequence number: again and again, for the
// library may not have noticed yet that the last connection is gone.
func watch(t *testing.T, a *Acceptor, n, seq int) *peer {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		p := dial(t, a, 0)
		p.name, p.begin, p.seq = a.cfg.DropCopies[n].TargetCompID, a.cfg.DropCopies[n].BeginString, seq
		p.send("A", "98=0|108=30|")
		if m, err := p.tryRead(); err == nil && string(m.Type()) == fix.MsgLogon {
			return p
		}
		if p.close(); time.Now().After(deadline) {
			t.Fatal("no logon")
		}
	}
}

// testReports are n fills for two clients in turn.
func testReports(n int) (all []event.Command) {
	for i := range n {
		c := testReport(uint16(i%2), uint64(i+1))
		c.ExecType, c.OrdStatus, c.LastQty, c.LastPx, c.Venue = market.ExecTrade, market.StatusPartiallyFilled, 1, 100_000, 0
		c.CumQty, c.LeavesQty, c.Notional = market.Qty(i/2+1), market.Qty(100-i/2-1), market.Notional(100_000*(i/2+1))
		all = append(all, c)
	}
	return all
}

// expectCopies reads copies of the reports from to to-1, by ExecID.
func (p *peer) expectCopies(a *Acceptor, from, to int) (possResend int) {
	p.t.Helper()
	for i := from; i < to; i++ {
		m := p.expect("8")
		client := a.cfg.Sessions[i%2].TargetCompID
		if get(m, 17) != strconv.Itoa(i+1) || p.begin != "FIX.4.2" && (get(m, 448) != client || get(m, 797) != "Y") ||
			p.begin == "FIX.4.2" && (get(m, 109) != client || get(m, 20) != "0" || get(m, 150) != "1") {
			p.t.Fatalf("copy %d of client %s is %s", i+1, client, pretty(m))
		}
		if get(m, 97) == "Y" {
			possResend++
		}
	}
	return possResend
}

// TestCtl_C13_SurveillanceGetsEveryReportSoon shows that surveillance gets every report to every client, in order and soon,
// also what was said while it was away or when the router was restarted.
func TestCtl_C13_SurveillanceGetsEveryReportSoon(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := watched(t, d)
	a := listen(t, cfg)
	all := testReports(300)
	give := func(from, to int) {
		for i := range all[from:to] {
			all[from+i].StepTime = time.Now().UnixNano()
			if !a.Report(&all[from+i]) {
				t.Fatal("no room")
			}
		}
	}
	p, old := watch(t, a, 0, 1), watch(t, a, 1, 1)
	give(0, 100)
	p.expectCopies(a, 0, 100)
	old.expectCopies(a, 0, 100)
	lag := a.Lag()
	for deadline := time.Now().Add(patience); lag.Count() < 200 && time.Now().Before(deadline); lag = a.Lag() {
		time.Sleep(time.Millisecond) // a copy is measured after it has left
	}
	if lag.Count() < 200 {
		t.Errorf("%d copies measured, want 200", lag.Count())
	}
	t.Logf("lag of copies: %v", lag)
	p.send("D", newOrder("W1"))
	if m := p.expect("j"); get(m, 380) != "3" {
		t.Errorf("an order of the watcher is answered by %s", pretty(m))
	}
	p.close()
	old.close()
	give(100, 200)
	for a.Stats().Copies < 400 {
		time.Sleep(time.Millisecond)
	}
	p = watch(t, a, 0, 3)       // after logon and order
	p.send("2", "7=103|16=0|")  // after our logon, 100 copies and the refusal
	p.expectCopies(a, 100, 200) // by an ordinary resend
	p.close()
	a.Close()

	// A restart: the clients have 200 reports of 300, the watchers too.
	cfg.Resume = &Resume{Clients: []ResumeClient{{Reports: 150}, {Reports: 150}}}
	a = listen(t, cfg)
	for i := range 200 {
		a.Remember(&all[i])
	}
	give(200, 300)
	p = watch(t, a, 0, 5)
	for a.Stats().Copies < 200 {
		time.Sleep(time.Millisecond)
	}
	p.send("2", "7=1|16=0|")
	seen := map[string]int{}
	for len(seen) < 300 {
		if id := get(p.read(), 17); id != "" {
			seen[id]++
		}
	}
	p.ping()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("report %s was copied %d times", id, n)
		}
	}
	if s := a.Stats(); s.Copies != 200 || s.Reports != 100 {
		t.Errorf("%d copies and %d reports after the restart, want 200 and 100", s.Copies, s.Reports)
	}
}

// TestCtl_C13_ACopyIsThereWithinRoundTrips measures how late copies are in what every machine has:
// round trips of the same session. Each report is given alone, so that no other report and no
// timer moves its copy on. A copy that waited for a timer would be hundreds of trips late, every
// time; how late the last few in a hundred are is the machine's scheduler on a busy day, so that they
// are told and not judged.
func TestCtl_C13_ACopyIsThereWithinRoundTrips(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, watched(t, d))
	p := watch(t, a, 0, 1)
	defer p.close()
	var trips []int
	for _, c := range testReports(100) {
		c.StepTime = time.Now().UnixNano()
		if !a.Report(&c) {
			t.Fatal("no room")
		}
		trips = append(trips, p.tripsToCopy())
	}
	slices.Sort(trips)
	if median := trips[49]; median > 3 {
		t.Errorf("half of 100 copies came within %d round trips, want 3: %v", median, trips)
	}
	t.Logf("round trips until a copy came: median %d, 99 of 100 within %d, all within %d", trips[49], trips[98], trips[99])
}

// tripsToCopy asks for heartbeats, one after the other, until a copy comes, and returns how many
// came before it.
func (p *peer) tripsToCopy() (trips int) {
	p.t.Helper()
	p.send("1", "112=trip|")
	for copied := false; ; {
		m, err := p.tryRead()
		if err != nil {
			p.t.Fatalf("no copy after %d round trips: %v", trips, err)
		}
		switch id, _ := m.Get(fix.TagTestReqID); {
		case string(m.Type()) == "8":
			copied = true
		case string(id) == "trip" && copied:
			return trips
		case string(id) == "trip":
			trips++
			p.send("1", "112=trip|")
		}
	}
}
