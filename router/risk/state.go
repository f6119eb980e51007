package risk

import "penstock/internal/state"

// MoveState moves what the gate has counted and what is latched; limits are configuration.
func (g *Gate) MoveState(c *state.Codec) {
	for i := range g.windows {
		g.windows[i].state(c)
	}
	state.Slice(c, g.limits) // a person may have changed them
	state.List(c, &g.scopes)
	state.List(c, &g.raises)
	if g.controls != nil {
		g.controls.state(c)
	}
	state.Fixed(c, &g.killed)
	state.Fixed(c, &g.stopped)
	state.Fixed(c, &g.held)
	state.Fixed(c, &g.clock)
	state.Fixed(c, &g.venues)
	state.Fixed(c, &g.barred)
	state.Fixed(c, &g.Refused)
	g.settle()
	g.expiry()
}

func (k *controls) state(c *state.Codec) {
	state.Fixed(c, &k.FirmCredit)
	for i := range k.Clients {
		state.Fixed(c, &k.Clients[i].Credit)
	}
	state.Slice(c, k.used)
	state.Fixed(c, &k.firm)
	state.Fixed(c, &k.disabled)
	for s := range k.rates {
		for v := range k.rates[s] {
			k.rates[s][v].state(c)
		}
	}
	state.Slice(c, k.repeats)
	state.Fixed(c, &k.same)
	state.Fixed(c, &k.sameNext)
	c.Check(k.sameNext >= 0 && k.sameNext < sameKept, "no order of a client is there")
	if c.Err() != nil {
		k.sameNext = 0
	}
	state.Fixed(c, &k.canary)
	state.Fixed(c, &k.capped)
	state.Fixed(c, &k.canaryOut)
	state.Fixed(c, &k.confirmed)
}

func (w *window) state(c *state.Codec) {
	state.Slice(c, w.times)
	state.Fixed(c, &w.next)
	state.Fixed(c, &w.over)
	if c.Loading() && (w.next < 0 || w.next >= max(len(w.times), 1)) {
		c.Fail("message %d of %d", w.next, len(w.times))
		w.next = 0
	}
	if len(w.times) > 0 {
		w.look()
	}
}
