package itch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// newLinesTest is a moldTest with two lines, and snapshots when asked for.
func newLinesTest(t *testing.T, snapshot bool) *moldTest {
	m := newMoldTest(t, true)
	cfg := m.receiver.cfg
	cfg.Lines, cfg.GapNanos, cfg.Snapshot = 2, second/100, snapshot
	var err error
	if m.receiver, err = NewReceiver(cfg); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *moldTest) on(from int, seq uint64, count int) {
	m.t.Helper()
	m.now += second / 1000
	if err := m.receiver.Receive(m.now, from, downstream("A", seq, count)); err != nil {
		m.t.Fatal(err)
	}
}

func TestOtherLineFillsAGapWithinTheWait(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	m.on(1, 1, 1)
	m.on(0, 3, 1)
	m.expect(Awaiting, "begin 1")
	if got := m.request(); got != "" {
		t.Fatalf("request %q while the other line may bring it", got)
	}
	m.on(1, 2, 1)
	m.expect(InOrder, "2 3")
	m.on(1, 3, 1)
	s := m.receiver.Stats()
	if s.Gaps != 1 || s.Missing != 1 || s.Filled != 1 || s.Requested != 0 || s.Duplicates != 2 {
		t.Errorf("%+v", s)
	}
	if a, b := s.Lines[0], s.Lines[1]; a != (LineStats{Packets: 2, Ahead: 2, Lost: 1}) ||
		b != (LineStats{Packets: 3, Filled: 1}) {
		t.Errorf("A %+v B %+v", a, b)
	}
}

func TestGapIsRequestedAfterTheWait(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	m.on(0, 3, 1)
	m.now += second/100 - 1
	m.receiver.Tick(m.now)
	m.expect(Awaiting, "begin 1")
	m.now++
	m.receiver.Tick(m.now)
	m.expect(Recovering, "")
	if got := m.request(); got != "2+1" {
		t.Fatalf("request %q", got)
	}
	m.on(Answer, 2, 1)
	m.expect(InOrder, "2 3")
	if s := m.receiver.Stats(); s.Requested != 1 || s.Filled != 0 || s.Answers != 1 || s.Lines[0].Packets != 2 {
		t.Errorf("%+v", s)
	}
}

// The wait is for all that is missing together: a book is never LIVE and later
// than GapNanos.
func TestOneGapAfterAnotherDoesNotProlongTheWait(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	for n := uint64(3); n < 20 && m.receiver.State() != Recovering; n += 2 {
		m.on(0, n, 1)
		m.receiver.Tick(m.now)
		if m.receiver.State() == Awaiting && n > 3 {
			m.on(1, n-3, 1)
		}
	}
	if m.receiver.State() != Recovering || m.receiver.Stats().Gaps != 1 {
		t.Errorf("%s %+v", m.receiver.State(), m.receiver.Stats())
	}
}

func TestSilentLineIsAWarningOnly(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	for n := uint64(2); n < 10; n++ {
		m.now += second
		m.on(0, n, 0)
		m.receiver.Tick(m.now)
	}
	if s := m.receiver.Stats().Lines; m.receiver.State() == Silent || !s[1].Silent || s[1].Silences != 1 || s[0].Silent {
		t.Errorf("%s %+v", m.receiver.State(), s)
	}
	m.now += 4 * second
	m.receiver.Tick(m.now)
	if m.receiver.State() != Silent {
		t.Errorf("%s after silence on both lines", m.receiver.State())
	}
}

func TestAnswersDoNotBreakTheSilenceOfTheLines(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	m.now += 4 * second
	m.on(Answer, 1, 1)
	m.receiver.Tick(m.now)
	m.expect(Silent, "begin 1")
}

func TestUnansweredGapIsLostOnce(t *testing.T) {
	m := newLinesTest(t, false)
	m.on(0, 1, 1)
	m.on(0, 3, 1)
	m.now += second / 10
	m.receiver.Tick(m.now)
	for range 200 {
		m.now += second / 100
		m.receiver.Lost(m.now)
		m.request()
	}
	if s := m.receiver.Stats(); !m.receiver.Lost(m.now+10*second) || s.Lost != 1 || s.Requests < 3 {
		t.Errorf("%+v", s)
	}
}

func TestPacketsAreHeldForTheSnapshot(t *testing.T) {
	m := newLinesTest(t, true)
	m.on(0, 20, 2)
	m.on(1, 20, 2)
	m.on(0, 22, 1)
	m.expect(Loading, "begin")
	if !m.receiver.WantsSnapshot() || m.receiver.Whole() || m.request() != "" {
		t.Fatal("does not wait for a snapshot")
	}
	m.receiver.Continue(m.now, 21)
	m.expect(InOrder, "21 22")
	if !m.receiver.Whole() || m.receiver.WantsSnapshot() || m.receiver.Stats().Gaps != 0 {
		t.Errorf("%+v", m.receiver.Stats())
	}
}

