package bench

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/hist"
	"penstock/internal/quiet"
	"penstock/journal"
	"penstock/router/loop"
	"penstock/router/rehearsal"
)

// echo is the floor: a process that answers a datagram with as many bytes as an order
// has, on the router's core. Its venue does what the router's does, on a connection of the same kind: what
// stands in the place of the router's order, for the venue to read and to answer, is one of a client without a socket.
type echo struct {
	traffic
	peer   *counterparty
	client *fix.Session
	cmd    *exec.Cmd // nil: a thread of this process
	name   string
}

// traffic is how many bytes the datagram has that leads to an order, and the order.
type traffic struct{ tick, order int }

// startEcho compiles and starts testdata/echo.c; without a C compiler a thread does the
// same with raw system calls.
func startEcho(tb testing.TB, t traffic) *echo {
	tb.Helper()
	e := &echo{traffic: t, peer: newCounterparty(tb), name: "C echo"}
	cores := allowedCores()
	core := cores[len(cores)-1]
	var port int
	if gcc, err := exec.LookPath("gcc"); err == nil {
		binary := filepath.Join(tb.TempDir(), "echo")
		if out, err := exec.Command(gcc, "-O3", "-march=native", "-o", binary, "testdata/echo.c").CombinedOutput(); err != nil {
			tb.Fatalf("gcc: %v\n%s", err, out)
		}
		e.cmd = exec.Command(binary, strconv.Itoa(e.peer.port), strconv.Itoa(core), strconv.Itoa(t.tick), strconv.Itoa(t.order), strconv.Itoa(echoTurns))
		out, err := e.cmd.StdoutPipe()
		if err == nil {
			err = e.cmd.Start()
		}
		if err != nil {
			tb.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			tb.Fatal("echo:", err)
		}
		port, _ = strconv.Atoi(strings.TrimSpace(line))
		hurry(tb, e.cmd.Process.Pid, -20) // as the router's thread
	} else {
		e.name = "raw-syscall echo"
		port = e.startThread(tb, core)
	}
	e.peer.accept()
	e.peer.sendTo(fmt.Sprintf("127.0.0.1:%d", port))
	e.logon(tb)
	return e
}

// logon brings the venue's session with the client up.
func (e *echo) logon(tb testing.TB) {
	e.peer.begin()
	var err error
	e.client, err = fix.NewSession(fix.Config{Role: fix.Initiator, BeginString: "FIX.4.4", SenderCompID: "PENSTOCK",
		TargetCompID: "VENUE", HeartBtIntSecs: 600, App: func(*fix.Message, int64) bool { return true }}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	e.client.Connected(readClock())
	logon := slices.Clone(e.client.Out())
	e.client.Wrote(len(logon))
	e.peer.session.Receive(readClock(), logon)
	e.client.Receive(readClock(), e.peer.session.Out())
	if e.peer.flush(); e.client.State() != fix.Active || e.peer.session.State() != fix.Active {
		tb.Fatal("the echo's venue and its client: ", e.client.State(), e.peer.session.State())
	}
}

// serve lets the venue read an order of the client, in place of what the echo sent.
func (e *echo) serve() {
	p := e.peer
	m := e.client.Begin(readClock(), "D")
	m.Uint(11, uint64(217_000_000+p.execs))
	m.Uint(526, 217_000_001)
	m.Str(55, "PSTK")
	m.Str(54, "1")
	m.Int(38, 300)
	m.Str(40, "2")
	m.Decimal(44, int64(bestAsk), 4)
	m.Str(59, "3")
	if err := e.client.Send(); err != nil {
		p.tb.Fatal(err)
	}
	order := e.client.Out()
	copy(p.buf, order)
	e.client.Wrote(len(order))
	p.serve(len(order))
}

// echoTurns is in how many turns the echo asks its connection once: in each, as the router does, which
// an answer must not wait for longer than a datagram. An echo that lets it wait for 64 turns finds
// a datagram 0.1 µs earlier.
const echoTurns = 1

// startThread echoes on a thread of this process until the counterparty goes away.
func (e *echo) startThread(tb testing.TB, core int) (port int) {
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		tb.Fatal(err)
	}
	loopback := unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(udp, &loopback); err != nil {
		tb.Fatal(err)
	}
	at, _ := unix.Getsockname(udp)
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		err = unix.Connect(tcp, &unix.SockaddrInet4{Addr: loopback.Addr, Port: e.peer.port})
	}
	if err == nil {
		err = unix.SetsockoptInt(tcp, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer unix.Close(udp)
		defer unix.Close(tcp)
		runtime.LockOSThread()
		pinThread(tb, core)
		in, order := make([]byte, 2048), make([]byte, e.order)
		for turn := 0; ; turn++ {
			n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(udp), uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)), 0, 0, 0)
			if errno == 0 && int(n) == e.tick {
				if _, err := unix.Write(tcp, order); err != nil {
					return
				}
			} else if errno != 0 && turn%echoTurns == 0 {
				if n, _, err := unix.Recvfrom(tcp, in, unix.MSG_DONTWAIT); n == 0 && err == nil {
					return
				}
			}
			safepoint()
		}
	}()
	return at.(*unix.SockaddrInet4).Port
}

