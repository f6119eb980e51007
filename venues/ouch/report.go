package ouch

import (
	"penstock/event"
	"penstock/market"
	"penstock/venues/soup"
)

// take makes events of one message of the venue and brings the book of orders up to it.
func (g *Gateway) take(now int64, msg soup.Message) {
	m := &g.m
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.In(msg.Data)
	}
	if err := Decode(g.cfg.Version, msg.Data, m); err != nil {
		g.stats.Malformed++
		g.stats.LastMalformed = err.Error()
		return
	}
	switch m.Type {
	case 'S', 'X', 'G', 'K':
		g.stats.Announced++
		return
	case 'Q':
		g.onQuery(now, m.UserRef)
		return
	}
	g.stats.Reports++
	o := g.find(m)
	if o == nil {
		g.stats.NotOurs++
		if m.Type == 'E' { // the core must know that somebody trades under our name
			e := g.event(now, &order{symbol: -1})
			g.stamp(&e, m, msg.Sequence)
			e.Code, e.OrdStatus, e.LastQty = uint8(market.ExecTrade), market.StatusPartiallyFilled, market.Qty(m.Qty)
			g.push(e)
		}
		return
	}
	g.apply(now, m, o, msg.Sequence)
}

// find returns the order that a message is about. The first that the venue says of an
// order of an earlier process makes it known here.
func (g *Gateway) find(m *Message) *order {
	if g.cfg.Version == V42 {
		token := &m.Token
		if m.Type == 'U' {
			token = &m.OrigToken
		}
		child := parseToken(token)
		if o := g.book.ofChild(child); o != nil || m.Type != 'A' {
			return o
		}
		return g.learn(m, child)
	}
	ref := m.UserRef
	if m.Type == 'U' {
		ref = m.OrigRef
	}
	g.next = max(g.next, m.UserRef+1)
	if o := g.book.ofRef(ref); o != nil {
		return o
	}
	switch m.Type {
	case 'A', 'J', 'B', 'F':
		child := parseToken(&m.Token)
		if o := g.book.ofChild(child); o != nil || m.Type != 'A' {
			return o
		}
		return g.learn(m, child)
	}
	return nil
}

func (g *Gateway) learn(m *Message, child uint64) *order {
	if child == 0 {
		return nil
	}
	if g.book.full() {
		g.stats.OrdersFull++
		return nil
	}
	o := order{child: child, ref: m.UserRef, symbol: -1, side: market.Buy, status: market.StatusPendingNew,
		qty: int64(m.Qty), leaves: int64(m.Qty), price: m.Price}
	if m.Side != 'B' {
		o.side = market.Sell
	}
	for i := range g.symbols {
		if g.symbols[i].padded == m.Symbol {
			o.symbol = int16(i)
		}
	}
	return g.book.add(o)
}

