package firewall

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"penstock/fix"
	"penstock/market"
)

// cast reads an order by a mould, and returns its length; 0 when it fits none. Both readers read it.
func cast(t testing.TB, s *Session, b []byte, o *wireOrder) (n int, ok bool) {
	t.Helper()
	for i := range s.moulds.all {
		sameRead(t, &s.moulds.all[i], b)
	}
	m := s.moulds.fit(b)
	if m == nil || m.whole {
		return 0, false
	}
	return s.moulds.read.n, s.pour(m, b, o)
}

// sameRead compares the two ways to read by a mould: what readQuick reads readWords reads alike, and what
// readWords reads of a message with no more than quantity and price readQuick does.
func sameRead(t testing.TB, m *mould, b []byte) {
	t.Helper()
	if !canRead || len(b) == 0 {
		return
	}
	a, c := reading{seq: 1<<64 - 1}, reading{}
	okC := m.readWords(b, &c)
	if okC {
		b = b[:c.n]
	}
	okA := readQuick(&b[0], len(b), m, &a)
	a.n, a.rest = len(b), len(b)-trailer
	usual := okC && c.rest == a.rest && (m.whole || c.price != 0) && bytes.Count(b[len(b)-trailer:], []byte{fix.SOH}) == 1
	if okA && (!okC || a != c) || usual && !okA {
		t.Fatalf("%q: quick %v %+v, by words %v %+v", b, okA, a, okC, c)
	}
}

// sameReading compares what a mould and scan make of one message, and lets its mould be learnt.
func sameReading(t testing.TB, s *Session, msg []byte) (readable bool) {
	t.Helper()
	fast, slow := wireOrder{parent: 7}, wireOrder{parent: 7}
	body, n := s.frame(msg)
	readable = n > 0 && kindOf(body) == 'D' && s.scan(body[5:], &slow)
	got, ok := cast(t, s, msg, &fast)
	if got == 0 {
		if a, b := fmt.Sprintf("%+v", fast), fmt.Sprintf("%+v", wireOrder{parent: 7}); a != b {
			t.Fatalf("%q left to scan: %s", msg, a)
		}
		if readable {
			s.learn('D', msg[:n], n-trailer-len(body))
		}
		return readable
	}
	if got != n || ok != readable {
		t.Fatalf("%q: %d bytes cast, readable %v, of %d, %v", msg, got, ok, n, readable)
	}
	if !readable {
		return false
	}
	if fast.listed != 0 && s.symbols[fast.listed-1].Text != string(slow.symbol) {
		t.Fatalf("%q: symbol %q is that of %d", msg, slow.symbol, fast.listed-1)
	}
	for in := range s.symbols {
		a, b := fast, slow
		okA, okB := s.numbers(&a, market.InstrumentID(in)), s.numbers(&b, market.InstrumentID(in))
		if fast.listed != 0 && int(fast.listed) != in+1 {
			okA, okB = false, false // it is of another instrument
		}
		if okA != okB {
			t.Fatalf("%q in %d: read %v, scan %v", msg, in, okA, okB)
		}
		if !okA {
			a.qty, a.price, a.show = b.qty, b.price, b.show
		}
		for _, o := range []*wireOrder{&a, &b} {
			o.listed, o.qtyText, o.priceText, o.showText = 0, nil, nil, nil
		}
		if a, b := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); a != b {
			t.Fatalf("%q in %d:\nread %s\nscan %s", msg, in, a, b)
		}
	}
	return readable
}

