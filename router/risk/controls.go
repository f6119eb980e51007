package risk

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"penstock/event"
	"penstock/internal/assert"
	"penstock/internal/warm"
	"penstock/market"
)

// Controls are the limits beyond those of single orders. None has a default: a zero is
// refused. A core without Controls (nil) trades for nobody but a replay.
type Controls struct {
	FirmCredit market.Money // of all clients together, and of orders that nobody knows
	Clients    []Client     // by the number of the client's session
	Restricted []bool       // by InstrumentID: nothing is traded

	StrategyRate int64 // orders and cancels a second of one strategy at one venue
	// RepeatOrders orders, or as many fills, of one parent within RepeatNanos disable its
	// strategy until a named person enables it.
	RepeatOrders int
	RepeatNanos  int64
	// SameOrders is how many equal orders of a client (instrument, side, quantity and
	// price) may come within SameNanos.
	SameOrders int
	SameNanos  int64

	Canary *Canary // nil: the policy has no caps
	// Decimals are those of a notional, by InstrumentID.
	Decimals []uint8
}

// Client is what one client may do.
type Client struct {
	Credit      market.Money // the most that it may have open and executed, at orders' prices
	Instruments []bool       // by InstrumentID
	Venues      []bool       // by VenueID
	Short       bool         // may sell short
	Exempt      bool         // may mark short sales exempt from a price test
	Unlocated   bool         // its short sales need nobody who located the stock
}

// Validate names the first limit that is missing or impossible.
func (c *Controls) Validate(instruments, venues int) error {
	for _, l := range []struct {
		name  string
		value int64
	}{
		{"firm_credit", int64(c.FirmCredit)}, {"strategy_rate", c.StrategyRate}, {"repeat_orders", int64(c.RepeatOrders)},
		{"repeat_window", c.RepeatNanos}, {"same_orders", int64(c.SameOrders)}, {"same_window", c.SameNanos},
	} {
		if l.value <= 0 {
			return fmt.Errorf("control %s must be set and positive: no limit has a default", l.name)
		}
	}
	switch {
	case c.StrategyRate > maxRate || c.SameOrders > maxSame || c.RepeatOrders > maxRate:
		return fmt.Errorf("controls: strategy_rate and repeat_orders are at most %d, same_orders %d", maxRate, maxSame)
	case len(c.Clients) == 0:
		return errors.New("controls: no client may trade: name each with its credit, symbols and venues")
	case len(c.Restricted) != instruments || len(c.Decimals) != instruments:
		return errors.New("controls: the restricted list is not one of these instruments")
	}
	for i := range c.Clients {
		cl := &c.Clients[i]
		if cl.Credit <= 0 || cl.Credit > market.MaxMoney {
			return fmt.Errorf("client %d: credit must be set and positive: no limit has a default", i)
		}
		if len(cl.Instruments) != instruments || len(cl.Venues) != venues {
			return fmt.Errorf("client %d: permissions must name its symbols and venues", i)
		}
	}
	if k := c.Canary; k != nil {
		if k.Orders <= 0 || k.Notional <= 0 || len(k.Instruments) != instruments || len(k.Venues) != venues {
			return errors.New("canary: policy, orders, notional, symbols and venues must be set: no limit has a default")
		}
	}
	return nil
}

const (
	maxRate = 100_000
	maxSame = 1_000
	// maxStrategies is how many TargetStrategy(847) numbers from 1000 on have accounts.
	maxStrategies = 8
	sameKept      = 512 // orders of clients that are remembered to find equal ones
)

// controls are the accounts that Controls need.
type controls struct {
	Controls
	venues     []uint16       // by client: where it trades, one bit each
	used       []market.Money // by client: open and executed, at orders' prices
	firm       market.Money
	disabled   [maxStrategies]bool
	rates      [maxStrategies][market.MaxVenues]window
	repeats    []repeat // by parent slot
	same       [sameKept]sameOrder
	sameNext   int
	hardCredit []market.Money // by client, as configured
	canary     canaryUse
	capped     uint64 // the policy that the caps hold for
	confirmed  bool   // persons took the caps off
	canaryOut  bool   // a cap was reached: the policy is out
}

