package book

import (
	"math"
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// Composite merges the books of one instrument over venues. The touch is that of
// the LIVE lit books; where no lit book is live, that of the dealers' living
// quotes. Single writer.
//
// Each venue has a lane with its best bid and ask. An event marks the lane of its
// venue (Apply), and Refresh reads the marked lanes anew and mends the touch: a
// venue that joins, improves or leaves one of several costs a few compares; only
// the last venue leaving a price makes it look at all lanes of that side, where the
// price behind is not kept.
type Composite struct {
	Instrument market.InstrumentID
	Books      [market.MaxVenues]*Book // nil where the instrument does not trade
	Bid, Ask   Touch
	Features   Features
	// Partial holds a bit for each venue whose last message is not complete yet:
	// its book is between two states, and nothing routes on it. Dirty holds a bit
	// for each venue whose touch, quote or state changed since the last Refresh,
	// Owed says that somebody was put off meanwhile.
	Partial, Dirty uint16
	shows          uint16 // venues that may be in the touch, one bit each: what a pool's feed says is in none
	Version        uint64 // rises with every event of a book and every age
	Owed           bool

	lanes   lanes
	best    [2]int64 // key of the touch, by side
	next    [2]next  // what is behind it, a cache
	active  uint16   // venues that make the touch: the lit ones or the dealers
	liveLit uint16   // lit venues with a LIVE book
	untold  int64    // when the touch was mended that Features do not know yet, ns since epoch; 0: they do
	expiry  int64    // when the first quote in a lane expires, ns since epoch, or before

	venues       []market.Venue // shared reference data
	kinds        [market.MaxVenues]market.VenueKind
	count        int
	lit, dealers uint16 // venues that trade the instrument
}

// lanes are the best levels of the venues as arrays, by side and venue.
type lanes struct {
	key   [2][market.MaxVenues]int64 // price with the sign of the side: larger is better
	qty   [2][market.MaxVenues]market.Qty
	until [market.MaxVenues]int64 // expiry of the quote shown in it, never if none
}

const never = math.MaxInt64

// NewComposite returns the composite of an instrument that trades at venues;
// books are indexed by VenueID. traded reports where it trades; orders returns the
// order index of a venue that is ByOrder, nil for the others.
func NewComposite(id market.InstrumentID, venues []market.Venue, traded func(market.VenueID) bool,
	c Capacity, orders func(market.VenueID) *Orders) *Composite {
	m := &Composite{Instrument: id, venues: venues, count: len(venues), expiry: never, best: [2]int64{noKey, noKey}}
	m.next[0].key, m.next[1].key = unknown, unknown
	for i := range venues {
		v := &venues[i]
		m.kinds[i] = v.Kind
		m.lanes.key[0][i], m.lanes.key[1][i], m.lanes.until[i] = noKey, noKey, never
		if !traded(v.ID) {
			continue
		}
		switch v.Kind {
		case market.Lit:
			m.lit |= 1 << i
		case market.SDP:
			m.dealers |= 1 << i
		}
		if v.Kind == market.Lit {
			m.Books[i] = New(c, orders(v.ID))
		} else {
			m.Books[i] = New(Capacity{}, nil)
		}
	}
	m.active, m.shows = m.dealers, m.lit|m.dealers
	return m
}

// VenueCount returns the number of venues, traded or not.
func (m *Composite) VenueCount() int { return m.count }

// LiveLit returns the lit venues whose book was LIVE at the last Refresh, one bit each.
func (m *Composite) LiveLit() uint16 { return m.liveLit }

// Kind returns the kind of venue v.
func (m *Composite) Kind(v market.VenueID) market.VenueKind { return m.kinds[v] }

// Apply takes a market data event of this instrument: a trade into the features,
// everything else into the book of its venue. It reports whether the feed must
// resync that book. The touch follows with Refresh. Events of venues where the
// instrument does not trade change nothing.
func (m *Composite) Apply(e *event.Event) (resync bool) {
	b := m.Books[e.Venue&(market.MaxVenues-1)]
	if b == nil || e.Venue >= market.MaxVenues {
		return false
	}
	if e.Kind == event.MarketTrade {
		m.Tally()
		m.Features.onTrade(e)
	}
	m.Version++
	was := b.State
	touched, resync := b.Apply(e)
	bit := uint16(1) << (e.Venue & (market.MaxVenues - 1)) & m.shows
	if touched || b.State != was {
		m.Dirty |= bit
	}
	if e.Flags&event.More != 0 && !resync {
		m.Partial |= bit
	} else {
		m.Partial &^= bit
	}
	return resync
}

// Expire makes the book of venue v STALE if it has been silent for too long at now,
// and reports whether it has; see Book.Expire. The rest of a message that it was in
// does not come any more.
func (m *Composite) Expire(v market.VenueID, now int64) bool {
	if !m.Books[v].Expire(now) {
		return false
	}
	m.Version++
	bit := uint16(1) << v & m.shows
	m.Partial &^= bit
	m.Dirty |= bit
	return true
}

// Refresh brings the touch up to now (ns since epoch, never less than before) and
// reports whether its price changed on either side. It costs one comparison where
// nothing changed and no quote expired.
//
// In the middle of a message it returns false and only takes out what must not be
// shown any more: books of other venues that left LIVE, and expired quotes. If that
// moves the touch, Owed says so.
func (m *Composite) Refresh(now int64) (moved bool) {
	moved = m.Mend(now)
	m.Tally()
	return moved
}

// Mend is Refresh but for Features: Tally is to follow before they are read.
func (m *Composite) Mend(now int64) (moved bool) {
	if now >= m.expiry {
		m.expire(now)
	}
	set := m.Dirty
	if set == 0 {
		return false
	}
	m.Tally()
	bid, ask := m.best[0], m.best[1]
	if m.Partial != 0 {
		m.takeOut(now)
		m.Owed = m.finish(bid, ask, now) || m.Owed
		return false
	}
	m.Dirty = 0
	if set&(set-1) == 0 && m.readDepth(bits.TrailingZeros16(set)&(market.MaxVenues-1)) {
		m.untold = now // both sides are there: this venue has them
		return bid != m.best[0] || ask != m.best[1]
	}
	for ; set != 0; set &= set - 1 {
		m.readLane(bits.TrailingZeros16(set)&(market.MaxVenues-1), now)
	}
	return m.finish(bid, ask, now)
}

// Tally lets Features take the touch, if Mend has left that.
func (m *Composite) Tally() {
	if m.untold != 0 {
		m.tell()
	}
}

func (m *Composite) tell() {
	m.Features.onTouch(&m.Bid, &m.Ask, m.untold)
	m.untold = 0
}

// takeOut empties lanes whose books are not to be read yet. They stay marked.
func (m *Composite) takeOut(now int64) {
	for set := m.Dirty; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		dead := m.Partial>>v&1 == 0 && !m.Books[v].Live()
		if dead || m.lanes.until[v] <= now {
			m.clearLane(v, dead)
		}
	}
}

