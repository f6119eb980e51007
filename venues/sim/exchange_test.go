package sim

import (
	"fmt"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

func testInstrument() market.Instrument {
	return market.Instrument{
		Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1,
	}
}

func id(s string) event.ID {
	v, ok := event.MakeID(s)
	if !ok {
		panic("id too long: " + s)
	}
	return v
}

// recorder writes down an exchange's calls, and keeps a book from its feed.
type recorder struct {
	*Exchange
	log  []string
	feed map[uint64]BookChange // displayed orders by Ref
	sum  map[market.Side]map[market.Price]market.Qty
	t    testing.TB
}

func newRecorder(t testing.TB) *recorder {
	r := &recorder{
		t: t, feed: map[uint64]BookChange{},
		sum: map[market.Side]map[market.Price]market.Qty{market.Buy: {}, market.Sell: {}},
	}
	x, err := NewExchange(ExchangeConfig{
		Venue: Venue{
			Instrument: testInstrument(), TakeFee: market.Fee{PerLotMilli: 30_000},
			MakeFee: market.Fee{PerLotMilli: -20_000}, Replies: Replies{r.report, r.reject},
		},
		Book: r.book,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Exchange = x
	return r
}

func (r *recorder) report(p *Report) {
	name := func(id event.ID) string { return fmt.Sprintf("%d/%s", p.Owner, id) }
	if p.OrdStatus != market.StatusRejected && p.OrdStatus != market.StatusCanceled &&
		p.CumQty+p.LeavesQty != p.OrderQty {
		r.t.Errorf("%s: cum %d + leaves %d is not %d", p.ClOrdID, p.CumQty, p.LeavesQty, p.OrderQty)
	}
	switch p.ExecType {
	case market.ExecTrade:
		word := "added"
		if p.Liquidity == market.LiquidityRemoved {
			word = "removed"
		}
		self := r.fills[len(r.fills)-1].SelfTrade
		r.log = append(r.log, fmt.Sprintf("%s trade %d@%d %s cum %d self %v",
			name(p.ClOrdID), p.LastQty, p.LastPx, word, p.CumQty, self))
	case market.ExecRejected:
		r.log = append(r.log, fmt.Sprintf("%s rejected %s", name(p.ClOrdID), p.Reason))
	case market.ExecCanceled:
		who := p.ClOrdID
		if p.OrigClOrdID != (event.ID{}) {
			who = p.OrigClOrdID
		}
		r.log = append(r.log, name(who)+" Canceled")
	default:
		r.log = append(r.log, fmt.Sprintf("%s %s", name(p.ClOrdID), p.ExecType))
	}
}

func (r *recorder) reject(c *CancelReject) {
	r.log = append(r.log, fmt.Sprintf("%d/%s cancel refused %s", c.Owner, c.ClOrdID, c.Reason))
}

// book applies the feed as a receiver would and compares the level's size.
func (r *recorder) book(c *BookChange) {
	old, known := r.feed[c.Ref]
	switch c.Kind {
	case BookAdd:
		if known {
			r.t.Errorf("order %d added twice", c.Ref)
		}
		r.feed[c.Ref] = *c
		r.sum[c.Side][c.Price] += c.Qty
	default:
		if !known || old.Qty < c.Qty || c.Kind == BookDelete && old.Qty != c.Qty {
			r.t.Errorf("change of %d by %d, known %v with %d", c.Ref, c.Qty, known, old.Qty)
		}
		old.Qty -= c.Qty
		r.feed[c.Ref] = old
		if old.Qty == 0 {
			delete(r.feed, c.Ref)
		}
		r.sum[c.Side][c.Price] -= c.Qty
	}
	if r.sum[c.Side][c.Price] != c.LevelQty {
		r.t.Errorf("level %d holds %d by the feed, %d says it", c.Price,
			r.sum[c.Side][c.Price], c.LevelQty)
	}
}

// check compares the displayed book with the feed and looks for a crossed book.
func (r *recorder) check() {
	bid, hasBid := r.Best(market.Buy)
	ask, hasAsk := r.Best(market.Sell)
	if hasBid && hasAsk && bid.Price >= ask.Price {
		r.t.Fatalf("book crossed: bid %d ask %d", bid.Price, ask.Price)
	}
	for _, side := range []market.Side{market.Buy, market.Sell} {
		var total, feed market.Qty
		for _, l := range r.Depth(nil, side, 1<<30) {
			total += l.Qty
		}
		for _, o := range r.feed {
			if o.Side == side {
				feed += o.Qty
			}
		}
		if total != feed {
			r.t.Fatalf("%v side displays %d, its feed %d", side, total, feed)
		}
	}
}

// TestExchangeAgreesWithTwin runs random orders through the exchange and the
// readable twin and compares every report and the whole book.
func TestExchangeAgreesWithTwin(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		r := newRandom(seed, 99)
		script := make([]byte, 1200)
		for i := range script {
			script[i] = byte(r.next())
		}
		runScript(t, script)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzExchangeAgreesWithTwin(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	f.Add([]byte("post, take, cancel and take again, at crossing prices"))
	f.Fuzz(func(t *testing.T, script []byte) { runScript(t, script[:min(len(script), 3000)]) })
}

// runScript reads six bytes per operation.
func runScript(t *testing.T, script []byte) {
	x := newRecorder(t)
	twin := &twin{in: testInstrument(), seen: map[string]twinOrder{}}
	for n := 0; len(script) >= 6; n++ {
		b := script[:6]
		script = script[6:]
		owner := uint32(b[0]&1) + 1
		if b[1] < 60 {
			request, orig := fmt.Sprintf("X%d", n), fmt.Sprintf("C%d", int(b[2])%(n+2))
			if b[1] < 3 {
				request = orig
			}
			x.Cancel(int64(n), owner, id(request), id(orig))
			twin.cancel(owner, request, orig)
		} else {
			o := scriptOrder(b, n, owner)
			x.Enter(int64(n), o)
			twin.enter(o)
		}
		x.check()
		if !slices.Equal(x.log, twin.log) {
			last := min(len(x.log), len(twin.log))
			for i := range last {
				if x.log[i] != twin.log[i] {
					last = i
					break
				}
			}
			t.Fatalf("step %d:\nexchange %q\ntwin     %q", n, x.log[last:], twin.log[last:])
		}
		for _, side := range []market.Side{market.Buy, market.Sell} {
			if got, want := x.Depth(nil, side, 1<<30), twin.depth(side); !slices.Equal(got, want) {
				t.Fatalf("step %d %v: depth %v, want %v", n, side, got, want)
			}
		}
		x.log, twin.log = x.log[:0], twin.log[:0]
	}
}

func scriptOrder(b []byte, n int, owner uint32) Order {
	o := Order{
		Owner: owner, ClOrdID: id(fmt.Sprintf("C%d", n)), Side: market.Buy,
		Price: 1_000_000 + 100*market.Price(b[3]%12), Qty: market.Qty(b[4]%50) * 10,
		OrdType: market.OrdLimit, TIF: market.TIFDay,
	}
	if b[2]&1 == 1 {
		o.Side = market.Sell
	}
	switch b[5] % 16 {
	case 0, 1:
		o.TIF = market.TIFIOC
	case 2:
		o.TIF = market.TIFFOK
	case 3:
		o.OrdType, o.TIF = market.OrdMarket, market.TIFIOC
	case 4, 5:
		o.ExecInst = market.ExecInstPostOnly
	case 6:
		if b[2]&2 == 0 {
			o.Price++
		} else {
			o.ClOrdID = id("C0")
		}
	}
	return o
}

func TestFillsKeepFeesAndLiquidity(t *testing.T) {
	x := newRecorder(t)
	limit := Order{
		Side: market.Sell, Price: 1_000_100, Qty: 300, OrdType: market.OrdLimit, TIF: market.TIFDay,
	}
	limit.Owner, limit.ClOrdID = 1, id("M")
	x.Enter(1, limit)
	limit.Owner, limit.ClOrdID, limit.Side, limit.Qty = 2, id("T"), market.Buy, 200
	x.Enter(2, limit)
	maker, taker := x.Trades(1), x.Trades(2)
	if len(maker) != 1 || len(taker) != 1 {
		t.Fatalf("maker has %d fills, taker %d, want 1 and 1", len(maker), len(taker))
	}
	if maker[0].Fee != -4000 || maker[0].Liquidity != market.LiquidityAdded {
		t.Errorf("maker: fee %d liquidity %c, want -4000 and 1", maker[0].Fee, maker[0].Liquidity)
	}
	if taker[0].Fee != 6000 || taker[0].Liquidity != market.LiquidityRemoved {
		t.Errorf("taker: fee %d liquidity %c, want 6000 and 2", taker[0].Fee, taker[0].Liquidity)
	}
	if maker[0].Match != taker[0].Match || maker[0].ExecID == taker[0].ExecID {
		t.Errorf("both fills must have one match number and different ExecIDs: %+v %+v", maker, taker)
	}
	state, ok := x.Status(1, id("M"))
	if !ok || state.CumQty != 200 || state.LeavesQty != 100 ||
		state.OrdStatus != market.StatusPartiallyFilled {
		t.Errorf("maker's state %+v", state)
	}
}

func TestHaltedExchangeTakesCancelsOnly(t *testing.T) {
	x := newRecorder(t)
	o := Order{Owner: 1, ClOrdID: id("A"), Side: market.Buy, Price: 1_000_000, Qty: 10,
		OrdType: market.OrdLimit, TIF: market.TIFDay}
	x.Enter(1, o)
	x.Halt(true)
	o.ClOrdID = id("B")
	x.Enter(2, o)
	x.Cancel(3, 1, id("XA"), id("A"))
	want := []string{"1/A New", "1/B rejected venue halted", "1/A Canceled"}
	if !slices.Equal(x.log, want) {
		t.Errorf("got %q, want %q", x.log, want)
	}
}

func BenchmarkPostAndTake(b *testing.B) {
	x, err := NewExchange(ExchangeConfig{Venue: Venue{Instrument: testInstrument()}})
	if err != nil {
		b.Fatal(err)
	}
	for k := range market.Price(20) {
		x.rest(0, market.Sell, 1_000_100+100*k, 1000, x.nextOrder(), nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		x.rest(0, market.Buy, 1_000_000, 100, x.nextOrder(), nil)
		x.take(0, market.Sell, 1_000_000, 100)
	}
}
