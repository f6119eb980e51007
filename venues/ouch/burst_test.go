package ouch

import (
	"bytes"
	"net/netip"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/outbound"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// watchedStream counts the writes of a gateway, keeps what the socket took, and lets it take
// only so much of each.
type watchedStream struct {
	*wire.Conn
	writes int
	most   int // bytes that a write takes; negative: no bound
	taken  []byte
}

func (s *watchedStream) Write(p []byte) (int, error) {
	s.writes++
	if s.most >= 0 {
		p = p[:min(len(p), s.most)]
	}
	n, err := s.Conn.Write(p)
	s.taken = append(s.taken, p[:n]...)
	return n, err
}

// burstRig is a rig whose socket is watched, with orders that rest at the venue.
type burstRig struct {
	*rig
	w     *watchedStream
	first uint64 // child number of the first order at hand
	n     int
}

func newBurstRig(t *testing.T, orders serve.Orders) *burstRig {
	t.Helper()
	r := &burstRig{w: &watchedStream{most: -1}, first: child}
	r.rig = newRig(t, orders, "LITA", func(c *Config) {
		c.Dial = func(ap netip.AddrPort) (s wire.Stream, err error) {
			r.w.Conn, err = wire.DialAddr(ap)
			return r.w, err
		}
	})
	r.up()
	return r
}

// rest takes n more orders at hand, which rest at the venue.
func (r *burstRig) rest(n int) {
	r.t.Helper()
	r.first += uint64(r.n)
	r.n = n
	price := r.server.Depth(market.Sell, 1)[0].Price - 50_000
	for i := range uint64(n) {
		c := takeOrder(r.first + i)
		c.TIF, c.Price = market.TIFDay, price
		r.send(c)
	}
	for i := range uint64(n) {
		r.untilEvent("acceptances", exec(r.first+i, market.ExecNew))
	}
	r.sent, r.w.writes, r.w.taken = nil, 0, nil
}

// cancel sends the cancels of orders from to to-1 at hand, of the event at step.
func (r *burstRig) cancel(step int64, from, to int) {
	r.t.Helper()
	for i := from; i < to; i++ {
		c := cancelOf(r.first + uint64(i))
		c.StepTime = step
		r.send(c)
	}
}

// packets are the cancels of the first n orders at hand as they are on the wire.
func (r *burstRig) packets(n int) (b []byte) {
	for i := range n {
		number := r.first + uint64(i)
		msg := AppendCancel(nil, r.cfg.Version, r.g.book.ofChild(number).ref, makeToken(number), 0)
		b = append(append(b, 0, byte(1+len(msg)), 'U'), msg...)
	}
	return b
}

// inOrder checks that the first n cancels, and nothing else, were told as sent.
func (r *burstRig) inOrder(n int) {
	r.t.Helper()
	if len(r.sent) != n {
		r.t.Fatalf("%d of %d were told as sent", len(r.sent), n)
	}
	for i, c := range r.sent {
		if c != r.first+uint64(i) {
			r.t.Fatalf("%d was told as sent in place of %d", c, r.first+uint64(i))
		}
	}
}

// canceled waits until the venue has cancelled the first n orders at hand.
func (r *burstRig) canceled(n int) {
	r.t.Helper()
	for i := range uint64(n) {
		if e := r.untilEvent("cancels", over(r.first+i)); e.OrdStatus != market.StatusCanceled {
			r.t.Fatalf("got %+v", e)
		}
	}
}

// The first cancel of an event leaves at once and those behind it together, whatever the socket
// takes of them, in order, each told as sent when its last byte is through.
func TestCancelsOfOneEventLeaveTogether(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newBurstRig(t, orders)
			for _, step := range []struct {
				name string
				run  func(*testing.T, *burstRig)
			}{{"two writes", twoWrites}, {"any length", anyLength}, {"partial writes", partialWrites}, {"sink full", sinkFull},
				{"throttle", throttled}, {"connection ends", connectionEnds}} {
				t.Run(step.name, func(t *testing.T) {
					r.t = t
					step.run(t, r)
				})
			}
			r.t = t
			r.reconcile()
		})
	}
}

// One of another event never waits, and nothing waits behind an order.
func twoWrites(t *testing.T, r *burstRig) {
	const burst = 600
	r.rest(burst + 3)
	for i := range 2 {
		if r.cancel(int64(i+1), i, i+1); r.w.writes != i+1 || len(r.sent) != i+1 {
			t.Fatalf("cancel %d, of an event of its own, waits", i)
		}
	}
	counted := r.g.Stats().Login.Sent
	r.cancel(9, 2, burst)
	if r.w.writes != 3 || len(r.sent) != 3 || r.g.unsent.Len() != burst-3 {
		t.Fatalf("%d writes, %d of %d told, %d wait", r.w.writes, len(r.sent), burst, r.g.unsent.Len())
	}
	if n := r.g.Stats().Login.Sent - counted; n != burst-2 {
		t.Errorf("the session counted %d of %d", n, burst-2)
	}
	r.g.Work(wall())
	if r.w.writes != 4 || r.g.unsent.Len() != 0 {
		t.Fatalf("%d writes, %d wait", r.w.writes, r.g.unsent.Len())
	}
	r.inOrder(burst)
	r.cancel(10, burst, burst+3)
	order := takeOrder(r.first + burst + 3)
	order.Price = 1_000_000
	if r.send(order); r.w.writes != 6 || r.g.unsent.Len() != 0 {
		t.Errorf("%d writes, %d wait behind an order", r.w.writes, r.g.unsent.Len())
	}
	r.inOrder(burst + 4)
	if !bytes.HasPrefix(r.w.taken, r.packets(burst+3)) {
		t.Error("the bytes are not those of the cancels, one after the other")
	}
	r.canceled(burst + 3)
	r.n++
}

