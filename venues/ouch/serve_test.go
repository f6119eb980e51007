package ouch

import (
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim/serve"
)

var versions = map[string]serve.Orders{"5.0": serve.OUCH50, "4.2": serve.OUCH42}

// The whole life of orders over a socket: fill, rest, a break of the connection, states
// asked for, cancel, cancel too late; the accounts agree.
func TestTradesWithTheSimulatedExchange(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, orders, "LITA", nil)
			if r.g.Send(wall(), takeOrder(child)) {
				t.Error("accepted before the login")
			}
			r.up()
			ask := r.server.Depth(market.Sell, 1)[0]
			take := takeOrder(child)
			take.Price, take.Qty = ask.Price+1000, ask.Qty
			r.send(take)
			if e := r.untilEvent("fill", over(child)); e.CumQty == 0 || e.LeavesQty != 0 || e.Instrument != 3 || e.Side != market.Buy {
				t.Errorf("got %+v", e)
			}
			post := takeOrder(child + 1)
			post.TIF, post.ExecInst, post.Price = market.TIFDay, market.ExecInstPostOnly, ask.Price-50_000
			r.send(post)
			if e := r.untilEvent("acceptance", exec(child+1, market.ExecNew)); e.OrderRef == 0 || e.LeavesQty != 300 || e.Price != post.Price {
				t.Errorf("got %+v", e)
			}
			r.server.DropConnections()
			r.untilEvent("session down", session(event.SessionDown))
			r.up()
			if e := r.status(child); e.CumQty == 0 || !e.OrdStatus.Terminal() || e.LastPx != r.average(child) || e.LastPx > take.Price {
				t.Errorf("status of the order that traded: %+v", e)
			}
			if e := r.status(child + 1); e.OrdStatus != market.StatusNew || e.CumQty != 0 || e.LeavesQty != post.Qty {
				t.Errorf("status of the resting order: %+v", e)
			}
			if e := r.status(child + 77); e.OrdStatus != market.StatusRejected || e.Reason != event.ReasonUnknownOrder {
				t.Errorf("status of an order that never was: %+v", e)
			}
			r.send(cancelOf(child + 1))
			if e := r.untilEvent("cancel", over(child+1)); e.OrdStatus != market.StatusCanceled || e.CumQty != 0 {
				t.Errorf("got %+v", e)
			}
			r.send(cancelOf(child + 1))
			r.untilEvent("cancel reject", func(e *event.Event) bool {
				return e.Kind == event.OrderCancelReject && e.Ref == child+1 && e.Reason == event.ReasonTooLate
			})
			r.reconcile()
		})
	}
}

// A new process knows nothing: the session is read from its first message, and what was
// said while nobody listened comes out as it happened.
func TestNewProcessReadsTheSessionFromItsFirstMessage(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, orders, "LITA", func(c *Config) { c.First = child })
			r.up()
			ask := r.server.Depth(market.Sell, 1)[0]
			earlier := takeOrder(child - 5) // of a run before
			earlier.TIF, earlier.Price = market.TIFDay, ask.Price-60_000
			r.send(earlier)
			take := takeOrder(child)
			take.Price, take.Qty = ask.Price+1000, ask.Qty
			r.send(take)
			r.untilEvent("fill", over(child))
			post := takeOrder(child + 1)
			post.TIF, post.Price = market.TIFDay, ask.Price-50_000
			r.send(post)
			r.untilEvent("acceptance", exec(child+1, market.ExecNew))
			blind := takeOrder(child + 2) // whose answers nobody hears
			blind.Price, blind.Qty = ask.Price+50_000, ask.Qty+700
			r.server.PauseWrites(true)
			r.send(blind)
			r.until("the venue has it", func() bool { return len(r.server.Orders(client)) == 4 })
			r.g.Close()
			r.events, r.cum, r.value = nil, map[uint64]market.Qty{}, map[uint64]int64{}

			r.start()
			if r.g.book.ofChild(child) != nil {
				t.Fatal("a new gateway knows orders")
			}
			e := r.untilEvent("the fill again", exec(child, market.ExecTrade))
			if e.Flags&event.PossDup == 0 || e.CumQty == 0 {
				t.Errorf("got %+v", e)
			}
			if e := r.untilEvent("the fill that nobody heard", over(child+2)); e.CumQty == 0 {
				t.Errorf("got %+v", e)
			}
			r.up()
			if r.g.book.ofChild(child-5) == nil || r.cum[child-5] != 0 {
				t.Error("the order of an earlier run is not known, or was told")
			}
			if _, told := r.cum[child-5]; told {
				t.Error("an order of an earlier run was told")
			}
			if e := r.status(child + 1); e.OrdStatus != market.StatusNew || e.LeavesQty != post.Qty {
				t.Errorf("status of the resting order: %+v", e)
			}
			r.send(cancelOf(child + 1))
			r.untilEvent("cancel", over(child+1))
			next := takeOrder(child + 3) // numbers go on behind those that were used
			next.Price = ask.Price - 50_000
			r.send(next)
			r.untilEvent("verdict", over(child+3))
			r.reconcile()
		})
	}
}

