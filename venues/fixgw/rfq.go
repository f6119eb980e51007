package fixgw

import (
	"strconv"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// Requests for one quote in a size: QuoteRequest(35=R) with OrderQty(38), answered by
// Quote(35=S) with the same QuoteReqID(131), by QuoteRequestReject(35=AG), or by
// MassQuoteAcknowledgement(35=b) with QuoteStatus(297)=5; QuoteCancel(35=Z) takes a quote back.
// QuoteResponse(35=AJ) tells the dealer that a quote is not dealt on: orders deal, never 694=1.

const (
	msgQuoteRequestReject = "AG"
	quoteRejected         = "5" // QuoteStatus(297)
	quoteIndicative       = "0" // QuoteType(537)

	tagQuoteRespID   = 693
	tagQuoteRespType = 694
	quoteExpired     = '3' // QuoteRespType(694)
	quotePassed      = '6'
)

// ask sends a request for a quote.
func (g *Gateway) ask(now int64, c *event.Command) bool {
	i := g.symbols.index(c.Instrument)
	if i < 0 || !c.Side.Valid() || c.Qty <= 0 || c.Ref == 0 || g.cfg.DropCopy != nil || !g.Up() || !g.session.CanSend() || g.unsent.Full() ||
		!g.pace.Allows(now, false) || g.lane.Len() > 0 || g.cfg.Latch != nil && g.cfg.Latch.Stopped(g.cfg.Venue) {
		return false
	}
	start := len(g.session.Out())
	w := g.session.Begin(now, fix.MsgQuoteRequest)
	w.Uint(fix.TagQuoteReqID, c.Ref)
	w.Int(fix.TagNoRelatedSym, 1)
	writeWhat(w, &g.cfg.Symbols[i], c)
	if g.session.Send() != nil || !g.admitted(now, start, c) {
		return false
	}
	g.countSent(now)
	g.stats.QuoteRequests++
	return g.transmit(now, c)
}

// pass says that a quote is not dealt on. A dealer that does not hear it loses nothing: the
// quote ends at its time, so under the throttle it is left out.
func (g *Gateway) pass(now int64, c *event.Command) bool {
	i := g.symbols.index(c.Instrument)
	if i < 0 || !g.cfg.Dialect.QuoteResponse || !c.Side.Valid() || c.Qty <= 0 || c.Ref == 0 || c.ID.Len() == 0 || g.cfg.DropCopy != nil ||
		!g.Up() || !g.session.CanSend() || g.unsent.Full() || !g.pace.Allows(now, false) || g.lane.Len() > 0 {
		return false
	}
	start := len(g.session.Out())
	w := g.session.Begin(now, fix.MsgQuoteResponse)
	w.Uint(tagQuoteRespID, c.Ref) // of a request only one quote is left to respond to
	kind := byte(quotePassed)
	if c.Reason == event.ReasonQuoteExpired {
		kind = quoteExpired
	}
	w.Char(tagQuoteRespType, kind)
	w.Str(fix.TagQuoteID, c.ID.String())
	writeWhat(w, &g.cfg.Symbols[i], c)
	if g.session.Send() != nil || !g.admitted(now, start, c) {
		return false
	}
	g.countSent(now)
	g.stats.QuoteResponses++
	return g.transmit(now, c)
}

// writeWhat writes what a quote is for.
func writeWhat(w *fix.Writer, s *Symbol, c *event.Command) {
	w.Str(fix.TagSymbol, s.Text)
	w.Char(fix.TagSide, byte(c.Side))
	w.Decimal(fix.TagOrderQty, int64(c.Qty), s.QtyDecimals)
}

// requested returns the number of the request that a message answers; 0 when it answers none
// of ours. Streams of quotes are asked for under names that are no numbers.
func requested(m *fix.Message) uint64 {
	text := m.At(fix.SlotQuoteReqID)
	if len(text) == 0 || text[0] < '1' || text[0] > '9' {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// onQuoteAnswer turns what a dealer says to request number into an event.
func (g *Gateway) onQuoteAnswer(m *fix.Message, number uint64, now int64) bool {
	e := g.start(event.QuoteAnswer, now)
	e.Ref = number
	if m.Flag(fix.TagPossDupFlag) || m.Flag(fix.TagPossResend) {
		e.Flags = event.PossDup
	}
	switch string(m.Type()) {
	case fix.MsgQuote:
		if tag, reason := g.readQuote(m, e); reason != fieldOK {
			return g.malformed(m, now, m.Bad(tag, fix.RejectReason(reason)))
		}
	case fix.MsgMassQuoteAck:
		if string(m.At(fix.SlotQuoteStatus)) != quoteRejected {
			return true // it acknowledges
		}
		e.Code, e.Reason = event.QuoteRefused, event.ReasonVenueReject
	case fix.MsgQuoteCancel:
		e.Code, e.Reason = event.QuoteRefused, event.ReasonQuoteExpired
	default:
		e.Code, e.Reason = event.QuoteRefused, event.ReasonVenueReject
	}
	if !g.emit() {
		return false
	}
	g.stats.QuoteAnswers++
	return true
}

func (g *Gateway) readQuote(m *fix.Message, e *event.Event) (tag, reason int) {
	sym := g.symbols.find(m.At(fix.SlotSymbol))
	if sym == nil {
		g.stats.UnknownSymbol++
		return fix.TagSymbol, int(fix.RejectValue)
	}
	e.Instrument = sym.ID
	id, ok := m.At(fix.SlotQuoteID), false
	if e.ID, ok = event.MakeID(id); !ok || len(id) == 0 { // it must come back whole
		return fix.TagQuoteID, int(fix.RejectValue)
	}
	for _, side := range [...]struct {
		px, size fix.Slot
		price    *market.Price
		qty      *market.Qty
	}{{fix.SlotBidPx, fix.SlotBidSize, &e.Price, &e.Qty}, {fix.SlotOfferPx, fix.SlotOfferSize, &e.LastPx, &e.LastQty}} {
		if len(m.At(side.px)) == 0 || len(m.At(side.size)) == 0 {
			continue // not quoted on that side
		}
		p, ok := m.DecimalAt(side.px, sym.PriceDecimals)
		if !ok || p < 0 {
			return fix.SlotTag(1 << side.px), int(fix.RejectFormat)
		}
		q, ok := m.DecimalAt(side.size, sym.QtyDecimals)
		if !ok || q < 0 {
			return fix.SlotTag(1 << side.size), int(fix.RejectFormat)
		}
		if p > 0 && q > 0 {
			*side.price, *side.qty = market.Price(p), market.Qty(q)
		}
	}
	if e.Until, ok = m.TimeAt(fix.SlotValidUntilTime); !ok && len(m.At(fix.SlotValidUntilTime)) > 0 {
		return fix.TagValidUntilTime, int(fix.RejectFormat)
	}
	if string(m.At(fix.SlotQuoteType)) == quoteIndicative {
		e.Code, e.Reason = event.QuoteRefused, event.ReasonVenueState
	}
	return 0, fieldOK
}
