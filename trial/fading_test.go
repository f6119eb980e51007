package trial

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/venues/sim"
)

// fadingMarket is two exchanges at different distances from the router, and a maker near both who
// takes his quote on one away when he hears that the other was hit.
type fadingMarket struct {
	t         *testing.T
	core      *router.Core
	out       *event.Output
	exchanges []*sim.Exchange
	maker     *sim.Fader
	way       []int64 // to each exchange, ns
	due       []arrival
	now       int64
	seq       uint64
	draw      uint64
	arrived   map[uint64]int64 // by child
	taken     market.Qty
}

type arrival struct {
	at    int64
	cmd   event.Command // to a venue; zero: e is heard
	event event.Event
}

const jitter = 8_000 // ns, of every message of the router

func newFadingMarket(t *testing.T, equalise int64) *fadingMarket {
	t.Helper()
	m := &fadingMarket{t: t, way: []int64{100_000, 700_000}, now: midnight + openOfDay*1e9, draw: 1, arrived: map[uint64]int64{}}
	venues := sim.StockVenues(&sim.Regimes()[0])[:2]
	for v := range venues {
		e, err := sim.NewExchange(sim.ExchangeConfig{Venue: sim.Venue{Instrument: Instrument(), IDBase: uint64(v+1) * 1e12, Replies: sim.Replies{
			Report: func(r *sim.Report) { m.report(v, r) }, Reject: func(*sim.CancelReject) {}}},
			Book: func(c *sim.BookChange) {
				m.hear(v, event.Event{Kind: event.BookLevel, Side: c.Side, Price: c.Price, Qty: c.LevelQty, SrcTime: c.Time})
			}})
		if err != nil {
			t.Fatal(err)
		}
		m.exchanges = append(m.exchanges, e)
	}
	m.maker = sim.NewFader(9, m.exchanges, []int64{20_000, 20_000})
	s := Setup{Seed: 1, Horizon: 60, Slice: 60}
	cfg := s.config(&Policy{}, venues)
	cfg.MaxParents, cfg.MaxChildren, cfg.Tactics.EqualiseNanos = 400, 4000, equalise
	core, err := router.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.core, m.out = core, core.OutputFor()
	m.step(event.Event{Kind: event.SessionStart, Ref: 1})
	for v := range venues {
		id := market.VenueID(v)
		m.step(event.Event{Kind: event.VenueSession, Venue: id, Code: uint8(event.SessionUp)})
		m.step(event.Event{Kind: event.BookStatus, Venue: id, Code: uint8(event.BookLive)})
		m.exchanges[v].Enter(m.now, sim.Order{Owner: 8, ClOrdID: clOrdID(1), Side: market.Buy, Price: StartPrice - Tick, Qty: 1e6, OrdType: market.OrdLimit,
			TIF: market.TIFDay})
	}
	return m
}

func (m *fadingMarket) random(n int64) int64 {
	m.draw = m.draw*6364136223846793005 + 1442695040888963407
	return int64(m.draw>>33) % n
}

func (m *fadingMarket) add(a arrival) {
	i, _ := slices.BinarySearchFunc(m.due, a.at, func(x arrival, at int64) int { return cmp.Or(cmp.Compare(x.at, at), -1) })
	m.due = slices.Insert(m.due, i, a)
}

func (m *fadingMarket) hear(v int, e event.Event) {
	e.Venue = market.VenueID(v)
	m.add(arrival{at: m.now + m.way[v] + m.random(jitter), event: e})
}

func (m *fadingMarket) report(v int, r *sim.Report) {
	switch {
	case r.Owner == owner:
		e := event.Event{Kind: event.Exec, Ref: childOf(r.ClOrdID), Side: r.Side, Price: r.Price, Qty: r.OrderQty, Code: uint8(r.ExecType),
			OrdStatus: r.OrdStatus, LastPx: r.LastPx, LastQty: r.LastQty, CumQty: r.CumQty, LeavesQty: r.LeavesQty, Liquidity: r.Liquidity}
		e.ID = clOrdID(r.ExecID)
		m.hear(v, e)
		m.taken += r.LastQty
	case r.Owner == 9 && r.ExecType == market.ExecTrade:
		m.maker.Traded(m.now, v)
	}
}

