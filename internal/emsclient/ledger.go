package emsclient

import (
	"fmt"
	"math/big"
	"slices"

	"penstock/market"
)

// Fill is one execution of an order.
type Fill struct {
	ExecID    string
	LastQty   market.Qty
	LastPx    market.Price
	LastMkt   string // MIC of the venue
	TradeID   string // what the venue calls the trade
	Liquidity market.Liquidity
	Time      int64 // TransactTime(60), ns since epoch
}

// Order is what the client knows of one of its orders.
type Order struct {
	ClOrdID    string // the latest of a chain of replaces
	OrderID    string // the router's
	Instrument market.InstrumentID
	Side       market.Side
	OrderQty   market.Qty
	Price      market.Price // limit, 0 for a market order
	GoodTill   bool         // it outlives its trading day
	OrdStatus  market.OrdStatus
	CumQty     market.Qty
	LeavesQty  market.Qty
	AvgPx      int64           // as reported, in 10^-(PriceDecimals+AvgPxDecimals)
	Notional   market.Notional // Σ LastPx × LastQty of Fills
	Fills      []Fill
	States     []market.OrdStatus // as they came, repeats left out
	Reports    int
	Heard      []string // ExecIDs of these reports
	Text       string   // Text(58) of the last report or reject that had one
	// Refused is set when the message was answered with Reject(3) or
	// BusinessMessageReject(j): no report will come.
	Refused bool
}

// AvgPxDecimals is how many decimals AvgPx(6) has beyond those of a Price.
const AvgPxDecimals = 4

// Done reports whether nothing more can happen to the order.
func (o *Order) Done() bool { return o.Refused || o.ends(o.OrdStatus) }

// ends reports whether an order in the state can no longer trade: one that is good for longer
// than a day is done for the day only.
func (o *Order) ends(s market.OrdStatus) bool {
	return s.Terminal() && !(o.GoodTill && s == market.StatusDoneForDay)
}

// Report is one ExecutionReport(8), in integers.
type Report struct {
	ClOrdID, OrigClOrdID, OrderID, ExecID string
	ExecRefID                             string // 19 of a cancel or correction
	TradeID                               string // SecondaryExecID(527): what the venue calls the trade
	Symbol                                string
	ExecType                              market.ExecType
	OrdStatus                             market.OrdStatus
	Side                                  market.Side
	OrderQty, CumQty, LeavesQty, LastQty  market.Qty
	LastPx, Price                         market.Price
	AvgPx                                 int64
	LastMkt                               string
	Liquidity                             market.Liquidity
	Time                                  int64
	Text                                  string
	PossDup                               bool // 43, or PossResend(97): it may have been told before
}

// Ledger is the client's own account of its orders. Not safe for concurrent use.
type Ledger struct {
	instruments []market.Instrument
	orders      map[string]*Order // by every ClOrdID of the chain
	execIDs     map[string]bool
	violations  []string
}

// NewLedger returns an empty ledger; the index of an instrument is its ID.
func NewLedger(instruments []market.Instrument) *Ledger {
	return &Ledger{instruments: instruments, orders: make(map[string]*Order),
		execIDs: make(map[string]bool)}
}

// Sent opens the account of a new order. A ClOrdID that is sent again keeps its
// account: the router must refuse the second order.
func (l *Ledger) Sent(o Order) {
	if l.orders[o.ClOrdID] == nil {
		l.orders[o.ClOrdID] = &o
		for _, id := range o.Heard {
			l.execIDs[id] = true
		}
	}
}

// Order returns the order that the ClOrdID belongs to; nil if there is none.
func (l *Ledger) Order(clOrdID string) *Order { return l.orders[clOrdID] }

// Violations returns what did not fit, in the order of arrival.
func (l *Ledger) Violations() []string { return l.violations }

func (l *Ledger) violation(r *Report, format string, args ...any) {
	l.violations = append(l.violations, fmt.Sprintf("ClOrdID %s ExecID %s %v/%v: ", r.ClOrdID,
		r.ExecID, r.ExecType, r.OrdStatus)+fmt.Sprintf(format, args...))
}

