package firewall

import "penstock/market"

// Order is what a client ordered, as its message said it.
type Order struct {
	Qty        market.Qty
	Limit      market.Price // 0: none
	Display    market.Qty   // the most that lit venues may show; 0: all, or in a replace as before
	Instrument market.InstrumentID
	Client     uint16
	Strategy   uint16
	Side       market.Side // 0 of a replace
	Mark       market.Mark
	ID         [20]byte // ClOrdID(11), zero padded
	Locate     [20]byte // who located what is sold short, zero padded
}

// locatedBy reports whether the client named who located the stock so.
func (o *Order) locatedBy(text []byte) bool {
	var said [20]byte
	return len(text) <= len(said) && copy(said[:], text) > 0 && said == o.Locate
}

// Accepted says which number the router gave to a client's order, or that a replace of it
// holds now.
type Accepted struct {
	Number uint64
	ID     [20]byte
	Client uint16
}

// waitingRoom is of orders that wait to be accepted or refused: more than the core can have
// before it.
const waitingRoom = 1 << 14

// waiting are the latest orders of clients, to be found when they are accepted.
type waiting struct {
	orders [waitingRoom]Order
	n      uint // ever added
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

// Ordered says what a client ordered. It must be known before its acceptance.
func (f *Firewall) Ordered(o *Order) {
	f.waiting.orders[f.waiting.n%waitingRoom] = *o
	f.waiting.n++
}

// Accept says that an order has a number now, or a replace of it holds.
func (f *Firewall) Accept(a *Accepted) {
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
	if o.Client == p.order.Client && o.Instrument == p.order.Instrument && (o.Side == 0 || o.Side == p.order.Side && o.Mark == p.order.Mark) {
		p.order.ID, p.order.Qty, p.order.Limit = o.ID, max(o.Qty, p.cum), o.Limit
		if o.Display != 0 {
			p.order.Display = o.Display
		}
	} else {
		f.stats.Unknown++
	}
}

func (f *Firewall) addParent(number uint64, o *Order) {
	if f.count == len(f.parents) || int(o.Client) >= len(f.accounts) || int(o.Instrument) >= len(f.cfg.Limits) || number == 0 {
		f.stats.Unknown++
		return
	}
	f.parents[f.count] = parent{number: number, order: *o, at: int32(f.count), what: whatOf(o.Instrument, o.Side, o.Mark)}
	f.byParent.put(number, int32(f.count))
	f.count++
}
