package emsclient

import (
	"fmt"

	"github.com/quickfixgo/quickfix"

	"penstock/market"
)

// application is what quickfix calls.
type application struct{ c *Client }

func (a application) OnCreate(quickfix.SessionID) {}

func (a application) OnLogon(quickfix.SessionID) { a.c.update(func() { a.c.up = true }) }

func (a application) OnLogout(quickfix.SessionID) { a.c.update(func() { a.c.up = false }) }

// ToAdmin adds the credentials to the Logon(A).
func (a application) ToAdmin(msg *quickfix.Message, _ quickfix.SessionID) {
	if !msg.IsMsgTypeOf("A") {
		return
	}
	if a.c.cfg.Username != "" {
		msg.Body.SetString(553, a.c.cfg.Username)
	}
	if a.c.cfg.Password != "" {
		msg.Body.SetString(554, a.c.cfg.Password)
	}
}

// ToApp remembers which order a sequence number stands for: a Reject(3) names
// nothing else.
func (a application) ToApp(msg *quickfix.Message, _ quickfix.SessionID) error {
	seq, _ := msg.Header.GetInt(34)
	id, _ := msg.Body.GetString(11)
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	a.c.sent[seq] = id
	return nil
}

func (a application) FromAdmin(msg *quickfix.Message,
	_ quickfix.SessionID) quickfix.MessageRejectError {
	if msg.IsMsgTypeOf("3") {
		a.c.reject("3", msg, 373)
	}
	return nil
}

func (a application) FromApp(msg *quickfix.Message,
	_ quickfix.SessionID) quickfix.MessageRejectError {
	switch msgType, _ := msg.MsgType(); msgType {
	case "8":
		a.c.report(msg)
	case "9":
		a.c.reject("9", msg, 102)
	case "j":
		a.c.reject("j", msg, 380)
	default:
		return quickfix.UnsupportedMessageType()
	}
	return nil
}

func (c *Client) report(msg *quickfix.Message) {
	c.update(func() {
		r, err := c.parse(msg)
		if err != nil {
			c.ledger.violations = append(c.ledger.violations, err.Error())
			return
		}
		c.ledger.Apply(r)
	})
}

// parse reads an ExecutionReport(8).
func (c *Client) parse(msg *quickfix.Message) (*Report, error) {
	f := fields{msg: msg}
	r := &Report{ClOrdID: f.text(11), OrigClOrdID: f.optional(41), OrderID: f.text(37),
		ExecID: f.text(17), Symbol: f.text(55), ExecType: market.ExecType(f.char(150)),
		OrdStatus: market.OrdStatus(f.char(39)), Side: sideOf(f.char(54)),
		ExecRefID: f.optional(19), TradeID: f.optional(527), LastMkt: f.optional(30), Text: f.optional(58),
		Time: f.time(60)}
	if msg.Body.Has(20) {
		r.ExecType = execType42(r.ExecType, f.char(20))
	}
	again, _ := msg.Header.GetBool(97)
	r.PossDup, _ = msg.Header.GetBool(43)
	r.PossDup = r.PossDup || again
	ins, err := c.Instrument(r.Symbol)
	if err != nil {
		return nil, fmt.Errorf("report %s: %w", r.ExecID, err)
	}
	r.OrderQty = market.Qty(f.decimal(38, ins.QtyDecimals))
	r.CumQty = market.Qty(f.decimal(14, ins.QtyDecimals))
	r.LeavesQty = market.Qty(f.decimal(151, ins.QtyDecimals))
	r.AvgPx = f.decimal(6, ins.PriceDecimals+AvgPxDecimals)
	if msg.Body.Has(44) {
		r.Price = market.Price(f.decimal(44, ins.PriceDecimals))
	}
	switch r.ExecType {
	case market.ExecTrade, market.ExecTradeCancel, market.ExecTradeCorrect:
		r.LastQty = market.Qty(f.decimal(32, ins.QtyDecimals))
		r.LastPx = market.Price(f.decimal(31, ins.PriceDecimals))
		if msg.Body.Has(851) {
			r.Liquidity = market.Liquidity(f.char(851))
		}
	}
	if f.bad != "" {
		return nil, fmt.Errorf("report %s: %s", r.ExecID, f.bad)
	}
	return r, nil
}

