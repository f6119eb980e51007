package fixgw

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// simRig is a gateway to one venue of the simulated market, over its real
// protocol.
type simRig struct {
	*rig
	server *serve.Server
	in     market.Instrument
	fills  map[uint64]market.Qty // by child, from CumQty
}

func newSimRig(t *testing.T, venue string) *simRig {
	t.Helper()
	return newSimRigOf(t, venue, func(*serve.Venue) {})
}

// newSimRigOf changes the venue before it starts.
func newSimRigOf(t *testing.T, venue string, change func(*serve.Venue)) *simRig {
	t.Helper()
	return newSimRigWith(t, venue, change, func(*Config) {})
}

// newSimRigWith changes the gateway, too.
func newSimRigWith(t *testing.T, venue string, change func(*serve.Venue), tune func(*Config)) *simRig {
	t.Helper()
	in := market.Instrument{ID: 3, Symbol: "ACME", Currency: "USD", PriceDecimals: 4, QtyDecimals: 0,
		Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, 1, "SOR")
	for i := range venues {
		if venues[i].Name == venue {
			change(&venues[i])
		}
	}
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: venues})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	s := m.Venue(venue)
	if s == nil {
		t.Fatalf("no venue %s", venue)
	}
	r := &simRig{rig: &rig{t: t}, server: s, in: in, fills: map[uint64]market.Qty{}}
	if r.poller, err = wire.NewPoller(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.poller.Close() })
	d, _ := DialectByName("sim")
	cfg := Config{Addr: s.OrderAddr(), SenderCompID: "SOR", TargetCompID: venue, HeartBtIntSecs: 30, Dialect: d,
		Venue: 2, Kind: s.Config().Kind, Sink: r.sink,
		Symbols: []Symbol{{ID: 3, Text: s.Config().Symbol, PriceDecimals: 4}}}
	if cfg.Kind == market.SDP {
		cfg.Quotes = QuotesRequest
	}
	tune(&cfg)
	if r.g, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.g.Close() })
	return r
}

// untilEvent returns the first event of that kind for which want holds.
func (r *simRig) untilEvent(what string, want func(*event.Event) bool) event.Event {
	r.t.Helper()
	for {
		r.until(what, func() bool { r.now = wall(); return len(r.events) > 0 })
		if e := r.take(); want(&e) {
			return e
		}
	}
}

// take takes the next event.
func (r *simRig) take() event.Event {
	e := r.events[0]
	r.events = r.events[1:]
	if e.Kind == event.Exec {
		r.fills[e.Ref] = max(r.fills[e.Ref], e.CumQty)
	}
	return e
}

func done(ref uint64) func(*event.Event) bool {
	return func(e *event.Event) bool {
		return e.Kind == event.Exec && e.Ref == ref && e.OrdStatus.Terminal()
	}
}

// reconcile compares what we are told with the venue's own book of trades. The venue knows of a trade before we
// do: what is under way is waited for.
func (r *simRig) reconcile() {
	r.t.Helper()
	wrong := r.differences()
	for deadline := time.Now().Add(patience); len(wrong) > 0 && time.Now().Before(deadline); wrong = r.differences() {
		r.now = wall()
		if r.g.Work(r.now) == 0 {
			time.Sleep(time.Millisecond)
		}
		for len(r.events) > 0 {
			r.take()
		}
	}
	for _, w := range wrong {
		r.t.Error(w)
	}
	if s := r.g.Stats(); s.Malformed != 0 || s.UnknownSymbol != 0 || s.NotOurs != 0 {
		r.t.Errorf("stats %+v", s)
	}
}

// differences are the orders of which the venue and we know other fills.
func (r *simRig) differences() (wrong []string) {
	theirs := map[uint64]market.Qty{}
	for _, f := range r.server.Trades("SOR") {
		id, _ := strconv.ParseUint(f.ClOrdID.String(), 10, 64)
		theirs[id] += f.Qty
	}
	for id, qty := range r.fills {
		if theirs[id] != qty {
			wrong = append(wrong, fmt.Sprintf("child %d: we know of %d, the venue of %d", id, qty, theirs[id]))
		}
	}
	for id, qty := range theirs {
		if _, ok := r.fills[id]; !ok {
			wrong = append(wrong, fmt.Sprintf("child %d: we know of no fill, the venue of %d", id, qty))
		}
	}
	return wrong
}

// average is the price at which the venue says that an order traded, rounded down.
func (r *simRig) average(number uint64) market.Price {
	value, qty := int64(0), int64(0)
	for _, f := range r.server.Trades("SOR") {
		if f.ClOrdID.String() == strconv.FormatUint(number, 10) {
			value += int64(f.Price) * int64(f.Qty)
			qty += int64(f.Qty)
		}
	}
	return market.Price(value / max(qty, 1))
}

func sessionUp(e *event.Event) bool {
	return e.Kind == event.VenueSession && e.Code == uint8(event.SessionUp)
}

