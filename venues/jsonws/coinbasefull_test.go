package jsonws

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"penstock/event"
)

func fullVenue() venue { return venues[5] }

func TestFullTellsOrders(t *testing.T) {
	v := fullVenue()
	d, c := sampled(t, v)
	for _, m := range v.samples[:3] {
		receive(t, d, 1, m)
	}
	expect(t, c.took()) // kept until the snapshot
	for i, want := range []string{
		"clear 1 more\nadd 1 #9919 buy 19950x250000000 more\nadd 1 #9db5 buy 19900x100000000 more\n" +
			"add 1 #a0bb sell 20100x50000000 more\nadd 1 #6c56 sell 20020x100000000 more\nstatus 1 LIVE snapshot complete",
		"execute 1 #6c56 sell 20020x25000000 more\ntrade 1 buy 20020x25000000",
		"reduce 1 #9919 buy 19950x50000000",
		"delete 1 #a0bb sell 20100x50000000 more\nadd 1 #a0bb sell 20150x75000000",
		"delete 1 #9db5 buy 19900x100000000",
		"", "",
		"execute 1 #6c56 sell 20020x75000000 more\ntrade 1 buy 20020x75000000",
	} {
		receive(t, d, 2, v.samples[3+i])
		expect(t, c.took(), strings.Split(want, "\n")...)
	}
	f := d.(fullWithSnapshots)
	if s := f.Stats(); s.Scanned != 7 || s.Gaps+s.Absurd+s.Malformed != 0 || !f.books.all[0].confirmed || f.orders.n != 2 {
		t.Fatalf("%+v, %d orders", s, f.orders.n)
	}
	// The maker's order is gone: the done that follows concerns nothing.
	receive(t, d, 3, `{"type":"done","product_id":"BTC-USD","sequence":17,"order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","reason":"filled"}`)
	expect(t, c.took())
}

// liveFull has taken the samples, sequence 16 last.
func liveFull(t *testing.T) (fullWithSnapshots, *collect) {
	v := fullVenue()
	d, c := sampled(t, v)
	for _, m := range v.samples {
		receive(t, d, 1, m)
	}
	c.took()
	return d.(fullWithSnapshots), c
}

func TestFullContradictionsTakeTheBookOut(t *testing.T) {
	const bid = "0e953c31-9bce-4007-978c-302be337b566" // 2 at 199.5
	// The same halves, the other way round, have the same ref.
	const twinOfBid = "978c302b-e337-b566-0e95-3c319bce4007"
	for name, row := range map[string]struct{ fields, want string }{
		"opened twice":     {`"type":"open","order_id":"` + bid + `","price":"1","remaining_size":"1","side":"buy"`, "absurd value"},
		"a shared ref":     {`"type":"open","order_id":"` + twinOfBid + `","price":"1","remaining_size":"1","side":"buy"`, "absurd value"},
		"done of its twin": {`"type":"done","order_id":"` + twinOfBid + `"`, "absurd value"},
		"more than it has": {`"type":"match","maker_order_id":"` + bid + `","price":"199.5","size":"2.1","side":"buy"`, "absurd value"},
		"another price":    {`"type":"match","maker_order_id":"` + bid + `","price":"199.4","size":"1","side":"buy"`, "absurd value"},
		"another side":     {`"type":"match","maker_order_id":"` + bid + `","price":"199.5","size":"1","side":"sell"`, "absurd value"},
		"unknown maker":    {`"type":"match","maker_order_id":"11111111-9bce-4007-978c-302be337b566","price":"199.5","size":"1","side":"buy"`, "absurd value"},
		"change of what":   {`"type":"change","order_id":"` + bid + `"`, "absurd value"},
		"no uuid":          {`"type":"open","order_id":"a","price":"1","remaining_size":"1","side":"buy"`, "malformed message"},
		"too fine":         {`"type":"open","order_id":"11111111-9bce-4007-978c-302be337b566","price":"1.001","remaining_size":"1","side":"buy"`, "absurd value"},
	} {
		d, c := liveFull(t)
		err := d.Receive(2, []byte(`{`+row.fields+`,"product_id":"BTC-USD","sequence":17}`))
		if got := c.took(); err == nil || got != "status 1 STALE "+row.want {
			t.Errorf("%s: %v: %s", name, err, got)
		}
		if !d.books.all[0].resync {
			t.Errorf("%s: no new snapshot is wanted", name)
		}
	}
}

