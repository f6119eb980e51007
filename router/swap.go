package router

import (
	"penstock/event"
	"penstock/internal/assert"
	"penstock/policy"
)

// offer is a policy table that waits for its event.
type offer struct {
	table      *policy.Table
	sum        [32]byte
	candidates []policy.ActionMask
}

// Offer hands the core a table, by the SHA-256 of its file. It changes nothing yet: the table
// is in force from the PolicySwap event that names it on, so that live run and replay decide by
// the same one; or at once in a core whose loaded state says that it is in force. The core's
// own goroutine, between two events.
// candidates are what exploration may draw with that table (Exploration.Candidates); nil for
// nothing, where exploration is bounded.
func (c *Core) Offer(t *policy.Table, sum [32]byte, candidates []policy.ActionMask) {
	c.offered = offer{t, sum, candidates}
	if c.table == nil && c.policy == sum {
		c.decideBy(t, candidates)
	}
}

// decideBy puts a table in force.
func (c *Core) decideBy(t *policy.Table, candidates []policy.ActionMask) {
	c.table, c.exploration.Candidates = t, candidates
	clear(c.stances)
}

// Policy returns the SHA-256 of the file of the table in force; zero before the first swap. In
// a core whose state was loaded the table itself has to be offered before the next event.
func (c *Core) Policy() [32]byte { return c.policy }

// Table returns the table in force.
func (c *Core) Table() *policy.Table { return c.table }

// RolledBack reports whether the compiled-in table decides since the policy reached a cap.
func (c *Core) RolledBack() bool { return c.rolledBack }

// onPolicySwap puts the offered table in force. It says nothing of limits, venues or
// instruments: those are the gate's and the configuration's.
func (c *Core) onPolicySwap(e *event.Event) {
	sum := e.PolicyHash()
	assert.That(c.offered.table != nil && c.offered.sum == sum, "the table of a swap was offered before")
	c.decideBy(c.offered.table, c.offered.candidates)
	c.policy, c.rolledBack = sum, false
	c.gate.NewPolicy(c.table.PolicyID())
	for i := range c.waiting.list[:c.waiting.count] {
		c.unwant(&c.children[c.waiting.list[i].child]) // decided and counted before the swap
	}
	c.Counters.PolicySwaps++
}