type repeat struct {
	from          int64
	orders, fills int32
}

type sameOrder struct {
	at         int64
	qty        market.Qty
	limit      market.Price
	instrument market.InstrumentID
	client     uint16
	side       market.Side
	mark       market.Mark
}

func strategyIndex(s event.Strategy) int { return int(s-1000) & (maxStrategies - 1) }

// Control gives the gate its controls, before the first order. parents is how many the
// core may have.
func (g *Gate) Control(c *Controls, venues []market.Venue, parents int) error {
	if err := c.Validate(len(g.limits), len(venues)); err != nil {
		return err
	}
	k := &controls{Controls: *c, used: make([]market.Money, len(c.Clients)), repeats: make([]repeat, parents)}
	if c.Canary != nil {
		k.capped = c.Canary.Policy
	}
	k.Clients = slices.Clone(c.Clients)
	for i := range c.Clients {
		k.hardCredit = append(k.hardCredit, c.Clients[i].Credit)
		set := uint16(0)
		for v, may := range c.Clients[i].Venues {
			if may {
				set |= 1 << v
			}
		}
		k.venues = append(k.venues, set)
	}
	for s := range k.rates {
		for v := range venues {
			k.rates[s][v] = newWindow(c.StrategyRate)
		}
	}
	for i := range k.repeats {
		k.repeats[i].from = -1 << 62
	}
	for i := range k.same {
		k.same[i].at = -1 << 62
	}
	g.controls = k
	return nil
}

// Request is a client's order as the gate judges it before its size and price.
type Request struct {
	Client     uint16
	Strategy   event.Strategy
	Instrument market.InstrumentID
	Side       market.Side
	Mark       market.Mark
	Located    bool // it says who located what it sells short
	Qty        market.Qty
	Limit      market.Price
}

// sells reports whether the client may sell with a mark.
func (c *Client) sells(m market.Mark) bool {
	return m == market.Long || m == market.Short && c.Short || m == market.ShortExempt && c.Exempt
}

// Allows returns the venues where a client trades an instrument, one bit each, as far as its
// own list says.
func (g *Gate) Allows(client uint16, in market.InstrumentID) uint16 {
	k := g.controls
	switch {
	case k == nil:
		return math.MaxUint16
	case int(client) >= len(k.Clients) || !k.Clients[client].Instruments[in]:
		return 0
	}
	return k.venues[client]
}

// Client judges whether a client may give an order at all, at now.
func (g *Gate) Client(r *Request, now int64) event.Reason {
	if why := g.killedBy(market.NoVenue, r.Instrument, r.Client, r.Strategy, 0); why != event.ReasonNone {
		return g.refuse(why)
	}
	k := g.controls
	switch {
	case k == nil && r.Mark != market.Long:
		return g.refuse(event.ReasonNoShorts) // nobody has permitted any
	case k == nil:
		return event.ReasonNone
	}
	switch {
	case int(r.Client) >= len(k.Clients) || !k.Clients[r.Client].Instruments[r.Instrument]:
		return g.refuse(event.ReasonNotPermitted)
	case k.Restricted[r.Instrument]:
		return g.refuse(event.ReasonRestricted)
	case !k.Clients[r.Client].sells(r.Mark):
		return g.refuse(event.ReasonNoShorts)
	case r.Mark != market.Long && !r.Located && !k.Clients[r.Client].Unlocated:
		return g.refuse(event.ReasonLocate)
	case k.disabled[strategyIndex(r.Strategy)]:
		return g.refuse(event.ReasonDisabled)
	case k.again(r, now):
		return g.refuse(event.ReasonRepeatedOrder)
	}
	return event.ReasonNone
}