// apply is the switch over what the venue can say of an order.
func (g *Gateway) apply(now int64, m *Message, o *order, sequence uint64) {
	e := event.Event{}
	switch m.Type {
	case 'A':
		if o.status != market.StatusPendingNew && !o.unsent {
			g.stats.Duplicates++ // what it said after the first counts
			return
		}
		// One that we thought lost may arrive after all.
		o.qty, o.leaves, o.price, o.orderRef = int64(m.Qty), int64(m.Qty), m.Price, m.OrderRef
		o.status, o.unsent = market.StatusNew, false
		e = g.event(now, o)
		e.Code, e.OrdStatus = uint8(market.ExecNew), o.status
		if m.State == 'D' {
			g.stamp(&e, m, sequence)
			g.push(e)
			o.status, o.leaves = market.StatusCanceled, 0
			e = g.event(now, o)
			e.Code, e.OrdStatus = uint8(market.ExecCanceled), o.status
			g.stamp(&e, m, sequence)
			e.ID = textID('D', sequence)
			g.push(e)
			return
		}
	case 'U':
		e = g.replaced(now, m, o)
	case 'E':
		var told bool
		if e, told = g.executed(now, m, o); !told {
			return
		}
	case 'C', 'D':
		e = g.canceled(now, m, o)
	case 'B':
		var told bool
		if e, told = g.broken(now, m, o); !told {
			return
		}
	case 'F':
		e = g.corrected(now, m, o, sequence)
	case 'J':
		o.status, o.leaves = market.StatusRejected, 0
		e = g.event(now, o)
		e.Code, e.OrdStatus, e.Reason = uint8(market.ExecRejected), o.status, g.rejectReason(m.Reason)
	case 'P':
		e = g.event(now, o)
		e.Code, e.OrdStatus = uint8(market.ExecPendingCancel), market.StatusPendingCancel
	case 'I':
		o.canceling = false
		e = g.event(now, o)
		e.Kind, e.OrdStatus, e.Reason, e.CumQty, e.LeavesQty = event.OrderCancelReject, o.status, event.ReasonVenueReject, 0, 0
	case 'M':
		o.leaves = max(int64(m.Qty)-o.cum, 0)
		o.qty = int64(m.Qty)
		e = g.restated(now, o)
	case 'T', 'R': // another place in the queue: neither quantity nor limit changes
		if m.OrderRef != 0 {
			o.orderRef = m.OrderRef
		}
		g.stats.Announced++
		return
	}
	g.stamp(&e, m, sequence)
	g.push(e)
}

// executed books a trade; told is false for one that is booked already.
func (g *Gateway) executed(now int64, m *Message, o *order) (e event.Event, told bool) {
	first, known := g.book.executed(o, m.Match, m.Qty, m.Price)
	if !known {
		g.stats.ExecsFull++
	}
	if !first {
		t := g.book.trade(o, m.Match)
		g.stats.Duplicates++
		if t.qty == m.Qty && t.price == m.Price {
			return e, false
		}
		g.stats.Conflicts++ // the core hears it: one MatchNumber, two stories
	}
	e = g.event(now, o)
	e.Code, e.OrdStatus = uint8(market.ExecTrade), o.status
	e.LastQty, e.LastPx, e.Liquidity = market.Qty(m.Qty), g.price(o, m.Price), liquidity(m.Liquidity)
	return e, true
}

// canceled takes shares off: all that are left, mostly.
func (g *Gateway) canceled(now int64, m *Message, o *order) event.Event {
	o.leaves = max(o.leaves-int64(m.Qty), 0)
	if o.leaves > 0 {
		o.qty = o.cum + o.leaves
		return g.restated(now, o)
	}
	o.status, o.canceling = market.StatusCanceled, false
	code := market.ExecCanceled
	switch byte(m.Reason) {
	case 'T', 'E', 'G':
		o.status, code = market.StatusExpired, market.ExecExpired
	}
	e := g.event(now, o)
	e.Code, e.OrdStatus = uint8(code), o.status
	switch byte(m.Reason) {
	case 'H':
		e.Reason = event.ReasonVenueHalted
	case 'S', 'D', 'Z', 'K', 'X', 'F':
		e.Reason = event.ReasonVenueState
	}
	return e
}

// restated says that the venue changed the quantity of a live order.
func (g *Gateway) restated(now int64, o *order) event.Event {
	e := g.event(now, o)
	e.Code, e.OrdStatus = uint8(market.ExecRestated), o.status
	return e
}

// replaced gives an order its next UserRefNum or, in 4.2, token.
func (g *Gateway) replaced(now int64, m *Message, o *order) event.Event {
	o.leaves, o.price, o.orderRef = int64(m.Qty), m.Price, m.OrderRef
	o.qty = o.cum + o.leaves
	if g.cfg.Version == V50 {
		o.ref = m.UserRef
		g.book.byRef.put(uint64(m.UserRef), g.book.slotOf(o))
	} else if child := parseToken(&m.Token); child != 0 {
		g.book.byChild.put(child, g.book.slotOf(o))
	}
	code := market.ExecReplaced
	if m.State == 'D' {
		o.status, o.leaves, code = market.StatusCanceled, 0, market.ExecCanceled
	}
	e := g.event(now, o)
	e.Code, e.OrdStatus = uint8(code), o.status
	return e
}

