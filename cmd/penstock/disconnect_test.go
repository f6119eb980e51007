package main

import (
	"testing"
	"time"

	"penstock/market"
	"penstock/router/loop"
)

// TestCtl_C18_CancelOnDisconnectOfAClient: the client goes without a word while its order works.
// After its grace nothing of it is open at any venue and the parent has ended; what was filled
// stays filled. With keep the order goes on: TestADeadClientsOrderGoesOn.
func TestCtl_C18_CancelOnDisconnectOfAClient(t *testing.T) {
	t.Parallel()
	const grace = 500 * time.Millisecond
	r := newDemoRig(t, "threaded", func(cfg *Config) {
		cfg.change("on_disconnect = \"keep\"", "on_disconnect = \"cancel\"",
			"cancel_after = \"0s\"", "cancel_after = \""+grace.String()+"\"")
	})
	r.send("G-1", 50_000, 60*time.Second)
	r.until("resting children", func(s *loop.Sequencer) bool {
		p := s.Core().Parents()
		return len(p) > 0 && p[0].Reserved > 0 && p[0].Cum > 0
	})
	gone := time.Now()
	r.client.Close()
	r.client = nil
	r.until("the end of the parent", func(s *loop.Sequencer) bool { return !s.Core().Parents()[0].Live() })
	if took := time.Since(gone); took < grace {
		t.Errorf("canceled %v after the client had gone, before its grace of %v was over", took, grace)
	}
	if n := r.m.open(); n > 0 {
		t.Errorf("%d orders are open at the venues", n)
	}
	r.stop()
	p := &r.a.core.Parents()[0]
	venues := market.Qty(0)
	for _, v := range r.m.Venues() {
		for _, f := range r.m.trades(v.Name()) {
			venues += f.Qty
		}
	}
	if p.Status != market.StatusCanceled || p.Reserved != 0 || p.Cum == 0 || p.Cum != venues {
		t.Errorf("%v with %d filled, %d at the venues, %d reserved", p.Status, p.Cum, venues, p.Reserved)
	}
}
