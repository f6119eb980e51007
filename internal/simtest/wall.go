package simtest

import (
	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
)

// newWall puts the firewall behind the gateways of a world in bytes. It counts from what
// leaves and comes back, and must never find that the router was wrong. After a crash it
// would be told anew; worlds that crash go without. So do fills after the end of their order:
// the firewall hears of one before the core has taken the end, and is right to stop what the
// core sends in its place.
func (w *world) newWall() {
	if !w.swarm.bytes || w.swarm.weights[chCrash]+w.swarm.weights[chHostCrash] > 0 {
		return
	}
	cfg := firewall.Config{MaxParents: w.swarm.maxParents, MaxChildren: w.swarm.maxChildren, Latch: new(firewall.Latch),
		Ask:    func() bool { return false },
		Shorts: w.swarm.sides.permits(),
		Credit: []market.Money{market.MaxMoney, market.MaxMoney},
		Trip: func(v *firewall.Violation) {
			w.fail("the firewall stops order %d of parent %d at venue %d: %v", v.Child, v.Parent, v.Venue, v.Reason)
		}}
	for i := range w.cfg.Instruments {
		in := &w.cfg.Instruments[i]
		cfg.Limits = append(cfg.Limits, firewall.Limits{MaxQty: 1e6, MaxNotional: 1e13, Low: 1, High: 1 << 40,
			Decimals: in.PriceDecimals + in.QtyDecimals})
	}
	var err error
	if w.wall, err = firewall.New(cfg); err != nil {
		w.fail("%v", err)
	}
	w.latch = cfg.Latch
}

// guard gives the gateway of a venue its check.
func (w *world) guard(cfg *fixgw.Config) {
	if w.wall == nil {
		return
	}
	s := firewall.SessionConfig{Venue: cfg.Venue, BeginString: cfg.Dialect.BeginString, IDs: cfg.Dialect.IDs,
		ConditionalTag: cfg.Dialect.ConditionalTag(), ConditionalValue: '0',
		Lit: cfg.Kind == market.Lit, ParentTag: cfg.Dialect.ParentTag, Rate: int(2 * w.swarm.msgRate)}
	for _, sym := range cfg.Symbols {
		s.Symbols = append(s.Symbols, firewall.Symbol{ID: sym.ID, Text: sym.Text, PriceDecimals: sym.PriceDecimals,
			QtyDecimals: sym.QtyDecimals})
	}
	var err error
	if cfg.Firewall, err = w.wall.Session(s); err != nil {
		w.fail("%v", err)
	}
	cfg.Latch, cfg.CancelBase = w.latch, w.epoch*1_000_000_000+900_000_000+uint64(cfg.Venue)*5_000_000
}

// ordered tells the firewall what a client asks for, numbered which number it got.
func (w *world) ordered(e *event.Event) {
	if w.wall != nil {
		o := firewall.Order{ID: e.ID, Client: e.Client, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Limit: e.Price,
			Strategy: uint16(e.Strategy), Mark: e.Mark, Display: e.Display()}
		if e.Kind == event.ParentNew {
			o.Locate = e.OrigID
		}
		w.wall.Ordered(&o)
	}
}

func (w *world) numbered(c *event.Command) {
	if w.wall != nil && (c.ExecType == market.ExecNew || c.ExecType == market.ExecReplaced) {
		w.wall.Accept(&firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID})
	}
}

// checkWall compares the accounts of the firewall with themselves at the end.
func (w *world) checkWall() {
	if w.wall == nil {
		return
	}
	if trouble := w.wall.Recount(); trouble != "" {
		w.fail("firewall: %s", trouble)
	}
	if s := w.wall.Stats(); s.Open != 0 {
		w.fail("the firewall has %d orders open when all have ended: %+v", s.Open, s)
	}
}