// expire marks the lanes whose quote is dead at now and finds the next expiry.
// Each quote causes at most one such look.
func (m *Composite) expire(now int64) {
	m.expiry = never
	for v, until := range m.lanes.until[:m.count] {
		if until <= now {
			m.Dirty |= 1 << v
		} else {
			m.expiry = min(m.expiry, until)
		}
	}
}

// finish chooses whose lanes make the touch and computes what follows from it;
// bid and ask are the keys of the touch before.
func (m *Composite) finish(bid, ask, now int64) (moved bool) {
	active := m.lit
	if m.liveLit == 0 {
		active = m.dealers
	}
	if active != m.active {
		m.active = active
		m.scan(0)
		m.scan(1)
	}
	if m.Bid.OK && m.Ask.OK {
		m.untold = now
	}
	return bid != m.best[0] || ask != m.best[1]
}

func (m *Composite) clearLane(v int, dead bool) {
	if dead {
		m.liveLit &^= 1 << v
	}
	m.lanes.until[v] = never
	m.setLane(&m.Bid, 0, v, noKey, 0)
	m.setLane(&m.Ask, 1, v, noKey, 0)
}

// readDepth is readLane where it has the least to do, which is usual: a lit book that was LIVE
// before has levels on both sides and no quote was shown in its lane. Whose lanes make the touch
// does not change. Otherwise it reports false and does nothing.
func (m *Composite) readDepth(v int) bool {
	b := m.Books[v]
	bid, ask := b.tops[0], b.tops[1]
	if !b.Live() || bid == noKey || ask == noKey || m.liveLit>>v&1 == 0 || m.lanes.until[v] != never {
		return false
	}
	if qty := b.sides[0].topQty(); bid != m.lanes.key[0][v] || qty != m.lanes.qty[0][v] {
		m.setLane(&m.Bid, 0, v, bid, qty)
	}
	if qty := b.sides[1].topQty(); ask != m.lanes.key[1][v] || qty != m.lanes.qty[1][v] {
		m.setLane(&m.Ask, 1, v, ask, qty)
	}
	return true
}

