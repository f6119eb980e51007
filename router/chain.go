package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/internal/state"
)

const (
	// chainEvents is how often the chained hash of the state is said, in events.
	chainEvents = 4096
	// foldEvents is how often a part of the state is folded into it; chainEvents/foldEvents is a multiple of 4.
	foldEvents = 32
	// foldChildren bounds the children of a parent that are folded with it.
	foldChildren = 4
)

var (
	foldCounters = state.NewFolder[Counters]()
	foldCounts   = state.NewFolder[[11]uint64]()
	foldParent   = state.NewFolder[Parent]()
	foldChild    = state.NewFolder[Child]()
	foldTouch    = state.NewFolder[book.Touch]()
	foldFeatures = state.NewFolder[book.Features]()
)

// link continues the chained hash of the state every foldEvents events, and says it every chainEvents
// events as a command: what a core has become is then in the journal, and who steps another
// core on the same events compares it like everything else. The state goes in by parts, one
// a time, so that no event waits for all of it: what is counted, a live
// parent, some of its children, an instrument.
func (c *Core) link() {
	h, turn := c.chain^c.seq*0x9e3779b97f4a7c15, c.seq/foldEvents
	switch turn % 4 {
	case 0:
		counts := [...]uint64{uint64(c.now), uint64(c.nextCheck), uint64(c.nextAge), c.cancels, c.reports, c.epoch,
			uint64(c.parentCount), uint64(c.childCount), uint64(len(c.agenda.all)), uint64(len(c.execs.list)), uint64(c.ids.n)}
		h = foldCounts.Fold(foldCounters.Fold(h, &c.Counters), &counts)
	case 1:
		if p := c.liveAt(turn / 4); p != nil {
			h = foldParent.Fold(h, p)
		}
	case 2:
		if p := c.liveAt(turn / 4); p != nil {
			for s, n := p.first, 0; s != none && n < foldChildren; s, n = c.children[s].next, n+1 {
				h = foldChild.Fold(h, &c.children[s])
			}
		}
	case 3:
		m := c.composites[turn/4%uint64(len(c.composites))]
		h = foldTouch.Fold(foldTouch.Fold(h^m.Version, &m.Bid), &m.Ask)
		h = foldFeatures.Fold(h, &m.Features)
	}
	c.chain = h
	if c.seq%chainEvents == 0 {
		c.command(event.StateHash).Ref = h
	}
}

// liveAt returns one of the live parents, another one for the next turn; nil without any.
func (c *Core) liveAt(turn uint64) *Parent {
	if len(c.agenda.all) == 0 {
		return nil
	}
	return &c.parents[c.agenda.all[turn%uint64(len(c.agenda.all))]]
}
