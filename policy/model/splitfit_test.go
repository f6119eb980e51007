package model

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Where one queue always empties and the other never does, everything is posted at the first;
// where none does, everything is taken, as far as what is missing costs more than that.
func TestSplitFollowsTheOutflow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	costs := &SplitCosts{TakeFee: .3, Rebate: []float64{.2, .2}, Moved: .3}
	var quick, dead []Window
	for range 200 {
		quick = append(quick, Window{Half: 1, Queue: []float64{500, 500}, Outflow: []float64{3000 + 1000*r.Float64(), math.NaN()}})
		dead = append(dead, Window{Half: 1, Queue: []float64{500, 500}, Outflow: []float64{400 * r.Float64(), 400}})
	}
	if s := SplitOf(1000, quick, costs); s.Take > .02 || s.Post[0] < .98 || s.Post[1] > .02 {
		t.Errorf("quick queue: %+v", s)
	}
	if s := SplitOf(1000, dead, costs); s.Take < .98 {
		t.Errorf("no outflow: %+v", s)
	}
	if s := SplitOf(1000, nil, costs); s.Take != 0 || len(s.Post) != 2 {
		t.Errorf("no windows: %+v", s)
	}
}

// With one venue and outflows that are even between 0 and 4,000, the optimum is known (eq. 7 to 9).
func TestSplitIsTheClosedFormOfOneVenue(t *testing.T) {
	const queue, size = 500, 2000
	var windows []Window
	for i := range 4000 {
		windows = append(windows, Window{Half: 1, Queue: []float64{queue}, Outflow: []float64{float64(i) + .5}})
	}
	costs := &SplitCosts{TakeFee: .3, Rebate: []float64{.2}, Moved: 1.2}
	p := Placement{Size: size, HalfSpread: 1, TakeFee: .3, Impact: .01, Underfill: 2.5, Overfill: 1.3, Venues: []PostVenue{{Queue: queue, Rebate: .2}}}
	want := p.ClosedForm(func(q float64) float64 { return 4000 * q }, func(x float64) float64 { return min(x/4000, 1) })
	got := SplitOf(size, windows, costs)
	if math.Abs(got.Take-want.Take/size) > .02 || math.Abs(got.Post[0]-want.Post[0]/size) > .02 {
		t.Errorf("split %+v, closed form %+v of %d", got, want, size)
	}
}
