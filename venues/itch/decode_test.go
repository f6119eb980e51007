package itch

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"penstock/event"
)

// Messages of protocols §14: locate 7, 34200123456789 ns after midnight.
var vectors = []string{
	"41000700001f1ad635bd1500000000000003e9420000012c4141504c202020200016ed24",
	"45000700001f1ad635bd1500000000000003e900000064000000000000022b",
	"55000700001f1ad635bd1500000000000003e900000000000003ea000000c80016ecc0",
	"58000700001f1ad635bd1500000000000003ea00000032",
	"44000700001f1ad635bd1500000000000003ea",
}

const midnight = 1_795_132_800_000_000_000

// collect is a sink that prints events as the dump does: one line each.
type collect struct {
	lines  []string
	events []event.Event
	room   int // how many more events it takes; negative: any number
}

func newCollect() *collect { return &collect{room: -1} }

func (c *collect) sink(e *event.Event) bool {
	if c.room == 0 {
		return false
	}
	c.room--
	c.events = append(c.events, *e)
	line := e.Kind.String()
	switch e.Kind {
	case event.PriceBand:
		line += fmt.Sprintf(" %d %d to %d", e.Instrument, e.Price, e.LastPx)
	case event.BookStatus, event.MarketStatus:
		line += fmt.Sprintf(" %d %s %s", e.Instrument, event.BookState(e.Code), e.Reason)
	case event.BookClear:
		line += fmt.Sprintf(" %d", e.Instrument)
	default:
		line += fmt.Sprintf(" %d ref %d", e.Instrument, e.Ref)
		if e.Kind == event.OrderReplaced {
			line += fmt.Sprintf(" by %d", e.OrderRef)
		}
		if e.Side != 0 {
			line += " " + e.Side.String()
		}
		if e.Qty != 0 || e.Price != 0 {
			line += fmt.Sprintf(" %dx%d", e.Price, e.Qty)
		}
		if e.LastPx != 0 {
			line += fmt.Sprintf(" at %d", e.LastPx)
		}
	}
	if e.Flags&event.More != 0 {
		line += " more"
	}
	c.lines = append(c.lines, line)
	return true
}

// took returns the lines since the last call.
func (c *collect) took() string {
	s := strings.Join(c.lines, "\n")
	c.lines, c.events = c.lines[:0], c.events[:0]
	return s
}

func testConfig(sink event.Sink) Config {
	return Config{Venue: 3, Midnight: func(int64) int64 { return midnight }, Sink: sink, Symbols: []Symbol{
		{Text: "AAPL", ID: 5, PriceDecimals: 4},
		{Text: "MSFT", ID: 6, PriceDecimals: 2, QtyDecimals: 2},
		{Text: "BRK.A", ID: 7, PriceDecimals: 6},
	}}
}

func newDecoder(t testing.TB, sink event.Sink) *Decoder {
	t.Helper()
	d, err := NewDecoder(testConfig(sink))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message builds a message of the given type with zeros after its header.
func message(kind byte, locate uint16) []byte {
	m := make([]byte, lengths[kind])
	m[0] = kind
	binary.BigEndian.PutUint16(m[1:], locate)
	copy(m[5:], []byte{0x1f, 0x1a, 0xd6, 0x35, 0xbd, 0x15})
	return m
}

func listing(locate uint16, stock string) []byte {
	m := message('R', locate)
	copy(m[11:], fmt.Sprintf("%-8s", stock))
	return m
}

func action(locate uint16, state byte) []byte {
	m := message('H', locate)
	m[19] = state
	return m
}

func collar(locate uint16, low, high uint32) []byte {
	m := message('J', locate)
	binary.BigEndian.PutUint32(m[23:], high)
	binary.BigEndian.PutUint32(m[27:], low)
	return m
}

func systemEvent(code byte) []byte {
	m := message('S', 0)
	m[11] = code
	return m
}

func order(kind byte, locate uint16, ref uint64, side byte, shares, price uint32) []byte {
	m := message(kind, locate)
	binary.BigEndian.PutUint64(m[11:], ref)
	m[19] = side
	binary.BigEndian.PutUint32(m[20:], shares)
	binary.BigEndian.PutUint32(m[32:], price)
	return m
}

func replace(locate uint16, old, ref uint64, shares, price uint32) []byte {
	m := message('U', locate)
	binary.BigEndian.PutUint64(m[11:], old)
	binary.BigEndian.PutUint64(m[19:], ref)
	binary.BigEndian.PutUint32(m[27:], shares)
	binary.BigEndian.PutUint32(m[31:], price)
	return m
}

func executedAt(locate uint16, ref uint64, shares uint32, printable byte, price uint32) []byte {
	m := message('C', locate)
	binary.BigEndian.PutUint64(m[11:], ref)
	binary.BigEndian.PutUint32(m[19:], shares)
	m[31] = printable
	binary.BigEndian.PutUint32(m[32:], price)
	return m
}

func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	if w := strings.Join(want, "\n"); got != w {
		t.Fatalf("events:\n%s\nwant:\n%s", got, w)
	}
}

