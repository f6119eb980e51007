package policy

import (
	"math"
	"math/big"
	"sort"
	"testing"

	"penstock/market"
)

// slowSplit is largest remainder in unbounded integers: exact shares, floors,
// then the lots that are left in order of remainder.
func slowSplit(a Action, remaining, lot market.Qty) [Classes]market.Qty {
	if remaining <= 0 {
		return [Classes]market.Qty{}
	}
	limit := new(big.Int).Mul(big.NewInt(int64(remaining)), big.NewInt(int64(a.Multiple)))
	limit.Div(limit, big.NewInt(1000))
	if limit.Cmp(big.NewInt(int64(remaining))) > 0 {
		limit = big.NewInt(int64(remaining))
	}
	lots := limit.Div(limit, big.NewInt(int64(lot)))
	whole := big.NewInt(int64(Whole))
	var parts [Classes]*big.Int
	type rest struct {
		class Class
		m     *big.Int
	}
	var rests []rest
	sum, given := big.NewInt(0), big.NewInt(0)
	for c, w := range a.Weights {
		exact := new(big.Int).Mul(lots, big.NewInt(int64(w)))
		sum.Add(sum, exact)
		q, m := new(big.Int).DivMod(exact, whole, new(big.Int))
		parts[c] = q
		given.Add(given, q)
		rests = append(rests, rest{Class(c), m})
	}
	sort.SliceStable(rests, func(i, j int) bool { return rests[i].m.Cmp(rests[j].m) > 0 })
	left := sum.Div(sum, whole).Int64() - given.Int64()
	for i := range int(left) {
		parts[rests[i].class].Add(parts[rests[i].class], big.NewInt(1))
	}
	var out [Classes]market.Qty
	for c := range out {
		out[c] = market.Qty(parts[c].Int64()) * lot
	}
	return out
}

func checkSplit(t *testing.T, a Action, remaining, lot market.Qty) {
	t.Helper()
	dark, sdp, post, take := Split(&a, remaining, lot)
	got := [Classes]market.Qty{dark, sdp, post, take}
	if want := slowSplit(a, remaining, lot); got != want {
		t.Fatalf("%v × %d of %d by %d: %v, exactly %v", a.Weights, a.Multiple, remaining, lot, got,
			want)
	}
	left, weights := max(remaining, 0), 0
	for c, q := range got {
		if q < 0 || q%lot != 0 || q > left {
			t.Fatalf("%v of %d by %d: %v: class %v", a.Weights, remaining, lot, got, Class(c))
		}
		if a.Weights[c] == 0 && q != 0 {
			t.Fatalf("%v of %d by %d: %v: class %v has no weight", a.Weights, remaining, lot, got,
				Class(c))
		}
		left -= q
		weights += int(a.Weights[c])
	}
	if weights == int(Whole) && a.Multiple >= once && left >= lot {
		t.Fatalf("%v of %d by %d: %v leaves %d", a.Weights, remaining, lot, got, left)
	}
}

func TestSplitSharesByWeight(t *testing.T) {
	for _, tc := range []struct {
		name           string
		action         Action
		remaining, lot market.Qty
		want           [Classes]market.Qty
	}{
		{"hold places nothing", *Template(ActionHold), 1000, 1, [Classes]market.Qty{}},
		{"all to one class", *Template(ActionTakeAll), 1000, 1, [Classes]market.Qty{0, 0, 0, 1000}},
		{"half and half", *Template(ActionDarkPost), 1000, 1, [Classes]market.Qty{500, 0, 500, 0}},
		{"odd lot to the larger weight", *Template(ActionDarkPost), 3, 1,
			[Classes]market.Qty{2, 0, 1, 0}},
		{"round lots", *Template(ActionMixUrgent), 1050, 100,
			[Classes]market.Qty{200, 200, 200, 400}},
		{"less than a lot", *Template(ActionTakeAll), 99, 100, [Classes]market.Qty{}},
		{"multiple does not exceed the remainder", *Template(ActionMixUrgent), 10, 1,
			[Classes]market.Qty{2, 2, 2, 4}},
		{"nothing left", *Template(ActionTakeAll), 0, 1, [Classes]market.Qty{}},
		{"static at the start", Baseline(&Inputs{}), 1000, 1,
			[Classes]market.Qty{400, 100, 500, 0}},
	} {
		dark, sdp, post, take := Split(&tc.action, tc.remaining, tc.lot)
		if got := [Classes]market.Qty{dark, sdp, post, take}; got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
		checkSplit(t, tc.action, tc.remaining, tc.lot)
	}
}

