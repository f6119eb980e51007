package ouch

import (
	"penstock/event"
	"penstock/market"
)

// After a login the venue repeats what was not read before, and does not say where that
// ends. It has ended when the venue has nothing to say for a second and so sends a
// heartbeat, or when it is quiet after catchUpNanos. Only then is the account query sent,
// whose answer is the next UserRefNum: an order that was sent before and is not in the
// book by then never arrived. 4.2 has no query; there the heartbeat says as much.
const catchUpNanos = 3 * second

// syncState is how far the book of orders is complete on this connection.
type syncState struct {
	on      bool
	caught  bool // everything said before has been read
	queries int  // that are not answered
	done    bool
	since   int64
	beats   uint64 // heartbeats of the venue when we began to wait for one
}

// synchronise brings the session up, and then answers what was asked.
func (g *Gateway) synchronise(now int64) (work int) {
	s := &g.sync
	if !s.on || !g.client.Active() {
		return 0
	}
	beaten := g.client.Session().Stats().Heartbeats > s.beats
	if !s.caught {
		if !beaten && now-s.since < catchUpNanos {
			return 0
		}
		s.caught, g.resumed = true, false
		work++
		if g.cfg.Version == V42 {
			g.aligned(now)
		} else {
			g.query(now)
		}
		return work
	}
	if g.cfg.Version == V42 && g.asked.n > 0 && beaten {
		g.answer(now)
		work++
	}
	return work
}

func (g *Gateway) query(now int64) {
	g.out = AppendQuery(g.out[:0])
	if g.admitted(now, &event.Command{Kind: event.SendStatus}) && g.client.Send(now, g.out) == nil {
		g.pace.Note(now, 1)
		g.sync.queries++
	}
}

// onQuery takes the answer to an account query. One that answers no query of this
// connection is repeated history.
func (g *Gateway) onQuery(now int64, next uint32) {
	g.next = max(g.next, next)
	if g.sync.queries == 0 {
		return
	}
	if g.sync.queries--; g.sync.queries == 0 {
		g.aligned(now)
	}
}

// aligned says that the book of orders is complete as of now.
func (g *Gateway) aligned(now int64) {
	g.sync.done = true
	if !g.up {
		g.up = true
		g.events.push(event.Event{Kind: event.VenueSession, Venue: g.cfg.Venue, RecvTime: now,
			Instrument: market.NoInstrument, Code: uint8(event.SessionUp)})
	}
	g.answer(now)
}

// ask answers a status request, or keeps it until the book of orders is complete.
func (g *Gateway) ask(now int64, c *event.Command) bool {
	o := g.book.ofChild(c.Child)
	if g.sync.done && g.sync.queries == 0 && o != nil && o.status != market.StatusPendingNew {
		g.stats.StatusRequests++
		g.events.push(g.status(now, o))
		return true
	}
	if !g.client.Active() || !g.asked.add(c.Child) {
		return false
	}
	g.stats.StatusRequests++
	if g.sync.done {
		g.sync.beats = g.client.Session().Stats().Heartbeats
		if g.cfg.Version == V50 && g.sync.queries == 0 {
			g.query(now)
		}
	}
	return true
}

// answer tells the state of every order that was asked for. Where the venue has said
// nothing of one, it does not have it.
func (g *Gateway) answer(now int64) {
	for _, child := range g.asked.children[:g.asked.n] {
		o := g.book.ofChild(child)
		if o == nil || o.unsent || o.status == market.StatusPendingNew {
			if o != nil {
				o.status, o.leaves, o.unsent = market.StatusRejected, 0, true
			}
			if g.cfg.Firewall != nil {
				g.cfg.Firewall.Unsent(child)
			}
			g.events.push(event.Event{Kind: event.Exec, Venue: g.cfg.Venue, RecvTime: now, SrcTime: now, Ref: child,
				Instrument: g.instrumentOf(o), Code: uint8(market.ExecOrderStatus), OrdStatus: market.StatusRejected,
				Reason: event.ReasonUnknownOrder, ID: textID('Q', g.client.Session().Expected())})
			continue
		}
		g.events.push(g.status(now, o))
	}
	g.asked.clear()
}

func (g *Gateway) instrumentOf(o *order) market.InstrumentID {
	if o == nil || o.symbol < 0 {
		return market.NoInstrument
	}
	return g.symbols[o.symbol].ID
}

// status is the answer to a status request: LastPx is the average of the fills.
func (g *Gateway) status(now int64, o *order) event.Event {
	e := g.event(now, o)
	e.RecvTime, e.SrcTime = now, now
	e.Code, e.OrdStatus = uint8(market.ExecOrderStatus), o.status
	e.ID = textID('Q', g.client.Session().Expected())
	if o.cum > 0 && o.symbol >= 0 {
		e.LastPx = market.Price(o.notional * g.symbols[o.symbol].scale / o.cum)
	}
	return e
}
