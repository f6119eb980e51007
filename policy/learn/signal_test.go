package learn

import (
	"math"
	"math/rand/v2"
	"testing"

	"penstock/policy"
)

// market makes samples whose mean move is known: it rises with all three inputs, and bends.
func pressedMarket(clusters int, seed uint64, noise float64) []SignalSample {
	rng := rand.New(rand.NewPCG(seed, 5))
	var list []SignalSample
	for c := range clusters {
		for range 400 {
			s := SignalSample{Cluster: uint64(c), Spread: 1 + rng.Int64N(4), Pace: 500 + rng.Int64N(1000)}
			s.Inputs = [policy.SignalInputs]int64{int64(400 * rng.NormFloat64()), int64(900 * rng.NormFloat64()), int64(1200 * rng.NormFloat64())}
			s.Inputs[0] = min(max(s.Inputs[0], -1000), 1000)
			s.Move = truth(&s) + noise*rng.NormFloat64()
			list = append(list, s)
		}
	}
	return list
}

func truth(s *SignalSample) float64 {
	return .4*math.Tanh(float64(s.Inputs[0])/500) + .25*math.Tanh(float64(s.Inputs[1])/1000) + .15*float64(s.Inputs[2])/1500
}

// TestSignalIsDistilled fits on one market, judges on another of the same kind, and looks for
// what was promised: it rises, is odd, keeps what the teacher knows, beats the touch alone.
func TestSignalIsDistilled(t *testing.T) {
	s, q, err := JudgeSignal(pressedMarket(60, 1, 1), pressedMarket(40, 2, 1), 7)
	if err != nil {
		t.Fatal(err)
	}
	if !q.Acceptable() || q.Student < 1.2*q.Lean || q.Clusters != 40 {
		t.Errorf("quality %+v", q)
	}
	if _, err := s.Section(); err != nil {
		t.Errorf("the fitted signal is not one that a file may hold: %v", err)
	}
	for cell, v := range s.Values {
		if m := s.Values[len(s.Values)-1-cell]; v != -m {
			t.Fatalf("cell %d says %d, its mirror %d", cell, v, m)
		}
	}
	for _, in := range [][policy.SignalInputs]int64{{0, 0, 0}, {600, 800, 500}, {-300, 1500, 0}, {900, -200, -900}} {
		want := truth(&SignalSample{Inputs: in})
		if got := float64(s.At(in[0], in[1], in[2])) / 1000; math.Abs(got-want) > .12 {
			t.Errorf("signal of %v is %.3f half-spreads, in truth %.3f", in, got, want)
		}
	}
}

// TestSignalOfNothingIsRefused: moves that nothing predicts, and moves that the touch alone
// predicts, must not pass.
func TestSignalOfNothingIsRefused(t *testing.T) {
	noise := func(seed uint64) []SignalSample {
		list := pressedMarket(40, seed, 1)
		for i := range list {
			list[i].Move -= truth(&list[i])
		}
		return list
	}
	touch := func(seed uint64) []SignalSample {
		list := noise(seed)
		for i := range list {
			list[i].Move += .5 * float64(list[i].Inputs[0]) / 500
		}
		return list
	}
	for name, make := range map[string]func(uint64) []SignalSample{"nothing": noise, "the touch alone": touch} {
		_, q, err := JudgeSignal(make(11), make(12), 7)
		if err != nil || q.Acceptable() {
			t.Errorf("%s: %v, accepted with %+v", name, err, q)
		}
	}
	if _, err := FitSignal(noise(1)[:900]); err == nil {
		t.Error("a signal was fitted to 900 samples")
	}
}

// TestRaiseIsTheNearest: projecting twice changes nothing, what rises stays, and a line is
// what isotonic regression gives.
func TestRaiseIsTheNearest(t *testing.T) {
	const n = policy.SignalBins
	values, weights := make([]float64, n*n*n), make([]float64, n*n*n)
	for i := range values {
		values[i], weights[i] = float64(i/n), 1 // does not depend on the innermost
	}
	values[n*n*3+n*2+4], values[n*n*3+n*2+5] = 51, 49
	was := values[n*n*3+n*2]
	raise(values, weights)
	for cell := range values {
		for _, stride := range [...]int{1, n, n * n} {
			if cell/stride%n > 0 && values[cell] < values[cell-stride] {
				t.Fatalf("cell %d: %.4f below %.4f", cell, values[cell], values[cell-stride])
			}
		}
	}
	if math.Abs(values[0]) > .5 || math.Abs(was-50) > 1 {
		t.Errorf("far values moved: %v, %v", values[0], was)
	}
	again := append([]float64(nil), values...)
	raise(again, weights)
	for i := range again {
		if math.Abs(again[i]-values[i]) > 1e-6 {
			t.Fatalf("cell %d moved from %.6f to %.6f", i, values[i], again[i])
		}
	}
}

func TestSignalEdgesSplitIntoFifths(t *testing.T) {
	samples := pressedMarket(30, 3, 1)
	s, err := FitSignal(samples)
	if err != nil {
		t.Fatal(err)
	}
	schema := SignalEdges(s, samples)
	f := &schema[policy.FeatureSignal]
	var n [5]int
	for i := range samples {
		in := &samples[i].Inputs
		n[f.Bin(s.At(in[0], in[1], in[2]))]++
	}
	for b, k := range n {
		if share := float64(k) / float64(len(samples)); share < .12 || share > .28 {
			t.Errorf("bin %d holds %.2f of the samples, edges %v", b, share, f.Edges[:4])
		}
	}
}
