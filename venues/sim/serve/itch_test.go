package serve

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"

	"penstock/market"
	"penstock/venues/sim"
)

// itchReader is a plain receiver: it asks for what it misses, decodes one message
// at a time and keeps every order in a map.
type itchReader struct {
	t         testing.TB
	stream    *net.UDPConn
	requests  *net.UDPConn
	session   [10]byte
	next      uint64
	known     uint64 // next number of the stream, by its packets
	ended     bool
	orders    map[uint64]itchOrder
	events    []byte // of S
	states    []byte // of H
	seen      map[byte]int
	requested int
}

type itchOrder struct {
	side  byte
	qty   uint32
	price uint32
}

func newITCHReader(t testing.TB, v *Server) *itchReader {
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	r := &itchReader{t: t, stream: listen(), requests: listen(), next: 1,
		orders: map[uint64]itchOrder{}, seen: map[byte]int{}}
	if err := v.AddReceiver(r.stream.LocalAddr().String()); err != nil {
		t.Fatal(err)
	}
	return r
}

// until reads packets until done; gaps are requested as soon as they show.
func (r *itchReader) until(v *Server, what string, done func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	buf := make([]byte, 2048)
	for !done() {
		r.stream.SetReadDeadline(deadline)
		n, err := r.stream.Read(buf)
		if err != nil {
			r.t.Fatalf("no %s: %v", what, err)
		}
		r.packet(buf[:n])
		for r.next < r.known {
			r.request(v)
		}
	}
}

func (r *itchReader) request(v *Server) {
	r.t.Helper()
	r.requested++
	ask := append([]byte(nil), r.session[:]...)
	ask = binary.BigEndian.AppendUint64(ask, r.next)
	ask = binary.BigEndian.AppendUint16(ask, uint16(min(r.known-r.next, 64)))
	server, err := net.ResolveUDPAddr("udp", v.RerequestAddr())
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.requests.WriteTo(ask, server); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]byte, 2048)
	r.requests.SetReadDeadline(time.Now().Add(patience))
	n, err := r.requests.Read(buf)
	if err != nil {
		r.t.Fatalf("no answer to the request for %d: %v", r.next, err)
	}
	r.packet(buf[:n])
}

func (r *itchReader) packet(p []byte) {
	r.t.Helper()
	copy(r.session[:], p)
	seq := binary.BigEndian.Uint64(p[10:])
	count := binary.BigEndian.Uint16(p[18:])
	if len(p) > 1400 {
		r.t.Errorf("packet of %d bytes", len(p))
	}
	if count == 0xffff {
		r.ended, count = true, 0
	}
	r.known = max(r.known, seq+uint64(count))
	p = p[20:]
	for ; count > 0; count-- {
		n := binary.BigEndian.Uint16(p)
		if seq == r.next {
			r.message(p[2 : 2+n])
			r.next++
		}
		p = p[2+n:]
		seq++
	}
	if len(p) != 0 {
		r.t.Errorf("%d bytes behind the last message", len(p))
	}
}

var itchLengths = map[byte]int{'S': 12, 'R': 39, 'H': 25, 'Y': 20, 'A': 36, 'E': 31, 'X': 23, 'D': 19}

