package sim

import "penstock/market"

// reference is the best bid and offer that a dark pool or dealer prices from.
type reference struct {
	bid, ask market.Price // 0: none
	time     int64        // when it was set, ns since epoch
}

// usable reports whether the reference exists, is neither locked nor crossed,
// and is not older than staleNanos.
func (r *reference) usable(now, staleNanos int64) bool {
	return r.bid > 0 && r.bid < r.ask && now-r.time <= staleNanos
}

// mid2 is twice the midpoint, so that it is exact.
func (r *reference) mid2() market.Price { return r.bid + r.ask }

// mid is the midpoint in price increments, rounded down when the increment does
// not hold it.
func (r *reference) mid() market.Price { return r.mid2() >> 1 }
