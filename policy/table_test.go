package policy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/market"
)

// mustBuild returns the rule-based table, valid from 1 µs to 2 µs.
func mustBuild(t testing.TB) *Table {
	t.Helper()
	table, err := BuildBaseline(BuildOptions{Version: "test", BuildTime: 500, NotBefore: 1000,
		NotAfter: 2000})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// twoPages returns a table whose second page differs from the first everywhere.
func twoPages(t testing.TB) *Table {
	t.Helper()
	one := mustBuild(t)
	two := newTable(&defaultSchema, 2)
	two.header, two.meta = one.header, one.meta
	copy(two.cells, one.cells)
	for i, v := range one.cells {
		c := decodeCell(uint32(i), v)
		two.cells[States+i] = encodeCell(c.Action, c.Alt(), uint8(1+i%7), 0)
	}
	paging := Paging{By: RegimePace, DwellNanos: 60e9, Edges: [MaxPages - 1]int64{1500}}
	two.extra = []Section{paging.Section()}
	if err := two.useSections(); err != nil {
		t.Fatal(err)
	}
	return two
}

// slowLookup compares raw values with edges and picks the cell by division-free
// mixed radix, the way a reader of the schema would.
func slowLookup(t *Table, page int, raw [Features]int64) Cell {
	index := uint32(0)
	for f := range t.schema {
		bin := uint32(0)
		for e := range t.schema[f].Bins - 1 {
			if raw[f] >= t.schema[f].Edges[e] {
				bin++
			}
		}
		index = index*t.schema[f].Bins + bin
	}
	return decodeCell(index, t.cells[page*States+int(index)])
}

func TestEveryStateIsFoundFromAnyOfItsCodes(t *testing.T) {
	table := twoPages(t)
	r := rand.New(rand.NewPCG(1, 2))
	ranges, smallest := codeRanges(&table.schema), smallestOf(&table.schema)
	for index := uint32(0); index < States; index++ {
		bins := table.schema.Bins(index)
		for range 4 {
			var codes Codes
			var raw [Features]int64
			for f := range codes {
				span := ranges[f][bins[f]]
				codes[f] = uint8(span[0] + r.IntN(span[1]-span[0]+1))
				raw[f] = smallest[f][codes[f]]
			}
			page := r.IntN(2)
			got := table.Lookup(page, &codes)
			if got.Index != index || got != table.At(page, index) {
				t.Fatalf("codes %v: cell %+v, must be index %d", codes, got, index)
			}
			if want := slowLookup(table, page, raw); got != want {
				t.Fatalf("codes %v: %+v, edges give %+v", codes, got, want)
			}
		}
	}
}

// codeRanges returns the first and last code of every bin.
func codeRanges(s *Schema) (ranges [Features][][2]int) {
	l := s.lut()
	for f := range s {
		ranges[f] = make([][2]int, s[f].Bins)
		for code := 255; code >= 0; code-- {
			ranges[f][l[f][code]/s[f].Stride][0] = code
		}
		for code := range 256 {
			ranges[f][l[f][code]/s[f].Stride][1] = code
		}
	}
	return ranges
}

// smallestOf returns the smallest raw value of every code.
func smallestOf(s *Schema) (smallest [Features][256]int64) {
	for f := range s {
		x := s[f].Lo
		for code := range 256 {
			for int(s[f].Code(x)) < code {
				x++
			}
			smallest[f][code] = x
		}
	}
	return smallest
}

func TestLookupAgreesWithEdgesOnMeasuredStates(t *testing.T) {
	table := mustBuild(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		in := randomInputs(r)
		codes := in.Codes()
		if got, want := table.Lookup(0, &codes), slowLookup(table, 0, in.Raw()); got != want {
			t.Fatalf("%+v: %+v, edges give %+v", in, got, want)
		}
	}
}

func TestPageThatIsAbsentReadsPageZero(t *testing.T) {
	table := twoPages(t)
	codes := Codes{3, 3, 100, 100, 2, 50, 50, 50}
	for _, page := range []int{-1, 2, 3, 4, 1 << 40} {
		if got := table.Lookup(page, &codes); got != table.Lookup(0, &codes) {
			t.Errorf("page %d: %+v", page, got)
		}
	}
	if table.Lookup(1, &codes) == table.Lookup(0, &codes) {
		t.Error("page 1 must differ")
	}
}

func TestCellSurvivesItsBits(t *testing.T) {
	for v := range uint16(1 << 14) {
		c := decodeCell(7, v)
		if c.Baseline() != (c.Action == ActionBaseline) {
			continue // refused when a file is read
		}
		if got := encodeCell(c.Action, c.Alt(), c.Confidence(), v); got != v || c.Index != 7 {
			t.Fatalf("%04x became %04x", v, got)
		}
		if c.LowSupport() != (v&cellLowSupport != 0) || c.Unseen() != (v&cellUnseen != 0) ||
			c.Thin() != (c.LowSupport() || c.Unseen()) || c.Confidence() > 7 {
			t.Fatalf("%04x is %+v", v, c)
		}
	}
}

func TestDecisionDoesNotAllocate(t *testing.T) {
	table := mustBuild(t)
	in := Inputs{Decision: 2, Remaining: 700, Slice: 1000, Gap: 10, Spread: 2, SweepCost: 1100,
		Volatility: 1000, DarkFill: 1000}
	var sum market.Qty
	if n := testing.AllocsPerRun(100, func() {
		id, _ := Resolve(table.Find(0, &in), MaskWithout(Set(Dark, Post, Take)))
		action := Template(id)
		if id == ActionBaseline {
			own := Baseline(&in).Within(Set(Post, Take))
			action = &own
		}
		dark, sdp, post, take := Split(action, in.Remaining, 1)
		sum += dark + sdp + post + take
	}); n != 0 {
		t.Errorf("%v allocations per decision", n)
	}
}

// TestReachIsEveryCellOfTheTouch compares with all signals, spreads and prices of immediacy.
func TestReachIsEveryCellOfTheTouch(t *testing.T) {
	table, r := mustBuild(t), rand.New(rand.NewPCG(9, 1))
	table.cells = slices.Clone(table.cells)
	for i := range table.cells {
		if r.IntN(8) == 0 {
			table.cells[i] = encodeCell(uint8(r.IntN(Actions)), ActionHold, 0, cellUnseen)
		}
	}
	for range 500 {
		in := randomInputs(r)
		rest, ok := table.Rest(&in)
		if !ok {
			continue
		}
		var want ActionMask
		for signal := int64(-1300); signal <= 1300; signal += 50 {
			for spread := range int64(5) {
				for cost := int64(0); cost <= 3000; cost += 100 {
					in.Signal, in.Spread, in.SweepCost = signal, spread, cost
					action := table.Find(0, &in).Action
					if table.Find(0, &in).Thin() {
						action = ActionBaseline
					}
					want |= 1 << action
				}
			}
		}
		if got := table.Reach(0, rest); got != want {
			t.Fatalf("%+v: %b, want %b", in, got, want)
		}
	}
}

// TestNextGapIsWhereTheBinChanges holds the answer against the bins of the gaps around it.
func TestNextGapIsWhereTheBinChanges(t *testing.T) {
	r, met := rand.New(rand.NewPCG(9, 2)), 0
	for _, table := range twoEdges {
		for range 20_000 {
			in := randomInputs(r)
			was, ok := table.Rest(&in)
			if !ok {
				continue
			}
			gap, more := table.NextGap(&in)
			if !more {
				gap = gapLimit * in.Slice
			} else if gap <= in.Gap {
				t.Fatalf("%+v: %d is not more", in, gap)
			}
			last, there := in, in
			last.Gap, there.Gap = gap-1, gap
			if before, _ := table.Rest(&last); before != was {
				t.Fatalf("%+v: another bin before %d", in, gap)
			}
			if after, ok := table.Rest(&there); more == (after == was) && ok {
				t.Fatalf("%+v: bin at %d, %v", in, gap, more)
			}
			met++
		}
	}
	if met < 1000 {
		t.Errorf("%d states", met)
	}
}

func TestStaticTableIsBaselineEverywhere(t *testing.T) {
	table := StaticTable()
	if table.PolicyID() != 0 || table.Pages() != 1 || table.Trusted() {
		t.Errorf("id %x pages %d trusted %v", table.PolicyID(), table.Pages(), table.Trusted())
	}
	for i := range uint32(States) {
		want := decodeCell(i, encodeCell(ActionBaseline, ActionHold, 0, 0))
		if got := table.At(0, i); got != want {
			t.Fatalf("%+v", got)
		}
	}
}

// benchCodes is a working set of states spread over the table.
func benchCodes() []Codes {
	r := rand.New(rand.NewPCG(5, 6))
	codes := make([]Codes, 1024)
	for i := range codes {
		in := randomInputs(r)
		codes[i] = in.Codes()
	}
	return codes
}

func BenchmarkLookupThroughput(b *testing.B) {
	table, codes := mustBuild(b), benchCodes()
	b.ReportAllocs()
	sum, i := uint32(0), 0
	for b.Loop() {
		sum += uint32(table.Lookup(0, &codes[i&1023]).Action)
		i++
	}
	if sum == 0 {
		b.Fatal("no action")
	}
}

// The next state depends on the cell before: what a single decision waits.
func BenchmarkLookupDependent(b *testing.B) {
	table, codes := mustBuild(b), benchCodes()
	b.ReportAllocs()
	next, i := 0, 0
	for b.Loop() {
		next = int(table.Lookup(0, &codes[(i+next)&1023]).Action)
		i++
	}
}

func BenchmarkCodes(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	inputs := make([]Inputs, 256)
	for i := range inputs {
		inputs[i] = randomInputs(r)
	}
	b.ReportAllocs()
	sum, i := uint8(0), 0
	for b.Loop() {
		codes := inputs[i&255].Codes()
		sum += codes[i&7]
		i++
	}
}

// Quantisation and lookup, the next state depending on the cell before.
func BenchmarkFindDependent(b *testing.B) {
	table, r := mustBuild(b), rand.New(rand.NewPCG(7, 8))
	inputs := make([]Inputs, 256)
	for i := range inputs {
		inputs[i] = randomInputs(r)
	}
	b.ReportAllocs()
	next, i := 0, 0
	for b.Loop() {
		cell := table.Find(0, &inputs[(i+next)&255])
		next = int(cell.Action)
		i++
	}
}
