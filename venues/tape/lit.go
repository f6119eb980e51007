package tape

import (
	"slices"

	"penstock/event"
	"penstock/market"
)

// lit is the recorded book of one venue with what our orders did to it.
type lit struct {
	depth
	orders  map[uint64]displayed // order-by-order feeds: displayed orders by Ref
	taken   [2][]consumed        // by Side.Index of the displayed side
	resting []*order             // oldest first
	moved   bool                 // a shift is being applied
}

// displayed is one order of an order-by-order feed.
type displayed struct {
	side  market.Side
	price market.Price
	qty   market.Qty
}

// consumed is how much of the size displayed at price our orders took.
type consumed struct {
	price market.Price
	shown market.Qty // displayed when it was taken
	qty   market.Qty
}

func newLit(venue market.VenueID) *lit {
	return &lit{depth: *newDepth(venue), orders: make(map[uint64]displayed)}
}

// observeLit brings the book up to date and lets resting orders trade.
func (m *Market) observeLit(b *lit, e *event.Event) {
	switch e.Kind {
	case event.MarketTrade:
		m.tradeResting(b, e)
		return
	case event.OrderAdd:
		b.orders[e.Ref] = displayed{e.Side, e.Price, e.Qty}
		b.change(e.Side, e.Price, e.Qty)
		return
	case event.OrderExecuted, event.OrderReduced, event.OrderDeleted:
		m.reduceDisplayed(b, e)
		return
	case event.OrderReplaced:
		if old, ok := b.orders[e.Ref]; ok {
			m.reduceDisplayed(b, e)
			b.orders[e.OrderRef] = displayed{old.side, e.Price, e.Qty}
			b.change(old.side, e.Price, e.Qty)
		}
		return
	}
	b.apply(e)
	switch e.Kind {
	case event.BookClear:
		clear(b.orders)
		b.forget()
	case event.BookLevel:
		b.changed(e.Side, e.Price, e.Qty)
	}
	if e.Flags&event.More == 0 {
		b.settle()
	}
}

// reduceDisplayed takes a displayed order down. An execution is the trade that
// resting orders of ours behind it wait for.
func (m *Market) reduceDisplayed(b *lit, e *event.Event) {
	o, ok := b.orders[e.Ref]
	if !ok {
		return // absurd: the core's own book says so
	}
	qty := min(e.Qty, o.qty)
	if e.Kind >= event.OrderDeleted {
		qty = o.qty
	}
	if o.qty -= qty; o.qty == 0 {
		delete(b.orders, e.Ref)
	} else {
		b.orders[e.Ref] = o
	}
	if e.Kind == event.OrderExecuted {
		trade := event.Event{RecvTime: e.RecvTime, Side: o.side.Contra(), Price: o.price, Qty: qty}
		m.tradeResting(b, &trade)
	}
	b.change(o.side, o.price, -qty)
}

func (b *lit) change(side market.Side, price market.Price, delta market.Qty) {
	ladder := &b.sides[side.Index()]
	ladder.Add(price, delta)
	b.changed(side, price, ladder.Qty(price))
}

// changed notes a new displayed size: what was consumed of the old one is
// forgotten, and no resting order has more ahead of it than is displayed.
func (b *lit) changed(side market.Side, price market.Price, qty market.Qty) {
	taken := &b.taken[side.Index()]
	*taken = slices.DeleteFunc(*taken, func(c consumed) bool {
		return c.price == price && c.shown != qty
	})
	if b.moved {
		return
	}
	for _, o := range b.resting {
		if o.Side == side && o.Price == price {
			o.ahead = min(o.ahead, qty)
		}
	}
}

func (b *lit) forget() { b.taken[0], b.taken[1] = nil, nil }

// shift moves what was consumed along with the prices. Resting orders keep their
// price and go behind what is displayed there afterwards.
func (b *lit) shift(delta market.Price) {
	for i := range b.taken {
		for j := range b.taken[i] {
			b.taken[i][j].price += delta
		}
	}
	b.moved = true
}

// settle ends a message: after a shift, resting orders join their queues anew.
func (b *lit) settle() {
	if !b.moved {
		return
	}
	b.moved = false
	for _, o := range b.resting {
		o.ahead = b.sides[o.Side.Index()].Qty(o.Price)
	}
}

func (b *lit) consumedAt(side market.Side, price market.Price) *consumed {
	for i := range b.taken[side.Index()] {
		if c := &b.taken[side.Index()][i]; c.price == price {
			return c
		}
	}
	return nil
}

func (b *lit) consume(side market.Side, price market.Price, shown, qty market.Qty) {
	if c := b.consumedAt(side, price); c != nil {
		c.qty += qty
		return
	}
	b.taken[side.Index()] = append(b.taken[side.Index()], consumed{price, shown, qty})
}

func (b *lit) remove(o *order) {
	b.resting = slices.DeleteFunc(b.resting, func(r *order) bool { return r == o })
}
