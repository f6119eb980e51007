package console

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type line struct {
	Packets uint64
	Silent  bool
}

type inner struct{ BadLogons, RTTSum uint64 }

type everything struct {
	inner   // not exported: left out
	Session inner
	Orders  uint64
	Open    int
	Why     string
	Types   [256]uint64
	Lines   [2]line
	hidden  uint64
}

func sampled() *Metrics {
	m := &Metrics{Help: func(name string) string { return "about " + name + "\nand \\more" }}
	s := everything{Session: inner{BadLogons: 3}, Orders: 1 << 63, Open: -2, Why: "no", hidden: 1}
	s.Types['A'], s.Lines[1] = 9, line{7, true}
	index := map[string]Index{"Types": {"type", func(i int) string { return string(rune(i)) }}, "Lines": {"line", strconv.Itoa}}
	for _, v := range []string{"LITA", `odd"\` + "\n\xff"} {
		m.Stats("feed", s, index, Label{"venue", v})
	}
	m.Counter("acts", 5)
	m.Gauge("parents_live", 0.25, Label{"kind", "a"})
	m.Durations("turn", []uint64{0, 2, 1, 4}, 1_500_000_000, Label{"what", "busy"})
	return m
}

// TestMetricsText pins the whole text of a small example.
func TestMetricsText(t *testing.T) {
	var b strings.Builder
	m := &Metrics{}
	m.Stats("feed", everything{Session: inner{1, 2}, Orders: 3, Open: 4, Lines: [2]line{{5, true}, {6, false}}}, map[string]Index{"Lines": {"line", strconv.Itoa}}, Label{"venue", "V"})
	m.Durations("turn", []uint64{0, 2, 1, 4}, 1_500_000_000)
	if n, err := m.WriteTo(&b); err != nil || int(n) != b.Len() {
		t.Fatal(n, err)
	}
	const want = `# TYPE penstock_feed_session_bad_logons_total counter
penstock_feed_session_bad_logons_total{venue="V"} 1
# TYPE penstock_feed_session_rtt_sum_total counter
penstock_feed_session_rtt_sum_total{venue="V"} 2
# TYPE penstock_feed_orders_total counter
penstock_feed_orders_total{venue="V"} 3
# TYPE penstock_feed_open gauge
penstock_feed_open{venue="V"} 4
# TYPE penstock_feed_lines_packets_total counter
penstock_feed_lines_packets_total{venue="V",line="0"} 5
penstock_feed_lines_packets_total{venue="V",line="1"} 6
# TYPE penstock_feed_lines_silent gauge
penstock_feed_lines_silent{venue="V",line="0"} 1
penstock_feed_lines_silent{venue="V",line="1"} 0
# TYPE penstock_turn_seconds histogram
penstock_turn_seconds_bucket{le="1e-09"} 0
penstock_turn_seconds_bucket{le="2e-09"} 2
penstock_turn_seconds_bucket{le="4e-09"} 3
penstock_turn_seconds_bucket{le="+Inf"} 7
penstock_turn_seconds_sum 1.5
penstock_turn_seconds_count 7
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="([^"\\\n]|\\[\\n"])*",?)+\})? (\S+)$`)
	typeLine   = regexp.MustCompile(`^# TYPE (penstock_[a-z0-9_]+) (counter|gauge|histogram)$`)
)

// TestMetricsGrammar reads the text as a scraper does: each name has one HELP and one TYPE, before all of its samples,
// which follow each other, and none comes twice.
func TestMetricsGrammar(t *testing.T) {
	var b strings.Builder
	if _, err := sampled().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := grammar(b.String()); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	for _, want := range []string{`penstock_feed_orders_total{venue="odd\"\\\n�"} 9223372036854775808`, `penstock_feed_types_total{venue="LITA",type="A"} 9`,
		`# HELP penstock_acts_total about acts_total\nand \\more`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	for _, bad := range []string{"hidden", "why", `type="B"`} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%s is there", bad)
		}
	}
}

// grammar finds what no scraper of text format 0.0.4 takes.
func grammar(text string) error {
	seen, ended, name, kind := map[string]bool{}, map[string]bool{}, "", ""
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(why string) error { return fmt.Errorf("line %d, %s: %q", i+1, why, l) }
		if strings.HasPrefix(l, "# HELP ") {
			continue
		}
		if strings.HasPrefix(l, "#") {
			x := typeLine.FindStringSubmatch(l)
			if x == nil || ended[x[1]] {
				return fail("a type")
			}
			ended[name], name, kind = true, x[1], x[2]
			continue
		}
		x := sampleLine.FindStringSubmatch(l)
		if x == nil {
			return fail("no sample")
		}
		base := x[1]
		if kind == "histogram" {
			base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
		}
		key := l[:strings.LastIndexByte(l, ' ')]
		if _, err := strconv.ParseFloat(strings.TrimPrefix(x[5], "+"), 64); err != nil || base != name || seen[key] {
			return fail("not of its name, twice, or no number")
		}
		seen[key] = true
	}
	return nil
}

// A name that is a counter once and a gauge elsewhere is a mistake of the program.
func TestOneNameHasOneKind(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was taken")
		}
	}()
	var m Metrics
	m.Gauge("x_total", 1)
	m.Counter("x", 1)
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{"Orders": "orders", "CancelRejects": "cancel_rejects", "RTTSum": "rtt_sum", "NoRoom": "no_room",
		"ByOrderID": "by_order_id", "In": "in"} {
		if got := snake(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
