package sim

import (
	"slices"

	"penstock/event"
	"penstock/market"
)

// Fader is a maker who shows the same interest on several exchanges and wants to trade it once:
// when it hears that one of its orders traded, it takes the others away. Its ways to the
// exchanges take their time, like everybody's.
type Fader struct {
	owner     uint32
	exchanges []*Exchange
	ways      []int64 // to each exchange, ns, one way
	shown     []event.ID
	cancels   []fade // under way, by time
	n         uint64
}

type fade struct {
	at    int64
	venue int
}

// NewFader returns a maker with ways of so many ns to exchanges.
func NewFader(owner uint32, exchanges []*Exchange, ways []int64) *Fader {
	return &Fader{owner: owner, exchanges: exchanges, ways: ways, shown: make([]event.ID, len(exchanges))}
}

// Show puts an order of qty at price on every exchange.
func (f *Fader) Show(now int64, side market.Side, price market.Price, qty market.Qty) {
	f.cancels = f.cancels[:0]
	for v, e := range f.exchanges {
		if f.shown[v] != (event.ID{}) {
			e.Cancel(now, f.owner, f.id(), f.shown[v])
		}
		f.shown[v] = f.id()
		e.Enter(now, Order{Owner: f.owner, ClOrdID: f.shown[v], Side: side, Price: price, Qty: qty, OrdType: market.OrdLimit, TIF: market.TIFDay})
	}
}

func (f *Fader) id() (id event.ID) {
	f.n++
	id, _ = event.MakeID(append([]byte("F"), market.AppendDecimal(nil, int64(f.n), 0)...))
	return id
}

// Traded tells the maker that its order on exchange v traded at now. It hears that after the way
// from there, and its cancels arrive after the ways to the others.
func (f *Fader) Traded(now int64, v int) {
	for k := range f.exchanges {
		if k == v || f.shown[k] == (event.ID{}) {
			continue
		}
		c := fade{now + f.ways[v] + f.ways[k], k}
		i, _ := slices.BinarySearchFunc(f.cancels, c, func(a, b fade) int { return int(a.at - b.at) })
		f.cancels = slices.Insert(f.cancels, i, c)
	}
}

// Advance lets the cancels arrive that are due, and returns when the next is.
func (f *Fader) Advance(now int64) (next int64) {
	for len(f.cancels) > 0 && f.cancels[0].at <= now {
		v := f.cancels[0].venue
		f.cancels = slices.Delete(f.cancels, 0, 1)
		f.exchanges[v].Cancel(now, f.owner, f.id(), f.shown[v])
		f.shown[v] = event.ID{}
	}
	if len(f.cancels) == 0 {
		return Never
	}
	return f.cancels[0].at
}
