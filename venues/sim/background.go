package sim

import "penstock/market"

// take trades up to qty of the flow against side's contra within limit and
// returns what was traded.
func (e *Exchange) take(
	now int64, side market.Side, limit market.Price, qty market.Qty,
) (traded market.Qty) {
	o := Order{Side: side, Price: limit, Qty: qty, OrdType: market.OrdLimit}
	return qty - e.match(now, &o, e.nextOrder(), nil)
}
