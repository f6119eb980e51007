package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/market"
)

var update = flag.Bool("update", false, "rewrite testdata")

// golden compares text with testdata/name, or rewrites it with -update.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; read the change and run with -update:\n%s", path, text)
	}
}

func TestStaticRuleByUrgency(t *testing.T) {
	seen := map[Urgency]bool{}
	for _, tc := range []struct {
		decision int64
		gap      market.Qty // of a slice of 1000
		want     Urgency
	}{
		{0, 0, Patient}, {1, 749, Patient}, {1, 750, Normal}, {2, 0, Normal}, {3, -750, Normal},
		{3, -751, Patient}, {3, 800, Pressing}, {4, 0, Pressing}, {4, 5000, Closing},
		{5, 0, Closing}, {5, -900, Pressing}, {99, 0, Closing}, {-1, -5000, Patient},
	} {
		in := Inputs{Decision: tc.decision, Slice: 1000, Remaining: 500, Gap: tc.gap}
		if got := UrgencyOf(&in); got != tc.want {
			t.Errorf("decision %d gap %d: %v, want %v", tc.decision, tc.gap, got, tc.want)
		}
		seen[UrgencyOf(&in)] = true
	}
	if len(seen) != int(urgencies) {
		t.Errorf("only %d urgencies seen", len(seen))
	}
}

func TestStaticRuleSharesEverything(t *testing.T) {
	for u := range static {
		a := &static[u]
		sum := 0
		for _, w := range a.Weights {
			sum += int(w)
		}
		if sum != int(Whole) || a.ID != ActionBaseline || a.Flags&FlagStatic == 0 {
			t.Errorf("%v: weights sum to %d, action %+v", Urgency(u), sum, a)
		}
		if u > 0 && a.Aggressiveness() <= static[u-1].Aggressiveness() {
			t.Errorf("%v does not press more than the urgency before", Urgency(u))
		}
		if (a.Weights[Dark] > 0) != (a.DarkTIF != 0) {
			t.Errorf("%v: dark weight %d, time in force %q", Urgency(u), a.Weights[Dark], a.DarkTIF)
		}
	}
}

func TestTemplatesAreConsistent(t *testing.T) {
	for id := range templates {
		a := &templates[id]
		sum := 0
		for _, w := range a.Weights {
			sum += int(w)
		}
		empty := a.ID == ActionHold || a.ID == ActionBaseline
		if int(a.ID) != id || len(a.Name) > nameBytes || sum != int(Whole) && !empty ||
			empty && sum != 0 || (a.Weights[Dark] > 0) != (a.DarkTIF != 0) {
			t.Errorf("template %d: %+v", id, a)
		}
	}
	if len(appendActions(nil)) != actnBytes || len(defaultSchema.append(nil)) != featBytes {
		t.Error("section sizes")
	}
}

// bins names a cell by the bin of each feature, in table order.
type bins struct{ time, left, gap, signal, spread, sweep, vol, fills uint32 }

func (b bins) index() uint32 {
	index := uint32(0)
	for f, bin := range [Features]uint32{b.time, b.left, b.gap, b.signal, b.spread, b.sweep, b.vol,
		b.fills} {
		index += bin * defaultSchema[f].Stride
	}
	return index
}

func TestRulesSayWhatTheyMean(t *testing.T) {
	table := mustBuild(t)
	for _, tc := range []struct {
		name string
		bins bins
		want uint8
	}{
		{"undisturbed", bins{0, 4, 1, 2, 1, 1, 1, 1}, ActionBaseline},
		{"first decision probes dark", bins{0, 4, 1, 2, 2, 1, 1, 2}, ActionDarkSweep},
		{"first decision, wide spread", bins{0, 4, 1, 2, 2, 1, 0, 1}, ActionDarkPost},
		{"first decision, poor dark", bins{0, 4, 1, 2, 2, 1, 1, 0}, ActionPostJoin},
		{"favourable signal waits dark", bins{0, 4, 1, 0, 1, 1, 1, 1}, ActionDarkRest},
		{"favourable signal, poor dark", bins{0, 4, 1, 0, 1, 1, 1, 0}, ActionHold},
		{"adverse signal acts earlier", bins{0, 4, 1, 4, 1, 1, 1, 1}, ActionPostImprove},
		{"wide spread with good dark", bins{1, 4, 1, 3, 2, 1, 1, 2}, ActionDarkPost},
		{"tight spread joins", bins{1, 4, 1, 3, 0, 1, 1, 2}, ActionPostJoin},
		{"behind presses", bins{1, 4, 2, 2, 1, 1, 1, 0}, ActionPostImprove},
		{"late, tight and cheap", bins{3, 4, 1, 2, 0, 0, 1, 0}, ActionTake25},
		{"late, wide", bins{4, 4, 1, 2, 2, 1, 1, 2}, ActionDarkSDP},
		{"late, wide, poor dark", bins{4, 4, 1, 2, 2, 1, 1, 0}, ActionSDPProbePost},
		{"late and behind", bins{4, 4, 2, 2, 1, 1, 1, 0}, ActionMixUrgent},
		{"late, adverse, cheap", bins{4, 4, 1, 4, 0, 0, 1, 0}, ActionTakeAll},
		{"very late pressure", bins{4, 4, 2, 4, 1, 1, 1, 0}, ActionTakeAll},
		{"last decision", bins{5, 0, 1, 0, 1, 1, 1, 0}, ActionTakeAll},
		{"last decision but ahead", bins{5, 0, 0, 2, 1, 1, 1, 0}, ActionPostImprove},
	} {
		if got := table.At(0, tc.bins.index()); got.Action != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, ActionName(got.Action), ActionName(tc.want))
		}
	}
}

