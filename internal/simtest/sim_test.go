package simtest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "run one seed, with what happens as text")
	dropFlag   = flag.String("drop", "", "choices of -seed to leave out: 3,7-90,400-")
	canaryFlag = flag.Bool("canary", false, "one execution of -seed is kept from everybody: it must fail")
	seedsFlag  = flag.Int("seeds", 400, "how many seeds to run")
	firstFlag  = flag.Uint64("first", 1, "the first of them")
	fastFlag   = flag.Bool("fast", false, "stop at the first failure and do not make it small")
	soakFlag   = flag.Duration("soak", 0, "run seeds for so long instead")
)

// A world is some megabytes that live for ten milliseconds: most of it is gone before a
// collection that comes later has to look at it.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800)
	}
	flag.Parse()
	os.Exit(m.Run())
}

func newRunner(t testing.TB) *Runner {
	t.Helper()
	r, err := NewRunner()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSim runs seeds and demands that nothing happens in them that must not. A failure is
// made small and printed with the line that repeats it.
func TestSim(t *testing.T) {
	if *seedFlag != 0 {
		runSeed(t)
		return
	}
	if testing.Short() {
		*seedsFlag = min(*seedsFlag, 60)
	}
	start := time.Now()
	total := runSeeds(t, *firstFlag, *seedsFlag, *soakFlag)
	took := time.Since(start)
	t.Logf("%d seeds, %d events, %.0f a second, hash %016x", total.seeds, total.events, float64(total.events)/took.Seconds(), total.hash)
	if *seedsFlag >= fullRun || *soakFlag >= time.Minute {
		total.checkMarkers(t)
		total.checkCells(t)
	}
}

func runSeed(t *testing.T) {
	opt := Options{Trace: true, Canary: *canaryFlag}
	r := newRunner(t)
	n := r.Run(*seedFlag, Options{Canary: opt.Canary}).Choices
	var err error
	if opt.Drop, err = ParseDrop(*dropFlag, n); err != nil {
		t.Fatal(err)
	}
	res := r.Run(*seedFlag, opt)
	for _, l := range res.Trace {
		t.Log(l)
	}
	if res.Failure != "" {
		t.Fatal(res.Failure)
	}
	t.Logf("%d choices, %d events, hash %016x", opt.Drop.kept(), res.Events, res.Hash)
}

// fullRun is from how many seeds on every failure mode must have been met.
const fullRun = 10_000

// endless is how long a seed may take: it takes 20 ms, and what is caught in a loop cannot be asked.
const endless = 10 * time.Second

// enough is how often.
const enough = 10

type totals struct {
	seeds, events uint64
	hash          uint64 // of all seeds' hashes, in whatever order they ended
	markers       [markerCount]uint64
	cells         [len(cellStates)][len(cellReports)]uint64
}

// runSeeds runs seeds on all processors.
func runSeeds(t *testing.T, first uint64, n int, soak time.Duration) (total totals) {
	var next atomic.Uint64
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed []Result
	end := time.Now().Add(soak)
	for range runtime.GOMAXPROCS(0) {
		r := newRunner(t)
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				mu.Lock()
				stop := len(failed) >= 5 || *fastFlag && len(failed) > 0 || soak == 0 && i >= uint64(n) || soak > 0 && time.Now().After(end)
				mu.Unlock()
				if stop {
					return
				}
				late := time.AfterFunc(endless, func() {
					fmt.Printf("    sim_test.go: seed %d does not end: a core in a loop takes longer than %v\n", first+i, endless)
					os.Exit(1)
				})
				res := r.Run(first+i, Options{})
				late.Stop()
				mu.Lock()
				total.seeds++
				total.events += res.Events
				total.hash ^= permute(res.Hash ^ res.Seed)
				for s := range res.Cells {
					for r, n := range res.Cells[s] {
						total.cells[s][r] += uint64(n)
					}
				}
				for m, n := range res.Markers {
					total.markers[m] += uint64(n)
				}
				if res.Failure != "" {
					failed = append(failed, res)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	r := newRunner(t)
	for _, res := range failed {
		if *fastFlag {
			t.Errorf("seed %d after %d events: %s", res.Seed, res.Events, res.Failure)
			continue
		}
		drop, small := r.Shrink(res, Options{}, 4000)
		t.Errorf("seed %d, %d of %d choices: %s\n\t%s", res.Seed, drop.kept(), res.Choices, small.Failure, Rerun(res.Seed, drop))
	}
	return total
}

// checkCells demands that every report was met in every state of an order, or cannot be.
func (total *totals) checkCells(t *testing.T) {
	t.Helper()
	met, not := 0, 0
	for s := range total.cells {
		for r, n := range total.cells[s] {
			switch why := impossible(cellStates[s], cellReports[r]); {
			case n == 0 && rare(cellStates[s], cellReports[r]):
			case n == 0 && why == "":
				t.Errorf("no order in state %c ever got a report %c", cellStates[s], cellReports[r])
			case n > 0 && why != "":
				t.Errorf("an order in state %c got a report %c %d times: %s", cellStates[s], cellReports[r], n, why)
			case n > 0:
				met++
			default:
				not++
			}
		}
	}
	t.Logf("%d pairs of OrdStatus and report met, %d cannot be", met, not)
}

func (total *totals) checkMarkers(t *testing.T) {
	t.Helper()
	fewest, of := uint64(1)<<62, 0
	for id, p := range proofs {
		if p.marker && total.markers[id] < fewest {
			fewest, of = total.markers[id], id
		}
		if p.marker && total.markers[id] < enough {
			t.Errorf("FM-%02d was met %d times, at least %d are wanted: %s", id, total.markers[id], enough, p.what)
		}
	}
	t.Logf("the rarest failure mode is FM-%02d: met %d times", of, fewest)
}
