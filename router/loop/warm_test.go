package loop

import (
	"testing"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
)

func TestAnIdleLoopRehearses(t *testing.T) {
	r := newInlineRig(t)
	l := r.loop
	l.seq.journal = journal.Scratch()
	read := 0
	for i := range l.inline.workers {
		l.inline.workers[i].Rewarm = func(uint64) uint64 { read++; return 1 }
	}
	walks := 0
	at := func(now int64) { l.last = now; l.rehearse() }
	at(0) // without a rehearsal nothing happens
	l.Warm(func() { walks++ })
	for now := int64(warmNanos); now <= 12*warmNanos; now += warmNanos / 10 {
		at(now)
	}
	if walks != 12 || read != 12 || l.warm.sum == 0 {
		t.Errorf("%d walks in twelve times warmNanos, the gateways were read %d times", walks, read)
	}
	if at(5); walks != 13 {
		t.Error("a clock that steps back ends it")
	}
	l.warm.worked(6, l.seq.Commands+1)
	for now := int64(6); now < 6+warmNanos; now += warmNanos / 10 {
		at(now)
	}
	if walks != 13 {
		t.Error("it rehearses right after an order")
	}
	if at(6 + warmNanos); walks != 14 {
		t.Error("an order ends it")
	}
	base := int64(10 * warmNanos)
	at(base)
	walks = 0
	for i := int64(1); i <= 50; i++ { // messages that make no order, at the same interval
		due := base + i*warmNanos
		at(due - 1)
		l.warm.worked(due, l.warm.commands)
		if at(due + lullNanos - 1); walks != int(i)-1 {
			t.Fatalf("%d walks when message %d was there", walks, i)
		}
		if at(due + lullNanos); walks != int(i) {
			t.Fatalf("%d walks after message %d", walks, i)
		}
	}
	l.Warm(nil)
	if at(100 * base); walks != 50 {
		t.Error("it goes on without a rehearsal")
	}
}

// TestRereadingChangesNothing lets a day pass with everything read between all events and without.
func TestRereadingChangesNothing(t *testing.T) {
	run := func(reread bool) (records int, sent []event.Command) {
		w := journal.Scratch()
		seq := NewSequencer(testCore(t), w, func(c *event.Command) { sent = append(sent, *c) })
		in := ring.New[event.Event](16)
		now := int64(1_000)
		clock := func() int64 { now++; return now }
		io, err := NewIO([]Worker{{Work: func(int64) int { return 0 }, Obey: func(int64, *event.Command) bool { return true },
			Commands: ring.New[event.Command](2)}}, in.Push, clock)
		if err != nil {
			t.Fatal(err)
		}
		defer io.Close()
		l := NewInline(seq, []*ring.SPSC[event.Event]{in}, io, IdleSpin, clock, nil)
		l.Venues(in)
		for turn, e := range day() {
			if reread {
				l.reread(uint64(turn))
			}
			in.Push(&e)
			if reread {
				l.reread(uint64(turn))
			}
			l.Work()
		}
		free, size := w.Room()
		return size - free, sent
	}
	journalled, sent := run(false)
	rejournalled, resent := run(true)
	if len(sent) == 0 || journalled != rejournalled || len(sent) != len(resent) {
		t.Fatalf("%d bytes and %d commands, with reading %d and %d", journalled, len(sent), rejournalled, len(resent))
	}
	for i := range sent {
		if sent[i] != resent[i] {
			t.Errorf("command %+v, with reading %+v", sent[i], resent[i])
		}
	}
}
