package itch

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/venues/wire"
)

// server is the venue's side on loopback: a stream to one listener and a
// re-request port that answers with one datagram each.
type server struct {
	t        *testing.T
	conn     *net.UDPConn
	feed     *net.UDPAddr
	name     string
	messages [][]byte
}

func newServer(t *testing.T) *server {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &server{t: t, conn: conn, name: "SESS01"}
}

// add puts messages into the session without sending them.
func (s *server) add(messages ...[]byte) { s.messages = append(s.messages, messages...) }

func (s *server) packet(first, count int) []byte {
	var name Session
	copy(name[:], s.name+"          ")
	p := appendRequest(nil, name, uint64(first), uint16(count))
	for _, m := range s.messages[first-1 : first-1+count] {
		p = append(binary.BigEndian.AppendUint16(p, uint16(len(m))), m...)
	}
	return p
}

// send sends messages first to last of the session, numbered from 1, as one packet.
func (s *server) send(first, last int) {
	s.t.Helper()
	if _, err := s.conn.WriteToUDP(s.packet(first, last-first+1), s.feed); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) heartbeat() { s.send(len(s.messages)+1, len(s.messages)) }

// answer serves the one request that must be on its way.
func (s *server) answer() {
	s.t.Helper()
	var request [64]byte
	s.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, from, err := s.conn.ReadFromUDP(request[:])
	if err != nil || n != headerSize {
		s.t.Fatalf("request of %d bytes: %v", n, err)
	}
	first := int(binary.BigEndian.Uint64(request[10:]))
	count := min(int(binary.BigEndian.Uint16(request[18:])), len(s.messages)+1-first)
	if _, err := s.conn.WriteToUDP(s.packet(first, count), from); err != nil {
		s.t.Fatal(err)
	}
}

type feedTest struct {
	*server
	*collect
	feed     *Feed
	answered uint64 // requests
	now      int64
}

