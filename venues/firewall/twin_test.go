package firewall

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"penstock/fix"
	"penstock/market"
)

// twin is the readable firewall: text split at SOH, maps, sums made anew for every order.
type twin struct {
	limits   []Limits
	credit   market.Money
	room     int
	orders   map[uint64]*Order // by parent's number
	children map[uint64]*twinChild
	bySeq    map[uint64]uint64
	killed   bool
	sent     []int64 // times of messages
	rate     int
	beyond   map[uint64]market.Qty // by parent: executed without being open
	excuses  map[uint64]int
}

type twinChild struct {
	parent   uint64
	qty, cum market.Qty
	price    market.Price
	open     bool
	acked    bool
}

func (c *twinChild) left() market.Qty {
	if c.open && c.qty > c.cum {
		return c.qty - c.cum
	}
	return 0
}

// out judges one whole message.
func (w *twin) out(now int64, msg string) Reason {
	why := w.judge(now, msg)
	if why != Clear && why != Killed && why != Late {
		w.killed = true
	}
	return why
}

func (w *twin) judge(now int64, msg string) Reason {
	head, rest, ok := strings.Cut(msg, "\x01")
	length, body, ok2 := strings.Cut(rest, "\x01")
	n, err := strconv.Atoi(strings.TrimPrefix(length, "9="))
	if head != "8=FIX.4.4" || !ok || !ok2 || !strings.HasPrefix(length, "9=") || err != nil ||
		strings.ContainsAny(length, "+-") || n < 5 || n+trailer != len(body) || body[n-1] != 1 ||
		!strings.HasPrefix(body[n:], "10=") || body[len(body)-1] != 1 {
		return Malformed
	}
	body = body[:n]
	if kind, rest, _ := strings.Cut(body, "\x01"); kind == "35=AF" {
		return Clear
	} else if kind == "35=AJ" && strings.Count("\x01"+rest, "\x01694=") == 1 &&
		(strings.Contains("\x01"+rest, "\x01694=6\x01") || strings.Contains("\x01"+rest, "\x01694=3\x01")) {
		return Clear
	}
	if body[:3] != "35=" || body[4] != 1 || !strings.Contains("012345AHRjDFG", body[3:4]) {
		return Unsupported
	}
	switch body[3] {
	case 'F':
		w.sent = append(w.sent, now)
		return Clear
	case 'D', 'G':
	default:
		return Clear
	}
	fields := map[string]string{}
	for _, f := range strings.Split(strings.TrimSuffix(body[5:], "\x01"), "\x01") {
		tag, value, ok := strings.Cut(f, "=")
		if tag == "1138" { // the same as MaxFloor(111)
			tag = "111"
		}
		if t, err := strconv.ParseUint(tag, 10, 32); !ok || err != nil || value == "" || tag[0] == '0' || t > 99999 {
			return Malformed
		}
		if _, twice := fields[tag]; twice && strings.Contains(" 11 41 34 55 54 40 38 44 59 111 526 5700 ", " "+tag+" ") {
			return Malformed
		}
		fields[tag] = value
	}
	for _, tag := range []string{"11", "34", "55", "54", "40", "38"} {
		if fields[tag] == "" {
			return Malformed
		}
	}
	return w.order(now, body[3], fields)
}

func twinID(text string) uint64 {
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || len(text) > 18 || text[0] == '0' || text[0] == '+' {
		return 0
	}
	return v
}

// twinDecimal reads a decimal of at most 18 digits with the decimals, 0 when it is none.
func twinDecimal(text string, decimals uint8) (int64, bool) {
	whole, _, _ := strings.Cut(text, ".")
	v, err := market.ParseDecimal([]byte(text), decimals)
	return v, err == nil && whole != "" && text[0] != '-' && len(whole)+int(decimals) <= 18
}

