package tape

import (
	"fmt"
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
)

// pit is a market of one lit venue (0) and one dealer (1) under test.
type pit struct {
	*Market
	t   *testing.T
	got []event.Event
}

func newPit(t *testing.T) *pit {
	t.Helper()
	in := *btc
	plan := &Plan{
		Feeds:       []Feed{{Venue: "LIT", Instrument: "BTC-USDT"}, {Venue: "SDP", Instrument: "BTC-USDT"}},
		Instruments: []market.Instrument{in},
		Venues: []market.Venue{
			{ID: 0, Name: "LIT", Kind: market.Lit, TakeFee: market.Fee{Ppm: 1000}},
			{ID: 1, Name: "SDP", Kind: market.SDP},
		},
	}
	m, err := NewMarket(plan, Matching{LatencyNanos: 10, HoldNanos: 100, RejectTicks: 1, GraceNanos: 50})
	if err != nil {
		t.Fatal(err)
	}
	return &pit{Market: m, t: t}
}

func (p *pit) see(now int64, events ...event.Event) {
	p.Advance(now-1, p.keep)
	feed(func(e *event.Event) bool { p.Observe(e); return true }, 0, now, events...)
}

func (p *pit) quote(now int64, id string, bid, ask market.Price) {
	p.Advance(now-1, p.keep)
	e := event.Event{Kind: event.Quote, Venue: 1, RecvTime: now, Until: now + 1000,
		Price: bid, Qty: 50, LastPx: ask, LastQty: 50}
	e.ID, _ = event.MakeID(id)
	p.Observe(&e)
}

func (p *pit) keep(e *event.Event) bool { p.got = append(p.got, *e); return true }

func (p *pit) send(now int64, c event.Command) {
	p.t.Helper()
	c.Kind = event.SendOrder
	if !p.Send(now, &c) {
		p.t.Fatalf("order %d not taken", c.Child)
	}
}

func (p *pit) cancelChild(now int64, child uint64) {
	p.Send(now, &event.Command{Kind: event.SendCancel, Child: child, Ref: child + 1000})
}

// expect lets everything up to now happen and compares the answers since the last
// call, one line each: time, child, ExecType, last fill, CumQty/LeavesQty, reason.
func (p *pit) expect(now int64, want string) {
	p.t.Helper()
	p.Advance(now, p.keep)
	var b strings.Builder
	for i := range p.got {
		e := &p.got[i]
		fmt.Fprintf(&b, "%d C%d ", e.RecvTime, e.Ref)
		if e.Kind == event.OrderCancelReject {
			fmt.Fprintf(&b, "cancel-reject %s", e.OrdStatus)
		} else {
			fmt.Fprintf(&b, "%s", market.ExecType(e.Code))
		}
		if e.LastQty != 0 {
			fmt.Fprintf(&b, " %d x %d %c", e.LastPx, e.LastQty, e.Liquidity)
		}
		fmt.Fprintf(&b, " %d/%d %s", e.CumQty, e.LeavesQty, e.Reason)
		b.WriteByte('\n')
	}
	p.got = nil
	got := strings.ReplaceAll(b.String(), " \n", "\n")
	want = strings.ReplaceAll(strings.TrimLeft(want, "\n"), "\t", "")
	if got != want {
		p.t.Errorf("got\n%swant\n%s", got, want)
	}
}

func ioc(child uint64, side market.Side, qty market.Qty, price market.Price) event.Command {
	return event.Command{Child: child, Side: side, Qty: qty, Price: price,
		OrdType: market.OrdLimit, TIF: market.TIFIOC}
}

func post(child uint64, side market.Side, qty market.Qty, price market.Price) event.Command {
	return event.Command{Child: child, Side: side, Qty: qty, Price: price,
		OrdType: market.OrdLimit, TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly}
}

func onQuote(child uint64, side market.Side, qty market.Qty, price market.Price, id string) event.Command {
	c := event.Command{Child: child, Venue: 1, Side: side, Qty: qty, Price: price,
		OrdType: market.OrdPreviouslyQuoted, TIF: market.TIFIOC}
	c.ID, _ = event.MakeID(id)
	return c
}

