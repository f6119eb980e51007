// Package risk is the pre-trade gate: every order message of the core passes
// through it, and only an order that it approved can be sent.
//
// Limits have no defaults. A missing reference price blocks (fail closed).
// Cancels are counted but never blocked. Single writer; not safe for concurrent
// use.
package risk

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"penstock/event"
	"penstock/internal/warm"
	"penstock/market"
)

// Limits bound the orders of one instrument. Zero is not "unlimited": it is
// refused.
type Limits struct {
	ParentMaxQty      market.Qty
	ParentMaxNotional market.Notional
	ChildMaxQty       market.Qty
	ChildMaxNotional  market.Notional
	CollarBps         int64 // greatest distance of a price from the reference, in 1/10000
	// HardMaxQty and HardMaxNotional are what no person can raise a child's limits above
	// while the router runs: the firewall's own. 0: they cannot be raised at all.
	HardMaxQty      market.Qty
	HardMaxNotional market.Notional
}

// Validate names the first limit that is missing or impossible.
func (l *Limits) Validate() error {
	for _, c := range []struct {
		name  string
		value int64
	}{
		{"parent_max_qty", int64(l.ParentMaxQty)}, {"parent_max_notional", int64(l.ParentMaxNotional)},
		{"child_max_qty", int64(l.ChildMaxQty)}, {"child_max_notional", int64(l.ChildMaxNotional)},
		{"collar_bps", l.CollarBps},
	} {
		if c.value <= 0 {
			return fmt.Errorf("limit %s must be set and positive: no limit has a default", c.name)
		}
	}
	if l.CollarBps > 10_000 {
		return fmt.Errorf("limit collar_bps is %d: at most 10000", l.CollarBps)
	}
	return nil
}

// Order is what the gate judges: a child order about to be sent.
type Order struct {
	Venue      market.VenueID
	Instrument market.InstrumentID
	Side       market.Side
	Mark       market.Mark
	ShortBid   market.Price // at this price or below nothing may be sold short, 0: no price test holds
	Price      market.Price // the worst price at which it can trade
	Qty        market.Qty
	Limit      market.Price // the parent's limit, 0 for none
	Client     uint16
	Strategy   event.Strategy
	Policy     uint64 // PolicyID of the table that decided
	Slot       int32  // of the parent
}

// Gate holds limits, message rates and the kill latch.
type Gate struct {
	limits   []Limits // by InstrumentID
	approved Approved // by Child, the last one
	unbooked *Permit  // of which Use approved an order that Book is to follow
	shut     uint16   // venues where a latch or a hold stops every order, one bit each
	windows  [market.MaxVenues]window
	killed   bool
	stopped  bool
	scopes   []event.Scope // killed, beside firm and venues
	raises   []raise
	expires  int64 // when the next of them ends
	*controls
	held    bool
	clock   bool
	venues  uint16 // killed venues, one bit each
	barred  uint16 // quarantined venues
	Refused [event.ReasonCount]uint64
}

// NewGate returns a gate; limits are indexed by InstrumentID.
func NewGate(limits []Limits, venues []market.Venue) (*Gate, error) {
	if err := Check(limits, venues); err != nil {
		return nil, err
	}
	g := &Gate{limits: slices.Clone(limits), scopes: make([]event.Scope, 0, maxKills), raises: make([]raise, 0, maxRaises)}
	for i := range venues {
		g.windows[i] = newWindow(venues[i].MsgRate)
	}
	g.expiry()
	return g, nil
}

// maxMsgRate bounds Venue.MsgRate: the time of each message of a second is kept.
const maxMsgRate = 1 << 21

// Check says why NewGate would refuse limits and venues, and takes no memory.
func Check(limits []Limits, venues []market.Venue) error {
	for i := range limits {
		if err := limits[i].Validate(); err != nil {
			return fmt.Errorf("instrument %d: %w", i, err)
		}
	}
	for i := range venues {
		if venues[i].MsgRate <= 0 {
			return fmt.Errorf("venue %s: msg_rate must be set and positive", venues[i].Name)
		}
		if venues[i].MsgRate > maxMsgRate {
			return fmt.Errorf("venue %s: msg_rate is %d: the most is %d messages a second", venues[i].Name, venues[i].MsgRate, maxMsgRate)
		}
	}
	return nil
}

// Kill latches: no order passes until Resume. venue NoVenue is the whole firm.
func (g *Gate) Kill(venue market.VenueID) { g.latch(venue, true) }

// Resume lifts the latch of Kill for the same scope, and a venue's quarantine when it
// names the venue.
func (g *Gate) Resume(venue market.VenueID) {
	g.latch(venue, false)
	g.barred &^= 1 << venue
	g.settle()
}

// Quarantine stops orders to a venue that contradicted itself, until a person resumes it.
func (g *Gate) Quarantine(venue market.VenueID) {
	g.barred |= 1 << venue
	g.settle()
}

// Quarantined reports whether Quarantine stops orders to venue.
func (g *Gate) Quarantined(venue market.VenueID) bool { return g.barred>>venue&1 != 0 }

