package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"penstock/internal/host"
	"penstock/internal/testdata"
)

func setGCOff() { debug.SetGCPercent(-1) }

// newOrderText is a NewOrderSingle as a client's desk sends it.
func newOrderText() string {
	body := "35=D|49=DESK|56=PENSTOCK|34=215|52=20261103-14:30:00.000|11=D-20261103-000215|1=ACC1|55=PSTK|54=1|" +
		"60=20261103-14:30:00.000|38=50000|40=2|44=50.01|59=0|847=1001|126=20261103-15:00:00.000|"
	text := fmt.Sprintf("8=FIX.4.4|9=%d|%s", len(body), body)
	sum := 0
	for _, c := range strings.ReplaceAll(text, "|", "\x01") {
		sum += int(c)
	}
	return strings.ReplaceAll(fmt.Sprintf("%s10=%03d|", text, sum%256), "|", "\x01")
}

// hotCore returns the core of this process's that devices disturb least, and the others.
func hotCore(tb testing.TB) (core int, others string) {
	tb.Helper()
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		tb.Fatal(err)
	}
	var cores []int
	for c := range 1024 {
		if allowed.IsSet(c) {
			cores = append(cores, c)
		}
	}
	if core = host.This().QuietestCore(cores); core < 0 {
		core = cores[len(cores)-1]
	}
	for _, c := range cores {
		if c != core {
			others += "," + strconv.Itoa(c)
		}
	}
	return core, strings.TrimPrefix(others, ",")
}

// runStall runs this test binary as p says, with env added to its environment.
func runStall(tb testing.TB, p stallPlan, env ...string) stallResult {
	tb.Helper()
	return runStallOn(tb, "", p, env...)
}

func runStallOn(tb testing.TB, cores string, p stallPlan, env ...string) stallResult {
	tb.Helper()
	p.Dir = filepath.Join(tb.TempDir(), "journal")
	text, err := json.Marshal(p)
	if err != nil {
		tb.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	if cores != "" {
		child = exec.Command("taskset", "-c", cores, os.Args[0])
	}
	child.Env = append(os.Environ(), stallEnv+"="+string(text))
	child.Env = append(child.Env, env...)
	out, err := child.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		tb.Fatalf("%+v: %v: %s", p, err, exit.Stderr)
	}
	var r stallResult
	if err := errors.Join(err, json.Unmarshal(out, &r)); err != nil {
		tb.Fatalf("%+v: %v: %s", p, err, out)
	}
	return r
}

// buildSpin compiles the control.
func buildSpin(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "spin")
	out, err := exec.Command(testdata.Compiler(tb), "-O2", "-o", path, "testdata/spin.c").CombinedOutput()
	if err != nil {
		tb.Fatalf("gcc: %v: %s", err, out)
	}
	return path
}

// runSpin measures the gaps that a C thread sees on core.
func runSpin(tb testing.TB, spin string, core int, seconds float64) (r stallResult) {
	tb.Helper()
	out, err := exec.Command(spin, strconv.Itoa(core), fmt.Sprint(seconds)).Output()
	if err != nil {
		tb.Fatalf("the C control: %v", err)
	}
	var longest, lost float64
	if _, err := fmt.Sscan(string(out), &r.Seconds, &r.Over[0], &r.Over[1], &r.Over[2], &longest, &lost); err != nil {
		tb.Fatalf("the C control printed %q: %v", out, err)
	}
	r.Max, r.Lost = time.Duration(longest), time.Duration(lost)
	return r
}

func (r *stallResult) perMinute(i int) float64 { return float64(r.Over[i]) * 60 / r.Seconds }

// add takes another run into r.
func (r *stallResult) add(o stallResult) {
	r.Seconds += o.Seconds
	for i := range r.Over {
		r.Over[i] += o.Over[i]
		r.Busy[i] += o.Busy[i]
	}
	r.Max = max(r.Max, o.Max)
	r.Lost += o.Lost
	r.Events += o.Events
	r.Garbage += o.Garbage
	r.GCs += o.GCs
	r.Rested += o.Rested
	r.Yields += o.Yields
	r.Ousted += o.Ousted
}

func (r *stallResult) String() string {
	return fmt.Sprintf("%8.0f %6.0f %5.0f %10v %5.2f%%; busy turns %v; %d yields, %d ousted, %d collections in %v, %.1f MB/s, %d events",
		r.perMinute(0), r.perMinute(1), r.perMinute(2), r.Max.Round(time.Microsecond), 100*r.Lost.Seconds()/r.Seconds,
		r.Busy, r.Yields, r.Ousted, r.GCs, r.Rested.Round(time.Millisecond), float64(r.Garbage)/r.Seconds/1e6, r.Events)
}

// stallRows are the combinations of the table in docs/performance.md, each with what it
// adds to the one before. Load is on in all of them, and a collection forced every 5 s.
var stallRows = []struct {
	name string
	plan stallPlan
	env  []string
}{
	{"safe point in every turn, automatic collections", stallPlan{Signals: true}, nil},
	{"collections forced only", stallPlan{Signals: true, GCOff: true}, nil},
	{"with GODEBUG=asyncpreemptoff=1", stallPlan{Signals: true, GCOff: true}, []string{"GODEBUG=asyncpreemptoff=1"}},
	{"or the thread without the signal", stallPlan{GCOff: true}, nil},
	{"requests to yield put off", stallPlan{GCOff: true, PutOff: true}, nil},
	{"memory locked", stallPlan{Quiet: true, PutOff: true, Procs: 2}, nil},
	{"GOMAXPROCS 4: as a router", stallPlan{Quiet: true, PutOff: true}, nil},
	{"the same, 7 sockets inline", stallPlan{Quiet: true, PutOff: true, Sockets: 7}, nil},
	{"7 sockets inline, not put off", stallPlan{Quiet: true, Sockets: 7}, nil},
}

// BenchmarkStallTable measures the rows whose numbers STALL_ROWS lists, or all of them,
// each for STALL_SECONDS between two runs of the C control.
func BenchmarkStallTable(b *testing.B) {
	spin := buildSpin(b)
	core, _ := hotCore(b)
	seconds := stallSetting(b, "STALL_SECONDS", 3)
	control := func() {
		r := runSpin(b, spin, core, seconds)
		b.Logf("%-50s %v", "C", &r)
	}
	b.Logf("core %d; gaps per minute over 10µs, 100µs, 1ms; longest; lost", core)
	control()
	for i, row := range stallRows {
		if list := os.Getenv("STALL_ROWS"); list != "" && !slices.Contains(strings.Fields(list), strconv.Itoa(i)) {
			continue
		}
		row.plan.Core, row.plan.Seconds, row.plan.Load, row.plan.Collect = core, seconds, true, min(5, seconds/2)
		r := runStall(b, row.plan, row.env...)
		b.Logf("%-50s %v", row.name, &r)
	}
	control()
}

// stallSetting is a number of the environment.
func stallSetting(tb testing.TB, name string, value float64) float64 {
	if text := os.Getenv(name); text != "" {
		var err error
		if value, err = strconv.ParseFloat(text, 64); err != nil {
			tb.Fatal(err)
		}
	}
	return value
}