func TestTakingConsumesDisplayedSizeUntilTheLevelChanges(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Buy, 990, 5), level(market.Sell, 1000, 10), level(market.Sell, 1010, 20))...)
	p.send(100, ioc(1, market.Buy, 15, 1010))
	p.expect(120, `
		120 C1 New 0/15
		120 C1 Trade 1000 x 10 2 10/5
		120 C1 Trade 1010 x 5 2 15/0
`)
	p.send(120, ioc(2, market.Buy, 30, 1010)) // 15 are left
	p.expect(140, `
		140 C2 New 0/30
		140 C2 Trade 1010 x 15 2 15/15
		140 C2 Canceled 15/0
`)
	p.see(150, level(market.Sell, 1010, 20)) // the same size again: no change
	p.send(150, ioc(3, market.Buy, 1, 1010))
	p.see(165, level(market.Sell, 1010, 21)) // changed: all 21 are there again
	p.send(165, ioc(4, market.Buy, 30, 1010))
	p.expect(200, `
		170 C3 New 0/1
		170 C3 Canceled 0/0
		185 C4 New 0/30
		185 C4 Trade 1010 x 21 2 21/9
		185 C4 Canceled 21/0
`)
	if n := len(p.Trades()); n != 4 {
		t.Errorf("%d trades booked", n)
	}
	if tr := p.Trades()[0]; tr.Fee != 10 || tr.Time != 110 || tr.Qty != 10 {
		t.Errorf("trade %+v", tr) // 1000 × 10 at 0.1 %
	}
}

func TestOrderMeetsTheBookOfItsArrival(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Sell, 1000, 10))...)
	p.send(100, ioc(1, market.Buy, 5, 1000))
	p.see(105, level(market.Sell, 1000, 0), level(market.Sell, 1010, 9)) // before it arrives at 110
	p.expect(120, "120 C1 New 0/5\n120 C1 Canceled 0/0\n")
}

func TestFillOrKillIsAllOrNothing(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Sell, 1000, 10))...)
	c := ioc(1, market.Buy, 11, 1000)
	c.TIF = market.TIFFOK
	p.send(100, c)
	c.Child, c.Qty = 2, 10
	p.send(101, c)
	p.expect(130, `
		120 C1 New 0/11
		120 C1 Canceled 0/0
		121 C2 New 0/10
		121 C2 Trade 1000 x 10 2 10/0
`)
}

func TestRestingOrderWaitsBehindTheDisplayedQueue(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Buy, 990, 10), level(market.Sell, 1000, 10))...)
	p.send(100, post(1, market.Buy, 6, 990))
	p.expect(120, "120 C1 New 0/6\n")
	sell := func(price market.Price, qty market.Qty) event.Event {
		return event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: price, Qty: qty}
	}
	p.see(130, sell(990, 4))               // 6 ahead
	p.see(131, level(market.Buy, 990, 16)) // others join behind us
	p.see(132, level(market.Buy, 990, 5))  // at most 5 can be ahead
	p.see(133, event.Event{Kind: event.MarketTrade, Side: market.Buy, Price: 990, Qty: 50})
	p.expect(150, "")
	p.see(160, sell(990, 7)) // 5 ahead, 2 for us
	p.expect(170, "170 C1 Trade 990 x 2 1 2/4\n")
	p.see(180, sell(980, 3)) // through our price
	p.expect(190, "190 C1 Trade 990 x 3 1 5/1\n")
	p.see(200, sell(990, 9))
	p.expect(210, "210 C1 Trade 990 x 1 1 6/0\n")
}

