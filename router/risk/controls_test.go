package risk

import (
	"testing"

	"penstock/event"
	"penstock/market"
)

func testControls() *Controls {
	return &Controls{FirmCredit: 1000 * 10_000, StrategyRate: 20, RepeatOrders: 10, RepeatNanos: 1e9, SameOrders: 3, SameNanos: 1e9,
		Restricted: []bool{false}, Decimals: []uint8{4}, Clients: []Client{
			{Credit: 600 * 10_000, Instruments: []bool{true}, Venues: []bool{true, false}},
			{Credit: 600 * 10_000, Instruments: []bool{false}, Venues: []bool{true, true}},
			{Credit: 600 * 10_000, Instruments: []bool{true}, Venues: []bool{true, true}}}}
}

func controlled(t *testing.T, change ...func(*Controls)) *Gate {
	t.Helper()
	venues := []market.Venue{{ID: 0, Name: "A", MsgRate: 1000}, {ID: 1, Name: "B", MsgRate: 1000}}
	limits := testLimits()
	limits[0].HardMaxQty, limits[0].HardMaxNotional = 6000, 4e9
	g, err := NewGate(limits, venues)
	if err != nil {
		t.Fatal(err)
	}
	c := testControls()
	for _, f := range change {
		f(c)
	}
	if err := g.Control(c, venues, 8); err != nil {
		t.Fatal(err)
	}
	return g
}

// unit costs 50 of the currency.
func unit(client uint16) Order {
	return Order{Venue: 0, Side: market.Buy, Price: 500_000, Qty: 1, Client: client, Strategy: event.StrategyTWAP}
}

func try(g *Gate, o Order, now int64) event.Reason {
	_, why := g.Child(&o, mid2, now)
	if why == event.ReasonNone {
		g.Expose(o.Client, g.Exposure(o.Instrument, o.Price, o.Qty))
	}
	return why
}

// TestCtl_C03 closes when the reference is missing, zero or crossed: the caller gives 0 for
// all of them.
func TestCtl_C03_CollarFailsClosed(t *testing.T) {
	for _, reference := range []int64{0, -1} {
		o := unit(0)
		if _, why := controlled(t).Child(&o, reference, 0); why != event.ReasonNoReference {
			t.Errorf("reference %d: %v", reference, why)
		}
	}
}

// TestCtl_C04 sends ten times what a strategy may: none above the rate passes, every cancel
// does.
func TestCtl_C04_StrategyRate(t *testing.T) {
	g := controlled(t, func(c *Controls) { c.RepeatOrders, c.FirmCredit, c.Clients[0].Credit = 1000, 1<<50, 1<<50 })
	passed := 0
	for i := range int64(200) {
		switch why := try(g, unit(0), 5e9+i); why {
		case event.ReasonNone:
			passed++
		case event.ReasonStrategyRate:
		default:
			t.Fatal(why)
		}
		g.CancelFor(0, event.StrategyTWAP, 5e9+i)
	}
	if passed == 0 || passed > 18 { // a tenth of 20 is kept for cancels
		t.Errorf("%d orders in a second", passed)
	}
	other := unit(0)
	other.Strategy = event.StrategySweep
	if why := try(g, other, 5e9+300); why != event.ReasonNone {
		t.Errorf("another strategy: %v", why)
	}
}

// TestCtl_C05 is a resend storm: the same order of a client again and again.
func TestCtl_C05_SameOrderAgain(t *testing.T) {
	g := controlled(t)
	r := Request{Client: 0, Strategy: event.StrategyTWAP, Side: market.Buy, Qty: 100, Limit: 500_000}
	refused := 0
	for i := range int64(50) {
		if why := g.Client(&r, i); why == event.ReasonRepeatedOrder {
			refused++
		} else if why != event.ReasonNone {
			t.Fatal(why)
		}
	}
	if refused != 47 {
		t.Errorf("%d of 50 refused, 3 may come within the window", refused)
	}
	other := r
	other.Qty = 101
	if why := g.Client(&other, 60); why != event.ReasonNone {
		t.Errorf("another quantity: %v", why)
	}
	if why := g.Client(&r, 2e9); why != event.ReasonNone {
		t.Errorf("after the window: %v", why)
	}
}

