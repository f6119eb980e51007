package tape

import (
	"fmt"
	"slices"
	"strconv"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// Simulated venues stand beside recorded ones, because no recording holds lit,
// dark and dealer liquidity of one instrument. They are engines of package sim
// around the recorded midpoint.
const (
	simulatedPrefix = "SIM-"
	simulatedStale  = 5 * nanosPerSecond // the midpoint may not be older
	simulatedOwner  = 1
)

// Simulated reports whether venue v is simulated rather than recorded.
func (p *Plan) Simulated(v market.VenueID) bool { return slices.Contains(p.simulated, v) }

// Simulate adds a simulated venue of each kind, Dark or SDP, that trades every
// instrument of the plan. Equal seeds give equal behaviour.
func (p *Plan) Simulate(kinds []market.VenueKind, seed uint64) error {
	for _, kind := range kinds {
		v := market.Venue{Kind: kind}
		switch kind {
		case market.Dark:
			v.Name, v.TakeFee, v.MakeFee = simulatedPrefix+"DARK", market.Fee{Ppm: 20}, market.Fee{Ppm: 20}
		case market.SDP:
			v.Name, v.LastLook = simulatedPrefix+"SDP", true
		default:
			return fmt.Errorf("simulated venue of kind %s: want dark or sdp", kind)
		}
		if err := p.AddVenue(v); err != nil {
			return err
		}
		p.simulated = append(p.simulated, p.Venues[len(p.Venues)-1].ID)
	}
	p.seed = seed
	return nil
}

// simulated is one instrument at one simulated venue; one of its engines is used.
type simulated struct {
	m          *Market
	venue      *market.Venue
	instrument market.InstrumentID
	dark       *sim.DarkPool
	dealer     *sim.Dealer
}

// openSimulated makes the engines of the plan's simulated venues.
func (m *Market) openSimulated() error {
	for n, id := range m.plan.simulated {
		for i := range m.plan.Instruments {
			s := &simulated{m: m, venue: &m.plan.Venues[id], instrument: market.InstrumentID(i)}
			number := uint64(n*len(m.plan.Instruments) + i + 1)
			if err := s.open(&m.plan.Instruments[i], number, m.plan.seed); err != nil {
				return fmt.Errorf("venue %s: %w", s.venue.Name, err)
			}
			m.sims = append(m.sims, s)
			m.places[id][i].sim = s
		}
	}
	return nil
}

func (s *simulated) open(in *market.Instrument, number, seed uint64) (err error) {
	scale := &s.m.plan.known[in.ID]
	v := sim.Venue{
		Instrument: *in, TakeFee: s.venue.TakeFee, MakeFee: s.venue.MakeFee,
		IDBase:  number * 1_000_000_000,
		Replies: sim.Replies{Report: s.report, Reject: s.reject},
	}
	if s.venue.Kind == market.Dark {
		s.dark, err = sim.NewDarkPool(sim.DarkPoolConfig{
			Venue: v, StaleNanos: simulatedStale,
			Contra: sim.Contra{
				Seed: seed + number, GapNanos: 400 * nanosPerMilli, ZeroBps: 5000,
				Unit: scale.darkUnit, MaxUnits: 100, StayNanos: 2 * nanosPerSecond, LeanOdds: 1,
			},
		})
		return err
	}
	s.dealer, err = sim.NewDealer(sim.DealerConfig{
		Venue: v, Seed: seed + number, QuotePrefix: "S", HalfSpread: scale.halfSpread,
		QuoteQty: scale.quoteQty, SkewQty: 2 * scale.quoteQty, HedgeNanos: 20 * nanosPerSecond,
		RefreshNanos: nanosPerSecond, MinGapNanos: 50 * nanosPerMilli, ValidNanos: 2 * nanosPerSecond,
		StaleNanos: simulatedStale, LastLook: true, HoldMedianNanos: 50 * nanosPerMilli,
		HoldSigmaMilli: 300, RejectMove2: 2 * scale.halfSpread,
		Quote: s.quote, QuoteCancelled: s.quoteCancelled,
	})
	return err
}

func clOrdID(n uint64) (id event.ID) {
	strconv.AppendUint(id[:0], n, 10)
	return id
}

func (s *simulated) enter(now int64, c *event.Command) {
	o := sim.Order{
		Owner: simulatedOwner, ClOrdID: clOrdID(c.Child), Side: c.Side, Price: c.Price, Qty: c.Qty,
		MinQty: c.MinQty, OrdType: c.OrdType, TIF: c.TIF, ExecInst: c.ExecInst, QuoteID: c.ID,
	}
	if s.dark != nil {
		s.dark.Enter(now, o)
		return
	}
	s.dealer.Enter(now, o)
}

func (s *simulated) cancel(now int64, c *event.Command) {
	request, orig := clOrdID(c.Ref), clOrdID(c.Child)
	if s.dark != nil {
		s.dark.Cancel(now, simulatedOwner, request, orig)
		return
	}
	s.dealer.Cancel(now, simulatedOwner, request, orig)
}

// status answers from what the engine knows of the order.
func (s *simulated) status(now int64, c *event.Command) {
	status := s.engineStatus(clOrdID(c.Child))
	s.reply(now, &event.Event{
		Kind: event.Exec, Code: uint8(market.ExecOrderStatus), Ref: c.Child, Side: c.Side,
		OrdStatus: status.OrdStatus, Price: status.Price, Qty: status.OrderQty,
		CumQty: status.CumQty, LeavesQty: status.LeavesQty,
	})
}

// engineStatus returns the state of an order, Rejected for one that never came.
func (s *simulated) engineStatus(id event.ID) sim.OrderState {
	var status sim.OrderState
	var ok bool
	if s.dark != nil {
		status, ok = s.dark.Status(simulatedOwner, id)
	} else {
		status, ok = s.dealer.Status(simulatedOwner, id)
	}
	if !ok {
		status.OrdStatus = market.StatusRejected
	}
	return status
}

// refer prices the simulated venues of an instrument from the recorded books.
func (m *Market) refer(e *event.Event) {
	if len(m.sims) == 0 {
		return
	}
	bid, ask := m.recordedTouch(e.Instrument)
	for _, s := range m.sims {
		switch {
		case s.instrument != e.Instrument:
		case s.dark != nil:
			s.dark.SetReference(e.RecvTime, bid, ask)
		default:
			s.dealer.SetReference(e.RecvTime, bid, ask)
		}
	}
}

// recordedTouch returns the best bid and ask that the midpoint is taken from: of
// the book that others are shifted to, or else of all recorded venues together.
// 0 means that there is none.
func (m *Market) recordedTouch(in market.InstrumentID) (bid, ask market.Price) {
	for v := range m.plan.Venues {
		p := &m.places[v][in]
		b, a := p.touch()
		if p.lit != nil && m.plan.isReference(market.VenueID(v), in) {
			return b, a
		}
		if b != 0 {
			bid = max(bid, b)
		}
		if a != 0 && (ask == 0 || a < ask) {
			ask = a
		}
	}
	return bid, ask
}

func (p *place) touch() (bid, ask market.Price) {
	switch {
	case p.lit != nil && p.lit.live:
		b, _ := p.lit.sides[0].Best()
		a, _ := p.lit.sides[1].Best()
		return b.Price, a.Price
	case p.dealer != nil && len(p.dealer.quotes) > 0:
		q := &p.dealer.quotes[len(p.dealer.quotes)-1]
		if q.replaced == 0 && q.Price < q.LastPx {
			return q.Price, q.LastPx
		}
	}
	return 0, 0
}

func (m *Market) nextSimulated() int64 {
	next := NoTime
	for _, s := range m.sims {
		switch {
		case s.dealer != nil:
			next = min(next, s.dealer.Advance(m.simNow))
		case !m.ended: // hidden interest would go on arriving for ever
			next = min(next, s.dark.Advance(m.simNow))
		}
	}
	return next
}

func (m *Market) advanceSimulated(now int64) {
	m.simNow = now
	m.nextSimulated()
}

// report sends a report of an engine on its way.
func (s *simulated) report(r *sim.Report) {
	child := r.ClOrdID
	if r.OrigClOrdID != (event.ID{}) {
		child = r.OrigClOrdID
	}
	e := &event.Event{
		Kind: event.Exec, Ref: childOf(child), Side: r.Side, Price: r.Price, Qty: r.OrderQty,
		Code: uint8(r.ExecType), OrdStatus: r.OrdStatus, LastPx: r.LastPx, LastQty: r.LastQty,
		CumQty: r.CumQty, LeavesQty: r.LeavesQty, Reason: r.Reason, Liquidity: r.Liquidity,
	}
	if r.ExecType == market.ExecTrade {
		s.book(r, e.Ref)
	}
	s.reply(r.Time, e)
}

func (s *simulated) book(r *sim.Report, child uint64) {
	fee := s.venue.TakeFee
	if r.Liquidity == market.LiquidityAdded {
		fee = s.venue.MakeFee
	}
	notional, _ := r.LastPx.Notional(r.LastQty)
	s.m.trades = append(s.m.trades, Trade{
		Time: r.Time, Venue: s.venue.ID, Instrument: s.instrument, Child: child, Side: r.Side,
		Liquidity: r.Liquidity, Price: r.LastPx, Qty: r.LastQty, Fee: fee.Of(notional, r.LastQty),
	})
}

func (s *simulated) reject(r *sim.CancelReject) {
	s.reply(r.Time, &event.Event{
		Kind: event.OrderCancelReject, Ref: childOf(r.OrigClOrdID), OrdStatus: r.OrdStatus,
		Reason: r.Reason,
	})
}

func (s *simulated) quote(q *sim.Quote) {
	s.post(q.Time, &event.Event{
		Kind: event.Quote, ID: q.QuoteID, Until: q.Until,
		Price: q.BidPx, Qty: q.BidQty, LastPx: q.AskPx, LastQty: q.AskQty,
	})
}

func (s *simulated) quoteCancelled(now int64) {
	s.post(now, &event.Event{Kind: event.QuoteCancel})
}

// reply names the venue in a report or reject and sends it.
func (s *simulated) reply(now int64, e *event.Event) {
	e.Venue, e.Instrument = s.venue.ID, s.instrument
	s.m.reply(now, e)
}

// post sends market data, which takes as long as a report.
func (s *simulated) post(now int64, e *event.Event) {
	e.Venue, e.Instrument, e.SrcTime = s.venue.ID, s.instrument, now
	e.RecvTime = now + s.m.rules.LatencyNanos
	s.m.post(e.RecvTime, message{event: e})
}

// childOf reads a ClOrdID that clOrdID made.
func childOf(id event.ID) uint64 {
	n, _ := strconv.ParseUint(id.String(), 10, 64)
	return n
}

func (m *Market) simulatedAssumptions() []string {
	var list []string
	for _, v := range m.plan.simulated {
		text := " is SIMULATED: a dealer that quotes around the recorded midpoint, looks at orders " +
			"for about 50ms and refuses after adverse moves."
		if m.plan.Venues[v].Kind == market.Dark {
			text = " is SIMULATED: a midpoint pool with seeded hidden interest around the recorded " +
				"midpoint; nothing trades there while that is locked, crossed or older than 5s."
		}
		list = append(list, m.plan.Venues[v].Name+text)
	}
	return list
}
