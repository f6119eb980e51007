package emsclient

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/market"
)

// NewOrder is what a NewOrderSingle(D) asks for.
type NewOrder struct {
	ClOrdID string
	Symbol  string
	Side    market.Side
	Qty     market.Qty
	Price   market.Price       // limit; 0 sends a market order
	TIF     market.TimeInForce // 0 leaves the field out

	Strategy     int   // TargetStrategy(847); 0 leaves the field out
	StartTime    int64 // TWAP, ns since epoch; 0 leaves it out
	EndTime      int64 // TWAP, ns since epoch; 0 leaves it out
	SliceSeconds int   // TWAP; 0 leaves it out

	ParticipationRate string // ParticipationRate(849), a fraction; "" leaves it out

	Mark     market.Mark // a short sale's: Side(54)=5 or 6
	Locator  string      // LocateBroker(5700), with LocateReqd(114)=N; "" leaves both out
	MaxFloor market.Qty  // MaxFloor(111); 0 leaves it out
}

// SendOrder sends a NewOrderSingle(D).
func (c *Client) SendOrder(o NewOrder) error {
	ins, err := c.Instrument(o.Symbol)
	if err != nil {
		return err
	}
	msg := orderMessage("D", o.ClOrdID, o.Symbol, o.Side)
	setTerms(msg, ins, o.Qty, o.Price, o.TIF)
	if o.Strategy != 0 {
		msg.Body.SetInt(847, o.Strategy)
	}
	if o.ParticipationRate != "" {
		msg.Body.SetString(849, o.ParticipationRate)
	}
	if o.Mark != market.Long {
		msg.Body.SetString(54, string(o.Mark.Code(o.Side)))
	}
	if o.Locator != "" {
		msg.Body.SetString(114, "N")
		msg.Body.SetString(5700, o.Locator)
	}
	if o.MaxFloor != 0 {
		msg.Body.SetString(111, ins.FormatQty(o.MaxFloor))
	}
	o.setParameters(msg)
	c.update(func() {
		c.ledger.Sent(Order{ClOrdID: o.ClOrdID, Instrument: ins.ID, Side: o.Side, OrderQty: o.Qty,
			LeavesQty: o.Qty, Price: o.Price, GoodTill: o.TIF.GoodTill()})
	})
	return c.send(msg)
}

// setParameters writes the StrategyParametersGrp (FIX 5.0 SP2).
func (o *NewOrder) setParameters(msg *quickfix.Message) {
	group := quickfix.NewRepeatingGroup(957, quickfix.GroupTemplate{quickfix.GroupElement(958),
		quickfix.GroupElement(959), quickfix.GroupElement(960)})
	add := func(name string, kind int, value string) {
		g := group.Add()
		g.SetString(958, name)
		g.SetInt(959, kind)
		g.SetString(960, value)
	}
	const kindInt, kindTime = 1, 19
	if o.StartTime != 0 {
		add("StartTime", kindTime, utc(o.StartTime))
	}
	if o.EndTime != 0 {
		add("EndTime", kindTime, utc(o.EndTime))
	}
	if o.SliceSeconds != 0 {
		add("SliceSeconds", kindInt, strconv.Itoa(o.SliceSeconds))
	}
	if group.Len() > 0 {
		msg.Body.SetGroup(group)
	}
}

// Cancel sends an OrderCancelRequest(F) with its own ClOrdID.
func (c *Client) Cancel(clOrdID, origClOrdID string) error {
	o, ok := c.Order(origClOrdID)
	if !ok {
		return fmt.Errorf("%w order %s", errUnknown, origClOrdID)
	}
	msg := orderMessage("F", clOrdID, c.cfg.Instruments[o.Instrument].Symbol, o.Side)
	msg.Body.SetString(41, origClOrdID)
	return c.send(msg)
}

// Replace sends an OrderCancelReplaceRequest(G) with a new quantity and limit.
func (c *Client) Replace(clOrdID, origClOrdID string, qty market.Qty, price market.Price) error {
	o, ok := c.Order(origClOrdID)
	if !ok {
		return fmt.Errorf("%w order %s", errUnknown, origClOrdID)
	}
	ins := &c.cfg.Instruments[o.Instrument]
	msg := orderMessage("G", clOrdID, ins.Symbol, o.Side)
	msg.Body.SetString(41, origClOrdID)
	setTerms(msg, ins, qty, price, 0)
	return c.send(msg)
}

// Status sends an OrderStatusRequest(H).
func (c *Client) Status(clOrdID string) error {
	o, ok := c.Order(clOrdID)
	if !ok {
		return fmt.Errorf("%w order %s", errUnknown, clOrdID)
	}
	return c.send(orderMessage("H", clOrdID, c.cfg.Instruments[o.Instrument].Symbol, o.Side))
}

// SendRaw sends a message as it is; tests use it for what no client should send.
func (c *Client) SendRaw(msgType string, fields map[int]string) error {
	msg := quickfix.NewMessage()
	msg.Header.SetString(35, msgType)
	for tag, value := range fields {
		msg.Body.SetString(quickfix.Tag(tag), value)
	}
	if err := quickfix.SendToTarget(msg, c.id); err != nil {
		return fmt.Errorf("EMS client: %w", err)
	}
	return nil
}

func orderMessage(msgType, clOrdID, symbol string, side market.Side) *quickfix.Message {
	msg := quickfix.NewMessage()
	msg.Header.SetString(35, msgType)
	msg.Body.SetString(11, clOrdID)
	msg.Body.SetString(55, symbol)
	msg.Body.SetBytes(54, []byte{byte(side)})
	return msg
}

func setTerms(msg *quickfix.Message, ins *market.Instrument, qty market.Qty, price market.Price,
	tif market.TimeInForce) {
	msg.Body.SetString(38, ins.FormatQty(qty))
	if price != 0 {
		msg.Body.SetString(40, "2")
		msg.Body.SetString(44, ins.FormatPrice(price))
	} else {
		msg.Body.SetString(40, "1")
	}
	if tif != 0 {
		msg.Body.SetBytes(59, []byte{byte(tif)})
	}
}

func utc(ns int64) string { return time.Unix(0, ns).UTC().Format("20060102-15:04:05.000") }
