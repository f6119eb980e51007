package ouch

import (
	"fmt"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// patience bounds every wait; none takes a fraction of it.
const patience = 30 * time.Second

const (
	child  = 217_000_000_000_000_001
	client = "SOR"
)

// rig is a gateway to one venue of the simulated market, over its real protocol, and
// everything that it emitted.
type rig struct {
	t      *testing.T
	m      *serve.Market
	server *serve.Server
	g      *Gateway
	cfg    Config
	poller *wire.Poller
	events []event.Event
	full   bool // the Sink has no room
	sent   []uint64
	cum    map[uint64]market.Qty // by child, from CumQty
	value  map[uint64]int64      // Σ LastPx × LastQty
}

func newRig(t *testing.T, orders serve.Orders, venue string, adjust func(*Config)) *rig {
	t.Helper()
	return newRigOf(t, orders, venue, false, adjust)
}

// newRigOf is newRig with a venue that keeps orders of one firm apart, or not.
func newRigOf(t *testing.T, orders serve.Orders, venue string, selfMatch bool, adjust func(*Config)) *rig {
	t.Helper()
	in := market.Instrument{ID: 3, Symbol: "ACME", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, 1, client)
	for i := range venues {
		if venues[i].Name == venue {
			venues[i].Orders, venues[i].SelfMatch = orders, selfMatch
		}
	}
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: venues})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	r := &rig{t: t, m: m, server: m.Venue(venue), cum: map[uint64]market.Qty{}, value: map[uint64]int64{}}
	if r.poller, err = wire.NewPoller(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.poller.Close() })
	r.cfg = Config{Name: venue, Addr: r.server.OrderAddr(), User: client, Capacity: 'A', Venue: 2, Sink: r.sink, Seed: 1,
		Symbols: []Symbol{{ID: 3, Text: "ACME", PriceDecimals: 4}}, Midnight: func(int64) int64 { return m.Midnight() },
		RetryNanos: 10 * milli, RetryMaxNanos: 50 * milli,
		OnSent: func(c *event.Command, _ int64) { r.sent = append(r.sent, c.Child) }}
	if orders == serve.OUCH42 {
		r.cfg.Version = V42
	}
	if adjust != nil {
		adjust(&r.cfg)
	}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	g, err := New(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.g = g
	r.t.Cleanup(func() { g.Close() })
}

func (r *rig) sink(e *event.Event) bool {
	if r.full {
		return false
	}
	if e.Kind == event.Exec {
		if e.CumQty > r.cum[e.Ref] && market.ExecType(e.Code) == market.ExecTrade {
			r.value[e.Ref] += int64(e.LastPx) * int64(e.LastQty)
		}
		r.cum[e.Ref] = max(r.cum[e.Ref], e.CumQty)
	}
	r.events = append(r.events, *e)
	return true
}

func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		worked := r.g.Work(wall())
		if done() {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not in time; events %+v, stats %+v", what, r.events, r.g.Stats())
		}
		if worked == 0 {
			r.poller.Wait([]wire.PollFD{r.g.PollFD()}, 20*time.Millisecond)
		}
	}
}

// untilEvent returns the first event for which want holds.
func (r *rig) untilEvent(what string, want func(*event.Event) bool) event.Event {
	r.t.Helper()
	for {
		r.until(what, func() bool { return len(r.events) > 0 })
		e := r.events[0]
		r.events = r.events[1:]
		if want(&e) {
			return e
		}
	}
}

func (r *rig) up() {
	r.t.Helper()
	r.untilEvent("session up", session(event.SessionUp))
}

func session(s event.SessionState) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.Kind == event.VenueSession && e.Code == uint8(s) }
}

func exec(ref uint64, code market.ExecType) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == ref && e.Code == uint8(code) }
}

func over(ref uint64) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == ref && e.OrdStatus.Terminal() }
}

func (r *rig) send(c *event.Command) {
	r.t.Helper()
	if !r.g.Send(wall(), c) {
		r.t.Fatalf("refused %+v; stats %+v", c, r.g.Stats())
	}
}

func (r *rig) status(number uint64) event.Event {
	r.t.Helper()
	r.send(&event.Command{Kind: event.SendStatus, Child: number, Side: market.Buy, Instrument: 3})
	return r.untilEvent("status", exec(number, market.ExecOrderStatus))
}

// traded is what the venue's own book of trades says, by token.
func (r *rig) traded() (qty map[string]market.Qty, value map[string]int64) {
	qty, value = map[string]market.Qty{}, map[string]int64{}
	for _, f := range r.server.Trades(client) {
		qty[f.ClOrdID.String()] += f.Qty
		value[f.ClOrdID.String()] += int64(f.Price) * int64(f.Qty)
	}
	return qty, value
}

// average is the price at which the venue says that an order traded, rounded down.
func (r *rig) average(number uint64) market.Price {
	qty, value := r.traded()
	return market.Price(value[Token(number)] / max(int64(qty[Token(number)]), 1))
}

// reconcile compares what we are told with the venue's own book of trades, to the share
// and the increment. The venue knows of a trade before we do: what is under way is waited for.
func (r *rig) reconcile() {
	r.t.Helper()
	wrong := r.differences()
	for deadline := time.Now().Add(patience); len(wrong) > 0 && time.Now().Before(deadline); wrong = r.differences() {
		if r.g.Work(wall()) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for _, w := range wrong {
		r.t.Error(w)
	}
	if s := r.g.Stats(); s.Malformed != 0 || s.NotOurs != 0 {
		r.t.Errorf("stats %+v", s)
	}
}

// differences are the orders of which the venue and we know other fills.
func (r *rig) differences() (wrong []string) {
	qty, value := r.traded()
	for id, cum := range r.cum {
		if qty[Token(id)] != cum || value[Token(id)] != r.value[id] {
			wrong = append(wrong, fmt.Sprintf("child %d: we know of %d for %d, the venue of %d for %d",
				id, cum, r.value[id], qty[Token(id)], value[Token(id)]))
		}
	}
	return wrong
}

func takeOrder(number uint64) *event.Command {
	return &event.Command{Kind: event.SendOrder, Child: number, Venue: 2, Instrument: 3, Side: market.Buy,
		Price: 1_002_500, Qty: 300, OrdType: market.OrdLimit, TIF: market.TIFIOC}
}

func cancelOf(number uint64) *event.Command {
	return &event.Command{Kind: event.SendCancel, Child: number, Ref: number + 500_000_000, Venue: 2, Instrument: 3, Side: market.Buy, Qty: 300}
}

func wall() int64 { return time.Now().UnixNano() }
