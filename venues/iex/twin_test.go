package iex

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strings"

	"penstock/event"
	"penstock/market"
)

// The slow twin reads the same datagrams with encoding/binary structures and maps,
// and says in words what follows from them.

type wireHeader struct {
	Version, Reserved  uint8
	Protocol           uint16
	Channel, Session   uint32
	Length, Count      uint16
	Offset, Seq, Stamp int64
}

type wireLevel struct {
	Type, Flags uint8
	Time        int64
	Symbol      [8]byte
	Size        uint32
	Price       int64
}

type wireTrade struct {
	wireLevel
	Trade uint64
}

type twinBook struct {
	halted, stopped bool
	shorts, known   string
	broken, told    string
	uncleared       bool
}

type twin struct {
	books   map[string]*twinBook // by trimmed text; only wanted ones
	order   []string
	next    int64
	session uint32
	channel uint32
	stamp   int64
	state   string
	reason  string
	closed  bool
	said    []string
	bad     int // datagrams
	refused int // messages
}

func newTwin(symbols ...string) *twin {
	t := &twin{books: map[string]*twinBook{}, order: symbols, state: "EMPTY"}
	for _, s := range symbols {
		t.books[s] = &twinBook{told: "EMPTY", uncleared: true}
	}
	return t
}

func (t *twin) say(format string, args ...any) { t.said = append(t.said, fmt.Sprintf(format, args...)) }

func (t *twin) receive(datagram []byte) {
	var h wireHeader
	r := bytes.NewReader(datagram)
	if binary.Read(r, binary.LittleEndian, &h) != nil || h.Version != 1 || h.Protocol != 0x8004 ||
		int(h.Length) != r.Len() || h.Seq <= 0 || h.Seq > 1<<62 || h.Offset < 0 || h.Stamp < 0 {
		t.bad++
		return
	}
	var messages [][]byte
	for range h.Count {
		var n uint16
		if binary.Read(r, binary.LittleEndian, &n) != nil || int(n) > r.Len() {
			t.bad++
			return
		}
		m := make([]byte, n)
		r.Read(m)
		messages = append(messages, m)
	}
	if r.Len() > 0 {
		t.bad++
		return
	}
	begins := t.next == 0 || h.Session != t.session && h.Stamp > t.stamp ||
		h.Session == t.session && h.Seq == 1 && t.next > 1 && h.Stamp > t.stamp
	switch {
	case t.next != 0 && h.Channel != t.channel:
		return
	case begins:
		t.channel, t.session, t.stamp, t.next = h.Channel, h.Session, h.Stamp, h.Seq
		t.state, t.reason, t.closed = "SYNCING", "", false
		for _, b := range t.books {
			*b = twinBook{told: b.told, uncleared: true, shorts: b.shorts, known: b.known}
		}
		t.settle()
		if h.Seq == 1 {
			t.state = "LIVE"
			t.settle()
		}
	case h.Session != t.session:
		return
	}
	if h.Seq > t.next {
		t.next, t.state = h.Seq, "STALE"
		t.reason = event.ReasonGap.String()
		t.settle()
	}
	t.stamp = max(t.stamp, h.Stamp)
	for i, m := range messages {
		if seq := h.Seq + int64(i); seq >= t.next {
			t.next = seq + 1
			t.message(m)
		}
	}
}

func (t *twin) settle() {
	for _, name := range t.order {
		t.settleBook(name)
	}
}

func (t *twin) settleBook(name string) {
	b := t.books[name]
	want := t.state
	if t.state != "STALE" && b.broken != "" {
		want = "STALE"
	}
	if want == "LIVE" && (t.closed || b.halted || b.stopped) {
		want = "HALTED"
	}
	if want != "STALE" && b.uncleared {
		t.say("%s clear", name)
		b.uncleared, b.told = false, "SYNCING"
	}
	if (want == "LIVE" || want == "HALTED") && b.shorts != b.known {
		t.say("%s shorts %s", name, b.shorts)
		b.known = b.shorts
	}
	if want != b.told {
		t.say("%s %s", name, want)
		b.told = want
	}
}

var twinSizes = map[byte]int{'S': 10, 'D': 31, 'H': 22, 'O': 18, 'P': 19, 'E': 18, '8': 30, '5': 30,
	'T': 38, 'X': 26, 'B': 38, 'A': 80}