// TestEveryFieldBeforeTheQuantity says each field that scan reads before the quantity, twice with
// one value and once with another: what a mould does not keep must not be taken for read.
func TestEveryFieldBeforeTheQuantity(t *testing.T) {
	for tag, values := range map[int][2]string{
		fix.TagMaxFloor: {"100", "200"}, tagDisplayQty: {"100", "200"}, fix.TagLocateBroker: {"LOCATOR", "ANOTHER"},
		fix.TagOrigClOrdID: {"261120143000000009", "261120143000000008"}, fix.TagTimeInForce: {"0", "3"}, fix.TagPrice: {"49.95", "49.96"},
		8002: {"0", "1"}, fix.TagText: {"a", "b"}, fix.TagOrdType: {"1", "2"}, fix.TagSide: {"2", "5"}, fix.TagSendingTime: {"20261120-14:30:00.123", "20261120-14:30:00"},
	} {
		p := newPair(t)
		p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
		for i, value := range []string{values[0], values[0], values[1]} {
			text := "|" + p.orderText(childA+uint64(i))
			for _, field := range strings.Split(text, "|") {
				if strings.HasPrefix(field, fmt.Sprintf("%d=", tag)) {
					text = strings.Replace(text, "|"+field, "", 1)
				}
			}
			if !sameReading(t, p.s, []byte(wrap(strings.Replace(text[1:], "|38=", fmt.Sprintf("|%d=%s|38=", tag, value), 1)))) {
				t.Errorf("%d=%s cannot be read", tag, value)
			}
		}
	}
}

// TestDisplayBeforeTheQuantityIsJudged: a session that learned from an order refuses the next one
// that displays nothing, or more than its client allows.
func TestDisplayBeforeTheQuantityIsJudged(t *testing.T) {
	p := newPair(t)
	p.s.cfg.Lit = true
	p.order(parentA, Order{ID: [20]byte{'A'}, Client: 1, Qty: 2000, Limit: 500_000, Display: 150})
	out := func(id uint64, show string) Reason {
		text := strings.NewReplacer("59=3", "59=0", "38=300", "111="+show+"|38=300").Replace(p.orderText(id))
		_, why := p.s.Out(p.now, []byte(wrap(text)), Said{})
		p.latch.Release(Scope{})
		return why
	}
	for i, c := range []struct {
		show string
		want Reason
	}{{"100", Clear}, {"50", Clear}, {"0", Malformed}, {"0", Malformed}, {"1", Display}, {"x", Malformed}, {"x", Malformed}} {
		if got := out(childA+uint64(i), c.show); got != c.want {
			t.Errorf("order %d that displays %s: %v, want %v", i, c.show, got, c.want)
		}
	}
}

// readOrder reads a whole order as Out does.
func readOrder(t testing.TB, s *Session, msg []byte, o *wireOrder) bool {
	n, ok := cast(t, s, msg, o)
	if n > 0 {
		return ok
	}
	body, n := s.frame(msg)
	if ok = s.scan(body[5:], o); ok {
		s.learn('D', msg[:n], n-trailer-len(body))
	}
	return ok
}

// FuzzMould reads bent orders by what was learnt from whole ones, and by the scanner.
func FuzzMould(f *testing.F) {
	f.Add(uint64(42), uint64(300), uint16(20), byte('7'), byte(0))
	f.Add(uint64(9_999_999), uint64(1), uint16(130), byte(1), byte(1))
	f.Add(uint64(0), uint64(12_345_678), uint16(59), byte('='), byte(2))
	f.Fuzz(func(t *testing.T, id, qty uint64, at uint16, c, how byte) {
		p := newPair(t)
		for range 2 {
			sameReading(t, p.s, []byte(wrap(p.orderText(childA))))
		}
		if len(p.s.moulds.all) != 1 {
			t.Fatal("nothing was learnt")
		}
		text := p.orderText(id)
		if how&1 != 0 {
			text = strings.Replace(text, "38=300", fmt.Sprintf("38=%d|110=%d", qty, qty/2), 1)
		}
		if how&2 != 0 {
			text = strings.Replace(text, "526=", "527=", 1)
		}
		msg := []byte(wrap(text))
		for range 2 {
			bent := bytes.Clone(msg)
			bent[int(at)%len(bent)] = c
			sameReading(t, p.s, bent)
			at, c = at*31+7, c+how
		}
	})
}

