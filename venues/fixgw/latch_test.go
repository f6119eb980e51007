package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/venues/firewall"
)

// Under the latch no order leaves, cancels and status requests do; Cut ends the connection
// from outside.
func TestLatchKeepsOrdersAndNothingElse(t *testing.T) {
	var latch firewall.Latch
	r := newRig(t, nil)
	r.start(func(c *Config) { c.Latch = &latch })
	r.up()
	send := func(kind event.CommandKind, id uint64) bool {
		c := takeOrder()
		c.Kind, c.Child, c.Ref = kind, id, id+1000
		return r.g.Send(r.now, c)
	}
	if !send(event.SendOrder, child) {
		t.Fatal("an order without the latch")
	}
	latch.Kill(firewall.Scope{})
	if send(event.SendOrder, child+1) || r.g.Stats().Latched != 1 {
		t.Errorf("an order left under the latch: %+v", r.g.Stats())
	}
	if !send(event.SendCancel, child) || !send(event.SendStatus, child) {
		t.Error("a cancel or a status request was kept back")
	}
	latch.Release(firewall.Scope{})
	if !send(event.SendOrder, child+2) {
		t.Error("an order after the latch")
	}
	if !r.g.Cut() {
		t.Fatal("no connection to cut")
	}
	r.until("down", func() bool { return !r.g.Up() })
	if r.g.Cut() {
		t.Error("cut twice")
	}
}
