package fixmd

import (
	"hash/crc32"
	"strconv"

	"penstock/market"
)

// checksumDepth is how many levels a side the checksum covers, whatever the
// subscribed depth.
const checksumDepth = 10

// rung is a level in units of the venue.
type rung struct{ price, qty int64 }

// ladder is our copy of one side of the venue's book, best price first.
type ladder struct {
	side  market.Side
	rungs []rung
}

func newLadder(side market.Side, depth int) ladder {
	return ladder{side: side, rungs: make([]rung, 0, 2*depth+2)}
}

// at returns where price is, or where it would go.
func (l *ladder) at(price int64) (i int, found bool) {
	lo, hi := 0, len(l.rungs)
	for lo < hi {
		mid := (lo + hi) / 2
		// An order against this side sees the better prices first.
		if l.side.Contra().Better(market.Price(l.rungs[mid].price), market.Price(price)) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(l.rungs) && l.rungs[lo].price == price
}

// set puts qty at price, 0 to remove the level.
func (l *ladder) set(price, qty int64) {
	switch i, found := l.at(price); {
	case found && qty == 0:
		l.remove(i)
	case found:
		l.rungs[i].qty = qty
	case qty != 0:
		l.insert(i, rung{price, qty})
	}
}

func (l *ladder) insert(i int, r rung) {
	l.rungs = append(l.rungs, rung{})
	copy(l.rungs[i+1:], l.rungs[i:])
	l.rungs[i] = r
}

func (l *ladder) remove(i int) { l.rungs = append(l.rungs[:i], l.rungs[i+1:]...) }

// inOrder reports whether rung i stands between its neighbours.
func (l *ladder) inOrder(i int) bool {
	better := func(a, b rung) bool {
		return l.side.Contra().Better(market.Price(a.price), market.Price(b.price))
	}
	return (i == 0 || better(l.rungs[i-1], l.rungs[i])) &&
		(i+1 == len(l.rungs) || better(l.rungs[i], l.rungs[i+1]))
}

// checksum is CRC32 (IEEE) over the ten best asks, then the ten best bids: of each
// the price and the quantity without point and leading zeros, which is the integer
// itself in the precision of the pair (Kraken, field 5041).
func checksum(ladders *[2]ladder, scratch []byte) (uint32, []byte) {
	scratch = scratch[:0]
	for _, side := range [2]market.Side{market.Sell, market.Buy} {
		rungs := ladders[side.Index()].rungs
		for _, r := range rungs[:min(checksumDepth, len(rungs))] {
			scratch = strconv.AppendInt(scratch, r.price, 10)
			scratch = strconv.AppendInt(scratch, r.qty, 10)
		}
	}
	return crc32.ChecksumIEEE(scratch), scratch
}
