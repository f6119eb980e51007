package ouch

import (
	"penstock/event"
	"penstock/market"
)

// rejectReason says why the venue refused an order: numbers in 5.0, characters in 4.2.
func (g *Gateway) rejectReason(code uint16) event.Reason {
	if g.cfg.Version == V42 {
		switch byte(code) {
		case 'H', 'O', 'C': // halted, or closed
			return event.ReasonVenueHalted
		case 'S':
			return event.ReasonUnknownInstrument
		case 'Z', 'M':
			return event.ReasonBadQty
		case 'X', 'D', 'F', 'G':
			return event.ReasonBadPrice
		}
		return event.ReasonVenueReject
	}
	switch code {
	case 0x02, 0x07:
		return event.ReasonVenueHalted
	case 0x03, 0x05, 0x14, 0x16:
		return event.ReasonUnsupportedType
	case 0x06, 0x1b, 0x1d, 0x12:
		return event.ReasonBadPrice
	case 0x0b:
		return event.ReasonPending
	case 0x0d, 0x13, 0x1e, 0x1f:
		return event.ReasonBadQty
	case 0x17:
		return event.ReasonUnknownInstrument
	}
	return event.ReasonVenueReject
}

// liquidity says whether a fill added or removed; 0 is what is not known, as in an auction.
func liquidity(flag byte) market.Liquidity {
	switch flag {
	case 'A', 'J', 'k', 'a', '7', '8', 'j', 'e', 'f':
		return market.LiquidityAdded
	case 'R', 'm', 'd', 'r', 't', 'u':
		return market.LiquidityRemoved
	}
	return 0
}
