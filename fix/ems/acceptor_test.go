package ems

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/market"
)

func connect(t *testing.T, a *Acceptor, client int, storeDir string,
	open ...emsclient.Order) *emsclient.Client {
	t.Helper()
	c, err := emsclient.Connect(waiting(t), emsclient.Config{Addr: a.Addr(),
		SenderCompID: a.cfg.Sessions[client].TargetCompID, TargetCompID: "PENSTOCK",
		Instruments: testInstruments, StoreDir: storeDir, Open: open})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func waiting(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// book is a minimal router for tests: it turns one parent's life into reports.
type book struct {
	a      *Acceptor
	order  event.Command
	execID uint64
}

func newBook(a *Acceptor, e *event.Event, parent uint64) *book {
	return &book{a: a, execID: parent * 1000, order: event.Command{Kind: event.Report,
		Client: e.Client, Parent: parent, ID: e.ID, Instrument: e.Instrument, Side: e.Side,
		OrdType: e.OrdType, TIF: e.TIF, Price: e.Price, Qty: e.Qty, LeavesQty: e.Qty,
		Venue: market.NoVenue}}
}

func (b *book) report(t *testing.T, execType market.ExecType, status market.OrdStatus) {
	t.Helper()
	b.execID++
	c := b.order
	c.Ref, c.ExecType, c.OrdStatus, c.StepTime = b.execID, execType, status, time.Now().UnixNano()
	if status.Terminal() {
		c.LeavesQty = 0
	}
	if !b.a.Report(&c) {
		t.Fatal("no room for a report")
	}
}

func (b *book) fill(t *testing.T, venue market.VenueID, qty market.Qty, px market.Price) {
	t.Helper()
	o := &b.order
	n, _ := px.Notional(qty)
	o.CumQty, o.LeavesQty, o.Notional = o.CumQty+qty, o.LeavesQty-qty, o.Notional+n
	o.LastQty, o.LastPx, o.Venue, o.Liquidity = qty, px, venue, market.LiquidityRemoved
	status := market.StatusPartiallyFilled
	if o.LeavesQty == 0 {
		status = market.StatusFilled
	}
	b.report(t, market.ExecTrade, status)
	o.LastQty, o.LastPx, o.Venue, o.Liquidity = 0, 0, market.NoVenue, 0
}

func TestOrderFromNewToFilled(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	c := connect(t, a, 0, "")
	before := time.Now().UnixNano()
	if err := c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "BTC-USDT", Side: market.Buy,
		Qty: 250_000, Price: 6_010_050, TIF: market.TIFIOC, Strategy: 1000}); err != nil {
		t.Fatal(err)
	}
	e := d.next(t, event.ParentNew)
	if e.ID.String() != "P1" || e.Instrument != 1 || e.Side != market.Buy || e.Qty != 250_000 ||
		e.Price != 6_010_050 || e.TIF != market.TIFIOC || e.OrdType != market.OrdLimit ||
		e.Strategy != event.StrategySweep || e.Client != 0 || e.RecvTime < before ||
		e.SrcTime < before-2e6 || e.Flags != 0 || e.Venue != market.NoVenue {
		t.Fatalf("event %+v", e)
	}
	b := newBook(a, &e, 41)
	b.report(t, market.ExecNew, market.StatusNew)
	b.fill(t, 0, 100_000, 6_009_999)
	b.fill(t, 1, 150_000, 6_010_050)
	o, err := c.Wait(waiting(t), "P1")
	if err != nil {
		t.Fatal(err)
	}
	if o.OrdStatus != market.StatusFilled || o.CumQty != 250_000 || o.LeavesQty != 0 ||
		o.Notional != b.order.Notional || o.OrderID != "41" || len(o.Fills) != 2 {
		t.Errorf("order %+v", o)
	}
	if f := o.Fills[1]; f.LastMkt != "XDRK" || f.LastPx != 6_010_050 || f.LastQty != 150_000 ||
		f.Liquidity != market.LiquidityRemoved {
		t.Errorf("fill %+v", f)
	}
	want := []market.OrdStatus{market.StatusNew, market.StatusPartiallyFilled, market.StatusFilled}
	if len(o.States) != len(want) || o.States[0] != want[0] || o.States[2] != want[2] {
		t.Errorf("states %v, want %v", o.States, want)
	}
	if v := c.Violations(); v != nil {
		t.Errorf("the client objects: %v", v)
	}
	// A report is counted after it was handed on.
	for deadline := time.Now().Add(patience); a.Stats().Reports < 3 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if s := a.Stats(); s.Orders != 1 || s.Reports != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestTWAPParameters(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	c := connect(t, a, 0, "")
	start := time.Now().Truncate(time.Millisecond).UnixNano()
	err := c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Sell,
		Qty:      50_000,
		Strategy: 1001, StartTime: start, EndTime: start + 60e9, SliceSeconds: 5})
	if err != nil {
		t.Fatal(err)
	}
	e := d.next(t, event.ParentNew)
	if e.Strategy != event.StrategyTWAP || e.StartTime != start || e.Until != start+60e9 ||
		e.SliceNanos != 5e9 || e.OrdType != market.OrdMarket || e.Price != 0 || e.TIF != market.TIFDay {
		t.Errorf("event %+v", e)
	}
}

