package fix

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quickfixgo/quickfix"
)

// report is an ExecutionReport of 24 fields, as a venue sends it.
var report = wrap("FIX.4.4", "35=8|34=12345|49=XLIT|52=20261120-14:30:00.123|56=PENSTOCK|6=100.25|"+
	"11=261120143000000123|14=300|17=X1000000001|30=XLIT|31=100.25|32=300|37=9000001|38=500|39=1|40=2|"+
	"44=100.25|54=1|55=ACME|59=3|60=20261120-14:30:00.122|150=F|151=200|851=2")

func BenchmarkBaseline(b *testing.B) {
	for b.Loop() {
	}
}

// BenchmarkEncodeTemplate is an order through the session: sequence number, time,
// BodyLength and CheckSum included. The clock moves 1 µs an order.
func BenchmarkEncodeTemplate(b *testing.B) {
	s := loggedOn(b, nil)
	t, err := s.NewTemplate(TemplateSpec{MsgType: "D", Static: []Static{{40, "2"}, {54, "1"}, {55, "ACME"},
		{59, "3"}}, TransactTime: true, PriceDecimals: 4})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	now := int64(sampleTime)
	v := Values{ID: 261120143000000123, Qty: 300, Price: 1002500}
	for b.Loop() {
		now += 1000
		v.ID++
		s.SendTemplate(t, now, &v)
		s.Wrote(len(s.Out()))
	}
}

func BenchmarkEncodeWriter(b *testing.B) {
	w := NewWriter("FIX.4.4")
	now := int64(sampleTime)
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		w.Reset()
		writeOrder(w, now)
	}
}

func BenchmarkEncodeQuickfix(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m := quickfix.NewMessage()
		m.Header.SetString(8, "FIX.4.4")
		m.Header.SetString(35, "D")
		m.Header.SetInt(34, 12345)
		m.Header.SetString(49, "PENSTOCK")
		m.Header.SetString(52, "20261120-14:30:00.123")
		m.Header.SetString(56, "XLIT")
		m.Body.SetString(11, "261120143000000123")
		m.Body.SetInt(38, 300)
		m.Body.SetString(40, "2")
		m.Body.SetString(44, "100.25")
		m.Body.SetString(54, "1")
		m.Body.SetString(55, "ACME")
		m.Body.SetString(59, "3")
		m.Body.SetString(60, "20261120-14:30:00.123")
		_ = m.String()
	}
}

// BenchmarkParse is Frame, with checksum, and Parse.
func BenchmarkParse(b *testing.B) {
	var m Message
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := Frame(report); n == 0 || err != nil {
			b.Fatal(err)
		}
		if err := m.Parse(report); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAndRead reads seven fields besides.
func BenchmarkParseAndRead(b *testing.B) {
	var m Message
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	sum := int64(0)
	for b.Loop() {
		if n, err := Frame(report); n == 0 || err != nil {
			b.Fatal(err)
		}
		if err := m.Parse(report); err != nil {
			b.Fatal(err)
		}
		for _, tag := range [...]int{TagClOrdID, TagCumQty, TagLastQty, TagLeavesQty} {
			v, _ := m.Int(tag)
			sum += v
		}
		px, _ := m.Decimal(TagLastPx, 4)
		at, _ := m.Time(TagTransactTime)
		kind, _ := m.Get(TagExecType)
		sum += px + at + int64(kind[0])
	}
}

// BenchmarkNextAndRead is the same with what a session does: one pass for CheckSum and
// SOHs, the order of tags from the message before. The numbers differ each time.
func BenchmarkNextAndRead(b *testing.B) {
	var m Message
	reports := variedReports()
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	sum, i := int64(0), 0
	for b.Loop() {
		r := reports[i&(len(reports)-1)]
		i++
		if n, garbled, parsed := m.Next(r, MaxFrame); n == 0 || garbled != nil || parsed != nil {
			b.Fatal(n, garbled, parsed)
		}
		sum += readSeven(&m)
	}
	if sum == 0 {
		b.Fatal("nothing read")
	}
}

func readSeven(m *Message) int64 {
	id, _ := m.UintAt(SlotClOrdID)
	cum, _ := m.DecimalAt(SlotCumQty, 0)
	last, _ := m.DecimalAt(SlotLastQty, 0)
	leaves, _ := m.DecimalAt(SlotLeavesQty, 0)
	px, _ := m.DecimalAt(SlotLastPx, 4)
	at, _ := m.TimeAt(SlotTransactTime)
	return int64(id) + cum + last + leaves + px + at + int64(m.At(SlotExecType)[0])
}

// variedReports are reports as report, whose numbers have other values and lengths.
func variedReports() (all [][]byte) {
	for i := range 256 {
		last, px := 1+i*37%900, 9000+i*131%2000
		all = append(all, wrap("FIX.4.4", fmt.Sprintf("35=8|34=%d|49=XLIT|52=20261120-14:30:%02d.%03d|56=PENSTOCK|"+
			"6=%d.%02d|11=2611201430%08d|14=%d|17=X1000000%03d|30=XLIT|31=%d.%02d|32=%d|37=9000%03d|38=1000|39=1|40=2|"+
			"44=100.25|54=1|55=ACME|59=3|60=20261120-14:30:%02d.%03d|150=F|151=%d|851=2", 12345+i, i/8%60, i*7%1000,
			px/100, px%100, i*7919, last, i, px/100, px%100, last, i, i/8%60, i*5%1000, 1000-last)))
	}
	return all
}

// BenchmarkParseQuickfix parses into the same message; it checks no CheckSum.
func BenchmarkParseQuickfix(b *testing.B) {
	m := quickfix.NewMessage()
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	for b.Loop() {
		if err := quickfix.ParseMessage(m, bytes.NewBuffer(report)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAndReadQuickfix reads seven fields besides.
func BenchmarkParseAndReadQuickfix(b *testing.B) {
	m := quickfix.NewMessage()
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	sum := 0
	for b.Loop() {
		if err := quickfix.ParseMessage(m, bytes.NewBuffer(report)); err != nil {
			b.Fatal(err)
		}
		for _, tag := range [...]quickfix.Tag{11, 14, 32, 151} {
			v, _ := m.Body.GetInt(tag)
			sum += v
		}
		px, _ := m.Body.GetString(31)
		at, _ := m.Body.GetTime(60)
		kind, _ := m.Body.GetString(150)
		sum += len(px) + at.Nanosecond() + len(kind)
	}
}
