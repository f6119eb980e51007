package simtest

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/risk"
)

const maxVenues = 7

// habits are what one venue does as a matter of course.
type habits struct {
	kind       market.VenueKind
	byOrder    bool // its feed names orders
	ackNew     bool // 150=0 follows every accepted order
	pending    bool // 150=A comes first
	pendCancel bool // 150=6 comes before a cancel is done
	lateCancel bool // it knows only orders that it has answered
	resend     bool // it repeats what got lost with a connection
	cod        cod  // cancel on disconnect
	out, back  int64
	jitter     int64
	think      int64 // from order to answer
	fillOdds   int64 // an immediate order gets something once in so many
	linger     int64 // a resting order waits up to this long for its next fill
	hold       int64 // last look
	rejects    int64 // once in so many orders, for no fault
	offers     offerHabits
	asks       askHabits
	reserve    bool  // it shows a part of an order by itself
	shorts     bool  // it takes short sales,
	exempts    bool  // and exempt ones
	race       int64 // a cancel loses to a fill once in so many
	ouch       bool  // where messages cross as bytes: as OUCH 5.0, not FIX
}

// cod is what becomes of open orders when the session is lost.
type cod uint8

const (
	codNo cod = iota
	codAll
	codDay // resting orders of the day only
)

// swarm is what a seed draws once: the shape of its world.
type swarm struct {
	venues      int
	at          [maxVenues]habits
	instruments int
	lot         market.Qty
	msgRate     int64
	ack         int64
	maxParents  int
	maxChildren int
	table       bool // the rule-based table instead of the static one
	parents     int64
	span        int64 // of the faults, ns
	choices     int
	weights     [choiceKinds]uint16
	sync        int64 // a group commit of the journal, ns
	bytes       bool  // messages cross as bytes
	grace       int64 // the second client may be away for so long, ns
	nights      []night
	sides       sides
	plain       bool // lit venues, and orders of which a stance knows everything
	sweeps      bool // they may pay more than the touch
	canary      int  // orders of a new policy before it is taken out; 0: it has no caps
	equalise    int64
	latencies   [maxVenues]uint32   // one way, as the router is told, µs
	protect     []router.Protection // of each instrument's quotes, nil: nothing is said
}

const (
	micro  = int64(1_000)
	milli  = int64(1_000_000)
	second = int64(1_000_000_000)
)

func newSwarm(seed uint64) *swarm {
	r := &stream{seed: seed, id: 1}
	s := &swarm{venues: int(r.between(2, maxVenues)), instruments: 1, lot: 1, msgRate: 2000}
	if r.once(3) {
		s.instruments = 2
	}
	if r.once(4) {
		s.lot = 100
	}
	if r.once(5) {
		s.msgRate = r.between(20, 200)
	}
	s.ack = r.between(100, 1500) * milli
	s.maxParents, s.maxChildren = 48, 1200
	if r.once(12) {
		s.maxParents, s.maxChildren = int(r.between(2, 8)), int(r.between(8, 60))
	}
	s.table = r.once(2)
	s.parents = r.between(1, 12)
	s.span = r.between(4, 25) * second
	s.choices = int(r.between(1250, 1900))
	s.sync = r.between(1, 20) * 100 * micro
	s.bytes = r.once(4)
	s.grace = r.between(50, 2000) * milli
	for v := range s.venues {
		s.at[v] = newHabits(r, v)
	}
	s.drawOffers(seed)
	s.drawNights(seed)
	s.drawRequests(seed)
	s.drawLatencies(seed)
	s.drawSides(seed)
	s.drawOUCH(seed)
	for k := range s.weights {
		base := kinds[k].weight
		if kinds[k].fault {
			if r.once(2) {
				base = 0
			} else {
				base *= uint16(r.between(1, 4))
			}
		}
		s.weights[k] = base
	}
	s.drawPlain(seed)
	s.drawProtection(seed)
	if c := (&stream{seed: seed, id: 4}); c.once(5) && s.weights[chSwap] > 0 {
		s.canary = int(c.between(1, 30))
	}
	return s
}

