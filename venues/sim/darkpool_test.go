package sim

import (
	"fmt"
	"slices"
	"testing"

	"penstock/market"
)

// poolUnderTest records the reports of a pool in words.
type poolUnderTest struct {
	*DarkPool
	log []string
}

func newPoolUnderTest(t testing.TB, contra Contra) *poolUnderTest {
	p := &poolUnderTest{}
	d, err := NewDarkPool(DarkPoolConfig{
		Venue: Venue{Instrument: testInstrument(), Replies: Replies{Report: func(r *Report) {
			line := fmt.Sprintf("%s %s", r.ClOrdID, r.ExecType)
			switch {
			case r.ExecType == market.ExecTrade:
				line += fmt.Sprintf(" %d@%d", r.LastQty, r.LastPx)
			case r.ExecType == market.ExecRejected:
				line += " " + r.Reason.String()
			}
			p.log = append(p.log, line)
		}}},
		StaleNanos: 1000, Contra: contra,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.DarkPool = d
	return p
}

func (p *poolUnderTest) peg(
	now int64, name string, side market.Side, qty, least market.Qty, limit market.Price,
	tif market.TimeInForce,
) {
	p.Enter(now, Order{
		Owner: 1, ClOrdID: id(name), Side: side, Qty: qty, MinQty: least, Price: limit,
		OrdType: market.OrdPegged, ExecInst: market.ExecInstMidPeg, TIF: tif,
	})
}

func (p *poolUnderTest) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(p.log, lines) {
		t.Errorf("got  %q\nwant %q", p.log, lines)
	}
	p.log = p.log[:0]
}

func TestPoolFillsAtMidpointOfHalfTicks(t *testing.T) {
	p := newPoolUnderTest(t, Contra{})
	p.SetReference(1, 1_000_000, 1_000_100)
	p.peg(2, "A", market.Buy, 500, 0, 0, market.TIFDay)
	p.peg(3, "B", market.Sell, 200, 0, 0, market.TIFIOC)
	p.want(t, "A New", "B New", "A Trade 200@1000050", "B Trade 200@1000050")
	p.peg(4, "C", market.Sell, 400, 0, 0, market.TIFIOC)
	p.want(t, "C New", "A Trade 300@1000050", "C Trade 300@1000050", "C Canceled")
}

func TestPoolRespectsLimitCapAndTradesWhenTheMidpointComesToIt(t *testing.T) {
	p := newPoolUnderTest(t, Contra{})
	p.SetReference(1, 1_000_000, 1_000_100)
	p.peg(2, "A", market.Buy, 500, 0, 1_000_049, market.TIFDay)
	p.peg(3, "B", market.Sell, 500, 0, 0, market.TIFDay)
	p.want(t, "A New", "B New")
	p.SetReference(4, 999_900, 1_000_100)
	p.want(t, "A Trade 500@1000000", "B Trade 500@1000000")
}

func TestPoolDoesNotTradeOnABadReference(t *testing.T) {
	for name, set := range map[string]func(p *poolUnderTest){
		"missing": func(*poolUnderTest) {},
		"locked":  func(p *poolUnderTest) { p.SetReference(10, 1_000_000, 1_000_000) },
		"crossed": func(p *poolUnderTest) { p.SetReference(10, 1_000_100, 1_000_000) },
		"stale":   func(p *poolUnderTest) { p.SetReference(1, 1_000_000, 1_000_100) },
		"one side": func(p *poolUnderTest) {
			p.SetReference(10, 1_000_000, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPoolUnderTest(t, Contra{})
			set(p)
			p.peg(1500, "A", market.Buy, 100, 0, 0, market.TIFDay)
			p.peg(1501, "B", market.Sell, 100, 0, 0, market.TIFIOC)
			p.want(t, "A New", "B New", "B Canceled")
			p.SetReference(1502, 1_000_000, 1_000_100)
			p.peg(1503, "C", market.Sell, 100, 0, 0, market.TIFIOC)
			p.want(t, "C New", "A Trade 100@1000050", "C Trade 100@1000050")
		})
	}
}

func TestPoolHonoursMinQtyPerExecution(t *testing.T) {
	p := newPoolUnderTest(t, Contra{})
	p.SetReference(1, 1_000_000, 1_000_100)
	p.peg(2, "A", market.Buy, 500, 300, 0, market.TIFDay)
	p.peg(3, "B", market.Sell, 200, 0, 0, market.TIFDay) // too small for A
	p.peg(4, "C", market.Sell, 350, 0, 0, market.TIFDay)
	p.want(t, "A New", "B New", "C New", "A Trade 350@1000050", "C Trade 350@1000050")
	// A has 150 left, less than its MinQty, which then counts as a whole.
	p.SetReference(5, 1_000_000, 1_000_100)
	p.want(t, "A Trade 150@1000050", "B Trade 150@1000050")
	p.peg(6, "D", market.Buy, 100, 101, 0, market.TIFDay)
	p.want(t, "D Rejected bad quantity")
}

func TestPoolPriorityIsSizeThenTime(t *testing.T) {
	p := newPoolUnderTest(t, Contra{})
	p.SetReference(1, 1_000_000, 1_000_100)
	p.peg(2, "small", market.Buy, 100, 0, 0, market.TIFDay)
	p.peg(3, "big", market.Buy, 300, 0, 0, market.TIFDay)
	p.peg(4, "late", market.Buy, 300, 0, 0, market.TIFDay)
	p.log = p.log[:0]
	p.peg(5, "S", market.Sell, 650, 0, 0, market.TIFIOC)
	p.want(t, "S New", "big Trade 300@1000050", "S Trade 300@1000050",
		"late Trade 300@1000050", "S Trade 300@1000050",
		"small Trade 50@1000050", "S Trade 50@1000050")
}

func TestPoolCancelsRestingOrder(t *testing.T) {
	p := newPoolUnderTest(t, Contra{})
	p.SetReference(1, 1_000_000, 1_000_100)
	p.peg(2, "A", market.Buy, 100, 0, 0, market.TIFDay)
	p.Cancel(3, 1, id("X"), id("A"))
	p.peg(4, "B", market.Sell, 100, 0, 0, market.TIFIOC)
	p.want(t, "A New", "X Canceled", "B New", "B Canceled")
}

// TestContraSizesAreZeroInflated counts what IOC pings meet: mostly nothing, at
// times something, and more on the side that the market leans to.
func TestContraSizesAreZeroInflated(t *testing.T) {
	hits := map[int]int{}
	const pings = 2000
	for _, lean := range []int{-1, 0, 1} {
		p := newPoolUnderTest(t, Contra{
			Seed: 7, GapNanos: 100e6, ZeroBps: 3000, Unit: 100, MaxUnits: 50,
			StayNanos: 100e6, LeanOdds: 3,
		})
		p.cfg.StaleNanos = 1e9
		p.SetLean(lean)
		for n := range pings {
			now := int64(n)*50e6 + 1
			p.SetReference(now, 1_000_000, 1_000_100)
			p.peg(now, fmt.Sprintf("P%d", n), market.Buy, 100, 0, 0, market.TIFIOC)
			if s, _ := p.Status(1, id(fmt.Sprintf("P%d", n))); s.CumQty > 0 {
				hits[lean]++
			}
		}
	}
	if !(hits[-1] > hits[0] && hits[0] > hits[1]) {
		t.Errorf("hits by lean %v: sellers pressing must give a buyer more", hits)
	}
	if hits[0] < pings/50 || hits[0] > pings/2 {
		t.Errorf("%d of %d pings traded, want some but not most", hits[0], pings)
	}
}
