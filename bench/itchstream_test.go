package bench

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// itchLoad is a stream of ITCH 5.0 messages to make, with the mix of a Nasdaq day:
// add 41 %, delete 40 %, replace 12.6 %, cancel 1.9 %, execute 2 %, other 2.5 %.
type itchLoad struct {
	name     string
	symbols  int     // busy in the proportions of Zipf's law
	exponent float64 // of that law
	live     int     // orders that are displayed when the mix begins
	levels   int     // that a side may have
}

// hot is a handful of busy instruments, whose books stay in the caches; full is a
// whole market, whose orders do not.
var (
	hotLoad  = itchLoad{"hot", 8, 1.05, 16_000, 2_500}
	fullLoad = itchLoad{"full", 8_000, 1.05, 1_000_000, 2_500}
)

// displayed is one living order of the stream.
type displayed struct {
	ref   uint64
	ticks int32 // from the middle, 1 and more
	qty   uint32
	side  byte
}

// listing is one instrument of the stream. Bids lie below its middle and asks above,
// so nothing ever crosses.
type listing struct {
	name   [8]byte
	middle int32 // ticks of a cent
	orders []displayed
}

// itchStream writes messages, each behind its length.
type itchStream struct {
	rng      *rand.Rand
	listings []listing
	weights  []float64 // cumulated
	data     []byte
	ref      uint64
	nanos    uint64
	count    int
	types    [256]int
}

func newITCHStream(load itchLoad, seed uint64) *itchStream {
	s := &itchStream{rng: rand.New(rand.NewPCG(seed, 11)), nanos: 34_200e9, listings: make([]listing, load.symbols)}
	sum := 0.0
	for i := range s.listings {
		l := &s.listings[i]
		copy(l.name[:], fmt.Sprintf("N%-7d", i))
		l.middle = int32(3_000 + s.rng.IntN(40_000))
		m := s.message('R', i, 39)
		copy(m[11:], l.name[:])
		copy(m[19:], "QN\x00\x00\x00\x64NCZ PNN1N\x00\x00\x00\x00N")
		sum += math.Pow(float64(i+1), -load.exponent)
		s.weights = append(s.weights, sum)
	}
	for range load.live {
		s.add(s.pick())
	}
	return s
}

// makeITCH returns messages after the ones that build the books up.
func makeITCH(load itchLoad, seed uint64, messages int) *itchStream {
	s := newITCHStream(load, seed)
	for range messages {
		s.step()
	}
	return s
}

func (s *itchStream) message(kind byte, locate, size int) []byte {
	at := len(s.data)
	s.data = append(s.data, make([]byte, 2+size)...)
	m := s.data[at+2:]
	binary.BigEndian.PutUint16(s.data[at:], uint16(size))
	s.nanos += uint64(s.rng.ExpFloat64() * 300)
	m[0] = kind
	binary.BigEndian.PutUint16(m[1:], uint16(locate+1))
	binary.BigEndian.PutUint16(m[5:], uint16(s.nanos>>32))
	binary.BigEndian.PutUint32(m[7:], uint32(s.nanos))
	s.count++
	s.types[kind]++
	return m
}

