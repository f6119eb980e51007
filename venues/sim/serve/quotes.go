package serve

import (
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// onQuoteRequest answers a QuoteRequest(35=R) with OrderQty(38) by one quote for so much. One
// without starts the stream of quotes: it is answered by a Quote(35=S) now and with each change, until the connection
// ends. A second request replaces the first.
func (c *client) onQuoteRequest(m *fix.Message, now int64) error {
	f := fields{m: m}
	reqID, ok := m.Get(fix.TagQuoteReqID)
	if !ok {
		f.fail(m.Bad(fix.TagQuoteReqID, fix.RejectMissingTag))
	}
	if n, err := m.Int(fix.TagNoRelatedSym); err != nil {
		f.fail(err)
	} else if n != 1 {
		f.fail(m.Bad(fix.TagNoRelatedSym, fix.RejectValue))
	}
	symbol := f.symbol()
	s := c.entry.server
	qty, sized := market.Qty(0), false
	if _, sized = m.Get(fix.TagOrderQty); sized {
		qty = market.Qty(f.decimal(fix.TagOrderQty, s.in.QtyDecimals, true))
	}
	if f.err != nil {
		return f.err
	}
	if s.dealer == nil {
		c.session.BusinessReject(now, m, reqID, unsupportedMessageType, "this venue does not quote")
		return nil
	}
	id := string(reqID)
	c.arrive(now, func(at int64) {
		if symbol != s.cfg.Symbol {
			c.leave(at, false, func(at int64) { c.rejectQuoteRequest(at, id, symbol, unknownSecurity) })
			return
		}
		if sized { // for one quote, not for a stream
			if q, ok := s.dealer.Request(at, qty); ok {
				c.leave(at, false, func(at int64) { c.writeQuote(at, id, &q) })
			} else {
				c.leave(at, false, func(at int64) { c.rejectQuoteRequest(at, id, symbol, requestExceedsLimit) })
			}
			return
		}
		if c.out == nil {
			return
		}
		c.quoteReq = id
		if q, ok := s.dealer.Current(); ok {
			c.leave(at, false, func(at int64) { c.sendQuote(at, &q) })
		}
	})
	return nil
}

// onQuoteResponse takes a QuoteResponse(35=AJ) that turns a quote down: it cannot be dealt on any
// more. This dealer takes orders on quotes, so it refuses a response that would deal.
func (c *client) onQuoteResponse(m *fix.Message, now int64) error {
	f := fields{m: m}
	f.id(tagQuoteRespID)
	id, kind := f.id(fix.TagQuoteID), f.char(tagQuoteRespType, 0, false)
	symbol := f.symbol()
	if f.err == nil && kind != quotePassed && kind != quoteExpired {
		f.fail(m.Bad(tagQuoteRespType, fix.RejectValue))
	}
	if f.err != nil {
		return f.err
	}
	s := c.entry.server
	if s.dealer == nil || symbol != s.cfg.Symbol {
		c.session.BusinessReject(now, m, nil, unsupportedMessageType, "this venue did not quote that")
		return nil
	}
	c.arrive(now, func(at int64) { s.dealer.TurnDown(at, id, kind == quoteExpired) })
	return nil
}

// QuotesTurnedDown returns how many of its quotes the dealer was told are not dealt on: because
// others were better, and because they had expired.
func (s *Server) QuotesTurnedDown() (passed, expired int) {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.dealer == nil {
		return 0, 0
	}
	return s.dealer.TurnedDown()
}

// rejectQuoteRequest writes QuoteRequestReject(35=AG).
func (c *client) rejectQuoteRequest(now int64, reqID, symbol string, reason int) {
	if c.session.State() != fix.Active {
		return
	}
	w := c.session.Begin(now, msgQuoteRequestReject)
	w.Str(fix.TagQuoteReqID, reqID)
	w.Int(tagQuoteRequestRejectReason, int64(reason))
	w.Int(fix.TagNoRelatedSym, 1)
	w.Str(fix.TagSymbol, symbol)
	c.session.Send()
}

// onQuote passes a quote of the dealer on to the clients that stream.
func (e *orderEntry) onQuote(q *sim.Quote) {
	for _, c := range e.clients {
		if c.quoteReq != "" {
			kept := *q
			c.leave(q.Time, false, func(at int64) { c.sendQuote(at, &kept) })
		}
	}
}

func (e *orderEntry) onQuoteCancelled(now int64) {
	for _, c := range e.clients {
		if c.quoteReq != "" {
			c.leave(now, false, c.sendQuoteCancel)
		}
	}
}

// sendQuote writes Quote(35=S), tradeable until ValidUntilTime(62). A client that
// went away does not get old quotes later.
func (c *client) sendQuote(now int64, q *sim.Quote) {
	if c.quoteReq != "" {
		c.writeQuote(now, c.quoteReq, q)
	}
}

func (c *client) writeQuote(now int64, reqID string, q *sim.Quote) {
	if c.session.State() != fix.Active {
		return
	}
	in := c.entry.server.in
	w := c.session.Begin(now, fix.MsgQuote)
	w.Str(fix.TagQuoteReqID, reqID)
	w.Str(fix.TagQuoteID, q.QuoteID.String())
	w.Int(fix.TagQuoteType, 1) // tradeable
	w.Str(fix.TagSymbol, c.entry.server.cfg.Symbol)
	side := func(px, size int, price market.Price, qty market.Qty) {
		w.Decimal(px, int64(price), in.PriceDecimals)
		w.Decimal(size, int64(qty), in.QtyDecimals)
	}
	side(fix.TagBidPx, fix.TagBidSize, q.BidPx, q.BidQty)
	side(fix.TagOfferPx, fix.TagOfferSize, q.AskPx, q.AskQty)
	w.Time(fix.TagValidUntilTime, q.Until)
	w.Time(fix.TagTransactTime, q.Time)
	c.session.Send()
}

// sendQuoteCancel writes QuoteCancel(35=Z) for all quotes of the stream.
func (c *client) sendQuoteCancel(now int64) {
	if c.quoteReq == "" || c.session.State() != fix.Active {
		return
	}
	w := c.session.Begin(now, fix.MsgQuoteCancel)
	w.Str(fix.TagQuoteReqID, c.quoteReq)
	w.Str(fix.TagQuoteID, "*")
	w.Int(fix.TagQuoteCancelType, 4) // all quotes
	c.session.Send()
}
