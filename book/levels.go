package book

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// AggLevel is one price over venues.
type AggLevel struct {
	Price market.Price
	Qty   market.Qty // all venues together
	Net   int64      // what a lot costs a taker, fee included, in 1/1000 increment: see market.Fee.NetMilli
	Until int64      // when the first quote in it expires, ns since epoch; 0: none does

	Venues   uint16 // bit v set: venue v is at Price
	Quotes   uint16 // those of them that are dealers' quotes, not displayed orders
	LastLook uint16 // those of them that may hold and reject
	Sizes    [market.MaxVenues]market.Qty
}

// LevelOptions say what counts as a level and in which order.
type LevelOptions struct {
	// Net orders levels by what taking them costs, fees included, the better price
	// first among equals. A level then is what venues of the same cost show at one
	// price, so a price may come up more than once.
	Net bool
	// Quotes adds the dealers' quotes that are alive at Now (ns since epoch), one
	// level a side each.
	Quotes bool
	Now    int64
}

// Levels puts the best levels of a book side over LIVE venues into dst, best first,
// and returns how many there are: Buy means the bids. Pools show nothing, so they
// are not in it (see Venue). Venues in the middle of a message are left out. It
// allocates nothing. Core thread only.
//
// With Net, a venue's fee must stay below its price: |Ppm| < 1e6.
func (m *Composite) Levels(side market.Side, dst []AggLevel, o LevelOptions) (n int) {
	var g merge
	g.start(m, side, o)
	for n < len(dst) && g.next(&dst[n]) {
		n++
	}
	return n
}

// DepthImbalance returns (bid − ask) / (bid + ask) of the displayed sizes of the
// best levels a side, in 1/1024 rounded down; 0 where a side is empty. Up to 1024
// levels are looked at: sums stay below 2^62.
func (m *Composite) DepthImbalance(levels int) int64 {
	var sums [2]uint64
	for i, side := range [...]market.Side{market.Buy, market.Sell} {
		var g merge
		var l AggLevel
		g.start(m, side, LevelOptions{})
		for range min(levels, 1024) {
			if !g.next(&l) {
				break
			}
			sums[i] += uint64(l.Qty)
		}
	}
	if sums[0] == 0 || sums[1] == 0 {
		return 0
	}
	// Shifting both keeps the ratio to 2^-40, and 2048 times a sum within 64 bits.
	shift := max(bits.Len64(sums[0]|sums[1])-52, 0)
	return bidWeight(sums[0]>>shift, sums[1]>>shift) - ImbalanceUnit
}

// merge walks the levels of all venues at once: a k-way merge over ladders, with
// the next level of each venue in front.
type merge struct {
	m      *Composite
	side   market.Side // of the book
	net    bool
	open   uint16 // venues with a level in front
	quotes uint16 // venues whose level in front is a quote

	cost  [market.MaxVenues]int64 // smaller is better
	front [market.MaxVenues]Level
	at    [market.MaxVenues]int // its place in the ladder
}

func (g *merge) start(m *Composite, side market.Side, o LevelOptions) {
	g.m, g.side, g.net = m, side, o.Net
	for v, b := range m.Books[:m.count] {
		if b == nil || !b.Live() || m.kinds[v] == market.Dark || m.Partial>>v&1 != 0 {
			continue
		}
		bit := uint16(1) << v
		if ladder := b.Ladder(side); ladder.Len() > 0 {
			g.put(v, ladder.At(0))
			g.open |= bit
			continue
		}
		if level, ok := b.Touch(side, o.Now); ok && o.Quotes {
			g.put(v, level)
			g.open |= bit
			g.quotes |= bit
		}
	}
}

// put makes a level the one in front of venue v. Who takes from the bids sells.
func (g *merge) put(v int, level Level) {
	g.front[v] = level
	if taker := g.side.Contra(); g.net {
		g.cost[v] = g.m.venues[v].TakeFee.NetMilli(taker, level.Price)
	} else {
		g.cost[v] = taker.Sign() * int64(level.Price)
	}
}

// next takes the best level; false when all are taken.
func (g *merge) next(l *AggLevel) bool {
	if g.open == 0 {
		return false
	}
	best := bits.TrailingZeros16(g.open) & (market.MaxVenues - 1)
	taker := g.side.Contra()
	for set := g.open & (g.open - 1); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		if g.cost[v] < g.cost[best] ||
			g.cost[v] == g.cost[best] && taker.Better(g.front[v].Price, g.front[best].Price) {
			best = v
		}
	}
	cost, price := g.cost[best], g.front[best].Price
	*l = AggLevel{Price: price, Net: cost}
	if !g.net {
		l.Net = 0
	}
	for set := g.open; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		if g.cost[v] == cost && g.front[v].Price == price {
			g.take(l, v)
		}
	}
	return true
}

// take moves the level in front of venue v into l.
func (g *merge) take(l *AggLevel, v int) {
	bit := uint16(1) << v
	l.Sizes[v] = g.front[v].Qty
	l.Qty += g.front[v].Qty
	l.Venues |= bit
	if g.m.venues[v].LastLook {
		l.LastLook |= bit
	}
	b := g.m.Books[v]
	if g.quotes&bit != 0 {
		l.Quotes |= bit
		if until := b.Quote.Until; until != 0 && (l.Until == 0 || until < l.Until) {
			l.Until = until
		}
		g.open &^= bit
		return
	}
	ladder := b.Ladder(g.side)
	if g.at[v]++; g.at[v] < ladder.Len() {
		g.put(v, ladder.At(g.at[v]))
	} else {
		g.open &^= bit
	}
}

// VenueTop is what one participant shows at its best. A pool shows nothing.
type VenueTop struct {
	Bid, Ask Level // quantity 0: nothing there
	Until    int64 // when the quote in it expires, ns since epoch; 0: never
	State    event.BookState
	Reason   event.Reason // why it has this state
	Kind     market.VenueKind
	LastLook bool // it may hold and reject
	Traded   bool // the instrument trades there
}

// Venue returns what venue v showed at the last Refresh, less what expired by now
// (ns since epoch).
func (m *Composite) Venue(v market.VenueID, now int64) (t VenueTop) {
	b := m.Books[v]
	t.Kind, t.LastLook, t.Traded = m.kinds[v], m.venues[v].LastLook, b != nil
	if b == nil {
		return t
	}
	t.State, t.Reason = b.State, b.Reason
	until := m.lanes.until[v]
	if t.Kind == market.Dark || until <= now {
		return t
	}
	if until != never {
		t.Until = until
	}
	if q := m.lanes.qty[0][v]; q > 0 {
		t.Bid = Level{price(0, m.lanes.key[0][v]), q}
	}
	if q := m.lanes.qty[1][v]; q > 0 {
		t.Ask = Level{price(1, m.lanes.key[1][v]), q}
	}
	return t
}
