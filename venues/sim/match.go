package sim

import "penstock/market"

// reaches reports whether o may trade at price.
func (o *Order) reaches(price market.Price) bool {
	return o.OrdType == market.OrdMarket || !o.Side.Better(o.Price, price)
}

// crosses reports whether o would take displayed liquidity.
func (e *Exchange) crosses(o *Order) bool {
	best := e.sides[o.Side.Contra().Index()].best()
	return best != nil && o.reaches(best.price)
}

// available returns the quantity within the limit of o, reserves included, counting no
// further than its OrderQty.
func (e *Exchange) available(o *Order) market.Qty {
	levels := e.sides[o.Side.Contra().Index()].levels
	var sum market.Qty
	for i := len(levels) - 1; i >= 0 && sum < o.Qty && o.reaches(levels[i].price); i-- {
		sum += levels[i].qty + levels[i].hidden
	}
	return sum
}

// match trades o against the other side, best price and oldest order first, and
// returns what is left. taker is nil for background flow.
func (e *Exchange) match(now int64, o *Order, ref uint64, taker *OrderState) market.Qty {
	contra := &e.sides[o.Side.Contra().Index()]
	left := o.Qty
	for left > 0 {
		best := contra.best()
		if best == nil || !o.reaches(best.price) || e.selfMatch(o, best.head) {
			break
		}
		left -= e.execute(now, contra, best.head, left, ref, taker)
	}
	return left
}

// execute trades up to qty against the resting order in slot i.
func (e *Exchange) execute(
	now int64, l *ladder, i int32, qty market.Qty, ref uint64, taker *OrderState,
) market.Qty {
	maker := e.pool.slots[i]
	qty = min(qty, maker.qty)
	match := e.nextMatch()
	levelQty := l.reduce(&e.pool, i, qty)
	if qty == maker.qty {
		e.forget(i)
	}
	e.change(BookChange{
		Time: now, Kind: BookExecute, Side: maker.side, Ref: maker.ref, Price: maker.price,
		Qty: qty, LevelQty: levelQty, Match: match,
	})
	self := taker != nil && maker.own != nil && taker.Owner == maker.own.Owner
	e.traded = Trade{
		Time: now, Match: match, Aggressor: maker.side.Contra(), Price: maker.price,
		Qty: qty, Maker: maker.ref, Taker: ref, SelfTrade: self,
	}
	if e.watch != nil {
		e.watch(&e.traded)
	}
	if e.cfg.Trade != nil {
		e.cfg.Trade(&e.traded)
	}
	f := Fill{Match: match, Price: maker.price, Qty: qty, SelfTrade: self}
	if maker.own != nil {
		f.Liquidity = market.LiquidityAdded
		e.fill(now, maker.own, f)
	}
	if taker != nil {
		f.Liquidity = market.LiquidityRemoved
		e.fill(now, taker, f)
	}
	if qty == maker.qty && maker.hidden > 0 {
		// The next part is an order of its own in the feed, and the last of its price.
		e.rest(now, maker.side, maker.price, maker.hidden, e.nextOrder(), maker.own)
	}
	return qty
}

// rest puts an order at the end of its price's queue. No more than its MaxFloor is displayed.
func (e *Exchange) rest(
	now int64, side market.Side, price market.Price, qty market.Qty, ref uint64, own *OrderState,
) {
	i, hidden := e.pool.take(), market.Qty(0)
	if own != nil {
		e.byID[own.OrderID] = i
		if own.MaxFloor > 0 {
			hidden = max(qty-own.MaxFloor, 0)
			qty -= hidden
		}
	}
	e.pool.slots[i] = resting{ref: ref, own: own, price: price, qty: qty, hidden: hidden, side: side}
	levelQty := e.sides[side.Index()].push(&e.pool, i)
	e.change(BookChange{
		Time: now, Kind: BookAdd, Side: side, Ref: ref, Price: price, Qty: qty, LevelQty: levelQty,
	})
}

// remove takes the order id of a named owner off the book, if it is there.
func (e *Exchange) remove(now int64, id uint64) {
	if i, ok := e.byID[id]; ok {
		e.removeSlot(now, i)
	}
}

// removeSlot takes the order in slot i off the book.
func (e *Exchange) removeSlot(now int64, i int32) {
	o := e.pool.slots[i]
	levelQty := e.sides[o.side.Index()].reduce(&e.pool, i, o.qty)
	e.forget(i)
	e.change(BookChange{
		Time: now, Kind: BookDelete, Side: o.side, Ref: o.ref, Price: o.price, Qty: o.qty,
		LevelQty: levelQty,
	})
}

// shrink takes qty, less than what is left, off the order in slot i; it keeps its
// place in the queue.
func (e *Exchange) shrink(now int64, i int32, qty market.Qty) {
	o := e.pool.slots[i]
	levelQty := e.sides[o.side.Index()].reduce(&e.pool, i, qty)
	e.change(BookChange{
		Time: now, Kind: BookReduce, Side: o.side, Ref: o.ref, Price: o.price, Qty: qty,
		LevelQty: levelQty,
	})
}

func (e *Exchange) forget(i int32) {
	if o := &e.pool.slots[i]; o.own != nil {
		delete(e.byID, o.own.OrderID)
	}
	e.pool.put(i)
}

func (e *Exchange) change(c BookChange) {
	if e.cfg.Book != nil {
		e.said = c
		e.cfg.Book(&e.said)
	}
}
