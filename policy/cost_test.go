package policy

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"penstock/market"
)

// exactNet is Terms.Net by rational numbers.
func exactNet(t *Terms) float64 {
	if t.Way == WayTake {
		return float64(t.Price + t.Fee + t.Markout)
	}
	p := big.NewRat(int64(t.Fill), 1<<16)
	if t.Fill == One {
		p.SetInt64(1)
	}
	yes := new(big.Rat).Mul(p, big.NewRat(t.Price+t.Fee+t.Markout, 1))
	no := new(big.Rat).Mul(new(big.Rat).Sub(big.NewRat(1, 1), p), big.NewRat(t.Moved+t.Fallback, 1))
	f, _ := yes.Add(yes, no).Add(yes, big.NewRat(t.Leakage, 1)).Float64()
	return f
}

func TestTermsSumToTheNet(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 20_000 {
		p := anyParams(r)
		s := Situation{Half: r.Int64N(1e9), Fallback: r.Int64N(2e9) - 1e9, Calm: r.IntN(2)}
		o := Option{Venue: market.VenueID(r.IntN(16)), Way: Way(r.IntN(int(Ways))), Price: r.Int64N(2e9) - 1e9,
			Fee: r.Int64N(2e6) - 1e6, Fill: uint16(r.Uint32())}
		var got Terms
		p.Appraise(&s, o, &got)
		if math.Abs(float64(got.Net)-exactNet(&got)) > 1.01 {
			t.Fatalf("%+v: net %d, exactly %.2f", got, got.Net, exactNet(&got))
		}
	}
}

// What must make a way dearer does.
func TestTermsMoveAsTheyShould(t *testing.T) {
	net := func(change func(*VenueParams), way Way, fill uint16) int64 {
		p := *PriorParams()
		change(&p.Venues[1])
		var got Terms
		p.Appraise(&Situation{Half: 10_000, Fallback: 10_300}, Option{Venue: 1, Way: way, Price: -10_000, Fill: fill}, &got)
		return got.Net
	}
	as := func(*VenueParams) {}
	for name, dearer := range map[string]bool{
		"a dealer that refuses more":       net(func(v *VenueParams) { v.Reject[0] *= 4 }, WayHit, One) > net(as, WayHit, One),
		"a dealer whose refusals are late": net(func(v *VenueParams) { v.RejectMove[0] *= 4 }, WayHit, One) > net(as, WayHit, One),
		"a post less likely to fill":       net(as, WayPost, One/4) > net(as, WayPost, One/2),
		"a post that fills before moves":   net(func(v *VenueParams) { v.AddMarkout *= 3 }, WayPost, One/2) > net(as, WayPost, One/2),
		"a pool that leaks":                net(func(v *VenueParams) { v.Leakage *= 3 }, WayPing, One/5) > net(as, WayPing, One/5),
		"taking after which the mid turns": net(func(v *VenueParams) { v.TakeMarkout = 100 }, WayTake, One) > net(as, WayTake, One),
	} {
		if !dearer {
			t.Errorf("%s is not dearer", name)
		}
	}
}

// shareOneByOne is Pools.Share with one lot at a time.
func shareOneByOne(tails []*[DarkPoints]uint16, units []market.Qty, gains []int64, want market.Qty) []market.Qty {
	got := make([]market.Qty, len(tails))
	for range want {
		best, worth := -1, int64(0)
		for i := range tails {
			step := 0
			for step < DarkPoints && units[i]<<step <= got[i] {
				step++
			}
			if step == DarkPoints {
				continue
			}
			if w := scale(gains[i], tails[i][step]); w > worth {
				best, worth = i, w
			}
		}
		if best < 0 {
			break
		}
		got[best]++
	}
	return got
}

