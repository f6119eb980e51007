package tape

import (
	"container/heap"
	"fmt"
	"time"

	"penstock/event"
	"penstock/market"
)

// Matching says what is assumed about trading against recordings.
type Matching struct {
	LatencyNanos int64 // of an order to its venue, and of a report back
	HoldNanos    int64 // how long a dealer looks at an order
	RejectTicks  int64 // a dealer refuses when its price moved further than this against it
	GraceNanos   int64 // how long a replaced quote can still be hit
}

// DefaultMatching returns the assumptions that hold unless changed.
func DefaultMatching() Matching {
	return Matching{
		LatencyNanos: 2 * nanosPerMilli,
		HoldNanos:    50 * nanosPerMilli,
		RejectTicks:  2,
		GraceNanos:   500 * nanosPerMilli,
	}
}

// Trade is one fill of ours, as its venue books it.
type Trade struct {
	Time       int64 // ns since epoch, at the venue
	Venue      market.VenueID
	Instrument market.InstrumentID
	Child      uint64
	Side       market.Side
	Liquidity  market.Liquidity
	Price      market.Price
	Qty        market.Qty
	Fee        market.Notional // positive is a cost to us
}

// Market is every venue of a plan as a counterparty for child orders, in recorded
// time. It watches the events of the tape, takes commands and answers with
// execution reports. What it assumes is in Assumptions.
type Market struct {
	plan   *Plan
	rules  Matching
	places [][]place // by venue, instrument
	sims   []*simulated
	queue  messages
	seq    uint64
	execs  uint64
	orders map[uint64]*order // by child
	trades []Trade
	sink   event.Sink
	simNow int64 // time that the simulated venues have reached
	ended  bool  // the recordings are over
}

// place is one instrument at one venue; at most one of its parts is used.
type place struct {
	lit    *lit
	dealer *quoting
	sim    *simulated
}

// order is one child order at its venue.
type order struct {
	event.Command
	cum    market.Qty
	status market.OrdStatus
	ahead  market.Qty // resting: displayed size that trades first
}

func (o *order) leaves() market.Qty {
	if o.status.Terminal() {
		return 0
	}
	return o.Qty - o.cum
}

// NewMarket returns the counterparty of the plan's recorded venues.
func NewMarket(plan *Plan, rules Matching) (*Market, error) {
	if rules.LatencyNanos < 0 || rules.HoldNanos < 0 || rules.RejectTicks < 0 || rules.GraceNanos < 0 {
		return nil, fmt.Errorf("matching: latency, hold, reject and grace must not be negative")
	}
	m := &Market{plan: plan, rules: rules, orders: make(map[uint64]*order)}
	m.places = make([][]place, market.MaxVenues)
	for i := range m.places {
		m.places[i] = make([]place, len(plan.Instruments))
	}
	for i := range plan.Feeds {
		v := plan.Venue(plan.Feeds[i].Venue)
		in := plan.Instrument(plan.Feeds[i].Instrument)
		p := &m.places[v.ID][in.ID]
		if v.Kind == market.SDP {
			p.dealer = &quoting{}
		} else {
			p.lit = newLit(v.ID)
		}
	}
	return m, m.openSimulated()
}

// message is something on its way or due: an order message that reaches its
// venue, a dealer's decision, or an event that reaches us.
type message struct {
	at     int64
	seq    uint64
	order  *event.Command
	decide *held
	event  *event.Event
}

// messages is a heap by time, then by when it was sent.
type messages []message

func (q messages) Len() int      { return len(q) }
func (q messages) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q messages) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q *messages) Push(x any) { *q = append(*q, x.(message)) }
func (q *messages) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (m *Market) post(at int64, x message) {
	m.seq++
	x.at, x.seq = at, m.seq
	heap.Push(&m.queue, x)
}

// Start says that the order sessions of all venues are up.
func (m *Market) Start(now int64) {
	m.simNow = now
	for i := range m.plan.Venues {
		m.post(now, message{event: &event.Event{
			Kind: event.VenueSession, Venue: m.plan.Venues[i].ID, Instrument: market.NoInstrument,
			Code: uint8(event.SessionUp), RecvTime: now, SrcTime: now,
		}})
	}
}

// Send takes an order message of the core at now; false means that it names no
// venue and instrument of the replay, or is no order message.
func (m *Market) Send(now int64, c *event.Command) bool {
	if !c.Kind.ToVenue() || m.place(c.Venue, c.Instrument) == nil {
		return false
	}
	sent := *c
	m.post(now+m.rules.LatencyNanos, message{order: &sent})
	return true
}

func (m *Market) place(v market.VenueID, in market.InstrumentID) *place {
	if int(v) >= len(m.places) || int(in) >= len(m.plan.Instruments) {
		return nil
	}
	p := &m.places[v][in]
	if p.lit == nil && p.dealer == nil && p.sim == nil {
		return nil
	}
	return p
}

// Next returns when something happens next, NoTime for never.
func (m *Market) Next() int64 {
	next := m.nextSimulated()
	if len(m.queue) > 0 {
		next = min(next, m.queue[0].at)
	}
	return next
}