func TestTradeReachesBetterPricesFirstAndOlderOrdersFirst(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Buy, 970, 10), level(market.Sell, 1000, 10))...)
	p.send(100, post(1, market.Buy, 4, 980))
	p.send(101, post(2, market.Buy, 4, 980))
	p.send(102, post(3, market.Buy, 4, 990))
	p.expect(125, "120 C1 New 0/4\n121 C2 New 0/4\n122 C3 New 0/4\n")
	p.see(130, event.Event{Kind: event.MarketTrade, Price: 980, Qty: 10}) // side unknown
	p.expect(140, `
		140 C3 Trade 990 x 4 1 4/0
		140 C1 Trade 980 x 4 1 4/0
		140 C2 Trade 980 x 2 1 2/2
`)
}

func TestExecutionsOfAnOrderFeedMoveTheQueue(t *testing.T) {
	p := newPit(t)
	p.see(100, event.Event{Kind: event.BookClear},
		event.Event{Kind: event.OrderAdd, Ref: 7, Side: market.Buy, Price: 990, Qty: 5},
		event.Event{Kind: event.OrderAdd, Ref: 8, Side: market.Buy, Price: 990, Qty: 5},
		event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	p.send(100, post(1, market.Buy, 5, 990))
	p.expect(120, "120 C1 New 0/5\n")
	p.see(121, event.Event{Kind: event.OrderAdd, Ref: 9, Side: market.Buy, Price: 990, Qty: 9})
	p.see(130, event.Event{Kind: event.OrderExecuted, Ref: 7, Qty: 5})
	p.see(131, event.Event{Kind: event.OrderReduced, Ref: 8, Qty: 2})
	p.expect(135, "")
	p.see(140, event.Event{Kind: event.OrderDeleted, Ref: 8})
	// By cancels alone up to 5 are still assumed ahead, but 9 are displayed.
	p.see(150, event.Event{Kind: event.OrderExecuted, Ref: 9, Qty: 6})
	p.expect(160, "160 C1 Trade 990 x 1 1 1/4\n")
}

func TestPostOnlyOrderThatWouldTakeIsRejected(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Sell, 1000, 10))...)
	p.send(100, post(1, market.Buy, 5, 1000))
	p.expect(120, "120 C1 Rejected 0/0 post-only order would take\n")
}

func TestCancel(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Sell, 1000, 10))...)
	p.send(100, post(1, market.Buy, 5, 990))
	p.cancelChild(105, 1)
	p.cancelChild(106, 1)
	p.cancelChild(107, 9)
	p.see(130, event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: 980, Qty: 5})
	p.expect(150, `
		120 C1 New 0/5
		125 C1 Canceled 0/0
		126 C1 cancel-reject Canceled 0/0 too late
		127 C9 cancel-reject Rejected 0/0 unknown order
`)
}

func TestStatusRequestIsAnswered(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Sell, 1000, 10))...)
	p.send(100, ioc(1, market.Buy, 15, 1000))
	p.expect(120, "120 C1 New 0/15\n120 C1 Trade 1000 x 10 2 10/5\n120 C1 Canceled 10/0\n")
	p.Send(130, &event.Command{Kind: event.SendStatus, Child: 1})
	p.Send(131, &event.Command{Kind: event.SendStatus, Child: 2})
	p.expect(160, "150 C1 OrderStatus 10/0\n151 C2 OrderStatus 0/0 unknown order\n")
}

func TestOrdersThatNoVenueTakes(t *testing.T) {
	p := newPit(t)
	p.send(90, ioc(1, market.Buy, 5, 1000)) // no book yet
	p.see(101, snapshot(level(market.Sell, 1000, 10))...)
	p.send(101, ioc(2, market.Buy, 5, 1003)) // between ticks
	p.send(102, ioc(3, market.Buy, 0, 1000))
	p.send(103, ioc(3, market.Buy, 5, 1000))
	peg := ioc(4, market.Buy, 5, 1000)
	peg.OrdType = market.OrdPegged
	p.send(104, peg)
	p.send(105, onQuote(5, market.Buy, 5, 1000, "none"))
	p.expect(200, `
		110 C1 Rejected 0/0 venue halted
		121 C2 Rejected 0/0 bad price
		122 C3 Rejected 0/0 bad quantity
		123 C3 Rejected 0/0 duplicate ClOrdID
		124 C4 Rejected 0/0 order type or time in force not supported
		125 C5 Rejected 0/0 quote expired or unknown
`)
	if p.Send(300, &event.Command{Kind: event.SendOrder, Venue: 2}) ||
		p.Send(300, &event.Command{Kind: event.SendOrder, Instrument: 1}) ||
		p.Send(300, &event.Command{Kind: event.Report}) {
		t.Error("a command for no venue was taken")
	}
}

