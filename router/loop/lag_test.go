package loop

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
)

// lagged is a loop whose journal stands still, as on a disk that does not answer, until
// the test releases it.
type lagged struct {
	loop    *Loop
	seq     *Sequencer
	writer  *journal.Writer
	venues  *ring.SPSC[event.Event]
	clients *ring.SPSC[event.Event]
	sent    []event.Command
	now     int64
	entered chan struct{} // the journal stands
	release func()        // lets the journal go on
}

func newLagged(t *testing.T) *lagged {
	t.Helper()
	x := &lagged{now: 1_000, venues: ring.New[event.Event](1 << 16), clients: ring.New[event.Event](64), entered: make(chan struct{})}
	held, dir := make(chan struct{}), filepath.Join(t.TempDir(), "run")
	enter := sync.OnceFunc(func() { close(x.entered) })
	w, err := journal.Create(dir, journal.Options{SegmentBytes: 64 << 20, RingBytes: 8 << 20,
		OnDurable: func() { enter(); <-held }}) // called between two groups: the journal does nothing more
	if err != nil {
		t.Fatal(err)
	}
	let := false
	x.release = func() {
		if !let {
			close(held)
		}
		let = true
	}
	t.Cleanup(func() { x.release(); w.Close() })
	x.writer = w
	x.seq = NewSequencer(testCore(t), w, func(c *event.Command) { x.sent = append(x.sent, *c) })
	x.loop = New(x.seq, []*ring.SPSC[event.Event]{x.clients, x.venues}, NewBell(), IdlePark,
		func() int64 { x.now += 10; return x.now }, nil)
	x.loop.Venues(x.venues)
	return x
}

// open takes events and waits until the journal stands: what it gets from here on stays in its ring.
func (x *lagged) open(events []event.Event) {
	for _, e := range events {
		x.venues.Push(&e)
	}
	x.loop.Work()
	<-x.entered
}

// book pushes n changes of a level and lets the loop take what it will.
func (x *lagged) book(n int) (left int) {
	for i := range n {
		x.venues.Push(&event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 500_000, Qty: market.Qty(100 + i%7)})
	}
	for range n/batch + 2 {
		x.loop.Work()
	}
	return x.venues.Len()
}

// fill brings the ring to more than part/8, or until the loop takes no more.
func (x *lagged) fill(part int) {
	for {
		_, free, size := x.seq.Lag()
		if size-free > part*size/8 || x.book(256) > 0 {
			return
		}
	}
}

func (x *lagged) client(e event.Event) {
	x.sent = nil
	x.clients.Push(&e)
	x.loop.Work()
}

func (x *lagged) parent(name string) event.Event {
	e := day()[len(day())-1]
	e.ID, _ = event.MakeID(name)
	return e
}

// TestALaggingJournalStopsNewOrdersAndNoCancel fills the ring in steps under live orders.
func TestALaggingJournalStopsNewOrdersAndNoCancel(t *testing.T) {
	x := newLagged(t)
	x.open(day())
	if n := len(x.sent); n == 0 || x.sent[n-1].Kind != event.SendOrder {
		t.Fatalf("the day sent %+v", x.sent)
	}
	x.fill(4)
	x.loop.Work()
	if held, _, _ := x.seq.Lag(); !held || x.seq.Withheld != 1 {
		t.Fatalf("held %v, withheld %d times, above half of the ring", held, x.seq.Withheld)
	}
	x.client(x.parent("C2"))
	if len(x.sent) != 1 || x.sent[0].ExecType != market.ExecRejected || x.sent[0].Reason != event.ReasonJournalLag {
		t.Fatalf("a parent above half: %+v", x.sent)
	}
	x.fill(7)
	before := x.seq.Seq()
	if left := x.book(256); left == 0 || x.seq.Seq() != before {
		t.Fatalf("above 7/8 the loop took market data: %d left, %d taken", left, x.seq.Seq()-before)
	}
	cancel := event.Event{Kind: event.ParentCancel}
	cancel.ID, _ = event.MakeID("X1")
	cancel.OrigID, _ = event.MakeID("C1")
	x.client(cancel)
	found := false
	for _, c := range x.sent {
		found = found || c.Kind == event.SendCancel
	}
	if !found {
		t.Fatalf("a cancel above 7/8 sent %+v", x.sent)
	}
	x.release()
	for held := true; held || x.venues.Len() > 0; held, _, _ = x.seq.Lag() {
		x.loop.Work()
	}
	x.client(x.parent("C3"))
	if len(x.sent) < 2 || x.sent[0].ExecType != market.ExecNew {
		t.Fatalf("a parent after the lag: %+v", x.sent)
	}
	if err := x.seq.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestAFullJournalIsAFailedOne fills the ring to the brim: the loop neither waits nor
// takes anything, and gives up after lagPatience.
func TestAFullJournalIsAFailedOne(t *testing.T) {
	x := newLagged(t)
	x.open(day())
	x.loop.Venues(nil) // so that market data fill the last eighth as well
	x.fill(9)
	if x.seq.Ready() {
		t.Fatal("there is room")
	}
	before := x.seq.Seq()
	x.client(x.parent("C2"))
	if x.seq.Seq() != before || x.clients.Len() != 1 {
		t.Fatal("an event was taken without room to record it")
	}
	x.now += int64(lagPatience)
	x.sent = nil
	for range 3 {
		x.loop.Work()
	}
	if !errors.Is(x.seq.Err(), ErrLag) {
		t.Fatalf("after %v: %v", lagPatience, x.seq.Err())
	}
	if len(x.sent) != 1 || x.sent[0].Kind != event.SendCancel {
		t.Fatalf("the open order was not cancelled: %+v", x.sent)
	}
}

// TestWhatDidNotFitFollows has an event whose commands exceed the room: they leave at
// once, and their records stand in order in the journal.
func TestWhatDidNotFitFollows(t *testing.T) {
	x := newLagged(t)
	x.loop.Venues(nil)
	x.open(day()[:5])
	for { // down to room for one event, but not for its order and its decision
		if free, _ := x.writer.Room(); free < eventRoom+128 {
			break
		}
		x.seq.TakeTimer(x.now)
	}
	e := x.parent("C1")
	x.sent = nil
	x.seq.Take(x.now, &e)
	if len(x.sent) < 2 || x.seq.Ready() || x.seq.Overruns != 1 {
		t.Fatalf("sent %d commands, ready %v, overruns %d", len(x.sent), x.seq.Ready(), x.seq.Overruns)
	}
	x.release()
	for !x.seq.Ready() {
	}
	if err := x.writer.Close(); err != nil {
		t.Fatal(err)
	}
}
