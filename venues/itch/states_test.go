package itch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"penstock/event"
)

// witness is a sink that refuses at random. Each time it is called, whether it
// takes the event or not, it looks at the state that the decoder wants each book to
// have: every change of that must be told once, in order, and nothing else.
type witness struct {
	t       *testing.T
	feed    *Feed
	random  *rand.Rand
	percent int // of the calls that are refused
	seen    map[int][]event.BookState
	told    map[int][]event.BookState
	refused int
}

func (w *witness) look() {
	if w.feed == nil { // still being built
		return
	}
	for i := 1; i < len(w.feed.decoder.books); i++ {
		b := &w.feed.decoder.books[i]
		state, _ := w.feed.decoder.want(b)
		w.seen[int(b.id)] = appendChange(w.seen[int(b.id)], state)
	}
}

func appendChange(states []event.BookState, s event.BookState) []event.BookState {
	if n := len(states); n > 0 && states[n-1] == s {
		return states
	}
	return append(states, s)
}

func (w *witness) sink(e *event.Event) bool {
	w.look()
	if w.random.IntN(100) < w.percent {
		w.refused++
		return false
	}
	id := int(e.Instrument)
	told := w.told[id]
	switch e.Kind {
	case event.BookClear: // a book is SYNCING after it; it may be cleared again
		w.told[id] = appendChange(told, event.BookSyncing)
	case event.BookStatus:
		s := event.BookState(e.Code)
		if n := len(told); n > 0 && told[n-1] == s {
			w.t.Fatalf("book %d is told to be %s twice: %v", id, s, told)
		}
		w.told[id] = append(told, s)
	}
	return true
}

// statesTest drives a feed over its sockets through gaps, silences, halts, bad
// messages, resyncs and new sessions.
type statesTest struct {
	*server
	*witness
	now     int64
	asked   uint64
	session int
	ref     uint64
}

func newStatesTest(t *testing.T, seed uint64, percent int) *statesTest {
	s := &statesTest{server: newServer(t), now: 1000 * second}
	s.witness = &witness{t: t, random: rand.New(rand.NewPCG(seed, 1)), percent: percent,
		seen: map[int][]event.BookState{}, told: map[int][]event.BookState{}}
	feed, err := NewFeed(FeedConfig{
		Config: testConfig(s.witness.sink), Lines: []LineConfig{{Address: "127.0.0.1:0"}},
		Request: s.conn.LocalAddr().String(), RecoverFromStart: true, SilenceNanos: 3 * second,
		RequestNanos: second / 10, RequestMessages: 64, GiveUpRequests: 4, HeldPackets: 64,
		StallNanos: second / 100, ReadBuffer: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feed.Close() })
	s.witness.feed = feed
	if s.server.feed, err = net.ResolveUDPAddr("udp", feed.LocalAddr(0)); err != nil {
		t.Fatal(err)
	}
	return s
}

// work calls Work and answers the requests that it sends.
func (s *statesTest) work(times int, nanos int64) {
	for range times {
		s.now += nanos
		s.witness.feed.Work(s.now)
		for n := s.witness.feed.Stats().Receiver.Requests; s.asked < n; s.asked++ {
			s.reply()
		}
	}
}

// reply answers the request that must be on its way, unless it asks for messages
// of another session.
func (s *statesTest) reply() {
	var request [64]byte
	s.conn.SetReadDeadline(time.Now().Add(patience))
	n, from, err := s.conn.ReadFromUDP(request[:])
	if err != nil || n != headerSize {
		s.witness.t.Fatalf("request of %d bytes: %v", n, err)
	}
	first := int(binary.BigEndian.Uint64(request[10:]))
	count := min(int(binary.BigEndian.Uint16(request[18:])), len(s.messages)+1-first)
	if p := s.packet(1, 0); string(request[:10]) == string(p[:10]) && count > 0 {
		s.conn.WriteToUDP(s.packet(first, min(count, 30)), from)
	}
}

// act does one thing at random to the stream.
func (s *statesTest) act(r *rand.Rand) {
	next := len(s.messages) + 1
	fresh := func(n int) {
		for range n {
			s.ref++
			s.add(order('A', 7, s.ref, 'B', 10, 100))
		}
	}
	switch r.IntN(10) {
	case 0: // a gap
		fresh(3)
		s.send(next+2, next+2)
	case 1: // silence
		s.now += 4 * second
	case 2:
		s.add(action(7, 'H'))
		s.send(next, next)
	case 3:
		s.add(action(7, 'T'), action(8, 'P'))
		s.send(next, next+1)
	case 4: // no shares: the book of MSFT cannot be trusted
		s.add(order('A', 8, 1<<40+s.ref, 'B', 0, 100))
		s.send(next, next)
	case 5:
		s.witness.feed.Resync(s.now, 5)
	case 6:
		if r.IntN(3) == 0 { // two packets of another session
			s.session++
			s.name, s.messages, s.ref = fmt.Sprintf("SESS%02d", s.session), nil, 0
			s.add(listing(7, "AAPL"), listing(8, "MSFT"))
			s.send(1, 1)
			s.send(2, 2)
		}
	case 7:
		s.add(systemEvent('C'))
		s.send(next, next)
	default:
		fresh(2)
		s.send(next, next+1)
	}
}

func TestEveryStateIsToldOnceAndInOrder(t *testing.T) {
	changes, refused := 0, 0
	for seed := range uint64(40) {
		s := newStatesTest(t, seed, int(seed%4)*30)
		r := rand.New(rand.NewPCG(seed, 2))
		s.add(listing(7, "AAPL"), listing(8, "MSFT"))
		s.send(1, 2)
		for range 60 {
			s.work(1+r.IntN(6), second/1000)
			s.act(r)
		}
		s.heartbeat()
		s.work(300, second/1000)
		s.witness.look()
		for id := 5; id <= 7; id++ {
			if got, want := fmt.Sprint(s.told[id]), fmt.Sprint(s.seen[id]); got != want && "[EMPTY "+got[1:] != want {
				t.Fatalf("seed %d, book %d:\ntold    %s\nchanged %s", seed, id, got, want)
			}
			changes += len(s.told[id])
		}
		if !s.decoder().Settle(s.now) {
			t.Fatalf("seed %d: something is still owed", seed)
		}
		refused += s.refused
	}
	if changes < 2000 || refused < 2000 {
		t.Errorf("%d changes and %d refusals show little", changes, refused)
	}
	t.Logf("%d changes, %d refusals", changes, refused)
}

func (s *statesTest) decoder() *Decoder { return s.witness.feed.decoder }
