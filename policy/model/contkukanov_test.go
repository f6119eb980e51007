package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
)

// poisson draws from a Poisson distribution by its inverse distribution function.
type poisson struct {
	from int
	cum  []float64
}

func newPoisson(mean float64) *poisson {
	from := int(mean - 12*math.Sqrt(mean))
	p := &poisson{from: from}
	sum := 0.0
	for n := from; n < int(mean+12*math.Sqrt(mean)); n++ {
		lg, _ := math.Lgamma(float64(n + 1))
		sum += math.Exp(float64(n)*math.Log(mean) - mean - lg)
		p.cum = append(p.cum, sum)
	}
	return p
}

func (p *poisson) draw(r *rand.Rand) float64 {
	return float64(p.from + sort.SearchFloat64s(p.cum, r.Float64()))
}

// paperPlacement is the baseline of §5.1; prices in cents.
func paperPlacement(size float64, venues int) *Placement {
	p := &Placement{Size: size, HalfSpread: 2, TakeFee: .3, Impact: .05, Underfill: 5, Overfill: 5}
	for range venues {
		p.Venues = append(p.Venues, PostVenue{Queue: 2000, Rebate: .2})
	}
	return p
}

// paperOutflows draws n samples of 0.6 × a common and 0.4 × an own Poisson(2200).
func paperOutflows(seed uint64, n, venues int) [][]float64 {
	draw, r := newPoisson(2200), rand.New(rand.NewPCG(seed, 1))
	samples := make([][]float64, n)
	for i := range samples {
		common := draw.draw(r)
		samples[i] = make([]float64, venues)
		for k := range samples[i] {
			samples[i][k] = .6*common + .4*draw.draw(r)
		}
	}
	return samples
}

// Table 1 of the paper: benchmarks within 0.03 cents in all cells; for two venues and more
// the published policy within one point of market orders (and the half that rounding hides) and 0.03 cents; the exact optimum
// never worse, and at S = 5000 better than what was published. The row of one venue is not
// compared with the published policy: its printed cost is above that of the paper's own
// equal split.
func TestTableOneOfContAndKukanov(t *testing.T) {
	for _, row := range []struct {
		size           float64
		venues         int
		limits, equal  float64 // cents a share: all limit orders, equal shares
		market, policy float64 // published: % of market orders, cents a share
		optimum        float64
	}{
		{500, 1, 2.19, .83, 82, 1.54, .74}, {500, 2, 2.22, -.57, 15, -.85, -.87}, {500, 3, 2.21, -1.02, 1, -1.99, -2.03},
		{500, 4, 2.20, -1.25, 0, -2.06, -2.14}, {500, 5, 2.22, -1.40, 0, -2.05, -2.15},
		{1000, 1, 3.65, 2.27, 94, 2.07, 1.54}, {1000, 2, 3.64, 1.28, 56, .77, .73}, {1000, 3, 3.65, .09, 35, -.07, -.07},
		{1000, 4, 3.64, -.88, 15, -.90, -.89}, {1000, 5, 3.65, -1.29, 1, -1.64, -1.67},
		{5000, 1, 4.81, 3.44, 97, 2.22, 2.19}, {5000, 2, 4.81, 3.60, 88, 2.10, 2.03}, {5000, 3, 4.81, 3.55, 83, 1.95, 1.86},
		{5000, 4, 4.81, 3.39, 79, 1.79, 1.70}, {5000, 5, 4.82, 3.22, 75, 1.62, 1.54},
	} {
		t.Run(fmt.Sprintf("S=%g,K=%d", row.size, row.venues), func(t *testing.T) {
			p := paperPlacement(row.size, row.venues)
			test := paperOutflows(7, 20_000, row.venues)
			cost := func(s Split) float64 { return p.Cost(&s, test) / row.size }
			within := func(what string, got, want, by float64) {
				t.Helper()
				if math.Abs(got-want) > by {
					t.Errorf("%s: %.3f, want %.2f ± %.2f", what, got, want, by)
				}
			}
			limits := Split{0, make([]float64, row.venues)} // all at one venue
			limits.Post[0] = row.size
			within("all market orders", cost(Split{row.size, make([]float64, row.venues)}), 2.35, 1e-9)
			within("all limit orders", cost(limits), row.limits, .03)
			within("equal shares", cost(p.EqualShares()), row.equal, .031)
			learned := p.Approximate(p.EqualShares(), paperOutflows(1, 1000, row.venues))
			if row.venues >= 2 {
				within("published policy", cost(learned), row.policy, .031)
				within("its market orders, %", 100*learned.Take/row.size, row.market, 1.5)
			}
			exact := p.Optimum(learned, paperOutflows(3, 3000, row.venues), row.size/500)
			within("optimum", cost(exact), row.optimum, .031)
			if got := cost(exact); row.size == 5000 && got > row.policy-.02 {
				t.Errorf("at S=5000 the optimum costs %.3f and what was published %.2f", got, row.policy)
			}
		})
	}
}

