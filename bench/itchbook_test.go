package bench

import (
	"encoding/binary"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/hist"
	"penstock/internal/quiet"
	"penstock/internal/tsc"
	"penstock/market"
	"penstock/venues/itch"
)

// packetBytes is what the messages of a datagram may have: an Ethernet frame less the
// headers of IP, UDP and MoldUDP64.
const packetBytes = 1_452

// itchBooks takes a stream through the decoder into the books of one venue.
type itchBooks struct {
	data     []byte
	messages int
	packets  []int // where each ends: whole messages of a datagram
	load     itchLoad
	symbols  int
	books    []*book.Book
	decoder  *itch.Decoder // into the books
	alone    *itch.Decoder // into a sink that only returns
	resyncs  int
	ahead    bool // for messages that come alone as well
}

// newITCHBooks lists what the stream's directory lists.
func newITCHBooks(tb testing.TB, data []byte, load itchLoad) *itchBooks {
	tb.Helper()
	p := &itchBooks{data: data, load: load}
	var symbols []itch.Symbol
	start := 0
	for at := 0; at < len(data); at += 2 + int(binary.BigEndian.Uint16(data[at:])) {
		if m := data[at+2:]; m[0] == 'R' {
			symbols = append(symbols, itch.Symbol{Text: strings.TrimRight(string(m[11:19]), " "),
				ID: market.InstrumentID(len(symbols)), PriceDecimals: 4})
		}
		p.messages++
		if n := len(p.packets); n == 0 || at+2+int(binary.BigEndian.Uint16(data[at:]))-start > packetBytes {
			p.packets = append(p.packets, at)
			start = at
		}
	}
	p.packets = append(p.packets[1:], len(data))
	p.symbols = len(symbols)
	p.renew()
	c := itch.Config{Symbols: symbols}
	var ahead book.Lookahead
	c.Batch = func(events []event.Event) int {
		books := p.books
		if len(events) > 1 || p.ahead {
			ahead.Batch(books, events)
		}
		for i := range events {
			e := &events[i]
			if _, resync := books[e.Instrument].Apply(e); resync {
				p.resyncs++
			}
		}
		return len(events)
	}
	c.Sink = func(e *event.Event) bool {
		if _, resync := p.books[e.Instrument].Apply(e); resync {
			p.resyncs++
		}
		return true
	}
	var err error
	if p.decoder, err = itch.NewDecoder(c); err != nil {
		tb.Fatal(err)
	}
	c.Sink = func(*event.Event) bool { return true }
	c.Batch = func(events []event.Event) int { return len(events) }
	if p.alone, err = itch.NewDecoder(c); err != nil {
		tb.Fatal(err)
	}
	return p
}

// renew makes books that nothing came to yet, in huge pages where the kernel has them.
func (p *itchBooks) renew() quiet.Step {
	p.books = nil
	runtime.GC()
	orders := book.NewOrders(p.load.live * 2)
	for range p.symbols {
		p.books = append(p.books, book.New(book.Capacity{Levels: p.load.levels}, orders))
	}
	return quiet.HugePages()
}

// reset empties the market of a decoder.
func (p *itchBooks) reset(d *itch.Decoder) {
	d.Reset(1)
	d.Live(1)
}

// pass gives the whole stream to a decoder.
func (p *itchBooks) pass(d *itch.Decoder) {
	at := 0
	for _, end := range p.packets {
		d.DecodeBlocks(1, p.data[at:end])
		at = end
	}
}

// latencies gives the stream message by message and returns how long each took, the
// clock's own cost subtracted.
func (p *itchBooks) latencies(clock func() int64, ahead bool) *hist.Latency {
	empty := hist.New()
	for range 10_000 {
		start := clock()
		empty.Record(clock() - start)
	}
	cost := empty.Percentile(50)
	h := hist.New()
	p.ahead = ahead
	defer func() { p.ahead = false }()
	p.renew()
	p.reset(p.decoder)
	for at := 0; at < len(p.data); {
		size := int(binary.BigEndian.Uint16(p.data[at:]))
		start := clock()
		p.decoder.DecodeBlocks(1, p.data[at:at+2+size])
		h.Record(max(clock()-start-cost, 0))
		at += 2 + size
	}
	return h
}

// BenchmarkITCHBook is the time from the bytes of an ITCH message in memory to the
// book of its instrument, the whole stream one after the other: an op is a pass over new books. Messages
// come as datagrams have them, and the books lie in huge pages, as in penstock run.
//
//	ns/msg          of the whole: decoder, event, book; least: of the fastest pass
//	decode-ns/msg   of the decoder into a sink that only returns, its fastest pass in the same run
//	p50-ns …        of single messages, in a pass of its own; ahead-: each with the look-ahead of one
//
// PENSTOCK_ITCH names a file of messages, each behind its length, to take instead
// of the streams made here; its name should hold "full" for a whole market.
func BenchmarkITCHBook(b *testing.B) {
	if path := os.Getenv("PENSTOCK_ITCH"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		load := hotLoad
		if strings.Contains(path, "full") {
			load = fullLoad
		}
		b.Run("file", func(b *testing.B) { benchmarkITCHBook(b, data, load) })
		return
	}
	for _, load := range []itchLoad{hotLoad, fullLoad} {
		b.Run(load.name, func(b *testing.B) { benchmarkITCHBook(b, makeITCH(load, 1, 3_000_000).data, load) })
	}
}

func benchmarkITCHBook(b *testing.B, data []byte, load itchLoad) {
	p := newITCHBooks(b, data, load)
	if step := p.renew(); step.Err != nil {
		b.Log(step.Err)
	}
	p.reset(p.decoder)
	p.pass(p.decoder)
	passes, alone, least := 0, time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		p.renew()
		p.reset(p.decoder)
		p.reset(p.alone)
		start := time.Now()
		p.pass(p.alone)
		alone = min(alone, time.Since(start))
		b.StartTimer()
		start = time.Now()
		p.pass(p.decoder)
		least = min(least, time.Since(start))
		passes++
	}
	if p.resyncs != 0 {
		b.Fatalf("%d books were refused", p.resyncs)
	}
	all := float64(passes * p.messages)
	b.ReportMetric(float64(b.Elapsed())/all, "ns/msg")
	b.ReportMetric(float64(least)/float64(p.messages), "least-ns/msg")
	b.ReportMetric(float64(alone)/float64(p.messages), "decode-ns/msg")
	b.ReportMetric(all/b.Elapsed().Seconds()/1e6, "Mmsg/s")
	clock := func() int64 { return time.Now().UnixNano() }
	if c, err := tsc.New(); err == nil {
		clock = c.Now
	}
	for prefix, ahead := range map[string]bool{"": false, "ahead-": true} {
		h := p.latencies(clock, ahead)
		for _, q := range percentiles[:4] {
			b.ReportMetric(float64(h.Percentile(q.percent)), prefix+q.name)
		}
	}
}
