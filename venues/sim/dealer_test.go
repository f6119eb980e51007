package sim

import (
	"fmt"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// deskUnderTest records what a dealer says.
type deskUnderTest struct {
	*Dealer
	log    []string
	quotes []Quote
}

func newDeskUnderTest(t testing.TB, change func(*DealerConfig)) *deskUnderTest {
	u := &deskUnderTest{}
	cfg := DealerConfig{
		Venue: Venue{Instrument: testInstrument(), TakeFee: market.Fee{PerLotMilli: 1000}},
		Seed:  3, QuotePrefix: "Q", Increment: 50, HalfSpread: 100, QuoteQty: 1000, SkewQty: 500,
		HedgeNanos: 8e9, RefreshNanos: 250e6, MinGapNanos: 10e6, ValidNanos: 1e9, StaleNanos: 1e9,
		LastLook: true, HoldMedianNanos: 20e6, HoldSigmaMilli: 400, RejectMove2: 100,
		Quote:          func(q *Quote) { u.quotes = append(u.quotes, *q) },
		QuoteCancelled: func(int64) { u.log = append(u.log, "withdrawn") },
	}
	cfg.Replies.Report = func(r *Report) {
		line := fmt.Sprintf("%s %s", r.ClOrdID, r.ExecType)
		switch r.ExecType {
		case market.ExecTrade:
			line += fmt.Sprintf(" %d@%d", r.LastQty, r.LastPx)
		case market.ExecRejected:
			line += " " + r.Text
		}
		u.log = append(u.log, line)
	}
	cfg.Replies.Reject = func(r *CancelReject) { u.log = append(u.log, r.ClOrdID.String()+" "+r.Text) }
	if change != nil {
		change(&cfg)
	}
	d, err := NewDealer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	u.Dealer = d
	return u
}

func (u *deskUnderTest) hit(now int64, name string, side market.Side, qty market.Qty, q Quote) {
	px := q.AskPx
	if side == market.Sell {
		px = q.BidPx
	}
	u.Enter(now, Order{
		Owner: 1, ClOrdID: id(name), Side: side, Qty: qty, Price: px, QuoteID: q.QuoteID,
		OrdType: market.OrdPreviouslyQuoted, TIF: market.TIFIOC,
	})
}

func (u *deskUnderTest) newest() Quote { return u.quotes[len(u.quotes)-1] }

func (u *deskUnderTest) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(u.log, lines) {
		t.Errorf("got  %q\nwant %q", u.log, lines)
	}
	u.log = u.log[:0]
}

func TestDealerQuotesAroundMidAndRenews(t *testing.T) {
	u := newDeskUnderTest(t, nil)
	u.SetReference(1e9, 1_000_000, 1_000_100)
	q := u.newest()
	if q.BidPx != 999_950 || q.AskPx != 1_000_150 || q.Until != 2e9 {
		t.Fatalf("first quote %+v", q)
	}
	u.SetReference(1e9+1e6, 1_000_100, 1_000_200) // within the least gap: waits
	if len(u.quotes) != 1 {
		t.Fatalf("%d quotes, want 1", len(u.quotes))
	}
	if next := u.Advance(1e9 + 2e6); next != 1e9+10e6 {
		t.Errorf("next at %d, want %d", next, int64(1e9+10e6))
	}
	u.Advance(1e9 + 10e6)
	if q := u.newest(); q.BidPx != 1_000_050 {
		t.Errorf("second quote %+v", q)
	}
	u.Advance(1e9 + 600e6)
	ids := map[event.ID]bool{}
	for _, q := range u.quotes {
		ids[q.QuoteID] = true
	}
	if len(u.quotes) != 4 || len(ids) != 4 {
		t.Errorf("%d quotes with %d ids, want 4 and 4: %v", len(u.quotes), len(ids), u.quotes)
	}
}

func TestDealerAcceptsAfterHoldWhenPriceStays(t *testing.T) {
	u := newDeskUnderTest(t, nil)
	u.SetReference(1e9, 1_000_000, 1_000_100)
	u.hit(1e9+5, "A", market.Buy, 700, u.newest())
	u.want(t, "A PendingNew")
	next := u.Advance(1e9 + 6)
	if next <= 1e9+6 || next > 1e9+250e6 {
		t.Errorf("held until %d", next)
	}
	u.Cancel(1e9+7, 1, id("X"), id("A"))
	u.want(t, "X in last look")
	u.Advance(1e9 + 200e6)
	u.want(t, "A Trade 700@1000150")
	if u.Inventory() != -700 {
		t.Errorf("inventory %d, want -700", u.Inventory())
	}
	// Short 700 lots: one step of skew up on both sides.
	if q := u.newest(); q.BidPx != 1_000_000 || q.AskPx != 1_000_200 {
		t.Errorf("quote after the trade %+v", q)
	}
}

