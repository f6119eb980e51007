package loop

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/internal/ring"
	"penstock/venues/wire"
)

// inlineRig is a loop that works a feed, a gateway and a third worker itself, and what it did
// in its order.
type inlineRig struct {
	loop *Loop
	did  []string
	feed func() int
}

func newInlineRig(t *testing.T) *inlineRig {
	t.Helper()
	r := &inlineRig{feed: func() int { return 0 }}
	in := ring.New[event.Event](16)
	looks := func(name string, f func() int) Worker {
		return Worker{Work: func(int64) int { r.did = append(r.did, name); return f() },
			PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds }}
	}
	nothing := func() int { return 0 }
	gateway := looks("gateway", nothing)
	gateway.Commands = ring.New[event.Command](16)
	gateway.Obey = func(int64, *event.Command) bool { r.did = append(r.did, "order"); return true }
	now := int64(1_000)
	clock := func() int64 { now++; return now }
	io, err := NewIO([]Worker{looks("other", nothing), looks("feed", func() int { return r.feed() }), gateway}, in.Push, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { io.Close() })
	seq := NewSequencer(testCore(t), nil, func(c *event.Command) {
		if c.Kind == event.SendOrder {
			io.Push(2, c)
		}
	})
	r.loop = NewInline(seq, []*ring.SPSC[event.Event]{in}, io, IdleSpin, clock, nil)
	r.feed = func() int {
		for _, e := range day() {
			in.Push(&e)
		}
		r.feed = nothing
		return 1
	}
	return r
}

// TestAnOrderLeavesBeforeOtherSocketsAreAsked follows a message from the socket to the socket:
// nothing lies between but the core.
func TestAnOrderLeavesBeforeOtherSocketsAreAsked(t *testing.T) {
	r := newInlineRig(t)
	r.loop.Work()
	if want := []string{"other", "feed", "order"}; !slices.Equal(r.did, want) {
		t.Fatalf("the loop did %v, want %v", r.did, want)
	}
	r.did = nil
	r.loop.Work()
	if want := []string{"gateway", "gateway", "other", "feed"}; !slices.Equal(r.did, want) {
		t.Errorf("the turn after goes %v, want %v: what was gathered, then who is next", r.did, want)
	}
}

// TestABusyFeedLeavesOthersTheirTurn lets one worker always have something.
func TestABusyFeedLeavesOthersTheirTurn(t *testing.T) {
	r := newInlineRig(t)
	r.feed = func() int { return 1 }
	for range 10 {
		r.loop.Work()
	}
	for _, name := range []string{"other", "gateway"} {
		n := 0
		for _, did := range r.did {
			if did == name {
				n++
			}
		}
		if n < 9 {
			t.Errorf("%s was worked %d times in ten turns of a busy feed: %v", name, n, r.did)
		}
	}
}
