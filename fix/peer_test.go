package fix

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/shopspring/decimal"
)

// What a Go user would otherwise take does the same work by turns in one run, with the
// collector as Go sets it. Every message is a new one with other numbers.
//
//	typed  as the generated packages do it: a field type for each field, decimals for
//	       prices and quantities, time.Time for times
//	lean   text and ints, the cheapest calls that quickfix has; for reports the message
//	       is used again, which only code below its session can do

// typedOrder is quickfix's NewOrderSingle, header and all.
func typedOrder(seq int, id string, qty, price decimal.Decimal, now time.Time) string {
	m := quickfix.NewMessage()
	h := &m.Header.FieldMap
	h.SetField(8, quickfix.FIXString("FIX.4.4"))
	h.SetField(35, quickfix.FIXString("D"))
	h.SetField(34, quickfix.FIXInt(seq))
	h.SetField(49, quickfix.FIXString("SOR"))
	h.SetField(52, quickfix.FIXUTCTimestamp{Time: now})
	h.SetField(56, quickfix.FIXString("XLIT"))
	b := &m.Body.FieldMap
	b.SetField(11, quickfix.FIXString(id))
	b.SetField(38, quickfix.FIXDecimal{Decimal: qty})
	b.SetField(40, quickfix.FIXString("2"))
	b.SetField(44, quickfix.FIXDecimal{Decimal: price, Scale: 2})
	b.SetField(54, quickfix.FIXString("1"))
	b.SetField(55, quickfix.FIXString("ACME"))
	b.SetField(59, quickfix.FIXString("3"))
	b.SetField(60, quickfix.FIXUTCTimestamp{Time: now})
	return m.String()
}

func leanOrder(seq int, id string, qty int, price, now string) string {
	m := quickfix.NewMessage()
	m.Header.SetString(8, "FIX.4.4").SetString(35, "D").SetInt(34, seq).SetString(49, "SOR")
	m.Header.SetString(52, now).SetString(56, "XLIT")
	m.Body.SetString(11, id).SetInt(38, qty).SetString(40, "2").SetString(44, price)
	m.Body.SetString(54, "1").SetString(55, "ACME").SetString(59, "3").SetString(60, now)
	return m.String()
}

func typedReport(frame []byte) (sum int64) {
	m := quickfix.NewMessage()
	if err := quickfix.ParseMessage(m, bytes.NewBuffer(frame)); err != nil {
		panic(err)
	}
	var id, kind quickfix.FIXString
	var cum, last, leaves, px quickfix.FIXDecimal
	var at quickfix.FIXUTCTimestamp
	b := &m.Body.FieldMap
	for _, err := range []error{b.GetField(11, &id), b.GetField(14, &cum), b.GetField(32, &last),
		b.GetField(151, &leaves), b.GetField(31, &px), b.GetField(60, &at), b.GetField(150, &kind)} {
		if err != nil {
			panic(err)
		}
	}
	n, _ := ParseInt([]byte(id))
	return n + cum.IntPart() + last.IntPart() + leaves.IntPart() + px.Shift(4).IntPart() + at.UnixNano() + int64(kind[0])
}

func leanReport(m *quickfix.Message, frame []byte) (sum int64) {
	if err := quickfix.ParseMessage(m, bytes.NewBuffer(frame)); err != nil {
		panic(err)
	}
	for _, tag := range [...]quickfix.Tag{11, 14, 32, 151} {
		v, _ := m.Body.GetInt(tag)
		sum += int64(v)
	}
	px, _ := m.Body.GetString(31)
	at, _ := m.Body.GetTime(60)
	kind, _ := m.Body.GetString(150)
	p, _ := decimal.NewFromString(px)
	return sum + p.Shift(4).IntPart() + at.UnixNano() + int64(kind[0])
}

// orderRig makes the same orders in the three ways.
type orderRig struct {
	s    *Session
	t    *Template
	now  int64
	n    int
	text Stamp
}

