package itch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const second = 1_000_000_000

// moldTest drives a Receiver and writes down what it delivers: messages are
// decimal numbers, "begin" marks the start of a session.
type moldTest struct {
	t        *testing.T
	receiver *Receiver
	now      int64
	log      []string
	full     bool
}

func newMoldTest(t *testing.T, fromStart bool) *moldTest {
	m := &moldTest{t: t, now: second}
	var err error
	m.receiver, err = NewReceiver(ReceiverConfig{
		Begin: func(int64) bool {
			if !m.full {
				m.log = append(m.log, "begin")
			}
			return !m.full
		},
		Deliver: func(_ int64, msg []byte) error {
			if m.full {
				return ErrNoRoom
			}
			m.log = append(m.log, string(msg))
			return nil
		},
		FromStart: fromStart, Lines: 1, SilenceNanos: 3 * second, RequestNanos: second / 10,
		RequestMessages: 8, GiveUpRequests: 3, HeldPackets: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// downstream builds a packet of count messages from seq on; message n reads "n".
func downstream(session string, seq uint64, count int) []byte {
	var s Session
	copy(s[:], fmt.Sprintf("%-10s", session))
	p := appendRequest(nil, s, seq, uint16(count))
	if count == endOfSession {
		return p
	}
	for i := range count {
		text := fmt.Sprint(seq + uint64(i))
		p = append(binary.BigEndian.AppendUint16(p, uint16(len(text))), text...)
	}
	return p
}

func (m *moldTest) receive(session string, seq uint64, count int) {
	m.t.Helper()
	m.now += second / 1000
	if err := m.receiver.Receive(m.now, 0, downstream(session, seq, count)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *moldTest) expect(state State, log string) {
	m.t.Helper()
	if got := strings.Join(m.log, " "); got != log || m.receiver.State() != state {
		m.t.Fatalf("%s: %q, want %s: %q", m.receiver.State(), got, state, log)
	}
	m.log = m.log[:0]
}

// request returns the due request as "first+count", "" when there is none.
func (m *moldTest) request() string {
	p := m.receiver.Request(m.now)
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%d+%d", binary.BigEndian.Uint64(p[10:]), binary.BigEndian.Uint16(p[18:]))
}

func TestVectorPacketIsTaken(t *testing.T) {
	packet := unhex(t, "53455353303120202020000000000000000100020024"+vectors[0]+"001f"+vectors[1])
	if len(packet) != 91 {
		t.Fatalf("%d bytes", len(packet))
	}
	m := newMoldTest(t, true)
	if err := m.receiver.Receive(m.now, 0, packet); err != nil {
		t.Fatal(err)
	}
	m.expect(InOrder, "begin "+string(unhex(t, vectors[0]))+" "+string(unhex(t, vectors[1])))
}

func TestDuplicatesAreDropped(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 2)
	m.receive("A", 1, 2)
	m.receive("A", 2, 2)
	m.expect(InOrder, "begin 1 2 3")
	if s := m.receiver.Stats(); s.Duplicates != 3 || s.Messages != 3 {
		t.Fatalf("%+v", s)
	}
}

func TestGapStopsUntilTheAnswerComes(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 2)
	m.receive("A", 5, 1)
	m.receive("A", 6, 2)
	m.expect(Recovering, "begin 1 2")
	if got := m.request(); got != "3+2" {
		t.Fatalf("request %q", got)
	}
	if got := m.request(); got != "" {
		t.Fatalf("second request %q before the limit", got)
	}
	m.receive("A", 3, 1)
	m.expect(Recovering, "3")
	if got := m.request(); got != "4+1" {
		t.Fatalf("request %q", got)
	}
	m.receive("A", 4, 1)
	m.expect(InOrder, "4 5 6 7")
	if s := m.receiver.Stats(); s.Gaps != 1 || s.Missing != 2 || s.Requests != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestHeartbeatRevealsAGap(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 1)
	m.receive("A", 2, 0)
	m.expect(InOrder, "begin 1")
	m.receive("A", 4, 0)
	m.expect(Recovering, "")
	if got := m.request(); got != "2+2" {
		t.Fatalf("request %q", got)
	}
}

func TestUnansweredRequestsBackOff(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 1)
	m.receive("A", 3, 1)
	start, sent := m.now, 0
	for m.now < start+60*second {
		m.now += second / 100
		if m.now%second == 0 {
			m.receive("A", 4, 0)
		}
		if m.request() != "" {
			sent++
		}
	}
	// 0.1 + 0.2 + … doubles to 6.4 s and stays there: 7 in the first 12.7 s.
	if sent < 12 || sent > 17 {
		t.Fatalf("%d requests in a minute", sent)
	}
}

func TestLateStartAsksFromTheFirstMessage(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 20, 1)
	m.expect(Recovering, "begin")
	var want []string
	for n := uint64(1); m.receiver.State() == Recovering; n += 8 {
		if got := m.request(); got != fmt.Sprintf("%d+%d", n, min(8, 20-n)) {
			t.Fatalf("request %q", got)
		}
		m.receive("A", n, int(min(8, 20-n)))
	}
	for n := range 20 {
		want = append(want, fmt.Sprint(n+1))
	}
	m.expect(InOrder, strings.Join(want, " "))
	if !m.receiver.Whole() {
		t.Fatal("not from the first message")
	}
}

