package fixmd

import (
	"errors"
	"strings"
	"testing"

	"penstock/event"
)

// Samples of every kind of message, built and checksummed by hand.
const (
	sampleW = "8=FIX.4.4|9=133|35=W|34=7|49=VENUE|52=20261120-14:30:00.123|56=SOR|262=r1|55=EUR/USD|268=2|" +
		"269=0|270=1.0851|271=1000000|269=1|270=1.0853|271=2000000|10=073|"
	sampleX = "8=FIX.4.4|9=143|35=X|34=8|49=VENUE|52=20261120-14:30:00.123|56=SOR|262=r1|268=2|279=1|269=0|" +
		"55=EUR/USD|270=1.0851|271=500000|279=2|269=1|55=EUR/USD|270=1.0853|10=200|"
	sampleS = "8=FIX.4.4|9=179|35=S|34=9|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=Q77|537=1|55=EUR/USD|" +
		"132=1.08510|133=1.08530|134=1000000|135=1000000|62=20261120-14:30:00.623|60=20261120-14:30:00.123|10=251|"
	sampleI = "8=FIX.4.4|9=212|35=i|34=10|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=M5|296=1|302=1|304=2|" +
		"295=2|299=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|135=1000000|299=2|55=EUR/USD|132=1.08505|" +
		"133=1.08535|134=5000000|135=0|10=254|"
	sampleZ = "8=FIX.4.4|9=69|35=Z|34=11|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=*|298=4|10=131|"
)

func raw(s string) []byte { return []byte(strings.ReplaceAll(s, "|", "\x01")) }

func TestSamplesBecomeABook(t *testing.T) {
	d, c := decoder(t, "generic44")
	for _, step := range []struct{ msg, book string }{
		{sampleW, "LIVE bid 1085100x100000000 ask 1085300x200000000"},
		{sampleX, "LIVE bid 1085100x50000000 ask"},
	} {
		if err := d.Receive(1, raw(step.msg)); err != nil {
			t.Fatal(err)
		}
		if got := c.book(5).String(); got != step.book {
			t.Errorf("got %s, want %s", got, step.book)
		}
	}
	if e := c.events[0]; e.SrcTime != 1795185000123000000 || e.Venue != 2 || e.RecvTime != 1 ||
		e.Flags != event.More || c.events[len(c.events)-1].Flags != 0 {
		t.Errorf("first event %+v", e)
	}
}

