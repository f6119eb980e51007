package loop

import "testing"

// TestRehearsalGoesAllTheWayAndNowhere walks until it is spent: orders are made all the
// time, nothing allocates, and it never stops working.
func TestRehearsalGoesAllTheWayAndNowhere(t *testing.T) {
	r, err := newRehearsal(nil, 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	before := len(r.core.Children())
	for range 10_000 { // a second of its time
		r.Walk()
	}
	made := len(r.core.Children()) - before
	if made < rehearsalRate || made > 20*rehearsalRate {
		t.Errorf("%d orders in a second", made)
	}
	if n := testing.AllocsPerRun(100, r.Walk); n != 0 {
		t.Errorf("%v allocations in a walk", n)
	}
	if p := &r.core.Parents()[0]; !p.Live() || p.Reserved > 1000*1000 {
		t.Errorf("its parent is %v with %v reserved", p.Status, p.Reserved)
	}
	for n := 0; !r.Spent(); n++ {
		r.Walk()
		if n > 200_000 {
			t.Fatalf("it is not spent with %d children", len(r.core.Children()))
		}
	}
	for range 20_000 {
		r.Walk()
	}
}

func TestAnIdleLoopRehearses(t *testing.T) {
	r, err := NewRehearsal(nil)
	if err != nil {
		t.Fatal(err)
	}
	var w warmth
	w.turn(0) // without a rehearsal nothing happens
	w.rehearsal.Store(r)
	for at := int64(warmNanos); at <= 10*warmNanos; at += warmNanos / 10 {
		w.turn(at)
	}
	if r.walks != 10 {
		t.Errorf("%d walks in ten times 100 µs", r.walks)
	}
	w.turn(5) // the clock stepped back
	if r.walks != 11 {
		t.Error("a clock that steps back ends it")
	}
}
