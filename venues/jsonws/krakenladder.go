package jsonws

import (
	"hash/crc32"
	"strconv"

	"penstock/market"
)

// checksumDepth is how many levels a side the checksum covers, whatever the
// subscribed depth.
const checksumDepth = 10

// rung is a level of a krakenSide. text holds the digits that it contributes to
// the checksum: price, then quantity, both without point and leading zeros,
// which is what an integer scaled by the pair's precision looks like.
type rung struct {
	price int64
	qty   int64
	size  uint8
	text  [2 * 19]byte
}

// krakenSide is one side of a Kraken book, best price first, in units of the
// pair's precision.
type krakenSide struct {
	side  market.Side
	rungs []rung
}

// at returns where price is, or where it would go.
func (k *krakenSide) at(price int64) (i int, found bool) {
	lo, hi := 0, len(k.rungs)
	for lo < hi {
		mid := (lo + hi) / 2
		// An order against this side sees the better prices first.
		if k.side.Contra().Better(market.Price(k.rungs[mid].price), market.Price(price)) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(k.rungs) && k.rungs[lo].price == price
}

// set puts qty at price, 0 to remove the level; it reports whether that changed
// anything.
func (k *krakenSide) set(price, qty int64) bool {
	i, found := k.at(price)
	switch {
	case qty == 0:
		if found {
			k.rungs = append(k.rungs[:i], k.rungs[i+1:]...)
		}
		return found
	case found:
		if k.rungs[i].qty == qty {
			return false
		}
	default:
		k.rungs = append(k.rungs, rung{})
		copy(k.rungs[i+1:], k.rungs[i:])
	}
	r := &k.rungs[i]
	r.price, r.qty = price, qty
	text := strconv.AppendInt(r.text[:0], price, 10)
	r.size = uint8(len(strconv.AppendInt(text, qty, 10)))
	return true
}

// krakenLadder is our copy of the venue's book, to check it and to know which
// levels fall off its end.
type krakenLadder struct {
	bids, asks krakenSide
	digits     [2 * checksumDepth * 2 * 19]byte
}

func newKrakenLadder(depth int) krakenLadder {
	return krakenLadder{
		bids: krakenSide{side: market.Buy, rungs: make([]rung, 0, 2*depth)},
		asks: krakenSide{side: market.Sell, rungs: make([]rung, 0, 2*depth)},
	}
}

func (l *krakenLadder) of(side market.Side) *krakenSide {
	if side == market.Buy {
		return &l.bids
	}
	return &l.asks
}

func (l *krakenLadder) clear() {
	l.bids.rungs, l.asks.rungs = l.bids.rungs[:0], l.asks.rungs[:0]
}

// checksum is CRC32 (IEEE) over the ten best asks, then the ten best bids.
func (l *krakenLadder) checksum() uint32 {
	n := 0
	for _, side := range [2]*krakenSide{&l.asks, &l.bids} {
		for i := range side.rungs[:min(checksumDepth, len(side.rungs))] {
			r := &side.rungs[i]
			n += copy(l.digits[n:], r.text[:r.size])
		}
	}
	return crc32.ChecksumIEEE(l.digits[:n])
}