func (r *itchReader) message(b []byte) {
	r.t.Helper()
	r.seen[b[0]]++
	if len(b) != itchLengths[b[0]] {
		r.t.Fatalf("message %c has %d bytes", b[0], len(b))
	}
	if b[0] != 'S' && binary.BigEndian.Uint16(b[1:]) != stockLocate {
		r.t.Fatalf("message %c of stock %d", b[0], binary.BigEndian.Uint16(b[1:]))
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	switch b[0] {
	case 'S':
		r.events = append(r.events, b[11])
		return
	case 'R', 'H', 'Y':
		if string(b[11:19]) != "PNSK    " {
			r.t.Fatalf("stock %q", b[11:19])
		}
		if b[0] == 'H' {
			r.states = append(r.states, b[19])
		}
		return
	}
	ref := binary.BigEndian.Uint64(b[11:])
	o, known := r.orders[ref]
	if known == (b[0] == 'A') {
		r.t.Fatalf("message %c of order %d, known %v", b[0], ref, known)
	}
	switch b[0] {
	case 'A':
		o = itchOrder{b[19], u32(20), u32(32)}
	case 'E', 'X':
		if u32(19) > o.qty {
			r.t.Fatalf("order %d has %d, message %c takes %d", ref, o.qty, b[0], u32(19))
		}
		o.qty -= u32(19)
	case 'D':
		o.qty = 0
	}
	r.orders[ref] = o
	if o.qty == 0 {
		delete(r.orders, ref)
	}
}

func (r *itchReader) depth(side market.Side) []sim.Level {
	sum := map[market.Price]market.Qty{}
	for _, o := range r.orders {
		if o.side == sideLetter(side) {
			sum[market.Price(o.price)] += market.Qty(o.qty)
		}
	}
	var out []sim.Level
	for p, q := range sum {
		out = append(out, sim.Level{Price: p, Qty: q})
	}
	slices.SortFunc(out, func(a, b sim.Level) int { return int(side.Sign()) * int(b.Price-a.Price) })
	return out
}

// checkITCH stops trading and compares the receiver's book with the venue's.
func checkITCH(t *testing.T, v *Server, r *itchReader) {
	t.Helper()
	v.Halt(true)
	r.until(v, "halt", func() bool { return len(r.states) > 0 && r.states[len(r.states)-1] == 'H' })
	for _, side := range []market.Side{market.Buy, market.Sell} {
		if got, want := r.depth(side), v.Depth(side, 1000); !slices.Equal(got, want) {
			t.Errorf("%v: receiver %v, venue %v", side, got, want)
		}
	}
	v.Halt(false)
	r.until(v, "trading", func() bool { return r.states[len(r.states)-1] == 'T' })
}

func TestITCHReceiverHasTheVenuesBook(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	r := newITCHReader(t, v)
	r.until(v, "500 messages", func() bool { return r.next > 500 })
	if string(r.events) != "OSQ" || r.seen['R'] != 1 || r.states[0] != 'T' {
		t.Errorf("events %q, %d directories, states %q", r.events, r.seen['R'], r.states)
	}
	checkITCH(t, v, r)
	late := newITCHReader(t, v)
	late.until(v, "all messages", func() bool { return late.next >= r.next })
	checkITCH(t, v, late)
}

func TestITCHReceiverRecoversLostPackets(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	r := newITCHReader(t, v)
	r.until(v, "first messages", func() bool { return r.next > 1 })
	for range 3 {
		before, asked := r.next, r.requested
		if err := v.LosePackets(5); err != nil {
			t.Fatal(err)
		}
		r.until(v, "messages after the loss", func() bool {
			return r.next > before+20 && r.requested > asked
		})
	}
	checkITCH(t, v, r)
}

func TestITCHSessionEnds(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITA")
	r := newITCHReader(t, v)
	r.until(v, "first messages", func() bool { return r.next > 1 })
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	for !r.ended {
		r.stream.SetReadDeadline(time.Now().Add(patience))
		n, err := r.stream.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		r.packet(buf[:n])
	}
	if r.next == r.known && string(r.events) != "OSQMEC" {
		t.Errorf("system events %q", r.events)
	}
}

func TestRerequestServerIgnoresNonsense(t *testing.T) {
	m := startMarket(t)
	mold := m.Venue("LITA").mold
	good := mold.header(1, 2)
	within(t, "first packet", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return mold.sent >= 2
	})
	if p := mold.reply(good); p == nil || binary.BigEndian.Uint16(p[18:]) != 2 {
		t.Errorf("request for two messages answered by %x", p)
	}
	m.mu.Lock()
	sent := mold.sent
	m.mu.Unlock()
	for name, request := range map[string][]byte{
		"short":         good[:19],
		"long":          append(mold.header(1, 2), 0),
		"other session": append([]byte("X"), good[1:]...),
		"number 0":      mold.header(0, 1),
		"future":        mold.header(sent+1_000_000, 1),
		"no messages":   mold.header(1, 0),
	} {
		if p := mold.reply(request); p != nil {
			t.Errorf("%s: answered by %x", name, p)
		}
	}
}

func TestMessageStoreDropsTheOldestSegment(t *testing.T) {
	var s messageStore
	msg := make([]byte, segmentBytes/4)
	const kept = storeLimit / segmentBytes * 4
	for i := range kept + 8 {
		msg[0] = byte(i)
		s.add(msg)
	}
	if s.get(0) != nil || s.get(8) != nil || s.get(kept+9) != nil {
		t.Error("a message outside the store is found")
	}
	for _, seq := range []uint64{9, 10, kept, kept + 8} {
		if m := s.get(seq); m == nil || m[0] != byte(seq-1) {
			t.Errorf("message %d: %.1x", seq, m)
		}
	}
}