func TestWithoutRecoveryTheStreamBeginsWhereItIsJoined(t *testing.T) {
	m := newMoldTest(t, false)
	m.receive("A", 20, 2)
	m.expect(InOrder, "begin 20 21")
	if m.receiver.Whole() || m.receiver.Restart(m.now) {
		t.Fatal("claims to have the first message")
	}
}

func TestSilenceAndReturn(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 1)
	m.now += 3 * second
	m.receiver.Tick(m.now)
	m.expect(InOrder, "begin 1")
	m.now++
	m.receiver.Tick(m.now)
	m.expect(Silent, "")
	m.receive("A", 2, 0)
	m.expect(InOrder, "")
}

func TestEndOfSession(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 1)
	m.receive("A", 3, endOfSession)
	m.expect(Recovering, "begin 1")
	m.receive("A", 2, 1)
	m.expect(Ended, "2")
	m.now += 60 * second
	m.receiver.Tick(m.now)
	m.expect(Ended, "")
}

func TestNewSessionStartsAgain(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 3)
	m.receive("B", 1, 1) // one stray packet changes nothing
	m.receive("A", 4, 1)
	m.receive("B", 1, 1)
	m.expect(InOrder, "begin 1 2 3 4")
	m.receive("B", 2, 1)
	m.expect(Recovering, "begin")
	m.receive("B", 1, 1)
	m.expect(InOrder, "1 2")
	if s := m.receiver.Stats(); s.Sessions != 2 || s.Foreign != 2 {
		t.Fatalf("%+v", s)
	}
}

func TestRestartReplaysTheSession(t *testing.T) {
	m := newMoldTest(t, true)
	if m.receiver.Restart(m.now) {
		t.Fatal("restarted before the first packet")
	}
	m.receive("A", 1, 3)
	if !m.receiver.Restart(m.now) {
		t.Fatal("not restarted")
	}
	if got := m.request(); got != "1+3" {
		t.Fatalf("request %q", got)
	}
	m.receive("A", 4, 1)
	m.receive("A", 1, 3)
	m.expect(InOrder, "begin 1 2 3 begin 1 2 3 4")
}

func TestRefusedMessagesAreOfferedAgain(t *testing.T) {
	m := newMoldTest(t, true)
	m.receive("A", 1, 1)
	m.full = true
	m.receive("A", 2, 3)
	m.receive("A", 5, 1)
	m.expect(InOrder, "begin 1")
	if m.request() != "" || m.receiver.RefusedNanos(m.now+5) == 0 {
		t.Fatal("asked for what is at hand")
	}
	m.full = false
	m.receiver.Tick(m.now)
	m.expect(InOrder, "2 3 4 5")
	if m.receiver.RefusedNanos(m.now) != 0 {
		t.Fatal("still refused")
	}
}

