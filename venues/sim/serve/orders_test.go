package serve

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"penstock/fix"
	"penstock/market"
)

// far is a price at which nothing trades.
const far = "90.0000"

func TestLitOrderLifeOverFIX(t *testing.T) {
	m := startMarket(t)
	for _, name := range []string{"LITA", "LITB", "LITC"} {
		t.Run(name, func(t *testing.T) {
			v := m.Venue(name)
			c := newFIXClient(t, name)
			c.connect(v.OrderAddr())
			c.order("1", market.Buy, 300, 40, 2, 44, far, 59, 0, 18, 6)
			c.take(message{35: "8", 11: "1", 150: "0", 39: "0", 38: "300", 151: "300", 14: "0"})
			c.cancel("2", "1")
			c.take(message{35: "8", 11: "2", 41: "1", 150: "4", 39: "4", 151: "0", 14: "0"})
			c.cancel("3", "1")
			c.take(message{35: "9", 11: "3", 41: "1", 39: "4", 102: "0", 434: "1"})
			c.cancel("4", "nope")
			c.take(message{35: "9", 11: "4", 39: "8", 102: "1", 37: "NONE"})
			c.order("1", market.Buy, 300, 40, 2, 44, far, 59, 0)
			c.take(message{35: "8", 11: "1", 150: "8", 39: "8", 103: "6"})
			c.order("5", market.Buy, 300, 40, 2, 44, "200.0000", 59, 0, 18, 6)
			c.take(message{35: "8", 11: "5", 150: "8", 39: "8", 58: "post-only order would take"})
			c.order("6", market.Buy, 400, 40, 1, 59, 3)
			var cum, notional int64
			for cum < 400 {
				r := c.take(message{35: "8", 11: "6", 150: "F"})
				px, _ := market.ParseDecimal([]byte(r[31]), 4)
				qty, _ := strconv.ParseInt(r[32], 10, 64)
				cum += qty
				notional += px * qty
				if r[14] != fmt.Sprint(cum) || r[151] != fmt.Sprint(400-cum) ||
					r[851] != "2" || r[30] != v.Config().MIC {
					t.Fatalf("cum %d: %v", cum, r)
				}
				average, _ := market.ParseDecimal([]byte(r[6]), 8)
				if want := notional * 10_000 / cum; average != want {
					t.Errorf("AvgPx %s, want %d of 1e-8", r[6], want)
				}
			}
			if s := v.Orders(testClient); len(s) != 3 || s[2].OrdStatus != market.StatusFilled {
				t.Errorf("venue's orders %+v", s)
			}
			checkTrades(t, v, c)
		})
	}
}

// checkTrades compares the venue's book of trades with the fills that the client
// was told.
func checkTrades(t *testing.T, v *Server, c *fixClient) {
	t.Helper()
	told := map[string]message{}
	for _, r := range c.seen {
		if r[35] == "8" && r[150] == "F" {
			told[r[17]] = r
		}
	}
	fills := v.Trades(testClient)
	if len(fills) != len(told) {
		t.Errorf("venue %s has %d fills, the client heard of %d", v.Name(), len(fills), len(told))
	}
	for _, f := range fills {
		r := told[fmt.Sprint(f.ExecID)]
		px, _ := market.ParseDecimal([]byte(r[31]), 4)
		if r[11] != f.ClOrdID.String() || r[32] != fmt.Sprint(f.Qty) || px != int64(f.Price) ||
			r[37] != fmt.Sprint(f.OrderID) || r[54] != string(f.Side) || r[851] != string(f.Liquidity) {
			t.Errorf("venue's fill %+v, client's report %v", f, r)
		}
	}
}

func TestUnusableMessagesAreAnswered(t *testing.T) {
	m := startMarket(t)
	c := newFIXClient(t, "LITB")
	c.connect(m.Venue("LITB").OrderAddr())
	c.order("1", market.Buy, 100, 40, 2, 44, far, fix.TagSymbol, "OTHER")
	c.take(message{35: "8", 11: "1", 150: "8", 103: "1"})
	c.order("2", market.Buy, 100, 40, 2)
	c.take(message{35: "3", 371: "44", 372: "D"})
	c.order("3", market.Buy, 100, 40, 2, 44, "1x")
	c.take(message{35: "3", 371: "44"})
	c.order("a-very-long-client-order-id", market.Buy, 100, 40, 2, 44, far)
	c.take(message{35: "3", 371: "11"})
	c.order("4", market.Buy, 100, 40, 2, 44, "90.0001")
	c.take(message{35: "8", 11: "4", 150: "8", 103: "16"})
	c.order("5", market.Buy, 0, 40, 2, 44, far)
	c.take(message{35: "8", 11: "5", 150: "8", 103: "13"})
	c.send(fix.MsgCancelReplace, 11, "6", 41, "4")
	c.take(message{35: "j", 372: "G", 380: "3", 379: "6"})
	c.send(fix.MsgQuoteRequest, 131, "q", 146, 1)
	c.take(message{35: "j", 372: "R"})
	c.send(fix.MsgStatusRequest, 11, "none", 54, 1, 790, "s1")
	c.take(message{35: "8", 150: "I", 39: "8", 103: "5", 790: "s1"})
	c.order("7", market.Buy, 100, 40, 2, 44, far)
	c.take(message{35: "8", 11: "7", 150: "0"})
	c.send(fix.MsgStatusRequest, 11, "7", 54, 1)
	c.take(message{35: "8", 11: "7", 150: "I", 39: "0", 151: "100", 44: "90"})
}

