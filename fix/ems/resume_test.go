package ems

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/market"
)

// The process ended when the journal had one order of two and the client had heard one
// report of three: the second order is asked for again, two reports are told, nothing else.
func TestResumeAsksForOrdersAndTellsReportsThatWereLost(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	cfg.Run = 77
	a := listen(t, cfg)
	store := t.TempDir()
	c := connect(t, a, 0, store)
	var got [2]event.Event
	for i, id := range []string{"P1", "P2"} {
		if err := c.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "ACME", Side: market.Buy, Qty: 10,
			Strategy: 1000}); err != nil {
			t.Fatal(err)
		}
		if got[i] = d.next(t, event.ParentNew); got[i].Ref == 0 || got[i].RecvTime == 0 {
			t.Fatalf("event %+v", got[i])
		}
	}
	b := newBook(a, &got[0], 1)
	b.report(t, market.ExecNew, market.StatusNew)
	if _, err := c.Await(waiting(t), "P1", func(o *emsclient.Order) bool { return o.OrdStatus == market.StatusNew }); err != nil {
		t.Fatal(err)
	}
	c.Close()
	a.Close()

	cfg.Resume = &Resume{Clients: []ResumeClient{{LastSeq: int(got[0].Ref), At: got[0].RecvTime, Reports: 3}}}
	a = listen(t, cfg)
	if n := a.Told(0); n != 1 {
		t.Fatalf("%d reports were told, want 1", n)
	}
	b.a = a
	b.fill(t, 0, 4, 100_000)
	b.fill(t, 0, 6, 100_000)
	c = connect(t, a, 0, store, emsclient.Order{ClOrdID: "P1", OrderID: "1", Side: market.Buy, OrderQty: 10, LeavesQty: 10, OrdStatus: market.StatusNew})
	again := d.next(t, event.ParentNew)
	if again.ID != got[1].ID || again.Ref != got[1].Ref || again.Flags&event.PossDup == 0 {
		t.Errorf("event %+v, want %+v again", again, got[1])
	}
	o, err := c.Wait(waiting(t), "P1")
	if err != nil || o.CumQty != 10 || len(o.Fills) != 2 {
		t.Errorf("order %+v, %v", o, err)
	}
	if n := a.Told(0); n != 3 {
		t.Errorf("%d reports were told, want 3", n)
	}
	select {
	case e := <-d.events:
		if e.Kind != event.ClientSession {
			t.Errorf("event %+v beyond", e)
		}
	default:
	}
}

// Told counts by run, and survives a reset of the sequence numbers and a torn tail.
func TestStoreCountsWhatWasTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := createStore(t, dir)
	for range 3 {
		if err := s.tell(7); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = createStore(t, dir)
	if s.toldIn(7) != 3 || s.toldIn(8) != 0 {
		t.Errorf("told %d in run 7 and %d in run 8, want 3 and 0", s.toldIn(7), s.toldIn(8))
	}
	if s.tell(8) != nil || s.toldIn(7) != 0 || s.toldIn(8) != 1 {
		t.Errorf("told %d in run 7 and %d in run 8, want 0 and 1", s.toldIn(7), s.toldIn(8))
	}
	for seq := range 4 {
		s.IncrNextTargetMsgSeqNum()
		if err := s.expectAgain(1, 1<<62); err != nil || s.NextTargetMsgSeqNum() != seq+2 {
			t.Fatalf("nothing was given to the router, and %d is expected", s.NextTargetMsgSeqNum())
		}
	}
	if err := s.pass(4); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		next int
		at   int64
		want int
	}{{0, 1 << 62, 5}, {9, 1 << 62, 5}, {3, 1, 5}, {3, 1 << 62, 3}} {
		if err := s.expectAgain(c.next, c.at); err != nil || s.NextTargetMsgSeqNum() != c.want {
			t.Errorf("from %d at %d: %d is expected, want %d, %v", c.next, c.at, s.NextTargetMsgSeqNum(), c.want, err)
		}
	}
}

// Nothing but the client's Logout came after the journal's last order: it is passed over,
// and the next order arrives.
func TestResumeAfterALogoutGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	cfg.Run = 78
	a := listen(t, cfg)
	store := t.TempDir()
	c := connect(t, a, 0, store)
	order := func(id string) event.Event {
		if err := c.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "ACME", Side: market.Buy, Qty: 10,
			Strategy: 1000}); err != nil {
			t.Fatal(err)
		}
		return d.next(t, event.ParentNew)
	}
	e := order("P1")
	c.Close()
	a.Close()
	cfg.Resume = &Resume{Clients: []ResumeClient{{LastSeq: int(e.Ref), At: e.RecvTime}}}
	a = listen(t, cfg)
	c = connect(t, a, 0, store)
	defer func() {
		if t.Failed() {
			t.Log(readLog(t, cfg))
		}
	}()
	order("P2")
	order("P3")
}

