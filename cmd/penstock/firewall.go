package main

import (
	"fmt"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
)

// Sizes of what the firewall is told through: more than the core can have before it.
const (
	orderedRing  = 1 << 13
	acceptedRing = 1 << 13
	// rateSlack is how many times a venue's msg_rate the firewall lets through: the core
	// bounds messages by the times of events, which a slow socket bunches up.
	rateSlack = 2
	// ownCancels are the numbers of the cancels that a gateway makes itself: behind the
	// core's own, and apart for each venue.
	ownCancels, ownCancelsEach = 900_000_000, 5_000_000
)

// wall is the firewall and what it is told through: clients' orders by the goroutine that
// reads them, before the core hears of them; numbers by the core's, before a child is sent.
// The goroutine that works the gateways listens.
type wall struct {
	*firewall.Firewall
	ordered  *ring.SPSC[firewall.Order]
	accepted *ring.SPSC[firewall.Accepted]
	late     []firewall.Accepted // that found no room: core's goroutine
}

// openFirewall makes the firewall and tells it what was open before a restart.
func (a *assembly) openFirewall() error {
	w := &a.wall
	w.ordered, w.accepted = ring.New[firewall.Order](orderedRing), ring.New[firewall.Accepted](acceptedRing)
	cfg := firewall.Config{MaxParents: a.cfg.Router.MaxParents, MaxChildren: a.cfg.Router.MaxChildren, Latch: &a.latch,
		Ask: a.listen, Trip: a.tripped}
	for i := range a.cfg.Router.Instruments {
		in, l := &a.cfg.Router.Instruments[i], &a.cfg.Router.Limits[i]
		cfg.Limits = append(cfg.Limits, firewall.Limits{MaxQty: l.HardMaxQty, MaxNotional: l.HardMaxNotional,
			Low: a.cfg.bands[i].low, High: a.cfg.bands[i].high, Decimals: in.PriceDecimals + in.QtyDecimals})
	}
	for i := range a.cfg.Router.Controls.Clients {
		cl := &a.cfg.Router.Controls.Clients[i]
		cfg.Credit = append(cfg.Credit, cl.Credit)
		cfg.Shorts = append(cfg.Shorts, firewall.Shorts{Short: cl.Short, Exempt: cl.Exempt})
	}
	f, err := firewall.New(cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	w.Firewall = f
	return a.restoreFirewall()
}

// restoreFirewall takes over what the replayed journal says is at venues. Their answers
// correct it, as they correct the core.
func (a *assembly) restoreFirewall() error {
	parents, children := a.core.Parents(), a.core.Children()
	for i := range parents {
		p := &parents[i]
		o := firewall.Order{ID: p.ClOrdID, Client: p.Client, Instrument: p.Instrument, Side: p.Side, Qty: p.OrderQty,
			Limit: p.Limit, Strategy: uint16(p.Strategy), Mark: p.Mark, Locate: p.Locate(), Display: p.Display()}
		if !a.wall.RestoreParent(p.Number, &o) {
			return fmt.Errorf("the firewall has no room for parent %d of the run that goes on", p.Number)
		}
	}
	for i := range children {
		c := &children[i]
		r := firewall.Restored{Number: c.Number, Parent: parents[c.Parent].Number, Venue: c.Venue, Qty: c.Qty, Cum: c.Cum,
			Price: c.Price, Shows: c.Displayed(), Open: !c.Released, Acked: c.Acked(), Conditional: c.Tactic == event.TacticOffer}
		if !a.wall.RestoreChild(&r) {
			return fmt.Errorf("the firewall has no room for order %d of the run that goes on", c.Number)
		}
	}
	return nil
}

// guardOrders gives the gateway of venue i its check.
func (a *assembly) guardOrders(i int, cfg *fixgw.Config) (err error) {
	v := &a.cfg.Router.Venues[i]
	s := firewall.SessionConfig{Venue: v.ID, BeginString: cfg.Dialect.BeginString, IDs: cfg.Dialect.IDs,
		ConditionalTag: cfg.Dialect.ConditionalTag(), ConditionalValue: '0',
		Lit: v.Kind == market.Lit, ParentTag: cfg.Dialect.ParentTag, Rate: int(rateSlack * v.MsgRate)}
	for _, sym := range cfg.Symbols {
		s.Symbols = append(s.Symbols, firewall.Symbol{ID: sym.ID, Text: sym.Text, PriceDecimals: sym.PriceDecimals,
			QtyDecimals: sym.QtyDecimals})
	}
	cfg.Latch = &a.latch
	cfg.CancelBase = a.epoch*1_000_000_000 + ownCancels + uint64(i)*ownCancelsEach
	cfg.Firewall, err = a.wall.Session(s)
	return err
}

// orderedBy tells the firewall of clients' orders on their way to the core. The goroutine
// that reads clients' messages.
func (a *assembly) orderedBy(next event.Sink) event.Sink {
	return func(e *event.Event) bool {
		if e.Kind == event.ParentNew || e.Kind == event.ParentReplace {
			o := firewall.Order{ID: e.ID, Client: e.Client, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Limit: e.Price,
				Strategy: uint16(e.Strategy), Mark: e.Mark, Display: e.Display()}
			if e.Kind == event.ParentNew && e.Mark != market.Long {
				o.Locate = e.OrigID
			}
			if !a.wall.ordered.Push(&o) {
				return false // as if the core's ring were full: the client is told
			}
		}
		return next(e)
	}
}

// numbered tells the firewall which number an order got. Core goroutine, before the
// order's children are sent.
func (a *assembly) numbered(c *event.Command) {
	if c.Kind != event.Report || c.ExecType != market.ExecNew && c.ExecType != market.ExecReplaced {
		return
	}
	n := firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID}
	if len(a.wall.late) > 0 || !a.wall.accepted.Push(&n) {
		a.wall.late = append(a.wall.late, n)
	}
}

