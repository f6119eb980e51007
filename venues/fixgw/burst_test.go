package fixgw

import (
	"fmt"
	"strings"
	"testing"

	"penstock/event"
	"penstock/venues/outbound"
)

// The cancels of one event after the first are gathered: they leave in order when the gateway
// is worked or before an order does, and each is told as sent. One alone never waits, nor one
// of another event.
func TestCancelsOfOneEventLeaveTogether(t *testing.T) {
	const burst = 300
	var sent []uint64
	r := newRig(t, nil)
	r.start(func(c *Config) { c.OnSent = func(c *event.Command, _ int64) { sent = append(sent, c.Child) } })
	r.up()
	send := func(kind event.CommandKind, id uint64, step int64) {
		t.Helper()
		c := takeOrder()
		c.Kind, c.Child, c.StepTime = kind, id, step
		if kind == event.SendCancel {
			c.Ref = id + 10_000
		}
		if !r.g.Send(r.now, c) {
			t.Fatalf("%v %d was refused: %+v", kind, id, r.g.Stats())
		}
	}
	for i := range uint64(3) {
		if send(event.SendCancel, child+i, int64(i+1)); len(sent) != int(i+1) {
			t.Fatalf("cancel %d, of an event of its own, waits", i)
		}
	}
	sent = sent[:0]
	for i := range uint64(burst) {
		send(event.SendCancel, child+i, 9)
	}
	if waits := r.g.unsent.Len(); len(sent)+waits != burst || waits == 0 || len(r.g.session.Out()) > outbound.BurstBytes+512 {
		t.Fatalf("of %d cancels %d left and %d wait, in %d bytes", burst, len(sent), waits, len(r.g.session.Out()))
	}
	send(event.SendOrder, child+burst, 9)
	if r.g.unsent.Len() != 0 || len(sent) != burst+1 {
		t.Fatalf("%d of %d left with the order, %d wait", len(sent), burst+1, r.g.unsent.Len())
	}
	send(event.SendCancel, child+burst, 10)
	send(event.SendCancel, child+burst+1, 10)
	r.g.Work(r.now)
	if r.g.unsent.Len() != 0 || len(sent) != burst+3 {
		t.Errorf("%d cancels wait after the gateway was worked", r.g.unsent.Len())
	}
	for i := range uint64(burst) {
		if sent[i] != child+i {
			t.Fatalf("%d was told as sent in place of %d", sent[i], child+i)
		}
	}
	for range 3 {
		r.wire() // those alone
	}
	for i := range uint64(burst) {
		if got, want := r.wire(), fmt.Sprintf("|41=%d|", child+i); !strings.HasPrefix(got, "35=F|") || !strings.Contains(got, want) {
			t.Fatalf("the venue got %s, want %s", got, want)
		}
	}
}

// Gathered cancels whose connection ends are told like any that the socket never took.
func TestGatheredCancelsAreToldWhenTheConnectionEnds(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	for i := range uint64(5) {
		c := takeOrder()
		c.Kind, c.Child, c.Ref, c.StepTime = event.SendCancel, child+i, 5000+i, 9
		if !r.g.Send(r.now, c) {
			t.Fatal("refused")
		}
	}
	if n := r.g.unsent.Len(); n != 4 {
		t.Fatalf("%d wait", n)
	}
	r.g.lose(r.now, "cut")
	told := map[uint64]bool{}
	r.until("all told", func() bool {
		for len(r.events) > 0 {
			if e := r.next(); e.Kind == event.OrderCancelReject {
				told[e.Ref] = true
			}
		}
		return len(told) == 4
	})
}
