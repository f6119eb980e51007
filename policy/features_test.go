package policy

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"penstock/market"
)

// slowRaw is Raw in unbounded integers.
func slowRaw(in *Inputs) [Features]*big.Int {
	raw := in.Raw()
	var slow [Features]*big.Int
	for f, x := range raw {
		slow[f] = big.NewInt(x)
	}
	slow[FeatureInventory] = slowFifths(in.Remaining, in.Slice)
	slow[FeatureGap] = slowPerMille(in.Gap, in.Slice)
	return slow
}

func slowFifths(remaining, slice market.Qty) *big.Int {
	switch {
	case remaining <= 0:
		return big.NewInt(0)
	case remaining >= slice:
		return big.NewInt(5)
	}
	n := new(big.Int).Mul(big.NewInt(int64(remaining)), big.NewInt(5))
	n.Add(n, big.NewInt(int64(slice)-1))
	return n.Div(n, big.NewInt(int64(slice)))
}

// slowPerMille compares only within the saturation; outside, the sign is enough.
func slowPerMille(gap, slice market.Qty) *big.Int {
	g := big.NewInt(int64(gap))
	limit := new(big.Int).Mul(big.NewInt(gapLimit), big.NewInt(int64(max(slice, 0))))
	if g.Sign() == 0 {
		return g
	}
	if g.CmpAbs(limit) >= 0 {
		return big.NewInt(int64(g.Sign()) * gapLimit * 1000)
	}
	g.Mul(g, big.NewInt(1000))
	q, m := new(big.Int).DivMod(g, big.NewInt(int64(slice)), new(big.Int))
	_ = m // DivMod is Euclidean: for a positive divisor its quotient is the floor
	return q
}

func checkInputs(t *testing.T, in *Inputs) {
	t.Helper()
	raw, slow, codes := in.Raw(), slowRaw(in), in.Codes()
	for f := range raw {
		if slow[f].Cmp(big.NewInt(raw[f])) != 0 {
			t.Fatalf("%+v: %s is %d, exactly %s", *in, defaultSchema[f].Name, raw[f], slow[f])
		}
		if want := defaultSchema[f].Code(raw[f]); codes[f] != want {
			t.Fatalf("%+v: %s code %d, want %d", *in, defaultSchema[f].Name, codes[f], want)
		}
		l := defaultSchema.lut()
		bin := defaultSchema[f].Bin(raw[f])
		if got := l[f][codes[f]]; got != bin*defaultSchema[f].Stride {
			t.Fatalf("%+v: %s of %d: code %d gives %d, edges give bin %d",
				*in, defaultSchema[f].Name, raw[f], codes[f], got, bin)
		}
	}
	for _, table := range twoEdges {
		if found, looked := table.Find(0, in), table.Lookup(0, &codes); found != looked {
			t.Fatalf("%+v: found %+v, by its codes %+v", *in, found, looked)
		}
	}
}

// twoEdges are tables with the default edges and with others.
var twoEdges = func() [2]*Table {
	other := defaultSchema
	other[FeatureGap].Edges = [MaxEdges]int64{-550, 350}
	other[FeatureSignal].Edges = [MaxEdges]int64{other[FeatureSignal].EdgeAt(-333), other[FeatureSignal].EdgeAt(-50), 0, 700}
	return [2]*Table{newTable(&defaultSchema, 1), newTable(&other, 1)}
}()

var extremes = []int64{math.MinInt64, math.MinInt64 + 1, -1 << 40, -1, 0, 1, 2, 5, 1 << 40,
	math.MaxInt64 - 1, math.MaxInt64}

func TestExtremeInputsKeepTheirBins(t *testing.T) {
	for _, a := range extremes {
		for _, b := range extremes {
			in := Inputs{Decision: a, Remaining: market.Qty(a), Slice: market.Qty(b),
				Gap: market.Qty(a), Signal: a, Spread: b, SweepCost: a, Volatility: b, DarkFill: a}
			checkInputs(t, &in)
		}
	}
}

func TestEdgesSplitExactlyWhereTheySay(t *testing.T) {
	for f := range defaultSchema {
		feature := &defaultSchema[f]
		l := defaultSchema.lut()
		for x := int64(-4000); x <= 12000; x++ {
			if got, want := l[f][feature.Code(x)], feature.Bin(x)*feature.Stride; got != want {
				t.Fatalf("%s at %d: %d, edges give %d", feature.Name, x, got, want)
			}
		}
	}
}

