package book

import (
	"cmp"
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
)

// slowLevels is the twin of Levels: collect what every venue shows, sort, group.
func slowLevels(m *Composite, side market.Side, o LevelOptions) (levels []AggLevel) {
	taker := side.Contra()
	add := func(v int, level Level, quote bool, until int64) {
		fee := m.venues[v].TakeFee
		net := int64(0)
		if o.Net {
			net = taker.Sign()*int64(level.Price)*1000 + fee.PerLotMilli + int64(level.Price)*fee.Ppm/1000
		}
		l := AggLevel{Price: level.Price, Qty: level.Qty, Net: net, Venues: 1 << v}
		l.Sizes[v] = level.Qty
		if m.venues[v].LastLook {
			l.LastLook = 1 << v
		}
		if quote {
			l.Quotes, l.Until = 1<<v, until
		}
		levels = append(levels, l)
	}
	for v, b := range m.Books[:m.count] {
		if b == nil || !b.Live() || m.kinds[v] == market.Dark || m.Partial>>v&1 != 0 {
			continue
		}
		ladder := b.Ladder(side)
		for i := range ladder.Len() {
			add(v, ladder.At(i), false, 0)
		}
		if level, ok := b.Touch(side, o.Now); ok && o.Quotes && ladder.Len() == 0 {
			add(v, level, true, b.Quote.Until)
		}
	}
	slices.SortStableFunc(levels, func(a, b AggLevel) int {
		return cmp.Or(cmp.Compare(a.Net, b.Net), cmp.Compare(taker.Sign()*int64(a.Price), taker.Sign()*int64(b.Price)))
	})
	grouped := levels[:0]
	for _, l := range levels {
		if n := len(grouped); n > 0 && grouped[n-1].Price == l.Price && grouped[n-1].Net == l.Net {
			g := &grouped[n-1]
			g.Qty += l.Qty
			g.Venues, g.Quotes, g.LastLook = g.Venues|l.Venues, g.Quotes|l.Quotes, g.LastLook|l.LastLook
			for v := range g.Sizes {
				g.Sizes[v] += l.Sizes[v]
			}
			if l.Until != 0 && (g.Until == 0 || l.Until < g.Until) {
				g.Until = l.Until
			}
			continue
		}
		grouped = append(grouped, l)
	}
	return grouped
}

func checkLevels(t *testing.T, ops []byte) (quotes, shared int) {
	dst := make([]AggLevel, 40)
	step := 0
	drive(ops, func(m *Composite, e *event.Event, now int64, moved bool) {
		step++
		n := []int{1, 3, 40}[step%3]
		for _, o := range []LevelOptions{{}, {Net: true}, {Quotes: true, Now: now}, {Net: true, Quotes: true, Now: now}} {
			for _, side := range []market.Side{market.Buy, market.Sell} {
				want := slowLevels(m, side, o)
				got := dst[:m.Levels(side, dst[:n], o)]
				if len(want) > n {
					want = want[:n]
				}
				if !slices.Equal(got, want) {
					t.Fatalf("step %d, %v %+v:\n%+v, twin\n%+v", step, side, o, got, want)
				}
				for _, l := range got {
					quotes += int(l.Quotes & 1 << 1)
					shared += int(l.Venues&(l.Venues-1)) & 1
				}
			}
		}
		checkDepthImbalance(t, m, n)
	})
	return quotes, shared
}

func checkDepthImbalance(t *testing.T, m *Composite, n int) {
	var sums [2]int64
	for i, side := range []market.Side{market.Buy, market.Sell} {
		for j, l := range slowLevels(m, side, LevelOptions{}) {
			if j < n {
				sums[i] += int64(l.Qty)
			}
		}
	}
	want := int64(0)
	if sums[0] > 0 && sums[1] > 0 {
		want = 2048*sums[0]/(sums[0]+sums[1]) - 1024
	}
	if got := m.DepthImbalance(n); got != want {
		t.Fatalf("imbalance of %d levels is %d, want %d of %v", n, got, want, sums)
	}
}

// FuzzLevels compares the merge over ladders with its twin, in every order and
// with every kind of participant.
func FuzzLevels(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(randomOps(seed, 60))
	}
	f.Fuzz(func(t *testing.T, ops []byte) { checkLevels(t, ops) })
}

func TestLevelsEqualTheirTwin(t *testing.T) {
	for seed := range uint64(3) {
		checkLevels(t, randomOps(seed, 3000))
	}
}