func TestReportsMissedWhileAwayAreResent(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	c := newFIXClient(t, "LITA")
	c.connect(v.OrderAddr())
	c.order("1", market.Buy, 100, 40, 2, 44, far)
	c.take(message{11: "1", 150: "0"})
	v.PauseWrites(true)
	for i := range 5 {
		c.order(fmt.Sprint("T", i), market.Buy, 200, 40, 1, 59, 3)
	}
	c.cancel("X", "1")
	within(t, "all orders done at the venue", func() bool {
		orders := v.Orders(testClient)
		for _, o := range orders {
			if !o.OrdStatus.Terminal() {
				return false
			}
		}
		return len(orders) == 6
	})
	v.DropConnections()
	c.untilClosed()
	c.hangUp()
	within(t, "session free again", func() bool {
		v.market.mu.Lock()
		defer v.market.mu.Unlock()
		return v.orders.(*orderEntry).clients[0].out == nil
	})
	c.connect(v.OrderAddr())
	for i := range 5 {
		c.take(message{11: fmt.Sprint("T", i), 150: "F", 151: "0", 43: "Y"})
	}
	c.take(message{11: "X", 41: "1", 150: "4", 43: "Y"})
	checkTrades(t, v, c)
	c.order("after", market.Buy, 100, 40, 2, 44, far)
	c.take(message{11: "after", 150: "0"})
}

func TestSequenceNumbersSurviveARestartOfTheMarket(t *testing.T) {
	dir := t.TempDir()
	stored := func(c *Config) { c.StoreDir = dir }
	m := startMarket(t, stored)
	c := newFIXClient(t, "SDP1")
	c.connect(m.Venue("SDP1").OrderAddr())
	c.order("1", market.Buy, 100, 40, 2, 44, far, 59, 3)
	c.take(message{11: "1", 150: "8", 103: "11"})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	c.untilClosed()
	c.hangUp()
	if c.session.NextIn() < 3 {
		t.Fatalf("next number in %d", c.session.NextIn())
	}
	m = startMarket(t, stored)
	c.connect(m.Venue("SDP1").OrderAddr())
	c.order("2", market.Buy, 100, 40, 2, 44, far, 59, 3)
	c.take(message{11: "2", 150: "8"})
}

func TestCancelOnDisconnect(t *testing.T) {
	m := startMarket(t, func(c *Config) { c.Venues[0].CancelOnDisconnect = true })
	for _, name := range []string{"LITA", "LITB"} {
		v := m.Venue(name)
		c := newFIXClient(t, name)
		c.connect(v.OrderAddr())
		c.order("1", market.Buy, 100, 40, 2, 44, far)
		c.take(message{11: "1", 150: "0"})
		c.hangUp()
		within(t, name+" sees the end", func() bool {
			v.market.mu.Lock()
			defer v.market.mu.Unlock()
			return v.orders.(*orderEntry).clients[0].out == nil
		})
		if name == "LITA" {
			within(t, "order cancelled", func() bool {
				return v.Orders(testClient)[0].OrdStatus == market.StatusCanceled
			})
		} else if s := v.Orders(testClient)[0].OrdStatus; s != market.StatusNew {
			t.Errorf("%s: order is %v without cancel on disconnect", name, s)
		}
	}
}

func TestDarkPoolOverFIX(t *testing.T) {
	m := startMarket(t, func(c *Config) { c.Venues[3].Contra.GapNanos = 50e6 })
	v := m.Venue("DRK1")
	c := newFIXClient(t, "DRK1")
	c.connect(v.OrderAddr())
	// More than the flow sells in this time: "ping" needs some of it.
	c.order("rest", market.Buy, 1_000_000, 40, "P", 18, "M", 44, "110", 59, 0, 110, 100)
	c.take(message{11: "rest", 150: "0"})
	c.order("capped", market.Buy, 1000, 40, "P", 18, "M", 44, far, 59, 3)
	c.take(message{11: "capped", 150: "0"})
	c.take(message{11: "capped", 150: "4", 14: "0"})
	r := c.take(message{11: "rest", 150: "F"})
	if r[30] != "XDK1" {
		t.Errorf("report %v", r)
	}
	// Our own sell meets what rests, whatever the flow brings.
	c.order("ping", market.Sell, 100, 40, "P", 18, "M", 59, 3)
	c.take(message{11: "ping", 39: "2", 150: "F"})
	c.cancel("end", "rest") // the flow goes on filling it
	c.take(message{11: "end", 41: "rest", 150: "4"})
	checkTrades(t, v, c)
}

