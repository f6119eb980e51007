package simtest

import (
	"penstock/event"
	"penstock/market"
)

// client is an EMS: it asks for orders and believes what it is told.
type client struct {
	up    bool
	said  []event.Event // every message of its session, in order
	asks  []ask         // its orders
	owed  []owed        // what the router has told and has not arrived yet
	heard []uint64      // reports that arrived, by their content
	known int           // how many of said the router has
}

// ask is one order as its client sees it.
type ask struct {
	first, id event.ID
	parent    uint64
	side      market.Side
	mark      market.Mark
	qty       int64
	limit     int64
	cum       int64
	inst      market.InstrumentID
	strategy  event.Strategy
	tif       market.TimeInForce
	pending   bool
	ended     bool
}

// owed is a report that waits to be durable.
type owed struct {
	at   int64
	hash uint64
	m    message
}

// durable is when an event taken at a time is on disk: at the end of its group.
func (w *world) durable(at int64) int64 { return (at/w.swarm.sync + 1) * w.swarm.sync }

// owe keeps a report until the event that caused it is durable.
func (c *client) owe(w *world, cmd *event.Command) {
	o := owed{at: w.durable(w.step), m: w.msg}
	o.hash = reportHash(&o.m)
	c.owed = append(c.owed, o)
	w.agenda.add(item{at: o.at, kind: dueReports, n: uint64(cmd.Client)})
}

// reportHash tells reports apart by their content.
func reportHash(m *message) uint64 {
	return permute(uint64(m.cum)) ^ permute(uint64(m.execType)<<8|uint64(m.ordStatus)) ^ m.parent<<7 ^ m.ref
}

// deliver lets durable reports arrive.
func (c *client) deliver(w *world) {
	for c.up && !w.dead && len(c.owed) > 0 && c.owed[0].at <= w.now {
		o := c.owed[0]
		c.owed = c.owed[1:]
		c.heard = append(c.heard, o.hash)
		c.hear(w, &o.m)
	}
}

func (c *client) hear(w *world, m *message) {
	for i := range c.asks {
		a := &c.asks[i]
		if m.typ == msgCancelReject {
			if a.id == m.orig || a.first == m.orig {
				a.pending = false
			}
			continue
		}
		if a.parent != m.parent || a.parent == 0 && a.first != m.id {
			if a.parent != 0 || a.first != m.id {
				continue
			}
		}
		if m.parent != 0 {
			a.parent = m.parent
		}
		switch m.execType {
		case '5':
			a.id, a.qty, a.limit, a.pending = m.id, m.qty, m.price, false
		case '8':
			if a.parent != 0 {
				continue
			}
		}
		if m.execType != 'H' && m.execType != 'G' && m.cum < a.cum {
			w.fail("client's CumQty of %v falls from %d to %d", a.first, a.cum, m.cum)
		}
		a.cum = m.cum
		a.ended = a.ended || m.ordStatus == '2' || m.ordStatus == '3' && !a.tif.GoodTill() || m.ordStatus == '4' || m.ordStatus == '8' || m.ordStatus == 'C'
	}
}

// say gives the router a message of the client.
func (c *client) say(w *world, e *event.Event) {
	e.Ref = uint64(len(c.said) + 1) // MsgSeqNum(34)
	c.said = append(c.said, *e)
	c.known = len(c.said)
	w.take(e)
}

