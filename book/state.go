package book

import (
	"penstock/internal/state"
	"penstock/market"
)

// MoveState moves the composite and the books of its venues. What books of a venue share (see
// MoveShared) comes first.
func (m *Composite) MoveState(c *state.Codec) {
	state.Fixed(c, &m.Bid)
	state.Fixed(c, &m.Ask)
	state.Fixed(c, &m.Signals)
	state.Fixed(c, &m.Features)
	state.Fixed(c, &m.Partial)
	state.Fixed(c, &m.Dirty)
	state.Fixed(c, &m.Version)
	state.Fixed(c, &m.Owed)
	state.Fixed(c, &m.lanes)
	state.Fixed(c, &m.best)
	state.Fixed(c, &m.active)
	state.Fixed(c, &m.liveLit)
	state.Fixed(c, &m.expiry)
	trades := m.lit | m.dealers
	c.Check((m.Partial|m.Dirty|m.active|m.liveLit)&^trades == 0 || !c.Loading(), "a venue where the instrument does not trade")
	for _, b := range m.Books {
		if b != nil {
			b.MoveState(c)
		}
	}
}

// MoveState moves the book without what it shares with others of its venue.
func (b *Book) MoveState(c *state.Codec) {
	state.Fixed(c, &b.State)
	state.Fixed(c, &b.Reason)
	state.Fixed(c, &b.aged)
	state.Fixed(c, &b.kept)
	state.Fixed(c, &b.owner)
	state.Fixed(c, &b.count)
	state.Fixed(c, &b.RecvTime)
	state.Fixed(c, &b.tops)
	state.Fixed(c, &b.Quote)
	state.Fixed(c, &b.Absurd)
	state.Fixed(c, &b.Transitions)
	state.Fixed(c, &b.resting)
	if c.Loading() && (b.resting < 0 || int(b.resting) > len(b.rests)) {
		c.Fail("%d own orders in a book that follows %d", b.resting, len(b.rests))
		b.resting = 0
	}
	state.Slice(c, b.rests[:b.resting])
	c.Check(int(b.State) < len(b.Transitions), "an unknown book state")
	if b.orders == nil {
		b.sides[0].pool.state(c)
	} else if c.Loading() {
		c.Check(int(b.owner>>8) < len(b.orders.books), "a book that its venue does not have")
	}
	for i := range b.sides {
		b.sides[i].state(c)
	}
}

// MoveShared moves the order index that the books of a venue share, if this book has one.
func (b *Book) MoveShared(c *state.Codec) {
	if b.orders != nil {
		b.orders.state(c)
	}
}

func (l *Ladder) state(c *state.Codec) {
	state.Fixed(c, &l.keys)
	state.Fixed(c, &l.numbers)
	state.Fixed(c, &l.count)
	state.List(c, &l.far)
	state.Fixed(c, &l.Dropped)
	if !c.Loading() {
		return
	}
	if l.count < 0 || l.count > l.room {
		c.Fail("a ladder with %d levels of %d", l.count, l.room)
		l.count, l.far = 0, l.far[:0]
	}
	for _, n := range l.numbers[:l.count] {
		c.Check(int(n) < len(l.pool.levels), "a level that its pool does not have")
	}
	for i := range l.far {
		c.Check(int(l.far[i].number) < len(l.pool.levels), "a level that its pool does not have")
	}
}

// state leaves out the levels at the end that were never used.
func (p *pool) state(c *state.Codec) {
	used := p.levels
	if !c.Loading() {
		for n := len(used); n > 0 && used[n-1] == (level{qty: market.Qty(n)}); n-- {
			used = used[:n-1]
		}
	}
	state.List(c, &used)
	state.Fixed(c, &p.free)
	if !c.Loading() {
		return
	}
	for i := len(used); i < len(p.levels); i++ {
		p.levels[i] = level{qty: market.Qty(i + 1)}
	}
	c.Check(int(p.free) <= len(p.levels), "a free level that its pool does not have")
}

// placed is a slot with its place.
type placed struct {
	at   uint32
	slot slot
}

// state leaves out what an empty slot remembers of the order that left it, and slots that
// nothing passes.
func (o *Orders) state(c *state.Codec) {
	state.Fixed(c, &o.live)
	state.Fixed(c, &o.dead)
	state.Fixed(c, &o.arrivals)
	state.Fixed(c, &o.Purges)
	books := len(o.books)
	state.Fixed(c, &books)
	if books != len(o.books) {
		c.Fail("%d books in an index of %d", books, len(o.books))
		return
	}
	state.Slice(c, o.books)
	o.pool.state(c)
	if c.Loading() {
		o.load(c)
	} else {
		o.save(c)
	}
}

func (o *Orders) save(c *state.Codec) {
	var batch [256]placed
	n := 0
	for i := range o.slots {
		s := &o.slots[i]
		if s.empty() && !s.passed() {
			continue
		}
		if n == len(batch) {
			state.Fixed(c, &n)
			state.Slice(c, batch[:n])
			n = 0
		}
		batch[n] = placed{at: uint32(i), slot: *s}
		if s.empty() {
			batch[n].slot = slot{meta: s.meta & passersMask}
		}
		n++
	}
	state.Fixed(c, &n)
	state.Slice(c, batch[:n])
	if n > 0 {
		n = 0
		state.Fixed(c, &n)
	}
}

func (o *Orders) load(c *state.Codec) {
	clear(o.slots)
	var batch [256]placed
	for {
		n := 0
		state.Fixed(c, &n)
		if n == 0 || c.Err() != nil {
			return
		}
		if n < 0 || n > len(batch) {
			c.Fail("%d orders in a batch of %d", n, len(batch))
			return
		}
		state.Slice(c, batch[:n])
		for i := range batch[:n] {
			p := &batch[i]
			if int(p.at) >= len(o.slots) || int(p.slot.level) >= len(o.pool.levels) ||
				!p.slot.empty() && int(p.slot.owner()>>8) >= len(o.books) {
				c.Fail("an order that its index does not have")
				return
			}
			o.slots[p.at] = p.slot
		}
	}
}