// readLane copies the best levels of venue v that can be traded at now.
func (m *Composite) readLane(v int, now int64) {
	b := m.Books[v]
	if !b.Live() {
		m.clearLane(v, true)
		return
	}
	m.liveLit |= 1 << v & m.lit
	bid, okBid := b.Ladder(market.Buy).Best()
	ask, okAsk := b.Ladder(market.Sell).Best()
	until := int64(never)
	if !(okBid && okAsk) && b.Quote.Alive(now) {
		until = m.quoteInto(&b.Quote, &bid, &ask, &okBid, &okAsk)
	}
	m.lanes.until[v] = until
	m.expiry = min(m.expiry, until)
	bidKey, askKey := int64(bid.Price), -int64(ask.Price)
	if !okBid {
		bidKey, bid.Qty = noKey, 0
	}
	if !okAsk {
		askKey, ask.Qty = noKey, 0
	}
	m.setLane(&m.Bid, 0, v, bidKey, bid.Qty)
	m.setLane(&m.Ask, 1, v, askKey, ask.Qty)
}

// quoteInto fills the sides that have no depth from a living quote and returns
// when that ends.
func (m *Composite) quoteInto(q *Quote, bid, ask *Level, okBid, okAsk *bool) (until int64) {
	until = never
	if !*okBid && q.BidQty > 0 {
		*bid, *okBid, until = Level{q.Bid, q.BidQty}, true, q.Until
	}
	if !*okAsk && q.AskQty > 0 {
		*ask, *okAsk, until = Level{q.Ask, q.AskQty}, true, q.Until
	}
	if until == 0 {
		return never
	}
	return until
}

// Lane returns the best level that venue v showed on a side at the last Refresh, with no Qty when
// there was none. known is false where that is not what its ladder shows: the book is not LIVE,
// has changed since, or a quote stands in for depth.
func (m *Composite) Lane(side market.Side, v int) (best Level, known bool) {
	i := side.Index()
	v &= market.MaxVenues - 1
	known = m.liveLit&^m.Dirty>>v&1 != 0 && m.lanes.until[v] == never
	return Level{price(i, m.lanes.key[i][v]), m.lanes.qty[i][v]}, known
}

// Alone returns the venue that shows touch t of m by itself. ok is false where several do, or none does, or its ladder
// does not: as Lane says it.
func (m *Composite) Alone(t *Touch) (v int, ok bool) {
	v = bits.TrailingZeros16(t.Venues) & (market.MaxVenues - 1)
	return v, t.Venues != 0 && t.Venues&(t.Venues-1) == 0 && m.Dirty == 0 && m.lanes.until[v] == never
}

// Lanes returns the best levels of all venues on a side as Lane does, and the set of venues for which they are known: the
// price × −Sign of a taker of that side, and the size.
func (m *Composite) Lanes(side market.Side) (keys *[market.MaxVenues]int64, sizes *[market.MaxVenues]market.Qty, known uint16) {
	known = m.liveLit &^ m.Dirty
	if m.expiry != never {
		for v, until := range m.lanes.until {
			if until != never {
				known &^= 1 << v
			}
		}
	}
	i := side.Index()
	return &m.lanes.key[i], &m.lanes.qty[i], known
}

// price returns the price of a key of side i.
func price(i int, key int64) market.Price {
	if i == 0 {
		return market.Price(key)
	}
	return market.Price(-key)
}

// Touch returns the touch of a book side: Buy is the bid, Sell the ask.
func (m *Composite) Touch(side market.Side) *Touch {
	if side == market.Buy {
		return &m.Bid
	}
	return &m.Ask
}

// Mid2 returns best bid + best ask, twice the midpoint in increments; ok is
// false when a side is missing.
func (m *Composite) Mid2() (mid2 int64, ok bool) {
	return int64(m.Bid.Price) + int64(m.Ask.Price), m.Bid.OK && m.Ask.OK
}

// Spread returns best ask − best bid in increments: 0 locked, negative crossed.
// It means nothing when a side is missing.
func (m *Composite) Spread() market.Price { return m.Ask.Price - m.Bid.Price }

// Normal reports whether both sides are there and neither locked nor crossed.
func (m *Composite) Normal() bool { return m.Bid.OK && m.Ask.OK && m.Ask.Price > m.Bid.Price }
