package router

import (
	"fmt"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestCtl_C06_OrphansCountAgainstTheFirm: what an order that nobody knows may execute is the
// firm's exposure from the moment that its venue tells of it, at most what it executed once it
// is over, and a client's order that does not fit beside it is refused.
func TestCtl_C06_OrphansCountAgainstTheFirm(t *testing.T) {
	cfg := testConfig()
	cfg.Controls.FirmCredit = 1_000_000 * 10_000 // money, in 1/10,000
	core, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, core: core, out: core.OutputFor(), now: 1_800_000_000e9, kind: event.Exec, epoch: scriptEpoch}
	s.step(event.Event{Kind: event.SessionStart, Ref: scriptEpoch})
	for _, line := range []string{"session LITA up", "session LITB up", "book LITA 49.98x300 50.00x20000", "book LITB 49.98x300 50.00x20000"} {
		s.line(line)
	}
	orphan := func(status market.OrdStatus, qty, cum market.Qty) {
		s.step(event.Event{Kind: event.Exec, Venue: 0, Ref: scriptEpoch*numberBase + 9_000, Code: uint8(market.ExecOrderStatus), OrdStatus: status,
			Side: market.Buy, Price: 500_000, Qty: qty, CumQty: cum})
	}
	used := func(want int64) {
		t.Helper()
		if got := int64(core.gate.UsedByFirm()); got != want*10_000 || core.Audit() != "" {
			t.Errorf("the firm has used %d of 10,000ths, want %d; %s", got, want*10_000, core.Audit())
		}
	}
	children := func(id string) int {
		before := core.childCount
		s.line("parent " + id + " buy 2000 50.00 sweep")
		return core.childCount - before
	}
	orphan(market.StatusNew, 19_000, 0)
	used(950_000)
	orphan(market.StatusNew, 19_000, 0) // the same again counts once
	used(950_000)
	if n := children("P1"); n != 0 || core.gate.Refused[event.ReasonCredit] == 0 {
		t.Errorf("%d orders of 100,000 beside an orphan of 950,000 of 1,000,000; refused %v", n, core.gate.Refused)
	}
	orphan(market.StatusCanceled, 19_000, 4_000) // what it executed stays
	used(200_000)
	if n := children("P2"); n == 0 {
		t.Error("no order though the orphan is over")
	}
	used(300_000)
}

// TestAnOrphanIsCancelledWhenItsVenueComesBack: a drop copy tells of it while the order session is down, and a cancel may
// be lost with a session: it is cancelled whenever that comes up, until it is over.
func TestAnOrphanIsCancelledWhenItsVenueComesBack(t *testing.T) {
	cfg := testConfig()
	cfg.Venues[0].DropCopyNanos = 1e9
	s := newScriptOf(t, cfg)
	cancels := func(want int) {
		t.Helper()
		n := 0
		for i := range s.out.Commands {
			if c := &s.out.Commands[i]; c.Kind == event.SendCancel && c.Child == scriptEpoch*numberBase+9_000 {
				n++
			}
		}
		if n != want {
			t.Errorf("%d cancels, want %d", n, want)
		}
	}
	tell := func(kind event.Kind, status market.OrdStatus, cum market.Qty) {
		e := event.Event{Kind: kind, Venue: 0, Ref: scriptEpoch*numberBase + 9_000, Code: uint8(market.ExecTrade), OrdStatus: status,
			Side: market.Buy, Price: 500_000, LastPx: 500_000, LastQty: 10, Qty: 300, CumQty: cum, LeavesQty: 300 - cum}
		e.ID, _ = event.MakeID(fmt.Sprint("E", cum))
		s.step(e)
	}
	s.step(event.Event{Kind: event.DropCopySession, Venue: 0, Code: uint8(event.SessionUp)})
	tell(event.DropCopy, market.StatusPartiallyFilled, 10)
	cancels(0) // nobody hears it
	s.line("session LITA up")
	cancels(1)
	tell(event.DropCopy, market.StatusPartiallyFilled, 20)
	cancels(0) // it is out
	s.line("session LITA down")
	s.line("session LITA up")
	cancels(1)
	tell(event.Exec, market.StatusCanceled, 20)
	s.line("session LITA down")
	s.line("session LITA up")
	cancels(0)
}
