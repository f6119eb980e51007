package itch

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"penstock/event"
)

func outage(locate uint16, market, act byte) []byte {
	m := message('h', locate)
	m[19], m[20] = market, act
	return m
}

func breach(level byte) []byte {
	m := message('W', 0)
	m[11] = level
	return m
}

func cross(locate uint16, shares uint64, price uint32) []byte {
	m := message('Q', locate)
	binary.BigEndian.PutUint64(m[11:], shares)
	binary.BigEndian.PutUint32(m[27:], price)
	m[39] = 'O'
	return m
}

func TestOperationalHaltsAreThoseOfTheMarket(t *testing.T) {
	for _, c := range []struct {
		own, on byte
		halts   bool
	}{{'Q', 'Q', true}, {'Q', 'B', false}, {'B', 'B', true}, {0, 'X', true}} {
		d, sink := live(t)
		d.market = c.own
		want := []string{"status 5 HALTED venue state", "status 5 LIVE snapshot complete"}
		if !c.halts {
			want = nil
		}
		for _, act := range []byte("HT") {
			if err := d.Decode(1, outage(7, c.on, act)); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, sink.took(), want...)
	}
}

// A book trades again when neither its trading state nor the market's own stops it.
func TestHaltsAreLiftedEachByItsOwn(t *testing.T) {
	d, c := live(t)
	for _, step := range []struct {
		msg  []byte
		want []string
	}{
		{action(7, 'H'), []string{"market 5 HALTED venue state", "status 5 HALTED venue state"}},
		{outage(7, 'Q', 'H'), nil},
		{action(7, 'T'), []string{"market 5 LIVE venue state"}},
		{outage(7, 'Q', 'T'), []string{"status 5 LIVE snapshot complete"}},
	} {
		if err := d.Decode(1, step.msg); err != nil {
			t.Fatal(err)
		}
		expect(t, c.took(), step.want...)
	}
}

func TestBreakerHaltsEveryBookUntilItsStockTrades(t *testing.T) {
	d, c := live(t)
	if err := d.Decode(1, breach('2')); err != nil {
		t.Fatal(err)
	}
	expect(t, c.took(), "market 5 HALTED venue state", "status 5 HALTED venue state", "market 6 HALTED venue state",
		"status 6 HALTED venue state", "market 7 HALTED venue state", "status 7 HALTED venue state")
	if err := d.Decode(1, action(8, 'T')); err != nil {
		t.Fatal(err)
	}
	expect(t, c.took(), "status 6 LIVE snapshot complete")
	if err := d.Decode(1, breach('4')); !errors.Is(err, ErrValue) {
		t.Fatalf("a level that there is not: %v", err)
	}
	expect(t, c.took())
	if s := d.Stats(); s.Types['W'] != 2 || s.Absurd != 1 {
		t.Fatalf("stats %+v", s)
	}
}

func TestAuctionsTrade(t *testing.T) {
	d, c := live(t)
	for _, m := range [][]byte{cross(7, 0, 0), cross(7, 1<<40, 100_0000), cross(8, 3, 100_0000)} {
		if err := d.Decode(1, m); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, c.took(), "trade 5 ref 0 1000000x1099511627776", "trade 6 ref 0 10000x300")
	if err := d.Decode(1, cross(7, 1<<63, 100_0000)); !errors.Is(err, ErrValue) {
		t.Fatalf("more shares than there are: %v", err)
	}
	expect(t, c.took(), "status 5 STALE absurd value")
}

// What no book here keeps is counted by its type and changes nothing.
func TestEveryTypeIsCounted(t *testing.T) {
	for kind := range 256 {
		if lengths[kind] == 0 {
			continue
		}
		d, c := live(t)
		before := d.Stats().Types[kind]
		err := d.Decode(1, message(byte(kind), 7))
		if got := d.Stats().Types[kind] - before; got != 1 {
			t.Errorf("type %c: counted %d times (%v)", kind, got, err)
		}
		switch kind {
		case 'L', 'V', 'K', 'J', 'B', 'I', 'N', 'O', 'Q':
			if err != nil || len(c.lines) != 0 {
				t.Errorf("type %c: %v, %v", kind, err, c.lines)
			}
		case 'D':
			if len(c.events) != 1 || c.events[0].Kind != event.OrderDeleted {
				t.Errorf("type D: %v", c.lines)
			}
		}
	}
}

func TestMarketOfHaltsIsOneOfThree(t *testing.T) {
	c := testConfig(newCollect().sink)
	c.Market = 'Z'
	if _, err := NewDecoder(c); err == nil {
		t.Error("market Z was accepted")
	}
}

// The price test for short sales is told when it begins and ends, and once as it is when nothing
// was known; what a Reset forgets it does not forget.
func TestShortSaleRestrictionIsTold(t *testing.T) {
	d, c := live(t)
	say := func(action byte) error {
		m := message('Y', 7)
		copy(m[11:], "AAPL    ")
		m[19] = action
		return d.Decode(1, m)
	}
	want := func(codes ...uint8) {
		t.Helper()
		var got []uint8
		for _, e := range c.events {
			if e.Kind == event.ShortRestriction {
				got = append(got, e.Code)
			}
		}
		if c.events = nil; !slices.Equal(got, codes) {
			t.Fatalf("told %v, want %v", got, codes)
		}
	}
	for _, step := range []struct {
		action byte
		want   []uint8
	}{{'0', []uint8{0}}, {'0', nil}, {'1', []uint8{1}}, {'2', nil}, {'0', []uint8{0}}, {'2', []uint8{1}}} {
		if err := say(step.action); err != nil {
			t.Fatal(err)
		}
		want(step.want...)
	}
	d.Reset(2)
	if err := d.Decode(2, listing(7, "AAPL")); err != nil {
		t.Fatal(err)
	}
	d.Live(3)
	want()
	if err := say('3'); !errors.Is(err, ErrValue) {
		t.Fatalf("an action that there is not: %v", err)
	}
}
