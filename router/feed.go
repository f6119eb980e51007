package router

import (
	"math"

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
			c.lookAll()
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
	was := b.State
	resync := m.Apply(e)
	c.listed[m.Instrument].movedBook(m, e.Venue)
	if moreThanDepth>>(e.Kind&63)&1 != 0 || b.State != was || resync {
		c.beside(m, e, was, resync)
	}
	c.refresh(m, e.Kind == event.Quote)
}

// moreThanDepth holds the kinds of events that say more than what a book shows.
const moreThanDepth = 1<<event.MarketTrade | 1<<event.OrderExecuted | 1<<event.BookStatus | 1<<event.Quote

// beside does what an event of a book causes beside depth: e is of such a kind, or the book
// has changed its state or must be synchronised.
func (c *Core) beside(m *book.Composite, e *event.Event, was event.BookState, resync bool) {
	c.print(m, e, was)
	c.tellMove(m, e.Venue, was)
	if e.Kind == event.BookStatus {
		c.venueTrades(m, e.Venue, event.BookState(e.Code))
	}
	if e.Kind == event.Quote && c.standings[m.Instrument][e.Venue].shut {
		c.open(m.Instrument, e.Venue, RejectHold) // a dealer that quotes trades
	}
	if resync {
		c.Counters.Resyncs++
		cmd := c.command(event.ResyncBook)
		cmd.Venue, cmd.Instrument, cmd.Reason = e.Venue, m.Instrument, m.Books[e.Venue].Reason
	}
}

// Ahead notes an event that will be stepped soon; see book.Lookahead.
func (c *Core) Ahead(a *book.Lookahead, e *event.Event) {
	if int(e.Instrument) < len(c.composites) && e.Venue < market.MaxVenues && e.Kind.Market() {
		a.Note(c.composites[e.Instrument].Books[e.Venue], e)
	}
}

// AheadOne is for an event that waits alone.
func (c *Core) AheadOne(a *book.Lookahead, e *event.Event) {
	if int(e.Instrument) < len(c.composites) && e.Venue < market.MaxVenues && e.Kind.Market() {
		a.One(c.composites[e.Instrument].Books[e.Venue], e)
	}
}

// arrivals are the kinds of events with which an order comes to a book.
const arrivals = 1<<event.OrderAdd | 1<<event.OrderReplaced

// foresee asks for what the next arrival in the book of e will write.
func (c *Core) foresee(e *event.Event) {
	if int(e.Instrument) < len(c.composites) && e.Venue < market.MaxVenues {
		if b := c.composites[e.Instrument].Books[e.Venue]; b != nil {
			b.Foresee()
		}
	}
}

// ByOrder reports whether some venue's feed names orders, so that Ahead has a use.
func (c *Core) ByOrder() bool {
	for i := range c.venues {
		if c.venues[i].ByOrder {
			return true
		}
	}
	return false
}

// tellMove says that a book of m changed its state, if it did.
func (c *Core) tellMove(m *book.Composite, v market.VenueID, was event.BookState) {
	b := m.Books[v]
	if b.State == was {
		return
	}
	c.Counters.BookMoves++
	c.bookStates[v][was]--
	c.bookStates[v][b.State]++
	if b.State == event.BookLive {
		c.open(m.Instrument, v, RejectHold) // the venue trades again (FM-30)
	}
	cmd := c.command(event.BookMoved)
	cmd.Venue, cmd.Instrument, cmd.Reason = v, m.Instrument, b.Reason
	cmd.From, cmd.To = was, b.State
}

// countBooks finds out anew what tellMove keeps.
func (c *Core) countBooks() {
	c.bookStates = [market.MaxVenues]BookCounts{}
	for _, m := range c.composites {
		for v, b := range m.Books {
			if b != nil {
				c.bookStates[v][b.State]++
			}
		}
	}
}

// settle is refresh and all that follows from it.
func (c *Core) settle(m *book.Composite, quoted bool) {
	c.refresh(m, quoted)
	c.lookAll()
}

// refresh brings the touch of m up to date and, when every message is whole, wants
// the live parents to look again if it moved or a quote came: see look.
func (c *Core) refresh(m *book.Composite, quoted bool) {
	if m.Dirty != 0 || m.Owed {
		c.read(m, quoted)
	}
}

