package bench

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/shopspring/decimal"
	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/hist"
	"penstock/market"
)

// peerOrders makes the same orders in two ways: each has another number, quantity, price
// and time.
type peerOrders struct {
	venue *orderDesk
	cmd   event.Command
	now   int64
	n     int
}

func newPeerOrders(d *desk) *peerOrders {
	return &peerOrders{venue: &d.venues[0], now: d.now, cmd: event.Command{Kind: event.SendOrder,
		Parent: d.core.Parents()[0].Number, Child: 217_000_000_000_000_001, Side: market.Buy, TIF: market.TIFIOC}}
}

func (p *peerOrders) next() {
	p.n++
	p.now += 20_000
	p.cmd.Child++
	p.cmd.Qty = market.Qty(100 + p.n*37%9000)
	cents := 9000 + p.n*131%2000
	if cents%10 == 0 {
		cents++ // both write 2 decimals then
	}
	p.cmd.Price = market.Price(cents * 100)
}

func (p *peerOrders) ours() []byte {
	p.next()
	if err := p.venue.encode(p.now, &p.cmd); err != nil {
		panic(err)
	}
	out := p.venue.session.Out()
	p.venue.session.Wrote(len(out))
	return out
}

// quickfix is the same with quickfix: the header as its session fills it, the fields as its
// generated packages set them.
func (p *peerOrders) quickfix() string {
	p.next()
	now := time.Unix(0, p.now).UTC()
	m := quickfix.NewMessage()
	h, b := &m.Header.FieldMap, &m.Body.FieldMap
	h.SetField(8, quickfix.FIXString("FIX.4.4"))
	h.SetField(35, quickfix.FIXString("D"))
	h.SetField(34, quickfix.FIXInt(int(p.venue.session.NextOut())))
	h.SetField(49, quickfix.FIXString("PENSTOCK"))
	h.SetField(52, quickfix.FIXUTCTimestamp{Time: now})
	h.SetField(56, quickfix.FIXString("VENUE"))
	b.SetField(11, quickfix.FIXString(strconv.FormatUint(p.cmd.Child, 10)))
	b.SetField(38, quickfix.FIXDecimal{Decimal: decimal.New(int64(p.cmd.Qty), 0)})
	b.SetField(40, quickfix.FIXString("2"))
	b.SetField(44, quickfix.FIXDecimal{Decimal: decimal.New(int64(p.cmd.Price), -4), Scale: 2})
	b.SetField(54, quickfix.FIXString("1"))
	b.SetField(55, quickfix.FIXString("N0"))
	b.SetField(59, quickfix.FIXString("3"))
	b.SetField(60, quickfix.FIXUTCTimestamp{Time: now})
	b.SetField(526, quickfix.FIXString(strconv.FormatUint(p.cmd.Parent, 10)))
	return m.String()
}

// peerReports are what a venue says of 64 orders by turns: taken, filled in part, filled or
// cancelled; every number differs.
type peerReports struct {
	frames [][]byte
	at     int
	m      fix.Message
}

func newPeerReports() *peerReports {
	p := &peerReports{}
	w := fix.NewWriter("FIX.4.4")
	for i := range 256 {
		order, step := i/4*7919, i%4
		qty, cents := 1000+i/4*100, 9000+i*131%2000
		part := 1 + i*37%900
		at := fmt.Sprintf("20261120-14:30:%02d.%03d", i/8, i*7%1000)
		kind, status, cum, last := "0", "0", 0, 0
		switch {
		case step == 1:
			kind, status, cum, last = "F", "1", part, part
		case step == 2:
			kind, status, cum, last = "F", "1", qty-50, part
		case step == 3 && i/4%2 == 0:
			kind, status, cum, last = "F", "2", qty, 50
		case step == 3:
			kind, status, cum = "4", "4", qty-50
		}
		leaves := qty - cum
		if kind == "4" {
			leaves = 0
		}
		w.Begin("8")
		w.Int(34, int64(12345+i))
		w.Str(49, "XLIT")
		w.Str(52, at)
		w.Str(56, "PENSTOCK")
		w.Str(6, fmt.Sprintf("%d.%02d", cents/100, cents%100))
		w.Str(11, fmt.Sprintf("2611201430%08d", order))
		w.Int(14, int64(cum))
		w.Str(17, fmt.Sprintf("X1000000%03d", i))
		if kind == "F" {
			w.Str(30, "XLIT")
			w.Str(31, fmt.Sprintf("%d.%02d", cents/100, cents%100))
			w.Int(32, int64(last))
		}
		w.Str(37, fmt.Sprintf("9%06d", order%1e6))
		w.Int(38, int64(qty))
		w.Str(39, status)
		w.Str(40, "2")
		w.Str(44, "110.25")
		w.Str(54, "1")
		w.Str(55, "ACME")
		w.Str(59, "0")
		w.Str(60, at)
		w.Str(150, kind)
		w.Int(151, int64(leaves))
		if kind == "F" {
			w.Str(851, "2")
		}
		out, err := w.Finish()
		if err != nil {
			panic(err)
		}
		p.frames = append(p.frames, bytes.Clone(out))
		w.Reset()
	}
	return p
}

func (p *peerReports) next() []byte {
	p.at++
	return p.frames[p.at%len(p.frames)]
}

