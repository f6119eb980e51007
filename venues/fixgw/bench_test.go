package fixgw

import (
	"bytes"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
)

// benchGateway is a gateway without connection: what is measured is the decoder.
func benchGateway(b *testing.B) *Gateway {
	d, _ := DialectByName("sim")
	g, err := New(Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "XLIT",
		HeartBtIntSecs: 30, Dialect: d, Symbols: testSymbols,
		Sink: func(*event.Event) bool { return true }})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// BenchmarkReportToEvent is an ExecutionReport from bytes with CheckSum to event.
func BenchmarkReportToEvent(b *testing.B) {
	g := benchGateway(b)
	frame := wrap("35=8|34=12345|49=XLIT|52=20261120-14:30:00.123|56=SOR|" + fill(1, 100))
	var m fix.Message
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if n, garbled, parsed := m.Next(frame, fix.MaxFrame); n == 0 || garbled != nil || parsed != nil {
			b.Fatal(garbled, parsed)
		}
		g.onMessage(&m, 1)
	}
	if g.stats.Malformed != 0 {
		b.Fatal(g.stats.LastMalformed)
	}
}

// BenchmarkQuoteToEvent is a Quote from bytes with CheckSum to event.
func BenchmarkQuoteToEvent(b *testing.B) {
	g := benchGateway(b)
	frame := wrap("35=S|34=12345|49=XLIT|52=20261120-14:30:00.123|56=SOR|" + quote)
	var m fix.Message
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if n, garbled, parsed := m.Next(frame, fix.MaxFrame); n == 0 || garbled != nil || parsed != nil {
			b.Fatal(garbled, parsed)
		}
		g.onMessage(&m, 1)
	}
	if g.stats.Malformed != 0 || g.stats.Quotes == 0 {
		b.Fatal(g.stats.LastMalformed)
	}
}

// BenchmarkReportToEventQuickfix reads the same fields with quickfix, as text.
func BenchmarkReportToEventQuickfix(b *testing.B) {
	frame := wrap("35=8|34=12345|49=XLIT|52=20261120-14:30:00.123|56=SOR|" + fill(1, 100))
	m := quickfix.NewMessage()
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := quickfix.ParseMessage(m, bytes.NewBuffer(frame)); err != nil {
			b.Fatal(err)
		}
		for _, tag := range [...]quickfix.Tag{11, 14, 17, 31, 32, 38, 39, 44, 54, 55, 150, 151, 851} {
			v, _ := m.Body.GetString(tag)
			n += len(v)
		}
		at, _ := m.Body.GetTime(60)
		n += at.Nanosecond()
	}
}
