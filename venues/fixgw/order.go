package fixgw

import (
	"fmt"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/warm"
	"penstock/market"
)

// makeTemplates renders every order that the dialect can say for every symbol.
func (g *Gateway) makeTemplates() error {
	n := len(g.cfg.Symbols)
	g.orders = make([][len(sides)][len(styles)]*fix.Template, n)
	g.cancels = make([][len(sides)]*fix.Template, n)
	g.statuses = make([][len(sides)]*fix.Template, n)
	d := &g.cfg.Dialect
	account, err := d.account(&g.cfg.Account)
	if err != nil {
		return err
	}
	for i := range g.cfg.Symbols {
		sym := &g.cfg.Symbols[i]
		for at, side := range sides {
			if !d.takes(side) {
				continue
			}
			spec := fix.TemplateSpec{
				MsgType: fix.MsgCancelRequest, OrigID: true, Static: d.cancel(sym, side),
				TransactTime: d.TransactTime, IDs: d.IDs,
				PriceDecimals: sym.PriceDecimals, QtyDecimals: sym.QtyDecimals,
			}
			if g.cancels[i][at], err = g.session.NewTemplate(spec); err != nil {
				return err
			}
			spec = fix.TemplateSpec{MsgType: fix.MsgStatusRequest, Static: d.status(sym, side), IDs: d.IDs}
			if g.statuses[i][at], err = g.session.NewTemplate(spec); err != nil {
				return err
			}
			spec = fix.TemplateSpec{MsgType: fix.MsgNewOrderSingle, TransactTime: d.TransactTime, IDs: d.IDs,
				LinkTag: d.ParentTag, PriceDecimals: sym.PriceDecimals, QtyDecimals: sym.QtyDecimals}
			for k, st := range styles {
				fields, ok := d.order(st, sym, side)
				if !ok {
					continue
				}
				spec.Static, spec.QuoteTag = append(fields, account...), 0
				switch {
				case st.execInst == market.ExecInstFirmUp:
					spec.QuoteTag = fix.TagIOIID
				case st.ordType != market.OrdPreviouslyQuoted && market.Mark(side).Valid(market.Sell):
					spec.QuoteTag = d.LocateTag
				}
				if st.tif == market.TIFDay && st.ordType == market.OrdLimit {
					spec.ShowTag = d.ReserveTag
				} else {
					spec.ShowTag = 0
				}
				if g.orders[i][at][k], err = g.session.NewTemplate(spec); err != nil {
					return fmt.Errorf("symbol %s: %w", sym.Text, err)
				}
			}
		}
	}
	return nil
}

// Send writes SendOrder, SendCancel or SendStatus to the venue. false means that
// it cannot be sent: not logged on, messages missing, too much waiting, or an order
// that the dialect has no words for. Then nothing of it reaches the venue. true
// means that OnSent follows, or, if the connection breaks first, an event that
// says so; a status request that got lost is not told, it is asked again.
func (g *Gateway) Send(now int64, c *event.Command) bool {
	if !g.send(now, c) {
		g.stats.Refused++
		return false
	}
	return true
}

func (g *Gateway) send(now int64, c *event.Command) bool {
	if c.Kind == event.SendOrder && g.cfg.Latch != nil && g.cfg.Latch.Stopped(g.cfg.Venue) {
		g.stats.Latched++
		c.Reason = event.ReasonKilled
		return false
	}
	if c.Kind == event.SendMassStatus {
		return g.askAll(now, c)
	}
	switch c.Kind {
	case event.AskQuote:
		return g.ask(now, c)
	case event.PassQuote:
		return g.pass(now, c)
	}
	t := g.template(c)
	if t == nil || g.cfg.DropCopy != nil || !g.Up() || !g.session.CanSend() || g.unsent.Full() {
		return false
	}
	if !g.pace.Allows(now, c.Kind == event.SendCancel) || g.lane.Len() > 0 {
		return g.hold(c)
	}
	return g.write(now, t, c)
}