func (w *twin) order(now int64, kind byte, fields map[string]string) Reason {
	id := twinID(fields["11"])
	if id == 0 {
		return Malformed
	}
	parent := twinID(fields["526"])
	var replaces *twinChild
	if kind == 'G' {
		if replaces = w.children[twinID(fields["41"])]; replaces == nil || !replaces.open {
			return UnknownParent
		}
		parent = replaces.parent
	} else if w.children[id] != nil {
		return Duplicate
	}
	o := w.orders[parent]
	if o == nil {
		return UnknownParent
	}
	if w.killed {
		return Killed
	}
	sym := testSymbols[o.Instrument]
	l := w.limits[o.Instrument]
	if fields["55"] != sym.Text {
		return WrongSymbol
	}
	side, mark := fields["54"][0], market.Long
	if side == '5' || side == '6' {
		side, mark = '2', market.Mark(side)
	}
	if side != byte(o.Side) {
		return WrongSide
	}
	if mark != o.Mark {
		return ShortMark
	}
	if who, named := fields["5700"]; named && who != strings.TrimRight(string(o.Locate[:]), "\x00") {
		return Locate
	}
	show, okShow := twinDecimal(fields["111"], sym.QtyDecimals)
	if _, shown := fields["111"]; shown && (!okShow || show == 0 || show > int64(market.MaxQty)) {
		return Malformed
	}
	qty, okQty := twinDecimal(fields["38"], sym.QtyDecimals)
	price, okPrice := twinDecimal(fields["44"], sym.PriceDecimals)
	_, priced := fields["44"]
	limited := market.OrdType(fields["40"][0]) != market.OrdMarket
	cost := market.Price(price)
	if !priced {
		cost = l.High
	}
	more := market.Qty(qty)
	if replaces != nil {
		more = max(more-replaces.qty, 0)
	}
	notional, small := cost.Notional(market.Qty(qty))
	var busy market.Qty
	var used market.Money
	for _, c := range w.children {
		if c.parent == parent {
			busy += c.cum + c.left()
		}
		if c == replaces {
			continue
		}
		if c.open {
			used += w.money(c.parent, c.price, max(c.qty, c.cum))
		} else {
			used += w.money(c.parent, c.price, c.cum)
		}
	}
	switch {
	case !okQty || qty > int64(market.MaxQty) || priced && (!okPrice || price <= 0 || price > int64(market.MaxPrice)):
		return Malformed
	case qty <= 0 || market.Qty(qty) > l.MaxQty:
		return Quantity
	case !priced && limited:
		return Malformed
	case priced && (cost < l.Low || cost > l.High):
		return Band
	case o.Limit != 0 && (!priced || o.Side.Better(o.Limit, cost)):
		return Limit
	case !small || notional > l.MaxNotional:
		return Notional
	case busy+more > o.Qty:
		if w.excuses[parent] > 0 && busy+more-w.beyond[parent] <= o.Qty {
			w.excuses[parent]--
			return Late
		}
		return Overfill
	case used+w.added(parent, cost, market.Qty(qty), replaces) > w.credit:
		return Credit
	case replaces == nil && len(w.children) == w.room:
		return Full
	}
	recent := 0
	for _, t := range w.sent {
		if now-t < second {
			recent++
		}
	}
	if recent >= w.rate {
		return Rate
	}
	w.sent = append(w.sent, now)
	if replaces != nil {
		replaces.qty, replaces.price = max(replaces.qty, market.Qty(qty)), max(replaces.price, cost)
		return Clear
	}
	w.children[id] = &twinChild{parent: parent, qty: market.Qty(qty), price: cost, open: true}
	w.bySeq[twinID(fields["34"])] = id
	return Clear
}

// money rounds up what a quantity costs to 1/10,000.
func (w *twin) money(parent uint64, price market.Price, qty market.Qty) market.Money {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(w.limits[w.orders[parent].Instrument].Decimals)), nil)
	n := new(big.Int).Mul(big.NewInt(int64(price)), big.NewInt(int64(qty)))
	n.Mul(n, big.NewInt(10_000)).Add(n, unit).Sub(n, big.NewInt(1))
	return market.Money(n.Div(n, unit).Int64())
}

