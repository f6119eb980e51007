package loop

import (
	"sync/atomic"
	"time"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/market"
	"penstock/venues/wire"
)

// Worker is a feed or a gateway as the I/O goroutine sees it.
type Worker struct {
	// Work does what is there to do at now (ns since epoch), 0 when nothing.
	Work func(now int64) int
	// Glance is the part of Work that reads what has come; nil: an idle loop calls Work again.
	Glance func(now int64) int
	// PollFDs appends the descriptors to wait for when nothing is left to do.
	PollFDs func([]wire.PollFD) []wire.PollFD
	// Obey takes one command; false means that nothing was or will be sent, and the command's Reason
	// may say why. It does not keep the command.
	Obey     func(now int64, c *event.Command) bool
	Commands *ring.SPSC[event.Command] // nil when it takes none
	// Rewarm asks for what the next order in an instrument touches, a part of which turn chooses,
	// and changes nothing; nil: there is nothing to ask for.
	Rewarm func(turn uint64, id market.InstrumentID, side market.Side)
}

// IO works feeds and gateways on one goroutine and parks in poll(2) when all are
// idle. Push may be called by the core's goroutine, Stop by any.
type IO struct {
	workers  []Worker
	events   event.Sink
	clock    func() int64
	poller   *wire.Poller
	parked   atomic.Bool
	stop     atomic.Bool
	ended    chan struct{} // Run has returned
	looks    inspector
	fds      []wire.PollFD
	cmd      event.Command
	next     int      // worker that looks first in the next turn
	inline   bool     // a loop works it
	refusal  *refusal // of that loop's turns
	handed   []bool   // workers that got commands since they were last worked
	hold     hold
	now      int64         // of the commands that the core dispatches
	straight int           // of them, how many more the workers may obey as they are pushed
	passing  bool          // and o has the workers for that
	bounced  []event.Event // answers to orders that never left, waiting for room
	gate     *wire.Gate    // of the workers' connections, nil: none

	Bounces uint64 // commands that a gateway could not take
}

// NewIO returns an I/O loop. events takes the answers to commands that could not
// be sent; it must be the sink of the workers' own events.
func NewIO(workers []Worker, events event.Sink, clock func() int64) (*IO, error) {
	p, err := wire.NewPoller(4 * len(workers))
	if err != nil {
		return nil, err
	}
	return &IO{workers: workers, events: events, clock: clock, poller: p,
		ended: make(chan struct{}), refusal: new(refusal), handed: make([]bool, len(workers))}, nil
}

// Gate names what asks for the workers' connections at the beginning of a turn. Before Run.
func (o *IO) Gate(g *wire.Gate) { o.gate = g }

// Push queues a command for worker w and wakes the I/O goroutine; false means
// that the ring is full. A sequencer that works o itself needs no queue: the worker obeys at once.
// Core goroutine only.
func (o *IO) Push(w int, c *event.Command) bool {
	if o.straight > 0 && o.pass(w, c) {
		return true
	}
	if !o.workers[w].Commands.Push(c) {
		return false
	}
	o.Ring()
	return true
}

// Ring wakes the goroutine that works o if it is parked. Any goroutine.
func (o *IO) Ring() {
	if o.parked.Load() {
		o.poller.Ring()
	}
}

// Work does one turn: commands go out first, then the workers look what has come. Worked
// inline it ends with the first that has something, so that the core learns of it before the
// other sockets are asked; the next turn goes on behind that one.
func (o *IO) Work() (work int) {
	o.enter()
	o.gate.Look()
	work = o.work(o.clock())
	o.leave()
	return work
}

// glance looks only what has come, between enter and leave.
func (o *IO) glance(now int64) (work int) {
	o.gate.Look()
	return o.ask(now, true)
}

func (o *IO) work(now int64) (work int) {
	if len(o.bounced) > 0 {
		o.refusal.leave()
		for len(o.bounced) > 0 && o.events(&o.bounced[0]) {
			o.bounced = o.bounced[1:]
			work++
		}
		o.refusal.enter()
	}
	return work + o.obey(now) + o.flush(now) + o.ask(now, false)
}

// ask lets the workers look what has come, and with a glance nothing else if they can.
func (o *IO) ask(now int64, glance bool) (work int) {
	for range o.workers {
		w := &o.workers[o.next]
		if o.next++; o.next == len(o.workers) {
			o.next = 0
		}
		look := w.Work
		if glance && w.Glance != nil {
			look = w.Glance
		}
		o.refusal.meet()
		o.refusal.leave()
		found := look(now)
		o.refusal.enter()
		if work += found; found > 0 && o.inline {
			break
		}
	}
	return work
}

// open lets the workers obey what is pushed at once, a bounded batch of commands at now, until
// deliver. It is for the goroutine that works o inline.
func (o *IO) open(now int64) { o.now, o.straight = now, batch }

// pass lets worker w obey c at once; false means that others wait before it.
func (o *IO) pass(w int, c *event.Command) bool {
	if !o.workers[w].Commands.Empty() || len(o.bounced) >= batch {
		return false
	}
	if !o.passing {
		o.passing = true
		if !o.hold.enter() {
			o.hold.wait()
		}
	}
	o.straight--
	o.order(w, o.now, c)
	return true
}