func newFeedTest(t *testing.T) *feedTest {
	f := &feedTest{server: newServer(t), collect: newCollect(), now: 1000 * second}
	var err error
	f.feed, err = NewFeed(FeedConfig{
		Config: testConfig(f.sink), Lines: []LineConfig{{Address: "127.0.0.1:0"}}, Request: f.conn.LocalAddr().String(),
		RecoverFromStart: true, SilenceNanos: 3 * second, RequestNanos: second / 10,
		RequestMessages: 3, GiveUpRequests: 4, HeldPackets: 8, StallNanos: second / 100, ReadBuffer: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.feed.Close() })
	f.server.feed, err = net.ResolveUDPAddr("udp", f.feed.LocalAddr(0))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// work calls Work once. A datagram sent on loopback is in the receiver's queue
// when the send returns, so nothing has to be waited for.
func (f *feedTest) work(want ...string) {
	f.t.Helper()
	f.now += second / 1000
	f.feed.Work(f.now)
	expect(f.t, f.took(), want...)
}

func (f *feedTest) startOfDay() {
	f.add(listing(7, "AAPL"), order('A', 7, 1, 'B', 100, 100), order('A', 7, 2, 'S', 100, 101))
}

const staleGap = "status 5 STALE sequence gap\nstatus 6 STALE sequence gap\nstatus 7 STALE sequence gap"

var (
	cleared = []string{"clear 5", "clear 6", "clear 7"}
	opening = []string{"add 5 ref 1 buy 100x100", "add 5 ref 2 sell 101x100"}
	isLive  = "status 5 LIVE snapshot complete"
	// What is not in the stock directory yet waits for it.
	unlisted = "status 6 SYNCING \nstatus 7 SYNCING "
)

func TestFeedFromTheFirstMessage(t *testing.T) {
	f := newFeedTest(t)
	if n := f.feed.Work(f.now); n != 0 {
		t.Fatalf("%d things done without a packet", n)
	}
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.heartbeat()
	f.work()
	if s := f.feed.Stats(); s.Receiver.Heartbeats != 1 || f.feed.Err() != nil {
		t.Fatalf("%+v %v", s, f.feed.Err())
	}
}

func TestFeedStartsLate(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.add(order('A', 7, 3, 'B', 5, 99))
	f.send(4, 4)
	f.work(cleared...)
	f.answer()
	f.work(append(opening, "add 5 ref 3 buy 99x5", isLive)...)
}

func TestFeedFillsAGap(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.add(order('A', 7, 3, 'B', 5, 99), order('A', 7, 4, 'B', 6, 98))
	f.send(5, 5)
	f.work(staleGap)
	f.answer()
	f.work("add 5 ref 3 buy 99x5", "add 5 ref 4 buy 98x6", isLive, unlisted)
	if s := f.feed.Stats(); s.Receiver.Gaps != 1 || s.Restarts != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestFeedGoesStaleInSilence(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.now += 3 * second
	f.work(strings.Split(strings.ReplaceAll(staleGap, "sequence gap", "no data within the limit"), "\n")...)
	f.work()
	f.heartbeat()
	f.work(isLive, unlisted)
}

func TestFeedFollowsANewSession(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.name, f.messages = "SESS02", nil
	f.add(listing(9, "MSFT"), order('A', 9, 1, 'B', 1, 100))
	f.send(1, 1)
	f.send(1, 2)
	f.work("clear 5", "clear 6", "clear 7", "add 6 ref 1 buy 1x100", "status 6 LIVE snapshot complete")
}

func TestFeedWaitsForRoom(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.room = 4 // the clears and one order
	f.work("clear 5", "clear 6", "clear 7", opening[0])
	f.room = -1
	f.work(opening[1], isLive)
	if s := f.feed.Stats(); s.Restarts != 0 || s.Receiver.Gaps != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestFeedThatStallsBecomesStaleAndReplays(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.add(order('A', 7, 3, 'B', 5, 99))
	f.room = 0
	f.send(4, 4)
	f.work()
	f.now += second / 50
	f.work()
	f.room = -1
	stale := strings.Split(strings.ReplaceAll(staleGap, "sequence gap", "no data within the limit"), "\n")
	f.work(append(append(stale, "add 5 ref 3 buy 99x5"), cleared...)...)
	f.answer()
	f.work(opening...)
	f.answer()
	f.work("add 5 ref 3 buy 99x5", isLive)
}

func TestResyncReplaysTheSession(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	f.feed.Resync(f.now, 5)
	f.work("status 5 STALE absurd value", "status 6 STALE absurd value",
		"status 7 STALE absurd value", "clear 5", "clear 6", "clear 7")
	f.feed.Resync(f.now, 5) // one replay at a time
	f.answer()
	f.work(append(opening, isLive)...)
	if s := f.feed.Stats(); s.Restarts != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestWorkDoesNotAllocate(t *testing.T) {
	f := newFeedTest(t)
	f.startOfDay()
	f.send(1, 3)
	f.feed.Work(f.now)
	f.feed.decoder.sink = func(*event.Event) bool { return true } // keeps nothing
	// A collection that still runs is counted, as is what the runtime does elsewhere.
	runtime.GC()
	least, n := 1.0, 4
	for round := 0; round < 3 && least > 0; round++ {
		for range 4 * packetsPerWork {
			f.add(order('A', 7, uint64(n), 'B', 5, 99))
			f.send(n, n)
			n++
		}
		before := f.feed.Stats().Receiver.Messages
		least = testing.AllocsPerRun(3, func() { f.feed.Work(f.now) })
		if got := f.feed.Stats().Receiver.Messages - before; got != 4*packetsPerWork {
			t.Errorf("%d messages in four calls", got)
		}
	}
	if least != 0 {
		t.Errorf("%v allocations", least)
	}
}

func TestFeedRefusesBadConfiguration(t *testing.T) {
	good := FeedConfig{Config: testConfig(func(*event.Event) bool { return true }),
		Lines: []LineConfig{{Address: "127.0.0.1:0"}}, Request: "127.0.0.1:9", SilenceNanos: 1, RequestNanos: 1,
		RequestMessages: 1, GiveUpRequests: 1, HeldPackets: 1, StallNanos: 1}
	for name, spoil := range map[string]func(*FeedConfig){
		"stall":    func(c *FeedConfig) { c.StallNanos = 0 },
		"decoder":  func(c *FeedConfig) { c.Symbols = nil },
		"receiver": func(c *FeedConfig) { c.HeldPackets = 0 },
		"request":  func(c *FeedConfig) { c.Request = "nowhere" },
		"listen":   func(c *FeedConfig) { c.Lines = []LineConfig{{Address: "127.0.0.1:99999"}} },
		"iface":    func(c *FeedConfig) { c.Lines = []LineConfig{{Address: "127.0.0.1:0", Interface: "lo"}} },
		"no lines": func(c *FeedConfig) { c.Lines = nil },
		"nobody":   func(c *FeedConfig) { c.Request = "" },
		"snapshot": func(c *FeedConfig) { c.Snapshot.Addr = "nowhere" },
		"user":     func(c *FeedConfig) { c.Snapshot = SnapshotConfig{Addr: "127.0.0.1:9", User: "too long"} },
	} {
		c := good
		spoil(&c)
		if f, err := NewFeed(c); err == nil {
			f.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestWhatTheOtherLineHasIsReadBeforeTheWaitEnds: messages that one line lost are behind another
// packet in the other's socket when the wait is over.
func TestWhatTheOtherLineHasIsReadBeforeTheWaitEnds(t *testing.T) {
	f := newFeedTest(t)
	cfg := f.feed.cfg
	f.feed.Close()
	cfg.Lines, cfg.GapNanos = append(cfg.Lines, cfg.Lines[0]), second/1000
	var err error
	if f.feed, err = NewFeed(cfg); err != nil {
		t.Fatal(err)
	}
	on := func(line, first, last int) {
		t.Helper()
		if f.server.feed, err = net.ResolveUDPAddr("udp", f.feed.LocalAddr(line)); err != nil {
			t.Fatal(err)
		}
		f.send(first, last)
	}
	f.startOfDay()
	f.add(order('A', 7, 3, 'B', 5, 99), order('A', 7, 4, 'B', 5, 98))
	on(0, 1, 3)
	f.work(append(append(cleared, opening...), isLive)...)
	on(0, 5, 5)
	f.work()
	on(1, 1, 3)
	on(1, 4, 4)
	f.work("add 5 ref 3 buy 99x5", "add 5 ref 4 buy 98x5")
	if s := f.feed.Stats().Receiver; s.Gaps != 1 || s.Filled != 1 || s.Requested != 0 {
		t.Errorf("%+v", s)
	}
}

// TestGlanceReadsOnlyWhatIsInOrder: the state of the day, what is missing and time are left to Work.
func TestGlanceReadsOnlyWhatIsInOrder(t *testing.T) {
	f := newFeedTest(t)
	glance := func(found int, want ...string) {
		t.Helper()
		if n := f.feed.Glance(f.now); n != found {
			t.Errorf("found %d, want %d", n, found)
		}
		expect(t, f.took(), want...)
	}
	f.startOfDay()
	f.send(1, 3)
	glance(0)
	f.work(append(append(cleared, opening...), isLive)...)
	f.work()
	f.add(order('A', 7, 3, 'B', 5, 99), order('A', 7, 4, 'B', 6, 98), order('A', 7, 5, 'B', 7, 97))
	f.send(4, 4)
	f.send(6, 6)
	glance(1, "add 5 ref 3 buy 99x5")
	glance(0) // the line had one: Work reads all
	f.work(staleGap)
	glance(0)
	f.answer()
	f.work("add 5 ref 4 buy 98x6", "add 5 ref 5 buy 97x7", isLive, unlisted)
	f.work()
	f.now += 4 * second
	glance(0)
	f.work(strings.Split(strings.ReplaceAll(staleGap, "sequence gap", "no data within the limit"), "\n")...)
}

// TestAGateChangesNothing gives two feeds of two lines the same packets, lost and repeated ones too. A gate asks for one's
// lines in each turn; both say the same, turn for turn.
func TestAGateChangesNothing(t *testing.T) {
	gate, err := wire.NewGate()
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	rnd := rand.New(rand.NewPCG(4, 4))
	plain, gated := newFeedTest(t), newFeedTest(t)
	both := []*feedTest{plain, gated}
	var lines [2][2]*net.UDPAddr
	for i, f := range both {
		c := f.feed.cfg
		f.feed.Close()
		c.Lines = []LineConfig{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0"}}
		c.GapNanos = second / 100
		if f == gated {
			c.Gate = gate
		}
		if f.feed, err = NewFeed(c); err != nil {
			t.Fatal(err)
		}
		defer f.feed.Close()
		for l := range lines[i] {
			if lines[i][l], err = net.ResolveUDPAddr("udp", f.feed.LocalAddr(l)); err != nil {
				t.Fatal(err)
			}
		}
		f.startOfDay()
		for ref := range uint64(3000) {
			f.add(order('A', 7, 10+ref, 'B', 100, 99))
		}
	}
	next := [2]int{1, 1} // of each line
	events, glances := 0, 0
	for turn := range 2000 {
		for range rnd.IntN(4) {
			l, first := rnd.IntN(2), 0
			count := 1 + rnd.IntN(2)
			first, next[l] = next[l], next[l]+count
			if rnd.IntN(20) == 0 || next[l] > 3000 {
				continue // lost
			}
			for i, f := range both {
				f.server.feed = lines[i][l]
				f.send(first, first+count-1)
			}
		}
		glance := rnd.IntN(2) == 0
		for _, f := range both {
			if f == gated {
				gate.Look()
			}
			f.now += second / 10000
			if glance {
				glances += f.feed.Glance(f.now)
			} else {
				f.feed.Work(f.now)
			}
			gate.Open()
			for f.feed.Stats().Receiver.Requests > f.answered {
				f.answered++
				f.answer()
			}
		}
		events += len(plain.events)
		a, b := plain.took(), gated.took()
		if a != b {
			t.Fatalf("turn %d: %q, with a gate %q", turn, a, b)
		}
	}
	if a, b := plain.feed.Stats(), gated.feed.Stats(); a != b || a.Receiver.Gaps == 0 {
		t.Errorf("%+v, with a gate %+v", a, b)
	}
	if events < 1000 || glances < 100 {
		t.Errorf("%d events, %d packets at a glance, %+v", events, glances, plain.feed.Stats().Receiver)
	}
}