// drawOUCH lets some venues speak OUCH where messages cross as bytes: it acknowledges every order
// first, has no word for an order that is pending, and repeats whatever was missed. It has a
// stream of its own, so that the rest of a seed's world is what it was.
func (s *swarm) drawOUCH(seed uint64) {
	r := &stream{seed: seed, id: 9}
	for v := range s.venues {
		h := &s.at[v]
		if h.ouch = s.bytes && r.once(2) && h.kind != market.SDP && h.offers == (offerHabits{}); h.ouch {
			h.ackNew, h.pending, h.lateCancel, h.resend = true, false, false, true
		}
	}
}

// drawPlain makes some worlds plain: where nothing is but lit venues and orders that take, the core decides by its
// stances, as it does for most of a live day. Elsewhere something nearly always stands against that.
func (s *swarm) drawPlain(seed uint64) {
	r := &stream{seed: seed, id: 11}
	if s.plain = r.once(8); !s.plain {
		return
	}
	s.sides.shorts, s.weights[chQuote] = false, 0
	s.sweeps = (&stream{seed: seed, id: 14}).once(2)
	if s.weights[chFlicker] = 300; r.once(2) {
		s.weights[chArm] = 0
	}
	if !r.once(4) {
		s.weights[chBand] = 0
	}
	for v := range s.venues {
		h := &s.at[v]
		h.kind, h.offers, h.asks, h.rejects = market.Lit, offerHabits{}, askHabits{}, 50*h.rejects
	}
}

// plainly takes out of a client's order what the core decides about without its stances, and lets most wait for
// a better price.
func (w *world) plainly(r *stream, e *event.Event) {
	if !w.swarm.plain {
		return
	}
	if !r.once(4) {
		away := r.between(-6, 1)
		if w.swarm.sweeps {
			away += 6
		}
		e.OrdType, e.Price = market.OrdLimit, market.Price(w.mid(int(e.Instrument))+tick*e.Side.Sign()*away)
	}
	if e.CumQty, e.LastPx = 0, 0; e.Strategy == event.StrategyPOV || e.Strategy == event.StrategySeek {
		e.Strategy = event.StrategyTWAP
	}
}

// calm leaves out whatever makes order sessions forget, repeat or lie.
func (s *swarm) calm() {
	for _, k := range []int{chArm, chDrop, chFlap, chHalfOpen, chFull, chOrphan, chCrash, chHostCrash, chPause, chBust, chCorrect,
		chRestate} {
		s.weights[k] = 0
	}
	s.bytes = false
}

func newHabits(r *stream, v int) habits {
	h := habits{ackNew: !r.once(5), pending: r.once(6), pendCancel: r.once(4), lateCancel: r.once(6), resend: r.once(2),
		cod: cod(r.below(3)), out: r.between(5, 2000) * micro, back: r.between(5, 2000) * micro, jitter: r.between(1, 500) * micro,
		think: r.between(1, 3000) * micro, fillOdds: r.between(1, 4), linger: r.between(20, 3000) * milli,
		hold: r.between(1, 200) * milli, rejects: r.between(10, 60), race: r.between(2, 6)}
	switch {
	case v == 0 || v == 1 && r.once(2):
		h.kind = market.Lit
	default:
		h.kind = market.VenueKind(r.below(3))
	}
	h.byOrder = h.kind == market.Lit && r.once(2)
	if r.once(8) {
		h.out, h.back = h.out*20, h.back*20 // far away
	}
	return h
}

