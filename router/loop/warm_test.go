package loop

import "testing"

func TestAnIdleLoopRehearses(t *testing.T) {
	seq := NewSequencer(testCore(t), nil, nil)
	walks := 0
	walk := func() { walks++ }
	var w warmth
	w.turn(0, seq) // without a rehearsal nothing happens
	w.walk.Store(&walk)
	for at := int64(warmNanos); at <= 10*warmNanos; at += warmNanos / 10 {
		w.turn(at, seq)
	}
	if walks != 10 {
		t.Errorf("%d walks in ten times 100 µs", walks)
	}
	w.turn(5, seq) // the clock stepped back
	if walks != 11 {
		t.Error("a clock that steps back ends it")
	}
	seq.Commands++
	for at := int64(6); at < 6+warmNanos; at += warmNanos / 10 {
		w.turn(at, seq)
	}
	if walks != 11 {
		t.Error("it rehearses right after an order")
	}
	if w.turn(6+warmNanos, seq); walks != 12 {
		t.Error("an order ends it")
	}
}
