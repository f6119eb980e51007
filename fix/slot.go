package fix

import "math/bits"

// Slot is a tag that a Message finds without a search.
type Slot uint8

// Slots, named as their tags.
const (
	_ Slot = iota
	SlotAvgPx
	SlotClOrdID
	SlotCumQty
	SlotCurrency
	SlotExecID
	SlotExecInst
	SlotExecTransType
	SlotLastMkt
	SlotLastPx
	SlotLastQty
	SlotMsgSeqNum
	SlotNewSeqNo
	SlotOrderID
	SlotOrderQty
	SlotOrdStatus
	SlotOrdType
	SlotOrigClOrdID
	SlotPossDupFlag
	SlotPrice
	SlotRefSeqNum
	SlotSenderCompID
	SlotSendingTime
	SlotSide
	SlotSymbol
	SlotTargetCompID
	SlotText
	SlotTimeInForce
	SlotTransactTime
	SlotValidUntilTime
	SlotPossResend
	SlotCxlRejReason
	SlotOrdRejReason
	SlotHeartBtInt
	SlotMinQty
	SlotTestReqID
	SlotQuoteID
	SlotOrigSendingTime
	SlotGapFillFlag
	SlotQuoteReqID
	SlotBidPx
	SlotOfferPx
	SlotBidSize
	SlotOfferSize
	SlotResetSeqNumFlag
	SlotExecType
	SlotLeavesQty
	SlotQuoteStatus
	SlotQuoteCancelType
	SlotQuoteRejectReason
	SlotQuoteEntryID
	SlotBusinessRejectRefID
	SlotQuoteType
	SlotLastLiquidityInd
	SlotAggressorIndicator
	SlotExecRefID
	SlotSecondaryExecID
	SlotTrdMatchID
	SlotTradeID
	slotCount
)

var slotTags = [slotCount]int{
	SlotAvgPx:               TagAvgPx,
	SlotClOrdID:             TagClOrdID,
	SlotCumQty:              TagCumQty,
	SlotCurrency:            TagCurrency,
	SlotExecID:              TagExecID,
	SlotExecInst:            TagExecInst,
	SlotExecTransType:       TagExecTransType,
	SlotLastMkt:             TagLastMkt,
	SlotLastPx:              TagLastPx,
	SlotLastQty:             TagLastQty,
	SlotMsgSeqNum:           TagMsgSeqNum,
	SlotNewSeqNo:            TagNewSeqNo,
	SlotOrderID:             TagOrderID,
	SlotOrderQty:            TagOrderQty,
	SlotOrdStatus:           TagOrdStatus,
	SlotOrdType:             TagOrdType,
	SlotOrigClOrdID:         TagOrigClOrdID,
	SlotPossDupFlag:         TagPossDupFlag,
	SlotPrice:               TagPrice,
	SlotRefSeqNum:           TagRefSeqNum,
	SlotSenderCompID:        TagSenderCompID,
	SlotSendingTime:         TagSendingTime,
	SlotSide:                TagSide,
	SlotSymbol:              TagSymbol,
	SlotTargetCompID:        TagTargetCompID,
	SlotText:                TagText,
	SlotTimeInForce:         TagTimeInForce,
	SlotTransactTime:        TagTransactTime,
	SlotValidUntilTime:      TagValidUntilTime,
	SlotPossResend:          TagPossResend,
	SlotCxlRejReason:        TagCxlRejReason,
	SlotOrdRejReason:        TagOrdRejReason,
	SlotHeartBtInt:          TagHeartBtInt,
	SlotMinQty:              TagMinQty,
	SlotTestReqID:           TagTestReqID,
	SlotQuoteID:             TagQuoteID,
	SlotOrigSendingTime:     TagOrigSendingTime,
	SlotGapFillFlag:         TagGapFillFlag,
	SlotQuoteReqID:          TagQuoteReqID,
	SlotBidPx:               TagBidPx,
	SlotOfferPx:             TagOfferPx,
	SlotBidSize:             TagBidSize,
	SlotOfferSize:           TagOfferSize,
	SlotResetSeqNumFlag:     TagResetSeqNumFlag,
	SlotExecType:            TagExecType,
	SlotLeavesQty:           TagLeavesQty,
	SlotQuoteStatus:         TagQuoteStatus,
	SlotQuoteCancelType:     TagQuoteCancelType,
	SlotQuoteRejectReason:   TagQuoteRejectReason,
	SlotQuoteEntryID:        TagQuoteEntryID,
	SlotBusinessRejectRefID: TagBusinessRejectRefID,
	SlotQuoteType:           TagQuoteType,
	SlotLastLiquidityInd:    TagLastLiquidityInd,
	SlotAggressorIndicator:  TagAggressorIndicator,
	SlotExecRefID:           TagExecRefID,
	SlotSecondaryExecID:     TagSecondaryExecID,
	SlotTrdMatchID:          TagTrdMatchID,
	SlotTradeID:             TagTradeID,
}

// slotLimit is above every tag that venues use for what is read often.
const slotLimit = 1 << 11

// slotOf is the slot of a tag, 0 for none.
var slotOf = func() (t [slotLimit]Slot) {
	for s := Slot(1); s < slotCount; s++ {
		t[slotTags[s]] = s
	}
	return t
}()

// SlotTag returns the tag of the lowest slot in a set of bits, 0 of none.
func SlotTag(slots uint64) int {
	s := bits.TrailingZeros64(slots)
	if s >= int(slotCount) {
		return 0
	}
	return slotTags[s]
}

// slotIndex is where each slot stands in a message.
type slotIndex struct {
	at    [64]uint32 // number of its first field, from 1; 0 for none
	twice uint64     // a bit for each slot that stands there more than once
	body  int        // how many fields the header has, from the first
}

var noSlots slotIndex

const _ = uint(64 - slotCount) // a slot is a bit of twice

// add says that field i has a tag. Fields come in order, from 0.
func (x *slotIndex) add(i, tag int) {
	if x.body == i && headerTag(tag) {
		x.body = i + 1
	}
	if tag >= slotLimit {
		return
	}
	s := slotOf[tag]
	switch {
	case s == 0:
	case x.at[s] != 0:
		x.twice |= 1 << s
	default:
		x.at[s] = uint32(i + 1)
	}
}

// headerTag reports whether a tag belongs to the standard header.
func headerTag(tag int) bool {
	switch tag {
	case TagBeginString, TagBodyLength, TagMsgType, TagMsgSeqNum, TagSenderCompID, TagTargetCompID,
		TagSendingTime, TagPossDupFlag, TagPossResend, TagOrigSendingTime,
		50, 57, 90, 91, 115, 116, 128, 129, 142, 143, 144, 145, 212, 213, 347, 369,
		627, 628, 629, 630, 1128, 1129, 1156:
		return true
	}
	return false
}