func TestTableUsesEveryActionAndMarksBaseline(t *testing.T) {
	table := mustBuild(t)
	var seen [Actions]int
	for i := range uint32(States) {
		c := table.At(0, i)
		seen[c.Action]++
		if c.Baseline() != (c.Action == ActionBaseline) || c.Thin() ||
			c.Alt() == c.Action && c.Action != ActionHold {
			t.Fatalf("cell %+v", c)
		}
	}
	for id, n := range seen {
		if n == 0 || n > States/2 {
			t.Errorf("%s in %d of %d cells", ActionName(uint8(id)), n, States)
		}
	}
}

func TestRuleBasedTableIsMonotone(t *testing.T) {
	m := AuditMonotonicity(mustBuild(t), 0)
	if !m.Holds() || m.TimePairs != States/6*5 || m.InventoryPairs != States/5*4 {
		t.Errorf("%+v", m)
	}
	t.Logf("%+v", m)
}

func TestAuditFindsATableThatGivesUpLate(t *testing.T) {
	table := mustBuild(t)
	for i := range uint32(States) {
		if table.schema.Bins(i)[FeatureTime] == lastDecision {
			table.cells[i] = encodeCell(ActionHold, ActionHold, 0, 0)
		}
	}
	m := AuditMonotonicity(table, 0)
	if m.Holds() || m.TimeViolations < m.TimePairs/6 {
		t.Errorf("%+v", m)
	}
}

func TestSameRulesGiveTheSameFile(t *testing.T) {
	a, b := mustBuild(t), mustBuild(t)
	fileA, fileB := mustEncode(t, a), mustEncode(t, b)
	if string(fileA) != string(fileB) {
		t.Fatal("two builds differ")
	}
	later, err := BuildBaseline(BuildOptions{Version: "test", BuildTime: 9, NotAfter: 1 << 62})
	if err != nil || later.header.UUID != a.header.UUID {
		t.Errorf("UUID %s, built later %s: %v", a.UUIDText(), later.UUIDText(), err)
	}
	other, err := BuildBaseline(BuildOptions{Version: "other", NotAfter: 1 << 62})
	if err != nil || other.header.UUID == a.header.UUID {
		t.Errorf("another version has the same UUID: %v", err)
	}
	if text := a.UUIDText(); text[14] != '8' || !strings.ContainsAny(text[19:20], "89ab") {
		t.Errorf("%s is not a version 8 UUID", text)
	}
	sum := sha256.Sum256(fileA)
	golden(t, "baseline.sha256", hex.EncodeToString(sum[:])+"  "+a.UUIDText()+"\n")
}

func TestBuildRefusesWhatCannotBeWritten(t *testing.T) {
	for name, opt := range map[string]BuildOptions{
		"no version":    {NotAfter: 1},
		"empty window":  {Version: "v", NotBefore: 5, NotAfter: 5},
		"too much text": {Version: strings.Repeat("v", maxJSONBytes), NotAfter: 1},
	} {
		if _, err := BuildBaseline(opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestExplainSaysBinsAndAction(t *testing.T) {
	table := mustBuild(t)
	text := ""
	for _, b := range []bins{{0, 4, 1, 2, 1, 1, 1, 1}, {4, 4, 2, 2, 1, 0, 2, 0},
		{5, 0, 0, 4, 2, 2, 0, 2}} {
		one, err := table.Explain(0, b.index())
		if err != nil {
			t.Fatal(err)
		}
		text += one + "\n"
	}
	table.cells[0] = encodeCell(ActionTakeAll, ActionMixUrgent, 3, cellLowSupport)
	one, err := table.Explain(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.txt", text+one)
	for _, bad := range [][2]int{{1, 0}, {-1, 0}, {0, States}} {
		if _, err := table.Explain(bad[0], uint32(bad[1])); err == nil {
			t.Errorf("page %d cell %d explained", bad[0], bad[1])
		}
	}
}
