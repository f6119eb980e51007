package bench

import (
	"testing"

	"github.com/quickfixgo/quickfix"
)

// BenchmarkStallGarbage measures what one order costs the heap on the clients' side: it is
// read, and a message of its size written, by QuickFIX/Go. See B/op.
func BenchmarkStallGarbage(b *testing.B) {
	text := newOrderText()
	b.ReportAllocs()
	for b.Loop() {
		m := quickfix.NewMessage()
		if err := quickfix.ParseMessage(m, newBuffer(text)); err != nil {
			b.Fatal(err)
		}
		_ = m.String()
	}
}
