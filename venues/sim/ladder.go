package sim

import (
	"slices"

	"penstock/market"
)

// ladder is one side of a book: its levels sorted so that the best is last.
// Near the touch, where orders come, there is a level at every tick, so a price says
// where its level is; else finding it costs O(log levels). Making or dropping one moves
// the levels between it and the touch, which are few.
type ladder struct {
	side   market.Side
	tick   market.Price
	levels []level
}

// level is the queue of orders at one price, linked through the pool in order
// of arrival.
type level struct {
	price      market.Price
	qty        market.Qty // displayed
	hidden     market.Qty // what is kept in reserve
	count      int
	head, tail int32
}

// resting is one displayed order.
type resting struct {
	ref        uint64
	own        *OrderState // nil for background flow
	price      market.Price
	qty        market.Qty // displayed
	hidden     market.Qty // in reserve: displayed part by part when qty is gone
	next, prev int32
	side       market.Side
}

// pool holds the resting orders in one slice and reuses freed slots. Slot 0 is
// the end of every list.
type pool struct {
	slots []resting
	free  int32
}

func newPool() pool { return pool{slots: make([]resting, 1, 1024)} }

func (p *pool) take() int32 {
	if i := p.free; i != 0 {
		p.free = p.slots[i].next
		return i
	}
	p.slots = append(p.slots, resting{})
	return int32(len(p.slots) - 1)
}

func (p *pool) put(i int32) {
	p.slots[i] = resting{next: p.free}
	p.free = i
}

func (l *ladder) best() *level {
	if len(l.levels) == 0 {
		return nil
	}
	return &l.levels[len(l.levels)-1]
}

// find returns where the level of price is, or where it would go.
func (l *ladder) find(price market.Price) (int, bool) {
	lo, hi := 0, len(l.levels)
	if hi == 0 {
		return 0, false
	}
	behind := l.side.Sign() * int64(l.levels[hi-1].price-price)
	if behind < 0 {
		return hi, false
	}
	if i := hi - 1 - int(uint64(behind)/uint64(l.tick)); i >= 0 && l.levels[i].price == price {
		return i, true
	}
	for lo < hi {
		mid := (lo + hi) / 2
		if l.side.Better(price, l.levels[mid].price) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	// lo is past the last level that is not worse than price in sort order.
	if lo > 0 && l.levels[lo-1].price == price {
		return lo - 1, true
	}
	return lo, false
}

// push appends slot i of p at the end of its price's queue and returns the
// level's quantity.
func (l *ladder) push(p *pool, i int32) market.Qty {
	o := &p.slots[i]
	at, found := l.find(o.price)
	if !found {
		l.levels = slices.Insert(l.levels, at, level{price: o.price})
	}
	lv := &l.levels[at]
	o.prev, o.next = lv.tail, 0
	if lv.tail != 0 {
		p.slots[lv.tail].next = i
	} else {
		lv.head = i
	}
	lv.tail = i
	lv.qty += o.qty
	lv.hidden += o.hidden
	lv.count++
	return lv.qty
}

// reduce takes qty from slot i; an order without quantity leaves its queue and
// an empty level the ladder. It returns the level's quantity.
func (l *ladder) reduce(p *pool, i int32, qty market.Qty) market.Qty {
	o := &p.slots[i]
	at, found := l.find(o.price)
	if !found || qty > o.qty {
		panic("sim: resting order without level or with less than is taken")
	}
	lv := &l.levels[at]
	o.qty -= qty
	lv.qty -= qty
	left := lv.qty
	if o.qty > 0 {
		return left
	}
	lv.hidden -= o.hidden
	if o.prev != 0 {
		p.slots[o.prev].next = o.next
	} else {
		lv.head = o.next
	}
	if o.next != 0 {
		p.slots[o.next].prev = o.prev
	} else {
		lv.tail = o.prev
	}
	lv.count--
	if lv.count == 0 {
		l.levels = slices.Delete(l.levels, at, at+1)
	}
	return left
}