func (g *Gate) latch(venue market.VenueID, on bool) {
	switch {
	case venue == market.NoVenue:
		g.killed = on
	case on:
		g.venues |= 1 << venue
	default:
		g.venues &^= 1 << venue
	}
	g.settle()
}

// settle keeps what the latches and holds say together.
func (g *Gate) settle() { g.shut = g.stops() }

// stops returns the venues where a latch or a hold stops every order, one bit each.
func (g *Gate) stops() uint16 {
	if g.Held() {
		return math.MaxUint16
	}
	return g.Stops()
}

// Audit reports that what is kept of the latches, holds and rates is not what they say, or "".
func (g *Gate) Audit() string {
	if g.shut != g.stops() {
		return "what the gate keeps of its latches is not what they say"
	}
	for v := range g.windows {
		if !g.windows[v].agrees() {
			return "when a venue has room for an order is not what its messages say"
		}
		if g.controls == nil {
			continue
		}
		for s := range g.rates {
			if !g.rates[s][v].agrees() {
				return "when a strategy has room for an order is not what its messages say"
			}
		}
	}
	return ""
}

// Stops returns the venues to which orders are stopped, one bit each: all, when the firm's are.
func (g *Gate) Stops() uint16 {
	if g.firm() {
		return math.MaxUint16
	}
	return g.venues | g.barred
}

// firm reports whether all orders are stopped.
func (g *Gate) firm() bool { return g.killed || g.stopped }

// Killed reports whether orders to venue are stopped; NoVenue asks for the firm.
func (g *Gate) Killed(venue market.VenueID) bool {
	return g.firm() || g.Stops()>>venue&1 != 0
}

// Stop latches like a kill of the firm, for an end of the process in order; false begins
// again. It is apart from the kill latch, which a person sets and which outlives a start.
func (g *Gate) Stop(on bool) {
	g.stopped = on
	g.settle()
}

// Latched reports whether a person's kill stops orders to venue; NoVenue asks for the firm.
func (g *Gate) Latched(venue market.VenueID) bool {
	return g.killed || g.venues>>venue&1 != 0
}

// Hold stops new orders of clients and of ours, firm-wide, until it is called with
// false. It is apart from the kill latch, which a person sets.
func (g *Gate) Hold(on bool) {
	g.held = on
	g.settle()
}

// HoldClock is Hold for a wall clock that cannot be trusted; each is lifted by its own.
func (g *Gate) HoldClock(on bool) {
	g.clock = on
	g.settle()
}

// Held reports whether Hold or HoldClock stops orders.
func (g *Gate) Held() bool { return g.held || g.clock }

// Parent judges a client's order. mid2 is twice the reference midpoint, 0 when
// there is none; limit is 0 for a market order. The notional counts at the worst
// price that the order allows; a limit beyond the collar is refused.
func (g *Gate) Parent(id market.InstrumentID, side market.Side, qty market.Qty, limit market.Price,
	mid2 int64) event.Reason {
	l := &g.limits[id]
	switch {
	case g.firm():
		return g.refuse(event.ReasonKilled)
	case g.held:
		return g.refuse(event.ReasonJournalLag)
	case g.clock:
		return g.refuse(event.ReasonClock)
	}
	highest := limit
	if mid2 > 0 {
		if limit != 0 && side.Better(l.collar(side, mid2), limit) {
			return g.refuse(event.ReasonCollar)
		}
		if limit == 0 || side == market.Sell {
			highest = max(limit, l.collar(market.Buy, mid2))
		}
	}
	switch {
	case qty > l.ParentMaxQty:
		return g.refuse(event.ReasonMaxQty)
	case highest == 0:
		return g.refuse(event.ReasonNoReference)
	}
	if n, ok := highest.Notional(qty); !ok || n > l.ParentMaxNotional {
		return g.refuse(event.ReasonMaxNotional)
	}
	return event.ReasonNone
}

// Child judges one child order at now (ns since epoch) against the reference
// mid2 (twice the midpoint, 0 when there is none), and takes a message from the
// venue's rate when it passes. What it returns is the gate's own and holds until the next call;
// nil: o was refused.
func (g *Gate) Child(o *Order, mid2, now int64) (a *Approved, why event.Reason) {
	a = &g.approved
	a.ok, a.order.cost = false, 0
	if why = g.judge(o, mid2, now); why != event.ReasonNone {
		return nil, g.refuse(why)
	}
	// Field by field, as o was written: a wider copy would wait for that.
	a.order.venue, a.order.instrument, a.order.side, a.order.slot = o.Venue, o.Instrument, o.Side, o.Slot
	a.order.price, a.order.qty, a.order.policy, a.ok = o.Price, o.Qty, o.Policy, true
	return a, event.ReasonNone
}

// whyShut returns why no order passes at a venue that is shut.
func (g *Gate) whyShut(v market.VenueID) event.Reason {
	switch {
	case g.Killed(v):
		return event.ReasonKilled
	case g.held:
		return event.ReasonJournalLag
	}
	return event.ReasonClock
}

func (g *Gate) judge(o *Order, mid2, now int64) event.Reason {
	n, why := g.look(o, mid2)
	if why != event.ReasonNone {
		return why
	}
	return g.spend(o, n, now)
}

