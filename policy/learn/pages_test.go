package learn

import (
	"bytes"
	"testing"

	"penstock/policy"
)

// twoRegimes logs two toys, each on a page of its own: what is best in one is not in the other.
func twoRegimes(a, b *toy, n int, seed uint64) []Episode {
	list := a.play(n, .6, seed)
	other := b.play(n, .6, seed+1)
	each(other, func(s *Step) { s.Cell += policy.States })
	for i := range other {
		other[i].Cluster += uint64(n)
	}
	return append(list, other...)
}

// TestPagesAreLearntApart: two regimes that want different actions get them, one page for both
// cannot give them, and tables carry each page's values.
func TestPagesAreLearntApart(t *testing.T) {
	calm, busy := newToy(.5), newToy(.5)
	calm.later, busy.later = [policy.Actions]float64{}, [policy.Actions]float64{} // what is owed is no state of a page
	for s := range busy.mean {
		for a := range busy.mean[s] {
			busy.mean[s][a] = calm.mean[s][(a+2)%policy.Actions]
		}
	}
	data := twoRegimes(calm, busy, 8000, 1)
	o := DefaultOptions()
	if _, err := Fit(data, o); err == nil {
		t.Fatal("one page learnt from the rows of two")
	}
	one, err := Fit(OnePage(data), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Pages = 2
	two, err := Fit(data, o)
	if err != nil {
		t.Fatal(err)
	}
	onBusy := func(cell uint32) uint8 { return two.Act(cell + policy.States) }
	apart := calm.value(two.Act) + busy.value(onBusy)
	if both := calm.value(one.Act) + busy.value(one.Act); apart < both+.5 {
		t.Errorf("two pages are worth %.2f, one %.2f", apart, both)
	}
	paging := policy.Paging{By: policy.RegimePace, DwellNanos: 60e9, Edges: [policy.MaxPages - 1]int64{1000}}
	for _, slim := range []bool{false, true} {
		table, err := Export(two, ExportOptions{BuildOptions: policy.BuildOptions{Version: "1", NotAfter: 100}, Slim: slim,
			Sections: []policy.Section{paging.Section()}})
		if err != nil {
			t.Fatal(err)
		}
		file, err := policy.Encode(table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if table, err = policy.Decode(file, 50, policy.LoadOptions{AllowUnsigned: true}); err != nil {
			t.Fatal(err)
		}
		again, err := policy.Encode(table, nil)
		if err != nil || !bytes.Equal(file, again) || table.Pages() != 2 {
			t.Fatalf("slim %v: %d pages, %v", slim, table.Pages(), err)
		}
		checkPages(t, table, two)
	}
}

func checkPages(t *testing.T, table *policy.Table, m *Model) {
	t.Helper()
	differ := 0
	for page := range 2 {
		for s := range 5 {
			cell := toyCell(3, s)
			here := cell + uint32(page)*policy.States
			v, ok := ValuesOf(table, page, cell)
			if c := m.Choices[here]; !ok || table.At(page, cell).Action != c.Action || v.Visits[c.Action] != m.Visits[at(here, c.Action)] {
				t.Fatalf("page %d cell %d: %+v, table %d, model %d", page, cell, v, table.At(page, cell).Action, c.Action)
			}
			if d := float64(v.Baseline - m.Q[at(here, policy.ActionBaseline)]); d > 1e-3 || d < -1e-3 {
				t.Fatalf("page %d cell %d: BASELINE is worth %v, in the model %v", page, cell, v.Baseline, m.Q[at(here, policy.ActionBaseline)])
			}
		}
	}
	for s := range 5 {
		if table.At(0, toyCell(3, s)).Action != table.At(1, toyCell(3, s)).Action {
			differ++
		}
	}
	if differ == 0 {
		t.Error("both pages do the same")
	}
}