// execType42 translates ExecType(150) and ExecTransType(20) of FIX 4.2 to FIX 4.4.
func execType42(t market.ExecType, trans byte) market.ExecType {
	switch trans {
	case '1':
		return market.ExecTradeCancel
	case '2':
		return market.ExecTradeCorrect
	case '3':
		return market.ExecOrderStatus
	}
	if t == '1' || t == '2' {
		return market.ExecTrade
	}
	return t
}

func (c *Client) reject(msgType string, msg *quickfix.Message, reasonTag quickfix.Tag) {
	f := fields{msg: msg}
	r := Reject{MsgType: msgType, Text: f.optional(58)}
	r.Reason, _ = msg.Body.GetInt(reasonTag)
	r.RefTagID, _ = msg.Body.GetInt(371)
	c.update(func() {
		if msgType == "9" {
			r.ClOrdID, r.OrigClOrdID, r.OrderID = f.text(11), f.text(41), f.text(37)
			r.OrdStatus = market.OrdStatus(f.char(39))
			r.ResponseTo, _ = msg.Body.GetInt(434)
		} else {
			seq, _ := msg.Body.GetInt(45)
			r.ClOrdID = c.sent[seq]
			// A cancel or replace has no account of its own.
			if o := c.ledger.Order(r.ClOrdID); o != nil && o.Reports == 0 {
				o.Refused, o.Text = true, r.Text
			}
		}
		c.rejects = append(c.rejects, r)
	})
}

// fields reads a message and keeps the first thing that is wrong with it.
type fields struct {
	msg *quickfix.Message
	bad string
}

func (f *fields) text(tag quickfix.Tag) string {
	v, err := f.msg.Body.GetString(tag)
	if err != nil || v == "" {
		f.fail(tag, "missing")
	}
	return v
}

func (f *fields) optional(tag quickfix.Tag) string {
	v, _ := f.msg.Body.GetString(tag)
	return v
}

func (f *fields) char(tag quickfix.Tag) byte {
	v := f.text(tag)
	if len(v) != 1 {
		f.fail(tag, "not one character")
		return 0
	}
	return v[0]
}

func (f *fields) decimal(tag quickfix.Tag, decimals uint8) int64 {
	v, err := market.ParseDecimal([]byte(f.text(tag)), decimals)
	if err != nil {
		f.fail(tag, err.Error())
	}
	return v
}

func (f *fields) time(tag quickfix.Tag) int64 {
	var t quickfix.FIXUTCTimestamp
	if err := f.msg.Body.GetField(tag, &t); err != nil {
		f.fail(tag, err.Error())
	}
	return t.UnixNano()
}

func (f *fields) fail(tag quickfix.Tag, why string) {
	if f.bad == "" {
		f.bad = fmt.Sprintf("tag %d: %s", tag, why)
	}
}

// logFactory keeps the last event of the session, for errors.
type logFactory struct{ c *Client }

func (l logFactory) Create() (quickfix.Log, error) { return l, nil }

func (l logFactory) CreateSessionLog(quickfix.SessionID) (quickfix.Log, error) { return l, nil }

func (l logFactory) OnIncoming([]byte) {}

func (l logFactory) OnOutgoing([]byte) {}

func (l logFactory) OnEvent(text string) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.lastEvent = text
}

func (l logFactory) OnEventf(format string, args ...any) { l.OnEvent(fmt.Sprintf(format, args...)) }

// sideOf reads Side(54): a short sale is a sale.
func sideOf(c byte) market.Side {
	side, _, _ := market.ParseSide(c)
	return side
}