func TestTradesWithTheSimulatedExchange(t *testing.T) {
	r := newSimRig(t, "LITA")
	r.untilEvent("session", sessionUp)
	ask := r.server.Depth(market.Sell, 1)[0]
	take := takeOrder()
	take.Price, take.Qty = ask.Price+1000, ask.Qty
	if !r.g.Send(wall(), take) {
		t.Fatal("refused")
	}
	if e := r.untilEvent("fill", done(child)); e.CumQty == 0 || e.LeavesQty != 0 {
		t.Errorf("got %+v", e)
	}
	post := takeOrder()
	post.Child, post.TIF, post.ExecInst = child+1, market.TIFDay, market.ExecInstPostOnly
	post.Price = ask.Price - 50_000
	r.g.Send(wall(), post)
	r.untilEvent("acknowledgement", func(e *event.Event) bool {
		return e.Kind == event.Exec && e.Ref == child+1 && e.OrdStatus == market.StatusNew
	})

	// The connection breaks with the order in the book; after it the order can be
	// cancelled, once.
	r.server.DropConnections()
	r.untilEvent("session down", func(e *event.Event) bool { return e.Kind == event.VenueSession })
	r.untilEvent("session back", sessionUp)
	status := func(number uint64) event.Event {
		r.g.Send(wall(), &event.Command{Kind: event.SendStatus, Child: number, Side: market.Buy, Instrument: 3})
		return r.untilEvent("status", func(e *event.Event) bool {
			return e.Kind == event.Exec && e.Code == uint8(market.ExecOrderStatus) && e.Ref == number
		})
	}
	if e := status(child); e.CumQty == 0 || !e.OrdStatus.Terminal() || e.LastPx != r.average(child) || e.LastPx > take.Price {
		t.Errorf("status of the order that traded: %+v", e)
	}
	if e := status(child + 1); e.OrdStatus != market.StatusNew || e.CumQty != 0 || e.LeavesQty != post.Qty {
		t.Errorf("status of the resting order: %+v", e)
	}
	if e := status(child + 77); e.OrdStatus != market.StatusRejected || e.Reason != event.ReasonUnknownOrder {
		t.Errorf("status of an order that never was: %+v", e)
	}
	cancel := &event.Command{Kind: event.SendCancel, Child: child + 1, Ref: child + 2, Instrument: 3,
		Side: market.Buy, Qty: post.Qty}
	r.g.Send(wall(), cancel)
	if e := r.untilEvent("cancel", done(child+1)); e.OrdStatus != market.StatusCanceled {
		t.Errorf("got %+v", e)
	}
	cancel.Ref++
	r.g.Send(wall(), cancel)
	r.untilEvent("cancel reject", func(e *event.Event) bool {
		return e.Kind == event.OrderCancelReject && e.Ref == child+1 && e.Reason == event.ReasonTooLate
	})
	r.reconcile()
}

func TestTradesWithTheSimulatedDarkPool(t *testing.T) {
	r := newSimRig(t, "DRK1")
	r.untilEvent("session", sessionUp)
	for i := range uint64(5) {
		ping := takeOrder()
		ping.Child, ping.OrdType, ping.ExecInst = child+i, market.OrdPegged, market.ExecInstMidPeg
		ping.Price, ping.Qty, ping.MinQty = 1_100_000, 500, 100
		if !r.g.Send(wall(), ping) {
			t.Fatal("refused")
		}
		e := r.untilEvent("verdict", done(child+i))
		if e.OrdStatus == market.StatusRejected {
			t.Fatalf("rejected: %+v", e)
		}
	}
	r.reconcile()
}

func TestTradesWithTheSimulatedDealer(t *testing.T) {
	r := newSimRig(t, "SDP2")
	for i := range uint64(5) {
		q := r.untilEvent("quote", func(e *event.Event) bool { return e.Kind == event.Quote && e.LastQty > 0 })
		hit := takeOrder()
		hit.Child, hit.OrdType, hit.ID = child+i, market.OrdPreviouslyQuoted, q.ID
		hit.Price, hit.Qty = q.LastPx, 100
		if !r.g.Up() || !r.g.Send(wall(), hit) {
			t.Fatal("refused")
		}
		e := r.untilEvent("verdict", done(child+i))
		switch {
		case e.OrdStatus == market.StatusFilled && e.CumQty == 100:
		case e.OrdStatus == market.StatusRejected &&
			(e.Reason == event.ReasonLastLookPrice || e.Reason == event.ReasonQuoteExpired):
		default:
			t.Errorf("got %+v", e)
		}
	}
	stale := takeOrder()
	stale.Child, stale.OrdType = child+9, market.OrdPreviouslyQuoted
	stale.ID, _ = event.MakeID("nosuchquote")
	r.g.Send(wall(), stale)
	if e := r.untilEvent("refusal", done(child+9)); e.Reason != event.ReasonQuoteExpired {
		t.Errorf("unknown quote: got %+v", e)
	}
	r.reconcile()
}
