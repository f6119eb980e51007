package router

import "penstock/event"

// askStatus sends an OrderStatusRequest, at most one per ack time.
func (c *Core) askStatus(ch *Child) {
	if ch.waits || !has(c.sessions.up, ch.Venue) || ch.askTime != 0 && c.now-ch.askTime < c.venues[ch.Venue].AckNanos {
		return
	}
	ch.askTime = c.now
	cmd := c.command(event.SendStatus)
	c.address(cmd, ch)
}

// cancel asks the venue to cancel a child, once. A venue that knows only orders that it
// has answered is asked then (FM-21). One that has not left is not sent.
func (c *Core) cancel(ch *Child) {
	if ch.waits {
		c.unwant(ch)
		return
	}
	if ch.Released || ch.canceling || !has(c.sessions.up, ch.Venue) {
		return
	}
	if !ch.acked && c.venues[ch.Venue].CancelAfterAck {
		ch.wantCancel = true
		return
	}
	ch.canceling = true
	c.gate.CancelFor(ch.Venue, c.parents[ch.Parent].Strategy, c.now)
	cmd := c.command(event.SendCancel)
	c.address(cmd, ch)
	cmd.Ref = c.requestNumber()
}

// requestNumber numbers a message to a venue that is no order.
func (c *Core) requestNumber() uint64 {
	c.cancels++
	return c.epoch*numberBase + cancelNumber + c.cancels
}

// address fills in what every message about a child carries.
func (c *Core) address(cmd *event.Command, ch *Child) {
	cmd.Child, cmd.Parent = ch.Number, c.parents[ch.Parent].Number
	cmd.Venue, cmd.Instrument, cmd.Side = ch.Venue, ch.Instrument, ch.Side
	cmd.Price, cmd.Qty, cmd.CumQty, cmd.TIF, cmd.Mark = ch.Price, ch.Qty, ch.Cum, ch.TIF, c.parents[ch.Parent].Mark
}

// cancelAll cancels every working child of p.
func (c *Core) cancelAll(p *Parent) {
	for s := p.first; s != none; s = c.children[s].next {
		c.cancel(&c.children[s])
	}
}
