package main

import (
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/router/loop"
)

// TestReportsGoBehindTheOrdersOfATurn: a report that was made before an order is kept until that has left, and then none is
// missing and their order is as it was, also of more than are kept.
func TestReportsGoBehindTheOrdersOfATurn(t *testing.T) {
	r := newDemoRig(t, "inline")
	done := make(chan struct{})
	before := r.a.ems.Stats().Reports
	r.a.loop.Inspect(func(s *loop.Sequencer) { // the goroutine that dispatches
		defer close(done)
		c := event.Command{Kind: event.RejectCancel, Cause: s.Seq()}
		for i := range uint64(3*tellAtOnce + 5) {
			c.Ref = i
			r.a.dispatch(&c)
			if want := int(i)%tellAtOnce + 1; r.a.tells != want || r.a.tell[want-1].Ref != i {
				t.Errorf("%d reports are kept, want %d", r.a.tells, want)
				return
			}
		}
		r.a.flush()
		if r.a.tells != 0 || len(r.a.waiting) != 0 {
			t.Errorf("%d and %d reports are left", r.a.tells, len(r.a.waiting))
		}
	})
	<-done
	for deadline := time.Now().Add(20 * time.Second); r.a.ems.Stats().Reports < before+3*tellAtOnce+5; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d reports left", r.a.ems.Stats().Reports-before)
		}
	}
}

// BenchmarkReportBeforeAnOrder is what a report takes of the core's thread before the order that follows it, and behind.
func BenchmarkReportBeforeAnOrder(b *testing.B) {
	a := &assembly{}
	before := hist.New()
	c := event.Command{Kind: event.RejectCancel}
	cold := make([]byte, 1<<22)
	for b.Loop() {
		for i := 0; i < len(cold); i += 64 { // what else the core has done since
			cold[i]++
		}
		start := time.Now()
		a.dispatch(&c)
		before.Record(int64(time.Since(start)))
		a.tells = 0
	}
	b.ReportMetric(float64(before.Percentile(50)), "before-p50-ns")
	b.ReportMetric(float64(before.Percentile(90)), "before-p90-ns")
}