func (e *echo) signal(tb testing.TB, s syscall.Signal) {
	if e.cmd == nil {
		return
	}
	if err := e.cmd.Process.Signal(s); err != nil {
		tb.Fatal(err)
	}
}

func (e *echo) stop() {
	e.peer.close()
	if e.cmd != nil {
		e.cmd.Process.Signal(syscall.SIGCONT)
		e.cmd.Wait()
	}
}

// A wireLoad is how often orders are made. Between a pause and the next datagram passes a time drawn
// anew, up to spreadNanos, so that no rhythm of the router's meets all of them or none. The venue's thread
// was stopped if it does not come on for stallNanos longer than a send takes at best: between a send over loopback
// at its best and one on another day lie some µs, after a quiet much more, so that all samples count there.
type wireLoad struct {
	name       string
	pauseNanos int64
	stallNanos int64
	round      int // orders before the other side has its turn
	skip       int // of them, not kept
}

var (
	busyWire  = wireLoad{name: "wire", pauseNanos: 40_000, stallNanos: 5_000, round: 1000, skip: 50}
	quietWire = wireLoad{name: "wire after a quiet", pauseNanos: 20_000_000, stallNanos: math.MaxInt64, round: 25, skip: 2}
)

// restNanos lets the router take what follows an order. In the first part of it the venue's
// thread yields, so that what else runs on its core, the journal's thread above all, does so now
// and not within a sample.
const (
	restNanos   = 40_000
	yieldNanos  = 30_000
	spreadNanos = 100_000
)

func rest(nanos int64) {
	begin := readClock()
	for readClock()-begin < yieldNanos {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		safepoint()
	}
	spinUntil(begin + nanos)
}

// BenchmarkWire is the time from a datagram of an ITCH feed to the first bytes of the
// FIX order on the venue's TCP connection, over loopback, as the venue sees it: from
// before its send to after its receive. The router spins on a core of its own, feed and
// gateway inline, in a process as a router with a core makes it: see internal/quiet. On the
// same core, in turns of a thousand orders, a C program answers a datagram of that size with as
// many bytes and nothing in between; its venue works as the router's does. Journal and the venue's thread
// share the other core, where a venue has its own machine: so the thread comes before the others
// there, and the samples of both sides in which it stood still itself are told apart. That its work is the same on
// both sides shows in how long sends take (send-p50-ns, echo-send-p50-ns).
func BenchmarkWire(b *testing.B) { benchmarkWire(b, busyWire) }

// BenchmarkWireQuiet is BenchmarkWire with 20 ms in which nothing comes before each datagram.
func BenchmarkWireQuiet(b *testing.B) { benchmarkWire(b, quietWire) }

