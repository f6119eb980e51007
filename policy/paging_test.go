package policy

import (
	"testing"
)

func threePages(t testing.TB) *Table {
	t.Helper()
	paging := Paging{By: RegimeVolatility, DwellNanos: 60e9, Edges: [MaxPages - 1]int64{700, 1400}}
	cells := mustBuild(t).Choices(0)
	table, err := Build(TrainOptions{BuildOptions: BuildOptions{NotAfter: 2000}, Meta: Meta{Trainer: "t", Version: "1"},
		Extra: []Section{paging.Section()}}, cells, cells, cells)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestPageTurnsAfterItsDwell: what the feature says for less than the dwell changes nothing.
func TestPageTurnsAfterItsDwell(t *testing.T) {
	table, r := threePages(t), Regime{}
	for i, step := range []struct {
		second, x int64
		want      int
	}{
		{1000, 1000, 1}, // nothing known: at once
		{1010, 1500, 1}, {1060, 1400, 1}, {1069, 1400, 1},
		{1070, 1399, 1}, // back before a minute was over
		{1080, 1500, 1}, {1139, 1500, 1}, {1140, 1500, 2}, {1150, 1500, 2},
		{1160, 100, 2}, {1190, 1000, 2}, {1220, 1000, 2}, // another candidate begins anew
		{1250, 1000, 1},
		{1551, 699, 0}, // nobody looked for five minutes
	} {
		if got := table.Turn(&r, step.x, step.second*1e9); got != step.want {
			t.Fatalf("step %d: page %d, want %d (%+v)", i, got, step.want, r)
		}
	}
	r.Page = 3 // left by a table with more pages
	if got := table.Turn(&r, 1000, 1552e9); got != 1 {
		t.Errorf("page %d of a table that has three", got)
	}
	if n := testing.AllocsPerRun(100, func() { table.Turn(&r, 1000, 1553e9) }); n != 0 {
		t.Errorf("turning pages allocates %v times", n)
	}
}

func TestOnePageIsNeverTurned(t *testing.T) {
	r := Regime{}
	if table := mustBuild(t); table.Turn(&r, 5000, 1e18) != 0 || r != (Regime{}) {
		t.Error("a table of one page kept a regime")
	}
}

func TestPagesThatCannotBeChosenAreRefused(t *testing.T) {
	file := mustEncode(t, threePages(t))
	_, at, _ := sectionSpan(file, tagPAGE)
	for name, edit := range map[string]func(b []byte){
		"unknown feature": func(b []byte) { b[0] = 9 },
		"reserved":        func(b []byte) { b[5] = 1 },
		"dwell of a day":  func(b []byte) { b[14] = 1 },
		"edges fall":      func(b []byte) { b[25], b[24] = 0, 5 },
		"an edge more":    func(b []byte) { b[32] = 1 },
	} {
		bad := append([]byte(nil), file...)
		edit(bad[at:])
		_, err := Decode(reseal(bad), valid, unsigned)
		wantRefusal(t, name, err, ErrSchema, tagPAGE)
	}
	cells := mustBuild(t).Choices(0)
	o := TrainOptions{BuildOptions: BuildOptions{NotAfter: 2000}, Meta: Meta{Trainer: "t", Version: "1"}}
	if _, err := Build(o, cells, cells); err == nil {
		t.Error("two pages and no word on which is used when: built")
	}
	o.Extra = []Section{(&Paging{By: RegimePace, Edges: [MaxPages - 1]int64{10}}).Section()}
	if _, err := Build(o, cells); err == nil {
		t.Error("one page and a word on how to choose: built")
	}
}
