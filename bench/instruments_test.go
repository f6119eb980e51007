package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

const (
	manyVenues = 10
	manyLevels = 64
)

// newMarket makes instruments that trade at ten lit venues, all LIVE, with ten levels
// a side.
func newMarket(instruments int) []*book.Composite {
	venues := make([]market.Venue, manyVenues)
	for v := range venues {
		venues[v] = market.Venue{ID: market.VenueID(v), Kind: market.Lit}
	}
	list := make([]*book.Composite, instruments)
	for i := range list {
		list[i] = book.NewComposite(market.InstrumentID(i), venues, func(market.VenueID) bool { return true },
			book.Capacity{Levels: manyLevels}, func(market.VenueID) *book.Orders { return nil })
		for v := range venues {
			e := event.Event{Venue: market.VenueID(v), Kind: event.BookLevel, Side: market.Buy, Qty: 100}
			for n := range market.Price(10) {
				e.Side, e.Price = market.Buy, 10_000-n
				list[i].Apply(&e)
				e.Side, e.Price = market.Sell, 10_002+n
				list[i].Apply(&e)
			}
			list[i].Apply(&event.Event{Venue: market.VenueID(v), Kind: event.BookStatus, Code: uint8(event.BookLive)})
		}
		list[i].Refresh(1)
	}
	return list
}

// TestTenThousandInstrumentsFit is the memory of 10,000 instruments at 10 venues with
// 64 levels a side, which is taken at start.
func TestTenThousandInstrumentsFit(t *testing.T) {
	if testing.Short() {
		t.Log("a tenth of it only, with -short")
	}
	instruments := 10_000
	if testing.Short() {
		instruments /= 10
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := newMarket(instruments)
	runtime.ReadMemStats(&after)
	taken := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d instruments: %d MiB, %d bytes a book", instruments, taken>>20, taken/int64(instruments*manyVenues))
	if limit := int64(2<<30) / 10_000 * int64(instruments); taken > limit {
		t.Errorf("%d bytes, the limit is %d", taken, limit)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	if n := testing.AllocsPerRun(10_000, func() { changeLevel(rng, all, &event.Event{}) }); n != 0 {
		t.Errorf("%v allocations for an update: memory was not taken at start", n)
	}
}

// changeLevel changes one level near the touch of some venue of some instrument and
// brings the aggregated touch and its features up to date.
func changeLevel(rng *rand.Rand, all []*book.Composite, e *event.Event) {
	u := rng.Uint64()
	m := all[u>>32%uint64(len(all))]
	e.Kind, e.Venue, e.Instrument = event.BookLevel, market.VenueID(u>>8&0xff%manyVenues), m.Instrument
	e.Qty = market.Qty(u&7) * 100
	if u>>3&1 == 0 {
		e.Side, e.Price = market.Buy, 10_000-market.Price(u>>4&3)
	} else {
		e.Side, e.Price = market.Sell, 10_002+market.Price(u>>4&3)
	}
	m.Apply(e)
	m.Refresh(1)
}

// BenchmarkInstruments is one level change at one of ten venues, to touch and
// features ready, over more and more instruments chosen at random: what grows is
// the time that memory takes, not the work.
func BenchmarkInstruments(b *testing.B) {
	for _, instruments := range []int{1, 10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprint(instruments), func(b *testing.B) {
			all := newMarket(instruments)
			rng := rand.New(rand.NewPCG(1, 1))
			var e event.Event
			b.ReportAllocs()
			for b.Loop() {
				changeLevel(rng, all, &e)
			}
		})
	}
}
