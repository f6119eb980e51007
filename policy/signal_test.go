package policy

import (
	"math/rand/v2"
	"testing"
)

// rampSignal rises with every input, the lean most.
func rampSignal() *Signal {
	s := &Signal{Unit: 7}
	for i := range s.Edges {
		for k := range s.Edges[i] {
			s.Edges[i][k] = uint8(16*(k+1) + i)
		}
	}
	for cell := range s.Values {
		lean, ofi, flow := cell/256, cell/16%16, cell%16
		s.Values[cell] = int8(4*lean + 2*ofi + flow/2 - 50)
	}
	return s
}

func withSignal(t testing.TB, s *Signal) *Table {
	t.Helper()
	section, err := s.Section()
	if err != nil {
		t.Fatal(err)
	}
	cells := mustBuild(t).Choices(0)
	table, err := Build(TrainOptions{BuildOptions: BuildOptions{NotAfter: 2000}, Meta: Meta{Trainer: "t", Version: "1"},
		Extra: []Section{section}}, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// slowSignal finds the bins by comparing raw values with the first value of each edge's code.
func slowSignal(s *Signal, in [SignalInputs]int64) int64 {
	cell := 0
	for i, x := range in {
		lo, unit := int64(1024), int64(8)
		if i > 0 {
			lo, unit = 4096, 32
		}
		bin := 0
		for _, e := range s.Edges[i] {
			if x >= int64(e)*unit-lo {
				bin++
			}
		}
		cell = cell*SignalBins + bin
	}
	return int64(s.Values[cell]) * int64(s.Unit)
}

func FuzzSignalAgreesWithEdges(f *testing.F) {
	s := rampSignal()
	table := withSignal(f, s)
	f.Add(int64(0), int64(0), int64(0))
	f.Add(int64(-1)<<63, int64(1)<<62, int64(-4096))
	f.Add(int64(1023), int64(4095), int64(4096))
	f.Fuzz(func(t *testing.T, lean, ofi, flow int64) {
		want := slowSignal(s, [...]int64{lean, ofi, flow})
		if got, at := table.Signal(lean, ofi, flow), s.At(lean, ofi, flow); got != want || at != want {
			t.Errorf("signal of %d, %d, %d is %d and %d, edges say %d", lean, ofi, flow, got, at, want)
		}
	})
}

// TestSignalRises looks at what the core would read, not at the file.
func TestSignalRises(t *testing.T) {
	table := withSignal(t, rampSignal())
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		in := [SignalInputs]int64{r.Int64N(2400) - 1200, r.Int64N(10_000) - 5000, r.Int64N(10_000) - 5000}
		at := table.Signal(in[0], in[1], in[2])
		for i := range in {
			more := in
			more[i] += r.Int64N(500)
			if up := table.Signal(more[0], more[1], more[2]); up < at {
				t.Fatalf("signal falls from %d at %v to %d at %v", at, in, up, more)
			}
		}
	}
	if StaticTable().Signal(345, 9000, -9000) != 345 {
		t.Error("without a signal the lean of the touch is one")
	}
}

func TestSignalsThatAreRefused(t *testing.T) {
	file := mustEncode(t, withSignal(t, rampSignal()))
	_, at, _ := sectionSpan(file, tagSGNL)
	for name, edit := range map[string]func(s *Signal, b []byte){
		"falls with the lean": func(s *Signal, b []byte) { s.Values[256*5]--; b[signalFixed+256*5] -= 5; s.Values[256*5] -= 4 },
		"falls with the flow": func(s *Signal, b []byte) { s.Values[9] = -50; b[signalFixed+9] = 256 - 50 },
		"no unit":             func(s *Signal, b []byte) { s.Unit = 0; b[0] = 0 },
		"edges the other way": func(s *Signal, b []byte) { s.Edges[1][3] = 1; b[4+SignalBins+3] = 1 },
		"an edge twice":       func(s *Signal, b []byte) { s.Edges[2][1] = s.Edges[2][0]; b[4+2*SignalBins+1] = b[4+2*SignalBins] },
	} {
		s, bad := rampSignal(), append([]byte(nil), file...)
		edit(s, bad[at:])
		if _, err := s.Section(); err == nil {
			t.Errorf("%s: written", name)
		}
		_, err := Decode(reseal(bad), valid, unsigned)
		wantRefusal(t, name, err, ErrSchema, tagSGNL)
	}
	bad := append([]byte(nil), file...)
	bad[at+60] = 1
	_, err := Decode(reseal(bad), valid, unsigned)
	wantRefusal(t, "reserved", err, ErrSchema, tagSGNL)
}

func TestSignalIsPartOfTheTable(t *testing.T) {
	table := withSignal(t, rampSignal())
	back, err := Decode(mustEncode(t, table), valid, unsigned)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.PriceSignal(); got == nil || *got != *rampSignal() {
		t.Error("the signal did not come back")
	}
	if back.Signal(200, 900, -40) != table.Signal(200, 900, -40) || mustBuild(t).PriceSignal() != nil {
		t.Error("signals of the file and of the table differ")
	}
	other := rampSignal()
	other.Unit = 8
	if withSignal(t, other).UUIDText() == table.UUIDText() {
		t.Error("another signal has the same name")
	}
	if n := testing.AllocsPerRun(100, func() { table.Signal(1, 2, 3) }); n != 0 {
		t.Errorf("a signal allocates %v times", n)
	}
}

func BenchmarkSignal(b *testing.B) {
	table := withSignal(b, rampSignal())
	b.ReportAllocs()
	x := int64(0)
	for b.Loop() { // each needs the one before
		x = table.Signal(x, x+700, 300-x)
	}
	sink = uint32(x)
}

var sink uint32