func TestCancelReplaceAndStatus(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	c := connect(t, a, 0, "")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Buy, Qty: 1000,
		Price: 100_100, Strategy: 1000}))
	e := d.next(t, event.ParentNew)
	b := newBook(a, &e, 9)
	b.report(t, market.ExecNew, market.StatusNew)

	check(c.Replace("P2", "P1", 500, 100_200))
	e = d.next(t, event.ParentReplace)
	if e.ID.String() != "P2" || e.OrigID.String() != "P1" || e.Qty != 500 || e.Price != 100_200 ||
		e.Side != market.Buy {
		t.Errorf("replace event %+v", e)
	}
	b.order.ID, b.order.OrigID = e.ID, e.OrigID
	b.order.Qty, b.order.LeavesQty, b.order.Price = 500, 500, 100_200
	b.report(t, market.ExecReplaced, market.StatusNew)

	_, err := c.Await(waiting(t), "P2", func(o *emsclient.Order) bool { return o.OrderQty == 500 })
	check(err)
	check(c.Cancel("X1", "P2"))
	e = d.next(t, event.ParentCancel)
	if e.ID.String() != "X1" || e.OrigID.String() != "P2" {
		t.Errorf("cancel event %+v", e)
	}
	reject := event.Command{Kind: event.RejectCancel, Parent: 9, ID: e.ID, OrigID: e.OrigID,
		ExecType: market.ExecPendingCancel, OrdStatus: market.StatusNew, Reason: event.ReasonPending}
	a.Report(&reject)
	r, err := c.AwaitReject(waiting(t), 1)
	check(err)
	if r.MsgType != "9" || r.ClOrdID != "X1" || r.OrigClOrdID != "P2" || r.OrderID != "9" ||
		r.Reason != 3 || r.ResponseTo != 1 || r.OrdStatus != market.StatusNew || r.Text == "" {
		t.Errorf("reject %+v", r)
	}

	check(c.Status("P2"))
	e = d.next(t, event.ParentStatus)
	if e.ID.String() != "P2" || e.Side != market.Buy || e.Instrument != 0 {
		t.Errorf("status event %+v", e)
	}
	b.order.OrigID = event.ID{}
	b.report(t, market.ExecOrderStatus, market.StatusNew)
	check(c.Cancel("X2", "P2"))
	e = d.next(t, event.ParentCancel)
	b.order.ID, b.order.OrigID = e.ID, e.OrigID
	b.report(t, market.ExecCanceled, market.StatusCanceled)
	o, err := c.Wait(waiting(t), "P1")
	check(err)
	if o.OrdStatus != market.StatusCanceled || o.OrderQty != 500 || o.Reports != 4 {
		t.Errorf("order %+v", o)
	}
	if v := c.Violations(); v != nil {
		t.Errorf("the client objects: %v", v)
	}
}

func TestBusyRouterIsSaidSo(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	c := connect(t, a, 0, "")
	d.next(t, event.ClientSession)
	d.full.Store(true)
	order := emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Buy, Qty: 1,
		Strategy: 1000}
	if err := c.SendOrder(order); err != nil {
		t.Fatal(err)
	}
	o, err := c.Wait(waiting(t), "P1")
	if err != nil || !o.Refused || o.Text != "router busy" {
		t.Errorf("order %+v, %v", o, err)
	}
	if r := c.Rejects(); len(r) != 1 || r[0].MsgType != "j" || r[0].Reason != 4 {
		t.Errorf("rejects %+v", r)
	}
	if s := a.Stats(); s.Busy != 1 || s.Orders != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSessionStateIsNotLostWhenTheRouterIsBusy(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.full.Store(true)
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	p.ping()
	d.full.Store(false)
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionUp) {
		t.Errorf("event %+v, want the session up", e)
	}
	p.close()
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionDown) {
		t.Errorf("event %+v, want the session down", e)
	}
}

