package book

import (
	"penstock/internal/state"
)

// MoveState moves the composite and the books of its venues. What books of a venue share (see
// MoveShared) comes first.
func (m *Composite) MoveState(c *state.Codec) {
	m.Tally()
	state.Layout[rung](c)
	state.Fixed(c, &m.Bid)
	state.Fixed(c, &m.Ask)
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
	if c.Loading() {
		m.next[0].key, m.next[1].key = unknown, unknown
	}
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
		c.Check(b.owner > nobody && int(b.owner) <= b.orders.books, "a book that its venue does not have")
		b.tick, b.hint = 0, newHint(b.owner) // of guesses, which begin anew
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
	state.Fixed(c, &l.Dropped)
	if !c.Loading() {
		l.save(c)
		return
	}
	l.count, l.beyond, l.far, l.floors = 0, 0, l.far[:0], l.floors[:0]
	loadMoved(c, l.load)
}

// rung is a level: how near it lies, and in which leaf, is no part of the state.
type rung struct {
	key    int64
	number uint32
}

// save gives the levels, the worst first.
func (l *Ladder) save(c *state.Codec) {
	var rungs moved[rung]
	for _, b := range l.far {
		v := &l.pool.leaves[b.leaf]
		for i := range b.n {
			rungs.save(c, rung{v.keys[i], v.numbers[i]})
		}
	}
	for i := range l.count {
		rungs.save(c, rung{l.keys[i], l.numbers[i]})
	}
	rungs.end(c)
}

// load takes the next better level.
func (l *Ladder) load(r *rung) bool {
	if r.key <= l.top() || l.Full() || int(r.number) >= len(l.pool.levels) || l.count == near && !l.pool.leafLeft() {
		return false
	}
	l.putNear(int(l.count), r.key, r.number)
	return true
}

// state leaves out the levels at the end that were never used.
func (p *pool) state(c *state.Codec) {
	used := p.levels
	if !c.Loading() {
		for n := len(used) - 1; n > 0 && used[n] == p.unused(n); n-- {
			used = used[:n]
		}
	}
	state.List(c, &used)
	state.Fixed(c, &p.free)
	state.Fixed(c, &p.buried)
	if !c.Loading() {
		return
	}
	for i := len(used); i < len(p.levels); i++ {
		p.levels[i] = p.unused(i)
	}
	p.freeLeaves() // the ladders come next
	c.Check(int(p.free) < len(p.levels) && int(p.buried) < len(p.levels), "a free level that its pool does not have")
}

// placed is an order in front with its place, strayed one in the spill.
type (
	placed struct {
		at   uint32
		slot slot
	}
	strayed struct {
		at    uint64
		stray stray
	}
)

// state leaves out what a place remembers of an order that left it or is dead, what the spill
// has nothing of, and the guesses.
func (o *Orders) state(c *state.Codec) {
	state.Fixed(c, &o.live)
	state.Fixed(c, &o.dead)
	state.Fixed(c, &o.arrived)
	state.Fixed(c, &o.Purges)
	books := o.books
	state.Fixed(c, &books)
	if books != o.books {
		c.Fail("%d books in an index of %d", books, o.books)
		return
	}
	o.pool.state(c)
	if c.Loading() {
		o.load(c)
	} else {
		o.save(c)
	}
}

func (o *Orders) save(c *state.Codec) {
	var front moved[placed]
	for i := range o.front {
		if s := &o.front[i]; s.level != 0 && o.levels[s.level].owner() != nobody {
			front.save(c, placed{uint32(i), *s})
		}
	}
	front.end(c)
	var spill moved[strayed]
	for i := range o.spill.slots {
		s := o.spill.slots[i]
		if s.level == 0 {
			s = stray{passers: s.passers}
		}
		if s != (stray{}) {
			spill.save(c, strayed{uint64(i), s})
		}
	}
	spill.end(c)
}

func (o *Orders) load(c *state.Codec) {
	clear(o.front)
	clear(o.strays)
	clear(o.guesses)
	clear(o.spill.slots)
	loadMoved(c, func(p *placed) bool {
		if int(p.at) >= len(o.front) || int(p.slot.level) >= len(o.levels) {
			return false
		}
		o.front[p.at] = p.slot
		return true
	})
	loadMoved(c, func(p *strayed) bool {
		if p.at >= uint64(len(o.spill.slots)) || int(p.stray.level) >= len(o.levels) {
			return false
		}
		if o.spill.slots[p.at] = p.stray; p.stray.level != 0 {
			o.strays[p.stray.ref&o.mask]++
		}
		return true
	})
}

// moved gives values to a codec, batch by batch, each behind its size; an empty one is the end.
type moved[T any] struct {
	batch [256]T
	n     int
}

func (m *moved[T]) save(c *state.Codec, v T) {
	if m.n == len(m.batch) {
		m.flush(c)
	}
	m.batch[m.n] = v
	m.n++
}

func (m *moved[T]) flush(c *state.Codec) {
	state.Fixed(c, &m.n)
	state.Slice(c, m.batch[:m.n])
	m.n = 0
}

func (m *moved[T]) end(c *state.Codec) {
	if m.n > 0 {
		m.flush(c)
	}
	m.flush(c)
}

// loadMoved gives what moved has saved to take, which says whether it can be.
func loadMoved[T any](c *state.Codec, take func(*T) bool) {
	var batch [256]T
	for {
		n := 0
		state.Fixed(c, &n)
		if n == 0 || c.Err() != nil {
			return
		}
		if n < 0 || n > len(batch) {
			c.Fail("%d in a batch of %d", n, len(batch))
			return
		}
		state.Slice(c, batch[:n])
		for i := range batch[:n] {
			if !take(&batch[i]) {
				c.Fail("%T that does not fit", batch[i])
				return
			}
		}
	}
}
