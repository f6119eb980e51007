package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/console"
	"penstock/event"
	"penstock/fix/ems"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/fixmd"
	"penstock/venues/itch"
	"penstock/venues/jsonws"
	"penstock/venues/ouch"
)

var update = flag.Bool("update", false, "write the files that are made from the code")

// TestMetricsOfARunningRouter reads the counters of a router that trades, by the control socket and over HTTP, and holds
// them against what the core says itself.
func TestMetricsOfARunningRouter(t *testing.T) {
	for _, placement := range placements() {
		t.Run(placement, func(t *testing.T) {
			t.Parallel()
			r := newDemoRig(t, placement, func(c *Config) { c.file.Metrics.Listen = "127.0.0.1:0" })
			r.send("M-1", 20_000, time.Minute)
			r.until("children", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > 3 })
			before := r.ctlOf(0, "metrics")
			resp, err := http.Get("http://" + r.a.metrics.listener.Addr().String() + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != console.ContentType {
				t.Fatal(resp.Status, resp.Header, err)
			}
			after := r.ctlOf(0, "metrics")
			for _, name := range []string{`penstock_feed_receiver_packets_total{venue="LITA"}`,
				`penstock_core_events_total`, `penstock_loop_commands_total`, `penstock_firewall_orders_total`, `penstock_clients_orders_total`,
				`penstock_guard_accepted_total`, `penstock_order_latency_seconds_count{cause="client or clock"}`} {
				first, second, third := sampleOf(t, before, name), sampleOf(t, string(text), name), sampleOf(t, after, name)
				if first > second || second > third || third == 0 {
					t.Errorf("%s: %v, then %v, then %v", name, first, second, third)
				}
			}
			for name, want := range map[string]float64{`penstock_core_answers`: 1, `penstock_parents_live`: 1, `penstock_clients_orders_total`: 1,
				`penstock_guard_connections`: 1} {
				if got := sampleOf(t, after, name); got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			books := 0.0
			for state := range event.BookStates {
				books += sampleOf(t, after, fmt.Sprintf(`penstock_books{venue="LITA",state=%q}`, event.BookState(state)))
			}
			if up := sampleOf(t, after, `penstock_session_up{venue="LITA",session="orders"}`); books != 1 || up != 0 && up != 1 {
				t.Errorf("%v books of LITA, session up %v", books, up)
			}
			sent := 0.0
			for _, m := range regexp.MustCompile(`(?m)^penstock_orders_orders_total\{.*\} (\d+)$`).FindAllStringSubmatch(after, -1) {
				n, _ := strconv.ParseFloat(m[1], 64)
				sent += n
			}
			if sent == 0 {
				t.Error("no order was counted")
			}
			r.until("as many", func(s *loop.Sequencer) bool { return float64(len(s.Core().Children())) >= sent })
			if resp, err = http.Get("http://" + r.a.metrics.listener.Addr().String() + "/other"); err != nil || resp.StatusCode != http.StatusNotFound {
				t.Error(resp.Status, err)
			}
		})
	}
}

func sampleOf(t *testing.T, text, name string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
	}
	t.Errorf("no %s", name)
	return 0
}

// TestMetricsOfAFrozenCore: a core that stands still is said to, in time, and what needs no core is told.
func TestMetricsOfAFrozenCore(t *testing.T) {
	r := newDemoRig(t, "inline")
	held, frozen := make(chan struct{}), make(chan struct{})
	go r.a.loop.Inspect(func(*loop.Sequencer) { close(frozen); <-held })
	<-frozen
	for range 2 {
		began := time.Now()
		out := r.ctlOf(1, "metrics")
		if took := time.Since(began); took > 2*metricsPatience+5*time.Second {
			t.Errorf("it took %v", took)
		}
		if !strings.Contains(out, "penstock_core_answers 0") || !strings.Contains(out, "does not answer") || !strings.Contains(out, "penstock_loop_events_total ") {
			t.Errorf("%s", out)
		}
	}
	close(held)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(metricsOf(r), "penstock_core_answers 1"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it answers, and is said not to")
		}
	}
}

func metricsOf(r *demoRig) string {
	var b strings.Builder
	_ = r.a.writeMetrics(&b)
	return b.String()
}

// TestMetricsPortInUse: a router whose counters nobody could read does not start.
func TestMetricsPortInUse(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline", func(c *Config) { c.file.Metrics.Listen = "127.0.0.1:0" })
	m, err := bindMetrics(r.a.metrics.listener.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "metrics.listen") {
		t.Error(m, err)
	}
}

