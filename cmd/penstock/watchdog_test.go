package main

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix/ems/guard"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

// TestFrozenCoreIsStoppedAtItsGateways freezes the core's goroutine while an order works:
// after a second nothing new may leave, within three the gateways alone cancel what is open at the
// venues; when the core
// goes on it is killed before it decides anything, and a person's resume lets it finish the
// order with accounts that agree. The watchdog is told the time, so that the machine's stalls are
// not the core's.
func TestFrozenCoreIsStoppedAtItsGateways(t *testing.T) {
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			freeze(t, newDemoRig(t, placement))
		})
	}
}

func freeze(t *testing.T, r *demoRig) {
	var mu sync.Mutex
	var said []string
	w := watchdog{a: r.a, seize: 20 * time.Second, say: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	}}
	r.send("F-1", 24_000, 30*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	await := func(what string, until func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !until(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come: %v", what, said)
			}
		}
	}
	await("what rests at the venues", func() bool { return r.m.open() >= 3 })
	if !r.a.lookAtCore() {
		t.Fatal("the loop has ended")
	}
	last := r.a.vitals.Load().at
	held, frozen := make(chan struct{}), make(chan struct{})
	thaw := sync.OnceFunc(func() { close(held) })
	t.Cleanup(thaw) // the rig cannot stop a frozen core
	go r.a.loop.Inspect(func(*loop.Sequencer) { close(frozen); <-held })
	<-frozen
	for _, c := range []struct {
		silent       time.Duration
		latched, cut bool
	}{{frozenLatch - 1, false, false}, {frozenLatch, true, false}, {frozenCancel - 1, true, false}, {frozenCancel, true, true}} {
		w.look(last.Add(c.silent))
		if w.latched != c.latched || r.a.latch.Stopped(0) != c.latched || w.cut != c.cut {
			t.Fatalf("after %v: latched %v %v, cancelled %v", c.silent, w.latched, r.a.latch.Stopped(0), w.cut)
		}
	}
	if most := frozenCancel + watchEvery + seizePatience; frozenLatch+watchEvery > 2*time.Second || most > 3*time.Second {
		t.Errorf("the cancels leave after %v: at most 3 s", most)
	}
	began := time.Now()
	await("the cancels", func() bool { return r.m.open() == 0 })
	t.Logf("nothing was open at the venues %v after the cancels left", time.Since(began))
	sent := len(r.a.core.Children()) // the core stands still
	thaw()
	if !r.a.lookAtCore() {
		t.Fatal("the loop has ended")
	}
	if w.look(r.a.vitals.Load().at); w.latched {
		t.Error("it answers, and is said not to")
	}
	killed := false
	r.until("the kill", func(s *loop.Sequencer) bool {
		killed = s.Core().Gate().Killed(market.NoVenue)
		return killed
	})
	r.until("quiet", func(s *loop.Sequencer) bool {
		if n := len(s.Core().Children()); n != sent {
			t.Errorf("%d orders were made after the core was told to stop", n-sent)
		}
		return true
	})
	mu.Lock()
	text := strings.Join(said, "\n")
	mu.Unlock()
	for _, al := range r.a.alarms.all() {
		if al.Severity != critical || al.Owner == "" {
			t.Errorf("alert %+v", al)
		}
		text += "\n" + al.Text
	}
	for _, want := range []string{"no new order leaves", "the gateways asked for the cancel of", "answers again; it is killed: SIGUSR2 or penstock ctl release lifts that"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q was not said: %s", want, text)
		}
	}
	r.a.latch.Release(firewall.Scope{})
	r.a.operate(event.OperatorResume, "test", "thawed")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.a.awaitReady(ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	r.hurry()
	r.finish("F-1")
}

// TestASessionThatIsDownSaysWhy has venues that are not there.
func TestASessionThatIsDownSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := demoOptions{symbol: "PSTK", seed: 3, copies: true, table: baselineFile(t, t.TempDir())}
	m, err := startDemoMarket(o, dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := demoConfig(o, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	// Its ports may be another market's by now: these stay taken, and nobody listens.
	port, err := guard.Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	for i := range cfg.Venue {
		v := &cfg.Venue[i]
		v.Orders.Address, v.DropCopy.Address = port.Addr(), port.Addr()
		if v.Feed.Protocol == "itch" {
			v.Feed.Request, v.Feed.Snapshot = packets.LocalAddr().String(), port.Addr()
		} else {
			v.Feed.Address = port.Addr()
		}
	}
	a, err := assemble(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.stop()
	want := regexp.MustCompile(`^orders down \(connect 127\.0\.0\.1:\d+: connection refused\), drop copy down \(connect 127\.0\.0\.1:\d+: connection refused\), 1 EMPTY$`)
	state := ""
	for deadline := time.Now().Add(20 * time.Second); !want.MatchString(state); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it says %q, want %v", state, want)
		}
		if a.lookAtCore() {
			state = a.vitals.Load().venues[0]
		}
	}
}
