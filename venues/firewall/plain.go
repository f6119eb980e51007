package firewall

import (
	"math/bits"

	"penstock/market"
)

// sort is what plain orders with the same words have in common. A plain one is new, firm, not short,
// has a price, and is displayed whole or not at all.
type sort struct {
	limits *Limits
	unit   market.Notional // what makes one of market.Money; 0: no whole number
	sign   int64           // of its side
	what   uint32          // as that of its client's order must be
	shows  bool
}

// whatOf puts an instrument, a side and a mark into one number.
func whatOf(in market.InstrumentID, side market.Side, m market.Mark) uint32 {
	return uint32(in) | uint32(side)<<16 | uint32(m)<<24
}

func (f *Firewall) sortOf(in market.InstrumentID, side market.Side, shows bool) sort {
	k := sort{limits: &f.cfg.Limits[in], sign: side.Sign(), what: whatOf(in, side, market.Long), shows: shows}
	if k.limits.Decimals >= market.MoneyDecimals {
		k.unit = market.Notional(market.Pow10(k.limits.Decimals - market.MoneyDecimals))
	}
	return k
}

// plain judges and books the cancel or plain order that m has read, to its end, if it breaks nothing. Of
// everything else it says false and has changed nothing: admit, its twin in the tests, finds out why.
func (s *Session) plain(m *mould, now int64, parent uint64) bool {
	f, p, r, k := s.f, s.parent, &s.moulds.read, &m.sort
	if !m.plain {
		return m.whole && s.cancelled(now, r.parent)
	}
	if m.linked {
		parent = r.parent
	}
	if p.number != parent {
		return s.turn(m, now, parent)
	}
	qty, price, shows, l, limit := market.Qty(r.qty), market.Price(r.price), market.Qty(0), k.limits, p.order.Limit
	if k.shows {
		shows = qty
	}
	if f.cfg.Latch.set.Load() != nil || p.what != k.what || qty > l.MaxQty || price < l.Low || price > l.High ||
		limit != 0 && (limit < 0 || int64(price-limit)*k.sign > 0) {
		return false
	}
	hi, n := bits.Mul64(uint64(price), uint64(qty))
	if hi != 0 || n > uint64(l.MaxNotional) || p.order.Display != 0 && p.shown > p.order.Display-shows || p.cum+p.out > p.order.Qty-qty {
		return false
	}
	cost := market.Money(n)
	if k.unit != 1 {
		if cost = market.Money(market.Notional(n) / k.unit); market.Notional(n) > market.Notional(cost)*k.unit {
			cost++
		}
	}
	a, at, all, where, times, next := &f.accounts[p.order.Client], uint(f.sent), f.children, f.byChild.slot(r.id), s.rate.times, s.rate.next
	if a.used > a.credit-cost || where.at >= 0 || at >= uint(len(all)) || now-times[next] < second {
		return false
	}
	times[next] = now
	if next++; next == len(times) {
		next = 0
	}
	s.rate.next = next
	a.used += cost
	p.out += qty
	p.shown += shows
	where.number, where.at = r.id, int32(at)
	recent := &s.recent[r.seq%recentOrders]
	recent.seq, recent.at = r.seq, int32(at)
	c := &all[at]
	c.number, c.qty, c.cum, c.price, c.shows, c.counted = r.id, qty, 0, price, shows, cost
	c.parent, c.venue, c.open, c.idle, c.acked, c.asked = p.at, s.cfg.Venue, true, false, false, false
	f.sent++
	f.stats.Orders++
	f.stats.Open++
	return true
}

// turn is plain of an order whose parent is not that of the order before.
//
//go:noinline
func (s *Session) turn(m *mould, now int64, parent uint64) bool {
	i := s.f.byParent.find(parent)
	if i < 0 {
		return false
	}
	s.parent = &s.f.parents[i]
	return s.plain(m, now, parent)
}
