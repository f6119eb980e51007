package fixgw

import (
	"penstock/fix"
	"penstock/venues/fixmd"
)

// newQuoteReader reads what a dealer quotes on the order session.
func newQuoteReader(c *Config) *fixmd.QuoteReader {
	symbols := make([]fixmd.Symbol, len(c.Symbols))
	for i, s := range c.Symbols {
		symbols[i] = fixmd.Symbol{ID: s.ID, Text: s.Text, PriceDecimals: s.PriceDecimals,
			QtyDecimals: s.QtyDecimals}
	}
	return fixmd.NewQuoteReader(c.Venue, symbols, c.Dialect.EntryIDIsQuoteID, 1)
}

// requestQuotes asks for a stream of quotes for every symbol, as fast as the
// throttle lets it.
func (g *Gateway) requestQuotes(now int64) {
	for ; g.asked < len(g.cfg.Symbols) && g.pace.Allows(now, false); g.asked++ {
		i := g.asked
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
		g.countSent(now)
	}
}

// onQuote decodes Quote(35=S), MassQuote(35=i) and QuoteCancel(35=Z).
func (g *Gateway) onQuote(m *fix.Message, now int64) (taken bool) {
	q := g.quotes
	if bad := q.Read(m, now); bad != nil {
		g.stats.UnknownSymbol += uint64(q.Unknown)
		return g.malformed(m, now, bad)
	}
	for i := range q.Events {
		g.e = q.Events[i]
		if !g.emit() {
			return false
		}
	}
	g.stats.UnknownSymbol += uint64(q.Unknown)
	if m.Type()[0] != fix.MsgQuoteCancel[0] {
		g.stats.Quotes += uint64(len(q.Events))
	}
	g.stats.BandsLeft += uint64(q.Left)
	if q.Ack != nil {
		g.acknowledge(q.Ack, now)
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