// pick returns an instrument.
func (s *itchStream) pick() int {
	u := s.rng.Float64() * s.weights[len(s.weights)-1]
	lo, hi := 0, len(s.weights)-1
	for lo < hi {
		if mid := (lo + hi) / 2; s.weights[mid] < u {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// ticks is how far from the middle an order lies: near it mostly, seldom far.
func (s *itchStream) ticks() int32 {
	switch u := s.rng.Float64(); {
	case u < 0.93:
		return 1 + int32(s.rng.ExpFloat64()*3)
	case u < 0.98:
		return 1 + int32(s.rng.IntN(100))
	}
	return 1 + int32(s.rng.IntN(2_000))
}

func (l *listing) price(o *displayed) uint32 {
	if o.side == 'B' {
		return uint32(l.middle-o.ticks) * 100
	}
	return uint32(l.middle+o.ticks) * 100
}

func (s *itchStream) add(i int) {
	l := &s.listings[i]
	s.ref++
	o := displayed{ref: s.ref, ticks: s.ticks(), qty: uint32(1+s.rng.IntN(12)) * 100, side: "BS"[s.rng.IntN(2)]}
	kind, size := byte('A'), 36
	if s.rng.IntN(70) == 0 {
		kind, size = 'F', 40
	}
	m := s.message(kind, i, size)
	binary.BigEndian.PutUint64(m[11:], o.ref)
	m[19] = o.side
	binary.BigEndian.PutUint32(m[20:], o.qty)
	copy(m[24:], l.name[:])
	binary.BigEndian.PutUint32(m[32:], l.price(&o))
	if kind == 'F' {
		copy(m[36:], "MMKR")
	}
	l.orders = append(l.orders, o)
}

// choose returns a living order, seven times in ten one of the sixteen latest.
func (s *itchStream) choose(l *listing) int {
	n := len(l.orders)
	if s.rng.IntN(10) < 7 {
		return n - 1 - s.rng.IntN(min(n, 16))
	}
	return s.rng.IntN(n)
}

func (l *listing) remove(at int) {
	if last := len(l.orders) - 1; last-at < 16 {
		l.orders = append(l.orders[:at], l.orders[at+1:]...)
	} else {
		l.orders[at] = l.orders[last]
		l.orders = l.orders[:last]
	}
}

// step adds one message of the mix; an instrument without orders gets one.
func (s *itchStream) step() {
	i := s.pick()
	l := &s.listings[i]
	u := s.rng.IntN(1000)
	if len(l.orders) == 0 || u < 410 {
		s.add(i)
		return
	}
	at := s.choose(l)
	o := &l.orders[at]
	switch {
	case u < 810:
		binary.BigEndian.PutUint64(s.message('D', i, 19)[11:], o.ref)
		l.remove(at)
	case u < 936:
		m := s.message('U', i, 35)
		old := *o
		s.ref++
		l.remove(at)
		old.ticks = s.ticks()
		binary.BigEndian.PutUint64(m[11:], old.ref)
		old.ref = s.ref
		binary.BigEndian.PutUint64(m[19:], old.ref)
		binary.BigEndian.PutUint32(m[27:], old.qty)
		binary.BigEndian.PutUint32(m[31:], l.price(&old))
		l.orders = append(l.orders, old)
	case u < 955 && o.qty > 1:
		m := s.message('X', i, 23)
		binary.BigEndian.PutUint64(m[11:], o.ref)
		binary.BigEndian.PutUint32(m[19:], o.qty/2)
		o.qty -= o.qty / 2
	case u < 975:
		s.execute(i)
	default:
		m := s.message('P', i, 44)
		m[19] = 'B'
		binary.BigEndian.PutUint32(m[20:], 100)
		copy(m[24:], l.name[:])
		binary.BigEndian.PutUint32(m[32:], uint32(l.middle)*100)
	}
}

// execute trades with the order nearest to the middle among the latest.
func (s *itchStream) execute(i int) {
	l := &s.listings[i]
	at := len(l.orders) - 1
	for j := max(len(l.orders)-64, 0); j < len(l.orders); j++ {
		if l.orders[j].ticks < l.orders[at].ticks {
			at = j
		}
	}
	o := &l.orders[at]
	kind, size := byte('E'), 31
	if s.rng.IntN(40) == 0 {
		kind, size = 'C', 36
	}
	qty := o.qty
	if s.rng.IntN(3) == 0 {
		qty = (qty + 1) / 2
	}
	m := s.message(kind, i, size)
	binary.BigEndian.PutUint64(m[11:], o.ref)
	binary.BigEndian.PutUint32(m[19:], qty)
	binary.BigEndian.PutUint64(m[23:], uint64(s.count))
	if kind == 'C' {
		m[31] = 'Y'
		binary.BigEndian.PutUint32(m[32:], l.price(o))
	}
	if o.qty -= qty; o.qty == 0 {
		l.remove(at)
	}
}

// TestStreamIsTheSameForASeedAndHasItsMix also holds the books that the stream builds
// against its own list of orders: nothing crosses, nothing is refused.
func TestStreamIsTheSameForASeedAndHasItsMix(t *testing.T) {
	load := itchLoad{"small", 20, 1.05, 2_000, 2_500}
	s := makeITCH(load, 3, 60_000)
	if again := makeITCH(load, 3, 60_000); string(again.data) != string(s.data) {
		t.Error("the same seed made another stream")
	}
	if other := makeITCH(load, 4, 60_000); string(other.data) == string(s.data) {
		t.Error("another seed made the same stream")
	}
	mixed := float64(s.count - load.symbols - load.live)
	adds := float64(s.types['A'] + s.types['F'] - load.live)
	for _, c := range []struct {
		name string
		got  float64
		want float64
	}{
		{"add", adds, 0.41}, {"delete", float64(s.types['D']), 0.40}, {"replace", float64(s.types['U']), 0.126},
		{"cancel", float64(s.types['X']), 0.019}, {"execute", float64(s.types['E'] + s.types['C']), 0.02},
		{"other", float64(s.types['P']), 0.025},
	} {
		if share := c.got / mixed; math.Abs(share-c.want) > 0.01 {
			t.Errorf("%s: %.3f of the messages, want %.3f", c.name, share, c.want)
		}
	}
	p := newITCHBooks(t, s.data, load)
	p.reset(p.decoder)
	p.pass(p.decoder)
	if p.resyncs != 0 {
		t.Fatalf("%d books were refused", p.resyncs)
	}
	for i := range s.listings {
		want := [2]map[market.Price]market.Qty{{}, {}}
		for _, o := range s.listings[i].orders {
			side := 0
			if o.side == 'S' {
				side = 1
			}
			want[side][market.Price(s.listings[i].price(&o))] += market.Qty(o.qty)
		}
		for side, ladder := range []*book.Ladder{p.books[i].Bids, p.books[i].Asks} {
			if ladder.Len() != len(want[side]) {
				t.Fatalf("book %d side %d: %d levels, want %d", i, side, ladder.Len(), len(want[side]))
			}
			for n := range ladder.Len() {
				if level := ladder.At(n); want[side][level.Price] != level.Qty {
					t.Fatalf("book %d side %d level %d: %+v, want %d", i, side, n, level, want[side][level.Price])
				}
			}
		}
		if p.books[i].State != event.BookLive || p.books[i].Crossed() {
			t.Errorf("book %d is %v", i, p.books[i].State)
		}
	}
	least := 1.0
	for try := 0; try < 3 && least > 0; try++ {
		runtime.GC() // one that is under way counts too
		least = min(least, testing.AllocsPerRun(1, func() { p.reset(p.decoder); p.pass(p.decoder) }))
	}
	if least != 0 {
		t.Errorf("a pass makes %v allocations", least)
	}
}
