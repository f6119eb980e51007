package fixmd

import (
	"penstock/event"
	"penstock/fix"
)

// securityStatus decodes SecurityStatus(35=f): trading in one instrument stops or
// goes on, or may only be between the prices LowLimitPrice(1148) and HighLimitPrice(1149).
func (d *Decoder) securityStatus(now int64, m *fix.Message) error {
	symbol, _ := m.Get(fix.TagSymbol)
	b := d.books.find(symbol)
	if b == nil {
		d.stats.Ignored++
		return nil
	}
	stop, known := event.BookEmpty, false
	if v, ok := m.Get(fix.TagSecurityTradingStatus); ok {
		stop, known = securityStop(v)
	} else if v, ok := m.Get(fix.TagMDSecurityTradingStatus); ok {
		if stop, known = securityStop(v); !known { // Coinbase says it in a word
			stop, known = event.BookHalted, true
			if string(v) == "online" {
				stop = event.BookEmpty
			}
		}
	}
	band, banded, bad := bandOf(m, b)
	if bad != nil {
		d.stats.Malformed++
		d.lose(now, b, event.ReasonMalformed)
		return bad
	}
	if !known && !banded {
		d.stats.Service++
		return nil
	}
	d.begin(now, sourceOf(m))
	if banded {
		b.band = band
		d.list = append(d.list, change{book: int32(b.index), kind: event.PriceBand, price: band[0], qty: band[1]})
	}
	if known {
		d.stop(b, stop)
	}
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

// bandOf reads the price limits of a message: one that it does not name stays, one of zero
// is lifted. ok is false when it names none.
func bandOf(m *fix.Message, b *book) (band [2]int64, ok bool, bad error) {
	band = b.band
	for i, tag := range [...]int{fix.TagLowLimitPrice, fix.TagHighLimitPrice} {
		if _, has := m.Get(tag); !has {
			continue
		}
		v, err := m.Decimal(tag, b.PriceDecimals)
		if err != nil || v < 0 {
			return band, false, &MessageError{Type: string(m.Type()), Symbol: b.Text, Tag: tag, Text: "no price", Err: ErrMalformed}
		}
		band[i], ok = v, true
	}
	if band[1] != 0 && band[0] > band[1] {
		bad = &MessageError{Type: string(m.Type()), Symbol: b.Text, Tag: fix.TagHighLimitPrice, Text: "below LowLimitPrice(1148)", Err: ErrMalformed}
	}
	return band, ok, bad
}

// securityStop reads SecurityTradingStatus(326) of FIX 4.4 and 5.0 SP2; known is
// false for values that do not say whether orders are matched.
func securityStop(v []byte) (stop event.BookState, known bool) {
	switch string(v) {
	case "3", "17": // resume, ready to trade
		return event.BookEmpty, true
	case "1", "2", "4", "18", "19", "20", "26": // delayed, halted, no resume, not traded, unknown, post-close
		return event.BookHalted, true
	case "21", "22", "24", "25": // pre-open, opening rotation, pre-cross, cross
		return event.BookAuction, true
	}
	return event.BookEmpty, false
}

// sessionStatus decodes TradingSessionStatus(35=h), which holds for every book.
func (d *Decoder) sessionStatus(now int64, m *fix.Message) error {
	v, _ := m.Get(fix.TagTradSesStatus)
	stop := event.BookEmpty
	switch string(v) {
	case "2": // open
	case "1", "3": // halted, closed
		stop = event.BookHalted
	case "4": // pre-open
		stop = event.BookAuction
	default:
		d.stats.Service++
		return nil
	}
	d.begin(now, sourceOf(m))
	for i := range d.books.all {
		d.stop(&d.books.all[i], stop)
	}
	d.stats.Used++
	d.finish(now)
	return nil
}

// stop notes the state of trading. A book that waits for its snapshot is told then.
func (d *Decoder) stop(b *book, stop event.BookState) {
	if b.stop == stop {
		return
	}
	b.stop = stop
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
