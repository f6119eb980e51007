package sim

import (
	"fmt"
	"testing"

	"penstock/event"
	"penstock/market"
)

// FuzzDarkPoolKeepsItsPromises plays any script of orders, cancels and reference
// changes, and checks each fill: at the midpoint of a good reference, within the
// cap, not below MinQty, and as much bought as sold.
func FuzzDarkPoolKeepsItsPromises(f *testing.F) {
	f.Add([]byte("orders of both sides, with caps and least quantities, come and go"))
	f.Add([]byte{0, 0, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 200, 201, 202, 203})
	f.Fuzz(func(t *testing.T, script []byte) { runPool(t, script[:min(len(script), 2000)]) })
}

func TestDarkPoolKeepsItsPromises(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		r := newRandom(seed, 98)
		script := make([]byte, 1500)
		for i := range script {
			script[i] = byte(r.next())
		}
		runPool(t, script)
	}
}

func runPool(t *testing.T, script []byte) {
	var d *DarkPool
	var now int64
	orders := map[event.ID]Order{}
	left := map[event.ID]market.Qty{}
	var bought, sold market.Qty
	cfg := DarkPoolConfig{StaleNanos: 20}
	cfg.Instrument = testInstrument()
	cfg.Replies.Report = func(r *Report) {
		if r.ExecType != market.ExecTrade {
			return
		}
		o := orders[r.ClOrdID]
		before := left[r.ClOrdID]
		left[r.ClOrdID] -= r.LastQty
		ref := d.ref
		switch {
		case ref.bid <= 0 || ref.bid >= ref.ask || now-ref.time > cfg.StaleNanos:
			t.Errorf("fill on reference %+v at %d", ref, now)
		case r.LastPx != (ref.bid+ref.ask)/2:
			t.Errorf("fill at %d on reference %+v", r.LastPx, ref)
		case o.Price != 0 && o.Side.Better(o.Price, r.LastPx):
			t.Errorf("%v order with cap %d filled at %d", o.Side, o.Price, r.LastPx)
		case r.LastQty < min(o.MinQty, before):
			t.Errorf("fill of %d, MinQty %d, %d were left", r.LastQty, o.MinQty, before)
		case r.CumQty+r.LeavesQty != r.OrderQty || r.LeavesQty != left[r.ClOrdID]:
			t.Errorf("quantities do not add up: %+v", r)
		}
		if r.Side == market.Buy {
			bought += r.LastQty
		} else {
			sold += r.LastQty
		}
	}
	d, err := NewDarkPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; len(script) >= 5; n++ {
		b := script[:5]
		script = script[5:]
		now += int64(b[0] % 8)
		switch {
		case b[1] < 60:
			bid := market.Price(1_000_000 + 100*int64(b[2]%4))
			d.SetReference(now, bid, bid+100*market.Price(int(b[3]%5)-1))
		case b[1] < 80:
			d.Cancel(now, 1, id(fmt.Sprintf("X%d", n)), id(fmt.Sprintf("C%d", int(b[2])%(n+1))))
		default:
			o := Order{Owner: 1, ClOrdID: id(fmt.Sprintf("C%d", n)), Side: market.Side('1' + b[2]&1),
				Qty: market.Qty(1 + b[3]%20), OrdType: market.OrdPegged, TIF: market.TIFDay,
				ExecInst: market.ExecInstMidPeg}
			if b[4]&1 == 1 {
				o.Price = 1_000_000 + 50*market.Price(b[4]%12)
			}
			if b[4]&2 == 2 {
				o.MinQty = market.Qty(b[4]>>3) % (o.Qty + 1)
			}
			if b[4]&4 == 4 {
				o.TIF = market.TIFIOC
			}
			orders[o.ClOrdID], left[o.ClOrdID] = o, o.Qty
			d.Enter(now, o)
		}
	}
	if bought != sold {
		t.Errorf("bought %d, sold %d", bought, sold)
	}
}

// TestDealerAnswersEveryOrderOnce runs a busy dealer in a moving market and
// counts: each order ends filled or rejected, each quote trades at most once at
// its own price, and some of both verdicts come.
func TestDealerAnswersEveryOrderOnce(t *testing.T) {
	quotes := map[event.ID]Quote{}
	used := map[event.ID]bool{}
	verdicts := map[string]int{}
	var newest Quote
	u := newDeskUnderTest(t, func(c *DealerConfig) {
		c.Quote = func(q *Quote) { quotes[q.QuoteID], newest = *q, *q }
		c.Replies.Report = func(r *Report) {
			verdicts[r.ExecType.String()]++
			if r.ExecType != market.ExecTrade {
				return
			}
			q := quotes[r.QuoteID]
			px, qty := q.AskPx, q.AskQty
			if r.Side == market.Sell {
				px, qty = q.BidPx, q.BidQty
			}
			if used[r.QuoteID] || r.LastPx != px || r.LastQty > qty || r.Time >= q.Until {
				t.Errorf("quote %+v traded as %+v, used %v", q, r, used[r.QuoteID])
			}
			used[r.QuoteID] = true
		}
	})
	r := newRandom(4, 97)
	mid := market.Price(1_000_000)
	now := int64(1e9)
	var orders int
	for n := range 5000 {
		now += 1 + below(r.next(), 20e6)
		if r.next()%3 == 0 {
			mid += 50 * market.Price(below(r.next(), 3)-1)
		}
		u.SetReference(now, mid-50, mid+50)
		if r.next()%4 == 0 {
			orders++
			side := market.Side('1' + r.next()&1)
			u.hit(now, fmt.Sprint("H", n), side, market.Qty(1+below(r.next(), 1000)), newest)
		}
	}
	u.Advance(now + 10e9)
	if verdicts["Trade"]+verdicts["Rejected"] != orders || len(u.held) > 0 {
		t.Errorf("%d orders, verdicts %v, %d still held", orders, verdicts, len(u.held))
	}
	if verdicts["Trade"] < orders/4 || verdicts["Rejected"] < orders/50 {
		t.Errorf("%d orders, verdicts %v: want many fills and some rejects", orders, verdicts)
	}
	t.Logf("%d orders: %v", orders, verdicts)
}