func (m *fadingMarket) step(e event.Event) {
	m.seq++
	e.Seq, e.StepTime, e.RecvTime = m.seq, m.now, m.now
	m.out.Reset()
	m.core.Step(&e, m.out)
	for i := range m.out.Commands {
		if c := &m.out.Commands[i]; c.Kind == event.SendOrder {
			m.add(arrival{at: m.now + m.way[c.Venue] + m.random(jitter), cmd: *c})
		}
	}
}

// run lets what is due happen up to a time.
func (m *fadingMarket) run(end int64) {
	for {
		next, maker, timer := int64(math.MaxInt64), m.maker.Advance(m.now), max(m.core.NextTimer(), m.now)
		if len(m.due) > 0 {
			next = m.due[0].at
		}
		at := min(next, maker, timer)
		if at > end {
			m.now = end
			return
		}
		m.now = at
		switch at {
		case maker:
		case next:
			a := m.due[0]
			m.due = slices.Delete(m.due, 0, 1)
			if c := &a.cmd; c.Kind == event.SendOrder {
				m.arrived[c.Child] = m.now
				m.exchanges[c.Venue].Enter(m.now, sim.Order{Owner: owner, ClOrdID: clOrdID(c.Child), Side: c.Side, Price: c.Price, Qty: c.Qty,
					OrdType: c.OrdType, TIF: c.TIF})
			} else {
				m.step(a.event)
			}
		default:
			m.step(event.Event{Kind: event.Timer})
		}
	}
}

// sweep shows 600 on both exchanges, asks for all 1,200, and returns what was got and how far apart
// the two orders arrived.
func (m *fadingMarket) sweep(n int) (got market.Qty, apart int64) {
	m.maker.Show(m.now, market.Sell, StartPrice, 600)
	m.run(m.now + 10e6)
	from, before := len(m.core.Children()), m.taken
	e := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 1200, OrdType: market.OrdLimit, Price: StartPrice, TIF: market.TIFIOC,
		Strategy: event.StrategySweep}
	e.ID, _ = event.MakeID(append([]byte("S"), market.AppendDecimal(nil, int64(n), 0)...))
	m.step(e)
	m.run(m.now + 50e6)
	sent := m.core.Children()[from:]
	if len(sent) != 2 {
		m.t.Fatalf("sweep %d: %d orders, not 2", n, len(sent))
	}
	return m.taken - before, m.arrived[sent[0].Number] - m.arrived[sent[1].Number]
}

// TestEqualisedOrdersArriveTogether: the router measures its ways by the answers that it gets, and
// then its orders arrive together, within the error of that: what the messages themselves vary by,
// and how far half of a round trip is from one way. A maker who fades gets nothing away; without
// waiting the far venue's half is gone.
func TestEqualisedOrdersArriveTogether(t *testing.T) {
	const warm, sweeps = 60, 100
	got := map[int64]market.Qty{}
	for _, equalise := range []int64{0, 2e6} {
		m := newFadingMarket(t, equalise)
		worst := int64(0)
		for n := range warm + sweeps {
			qty, apart := m.sweep(n)
			if n >= warm {
				got[equalise] += qty
				worst = max(worst, apart, -apart)
			}
		}
		p := m.core.Params()
		measured := int64(0) // error of the difference of the two ways
		for v, sign := range []int64{1, -1} {
			measured += sign * (int64(p.Venues[v].LatencyMicros)*1000 - m.way[v] - jitter/2)
		}
		measured = max(measured, -measured) + jitter + 1000
		t.Logf("waiting up to %d µs: %d of %d shares, orders %d µs apart at most; measured %d and %d µs one way, error %d µs", equalise/1000,
			got[equalise], 1200*sweeps, worst/1000, p.Venues[0].LatencyMicros, p.Venues[1].LatencyMicros, measured/1000)
		if equalise > 0 && worst > measured {
			t.Errorf("orders arrived %d ns apart, the ways are known to %d ns", worst, measured)
		}
		if trouble := m.core.Audit(); trouble != "" {
			t.Error(trouble)
		}
	}
	if got[2e6] != 1200*sweeps || got[0] > 620*sweeps {
		t.Errorf("%d shares with waiting and %d without, of %d", got[2e6], got[0], 1200*sweeps)
	}
}