// partlyFilled lets a client order 10, of which it hears that 4 are executed; then both sides end.
func partlyFilled(t *testing.T, d *desk, a *Acceptor, c *emsclient.Client) event.Event {
	t.Helper()
	if err := c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Buy, Qty: 10, Strategy: 1000}); err != nil {
		t.Fatal(err)
	}
	e := d.next(t, event.ParentNew)
	b := newBook(a, &e, 1)
	b.report(t, market.ExecNew, market.StatusNew)
	b.fill(t, 0, 4, 100_000)
	if _, err := c.Await(waiting(t), "P1", func(o *emsclient.Order) bool { return o.CumQty == 4 }); err != nil {
		t.Fatal(err)
	}
	c.Close()
	a.Close()
	return e
}

// filledByTheJournal tells again what the journal has of partlyFilled's order, and the rest of it when the client, whose
// store is in mine, is back: it must know of both fills, once.
func filledByTheJournal(t *testing.T, a *Acceptor, e *event.Event, mine string) {
	t.Helper()
	again := newBook(a, e, 1)
	again.report(t, market.ExecNew, market.StatusNew)
	again.fill(t, 0, 4, 100_000)
	c := connect(t, a, 0, mine, emsclient.Order{ClOrdID: "P1", OrderID: "1", Side: market.Buy, OrderQty: 10, LeavesQty: 10, OrdStatus: market.StatusNew})
	again.fill(t, 0, 6, 100_000)
	if o, err := c.Wait(waiting(t), "P1"); err != nil || o.CumQty != 10 || len(o.Fills) != 2 {
		t.Errorf("order %+v, %v", o, err)
	}
}

// A bit of a store was flipped: what follows it is lost, and somebody is told of which session. The session goes
// on with numbers that its client has not seen, and the reports come again.
func TestDamagedStoreIsToldAndTheClientGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 2)
	cfg.Run = 80
	a := listen(t, cfg)
	mine := t.TempDir()
	c := connect(t, a, 0, mine)
	e := partlyFilled(t, d, a, c)
	path := filepath.Join(cfg.StoreDir, storeName(a.cfg.Sessions[0].id()))
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(kept, []byte("\x0135=8\x01")) // in the first report
	kept[at+1] ^= 4
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged []string
	cfg.Damaged = func(session string, n int64) {
		if n <= int64(len(kept)-at) || n >= int64(len(kept)) {
			t.Errorf("%d bytes were cut off, the damage is at %d of %d", n, at, len(kept))
		}
		damaged = append(damaged, session)
	}
	cfg.Resume = &Resume{Clients: []ResumeClient{{LastSeq: int(e.Ref), At: e.RecvTime, Reports: 2}}}
	a = listen(t, cfg)
	if want := []string{cfg.Sessions[0].TargetCompID}; !slices.Equal(damaged, want) {
		t.Errorf("told of %v, want %v", damaged, want)
	}
	if told := a.Told(0); told != 0 {
		t.Fatalf("%d reports are in the store, want 0", told)
	}
	filledByTheJournal(t, a, &e, mine)
}

// The host died, and the store that it kept is older than what client and router had exchanged: an order
// that the journal has, and two reports. The client's own numbers are what they were.
func TestClientGoesOnWhenTheHostHasDied(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	cfg.Run = 79
	a := listen(t, cfg)
	mine := t.TempDir()
	c := connect(t, a, 0, mine)
	store := filepath.Join(cfg.StoreDir, storeName(a.cfg.Sessions[0].id()))
	kept, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	e := partlyFilled(t, d, a, c)
	if err := os.WriteFile(store, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Resume, cfg.HostDied = &Resume{Clients: []ResumeClient{{LastSeq: int(e.Ref), At: e.RecvTime, Reports: 2}}}, true
	a = listen(t, cfg)
	if told := a.Told(0); told != 0 {
		t.Fatalf("%d reports were told by the old store, want 0", told)
	}
	filledByTheJournal(t, a, &e, mine)
	select {
	case e := <-d.events:
		if e.Kind == event.ParentNew {
			t.Errorf("event %+v again", e)
		}
	default:
	}
}