func TestReportWaitsUntilItsCauseIsDurable(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	var durable atomic.Uint64
	durable.Store(4)
	cfg.Durable = durable.Load
	a := listen(t, cfg)
	p := dial(t, a, 0).logon()
	for cause := uint64(4); cause <= 6; cause++ {
		c := testReport(0, cause)
		c.Cause = cause
		a.Report(&c)
	}
	if m := p.expect("8"); get(m, 17) != "4" {
		t.Errorf("first report %s", pretty(m))
	}
	p.send("1", "112=still-waiting|")
	if m, err := p.tryRead(); err != nil || get(m, 112) != "still-waiting" {
		t.Errorf("got %v, want only the heartbeat", pretty(m))
	}
	durable.Store(5)
	a.Wake()
	if m := p.expect("8"); get(m, 17) != "5" {
		t.Errorf("second report %s", pretty(m))
	}
	a.Close()
	if s := a.Stats(); s.Undelivered != 1 || s.Reports != 2 {
		t.Errorf("stats %+v, want one report never durable", s)
	}
}

func TestReportsOfAnAbsentClientAreResent(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	store := t.TempDir()
	c := connect(t, a, 0, store)
	if err := c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Buy, Qty: 300,
		Strategy: 1000}); err != nil {
		t.Fatal(err)
	}
	e := d.next(t, event.ParentNew)
	c.Close()
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionDown) {
		t.Fatalf("event %+v, want the session down", e)
	}
	b := newBook(a, &e, 3)
	b.report(t, market.ExecNew, market.StatusNew)
	b.fill(t, 0, 100, 100_000)
	b.fill(t, 0, 200, 100_100)
	c = connect(t, a, 0, store, emsclient.Order{ClOrdID: "P1", Side: market.Buy, OrderQty: 300})
	o, err := c.Wait(waiting(t), "P1")
	if err != nil {
		t.Fatal(err)
	}
	if o.CumQty != 300 || len(o.Fills) != 2 || o.OrdStatus != market.StatusFilled {
		t.Errorf("order %+v", o)
	}
}

func TestSequenceContinuesAfterRestart(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	a := listen(t, cfg)
	store := t.TempDir()
	c := connect(t, a, 0, store)
	send := func(id string) event.Event {
		t.Helper()
		if err := c.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "ACME", Side: market.Buy, Qty: 10,
			Strategy: 1000}); err != nil {
			t.Fatal(err)
		}
		return d.next(t, event.ParentNew)
	}
	e := send("P1")
	b := newBook(a, &e, 1)
	b.report(t, market.ExecNew, market.StatusNew)
	b.fill(t, 0, 10, 100_000)
	if _, err := c.Wait(waiting(t), "P1"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	d.next(t, event.ClientSession)
	nextBefore, _ := quickfix.GetExpectedSenderNum(a.cfg.Sessions[0].id())
	a.Close()

	a = listen(t, cfg)
	c = connect(t, a, 0, store)
	e = send("P2")
	b = newBook(a, &e, 2)
	b.report(t, market.ExecNew, market.StatusNew)
	b.fill(t, 0, 10, 100_000)
	if o, err := c.Wait(waiting(t), "P2"); err != nil || o.OrdStatus != market.StatusFilled {
		t.Fatalf("order %+v, %v", o, err)
	}
	if e.Flags&event.PossDup != 0 {
		t.Error("the second order came as possibly repeated")
	}
	sent, err := quickfix.GetExpectedSenderNum(a.cfg.Sessions[0].id())
	if err != nil || sent < nextBefore+3 { // a Logon and two reports more
		t.Errorf("next sequence number %d, was %d before the restart", sent, nextBefore)
	}
	if strings.Contains(readLog(t, cfg), "MsgSeqNum too") {
		t.Error("the sequence numbers do not fit")
	}
}

func TestReportNeitherAllocatesNorBlocks(t *testing.T) {
	a := listen(t, testConfig(t, newDesk(), 1))
	c := testReport(0, 1)
	least := 1.0
	for try := 0; try < 10 && least > 0; try++ { // what other goroutines allocate meanwhile counts too
		least = testing.AllocsPerRun(200, func() { a.Report(&c) })
	}
	if least != 0 {
		t.Errorf("%v allocations per report", least)
	}
}

func TestFullQueueIsSaidSo(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.QueueLen = 8
	cfg.Durable = func() uint64 { return 0 }
	a := listen(t, cfg)
	c := testReport(0, 1)
	c.Cause = 1
	taken := 0
	for taken < 20 && a.Report(&c) {
		taken++
	}
	if taken > 8+1 { // one may be in the hands of the dispatcher
		t.Errorf("%d reports taken by a queue of 8", taken)
	}
	if a.Stats().Full == 0 {
		t.Error("a full queue is not counted")
	}
}
