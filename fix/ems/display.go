package ems

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// display takes how much of an order may be displayed: MaxFloor(111) of FIX 4.2 and 4.4, which
// FIX 5.0 calls DisplayQty(1138). It is of the order as much as of the strategy, so a replace
// may say it without TargetStrategy(847), and one that says none keeps it.
func (in *inbound) display(v int64) string {
	ins := in.of()
	if must := positive(v, v%int64(ins.Lot) == 0, "lot"); must != "" {
		return must
	}
	if v > int64(in.event.Qty) {
		return "must be at most OrderQty(38), which is " + ins.FormatQty(in.event.Qty)
	}
	in.event.SetDisplay(market.Qty(v))
	return ""
}

// displayField returns the field in which a message says its display quantity.
func (in *inbound) displayField() (tag int, r *refusal) {
	_, floor := in.msg.Get(fix.TagMaxFloor)
	_, display := in.msg.Get(tagDisplayQty)
	switch {
	case floor && display:
		return 0, order(event.ReasonBadParameter, "MaxFloor(111) and DisplayQty(1138) are the same: give one")
	case display:
		return tagDisplayQty, nil
	case floor:
		return fix.TagMaxFloor, nil
	}
	return 0, nil
}

// newDisplay reads the display quantity of a replace that leaves the strategy as it is.
func (in *inbound) newDisplay() *refusal {
	tag, r := in.displayField()
	if tag == 0 {
		return r
	}
	value, _ := in.msg.Get(tag)
	return terms[termNamed([]byte("DisplayQty"))].read(in, describe(tag), value, tag)
}
