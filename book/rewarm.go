package book

import "penstock/internal/warm"

// What Rewarm asks for.
const (
	nearLevels = 4  // of each side
	nearOrders = 16 // before and behind the place of the latest
)

// ahead is how many references an order that is asked for beforehand lies behind the latest: it is
// in another cache line of places in front.
const ahead = 8

// Foresee asks for where an order that comes a little later will lie: references are nearly in
// sequence, and nobody has been there for a whole lap. It changes nothing.
func (b *Book) Foresee() {
	if o := b.orders; o != nil {
		i := (o.latest + ahead) & o.mask
		prefetchPlace(at[slot](o.places, i), at[uint32](o.strayed, i))
	}
}

// Rewarm asks for what the next event of b will probably read and write, so that an idle loop has
// it in the caches: the book, its best levels, and where the latest orders lie and the next ones
// will. It changes nothing.
func (b *Book) Rewarm() {
	warm.Of(b)
	o := b.orders
	for i := range b.sides {
		l := &b.sides[i]
		for k := max(int(l.count)-nearLevels, 0); k < int(l.count); k++ {
			warm.Of(&l.pool.levels[l.numbers[k]])
			if o != nil {
				warm.Of(o.guess(b.hint, l.keys[k]))
			}
		}
	}
	if o == nil {
		return
	}
	warm.Of(o)
	warm.Of(o.pool)
	warm.Of(&o.levels[o.pool.free])
	i := int(o.latest & o.mask)
	from, to := max(i-nearOrders, 0), min(i+nearOrders, len(o.front))
	warm.Slice(o.front[from:to])
	warm.Slice(o.strays[from:to])
}
