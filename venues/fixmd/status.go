package fixmd

import (
	"penstock/event"
	"penstock/fix"
)

// securityStatus decodes SecurityStatus(35=f): trading in one instrument stops or
// goes on.
func (d *Decoder) securityStatus(now int64, m *fix.Message) error {
	symbol, _ := m.Get(fix.TagSymbol)
	b := d.books.find(symbol)
	if b == nil {
		d.stats.Ignored++
		return nil
	}
	halted, known := false, false
	if v, ok := m.Get(fix.TagSecurityTradingStatus); ok {
		halted, known = securityHalted(v)
	} else if v, ok := m.Get(fix.TagMDSecurityTradingStatus); ok {
		if halted, known = securityHalted(v); !known { // Coinbase says it in a word
			halted, known = string(v) != "online", true
		}
	}
	if !known {
		d.stats.Service++
		return nil
	}
	d.begin(now, sourceOf(m))
	d.halt(b, halted)
	d.stats.Used++
	d.finish(now)
	return nil
}

func sourceOf(m *fix.Message) int64 {
	ns, bad := sentAt(nil, m)
	if bad != nil {
		return 0
	}
	return ns
}

// securityHalted reads SecurityTradingStatus(326) of FIX 4.4 and 5.0 SP2; known is
// false for values that do not say whether orders are matched.
func securityHalted(v []byte) (halted, known bool) {
	switch string(v) {
	case "3", "17": // resume, ready to trade
		return false, true
	case "1", "2", "4", "18", "19", "20", "21": // delayed, halted, not traded, unknown, pre-open
		return true, true
	}
	return false, false
}

// sessionStatus decodes TradingSessionStatus(35=h), which holds for every book.
func (d *Decoder) sessionStatus(now int64, m *fix.Message) error {
	v, _ := m.Get(fix.TagTradSesStatus)
	halted := false
	switch string(v) {
	case "2": // open
	case "1", "3", "4": // halted, closed, pre-open
		halted = true
	default:
		d.stats.Service++
		return nil
	}
	d.begin(now, sourceOf(m))
	for i := range d.books.all {
		d.halt(&d.books.all[i], halted)
	}
	d.stats.Used++
	d.finish(now)
	return nil
}

// halt notes the state of trading. A book that waits for its snapshot is told then.
func (d *Decoder) halt(b *book, halted bool) {
	if b.halted == halted {
		return
	}
	b.halted = halted
	if b.live {
		d.status(b, b.state())
	}
}

// quote decodes S, i and Z.
func (d *Decoder) quote(now int64, m *fix.Message) error {
	if d.reader == nil {
		d.stats.Unknown++
		return &MessageError{Type: string(m.Type()), Text: "the dialect has no quotes", Err: ErrUnknown}
	}
	if bad := d.reader.Read(m, now); bad != nil {
		return d.refuseQuote(now, m, bad)
	}
	d.stats.Ignored += uint64(d.reader.Unknown)
	d.stats.BandsLeft += uint64(d.reader.Left)
	d.stats.Quotes += uint64(len(d.reader.Events))
	d.ack = d.reader.Ack
	d.begin(now, 0)
	d.quotes = append(d.quotes[:0], d.reader.Events...)
	for i := range d.quotes {
		b := &d.books.all[d.reader.Index[i]]
		b.live, b.confirmed, b.resync, b.tries = true, true, false, 0
		d.list = append(d.list, change{book: int32(b.index), kind: d.quotes[i].Kind, ref: uint64(i)})
	}
	d.stats.Used++
	d.finish(now)
	return nil
}

// refuseQuote gives up what a dealer quotes in the instrument of a message that
// cannot be read: the quote before it was to be replaced.
func (d *Decoder) refuseQuote(now int64, m *fix.Message, bad *fix.FieldError) error {
	e := &MessageError{Type: string(m.Type()), Tag: bad.Tag, Offset: bad.Offset,
		Text: bad.Reason.String(), Err: ErrMalformed}
	if d.reader.Unknown > 0 && bad.Tag == fix.TagSymbol {
		d.stats.Ignored++
		return nil
	}
	d.stats.Malformed++
	symbol, _ := m.Get(fix.TagSymbol)
	reqID, _ := m.Get(fix.TagQuoteReqID)
	if i := d.reader.find(symbol, reqID); i >= 0 && e.Type == fix.MsgQuote {
		e.Symbol = d.books.all[i].Text
		d.lose(now, &d.books.all[i], event.ReasonMalformed)
	} else {
		d.loseAll(now, event.ReasonMalformed)
	}
	return e
}

// lost drops everything that holds for one connection only.
func (d *Decoder) lost(now int64, reason event.Reason) {
	d.loseAll(now, reason)
	if d.reader != nil {
		d.reader.Forget()
	}
	for i := range d.books.all {
		b := &d.books.all[i]
		b.reqID, b.asked, b.tries, b.nextAsk = b.reqID[:0], 0, 0, 0
		b.confirmed, b.refused, b.running = false, false, false
	}
}
