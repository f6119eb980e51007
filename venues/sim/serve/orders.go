package serve

import (
	"errors"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// Tags and values of FIX 4.4 that only a venue uses.
const (
	msgQuoteRequestReject       = "AG"
	tagQuoteRequestRejectReason = 658
	tagQuoteRespID              = 693
	tagQuoteRespType            = 694
	tagOrdStatusReqID           = 790
	tagLocateReqd               = 114
	tagDisplayQty               = 1138

	unsupportedMessageType = 3 // BusinessRejectReason(380)
	unknownSecurity        = 1 // QuoteRequestRejectReason(658)
	requestExceedsLimit    = 3
	quoteExpired           = '3' // QuoteRespType(694)
	quotePassed            = '6'
)

// onMessage takes an application message of the client. It always takes it.
func (c *client) onMessage(m *fix.Message, now int64) bool {
	var err error
	switch string(m.Type()) {
	case fix.MsgNewOrderSingle:
		err = c.onNewOrder(m, now)
	case fix.MsgCancelRequest:
		err = c.onCancel(m, now)
	case fix.MsgStatusRequest:
		err = c.onStatus(m, now)
	case fix.MsgMassStatusRequest:
		err = c.onMassStatus(m, now)
	case fix.MsgQuoteRequest:
		err = c.onQuoteRequest(m, now)
	case fix.MsgQuoteResponse:
		err = c.onQuoteResponse(m, now)
	case fix.MsgReject, fix.MsgBusinessReject:
		// The client could not use what we said. There is nothing to repair here.
	default:
		ref, _ := m.Get(fix.TagClOrdID)
		c.session.BusinessReject(now, m, ref, unsupportedMessageType, "message type not supported")
	}
	var bad *fix.FieldError
	if errors.As(err, &bad) {
		c.session.Reject(now, m, bad)
	}
	return true
}

// arrive runs when the message reaches the engine.
func (c *client) arrive(now int64, run func(at int64)) {
	s := c.entry.server
	s.market.after(now+s.cfg.LatencyNanos, true, run)
}

// fields reads the fields of a message and keeps the first error.
type fields struct {
	m   *fix.Message
	err error
	ids *aliases // of identifiers that are too long for the engines; nil: they are refused
}

func (c *client) fields(m *fix.Message) fields {
	f := fields{m: m}
	if c.entry.server.cfg.Style.longIDs {
		f.ids = &c.ids
	}
	return f
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) id(tag int) (id event.ID) {
	text, ok := f.m.Get(tag)
	if !ok {
		f.fail(f.m.Bad(tag, fix.RejectMissingTag))
		return id
	}
	id, fits := event.MakeID(text)
	if !fits && f.ids != nil {
		return f.ids.of(string(text))
	}
	if !fits {
		f.fail(f.m.Bad(tag, fix.RejectValue))
	}
	return id
}

func (f *fields) optionalID(tag int) event.ID {
	if _, ok := f.m.Get(tag); !ok {
		return event.ID{}
	}
	return f.id(tag)
}

// char reads a field of one character; absent is what it counts as when missing,
// 0 when it must be there.
func (f *fields) char(tag int, absent byte, optional bool) byte {
	text, ok := f.m.Get(tag)
	switch {
	case !ok && optional:
		return absent
	case !ok:
		f.fail(f.m.Bad(tag, fix.RejectMissingTag))
	case len(text) != 1:
		f.fail(f.m.Bad(tag, fix.RejectValue))
	default:
		return text[0]
	}
	return 0
}

func (f *fields) decimal(tag int, decimals uint8, optional bool) int64 {
	if _, ok := f.m.Get(tag); !ok && optional {
		return 0
	}
	v, err := f.m.Decimal(tag, decimals)
	if err != nil {
		f.fail(err)
	}
	return v
}

func (f *fields) time(tag int) {
	if _, err := f.m.Time(tag); err != nil {
		f.fail(err)
	}
}

func (f *fields) symbol() string {
	text, ok := f.m.Get(fix.TagSymbol)
	if !ok {
		f.fail(f.m.Bad(fix.TagSymbol, fix.RejectMissingTag))
	}
	return string(text)
}

func (c *client) onNewOrder(m *fix.Message, now int64) error {
	in := c.entry.server.in
	style := &c.entry.server.cfg.Style
	f := c.fields(m)
	o := sim.Order{
		Owner: c.owner, ClOrdID: f.id(fix.TagClOrdID),
		OrdType:  market.OrdType(f.char(fix.TagOrdType, 0, false)),
		TIF:      market.TimeInForce(f.char(fix.TagTimeInForce, byte(market.TIFDay), true)),
		ExecInst: market.ExecInst(f.char(fix.TagExecInst, 0, true)),
		Qty:      market.Qty(f.decimal(fix.TagOrderQty, in.QtyDecimals, false)),
		Price:    market.Price(f.decimal(fix.TagPrice, in.PriceDecimals, true)),
		MinQty:   market.Qty(f.decimal(fix.TagMinQty, in.QtyDecimals, true)),
		MaxFloor: market.Qty(f.decimal(fix.TagMaxFloor, in.QtyDecimals, true)),
		QuoteID:  f.optionalID(fix.TagQuoteID),
	}
	o.Side, o.Mark, _ = market.ParseSide(f.char(fix.TagSide, 0, false))
	if located := f.char(tagLocateReqd, 0, true); o.Mark != market.Long && located != 'N' {
		f.fail(m.Bad(tagLocateReqd, fix.RejectMissingTag)) // nobody locates stock here
	}
	if o.Locate = f.optionalID(fix.TagLocateBroker); o.Locate != (event.ID{}) && o.Mark == market.Long {
		f.fail(m.Bad(fix.TagLocateBroker, fix.RejectValue))
	}
	if o.MaxFloor == 0 {
		o.MaxFloor = market.Qty(f.decimal(tagDisplayQty, in.QtyDecimals, true))
	}
	symbol := f.symbol()
	readConditional(&f, &o)
	if id := f.decimal(fix.TagSelfMatchPreventionID, 0, true); id >= 0 {
		o.SelfMatch = id
	}
	if style.Name == "" {
		f.time(fix.TagTransactTime)
	} else if bad := style.readOrder(m, &o); bad != nil {
		f.fail(bad)
	}
	if f.err == nil && o.OrdType != market.OrdMarket && o.OrdType != market.OrdPegged {
		f.decimal(fix.TagPrice, in.PriceDecimals, false)
	}
	if f.err != nil {
		return f.err
	}
	s := c.entry.server
	c.arrive(now, func(at int64) {
		if symbol != s.cfg.Symbol {
			c.refuse(at, &o)
			return
		}
		s.engine.Enter(at, o)
	})
	return nil
}

// refuse rejects an order in a symbol that this venue does not trade.
func (c *client) refuse(now int64, o *sim.Order) {
	c.entry.onReport(&sim.Report{
		Time: now, Owner: c.owner, ClOrdID: o.ClOrdID, ExecID: c.entry.server.engine.NextExecID(),
		Side: o.Side, Mark: o.Mark, OrdType: o.OrdType, TIF: o.TIF, Price: o.Price, OrderQty: o.Qty,
		ExecType: market.ExecRejected, OrdStatus: market.StatusRejected,
		Reason: event.ReasonUnknownInstrument, Text: "unknown symbol",
	})
}

func (c *client) onCancel(m *fix.Message, now int64) error {
	f := c.fields(m)
	request, orig := f.id(fix.TagClOrdID), f.id(fix.TagOrigClOrdID)
	f.symbol()
	if style := &c.entry.server.cfg.Style; style.Name == "" {
		f.char(fix.TagSide, 0, false)
		f.time(fix.TagTransactTime)
	} else if bad := style.check(m, style.cancel); bad != nil {
		f.fail(bad)
	}
	if f.err != nil {
		return f.err
	}
	c.arrive(now, func(at int64) { c.entry.server.engine.Cancel(at, c.owner, request, orig) })
	return nil
}

// onStatus answers with the state of the order, as ExecType(150) I.
func (c *client) onStatus(m *fix.Message, now int64) error {
	f := c.fields(m)
	id := f.id(fix.TagClOrdID)
	f.symbol()
	side, mark, _ := market.ParseSide(f.char(fix.TagSide, 0, false))
	ask, _ := m.Get(tagOrdStatusReqID)
	reqID := string(ask)
	if f.err != nil {
		return f.err
	}
	c.arrive(now, func(at int64) {
		s := c.entry.server
		r := sim.Report{
			Time: at, Owner: c.owner, ClOrdID: id, ExecID: s.engine.NextExecID(), Side: side, Mark: mark,
			ExecType: market.ExecOrderStatus, OrdStatus: market.StatusRejected,
			Reason: event.ReasonUnknownOrder, Text: "unknown order",
		}
		if o, ok := s.engine.Status(c.owner, id); ok {
			r = s.state(&o, r.Time, r.ExecID)
		}
		c.leave(at, true, func(at int64) { c.sendReport(at, &r, reqID, c.ids.text) })
	})
	return nil
}