func benchmarkWire(b *testing.B, load wireLoad) {
	if len(allowedCores()) < 2 {
		b.Log("one core only: router and venue wait for each other")
	}
	w := newWire(b, load)
	defer w.stop(b)
	b.ResetTimer()
	b.ReportAllocs()
	turn := 0
	for b.Loop() {
		if turn%load.round == 0 {
			w.swap(b, turn/load.round%2 == 1)
		}
		turn++
		w.sample()
	}
	w.swap(b, false)
	if w.floor.Count() == 0 || w.router.Count() == 0 {
		return // b.Loop ended within the first turn
	}
	floor, router := &w.floor, &w.router
	keep(load.name, w.echo.name, floor.steady, "")
	keep(load.name, "router, with the venue's own stalls", router.all, "")
	ratio := func(p float64) float64 {
		return float64(router.steady.Percentile(p)) / float64(floor.steady.Percentile(p))
	}
	note := fmt.Sprintf("p50 %.2f x, p99 %.2f x and p99.9 %.2f x the %s; without the samples in which the venue's thread stood still, "+
		"%.2f %% of these and %.2f %% of those", ratio(50), ratio(99), ratio(99.9), w.echo.name, router.stalled(), floor.stalled())
	report(b, load.name, "router, datagram to order", router.steady, note)
	b.ReportMetric(float64(floor.steady.Percentile(50)), "echo-p50-ns")
	b.ReportMetric(float64(floor.steady.Percentile(99)), "echo-p99-ns")
	b.ReportMetric(float64(floor.steady.Percentile(99.9)), "echo-p99.9-ns")
	b.ReportMetric(ratio(50), "x-echo-p50")
	b.ReportMetric(ratio(99), "x-echo-p99")
	b.ReportMetric(float64(router.all.Percentile(50))/float64(floor.all.Percentile(50)), "x-echo-p50-all")
	b.ReportMetric(float64(router.all.Percentile(99))/float64(floor.all.Percentile(99)), "x-echo-p99-all")
	b.ReportMetric(float64(router.sending.Percentile(50)), "send-p50-ns")
	b.ReportMetric(float64(floor.sending.Percentile(50)), "echo-send-p50-ns")
	b.ReportMetric(router.stalled(), "%stalled")
	b.ReportMetric(floor.stalled(), "%echo-stalled")
}

// samples are the times of one side: all, and those for which the venue's thread was there; of these, how long the
// venue took to send.
type samples struct{ all, steady, sending *hist.Latency }

func newSamples() samples { return samples{hist.New(), hist.New(), hist.New()} }

func (s *samples) record(nanos, sending int64, stall bool) {
	s.all.Record(nanos)
	if !stall {
		s.steady.Record(nanos)
		s.sending.Record(sending)
	}
}

// Count is how many could be told.
func (s *samples) Count() int64 { return s.steady.Count() }

// stalled is the share of the others, per cent.
func (s *samples) stalled() float64 {
	return 100 * float64(s.all.Count()-s.steady.Count()) / float64(s.all.Count())
}

// wireRig is router and echo, of which one works at a time. The router's journal is written on the venue's
// core, for want of a third, so the venue is slower to send and to see what comes. For it to be as slow beside the echo
// a second journal writes as much there then: what differs is the router's thread alone.
type wireRig struct {
	ballast  *journal.Writer
	records  [2]uint64 // events, commands of an order with all that follows
	event    event.Event
	command  event.Command
	load     wireLoad
	spread   *rand.Rand
	rig      *socketRig
	echo     *echo
	echoing  bool
	resume   chan struct{} // not nil: the loop waits for it
	practice *rehearsal.Rehearsal
	router   samples
	floor    samples
	traffic  traffic
	skip     int // samples after a swap that are not kept
	undo     quiet.Undo
	nice     int // of this thread before
}

