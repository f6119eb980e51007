package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"penstock/book"
	"penstock/event"
	"penstock/internal/quiet"
	"penstock/internal/ring"
	"penstock/internal/tsc"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/rehearsal"
	"penstock/router/risk"
	"penstock/venues/wire"
)

// stallEnv tells this test binary to be the process whose hot thread is measured: the
// settings under test are those of a whole process, some from its first instruction.
const stallEnv = "PENSTOCK_BENCH_STALL"

// stallPlan is one process of the stall meter.
type stallPlan struct {
	Core    int
	Seconds float64
	Dir     string // for its journal
	Load    bool
	Procs   int     // GOMAXPROCS, 0: the default
	Quiet   bool    // as the router starts: see internal/quiet
	GCOff   bool    // automatic collections off, without Quiet
	PutOff  bool    // refuse to yield: see router/loop
	Signals bool    // take the scheduler's signals
	Sockets int     // that the loop polls itself
	Collect float64 // seconds between forced collections, 0: none
}

// stallResult is what came of it.
type stallResult struct {
	Seconds float64
	Over    [3]uint64 // idle turns over 10 µs, 100 µs, 1 ms: what was taken from the thread
	Busy    [3]uint64 // busy turns over them: that, or a burst of events after the feeder was late
	Max     time.Duration
	Lost    time.Duration // in turns over 10 µs
	Events  uint64
	Left    int    // of what was sent, when nothing more came and the loop had had its time
	Garbage uint64 // bytes
	GCs     uint32
	Rested  time.Duration // in collections that were forced
	Yields  int64         // of the hot thread, by itself
	Ousted  int64         // of the hot thread, by the kernel: another process on its core
}

func init() {
	text := os.Getenv(stallEnv)
	if text == "" {
		return
	}
	var p stallPlan
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		var r stallResult
		if r, err = p.run(); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(r)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func stallCore() (*router.Core, error) {
	return router.New(&router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Venues:      []market.Venue{{Name: "LITA", MIC: "XLTA", MsgRate: 1000, AckNanos: 1e9}},
		Listings:    []router.Listing{{}},
		Limits: []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 1e5,
			ChildMaxNotional: 1e12, CollarBps: 200}},
		Book: book.Capacity{Levels: 16}, MaxParents: 8, MaxChildren: 64, Tactics: router.DefaultTactics(),
	})
}

// idle is how the loop waits: without a core of its own it is one load more for others.
func (p *stallPlan) idle() loop.Idle {
	if p.Core < 0 {
		return loop.IdlePark
	}
	return loop.IdleSpin
}

func (p *stallPlan) run() (r stallResult, err error) {
	if p.Quiet {
		quiet.Begin()
	} else if p.GCOff {
		setGCOff()
	}
	if p.Procs > 0 {
		runtime.GOMAXPROCS(p.Procs)
	}
	core, err := stallCore()
	if err != nil {
		return r, err
	}
	w, err := journal.Create(p.Dir, journal.Options{})
	if err != nil {
		return r, err
	}
	counter, err := tsc.New()
	if err != nil {
		return r, err
	}
	in := ring.New[event.Event](1 << 15)
	inputs, first := []*ring.SPSC[event.Event]{in}, true
	turn := func() {
		if first && p.Signals {
			var urgent unix.Sigset_t
			urgent.Val[0] = 1 << (unix.SIGURG - 1)
			_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &urgent, nil)
		}
		first = false
	}
	seq := loop.NewSequencer(core, w, func(*event.Command) {})
	l := loop.New(seq, inputs, loop.NewBell(), p.idle(), counter.Now, turn)
	if p.Sockets > 0 {
		workers, err := listeners(p.Sockets)
		if err != nil {
			return r, err
		}
		io, err := loop.NewIO(workers, in.Push, counter.Now)
		if err != nil {
			return r, err
		}
		l = loop.NewInline(seq, inputs, io, p.idle(), counter.Now, turn)
	}
	if p.PutOff {
		l.PutOff()
		practice, err := rehearsal.New(nil, true)
		if err == nil && p.Sockets > 0 {
			err = practice.Connect(counter.Now)
		}
		if err != nil {
			return r, err
		}
		l.Warm(practice.Step)
	}
	if p.Quiet {
		if step := quiet.HugePages(); step.Err != nil {
			return r, step.Err
		}
	}
	done := make(chan error, 1)
	if p.Core >= 0 {
		settled := l.Pin(p.Core, loop.IdleSpin)
		go func() { done <- l.Run() }()
		if s := <-settled; s.Pinned != nil {
			return r, s.Pinned
		}
	} else {
		go func() { done <- l.Run() }()
	}
	load := &stallLoad{stop: make(chan struct{})}
	if p.Load {
		in.Push(&event.Event{Kind: event.SessionStart, Ref: 1})
		if load, err = startLoad(l, in); err != nil {
			return r, err
		}
	}
	time.Sleep(500 * time.Millisecond)
	before, start, base := l.Stats(), time.Now(), quiet.Allocated()
	yields, ousted := switches(p.Core)
	until := start.Add(time.Duration(p.Seconds * 1e9))
	for more := true; more; more = time.Now().Before(until) { // once even if others had the cores so long
		step := time.Until(until)
		if p.Collect > 0 {
			step = min(step, time.Duration(p.Collect*1e9))
		}
		time.Sleep(step)
		if p.Collect > 0 {
			begun := time.Now()
			l.Rest(runtime.GC)
			r.Rested += time.Since(begun)
		}
	}
	time.Sleep(20 * time.Millisecond)
	r.Seconds, r.Garbage = time.Since(start).Seconds(), quiet.Allocated()-base
	r.Yields, r.Ousted = switches(p.Core)
	r.Yields, r.Ousted = r.Yields-yields, r.Ousted-ousted
	after := l.Stats()
	for i := range r.Over {
		r.Over[i] = after.Stalls[i] - before.Stalls[i]
	}
	for i := range r.Busy {
		r.Busy[i] = after.SlowBusy[i] - before.SlowBusy[i]
	}
	r.Max = time.Duration(after.IdleMax)
	r.Lost = time.Duration(after.StallNanos - before.StallNanos)
	r.Events = after.Events - before.Events
	var m runtime.MemStats
	l.Rest(func() { runtime.ReadMemStats(&m) })
	r.GCs = m.NumGC
	load.end()
	for until := time.Now().Add(5 * time.Second); in.Len() > 0 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	r.Left = in.Len()
	l.Stop()
	return r, <-done
}

// listeners are feeds on sockets to which nothing is sent.
func listeners(n int) (workers []loop.Worker, err error) {
	for range n {
		u, err := wire.ListenUDP("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		buf := make([]byte, 2048)
		workers = append(workers, loop.Worker{
			Work:    func(int64) int { n, _ := u.Read(buf); return n },
			PollFDs: func(fds []wire.PollFD) []wire.PollFD { return append(fds, wire.PollFD{FD: u.FD()}) },
		})
	}
	return workers, nil
}

// switches returns how often the thread that may only use core gave it away, and how
// often it was taken from it.
func switches(core int) (gave, lost int64) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/status")
		if !strings.Contains(string(b), fmt.Sprintf("Cpus_allowed_list:\t%d\n", core)) {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				_, _ = fmt.Sscan(v, &gave)
			}
			if v, ok := strings.CutPrefix(line, "nonvoluntary_ctxt_switches:"); ok {
				_, _ = fmt.Sscan(v, &lost)
			}
		}
	}
	return gave, lost
}

func newBuffer(text string) *bytes.Buffer { return bytes.NewBufferString(text) }
