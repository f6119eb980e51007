package ems

import (
	"errors"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// orderType reads OrdType(40), TimeInForce(59) and Currency(15).
func (in *inbound) orderType() *refusal {
	value, _ := in.msg.Get(fix.TagOrdType)
	in.event.OrdType = market.OrdType(value[0])
	if tif, ok := in.msg.Get(fix.TagTimeInForce); ok {
		in.event.TIF = market.TimeInForce(tif[0])
	} else if in.msgType == 'D' {
		in.event.TIF = market.TIFDay // absent means Day: FIX 4.4 vol. 6, tag 59
	}
	currency, ok := in.msg.Get(fix.TagCurrency)
	if ins := in.of(); ok && string(currency) != ins.Currency {
		return order(event.ReasonUnsupportedType, "Currency(15)=%s: %s trades in %s",
			plain(currency), ins.Symbol, ins.Currency)
	}
	return nil
}

// of returns the instrument of the message, once it is known.
func (in *inbound) of() *market.Instrument { return &in.config.Instruments[in.event.Instrument] }

// quantity reads OrderQty(38): positive and in whole lots.
func (in *inbound) quantity() *refusal {
	ins := in.of()
	v, r := in.decimal(fix.TagOrderQty, ins.QtyDecimals, event.ReasonBadQty)
	if r != nil {
		return r
	}
	qty := market.Qty(v)
	switch {
	case qty <= 0:
		return order(event.ReasonBadQty, "OrderQty(38) must be positive")
	case qty%ins.Lot != 0:
		return order(event.ReasonBadQty, "OrderQty(38) must be a multiple of %s",
			ins.FormatQty(ins.Lot))
	}
	in.event.Qty = qty
	return nil
}

// price reads Price(44): positive, on the tick, and there exactly when the order
// has a limit.
func (in *inbound) price() *refusal {
	ins := in.of()
	_, given := in.msg.Get(fix.TagPrice)
	switch limit := in.event.OrdType == market.OrdLimit; {
	case limit && !given:
		return missingFor(fix.TagPrice, "with OrdType(40)=2")
	case !limit && given:
		return order(event.ReasonBadPrice, "Price(44) with OrdType(40)=1, a market order")
	case !limit:
		return nil
	}
	v, r := in.decimal(fix.TagPrice, ins.PriceDecimals, event.ReasonBadPrice)
	if r != nil {
		return r
	}
	price := market.Price(v)
	switch _, fits := price.Notional(in.event.Qty); {
	case price <= 0:
		return order(event.ReasonBadPrice, "Price(44) must be positive")
	case price%ins.Tick != 0:
		return order(event.ReasonBadPrice, "Price(44) must be a multiple of %s",
			ins.FormatPrice(ins.Tick))
	case !fits:
		return order(event.ReasonMaxNotional, "OrderQty(38) x Price(44) is out of range")
	}
	in.event.Price = price
	return nil
}

// decimal reads a number of the instrument. Text that is no number is malformed;
// one that the instrument's increments cannot hold refuses the order.
func (in *inbound) decimal(tag int, decimals uint8, reason event.Reason) (int64, *refusal) {
	value, _ := in.msg.Get(tag)
	v, err := market.ParseDecimal(value, decimals)
	switch {
	case errors.Is(err, market.ErrDecimal):
		return 0, malformed(tag, fix.RejectFormat)
	case errors.Is(err, market.ErrPrecision):
		return 0, order(reason, "%s=%s has more than %d decimals", describe(tag),
			plain(value), decimals)
	case err != nil:
		return 0, order(reason, "%s=%s is out of range", describe(tag), plain(value))
	}
	return v, nil
}
