package rehearsal

import (
	"errors"
	"os"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/venues/wire"
)

func newRehearsal(t *testing.T) *Rehearsal {
	t.Helper()
	r, err := New(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRehearsalGoesAllTheWay walks for ten seconds of its time: almost every walk makes an order
// which passes gateway and firewall, nothing allocates, and it never stops working.
func TestRehearsalGoesAllTheWay(t *testing.T) {
	r := newRehearsal(t)
	const walks = 100_000
	made := 0
	for range walks {
		before := r.session.venue.taken
		r.Walk()
		if r.session.venue.taken > before+100 {
			made++
		}
	}
	if made < walks*9/10 {
		t.Errorf("%d of %d walks made the bytes of an order", made, walks)
	}
	if orders := r.session.gateway.Stats().Orders; int(orders) < made || r.session.refused != 0 {
		t.Errorf("%d orders of %d walks, %d refused", orders, made, r.session.refused)
	}
	if n := testing.AllocsPerRun(10*children, r.Walk); n != 0 {
		t.Errorf("%v allocations in a walk", n)
	}
	if r.core.Gate().Exposure(0, limit, qty) == 0 {
		t.Error("its gate has no controls, as every router's has")
	}
	if p := &r.core.Parents()[0]; !p.Live() || p.Reserved > qty {
		t.Errorf("its parent is %v with %v reserved", p.Status, p.Reserved)
	}
	for _, trouble := range []string{r.core.Audit(), r.session.wall.Recount()} {
		if trouble != "" {
			t.Error(trouble)
		}
	}
	for _, f := range r.feeds {
		if s := f.decoder.Stats(); s.Unknown+s.Withheld != 0 {
			t.Errorf("its feed: %+v", s)
		}
	}
}

// TestRehearsalGoesTheQuickWay is what it is for: with a table that takes there, the touch finds a stance,
// a template writes every order, and the firewall has seen one like it; connections that begin
// anew change nothing of that.
func TestRehearsalGoesTheQuickWay(t *testing.T) {
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "test", NotAfter: 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	for _, protected := range []bool{false, true} {
		goesTheQuickWay(t, table, protected)
	}
}

func goesTheQuickWay(t *testing.T, table *policy.Table, protected bool) {
	r, err := New(table, protected)
	if err != nil {
		t.Fatal(err)
	}
	const walks, renewed = 20_000, 5_000
	r.session.last = renewed
	poised := 0
	for range walks {
		poised += r.core.Poised()
		r.Walk()
		if r.session.last > connected {
			r.session.last = r.session.last - connected + renewed
		}
	}
	g := r.session.gateway.Stats()
	if g.Orders < walks*9/10 || r.session.refused != 0 {
		t.Errorf("%d orders of %d walks, %d refused", g.Orders, walks, r.session.refused)
	}
	if poised < walks*9/10 {
		t.Errorf("protected %v: %d of %d ticks found a stance", protected, poised, walks)
	}
	if g.Disconnects != walks/renewed-1 && g.Disconnects != walks/renewed {
		t.Errorf("%d new connections", g.Disconnects)
	}
	if g.Session.ByField > 2 {
		t.Errorf("%d orders were written field by field", g.Session.ByField)
	}
	if n := r.session.wall.Stats().ByField; n > 4*(walks/renewed+1) {
		t.Errorf("%d orders were read field by field", n)
	}
	if trouble := r.core.Audit() + r.session.wall.Recount(); trouble != "" {
		t.Error(trouble)
	}
}

// TestRehearsalLastsWithEveryTable: whichever action a table has for the state of the rehearsed
// order, a walk is short and leaves room for the next one. Who waits in it holds up the real loop.
func TestRehearsalLastsWithEveryTable(t *testing.T) {
	for action := range uint8(policy.Actions) {
		cells := make([]policy.Choice, policy.States)
		for i := range cells {
			cells[i] = policy.Choice{Action: action, Alt: policy.ActionHold}
		}
		table, err := policy.Build(policy.TrainOptions{BuildOptions: policy.BuildOptions{Version: "test", NotAfter: 1 << 62},
			Meta: policy.Meta{Trainer: "test", Version: "test"}}, cells)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan *Rehearsal, 1)
		go func() {
			r, err := New(table, true)
			if err != nil {
				t.Error(err)
			}
			for range 20 * children {
				r.Walk()
			}
			done <- r
		}()
		select {
		case r := <-done:
			if r.seq.Err() != nil || r.core.Gate().Refused != ([event.ReasonCount]uint64{}) || r.session.refused != 0 {
				t.Errorf("action %d: %v, the gate refused %v, the session %d orders", action, r.seq.Err(), r.core.Gate().Refused, r.session.refused)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("action %d: a walk does not end", action)
		}
	}
}

// bells is how many descriptors its loop takes to be rung by: nobody does, and they lead nowhere.
const bells = 1

// TestRehearsedOrdersGoNowhere looks for a way out of the process: there is no descriptor that
// was not there before but bells, and the gateway has none to write to.
func TestRehearsedOrdersGoNowhere(t *testing.T) {
	before := descriptors(t)
	r := newRehearsal(t)
	for range 10_000 {
		r.Walk()
	}
	if r.session.venue.taken == 0 {
		t.Fatal("no order was made")
	}
	if after := descriptors(t); after != before+bells {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	if fd := r.session.gateway.PollFD().FD; fd != -1 {
		t.Errorf("its gateway waits for descriptor %d", fd)
	}
	if r.session.gateway.Cut() {
		t.Error("its gateway has a connection that can be cut")
	}
	if err := errors.Join(r.seq.Err(), r.Close()); err != nil {
		t.Error(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are left, %d before", after, before)
	}
}

// connect returns a connected rehearsal whose clock stands at now.
func connect(t *testing.T, now *int64) *Rehearsal {
	t.Helper()
	r := newRehearsal(t)
	if err := r.Connect(func() int64 { return *now }); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRehearsedOrdersComeBack: connected, all bytes of all orders go through the kernel and come back to this
// process, nothing else changes, nothing allocates, and at the end no descriptor is left.
func TestRehearsedOrdersComeBack(t *testing.T) {
	plain := newRehearsal(t)
	before, now := descriptors(t), int64(0)
	r := connect(t, &now)
	if n := descriptors(t); n != before+2+bells {
		t.Errorf("%d descriptors are open, %d before", n, before)
	}
	const walks = 5_000
	m := r.session.venue
	first := m.taken
	for range walks {
		now += longestPeriod
		r.Walk()
		plain.Walk()
	}
	m.kernel.receive() // what the last answer made the order's parent send
	if n := m.taken - first; m.kernel.sent != n || m.kernel.arrived != n || m.taken != plain.session.venue.taken || m.kernel.broken != nil {
		t.Errorf("%d bytes of orders, %d went, %d came back, without a connection %d; %v",
			n, m.kernel.sent, m.kernel.arrived, plain.session.venue.taken-first, m.kernel.broken)
	}
	if orders := r.session.gateway.Stats().Orders; orders < walks*9/10 {
		t.Errorf("%d orders of %d walks", orders, walks)
	}
	if n := testing.AllocsPerRun(2*children, func() { now += longestPeriod; r.Walk() }); n != 0 {
		t.Errorf("%v allocations in a walk", n)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors are left, %d before", n, before)
	}
}

// TestAStepSaysWhenItWentThroughTheKernel: the one that sends, the one that takes what was sent, no other.
func TestAStepSaysWhenItWentThroughTheKernel(t *testing.T) {
	now := int64(0)
	r := connect(t, &now)
	k := &r.session.venue.kernel
	said := 0
	for range 3_000 {
		now += longestPeriod / 10
		sent, arrived := k.sent, k.arrived
		if _, kernel := r.Step(); kernel != (k.sent != sent || k.arrived != arrived) {
			t.Fatalf("kernel %v: %d bytes sent, %d arrived", kernel, k.sent-sent, k.arrived-arrived)
		} else if kernel {
			said++
		}
	}
	if said < 100 {
		t.Errorf("%d of 3000 steps", said)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheKernelHasAHundredth: a message that takes long is followed by none for a hundred times as long, or for
// longestPeriod, and a clock that steps back ends nothing.
func TestTheKernelHasAHundredth(t *testing.T) {
	var k kernel
	var err error
	if k.way, err = wire.NewLoopback(); err != nil {
		t.Fatal(err)
	}
	defer k.way.Close()
	var now, took int64
	k.clock = func() int64 { now += took; return now }
	try := func(at int64) bool {
		now = at - took
		before := k.sent
		k.send([]byte("order"))
		k.receive()
		return k.sent != before
	}
	const base = 1e15
	took = 5_000
	for _, c := range []struct {
		at   int64
		goes bool
	}{{base, true}, {base + 100_000, false}, {base + 499_999, false}, {base + 500_000, true}, {base - 1e9, true}, {base - 1e9 + 1, false}} {
		if try(c.at) != c.goes {
			t.Errorf("at %d: %v", c.at-base, !c.goes)
		}
	}
	took = 50_000
	if !try(2*base) || try(2*base+longestPeriod-1) || !try(2*base+longestPeriod) {
		t.Error("the longest period is not kept")
	}
	if k.sent != k.arrived || k.broken != nil {
		t.Errorf("%d bytes went, %d came, %v", k.sent, k.arrived, k.broken)
	}
}

// TestRehearsalGoesOnWithoutItsConnection: when that breaks, the walks go on in memory and Close says why.
func TestRehearsalGoesOnWithoutItsConnection(t *testing.T) {
	now := int64(longestPeriod)
	r := connect(t, &now)
	r.Walk()
	m := r.session.venue
	m.kernel.way.Close()
	taken, sent := m.taken, m.kernel.sent
	for range 1000 {
		now += longestPeriod
		r.Walk()
	}
	if m.taken < taken+100_000 || m.kernel.sent > sent || r.session.refused != 0 {
		t.Errorf("%d bytes of orders, %d went, %d refused", m.taken-taken, m.kernel.sent-sent, r.session.refused)
	}
	if err := r.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close says %v", err)
	}
}

// TestRewarmOfAGatewayChangesNothing asks for everything between walks, and does not: the venue gets the
// same. Nothing is allocated.
func TestRewarmOfAGatewayChangesNothing(t *testing.T) {
	read, plain := newRehearsal(t), newRehearsal(t)
	for turn := range uint64(3000) {
		read.session.gateway.Rewarm(turn, 0, market.Buy)
		read.journal.Rewarm()
		read.Walk()
		plain.Walk()
		if a, b := read.session.venue.taken, plain.session.venue.taken; a != b {
			t.Fatalf("walk %d: %d bytes, without asking %d", turn, a, b)
		}
	}
	if a, b := read.session.gateway.Stats(), plain.session.gateway.Stats(); a != b {
		t.Errorf("%+v, without asking %+v", a, b)
	}
	if trouble := read.session.wall.Recount(); trouble != "" {
		t.Error(trouble)
	}
	turn := uint64(0)
	if n := testing.AllocsPerRun(500, func() { turn++; read.session.gateway.Rewarm(turn, 0, market.Side(turn%4)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func BenchmarkWalk(b *testing.B) {
	r, err := New(nil, true)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Walk()
	}
}