// TestLevelsInOrderOfCost: the same books by price and by what taking costs.
func TestLevelsInOrderOfCost(t *testing.T) {
	m := mixedComposite()
	for _, v := range []int{0, 2, 6} {
		status(m, v, event.BookLive)
	}
	set(m, 0, market.Sell, 100, 5) // costs 103
	set(m, 6, market.Sell, 100, 7) // costs 103
	set(m, 2, market.Sell, 104, 9) // costs 102
	m.Apply(&event.Event{Kind: event.Quote, Venue: 1, Price: 98, Qty: 3, LastPx: 100, LastQty: 11, Until: 50})
	m.Refresh(10)
	var dst [8]AggLevel
	for _, c := range []struct {
		o      LevelOptions
		prices []market.Price
		qty    []market.Qty
		venues []uint16
	}{
		{LevelOptions{}, []market.Price{100, 104}, []market.Qty{12, 9}, []uint16{1<<0 | 1<<6, 1 << 2}},
		{LevelOptions{Net: true}, []market.Price{104, 100}, []market.Qty{9, 12}, []uint16{1 << 2, 1<<0 | 1<<6}},
		{LevelOptions{Quotes: true, Now: 49}, []market.Price{100, 104}, []market.Qty{23, 9}, []uint16{1<<0 | 1<<1 | 1<<6, 1 << 2}},
		{LevelOptions{Quotes: true, Now: 50}, []market.Price{100, 104}, []market.Qty{12, 9}, []uint16{1<<0 | 1<<6, 1 << 2}},
		{LevelOptions{Net: true, Quotes: true, Now: 49}, []market.Price{100, 104, 100}, []market.Qty{11, 9, 12},
			[]uint16{1 << 1, 1 << 2, 1<<0 | 1<<6}},
	} {
		levels := dst[:m.Levels(market.Sell, dst[:], c.o)]
		if len(levels) != len(c.prices) {
			t.Fatalf("%+v: %d levels, want %d", c.o, len(levels), len(c.prices))
		}
		for i, l := range levels {
			if l.Price != c.prices[i] || l.Qty != c.qty[i] || l.Venues != c.venues[i] {
				t.Errorf("%+v: level %d is %+v", c.o, i, l)
			}
		}
	}
	n := m.Levels(market.Sell, dst[:], LevelOptions{Quotes: true, Now: 49})
	if l := dst[0]; n == 0 || l.Quotes != 1<<1 || l.LastLook != 1<<1 || l.Until != 50 || l.Sizes[1] != 11 {
		t.Errorf("the quote's terms are lost: %+v", l)
	}
	if p := m.Venue(3, 10); p.Kind != market.Dark || !p.Traded || p.Bid.Qty != 0 || p.Ask.Qty != 0 {
		t.Errorf("the pool is %+v", p)
	}
	if p := m.Venue(1, 49); p.Ask != (Level{100, 11}) || p.Until != 50 || !p.LastLook {
		t.Errorf("the dealer is %+v", p)
	}
	if p := m.Venue(1, 50); p.Ask.Qty != 0 {
		t.Errorf("the dealer's expired quote is %+v", p)
	}
	if p := m.Venue(7, 10); p.Traded {
		t.Error("a venue without the instrument trades it")
	}
}

// TestLargestSizesAndPricesFit fills sixteen venues with the largest numbers.
func TestLargestSizesAndPricesFit(t *testing.T) {
	venues := make([]market.Venue, market.MaxVenues)
	for v := range venues {
		venues[v] = market.Venue{ID: market.VenueID(v), TakeFee: market.Fee{Ppm: 999_999}}
	}
	m := NewComposite(0, venues, func(market.VenueID) bool { return true }, Capacity{Levels: 4}, noOrders)
	for v := range venues {
		for i := range 4 {
			set(m, v, market.Buy, market.MaxPrice-market.Price(i)-1, market.MaxQty)
		}
		set(m, v, market.Sell, market.MaxPrice, market.MaxQty)
		status(m, v, event.BookLive)
	}
	m.Refresh(1)
	if m.Bid.Qty != 16*market.MaxQty || m.Signals().Imbalance != 0 || m.Signals().Micro != int64(market.MaxPrice)*1024-512 {
		t.Errorf("bid %+v signals %+v", m.Bid, m.Signals())
	}
	if i := m.DepthImbalance(4); i != 2048*4/5-1024 {
		t.Errorf("imbalance of four levels against one is %d", i)
	}
	var dst [8]AggLevel
	n := m.Levels(market.Sell, dst[:], LevelOptions{Net: true})
	if want := int64(market.MaxPrice)*1000 + int64(market.MaxPrice)/1000*999_999 + int64(market.MaxPrice)%1000*999_999/1000; n != 1 ||
		dst[0].Net != want {
		t.Errorf("%d levels, net %d, want %d", n, dst[0].Net, want)
	}
}