func FuzzSplitConservesLots(f *testing.F) {
	f.Add(uint16(13107), uint16(13107), uint16(13107), uint16(26214), uint16(1000), int64(1050),
		int64(100))
	f.Add(uint16(65535), uint16(0), uint16(0), uint16(0), uint16(1500), int64(math.MaxInt64),
		int64(1))
	f.Add(uint16(1), uint16(2), uint16(3), uint16(4), uint16(333), int64(math.MaxInt64), int64(7))
	f.Fuzz(func(t *testing.T, dark, sdp, post, take, multiple uint16, remaining, lot int64) {
		if lot <= 0 {
			return // reference data has none
		}
		left := Whole
		a := Action{Multiple: multiple}
		for c, w := range [Classes]uint16{dark, sdp, post, take} {
			a.Weights[c] = min(Weight(w), left)
			left -= a.Weights[c]
		}
		checkSplit(t, a, market.Qty(remaining), market.Qty(lot))
		for set := range ClassSet(AllClasses + 1) {
			checkWithin(t, a, set)
		}
	})
}

func checkWithin(t *testing.T, a Action, available ClassSet) {
	t.Helper()
	got := a.Within(available)
	before, after := 0, 0
	for c := range a.Weights {
		before += int(a.Weights[c])
		after += int(got.Weights[c])
		if !available.Has(Class(c)) && got.Weights[c] != 0 {
			t.Fatalf("%v within %04b: %v", a.Weights, available, got.Weights)
		}
		if available.Has(Class(c)) && got.Weights[c] < a.Weights[c] {
			t.Fatalf("%v within %04b lost weight of %v", a.Weights, available, Class(c))
		}
	}
	if after > before || available == AllClasses && got != a {
		t.Fatalf("%v within %04b: %v", a.Weights, available, got.Weights)
	}
	if got.Weights[Take] > a.Weights[Take] && a.Flags&FlagSweep == 0 {
		t.Fatalf("%v within %04b takes more: %v", a.Weights, available, got.Weights)
	}
}

func TestWithinMovesWeightToPatientClasses(t *testing.T) {
	patient, closing := static[Patient], static[Closing]
	for _, tc := range []struct {
		name      string
		action    Action
		available ClassSet
		want      [Classes]Weight
	}{
		{"no pool", patient, Set(SDP, Post, Take), [Classes]Weight{0, 10923, 54612, 0}},
		{"only taking: stay", patient, Set(Take), [Classes]Weight{}},
		{"no dealer at the close: sweep", closing, Set(Dark, Post, Take),
			[Classes]Weight{0, 0, 0, Whole}},
		{"no lit venue at the close: dealers", closing, Set(SDP), [Classes]Weight{0, Whole, 0, 0}},
	} {
		got := tc.action.Within(tc.available)
		if got.Weights != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got.Weights, tc.want)
		}
	}
	for id := range templates {
		for set := range ClassSet(AllClasses + 1) {
			checkWithin(t, templates[id], set)
		}
	}
}

func TestMinQtyIsTenPercentButTwoLots(t *testing.T) {
	a := *Template(ActionDarkRest)
	for _, tc := range [][3]market.Qty{ // child, lot, want
		{10000, 100, 1000}, {1000, 100, 200}, {150, 100, 150}, {100, 1, 10}, {5, 1, 2}, {0, 1, 0},
		{math.MaxInt64, 1, 922407573503413452},
	} {
		if got := a.MinQty(tc[0], tc[1]); got != tc[2] {
			t.Errorf("child %d by %d: MinQty %d, want %d", tc[0], tc[1], got, tc[2])
		}
	}
	sweep := *Template(ActionDarkSweep)
	if got := sweep.MinQty(10000, 100); got != 0 {
		t.Errorf("a sweep has MinQty %d", got)
	}
}

func BenchmarkSplit(b *testing.B) {
	a := *Template(ActionMixUrgent)
	b.ReportAllocs()
	var sum market.Qty
	n := market.Qty(50000)
	for b.Loop() {
		dark, sdp, post, take := Split(&a, n, 100)
		sum += dark + sdp + post + take
		n++
	}
}
