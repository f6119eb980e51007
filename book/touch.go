package book

import (
	"math"
	"math/bits"

	"penstock/market"
)

// Touch is the best price of one side over venues.
type Touch struct {
	Price  market.Price
	Qty    market.Qty // displayed there, all venues together
	Venues uint16     // bit v set: venue v is at Price
	OK     bool       // false: no venue shows this side
}

// next is the second best price of one side over venues. Where the only venue at the touch
// leaves it, nobody needs to look at the others.
type next struct {
	key    int64 // unknown: nobody has kept it
	qty    market.Qty
	venues uint16
}

const unknown = math.MaxInt64 // above every key

// setLane makes side i of lane v show qty at key and mends touch t of that side.
func (m *Composite) setLane(t *Touch, i, v int, key int64, qty market.Qty) {
	before := m.lanes.qty[i][v]
	if m.lanes.key[i][v] == key && before == qty {
		return
	}
	was := m.lanes.key[i][v]
	m.lanes.key[i][v], m.lanes.qty[i][v] = key, qty
	bit := uint16(1) << v
	best, n := m.best[i], &m.next[i]
	switch {
	case m.active&bit == 0:
	case key > best:
		if t.Venues != bit {
			if *n = (next{best, t.Qty, t.Venues}); t.Venues&bit != 0 {
				n.qty -= before
				n.venues &^= bit
			} else if !t.OK {
				n.key = unknown
			}
		}
		m.best[i] = key
		*t = Touch{Price: price(i, key), Qty: qty, Venues: bit, OK: true}
	case t.Venues&bit != 0 && key == best:
		t.Qty += qty - before
	case t.Venues == bit:
		m.leaveAlone(t, i, v, key, qty)
	case t.Venues&bit != 0:
		t.Qty -= before
		t.Venues &^= bit
		n.pass(noKey, key)
	case key == best:
		t.Qty += qty
		t.Venues |= bit
		n.pass(was, noKey)
	default:
		n.pass(was, key)
	}
}

// pass forgets n where a lane that was not as good as it is now as good, or the other way round.
func (n *next) pass(was, key int64) {
	if was == n.key || key >= n.key {
		n.key = unknown
	}
}

// leaveAlone mends the touch of side i where venue v, which was alone there, moved to key.
func (m *Composite) leaveAlone(t *Touch, i, v int, key int64, qty market.Qty) {
	n, bit := &m.next[i], uint16(1)<<v
	switch {
	case n.key == unknown:
		m.scan(i)
		return
	case key > n.key:
		*t = Touch{Price: price(i, key), Qty: qty, Venues: bit, OK: true}
		m.best[i] = key
		return
	}
	*t = Touch{Price: price(i, n.key), Qty: n.qty, Venues: n.venues, OK: true}
	if m.best[i] = n.key; key == n.key {
		t.Qty += qty
		t.Venues |= bit
	}
	n.key = unknown
}

// Behind returns the best price of a side over venues behind the touch; known is false where that has not been
// looked for, or no venue is there: see Foresee.
func (m *Composite) Behind(side market.Side) (best market.Price, known bool) {
	n := &m.next[side.Index()]
	return price(side.Index(), n.key), n.key != unknown
}

// Foresee finds what is behind the touch, before somebody asks who leaves it.
func (m *Composite) Foresee() {
	for i := range m.next {
		if n := &m.next[i]; n.key == unknown {
			if t := m.touchBelow(i, m.best[i]); t.OK {
				*n = next{int64(t.Price) * (1 - 2*int64(i)), t.Qty, t.Venues}
			}
		}
	}
}

// scan finds the touch of side i over all active lanes.
func (m *Composite) scan(i int) {
	t := m.touchBelow(i, unknown)
	m.next[i].key = unknown
	if m.best[i] = noKey; t.OK {
		m.best[i] = int64(t.Price) * (1 - 2*int64(i))
	}
	if i == 0 {
		m.Bid = t
	} else {
		m.Ask = t
	}
}

// touchBelow is the best price of side i over active lanes whose keys are below limit.
func (m *Composite) touchBelow(i int, limit int64) (t Touch) {
	keys, sizes := &m.lanes.key[i], &m.lanes.qty[i]
	best := int64(noKey)
	for set := m.active; set != 0; set &= set - 1 {
		key := keys[bits.TrailingZeros16(set)&(market.MaxVenues-1)]
		if key >= limit {
			key = noKey
		}
		best = max(best, key)
	}
	if best == noKey {
		return t
	}
	t.Price, t.OK = price(i, best), true
	for set := m.active; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		same := uint64(0)
		if keys[v] == best {
			same = 1
		}
		t.Qty += sizes[v] & -market.Qty(same)
		t.Venues |= uint16(same) << v
	}
	return t
}

// Audit makes what is kept of the lanes anew and returns what differs, or "".
func (m *Composite) Audit() string {
	if m.untold != 0 {
		return "the features of a composite do not know its touch"
	}
	for i, t := range [...]*Touch{&m.Bid, &m.Ask} {
		if *t != m.touchBelow(i, unknown) || t.OK && price(i, m.best[i]) != t.Price || !t.OK && m.best[i] != noKey {
			return "the touch of a composite is not what its lanes show"
		}
		if n := &m.next[i]; n.key != unknown && (Touch{price(i, n.key), n.qty, n.venues, true}) != m.touchBelow(i, m.best[i]) {
			return "what is kept of the price behind the touch is not what the lanes show"
		}
	}
	return ""
}
