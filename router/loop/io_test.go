package loop

import (
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	clock := func() int64 { now += glanceNanos; return now } // no time for a glance
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

// TestATurnAsksForItsConnectionsOnce: inside of a turn a connection reads what was there when the
// turn began; whoever seizes the workers reads without a turn.
func TestATurnAsksForItsConnectionsOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := wire.Dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	gate, err := wire.NewGate()
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	if refused, err := wire.Tune(c, wire.Options{Gate: gate}); refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	if state, err := c.Poll(); state != wire.Open || err != nil {
		t.Fatal(state, err)
	}
	say := func() {
		peer.Write([]byte("x"))
		fds := []unix.PollFd{{Fd: int32(c.FD()), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 10_000); n != 1 {
			t.Fatal(n, err)
		}
	}
	read := func() (n int) { n, _ = c.Read(make([]byte, 9)); return n }
	late := func(int64) int { say(); return read() }
	io, err := NewIO([]Worker{{Work: func(now int64) int { return late(now) }}}, func(*event.Event) bool { return true },
		func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	io.Gate(gate)
	if n := io.Work(); n != 0 {
		t.Errorf("read %d bytes that came behind the beginning", n)
	}
	late = func(int64) int { return read() }
	if n := io.Work(); n != 1 {
		t.Errorf("read %d bytes in the next turn", n)
	}
	say()
	if !io.Seize(time.Second, func(func() bool) {
		if n := read(); n != 1 {
			t.Errorf("read %d bytes", n)
		}
	}) {
		t.Error("not seized")
	}
}

// TestAnIdleTurnGlances: a turn that found nothing looks at the sockets until something comes, with
// Work where a worker has no Glance, and no longer than something else is, or may be, there to do.
func TestAnIdleTurnGlances(t *testing.T) {
	now, works, glances, plain := int64(1_000_000), 0, 0, 0
	comes, calls := 0, 0 // the glance that finds something, and amid which a client sends; 0: none
	clients := ring.New[event.Event](2)
	clock := func() int64 { now += 100; return now }
	io, err := NewIO([]Worker{
		{Work: func(int64) int { works++; return 0 }, Glance: func(int64) int {
			if glances++; glances == calls {
				clients.Push(&event.Event{Kind: event.Timer, RecvTime: now})
			}
			if glances == comes {
				return 1
			}
			return 0
		}},
		{Work: func(int64) int { plain++; return 0 }},
	}, func(*event.Event) bool { return true }, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	l := NewInline(NewSequencer(testCore(t), nil, func(*event.Command) {}), []*ring.SPSC[event.Event]{clients}, io, IdleSpin,
		clock, nil)
	l.Work() // the first one does not know when it began
	works, glances, plain = 0, 0, 0
	begin := l.last
	if n := l.Work(); n != 0 || works != 1 || glances == 0 || plain != works+glances {
		t.Errorf("%d; %d turns, %d glances, %d turns of a worker without", n, works, glances, plain)
	}
	if took := l.last - begin; took < glanceNanos || took > glanceNanos+1000 {
		t.Errorf("an idle turn took %d ns", took)
	}
	glances, comes = 0, 2
	if n := l.Work(); n != 1 || glances != 2 {
		t.Errorf("%d, %d glances", n, glances)
	}
	glances, comes = 0, 0
	clients.Push(&event.Event{Kind: event.Timer, RecvTime: now})
	if n := l.Work(); n != 1 || glances != 0 {
		t.Errorf("%d, %d glances while a client waits", n, glances)
	}
	glances, calls = 0, 3
	if n := l.Work(); n != 1 || glances != 3 {
		t.Errorf("%d, %d glances, a client sends amid the third", n, glances)
	}
	l.idle, glances = IdleYield, 0
	if l.Work(); glances != 0 {
		t.Errorf("%d glances of a loop that gives its core away", glances)
	}
}

// TestWorkersAreLookedAt: who works feeds and gateways by itself lets others look between two turns, busy or asleep, and
// not any more when it has ended.
func TestWorkersAreLookedAt(t *testing.T) {
	worked := 0 // of the IO's goroutine
	io, err := NewIO([]Worker{{Work: func(int64) int { worked++; return worked / 2 % 2 },
		PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds }}}, func(*event.Event) bool { return true }, func() int64 { return 1 })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- io.Run() }()
	for range 100 {
		seen := 0
		if !io.InspectWorkers(func() { seen = worked }) || seen == 0 {
			t.Fatalf("looked at nothing: %d", seen)
		}
	}
	io.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if io.InspectWorkers(func() { t.Error("looked at what has ended") }) {
		t.Error("it has ended")
	}
	if err := io.Close(); err != nil {
		t.Error(err)
	}
}