func TestDealerLooksAndDecides(t *testing.T) {
	p := newPit(t)
	p.quote(100, "Q1", 990, 1000)
	p.send(100, onQuote(1, market.Buy, 50, 1000, "Q1"))
	p.send(101, onQuote(2, market.Buy, 50, 1000, "Q1")) // once only
	p.quote(150, "Q2", 1000, 1010)                      // 1 tick against: still filled
	p.cancelChild2(150, 1)
	p.send(180, onQuote(3, market.Sell, 10, 1000, "Q2"))
	p.expect(200, `
		120 C1 PendingNew 0/50
		121 C2 Rejected 0/0 quote expired or unknown
		170 C1 cancel-reject PendingNew 0/0 too late
		200 C3 PendingNew 0/10
`)
	p.expect(220, "220 C1 Trade 1000 x 50 2 50/0\n")
	p.quote(230, "Q3", 980, 995) // 2 ticks against the buyer of Q2's bid
	p.expect(300, "300 C3 Rejected 0/0 last look: price moved\n")
	p.send(300, onQuote(4, market.Sell, 10, 1000, "Q2")) // replaced too long ago
	p.send(301, onQuote(5, market.Sell, 51, 980, "Q3"))
	p.send(302, onQuote(6, market.Sell, 10, 970, "Q3"))
	p.send(303, onQuote(7, market.Sell, 10, 980, "Q3"))
	p.expect(500, `
		320 C4 Rejected 0/0 quote expired or unknown
		321 C5 Rejected 0/0 bad quantity
		322 C6 Rejected 0/0 bad price
		323 C7 PendingNew 0/10
		423 C7 Trade 980 x 10 2 10/0
`)
	p.quote(600, "Q4", 980, 990)
	p.send(1599, onQuote(8, market.Sell, 10, 980, "Q4"))
	p.expect(1700, "1619 C8 Rejected 0/0 quote expired or unknown\n")
}

func (p *pit) cancelChild2(now int64, child uint64) {
	p.Send(now, &event.Command{Kind: event.SendCancel, Venue: 1, Child: child, Ref: child + 1000})
}

func TestShiftMovesWhatWasConsumedAndResetsQueues(t *testing.T) {
	p := newPit(t)
	p.see(100, snapshot(level(market.Buy, 990, 8), level(market.Sell, 1000, 10))...)
	p.send(100, ioc(1, market.Buy, 4, 1000))
	p.send(100, post(2, market.Buy, 4, 990))
	p.expect(120, "120 C1 New 0/4\n120 C1 Trade 1000 x 4 2 4/0\n120 C2 New 0/4\n")
	p.see(130, event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: 990, Qty: 8}) // front of the queue
	p.Shifted(0, 0, 10)
	p.see(140, level(market.Buy, 990, 0), level(market.Sell, 1000, 0),
		level(market.Buy, 1000, 8), level(market.Buy, 990, 3), level(market.Sell, 1010, 10))
	p.see(141, event.Event{Kind: event.MarketTrade, Side: market.Sell, Price: 990, Qty: 4}) // 3 ahead again
	p.send(141, ioc(3, market.Buy, 10, 1010))
	p.expect(170, `
		151 C2 Trade 990 x 1 1 1/3
		161 C3 New 0/10
		161 C3 Trade 1010 x 6 2 6/4
		161 C3 Canceled 6/0
`)
}

func TestMatchingRefusesNegativeTimes(t *testing.T) {
	if _, err := NewMarket(&Plan{}, Matching{HoldNanos: -1}); err == nil {
		t.Error("taken")
	}
}
