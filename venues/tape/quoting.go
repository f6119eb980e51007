package tape

import (
	"penstock/event"
	"penstock/market"
)

// quoting is the recorded quote stream of one dealer.
type quoting struct {
	quotes []dealt // oldest first; the last one is in force unless withdrawn
}

// dealt is one quote and what became of it.
type dealt struct {
	event.Event
	replaced int64 // when the next one came or it was withdrawn, ns since epoch; 0 not yet
	used     bool
}

// held is an order that a dealer looks at.
type held struct {
	order  *order
	dealer *quoting
	until  int64 // of its quote
}

// quotesKept is how many quotes of a dealer can be found by their QuoteID.
const quotesKept = 256

// take notes a quote or its withdrawal.
func (q *quoting) take(e *event.Event) {
	if n := len(q.quotes); n > 0 && q.quotes[n-1].replaced == 0 {
		q.quotes[n-1].replaced = e.RecvTime
	}
	if e.Kind != event.Quote {
		return
	}
	if len(q.quotes) == quotesKept {
		copy(q.quotes, q.quotes[quotesKept/2:])
		q.quotes = q.quotes[:quotesKept/2]
	}
	q.quotes = append(q.quotes, dealt{Event: *e})
}

func (q *quoting) find(id event.ID) *dealt {
	for i := range q.quotes {
		if q.quotes[i].ID == id {
			return &q.quotes[i]
		}
	}
	return nil
}

// offer returns the price and size at which a quote serves an order of side.
func offer(e *event.Event, side market.Side) (market.Price, market.Qty) {
	if side == market.Buy {
		return e.LastPx, e.LastQty
	}
	return e.Price, e.Qty
}

// enterDealer takes an order on a quote: it is PendingNew while the dealer looks.
func (m *Market) enterDealer(now int64, q *quoting, o *order) {
	if o.OrdType != market.OrdPreviouslyQuoted || o.TIF != market.TIFIOC && o.TIF != market.TIFFOK {
		m.reject(now, o, event.ReasonUnsupportedType)
		return
	}
	quote := q.find(o.ID)
	if quote == nil || quote.used || quote.Until != 0 && quote.Until <= now ||
		quote.replaced != 0 && now > quote.replaced+m.rules.GraceNanos {
		m.reject(now, o, event.ReasonQuoteExpired)
		return
	}
	price, qty := offer(&quote.Event, o.Side)
	switch {
	case o.Price != price:
		m.reject(now, o, event.ReasonBadPrice)
		return
	case o.Qty > qty:
		m.reject(now, o, event.ReasonBadQty)
		return
	}
	quote.used = true
	m.state(now, o, market.StatusPendingNew)
	m.post(now+m.rules.HoldNanos, message{decide: &held{order: o, dealer: q, until: quote.Until}})
}

// decide is the last look: the order fills whole at the quoted price unless the
// quote has expired or the dealer's newest price moved too far against it.
func (m *Market) decide(now int64, h *held) {
	o := h.order
	newest := &h.dealer.quotes[len(h.dealer.quotes)-1]
	price, _ := offer(&newest.Event, o.Side)
	limit := market.Price(m.rules.RejectTicks) * m.plan.Instruments[o.Instrument].Tick
	switch {
	case h.until != 0 && h.until <= now:
		m.reject(now, o, event.ReasonQuoteExpired)
	case market.Price(o.Side.Sign())*(price-o.Price) > limit:
		m.reject(now, o, event.ReasonLastLookPrice)
	default:
		m.fill(now, o, o.Price, o.Qty, market.LiquidityRemoved)
	}
}