// again remembers an order of a client and reports whether it is one too many of its kind.
func (k *controls) again(r *Request, now int64) bool {
	o := sameOrder{at: now, qty: r.Qty, limit: r.Limit, instrument: r.Instrument, client: r.Client, side: r.Side, mark: r.Mark}
	seen := 0
	for i := 1; i <= sameKept; i++ {
		p := &k.same[(k.sameNext-i+sameKept)%sameKept]
		if now-p.at >= k.SameNanos {
			break // older ones are older still
		}
		at := p.at
		p.at = now
		if *p == o {
			seen++
		}
		p.at = at
	}
	k.same[k.sameNext] = o
	k.sameNext = (k.sameNext + 1) % sameKept
	return seen >= k.SameOrders
}

// control judges who may give a child at all.
func (g *Gate) control(o *Order) event.Reason {
	if len(g.scopes) > 0 {
		if why := g.killedBy(o.Venue, o.Instrument, o.Client, o.Strategy, o.Policy); why != event.ReasonNone {
			return why
		}
	}
	k := g.controls
	switch {
	case k == nil && o.Mark != market.Long:
		return event.ReasonNoShorts
	case k == nil:
		return event.ReasonNone
	}
	if why := k.may(o); why != event.ReasonNone {
		return why
	}
	if k.venues[o.Client]>>(o.Venue&(market.MaxVenues-1))&1 == 0 {
		return event.ReasonNotPermitted
	}
	return event.ReasonNone
}

// may judges what never changes: whether the client trades such orders at all.
func (k *controls) may(o *Order) event.Reason {
	switch {
	case int(o.Client) >= len(k.Clients) || !k.Clients[o.Client].Instruments[o.Instrument]:
		return event.ReasonNotPermitted
	case k.Restricted[o.Instrument]:
		return event.ReasonRestricted
	case !k.Clients[o.Client].sells(o.Mark):
		return event.ReasonNoShorts
	}
	return event.ReasonNone
}

// spend judges an order that may be given, with a notional of n, by what is left of the limits at now, and
// takes it from the rates.
func (g *Gate) spend(o *Order, n market.Notional, now int64) event.Reason {
	assert.That(g.unbooked == nil, "an order is booked before the next one is judged")
	cost, why := g.left(o, n, Claim{}, now)
	g.approved.order.cost = cost
	switch why {
	case event.ReasonNone:
		g.take(o, cost, now)
	case event.ReasonCanary:
		g.controls.canaryOut = true
	case event.ReasonDisabled:
		g.controls.disabled[strategyIndex(o.Strategy)] = true
	}
	return why
}

// take takes from the rates what an order needs for which they leave room.
func (g *Gate) take(o *Order, cost market.Money, now int64) {
	k, v, s := g.controls, o.Venue&(market.MaxVenues-1), strategyIndex(o.Strategy)
	g.windows[v].order(now)
	if k == nil {
		return
	}
	k.rates[s][v].order(now)
	r := &k.repeats[o.Slot]
	k.begin(r, now)
	r.orders++
	if k.isCanary(o.Policy) {
		k.canary.orders++
		k.canary.notional += cost
	}
}

// left reports whether the limits leave room at now for an order with a notional of n behind those of a claim, and what
// it counts for its client.
func (g *Gate) left(o *Order, n market.Notional, before Claim, now int64) (cost market.Money, why event.Reason) {
	k, v := g.controls, o.Venue&(market.MaxVenues-1)
	if k != nil {
		s := strategyIndex(o.Strategy)
		cost = n.Money(k.Decimals[o.Instrument])
		switch {
		case k.disabled[s]:
			return 0, event.ReasonDisabled
		case k.used[o.Client] > k.Clients[o.Client].Credit-before.cost-cost, k.firm > k.FirmCredit-before.cost-cost:
			return 0, event.ReasonCredit
		case k.isCanary(o.Policy) && !k.canaryMay(o.Instrument, o.Venue, before, cost):
			return 0, event.ReasonCanary
		case !k.rates[s][v].room(now):
			return 0, event.ReasonStrategyRate
		case !k.mayRepeat(&k.repeats[o.Slot], before.orders, now):
			return 0, event.ReasonDisabled
		}
	}
	if !g.windows[v].room(now) {
		return 0, event.ReasonMsgRate
	}
	return cost, event.ReasonNone
}