// look judges an order by all that it does not use up, and returns its notional.
func (g *Gate) look(o *Order, mid2 int64) (market.Notional, event.Reason) {
	l, side := &g.limits[o.Instrument], o.Side
	switch {
	case g.shut>>(o.Venue&(market.MaxVenues-1))&1 != 0:
		return 0, g.whyShut(o.Venue)
	case o.Qty <= 0:
		return 0, event.ReasonBadQty
	case o.Price <= 0:
		return 0, event.ReasonBadPrice
	case o.Qty > l.ChildMaxQty:
		return 0, event.ReasonMaxQty
	case o.Limit != 0 && side.Better(o.Limit, o.Price):
		return 0, event.ReasonLimit
	case o.ShortBid != 0 && o.Price <= o.ShortBid:
		return 0, event.ReasonShortBid
	case mid2 <= 0:
		return 0, event.ReasonNoReference
	case side.Better(l.collar(side, mid2), o.Price):
		return 0, event.ReasonCollar
	}
	hi, n := bits.Mul64(uint64(o.Price), uint64(o.Qty)) // both are positive
	if hi != 0 || int64(n) < 0 || market.Notional(n) > l.ChildMaxNotional {
		return 0, event.ReasonMaxNotional
	}
	if len(g.scopes) > 0 || g.controls != nil || o.Mark != market.Long {
		if why := g.control(o); why != event.ReasonNone {
			return 0, why
		}
	}
	return market.Notional(n), event.ReasonNone
}

// Cancel counts a cancel against the venue's rate; it always passes.
func (g *Gate) Cancel(venue market.VenueID, now int64) { g.windows[venue].record(now) }

// CancelFor is Cancel for a strategy, whose own rate it counts against as well.
func (g *Gate) CancelFor(venue market.VenueID, s event.Strategy, now int64) {
	g.windows[venue].record(now)
	if g.controls != nil {
		g.controls.rates[strategyIndex(s)][venue].record(now)
	}
}

// Still reports whether an order that was approved, and waited since, may leave now, by the limits as they are now.
// What it uses up is counted already: so it must not be too much by now.
func (g *Gate) Still(o *Order, mid2 int64) bool {
	if _, why := g.look(o, mid2); why != event.ReasonNone || g.full(o.Venue, o.Strategy) {
		return false
	}
	k := g.controls
	return k == nil || !g.Disabled(o.Strategy) && k.used[o.Client] <= k.Clients[o.Client].Credit && k.firm <= k.FirmCredit
}

// full reports whether an order that was approved and has not left may be one too many for its venue by now, because
// of cancels, which always pass.
func (g *Gate) full(venue market.VenueID, s event.Strategy) bool {
	return g.windows[venue].full() || g.controls != nil && g.controls.rates[strategyIndex(s)][venue].full()
}

// Late says that an order which was approved at since leaves only now: it counts against the second in which its venue
// gets it.
func (g *Gate) Late(venue market.VenueID, s event.Strategy, since, now int64) {
	g.windows[venue].late(since, now)
	if g.controls != nil {
		g.controls.rates[strategyIndex(s)][venue].late(since, now)
	}
}

// ChildMaxQty returns the largest child of an instrument.
func (g *Gate) ChildMaxQty(id market.InstrumentID) market.Qty { return g.limits[id].ChildMaxQty }

// Collar returns the worst price that an order of side may carry, given the
// reference mid2.
func (g *Gate) Collar(id market.InstrumentID, side market.Side, mid2 int64) market.Price {
	return g.limits[id].collar(side, mid2)
}

// within reports whether price, up to MaxPrice, is not beyond the collar of bps around mid2; but as one
// product is compared with another, without a quotient: what is whole exceeds a number where it exceeds the whole part of it.
func within(side market.Side, mid2 int64, price market.Price, bps int64) bool {
	far := int64(price) - mid2>>1
	if side == market.Sell {
		far = (mid2+1)>>1 - int64(price)
	}
	return mid2 > 0 && far*20_000 <= mid2*bps
}

// collar returns mid ± CollarBps, rounded towards the mid.
func (l *Limits) collar(side market.Side, mid2 int64) market.Price {
	// mid2/2 × bps/10000, split so that it cannot overflow.
	band := mid2/20_000*l.CollarBps + mid2%20_000*l.CollarBps/20_000
	if side == market.Buy {
		return market.Price(mid2/2 + band)
	}
	return market.Price((mid2+1)/2 - band)
}

// Refuse counts a refusal for which the core itself has the grounds.
func (g *Gate) Refuse(r event.Reason) event.Reason { return g.refuse(r) }

func (g *Gate) refuse(r event.Reason) event.Reason {
	g.Refused[r]++
	return r
}

// Rewarm asks for what the next order of an instrument needs, beside RewarmControls; see
// router.Core.Rewarm.
func (g *Gate) Rewarm(id market.InstrumentID) {
	warm.Of(&g.limits[id])
	warm.Of(g)
	for v := range g.windows {
		g.windows[v].rewarm()
	}
}
