package router

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// onMarket takes market data into the book and, when the message is complete and
// the touch moved, lets the live parents of the instrument look again.
func (c *Core) onMarket(e *event.Event) {
	if int(e.Venue) >= len(c.venues) {
		return
	}
	if e.Instrument == market.NoInstrument {
		if e.Kind != event.BookStatus {
			return
		}
		for i := range c.composites {
			c.onBook(c.composites[i], e)
		}
		return
	}
	if int(e.Instrument) < len(c.composites) {
		c.onBook(c.composites[e.Instrument], e)
	}
}

func (c *Core) onBook(m *book.Composite, e *event.Event) {
	b := m.Books[e.Venue]
	if b == nil {
		return
	}
	if e.Kind == event.MarketTrade {
		m.OnTrade(e)
	}
	touched, resync := b.Apply(e)
	if resync {
		c.Counters.Resyncs++
		cmd := c.command(event.ResyncBook)
		cmd.Venue, cmd.Instrument, cmd.Reason = e.Venue, m.Instrument, b.Reason
	}
	m.Dirty = m.Dirty || touched
	if e.Flags&event.More != 0 && !resync {
		m.Partial |= 1 << e.Venue
		return
	}
	m.Partial &^= 1 << e.Venue
	if !m.Dirty && !m.Owed || m.Partial != 0 {
		return
	}
	moved := m.Refresh(c.now) || m.Owed
	m.Dirty, m.Owed = false, false
	if !moved && e.Kind != event.Quote {
		return
	}
	mid2, ok := m.Mid2()
	for i := 0; i < len(c.live); i++ {
		p := &c.parents[c.live[i]]
		if p.Instrument != m.Instrument {
			continue
		}
		if p.ArrivalMid2 == 0 && ok {
			p.ArrivalMid2 = mid2
		}
		p.tried &^= triedTake
		c.repeg(p)
		c.work(p, false)
	}
}
