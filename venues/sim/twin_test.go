package sim

import (
	"fmt"
	"sort"

	"penstock/market"
)

// twin is the readable exchange: one slice of resting orders, sorted anew for
// every match. It prints what it does in the words of the recorder below.
type twin struct {
	in   market.Instrument
	rest []twinOrder // in order of arrival
	seen map[string]twinOrder
	log  []string
}

type twinOrder struct {
	id        string
	owner     uint32
	side      market.Side
	price     market.Price
	left, cum market.Qty
	arrival   int
	status    string
}

func (t *twin) say(format string, args ...any) {
	t.log = append(t.log, fmt.Sprintf(format, args...))
}

func (t *twin) enter(o Order) {
	key := fmt.Sprintf("%d/%s", o.Owner, o.ClOrdID)
	if _, used := t.seen[key]; used {
		t.say("%s rejected duplicate ClOrdID", key)
		return
	}
	n := twinOrder{
		id: key, owner: o.Owner, side: o.Side, price: o.Price, left: o.Qty, arrival: len(t.seen),
	}
	t.seen[key] = n
	if why := t.refuses(o); why != "" {
		t.say("%s rejected %s", key, why)
		n.status = "Rejected"
		t.seen[key] = n
		return
	}
	t.say("%s New", key)
	reach := func(r twinOrder) bool {
		return r.side != o.Side && (o.OrdType == market.OrdMarket ||
			o.Side == market.Buy && r.price <= o.Price || o.Side == market.Sell && r.price >= o.Price)
	}
	var within market.Qty
	for _, r := range t.rest {
		if reach(r) {
			within += r.left
		}
	}
	for n.left > 0 && (o.TIF != market.TIFFOK || within >= o.Qty) {
		sorted := append([]twinOrder(nil), t.rest...)
		sort.SliceStable(sorted, func(i, j int) bool {
			if sorted[i].price != sorted[j].price {
				return (sorted[i].price < sorted[j].price) == (o.Side == market.Buy)
			}
			return sorted[i].arrival < sorted[j].arrival
		})
		best := -1
		for i := range sorted {
			if reach(sorted[i]) {
				best = i
				break
			}
		}
		if best < 0 {
			break
		}
		t.trade(sorted[best].id, &n)
	}
	switch {
	case n.left == 0:
		n.status = "Filled"
	case o.TIF == market.TIFDay:
		t.rest = append(t.rest, n)
	default:
		t.say("%s Canceled", key)
		n.status = "Canceled"
	}
	t.seen[key] = n
}

func (t *twin) trade(maker string, n *twinOrder) {
	for i := range t.rest {
		r := &t.rest[i]
		if r.id != maker {
			continue
		}
		qty := min(r.left, n.left)
		r.left, r.cum = r.left-qty, r.cum+qty
		n.left, n.cum = n.left-qty, n.cum+qty
		self := r.owner == n.owner
		t.say("%s trade %d@%d added cum %d self %v", r.id, qty, r.price, r.cum, self)
		t.say("%s trade %d@%d removed cum %d self %v", n.id, qty, r.price, n.cum, self)
		if r.left == 0 {
			done := *r
			done.status = "Filled"
			t.seen[r.id] = done
			t.rest = append(t.rest[:i], t.rest[i+1:]...)
		}
		return
	}
}

func (t *twin) refuses(o Order) string {
	if o.Qty <= 0 || o.Qty%t.in.Lot != 0 {
		return "bad quantity"
	}
	if o.OrdType == market.OrdMarket {
		return ""
	}
	if o.Price <= 0 || o.Price%t.in.Tick != 0 {
		return "bad price"
	}
	if o.ExecInst == market.ExecInstPostOnly {
		for _, r := range t.rest {
			if o.Side == market.Buy && r.side == market.Sell && r.price <= o.Price ||
				o.Side == market.Sell && r.side == market.Buy && r.price >= o.Price {
				return "post-only order would take"
			}
		}
	}
	return ""
}

func (t *twin) cancel(owner uint32, request, orig string) {
	key := fmt.Sprintf("%d/%s", owner, orig)
	ask := fmt.Sprintf("%d/%s", owner, request)
	if _, used := t.seen[ask]; used {
		t.say("%s cancel refused duplicate ClOrdID", ask)
		return
	}
	t.seen[ask] = twinOrder{id: ask, status: "request"}
	o, known := t.seen[key]
	if !known || o.status == "request" {
		t.say("%s cancel refused unknown order", ask)
		return
	}
	for i, r := range t.rest {
		if r.id == key {
			t.rest = append(t.rest[:i], t.rest[i+1:]...)
			r.status = "Canceled"
			t.seen[key] = r
			t.say("%s Canceled", key)
			return
		}
	}
	t.say("%s cancel refused too late", ask)
}

func (t *twin) depth(side market.Side) []Level {
	sum := map[market.Price]market.Qty{}
	for _, r := range t.rest {
		if r.side == side {
			sum[r.price] += r.left
		}
	}
	var out []Level
	for p, q := range sum {
		out = append(out, Level{p, q})
	}
	sort.Slice(out, func(i, j int) bool {
		return (out[i].Price > out[j].Price) == (side == market.Buy)
	})
	return out
}