// config returns the router's configuration for this world.
func (s *swarm) config(tables *tables) *router.Config {
	day := make([]market.Qty, 48)
	for i := range day {
		day[i] = market.Qty(1000 * (i + 1))
	}
	cfg := &router.Config{Book: book.Capacity{Levels: 32, Orders: 256}, MaxParents: s.maxParents, MaxChildren: s.maxChildren,
		Tactics: router.DefaultTactics(), Table: tables.static}
	cfg.Tactics.EqualiseNanos = s.equalise
	switch {
	case s.plain:
		cfg.Table = tables.takes
	case s.table:
		cfg.Table = tables.rules
	}
	for i := range s.instruments {
		cfg.Instruments = append(cfg.Instruments, market.Instrument{ID: market.InstrumentID(i), Symbol: string(rune('A'+i)) + "SIM",
			Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: s.lot})
		cfg.Curves = append(cfg.Curves, &router.VolumeCurve{Step: 1800 * second, Total: day})
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 8000,
			ChildMaxNotional: 1e12, CollarBps: collarBps})
		if s.protect != nil {
			cfg.Protect = append(cfg.Protect, s.protect)
		}
	}
	for v := range s.venues {
		h := &s.at[v]
		name := string(rune('A'+v)) + h.kind.String()
		cfg.Venues = append(cfg.Venues, market.Venue{ID: market.VenueID(v), Name: name, MIC: name, Kind: h.kind, MsgRate: s.msgRate,
			AckNanos: s.ack, Reserve: h.reserve, Shorts: h.shorts, Exempts: h.exempts, ByOrder: h.byOrder, CancelAfterAck: h.lateCancel, LastLook: h.kind == market.SDP,
			Conditional: market.Conditional{MinQty: market.Qty(h.offers.least), WindowNanos: h.offers.window, FirmBps: h.offers.share},
			RFQ:         market.RFQ{MinQty: market.Qty(h.asks.least), WindowNanos: h.asks.window, PauseNanos: h.asks.pause, Respond: h.asks.respond},
			TakeFee:     market.Fee{PerLotMilli: 30_000, Ppm: int64(v)}, MakeFee: market.Fee{PerLotMilli: -20_000}})
		for i := range s.instruments {
			cfg.Listings = append(cfg.Listings, router.Listing{Venue: market.VenueID(v), Instrument: market.InstrumentID(i)})
		}
	}
	if s.canary > 0 || s.sides.shorts || s.sweeps {
		cfg.Controls = s.controls(cfg)
	}
	cfg.Clients = []router.ClientPolicy{{CancelAfter: router.Keep}, {CancelAfter: s.grace}}
	return cfg
}

const collarBps = 200

// controls cap a new policy, and permit short sales.
func (s *swarm) controls(cfg *router.Config) *risk.Controls {
	instruments, venues := make([]bool, s.instruments), make([]bool, s.venues)
	for i := range instruments {
		instruments[i] = true
	}
	for v := range venues {
		venues[v] = true
	}
	client := risk.Client{Credit: market.MaxMoney, Instruments: instruments, Venues: venues}
	c := &risk.Controls{FirmCredit: market.MaxMoney, Clients: []risk.Client{s.sides.permit(client, 0), s.sides.permit(client, 1)}, Restricted: make([]bool, s.instruments),
		StrategyRate: s.msgRate, RepeatOrders: 100_000, RepeatNanos: second, SameOrders: 1000, SameNanos: second}
	if s.canary > 0 {
		c.Canary = &risk.Canary{Policy: cfg.Table.PolicyID(), Orders: s.canary, Notional: market.MaxMoney, Instruments: instruments, Venues: venues}
	}
	for i := range cfg.Instruments {
		c.Decimals = append(c.Decimals, cfg.Instruments[i].PriceDecimals+cfg.Instruments[i].QtyDecimals)
	}
	return c
}

// tables are built once for all worlds; nobody writes to them.
type tables struct{ static, rules, takes *policy.Table }

func newTables() (*tables, error) {
	opt := policy.BuildOptions{Version: "simtest", NotAfter: 1 << 62}
	rules, err := policy.BuildBaseline(opt)
	if err != nil {
		return nil, err
	}
	takes, err := buildTakes(opt)
	return &tables{policy.StaticTable(), rules, takes}, err
}

// buildTakes returns a table that takes all or holds, without a pattern.
func buildTakes(opt policy.BuildOptions) (*policy.Table, error) {
	r, cells := &stream{id: 12}, make([]policy.Choice, policy.States)
	for i := range cells {
		cells[i] = policy.Choice{Action: policy.ActionTakeAll, Alt: policy.ActionHold, LowSupport: r.once(10)}
		if r.once(4) {
			cells[i].Action = policy.ActionHold
		}
	}
	return policy.Build(policy.TrainOptions{BuildOptions: opt, Meta: policy.Meta{Trainer: "simtest", Version: "1"}}, cells)
}
