package router

import "penstock/event"

// lose marks a child whose state at the venue is unknown. It stays reserved. One that has not
// left is not sent.
func (c *Core) lose(ch *Child) {
	if ch.waits {
		c.unwant(ch)
		return
	}
	if !ch.unknown && !ch.Released {
		ch.unknown = true
		c.Counters.Unknown++
	}
}

// doubt is what a report that cannot be right leads to: nothing is released, a person
// hears of it, the venue is asked.
func (c *Core) doubt(ch *Child, reason event.Reason) {
	c.lose(ch)
	c.alert(ch, reason)
	c.askStatus(ch)
}

// alert tells a person what the venue of ch did.
func (c *Core) alert(ch *Child, reason event.Reason) {
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	c.address(cmd, ch)
	cmd.Reason = reason
}

// quarantine stops new orders to the venue of ch and cancels what is open there, until a
// person resumes it.
func (c *Core) quarantine(ch *Child, reason event.Reason) {
	c.alert(ch, reason)
	c.quarantineVenue(ch.Venue)
}