// listen hears what the firewall is told. The goroutine that works the gateways.
func (a *assembly) listen() (any bool) {
	var n firewall.Accepted
	for a.wall.accepted.Pop(&n) {
		a.hearOrders() // the order of every number that is known is known by now
		a.wall.Accept(&n)
		any = true
	}
	return any
}

func (a *assembly) hearOrders() {
	var o firewall.Order
	for a.wall.ordered.Pop(&o) {
		a.wall.Ordered(&o)
	}
}

// listener works the firewall's ears in every turn, so that no ring fills up.
func (a *assembly) listener(int64) int {
	if !a.wall.accepted.Empty() {
		a.listen()
	}
	if !a.wall.ordered.Empty() {
		a.hearOrders()
	}
	return 0
}

// tripped tells the core, and so the journal, that the firewall stopped something: the
// latch is set already, the core cancels. The goroutine that works the gateways.
func (a *assembly) tripped(v *firewall.Violation) {
	e := event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: market.NoVenue,
		Instrument: market.NoInstrument, RecvTime: v.At, Ref: v.Child, Price: v.Price, Qty: v.Qty, Reason: event.ReasonFirewall}
	e.ID, _ = event.MakeID("firewall")
	e.OrigID, _ = event.MakeID(v.Reason.String())
	ok := a.push(&e)
	a.alarm(alert{Severity: critical, Kind: "firewall", Text: fmt.Sprintf("stopped an order to %s (%v), child %d of parent %d, "+
		"%d at %d; the firm is killed", a.cfg.Router.Venues[v.Venue].Name, v.Reason, v.Child, v.Parent, v.Qty, v.Price)})
	if !ok {
		a.alarm(alert{Severity: critical, Kind: "firewall", Text: "the operator's queue is full: the core does not know of the kill"})
	}
}

// latchAsKilled latches the gateways as the replayed core is killed.
func (a *assembly) latchAsKilled() {
	g := a.core.Gate()
	if g.Latched(market.NoVenue) {
		a.latch.Kill(firewall.Scope{})
	}
	for v := range a.cfg.Router.Venues {
		if g.VenueKilled(market.VenueID(v)) {
			a.latch.Kill(firewall.Scope{Kind: firewall.ScopeVenue, ID: uint64(v)})
		}
	}
	for _, s := range g.Scopes() {
		a.latch.Kill(firewall.Scope{Kind: firewall.ScopeKind(s.Kind), ID: s.ID})
	}
}
