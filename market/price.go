package market

import (
	"errors"
	"math/bits"
)

// Price counts price increments of its instrument: 10^-PriceDecimals of the currency.
type Price int64

// Qty counts lots of its instrument: 10^-QtyDecimals of the traded unit.
type Qty int64

// Notional is Price × Qty, in 10^-(PriceDecimals+QtyDecimals) of the currency.
// Fees and costs are in the same unit.
type Notional int64

// MaxPrice and MaxQty bound what a venue may say: sums over all venues and the
// products of features stay within 64 bits below them. Anything larger is absurd.
const (
	MaxPrice Price = 1 << 48
	MaxQty   Qty   = 1 << 48
)

// ErrOverflow reports a number that does not fit its 64-bit integer unit.
var ErrOverflow = errors.New("number out of range")

// Notional returns p × q; ok is false when the product does not fit.
func (p Price) Notional(q Qty) (n Notional, ok bool) {
	neg := (p < 0) != (q < 0)
	hi, lo := bits.Mul64(magnitude(int64(p)), magnitude(int64(q)))
	if hi != 0 || lo > 1<<63-1 {
		return 0, false
	}
	if neg {
		return -Notional(lo), true
	}
	return Notional(lo), true
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// FloorTo rounds p down to a multiple of tick.
func (p Price) FloorTo(tick Price) Price {
	r := p % tick
	if r < 0 {
		r += tick
	}
	return p - r
}

// CeilTo rounds p up to a multiple of tick.
func (p Price) CeilTo(tick Price) Price { return -(-p).FloorTo(tick) }

// FloorTo rounds q, which is not negative, down to a multiple of lot.
func (q Qty) FloorTo(lot Qty) Qty {
	if lot == 1 {
		return q
	}
	return q - q%lot
}
