package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/router/risk"
)

// placement is one child about to be sent.
type placement struct {
	venue  market.VenueID
	tactic event.Tactic
	qty    market.Qty
	price  market.Price
	minQty market.Qty
	quote  event.ID
	score  int64      // expected net improvement against the mid, in thousandths of an increment
	iso    bool       // takes: with those of the same sweep it takes all that is better displayed
	bucket uint8      // posts: of the fill probability
	wait   int64      // takes and hits: ns before it leaves, to arrive with others
	show   market.Qty // posts of an order that shows only a part: of this one, 0 all
	alone  bool       // the last of its decision: what others would look at may wait until it has left
}

// place sends one child if the gate approves, and notes the outcome in the
// decision. It returns the quantity placed: all of pl.qty but what exceeds the
// largest child, or nothing.
func (c *Core) place(p *Parent, pl *placement) market.Qty {
	lot := c.instruments[p.Instrument].Lot
	share := &c.scratch.shares[pl.venue]
	share.Tactic, share.Score = pl.tactic, clamp32(pl.score)
	qty := min(pl.qty, c.gate.ChildMaxQty(p.Instrument))
	if pl.tactic != event.TacticOffer { // which commits nothing
		qty = min(qty, p.Unplaced())
	}
	qty = qty.FloorTo(lot)
	if p.terms.Display == 0 || pl.tactic != event.TacticPost {
		pl.show = 0
	} else if qty > 0 {
		if qty = c.veil(p, pl, qty); qty == 0 {
			share.Why = event.WhyShown
			return 0
		}
	}
	switch {
	case qty <= 0 || qty < pl.minQty:
		share.Why = event.WhyBelowMinQty
		return 0
	case c.braked(p, 1):
		c.Counters.Brakes++
		share.Why = event.WhyRisk
		c.outOfOrders(p)
		return 0
	case c.childCount == len(c.children):
		share.Why = event.WhyRisk
		c.Counters.Refused++
		c.outOfOrders(p)
		return 0
	}
	if t := &c.trading[p.Instrument]; (t.stopped|t.banded)>>(pl.venue&(market.MaxVenues-1))&1 != 0 {
		if why := c.fit(p, pl); why != event.WhyFilled {
			share.Why = why
			return 0
		}
	}
	if pl.tactic == event.TacticTake && c.tradesThrough(p, pl.venue, pl.price) {
		c.refusedChild(p, pl.venue, c.gate.Refuse(event.ReasonTradeThrough))
		share.Why = event.WhyRisk
		return 0
	}
	return c.order(p, pl, qty, c.reference(p.Instrument))
}

// braked reports whether n more children of p are too many: see Tactics.
func (c *Core) braked(p *Parent, n int) bool {
	return p.sent > c.tactics.MaxChildren-n || int(p.ChildrenSent) > c.tactics.MaxLife-n
}

// asked is an order of p as the gate judges it.
func (c *Core) asked(p *Parent, v market.VenueID, price market.Price, qty market.Qty) risk.Order {
	return risk.Order{Venue: v, Instrument: p.Instrument, Side: p.Side, Mark: p.Mark, ShortBid: c.shortBid(p), Price: price, Qty: qty,
		Limit: p.Limit, Client: p.Client, Strategy: p.Strategy, Policy: c.table.PolicyID(), Slot: slotIn(p.Number)}
}

// order is place of a quantity that may be placed as it is, against the reference mid2.
func (c *Core) order(p *Parent, pl *placement, qty market.Qty, mid2 int64) market.Qty {
	share := &c.scratch.shares[pl.venue&(market.MaxVenues-1)]
	o := c.asked(p, pl.venue, pl.price, qty)
	approved, reason := c.gate.Child(&o, mid2, c.now)
	if reason != event.ReasonNone {
		c.refusedChild(p, pl.venue, reason)
		share.Why = event.WhyRisk
		return 0
	}
	c.send(p, approved, pl, mid2)
	if pl.wait > 0 {
		share.WaitMicros = uint16(pl.wait / 1000)
	}
	if pl.tactic != event.TacticOffer {
		share.Qty += qty
		c.scratch.placed += qty
	}
	return qty
}

// orderNow is order of qty as a permit says, to take. false: nothing was done, and order says why.
func (c *Core) orderNow(p *Parent, permit *risk.Permit, v market.VenueID, price market.Price, qty market.Qty, mid2 int64) bool {
	approved := c.gate.Use(permit, v, price, qty, mid2, c.now)
	if approved == nil {
		return false
	}
	o := approved.Order()
	ch := c.newChild(p, o, event.TacticTake)
	c.tellVenue(p, o, ch.Number, p.timeInForce(event.TacticTake))
	c.made.sent, c.made.order, c.made.mid2 = ch, o, mid2
	return true
}