func TestSessionHeardFromItsFirstMessageNeedsNoSnapshot(t *testing.T) {
	m := newLinesTest(t, true)
	m.on(0, 1, 2)
	m.expect(InOrder, "begin 1 2")
	if m.receiver.WantsSnapshot() || !m.receiver.Whole() {
		t.Error("wants a snapshot")
	}
}

// A snapshot of another session, or of the future, must not make anything LIVE:
// the stream has to come to its number first.
func TestSnapshotAheadOfTheStream(t *testing.T) {
	m := newLinesTest(t, true)
	m.on(0, 20, 1)
	m.receiver.Continue(m.now, 23)
	m.expect(Loading, "begin")
	if m.receiver.WantsSnapshot() || m.receiver.Lost(m.now) {
		t.Fatal("given up at once")
	}
	m.on(0, 21, 2)
	m.expect(InOrder, "")
	m.on(0, 23, 1)
	m.expect(InOrder, "23")

	m = newLinesTest(t, true)
	m.on(0, 20, 1)
	m.receiver.Continue(m.now, 1_000_000)
	for range 4 {
		m.now += second
		m.on(0, 21, 0)
	}
	m.expect(Loading, "begin")
	if !m.receiver.Lost(m.now) || !m.receiver.Restart(m.now) || !m.receiver.WantsSnapshot() {
		t.Error("a snapshot that the stream never meets is not taken again")
	}
}

func TestSnapshotOlderThanWhatIsHeld(t *testing.T) {
	m := newLinesTest(t, true)
	m.on(0, 20, 1)
	m.receiver.Continue(m.now, 18)
	m.expect(Recovering, "begin")
	if got := m.request(); got != "18+2" {
		t.Fatalf("request %q", got)
	}
	m.on(Answer, 18, 2)
	m.expect(InOrder, "18 19 20")
}

func TestHeldPacketsAreBounded(t *testing.T) {
	m := newLinesTest(t, true)
	for n := range uint64(6) {
		m.on(0, 20+n, 1)
	}
	if s := m.receiver.Stats(); !m.receiver.Overrun() || s.Overruns != 1 || s.Dropped != 2 {
		t.Fatalf("%+v", s)
	}
	m.receiver.Forget()
	if m.receiver.Overrun() {
		t.Fatal("still overrun")
	}
	m.on(0, 26, 1)
	m.receiver.Continue(m.now, 26)
	m.expect(InOrder, "begin 26")
}

func TestRefusedBeginIsAskedForAgain(t *testing.T) {
	m := newLinesTest(t, true)
	m.on(0, 1, 1)
	m.full = true
	m.receive("B", 1, 1)
	m.receive("B", 2, 1)
	m.expect(InOrder, "begin 1")
	m.full = false
	m.receive("B", 3, 1)
	m.expect(Loading, "begin")
}

// Line A begins a session while line B, which is behind, still brings the one
// before: that must not take over again, and may once ours is gone for good.
func TestSessionBeforeDoesNotComeBack(t *testing.T) {
	m := newLinesTest(t, false)
	old := func(seq uint64) { m.mustReceive(1, downstream("OLD", seq, 1)) }
	m.mustReceive(0, downstream("OLD", 1, 1))
	for n := range uint64(2) {
		m.mustReceive(0, downstream("NEW", 1+n, 1))
	}
	for n := range uint64(5) {
		old(n + 2)
	}
	m.on(0, 1, 1) // a stray packet of a third one
	m.mustReceive(1, downstream("NEW", 1, 1))
	m.expect(InOrder, "begin 1 begin 1 2")
	m.now += 4 * second
	old(7)
	old(8)
	if s := m.receiver.Stats(); s.Sessions != 3 || s.Foreign != 8 {
		t.Errorf("%+v", s)
	}
}

// slowHold is the readable twin of hold: a sorted list.
type slowHold struct {
	packets []heldPacket
	room    int
}

func (h *slowHold) put(seq, next uint64) held {
	if slices.ContainsFunc(h.packets, func(p heldPacket) bool { return p.seq == seq && p.next >= next }) {
		return keptBefore
	}
	if len(h.packets) == h.room {
		return noSlot
	}
	h.packets = append(h.packets, heldPacket{seq: seq, next: next})
	slices.SortFunc(h.packets, func(a, b heldPacket) int {
		if a.seq != b.seq {
			return int(a.seq) - int(b.seq)
		}
		return int(a.next) - int(b.next)
	})
	return kept
}

func (h *slowHold) due(want uint64) *heldPacket {
	for len(h.packets) > 0 && h.packets[0].next <= want {
		h.packets = h.packets[1:]
	}
	if len(h.packets) > 0 && h.packets[0].seq <= want {
		return &h.packets[0]
	}
	return nil
}