func TestPoolsAreSharedGreedily(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 300 {
		n := 1 + r.IntN(8)
		p := anyParams(r)
		var tails []*[DarkPoints]uint16
		var units []market.Qty
		var gains []int64
		var a Pools
		for i := range n {
			tails = append(tails, &p.Venues[i].Tail[0])
			units = append(units, market.Qty(1+r.IntN(20)))
			gains = append(gains, r.Int64N(10_000)+1)
			a.Add(market.VenueID(i), tails[i], units[i], 1<<40, gains[i], 0)
		}
		want := market.Qty(r.IntN(3000))
		given := a.Share(want, 1, 0)
		exact, sum := shareOneByOne(tails, units, gains, want), market.Qty(0)
		for i := range exact {
			sum += exact[i]
			if _, got := a.Got(i); got != exact[i] {
				t.Fatalf("pool %d got %d, one by one %d", i, got, exact[i])
			}
		}
		if sum != given {
			t.Fatalf("given %d of %d, one by one %d", given, want, sum)
		}
	}
}

func TestPoolsKeepLotsAndBounds(t *testing.T) {
	var a Pools
	tail := &PriorParams().Venues[0].Tail[0]
	a.Add(0, tail, 150, 1000, 500, 0)
	a.Add(1, tail, 100, 200, 900, 0)
	given := a.Share(5_050, 100, 0)
	if _, got := a.Got(1); got != 200 {
		t.Errorf("pool 1 got %d of at most 200", got)
	}
	if _, got := a.Got(0); got != 1000 || given != 1200 {
		t.Errorf("pool 0 got %d of at most 1000, given %d", got, given)
	}
	a.Reset()
	a.Add(0, tail, 100, 1000, 500, 100)
	if given := a.Share(1000, 100, 0); given != 0 {
		t.Errorf("%d were given where showing costs more than it can bring", given)
	}
}

// One decision over ten venues: four lit ones to take and to post, three pools, three
// dealers; the cheapest of each way.
func appraiseAll(p *Params, s *Situation, options []Option, terms []Terms, best *[Ways]int) {
	for i := range options {
		p.Appraise(s, options[i], &terms[i])
		if way := terms[i].Way; best[way] < 0 || terms[i].Net < terms[best[way]].Net {
			best[way] = i
		}
	}
}

func tenVenues() (options []Option) {
	for v := range 4 {
		options = append(options, Option{Venue: market.VenueID(v), Way: WayTake, Price: 10_000 + int64(v), Fee: 300, Fill: One},
			Option{Venue: market.VenueID(v), Way: WayPost, Price: -10_000, Fee: -200, Fill: One / 3})
	}
	for v := 4; v < 7; v++ {
		options = append(options, Option{Venue: market.VenueID(v), Way: WayPing, Fee: 100, Fill: One / 7})
	}
	for v := 7; v < 10; v++ {
		options = append(options, Option{Venue: market.VenueID(v), Way: WayHit, Price: 6000, Fill: One})
	}
	return options
}

func BenchmarkAppraiseTenVenues(b *testing.B) {
	p, options := anyParams(rand.New(rand.NewPCG(1, 1))), tenVenues()
	terms, s := make([]Terms, len(options)), Situation{Half: 10_000, Fallback: 10_300}
	b.ReportAllocs()
	for b.Loop() {
		best := [Ways]int{-1, -1, -1, -1, -1}
		appraiseAll(p, &s, options, terms, &best)
	}
}

func BenchmarkDarkGreedyEightPools(b *testing.B) {
	p := anyParams(rand.New(rand.NewPCG(1, 1)))
	var a Pools
	b.ReportAllocs()
	for b.Loop() {
		a.Reset()
		for v := range 8 {
			a.Add(market.VenueID(v), &p.Venues[v].Tail[0], 100, 1<<40, int64(9000+v), 10)
		}
		a.Share(200_000, 100, 0)
	}
}

func TestAppraisalDoesNotAllocate(t *testing.T) {
	p, options := PriorParams(), tenVenues()
	terms, s := make([]Terms, len(options)), Situation{Half: 10_000, Fallback: 10_300}
	var a Pools
	if n := testing.AllocsPerRun(100, func() {
		best := [Ways]int{-1, -1, -1, -1, -1}
		appraiseAll(p, &s, options, terms, &best)
		a.Reset()
		for v := range 8 {
			a.Add(market.VenueID(v), &p.Venues[v].Tail[0], 100, 1<<40, 9000, 10)
		}
		a.Share(10_000, 100, 0)
	}); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}
