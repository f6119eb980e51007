package loop

import (
	"errors"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/risk"
	"penstock/venues/wire"
)

func testCore(t testing.TB) *router.Core {
	t.Helper()
	core, err := router.New(&router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Venues:      []market.Venue{{Name: "LITA", MIC: "XLTA", MsgRate: 1000, AckNanos: 1e9}},
		Listings:    []router.Listing{{}},
		Limits: []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 1e5,
			ChildMaxNotional: 1e12, CollarBps: 200}},
		Book: book.Capacity{Levels: 16}, MaxParents: 8, MaxChildren: 64, Tactics: router.DefaultTactics(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// day is a session start, a live book and an order that takes from it.
func day() []event.Event {
	id, _ := event.MakeID("C1")
	return []event.Event{
		{Kind: event.SessionStart, Ref: 77},
		{Kind: event.VenueSession, Code: uint8(event.SessionUp)},
		{Kind: event.BookLevel, Side: market.Buy, Price: 500_000, Qty: 100, Flags: event.More},
		{Kind: event.BookLevel, Side: market.Sell, Price: 500_100, Qty: 100, Flags: event.More},
		{Kind: event.BookStatus, Code: uint8(event.BookLive)},
		{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: 50, OrdType: market.OrdMarket, TIF: market.TIFDay,
			Strategy: event.StrategySweep},
	}
}

func TestLoopTakesRingsInOrderAndDispatches(t *testing.T) {
	var sent []event.Command
	seq := NewSequencer(testCore(t), nil, func(c *event.Command) { sent = append(sent, *c) })
	in := ring.New[event.Event](16)
	now := int64(1_000)
	l := New(seq, []*ring.SPSC[event.Event]{in}, NewBell(), IdlePark, func() int64 { now++; return now }, nil)
	for _, e := range day() {
		in.Push(&e)
	}
	if n := l.Work(); n != len(day())+1 {
		t.Fatalf("took %d events, want %d and a timer", n, len(day()))
	}
	if len(sent) != 3 || sent[0].Kind != event.BookMoved || sent[0].To != event.BookLive ||
		sent[1].ExecType != market.ExecNew || sent[2].Kind != event.SendOrder ||
		sent[2].Qty != 50 || sent[2].Child != 77_000_000_001 {
		t.Fatalf("commands %+v", sent)
	}
	if l.Work() != 0 {
		t.Error("work without input")
	}
}

func TestLoopWakesStopsAndInspects(t *testing.T) {
	seq := NewSequencer(testCore(t), nil, func(*event.Command) {})
	in := ring.New[event.Event](16)
	bell := NewBell()
	l := New(seq, []*ring.SPSC[event.Event]{in}, bell, IdlePark, func() int64 { return 1000 }, nil)
	pinned := l.Pin(1<<20, IdlePark)
	done := make(chan error)
	go func() { done <- l.Run() }()
	for _, e := range day() {
		for !in.Push(&e) {
		}
		bell.Ring()
	}
	for parents := 0; parents == 0; {
		if !l.Inspect(func(s *Sequencer) { parents = len(s.Core().Parents()) }) {
			t.Fatal("inspection refused")
		}
	}
	l.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l.Inspect(func(*Sequencer) {}) {
		t.Error("a stopped loop was inspected")
	}
	if s := <-pinned; !errors.Is(s.Pinned, ErrNoCore) {
		t.Errorf("a core that no machine has: %+v", s)
	}
}

func TestClockThatStepsBackDoesNotTurnTimeAround(t *testing.T) {
	seq := NewSequencer(testCore(t), nil, func(*event.Command) {})
	for _, now := range []int64{100, 50, 200} {
		seq.TakeTimer(now)
	}
	if seq.Now() != 200 || seq.Seq() != 3 {
		t.Errorf("now %d seq %d", seq.Now(), seq.Seq())
	}
}

// TestJournalHoldsWhatHappened reads the events and commands of a day back.
func TestJournalHoldsWhatHappened(t *testing.T) {
	dir := t.TempDir() + "/run"
	w, err := journal.Create(dir, journal.Options{SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var sent []event.Command
	seq := NewSequencer(testCore(t), w, func(c *event.Command) { sent = append(sent, *c) })
	for i, e := range day() {
		seq.Take(int64(1000+i), &e)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	events, commands := 0, 0
	for {
		rec, err := r.Next()
		if err != nil {
			break
		}
		switch rec.Type {
		case journal.Event:
			var e event.Event
			if !e.SetBytes(rec.Payload) || e.Kind != day()[events].Kind || e.Seq != uint64(events+1) {
				t.Errorf("event %d reads back as %+v", events, e)
			}
			events++
		case journal.Command:
			var c event.Command
			if !c.SetBytes(rec.Payload) || c != sent[commands] {
				t.Errorf("command %d reads back as %+v, was %+v", commands, c, sent[commands])
			}
			commands++
		}
	}
	if events != len(day()) || commands != len(sent) || commands == 0 {
		t.Errorf("%d events and %d commands read back", events, commands)
	}
}

// TestFailedJournalStopsTradingAndCancels closes the journal under a live order.
func TestFailedJournalStopsTradingAndCancels(t *testing.T) {
	w, err := journal.Create(t.TempDir()+"/run", journal.Options{SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var sent []event.Command
	seq := NewSequencer(testCore(t), w, func(c *event.Command) { sent = append(sent, *c) })
	for i, e := range day() {
		seq.Take(int64(1000+i), &e)
	}
	w.Close()
	sent = nil
	seq.TakeTimer(5000)
	if !errors.Is(seq.Err(), journal.ErrClosed) {
		t.Fatalf("error %v", seq.Err())
	}
	if len(sent) != 1 || sent[0].Kind != event.SendCancel {
		t.Fatalf("commands after the failure: %+v", sent)
	}
	if seq.TakeTimer(6000); len(sent) != 1 {
		t.Error("the core went on without a journal")
	}
}

func TestCommandThatCannotLeaveIsAnswered(t *testing.T) {
	var got []event.Event
	room := false
	sink := func(e *event.Event) bool {
		if room {
			got = append(got, *e)
		}
		return room
	}
	commands := ring.New[event.Command](8)
	worked := 0
	io, err := NewIO([]Worker{{
		Work:    func(int64) int { worked++; return 0 },
		PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds },
		Obey:    func(int64, *event.Command) bool { return false }, Commands: commands,
	}}, sink, func() int64 { return 9 })
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []event.CommandKind{event.SendOrder, event.SendCancel, event.SendStatus} {
		io.Push(0, &event.Command{Kind: k, Child: 5})
	}
	io.Work()
	room = true
	io.Work()
	if len(got) != 2 || got[0].Kind != event.Exec || market.ExecType(got[0].Code) != market.ExecRejected ||
		got[0].CumQty != 0 || got[0].Ref != 5 || got[1].Kind != event.OrderCancelReject {
		t.Fatalf("events %+v", got)
	}
	if worked != 2 || io.Bounces != 3 {
		t.Errorf("worked %d, bounced %d", worked, io.Bounces)
	}
	done := make(chan error)
	go func() { done <- io.Run() }()
	io.Stop()
	if err := errors.Join(<-done, io.Close()); err != nil {
		t.Fatal(err)
	}
}