func (p *peerReports) ours(frame []byte) (sum int64) {
	m := &p.m
	if n, garbled, parsed := m.Next(frame, fix.MaxFrame); n == 0 || garbled != nil || parsed != nil {
		panic(fmt.Sprint(n, garbled, parsed))
	}
	kind := m.At(fix.SlotExecType)[0]
	id, _ := m.UintAt(fix.SlotClOrdID)
	cum, _ := m.DecimalAt(fix.SlotCumQty, 0)
	leaves, _ := m.DecimalAt(fix.SlotLeavesQty, 0)
	at, _ := m.TimeAt(fix.SlotTransactTime)
	sum = int64(kind) + int64(id) + cum + leaves + at
	if kind == 'F' {
		last, _ := m.DecimalAt(fix.SlotLastQty, 0)
		px, _ := m.DecimalAt(fix.SlotLastPx, 4)
		sum += last + px
	}
	return sum
}

// readQuickfix is the same with quickfix, whose session makes a new Message for each that
// comes in. Quantities are read as ints, which costs it less than the decimals of its generated
// packages.
func readQuickfix(frame []byte) (sum int64) {
	m := quickfix.NewMessage()
	if err := quickfix.ParseMessage(m, bytes.NewBuffer(frame)); err != nil {
		panic(err)
	}
	kind, _ := m.Body.GetString(150)
	id, _ := m.Body.GetInt(11)
	cum, _ := m.Body.GetInt(14)
	leaves, _ := m.Body.GetInt(151)
	at, _ := m.Body.GetTime(60)
	sum = int64(kind[0]) + int64(id) + int64(cum) + int64(leaves) + at.UnixNano()
	if kind == "F" {
		last, _ := m.Body.GetInt(32)
		var px quickfix.FIXDecimal
		if err := m.Body.GetField(31, &px); err != nil {
			panic(err)
		}
		sum += int64(last) + px.Shift(4).IntPart()
	}
	return sum
}

// BenchmarkPeers is the same work done by what a Go user would otherwise take, by
// turns in one run: x is how many times as long the peer takes.
func BenchmarkPeers(b *testing.B) {
	d := newDesk(b, itchFeeds(1, 1, 1000, 8), deskOptions{parents: 1, maxChildren: 1000})
	orders, reports := newPeerOrders(d), newPeerReports()
	var json fastjson.Parser
	decoder := jsonStage(b)
	for _, c := range []struct {
		name       string
		ours, peer func()
	}{
		{"NewOrderSingle by quickfix", func() { orders.ours() }, func() { orders.quickfix() }},
		{"ExecutionReport by quickfix", func() { reports.ours(reports.next()) }, func() { readQuickfix(reports.next()) }},
		{"Binance ticker by fastjson", decoder, func() {
			v, err := json.ParseBytes(jsonMessage)
			if err != nil {
				panic(err)
			}
			data := v.Get("data")
			for _, name := range []string{"b", "B", "a", "A"} {
				market.ParseDecimal(data.GetStringBytes(name), 6)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			a, p := hist.New(), hist.New()
			batch := func(h *hist.Latency, n int, f func()) {
				start := readClock()
				for range n {
					f()
				}
				h.Record((readClock() - start) * 10 / int64(n))
			}
			for b.Loop() {
				batch(a, 100, c.ours)
				batch(p, 20, c.peer)
			}
			b.ReportMetric(float64(a.Percentile(50))/10, "ours-ns")
			b.ReportMetric(float64(p.Percentile(50))/10, "peer-ns")
			b.ReportMetric(float64(p.Percentile(50))/float64(a.Percentile(50)), "x")
		})
	}
}

// fieldsOf are the fields of a message in the order of their tags, without BodyLength and CheckSum.
func fieldsOf(frame string) (fields []string) {
	for f := range strings.SplitSeq(frame, "\x01") {
		if !strings.HasPrefix(f, "9=") && !strings.HasPrefix(f, "10=") {
			fields = append(fields, f)
		}
	}
	slices.Sort(fields)
	return fields
}

// TestPeersDoTheSameWork compares what both write and read, and bounds the ratio from below
// with much slack: it compares two times of one run.
func TestPeersDoTheSameWork(t *testing.T) {
	reports := newPeerReports()
	for _, frame := range reports.frames {
		if a, b := reports.ours(frame), readQuickfix(frame); a != b || a == 0 {
			t.Fatalf("%q: we read %d, quickfix %d", frame, a, b)
		}
	}
	d := newDesk(t, itchFeeds(1, 1, 1000, 8), deskOptions{parents: 1, maxChildren: 1000})
	orders := newPeerOrders(d)
	for range 100 {
		twin := *orders
		theirs := twin.quickfix()
		if ours := string(orders.ours()); !slices.Equal(fieldsOf(ours), fieldsOf(theirs)) || len(ours) != len(theirs) {
			t.Fatalf("ours %q\nquickfix %q", ours, theirs)
		}
	}
	times := func(f func()) int64 {
		best := int64(1 << 62)
		for range 20 {
			start := readClock()
			for range 200 {
				f()
			}
			best = min(best, readClock()-start)
		}
		return best
	}
	if a, b := times(func() { orders.ours() }), times(func() { orders.quickfix() }); b < 20*a {
		t.Errorf("an order takes %d ns, with quickfix %d", a/200, b/200)
	}
	if a, b := times(func() { reports.ours(reports.next()) }), times(func() { readQuickfix(reports.next()) }); b < 5*a {
		t.Errorf("a report takes %d ns, with quickfix %d", a/200, b/200)
	}
}
