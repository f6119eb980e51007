package router

import (
	"math"
	"math/bits"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// listed are the venues that trade an instrument, one bit each.
type listed struct {
	kinds [4]uint16 // by market.VenueKind
	old   [2]uint16 // by Side.Index: venues whose opening is to be made anew
	deep  uint16    // venues whose opening follows from more than their best level
	// barred holds every venue that its standing may bar: all others have none.
	barred uint16
	// posted holds the venues where Core.posted is not 0, by Side.Index.
	posted [2]uint16
}

// moved notes that the book of a venue, or what our orders under way take of it, changed.
func (l *listed) moved(v market.VenueID) {
	bit := uint16(1) << (v & (market.MaxVenues - 1))
	l.old[0] |= bit
	l.old[1] |= bit
}

// movedBook is moved where the book of a venue took an event: what is behind its best level matters
// to few openings.
func (l *listed) movedBook(m *book.Composite, v market.VenueID) {
	if has(m.Dirty|l.deep, v) {
		l.deep &^= 1 << (v & (market.MaxVenues - 1))
		l.moved(v)
	}
}

// opening is the first level of a venue that an order can take, less what our unanswered
// orders will take there: where a walk begins. It is kept until the venue's book changes.
type opening struct {
	net   int64 // as frontier.net
	price market.Price
	left  market.Qty // 0 when there is none
	level int32      // the next one
}

// forgetOpenings lets all be made anew, and what was merged of them.
func (c *Core) forgetOpenings() {
	for i := range c.listed {
		c.listed[i].old = [2]uint16{math.MaxUint16, math.MaxUint16}
		c.near[i][0].stale, c.near[i][1].stale = true, true
	}
}

// openings returns the openings of the lit venues of m for orders of side.
func (c *Core) openings(m *book.Composite, side market.Side) *nearLevels {
	l, n := &c.listed[m.Instrument], &c.near[m.Instrument][side.Index()]
	if l.old[side.Index()] != 0 {
		c.reopen(m, side, l, n)
	}
	return n
}

// reopen makes the openings of the venues that moved. Most of them show it in the lanes of the
// composite, which are next to each other.
func (c *Core) reopen(m *book.Composite, side market.Side, l *listed, n *nearLevels) {
	i, contra := side.Index(), side.Contra()
	inflight := &c.inflight[m.Instrument]
	set, beyond := l.old[i]&l.kinds[market.Lit], uint16(0)
	l.old[i] = 0
	for ; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		best, known := m.Lane(contra, v)
		left := best.Qty - max(inflight[v][i], 0)
		if !known || left <= 0 {
			beyond |= 1 << v
			continue
		}
		o, net := &n.first[v], side.Sign()*int64(best.Price)*1000+c.takeFee(v).AtMilli(best.Price)
		o.net, o.price, o.left, o.level = net, best.Price, left, 1
		n.empty &^= 1 << v
		n.byPrice[v] = o.priceKey(side, v)
		n.rank(v, net*market.MaxVenues+int64(v))
	}
	for l.deep |= beyond; beyond != 0; beyond &= beyond - 1 {
		v := bits.TrailingZeros16(beyond) & (market.MaxVenues - 1)
		o := &n.first[v]
		c.openBeyond(o, m.Instrument, side, v)
		setBit(&n.empty, market.VenueID(v), o.left == 0)
		n.byPrice[v] = o.priceKey(side, v)
		n.rank(v, o.key(v))
	}
}

// rank gives an opening its key. The least two are kept where they can be: the usual change is that
// one venue comes to the top, or leaves it.
func (n *nearLevels) rank(v int, key int64) {
	was := n.keys[v]
	n.keys[v] = key
	switch {
	case n.among>>v&1 == 0:
	case was == n.least:
		switch {
		case key <= max(n.second, n.least):
			n.least = key
		case n.second == unknownKey:
			n.among, n.least = 0, noOpening
		default:
			n.least, n.second = n.second, unknownKey
		}
	case key < n.least:
		n.least, n.second = key, n.least
	case key <= n.second:
		n.second = key
	case was == n.second:
		n.second = unknownKey
	}
}

// openBeyond makes the opening of a venue from its ladder.
func (c *Core) openBeyond(o *opening, id market.InstrumentID, side market.Side, v int) {
	w := &c.near[id][side.Index()].single
	w.start(side)
	at := w.add(v, c.composites[id].Books[v].Ladder(side.Contra()), c.takeFee(v))
	c.reach(at, id, side)
	o.net, o.price, o.left, o.level = at.net, at.price, at.left, int32(at.level)
}

// reach moves a frontier to the first level that our unanswered orders leave something of.
func (c *Core) reach(at *frontier, id market.InstrumentID, side market.Side) {
	at.next()
	for skip := c.inflight[id][at.venue][side.Index()]; skip > 0 && at.left > 0; {
		if skip < at.left {
			at.left -= skip
			break
		}
		skip -= at.left
		at.next()
	}
}

// noOpening is the key of a venue that has none.
const noOpening = math.MaxInt64

// key orders openings: by net, which is below 2^59 at the largest price and fee, then by venue.
func (o *opening) key(v int) int64 {
	if o.left == 0 {
		return noOpening
	}
	return o.net*market.MaxVenues + int64(v)
}

// priceKey is key by price first.
func (o *opening) priceKey(side market.Side, v int) int64 {
	if o.left == 0 {
		return noOpening
	}
	price := side.Sign() * int64(o.price) * 1000
	return (price+byPrice(o.net-price))*market.MaxVenues + int64(v)
}

// unknownKey stands for the second least key where it is not known: no key is as small.
const unknownKey = math.MinInt64

