package jsonws

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// levelStep is a message, the error it must give and the events it must tell.
type levelStep struct {
	msg  string
	err  error
	want string
}

func steps(t *testing.T, venue int, list []levelStep) Decoder {
	t.Helper()
	d, c := sampled(t, levelVenues[venue])
	for i, s := range list {
		if err := d.Receive(int64(i+1), []byte(s.msg)); !errors.Is(err, s.err) {
			t.Fatalf("step %d: %v, want %v", i, err, s.err)
		}
		if got := strings.ReplaceAll(c.took(), "\n", "; "); got != s.want {
			t.Fatalf("step %d: %s, want %s", i, got, s.want)
		}
	}
	return d
}

func TestKrakenV1FollowsItsChecksum(t *testing.T) {
	s := levelVenues[0].samples
	const whole = "clear 1 more; level 1 buy 4297x700000000 more; level 1 sell 4299x10000000000 more; " +
		"level 1 sell 4300x550000000 more; "
	d := steps(t, 0, []levelStep{
		{s[1], nil, ""}, // before the snapshot
		{s[0], nil, whole + "status 1 LIVE snapshot complete"},
		{s[1], nil, "level 1 buy 4298x3500000000"},
		{s[2], nil, "level 1 sell 4299x0 more; level 1 buy 4297x825000000"},
		{strings.Replace(s[2], `"c":"`, `"c":"1`, 1), ErrMalformed, "status 1 STALE malformed message"},
		{s[1], nil, ""},
		{s[0], nil, whole + "status 1 LIVE snapshot complete"},
		{strings.Replace(s[1], "35.0", "35.1", 1), ErrChecksum, "status 1 STALE checksum mismatch"},
		{s[1], nil, ""},
		{`{"event":"systemStatus","status":"maintenance"}`, nil, ""},
		{s[0], nil, whole + "status 1 HALTED venue state"},
		{s[6], nil, "status 1 LIVE snapshot complete"},
		{s[3], nil, "trade 2 sell 35411x89594024"},
		{`[1920,{"b":[]},"book-25","SC/EUR"]`, nil, ""}, // of another depth
		{`[1920,{"a":[],"as":[],"bs":[]},"book-10","SC/EUR"]`, ErrMalformed, "status 1 STALE malformed message"},
		{`{"event":"subscriptionStatus","status":"error","errorMessage":"no"}`, ErrRefused, ""},
		{`1,"x":2`, ErrMalformed, "status 2 STALE malformed message"},
	})
	if s := d.base().stats; s.ChecksumOK != 2 || s.ChecksumBad != 1 || s.Early != 3 || s.Snapshots != 3 {
		t.Fatalf("%+v", s)
	}
}

// Ten bids fill a book of depth ten; a better one pushes the worst out.
func TestKrakenV1TellsLevelsThatFallOffTheEnd(t *testing.T) {
	d, c := sampled(t, levelVenues[0])
	twin := newKrakenV1Twin(levelVenues[0].config, 10)
	list := []string{}
	for i := range 10 {
		list = append(list, fmt.Sprintf(`["0.0%d000","1.00000000","1618678131.500000"]`, 42-i))
	}
	snapshot := `[1920,{"as":[],"bs":[` + strings.Join(list, ",") + `]},"book-10","SC/EUR"]`
	receive(t, d, 1, snapshot)
	twin.receive(1, []byte(snapshot))
	c.took()
	b := twin.find("SC/EUR")
	twin.change(b, []twinText{{side: 1, p: 3950, q: 2_00000000, price: "0.039500", lot: "2.00000000"}})
	receive(t, d, 2, fmt.Sprintf(`[1920,{"b":[["0.039500","2.00000000","1618678132.5"]],"c":"%d"},"book-10","SC/EUR"]`,
		twin.checksum(b)))
	expect(t, c.took(), "level 1 buy 3950x200000000 more", "level 1 buy 3300x0")
}