func newWire(tb testing.TB, load wireLoad) *wireRig {
	w := &wireRig{load: load, spread: rand.New(rand.NewPCG(1, 2)), router: newSamples(), floor: newSamples()}
	var err error
	_, w.undo = quiet.Begin()
	w.rig = newSocketRig(tb, func(r *socketRig) { r.twap(3000) })
	if w.practice, err = rehearsal.New(w.rig.config.Table, true); err == nil {
		err = w.practice.Connect(readClock)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if step := quiet.HugePages(); step.Err != nil {
		tb.Log(step)
	}
	w.rig.loop.PutOff()
	w.rig.loop.Warm(w.practice.Step)
	runtime.LockOSThread()
	w.nice = hurry(tb, 0, -20)
	if w.ballast, err = journal.Create(w.rig.dir+"/ballast", journal.Options{}); err != nil {
		tb.Fatal(err)
	}
	w.rig.start(tb)
	const first = 10
	w.skip = first
	before := w.journalled()
	for range first {
		w.sample()
	}
	after := w.journalled()
	for i := range w.records {
		w.records[i] = (after[i] - before[i]) / first
	}
	w.echo = startEcho(tb, w.traffic)
	w.echo.signal(tb, syscall.SIGSTOP)
	return w
}

// journalled returns how many events and commands the router has journalled.
func (w *wireRig) journalled() (n [2]uint64) {
	w.rig.loop.Inspect(func(s *loop.Sequencer) { n = [2]uint64{s.Seq(), s.Commands} })
	return n
}

// burden lets the second journal write what the router's would have.
func (w *wireRig) burden() {
	now := readClock()
	var err error
	for range w.records[0] {
		err = errors.Join(err, w.ballast.Append(journal.Event, now, w.event.Bytes()))
	}
	for range w.records[1] {
		err = errors.Join(err, w.ballast.Append(journal.Command, now, w.command.Bytes()))
	}
	if err != nil {
		w.rig.peer.tb.Fatal(err)
	}
}

// hurry gives a thread, 0 for the calling one, a priority if it may have it, and returns the one
// before.
func hurry(tb testing.TB, thread, nice int) (before int) {
	before, err := unix.Getpriority(unix.PRIO_PROCESS, thread) // 20 - nice
	if err == nil {
		err = unix.Setpriority(unix.PRIO_PROCESS, thread, nice)
	}
	if err != nil {
		tb.Log("one of many on its core:", err)
	}
	return 20 - before
}

// swap gives the core to the echo or to the router.
func (w *wireRig) swap(tb testing.TB, echoing bool) {
	if echoing == w.echoing {
		return
	}
	w.echoing, w.skip = echoing, w.load.skip
	if !echoing {
		w.echo.signal(tb, syscall.SIGSTOP)
		close(w.resume)
		w.resume = nil
		return
	}
	w.resume = make(chan struct{})
	waiting, resume := make(chan struct{}), w.resume
	go w.rig.loop.Inspect(func(*loop.Sequencer) {
		close(waiting)
		<-resume
	})
	<-waiting
	w.echo.signal(tb, syscall.SIGCONT)
}

// sample measures one datagram and order, and lets the market go back to where it was.
func (w *wireRig) sample() {
	h, p := &w.router, w.rig.peer
	if w.echoing {
		h, p = &w.floor, w.echo.peer
	}
	p.prepare()
	rest(w.load.pauseNanos + w.spread.Int64N(spreadNanos))
	nanos, sending, stall := p.tick(w.load.stallNanos)
	if w.skip == 0 {
		h.record(nanos, sending, stall)
	}
	w.skip = max(w.skip-1, 0)
	if w.echoing {
		w.burden()
		w.echo.serve()
	} else {
		w.traffic = traffic{len(p.packet), p.bytes}
		p.serve(p.bytes)
	}
	p.back()
	rest(restNanos)
}

func (w *wireRig) stop(tb testing.TB) {
	w.swap(tb, false)
	w.echo.stop()
	w.rig.stop(tb)
	if err := errors.Join(w.practice.Close(), w.ballast.Close()); err != nil {
		tb.Error(err)
	}
	hurry(tb, 0, w.nice)
	runtime.UnlockOSThread()
	confine(tb, allowedCores())
	w.undo()
}

// TestWireOrdersFollowDatagrams pins what the benchmark measures, and that the router
// is within a few times of the floor: far beyond it something waits that should not.
func TestWireOrdersFollowDatagrams(t *testing.T) {
	w := newWire(t, busyWire)
	for turn := range 4 {
		w.swap(t, turn%2 == 1)
		for range 150 {
			w.sample()
		}
	}
	w.swap(t, false)
	var children, other int
	w.rig.loop.Inspect(func(s *loop.Sequencer) {
		for i := range s.Core().Children() {
			if c := &s.Core().Children()[i]; c.Venue != 0 || c.Price != bestAsk || c.Qty != 300 {
				other++
			}
			children++
		}
	})
	if children != 310 || other != 0 || w.rig.dropped != 0 {
		t.Errorf("%d orders, %d not as expected, %d commands dropped", children, other, w.rig.dropped)
	}
	if w.router.all.Count() != 250 || w.floor.all.Count() != 200 {
		t.Errorf("%d and %d samples", w.router.all.Count(), w.floor.all.Count())
	}
	if w.rig.peer.bytes < 100 || w.rig.peer.bytes > 250 {
		t.Errorf("an order of %d bytes", w.rig.peer.bytes)
	}
	t.Logf("router %s; %s %s", w.router.all, w.echo.name, w.floor.all)
	w.stop(t)
}
