package simtest

import "penstock/event"

// canary counts the orders of a new policy: at its cap the last good one takes over, at once
// and by itself (FM-67).
type canary struct {
	policy uint64 // that has the caps
	sent   int
	out    bool
}

// swapped begins the count of a new policy.
func (w *world) swapped(policy uint64) { w.canary = canary{policy: policy} }

// countCanary checks an order that leaves against the caps of its policy.
func (w *world) countCanary(c *event.Command) {
	k := &w.canary
	if w.swarm.canary == 0 || c.Policy == 0 || c.Policy != k.policy || w.swarm.weights[chHostCrash] > 0 { // it takes back orders that were counted
		return
	}
	switch k.sent++; {
	case k.out:
		w.fail("order %d by policy %d, which has reached its cap", c.Child, c.Policy)
	case k.sent > w.swarm.canary:
		w.fail("order %d is number %d of policy %d, which has a cap of %d", c.Child, k.sent, c.Policy, w.swarm.canary)
	}
}

// watchCanary sees a policy reach its cap.
func (w *world) watchCanary() {
	if k := &w.canary; w.swarm.canary > 0 && !k.out && w.core.Gate().CanaryOut() {
		k.out = true
		w.hit(fm67)
	}
}