func (w *twin) added(parent uint64, price market.Price, qty market.Qty, c *twinChild) market.Money {
	if c != nil {
		price, qty = max(price, c.price), max(qty, c.qty, c.cum)
	}
	return w.money(parent, price, qty)
}

// report takes CumQty and whether the venue says that it is over.
func (w *twin) report(id uint64, cum market.Qty, over bool) {
	c := w.children[id]
	if c == nil {
		return
	}
	was, left := c.cum, c.left()
	c.cum = max(c.cum, cum)
	if extra := c.cum - was - (left - c.left()); extra > 0 {
		w.beyond[c.parent] += extra
		w.excuses[c.parent] = 64
	}
	if over && cum == c.cum || c.cum >= c.qty {
		c.open = false
	}
	c.acked = true
}

var testSymbols = []Symbol{{ID: 0, Text: "PSTK", PriceDecimals: 4}, {ID: 1, Text: "BTC-USD", PriceDecimals: 2, QtyDecimals: 4}}

func testLimits() []Limits {
	return []Limits{{MaxQty: 1000, MaxNotional: 400_000_000, Low: 400_000, High: 600_000, Decimals: 4},
		{MaxQty: 50_000, MaxNotional: 1 << 50, Low: 1_000_000, High: 9_000_000, Decimals: 6}}
}

// wrap makes a FIX message of text with | for SOH.
func wrap(text string) string {
	body := strings.ReplaceAll(text, "|", "\x01") + "\x01"
	return fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s10=123\x01", len(body), body)
}

// pair is both firewalls with the same orders.
type pair struct {
	t     testing.TB
	f     *Firewall
	queue []func() // what the firewall has not been told
	s     *Session
	latch Latch
	twin  *twin
	trips []Violation
	seq   uint64
	now   int64
}

const (
	parentA = 261120143000000001
	parentB = 261120143000000002
	rate    = 12
)

