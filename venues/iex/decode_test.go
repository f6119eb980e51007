package iex

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"penstock/event"
)

// seg builds a segment of session 7, channel 1.
func seg(seq, sendTime int64, messages ...[]byte) []byte {
	b := make([]byte, headerSize)
	b[0] = version
	le := binary.LittleEndian
	le.PutUint16(b[2:], protocolDEEP)
	le.PutUint32(b[4:], 1)
	le.PutUint32(b[8:], 7)
	le.PutUint16(b[14:], uint16(len(messages)))
	le.PutUint64(b[24:], uint64(seq))
	le.PutUint64(b[32:], uint64(sendTime))
	for _, m := range messages {
		b = le.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	le.PutUint16(b[12:], uint16(len(b)-headerSize))
	return b
}

// message builds a message of a type with its second byte, symbol, size and price
// where the type has them.
func message(kind, second byte, symbol string, size uint32, price int64) []byte {
	m := make([]byte, lengths[kind])
	m[0], m[1] = kind, second
	binary.LittleEndian.PutUint64(m[2:], 1_493_132_624_000_000_000)
	if kind == typeSystemEvent {
		return m
	}
	copy(m[10:18], "        ")
	copy(m[10:18], symbol)
	switch kind {
	case typeBuyLevel, typeSellLevel, typeTrade, typeTradeBreak:
		binary.LittleEndian.PutUint32(m[18:], size)
		binary.LittleEndian.PutUint64(m[22:], uint64(price))
	}
	return m
}

func buy(flags byte, size uint32, price int64) []byte {
	return message(typeBuyLevel, flags, "AAA", size, price)
}

func sell(flags byte, size uint32, price int64) []byte {
	return message(typeSellLevel, flags, "AAA", size, price)
}

// listener is a receiver and everything that it said.
type listener struct {
	*Receiver
	d    *Decoder
	said []string
	room int // events that are still taken; negative: all
}

func listen(t testing.TB, names ...string) *listener {
	l := &listener{room: -1}
	var err error
	l.d, err = NewDecoder(Config{Symbols: symbolsOf(names), Sink: func(e *event.Event) bool {
		if l.room == 0 {
			return false
		}
		l.room--
		l.said = append(l.said, words(names, e))
		return true
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.Receiver = NewReceiver(l.d)
	return l
}

func (l *listener) since(n int) string { return strings.Join(l.said[n:], "|") }

func TestMessagesBecomeEvents(t *testing.T) {
	for _, c := range []struct {
		name string
		msg  []byte
		want string
	}{
		{"buy", buy(1, 100, 253000), "AAA BUY 100 @ 25300000"},
		{"sell in an event", sell(0, 5, 253100), "AAA SELL 5 @ 25310000 …"},
		{"delete", buy(1, 0, 253000), "AAA BUY 0 @ 25300000"},
		{"trade", message(typeTrade, 0, "AAA", 7, 1), "AAA trade 7 @ 100 no 0"},
		{"break", message(typeTradeBreak, 0, "AAA", 7, 1), ""},
		{"halt", message(typeTradingStatus, 'H', "AAA", 0, 0), "AAA HALTED"},
		{"pause", message(typeTradingStatus, 'P', "AAA", 0, 0), "AAA HALTED"},
		{"auction only", message(typeTradingStatus, 'O', "AAA", 0, 0), "AAA HALTED"},
		{"trading", message(typeTradingStatus, 'T', "AAA", 0, 0), ""},
		{"status?", message(typeTradingStatus, 'X', "AAA", 0, 0), "AAA STALE"},
		{"operational halt", message(typeOperationalHalt, 'O', "AAA", 0, 0), "AAA HALTED"},
		{"end of hours", message(typeSystemEvent, 'E', "", 0, 0), "AAA HALTED|BBB HALTED"},
		{"regular hours", message(typeSystemEvent, 'R', "", 0, 0), ""},
		{"directory", message(typeSecurityDirectory, 0, "AAA", 0, 0), ""},
		{"no price test", message(typeShortSale, 0, "AAA", 0, 0), "AAA shorts free"},
		{"price test", message(typeShortSale, 1, "AAA", 0, 0), "AAA shorts restricted"},
		{"price test of another", message(typeShortSale, 1, "CCC", 0, 0), ""},
		{"price test?", message(typeShortSale, '1', "AAA", 0, 0), "AAA STALE"},
		{"security event", message(typeSecurityEvent, 'O', "AAA", 0, 0), ""},
		{"official price", message(typeOfficialPrice, 'Q', "AAA", 0, 0), ""},
		{"auction", message(typeAuction, 'O', "AAA", 0, 0), ""},
		{"other symbol", message(typeBuyLevel, 1, "CCC", 1, 1), ""},
		{"negative price", buy(1, 1, -5), "AAA STALE"},
		{"no price", sell(1, 1, 0), "AAA STALE"},
		{"huge price", sell(1, 1, 1<<60), "AAA STALE"},
		{"empty trade", message(typeTrade, 0, "AAA", 0, 1), "AAA STALE"},
		{"longer than its type", append(buy(1, 100, 253000), 9, 9), "AAA BUY 100 @ 25300000"},
		{"unknown type", []byte{'z', 0}, ""},
	} {
		l := listen(t, "AAA", "BBB")
		l.Receive(1, seg(1, 1))
		n := len(l.said)
		l.Receive(2, seg(1, 2, c.msg))
		if got := l.since(n); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestGapAndRestart(t *testing.T) {
	l := listen(t, "AAA")
	steps := []struct {
		name string
		seg  []byte
		want string
	}{
		{"heartbeat before the first", seg(1, 1), "AAA clear|AAA SYNCING|AAA clear|AAA LIVE"},
		{"first", seg(1, 2, buy(1, 1, 10)), "AAA BUY 1 @ 1000"},
		{"copy of the first", seg(1, 2, buy(1, 1, 10)), ""},
		{"overlap", seg(1, 2, buy(1, 1, 10), buy(1, 2, 10)), "AAA BUY 2 @ 1000"},
		{"heartbeat", seg(3, 4), ""},
		{"gap of two", seg(5, 5, buy(1, 9, 9)), "AAA STALE"},
		{"while stale", seg(6, 6, buy(1, 9, 8), message(typeTrade, 0, "AAA", 1, 9)), "AAA trade 1 @ 900 no 0"},
		{"late copy of the first", seg(1, 2, buy(1, 1, 10)), ""},
		{"restart", seg(1, 7), "AAA clear|AAA LIVE"},
		{"after it", seg(1, 8, sell(1, 3, 11)), "AAA SELL 3 @ 1100"},
		{"noise", []byte("hello"), ""},
	}
	steps[0].want = "AAA clear|AAA LIVE"
	for _, s := range steps {
		n := len(l.said)
		l.Receive(1, s.seg)
		if got := l.since(n); got != s.want {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
	want := ReceiverStats{Packets: 10, Heartbeats: 3, Messages: 6, Duplicates: 3, Gaps: 1, Missing: 2,
		Restarts: 1, Sessions: 1, Malformed: 1}
	if *l.Stats() != want {
		t.Errorf("%+v, want %+v", *l.Stats(), want)
	}
}

// A price test is told once, when its book is in use, and outlives a restart of the stream.
func TestPriceTestIsToldWithItsBook(t *testing.T) {
	l := listen(t, "AAA")
	for _, s := range []struct {
		name string
		seg  []byte
		want string
	}{
		{"start", seg(1, 1), "AAA clear|AAA LIVE"},
		{"gap", seg(5, 2), "AAA STALE"},
		{"while stale", seg(5, 3, message(typeShortSale, 1, "AAA", 0, 0)), ""},
		{"restart", seg(1, 4), "AAA clear|AAA shorts restricted|AAA LIVE"},
		{"the same again", seg(1, 5, message(typeShortSale, 1, "AAA", 0, 0)), ""},
		{"another restart", seg(1, 6), "AAA clear|AAA LIVE"},
		{"halted", seg(1, 7, message(typeTradingStatus, 'H', "AAA", 0, 0)), "AAA HALTED"},
		{"lifted in a halt", seg(2, 8, message(typeShortSale, 0, "AAA", 0, 0)), "AAA shorts free"},
	} {
		n := len(l.said)
		l.Receive(1, s.seg)
		if got := l.since(n); got != s.want {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

func TestSessionsAndChannels(t *testing.T) {
	l := listen(t, "AAA")
	l.Receive(1, seg(1, 5, buy(1, 1, 10)))
	other := seg(1, 6, buy(1, 2, 10))
	other[4] = 2 // channel
	l.Receive(1, other)
	late := seg(1, 4, buy(1, 3, 10))
	late[8] = 6 // an older session
	l.Receive(1, late)
	if got := levelsOf(l.said); !slices.Equal(got, []string{"AAA BUY@1000 1"}) || l.Stats().Foreign != 2 {
		t.Errorf("%v, %+v", got, *l.Stats())
	}
	fresh := seg(1, 9, buy(1, 4, 10))
	fresh[8] = 8
	l.Receive(1, fresh)
	if got := levelsOf(l.said); !slices.Equal(got, []string{"AAA BUY@1000 4"}) || l.Stats().Sessions != 2 {
		t.Errorf("%v, %+v", got, *l.Stats())
	}
	// A stream that is joined late never is LIVE.
	l = listen(t, "AAA")
	l.Receive(1, seg(100, 5, buy(1, 1, 10)))
	if strings.Contains(l.since(0), "LIVE") {
		t.Error(l.since(0))
	}
}

func TestFullSinkIsOfferedTheRest(t *testing.T) {
	whole := listen(t, "AAA", "BBB")
	datagrams := [][]byte{seg(1, 1, buy(0, 1, 10), sell(1, 2, 11)),
		seg(1, 1, buy(0, 1, 10), sell(1, 2, 11), message(typeTradingStatus, 'H', "BBB", 0, 0)),
		seg(4, 2, message(typeSystemEvent, 'E', "", 0, 0), message(typeTrade, 0, "BBB", 1, 1)),
		seg(9, 3), seg(1, 4, buy(1, 1, 10))}
	for _, d := range datagrams {
		whole.Receive(1, d)
	}
	l := listen(t, "AAA", "BBB")
	for _, d := range datagrams {
		for tries := 0; ; tries++ {
			l.room = tries & 1 // one event at a time, at most
			if err := l.Receive(1, d); err != ErrNoRoom {
				break
			}
			if tries > 100 {
				t.Fatal("no end")
			}
		}
	}
	l.room = -1
	l.d.Settle(1)
	// States that were superseded before there was room need not be told; depth and trades must be.
	facts := func(said []string) (list []string) {
		for _, s := range said {
			if strings.Contains(s, "@") {
				list = append(list, s)
			}
		}
		return list
	}
	if diff := difference(facts(l.said), facts(whole.said)); diff != "" {
		t.Error(diff)
	}
	a, b := *l.Stats(), *whole.Stats()
	if a != b || l.said[len(l.said)-1] != whole.said[len(whole.said)-1] {
		t.Errorf("%+v, %+v", a, b)
	}
}

// every holds one valid message of each type.
func every() (list [][]byte) {
	for _, c := range []struct{ kind, second byte }{{'S', 'R'}, {'D', 0}, {'H', 'T'}, {'O', 'N'}, {'P', 0},
		{'E', 'O'}, {'8', 1}, {'5', 1}, {'T', 0}, {'X', 'Q'}, {'B', 0}, {'A', 'O'}} {
		list = append(list, message(c.kind, c.second, "AAA", 100, 250_000+int64(c.kind)))
	}
	return list
}

func TestEveryTypeAtEveryTruncatedLength(t *testing.T) {
	for _, m := range every() {
		for n := range len(m) {
			l := listen(t, "AAA", "BBB")
			l.Receive(1, seg(1, 1, buy(1, 5, 9)))
			before := levelsOf(l.said)
			err := l.Receive(2, seg(2, 2, m[:n]))
			if !errors.Is(err, ErrLength) || l.d.Stats().Malformed != 1 {
				t.Errorf("%c cut to %d: %v, %+v", m[0], n, err, l.d.Stats())
			}
			if !slices.Equal(levelsOf(l.said), before) || !strings.HasSuffix(l.since(0), "STALE") {
				t.Errorf("%c cut to %d: %s", m[0], n, l.since(0))
			}
		}
	}
	whole := seg(1, 1, every()...)
	for n := range len(whole) {
		l := listen(t, "AAA")
		if err := l.Receive(1, whole[:n]); err != ErrSegment || len(l.said) != 0 || l.Stats().Malformed != 1 {
			t.Errorf("segment cut to %d: %v, %v", n, err, l.said)
		}
	}
}

// session is a seeded stream of segments as a venue would send it.
func session(r *rand.Rand, segments int) (list [][]byte) {
	seq, now := int64(1), int64(1000)
	names := []string{"AAA", "BBB", "CCC"}
	for range segments {
		var messages [][]byte
		for range r.IntN(4) {
			kinds := "8888855555TTBHOPESXAD"
			kind := kinds[r.IntN(len(kinds))]
			second := byte(r.IntN(2))
			switch kind {
			case 'H':
				second = "HOPTTTT"[r.IntN(7)]
			case 'O':
				second = "ONNN"[r.IntN(4)]
			case 'S':
				second = "OSRMRRRRE"[r.IntN(9)]
			}
			messages = append(messages, message(kind, second, names[r.IntN(3)], uint32(r.IntN(5)*100),
				int64(1000+r.IntN(20))))
		}
		now++
		list = append(list, seg(seq, now, messages...))
		seq += int64(len(messages))
		switch r.IntN(40) {
		case 0:
			seq += 3 // a gap
		case 1:
			seq = 1 // a restart
		}
	}
	return list
}

func compareWithTwin(t *testing.T, datagrams [][]byte) {
	t.Helper()
	l, w := listen(t, "AAA", "BBB"), newTwin("AAA", "BBB")
	for _, d := range datagrams {
		l.Receive(1, d)
		w.receive(d)
		if diff := difference(l.said, w.said); diff != "" {
			t.Fatal(diff)
		}
		l.said, w.said = l.said[:0], w.said[:0]
	}
	s := l.d.Stats()
	if s.Used+s.Ignored+s.Unknown+s.Malformed+s.Absurd+s.Withheld != s.Messages ||
		s.Messages != l.Stats().Messages || int(s.Unknown+s.Malformed+s.Absurd) != w.refused ||
		int(l.Stats().Malformed) != w.bad {
		t.Fatalf("%+v %+v; the twin refused %d, %d", *s, *l.Stats(), w.refused, w.bad)
	}
}

func TestTwinAgreesOnSessions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		compareWithTwin(t, session(r, 300))
	}
}

func TestBitFlips(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	stream := session(r, 100)
	for range 10_000 {
		at := r.IntN(len(stream) - 5)
		part := slices.Clone(stream[at : at+5])
		hit := r.IntN(5)
		part[hit] = slices.Clone(part[hit])
		for range 1 + r.IntN(3) {
			part[hit][r.IntN(len(part[hit]))] ^= 1 << r.IntN(8)
		}
		compareWithTwin(t, part)
	}
}

func TestConfigIsChecked(t *testing.T) {
	sink := func(*event.Event) bool { return true }
	for want, c := range map[string]Config{
		"no sink":            {Symbols: symbolsOf([]string{"A"})},
		"no symbols":         {Sink: sink},
		"1 to 8 characters":  {Sink: sink, Symbols: []Symbol{{Text: "ABCDEFGHI"}}},
		"decimals must be":   {Sink: sink, Symbols: []Symbol{{Text: "A", PriceDecimals: 10}}},
		"configured twice":   {Sink: sink, Symbols: symbolsOf([]string{"A", "A"})},
		"must be at most 32": {Sink: sink, Symbols: make([]Symbol, MaxSymbols+1)},
	} {
		if _, err := NewDecoder(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestSymbolsAreDiscoveredOnce(t *testing.T) {
	var asked []string
	var said []string
	d, err := NewDecoder(Config{Sink: func(e *event.Event) bool {
		said = append(said, words([]string{"AAA"}, e))
		return true
	}, Discover: func(text string) (Symbol, bool) {
		asked = append(asked, text)
		return Symbol{Text: text, PriceDecimals: 6}, text == "AAA"
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := NewReceiver(d)
	r.Receive(1, seg(1, 1, buy(1, 1, 10), message(typeBuyLevel, 1, "BBB", 1, 1), buy(1, 2, 10),
		message(typeBuyLevel, 1, "BBB", 1, 1)))
	if strings.Join(asked, " ") != "AAA BBB" || strings.Join(said, "|") !=
		"AAA clear|AAA LIVE|AAA BUY 1 @ 1000|AAA BUY 2 @ 1000" || d.Stats().Ignored != 2 {
		t.Errorf("%v %v", asked, said)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(seg(1, 1, every()...), seg(13, 2, buy(1, 3, 4)))
	f.Add(seg(1, 1, buy(0, 1, 10), sell(1, 2, 11)), seg(9, 3))
	f.Add(seg(1, 1), seg(1, 4, buy(1, 1, 10)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		compareWithTwin(t, [][]byte{seg(1, 0, buy(1, 1, 10)), a, b, a})
	})
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	d, err := NewDecoder(Config{Symbols: symbolsOf([]string{"AAA"}), Sink: func(*event.Event) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	r := NewReceiver(d)
	s := seg(1, 1, every()...)
	seq := uint64(1)
	if n := testing.AllocsPerRun(1000, func() {
		binary.LittleEndian.PutUint64(s[24:], seq)
		binary.LittleEndian.PutUint64(s[32:], seq)
		if err := r.Receive(1, s); err != nil {
			t.Fatal(err)
		}
		seq += 12
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLevel(b *testing.B) {
	d, err := NewDecoder(Config{Symbols: symbolsOf([]string{"AAA", "BBB"}),
		Sink: func(*event.Event) bool { return true }})
	if err != nil {
		b.Fatal(err)
	}
	d.Reset(1)
	d.Live(1)
	m := buy(1, 100, 253000)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(1, m); err != nil {
			b.Fatal(err)
		}
	}
}
