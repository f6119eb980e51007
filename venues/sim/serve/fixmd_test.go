package serve

import (
	"testing"

	"penstock/fix"
)

// priceClient logs on to the market data session of a venue that speaks FIX.
func priceClient(t *testing.T) (*fixClient, *Server) {
	m := startMarket(t, func(c *Config) { c.Venues[1].Feed = FIX })
	v := m.Venue("LITB")
	c := newFIXClient(t, "LITB")
	c.connect(v.FeedAddr())
	return c, v
}

// want sends MarketDataRequest(35=V).
func (c *fixClient) want(id string, kind int, more ...any) {
	c.t.Helper()
	c.send(fix.MsgMarketDataRequest, append([]any{fix.TagMDReqID, id, fix.TagSubscriptionRequestType, kind,
		fix.TagMarketDepth, 5, fix.TagNoMDEntryTypes, 2, fix.TagMDEntryType, 0, fix.TagMDEntryType, 1,
		fix.TagNoRelatedSym, 1}, more...)...)
}

func TestMarketDataRequestsAreAnswered(t *testing.T) {
	c, v := priceClient(t)
	c.want("a", 1)
	if w := c.take(message{35: "W"}); w[262] != "a" || w[55] != "PNSK" || w[268] != "10" || w[83] == "" {
		t.Errorf("snapshot %v", map[int]string(w))
	}
	if x := c.take(message{35: "X"}); x[262] != "a" || x[279] == "" || x[270] == "" {
		t.Errorf("increment %v", map[int]string(x))
	}
	c.want("a", 1)
	c.take(message{35: "Y", 262: "a", 281: "1"})
	c.want("b", 1, fix.TagSymbol, "NOBODY")
	c.take(message{35: "Y", 262: "b", 281: "0"})
	c.want("c", 7)
	c.take(message{35: "Y", 262: "c", 281: "4"})
	if err := v.RefusePrices(1); err != nil {
		t.Fatal(err)
	}
	c.want("d", 1)
	c.take(message{35: "Y", 262: "d", 281: "3"})
	c.send(fix.MsgNewOrderSingle, fix.TagClOrdID, "O1")
	c.take(message{35: "j"})
	c.want("e", 0) // a snapshot only; it replaces the subscription
	c.take(message{35: "W", 262: "e"})
	n := len(c.seen)
	c.want("f", 1, fix.TagSymbol, "NOBODY")
	c.take(message{35: "Y", 262: "f"})
	for _, m := range c.seen[n:] {
		if m[35] == "X" {
			t.Errorf("increment after the subscription ended: %s", m)
		}
	}
}

func TestPriceFaultsNeedAPriceSession(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITB")
	for name, fault := range map[string]func(int) error{"lose": v.LosePrices, "skip": v.SkipRptSeq,
		"repeat": v.RepeatPrices, "refuse": v.RefusePrices} {
		if fault(1) == nil {
			t.Errorf("%s: accepted by a venue without", name)
		}
	}
}
