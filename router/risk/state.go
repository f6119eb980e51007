package risk

import "penstock/internal/state"

// MoveState moves what the gate has counted and what is latched; limits are configuration.
func (g *Gate) MoveState(c *state.Codec) {
	for i := range g.windows {
		g.windows[i].state(c)
	}
	state.Fixed(c, &g.killed)
	state.Fixed(c, &g.stopped)
	state.Fixed(c, &g.held)
	state.Fixed(c, &g.venues)
	state.Fixed(c, &g.barred)
	state.Fixed(c, &g.Refused)
}

func (w *window) state(c *state.Codec) {
	state.Slice(c, w.times)
	state.Fixed(c, &w.next)
	if c.Loading() && (w.next < 0 || w.next >= max(len(w.times), 1)) {
		c.Fail("message %d of %d", w.next, len(w.times))
		w.next = 0
	}
}