// send turns an approved order into a child and its command. What neither needs is left to entered.
func (c *Core) send(p *Parent, approved *risk.Approved, pl *placement, mid2 int64) {
	o := approved.Order()
	ch := c.newChild(p, o, pl.tactic)
	if pl.tactic != event.TacticOffer {
		c.gate.Expose(p.Client, o.Cost())
	}
	c.describe(p, ch, o, mid2)
	if pl.tactic != event.TacticTake {
		ch.QuoteID, ch.bucket = pl.quote, pl.bucket
	}
	if pl.wait > 0 && c.putOff(ch, pl.wait) {
		c.entered(p, ch)
		return
	}
	cmd := c.tellVenue(p, o, ch.Number, ch.TIF)
	if pl.tactic != event.TacticTake {
		c.dress(cmd, ch, pl)
	} else if pl.iso {
		cmd.ExecInst = market.ExecInstISO
	}
	if pl.alone {
		c.made.sent = ch
		return
	}
	c.entered(p, ch)
}

// newChild makes a child of an approved order, with its number and what it may execute; all else is for
// describe.
func (c *Core) newChild(p *Parent, o *risk.Sealed, tactic event.Tactic) *Child {
	slot := int32(c.childCount)
	ch := &c.children[slot]
	if c.blank != slot {
		*ch = Child{}
	}
	c.childCount++
	ch.Number, ch.Parent, ch.Tactic = c.epoch*numberBase+uint64(slot)+1, o.Slot(), tactic
	if tactic == event.TacticOffer {
		p.offer(ch, o.Qty())
	} else {
		p.reserve(ch, o.Qty())
	}
	p.sent++
	p.ChildrenSent++
	c.stances[o.Slot()].forget()
	return ch
}

// describe fills in what a child has of its order, and lists it with its parent.
func (c *Core) describe(p *Parent, ch *Child, o *risk.Sealed, mid2 int64) {
	// Field by field: a literal would be put together elsewhere and copied, which waits for its parts.
	ch.Venue, ch.Instrument, ch.Side, ch.Price, ch.Policy = o.Venue(), o.Instrument(), o.Side(), o.Price(), o.Policy()
	ch.TIF, ch.Status, ch.SentTime, ch.sentMid2 = p.timeInForce(ch.Tactic), market.StatusPendingNew, c.now, mid2
	slot := slotIn(ch.Number)
	if ch.prev, ch.next = none, p.first; p.first != none {
		c.children[p.first].prev = slot
	}
	p.first = slot
}

// tellVenue makes the command that sends an approved order.
func (c *Core) tellVenue(p *Parent, o *risk.Sealed, number uint64, tif market.TimeInForce) *event.Command {
	cmd := c.command(event.SendOrder)
	cmd.Child, cmd.Parent, cmd.Policy = number, p.Number, o.Policy()
	if p.Mark != market.Long {
		cmd.OrigID = p.locate
	}
	cmd.Venue, cmd.Instrument, cmd.Side, cmd.TIF, cmd.Mark = o.Venue(), o.Instrument(), o.Side(), tif, p.Mark
	cmd.Price, cmd.Qty, cmd.OrdType = o.Price(), o.Qty(), market.OrdLimit
	return cmd
}

// dress fills in what the order of another tactic than taking carries.
func (c *Core) dress(cmd *event.Command, ch *Child, pl *placement) {
	cmd.MinQty, cmd.ID = pl.minQty, pl.quote
	cmd.SetShow(pl.show)
	switch pl.tactic {
	case event.TacticPost:
		if ch.Show = ch.Qty; pl.show != 0 {
			ch.Show = pl.show
		}
		cmd.ExecInst = market.ExecInstPostOnly
	case event.TacticPing, event.TacticRest:
		cmd.OrdType, cmd.ExecInst = market.OrdPegged, market.ExecInstMidPeg
	case event.TacticOffer:
		cmd.OrdType, cmd.ExecInst = market.OrdPegged, market.ExecInstConditional
	case event.TacticFirm:
		cmd.OrdType, cmd.ExecInst = market.OrdPegged, market.ExecInstFirmUp
	case event.TacticRequest, event.TacticQuote:
		cmd.OrdType = market.OrdPreviouslyQuoted
	}
}

// entered keeps all accounts but the ledger's and the gate's of a child that was just made: of its venue, of what
// is under way, of the tape. The ledger's own are kept before the order leaves.
func (c *Core) entered(p *Parent, ch *Child) {
	p.Venues[ch.Venue].Children++
	c.traded(ch, 0, 0)
	switch ch.Tactic {
	case event.TacticTake:
		c.inflight[ch.Instrument][ch.Venue][ch.Side.Index()] += ch.Qty
		c.near[ch.Instrument][ch.Side.Index()].stale = true
		c.listed[ch.Instrument].moved(ch.Venue)
	case event.TacticQuote:
		c.usedQuote[ch.Instrument][ch.Venue] = ch.QuoteID
	}
	if !ch.waits {
		c.scoreSent(ch)
	}
}

func (p *Parent) timeInForce(t event.Tactic) market.TimeInForce {
	if p.TIF == market.TIFFOK {
		return market.TIFFOK
	}
	if t == event.TacticPost || t == event.TacticRest || t == event.TacticOffer {
		return market.TIFDay
	}
	return market.TIFIOC
}

func clamp32(v int64) int32 { return int32(min(max(v, -1<<31), 1<<31-1)) }
