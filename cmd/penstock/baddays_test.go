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

// turned is how a core answered for a while, and how many events it took.
type turned struct {
	longest time.Duration
	ticks   int64 // the longest in ticks
	events  uint64
}

// turning asks the core again and again until stop is called. Beside it a goroutine ticks, which sleeps
// a millisecond at a time: what keeps the machine from running the core keeps it from ticking.
func (r *demoRig) turning() (stop func() turned) {
	end := make(chan struct{})
	var group sync.WaitGroup
	var ticks atomic.Int64
	var all turned
	from := r.a.loop.Stats().Events
	every := func(f func() bool) {
		for f() {
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
	group.Go(func() { every(func() bool { ticks.Add(1); return true }) })
	group.Go(func() {
		every(func() bool {
			start, tick := time.Now(), ticks.Load()
			ok := r.a.loop.Inspect(func(*loop.Sequencer) {})
			if ok {
				all.longest, all.ticks = max(all.longest, time.Since(start)), max(all.ticks, ticks.Load()-tick)
			}
			return ok
		})
	})
	return func() turned {
		close(end)
		group.Wait()
		all.events = r.a.loop.Stats().Events - from
		return all
	}
}

// slowest is how many ticks a core that waits for nobody may take to answer: a second.
const slowest = 1000

func (r *demoRig) checkTurned(what string, stop func() turned) {
	r.t.Helper()
	all := stop()
	r.t.Logf("%s: the core answered within %v, %d ticks, and took %d events", what, all.longest, all.ticks, all.events)
	if all.ticks > slowest || all.events < 100 {
		r.t.Errorf("%s: the core took %v to answer, %d ticks, and %d events", what, all.longest, all.ticks, all.events)
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
			r.send("D-1", 8_000, 30*time.Second) // it must not end before that on a slow machine
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
			r.hurry()
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
	r.send("E-1", 6_000, 20*time.Second)
	cum, seq := market.Qty(0), uint64(0)
	filled := func(s *loop.Sequencer) bool {
		p := s.Core().Parents()
		if len(p) == 0 || p[0].Cum == cum || s.Core().Seq() < seq {
			return false
		}
		cum, seq = p[0].Cum, s.Core().Seq()+200
		return true
	}
	r.until("first fill", filled)
	stop := r.turning()
	r.client.Close()
	r.client = nil
	r.until("another fill, and events", filled)
	r.hurry()
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
	before, stop := rejects(), r.turning()
	var order, status event.Command
	var orders uint64
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
		refused := r.a.full.orders.Load()
		r.a.send(&order)
		orders = r.a.full.orders.Load() - refused // here, for the core may send another one at once
	})
	if late := r.a.full.late.Load(); orders != 1 || late < 100 {
		t.Fatalf("%d orders rejected, %d requests late", orders, late)
	}
	for range 100 { // the core answers
		rejects()
	}
	if all := stop(); all.ticks > slowest {
		t.Errorf("the core took %v to answer, %d ticks", all.longest, all.ticks)
	}
	if !r.a.operate(event.OperatorKill, "test", "full ring") {
		t.Fatal("the operator was not heard")
	}
	if after := rejects(); after < before {
		t.Errorf("rejects fell from %d to %d", before, after)
	}
}
