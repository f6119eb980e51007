package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// requestQuotes asks for a stream of quotes for every symbol.
func (g *Gateway) requestQuotes(now int64) {
	for i := range g.cfg.Symbols {
		w := g.session.Begin(now, fix.MsgQuoteRequest)
		if w == nil {
			return // the session is ending; the next one asks again
		}
		w.Str(fix.TagQuoteReqID, g.cfg.Symbols[i].quoteReqID())
		w.Int(fix.TagNoRelatedSym, 1)
		w.Str(fix.TagSymbol, g.cfg.Symbols[i].Text)
		if err := g.session.Send(); err != nil {
			g.stats.LastMalformed = "R: " + err.Error()
		}
	}
}

// band is one price with its sizes, as text.
type band struct {
	symbol, reqID, id            []byte
	bid, offer, bidSize, askSize []byte
	until                        []byte
}

func (b *band) take(tag int, v []byte) {
	switch tag {
	case fix.TagSymbol:
		b.symbol = v
	case fix.TagQuoteReqID:
		b.reqID = v
	case fix.TagBidPx:
		b.bid = v
	case fix.TagOfferPx:
		b.offer = v
	case fix.TagBidSize:
		b.bidSize = v
	case fix.TagOfferSize:
		b.askSize = v
	case fix.TagValidUntilTime:
		b.until = v
	}
}

// onQuote decodes Quote(35=S).
func (g *Gateway) onQuote(m *fix.Message, now int64) bool {
	var b band
	var transact []byte
	indicative := false
	for i, n := 3, m.Len()-1; i < n; i++ {
		tag, v := m.Field(i)
		switch tag {
		case fix.TagQuoteID:
			b.id = v
		case fix.TagQuoteType:
			indicative = v[0] == '0' && len(v) == 1
		case fix.TagTransactTime:
			transact = v
		default:
			b.take(tag, v)
		}
	}
	if tag, reason := g.quoteEvent(&b, transact, m, now); reason != fieldOK {
		return g.malformed(m, now, m.Bad(tag, fix.RejectReason(reason)))
	}
	if indicative { // nothing can be dealt on it, and the one before is gone
		g.e.Kind, g.e.Reason = event.QuoteCancel, event.ReasonVenueState
	}
	if !g.emit() {
		return false
	}
	g.stats.Quotes++
	return true
}

// quoteEvent fills g.e from a band; on trouble it names the tag and the reason.
func (g *Gateway) quoteEvent(b *band, transact []byte, m *fix.Message, now int64) (tag,
	reason int,
) {
	sym := g.quoteSymbol(b.symbol, b.reqID)
	if sym == nil {
		g.stats.UnknownSymbol++
		return fix.TagSymbol, int(fix.RejectValue)
	}
	e := g.start(event.Quote, now)
	e.Instrument = sym.ID
	id, ok := event.MakeID(b.id)
	if !ok || len(b.id) == 0 { // dealt on, it must come back whole
		return fix.TagQuoteID, int(fix.RejectValue)
	}
	e.ID = id
	tag = quoteSide(b.bid, b.bidSize, fix.TagBidPx, fix.TagBidSize, sym, &e.Price, &e.Qty)
	if tag == 0 {
		tag = quoteSide(b.offer, b.askSize, fix.TagOfferPx, fix.TagOfferSize, sym,
			&e.LastPx, &e.LastQty)
	}
	if tag != 0 {
		return tag, int(fix.RejectFormat)
	}
	var err error
	if b.until != nil {
		if e.Until, err = fix.ParseTime(b.until); err != nil {
			return fix.TagValidUntilTime, int(fix.RejectFormat)
		}
	}
	if transact != nil {
		if e.SrcTime, err = fix.ParseTime(transact); err != nil {
			return fix.TagTransactTime, int(fix.RejectFormat)
		}
	} else if ns, err := m.Time(fix.TagSendingTime); err == nil {
		e.SrcTime = ns
	}
	return 0, fieldOK
}

// quoteSymbol finds the instrument by Symbol(55) or else by our QuoteReqID(131).
func (g *Gateway) quoteSymbol(symbol, reqID []byte) *Symbol {
	if symbol != nil {
		return g.symbols.find(symbol)
	}
	if len(reqID) > 1 && reqID[0] == 'Q' {
		id, err := fix.ParseInt(reqID[1:])
		if err == nil && id >= 0 && id < int64(market.NoInstrument) {
			if i := g.symbols.index(market.InstrumentID(id)); i >= 0 {
				return &g.symbols.list[i]
			}
		}
	}
	return nil
}