func TestSamplesOfQuotes(t *testing.T) {
	d, c := decoder(t, "quotes")
	for _, msg := range []string{sampleS, sampleI, sampleZ} {
		if err := d.Receive(1, raw(msg)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.events) != 5 {
		t.Fatalf("events %+v", c.events)
	}
	first, band := c.events[1], c.events[2]
	if c.events[0].Until != 1795185000623000000 || c.events[0].ID.String() != "Q77" || first.Flags != event.More ||
		first.Code != 0 || first.LastQty != 100000000 || band.Code != 1 || band.Flags != 0 ||
		band.Qty != 500000000 || band.LastQty != 0 || band.Price != 1085050 {
		t.Errorf("bands %+v %+v", first, band)
	}
	if e := c.events[3]; e.Kind != event.QuoteCancel || d.Stats().Quotes != 5 {
		t.Errorf("cancel %+v", e)
	}
	d, c = decoder(t, "quotes", func(c *Config) { c.Bands = 1 })
	if err := d.Receive(1, raw(sampleI)); err != nil || len(c.events) != 1 || d.Stats().BandsLeft != 1 {
		t.Errorf("%v, %+v, left %d", err, c.events, d.Stats().BandsLeft)
	}
}

func TestPartOfAMassQuoteChangesItsBands(t *testing.T) {
	d, c := decoder(t, "quotes")
	whole := "35=i|117=M1|296=1|302=1|304=2|295=2|299=1|55=ACME|132=10|133=11|134=7|135=8|299=2|132=9|133=12|134=70|135=80"
	for _, step := range []struct {
		msg  string
		want string // quantities of the bids that are told
	}{
		{whole, "7 70"},
		{"35=i|117=M2|296=1|302=1|304=2|295=1|299=2|55=ACME|132=9|133=12|134=50|135=80", "7 50"},
		{"35=i|117=M3|296=1|302=1|304=2|295=1|299=1|55=ACME|132=10|133=11|134=0|135=0", "50"},
		{whole, "7 70"},
		{"35=i|117=M4|296=1|302=1|304=2|295=2|299=1|55=ACME|134=0|135=0|299=2|134=0|135=0", "0"},
	} {
		c.events = nil
		if err := d.Receive(1, frame(step.msg)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range c.events {
			got = append(got, itoa(int64(e.Qty)))
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: got %v, want %s", step.msg, got, step.want)
		}
	}
}

// steps runs messages through a dialect: body → book of ACME after it, or an error.
type step struct {
	body string
	want string
	err  error
}

func runSteps(t *testing.T, d *Decoder, c *collect, steps []step) {
	t.Helper()
	for _, s := range steps {
		err := d.Receive(1, frame(s.body))
		if !errors.Is(err, s.err) || err != nil && s.err == nil {
			t.Errorf("%s: error %v, want %v", s.body, err, s.err)
		}
		if got := c.book(3).String(); got != s.want {
			t.Errorf("%s:\ngot  %s\nwant %s", s.body, got, s.want)
		}
		if c.book(3).more {
			t.Errorf("%s: the book is left between two states", s.body)
		}
	}
}

func TestDialects(t *testing.T) {
	for _, tt := range []struct {
		dialect string
		steps   []step
		stats   func(s *Stats) bool
	}{
		{"generic44", []step{
			{"35=X|262=r1|268=1|279=0|269=0|55=ACME|270=10|271=1", "EMPTY bid ask", nil},
			{"35=W|262=r1|55=ACME|83=7|268=3|269=0|270=10|271=5|269=0|270=9.5|271=6|269=1|270=11|271=7",
				"LIVE bid 100000x5 95000x6 ask 110000x7", nil},
			{"35=X|262=r1|268=3|279=0|83=8|269=0|55=ACME|270=10.5|271=2|279=1|83=9|269=0|270=10|271=4|279=2|83=10|269=1|270=11",
				"LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=X|268=1|279=2|83=10|269=1|55=ACME|270=11", "LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=X|268=1|279=0|83=11|269=2|55=ACME|270=10.5|271=1|2446=2", "LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=X|268=1|279=0|83=12|269=0|55=ACME|270=9|271=1|276=I", "LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=f|55=ACME|326=2", "HALTED bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=f|55=ACME|326=24", "AUCTION bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=f|55=ACME|326=3", "LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=h|336=1|340=1", "HALTED bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=h|336=1|340=2", "LIVE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=X|268=1|279=1|83=14|269=0|55=ACME|270=10|271=1", "STALE bid 105000x2 100000x4 95000x6 ask", nil},
			{"35=W|55=ACME|83=20|268=0", "LIVE bid ask", nil},
			{"35=Y|262=r1|281=0", "LIVE bid ask", ErrRefused},
			{"35=X|268=1|279=1|83=21|269=0|55=ACME|270=10|271=-1", "STALE bid ask", ErrAbsurd},
		}, func(s *Stats) bool {
			return s.Early == 1 && s.Gaps == 1 && s.Duplicates == 1 && s.Trades == 1 && s.Absurd == 1 && s.Refused == 1
		}},
		{"generic44-id", []step{
			{"35=W|55=ACME|268=2|269=0|278=a|270=10|271=5|269=1|278=b|270=11|271=7", "LIVE bid 100000x5 ask 110000x7", nil},
			{"35=X|268=1|279=0|269=0|278=c|55=ACME|270=10|271=3", "LIVE bid 100000x8 ask 110000x7", nil},
			{"35=X|268=1|279=1|278=a|55=ACME|271=4", "LIVE bid 100000x7 ask 110000x7", nil},
			{"35=X|268=1|279=1|278=a|55=ACME|271=6", "LIVE bid 100000x9 ask 110000x7", nil},
			{"35=X|268=1|279=1|278=d|280=a|55=ACME|270=10.5", "LIVE bid 105000x6 100000x3 ask 110000x7", nil},
			{"35=X|268=2|279=2|280=d|55=ACME|279=2|278=c", "LIVE bid ask 110000x7", nil},
			{"35=X|268=1|279=2|278=c|55=ACME", "STALE bid ask 110000x7", ErrAbsurd},
		}, func(s *Stats) bool { return s.Absurd == 1 }},
		{"generic44-position", []step{
			{"35=W|55=ACME|268=3|269=0|290=1|270=10|271=5|269=0|290=2|270=9|271=6|269=1|290=1|270=11|271=7",
				"LIVE bid 100000x5 90000x6 ask 110000x7", nil},
			{"35=X|268=1|279=0|269=0|290=2|55=ACME|270=9.5|271=1", "LIVE bid 100000x5 95000x1 90000x6 ask 110000x7", nil},
			{"35=X|268=1|279=1|269=0|290=3|55=ACME|270=9.25|271=2", "LIVE bid 100000x5 95000x1 92500x2 ask 110000x7", nil},
			{"35=X|268=1|279=2|269=0|290=1|55=ACME", "LIVE bid 95000x1 92500x2 ask 110000x7", nil},
			{"35=X|268=1|279=0|269=0|290=1|55=ACME|270=9|271=1", "STALE bid 95000x1 92500x2 ask 110000x7", ErrAbsurd},
		}, func(s *Stats) bool { return s.Absurd == 1 }},
		{"coinbase", []step{
			{"35=X|268=1|279=0|269=0|278=x|83=5|55=ACME|270=9|271=1", "EMPTY bid ask", nil},  // before the snapshot, and in it
			{"35=X|268=1|279=0|269=1|278=y|83=7|55=ACME|270=12|271=1", "EMPTY bid ask", nil}, // beyond it
			{"35=W|83=6|55=ACME|893=N|268=1|269=0|278=x|270=9|271=1", "SYNCING bid 90000x1 ask", nil},
			{"35=W|83=6|55=ACME|893=Y|268=1|269=1|278=z|270=11|271=3", "LIVE bid 90000x1 ask 110000x3 120000x1", nil},
			{"35=X|268=1|279=0|269=0|83=8|55=ACME|40=1", "LIVE bid 90000x1 ask 110000x3 120000x1", nil}, // an order not on the book
			{"35=X|268=1|279=1|269=2|278=z|83=9|55=ACME|270=11|271=2|5797=1", "LIVE bid 90000x1 ask 110000x1 120000x1", nil},
			{"35=X|268=1|279=2|269=1|278=z|83=10|55=ACME", "LIVE bid 90000x1 ask 120000x1", nil},
			{"35=X|268=1|279=2|269=1|278=nobody|83=11|55=ACME", "LIVE bid 90000x1 ask 120000x1", nil},
			{"35=X|268=1|279=2|269=1|278=y|83=13|55=ACME", "STALE bid 90000x1 ask 120000x1", nil},
		}, func(s *Stats) bool {
			return s.Held == 2 && s.Old == 1 && s.Acks == 1 && s.NoOrder == 1 && s.Gaps == 1 && s.Trades == 1
		}},
		{"binance", []step{
			{"35=X|268=1|279=0|270=9|271=1|269=0|55=ACME|25043=90|25044=95", "EMPTY bid ask", nil},
			{"35=X|268=2|279=0|270=9|271=2|269=0|55=ACME|25043=99|25044=102|279=0|270=8|271=3|269=0", "EMPTY bid ask", nil},
			{"35=W|262=r|55=ACME|25044=100|268=1|269=0|270=10|271=1", "LIVE bid 100000x1 90000x2 80000x3 ask", nil},
			{"35=X|268=2|279=2|270=9|269=0|55=ACME|25043=103|25044=104|279=0|270=11|271=9|269=1",
				"LIVE bid 100000x1 80000x3 ask 110000x9", nil},
			{"35=X|268=1|279=0|270=10|271=1|269=2|55=ACME|1003=7|2446=1", "LIVE bid 100000x1 80000x3 ask 110000x9", nil},
			{"35=X|268=1|279=1|270=10|271=7|269=0|55=ACME|25043=103|25044=104", "LIVE bid 100000x1 80000x3 ask 110000x9", nil},
			{"35=X|268=1|279=1|270=10|271=7|269=0|55=ACME|25043=106|25044=107", "STALE bid 100000x1 80000x3 ask 110000x9", nil},
		}, func(s *Stats) bool {
			return s.Held == 3 && s.Old == 1 && s.Duplicates == 1 && s.Gaps == 1 && s.Trades == 1
		}},
	} {
		t.Run(tt.dialect, func(t *testing.T) {
			d, c := decoder(t, tt.dialect)
			runSteps(t, d, c, tt.steps)
			if !tt.stats(d.Stats()) {
				t.Errorf("stats %+v", *d.Stats())
			}
		})
	}
}

// A recomputed vector: ten levels a side of a pair with one decimal of
// price; the digits are those of the levels, asks first.
func TestKrakenChecksum(t *testing.T) {
	asks := "28013.0 96506 28039.8 100000 28066.5 100000 28093.3 100000 28120.0 100000 28146.7 100000 28173.5 100000 " +
		"28200.2 100000 28227.0 100000 28253.7 100000"
	bids := "28003.0 100000 27999.9 96375 27969.9 73860423 27700.1 350000 27573.2 320000 27137.4 1000000 " +
		"27091.3 400000 26729.4 100000 26702.6 100000 26675.9 100000"
	body := "35=W|262=r|55=ACME|268=20"
	for i, side := range []string{bids, asks} {
		f := strings.Fields(side)
		for n := 0; n < len(f); n += 2 {
			body += "|269=" + itoa(int64(i)) + "|278=x|270=" + f[n] + "|271=" + f[n+1]
		}
	}
	precise := func(c *Config) { c.Symbols = []Symbol{{ID: 3, Text: "ACME", PriceDecimals: 4, PricePrecision: 1}} }
	d, c := decoder(t, "kraken", precise)
	if err := d.Receive(1, frame(body+"|5041=3341325816")); err != nil || d.Stats().ChecksumOK != 1 {
		t.Fatal(err)
	}
	// The eleventh level leaves; a wrong checksum takes the book out of use.
	msg := "35=X|262=r|55=ACME|268=1|279=0|269=0|270=28010.0|271=5"
	if err := d.Receive(1, frame(msg+"|5041=1")); !errors.Is(err, ErrChecksum) || c.book(3).state != event.BookStale {
		t.Errorf("%v, %s", err, c.book(3))
	}
	d, c = decoder(t, "kraken", precise)
	for _, m := range []string{body, msg} {
		if err := d.Receive(1, frame(m)); err != nil {
			t.Fatal(err)
		}
	}
	bid := c.book(3).levels[0]
	if bid[280100000] != 5 || bid[266759000] != 0 || len(bid) != 10 {
		t.Errorf("%s", c.book(3))
	}
	if sum, _ := checksum(&d.books.all[0].ladders, nil); sum == 3341325816 {
		t.Error("checksum did not change")
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	live := "35=W|55=ACME|268=1|269=0|270=10|271=5"
	other := "35=W|55=EUR/USD|268=1|269=0|270=1|271=5"
	for _, body := range []string{
		"35=X|55=ACME|268=2|279=0|269=0|270=1|271=1", // count
		"35=X|55=ACME|268=x|279=0|269=0|270=1|271=1",
		"35=X|55=ACME|268=1|269=0|279=0|270=1|271=1", // first field
		"35=X|55=ACME|268=1|279=9|269=0|270=1|271=1",
		"35=X|55=ACME|268=1|279=0|269=0|270=1|270=2|271=1", // twice
		"35=X|55=ACME|268=1|279=0|269=00|270=1|271=1",
		"35=X|55=ACME|268=1|279=0|269=#|270=1|271=1",
		"35=X|55=ACME|268=1|279=0|270=1|271=1", // no type
		"35=X|55=ACME|268=1|279=0|269=0|271=1", // no price
		"35=X|55=ACME|268=1|279=0|269=0|270=1", // no size
		"35=X|55=ACME|268=1|279=0|269=0|270=1e3|271=1",
		"35=X|55=ACME|268=1|279=0|269=0|270=1.00001|271=1",
		"35=X|55=ACME|268=1|279=0|269=0|270=0|271=1",
		"35=X|55=ACME|268=1|279=0|269=0|270=1|271=1|83=-4",
		"35=X|268=1|279=0|269=0|270=1|271=1", // no symbol
		"35=X|55=ACME|268=1|279=0|269=0|270=1|271=1|268=1",
		"35=X|55=ACME",
		"35=W|55=ACME|268=2|269=0|270=10|271=5|269=0|270=10|271=6", // one price twice
		"35=W|268=1|269=0|270=10|271=5",
	} {
		d, c := decoder(t, "generic44")
		for _, m := range []string{live, other} {
			if err := d.Receive(1, frame(m)); err != nil {
				t.Fatal(err)
			}
		}
		err := d.Receive(2, frame(body))
		var m *MessageError
		if !errors.As(err, &m) || d.Stats().Malformed+d.Stats().Absurd != 1 || m.Error() == "" {
			t.Errorf("%s: error %v", body, err)
		}
		if got := c.book(3).String(); got != "STALE bid 100000x5 ask" {
			t.Errorf("%s: book %s", body, got)
		}
	}
}

func TestChannelNumbersAreFollowed(t *testing.T) {
	d, c := decoder(t, "generic44")
	w := "35=W|34=%|55=ACME|268=1|269=0|270=10|271=5|52=20261120-14:30:00.123"
	send := func(body string, n string) {
		t.Helper()
		if err := d.Receive(1, wrap(strings.Replace(body, "%", n, 1))); err != nil {
			t.Fatal(err)
		}
	}
	send(w, "5")
	send(w, "5")
	send("35=X|34=%|43=Y|268=1|279=2|269=0|55=ACME|270=10|52=20261120-14:30:00.123", "4")
	if c.book(3).String() != "LIVE bid 100000x5 ask" || d.Stats().Duplicates != 2 {
		t.Errorf("%s, %+v", c.book(3), *d.Stats())
	}
	send("35=0|34=%|52=20261120-14:30:00.123", "7")
	if c.book(3).state != event.BookStale || d.Stats().Gaps != 1 {
		t.Errorf("%s, %+v", c.book(3), *d.Stats())
	}
}

func TestSinkWithoutRoom(t *testing.T) {
	d, c := decoder(t, "generic44")
	w := frame("35=W|55=ACME|268=2|269=0|270=10|271=5|269=1|270=11|271=5")
	c.room = 2
	if err := d.Receive(1, w); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(2, w); err != ErrNoRoom {
		t.Fatal(err)
	}
	c.room = -1
	if !d.Settle(3) || c.book(3).String() != "LIVE bid 100000x5 ask 110000x5" {
		t.Fatalf("%s", c.book(3))
	}
	x := frame("35=X|55=ACME|268=2|279=0|269=0|270=9|271=5|279=0|269=1|270=12|271=5")
	c.room = 1
	if err := d.Receive(4, x); err != nil {
		t.Fatal(err)
	}
	d.Settle(5)
	c.room = -1
	if !d.Settle(6) || c.book(3).String() != "LIVE bid 100000x5 90000x5 ask 110000x5 120000x5" {
		t.Errorf("late: %s", c.book(3))
	}
	c.room = 0
	d.Receive(7, x)
	if d.Settle(7 + 2*second); c.room != 0 {
		t.Fatal("room")
	}
	c.room = -1
	if !d.Settle(8+2*second) || c.book(3).state != event.BookStale || d.Stats().Dropped != 2 {
		t.Errorf("stalled: %s %+v", c.book(3), *d.Stats())
	}
}

func TestEveryDialectMakesADecoder(t *testing.T) {
	for _, dl := range dialects {
		decoder(t, dl.Name)
	}
	good, _ := DialectByName("kraken")
	for name, c := range map[string]Config{
		"no sink":    {Dialect: good, Symbols: testSymbols, Depth: 10, StallNanos: 1},
		"no depth":   {Dialect: good, Symbols: testSymbols, StallNanos: 1, Sink: newCollect(t).sink},
		"no symbols": {Dialect: good, Depth: 10, StallNanos: 1, Sink: newCollect(t).sink},
		"no dialect": {Symbols: testSymbols, Depth: 10, StallNanos: 1, Sink: newCollect(t).sink},
		"twice":      {Dialect: good, Symbols: append(testSymbols[:1:1], testSymbols[0]), Depth: 10, StallNanos: 1, Sink: newCollect(t).sink},
	} {
		if _, err := NewDecoder(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, ok := DialectByName("nobody"); ok {
		t.Error("unknown dialect found")
	}
}

func TestPriceLimitsOfAnInstrument(t *testing.T) {
	d, c := decoder(t, "generic44")
	runSteps(t, d, c, []step{
		{"35=W|262=r1|55=ACME|83=7|268=1|269=0|270=10|271=5", "LIVE bid 100000x5 ask", nil},
		{"35=f|55=ACME|326=21|1148=9.5|1149=11", "AUCTION bid 100000x5 ask band 95000 to 110000", nil},
		{"35=f|55=ACME|326=17|1149=10.5", "LIVE bid 100000x5 ask band 95000 to 105000", nil},
		{"35=f|55=ACME|1149=0", "LIVE bid 100000x5 ask band 95000 to 0", nil},
		{"35=f|55=ACME|1148=0", "LIVE bid 100000x5 ask", nil},
		{"35=f|55=OTHER|1148=9", "LIVE bid 100000x5 ask", nil},
		{"35=f|55=ACME|1148=11|1149=10", "STALE bid 100000x5 ask", ErrMalformed},
	})
}
