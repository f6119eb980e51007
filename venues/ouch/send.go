package ouch

import (
	"errors"

	"penstock/event"
	"penstock/market"
	"penstock/venues/soup"
)

// Times in force and displays that orders use.
const (
	tifDay50, tifIOC50 = '0', '3'
	tifDay42, tifIOC42 = 99_998, 0 // seconds; 99,998 is to the end of market hours
	displayed, hidden  = 'Y', 'N'
	postOnly, midpoint = 'P', 'M'
)

// Send writes SendOrder or SendCancel to the venue, and answers SendStatus. false means
// that it cannot be sent: the session is not up, too much waits, or an order that the
// protocol has no words for. Then nothing of it reaches the venue. true means that OnSent
// follows, or an event that says what became of it; a status request that got lost is not
// told, it is asked again.
func (g *Gateway) Send(now int64, c *event.Command) bool {
	if !g.send(now, c) {
		g.stats.Refused++
		return false
	}
	return true
}

func (g *Gateway) send(now int64, c *event.Command) bool {
	switch {
	case c.Child == 0 || c.Child >= tokenLimit:
		return false
	case c.Kind == event.SendStatus:
		return g.ask(now, c)
	case c.Kind == event.SendOrder && g.cfg.Latch != nil && g.cfg.Latch.Stopped(g.cfg.Venue):
		g.stats.Latched++
		return false
	case g.checkKilled(now) > 0 || !g.Up() || g.client.Backlog() >= g.cfg.OutLimit || g.unsent.Full():
		return false
	case c.Kind == event.SendCancel:
		if done, ok := g.settled(now, c); done {
			return ok
		}
	case c.Kind != event.SendOrder || !g.enter(c):
		return false
	}
	if !g.pace.Allows(now, c.Kind == event.SendCancel) || g.lane.Len() > 0 {
		return g.hold(c)
	}
	return g.write(now, c)
}

// hold keeps a cancel until its turn; an order is refused, because a late order is a
// wrong order.
func (g *Gateway) hold(c *event.Command) bool {
	if c.Kind != event.SendCancel || g.lane.Full() {
		g.stats.Throttled++
		return false
	}
	g.lane.Push(c)
	g.stats.LaneWaits++
	g.stats.LaneHigh = max(g.stats.LaneHigh, g.lane.Len())
	return true
}

// drainLane sends the cancels whose turn it is. While some wait it is not idle: no socket
// would end that wait.
func (g *Gateway) drainLane(now int64) (work int) {
	for g.lane.Len() > 0 && g.Up() && g.client.Backlog() < g.cfg.OutLimit && !g.unsent.Full() && g.pace.Allows(now, true) {
		c := *g.lane.Front()
		g.lane.Pop()
		work++
		if done, _ := g.settled(now, &c); !done && !g.write(now, &c) {
			g.refuse(&c, now)
		}
	}
	return work + min(g.lane.Len(), 1)
}

// settled handles a cancel that the venue would not answer: of an order that it has not,
// or that is over. ok is what Send returns.
func (g *Gateway) settled(now int64, c *event.Command) (done, ok bool) {
	o := g.book.ofChild(c.Child)
	switch {
	case o == nil || c.Ref == 0:
		return true, false
	case o.done():
		e := g.event(now, o)
		e.Kind, e.Reason, e.OrdStatus, e.RecvTime = event.OrderCancelReject, event.ReasonTooLate, o.status, now
		e.CumQty, e.LeavesQty = 0, 0
		g.events.push(e)
		return true, true
	}
	return false, false
}

