package loop

import "testing"

// TestRehearsalGoesAllTheWayAndNowhere walks for ten seconds of its time: almost every walk makes
// an order, nothing allocates, and it never stops working.
func TestRehearsalGoesAllTheWayAndNowhere(t *testing.T) {
	r, err := NewRehearsal(nil)
	if err != nil {
		t.Fatal(err)
	}
	walked, made := 0, 0
	walk := func() {
		before := len(r.core.Children())
		r.Walk()
		walked++
		if after := len(r.core.Children()); after > before {
			made++
		}
	}
	for range 100_000 {
		walk()
	}
	if made < walked*9/10 {
		t.Errorf("%d of %d walks made an order", made, walked)
	}
	if n := testing.AllocsPerRun(3*rehearsalChildren, r.Walk); n != 0 {
		t.Errorf("%v allocations in a walk", n)
	}
	if p := &r.core.Parents()[0]; !p.Live() || p.Reserved > rehearsalQty {
		t.Errorf("its parent is %v with %v reserved", p.Status, p.Reserved)
	}
	if trouble := r.core.Audit(); trouble != "" {
		t.Error(trouble)
	}
}

func TestAnIdleLoopRehearses(t *testing.T) {
	r, err := NewRehearsal(nil)
	if err != nil {
		t.Fatal(err)
	}
	var w warmth
	w.turn(0, r.core) // without a rehearsal nothing happens
	w.rehearsal.Store(r)
	for at := int64(warmNanos); at <= 10*warmNanos; at += warmNanos / 10 {
		w.turn(at, r.core)
	}
	if r.walks != 10 {
		t.Errorf("%d walks in ten times 100 µs", r.walks)
	}
	w.turn(5, r.core) // the clock stepped back
	if r.walks != 11 {
		t.Error("a clock that steps back ends it")
	}
}
