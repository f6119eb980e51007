package tape

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

var btc = &market.Instrument{Symbol: "BTC-USDT", PriceDecimals: 3, QtyDecimals: 5, Tick: 10, Lot: 1}

// text writes events as one line each.
func text(events []event.Event) string {
	var b strings.Builder
	for i := range events {
		e := &events[i]
		fmt.Fprintf(&b, "%d v%d %s", e.RecvTime, e.Venue, e.Kind)
		switch e.Kind {
		case event.BookLevel:
			fmt.Fprintf(&b, " %s %d x %d", e.Side, e.Price, e.Qty)
		case event.BookStatus:
			fmt.Fprintf(&b, " %s", event.BookState(e.Code))
		case event.MarketTrade:
			fmt.Fprintf(&b, " %d x %d", e.Price, e.Qty)
		}
		if e.Flags&event.More != 0 {
			b.WriteString(" +")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func level(side market.Side, price market.Price, qty market.Qty) event.Event {
	return event.Event{Kind: event.BookLevel, Side: side, Price: price, Qty: qty}
}

// snapshot is the message that makes a book live.
func snapshot(levels ...event.Event) []event.Event {
	events := append([]event.Event{{Kind: event.BookClear}}, levels...)
	return append(events, event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
}

// feed gives events to sink as one message of venue received at now.
func feed(sink event.Sink, venue market.VenueID, now int64, events ...event.Event) {
	for i := range events {
		e := events[i]
		e.Venue, e.RecvTime = venue, now
		if i < len(events)-1 {
			e.Flags |= event.More
		}
		sink(&e)
	}
}

func TestFollowerIsSyncingUntilTheShiftIsKnown(t *testing.T) {
	var got []event.Event
	sink := func(e *event.Event) bool { got = append(got, *e); return true }
	tape := &Tape{out: sink}
	b := newBasis(btc, 0)
	watch, follow := tape.watch(b), tape.follow(b, newFollower(1, btc))

	feed(follow, 1, 10, snapshot(level(market.Buy, 99_900, 7), level(market.Sell, 100_000, 8))...)
	feed(follow, 1, 11, event.Event{Kind: event.MarketTrade, Price: 99_900, Qty: 1})
	feed(watch, 0, 12, snapshot(level(market.Buy, 117_000, 1), level(market.Sell, 117_020, 1))...)
	feed(follow, 1, 13, level(market.Buy, 99_900, 9))
	if b.Next() != basisPeriod {
		t.Fatalf("first boundary at %d", b.Next())
	}
	b.Advance(sink)
	feed(follow, 1, basisPeriod+1, level(market.Buy, 99_900, 0), level(market.Buy, 99_800, 3))
	feed(follow, 1, basisPeriod+2, event.Event{Kind: event.MarketTrade, Price: 99_900, Qty: 1})
	// mid of spot 117,010, of the follower 99,950: shift 17,060
	want := `10 v1 clear
12 v0 clear +
12 v0 level buy 117000 x 1 +
12 v0 level sell 117020 x 1 +
12 v0 status LIVE
100000000 v1 level buy 116960 x 9 +
100000000 v1 level sell 117060 x 8 +
100000000 v1 status LIVE
100000001 v1 level buy 116960 x 0 +
100000001 v1 level buy 116860 x 3
100000002 v1 trade 116960 x 1
`
	if text(got) != want {
		t.Errorf("got\n%swant\n%s", text(got), want)
	}

	got = nil
	b.Advance(sink) // the follower's mid fell by 50: the shift is 50 more
	feed(follow, 1, 3*basisPeriod, event.Event{Kind: event.BookStatus, Code: uint8(event.BookStale)})
	b.Advance(sink) // no distance without a live book
	if b.Next() != NoTime {
		t.Error("armed without an event")
	}
	want = `200000000 v1 level buy 116860 x 0 +
200000000 v1 level sell 117060 x 0 +
200000000 v1 level buy 116910 x 3 +
200000000 v1 level sell 117110 x 8
300000000 v1 status STALE
`
	if text(got) != want {
		t.Errorf("got\n%swant\n%s", text(got), want)
	}
}

func TestRoundToTickHalfAwayFromZero(t *testing.T) {
	for halves, want := range map[int64]market.Price{
		0: 0, 9: 0, 10: 10, -9: 0, -10: -10, 29: 10, 30: 20, -30: -20, 34_120: 17_060,
	} {
		if got := roundTo(halves, 10); got != want {
			t.Errorf("%d halves: %d, want %d", halves, got, want)
		}
	}
}

// A consumer of the follower's events must have the raw book, shifted and cut to
// the depth, after every message, and must never see it crossed in between. The
// twin is the raw book itself, shifted level by level.
func TestFollowerBookEqualsShiftedRawBook(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	consumer := book.New(book.Capacity{Levels: 4096}, nil)
	crossed := 0
	sink := func(e *event.Event) bool {
		if e.Venue == 1 {
			consumer.Apply(e)
			if consumer.Crossed() {
				crossed++
			}
		}
		return true
	}
	tape := &Tape{out: sink}
	b := newBasis(btc, 0)
	f := newFollower(1, btc)
	watch, follow := tape.watch(b), tape.follow(b, f)
	feed(watch, 0, 1, snapshot(level(market.Buy, 500_000, 1), level(market.Sell, 500_010, 1))...)
	feed(follow, 1, 1, snapshot(level(market.Buy, 300_000, 1), level(market.Sell, 300_100, 1))...)
	for step := range 3000 {
		now := int64(step+2) * 10_000_000
		for b.Next() <= now {
			b.Advance(sink)
		}
		mid := market.Price(300_000 + rng.IntN(200)*10)
		feed(watch, 0, now, level(market.Buy, 500_000, market.Qty(rng.IntN(2))),
			level(market.Buy, 499_000, 1))
		message := crossing(f.raw, mid)
		for range 40 {
			p := market.Price(10 + rng.IntN(80)*10)
			message = append(message, level(market.Buy, mid-p, market.Qty(rng.IntN(3))),
				level(market.Sell, mid+p, market.Qty(rng.IntN(3))))
		}
		if step%500 == 499 {
			message = snapshot(level(market.Buy, mid-10, 5), level(market.Sell, mid+10, 5))
		}
		feed(follow, 1, now, message...)
		if !f.known {
			continue
		}
		for i, ladder := range []*book.Ladder{consumer.Bids, consumer.Asks} {
			raw := &f.raw.sides[i]
			if ladder.Len() != min(raw.Len(), basisDepth) {
				t.Fatalf("step %d side %d: %d levels of %d", step, i, ladder.Len(), raw.Len())
			}
			for j := range ladder.Len() {
				want := raw.At(j)
				want.Price += f.shift
				if ladder.At(j) != want {
					t.Fatalf("step %d side %d level %d: %v, want %v", step, i, j, ladder.At(j), want)
				}
			}
		}
	}
	if consumer.Absurd > 0 || crossed > 0 {
		t.Errorf("%d absurd events, crossed %d times", consumer.Absurd, crossed)
	}
}

// crossing returns the deletions of every level of d on the wrong side of mid.
func crossing(d *depth, mid market.Price) (message []event.Event) {
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		for j := range d.sides[i].Len() {
			if price := d.sides[i].At(j).Price; !side.Better(price, mid) {
				message = append(message, level(side, price, 0))
			}
		}
	}
	return message
}
