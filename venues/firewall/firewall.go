package firewall

import (
	"errors"
	"fmt"
	"math/bits"

	"penstock/market"
)

// Limits bound one order in an instrument. None has a default.
type Limits struct {
	MaxQty      market.Qty
	MaxNotional market.Notional
	Low, High   market.Price // band in which every price must be
	Decimals    uint8        // of MaxNotional: those of a price and of a quantity together
}

// Shorts is what a client may sell short.
type Shorts struct{ Short, Exempt bool }

// Config is what a Firewall needs to know. It does not change.
type Config struct {
	Limits      []Limits       // by InstrumentID
	Credit      []market.Money // by client: the most it may have open and executed, at orders' prices
	Shorts      []Shorts       // by client; one that is not there sells nothing short
	MaxParents  int
	MaxChildren int
	Latch       *Latch
	// Ask lets whoever carries what clients ordered and which numbers they got tell what is
	// new, by Ordered and Accept; false: nothing was. It is called when an order cannot be
	// judged without.
	Ask func() bool
	// Trip is called for each violation, after the latch was set. The goroutine that works
	// the gateways; it must not block.
	Trip func(*Violation)
}

func (c *Config) validate() error {
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.MaxQty <= 0 || l.MaxNotional <= 0 || l.Low <= 0 || l.High < l.Low || l.Decimals > maxDigits {
			return fmt.Errorf("firewall: instrument %d: quantity, notional and band must be set: %+v", i, *l)
		}
	}
	for i, n := range c.Credit {
		if n <= 0 {
			return fmt.Errorf("firewall: client %d: the credit must be set and positive", i)
		}
	}
	switch {
	case len(c.Limits) == 0 || len(c.Credit) == 0 || c.MaxParents <= 0 || c.MaxChildren <= 0:
		return errors.New("firewall: limits, credit and rooms for parents and children must be set")
	case c.Latch == nil || c.Trip == nil || c.Ask == nil:
		return errors.New("firewall: latch, trip and ask must be set")
	}
	return nil
}

// Firewall holds the accounts over all order sessions.
type Firewall struct {
	cfg      Config
	parents  []parent
	count    int
	byParent table
	children []child
	sent     int
	byChild  table
	accounts []account // by client
	stats    Stats
	waiting  waiting
}

// account is what a client has open and executed, at orders' prices, and the most that it may.
type account struct{ used, credit market.Money }

// parent is a client's order with what was done for it.
//
// What each of its orders is judged by comes first and fills one cache line.
type parent struct {
	number uint64
	cum    market.Qty // executed
	out    market.Qty // may still execute at venues
	shown  market.Qty // the most that lit venues display of it at once
	order  Order
	// beyond is what was executed without being open: after the end of its order, or more than
	// that was. excuses is how many orders may meet it before the core is taken for wrong.
	beyond  market.Qty
	excuses int32
	at      int32  // of itself
	what    uint32 // see whatOf
	_       [4]byte
}

// child is an order that left. It fills a cache line.
type child struct {
	number  uint64
	qty     market.Qty // the most it may execute
	cum     market.Qty
	price   market.Price // at which it counts
	shows   market.Qty   // the most that its venue displays of it at once
	counted market.Money // its exposure as it is in its client's account
	parent  int32
	venue   market.VenueID
	open    bool
	idle    bool // conditional: it cannot trade, nothing of its parent is out with it
	acked   bool // the venue spoke of it
	asked   bool // a cancel is out
}

// exposure is what an order counts for its client: all that it may execute while it is
// open, then what it did.
func (f *Firewall) exposure(c *child) market.Money {
	qty := c.cum
	if c.open && !c.idle {
		qty = max(qty, c.qty)
	}
	n, ok := c.price.Notional(qty)
	if !ok {
		return market.MaxMoney
	}
	return n.Money(f.cfg.Limits[f.parents[c.parent].order.Instrument].Decimals)
}

// recount moves what a child counts for its client to its exposure.
func (f *Firewall) recount(c *child, p *parent) {
	counts := market.Money(0)
	if c.open || c.cum != 0 {
		counts = f.exposure(c)
	}
	f.accounts[p.order.Client].used += counts - c.counted
	c.counted = counts
}

func (c *child) left() market.Qty {
	if !c.open || c.idle {
		return 0
	}
	return max(c.qty-c.cum, 0)
}

// New returns a firewall with all its memory taken.
func New(cfg Config) (*Firewall, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	f := &Firewall{
		cfg: cfg, parents: make([]parent, cfg.MaxParents), byParent: newTable(cfg.MaxParents),
		children: make([]child, cfg.MaxChildren), byChild: newTable(cfg.MaxChildren),
		accounts: make([]account, len(cfg.Credit)),
	}
	for i, most := range cfg.Credit {
		f.accounts[i].credit = most
	}
	// Write to every page now: its first use must not fault on the way of an order.
	for i := range f.children {
		f.children[i].parent = -1
	}
	return f, nil
}

