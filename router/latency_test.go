package router

import (
	"testing"
)

// A latency is a quarter's: it follows the quick answers, whatever the slow ones take.
func TestLatencyIsTheQuickQuarter(t *testing.T) {
	w, r := way{}, uint64(1)
	for range 5000 {
		r = r*6364136223846793005 + 1442695040888963407
		x := int64(200_000 + r>>32%40_000) // 200 to 240 µs
		if r>>60 == 0 {
			x = 50e6 // a repeated segment
		}
		w.add(x)
	}
	if got := w.towards(100); got < 100 || got > 112 {
		t.Errorf("%d µs one way of 100 to 120, a sixteenth of them much slower", got)
	}
	for range 400 { // the way becomes longer
		w.add(400_000)
	}
	if got := w.towards(100); got < 180 || got > 200 {
		t.Errorf("%d µs after the way became 200 µs long", got)
	}
	if got := (&way{}).towards(77); got != 77 {
		t.Errorf("%d µs without an answer, the set says 77", got)
	}
}
