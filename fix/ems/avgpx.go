package ems

import (
	"math/bits"

	"penstock/market"
)

// avgPxDecimals is how many decimals AvgPx(6) has beyond those of a Price.
const avgPxDecimals = 4

// avgPx returns notional / cum in units of 10^-decimals, where decimals is that
// of a Price plus avgPxDecimals, rounded half up (away from zero). A quotient that
// does not fit loses decimals until it does. cum of 0 has no average: 0.
func avgPx(notional market.Notional, cum market.Qty,
	priceDecimals uint8) (v int64, decimals uint8) {
	if cum <= 0 {
		return 0, priceDecimals
	}
	n := uint64(notional)
	if notional < 0 {
		n = -n
	}
	d := uint64(cum)
	for extra := uint8(avgPxDecimals); ; extra-- {
		hi, lo := bits.Mul64(n, uint64(market.Pow10(extra)))
		lo, carry := bits.Add64(lo, d/2, 0)
		hi += carry
		if hi < d {
			// Rounding half up is floor((x + d/2) / d) for even d; for odd d the
			// half lies between two integers and d/2 rounds down: same result.
			q, _ := bits.Div64(hi, lo, d)
			if q <= 1<<63-1 {
				if notional < 0 {
					return -int64(q), priceDecimals + extra
				}
				return int64(q), priceDecimals + extra
			}
		}
		if extra == 0 {
			return 0, priceDecimals // not reached: |notional| / cum fits int64
		}
	}
}
