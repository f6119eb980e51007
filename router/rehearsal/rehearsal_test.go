package rehearsal

import (
	"os"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

func newRehearsal(t *testing.T) *Rehearsal {
	t.Helper()
	r, err := New(nil)
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
	r, err := New(table)
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
		t.Errorf("%d of %d ticks found a stance", poised, walks)
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
			r, err := New(table)
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

// TestRehearsedOrdersGoNowhere looks for a way out of the process: there is no descriptor that
// was not there before, and the gateway has none to write to.
func TestRehearsedOrdersGoNowhere(t *testing.T) {
	before := descriptors(t)
	r := newRehearsal(t)
	for range 10_000 {
		r.Walk()
	}
	if r.session.venue.taken == 0 {
		t.Fatal("no order was made")
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	if fd := r.session.gateway.PollFD().FD; fd != -1 {
		t.Errorf("its gateway waits for descriptor %d", fd)
	}
	if r.session.gateway.Cut() {
		t.Error("its gateway has a connection that can be cut")
	}
	if err := r.seq.Err(); err != nil {
		t.Error(err)
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
	r, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Walk()
	}
}
