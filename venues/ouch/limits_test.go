package ouch

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/outbound"
	"penstock/venues/sim/serve"
)

// While the latch covers the venue no order leaves; cancels do.
func TestLatchKeepsOrdersAndLetsCancelsGo(t *testing.T) {
	t.Parallel()
	latch := &firewall.Latch{}
	r := newRig(t, serve.OUCH50, "LITA", func(c *Config) { c.Latch = latch })
	r.up()
	rest := takeOrder(child)
	rest.TIF, rest.Price = market.TIFDay, r.server.Depth(market.Sell, 1)[0].Price-50_000
	r.send(rest)
	r.untilEvent("acceptance", exec(child, market.ExecNew))
	latch.Kill(firewall.Scope{})
	if r.g.Send(wall(), takeOrder(child+1)) {
		t.Error("an order left")
	}
	r.send(cancelOf(child))
	r.untilEvent("cancel", over(child))
	latch.Release(firewall.Scope{})
	r.send(takeOrder(child + 2))
	r.untilEvent("verdict", over(child+2))
	if s := r.g.Stats(); s.Latched != 1 {
		t.Errorf("latched %d", s.Latched)
	}
}

// Orders above the venue's limit are refused, cancels wait their turn and all go.
func TestThrottleHoldsCancelsNotOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH50, "LITA", func(c *Config) {
		c.Throttle = outbound.Throttle{Messages: 20, WindowNanos: 300 * milli, Reserve: 8}
	})
	r.up()
	ask := r.server.Depth(market.Sell, 1)[0]
	now := wall() // of all commands, lest the window passes between two
	var sent []uint64
	for i := range uint64(40) {
		c := takeOrder(child + i)
		c.TIF, c.Price = market.TIFDay, ask.Price-50_000
		if r.g.Send(now, c) {
			sent = append(sent, c.Child)
		}
	}
	if s := r.g.Stats(); len(sent) == 0 || len(sent) > 12 || s.Throttled != uint64(40-len(sent)) {
		t.Fatalf("%d of 40 orders left, stats %+v", len(sent), s)
	}
	for _, number := range sent {
		if !r.g.Send(now, cancelOf(number)) {
			t.Fatalf("refused the cancel of %d", number)
		}
	}
	for _, number := range sent {
		r.untilEvent("cancel", over(number))
	}
	if s := r.g.Stats(); s.LaneWaits == 0 || s.Cancels != uint64(len(sent)) {
		t.Errorf("stats %+v", s)
	}
}

// A venue that does not read is given up; what never left whole is told, and what did is
// asked for.
func TestVenueThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH50, "LITA", func(c *Config) { c.OutLimit, c.SlowNanos, c.MaxOrders = 32<<10, 200*milli, 1<<17 })
	r.up()
	r.server.SetOUCHFaults(serve.OUCHFaults{Deaf: true})
	ask := r.server.Depth(market.Sell, 1)[0]
	number := uint64(child)
	r.until("it is given up", func() bool {
		for i := 0; i < 1000; i++ { // the kernel takes some megabytes first
			c := takeOrder(number)
			c.TIF, c.Price = market.TIFDay, ask.Price-50_000
			if !r.g.Send(wall(), c) {
				break
			}
			number++
		}
		return r.g.Stats().SlowVenue > 0
	})
	// Later it may be given up again: it is deaf still.
	if s := r.g.Stats(); s.SlowVenue != 1 || !strings.Contains(s.LastClose, "does not read") {
		t.Errorf("stats %+v", s)
	}
	left := len(r.sent)
	r.untilEvent("session down", session(event.SessionDown))
	refused := 0
	for refused < int(number-child)-left {
		e := r.untilEvent("a refusal", func(e *event.Event) bool { return e.Kind == event.Exec && e.Reason == event.ReasonVenueDown })
		if e.Ref < child+uint64(left) || e.CumQty != 0 {
			t.Fatalf("refused %+v, although %d left", e, left)
		}
		refused++
	}
}

// What OUCH has no words for is refused here, and the book of a session has an end.
func TestWhatCannotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, serve.OUCH42, "LITA", func(c *Config) { c.MaxOrders = 3 })
	r.up()
	for name, spoil := range map[string]func(*event.Command){
		"unknown instrument": func(c *event.Command) { c.Instrument = 4 },
		"no side":            func(c *event.Command) { c.Side = 0 },
		"no child":           func(c *event.Command) { c.Child = 0 },
		"child too long":     func(c *event.Command) { c.Child = tokenLimit },
		"no quantity":        func(c *event.Command) { c.Qty = 0 },
		"a million shares":   func(c *event.Command) { c.Qty = 1_000_000 },
		"no price":           func(c *event.Command) { c.Price = 0 },
		"absurd price":       func(c *event.Command) { c.Price = MaxPrice + 1 },
		"negative price":     func(c *event.Command) { c.Price = -1 },
		"minimum above all":  func(c *event.Command) { c.MinQty = c.Qty + 1 },
		"on a quote":         func(c *event.Command) { c.OrdType = market.OrdPreviouslyQuoted },
		"odd style":          func(c *event.Command) { c.TIF = market.TIFGTC },
		"a report":           func(c *event.Command) { c.Kind = event.Report },
		"unknown cancel":     func(c *event.Command) { c.Kind, c.Ref = event.SendCancel, child+9 },
	} {
		c := takeOrder(child)
		spoil(c)
		if r.g.Send(wall(), c) {
			t.Errorf("%s: accepted", name)
		}
	}
	for i := range uint64(3) {
		r.send(takeOrder(child + i))
	}
	if r.g.Send(wall(), takeOrder(child+3)) || r.g.Send(wall(), takeOrder(child)) || r.g.Stats().OrdersFull != 2 {
		t.Errorf("the book took a fourth order, or one twice: %+v", r.g.Stats())
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	good := Config{Name: "X", Addr: "127.0.0.1:1", User: "SOR", Capacity: 'A', Sink: func(*event.Event) bool { return true },
		Symbols: []Symbol{{ID: 3, Text: "ACME", PriceDecimals: 4}}}
	if g, err := New(good); err != nil {
		t.Fatal(err)
	} else {
		g.Close()
	}
	for name, spoil := range map[string]func(*Config){
		"no sink":        func(c *Config) { c.Sink = nil },
		"no symbols":     func(c *Config) { c.Symbols = nil },
		"long symbol":    func(c *Config) { c.Symbols = []Symbol{{Text: "LONGSYMBOL", PriceDecimals: 4}} },
		"cents":          func(c *Config) { c.Symbols = []Symbol{{Text: "A", PriceDecimals: 2}} },
		"symbol twice":   func(c *Config) { c.Symbols = append(c.Symbols[:1:1], c.Symbols[0]) },
		"long user":      func(c *Config) { c.User = "TOOLONG" },
		"long password":  func(c *Config) { c.Password = "TOOLONGTOOLONG" },
		"bad address":    func(c *Config) { c.Addr = "nowhere" },
		"bad venue":      func(c *Config) { c.Venue = market.MaxVenues },
		"bad version":    func(c *Config) { c.Version = 9 },
		"short firm":     func(c *Config) { c.Firm = "ABC" },
		"no capacity":    func(c *Config) { c.Capacity = 0 },
		"negative limit": func(c *Config) { c.OutLimit = -1 },
		"bad throttle":   func(c *Config) { c.Throttle.Messages = 1 },
	} {
		cfg := good
		spoil(&cfg)
		if g, err := New(cfg); err == nil {
			g.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