// TestEveryByteOfAMould bends each byte of an order to each value.
func TestEveryByteOfAMould(t *testing.T) {
	p := newPair(t)
	p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
	// Conditional, too: whatever scan says of a message has to come from its mould as well.
	msg := []byte(wrap(strings.Replace(p.orderText(childA), "40=2", "40=2|8002=0", 1)))
	sameReading(t, p.s, msg)
	if n, ok := cast(t, p.s, msg, &wireOrder{}); n != len(msg) || !ok {
		t.Fatal("nothing was learnt")
	}
	good, step := 0, 1
	if testing.Short() {
		step = 15
	}
	for at := range msg {
		for c := 0; c < 256; c += step {
			bent := bytes.Clone(msg)
			bent[at] = byte(c)
			if sameReading(t, p.s, bent) {
				good++
			}
		}
	}
	if good < 1000/step {
		t.Errorf("%d readable messages", good)
	}
}

// TestMouldsAreBounded sends more kinds of message than there is room for; none allocates.
func TestMouldsAreBounded(t *testing.T) {
	p := newPair(t)
	var messages [][]byte
	for i := range 4 * mouldsEach {
		text := strings.Replace(p.orderText(childA+uint64(i)), "59=3", fmt.Sprintf("59=3|77=%d", i), 1)
		messages = append(messages, []byte(wrap(text)))
	}
	room := cap(p.s.moulds.all)
	for range 100 {
		for _, b := range messages {
			if !sameReading(t, p.s, b) {
				t.Fatalf("%q", b)
			}
		}
	}
	if len(p.s.moulds.all) != room || room != mouldsEach*len(testSymbols) {
		t.Errorf("%d moulds, room for %d", len(p.s.moulds.all), room)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		var o wireOrder
		b := messages[i%len(messages)]
		if i++; !readOrder(t, p.s, b, &o) || o.side != market.Buy {
			panic("unread")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestShortTextsAreReadAlike says every short text of a few characters as quantity and as price, and
// puts it before and behind eight digits.
func TestShortTextsAreReadAlike(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	order := strings.NewReplacer("55=PSTK", "55=BTC-USD", "54=1", "54=2", "38=300", "38=0.5").Replace(p.orderText(childA))
	for range 2 {
		sameReading(t, p.s, []byte(wrap(order)))
	}
	if len(p.s.moulds.all) != 1 {
		t.Fatal("nothing was learnt")
	}
	const letters = "09./:-"
	var say func(text string)
	say = func(text string) {
		for _, v := range []string{text, "1234567" + text, text + "7654321", "1.0000" + text} {
			for _, old := range []string{"38=0.5", "44=49.95"} {
				sameReading(t, p.s, []byte(wrap(strings.Replace(order, old, old[:3]+v, 1))))
			}
		}
		for _, c := range letters[:len(letters)*min(4-len(text), 1)] {
			say(text + string(c))
		}
	}
	say("")
}

// TestLongNumbersMakeNoSecondMould: an order with more digits than a mould reads goes to the scanner,
// and takes no room from the moulds of others.
func TestLongNumbersMakeNoSecondMould(t *testing.T) {
	p := newPair(t)
	short := p.orderText(childA)
	long := strings.Replace(short, "44=49.95", "44=49.950000", 1)
	for _, text := range []string{short, long, long, strings.Replace(short, "38=300", "38=000000300", 1), long} {
		if !sameReading(t, p.s, []byte(wrap(text))) {
			t.Fatal("not read")
		}
	}
	if n := len(p.s.moulds.all); n != 1 {
		t.Errorf("%d moulds of one kind of order", n)
	}
	cancel := newTwins(t).goodMessages()[4]
	for _, text := range []string{cancel, cancel + "|38=300", cancel, cancel + "|38=200"} { // one is the other's beginning
		p.s.Out(p.now, []byte(wrap(text)), Said{})
	}
	if n := len(p.s.moulds.all); n != 3 {
		t.Errorf("%d moulds with those of two kinds of cancel", n)
	}
}

// FuzzDecimal compares the two readers of decimals.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1", "0", "", ".", "1.", ".5", "1.50", "12345678901234567890", "1.2.3", "100.1200", "999999999999999999"} {
		f.Add(s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, s string, decimals uint8) {
		a, okA := decimal([]byte(s), decimals%(maxDigits+1))
		b, okB := longDecimal([]byte(s), decimals%(maxDigits+1))
		if a != b || okA != okB {
			t.Fatalf("%q with %d decimals: %d %v, the other %d %v", s, decimals%(maxDigits+1), a, okA, b, okB)
		}
	})
}

// TestConditionalOrdersAreLearnt: the flag of an order that cannot trade is part of its mould.
func TestConditionalOrdersAreLearnt(t *testing.T) {
	p := newPair(t)
	p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
	plain := p.orderText(childA)
	for _, text := range []string{plain, strings.Replace(plain, "38=300", "8002=0|38=300", 1), strings.Replace(plain, "38=300", "8002=1|38=300", 1)} {
		for range 3 {
			sameReading(t, p.s, []byte(wrap(text)))
			o := wireOrder{}
			if readOrder(t, p.s, []byte(wrap(text)), &o); o.idle != strings.Contains(text, "8002=0") {
				t.Errorf("%q is read as conditional: %v", text, o.idle)
			}
		}
	}
}

// TestConditionalOrdersMayShowWhatIsOut: one may show all of its parent, whatever of it is out
// or executed, and nothing is out with it; the firm order is judged with both.
func TestConditionalOrdersMayShowWhatIsOut(t *testing.T) {
	p := newPair(t)
	p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
	for i := range p.f.cfg.Limits {
		p.f.cfg.Limits[i].MaxQty, p.f.cfg.Limits[i].MaxNotional = 5000, 1<<40
	}
	for i := range uint64(6) { // 1800 of 2000
		if got := p.check(wrap(p.orderText(childA + i))); got != Clear {
			t.Fatal(i, got)
		}
	}
	p.report(childA, 300, 'F', '2')
	show := func(id uint64, qty string) Reason {
		_, got := p.s.Out(p.now, []byte(wrap(strings.Replace(p.orderText(id), "38=300", "8002=0|38="+qty, 1))), Said{})
		return got
	}
	if got := show(childA+10, "2000"); got != Clear {
		t.Errorf("all of the parent shown: %v", got)
	}
	if got := show(childA+11, "2000"); got != Clear {
		t.Errorf("shown twice: %v", got)
	}
	if trouble := p.f.Recount(); trouble != "" {
		t.Error(trouble)
	}
	if got := show(childA+12, "2100"); got != Overfill {
		t.Errorf("more than the parent shown: %v", got)
	}
	p.latch.Release(Scope{})
	if _, got := p.s.Out(p.now, []byte(wrap(p.orderText(childA+20))), Said{}); got != Overfill {
		t.Errorf("firm beyond what is left: %v", got)
	}
}

// TestReplacesStayAsFirmAsTheirOrders: a replace that is conditional where its order is firm, or the
// other way, does not leave.
func TestReplacesStayAsFirmAsTheirOrders(t *testing.T) {
	p := newPair(t)
	p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
	for i := range p.f.cfg.Limits {
		p.f.cfg.Limits[i].MaxQty, p.f.cfg.Limits[i].MaxNotional = 5000, 1<<40
	}
	out := func(text string) Reason {
		p.now += second
		_, why := p.s.Out(p.now, []byte(wrap(text)), Said{})
		p.latch.Release(Scope{})
		if trouble := p.f.Recount(); trouble != "" {
			t.Errorf("%s: %s", text, trouble)
		}
		return why
	}
	firm := p.orderText(childA)
	idle := strings.Replace(p.orderText(childA+1), "38=300", "8002=0|38=300", 1)
	if a, b := out(firm), out(idle); a != Clear || b != Clear {
		t.Fatal(a, b)
	}
	for i, c := range []struct {
		orig        uint64
		conditional string
		qty         string
		want        Reason
	}{{0, "8002=0|", "2000", UnknownParent}, {1, "", "2000", UnknownParent}, {1, "8002=0|", "400", Clear}, {0, "", "400", Clear}} {
		text := strings.NewReplacer("35=D", "35=G", "38=300", fmt.Sprintf("41=%d|%s38=%s", childA+c.orig, c.conditional, c.qty)).
			Replace(p.orderText(childA + 10 + uint64(i)))
		if why := out(text); why != c.want {
			t.Errorf("%s: %v, want %v", text, why, c.want)
		}
	}
}
