package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"testing"

	"penstock/market"
)

// world is a whole market of three exchanges, a pool and a dealer whose events
// are hashed in order.
type world struct {
	flow      *Flow
	exchanges []*Exchange
	pool      *DarkPool
	dealer    *Dealer
	sum       hash.Hash
	changes   int
	trades    int
	traded    market.Qty
	quotes    int
}

const worldStart = int64(1_790_000_000e9)

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{sum: sha256.New()}
	write := func(kind int64, v ...int64) {
		var b [8]byte
		for _, x := range append([]int64{kind}, v...) {
			binary.LittleEndian.PutUint64(b[:], uint64(x))
			w.sum.Write(b[:])
		}
	}
	v := Venue{Instrument: testInstrument()}
	for i := range int64(3) {
		x, err := NewExchange(ExchangeConfig{Venue: v,
			Book: func(c *BookChange) {
				w.changes++
				write(i, c.Time, int64(c.Kind), int64(c.Ref), int64(c.Price), int64(c.Qty))
			},
			Trade: func(x *Trade) {
				w.trades++
				w.traded += x.Qty
				write(10+i, x.Time, int64(x.Match), int64(x.Qty))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.exchanges = append(w.exchanges, x)
	}
	var err error
	w.pool, err = NewDarkPool(DarkPoolConfig{Venue: v, StaleNanos: 1e9,
		Contra: Contra{Seed: seed, GapNanos: 200e6, ZeroBps: 3000, Unit: 100, MaxUnits: 50,
			StayNanos: 100e6, LeanOdds: 3},
		Trade: func(x *Trade) { write(20, x.Time, int64(x.Price), int64(x.Qty)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.dealer, err = NewDealer(DealerConfig{Venue: v, Seed: seed, Increment: 50, HalfSpread: 100,
		QuoteQty: 1000, RefreshNanos: 250e6, MinGapNanos: 10e6, ValidNanos: 1e9, StaleNanos: 1e9,
		Quote: func(q *Quote) { w.quotes++; write(30, q.Time, int64(q.BidPx), int64(q.AskPx)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.flow, err = NewFlow(DefaultFlow(seed, worldStart, 1_000_000), w.exchanges,
		[]*DarkPool{w.pool}, []*Dealer{w.dealer})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSameSeedSameEvents(t *testing.T) {
	run := func(seed uint64, step int64) string {
		w := newWorld(t, seed)
		for now := worldStart; now < worldStart+5e9; {
			now += step
			w.flow.Advance(now)
		}
		return fmt.Sprintf("%x", w.sum.Sum(nil))
	}
	coarse, fine := run(1, 5e9), run(1, 1e6)
	if coarse != fine {
		t.Error("how often Advance is called changes what happens")
	}
	if run(2, 5e9) == coarse {
		t.Error("another seed gives the same events")
	}
}

// TestFlowKeepsAReasonableMarket looks at some minutes: spreads, depth, activity,
// locked and crossed time.
func TestFlowKeepsAReasonableMarket(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		w := newWorld(t, seed)
		spreads, samples, bad := map[market.Price]int{}, 0, 0
		var size, levels, touches int64
		const seconds = 200
		for now := worldStart; now < worldStart+seconds*1e9; now += 50e6 {
			w.flow.Advance(now)
			bid, ask := w.flow.best()
			if samples++; bid >= ask {
				bad++
			}
			for _, x := range w.exchanges {
				b, _ := x.Best(market.Buy)
				a, _ := x.Best(market.Sell)
				spreads[(a.Price-b.Price)/100]++
				size += int64(a.Qty + b.Qty)
				touches += 2
				levels += int64(len(x.Depth(nil, market.Buy, 1000)) + len(x.Depth(nil, market.Sell, 1000)))
			}
		}
		perSecond := w.changes / seconds
		narrow := spreads[1] + spreads[2] + spreads[3]
		t.Logf("seed %d: %d changes/s, %.1f trades/s, %d shares/s, %d quotes/s, spreads %v, "+
			"touch %d, levels %d, bad %d/%d", seed, perSecond, float64(w.trades)/seconds, int(w.traded)/seconds, w.quotes/seconds,
			spreads, size/touches, levels/touches, bad, samples)
		switch {
		case narrow*10 < samples*3*9:
			t.Errorf("seed %d: spreads %v, want mostly 1 to 3 ticks", seed, spreads)
		case bad*100 > samples:
			t.Errorf("seed %d: locked or crossed in %d of %d samples", seed, bad, samples)
		case size/touches < 200 || size/touches > 5000:
			t.Errorf("seed %d: %d shares at the touch", seed, size/touches)
		case levels/touches < 5 || levels/touches > 40:
			t.Errorf("seed %d: %d levels a side", seed, levels/touches)
		case perSecond < 700 || perSecond > 2500:
			t.Errorf("seed %d: %d changes a second", seed, perSecond)
		}
	}
}

func TestOwnOrdersQueueTradeAndMoveThePrice(t *testing.T) {
	w := newWorld(t, 5)
	x := w.exchanges[0]
	w.flow.Advance(worldStart + 1e9)
	now := worldStart + int64(1e9)
	before := w.flow.fair.fundamental + w.flow.fair.fast + w.flow.fair.slow
	for n := range 200 {
		x.Enter(now, Order{Owner: 1, ClOrdID: id(fmt.Sprintf("T%d", n)), Side: market.Buy, Qty: 500,
			OrdType: market.OrdMarket, TIF: market.TIFIOC})
		now += 20e6
		w.flow.Advance(now)
	}
	walked := w.flow.fair.fundamental - 20_000_000
	after := w.flow.fair.fundamental + w.flow.fair.fast + w.flow.fair.slow
	if after-before-walked < 1000 {
		t.Errorf("buying 100,000 moved the fair price by %d thousandths of half a tick", after-before-walked)
	}
	bid, _ := x.Best(market.Buy)
	x.Enter(now, Order{Owner: 1, ClOrdID: id("P"), Side: market.Buy, Price: bid.Price, Qty: 200,
		OrdType: market.OrdLimit, TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly})
	for range 600 {
		now += 100e6
		w.flow.Advance(now)
		if s, _ := x.Status(1, id("P")); s.OrdStatus == market.StatusFilled {
			return
		}
	}
	t.Error("an order posted at the bid did not trade in a minute")
}

// TestLockedMarketIsTradedApart posts an order on one exchange that crosses
// another, as the sender of an order sees only what the feeds have told.
func TestLockedMarketIsTradedApart(t *testing.T) {
	w := newWorld(t, 6)
	now := worldStart + int64(1e9)
	w.flow.Advance(now)
	for n := range 50 {
		// The exchange with the worse offer takes the order without a trade.
		x, other := w.exchanges[0], w.exchanges[1]
		ask, _ := x.Best(market.Sell)
		low, _ := other.Best(market.Sell)
		if ask.Price == low.Price {
			now += 50e6
			w.flow.Advance(now)
			continue
		}
		if ask.Price < low.Price {
			x, other, low = other, x, ask
		}
		x.Enter(now, Order{Owner: 1, ClOrdID: id(fmt.Sprint("L", n)), Side: market.Buy,
			Price: low.Price, Qty: 100, OrdType: market.OrdLimit, TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly})
		if bid, ask := w.flow.best(); bid < ask {
			t.Fatalf("not locked: bid %d ask %d", bid, ask)
		}
		w.flow.Advance(now + 2e9)
		if bid, ask := w.flow.best(); bid >= ask {
			t.Errorf("still locked after two seconds: bid %d ask %d", bid, ask)
		}
		return
	}
	t.Error("the exchanges never had different offers")
}

func TestFlowDoesNotAllocate(t *testing.T) {
	w := newWorld(t, 7)
	w.sum.Reset()
	for _, x := range w.exchanges {
		x.cfg.Book, x.cfg.Trade = nil, nil
	}
	now := worldStart + int64(10e9)
	w.flow.Advance(now)
	allocs := testing.AllocsPerRun(100, func() {
		now += 1e6
		w.flow.Advance(now)
	})
	if allocs > 2 { // dealers make QuoteIDs and pools keep lists
		t.Errorf("%v allocations per millisecond of flow", allocs)
	}
}

func BenchmarkFlow(b *testing.B) {
	w := newWorld(b, 1)
	now := worldStart
	for b.Loop() {
		now += 1e6
		w.flow.Advance(now)
	}
	b.ReportMetric(float64(w.changes)/b.Elapsed().Seconds(), "changes/s")
}