// deliver hands out the rest of what the core has just asked for, before it goes on and before any
// socket is looked at.
func (o *IO) deliver() {
	o.straight = 0
	if o.Pending() {
		if !o.passing {
			o.passing = true
			o.enter()
		}
		o.obey(o.now)
	}
	if o.passing {
		o.passing = false
		o.hold.leave()
	}
}

// order lets worker w obey c, which is afterwards what it was: it may be the sequencer's, with its place
// in the journal still to come.
func (o *IO) order(w int, now int64, c *event.Command) {
	o.handed[w] = o.inline
	reason := c.Reason
	if !o.workers[w].Obey(now, c) {
		o.bounce(now, c)
		c.Reason = reason
	}
}

// flush lets the workers send what they gathered of the commands delivered.
func (o *IO) flush(now int64) (work int) {
	for i := range o.workers {
		if o.handed[i] {
			o.handed[i] = false
			o.refusal.leave()
			work += o.workers[i].Work(now)
			o.refusal.enter()
		}
	}
	return work
}

// obey takes a bounded batch of commands to each worker.
func (o *IO) obey(now int64) (work int) {
	for i := range o.workers {
		w := &o.workers[i]
		if w.Commands == nil {
			continue
		}
		for n := 0; n < batch && len(o.bounced) < batch && w.Commands.Pop(&o.cmd); n++ {
			work++
			o.refusal.leave()
			o.order(i, now, &o.cmd)
			o.refusal.enter()
		}
	}
	return work
}

// bringNear asks for what an order takes to the first worker from at on, and returns the next;
// beginning behind the last. For the goroutine that works o inline.
func (o *IO) bringNear(at int, turn uint64, id market.InstrumentID, side market.Side) (next int) {
	for ; at < len(o.workers); at++ {
		if w := &o.workers[at]; w.Rewarm != nil {
			o.enter()
			if w.Commands != nil {
				w.Commands.Rewarm()
			}
			o.refusal.leave()
			w.Rewarm(turn, id, side)
			o.refusal.enter()
			o.hold.leave()
			return at + 1
		}
	}
	return beginning
}

// enter begins a piece of work: the workers are o's until hold.leave.
func (o *IO) enter() {
	if !o.hold.enter() {
		o.refusal.leave()
		o.hold.wait()
		o.refusal.enter()
	}
}

// leave ends a piece of work in which the gate was asked.
func (o *IO) leave() {
	o.gate.Open()
	o.hold.leave()
}

// Close frees the poller, after Run has returned and nobody rings any more: a
// descriptor that is rung when it is closed may be somebody else's.
func (o *IO) Close() error { return o.poller.Close() }

// Run works until Stop.
func (o *IO) Run() error {
	defer close(o.ended)
	for !o.stop.Load() {
		if work := o.Work(); o.looks.answer() || work > 0 {
			continue
		}
		if err := o.wait(parkMax, func() bool { return o.looks.wanted() || o.stop.Load() }); err != nil {
			return err
		}
	}
	return nil
}

// wait parks until a socket has something, a ring, or d is over, unless there is
// work already: that is asked after the bell is armed.
func (o *IO) wait(d time.Duration, ready func() bool) error {
	o.parked.Store(true)
	defer o.parked.Store(false)
	if o.Pending() || ready() {
		return nil
	}
	o.enter()
	o.fds = o.fds[:0]
	for i := range o.workers {
		o.fds = o.workers[i].PollFDs(o.fds)
	}
	o.hold.leave()
	_, err := o.poller.Wait(o.fds, d)
	return err
}

// Pending reports whether commands wait for their gateway. For the goroutine that
// works o.
func (o *IO) Pending() bool {
	for i := range o.workers {
		if c := o.workers[i].Commands; c != nil && !c.Empty() {
			return true
		}
	}
	return false
}

// Stop makes Run return. Any goroutine, once.
func (o *IO) Stop() {
	o.stop.Store(true)
	o.poller.Ring()
}

// bounce answers a command that never left with what the core can act on.
func (o *IO) bounce(now int64, c *event.Command) {
	o.Bounces++
	if e, ok := Bounce(now, c); ok && !o.events(&e) {
		o.bounced = append(o.bounced, e)
	}
}

// Bounce returns the event that tells the core that command c was not sent: a
// rejected order, a refused cancel. A status request needs no answer, it is
// repeated.
func Bounce(now int64, c *event.Command) (e event.Event, ok bool) {
	e = event.Event{RecvTime: now, Venue: c.Venue, Instrument: c.Instrument, Side: c.Side, Ref: c.Child,
		Reason: event.ReasonVenueDown}
	if c.Reason != event.ReasonNone { // who could not send it said why
		e.Reason = c.Reason
	}
	switch c.Kind {
	case event.SendOrder:
		e.Kind, e.Code, e.OrdStatus = event.Exec, uint8(market.ExecRejected), market.StatusRejected
	case event.SendCancel:
		e.Kind = event.OrderCancelReject
	default:
		return e, false
	}
	return e, true
}
