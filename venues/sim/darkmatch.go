package sim

import "penstock/market"

// takes reports whether p may trade at the midpoint price.
func (p *pegged) takes(price market.Price) bool {
	return p.cap == 0 || !p.side.Better(p.cap, price)
}

// least is the smallest execution that p accepts; a remainder below its MinQty
// counts as a whole.
func (p *pegged) least() market.Qty { return max(1, min(p.min, p.qty)) }

// trade matches p against the other side at the midpoint and leaves the rest in
// p.qty. Nothing trades while the reference is missing, locked, crossed or stale.
func (d *DarkPool) trade(now int64, p *pegged) {
	d.expire(now)
	if d.halted || !d.ref.usable(now, d.cfg.StaleNanos) {
		return
	}
	price := d.ref.mid()
	if !p.takes(price) {
		return
	}
	list := &d.waits[p.side.Contra().Index()]
	for p.qty > 0 {
		i := d.choose(*list, p, price)
		if i < 0 {
			return
		}
		d.execute(now, &(*list)[i], p, price)
		if (*list)[i].qty == 0 {
			*list = append((*list)[:i], (*list)[i+1:]...)
		}
	}
}

// choose returns the resting order with the highest priority that can trade with
// p, or -1.
func (d *DarkPool) choose(list []pegged, p *pegged, price market.Price) int {
	chosen := -1
	for i := range list {
		r := &list[i]
		qty := min(r.qty, p.qty)
		if !r.takes(price) || qty < r.least() || qty < p.least() {
			continue
		}
		if chosen < 0 || r.qty > list[chosen].qty {
			chosen = i
		}
	}
	return chosen
}

// execute trades resting order r against incoming order p.
func (d *DarkPool) execute(now int64, r, p *pegged, price market.Price) {
	qty := min(r.qty, p.qty)
	match := d.nextMatch()
	r.qty -= qty
	p.qty -= qty
	self := r.own != nil && p.own != nil && r.own.Owner == p.own.Owner
	if d.cfg.Trade != nil {
		d.cfg.Trade(&Trade{
			Time: now, Match: match, Aggressor: p.side, Price: price, Qty: qty,
			Maker: r.id, Taker: p.id, SelfTrade: self,
		})
	}
	f := Fill{Match: match, Price: price, Qty: qty, SelfTrade: self}
	if r.own != nil {
		f.Liquidity = market.LiquidityAdded
		d.fill(now, r.own, f)
	}
	if p.own != nil {
		f.Liquidity = market.LiquidityRemoved
		d.fill(now, p.own, f)
	}
}

// uncross trades resting orders of both sides that a new midpoint lets meet, in
// order of priority. The older order of a pair counts as the resting one.
func (d *DarkPool) uncross(now int64) {
	d.expire(now)
	if d.halted || !d.ref.usable(now, d.cfg.StaleNanos) {
		return
	}
	price := d.ref.mid()
	for {
		i, j := d.pair(price)
		if i < 0 {
			return
		}
		buy, sell := &d.waits[0][i], &d.waits[1][j]
		if buy.id < sell.id {
			d.execute(now, buy, sell, price)
		} else {
			d.execute(now, sell, buy, price)
		}
		if sell.qty == 0 {
			d.waits[1] = append(d.waits[1][:j], d.waits[1][j+1:]...)
		}
		if buy.qty == 0 {
			d.waits[0] = append(d.waits[0][:i], d.waits[0][i+1:]...)
		}
	}
}

// pair returns the buy with the highest priority that has a counterpart, and
// that; or -1, -1.
func (d *DarkPool) pair(price market.Price) (buy, sell int) {
	buy, sell = -1, -1
	for i := range d.waits[0] {
		b := &d.waits[0][i]
		if !b.takes(price) || buy >= 0 && b.qty <= d.waits[0][buy].qty {
			continue
		}
		if j := d.choose(d.waits[1], b, price); j >= 0 {
			buy, sell = i, j
		}
	}
	return buy, sell
}

// expire drops contra interest whose time is over.
func (d *DarkPool) expire(now int64) {
	for side := range d.waits {
		kept := d.waits[side][:0]
		for _, p := range d.waits[side] {
			if p.until > now || p.own != nil { // an owner is told: see lapse
				kept = append(kept, p)
			}
		}
		d.waits[side] = kept
	}
}