// What is more than may wait for the socket, or is longer than the limit of bytes, leaves whole.
func anyLength(t *testing.T, r *burstRig) {
	const burst, limit = 2500, 100
	usual := r.g.cfg.OutLimit
	for _, l := range []struct{ limit, writes int }{{usual, 5}, {limit, burst/5 + 2}} {
		r.rest(burst)
		r.g.cfg.OutLimit = l.limit
		r.cancel(9, 0, burst)
		r.g.Work(wall())
		r.g.cfg.OutLimit = usual
		r.inOrder(burst)
		if r.w.writes > l.writes {
			t.Errorf("%d writes with a limit of %d bytes", r.w.writes, l.limit)
		}
		r.canceled(burst)
	}
}

// A socket that takes a part of a message, and then nothing, gets the rest of it next.
func partialWrites(t *testing.T, r *burstRig) {
	const burst = 60
	r.rest(burst)
	want := r.packets(burst)
	size := len(want) / burst
	r.w.most = size - 5
	r.cancel(9, 0, burst)
	for len(r.w.taken) < len(want) {
		was := len(r.w.taken)
		if r.g.Work(wall()); len(r.w.taken) == was {
			t.Fatalf("nothing left at %d of %d bytes", was, len(want))
		}
		r.inOrder(len(r.w.taken) / size)
		r.w.most = 0
		if r.g.Work(wall()); r.g.unsent.Len() != burst-len(r.sent) {
			t.Fatalf("%d of %d wait", r.g.unsent.Len(), burst-len(r.sent))
		}
		r.w.most = 3*size - 2
	}
	r.inOrder(burst)
	if !bytes.Equal(r.w.taken, want) {
		t.Error("the bytes are not those of the cancels, one after the other")
	}
	r.w.most = -1
	r.canceled(burst)
}

// What is gathered leaves also while the core takes no events.
func sinkFull(t *testing.T, r *burstRig) {
	r.rest(20)
	r.full = true
	r.g.events.push(event.Event{Kind: event.Timer})
	r.cancel(9, 0, 20)
	if r.g.Work(wall()); r.w.writes != 2 {
		t.Errorf("%d writes", r.w.writes)
	}
	r.inOrder(20)
	r.full = false
	r.canceled(20)
}

// Cancels that wait for the throttle leave together when their turn has come, no more of them
// than it lets.
func throttled(t *testing.T, r *burstRig) {
	const n, window = 12, 300 * milli
	r.rest(n)
	now, before := wall(), r.g.Stats()
	r.g.pace = outbound.NewPace(outbound.Throttle{Messages: 20, WindowNanos: window, Reserve: 8})
	r.g.pace.Note(now, 13) // cancels may use 18
	for i := range uint64(n) {
		c := cancelOf(r.first + i)
		c.StepTime = 9
		if !r.g.Send(now, c) {
			t.Fatalf("cancel %d was refused", i)
		}
	}
	for _, turn := range []struct {
		now                 int64
		writes, sent, waits int
	}{{now, 2, 5, 7}, {now + window - 1, 2, 5, 7}, {now + window, 3, n, 0}} {
		if r.g.Work(turn.now); r.w.writes != turn.writes || r.g.lane.Len() != turn.waits {
			t.Fatalf("%d writes, %d wait, want %+v", r.w.writes, r.g.lane.Len(), turn)
		}
		r.inOrder(turn.sent)
	}
	if s := r.g.Stats(); s.LaneWaits-before.LaneWaits != 7 || s.Cancels-before.Cancels != n {
		t.Errorf("stats %+v", s)
	}
	r.g.pace = outbound.NewPace(outbound.Throttle{})
	r.canceled(n)
}

// Gathered cancels whose connection ends are told like any that the socket never took, and can
// be asked for again.
func connectionEnds(t *testing.T, r *burstRig) {
	r.rest(5)
	r.w.most = 0
	r.cancel(9, 0, 5)
	if n := r.g.unsent.Len(); n != 5 {
		t.Fatalf("%d wait", n)
	}
	r.server.DropConnections()
	for i := range uint64(5) {
		r.untilEvent("refusals", func(e *event.Event) bool {
			return e.Kind == event.OrderCancelReject && e.Ref == r.first+i && e.Reason == event.ReasonVenueDown
		})
	}
	r.w.most = -1
	r.up()
	r.cancel(11, 0, 5)
	r.canceled(5)
}

// An order that waits for a blocked socket when the kill comes does not leave when it opens, nor
// in front of a cancel: the session ends, and the venue says what it has.
func TestKillFindsOrdersThatWaitForTheSocket(t *testing.T) {
	t.Parallel()
	for _, next := range []struct {
		name string
		do   func(r *burstRig)
	}{
		{"work", func(r *burstRig) { r.g.Work(wall()) }},
		{"cancel", func(r *burstRig) { r.g.Send(wall(), cancelOf(r.first)) }},
	} {
		t.Run(next.name, func(t *testing.T) {
			t.Parallel()
			r := newBurstRig(t, serve.OUCH50)
			latch := &firewall.Latch{}
			r.g.cfg.Latch = latch
			r.rest(1)
			r.w.most = 0
			r.send(takeOrder(child + 1))
			if r.g.unsent.Len() != 1 {
				t.Fatalf("%d orders wait", r.g.unsent.Len())
			}
			latch.Kill(firewall.Scope{})
			r.w.most, r.w.taken = -1, nil
			next.do(r)
			if r.g.Stats().Latched != 1 || len(r.w.taken) != 0 {
				t.Errorf("latched %d, the socket took %q", r.g.Stats().Latched, r.w.taken)
			}
		})
	}
}
