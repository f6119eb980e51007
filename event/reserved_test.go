package event

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"penstock/market"
)

// numbered are the enumerations whose numbers are in journals, files and on the control
// socket: name of a number, and the text of one that there is not.
var numbered = []struct {
	name    string
	text    func(n int) string
	unknown string
	most    int
}{
	{"event.Kind", func(n int) string { return Kind(n).String() }, "kind?", 255},
	{"event.CommandKind", func(n int) string { return CommandKind(n).String() }, "command?", 255},
	{"event.Reason", func(n int) string { return Reason(n).String() }, "reason?", 1023},
	{"event.OperatorAct", func(n int) string { return OperatorAct(n).String() }, "act?", 255},
	{"event.BookState", func(n int) string { return BookState(n).String() }, "STATE?", 255},
	{"event.Why", func(n int) string { return Why(n).String() }, "why?", 255},
	{"event.Tactic", func(n int) string { return Tactic(n).String() }, "tactic?", 255},
	{"event.ScopeKind", func(n int) string { return ScopeKind(n).String() }, "scope?", 255},
	{"event.LimitKind", func(n int) string { return LimitKind(n).String() }, "limit?", 255},
	{"event.Strategy", func(n int) string { return Strategy(n).String() }, "strategy?", 2047},
	{"market.Side", func(n int) string { return market.Side(n).String() }, "side?", 255},
	{"market.OrdStatus", func(n int) string { return market.OrdStatus(n).String() }, "OrdStatus?", 255},
	{"market.ExecType", func(n int) string { return market.ExecType(n).String() }, "OrdStatus?", 255},
	{"market.VenueKind", func(n int) string { return market.VenueKind(n).String() }, "kind?", 255},
}

// TestCtl_C20_NumbersAreNeverReused compares every number of the journal with the list of
// those that were ever given: one that changes its meaning, or comes back with another, turns
// an old journal, a configuration or another host's build into a wrong order. A number that
// is not used any more stays in the list as "reserved"; a new one is written below the
// others by hand.
func TestCtl_C20_NumbersAreNeverReused(t *testing.T) {
	text, err := os.ReadFile("testdata/reserved.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, meaning, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		if _, twice := listed[key]; !ok || twice {
			t.Fatalf("reserved.txt: %q", line)
		}
		listed[key] = meaning
	}
	used := 0
	for _, e := range numbered {
		for n := range e.most + 1 {
			key, got := fmt.Sprintf("%s %d", e.name, n), e.text(n)
			want, known := listed[key]
			switch {
			case got == e.unknown && known && want != "reserved":
				t.Errorf("%s was %q and is nothing now: write it down as reserved", key, want)
			case got == e.unknown:
			case !known:
				t.Errorf("%s is new: add the line %q to testdata/reserved.txt", key, key+" = "+got)
			case got != want:
				t.Errorf("%s is %q now, it was %q: take a number that nobody has used", key, got, want)
			default:
				used++
			}
		}
	}
	if used < 180 {
		t.Errorf("only %d numbers were compared", used)
	}
}