func TestDealerRejectsWhenPriceMovedAgainstIt(t *testing.T) {
	for _, c := range []struct {
		name string
		side market.Side
		move market.Price
		want string
	}{
		{"up against its offer", market.Buy, 50, "A Rejected last look: price moved"},
		{"down for its offer", market.Buy, -50, "A Trade 100@1000150"},
		{"down against its bid", market.Sell, -50, "A Rejected last look: price moved"},
		{"less than the threshold", market.Buy, 40, "A Trade 100@1000150"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newDeskUnderTest(t, nil)
			u.SetReference(1e9, 1_000_000, 1_000_100)
			u.hit(1e9, "A", c.side, 100, u.newest())
			u.SetReference(1e9+1, 1_000_000+c.move, 1_000_100+c.move)
			u.Advance(1e9 + 200e6)
			u.want(t, "A PendingNew", c.want)
		})
	}
}

func TestDealerRefusesAtOnce(t *testing.T) {
	u := newDeskUnderTest(t, nil)
	u.SetReference(1e9, 1_000_000, 1_000_100)
	q := u.newest()
	u.hit(1e9, "big", market.Buy, 1001, q)
	wrong := q
	wrong.AskPx++
	u.hit(1e9, "price", market.Buy, 100, wrong)
	wrong.QuoteID = id("Q99")
	u.hit(1e9, "unknown", market.Buy, 100, wrong)
	u.hit(1e9, "once", market.Buy, 100, q)
	u.hit(1e9, "twice", market.Buy, 100, q)
	u.want(t, "big Rejected OrderQty above the quoted size",
		"price Rejected Price must be the quoted price",
		"unknown Rejected quote expired or unknown", "once PendingNew",
		"twice Rejected quote already used or withdrawn")
	late := newDeskUnderTest(t, func(c *DealerConfig) { c.ValidNanos = 1e6 })
	late.SetReference(1e9, 1_000_000, 1_000_100)
	late.hit(1e9, "A", market.Buy, 100, late.newest())
	late.Advance(1e9 + 200e6)
	late.hit(1e9+200e6, "B", market.Buy, 100, late.quotes[0])
	late.want(t, "A PendingNew", "A Rejected quote expired during last look",
		"B Rejected quote expired or unknown")
}

func TestDealerWithoutLastLookAnswersAtOnce(t *testing.T) {
	u := newDeskUnderTest(t, func(c *DealerConfig) { c.LastLook = false })
	u.SetReference(1e9, 1_000_000, 1_000_100)
	u.hit(1e9+5, "A", market.Sell, 100, u.newest())
	u.want(t, "A New", "A Trade 100@999950")
}

func TestDealerWithdrawsWithoutReference(t *testing.T) {
	u := newDeskUnderTest(t, nil)
	u.SetReference(1e9, 1_000_000, 1_000_100)
	q := u.newest()
	if next := u.Advance(1e9 + 2e9); next != Never {
		t.Errorf("next at %d, want never", next)
	}
	u.want(t, "withdrawn")
	u.hit(1e9+2e9, "A", market.Buy, 100, q)
	u.want(t, "A Rejected quote expired or unknown")
	u.SetReference(4e9, 1_000_000, 1_000_100)
	if _, ok := u.Current(); !ok {
		t.Error("dealer does not quote again")
	}
}

func TestDealerLaysOffInventory(t *testing.T) {
	u := newDeskUnderTest(t, func(c *DealerConfig) { c.LastLook = false })
	u.SetReference(1e9, 1_000_000, 1_000_100)
	u.hit(1e9, "A", market.Buy, 1000, u.newest())
	for now := int64(1e9); now < 9e9+1; now += 1e8 {
		u.SetReference(now, 1_000_000, 1_000_100)
	}
	if v := u.Inventory(); v > -450 || v < -550 {
		t.Errorf("inventory %d after its half-life, want about -500", v)
	}
}

func TestHoldTimesAreLogNormal(t *testing.T) {
	table := newLogNormalTable(400)
	r := newRandom(1, 1)
	below, far := 0, 0
	for range 10_000 {
		v := table.draw(r.next(), 20e6)
		if v < 20e6 {
			below++
		}
		if v > 60e6 || v < 6e6 {
			far++
		}
	}
	if below < 4800 || below > 5200 || far > 120 {
		t.Errorf("%d of 10000 below the median, %d beyond 2.7 deviations", below, far)
	}
}