func TestOKXFollowsItsNumbersAndChecksum(t *testing.T) {
	s := levelVenues[1].samples
	const whole = "clear 1 more; level 1 buy 302510x101000000 more; level 1 sell 302518x33733489 more; " +
		"status 1 LIVE snapshot complete"
	d := steps(t, 1, []levelStep{
		{s[1], nil, ""}, // before the snapshot
		{s[0], nil, "clear 2 more; level 2 buy 5134x247370471 more; level 2 sell 5149x411730433 more; " +
			"level 2 sell 5150x5825242 more; status 2 LIVE snapshot complete"},
		{s[1], nil, "level 2 sell 5149x0 more; level 2 buy 5134x249318270"},
		{s[1], nil, ""}, // the same again changes nothing
		{strings.Replace(s[1], `"128"`, `"129"`, 1), ErrChecksum, "status 2 STALE checksum mismatch"},
		{s[2], nil, whole},
		{s[3], nil, "level 1 buy 302510x0"},
		{s[3], ErrGap, "status 1 STALE sequence gap"},
		{s[2], nil, whole},
		{strings.Replace(s[3], `,"prevSeqId":10,"seqId":15`, "", 1), ErrMalformed, "status 1 STALE malformed message"},
		{s[4], nil, "trade 2 buy 5149x23305496"},
		{`{"event":"error","msg":"no","code":"60012"}`, ErrRefused, ""},
		{`{"event":"notice","code":"64008","msg":"going away"}`, ErrRefused, ""},
	})
	if s := d.base().stats; s.ChecksumOK != 3 || s.ChecksumBad != 1 || s.Gaps != 1 || s.Early != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestBybitFollowsItsNumbers(t *testing.T) {
	s := levelVenues[2].samples
	const whole = "clear 1 more; level 1 buy 6511420x6054000 more; level 1 buy 6511410x2000 more; " +
		"level 1 sell 6511430x1000000 more; status 1 LIVE snapshot complete"
	steps(t, 2, []levelStep{
		{s[1], nil, ""},
		{s[0], nil, whole},
		{s[1], nil, "level 1 sell 6514050x472215 more; level 1 sell 6523900x0"},
		{s[1], ErrGap, "status 1 STALE sequence gap"},
		{strings.Replace(s[1], `"u":6`, `"u":7`, 1), nil, ""},
		{s[0], nil, whole},
		{strings.Replace(s[1], `"u":6`, `"u":7`, 1), ErrGap, "status 1 STALE sequence gap"},
		{s[2], nil, "clear 2 more; level 2 buy 6511450x153575 more; status 2 LIVE snapshot complete"},
		{s[3], nil, "trade 1 sell 6511420x4000"},
		{`{"success":false,"ret_msg":"Invalid topic","op":"subscribe"}`, ErrRefused, ""},
		{`{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}`, nil, ""},
		{`{"op":"pong","args":["1"]}`, nil, ""},
	})
}

func TestBybitV2ContradictionsAreGaps(t *testing.T) {
	s := levelVenues[3].samples
	const whole = "clear 1 more; level 1 sell 7210x642600040 more; level 1 buy 7184x5000000 more; " +
		"status 1 LIVE snapshot complete"
	later := func(msg string) string { return strings.Replace(msg, "726227928", "726227929", 1) }
	steps(t, 3, []levelStep{
		{s[1], nil, ""},
		{s[0], nil, whole},
		{s[1], nil, "level 1 sell 7210x0 more; level 1 sell 7236x458699980"},
		{later(s[1]), ErrGap, "status 1 STALE sequence gap"}, // deletes what is not there
		{s[0], nil, whole},
		{strings.Replace(s[1], "726227928", "726227926", 1), ErrGap, "status 1 STALE sequence gap"},
		{s[0], nil, whole},
		{strings.Replace(s[1], `"7.236"`, `"7.184"`, 1), nil, "level 1 sell 7210x0 more; level 1 sell 7184x458699980"},
	})
}

func TestGeminiBeginsWithItsTrades(t *testing.T) {
	s := levelVenues[4].samples
	const whole = "clear 1 more; level 1 buy 6520550x4289582 more; level 1 sell 6520629x7667 more; " +
		"status 1 LIVE snapshot complete"
	steps(t, 4, []levelStep{
		{s[1], nil, ""},
		{s[0], nil, whole},
		{s[1], nil, "level 1 buy 6520550x0 more; level 1 sell 6520700x150000000"},
		{s[0], nil, whole},
		{s[4], nil, "trade 1 buy 6520629x7667"},
		{s[5], nil, ""},
		{s[6], nil, ""},
		{strings.Replace(s[6], `_sequence":1`, `_sequence":3`, 1), ErrGap, "status 2 STALE sequence gap; status 1 STALE sequence gap"},
		{s[5], nil, ""}, // another connection begins
		{`{"result":"error","reason":"InvalidJson"}`, ErrRefused, ""},
	})
}

// A snapshot is used when the subscription is known to be older.
func TestBitstampJoinsSnapshotAndDifferences(t *testing.T) {
	diff := func(at int, pair string) string {
		return fmt.Sprintf(`{"data":{"timestamp":"1","microtimestamp":"%d","bids":[["1.00","%d"]],"asks":[]},`+
			`"channel":"diff_order_book_%s","event":"data"}`, at, at, pair)
	}
	snapshot := func(at int, pair string) string {
		return fmt.Sprintf(`http %s {"microtimestamp": "%d", "bids": [["1.00", "%d"]], "asks": []}`, pair, at, at)
	}
	confirm := func(pair string) string {
		return `{"event":"bts:subscription_succeeded","channel":"diff_order_book_` + pair + `","data":{}}`
	}
	const level, more, live = "level 1 buy 100x", "00000000 more; ", "status 1 LIVE snapshot complete"
	for name, list := range map[string][]levelStep{
		"held are played": {{diff(10, "ethusd"), nil, ""}, {diff(20, "ethusd"), nil, ""},
			{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "10" + more + level + "20" + more + live},
			{diff(21, "ethusd"), nil, level + "2100000000"}, {diff(20, "ethusd"), ErrGap, "status 1 STALE sequence gap"}},
		"older than the subscription": {{diff(10, "ethusd"), nil, ""}, {snapshot(9, "ethusd"), ErrGap, ""},
			{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "10" + more + live},
			{diff(10, "ethusd"), nil, ""}},
		"proven by its own difference": {{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "1000000000"},
			{diff(9, "ethusd"), nil, live}, {diff(11, "ethusd"), nil, level + "1100000000"}},
		"refuted by its own difference": {{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "1000000000"},
			{diff(12, "ethusd"), ErrGap, ""},
			{snapshot(12, "ethusd"), nil, "clear 1 more; " + level + "12" + more + live}},
		"proven by another book": {{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "1000000000"},
			{diff(9, "batbtc"), nil, ""}, {confirm("ethusd"), nil, ""}, {diff(10, "batbtc"), nil, live}},
		"refuted by another book": {{snapshot(10, "ethusd"), nil, "clear 1 more; " + level + "1000000000"},
			{confirm("ethusd"), nil, ""}, {diff(11, "batbtc"), nil, ""}, {diff(12, "ethusd"), nil, ""},
			{snapshot(10, "ethusd"), ErrGap, ""},
			{snapshot(11, "ethusd"), nil, "clear 1 more; " + level + "11" + more + level + "12" + more + live}},
		"held are incomplete": {{diff(10, "ethusd"), nil, ""},
			{strings.Replace(diff(11, "ethusd"), "1.00", "x", 1), ErrMalformed, "status 1 STALE malformed message"},
			{diff(12, "ethusd"), nil, ""}, {snapshot(10, "ethusd"), ErrGap, ""},
			{snapshot(12, "ethusd"), nil, "clear 1 more; " + level + "12" + more + live}},
		"another subscription": {{diff(10, "ethusd"), nil, ""}, {confirm("ethusd"), nil, ""},
			{diff(20, "ethusd"), nil, ""}, {snapshot(15, "ethusd"), ErrGap, ""}},
		"the venue says goodbye": {{`{"event":"bts:request_reconnect","channel":"","data":""}`, ErrRefused, ""}},
	} {
		t.Run(name, func(t *testing.T) { steps(t, 5, list) })
	}
}

func TestBitstampKeepsABoundedNumberOfDifferences(t *testing.T) {
	c := levelVenues[5].config
	c.Sink, c.StallNanos = (&collect{room: -1}).sink, 1
	d, err := NewBitstamp(c)
	if err != nil {
		t.Fatal(err)
	}
	d.buffered = 10
	receive(t, d, 1, `{"event":"bts:subscription_succeeded","channel":"diff_order_book_ethusd","data":{}}`)
	if b := &d.books.all[1]; !b.confirmed || !b.resync || !d.wanting {
		t.Fatal("asks for no snapshot")
	}
	for i := range 1000 {
		receive(t, d, 1, fmt.Sprintf(`{"data":{"timestamp":"1","microtimestamp":"%d","bids":[["1.00","1"],["2.00","1"]],`+
			`"asks":[]},"channel":"diff_order_book_ethusd","event":"data"}`, i+1))
	}
	s := &d.syncs[1]
	if len(s.levels) > 10 || len(s.held) > 5 || cap(s.levels) > 20 {
		t.Fatalf("%d levels of %d updates", len(s.levels), len(s.held))
	}
	// What was given up is not older than a snapshot that is taken.
	given := 1000 - len(s.held)
	body := func(at int) []byte {
		return fmt.Appendf(nil, `{"microtimestamp":"%d","bids":[],"asks":[]}`, at)
	}
	if err := d.TakeSnapshot(2, "ethusd", body(given-1)); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	if err := d.TakeSnapshot(2, "ethusd", body(given)); err != nil {
		t.Fatal(err)
	}
	if path := string(d.snapshotPath(nil, &d.books.all[1])); path != "/api/v2/order_book/ethusd/" {
		t.Fatal(path)
	}
}

func TestBitstampTopIsWholeEachTime(t *testing.T) {
	s := levelVenues[6].samples
	steps(t, 6, []levelStep{
		{s[1], nil, "clear 1 more; level 1 buy 380071x176200000 more; level 1 buy 379964x200000000 more; " +
			"level 1 sell 380200x150000000 more; status 1 LIVE snapshot complete"},
		{s[2], nil, "clear 1 more; level 1 buy 380071x176200000 more; status 1 LIVE snapshot complete"},
	})
}

// Samples in any order, some again, some spoiled; for Bitstamp also differences and
// snapshots at any of a few times.
func TestAnyOrderOfLevelMessagesAgreesWithTheTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, v := range levelVenues {
		for range share(400, 40) {
			var lines []string
			for range 20 {
				line := v.samples[r.IntN(len(v.samples))]
				at, pair := 1641343691406470+r.IntN(8), []string{"ethusd", "batbtc"}[r.IntN(2)]
				switch n := r.IntN(12); {
				case v.name == "bitstamp" && n < 5:
					line = fmt.Sprintf(`{"data":{"timestamp":"1","microtimestamp":"%d","bids":[["1.00","%d"]],"asks":[]},`+
						`"channel":"diff_order_book_%s","event":"data"}`, at, r.IntN(3), pair)
				case v.name == "bitstamp" && n < 8:
					line = fmt.Sprintf(`http %s {"microtimestamp": "%d", "bids": [["1.00", "5"]], "asks": []}`, pair, at)
				case n == 8:
					line = strings.Replace(line, `"5`, `"x`, 1)
				case n == 9 && r.IntN(10) == 0:
					line = line[1:]
				}
				lines = append(lines, line)
			}
			v.compare(t, []byte(strings.Join(lines, "\n")))
		}
	}
}