// quoteSide reads one side; a missing or zero price or size means that the side
// is not quoted.
func quoteSide(px, size []byte, pxTag, sizeTag int, sym *Symbol, price *market.Price,
	qty *market.Qty,
) (badTag int) {
	if px == nil || size == nil {
		return 0
	}
	p, err := market.ParseDecimal(px, sym.PriceDecimals)
	if err != nil || p < 0 {
		return pxTag
	}
	q, err := market.ParseDecimal(size, sym.QtyDecimals)
	if err != nil || q < 0 {
		return sizeTag
	}
	if p > 0 && q > 0 {
		*price, *qty = market.Price(p), market.Qty(q)
	}
	return 0
}

// onMassQuote decodes MassQuote(35=i): of every quote set, the first band.
func (g *Gateway) onMassQuote(m *fix.Message, now int64) bool {
	var b band
	var quoteID, reqID, setSymbol []byte
	sets, entries, ack := 0, 0, false
	for i, n := 3, m.Len()-1; i <= n; i++ {
		tag, v := m.Field(i)
		if (tag == fix.TagQuoteSetID || i == n) && entries > 0 {
			if bad, reason := g.quoteEvent(&b, nil, m, now); reason != fieldOK {
				return g.malformed(m, now, m.Bad(bad, fix.RejectReason(reason)))
			}
			if !g.emit() {
				return false
			}
		}
		switch tag {
		case fix.TagQuoteID:
			quoteID = v
		case fix.TagQuoteReqID:
			reqID = v
		case fix.TagQuoteResponseLevel:
			ack = v[0] != '0'
		case fix.TagQuoteSetID:
			sets++
			entries, setSymbol = 0, nil
		case fix.TagQuoteEntryID:
			entries++
			if entries == 1 {
				b = band{symbol: setSymbol, reqID: reqID, id: quoteID}
				if g.cfg.Dialect.EntryIDIsQuoteID {
					b.id = v
				}
			}
		default:
			if entries == 1 {
				b.take(tag, v)
			} else if tag == fix.TagSymbol && entries == 0 {
				setSymbol = v
			}
		}
	}
	if sets == 0 {
		return g.malformed(m, now, m.Bad(fix.TagQuoteSetID, fix.RejectMissingTag))
	}
	g.stats.Quotes += uint64(sets)
	if ack {
		g.acknowledge(quoteID, now)
	}
	return true
}

// acknowledge answers a MassQuote that asked for it: dealers slow down without.
func (g *Gateway) acknowledge(quoteID []byte, now int64) {
	w := g.session.Begin(now, fix.MsgMassQuoteAck)
	if w == nil {
		return
	}
	w.Bytes(fix.TagQuoteID, quoteID)
	w.Char(fix.TagQuoteStatus, '0')
	if err := g.session.Send(); err != nil {
		g.stats.LastMalformed = "i: " + err.Error()
	}
}

// onQuoteCancel decodes QuoteCancel(35=Z): of the symbols it names, by 55 or by
// our 131, or of all.
func (g *Gateway) onQuoteCancel(m *fix.Message, now int64) bool {
	kind, _ := m.Get(fix.TagQuoteCancelType)
	all := string(kind) == "4"
	named := false
	for i, n := 3, m.Len()-1; i < n && !all; i++ {
		tag, v := m.Field(i)
		if tag != fix.TagSymbol {
			continue
		}
		named = true
		if !g.cancelQuotes(g.symbols.find(v), now) {
			return false
		}
	}
	if named {
		return true
	}
	if reqID, ok := m.Get(fix.TagQuoteReqID); ok && !all {
		if sym := g.quoteSymbol(nil, reqID); sym != nil {
			return g.cancelQuotes(sym, now)
		}
	}
	// Everything, or something that we cannot tell: the safe reading is everything.
	for i := range g.symbols.list {
		if !g.cancelQuotes(&g.symbols.list[i], now) {
			return false
		}
	}
	return true
}

func (g *Gateway) cancelQuotes(sym *Symbol, now int64) bool {
	if sym == nil {
		g.stats.UnknownSymbol++
		return true
	}
	e := g.start(event.QuoteCancel, now)
	e.Instrument = sym.ID
	e.Reason = event.ReasonVenueState
	return g.emit()
}