func FuzzInputsAgreeWithExactArithmetic(f *testing.F) {
	f.Add(int64(3), int64(500), int64(1000), int64(-750), int64(-600), int64(2), int64(1200))
	f.Add(int64(0), int64(1<<62), int64(math.MaxInt64), int64(math.MinInt64), int64(0), int64(0),
		int64(0))
	f.Fuzz(func(t *testing.T, decision, remaining, slice, gap, signal, spread, cost int64) {
		checkInputs(t, &Inputs{Decision: decision, Remaining: market.Qty(remaining),
			Slice: market.Qty(slice), Gap: market.Qty(gap), Signal: signal, Spread: spread,
			SweepCost: cost, Volatility: cost, DarkFill: cost})
	})
}

func TestSchemaHashesAreTheCompiledOnes(t *testing.T) {
	if h := hashFeatures(defaultSchema.append(nil)); h != FeatureSchemaHash {
		t.Errorf("feature schema hashes to %#x, constant is %#x: a change of meaning needs a new "+
			"constant and a changelog entry", h, FeatureSchemaHash)
	}
	if h := fnv1a(fnvOffset, appendActions(nil)); h != ActionSchemaHash {
		t.Errorf("action templates hash to %#x, constant is %#x", h, ActionSchemaHash)
	}
	if h := fnv1a(fnvOffset, []byte("foobar")); h != 0x85944171f73967e8 {
		t.Errorf("FNV-1a of foobar is %#x (draft-eastlake-fnv vector)", h)
	}
}

func TestSchemaHashIgnoresEdgesOnly(t *testing.T) {
	feat := defaultSchema.append(nil)
	for i := range feat {
		changed := append([]byte(nil), feat...)
		changed[i] ^= 1
		same := hashFeatures(changed) == FeatureSchemaHash
		if edge := i%featureBytes >= featureFixed; same != edge {
			t.Fatalf("byte %d: hash unchanged %v, is an edge %v", i, same, edge)
		}
	}
}

func TestStridesMakeEveryIndexOnce(t *testing.T) {
	product := uint32(1)
	for f := Features - 1; f >= 0; f-- {
		if defaultSchema[f].Stride != product {
			t.Errorf("%s: stride %d, must be %d", defaultSchema[f].Name, defaultSchema[f].Stride,
				product)
		}
		product *= defaultSchema[f].Bins
	}
	if product != States {
		t.Errorf("%d states, must be %d", product, States)
	}
}

func TestEdgesThatCannotBeUsedAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		feature int
		edges   []int64
		bad     int
	}{
		"default":         {FeatureGap, []int64{-750, 750}, -1},
		"refitted":        {FeatureGap, []int64{-550, 350}, -1},
		"inside a code":   {FeatureGap, []int64{-745, 750}, 0},
		"descending":      {FeatureGap, []int64{750, -750}, 1},
		"equal":           {FeatureGap, []int64{750, 750}, 1},
		"below the scale": {FeatureGap, []int64{-3000, 750}, 0},
		"above the scale": {FeatureGap, []int64{-750, 6000}, 1},
		"too many":        {FeatureGap, []int64{-750, 350, 750}, 2},
	} {
		feature := defaultSchema[tc.feature]
		feature.Edges = [MaxEdges]int64{}
		copy(feature.Edges[:], tc.edges)
		if got := feature.badEdge(); got != tc.bad {
			t.Errorf("%s: bad edge %d, want %d", name, got, tc.bad)
		}
	}
}

// randomInputs draws a state that visits every bin.
func randomInputs(r *rand.Rand) Inputs {
	slice := market.Qty(1 + r.Int64N(100000))
	return Inputs{
		Decision: r.Int64N(7), Remaining: market.Qty(r.Int64N(int64(slice) + 1)), Slice: slice,
		Gap: market.Qty(r.Int64N(4*int64(slice)) - 2*int64(slice)), Signal: r.Int64N(2600) - 1300,
		Spread: r.Int64N(6), SweepCost: r.Int64N(5000), Volatility: r.Int64N(3000),
		DarkFill: r.Int64N(3000),
	}
}
