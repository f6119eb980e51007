package bench

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
	"os"
	"strings"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
)

func BenchmarkITCHOld(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("PENSTOCK_ITCH"))
	if err != nil {
		b.Fatal(err)
	}
	var syms []itch.Symbol
	n := 0
	for at := 0; at < len(data); {
		l := int(binary.BigEndian.Uint16(data[at:]))
		if data[at+2] == 'R' {
			syms = append(syms, itch.Symbol{Text: strings.TrimRight(string(data[at+2+11:at+2+19]), " "), ID: market.InstrumentID(len(syms)), PriceDecimals: 4})
		}
		n++
		at += 2 + l
	}
	oo := 1 << 15
	if len(syms) > 8 {
		oo = 1_700_000
	}
	orders := book.NewOrders(oo)
	books := make([]*book.Book, len(syms))
	for i := range books {
		books[i] = book.New(book.Capacity{Levels: 1280}, orders)
	}
	rs := 0
	d, err := itch.NewDecoder(itch.Config{Refs: 1 << 24, Symbols: syms, Sink: func(e *event.Event) bool {
		_, r := books[e.Instrument].Apply(e)
		if r {
			rs++
		}
		return true
	}})
	if err != nil {
		b.Fatal(err)
	}
	d2, _ := itch.NewDecoder(itch.Config{Refs: 1 << 24, Symbols: syms, Sink: func(e *event.Event) bool { return true }})
	pass := func(d *itch.Decoder) float64 {
		at0 := time.Now()
		d.Reset(1)
		d.Live(1)
		for at := 0; at < len(data); {
			l := int(binary.BigEndian.Uint16(data[at:]))
			d.Decode(1, data[at+2:at+2+l])
			at += 2 + l
		}
		return float64(time.Since(at0)) / float64(n)
	}
	if os.Getenv("AB") != "" {
		var x, y []float64
		for range 7 {
			x = append(x, pass(d2))
			y = append(y, pass(d))
		}
		slices.Sort(x)
		slices.Sort(y)
		fmt.Printf("decode only min %.1f med %.1f   all min %.1f med %.1f resyncs %d orders %d\n", x[0], x[3], y[0], y[3], rs, orders.Len())
		return
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(1)
		d.Live(1)
		for at := 0; at < len(data); {
			l := int(binary.BigEndian.Uint16(data[at:]))
			d.Decode(1, data[at+2:at+2+l])
			at += 2 + l
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(n), "ns/msg")
	b.ReportMetric(float64(rs), "resyncs")
}
