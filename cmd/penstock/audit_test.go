package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/router/loop"
)

// TestCtl_C21_AuditFindsEveryRecordOfAnOrder works an order, has a person act and the clock be
// read, and asks the journal: the whole chain from the client's order to its last report is
// there, by ClOrdID and by number, nothing of other orders, and every act with its reason.
func TestCtl_C21_AuditFindsEveryRecordOfAnOrder(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	var w clockWatch
	reading := readClock()
	if e, ok := w.look(&reading, time.Now()); !ok || !r.a.push(&e) {
		t.Fatal("no reading of the clock")
	}
	r.send("A-1", 3_000, 4*time.Second)
	r.send("A-2", 2_000, 4*time.Second)
	r.until("both work", func(s *loop.Sequencer) bool { return len(s.Core().Parents()) == 2 && len(s.Core().Children()) > 2 })
	r.ctlOf(0, "kill", "--venue", "LITB", "--reason", "it answers slowly and nobody there picks up the telephone")
	r.ctlOf(0, "release", "--venue", "LITB", "--reason", "it is back")
	ctx := t.Context()
	for _, id := range []string{"A-1", "A-2"} {
		if _, err := r.client.Wait(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	number := uint64(0)
	r.until("number", func(s *loop.Sequencer) bool { number = s.Core().Parents()[0].Number; return true })
	if err := r.a.awaitQuiet(ctx); err != nil {
		t.Fatal(err)
	}
	r.stop()
	code, byID, errs := penstock(t, "audit", r.a.Dir, "A-1")
	if code != 0 {
		t.Fatalf("%d: %s", code, errs)
	}
	for _, want := range []string{" parent client 0 A-1 ", " A-1 PSTK New New ", "decide ", "send C", " exec LIT", " A-1 PSTK Trade ", "wall clock: 1 readings"} {
		if !strings.Contains(byID, want) {
			t.Errorf("%q is not there", want)
		}
	}
	if strings.Contains(byID, "A-2") {
		t.Error("records of another order")
	}
	if code, byNumber, errs := penstock(t, "audit", r.a.Dir, "P"+strconv.FormatUint(number, 10)); code != 0 || byNumber != byID {
		t.Errorf("by number: %d %s: %d bytes, by ClOrdID %d", code, errs, len(byNumber), len(byID))
	}
	code, acts, errs := penstock(t, "audit", "--acts", r.a.Dir)
	if code != 0 || !strings.Contains(acts, "operator kill LITB") || !strings.Contains(acts, "nobody there picks up the telephone") ||
		strings.Contains(acts, "send C") {
		t.Errorf("acts: %d %s%s", code, errs, acts)
	}
	if code, _, errs := penstock(t, "audit", r.a.Dir, "NOBODYS"); code != exitFailed || !strings.Contains(errs, "nothing of that order") {
		t.Errorf("an order that there is not: %d %s", code, errs)
	}
	if code, none, _ := penstock(t, "audit", "--to", "2020-01-01T00:00:00Z", r.a.Dir); code != 0 || !strings.Contains(none, "-- 0 records") {
		t.Errorf("of another time: %d %s", code, none)
	}
}