func TestBadDatagramsAreRefusedWhole(t *testing.T) {
	good := downstream("A", 1, 2)
	for n := range good {
		m := newMoldTest(t, true)
		if err := m.receiver.Receive(1, 0, good[:n]); err != ErrPacket {
			t.Fatalf("%d of %d bytes: %v", n, len(good), err)
		}
		m.expect(Waiting, "")
	}
	m := newMoldTest(t, true)
	if err := m.receiver.Receive(1, 0, append(good, 0)); err != ErrPacket {
		t.Fatalf("trailing byte: %v", err)
	}
	if err := m.receiver.Receive(1, 0, make([]byte, MaxPacket+1)); err != ErrPacket {
		t.Fatalf("too long: %v", err)
	}
}

// Random loss, repetition and disorder, with a server that answers some requests:
// every message is delivered once, in sequence.
func TestLossyLineDeliversEverythingOnce(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		m := newMoldTest(t, true)
		const last = 300
		sent, pending := uint64(1), [][]byte{}
		for steps := 0; m.receiver.State() != Ended; steps++ {
			if steps > 100_000 {
				t.Fatalf("seed %d: stuck at %d", seed, m.receiver.next)
			}
			m.now += second / 1000
			if sent <= last {
				n := min(1+r.IntN(4), last+1-int(sent))
				pending = append(pending, downstream("A", sent, n))
				sent += uint64(n)
			} else if steps%100 == 0 {
				pending = append(pending, downstream("A", sent, endOfSession))
			}
			m.full = r.IntN(10) == 0
			m.receiver.Tick(m.now)
			if p := m.receiver.Request(m.now); p != nil {
				first, n := binary.BigEndian.Uint64(p[10:]), int(binary.BigEndian.Uint16(p[18:]))
				pending = append(pending, downstream("A", first, min(n, 1+r.IntN(8))))
			}
			for range r.IntN(3) {
				if len(pending) == 0 {
					break
				}
				at := r.IntN(min(len(pending), 3))
				p := pending[at]
				if r.IntN(10) != 0 { // else it comes again
					pending = append(pending[:at], pending[at+1:]...)
				}
				if r.IntN(5) != 0 { // else it is lost
					if err := m.receiver.Receive(m.now, 0, p); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		var want []string
		for n := range last {
			want = append(want, fmt.Sprint(n+1))
		}
		m.expect(Ended, "begin "+strings.Join(want, " "))
	}
}

func TestReceiverRefusesBadConfiguration(t *testing.T) {
	good := ReceiverConfig{Begin: func(int64) bool { return true },
		Deliver: func(int64, []byte) error { return nil }, Lines: 1,
		SilenceNanos: 1, RequestNanos: 1, RequestMessages: 1, GiveUpRequests: 1, HeldPackets: 1}
	for name, spoil := range map[string]func(*ReceiverConfig){
		"callbacks": func(c *ReceiverConfig) { c.Begin = nil },
		"silence":   func(c *ReceiverConfig) { c.SilenceNanos = 0 },
		"messages":  func(c *ReceiverConfig) { c.RequestMessages = endOfSession },
		"held":      func(c *ReceiverConfig) { c.HeldPackets = 0 },
		"no line":   func(c *ReceiverConfig) { c.Lines = 0 },
		"lines":     func(c *ReceiverConfig) { c.Lines = MaxLines + 1 },
		"gap":       func(c *ReceiverConfig) { c.GapNanos = 1 },
		"give up":   func(c *ReceiverConfig) { c.GiveUpRequests = 0 },
	} {
		c := good
		spoil(&c)
		if _, err := NewReceiver(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewReceiver(good); err != nil {
		t.Fatal(err)
	}
}
