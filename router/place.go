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
	case p.sent >= c.tactics.MaxChildren || int(p.ChildrenSent) >= c.tactics.MaxLife:
		c.Counters.Brakes++
		share.Why = event.WhyRisk
		return 0
	case c.childCount == len(c.children):
		share.Why = event.WhyRisk
		c.Counters.Refused++
		return 0
	}
	if why := c.fit(p, pl); why != event.WhyFilled {
		share.Why = why
		return 0
	}
	if c.tradesThrough(p, pl) {
		c.refusedChild(p, pl.venue, c.gate.Refuse(event.ReasonTradeThrough))
		share.Why = event.WhyRisk
		return 0
	}
	approved, reason := c.gate.Child(risk.Order{Venue: pl.venue, Instrument: p.Instrument, Side: p.Side,
		Mark: p.Mark, ShortBid: c.shortBid(p), Price: pl.price, Qty: qty, Limit: p.Limit, Client: p.Client, Strategy: p.Strategy,
		Policy: c.table.PolicyID(), Slot: slotIn(p.Number)}, c.reference(p.Instrument), c.now)
	if reason != event.ReasonNone {
		c.refusedChild(p, pl.venue, reason)
		share.Why = event.WhyRisk
		return 0
	}
	c.send(p, approved, pl)
	share.WaitMicros = uint16(pl.wait / 1000)
	if pl.tactic != event.TacticOffer {
		share.Qty += qty
		c.scratch.placed += qty
	}
	return qty
}

// send turns an approved order into a child and its command.
func (c *Core) send(p *Parent, approved risk.Approved, pl *placement) {
	o := approved.Order()
	slot := int32(c.childCount)
	c.childCount++
	ch := &c.children[slot]
	// Field by field: a literal would be put together elsewhere and copied, which waits for its parts.
	*ch = Child{}
	ch.Number, ch.Parent = c.epoch*numberBase+uint64(slot)+1, slotIn(p.Number)
	ch.Venue, ch.Instrument, ch.Side, ch.Tactic = o.Venue, o.Instrument, o.Side, pl.tactic
	ch.TIF, ch.Status, ch.Price, ch.SentTime = p.timeInForce(pl.tactic), market.StatusPendingNew, o.Price, c.now
	if pl.tactic == event.TacticPost {
		if ch.Show = o.Qty; pl.show != 0 {
			ch.Show = pl.show
		}
	}
	ch.QuoteID, ch.prev, ch.next = pl.quote, none, p.first
	ch.sentMid2, ch.bucket = c.reference(o.Instrument), pl.bucket
	ch.Policy = o.Policy
	if pl.tactic == event.TacticOffer {
		p.offer(ch, o.Qty)
	} else {
		p.reserve(ch, o.Qty)
	}
	c.gate.Expose(p.Client, c.exposure(ch))
	if p.first != none {
		c.children[p.first].prev = slot
	}
	p.first = slot
	p.sent++
	p.ChildrenSent++
	p.Venues[o.Venue].Children++
	c.traded(ch, 0, 0)
	if pl.tactic == event.TacticTake {
		c.inflight[o.Instrument][o.Venue][o.Side.Index()] += o.Qty
		c.near[o.Instrument][o.Side.Index()].stale = true
		c.listed[o.Instrument].moved(o.Venue)
	}
	if pl.tactic == event.TacticQuote {
		c.usedQuote[o.Instrument][o.Venue] = pl.quote
	}
	if pl.wait > 0 && c.putOff(ch, pl.wait) {
		return
	}
	c.scoreSent(ch)
	cmd := c.command(event.SendOrder)
	c.address(cmd, ch)
	cmd.Policy, cmd.OrigID = ch.Policy, p.locate
	cmd.SetShow(pl.show)
	cmd.MinQty, cmd.ID, cmd.OrdType = pl.minQty, pl.quote, market.OrdLimit
	switch pl.tactic {
	case event.TacticTake:
		if pl.iso {
			cmd.ExecInst = market.ExecInstISO
		}
	case event.TacticPost:
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