func (t *twin) message(m []byte) {
	if len(m) > 0 && twinSizes[m[0]] == 0 {
		t.refused++
		return
	}
	if len(m) == 0 || len(m) < twinSizes[m[0]] {
		t.refused++
		hit := t.order
		if len(m) >= 18 && m[0] != 'S' {
			hit = []string{strings.TrimRight(string(m[10:18]), " ")}
		}
		for _, name := range hit {
			t.distrust(name)
		}
		return
	}
	if m[0] == 'S' {
		switch {
		case strings.IndexByte("EC", m[1]) >= 0:
			t.closed = true
			t.settle()
		case strings.IndexByte("OSRM", m[1]) < 0:
			t.refused++
		}
		return
	}
	padded := string(m[10:18])
	if padded == strings.Repeat("\x00", 8) {
		t.refused++
		return
	}
	name := strings.TrimRight(padded, " ")
	b := t.books[name]
	if b == nil || fmt.Sprintf("%-8s", name) != padded {
		return
	}
	switch m[0] {
	case '8', '5':
		t.level(name, m)
	case 'T', 'B':
		t.trade(name, m)
	case 'P':
		if m[1] > 1 {
			t.refused++
			t.distrust(name)
			return
		}
		b.shorts = [...]string{"free", "restricted"}[m[1]]
		t.settleBook(name)
	case 'H', 'O':
		allowed, on := "HOPT", &b.halted
		if m[0] == 'O' {
			allowed, on = "ON", &b.stopped
		}
		if strings.IndexByte(allowed, m[1]) < 0 {
			t.refused++
			t.distrust(name)
			return
		}
		*on = m[1] != 'T' && m[1] != 'N'
		t.settleBook(name)
	}
}

func (t *twin) distrust(name string) {
	if b := t.books[name]; b != nil {
		b.broken = "broken"
		t.settleBook(name)
	}
}

const maxWire = int64(market.MaxPrice) / 100 // tests use instruments of 6 price decimals

func (t *twin) level(name string, m []byte) {
	var l wireLevel
	binary.Read(bytes.NewReader(m), binary.LittleEndian, &l)
	switch {
	case t.books[name].broken != "" || t.state == "STALE":
	case l.Price <= 0 || l.Price > maxWire || l.Time <= 0:
		t.refused++
		t.distrust(name)
	default:
		t.settleBook(name)
		side := "BUY"
		if l.Type == '5' {
			side = "SELL"
		}
		t.say("%s %s %d @ %d%s", name, side, l.Size, l.Price*100, strings.Repeat(" …", int(1-l.Flags&1)))
	}
}

func (t *twin) trade(name string, m []byte) {
	var l wireTrade
	binary.Read(bytes.NewReader(m), binary.LittleEndian, &l)
	if l.Price <= 0 || l.Price > maxWire || l.Time <= 0 || l.Size == 0 {
		t.refused++
		t.distrust(name)
	} else if l.Type == 'T' {
		t.say("%s trade %d @ %d no %d", name, l.Size, l.Price*100, l.Trade)
	}
}

// words says an event as the twin does.
func words(names []string, e *event.Event) string {
	name := names[e.Instrument]
	switch e.Kind {
	case event.BookClear:
		return name + " clear"
	case event.BookStatus:
		return name + " " + event.BookState(e.Code).String()
	case event.ShortRestriction:
		return name + " shorts " + map[uint8]string{0: "free", event.ShortsRestricted: "restricted"}[e.Code]
	case event.MarketTrade:
		return fmt.Sprintf("%s trade %d @ %d no %d", name, e.Qty, e.Price, e.Ref)
	case event.BookLevel:
		side, more := "BUY", ""
		if e.Side == market.Sell {
			side = "SELL"
		}
		if e.Flags&event.More != 0 {
			more = " …"
		}
		return fmt.Sprintf("%s %s %d @ %d%s", name, side, e.Qty, e.Price, more)
	}
	return "unexpected " + e.Kind.String()
}

// symbolsOf returns wanted symbols with 6 price decimals, numbered in order.
func symbolsOf(names []string) (list []Symbol) {
	for i, n := range names {
		list = append(list, Symbol{Text: n, ID: market.InstrumentID(i), PriceDecimals: 6})
	}
	return list
}

// difference returns the first place where two lists differ, "" for nowhere.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("at %d of %d and %d: %q, the twin %q", i, len(got), len(want), g, w)
		}
	}
	return ""
}

// levelsOf replays what was said into displayed sizes, sorted.
func levelsOf(said []string) []string {
	books := map[string]map[string]int{}
	for _, s := range said {
		var name, side string
		var qty, price int
		if n, _ := fmt.Sscanf(s, "%s %s %d @ %d", &name, &side, &qty, &price); n == 4 && side != "trade" {
			key := fmt.Sprintf("%s@%d", side, price)
			if books[name] == nil {
				books[name] = map[string]int{}
			}
			books[name][key] = qty
			if qty == 0 {
				delete(books[name], key)
			}
		} else if strings.HasSuffix(s, " clear") {
			delete(books, strings.Fields(s)[0])
		}
	}
	var list []string
	for name, b := range books {
		for key, qty := range b {
			list = append(list, fmt.Sprintf("%s %s %d", name, key, qty))
		}
	}
	sort.Strings(list)
	return list
}