// One venue in closed form, against a search over all splits, and the two corners.
func TestClosedFormOfOneVenue(t *testing.T) {
	mean := 2200.0
	cdf := func(x float64) float64 { return 1 - math.Exp(-max(x, 0)/mean) }
	quantile := func(u float64) float64 { return -mean * math.Log(1-u) }
	p := &Placement{Size: 1000, HalfSpread: 1, TakeFee: .3, Impact: .05, Underfill: 2.6, Overfill: 2.6,
		Venues: []PostVenue{{Queue: 2000, Rebate: .2}}}
	got := p.ClosedForm(quantile, cdf)
	if math.Abs(got.Post[0]-305.5) > .1 || math.Abs(got.Take-694.5) > .1 {
		t.Errorf("closed form posts %.1f and takes %.1f, want 305.5 and 694.5", got.Post[0], got.Take)
	}
	samples := make([][]float64, 20_000)
	for i := range samples {
		samples[i] = []float64{quantile((float64(i) + .5) / float64(len(samples)))}
	}
	best := p.Cost(&got, samples)
	for post := 0.0; post <= p.Size; post += 5 {
		if other := p.Cost(&Split{p.Size - post, []float64{post}}, samples); other < best-1e-3 {
			t.Fatalf("posting %g costs %.4f, the closed form %.4f", post, other, best)
		}
	}
	// The printed parameters give 786 of 1000 to the market order, not the 730 that §4.2 prints.
	base := paperPlacement(1000, 1)
	d := newPoisson(2200)
	at := func(x float64) float64 {
		if i := int(math.Floor(x)) - d.from; i >= 0 {
			return d.cum[min(i, len(d.cum)-1)]
		}
		return 0
	}
	inverse := func(u float64) float64 { return float64(d.from + sort.SearchFloat64s(d.cum, u)) }
	if s := base.ClosedForm(inverse, at); math.Abs(s.Take-786) > 1.5 {
		t.Errorf("with the printed parameters the market order is %.0f", s.Take)
	}
	p.Underfill = .1
	if s := p.ClosedForm(quantile, cdf); s.Take != 0 {
		t.Errorf("without a price of what is missing %.0f are taken", s.Take)
	}
	p.Underfill = 100
	if s := p.ClosedForm(quantile, cdf); s.Post[0] != 0 {
		t.Errorf("at any price %.0f are posted", s.Post[0])
	}
}

// What a better known model would say: more is taken when what is missing costs more,
// and posts do not sum to more than the slice once each of them has a price.
func TestSplitMovesAsItShould(t *testing.T) {
	samples := paperOutflows(5, 1500, 3)
	last := -1.0
	for _, underfill := range []float64{2.4, 3, 5, 8} {
		p := paperPlacement(1000, 3)
		p.Underfill = underfill
		s := p.Optimum(p.EqualShares(), samples, 2)
		if s.Take < last-10 {
			t.Errorf("λu=%g: %.0f are taken, %.0f at a lower price", underfill, s.Take, last)
		}
		last = s.Take
	}
	posted := func(impact float64) (sum float64) {
		p := paperPlacement(500, 5)
		p.Impact = impact
		s := p.Optimum(p.EqualShares(), paperOutflows(6, 1500, 5), 2)
		for _, post := range s.Post {
			sum += post
		}
		return sum + s.Take
	}
	if free, dear := posted(0), posted(1); free <= 500 || dear > free {
		t.Errorf("sent in all: %.0f when it costs nothing, %.0f when it costs", free, dear)
	}
}

func BenchmarkContKukanovSplit(b *testing.B) {
	p := paperPlacement(1000, 10)
	samples := paperOutflows(1, 1000, 10)
	start := p.EqualShares()
	b.ReportAllocs()
	for b.Loop() {
		p.Approximate(start, samples)
	}
}
