package book

import (
	"penstock/event"
	"penstock/market"
)

// Touch is the best price of one side over venues.
type Touch struct {
	Price  market.Price
	Qty    market.Qty // displayed there, all venues together
	Venues uint16     // bit v set: venue v is at Price
	OK     bool       // false: no venue shows this side
}

// Composite merges the books of one instrument over venues. The touch is that of
// the LIVE lit books; where no lit book is live, that of the dealers' living
// quotes. Single writer.
type Composite struct {
	Instrument market.InstrumentID
	Books      [market.MaxVenues]*Book // nil where the instrument does not trade
	Bid, Ask   Touch
	Features   Features
	// Partial holds a bit for each venue whose last message is not complete yet:
	// its book is between two states, and nothing routes on it. Dirty says that a
	// book changed since the last Refresh, Owed that somebody was put off meanwhile.
	Partial     uint16
	Dirty, Owed bool

	kinds [market.MaxVenues]market.VenueKind
	count int
}

// NewComposite returns the composite of an instrument that trades at venues;
// books are indexed by VenueID. traded reports where it trades.
func NewComposite(id market.InstrumentID, venues []market.Venue, traded func(market.VenueID) bool,
	c Capacity) *Composite {
	m := &Composite{Instrument: id, count: len(venues)}
	for i := range venues {
		v := &venues[i]
		m.kinds[i] = v.Kind
		if !traded(v.ID) {
			continue
		}
		if v.Kind == market.Lit {
			m.Books[i] = New(c)
		} else {
			m.Books[i] = New(Capacity{})
		}
	}
	return m
}

// VenueCount returns the number of venues, traded or not.
func (m *Composite) VenueCount() int { return m.count }

// Kind returns the kind of venue v.
func (m *Composite) Kind(v market.VenueID) market.VenueKind { return m.kinds[v] }

// Refresh recomputes the touch at now (ns since epoch) and reports whether its
// price changed on either side. In the middle of a message it does nothing.
func (m *Composite) Refresh(now int64) (moved bool) {
	if m.Partial != 0 {
		return false
	}
	kind := market.SDP
	for v, b := range m.Books[:m.count] {
		if b != nil && m.kinds[v] == market.Lit && b.Live() {
			kind = market.Lit
			break
		}
	}
	bid, ask := m.touch(market.Buy, kind, now), m.touch(market.Sell, kind, now)
	moved = bid.Price != m.Bid.Price || ask.Price != m.Ask.Price ||
		bid.OK != m.Bid.OK || ask.OK != m.Ask.OK
	m.Bid, m.Ask = bid, ask
	if moved {
		if mid2, ok := m.Mid2(); ok {
			m.Features.onMid(mid2, now)
		}
	}
	return moved
}

func (m *Composite) touch(side market.Side, kind market.VenueKind, now int64) (t Touch) {
	for v, b := range m.Books[:m.count] {
		if b == nil || m.kinds[v] != kind {
			continue
		}
		best, ok := b.Touch(side, now)
		switch {
		case !ok:
		case !t.OK || side.Contra().Better(best.Price, t.Price):
			t = Touch{Price: best.Price, Qty: best.Qty, Venues: 1 << v, OK: true}
		case best.Price == t.Price:
			t.Qty += best.Qty
			t.Venues |= 1 << v
		}
	}
	return t
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

// OnTrade takes a trade of others into the flow features.
func (m *Composite) OnTrade(e *event.Event) {
	if e.Side.Valid() {
		m.Features.onTrade(e.Side.Sign()*int64(e.Qty), e.StepTime)
	}
}