// cheapest returns the venue of some that has the cheapest opening, the first among equals;
// ok is false when none has one.
func (n *nearLevels) cheapest(set uint16) (v int, ok bool) {
	if set != n.among {
		n.among = set
		n.least, n.second = n.leastOf(set)
	}
	return int(n.least & (market.MaxVenues - 1)), n.least != noOpening
}

// foresee finds the cheapest of some, and who is it without that one, before somebody asks.
func (n *nearLevels) foresee(set uint16) {
	if set != n.among || n.second == unknownKey {
		n.among = set
		n.least, n.second = n.leastOf(set)
	}
}

// leastOf looks at all. The least two are found without a branch: which venue is best cannot be
// foretold.
func (n *nearLevels) leastOf(set uint16) (least, second int64) {
	least, second = noOpening, noOpening
	for ; set != 0; set &= set - 1 {
		key := n.keys[bits.TrailingZeros16(set)&(market.MaxVenues-1)]
		least, second = min(least, key), min(second, max(least, key))
	}
	return least, second
}

// begins returns the venue of open where a sweep takes first, by price or by price and fee. ok is false where there is
// none, and where our own orders rest on the other side: a walk knows how far from them it may go.
func (c *Core) begins(m *book.Composite, n *nearLevels, side market.Side, open uint16, byPrice bool) (v int, ok bool) {
	switch {
	case c.listed[m.Instrument].posted[side.Contra().Index()] != 0:
		return 0, false
	case byPrice:
		return c.nearestTo(m, n, side, open)
	}
	return n.cheapest(open)
}

// takeFirst is sweep where one venue's first level is all that it would take: want, in whole
// lots, within bound and the venue's band. Where it is not, ok is false and nothing was done.
func (c *Core) takeFirst(p *Parent, want market.Qty, bound market.Price) (placed market.Qty, ok bool) {
	if c.verdict.of != p {
		return 0, false
	}
	m := c.composites[p.Instrument]
	n, open := c.openings(m, p.Side), m.LiveLit()&c.verdict.usable
	v, ok := c.begins(m, n, p.Side, open, c.walk.price)
	best := &n.first[v&(market.MaxVenues-1)]
	if !ok || best.left < want || p.Side.Better(bound, best.price) || !c.inBand(p.Instrument, market.VenueID(v), best.price) {
		return 0, false
	}
	c.tellOthers(p, open, n.empty&open)
	c.scratch.first, c.scratch.firstPrice = uint16(1)<<v, best.price
	pl := placement{venue: market.VenueID(v), tactic: event.TacticTake, qty: want, price: best.price, alone: c.scratch.alone}
	return c.place(p, &pl), true
}

// tellOthers tells of each venue what a walk would say, where that is not there already: open are those that
// can be taken from, of which empty show nothing.
func (c *Core) tellOthers(p *Parent, open, empty uint16) {
	m, l := c.composites[p.Instrument], &c.listed[p.Instrument]
	told := (l.kinds[market.Lit]|l.kinds[market.SDP])&^open | empty
	if c.scratch.termed[1] != 0 {
		told |= open // posting was weighed before
	}
	for set := told; set != 0; set &= set - 1 {
		i := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		why := c.verdict.why[i]
		switch lit := l.kinds[market.Lit] >> i & 1; {
		case why != event.WhyFilled || lit == 0:
		case m.LiveLit()>>i&1 == 0:
			why = event.WhyNotLive
		case empty>>i&1 != 0:
			why = event.WhyNoSize
		}
		c.scratch.shares[i].Why = why
	}
}

// scoreFirst notes the score of what takeFirst placed, which nothing but the record needs.
func (c *Core) scoreFirst(p *Parent) {
	a := &c.scratch
	if a.first == 0 {
		return
	}
	v := bits.TrailingZeros16(a.first) & (market.MaxVenues - 1)
	a.first = 0
	a.shares[v].Score = clamp32(c.takeScore(p, v, a.firstPrice))
}

// auditStandings reports a standing that barred would not find, or "".
func (c *Core) auditStandings() string {
	for i := range c.standings {
		for v := range c.standings[i] {
			if st := &c.standings[i][v]; (st.shut || st.until != 0) && !has(c.listed[i].barred, market.VenueID(v)) {
				return "a venue is barred and not known to be"
			}
		}
	}
	return ""
}

// auditOpenings makes every opening that is kept anew and reports the first that differs, or "".
func (c *Core) auditOpenings() string {
	for i := range c.listed {
		l := &c.listed[i]
		for _, side := range []market.Side{market.Buy, market.Sell} {
			n := &c.near[i][side.Index()]
			if least, second := n.leastOf(n.among); n.least != least || n.second != second && n.second != unknownKey {
				return "what is kept of the cheapest first levels is not the cheapest"
			}
			kept, fresh := n.first, l.old[side.Index()]
			var now [market.MaxVenues]opening
			for set := l.kinds[market.Lit]; set != 0; set &= set - 1 {
				v := bits.TrailingZeros16(set)
				c.openBeyond(&now[v], market.InstrumentID(i), side, v)
			}
			m := c.composites[i]
			for set := m.LiveLit() &^ fresh &^ m.Dirty; set != 0; set &= set - 1 {
				v := bits.TrailingZeros16(set)
				if nothing := now[v].left == 0 && kept[v].left == 0 && now[v].net == kept[v].net; !nothing && now[v] != kept[v] {
					return "what is kept of a venue's first level is not what its book shows"
				}
				if n.keys[v] != kept[v].key(v) || n.byPrice[v] != kept[v].priceKey(side, v) {
					return "a first level has another place than its price"
				}
			}
		}
	}
	return ""
}