func TestFullResyncsOverAHole(t *testing.T) {
	open := func(sequence int) string {
		return fmt.Sprintf(`{"type":"open","product_id":"BTC-USD","sequence":%d,`+
			`"order_id":"00000000-0000-4000-8000-%012d","price":"1","remaining_size":"1","side":"buy"}`, sequence, sequence)
	}
	snapshot := func(sequence int) []byte {
		return fmt.Appendf(nil, `{"sequence":%d,"bids":[],"asks":[]}`, sequence)
	}
	d, c := liveFull(t)
	receive(t, d, 2, open(16)) // old
	expect(t, c.took())
	if err := d.Receive(3, []byte(open(18))); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 1 STALE sequence gap")
	receive(t, d, 4, open(19))
	if err := d.TakeSnapshot(5, "BTC-USD", snapshot(16)); !errors.Is(err, ErrGap) || !d.books.all[0].resync {
		t.Fatal(err)
	}
	expect(t, c.took())
	if err := d.TakeSnapshot(6, "BTC-USD", snapshot(18)); err != nil || d.books.all[0].resync {
		t.Fatal(err)
	}
	expect(t, c.took(), "clear 1 more", "add 1 #8000 buy 100x100000000 more", "status 1 LIVE snapshot complete")
	// A snapshot that is older than the book is of no use.
	if err := d.TakeSnapshot(7, "BTC-USD", snapshot(10)); err != nil {
		t.Fatal(err)
	}
	receive(t, d, 8, open(20))
	expect(t, c.took(), "add 1 #8000 buy 100x100000000")

	// More than can be kept: only a snapshot behind what was given up is taken.
	d.buffered = 3
	d.lose(9, &d.books.all[0], event.ReasonDisconnect)
	expect(t, c.took(), "status 1 STALE disconnected")
	for i := 21; i < 26; i++ {
		receive(t, d, 9, open(i))
	}
	if err := d.TakeSnapshot(9, "BTC-USD", snapshot(22)); !errors.Is(err, ErrGap) || d.Stats().Overflows != 1 {
		t.Fatal(err, d.Stats().Overflows)
	}
	if err := d.TakeSnapshot(9, "BTC-USD", snapshot(23)); err != nil {
		t.Fatal(err)
	}
	if path := string(d.snapshotPath(nil, &d.books.all[0])); path != "/products/BTC-USD/book?level=3" {
		t.Fatal(path)
	}
}

func TestFullDoesNotAllocate(t *testing.T) {
	d, err := NewCoinbaseFull(Config{Symbols: plainSymbols[:1], StallNanos: 1,
		Sink: func(*event.Event) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.TakeSnapshot(1, "BTC-USD", []byte(`{"sequence":1,"bids":[],"asks":[]}`)); err != nil {
		t.Fatal(err)
	}
	const id = `d50ec984-77a8-460a-b958-66f114b0de9b`
	messages := [][]byte{
		[]byte(`{"type":"open","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","sequence":11,"order_id":"` + id + `","price":"200.2","remaining_size":"1.00","side":"sell"}`),
		[]byte(`{"type":"match","trade_id":10,"sequence":12,"maker_order_id":"` + id + `","taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","time":"2014-11-07T08:19:28.028459Z","product_id":"BTC-USD","size":"0.25","price":"200.20","side":"sell"}`),
		[]byte(`{"type":"change","reason":"STP","time":"2014-11-07T08:19:29.028459Z","sequence":13,"order_id":"` + id + `","side":"sell","product_id":"BTC-USD","old_size":"0.75","new_size":"0.5","price":"200.2"}`),
		[]byte(`{"type":"done","time":"2014-11-07T08:19:31.028459Z","product_id":"BTC-USD","sequence":15,"price":"200.2","order_id":"` + id + `","reason":"canceled","side":"sell","remaining_size":"0.5"}`),
	}
	if n := testing.AllocsPerRun(1000, func() {
		for i, m := range messages {
			d.syncs[0].last = []uint64{10, 11, 12, 14}[i]
			if err := d.Receive(2, m); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 || d.Stats().Scanned != d.Stats().Messages-1 {
		t.Fatalf("%v allocations, %+v", n, d.Stats())
	}
}