// live returns a decoder whose stocks are listed (AAPL 7, MSFT 8, BRK.A 9) and
// whose books are LIVE.
func live(t testing.TB) (*Decoder, *collect) {
	t.Helper()
	c := newCollect()
	d := newDecoder(t, c.sink)
	begin(t, d, 1)
	c.took()
	return d, c
}

func begin(t testing.TB, d *Decoder, now int64) {
	t.Helper()
	d.Reset(now)
	for i, s := range d.books[1:] {
		if err := d.Decode(now+1, listing(uint16(7+i), strings.TrimRight(string(s.text[:]), " "))); err != nil {
			t.Fatal(err)
		}
	}
	d.Live(now + 2)
}

func TestVectorsBecomeEvents(t *testing.T) {
	d, c := live(t)
	for _, v := range vectors {
		if err := d.Decode(99, unhex(t, v)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range c.events {
		if e.SrcTime != midnight+34200123456789 || e.RecvTime != 99 || e.Venue != 3 {
			t.Fatalf("SrcTime %d RecvTime %d Venue %d", e.SrcTime, e.RecvTime, e.Venue)
		}
	}
	expect(t, c.took(),
		"add 5 ref 1001 buy 1502500x300",
		"execute 5 ref 1001 0x100",
		"replace 5 ref 1001 by 1002 1502400x200",
		"reduce 5 ref 1002 0x50",
		"delete 5 ref 1002",
	)
}

func TestBooksFollowTheSession(t *testing.T) {
	c := newCollect()
	d := newDecoder(t, c.sink)
	d.Reset(1)
	expect(t, c.took(), "clear 5", "clear 6", "clear 7")
	d.Live(1)
	expect(t, c.took()) // nothing is listed yet
	step := func(msg []byte, want ...string) {
		t.Helper()
		if err := d.Decode(2, msg); err != nil {
			t.Fatal(err)
		}
		expect(t, c.took(), want...)
	}
	step(systemEvent('O'))
	step(listing(7, "AAPL"), "status 5 LIVE snapshot complete")
	step(listing(7, "AAPL"))
	step(listing(8, "ZZZZ"))
	step(action(7, 'H'), "market 5 HALTED venue state", "status 5 HALTED venue state")
	step(action(7, 'Q'), "market 5 AUCTION venue state", "status 5 AUCTION venue state")
	step(collar(7, 99_0000, 101_0000), "band 5 990000 to 1010000")
	step(collar(7, 99_0000, 101_0000))
	step(action(7, 'T'), "band 5 0 to 0", "status 5 LIVE snapshot complete")
	step(order('A', 8, 1, 'B', 100, 10_0000)) // ZZZZ is not configured
	step(systemEvent('M'))
	step(systemEvent('E'), "status 5 HALTED venue state")
	d.Stale(3, event.ReasonGap)
	expect(t, c.took(), "status 5 STALE sequence gap", "status 6 STALE sequence gap",
		"status 7 STALE sequence gap")
	d.Live(4)
	expect(t, c.took(), "status 5 HALTED venue state", "status 6 SYNCING ", "status 7 SYNCING ")
	d.Stale(4, event.ReasonAbsurd)
	c.took()
	d.Live(4)
	expect(t, c.took()) // here only Reset helps
	d.Reset(5)
	expect(t, c.took(), "clear 5", "clear 6", "clear 7")
	if s := d.Stats(); s.Ignored != 2 || s.Used+s.Ignored != s.Messages {
		t.Fatalf("stats %+v", s)
	}
}

func TestPricesAreScaledExactlyOrRefused(t *testing.T) {
	d, c := live(t)
	for _, m := range [][]byte{
		order('F', 7, 1, 'S', 10, 1_2345),
		order('A', 8, 2, 'B', 10, 1_2300),
		order('A', 9, 3, 'B', 10, 1<<32-1),
		order('P', 7, 0, 'B', 10, 1_2345),
		executedAt(7, 1, 4, 'N', 1_2344),
	} {
		if err := d.Decode(1, m); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, c.took(), "add 5 ref 1 sell 12345x10", "add 6 ref 2 buy 123x1000",
		"add 7 ref 3 buy 429496729500x10", "trade 5 ref 0 12345x10", "execute 5 ref 1 0x4 at 12344")

	err := d.Decode(1, order('A', 8, 4, 'B', 10, 1_2345))
	if !errors.Is(err, ErrValue) {
		t.Fatalf("finer than the increment: %v", err)
	}
	expect(t, c.took(), "status 6 STALE absurd value")
	if err := d.Decode(1, order('A', 8, 5, 'B', 10, 1_2300)); err != nil {
		t.Fatal(err)
	}
	expect(t, c.took()) // withheld: the book misses an order
	if s := d.Stats(); s.Absurd != 1 || s.Withheld != 1 {
		t.Fatalf("stats %+v", s)
	}
}

func TestImpossibleValuesAreRefused(t *testing.T) {
	for name, m := range map[string][]byte{
		"no shares":               order('A', 7, 1, 'B', 0, 1),
		"no price":                order('A', 7, 1, 'B', 1, 0),
		"no side":                 order('A', 7, 1, 'X', 1, 1),
		"execute nothing":         message('E', 7),
		"cancel nothing":          message('X', 7),
		"replace without price":   replace(7, 1, 2, 1, 0),
		"replace without shares":  replace(7, 1, 2, 0, 1),
		"printable":               executedAt(7, 1, 1, '?', 1),
		"state":                   action(7, '?'),
		"second stock for locate": listing(7, "MSFT"),
	} {
		d, c := live(t)
		if err := d.Decode(1, m); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", name, err)
		}
		if got := c.took(); got != "status 5 STALE absurd value" {
			t.Errorf("%s: %s", name, got)
		}
	}
	d, c := live(t)
	if err := d.Decode(1, systemEvent('?')); !errors.Is(err, ErrValue) || len(c.lines) != 0 {
		t.Errorf("system event: %v %v", err, c.lines)
	}
	if err := d.Decode(1, listing(70, "MSFT")); !errors.Is(err, ErrValue) {
		t.Errorf("second locate for a stock: %v", err)
	}
	expect(t, c.took(), "status 6 STALE absurd value")
}

// Every type at every wrong length: an error, a count, no depth event, no panic.
func TestLengthComesFromTheSpecification(t *testing.T) {
	for _, word := range strings.Fields(specLengths) {
		kind, right := word[0], specLength(word[0])
		if Length(kind) != right {
			t.Fatalf("type %c: length %d, want %d", kind, Length(kind), right)
		}
		full := append(message(kind, 7), make([]byte, 16)...)
		for n := range full {
			d, c := live(t)
			err := d.Decode(1, full[:n])
			if n == right {
				continue
			}
			if !errors.Is(err, ErrLength) {
				t.Fatalf("type %c length %d: %v", kind, n, err)
			}
			if d.Stats().Malformed != 1 || slices.ContainsFunc(c.events, isDepth) {
				t.Fatalf("type %c length %d: %v", kind, n, c.lines)
			}
		}
	}
	for kind := range 256 {
		d, c := live(t)
		if lengths[kind] != 0 {
			continue
		}
		if err := d.Decode(1, []byte{byte(kind), 0, 7}); !errors.Is(err, ErrType) || len(c.lines) > 0 {
			t.Fatalf("type %d: %v %v", kind, err, c.lines)
		}
	}
}

func isDepth(e event.Event) bool {
	switch e.Kind {
	case event.BookStatus, event.BookClear, event.MarketStatus, event.PriceBand:
		return false
	}
	return true
}

func TestSinkWithoutRoomLosesNothing(t *testing.T) {
	messages := [][]byte{order('A', 7, 1, 'B', 100, 100), replace(7, 1, 2, 50, 99), action(7, 'H'),
		action(7, 'T'), message('D', 7), listing(7, "MSFT"), order('A', 7, 9, 'S', 1, 1)}
	binary.BigEndian.PutUint64(messages[4][11:], 2)
	d, whole := live(t)
	for _, m := range messages {
		d.Decode(1, m)
	}
	want := whole.took()
	d, c := live(t)
	refused := 0
	for _, m := range messages {
		for c.room = 0; d.Decode(1, m) == ErrNoRoom; c.room++ {
			if refused++; refused > 100 {
				t.Fatal("no end")
			}
		}
	}
	c.room = -1
	if !d.Settle(1) {
		t.Fatal("not settled")
	}
	if got := c.took(); got != want {
		t.Fatalf("events:\n%s\nwant:\n%s", got, want)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	c := testConfig(func(*event.Event) bool { return true })
	d, err := NewDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	d.Reset(1)
	d.Live(1)
	stream := sampleStream(rand.New(rand.NewPCG(1, 2)), 4096)
	d.Decode(1, listing(7, "AAPL"))
	if n := testing.AllocsPerRun(10, func() {
		for _, m := range stream {
			if err := d.Decode(1, m); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// sampleStream makes valid messages of one stock in a mix like that of a day.
func sampleStream(r *rand.Rand, n int) [][]byte {
	var stream [][]byte
	var refs []uint64
	for ref := uint64(1); len(stream) < n; {
		side := "BS"[r.IntN(2)]
		at := -1
		if len(refs) > 0 {
			at = r.IntN(len(refs))
		}
		switch k := r.IntN(100); {
		case k < 45 || at < 0:
			stream = append(stream, order('A', 7, ref, side, 100, 1_000_000+uint32(r.IntN(100))*100))
			refs = append(refs, ref)
			ref++
		case k < 85:
			m := message('D', 7)
			binary.BigEndian.PutUint64(m[11:], refs[at])
			stream = append(stream, m)
			refs = slices.Delete(refs, at, at+1)
		case k < 95:
			stream = append(stream, replace(7, refs[at], ref, 50, 1_000_100))
			refs[at] = ref
			ref++
		default:
			m := message('X', 7)
			binary.BigEndian.PutUint64(m[11:], refs[at])
			binary.BigEndian.PutUint32(m[19:], 1)
			stream = append(stream, m)
		}
	}
	return stream
}

func TestRefusesBadConfiguration(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no sink":      func(c *Config) { c.Sink = nil },
		"no symbols":   func(c *Config) { c.Symbols = nil },
		"long symbol":  func(c *Config) { c.Symbols[0].Text = "TOOLONGNAME" },
		"empty symbol": func(c *Config) { c.Symbols[0].Text = "" },
		"twice":        func(c *Config) { c.Symbols[1].Text = "AAPL" },
		"decimals":     func(c *Config) { c.Symbols[1].PriceDecimals = 10 },
	} {
		c := testConfig(newCollect().sink)
		spoil(&c)
		if _, err := NewDecoder(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTimesCountFromTheMidnightOfTheSession(t *testing.T) {
	c := newCollect()
	config := testConfig(c.sink)
	config.Midnight = func(now int64) int64 { return now - now%1000 }
	d, err := NewDecoder(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, begun := range []int64{1999, 2000, 5001} {
		begin(t, d, begun)
		c.took()
		for _, v := range vectors {
			if err := d.Decode(begun+3, unhex(t, v)); err != nil {
				t.Fatal(err)
			}
		}
		if len(c.events) == 0 {
			t.Fatal("no event")
		}
		for _, e := range c.events {
			if want := begun - begun%1000 + 34200123456789; e.SrcTime != want {
				t.Fatalf("a session begun at %d: source time %d, not %d", begun, e.SrcTime, want)
			}
		}
	}
}
