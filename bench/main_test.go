package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/hist"
	"penstock/internal/hist/plot"
)

var outDir = flag.String("out", "", "folder for histograms (.hlog), plots (.svg .png) and results.md")

// outcome is the histogram of one benchmark.
type outcome struct {
	group, name string
	latency     *hist.Latency
	begin       int64
	note        string // what else was counted
}

var outcomes []outcome

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *outDir != "" && len(outcomes) > 0 {
		if err := writeOutcomes(*outDir, outcomes); err != nil {
			fmt.Fprintln(os.Stderr, "results:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

var percentiles = []struct {
	name    string
	percent float64
}{{"p50-ns", 50}, {"p90-ns", 90}, {"p99-ns", 99}, {"p99.9-ns", 99.9}, {"p99.99-ns", 99.99}}

// report adds the percentiles of h to the benchmark's line and keeps it for the files.
func report(b *testing.B, group, name string, h *hist.Latency, note string) {
	b.Helper()
	if h.Count() == 0 {
		b.Fatalf("%s/%s: nothing was measured", group, name)
	}
	for _, p := range percentiles {
		b.ReportMetric(float64(h.Percentile(p.percent)), p.name)
	}
	b.ReportMetric(float64(h.Max()), "max-ns")
	b.ReportMetric(float64(h.Count()), "samples")
	keep(group, name, h, note)
}

// keep keeps h for the files, in place of an earlier run of the same name.
func keep(group, name string, h *hist.Latency, note string) {
	outcomes = slices.DeleteFunc(outcomes, func(o outcome) bool { return o.group == group && o.name == name })
	outcomes = append(outcomes, outcome{group: group, name: name, latency: h.Clone(),
		begin: time.Now().UnixNano(), note: note})
}

// writeOutcomes writes a log for each histogram, a plot for each group, and a table.
func writeOutcomes(dir string, all []outcome) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	table := &strings.Builder{}
	fmt.Fprintf(table, "%s\n\n| load | p50 | p90 | p99 | p99.9 | p99.99 | max | samples | |\n|---|---|---|---|---|---|---|---|---|\n",
		machine())
	charts := map[string]*plot.Chart{}
	for i := range all {
		o := &all[i]
		name := strings.NewReplacer("/", "-", " ", "_", ",", "").Replace(o.group + "-" + o.name)
		if err := writeFile(dir, name+".hlog", func(f *os.File) error {
			return o.latency.WriteLog(f, name, o.begin, time.Now().UnixNano())
		}); err != nil {
			return err
		}
		if charts[o.group] == nil {
			charts[o.group] = &plot.Chart{Title: o.group, Note: machine()}
		}
		c := charts[o.group]
		c.Series = append(c.Series, plot.Series{Name: o.name, Latency: o.latency})
		fmt.Fprintf(table, "| %s: %s |", o.group, o.name)
		for _, p := range percentiles {
			fmt.Fprintf(table, " %s |", nanosText(o.latency.Percentile(p.percent)))
		}
		fmt.Fprintf(table, " %s | %d | %s |\n", nanosText(o.latency.Max()), o.latency.Count(), o.note)
	}
	for group, c := range charts {
		name := strings.ReplaceAll(group, " ", "-")
		if err := writeFile(dir, name+".svg", func(f *os.File) error { return c.WriteSVG(f) }); err != nil {
			return err
		}
		if err := writeFile(dir, name+".png", func(f *os.File) error { return c.WritePNG(f) }); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "results.md"), []byte(table.String()), 0o666)
}

func writeFile(dir, name string, write func(*os.File) error) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}

func nanosText(n int64) string { return string(hist.AppendNanos(nil, n)) }

// TestResultsAreWritten writes what a run writes and reads the log back.
func TestResultsAreWritten(t *testing.T) {
	h := hist.New()
	for v := range int64(1000) {
		h.Record(v + 1)
	}
	dir := filepath.Join(t.TempDir(), "out")
	all := []outcome{{group: "tick to order", name: "warm, journal", latency: h, note: "10 % orders"},
		{group: "tick to order", name: "paced", latency: h}}
	if err := writeOutcomes(dir, all); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tick_to_order-warm_journal.hlog", "tick_to_order-paced.hlog",
		"tick-to-order.svg", "tick-to-order.png", "results.md"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Size() < 100 {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
	table, _ := os.ReadFile(filepath.Join(dir, "results.md"))
	if want := "| tick to order: warm, journal | 500ns | 900ns | 990ns | 999ns | 1.00us | 1.00us | 1000 | 10 % orders |"; !strings.Contains(string(table), want) {
		t.Errorf("no %q in\n%s", want, table)
	}
	if err := writeOutcomes("/dev/null/none", all); err == nil {
		t.Error("a folder that cannot be made is no error")
	}
}