// enter makes the message of an order in g.out; false when there are no words for it.
func (g *Gateway) enter(c *event.Command) bool {
	s := g.symbolOf(c.Instrument)
	if s == nil || !c.Side.Valid() || !c.Mark.Valid(c.Side) || c.Qty <= 0 || c.Qty > MaxQty || c.MinQty < 0 || c.MinQty > c.Qty || c.Price < 0 {
		return false
	}
	if g.book.full() || g.book.ofChild(c.Child) != nil {
		g.stats.OrdersFull++
		return false
	}
	day, ioc := uint32(tifDay50), uint32(tifIOC50)
	if g.cfg.Version == V42 {
		day, ioc = tifDay42, tifIOC42
	}
	o := Order{UserRef: g.next, Token: makeToken(c.Child), Side: sideCode(c.Side, c.Mark), Qty: uint32(c.Qty), Symbol: s.padded,
		Price: uint64(int64(c.Price) / s.scale), TIF: ioc, Display: hidden, Capacity: g.cfg.Capacity, Sweep: 'N', Cross: 'N',
		MinQty: uint32(c.MinQty), Firm: g.cfg.Firm}
	if g.cfg.Retail {
		o.Customer = 'R'
	}
	if c.TIF == market.TIFDay {
		o.TIF, o.Display = day, displayed
	}
	switch (style{c.OrdType, c.TIF, c.ExecInst}) {
	case style{market.OrdLimit, market.TIFIOC, 0}, style{market.OrdLimit, market.TIFDay, 0}:
	case style{market.OrdLimit, market.TIFFOK, 0}:
		o.MinQty = o.Qty
	case style{market.OrdLimit, market.TIFDay, market.ExecInstPostOnly}:
		o.Display = postOnly
	case style{market.OrdPegged, market.TIFIOC, market.ExecInstMidPeg}, style{market.OrdPegged, market.TIFDay, market.ExecInstMidPeg}:
		o.Display = midpoint
	case style{market.OrdMarket, market.TIFIOC, 0}:
		o.Price = MarketPrice
	default:
		return false
	}
	if show := c.Show(); show != 0 {
		if g.cfg.Version == V42 || show < 0 || show > c.Qty || c.OrdType != market.OrdLimit || c.TIF != market.TIFDay {
			return false
		}
		o.MaxFloor = uint32(show)
	}
	if o.Price != MarketPrice && (o.Price == 0 || o.Price > MaxPrice || int64(o.Price)*s.scale != int64(c.Price)) {
		return false
	}
	g.out = AppendEnter(g.out[:0], g.cfg.Version, &o)
	return true
}

type style struct {
	ordType  market.OrdType
	tif      market.TimeInForce
	execInst market.ExecInst
}

func (g *Gateway) symbolOf(id market.InstrumentID) *symbol {
	if int(id) >= len(g.byID) || g.byID[id] < 0 {
		return nil
	}
	return &g.symbols[g.byID[id]]
}

func sideCode(s market.Side, m market.Mark) byte {
	switch {
	case s == market.Buy:
		return 'B'
	case m == market.Short:
		return 'T'
	case m == market.ShortExempt:
		return 'E'
	}
	return 'S'
}

// write sends an order whose message is in g.out, or a cancel.
func (g *Gateway) write(now int64, c *event.Command) bool {
	if c.Kind == event.SendCancel {
		o := g.book.ofChild(c.Child)
		g.out = AppendCancel(g.out[:0], g.cfg.Version, o.ref, makeToken(c.Child), 0)
	}
	if !g.admitted(now, c) {
		return false
	}
	err := g.client.Gather(now, g.out)
	if errors.Is(err, soup.ErrNotActive) || errors.Is(err, soup.ErrBacklog) {
		g.neverLeft(c)
		return false
	}
	g.pace.Note(now, 1)
	if c.Kind == event.SendCancel {
		g.stats.Cancels++
		g.book.ofChild(c.Child).canceling = true
	} else {
		g.stats.Orders++
		s := g.byID[c.Instrument]
		g.book.add(order{child: c.Child, ref: g.next, symbol: s, side: c.Side, status: market.StatusPendingNew,
			qty: int64(c.Qty), leaves: int64(c.Qty), price: uint64(int64(c.Price) / g.symbols[s].scale)})
		g.next++
	}
	if !g.burst.Gathers(c, g.client.Backlog(), g.cfg.OutLimit, &g.unsent) {
		// An error is the socket's, which the next Work finds too: the command is on its way until then.
		_ = g.client.Flush()
	}
	g.sent(now)
	if n := g.client.Backlog(); n > 0 {
		g.unsent.Push(g.client.Taken()+uint64(n), c)
		return true
	}
	g.onSent(c, now)
	return true
}

// sent tells of the commands whose last byte the socket has taken.
func (g *Gateway) sent(now int64) {
	if g.unsent.Len() > 0 {
		g.unsent.Sent(g.client.Taken(), func(c *event.Command) { g.onSent(c, now) })
	}
}

func (g *Gateway) onSent(c *event.Command, now int64) {
	if g.cfg.OnSent == nil {
		return
	}
	if g.cfg.Clock != nil {
		now = g.cfg.Clock()
	}
	g.cfg.OnSent(c, now)
}
