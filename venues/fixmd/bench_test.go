package fixmd

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
)

// benchX is an X with n entries as quickfix would build it.
func benchX(n int) []byte {
	body := fmt.Sprintf("35=X|34=8|49=VENUE|52=20261120-14:30:00.123|56=SOR|262=r1|268=%d", n)
	for i := range n {
		body += fmt.Sprintf("|279=1|269=0|55=ACME|270=9.%02d|271=%d", 99-i, 100+i)
	}
	return wrap(body)
}

func BenchmarkIncremental(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		msg := benchX(n)
		b.Run(fmt.Sprintf("%d-entries", n), func(b *testing.B) {
			d, _ := decoder(b, "generic44", func(c *Config) { c.Sink = func(*event.Event) bool { return true } })
			if err := d.Receive(1, frame("35=W|55=ACME|268=1|269=1|270=11|271=5")); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				d.applied = 0
				if err := d.Receive(1, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIncrementalSession leaves out what the session does: checksum and fields.
func BenchmarkIncrementalSession(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprintf("%d-entries", n), func(b *testing.B) {
			d, _ := decoder(b, "generic44", func(c *Config) { c.Sink = func(*event.Event) bool { return true } })
			if err := d.Receive(1, frame("35=W|55=ACME|268=1|269=1|270=11|271=5")); err != nil {
				b.Fatal(err)
			}
			var m fix.Message
			if err := m.Parse(benchX(n)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := d.take(1, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIncrementalQuickfix parses the same message and reads the group as text;
// it does not make numbers of it.
func BenchmarkIncrementalQuickfix(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		msg := benchX(n)
		b.Run(fmt.Sprintf("%d-entries", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				m := quickfix.NewMessage()
				if err := quickfix.ParseMessage(m, bytes.NewBuffer(msg)); err != nil {
					b.Fatal(err)
				}
				g := quickfix.NewRepeatingGroup(268, qfTemplate())
				if err := m.Body.GetGroup(g); err != nil || g.Len() != n {
					b.Fatal(g.Len(), err)
				}
			}
		})
	}
}
