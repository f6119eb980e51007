package simtest

import "penstock/event"

// message is what crosses a wire between router and world, by its FIX fields. The ledger
// and the venues see nothing else.
type message struct {
	dir   direction
	typ   byte // MsgType(35): D F G H 8 9
	venue uint8

	execType, ordStatus, side, tif, execInst, ordType byte
	possDup, renewed                                  bool // renewed: with new terms of a strategy
	client, instrument, strategy                      uint16
	reason                                            event.Reason
	number, ref, parent                               uint64   // ClOrdID(11) of an order and of a cancel at a venue; OrderID(37) of a parent
	execRef                                           uint64   // ExecRefID(19) to a client; a venue's is in orig
	id, orig                                          event.ID // ClOrdID, OrigClOrdID of a client; ExecID, QuoteID of a venue

	qty, cum, last, leaves, minQty int64
	show                           int64 // what may be displayed
	price, lastPx, notional        int64
	rate                           int64 // of participation that a client asks for, 1/10,000
	days, dayCum                   int64 // that an order has behind it, and its DayCumQty(425)
}

// direction says between whom a message passes.
type direction uint8

const (
	fromClient direction = iota
	toClient
	toVenue
	fromVenue
	fromCopy  // by a drop copy
	neverLeft // the gateway says that an order did not reach its socket
)

// MsgTypes that are used here.
const (
	msgOrder        = 'D'
	msgCancel       = 'F'
	msgReplace      = 'G'
	msgStatus       = 'H'
	msgReport       = '8'
	msgCancelReject = '9'
)

// ofCommand fills m with the message that a command becomes.
func (m *message) ofCommand(c *event.Command) {
	*m = message{venue: uint8(c.Venue), side: c.Mark.Code(c.Side), tif: byte(c.TIF), execInst: byte(c.ExecInst), ordType: byte(c.OrdType),
		instrument: uint16(c.Instrument), number: c.Child, parent: c.Parent, client: c.Client, reason: c.Reason, id: c.ID,
		orig: c.OrigID, qty: int64(c.Qty), minQty: int64(c.MinQty), price: int64(c.Price)}
	switch c.Kind {
	case event.SendOrder:
		m.dir, m.typ, m.show = toVenue, msgOrder, int64(c.Show())
	case event.SendCancel:
		m.dir, m.typ, m.ref = toVenue, msgCancel, c.Ref
	case event.SendStatus:
		m.dir, m.typ = toVenue, msgStatus
	case event.Report:
		m.dir, m.typ, m.ref, m.execRef = toClient, msgReport, c.Ref, c.ExecRef
		m.execType, m.ordStatus = byte(c.ExecType), byte(c.OrdStatus)
		m.days, m.dayCum = int64(c.Days), int64(c.MinQty)
		m.cum, m.last, m.leaves, m.lastPx, m.notional = int64(c.CumQty), int64(c.LastQty), int64(c.LeavesQty), int64(c.LastPx), int64(c.Notional)
	case event.RejectCancel:
		m.dir, m.typ = toClient, msgCancelReject
		m.execType, m.ordStatus = byte(c.ExecType), byte(c.OrdStatus)
	}
}