func newOrderRig(t testing.TB) *orderRig {
	r := &orderRig{s: loggedOn(t, nil), now: sampleTime}
	var err error
	r.t, err = r.s.NewTemplate(TemplateSpec{MsgType: "D", Static: []Static{{40, "2"}, {54, "1"}, {55, "ACME"},
		{59, "3"}}, TransactTime: true, PriceDecimals: 4})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// next moves to the next order: 20 µs later, another price and quantity.
func (r *orderRig) next() (id uint64, qty, price int64) {
	r.n++
	r.now += 20_000
	cents := 9000 + r.n*131%2000
	if cents%10 == 0 {
		cents++ // both write 2 decimals then
	}
	return 261120143000000000 + uint64(r.n), int64(100 + r.n*37%9000), int64(cents) * 100
}

func (r *orderRig) ours() []byte {
	id, qty, price := r.next()
	if err := r.s.SendTemplate(r.t, r.now, &Values{ID: id, Qty: qty, Price: price}); err != nil {
		panic(err)
	}
	out := r.s.Out()
	r.s.Wrote(len(out))
	return out
}

func (r *orderRig) typed() string {
	id, qty, price := r.next()
	return typedOrder(int(r.s.NextOut()), string(appendUint(nil, id)), decimal.New(qty, 0), decimal.New(price, -4),
		time.Unix(0, r.now).UTC())
}

func (r *orderRig) lean() string {
	id, qty, price := r.next()
	return leanOrder(int(r.s.NextOut()), string(appendUint(nil, id)), int(qty), fmt.Sprintf("%d.%02d", price/10000, price/100%100),
		string(r.text.Append(nil, r.now)))
}

// byTurns measures ours and others in short turns and reports medians and ratios.
func byTurns(b *testing.B, ours func(), others map[string]func()) {
	names := []string{"typed", "lean"}
	times := map[string][]float64{}
	turn := func(name string, n int, f func()) {
		start := time.Now()
		for range n {
			f()
		}
		times[name] = append(times[name], float64(time.Since(start).Nanoseconds())/float64(n))
	}
	for b.Loop() {
		turn("ours", 2000, ours)
		for _, name := range names {
			turn(name, 200, others[name])
		}
	}
	median := func(name string) float64 {
		slices.Sort(times[name])
		return times[name][len(times[name])/2]
	}
	b.ReportMetric(median("ours"), "ours-ns")
	for _, name := range names {
		b.ReportMetric(median(name), name+"-ns")
		b.ReportMetric(median(name)/median("ours"), "x-"+name)
	}
}

func BenchmarkPeers(b *testing.B) {
	b.Run("NewOrderSingle", func(b *testing.B) {
		r := newOrderRig(b)
		byTurns(b, func() { r.ours() }, map[string]func(){"typed": func() { r.typed() }, "lean": func() { r.lean() }})
	})
	b.Run("ExecutionReport", func(b *testing.B) {
		var m Message
		peer := quickfix.NewMessage()
		reports, i := variedReports(), 0
		next := func() []byte { i++; return reports[i%len(reports)] }
		byTurns(b, func() {
			m.Next(next(), MaxFrame)
			readSeven(&m)
		}, map[string]func(){"typed": func() { typedReport(next()) }, "lean": func() { leanReport(peer, next()) }})
	})
}

// TestPeersDoTheSameWork compares bytes and values, and bounds the ratios from below with
// much slack: they compare times of one run.
func TestPeersDoTheSameWork(t *testing.T) {
	r := newOrderRig(t)
	for range 100 {
		before := *r
		before.s = r.s
		seq := r.s.nextOut
		ours := string(r.ours())
		r.s.nextOut = seq
		typed, lean := before, before
		for _, got := range []string{typed.typed(), lean.lean()} {
			if comparable(got) != comparable(ours) || len(got) != len(ours) {
				t.Fatalf("ours %s\npeer %s", readable([]byte(ours)), readable([]byte(got)))
			}
		}
		r.s.nextOut = seq + 1
	}
	var m Message
	peer := quickfix.NewMessage()
	for _, frame := range variedReports() {
		if _, garbled, parsed := m.Next(frame, MaxFrame); garbled != nil || parsed != nil {
			t.Fatal(garbled, parsed)
		}
		if a, b, c := readSeven(&m), typedReport(frame), leanReport(peer, frame); a != b || a != c {
			t.Fatalf("%s: we read %d, quickfix %d and %d", readable(frame), a, b, c)
		}
	}
	if testing.Short() {
		return // as under the race detector, where a time says nothing
	}
	best := func(f func()) time.Duration {
		least := time.Hour
		for range 20 {
			start := time.Now()
			for range 100 {
				f()
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	if a, b := best(func() { r.ours() }), best(func() { r.typed() }); b < 20*a {
		t.Errorf("an order takes %d ns, with quickfix %d", a/100, b/100)
	}
	frame := variedReports()[0]
	if a, b := best(func() { m.Next(frame, MaxFrame); readSeven(&m) }), best(func() { typedReport(frame) }); b < 5*a {
		t.Errorf("a report takes %d ns, with quickfix %d", a/100, b/100)
	}
}