// broken takes a trade back.
func (g *Gateway) broken(now int64, m *Message, o *order) (e event.Event, told bool) {
	t := g.book.trade(o, m.Match)
	if t != nil && t.broken {
		g.stats.Duplicates++
		return e, false
	}
	g.stats.Broken++
	e = g.event(now, o)
	if t != nil {
		t.broken = true
		o.cum -= int64(t.qty)
		o.notional -= int64(t.price) * int64(t.qty)
		e = g.event(now, o)
		e.LastQty, e.LastPx = market.Qty(t.qty), g.price(o, t.price)
	}
	e.Code, e.OrdStatus, e.OrigID = uint8(market.ExecTradeCancel), o.status, toldAs(t, m.Match)
	return e, true
}

// toldAs is the identifier under which a trade was told last: the report that corrected it
// stands in its place, while the venue calls it by its MatchNumber for ever.
func toldAs(t *execution, match uint64) event.ID {
	if t != nil && t.corrected != 0 {
		return textID('S', t.corrected)
	}
	return numberID(match)
}

// corrected gives a trade another price or quantity.
func (g *Gateway) corrected(now int64, m *Message, o *order, sequence uint64) event.Event {
	t := g.book.trade(o, m.Match)
	told := toldAs(t, m.Match)
	if t != nil && !t.broken {
		o.cum += int64(m.Qty) - int64(t.qty)
		o.notional += int64(m.Price)*int64(m.Qty) - int64(t.price)*int64(t.qty)
		t.qty, t.price, t.corrected = m.Qty, m.Price, sequence
	}
	e := g.event(now, o)
	e.Code, e.OrdStatus, e.LastQty, e.LastPx = uint8(market.ExecTradeCorrect), o.status, market.Qty(m.Qty), g.price(o, m.Price)
	e.OrigID = told
	return e
}

// event is an event about an order, as it stands.
func (g *Gateway) event(now int64, o *order) event.Event {
	e := event.Event{Kind: event.Exec, Venue: g.cfg.Venue, RecvTime: now, Ref: o.child, Instrument: market.NoInstrument,
		Side: o.side, Qty: market.Qty(o.qty), CumQty: market.Qty(o.cum), LeavesQty: market.Qty(o.leaves), OrderRef: o.orderRef}
	if o.symbol >= 0 {
		e.Instrument, e.Price = g.symbols[o.symbol].ID, g.price(o, o.price)
	}
	return e
}

func (g *Gateway) price(o *order, price uint64) market.Price {
	if o.symbol < 0 || price == MarketPrice {
		return 0
	}
	return market.Price(price) * market.Price(g.symbols[o.symbol].scale)
}

// stamp adds time and identifier of a message. A trade is named by its MatchNumber, all
// else by the number of the message.
func (g *Gateway) stamp(e *event.Event, m *Message, sequence uint64) {
	e.SrcTime = g.midnight + int64(min(m.Time, 2*dayNanos))
	e.ID = textID('S', sequence)
	if m.Type == 'E' {
		e.ID = numberID(m.Match)
	}
	if g.resumed {
		e.Flags |= event.PossDup
	}
}

// push queues an event for the Sink, unless it is about an order of an earlier run.
func (g *Gateway) push(e event.Event) {
	if e.Ref != 0 && e.Ref < g.cfg.First {
		return
	}
	g.events.push(e)
}

// numberID spells a number as an identifier.
func numberID(v uint64) (id event.ID) {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(v%10)
		if v /= 10; v == 0 {
			break
		}
	}
	copy(id[:], digits[i:])
	return id
}

// textID is a letter and a number, of up to 19 digits.
func textID(letter byte, v uint64) (id event.ID) {
	n := numberID(v)
	id[0] = letter
	copy(id[1:], n[:])
	return id
}
