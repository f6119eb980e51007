package risk

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

func testLimits() []Limits {
	return []Limits{{ParentMaxQty: 100_000, ParentMaxNotional: 1e12, ChildMaxQty: 5000,
		ChildMaxNotional: 3e9, CollarBps: 100}}
}

func testGate(t *testing.T) *Gate {
	t.Helper()
	g, err := NewGate(testLimits(), []market.Venue{{ID: 0, Name: "A", MsgRate: 10}, {ID: 1, Name: "B", MsgRate: 100}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const mid2 = 2 * 500_000

func TestChildGate(t *testing.T) {
	good := Order{Venue: 0, Side: market.Buy, Price: 500_100, Qty: 100}
	with := func(f func(*Order)) Order { o := good; f(&o); return o }
	for name, c := range map[string]struct {
		order Order
		mid2  int64
		want  event.Reason
	}{
		"good":              {good, mid2, event.ReasonNone},
		"zero qty":          {with(func(o *Order) { o.Qty = 0 }), mid2, event.ReasonBadQty},
		"negative price":    {with(func(o *Order) { o.Price = -1 }), mid2, event.ReasonBadPrice},
		"above max qty":     {with(func(o *Order) { o.Qty = 5001 }), mid2, event.ReasonMaxQty},
		"above notional":    {with(func(o *Order) { o.Qty, o.Price = 5000, 505_000 }), mid2, event.ReasonNone},
		"buy above limit":   {with(func(o *Order) { o.Limit = 500_099 }), mid2, event.ReasonLimit},
		"sell below limit":  {with(func(o *Order) { o.Side, o.Limit = market.Sell, 500_101 }), mid2, event.ReasonLimit},
		"no reference":      {good, 0, event.ReasonNoReference},
		"buy above collar":  {with(func(o *Order) { o.Price = 505_001 }), mid2, event.ReasonCollar},
		"buy at collar":     {with(func(o *Order) { o.Price = 505_000 }), mid2, event.ReasonNone},
		"sell below collar": {with(func(o *Order) { o.Side, o.Price = market.Sell, 494_999 }), mid2, event.ReasonCollar},
		"huge qty":          {with(func(o *Order) { o.Qty = 1<<63 - 1 }), mid2, event.ReasonMaxQty},
		"huge price":        {with(func(o *Order) { o.Price = 1<<63 - 1 }), mid2, event.ReasonCollar},
	} {
		_, got := testGate(t).Child(&c.order, c.mid2, 0)
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNotionalLimitSurvivesOverflow(t *testing.T) {
	l := testLimits()
	l[0].ChildMaxQty = 1<<63 - 1
	g, err := NewGate(l, []market.Venue{{Name: "A", MsgRate: 10}})
	if err != nil {
		t.Fatal(err)
	}
	_, got := g.Child(&Order{Side: market.Buy, Price: 500_000, Qty: 1 << 62}, mid2, 0)
	if got != event.ReasonMaxNotional {
		t.Errorf("an overflowing notional gave %v", got)
	}
}

// TestNoOrderAboveLimits checks the gate against exact arithmetic on random orders.
func TestNoOrderAboveLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l := testLimits()[0]
	passed := 0
	for i := range 200_000 {
		g := testGate(t)
		o := Order{Venue: 1, Side: market.Buy + market.Side(rng.IntN(2)),
			Price: market.Price(rng.Int64() >> rng.IntN(63)), Qty: market.Qty(rng.Int64() >> rng.IntN(63))}
		if i%2 == 0 {
			o.Price, o.Qty = 490_000+market.Price(rng.IntN(20_000)), market.Qty(rng.IntN(7000))
		}
		if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonNone {
			continue
		}
		passed++
		n := new(big.Int).Mul(big.NewInt(int64(o.Price)), big.NewInt(int64(o.Qty)))
		away := new(big.Int).Mul(big.NewInt(o.Side.Sign()*(2*int64(o.Price)-mid2)), big.NewInt(10_000))
		if o.Qty > l.ChildMaxQty || n.Cmp(big.NewInt(int64(l.ChildMaxNotional))) > 0 ||
			away.Cmp(big.NewInt(mid2*l.CollarBps)) > 0 {
			t.Fatalf("order %+v passed", o)
		}
	}
	if passed < 1000 {
		t.Fatalf("only %d orders passed: the test does not test", passed)
	}
}

func TestRateHoldsInEverySlidingSecond(t *testing.T) {
	g := testGate(t) // venue 0: 10 a second, 1 kept for cancels
	rng := rand.New(rand.NewPCG(3, 4))
	var sent []int64
	now := int64(5e9)
	for range 2000 {
		now += rng.Int64N(3e8)
		for range rng.IntN(8) {
			_, reason := g.Child(&Order{Side: market.Buy, Price: 500_000, Qty: 1}, mid2, now)
			if reason == event.ReasonNone {
				sent = append(sent, now)
			} else if reason != event.ReasonMsgRate {
				t.Fatal(reason)
			}
		}
	}
	for i := range sent {
		if i >= 9 && sent[i]-sent[i-9] < 1e9 {
			t.Fatalf("10 orders within %d ns", sent[i]-sent[i-9])
		}
	}
	if len(sent) < 1000 {
		t.Fatalf("only %d sent", len(sent))
	}
}

func TestCancelsUseTheRateButAlwaysPass(t *testing.T) {
	g := testGate(t)
	for range 50 {
		g.Cancel(0, 1e9)
	}
	if _, reason := g.Child(&Order{Side: market.Buy, Price: 500_000, Qty: 1}, mid2, 1e9); reason != event.ReasonMsgRate {
		t.Errorf("an order passed after 50 cancels: %v", reason)
	}
	if _, reason := g.Child(&Order{Side: market.Buy, Price: 500_000, Qty: 1}, mid2, 3e9); reason != event.ReasonNone {
		t.Errorf("a second later: %v", reason)
	}
}

func TestKillLatch(t *testing.T) {
	g := testGate(t)
	o := Order{Venue: 1, Side: market.Buy, Price: 500_000, Qty: 1}
	g.Kill(1)
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonKilled {
		t.Errorf("killed venue: %v", reason)
	}
	o.Venue = 0
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonNone {
		t.Errorf("other venue: %v", reason)
	}
	g.Kill(market.NoVenue)
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonKilled {
		t.Errorf("killed firm: %v", reason)
	}
	if reason := g.Parent(0, market.Buy, 1, 500_000, mid2); reason != event.ReasonKilled {
		t.Errorf("parent under kill: %v", reason)
	}
	g.Resume(market.NoVenue)
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonNone {
		t.Errorf("after resume: %v", reason)
	}
}

func TestHoldStopsNewOrdersOnly(t *testing.T) {
	g := testGate(t)
	o := Order{Side: market.Buy, Price: 500_000, Qty: 1}
	g.Hold(true)
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonJournalLag || !g.Held() {
		t.Errorf("child under hold: %v", reason)
	}
	if reason := g.Parent(0, market.Buy, 1, 500_000, mid2); reason != event.ReasonJournalLag {
		t.Errorf("parent under hold: %v", reason)
	}
	g.Cancel(0, 0) // always passes
	g.Kill(market.NoVenue)
	if reason := g.Parent(0, market.Buy, 1, 500_000, mid2); reason != event.ReasonKilled {
		t.Errorf("parent under kill and hold: %v", reason)
	}
	g.Resume(market.NoVenue)
	if !g.Held() {
		t.Error("a resume lifted the hold")
	}
	g.Hold(false)
	if _, reason := g.Child(&o, mid2, 0); reason != event.ReasonNone || g.Refused[event.ReasonJournalLag] != 2 {
		t.Errorf("after the hold: %v, %d refused", reason, g.Refused[event.ReasonJournalLag])
	}
}

func TestParentGate(t *testing.T) {
	for name, c := range map[string]struct {
		qty   market.Qty
		limit market.Price
		mid2  int64
		want  event.Reason
	}{
		"good market":           {1000, 0, mid2, event.ReasonNone},
		"market, no reference":  {1000, 0, 0, event.ReasonNoReference},
		"limit, no reference":   {1000, 500_000, 0, event.ReasonNone},
		"limit at the collar":   {1000, 505_000, mid2, event.ReasonNone},
		"limit beyond collar":   {1000, 505_001, mid2, event.ReasonCollar},
		"passive limit":         {1000, 1_000, mid2, event.ReasonNone},
		"too many":              {100_001, 500_000, mid2, event.ReasonMaxQty},
		"too much, limit alone": {100_000, 100_000_000, 0, event.ReasonMaxNotional},
	} {
		if got := testGate(t).Parent(0, market.Buy, c.qty, c.limit, c.mid2); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestOneWordForAllLatches compares the word that every order is asked by with the latches and holds
// one by one, after any of them moved.
func TestOneWordForAllLatches(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	g, seen := testGate(t), map[event.Reason]int{}
	for i := range 5_000 {
		v := market.VenueID(rng.IntN(2))
		if rng.IntN(6) == 0 {
			v = market.NoVenue
		}
		switch on := rng.IntN(3) == 0; rng.IntN(6) {
		case 0:
			g.Kill(v)
		case 1, 2:
			g.Resume(v)
		case 3:
			if v != market.NoVenue && on {
				g.Quarantine(v)
			}
		case 4:
			g.Hold(on)
			g.HoldClock(rng.IntN(4) == 0)
		case 5:
			g.Stop(on)
		}
		if trouble := g.Audit(); trouble != "" {
			t.Fatalf("step %d: %s", i, trouble)
		}
		for v := range market.VenueID(2) {
			want := event.ReasonNone
			switch {
			case g.killed || g.stopped || g.venues>>v&1 != 0 || g.barred>>v&1 != 0:
				want = event.ReasonKilled
			case g.held:
				want = event.ReasonJournalLag
			case g.clock:
				want = event.ReasonClock
			}
			seen[want]++
			o := Order{Venue: v, Side: market.Buy, Price: 500_000, Qty: 1}
			a, why := g.Child(&o, mid2, int64(i)*1e9)
			if why != want || (a == nil) == (want == event.ReasonNone) {
				t.Fatalf("step %d, venue %d: %v, want %v", i, v, why, want)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("%v: this proves little", seen)
	}
}

// TestApprovalIsOfOneOrder: what the gate handed out says what was approved last, and nothing once it
// has refused another order.
func TestApprovalIsOfOneOrder(t *testing.T) {
	g := testGate(t)
	o := Order{Venue: 1, Side: market.Sell, Price: 500_000, Qty: 7, Policy: 3, Slot: 5}
	a, _ := g.Child(&o, mid2, 0)
	o.Qty = 9 // whoever holds the order cannot change what was approved
	s := a.Order()
	if s.Venue() != 1 || s.Side() != market.Sell || s.Price() != 500_000 || s.Qty() != 7 || s.Policy() != 3 || s.Slot() != 5 || s.Cost() != 0 {
		t.Errorf("%+v", s)
	}
	if refused, why := g.Child(&Order{Venue: 1, Side: market.Buy, Price: 1 << 40, Qty: 1}, mid2, 0); refused != nil || why != event.ReasonCollar {
		t.Fatal(refused, why)
	}
	defer func() {
		if recover() == nil {
			t.Error("an order that was approved before another was refused can be read")
		}
	}()
	a.Order()
}

func TestMissingLimitsAreRefused(t *testing.T) {
	if _, err := NewGate([]Limits{{}}, nil); err == nil {
		t.Error("limits without values were accepted")
	}
	if _, err := NewGate(testLimits(), []market.Venue{{Name: "A"}}); err == nil {
		t.Error("a venue without a message rate was accepted")
	}
}

func TestUnapprovedOrderPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an order that no gate approved could be read")
		}
	}()
	new(Approved).Order()
}

// FuzzWithin compares it with the collar itself.
func FuzzWithin(f *testing.F) {
	f.Add(int64(1_000_000), int64(505_000), int64(100), true)
	f.Add(int64(market.MaxPrice)*2, int64(market.MaxPrice), int64(10_000), false)
	f.Add(int64(1), int64(1), int64(1), false)
	f.Fuzz(func(t *testing.T, mid2, price, bps int64, buy bool) {
		g, side := testGate(t), market.Sell
		if buy {
			side = market.Buy
		}
		mid2, price = 1+int64(uint64(mid2)%uint64(2*market.MaxPrice)), 1+int64(uint64(price)%uint64(market.MaxPrice))
		g.limits[0].CollarBps = 1 + int64(uint64(bps)%10_000)
		collar := g.Collar(0, side, mid2)
		for _, p := range []market.Price{market.Price(price), collar - 1, collar, collar + 1} {
			if p <= 0 || p > market.MaxPrice {
				continue
			}
			if got, want := within(side, mid2, p, g.limits[0].CollarBps), !side.Better(collar, p); got != want {
				t.Fatalf("mid2 %d, %d bps, %v: %d is within %v, the collar is %d", mid2, g.limits[0].CollarBps, side, p, got, collar)
			}
		}
	})
}
