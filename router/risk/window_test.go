package risk

import (
	"math/rand/v2"
	"testing"
)

// TestNoSecondHasMoreThanTheRate lets orders leave some ms after they were approved, as those that shall arrive with others do,
// beside orders that leave at once and cancels, and counts what has left in every second.
func TestNoSecondHasMoreThanTheRate(t *testing.T) {
	dropped := 0
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		rate := 1 + rnd.Int64N(40)
		w := newWindow(rate)
		type waiting struct{ since, due int64 }
		var waits []waiting
		var left []int64 // times, in order
		refused, late := 0, 0
		leave := func(now int64, order bool) {
			for len(left) > 0 && now-left[0] >= windowNanos {
				left = left[1:]
			}
			if left = append(left, now); order && int64(len(left)) > rate {
				t.Fatalf("seed %d: %d messages within a second, the venue takes %d", seed, len(left), rate)
			}
		}
		for now := int64(0); now < 60*windowNanos; now += rnd.Int64N(2 * windowNanos / rate) {
			for i := 0; i < len(waits); {
				if o := waits[i]; o.due <= now {
					waits = append(waits[:i], waits[i+1:]...)
					if w.full() {
						dropped++
						continue
					}
					w.late(o.since, now)
					leave(now, true)
					late++
				} else {
					i++
				}
			}
			for range rnd.IntN(4) {
				switch {
				case rnd.IntN(12) == 0:
					w.record(now) // a cancel
					leave(now, false)
				case !w.room(now):
					refused++
				default:
					w.order(now)
					if rnd.IntN(2) == 0 {
						waits = append(waits, waiting{now, now + rnd.Int64N(60_000_000)})
					} else {
						leave(now, true)
					}
				}
			}
			for i := range w.times[1:] {
				if a, b := w.times[(w.next+i)%len(w.times)], w.times[(w.next+i+1)%len(w.times)]; a > b {
					t.Fatalf("seed %d: %d stands before %d", seed, a, b)
				}
			}
		}
		if refused == 0 || late == 0 {
			t.Errorf("seed %d: %d refused, %d late", seed, refused, late)
		}
	}
	if dropped == 0 {
		t.Error("cancels never took the room of an order that waited")
	}
}
