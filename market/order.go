package market

// Side is Side(54), with its FIX character as value.
type Side byte

// Sides of an order; in a book Buy is the bid side and Sell the ask side.
const (
	Buy  Side = '1'
	Sell Side = '2'
)

// Contra returns the other side.
func (s Side) Contra() Side { return s ^ Buy ^ Sell }

// Index returns 0 for Buy and 1 for Sell, for arrays by side.
func (s Side) Index() int { return int(s-Buy) & 1 }

// Sign returns +1 for Buy and -1 for Sell.
func (s Side) Sign() int64 { return 1 - 2*int64(s.Index()) }

// Valid reports whether s is Buy or Sell.
func (s Side) Valid() bool { return s == Buy || s == Sell }

func (s Side) String() string {
	switch s {
	case Buy:
		return "buy"
	case Sell:
		return "sell"
	}
	return "side?"
}

// Better reports whether price a is better than b for an order of side s.
func (s Side) Better(a, b Price) bool { return s.Sign()*int64(a) < s.Sign()*int64(b) }

// Mark is what Side(54) says of a sale beyond Sell, with its FIX character as value; 0 is none.
type Mark byte

// Marks of a sale of what the seller does not own.
const (
	Long        Mark = 0
	Short       Mark = '5'
	ShortExempt Mark = '6' // a short sale that a price test does not hold for
)

// ParseSide reads Side(54).
func ParseSide(c byte) (s Side, m Mark, ok bool) {
	switch m = Mark(c); m {
	case Short, ShortExempt:
		return Sell, m, true
	}
	return Side(c), Long, Side(c).Valid()
}

// Code returns Side(54) of an order of side s.
func (m Mark) Code(s Side) byte {
	if m != Long {
		return byte(m)
	}
	return byte(s)
}

// Valid reports whether an order of side s may have the mark.
func (m Mark) Valid(s Side) bool { return m == Long || s == Sell && (m == Short || m == ShortExempt) }

func (m Mark) String() string {
	switch m {
	case Long:
		return ""
	case Short:
		return "short"
	case ShortExempt:
		return "short-exempt"
	}
	return "mark?"
}

// OrdType is OrdType(40).
type OrdType byte

// Order types that the router uses.
const (
	OrdMarket           OrdType = '1'
	OrdLimit            OrdType = '2'
	OrdPreviouslyQuoted OrdType = 'D'
	OrdPegged           OrdType = 'P'
)

// TimeInForce is TimeInForce(59).
type TimeInForce byte

// Times in force that the router uses.
const (
	TIFDay TimeInForce = '0'
	TIFGTC TimeInForce = '1'
	TIFIOC TimeInForce = '3'
	TIFFOK TimeInForce = '4'
	TIFGTD TimeInForce = '6'
)

// GoodTill reports whether an order outlives its trading day.
func (t TimeInForce) GoodTill() bool { return t == TIFGTC || t == TIFGTD }

// ExecInst is one value of ExecInst(18), 0 for none.
type ExecInst byte

// Execution instructions that the router uses.
const (
	ExecInstNone     ExecInst = 0
	ExecInstMidPeg   ExecInst = 'M' // midpoint peg
	ExecInstPostOnly ExecInst = '6' // participate, do not initiate
	ExecInstISO      ExecInst = 'f' // intermarket sweep: we took what is better elsewhere

	// Said by dialects in tags of their own, never as 18.
	ExecInstConditional ExecInst = 'c' // midpoint peg that cannot trade: the venue invites to firm up
	ExecInstFirmUp      ExecInst = 'u' // midpoint peg that answers an invitation
)

// OrdStatus is OrdStatus(39), with its FIX character as value.
type OrdStatus byte

// Order states.
const (
	StatusNew             OrdStatus = '0'
	StatusPartiallyFilled OrdStatus = '1'
	StatusFilled          OrdStatus = '2'
	StatusDoneForDay      OrdStatus = '3'
	StatusCanceled        OrdStatus = '4'
	StatusReplaced        OrdStatus = '5' // FIX 4.2 only
	StatusPendingCancel   OrdStatus = '6'
	StatusStopped         OrdStatus = '7'
	StatusRejected        OrdStatus = '8'
	StatusPendingNew      OrdStatus = 'A'
	StatusExpired         OrdStatus = 'C'
	StatusPendingReplace  OrdStatus = 'E'
)

// Terminal reports whether an order in this state can no longer trade.
func (s OrdStatus) Terminal() bool {
	switch s {
	case StatusFilled, StatusDoneForDay, StatusCanceled, StatusRejected, StatusExpired:
		return true
	}
	return false
}

func (s OrdStatus) String() string {
	switch s {
	case StatusNew:
		return "New"
	case StatusPartiallyFilled:
		return "PartiallyFilled"
	case StatusFilled:
		return "Filled"
	case StatusDoneForDay:
		return "DoneForDay"
	case StatusCanceled:
		return "Canceled"
	case StatusReplaced:
		return "Replaced"
	case StatusPendingCancel:
		return "PendingCancel"
	case StatusStopped:
		return "Stopped"
	case StatusRejected:
		return "Rejected"
	case StatusPendingNew:
		return "PendingNew"
	case StatusExpired:
		return "Expired"
	case StatusPendingReplace:
		return "PendingReplace"
	}
	return "OrdStatus?"
}

// ExecType is ExecType(150): why an execution report was sent.
type ExecType byte

// Execution types.
const (
	ExecNew            ExecType = '0'
	ExecDoneForDay     ExecType = '3'
	ExecCanceled       ExecType = '4'
	ExecReplaced       ExecType = '5'
	ExecPendingCancel  ExecType = '6'
	ExecRejected       ExecType = '8'
	ExecPendingNew     ExecType = 'A'
	ExecExpired        ExecType = 'C'
	ExecRestated       ExecType = 'D'
	ExecPendingReplace ExecType = 'E'
	ExecTrade          ExecType = 'F'
	ExecTradeCorrect   ExecType = 'G'
	ExecTradeCancel    ExecType = 'H'
	ExecOrderStatus    ExecType = 'I'
)

func (t ExecType) String() string {
	switch t {
	case ExecTrade:
		return "Trade"
	case ExecRestated:
		return "Restated"
	case ExecTradeCorrect:
		return "TradeCorrect"
	case ExecTradeCancel:
		return "TradeCancel"
	case ExecOrderStatus:
		return "OrderStatus"
	}
	return OrdStatus(t).String()
}

// Liquidity is LastLiquidityInd(851): whether a fill added or removed liquidity.
type Liquidity byte

// Liquidity indicators; 0 means that the venue did not say.
const (
	LiquidityUnknown Liquidity = 0
	LiquidityAdded   Liquidity = '1'
	LiquidityRemoved Liquidity = '2'
)