// order asks for a new order.
func (c *client) order(w *world, r *stream, n int) {
	if !c.up || w.dead {
		return
	}
	i := market.InstrumentID(r.below(int64(w.swarm.instruments)))
	mid := w.mid(int(i))
	e := event.Event{Kind: event.ParentNew, ID: textID('C', uint64(w.client(c)), uint64(n)), Instrument: i, Client: uint16(w.client(c)),
		Side: market.Buy + market.Side(r.below(2)), OrdType: market.OrdMarket, TIF: market.TIFDay, Strategy: event.StrategyTWAP}
	e.Qty = market.Qty(r.between(1, 200)) * w.swarm.lot
	if r.once(2) {
		e.Qty = market.Qty(r.between(1, 20_000)).FloorTo(w.swarm.lot) + w.swarm.lot
	}
	if r.once(2) {
		e.OrdType = market.OrdLimit
		e.Price = market.Price(mid + tick*e.Side.Sign()*r.between(-1, 6))
	}
	if r.once(3) {
		e.Strategy = event.StrategySweep
		e.TIF = [...]market.TimeInForce{market.TIFDay, market.TIFIOC, market.TIFFOK}[r.below(3)]
	} else {
		e.Strategy = event.StrategyTWAP + event.Strategy(r.below(5))
		w.terms(r, &e)
		w.plainly(&stream{seed: w.seed, id: 40_000 + uint64(n)}, &e)
	}
	w.goodTill(&stream{seed: w.seed, id: 10_000 + uint64(n)}, &e)
	w.veiled(&stream{seed: w.seed, id: 20_000 + uint64(n)}, &e)
	c.asks = append(c.asks, ask{tif: e.TIF, mark: e.Mark, first: e.ID, id: e.ID, side: e.Side, qty: int64(e.Qty), limit: int64(e.Price), inst: i,
		strategy: e.Strategy})
	c.say(w, &e)
}

// terms draws the parameters of a scheduled strategy.
func (w *world) terms(r *stream, e *event.Event) {
	e.Until = w.step + r.between(200, 8000)*milli
	e.SliceNanos = r.between(100, 3000) * milli
	if r.once(4) {
		e.StartTime = w.step + r.between(1, 500)*milli
		e.Until += 500 * milli
	}
	if e.Strategy == event.StrategyPOV || r.once(6) {
		e.CumQty = market.Qty(r.between(500, 10_000)) // rate
	}
	if r.once(5) {
		e.LastPx = market.Price(w.mid(int(e.Instrument)) - tick*e.Side.Sign()*r.between(-1, 4)) // would
	}
	if r.once(5) {
		e.LastQty = market.Qty(r.between(2, 30)) * 100 // no more at once
	}
	if r.once(5) {
		e.MinQty = min(market.Qty(r.between(1, 3))*100, max(e.LastQty, 200)) // no less
	}
	if r.once(4) {
		e.LeavesQty = market.Qty(r.between(1, 20)) * 100 // a block
	}
	e.Code = uint8(r.below(4))
	if r.once(4) {
		e.Flags |= event.NoCatchUp
	}
}

// some returns a live order of the client, as far as it knows.
func (c *client) some(r *stream) *ask {
	live := 0
	for i := range c.asks {
		if !c.asks[i].ended {
			live++
		}
	}
	if live == 0 {
		if len(c.asks) > 0 && r.once(4) {
			return &c.asks[r.below(int64(len(c.asks)))]
		}
		return nil
	}
	n := r.below(int64(live))
	for i := range c.asks {
		if c.asks[i].ended {
			continue
		}
		if n == 0 {
			return &c.asks[i]
		}
		n--
	}
	return nil
}

func (c *client) cancel(w *world, r *stream, n int) {
	a := c.some(r)
	if a == nil || !c.up || w.dead {
		return
	}
	e := event.Event{Kind: event.ParentCancel, ID: textID('X', uint64(w.client(c)), uint64(n)), OrigID: a.id, Side: a.side, Mark: a.mark,
		Instrument: a.inst, Client: uint16(w.client(c))}
	a.pending = true
	c.say(w, &e)
}