// RewarmControls asks for what control and spend read and write of an order: its client, strategy, instrument and
// slot count.
func (g *Gate) RewarmControls(o *Order) {
	k := g.controls
	if k == nil || int(o.Client) >= len(k.Clients) {
		return
	}
	warm.Span(&k.Controls, &k.disabled)
	warm.Span(&k.sameNext, &k.canaryOut)
	cl := &k.Clients[o.Client]
	warm.Of(cl)
	warm.Of(&cl.Instruments[o.Instrument])
	warm.Of(&k.venues[o.Client])
	warm.Of(&k.used[o.Client])
	warm.Of(&k.Restricted[o.Instrument])
	warm.Of(&k.Decimals[o.Instrument])
	warm.Of(&k.repeats[o.Slot])
	rates := &k.rates[strategyIndex(o.Strategy)]
	warm.Of(rates)
	for v := range rates {
		rates[v].rewarm()
	}
}

func (k *controls) money(in market.InstrumentID, price market.Price, qty market.Qty) market.Money {
	n, ok := price.Notional(qty)
	if !ok {
		return market.MaxMoney
	}
	return n.Money(k.Decimals[in])
}

// mayRepeat reports whether a parent may send one more order, behind some more than r has.
func (k *controls) mayRepeat(r *repeat, more int, now int64) bool {
	if k.over(r, now) {
		return more < k.RepeatOrders
	}
	return int(r.orders)+more < k.RepeatOrders && int(r.fills) < k.RepeatOrders
}

// over reports whether the window of a parent is over.
func (k *controls) over(r *repeat, now int64) bool { return now-r.from >= k.RepeatNanos }

// begin begins another window of a parent when its last is over.
func (k *controls) begin(r *repeat, now int64) {
	if k.over(r, now) {
		*r = repeat{from: now}
	}
}

// Exposure returns what an order counts for its client: qty is all that it may execute
// while it is open, and then what it did.
func (g *Gate) Exposure(in market.InstrumentID, price market.Price, qty market.Qty) market.Money {
	if g.controls == nil {
		return 0
	}
	return g.controls.money(in, price, qty)
}

// Expose changes what a client has open and executed: counted when an order is sent, given
// back only for what can never execute.
func (g *Gate) Expose(client uint16, change market.Money) {
	if k := g.controls; k != nil && int(client) < len(k.used) {
		k.used[client] += change
		k.firm += change
	}
}

// ExposeFirm changes what the firm has open and executed by an order that no client is known
// for.
func (g *Gate) ExposeFirm(change market.Money) {
	if g.controls != nil {
		g.controls.firm += change
	}
}

// Used returns what a client has open and executed.
func (g *Gate) Used(client uint16) market.Money {
	if k := g.controls; k != nil && int(client) < len(k.used) {
		return k.used[client]
	}
	return 0
}

// UsedByFirm returns what all clients, and orders that nobody knows, have open and executed.
func (g *Gate) UsedByFirm() market.Money {
	if g.controls == nil {
		return 0
	}
	return g.controls.firm
}

// Filled counts a fill of a parent; false says that it was one too many within the window,
// and the strategy is disabled now.
func (g *Gate) Filled(slot int32, s event.Strategy, now int64) bool {
	k := g.controls
	if k == nil {
		return true
	}
	r := &k.repeats[slot]
	k.begin(r, now)
	r.fills++
	if int(r.fills) <= k.RepeatOrders || k.disabled[strategyIndex(s)] {
		return true
	}
	k.disabled[strategyIndex(s)] = true
	return false
}

// Disabled reports whether a strategy is disabled.
func (g *Gate) Disabled(s event.Strategy) bool {
	return g.controls != nil && g.controls.disabled[strategyIndex(s)]
}

// Enable lets a strategy send again, and its parents begin a new window.
func (g *Gate) Enable(s event.Strategy) {
	if k := g.controls; k != nil {
		k.disabled[strategyIndex(s)] = false
		for i := range k.repeats {
			k.repeats[i] = repeat{from: -1 << 62}
		}
	}
}
