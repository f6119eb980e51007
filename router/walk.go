package router

import (
	"math"

	"penstock/book"
	"penstock/market"
)

// walk merges the levels that a parent could take, best net price first. The core has
// one: what a decision needs of it is read before the next one starts.
type walk struct {
	side  market.Side
	sign  int64
	count int
	price bool // by price first, fees only among equals
	at    [market.MaxVenues]frontier
	of    [market.MaxVenues]uint8 // by venue: its place in at, if it has one
	// What it leaves behind, where all is decided that it takes.
	leaves leavings
}

// frontier is where a walk stands at one venue.
type frontier struct {
	net    int64 // of the level: price and fee, thousandths, smaller is better; MaxInt64 when there is none
	price  market.Price
	left   market.Qty   // of the level; 0 when there is none
	ladder *book.Ladder // nil for a dealer's quote, which is one level
	level  int          // next level of the ladder
	venue  int
	sign   int64
	fee    *market.Fee

	shown, got market.Qty // reachable there; of it taken
	price1st   bool
	barred     bool // our own order rests at barrier: nothing there or beyond is taken
	barrier    market.Price
	worst      market.Price
}

func (w *walk) start(side market.Side) {
	w.side, w.sign, w.count, w.price, w.leaves.known = side, side.Sign(), 0, false, false
}

// add adds venue v, with no level yet.
func (w *walk) add(v int, ladder *book.Ladder, fee *market.Fee) *frontier {
	at := &w.at[w.count]
	w.of[v&(market.MaxVenues-1)] = uint8(w.count)
	w.count++
	// Field by field: a literal would be put together elsewhere and copied, which waits for its parts.
	at.net, at.left, at.ladder, at.level = math.MaxInt64, 0, ladder, 0
	at.venue, at.sign, at.fee = v, w.sign, fee
	at.shown, at.got, at.price1st, at.barred = 0, 0, w.price, false
	return at
}

// open adds venue v at its opening.
func (w *walk) open(v int, ladder *book.Ladder, fee *market.Fee, o *opening) *frontier {
	at := w.add(v, ladder, fee)
	at.net, at.price, at.left, at.level = o.net, o.price, o.left, int(o.level)
	if w.price && at.left > 0 {
		at.net = at.worth()
	}
	return at
}

// take takes of the level where the walk stands what is wanted, in whole lots over all that was reached at the venue: an odd
// rest is left where it is shown. It returns how much that is.
func (f *frontier) take(want, lot market.Qty) market.Qty {
	f.shown += min(want, f.left)
	qty := min(f.shown.FloorTo(lot)-f.got, want.FloorTo(lot))
	if qty <= 0 {
		return 0
	}
	f.got += qty
	f.worst = f.price
	return qty
}

// next moves to the next level, if there is one.
func (f *frontier) next() {
	if f.ladder == nil || f.level >= f.ladder.Len() {
		f.close()
		return
	}
	f.show(f.ladder.At(f.level))
	f.level++
}

func (f *frontier) show(l book.Level) {
	f.price, f.left = l.Price, l.Qty
	if f.barred && f.sign*int64(l.Price) >= f.sign*int64(f.barrier) {
		f.close()
		return
	}
	f.net = f.worth()
}

// worth is net of the price where the walk stands.
func (f *frontier) worth() int64 {
	fee := f.fee.AtMilli(f.price)
	if f.price1st {
		fee = byPrice(fee)
	}
	return f.sign*int64(f.price)*1000 + fee
}

// byPrice is what a fee, in thousandths, counts where prices come first: less than the least difference of them, so that it
// settles only what the price leaves open.
func byPrice(fee int64) int64 { return min(max(fee/1000, -400), 400) }

// bar ends the walk at the venue where our own order rests.
func (f *frontier) bar(barrier market.Price) {
	f.barred, f.barrier = true, barrier
	if f.left > 0 && f.sign*int64(f.price) >= f.sign*int64(barrier) {
		f.close()
	}
}

// close ends the walk at the venue.
func (f *frontier) close() { f.net, f.left = math.MaxInt64, 0 }

// worst returns the worst price at which a walk takes, × Side.Sign.
func (w *walk) worst() int64 {
	worst := int64(math.MinInt64)
	for i := range w.at[:w.count] {
		if at := &w.at[i]; at.got > 0 {
			worst = max(worst, w.sign*int64(at.worst))
		}
	}
	return worst
}

// best returns where the cheapest level is, the first venue among equals; nil when
// all are used up.
func (w *walk) best() (best *frontier) {
	least := int64(math.MaxInt64)
	for i := range w.at[:w.count] {
		if at := &w.at[i]; at.net < least {
			best, least = at, at.net
		}
	}
	return best
}
