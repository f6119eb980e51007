package fixgw

import (
	"penstock/event"
	"penstock/fix"
)

var (
	midPeg   = []fix.Static{{Tag: fix.TagExecInst, Value: "M"}}
	sweep    = []fix.Static{{Tag: fix.TagExecInst, Value: "f"}}
	postOnly = []fix.Static{{Tag: fix.TagExecInst, Value: "6"}}

	conditional = []fix.Static{{Tag: fix.TagExecInst, Value: "M"}, {Tag: tagConditional, Value: "0"}}
)

// Tags of single venues.
const (
	tagLocateReqd        = 114
	tagDisplayInst       = 9140 // Nasdaq
	tagRoutingInst       = 9303 // Cboe
	tagFeeCode           = 9882 // Cboe: begins with A or R; Nasdaq: liquidity flag
	tagSelfTrade         = 7928 // Coinbase, Kraken, Cboe, IEX, each with values of its own
	tagSelfTradeBinance  = 25001
	tagConditional       = 8002 // Cboe MatchNow: 0 is a conditional order
	tagFirmUpRequest     = 8005 // Cboe MatchNow: 5 asks for the firm one
	tagCancelOnLoss      = 8013 // Coinbase
	tagCancelOnLossKrak  = 8674
	tagMessageHandling   = 25035 // Binance
	bothShorts           = "56"
	longestDecimalID     = 18 // what IDDecimal writes
	longestUUID          = 36
	longestBinanceID     = 36
	longestUSEquityID    = 20
	twentyFourHourTIFs   = "134"
	dealerTIFs           = "0134"
	cboeTIFs, nasdaqTIFs = "0135", "03"
)