// taken reports whether an order has the number of one before; if not, it keeps where the
// number will stand.
func (f *Firewall) taken(o *wireOrder) bool {
	o.slot = f.byChild.slot(o.id)
	return o.slot.at >= 0
}

// sought is find of a parent that may not be known yet.
//
//go:noinline
func (f *Firewall) sought(number uint64) int32 {
	i := f.byParent.find(number)
	if i < 0 {
		f.cfg.Ask()
		i = f.byParent.find(number)
	}
	return i
}

// judge returns why an order may not leave, Clear when it may. It changes nothing.
func (f *Firewall) judge(s *Session, o *wireOrder, policy uint64) Reason {
	// Mostly one more of the parent before.
	p := s.parent
	if o.at = p.at; p.number != o.parent || o.parent == 0 || p == &nobody {
		if o.at = f.sought(o.parent); o.at < 0 {
			return UnknownParent
		}
		p = &f.parents[o.at]
		s.parent = p
	}
	in := p.order.Instrument
	if k := f.cfg.Latch.set.Load(); k != nil && k.covers(s.cfg.Venue, p, policy) {
		return Killed
	}
	switch l := &f.cfg.Limits[in]; {
	case int(o.listed)-1 != int(in) && !s.lists(in, o.symbol):
		return WrongSymbol
	case o.side != p.order.Side:
		return WrongSide
	case o.mark != p.order.Mark:
		return ShortMark
	case o.mark != market.Long && !f.shorts(p.order.Client, o.mark):
		return NoShorts
	case o.seen&sawLocate != 0 && !p.order.locatedBy(o.locate):
		return Locate
	case o.spelt() && !s.numbers(o, in):
		return Malformed
	case o.qty <= 0 || o.qty > l.MaxQty:
		return Quantity
	case o.price == 0 && o.ordType != market.OrdMarket:
		return Malformed
	case o.price != 0 && (o.price < l.Low || o.price > l.High):
		return Band
	case p.order.Limit != 0 && (o.price == 0 || o.side.Better(p.order.Limit, o.price)):
		return f.again(s, o, p, Limit)
	}
	return f.amount(s, o, p)
}

// lists reports whether text is how the venue spells instrument in.
//
//go:noinline
func (s *Session) lists(in market.InstrumentID, text []byte) bool {
	return int(in) < len(s.symbols) && s.symbols[in].Text == string(text)
}

// amount judges how much an order may be.
func (f *Firewall) amount(s *Session, o *wireOrder, p *parent) Reason {
	l := &f.cfg.Limits[p.order.Instrument]
	if o.counts = o.price; o.counts == 0 {
		o.counts = l.High // what a market order may cost at most
	}
	more := o.qty
	if o.replaces != nil {
		more = max(o.qty-o.replaces.qty, 0)
	}
	hi, n := bits.Mul64(uint64(o.counts), uint64(o.qty)) // both are positive
	if hi != 0 || int64(n) < 0 || market.Notional(n) > l.MaxNotional {
		return Notional
	}
	out, cum := p.out, p.cum
	if o.idle {
		// It cannot trade: it may show what is out as well, and what was executed but the core
		// has not booked yet. Its firm order is judged with both.
		out, cum = 0, 0
	}
	if o.shows = s.shows(o); p.order.Display != 0 && !o.idle && f.shown(o, p) > p.order.Display-o.shows {
		return f.again(s, o, p, Display)
	}
	if cum+out > p.order.Qty-more {
		return f.overfill(s, o, p, more)
	}
	if o.cost = 0; o.replaces != nil {
		o.cost = f.dearer(o)
	} else if !o.idle {
		o.cost = market.Notional(n).Money(l.Decimals)
	}
	a := &f.accounts[p.order.Client]
	switch {
	case a.used > a.credit-o.cost:
		return Credit
	case o.replaces == nil && f.sent == len(f.children):
		return Full
	case !s.rate.take(o.now):
		return Rate
	}
	return Clear
}

// shown returns what lit venues display of p without an order and what it replaces.
//
//go:noinline
func (f *Firewall) shown(o *wireOrder, p *parent) market.Qty {
	if o.replaces != nil {
		return p.shown - o.replaces.displayed()
	}
	return p.shown
}

// overfill judges an order for which its parent has no room.
//
//go:noinline
func (f *Firewall) overfill(s *Session, o *wireOrder, p *parent, more market.Qty) Reason {
	why := f.again(s, o, p, Overfill)
	if why == Overfill && !o.idle && p.excuses > 0 && p.cum+p.out-p.beyond <= p.order.Qty-more {
		p.excuses--
		why = Late
	}
	return why
}

// dearer returns what a replace adds to the exposure of the order that it replaces.
//
//go:noinline
func (f *Firewall) dearer(o *wireOrder) market.Money {
	c := o.replaces
	after := child{qty: max(o.qty, c.qty), price: max(o.counts, c.price), cum: c.cum, parent: o.at, open: true, idle: o.idle}
	return f.exposure(&after) - f.exposure(c)
}

