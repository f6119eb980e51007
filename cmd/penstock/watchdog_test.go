package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

// TestFrozenCoreIsStoppedAtItsGateways freezes the core's goroutine while an order works:
// after a second nothing new may leave, within three nothing is open at the venues any more,
// by the gateways alone; when the core
// goes on it is killed before it decides anything, and a person's resume lets it finish the
// order with accounts that agree.
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
	w := watchdog{a: r.a, say: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	}}
	go r.a.keepVitals()
	watch := func(what string, until func() bool) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for w.look(time.Now()); !until(); w.look(time.Now()) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come: %v", what, said)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	r.send("F-1", 24_000, 7*time.Second)
	r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 0 })
	watch("vitals", func() bool { return r.a.vitals.Load() != nil })

	for deadline := time.Now().Add(20 * time.Second); r.m.open() < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing rests at the venues")
		}
	}
	thaw, frozen := make(chan struct{}), make(chan struct{})
	go r.a.loop.Inspect(func(*loop.Sequencer) { close(frozen); <-thaw })
	<-frozen
	began := time.Now()
	watch("the latch", func() bool { return w.latched })
	if took := time.Since(began); took > 2*time.Second || !r.a.latch.Stopped(0) {
		t.Errorf("latched after %v: %v", took, r.a.latch.Stopped(0))
	}
	watch("the cancels", func() bool { return w.cut && r.m.open() == 0 })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("nothing was open at the venues after %v: at most 3 s", took)
	}
	sent := len(r.a.core.Children()) // the core stands still
	close(thaw)
	watch("its answer", func() bool { return !w.latched })
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
	for _, want := range []string{"no new order leaves", "the gateways asked for the cancel of", "answers again"} {
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