// Dialects that the gateway knows, by name. "sim" is what venues/sim/serve speaks.
// The others follow the venues' documents, except where a comment says otherwise:
// certify before trading.
var dialects = []Dialect{
	{
		Name: "sim", BeginString: "FIX.4.4", TransactTime: true, IDLimit: longestDecimalID,
		DayTIF: '0', TIFs: dealerTIFs, MarketTIF: true, ISO: sweep, PostOnly: postOnly, Peg: midPeg,
		CancelSide: true, CancelQty: true, QuotedOrdType: 'D', QuoteResponse: true, AckNew: true,
		LiquidityTag: fix.TagLastLiquidityInd, ParentTag: fix.TagSecondaryClOrdID, MassStatus: true,
		Conditional: conditional, FirmUp: midPeg, InviteTag: tagFirmUpRequest, InviteValue: "5",
		SelfTradeTag: fix.TagSelfMatchPreventionID, ReserveTag: fix.TagMaxFloor, Shorts: bothShorts, LocateReqd: true, LocateTag: fix.TagLocateBroker,
	},
	{
		// docs.cdp.coinbase.com/exchange, FIX 5.0 SP2: ids are UUIDs, resting orders
		// are until cancelled, tag 60 is not in the table. History for resends is
		// best effort: sessions start at 1.
		Name: "coinbase", BeginString: "FIXT.1.1", DefaultApplVerID: "9",
		IDs: fix.IDUUID, IDLimit: longestUUID, ResetOnLogon: true, DayTIF: '1', TIFs: twentyFourHourTIFs,
		PostOnly:     []fix.Static{{Tag: fix.TagExecInst, Value: "A"}},
		SelfTradeTag: tagSelfTrade, AckNew: true, LiquidityTag: fix.TagAggressorIndicator,
		TLS: true, NoResend: true, Signature: SignCoinbase,
		LogonFields: []fix.Static{{Tag: tagCancelOnLoss, Value: "S"}},
	},
	{
		// binance-spot-api-docs, fix-api: ResendRequest is unsupported and 141=Y
		// mandatory; 59 goes with limit orders only. 111 is the visible part of an iceberg.
		Name: "binance", BeginString: "FIX.4.4", IDLimit: longestBinanceID, ResetOnLogon: true,
		DayTIF: '1', TIFs: twentyFourHourTIFs, PostOnly: postOnly, SelfTradeTag: tagSelfTradeBinance,
		ReserveTag: fix.TagMaxFloor,
		AckNew:     true, LiquidityTag: fix.TagAggressorIndicator,
		TLS: true, NoResend: true, Signature: SignBinance,
		LogonFields: []fix.Static{{Tag: tagMessageHandling, Value: "1"}},
		Rejects:     []RejectRule{{fix.TagText, "too many", event.ReasonVenueThrottle}},
	},
	{
		// docs.kraken.com, FIX: 60 required, ids are growing numbers of up to 18
		// digits, business errors in 58, orders are cancelled with the session.
		Name: "kraken", BeginString: "FIX.4.4", TransactTime: true, IDLimit: longestDecimalID,
		DayTIF: '1', TIFs: twentyFourHourTIFs, PostOnly: []fix.Static{{Tag: fix.TagExecInst, Value: "P"}},
		SelfTradeTag: tagSelfTrade, AckNew: true, AckPending: true, LiquidityTag: fix.TagLastLiquidityInd,
		TLS: true, Signature: SignKraken,
		LogonFields: []fix.Static{{Tag: tagCancelOnLossKrak, Value: "0"}},
		Rejects: []RejectRule{
			{fix.TagText, "EOrder:Rate limit", event.ReasonVenueThrottle},
			{fix.TagText, "EService:Market in", event.ReasonVenueHalted},
		},
	},
	{
		// Cboe US equities (BZX, BYX, EDGX, EDGA), FIX 4.2: sub ids in the header,
		// capacity and 60 in orders, B keeps an order on the book. Fill-or-kill is
		// not in the table of 59. That 9303=P is post-only, 18=M the midpoint, 111 what is
		// displayed and 114=N must be in short sales is general knowledge.
		Name: "cboe", BeginString: "FIX.4.2", HandlInst: true, TransactTime: true, IDLimit: longestUSEquityID,
		DayTIF: '0', TIFs: cboeTIFs, MarketTIF: true, SubIDs: true,
		Plain:        []fix.Static{{Tag: tagRoutingInst, Value: "B"}},
		ISO:          []fix.Static{{Tag: fix.TagExecInst, Value: "f"}, {Tag: tagRoutingInst, Value: "B"}},
		PostOnly:     []fix.Static{{Tag: tagRoutingInst, Value: "P"}},
		Peg:          []fix.Static{{Tag: fix.TagExecInst, Value: "M"}, {Tag: tagRoutingInst, Value: "B"}},
		CapacityTag:  fix.TagRule80A,
		SelfTradeTag: tagSelfTrade, CancelSide: true, CancelQty: true, AckNew: true, LiquidityTag: tagFeeCode,
		ReserveTag: fix.TagMaxFloor, Shorts: bothShorts, LocateReqd: true,
	},
	{
		// Nasdaq, FIX 4.2: display and post-only are DisplayInst, the midpoint is a
		// hidden peg. 111 and 114 are as at cboe.
		Name: "nasdaq", BeginString: "FIX.4.2", HandlInst: true, TransactTime: true, IDLimit: longestUSEquityID,
		DayTIF: '0', TIFs: nasdaqTIFs, MarketTIF: true,
		Plain:       []fix.Static{{Tag: tagDisplayInst, Value: "Y"}},
		ISO:         []fix.Static{{Tag: fix.TagExecInst, Value: "f"}, {Tag: tagDisplayInst, Value: "Y"}},
		PostOnly:    []fix.Static{{Tag: tagDisplayInst, Value: "P"}},
		Peg:         []fix.Static{{Tag: fix.TagExecInst, Value: "M"}, {Tag: tagDisplayInst, Value: "N"}},
		CapacityTag: fix.TagRule80A, CancelSide: true, CancelQty: true, AckNew: true, LiquidityTag: tagFeeCode,
		ReserveTag: fix.TagMaxFloor, Shorts: bothShorts, LocateReqd: true,
	},
	{
		// IEX, FIX 4.2: i keeps an order from being routed; 111 is left out but in a reserve, which
		// displays a limit order and hides a peg. 114 is as at cboe. Its post-only is not in the
		// documents at hand and not offered.
		Name: "iex", BeginString: "FIX.4.2", HandlInst: true, TransactTime: true, IDLimit: longestUSEquityID,
		DayTIF: '0', TIFs: dealerTIFs, MarketTIF: true,
		Plain: []fix.Static{{Tag: fix.TagExecInst, Value: "i"}}, ISO: sweep, Peg: midPeg,
		CapacityTag: fix.TagRule80A, SelfTradeTag: tagSelfTrade,
		CancelSide: true, CancelQty: true, AckNew: true, LiquidityTag: fix.TagLastLiquidityInd,
		ReserveTag: fix.TagMaxFloor, Shorts: bothShorts, LocateReqd: true,
	},
	{
		// Cboe MatchNow, FIX 4.2: 18=M is midpoint only; a conditional order is flagged by 8002=0,
		// a report with 8005=5 asks for the firm one, which carries IOIID(23). That it takes
		// 21, 47 and 60 as its sisters do is general knowledge.
		Name: "matchnow", BeginString: "FIX.4.2", HandlInst: true, TransactTime: true, IDLimit: longestUSEquityID,
		DayTIF: '0', TIFs: nasdaqTIFs, Peg: midPeg, Conditional: conditional, FirmUp: midPeg,
		InviteTag: tagFirmUpRequest, InviteValue: "5", CapacityTag: fix.TagRule80A, CancelSide: true, CancelQty: true,
		AckNew: true, LiquidityTag: fix.TagLastLiquidityInd,
		Shorts: bothShorts, LocateReqd: true,
	},
	{
		// Dealers that quote ladders and deal on the entry.
		Name: "fx-dealer", BeginString: "FIX.4.4", TransactTime: true, IDLimit: longestDecimalID,
		DayTIF: '0', TIFs: dealerTIFs, MarketTIF: true, QuotedOrdType: 'D', QuoteReqID: true,
		EntryIDIsQuoteID: true, CancelSide: true, CancelQty: true, AckPending: true,
		LiquidityTag: fix.TagLastLiquidityInd,
	},
}
