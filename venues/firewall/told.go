package firewall

import (
	"penstock/internal/ring"
	"penstock/market"
)

// Order is what a client ordered, as its message said it.
type Order struct {
	ID         [20]byte // ClOrdID(11), zero padded
	Qty        market.Qty
	Limit      market.Price // 0: none
	Instrument market.InstrumentID
	Client     uint16
	Strategy   uint16
	Side       market.Side // 0 of a replace
}

// Accepted says which number the router gave to a client's order, or that a replace of it
// holds now.
type Accepted struct {
	Number uint64
	ID     [20]byte
	Client uint16
}

// Told carries to the firewall what it cannot read from the order sessions. Orders comes
// from the goroutine that reads clients' messages, before the core hears of the order;
// Accepted from the core's goroutine, before a child of the order is sent.
type Told struct {
	Orders   *ring.SPSC[Order]
	Accepted *ring.SPSC[Accepted]
}

// Rooms of the rings, and of the orders that wait to be accepted or refused: more than the
// core can have before it.
const (
	toldRing    = 1 << 13
	waitingRoom = 1 << 14
)

func newTold() Told {
	return Told{Orders: ring.New[Order](toldRing), Accepted: ring.New[Accepted](toldRing)}
}

// waiting are the latest orders of clients, to be found when they are accepted.
type waiting struct {
	orders [waitingRoom]Order
	n      uint // ever added
}

func (w *waiting) add(o *Order) {
	w.orders[w.n%waitingRoom] = *o
	w.n++
}

// find looks from the newest back: an acceptance follows its order soon.
func (w *waiting) find(a *Accepted) *Order {
	for i := uint(1); i <= waitingRoom && i <= w.n; i++ {
		if o := &w.orders[(w.n-i)%waitingRoom]; o.Client == a.Client && o.ID == a.ID {
			return o
		}
	}
	return nil
}

// Listen takes what was told since. It costs two loads when nothing was.
func (f *Firewall) Listen() {
	if f.told.Orders.Empty() && f.told.Accepted.Empty() {
		return
	}
	var a Accepted
	for {
		// All acceptances known now have their orders in the other ring by now.
		if !f.told.Accepted.Pop(&a) {
			break
		}
		f.hear()
		f.accept(&a)
	}
	f.hear()
}

func (f *Firewall) hear() {
	var o Order
	for f.told.Orders.Pop(&o) {
		f.waiting.add(&o)
	}
}

func (f *Firewall) accept(a *Accepted) {
	o := f.waiting.find(a)
	if o == nil {
		f.stats.Unknown++
		return
	}
	i := f.byParent.find(a.Number)
	if i < 0 {
		f.addParent(a.Number, o)
		return
	}
	p := &f.parents[i] // replaced: side, symbol and strategy stay
	if o.Client == p.order.Client && o.Instrument == p.order.Instrument && (o.Side == 0 || o.Side == p.order.Side) {
		p.order.ID, p.order.Qty, p.order.Limit = o.ID, max(o.Qty, p.cum), o.Limit
	} else {
		f.stats.Unknown++
	}
}

func (f *Firewall) addParent(number uint64, o *Order) {
	if f.count == len(f.parents) || int(o.Client) >= len(f.used) || int(o.Instrument) >= len(f.cfg.Limits) || number == 0 {
		f.stats.Unknown++
		return
	}
	f.parents[f.count] = parent{number: number, order: *o}
	f.byParent.put(number, int32(f.count))
	f.count++
}
