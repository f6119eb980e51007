package fix

// Tags of market data, named as in FIX 4.4 and 5.0 SP2.
const (
	TagRptSeq                  = 83
	TagMDReqID                 = 262
	TagSubscriptionRequestType = 263
	TagMarketDepth             = 264
	TagMDUpdateType            = 265
	TagAggregatedBook          = 266
	TagNoMDEntryTypes          = 267
	TagNoMDEntries             = 268
	TagMDEntryType             = 269
	TagMDEntryPx               = 270
	TagMDEntrySize             = 271
	TagQuoteCondition          = 276
	TagMDEntryID               = 278
	TagMDUpdateAction          = 279
	TagMDEntryRefID            = 280
	TagMDReqRejReason          = 281
	TagMDEntryPositionNo       = 290
	TagSecurityTradingStatus   = 326
	TagTradSesStatus           = 340
	TagLastFragment            = 893
	TagApplSeqNum              = 1181
	TagLowLimitPrice           = 1148
	TagHighLimitPrice          = 1149
	TagMDSecurityTradingStatus = 1682
	TagAggressorSide           = 2446
)

// Message types of market data, MsgType(35).
const (
	MsgMarketDataRequest     = "V"
	MsgMarketDataSnapshot    = "W"
	MsgMarketDataIncremental = "X"
	MsgMarketDataReject      = "Y"
	MsgSecurityStatus        = "f"
	MsgTradingSessionStatus  = "h"
	MsgQuoteRequestReject    = "AG"
)
