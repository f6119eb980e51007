package main

import (
	"math"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/policy/model"
)

// outflows follows the queues at the touch while a journal runs again, in windows of one decision
// epoch: what a limit order that had joined would have seen leave.
type outflows struct {
	r       *rerun
	nanos   int64      // of a window
	end     int64      // of the running one, ns since epoch
	places  [][2]place // by instrument × venue, and Side.Index
	windows []seenWindow
}

// place is the queue at one price, since the window began.
type place struct {
	price      market.Price // 0: not followed
	queue, now market.Qty
	gone, sold market.Qty // what the level lost, and what of it traded
}

type seenWindow struct {
	instrument market.InstrumentID
	depth      market.Qty // of the touch
	model.Window
}

func newOutflows(r *rerun) *outflows {
	return &outflows{r: r, nanos: max(r.cfg.Router.Tactics.SliceNanos/6, 1e6),
		places: make([][2]place, len(r.cfg.Router.Instruments)*market.MaxVenues)}
}

func (o *outflows) at(in market.InstrumentID, v market.VenueID) *[2]place {
	return &o.places[int(in)*market.MaxVenues+int(v)]
}

// see follows what an event did, after the core took it.
func (o *outflows) see(e *event.Event) {
	if e.StepTime >= o.end {
		o.close()
		o.open()
		o.end = e.StepTime + o.nanos
		return
	}
	if !e.Kind.Market() || int(e.Venue) >= len(o.r.cfg.Router.Venues) || int(e.Instrument) >= len(o.r.cfg.Router.Instruments) {
		return
	}
	b := o.r.core.Composite(e.Instrument).Books[e.Venue]
	for i := range o.at(e.Instrument, e.Venue) {
		p := &o.at(e.Instrument, e.Venue)[i]
		if p.price == 0 {
			continue
		}
		if b == nil || !b.Live() {
			*p = place{} // what left is not known
			continue
		}
		now := b.Ladder([2]market.Side{market.Buy, market.Sell}[i]).Qty(p.price)
		lost := max(p.now-now, 0)
		p.gone, p.now = p.gone+lost, now
		switch {
		case e.Kind == event.OrderExecuted:
			p.sold += lost
		case e.Kind == event.MarketTrade && e.Price == p.price:
			p.sold += e.Qty
		}
	}
}

// open begins a window: the queue at every venue's touch that is the best of all.
func (o *outflows) open() {
	for in := range o.r.cfg.Router.Instruments {
		m := o.r.core.Composite(market.InstrumentID(in))
		for v, b := range m.Books[:len(o.r.cfg.Router.Venues)] {
			for i, side := range []market.Side{market.Buy, market.Sell} {
				p := &o.at(market.InstrumentID(in), market.VenueID(v))[i]
				*p = place{}
				if t := m.Touch(side); b != nil && b.Live() && m.Kind(market.VenueID(v)) == market.Lit && t.OK && m.Normal() {
					qty := b.Ladder(side).Qty(t.Price)
					*p = place{price: t.Price, queue: qty, now: qty}
				}
			}
		}
	}
}

// close keeps what the window showed. Of what left without a trade half counts: a cancel is as
// likely behind an order that joined as in front of it.
func (o *outflows) close() {
	n := len(o.r.cfg.Router.Venues)
	for in := range o.r.cfg.Router.Instruments {
		m := o.r.core.Composite(market.InstrumentID(in))
		for i, side := range []market.Side{market.Buy, market.Sell} {
			w := seenWindow{instrument: market.InstrumentID(in), depth: m.Touch(side).Qty}
			w.Half = float64(m.Spread()) / 2
			w.Lean = policy.SplitCell(0, 1, side.Sign()*m.Imbalance())
			some := false
			for v := range n {
				p := &o.at(w.instrument, market.VenueID(v))[i]
				out := math.NaN()
				if p.price != 0 {
					out, some = float64(p.sold)+float64(max(p.gone-p.sold, 0))/2, true
				}
				w.Queue, w.Outflow = append(w.Queue, float64(p.queue)), append(w.Outflow, out)
			}
			if some && m.Normal() && w.depth > 0 {
				o.windows = append(o.windows, w)
			}
		}
	}
}

// priorWindows is what the compiled-in split counts in windows.
const priorWindows = 50

// fit puts the splits of Cont and Kukanov into p, each moved from the one there by how many windows
// there were, and returns their counts by cell.
func (o *outflows) fit(p *policy.Params) (count [policy.SplitCells]int) {
	venues := o.r.cfg.Router.Venues
	var lean [3][]model.Window
	depth, price, spread := 0.0, 0.0, 0.0
	for i := range o.windows {
		w := &o.windows[i]
		lean[w.Lean] = append(lean[w.Lean], w.Window)
		depth += float64(w.depth) / float64(len(o.windows))
		spread += w.Half / float64(len(o.windows))
		mid2, _ := o.r.core.Composite(w.instrument).Mid2()
		price += float64(mid2) / 2 / float64(len(o.windows))
	}
	if len(o.windows) == 0 {
		return count
	}
	costs := &model.SplitCosts{Moved: float64(p.NoFill) / 1000}
	lits := 0.0
	for v := range venues {
		fee := func(f market.Fee) float64 { return float64(f.AtMilli(market.Price(price))) / 1000 }
		costs.Rebate = append(costs.Rebate, -fee(venues[v].MakeFee))
		if venues[v].Kind == market.Lit {
			costs.TakeFee, lits = costs.TakeFee+fee(venues[v].TakeFee), lits+1
		}
	}
	costs.TakeFee /= max(lits, 1)
	for large, size := range [...]float64{depth / 8, depth / 2, 2 * depth} { // as SplitCell divides sizes
		for l := range lean {
			n := len(lean[l])
			split, cell := model.SplitOf(size, lean[l], costs), large*3+l
			if count[cell] = n; n == 0 {
				continue
			}
			p.SplitTake[cell] = towards(p.SplitTake[cell], split.Take, n)
			for v := range venues {
				if venues[v].Kind == market.Lit {
					p.Venues[v].SplitPost[cell] = towards(p.Venues[v].SplitPost[cell], split.Post[v], n)
					p.Venues[v].Known |= policy.KnownSplit
				}
			}
		}
	}
	return count
}

// towards returns a share of 1/65536 moved towards one that n windows showed.
func towards(prior uint16, share float64, n int) uint16 {
	return uint16((float64(prior)*priorWindows + share*policy.One*float64(n)) / float64(priorWindows+n))
}