// TestCtl_C06 counts what was sent, and gives back only what can never execute.
func TestCtl_C06_CreditCountsWhatWasSent(t *testing.T) {
	g := controlled(t, func(c *Controls) { c.RepeatOrders, c.StrategyRate = 1000, 1000 })
	for i := range 12 { // 600
		if why := try(g, unit(0), int64(i)); why != event.ReasonNone {
			t.Fatal(i, why)
		}
	}
	if why := try(g, unit(0), 20); why != event.ReasonCredit || g.Used(0) != 600*10_000 {
		t.Errorf("above the client's credit: %v, used %d", why, g.Used(0))
	}
	for i := range 8 { // 400: the firm's 1000 are used
		if why := try(g, unit(2), int64(30+i)); why != event.ReasonNone {
			t.Fatal(i, why)
		}
	}
	if why := try(g, unit(2), 50); why != event.ReasonCredit {
		t.Errorf("above the firm's credit: %v", why)
	}
	g.Expose(0, -50*10_000)
	if why := try(g, unit(2), 60); why != event.ReasonNone {
		t.Errorf("after one ended unexecuted: %v", why)
	}
	g.ExposeFirm(50 * 10_000) // an orphan
	if why := try(g, unit(2), 70); why != event.ReasonCredit {
		t.Errorf("with an orphan: %v", why)
	}
}

// TestCtl_C07 is a loop that sends the same again: it dies in at most N orders and stays
// dead until a person enables the strategy; fills count alike.
func TestCtl_C07_RepeatedExecutionDisables(t *testing.T) {
	wide := func(c *Controls) { c.StrategyRate, c.FirmCredit, c.Clients[0].Credit = 1000, 1<<50, 1<<50 }
	g := controlled(t, wide)
	sent := 0
	for i := range int64(1000) {
		if try(g, unit(0), i) == event.ReasonNone {
			sent++
		}
	}
	if sent != 10 || !g.Disabled(event.StrategyTWAP) {
		t.Errorf("%d orders of a loop left, 10 may", sent)
	}
	o := unit(0)
	o.Slot = 1
	if why := try(g, o, 100e9); why != event.ReasonDisabled {
		t.Errorf("another parent, much later: %v", why)
	}
	if why := g.Client(&Request{Strategy: event.StrategyTWAP, Side: market.Buy, Qty: 1}, 100e9); why != event.ReasonDisabled {
		t.Errorf("a new order of a client: %v", why)
	}
	g.Enable(event.StrategyTWAP)
	if why := try(g, unit(0), 100e9); why != event.ReasonNone {
		t.Errorf("after a person enabled it: %v", why)
	}
	g = controlled(t, wide)
	for i := range 11 {
		if ok := g.Filled(0, event.StrategyTWAP, 5); ok != (i < 10) {
			t.Errorf("fill %d: %v", i+1, ok)
		}
	}
}

// TestCtl_C09 is the restricted list and who may trade what where.
func TestCtl_C09_Permissions(t *testing.T) {
	with := func(f func(*Order)) Order { o := unit(0); f(&o); return o }
	for name, c := range map[string]struct {
		order  Order
		change func(*Controls)
		want   event.Reason
	}{
		"permitted":         {unit(0), func(*Controls) {}, event.ReasonNone},
		"another venue":     {with(func(o *Order) { o.Venue = 1 }), func(*Controls) {}, event.ReasonNotPermitted},
		"another symbol":    {unit(1), func(*Controls) {}, event.ReasonNotPermitted},
		"no such client":    {unit(9), func(*Controls) {}, event.ReasonNotPermitted},
		"restricted symbol": {unit(0), func(c *Controls) { c.Restricted[0] = true }, event.ReasonRestricted},
	} {
		g := controlled(t, c.change)
		if why := try(g, c.order, 0); why != c.want {
			t.Errorf("%s: child %v, want %v", name, why, c.want)
		}
		if c.order.Venue != 0 {
			continue
		}
		r := Request{Client: c.order.Client, Strategy: event.StrategyTWAP, Side: market.Buy, Qty: 1}
		if why := g.Client(&r, 0); why != c.want {
			t.Errorf("%s: parent %v, want %v", name, why, c.want)
		}
	}
}

// TestCtl_C10 kills one scope; an order of another passes.
func TestCtl_C10_KillScopes(t *testing.T) {
	for _, s := range []event.Scope{{}, {Kind: event.ScopeVenue, ID: 0}, {Kind: event.ScopeSymbol, ID: 0}, {Kind: event.ScopeClient, ID: 0},
		{Kind: event.ScopeStrategy, ID: uint64(event.StrategyTWAP)}, {Kind: event.ScopePolicy, ID: 7}} {
		g := controlled(t)
		g.KillScope(event.Scope{Kind: event.ScopeClient, ID: 2})
		o := unit(0)
		o.Policy = 7
		if why := try(g, o, 0); why != event.ReasonNone {
			t.Fatalf("%+v: before %v", s, why)
		}
		g.KillScope(s)
		if why := try(g, o, 1); why != event.ReasonKilled {
			t.Errorf("%+v: %v", s, why)
		}
		g.ReleaseScope(s)
		if why := try(g, o, 2); why != event.ReasonNone {
			t.Errorf("%+v: after the release %v", s, why)
		}
	}
}