// again judges once more when the client's order may have been replaced meanwhile.
//
//go:noinline
func (f *Firewall) again(s *Session, o *wireOrder, p *parent, why Reason) Reason {
	if o.asked {
		return why
	}
	o.asked = true
	if !f.cfg.Ask() {
		return why
	}
	if p.order.Limit != 0 && (o.price == 0 || o.side.Better(p.order.Limit, o.price)) {
		return Limit
	}
	return f.amount(s, o, p)
}

// book accounts for an order that leaves.
func (f *Firewall) book(s *Session, o *wireOrder) {
	p := &f.parents[o.at]
	f.accounts[p.order.Client].used += o.cost
	f.stats.Orders++
	if o.replaces != nil {
		f.rebook(o, p)
		return
	}
	c := &f.children[f.sent]
	c.number, c.qty, c.cum, c.price, c.shows, c.counted = o.id, o.qty, 0, o.counts, o.shows, o.cost
	c.parent, c.venue, c.open, c.idle, c.acked, c.asked = o.at, s.cfg.Venue, true, o.idle, false, false
	*o.slot = slot{o.id, int32(f.sent)}
	s.recent[o.seq%recentOrders] = recentOrder{o.seq, int32(f.sent)}
	f.sent++
	f.stats.Open++
	if !o.idle {
		p.out += o.qty
		p.shown += o.shows
	}
}

// rebook accounts for a replace that leaves.
//
//go:noinline
func (f *Firewall) rebook(o *wireOrder, p *parent) {
	c := o.replaces
	p.out -= c.left()
	p.shown -= c.displayed()
	c.qty, c.price, c.shows = max(o.qty, c.qty), max(o.counts, c.price), max(o.shows, c.shows)
	c.counted = f.exposure(c)
	p.out += c.left()
	p.shown += c.displayed()
}

// displayed returns the most that the child's venue displays of it at once, while it is open.
// What was executed of a part that is displayed counts on: the next part takes its place.
func (c *child) displayed() market.Qty {
	if !c.open || c.idle {
		return 0
	}
	return c.shows
}

// shows returns the most that the session's venue displays of an order at once.
func (s *Session) shows(o *wireOrder) market.Qty {
	switch {
	case !s.cfg.Lit || o.hidden || o.tif == market.TIFIOC || o.tif == market.TIFFOK || o.ordType == market.OrdPegged:
		return 0
	case o.show != 0:
		return min(o.show, o.qty)
	}
	return o.qty
}

// shorts reports whether a client may sell with a mark.
func (f *Firewall) shorts(client uint16, m market.Mark) bool {
	if int(client) >= len(f.cfg.Shorts) {
		return false
	}
	may := &f.cfg.Shorts[client]
	return m == market.Short && may.Short || m == market.ShortExempt && may.Exempt
}

// Stats returns the counters.
func (f *Firewall) Stats() Stats {
	s := f.stats
	s.Parents, s.Children = f.count, f.sent
	return s
}

// Recount adds the accounts up again and reports the first that does not agree, or "". It
// reads all children: for tests and for the end of a run.
func (f *Firewall) Recount() string {
	cum, out, shown := make([]market.Qty, f.count), make([]market.Qty, f.count), make([]market.Qty, f.count)
	used := make([]market.Money, len(f.accounts))
	open := 0
	for i := range f.children[:f.sent] {
		c := &f.children[i]
		if n := f.exposure(c); n != c.counted {
			return fmt.Sprintf("order %d: counted %d, its exposure %d", c.number, c.counted, n)
		}
		used[f.parents[c.parent].order.Client] += c.counted
		cum[c.parent] += c.cum
		out[c.parent] += c.left()
		shown[c.parent] += c.displayed()
		if c.open {
			open++
		}
	}
	for i := range f.parents[:f.count] {
		p := &f.parents[i]
		if p.cum != cum[i] || p.out != out[i] {
			return fmt.Sprintf("parent %d: executed %d and out %d, its orders %d and %d", p.number, p.cum, p.out, cum[i], out[i])
		}
		if p.at != int32(i) || p.what != whatOf(p.order.Instrument, p.order.Side, p.order.Mark) {
			return fmt.Sprintf("parent %d is taken for another", p.number)
		}
		if p.shown != shown[i] {
			return fmt.Sprintf("parent %d: %d displayed, of its orders %d", p.number, p.shown, shown[i])
		}
	}
	for i := range used {
		if used[i] != f.accounts[i].used {
			return fmt.Sprintf("client %d: used %d, its orders %d", i, f.accounts[i].used, used[i])
		}
	}
	if open != f.stats.Open {
		return fmt.Sprintf("%d open orders are counted as %d", open, f.stats.Open)
	}
	return ""
}