func TestDealerStreamsAndLooksTwice(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("SDP1")
	c := newFIXClient(t, "SDP1")
	c.connect(v.OrderAddr())
	c.send(fix.MsgQuoteRequest, 131, "bad", 146, 1, 55, "OTHER")
	c.take(message{35: "AG", 131: "bad", 658: "1"})
	c.send(fix.MsgQuoteRequest, 131, "q1", 146, 1)
	hit := func(id, qty string) message {
		q := c.take(message{35: "S", 131: "q1", 55: "PNSK", 537: "1"})
		for len(c.app) > 0 { // only the newest is worth a try
			q, c.app = c.app[0], c.app[1:]
		}
		n, _ := strconv.ParseInt(qty, 10, 64)
		c.order(id, market.Buy, n, 40, "D", 117, q[117], 44, q[133], 59, 3)
		return q
	}
	hit("big", "100000")
	c.take(message{11: "big", 150: "8", 103: "13"})
	filled := false
	for i := 0; i < 20 && !filled; i++ {
		id := fmt.Sprint("H", i)
		q := hit(id, "200")
		c.take(message{11: id, 150: "A", 39: "A"})
		r := c.takeEither(message{11: id, 39: "2"}, message{11: id, 39: "8"})
		if filled = r[39] == "2"; filled && (r[31] != q[133] || r[117] != q[117] || r[150] != "F") {
			t.Errorf("quote %v filled by %v", q, r)
		}
	}
	if !filled {
		t.Error("20 orders on fresh quotes were all rejected")
	}
	checkTrades(t, v, c)
	v.Halt(true)
	c.take(message{35: "Z", 131: "q1", 117: "*", 298: "4"})
	v.Halt(false)
	c.take(message{35: "S", 131: "q1"})
}

func TestHaltedMarketRejectsOrders(t *testing.T) {
	m := startMarket(t)
	if err := m.Halt("OTHER", true); err == nil {
		t.Error("halt of an unknown symbol is accepted")
	}
	if err := m.Halt("PNSK", true); err != nil {
		t.Fatal(err)
	}
	c := newFIXClient(t, "LITC")
	c.connect(m.Venue("LITC").OrderAddr())
	c.order("1", market.Buy, 100, 40, 2, 44, far)
	c.take(message{11: "1", 150: "8", 103: "2", 58: "trading is halted"})
}

func TestStrangersAndSecondConnectionsAreRefused(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	c := newFIXClient(t, "LITA")
	c.connect(v.OrderAddr())
	second := newFIXClient(t, "LITA")
	second.dial(v.OrderAddr())
	second.untilClosed()
	wrong := newFIXClient(t, "LITB")
	wrong.dial(v.OrderAddr()) // the session has its connection already
	wrong.untilClosed()
	c.order("1", market.Buy, 100, 40, 2, 44, far)
	c.take(message{11: "1", 150: "0"})
}

func TestLatencyIsHeldInBothDirections(t *testing.T) {
	const oneWay = 30 * time.Millisecond
	m := startMarket(t, func(c *Config) { c.Venues[1].LatencyNanos = int64(oneWay) })
	c := newFIXClient(t, "LITB")
	c.connect(m.Venue("LITB").OrderAddr())
	start := time.Now()
	c.order("1", market.Buy, 100, 40, 2, 44, far)
	c.take(message{11: "1", 150: "0"})
	if d := time.Since(start); d < 2*oneWay {
		t.Errorf("answered after %v, want at least %v", d, 2*oneWay)
	}
}

func TestFeesAreInTheBookOfTrades(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	c := newFIXClient(t, "LITA")
	c.connect(v.OrderAddr())
	c.order("1", market.Buy, 100, 40, 1, 59, 3)
	c.take(message{11: "1", 39: "2"})
	var fee market.Notional
	for _, f := range v.Trades(testClient) {
		fee += f.Fee
	}
	if fee != 3000 { // 100 shares at 0.0030
		t.Errorf("fee %d of 1/10000, want 3000", fee)
	}
	if got := v.Trades("stranger"); got != nil {
		t.Errorf("a stranger has trades %v", got)
	}
}