// TestCtl_C16 raises limits: never above the hard one, never without an end, and only for
// as long as was said.
func TestCtl_C16_RaisesEnd(t *testing.T) {
	g := controlled(t)
	set := func(value, until int64) event.Reason {
		return g.SetLimit(event.LimitChildMaxQty, 0, 0, value, until, 100)
	}
	for _, c := range []struct {
		value, until int64
		want         event.Reason
		left         market.Qty
	}{
		{5500, 1000, event.ReasonNone, 5500}, {6001, 1000, event.ReasonMaxQty, 5500}, {1 << 62, 1000, event.ReasonMaxQty, 5500},
		{5600, 0, event.ReasonBadParameter, 5500}, {5600, 100, event.ReasonBadParameter, 5500}, {0, 1000, event.ReasonBadParameter, 5500},
		{-5, 1000, event.ReasonBadParameter, 5500}, {5600, 500, event.ReasonNone, 5600},
	} {
		if why := set(c.value, c.until); why != c.want || g.ChildMaxQty(0) != c.left {
			t.Errorf("%+v: %v, limit %d", c, why, g.ChildMaxQty(0))
		}
	}
	if g.NextExpiry() != 500 {
		t.Errorf("next end at %d", g.NextExpiry())
	}
	if g.Expire(500); g.ChildMaxQty(0) != 5500 {
		t.Errorf("after the second raise: %d", g.ChildMaxQty(0))
	}
	if why := set(4000, 0); why != event.ReasonNone { // lower for good
		t.Error(why)
	}
	if g.Expire(1000); g.ChildMaxQty(0) != 4000 {
		t.Errorf("the end of a raise raised a limit that was lowered since: %d", g.ChildMaxQty(0))
	}
	if g.SetLimit(event.LimitCredit, 0, 0, 1<<60, 1000, 100) != event.ReasonMaxQty {
		t.Error("a credit above the firewall's")
	}
}

// TestCtl_C19 caps a new policy; what is confirmed has none.
func TestCtl_C19_CanaryStopsAtItsCap(t *testing.T) {
	for name, c := range map[string]struct {
		orders   int
		notional market.Money
		venue    market.VenueID
		passes   int
	}{"orders": {3, 1 << 50, 0, 3}, "notional": {100, 225 * 10_000, 0, 4}, "another venue": {100, 1 << 50, 1, 0}} {
		g := controlled(t, func(k *Controls) {
			k.Clients[0].Venues[1] = true
			k.Canary = &Canary{Policy: 7, Orders: c.orders, Notional: c.notional, Instruments: []bool{true}, Venues: []bool{true, false}}
		})
		passed := 0
		o := unit(0)
		o.Policy, o.Venue = 7, c.venue
		for i := range int64(8) {
			if try(g, o, i) == event.ReasonNone {
				passed++
			}
		}
		if passed != c.passes || !g.CanaryOut() {
			t.Errorf("%s: %d orders passed, want %d", name, passed, c.passes)
		}
		o.Policy = 8
		o.Venue = 0
		if why := try(g, o, 10); why != event.ReasonNone {
			t.Errorf("%s: the last good policy: %v", name, why)
		}
		g.ConfirmPolicy(7)
		o.Policy = 7
		if why := try(g, o, 11); why != event.ReasonNone {
			t.Errorf("%s: confirmed: %v", name, why)
		}
	}
}

// TestCtl_C15 leaves out one control after the other.
func TestCtl_C15_NoControlHasADefault(t *testing.T) {
	if err := testControls().Validate(1, 2); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Controls){
		"firm credit": func(c *Controls) { c.FirmCredit = 0 }, "strategy rate": func(c *Controls) { c.StrategyRate = 0 },
		"repeat orders": func(c *Controls) { c.RepeatOrders = 0 }, "repeat window": func(c *Controls) { c.RepeatNanos = 0 },
		"same orders": func(c *Controls) { c.SameOrders = 0 }, "same window": func(c *Controls) { c.SameNanos = -1 },
		"clients": func(c *Controls) { c.Clients = nil }, "credit": func(c *Controls) { c.Clients[1].Credit = 0 },
		"permissions": func(c *Controls) { c.Clients[0].Venues = nil }, "restricted list": func(c *Controls) { c.Restricted = nil },
		"canary": func(c *Controls) { c.Canary = &Canary{Policy: 1} },
	} {
		c := testControls()
		spoil(c)
		if c.Validate(1, 2) == nil {
			t.Errorf("%s may be missing", name)
		}
	}
}
