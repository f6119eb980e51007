package main

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
)

// These tests hold one thing each while the router works an order, and look at the core
// all the time: it must go on turning, taking books and answering.

// deafProxy stands between the router and a venue's order session. While it is deaf it
// takes nothing from either side, as a host does whose process hangs.
type deafProxy struct {
	listener net.Listener
	deaf     atomic.Bool
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func startDeafProxy(t *testing.T, venue string) *deafProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &deafProxy{listener: l}
	p.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			v, err := net.Dial("tcp", venue)
			if err != nil {
				c.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, c, v)
			p.mu.Unlock()
			p.wait.Go(func() { p.copy(v, c) })
			p.wait.Go(func() { p.copy(c, v) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wait.Wait()
	})
	return p
}

func (p *deafProxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 4096)
	for {
		if p.deaf.Load() {
			if from.SetReadDeadline(time.Time{}) != nil { // closed
				return
			}
			time.Sleep(time.Millisecond)
			continue
		}
		_ = from.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err == nil {
			continue
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			continue
		}
		return
	}
}

// turning asks the core again and again until stop is called, and reports the longest
// answer and how many events it took meanwhile.
func (r *demoRig) turning() (stop func() (longest time.Duration, events uint64)) {
	end, done := make(chan struct{}), make(chan struct{})
	var longest time.Duration
	from := r.a.loop.Stats().Events
	go func() {
		defer close(done)
		for {
			start := time.Now()
			if !r.a.loop.Inspect(func(*loop.Sequencer) {}) {
				return
			}
			longest = max(longest, time.Since(start))
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() (time.Duration, uint64) {
		close(end)
		<-done
		return longest, r.a.loop.Stats().Events - from
	}
}

// slowest is how long a core that waits for nobody may take to answer on a machine that
// runs the tests of other packages at the same time.
const slowest = time.Second

func (r *demoRig) checkTurned(what string, stop func() (time.Duration, uint64)) {
	r.t.Helper()
	longest, events := stop()
	r.t.Logf("%s: the core answered within %v and took %d events", what, longest, events)
	if longest > slowest || events < 100 {
		r.t.Errorf("%s: the core took %v to answer, and %d events", what, longest, events)
	}
}

// TestAVenueThatStopsReadingIsLeft makes one venue's order session deaf under a working
// order. The policy is disconnect: heartbeats end the session, what is there stays
// reserved, the rest goes elsewhere. When the venue hears again the accounts agree.
func TestAVenueThatStopsReadingIsLeft(t *testing.T) {
	t.Parallel()
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			t.Parallel()
			var proxy *deafProxy
			r := newDemoRig(t, placement, func(cfg *Config) {
				proxy = startDeafProxy(t, cfg.Venue[0].Orders.Address)
				cfg.Venue[0].Orders.Address = proxy.listener.Addr().String()
				cfg.Venue[0].Orders.Heartbeat = 1
			})
			r.until("the session", func(s *loop.Sequencer) bool { return s.Core().SessionUp(0) })
			r.send("D-1", 8_000, 8*time.Second) // it must not end before that on a slow machine
			r.until("children at the venue", func(s *loop.Sequencer) bool {
				p := s.Core().Parents()
				return len(p) > 0 && p[0].Venues[0].Children > 0
			})
			stop := r.turning()
			proxy.deaf.Store(true)
			r.until("session given up", func(s *loop.Sequencer) bool { return !s.Core().SessionUp(0) })
			r.checkTurned("deaf venue", stop)
			proxy.deaf.Store(false)
			r.until("session back", func(s *loop.Sequencer) bool { return s.Core().SessionUp(0) })
			if s := r.finish("D-1"); s.CumQty != "8000" {
				t.Errorf("filled %s of 8000, status %s", s.CumQty, s.Status)
			}
		})
	}
}

// TestADeadClientsOrderGoesOn cuts the client off without a word while its order works.
func TestADeadClientsOrderGoesOn(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	r.send("E-1", 6_000, 4*time.Second)
	r.until("first fill", func(s *loop.Sequencer) bool {
		p := s.Core().Parents()
		return len(p) > 0 && p[0].Cum > 0
	})
	stop := r.turning()
	r.client.Close()
	r.client = nil
	r.until("end of the order", func(s *loop.Sequencer) bool { return !s.Core().Parents()[0].Live() })
	r.checkTurned("dead client", stop)
	r.stop()
	if p := r.a.core.Parents()[0]; p.Cum != 6_000 || p.Reserved != 0 {
		t.Errorf("%v of 6000 filled, %v reserved", p.Cum, p.Reserved)
	}
}

// TestAFullRingRejectsOrdersAndKeepsCancels keeps the goroutine that works the gateways
// out of them, fills the ring of one of them, and lets it go on. New orders must come back
// as rejected at once, what cancels must wait and leave.
func TestAFullRingRejectsOrdersAndKeepsCancels(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded")
	r.send("R-1", 50_000, 60*time.Second)
	r.until("resting children", func(s *loop.Sequencer) bool {
		p := s.Core().Parents()
		return len(p) > 0 && p[0].Reserved > 1000
	})
	if !r.a.io.Seize(10*time.Second, func(func() bool) { r.fillARing() }) {
		t.Fatal("the gateways' goroutine did not leave its turn")
	}
	r.until("no order open at the venues after the kill", func(*loop.Sequencer) bool { return r.m.open() == 0 })
}

// fillARing gives the first venue's ring more than it takes, then kills. Nobody works the
// gateways meanwhile.
func (r *demoRig) fillARing() {
	t := r.t
	rejects := func() (n int64) {
		r.a.loop.Inspect(func(s *loop.Sequencer) {
			for v := range r.a.cfg.Router.Venues {
				n += int64(s.Core().Parents()[0].Venues[v].Rejects)
			}
		})
		return n
	}
	before := rejects()
	var order, status event.Command
	r.a.loop.Inspect(func(s *loop.Sequencer) {
		for i := range s.Core().Children() {
			if c := &s.Core().Children()[i]; c.Venue == 0 {
				status = event.Command{Kind: event.SendStatus, Venue: 0, Child: c.Number, Side: market.Buy}
			}
		}
		for range commandRing + 100 {
			r.a.send(&status)
		}
		order = event.Command{Kind: event.SendOrder, Venue: 0, Child: status.Child + 1e6, Side: market.Buy, Qty: 1}
		r.a.send(&order)
	})
	if orders, late := r.a.full.orders.Load(), r.a.full.late.Load(); orders != 1 || late < 100 {
		t.Fatalf("%d orders rejected, %d requests late", orders, late)
	}
	longest := time.Duration(0)
	for range 100 { // the core answers
		start := time.Now()
		rejects()
		longest = max(longest, time.Since(start))
	}
	if longest > slowest {
		t.Errorf("the core took %v to answer", longest)
	}
	if !r.a.operate(event.OperatorKill, "test", "full ring") {
		t.Fatal("the operator was not heard")
	}
	if after := rejects(); after < before {
		t.Errorf("rejects fell from %d to %d", before, after)
	}
}