// read is refresh of a composite of which something changed.
func (c *Core) read(m *book.Composite, quoted bool) {
	moved := m.Mend(c.now)
	if m.Partial != 0 {
		m.Tally()
		return
	}
	moved = moved || m.Owed
	m.Owed = false
	first := c.agenda.of[m.Instrument].first
	if first != none && (moved || quoted) {
		c.looking = first // and what leaves at once does so before Tally
		return
	}
	m.Tally()
	if first != none {
		c.ready(first)
	}
}

// look lets the parents that have not yet look at the market, until one of them sends something:
// that leaves before the others think.
func (c *Core) look() (sent bool) {
	if c.made.of != nil && c.takeNext() {
		return true
	}
	c.recordMade()
	if c.looking == none {
		return false
	}
	m := c.composites[c.parents[c.looking].Instrument]
	ordinary, before := c.ordinary(m), len(c.out.Commands)
	for {
		if ordinary && c.glance(m) {
			return true
		}
		m.Tally()
		slot := c.looking
		if slot == none {
			return false
		}
		c.looking = c.agenda.links[slot].next
		c.lookAt(&c.parents[slot])
		if len(c.out.Commands) > before {
			return true
		}
		c.recordMade()
	}
}

// lookAt lets p look at the market.
func (c *Core) lookAt(p *Parent) {
	if p.ArrivalMid2 == 0 {
		p.ArrivalMid2 = c.arrivalMid2(p.Instrument)
	}
	p.tried &^= triedTake
	c.stances[slotIn(p.Number)].spent = false
	c.repeg(p)
	c.consider(p, false)
}

func (c *Core) lookAll() {
	for c.look() {
	}
}

// arrivalMid2 returns twice the composite mid, 0 when there is none.
func (c *Core) arrivalMid2(id market.InstrumentID) int64 {
	mid2, ok := c.composites[id].Mid2()
	if !ok {
		return 0
	}
	return mid2
}

// ages is a round through all books, for those that have been silent for too long.
type ages struct {
	least    int64 // shortest age limit of a venue, 0: none has one
	at       int64 // instrument that is next, 0: a round begins
	next     int64 // when the first of those looked at may be too old
	shortest int64 // limit of one of them
}

// begin makes the first round due if some venue limits the age of its books.
func (a *ages) begin(venues []market.Venue) (nextAge int64) {
	for i := range venues {
		if n := venues[i].MaxAgeNanos; n > 0 && (a.least == 0 || n < a.least) {
			a.least = n
		}
	}
	if a.least == 0 {
		return math.MaxInt64
	}
	return 0
}

const (
	// ageRounds bounds how often all books are looked at: this many times within the
	// shortest age limit. A book is found too old at most that much late, or twice that where a round takes
	// several timers.
	ageRounds = 16
	// agedAtOnce bounds the instruments that one timer looks at.
	agedAtOnce = 64
)

// expireBooks makes books STALE that have been silent for too long, of some instruments at a time, and finds out when
// the next one may be.
func (c *Core) expireBooks() {
	a := &c.ages
	if a.at == 0 {
		a.next, a.shortest = math.MaxInt64, math.MaxInt64
	}
	end := min(int(a.at)+agedAtOnce, len(c.composites))
	for _, m := range c.composites[a.at:end] {
		for v, b := range m.Books[:len(c.venues)] {
			if b == nil || b.MaxAge == 0 {
				continue
			}
			was := b.State
			if m.Expire(market.VenueID(v), c.now) {
				c.Counters.Aged++
				c.tellMove(m, market.VenueID(v), was)
			}
			a.next, a.shortest = min(a.next, b.ExpiresAt()), min(a.shortest, b.MaxAge)
		}
		c.settle(m, false)
	}
	if a.at = int64(end); end < len(c.composites) {
		c.nextAge = c.now + max(a.least/ageRounds*agedAtOnce/int64(len(c.composites)), 1)
		return
	}
	a.at = 0
	c.nextAge = max(min(a.next, c.now+a.shortest), c.now+max(a.shortest/ageRounds, 1))
}

// NewBoard returns a board for readers of this core's composites, with views of up
// to levels a side.
func (c *Core) NewBoard(readers, levels int) *book.Board {
	return book.NewBoard(len(c.composites), len(c.venues), readers, levels)
}

// Serve answers at most one request on board at now (ns since epoch). It changes
// nothing in the core.
func (c *Core) Serve(board *book.Board, now int64) (answered bool) {
	return board.Serve(c.composites, c.seq, c.now, now)
}