// Apply books one report and returns its order; nil when it is nobody's or has
// been booked before.
func (l *Ledger) Apply(r *Report) *Order {
	o := l.orders[r.ClOrdID]
	if o == nil {
		o = l.orders[r.OrigClOrdID]
	}
	status := r.ExecType == market.ExecOrderStatus
	switch {
	case l.execIDs[r.ExecID] && r.PossDup:
		return nil
	case l.execIDs[r.ExecID] && !status:
		l.violation(r, "ExecID seen before, and PossDupFlag is not set")
		return nil
	case o == nil:
		l.violation(r, "no such order")
		return nil
	}
	l.execIDs[r.ExecID] = true
	if r.ExecType == market.ExecRejected && o.OrderID != "" {
		return nil // a second order with the same ClOrdID was refused, not this one
	}
	undo := r.ExecType == market.ExecTradeCancel || r.ExecType == market.ExecTradeCorrect
	if o.Done() && !status && !undo {
		l.violation(r, "report on an order that is done (%v)", o.OrdStatus)
	}
	l.checkIdentity(o, r)
	l.book(o, r)
	l.checkQuantities(o, r)
	l.checkState(o, r)
	return o
}

func (l *Ledger) checkIdentity(o *Order, r *Report) {
	switch {
	case r.Symbol != l.instruments[o.Instrument].Symbol:
		l.violation(r, "Symbol %s, sent %s", r.Symbol, l.instruments[o.Instrument].Symbol)
	case r.Side != o.Side:
		l.violation(r, "Side %v, sent %v", r.Side, o.Side)
	case o.OrderID != "" && r.OrderID != o.OrderID:
		l.violation(r, "OrderID %s, was %s", r.OrderID, o.OrderID)
	}
	o.OrderID = r.OrderID
}

// book takes the report's numbers over, counting fills for itself.
func (l *Ledger) book(o *Order, r *Report) {
	before := o.CumQty
	switch r.ExecType {
	case market.ExecTrade:
		l.fill(o, r)
		before += r.LastQty
	case market.ExecTradeCancel, market.ExecTradeCorrect:
		before += l.correct(o, r)
	}
	if r.CumQty != before {
		l.violation(r, "CumQty %d, expected %d", r.CumQty, before)
	}
	if r.ExecType == market.ExecReplaced {
		o.ClOrdID = r.ClOrdID
		l.orders[r.ClOrdID] = o
		o.OrderQty, o.Price = r.OrderQty, r.Price
	}
	o.CumQty, o.LeavesQty, o.AvgPx, o.OrdStatus = r.CumQty, r.LeavesQty, r.AvgPx, r.OrdStatus
	o.Reports++
	o.Heard = append(o.Heard, r.ExecID)
	if r.Text != "" {
		o.Text = r.Text
	}
	if n := len(o.States); n == 0 || o.States[n-1] != r.OrdStatus {
		o.States = append(o.States, r.OrdStatus)
	}
}

func (l *Ledger) fill(o *Order, r *Report) {
	notional, ok := r.LastPx.Notional(r.LastQty)
	switch {
	case r.LastQty <= 0 || r.LastPx <= 0 || !ok:
		l.violation(r, "fill of %d at %d", r.LastQty, r.LastPx)
	case o.Price != 0 && o.Side.Better(o.Price, r.LastPx):
		l.violation(r, "fill at %d, worse than the limit %d", r.LastPx, o.Price)
	}
	o.Notional += notional
	o.Fills = append(o.Fills, Fill{r.ExecID, r.LastQty, r.LastPx, r.LastMkt, r.TradeID, r.Liquidity, r.Time})
}