// Advance lets everything up to now happen; events go to sink in order of time.
func (m *Market) Advance(now int64, sink event.Sink) {
	m.sink = sink
	for {
		simulatedAt := m.nextSimulated()
		if len(m.queue) > 0 && m.queue[0].at <= min(now, simulatedAt) {
			m.handle(heap.Pop(&m.queue).(message))
			continue
		}
		if simulatedAt > now {
			return
		}
		m.advanceSimulated(simulatedAt)
	}
}

func (m *Market) handle(x message) {
	m.simNow = max(m.simNow, x.at)
	switch {
	case x.event != nil:
		m.sink(x.event)
	case x.decide != nil:
		m.decide(x.at, x.decide)
	case x.order.Kind == event.SendCancel:
		m.cancel(x.at, x.order)
	case x.order.Kind == event.SendStatus:
		m.status(x.at, x.order)
	default:
		m.enter(x.at, x.order)
	}
}

func (m *Market) enter(now int64, c *event.Command) {
	p := m.place(c.Venue, c.Instrument)
	if p.sim != nil {
		p.sim.enter(now, c)
		return
	}
	o := &order{Command: *c, status: market.StatusPendingNew}
	if m.orders[c.Child] != nil {
		m.reject(now, o, event.ReasonDuplicateClOrdID)
		return
	}
	m.orders[c.Child] = o
	if reason := m.check(c); reason != event.ReasonNone {
		m.reject(now, o, reason)
		return
	}
	if p.lit != nil {
		m.enterLit(now, p.lit, o)
		return
	}
	m.enterDealer(now, p.dealer, o)
}

// check returns why no venue would take the order.
func (m *Market) check(c *event.Command) event.Reason {
	in := &m.plan.Instruments[c.Instrument]
	switch {
	case !c.Side.Valid():
		return event.ReasonBadParameter
	case c.Qty <= 0 || c.Qty%in.Lot != 0:
		return event.ReasonBadQty
	case c.OrdType != market.OrdMarket && (c.Price <= 0 || c.Price%in.Tick != 0):
		return event.ReasonBadPrice
	}
	if _, ok := c.Price.Notional(c.Qty); !ok {
		return event.ReasonBadQty
	}
	return event.ReasonNone
}

// cancel takes an order off its book, or rejects the request: an order that is
// done cannot be cancelled, nor one that a dealer is looking at.
func (m *Market) cancel(now int64, c *event.Command) {
	p := m.place(c.Venue, c.Instrument)
	if p.sim != nil {
		p.sim.cancel(now, c)
		return
	}
	o := m.orders[c.Child]
	switch {
	case o == nil:
		m.rejectCancel(now, c, market.StatusRejected, event.ReasonUnknownOrder)
	case o.status.Terminal() || p.lit == nil:
		m.rejectCancel(now, c, o.status, event.ReasonTooLate)
	default:
		p.lit.remove(o)
		m.done(now, o, market.StatusCanceled)
	}
}

// status answers with the state of an order: Rejected for one that never came.
func (m *Market) status(now int64, c *event.Command) {
	if p := m.place(c.Venue, c.Instrument); p.sim != nil {
		p.sim.status(now, c)
		return
	}
	e := event.Event{Code: uint8(market.ExecOrderStatus)}
	o := m.orders[c.Child]
	if o == nil {
		o = &order{Command: *c, status: market.StatusRejected}
		o.Qty, e.Reason = 0, event.ReasonUnknownOrder
	}
	m.report(now, o, e)
}

// Observe takes an event of the tape. It must see all of them.
func (m *Market) Observe(e *event.Event) {
	p := m.place(e.Venue, e.Instrument)
	switch {
	case p == nil || p.sim != nil || !e.Kind.Market():
		return
	case p.lit != nil:
		m.observeLit(p.lit, e)
	case p.dealer != nil:
		p.dealer.take(e)
	}
	if e.Flags&event.More == 0 {
		m.simNow = max(m.simNow, e.RecvTime)
		m.refer(e)
	}
}

// Shifted is told that the prices of a book are about to move by delta.
func (m *Market) Shifted(v market.VenueID, in market.InstrumentID, delta market.Price) {
	if p := m.place(v, in); p != nil && p.lit != nil {
		p.lit.shift(delta)
	}
}

// Trades returns every fill so far, in order of time. The slice is the market's
// own.
func (m *Market) Trades() []Trade { return m.trades }

// Assumptions says in sentences what the fills rest on.
func (m *Market) Assumptions() []string {
	ms := func(ns int64) string { return time.Duration(ns).String() }
	list := []string{
		fmt.Sprintf("An order takes %s to its venue, and a report the same time back; a recorded message "+
			"counts as the state of its venue when it was received.", ms(m.rules.LatencyNanos)),
		"An order that takes consumes displayed size at displayed prices. What it consumed stays " +
			"consumed until the recording changes that level; nobody else reacts to it.",
		"An order that rests joins behind the size displayed at its price. Only trades at its price " +
			"move it forward, and it is never further back than the size still displayed there. Trades " +
			"through its price fill it up to their quantity.",
		fmt.Sprintf("A dealer fills an order on its quote whole after %s, unless its newest price moved "+
			"more than %d ticks against it; each quote trades once, and no longer than %s after it was "+
			"replaced.", ms(m.rules.HoldNanos), m.rules.RejectTicks, ms(m.rules.GraceNanos)),
	}
	return append(append(list, m.plan.assumptions()...), m.simulatedAssumptions()...)
}