func (c *client) replace(w *world, r *stream, n int) {
	a := c.some(r)
	if a == nil || !c.up || w.dead {
		return
	}
	e := event.Event{Kind: event.ParentReplace, ID: textID('R', uint64(w.client(c)), uint64(n)), OrigID: a.id, Side: a.side, Mark: a.mark,
		Instrument: a.inst, Client: uint16(w.client(c)), OrdType: market.OrdMarket, TIF: market.TIFDay,
		Qty: market.Qty(r.between(1, 2*a.qty)).FloorTo(w.swarm.lot) + w.swarm.lot, Price: market.Price(a.limit)}
	if len(w.swarm.nights) > 0 {
		e.TIF = a.tif
	}
	if a.limit != 0 {
		e.OrdType = market.OrdLimit
		if r.once(2) {
			e.Price += market.Price(tick * r.between(-2, 2))
		}
	}
	if a.strategy.Scheduled() && r.once(3) {
		e.Strategy = a.strategy
		w.terms(r, &e)
		w.plainly(&stream{seed: w.seed, id: 50_000 + uint64(n)}, &e)
	}
	if d := (&stream{seed: w.seed, id: 30_000 + uint64(n)}); a.strategy.Posts() && d.once(4) {
		e.SetDisplay(w.part(d, e.Qty))
		if l := w.ledger.accounts[a.parent]; l != nil && l.shown() > int64(e.Display()) {
			w.hit(fm96)
		}
	} else if d.once(20) {
		e.Mark = market.Short // which a replace cannot change
		if a.mark == market.Short {
			e.Mark = market.Long
		}
	}
	switch {
	case a.pending:
		w.hit(fm19)
	case int64(e.Qty) < a.qty:
		w.hit(fm20)
	default:
		w.hit(fm18)
	}
	a.pending = true
	c.say(w, &e)
}

func (c *client) status(w *world, r *stream) {
	if a := c.some(r); a != nil && c.up && !w.dead {
		c.say(w, &event.Event{Kind: event.ParentStatus, ID: a.id, Instrument: a.inst, Side: a.side, Mark: a.mark, Client: uint16(w.client(c)),
			OrigID: textID('S', 0, r.next()>>40)})
	}
}

// again sends an order once more: as possibly known, or in a new message with the same ClOrdID.
func (c *client) again(w *world, r *stream, dup bool) {
	if len(c.asks) == 0 || !c.up || w.dead {
		return
	}
	a := &c.asks[r.below(int64(len(c.asks)))]
	for i := range c.said {
		if e := c.said[i]; e.Kind == event.ParentNew && e.ID == a.first {
			if dup {
				w.hit(fm24)
				e.Flags |= event.PossDup
			} else {
				w.hit(fm25)
			}
			c.say(w, &e)
			return
		}
	}
}

// connect brings the session up; what the router does not know is sent again.
func (c *client) connect(w *world, n int) {
	if w.dead {
		return
	}
	c.up = true
	w.take(&event.Event{Kind: event.ClientSession, Client: uint16(n), Code: uint8(event.SessionUp), Venue: market.NoVenue})
	for _, e := range c.said[min(c.known, len(c.said)):] {
		e.Flags |= event.PossDup
		w.take(&e)
	}
	c.known = len(c.said)
	c.deliver(w)
}

// loseClient ends a client's session for a while: its orders go on.
func (w *world) loseClient(r *stream) {
	n := r.below(int64(len(w.clients)))
	c := &w.clients[n]
	if !c.up || w.dead {
		return
	}
	w.hit(fm44)
	c.up = false
	w.take(&event.Event{Kind: event.ClientSession, Client: uint16(n), Code: uint8(event.SessionDown), Venue: market.NoVenue})
	w.agenda.add(item{at: w.now + r.between(10, 3000)*milli, kind: dueClient, n: uint64(n)})
}

// client returns the index of c.
func (w *world) client(c *client) int {
	for i := range w.clients {
		if &w.clients[i] == c {
			return i
		}
	}
	return -1
}

// check demands that the client believes what is true.
func (c *client) check(w *world, n int) {
	if len(c.owed) > 0 {
		w.fail("client %d never got %d reports", n, len(c.owed))
	}
	for i := range c.asks {
		a := &c.asks[i]
		if !a.ended {
			w.fail("client %d never heard the end of %v", n, a.first)
		}
		if account := w.ledger.accounts[a.parent]; a.parent != 0 && account.cum != a.cum {
			w.fail("client %d believes %d of %v, its venues executed %d", n, a.cum, a.first, account.cum)
		}
	}
}