func newPair(t testing.TB) *pair {
	p := &pair{t: t, now: 1e18, twin: &twin{beyond: map[uint64]market.Qty{}, excuses: map[uint64]int{}, limits: testLimits(), credit: 2_000_000_000, room: 40, rate: rate,
		orders: map[uint64]*Order{}, children: map[uint64]*twinChild{}, bySeq: map[uint64]uint64{}}}
	var err error
	p.f, err = New(Config{Ask: p.tell, Limits: testLimits(), Credit: []market.Money{1, 2_000_000_000}, MaxParents: 8,
		MaxChildren: 40, Latch: &p.latch, Trip: func(v *Violation) { p.trips = append(p.trips, *v) }})
	if err != nil {
		t.Fatal(err)
	}
	p.s, err = p.f.Session(SessionConfig{Venue: 2, BeginString: "FIX.4.4", ParentTag: fix.TagSecondaryClOrdID,
		Symbols: testSymbols, Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	p.order(parentA, Order{ID: [20]byte{'A'}, Client: 1, Instrument: 0, Side: market.Buy, Qty: 2000, Limit: 500_000, Strategy: 1001})
	p.order(parentB, Order{ID: [20]byte{'B'}, Client: 1, Instrument: 1, Side: market.Sell, Qty: 90_000, Strategy: 1000})
	return p
}

func (p *pair) order(number uint64, o Order) {
	ordered := o
	p.queue = append(p.queue, func() {
		p.f.Ordered(&ordered)
		p.f.Accept(&Accepted{Number: number, Client: ordered.Client, ID: ordered.ID})
	})
	if old := p.twin.orders[number]; old != nil {
		o.Side, o.Strategy = old.Side, old.Strategy
		for _, c := range p.twin.children {
			if c.parent == number {
				o.Qty = max(o.Qty, c.cum)
			}
		}
	}
	p.twin.orders[number] = &o
}

func (p *pair) tell() (any bool) {
	for _, f := range p.queue {
		f()
		any = true
	}
	p.queue = nil
	return any
}

// check compares both on one message.
func (p *pair) check(msg string) Reason {
	p.t.Helper()
	clear, got := p.s.Out(p.now, []byte(msg), Said{})
	p.s.Ready()
	want := p.twin.out(p.now, msg)
	if got != want || (got == Clear) != (clear == len(msg)) {
		p.t.Fatalf("%q: %v and %d bytes clear, the twin %v", msg, got, clear, want)
	}
	if trouble := p.f.Recount(); trouble != "" {
		p.t.Fatal(trouble)
	}
	return got
}

func (p *pair) report(id uint64, cum market.Qty, execType, status byte) {
	p.t.Helper()
	frame := []byte(wrap(fmt.Sprintf("35=8|34=7|11=%d|17=E|55=PSTK|150=%c|39=%c|14=%d|151=0", id, execType, status, cum)))
	var m fix.Message
	if err := m.Parse(frame); err != nil {
		p.t.Fatal(err)
	}
	p.s.In(&m)
	c := p.twin.children[id]
	over := strings.ContainsRune("348C", rune(execType)) || strings.ContainsRune("2348C", rune(status))
	if c != nil && status == '2' && max(c.cum, cum) < c.qty {
		over = false
	}
	p.twin.report(id, cum, over)
	if trouble := p.f.Recount(); trouble != "" {
		p.t.Fatal(trouble)
	}
}

const childA = 261120143000001000

// orderText is an order that every check lets through.
func (p *pair) orderText(id uint64) string {
	p.seq++
	return fmt.Sprintf("35=D|34=%d|49=SOR|52=20261120-14:30:00.123|56=XLIT|11=%d|526=%d|40=2|54=1|55=PSTK|59=3|"+
		"60=20261120-14:30:00.123|38=300|44=49.95", p.seq, id, uint64(parentA))
}

// FuzzFirewall lets both firewalls judge a run of orders, bent by the input, and reports
// of them.
func FuzzFirewall(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 10, 200, 0, 2, 0, 0, 0, 3, 1, 5, 9, 0, 1, 0, 0})
	f.Add([]byte("orders bent in every way that the fuzzer thinks of, again and again and again"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := newPair(t)
		for n := uint64(0); len(in) >= 4 && n < 60; n++ {
			op, x, y := in[0], in[1], binary.LittleEndian.Uint16(in[2:])
			in = in[4:]
			p.now += int64(y) * 1e5
			switch op % 8 {
			case 0, 1:
				p.check(wrap(p.orderText(childA + n)))
			case 2: // another quantity and price
				text := strings.Replace(p.orderText(childA+n), "38=300", fmt.Sprintf("38=%d", y%1100), 1)
				p.check(wrap(strings.Replace(text, "44=49.95", fmt.Sprintf("44=%d.%02d", 39+x%22, x), 1)))
			case 3: // a byte of the body changed
				text := []byte(p.orderText(childA + n))
				text[int(y)%len(text)] = x
				p.check(wrap(string(text)))
			case 4: // a byte of the frame changed
				msg := []byte(wrap(p.orderText(childA + n)))
				msg[int(y)%len(msg)] = x
				p.check(string(msg))
			case 5:
				p.report(childA+uint64(x)%(n+1), market.Qty(y%400), "0F4C38"[x%6], "0124C38"[x%7])
			case 6: // the other parent, or a replace
				text := strings.Replace(p.orderText(childA+n), fmt.Sprint(uint64(parentA)), fmt.Sprint(uint64(parentB)), 1)
				text = strings.NewReplacer("54=1", "54=2", "55=PSTK", "55=BTC-USD", "44=49.95", "44=50000.5").Replace(text)
				if x%2 == 0 {
					text = strings.Replace(p.orderText(childA+n), "35=D", "35=G", 1) + fmt.Sprintf("|41=%d", childA+uint64(y)%(n+1))
				}
				p.check(wrap(text))
			case 7:
				if x%2 == 0 {
					p.latch.Release(Scope{})
					p.twin.killed = false
				} else {
					p.order(parentA, Order{ID: [20]byte{'A', x}, Client: 1, Qty: 1000 + market.Qty(y%3000), Limit: 500_000})
					p.tell()
				}
			}
		}
	})
}