// An order that was sent into a break of the connection is never sent again. Once the
// venue has answered the query, it is known whether it arrived.
func TestOrderSentIntoABreakIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, orders, "LITA", nil)
			r.up()
			ask := r.server.Depth(market.Sell, 1)[0]
			for i := range uint64(20) {
				c := takeOrder(child + i)
				c.TIF, c.Price = market.TIFDay, ask.Price-market.Price(50_000+100*i)
				if i == 10 {
					r.server.DropConnections()
				}
				r.g.Send(wall(), c)
			}
			r.untilEvent("session down", session(event.SessionDown))
			for i := range uint64(20) {
				if r.g.book.ofChild(child+i) != nil {
					r.g.Send(wall(), &event.Command{Kind: event.SendStatus, Child: child + i, Side: market.Buy, Instrument: 3})
				}
			}
			r.up()
			there := map[string]bool{}
			for _, o := range r.server.Orders(client) {
				there[o.ClOrdID.String()] = true
			}
			states := map[uint64]event.Event{}
			asked := 0
			for i := range uint64(20) {
				if r.g.book.ofChild(child+i) != nil { // not one that was refused
					r.send(&event.Command{Kind: event.SendStatus, Child: child + i, Side: market.Buy, Instrument: 3})
					asked++
				}
			}
			for len(states) < asked {
				e := r.untilEvent("status", func(e *event.Event) bool { return e.Code == uint8(market.ExecOrderStatus) })
				states[e.Ref] = e
			}
			for ref, e := range states {
				if here := there[Token(ref)]; here != (e.OrdStatus == market.StatusNew) ||
					!here && e.OrdStatus != market.StatusRejected {
					t.Errorf("order %d: at the venue %v, told %+v", ref, here, e)
				}
			}
			r.reconcile()
		})
	}
}

// Executions that come twice, under two numbers of the session, count once.
func TestExecutionsCountOnce(t *testing.T) {
	t.Parallel()
	for name, orders := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, orders, "LITA", nil)
			r.up()
			if err := r.server.SetOUCHFaults(serve.OUCHFaults{Twice: true}); err != nil {
				t.Fatal(err)
			}
			ask := r.server.Depth(market.Sell, 1)[0]
			for i := range uint64(10) {
				take := takeOrder(child + i)
				take.Price, take.Qty = ask.Price+5000, 200
				r.send(take)
				r.untilEvent("verdict", over(child+i))
			}
			r.until("duplicates", func() bool { return r.g.Stats().Duplicates > 0 })
			r.reconcile()
		})
	}
}

func TestTradesWithTheSimulatedDarkPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH50, "DRK1", nil)
	r.up()
	for i := range uint64(3) {
		ping := takeOrder(child + i)
		ping.OrdType, ping.ExecInst = market.OrdPegged, market.ExecInstMidPeg
		ping.Price, ping.Qty, ping.MinQty = 1_100_000, 500, 100
		r.send(ping)
		if e := r.untilEvent("verdict", over(child+i)); e.OrdStatus == market.StatusRejected {
			t.Fatalf("rejected: %+v", e)
		}
	}
	r.reconcile()
}

// A Sink without room keeps everything in order: nothing is lost, nothing doubled.
func TestReportsAreNeverDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH50, "LITA", nil)
	r.up()
	ask := r.server.Depth(market.Sell, 1)[0]
	r.full = true
	for i := range uint64(200) {
		c := takeOrder(child + i)
		c.TIF, c.Price = market.TIFDay, ask.Price-50_000
		r.send(c)
	}
	r.until("a refusal", func() bool { return r.g.Stats().SinkFull > 0 })
	taken := 0
	r.g.cfg.Sink = func(e *event.Event) bool { // room for every third attempt
		taken++
		return taken%3 == 0 && r.sink(e)
	}
	r.full = false
	r.until("all acceptances", func() bool { return len(r.events) == 200 })
	for i, e := range r.events {
		if e.Ref != child+uint64(i) || e.Code != uint8(market.ExecNew) {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
}

func TestWrongPasswordAndEndOfSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH50, "LITA", nil)
	r.server.SetOUCHFaults(serve.OUCHFaults{Reject: 'A'})
	r.until("refused", func() bool { return r.g.Stats().Login.Rejected > 1 })
	if s := r.g.Stats(); s.Connects != 0 || s.LastClose == "" {
		t.Errorf("stats %+v", s)
	}
	r.server.SetOUCHFaults(serve.OUCHFaults{})
	r.up()
	r.m.Close()
	r.untilEvent("session down", session(event.SessionDown))
	if s := r.g.Stats(); s.LastClose != "the venue ended the session" || r.g.Why() != s.LastClose {
		t.Errorf("closed because %q, it says %q", s.LastClose, r.g.Why())
	}
	r.g.Logout(wall(), "end of day")
	r.until("done", r.g.Done)
}