// correct takes back or changes the fill that the report names, and returns by how much the
// quantity changes.
func (l *Ledger) correct(o *Order, r *Report) (delta market.Qty) {
	i := slices.IndexFunc(o.Fills, func(f Fill) bool { return f.ExecID == r.ExecRefID })
	if i < 0 {
		l.violation(r, "ExecRefID %s is no fill of the order", r.ExecRefID)
		return 0
	}
	f := &o.Fills[i]
	was, _ := f.LastPx.Notional(f.LastQty)
	o.Notional -= was
	if r.ExecType == market.ExecTradeCancel {
		delta = -f.LastQty
		o.Fills = slices.Delete(o.Fills, i, i+1)
		return delta
	}
	delta = r.LastQty - f.LastQty
	is, _ := r.LastPx.Notional(r.LastQty)
	o.Notional += is
	// What corrects it again names this report.
	f.ExecID, f.LastQty, f.LastPx = r.ExecID, r.LastQty, r.LastPx
	return delta
}

func (l *Ledger) checkQuantities(o *Order, r *Report) {
	var sum market.Qty
	for _, f := range o.Fills {
		sum += f.LastQty
	}
	switch {
	case sum != r.CumQty:
		l.violation(r, "CumQty %d, but the fills add up to %d", r.CumQty, sum)
	case r.OrderQty != o.OrderQty:
		l.violation(r, "OrderQty %d, expected %d", r.OrderQty, o.OrderQty)
	case o.ends(r.OrdStatus) && r.LeavesQty != 0:
		l.violation(r, "LeavesQty %d of an order that is done", r.LeavesQty)
	case !o.ends(r.OrdStatus) && r.CumQty+r.LeavesQty != o.OrderQty:
		l.violation(r, "CumQty %d + LeavesQty %d is not OrderQty %d", r.CumQty, r.LeavesQty,
			o.OrderQty)
	}
	if want := AvgPx(o.Notional, r.CumQty); r.AvgPx != want {
		l.violation(r, "AvgPx %d, expected %d", r.AvgPx, want)
	}
}

// statesOf lists the OrdStatus(39) that an ExecType(150) may come with.
var statesOf = map[market.ExecType][]market.OrdStatus{
	market.ExecPendingNew:     {market.StatusPendingNew},
	market.ExecNew:            {market.StatusNew},
	market.ExecRejected:       {market.StatusRejected},
	market.ExecCanceled:       {market.StatusCanceled},
	market.ExecExpired:        {market.StatusExpired},
	market.ExecDoneForDay:     {market.StatusDoneForDay},
	market.ExecPendingCancel:  {market.StatusPendingCancel},
	market.ExecPendingReplace: {market.StatusPendingReplace},
	market.ExecTrade: {market.StatusPartiallyFilled, market.StatusFilled,
		market.StatusPendingCancel, market.StatusPendingReplace, market.StatusDoneForDay},
}

func (l *Ledger) checkState(o *Order, r *Report) {
	if states, ok := statesOf[r.ExecType]; ok && !slices.Contains(states, r.OrdStatus) {
		l.violation(r, "OrdStatus does not go with the ExecType")
	}
	switch r.OrdStatus {
	case market.StatusNew:
		if r.CumQty != 0 {
			l.violation(r, "New with CumQty %d", r.CumQty)
		}
	case market.StatusPartiallyFilled:
		if r.CumQty <= 0 || r.CumQty >= o.OrderQty {
			l.violation(r, "PartiallyFilled with CumQty %d of %d", r.CumQty, o.OrderQty)
		}
	case market.StatusFilled:
		if r.CumQty != o.OrderQty {
			l.violation(r, "Filled with CumQty %d of %d", r.CumQty, o.OrderQty)
		}
	}
}

// AvgPx returns notional / cum with AvgPxDecimals more decimals than a Price,
// rounded half up.
func AvgPx(notional market.Notional, cum market.Qty) int64 {
	if cum <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(int64(notional)), big.NewInt(market.Pow10(AvgPxDecimals)))
	d := big.NewInt(int64(cum))
	// floor((2n + d) / 2d)
	n.Add(n.Lsh(n, 1), d)
	return n.Div(n, d.Lsh(d, 1)).Int64()
}