// helpTwins are structs whose fields are metrics, behind their prefix.
var helpTwins = []struct {
	prefix string
	stats  any
}{
	{"feed", itch.FeedStats{}}, {"feed", jsonws.FeedStats{}}, {"feed", fixmd.FeedStats{}}, {"orders", fixgw.Stats{}}, {"orders", ouch.Stats{}},
	{"drop_copy", fixgw.Stats{}}, {"firewall", firewall.Stats{}}, {"core", router.Counters{}}, {"clients", ems.Stats{}},
}

// TestMetricsHelp keeps metricshelp.txt, what is said of each name, as the comments at the fields are, and docs/metrics.md
// as the file is: -update writes both. A name that is made by hand has its line there by hand.
func TestMetricsHelp(t *testing.T) {
	r := newDemoRig(t, "inline")
	kinds, origins := map[string]string{}, map[string]string{}
	var names []string
	take := func(name, kind, origin string) bool {
		if _, ok := kinds[name]; !ok {
			names = append(names, name)
		}
		kinds[name], origins[name] = kind, origin
		return true
	}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE penstock_(\S+) (\S+)$`).FindAllStringSubmatch(metricsOf(r), -1) {
		take(line[1], line[2], "")
	}
	for _, name := range []string{"garbage_bytes_total", "collections_total"} { // of a router with a core of its own
		take(name, "counter", "")
	}
	take("longest_collection_seconds", "gauge", "")
	take("core_refused_by_reason_total", "counter", "") // when something was
	for _, x := range helpTwins {
		v := reflect.New(reflect.TypeOf(x.stats)).Elem()
		v.Set(reflect.ValueOf(x.stats))
		fill(v)
		m := &console.Metrics{}
		m.Stats(x.prefix, v.Interface(), nil)
		m.Names(take)
	}
	slices.Sort(names)
	var help, doc strings.Builder
	doc.WriteString("# Metrics\n\nWhat `penstock ctl metrics` prints and `metrics.listen` serves, in the text format of Prometheus. Made from the comments at the counters:\n" +
		"`go test ./cmd/penstock -run MetricsHelp -update`.\n\n| name, behind `penstock_` | kind | what it is |\n|---|---|---|\n")
	for _, name := range names {
		text := helpOf(name)
		if origins[name] != "" {
			text = commentOf(t, origins[name])
		}
		if text == "" {
			t.Errorf("%s: nothing says what it is: add a line to metricshelp.txt", name)
		}
		fmt.Fprintf(&help, "%s\t%s\n", name, text)
		fmt.Fprintf(&doc, "| `%s` | %s | %s |\n", name, kinds[name], strings.ReplaceAll(text, "|", `\|`))
	}
	for path, text := range map[string]string{"metricshelp.txt": help.String(), "../../docs/metrics.md": doc.String()} {
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if there, err := os.ReadFile(path); err != nil || string(there) != text {
			t.Errorf("%s is not as the counters are: go test ./cmd/penstock -run MetricsHelp -update (%v)", path, err)
		}
	}
}

// fill makes every counter 1, so that none is left out.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	}
}

// folders of packages with counters, by name.
var folders = map[string]string{"itch": "venues/itch", "jsonws": "venues/jsonws", "fixmd": "venues/fixmd", "fixgw": "venues/fixgw", "ouch": "venues/ouch",
	"soup": "venues/soup", "firewall": "venues/firewall", "fix": "fix", "ems": "fix/ems", "router": "router"}

var parsed = map[string]map[string]string{}

// commentOf returns the comment at a field, "package.Type.Field", or the field's name in words.
func commentOf(t *testing.T, origin string) string {
	t.Helper()
	part := strings.Split(origin, ".")
	folder, ok := folders[part[0]]
	if !ok {
		t.Fatalf("%s: where is the package?", origin)
	}
	if parsed[part[0]] == nil {
		parsed[part[0]] = commentsIn(t, filepath.Join("../..", folder))
	}
	if text := parsed[part[0]][part[1]+"."+part[2]]; text != "" {
		return text
	}
	words := regexp.MustCompile(`[A-Z]+[a-z]*`).FindAllString(part[2], -1)
	return strings.ToLower(strings.Join(words, " "))
}

func commentsIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						text := field.Comment.Text()
						if text == "" {
							text = field.Doc.Text()
						}
						all[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
					}
				}
			}
			return true
		})
	}
	return all
}