// write sends a command whose turn it is.
func (g *Gateway) write(now int64, t *fix.Template, c *event.Command) bool {
	v := g.values(c)
	seq, start := g.session.NextOut(), len(g.session.Out())
	if err := g.session.SendTemplate(t, now, &v); err != nil {
		return false
	}
	if !g.admitted(now, start, c) {
		return false
	}
	if !g.transmit(now, c) {
		return false
	}
	g.countSent(now)
	if c.Kind != event.SendStatus {
		// A refused status request says nothing about the order.
		g.recent.put(seq, c)
	}
	g.session.Ready(t)
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.Ready()
	}
	return true
}

// values returns the fields of a command's message.
func (g *Gateway) values(c *event.Command) (v fix.Values) {
	switch c.Kind {
	case event.SendCancel:
		g.stats.Cancels++
		v = fix.Values{ID: c.Ref, OrigID: c.Child}
		if g.cfg.Dialect.CancelQty {
			v.Qty = int64(c.Qty)
		}
	case event.SendStatus:
		g.stats.StatusRequests++
		v.ID = c.Child
	default:
		g.stats.Orders++
		v = fix.Values{ID: c.Child, Link: c.Parent, Qty: int64(c.Qty), Price: int64(c.Price), MinQty: int64(c.MinQty),
			Show: int64(c.Show())}
		if c.OrdType == market.OrdPreviouslyQuoted || c.ExecInst == market.ExecInstFirmUp {
			v.QuoteID = c.ID[:c.ID.Len()]
		} else if c.Mark != market.Long && g.cfg.Dialect.LocateTag != 0 {
			v.QuoteID = c.OrigID[:c.OrigID.Len()]
		}
	}
	return v
}

// template returns the template of a command, nil when there is none.
func (g *Gateway) template(c *event.Command) *fix.Template {
	i := g.symbols.index(c.Instrument)
	side := sideIndex(c)
	if i < 0 || side < 0 || c.Child == 0 {
		return nil
	}
	switch {
	case c.Kind == event.SendCancel && c.Ref != 0:
		return g.cancels[i][side]
	case c.Kind == event.SendStatus:
		return g.statuses[i][side]
	case c.Kind == event.SendOrder && c.Qty > 0 && !g.session.GapOpen():
		if k := styleIndex(c); k >= 0 && (c.Show() == 0 || g.cfg.Dialect.ReserveTag != 0 && c.OrdType == market.OrdLimit && c.TIF == market.TIFDay) {
			return g.orders[i][side][k]
		}
	}
	return nil
}

// transmit writes at once what it can. A command whose bytes are not all taken is
// kept until they are.
func (g *Gateway) transmit(now int64, c *event.Command) bool {
	out := g.session.Out()
	if g.burst.Gathers(c, len(out), g.cfg.OutLimit, &g.unsent) {
		g.unsent.Push(g.written+uint64(len(out)), c)
		return true
	}
	n, err := g.conn.Write(out)
	if err != nil {
		g.lose(now, err.Error())
		g.neverLeft(c)
		return false
	}
	g.wrote(now, n)
	if n < len(out) {
		g.unsent.Sent(g.written, func(c *event.Command) { g.onSent(c, now) })
		g.unsent.Push(g.written+uint64(len(out)-n), c)
		return true
	}
	g.unsent.Sent(g.written, func(c *event.Command) { g.onSent(c, now) })
	g.onSent(c, now)
	return true
}

// Rewarm asks for what an order in an instrument touches, so that an idle loop has it in the caches:
// turn chooses one of the templates beside that which takes, and see firewall.Session.Rewarm. It
// changes nothing.
func (g *Gateway) Rewarm(turn uint64, id market.InstrumentID, side market.Side) {
	warm.Span(&g.cfg, &g.stats)
	g.unsent.Rewarm()
	g.lane.Rewarm()
	g.recent.rewarm(g.session.NextOut())
	if i := g.symbols.index(id); i >= 0 && side.Valid() {
		all := &g.orders[i][side.Index()]
		g.session.Rewarm(all[0])
		if t := all[turn%uint64(len(all))]; t != nil {
			t.Rewarm()
		}
	}
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.Rewarm(turn)
	}
}