func TestHoldAgreesWithItsTwin(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 5))
		room := 1 + r.IntN(20)
		fast, slow := newHold(room), &slowHold{room: room}
		want := uint64(1)
		for range 2000 {
			seq := want + uint64(r.IntN(30))
			next := seq + 1 + uint64(r.IntN(4))
			data := fmt.Appendf(nil, "%d-%d", seq, next)
			if got, twin := fast.put(seq, next, data), slow.put(seq, next); got != twin {
				t.Fatalf("seed %d: put %d-%d: %d, twin %d", seed, seq, next, got, twin)
			}
			if r.IntN(3) == 0 {
				want += uint64(r.IntN(6))
			}
			got, twin := fast.due(want), slow.due(want)
			if (got == nil) != (twin == nil) {
				t.Fatalf("seed %d: due %d: %v, twin %v", seed, want, got, twin)
			}
			if got != nil {
				text := fmt.Sprintf("%d-%d", got.seq, got.next)
				if got.seq != twin.seq || got.next != twin.next || string(got.data[:got.size]) != text {
					t.Fatalf("seed %d: due %d gives %s, twin %d-%d", seed, want, got.data[:got.size], twin.seq, twin.next)
				}
			}
			if len(slow.packets) != fast.n || len(fast.free)+fast.n != room {
				t.Fatalf("seed %d: %d held, %d free, twin %d", seed, fast.n, len(fast.free), len(slow.packets))
			}
		}
	}
}

// Two lines that lose, repeat and disorder independently, a server that answers
// some requests, and a snapshot at any time: every message from the snapshot's on
// is delivered once, in sequence, and what is delivered follows what is announced.
func TestTwoLossyLinesDeliverEverythingOnce(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 10))
		m := newLinesTest(t, true)
		const last = 300
		from := uint64(2 + r.IntN(100)) // where the receiver joins
		sent, pending := from, [2][][]byte{}
		var answers [][]byte
		var begun uint64
		for steps := 0; m.receiver.State() != Ended; steps++ {
			if steps > 100_000 {
				t.Fatalf("seed %d: stuck at %d", seed, m.receiver.next)
			}
			m.now += second / 1000
			n := min(1+r.IntN(4), last+1-int(sent))
			for line := range 2 {
				switch {
				case sent <= last:
					pending[line] = append(pending[line], downstream("A", sent, n))
				case steps%100 == 0:
					pending[line] = append(pending[line], downstream("A", sent, endOfSession))
				}
			}
			if sent <= last {
				sent += uint64(n)
			}
			m.full = r.IntN(10) == 0
			m.receiver.Tick(m.now)
			if m.receiver.WantsSnapshot() && r.IntN(5) == 0 {
				// The number may be before what was heard, in it, or ahead of it.
				begun = sent - uint64(r.IntN(3))
				m.receiver.Continue(m.now, begun)
			}
			if m.receiver.Overrun() || m.receiver.Lost(m.now) {
				if m.receiver.Restart(m.now) {
					m.log = m.log[:0]
				}
			}
			if p := m.receiver.Request(m.now); p != nil {
				first, n := binary.BigEndian.Uint64(p[10:]), int(binary.BigEndian.Uint16(p[18:]))
				answers = append(answers, downstream("A", first, min(n, 1+r.IntN(8))))
			}
			for len(answers) > 0 {
				if r.IntN(3) != 0 {
					m.mustReceive(Answer, answers[0])
				}
				answers = answers[1:]
			}
			for line := range 2 {
				for range r.IntN(3) {
					if len(pending[line]) == 0 {
						break
					}
					at := r.IntN(min(len(pending[line]), 3))
					p := pending[line][at]
					if r.IntN(10) != 0 { // else it comes again
						pending[line] = slices.Delete(pending[line], at, at+1)
					}
					if r.IntN(5) != 0 { // else it is lost
						m.mustReceive(line, p)
					}
				}
			}
		}
		var want []string
		for n := begun; n <= last; n++ {
			want = append(want, fmt.Sprint(n))
		}
		got := slices.DeleteFunc(m.log, func(s string) bool { return s == "begin" })
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("seed %d: delivered %v, want %d to %d", seed, got, begun, last)
		}
	}
}

func (m *moldTest) mustReceive(from int, p []byte) {
	m.t.Helper()
	if err := m.receiver.Receive(m.now, from, p); err != nil {
		m.t.Fatal(err)
	}
}

func TestReceiverDoesNotAllocate(t *testing.T) {
	m := newLinesTest(t, false)
	m.receiver.cfg.Deliver = func(int64, []byte) error { return nil }
	packets := [][]byte{downstream("A", 1, 2), downstream("A", 3, 2), downstream("A", 5, 2)}
	n := testing.AllocsPerRun(200, func() {
		for _, p := range [][]byte{packets[0], packets[2], packets[1]} {
			for line := range 2 {
				m.mustReceive(line, p)
			}
		}
		m.receiver.Tick(m.now)
		m.receiver.Request(m.now)
		for i := range packets { // the next six messages
			binary.BigEndian.PutUint64(packets[i][10:], binary.BigEndian.Uint64(packets[i][10:])+6)
		}
	})
	if n != 0 || m.receiver.Stats().Messages < 1000 {
		t.Errorf("%v allocations, %d messages", n, m.receiver.Stats().Messages)
	}
}
