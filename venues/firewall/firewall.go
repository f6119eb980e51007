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
	waiting  waiting
	parents  []parent
	count    int
	byParent table
	children []child
	sent     int
	byChild  table
	used     []market.Money // by client: open and executed, at orders' prices
	stats    Stats
}

// parent is a client's order with what was done for it.
type parent struct {
	number uint64
	order  Order
	cum    market.Qty // executed
	out    market.Qty // may still execute at venues
	shown  market.Qty // the most that lit venues display of it at once
	// beyond is what was executed without being open: after the end of its order, or more than
	// that was. excuses is how many orders may meet it before the core is taken for wrong.
	beyond  market.Qty
	excuses int
}

// child is an order that left.
type child struct {
	number uint64
	qty    market.Qty // the most it may execute
	cum    market.Qty
	price  market.Price // at which it counts
	parent int32
	venue  market.VenueID
	open   bool
	shows  market.Qty // the most that its venue displays of it at once
	idle   bool       // conditional: it cannot trade, nothing of its parent is out with it
	acked  bool       // the venue spoke of it
	asked  bool       // a cancel is out
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
		used: make([]market.Money, len(cfg.Credit)),
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
	if o.at = s.parent; f.parents[o.at].number != o.parent || o.parent == 0 {
		if o.at = f.sought(o.parent); o.at < 0 {
			return UnknownParent
		}
		s.parent = o.at
	}
	p := &f.parents[o.at]
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
	switch {
	case f.used[p.order.Client] > f.cfg.Credit[p.order.Client]-o.cost:
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
	f.used[p.order.Client] += o.cost
	f.stats.Orders++
	if o.replaces != nil {
		f.rebook(o, p)
		return
	}
	c := &f.children[f.sent]
	c.number, c.qty, c.cum, c.price, c.shows = o.id, o.qty, 0, o.counts, o.shows
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

// execute moves what a child executed to cum, if that is more.
func (f *Firewall) execute(c *child, cum market.Qty) {
	if cum <= c.cum || cum > market.MaxQty {
		return
	}
	p := &f.parents[c.parent]
	left, counted := c.left(), f.exposure(c)
	p.cum += cum - c.cum
	before := c.cum
	c.cum = cum
	p.out -= left - c.left()
	f.used[p.order.Client] += f.exposure(c) - counted
	if extra := cum - before - (left - c.left()); extra > 0 {
		p.beyond += extra
		p.excuses = excused
	}
}

// excused is how many orders of a parent the core may have on their way when an execution comes
// that nobody could expect: those of an epoch.
const excused = 64

// takeBack lowers what a child executed to cum: the venue takes an execution back or corrects
// it. An open child may execute as much again. What is taken back of one that is over is not
// executed, so it does not count; that nobody routes it again is the core's to see to.
func (f *Firewall) takeBack(c *child, cum market.Qty) {
	if cum >= c.cum || cum < 0 {
		return
	}
	p := &f.parents[c.parent]
	left, counted := c.left(), f.exposure(c)
	p.cum -= c.cum - cum
	c.cum = cum
	p.out += c.left() - left
	f.used[p.order.Client] += f.exposure(c) - counted
}

// restate lowers the quantity of an open child to what the venue says it has, not below what
// it executed. More than was sent is not adopted.
func (f *Firewall) restate(c *child, qty market.Qty) {
	if !c.open || qty <= 0 || qty >= c.qty {
		return
	}
	p := &f.parents[c.parent]
	left, counted := c.left(), f.exposure(c)
	c.qty = max(qty, c.cum)
	p.out -= left - c.left()
	f.used[p.order.Client] += f.exposure(c) - counted
}

// release ends a child: what it did not execute it will not.
func (f *Firewall) release(c *child) {
	if !c.open {
		return
	}
	p, counted := &f.parents[c.parent], f.exposure(c)
	p.out -= c.left()
	p.shown -= c.displayed()
	c.open = false
	f.used[p.order.Client] += f.exposure(c) - counted
	f.stats.Open--
}

// Unsent says that an order which was let through never left whole: the socket broke.
func (f *Firewall) Unsent(number uint64) {
	if i := f.byChild.find(number); i >= 0 {
		f.stats.Unsent++
		f.release(&f.children[i])
	}
}

// Ended takes the word of a drop copy that a child is over. It counts when it knows of no other
// executions than the order session told: those alone move quantities.
func (f *Firewall) Ended(number uint64, cum market.Qty) {
	if i := f.byChild.find(number); i >= 0 && f.children[i].cum == cum {
		f.release(&f.children[i])
	}
}

// Resolve takes the word of persons who settled a child. ended says that it cannot execute any
// more.
func (f *Firewall) Resolve(number uint64, cum market.Qty, ended bool) {
	i := f.byChild.find(number)
	if i < 0 {
		f.stats.Orphans++
		return
	}
	f.execute(&f.children[i], cum)
	if c := &f.children[i]; ended && cum == c.cum {
		f.release(c)
	}
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
	used := make([]market.Money, len(f.used))
	open := 0
	for i := range f.children[:f.sent] {
		c := &f.children[i]
		used[f.parents[c.parent].order.Client] += f.exposure(c)
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
		if p.shown != shown[i] {
			return fmt.Sprintf("parent %d: %d displayed, of its orders %d", p.number, p.shown, shown[i])
		}
	}
	for i := range used {
		if used[i] != f.used[i] {
			return fmt.Sprintf("client %d: used %d, its orders %d", i, f.used[i], used[i])
		}
	}
	if open != f.stats.Open {
		return fmt.Sprintf("%d open orders are counted as %d", open, f.stats.Open)
	}
	return ""
}
