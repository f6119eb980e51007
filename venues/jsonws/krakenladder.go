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
	text  [rungText]byte
}

// rungText holds two numbers of 19 digits; it is copied whole.
const rungText = 40

// krakenSide is one side of a Kraken book, best price first, in units of the
// pair's precision.
type krakenSide struct {
	side  market.Side
	rungs []rung
	// digits[:size] is what the side contributes to the checksum, unless stale.
	digits [checksumDepth * rungText]byte
	size   int
	stale  bool
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
			k.touch(i)
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
	k.touch(i)
	r := &k.rungs[i]
	r.price, r.qty = price, qty
	text := strconv.AppendInt(r.text[:0], price, 10)
	r.size = uint8(len(strconv.AppendInt(text, qty, 10)))
	return true
}

// touch notes that rung i and those behind it may be others now.
func (k *krakenSide) touch(i int) { k.stale = k.stale || i < checksumDepth }

// cut leaves the best depth rungs.
func (k *krakenSide) cut(depth int) {
	if len(k.rungs) > depth {
		k.rungs = k.rungs[:depth]
		k.touch(depth)
	}
}

// sum returns the checksum of what crc was made from and this side's digits.
func (k *krakenSide) sum(crc uint32) uint32 {
	if k.stale {
		k.stale, k.size = false, 0
		for i := range k.rungs[:min(checksumDepth, len(k.rungs))] {
			r := &k.rungs[i]
			*(*[rungText]byte)(k.digits[k.size:]) = r.text
			k.size += int(r.size)
		}
	}
	return crc32.Update(crc, crc32.IEEETable, k.digits[:k.size])
}

// krakenLadder is our copy of the venue's book, to check it and to know which
// levels fall off its end.
type krakenLadder struct {
	bids, asks krakenSide
	asksSum    uint32 // checksum of the asks alone, unless they are stale
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
	for _, side := range [2]*krakenSide{&l.bids, &l.asks} {
		side.rungs, side.stale = side.rungs[:0], true
	}
}

// checksum is CRC32 (IEEE) over the ten best asks, then the ten best bids.
func (l *krakenLadder) checksum() uint32 {
	if l.asks.stale {
		l.asksSum = l.asks.sum(0)
	}
	return l.bids.sum(l.asksSum)
}
