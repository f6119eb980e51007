package bench

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"penstock/internal/hist"
	"penstock/router/loop"
)

// echo is the floor: a process that answers a datagram with as many bytes as an order
// has, on the router's core.
type echo struct {
	peer *counterparty
	cmd  *exec.Cmd // nil: a thread of this process
	name string
}

// startEcho compiles and starts testdata/echo.c; without a C compiler a thread does the
// same with raw system calls.
func startEcho(tb testing.TB, bytes int) *echo {
	tb.Helper()
	e := &echo{peer: newCounterparty(tb), name: "C echo"}
	cores := allowedCores()
	core := cores[len(cores)-1]
	var port int
	if gcc, err := exec.LookPath("gcc"); err == nil {
		binary := filepath.Join(tb.TempDir(), "echo")
		if out, err := exec.Command(gcc, "-O3", "-march=native", "-o", binary, "testdata/echo.c").CombinedOutput(); err != nil {
			tb.Fatalf("gcc: %v\n%s", err, out)
		}
		e.cmd = exec.Command(binary, strconv.Itoa(e.peer.port), strconv.Itoa(core), strconv.Itoa(bytes))
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
	} else {
		e.name = "raw-syscall echo"
		port = e.startThread(tb, core, bytes)
	}
	e.peer.accept()
	e.peer.sendTo(fmt.Sprintf("127.0.0.1:%d", port))
	e.peer.packet = make([]byte, 58)
	return e
}

// startThread echoes on a thread of this process until the counterparty goes away.
func (e *echo) startThread(tb testing.TB, core, bytes int) (port int) {
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
		in, order := make([]byte, 2048), make([]byte, bytes)
		for turn := 0; ; turn++ {
			n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(udp), uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)), 0, 0, 0)
			if errno == 0 && n > 0 {
				if _, err := unix.Write(tcp, order); err != nil {
					return
				}
			} else if turn%65536 == 0 {
				if n, _, err := unix.Recvfrom(tcp, in[:1], unix.MSG_DONTWAIT); n == 0 && err == nil {
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

// wireRound is how many orders are measured before the other side has its turn.
const wireRound = 1000

// pause lets the router take what follows an order.
const pauseNanos = 40_000

// BenchmarkWire is the time from a datagram of an ITCH feed to the first bytes of the
// FIX order on the venue's TCP connection, over loopback, as the venue sees it: from
// before its send to after its receive. The router spins on a core of its own, feed and
// gateway inline; on the same core, in turns of a thousand orders, a C program answers
// the same datagram with as many bytes and nothing in between.
func BenchmarkWire(b *testing.B) {
	if len(allowedCores()) < 2 {
		b.Log("one core only: router and venue wait for each other")
	}
	percent := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(percent)
	w := newWire(b)
	defer w.stop(b)
	b.ResetTimer()
	b.ReportAllocs()
	turn := 0
	for b.Loop() {
		if turn%wireRound == 0 {
			w.swap(b, turn/wireRound%2 == 1)
		}
		turn++
		w.sample()
	}
	w.swap(b, false)
	if w.floor.Count() == 0 || w.router.Count() == 0 {
		return // b.Loop ended within the first turn
	}
	keep("wire", w.echo.name, w.floor, "")
	ratio := func(p float64) float64 { return float64(w.router.Percentile(p)) / float64(w.floor.Percentile(p)) }
	note := fmt.Sprintf("p50 %.2f x and p99 %.2f x the %s", ratio(50), ratio(99), w.echo.name)
	report(b, "wire", "router, datagram to order", w.router, note)
	b.ReportMetric(float64(w.floor.Percentile(50)), "echo-p50-ns")
	b.ReportMetric(float64(w.floor.Percentile(99)), "echo-p99-ns")
	b.ReportMetric(ratio(50), "x-echo-p50")
	b.ReportMetric(ratio(99), "x-echo-p99")
}

// wireRig is router and echo, of which one works at a time.
type wireRig struct {
	rig     *socketRig
	echo    *echo
	echoing bool
	resume  chan struct{} // not nil: the loop waits for it
	router  *hist.Latency
	floor   *hist.Latency
	skip    int // samples after a swap that are not kept
}

func newWire(tb testing.TB) *wireRig {
	w := &wireRig{router: hist.New(), floor: hist.New()}
	w.rig = newSocketRig(tb, func(r *socketRig) { r.twap(3000) })
	runtime.LockOSThread()
	w.rig.start(tb)
	w.skip = 10
	for range w.skip {
		w.sample()
	}
	w.echo = startEcho(tb, w.rig.peer.bytes)
	w.echo.signal(tb, syscall.SIGSTOP)
	return w
}

// swap gives the core to the echo or to the router.
func (w *wireRig) swap(tb testing.TB, echoing bool) {
	if echoing == w.echoing {
		return
	}
	w.echoing, w.skip = echoing, 50
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
	h, p := w.router, w.rig.peer
	if w.echoing {
		h, p = w.floor, w.echo.peer
		spinUntil(readClock() + 2*pauseNanos)
		if nanos := p.tick(); w.skip == 0 {
			h.Record(nanos)
		}
	} else {
		p.prepare()
		spinUntil(readClock() + pauseNanos)
		nanos := p.tick()
		if w.skip == 0 {
			h.Record(nanos)
		}
		for len(p.orders) == 0 {
			p.serve(p.read())
		}
		p.answer(false)
		p.send(p.deleteMessage())
		spinUntil(readClock() + pauseNanos)
	}
	w.skip = max(w.skip-1, 0)
}

func (w *wireRig) stop(tb testing.TB) {
	w.swap(tb, false)
	w.echo.stop()
	w.rig.stop(tb)
	runtime.UnlockOSThread()
	confine(tb, allowedCores())
}

// TestWireOrdersFollowDatagrams pins what the benchmark measures, and that the router
// is within a few times of the floor: far beyond it something waits that should not.
func TestWireOrdersFollowDatagrams(t *testing.T) {
	w := newWire(t)
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
	if w.router.Count() != 250 || w.floor.Count() != 200 {
		t.Errorf("%d and %d samples", w.router.Count(), w.floor.Count())
	}
	if w.rig.peer.bytes < 100 || w.rig.peer.bytes > 250 {
		t.Errorf("an order of %d bytes", w.rig.peer.bytes)
	}
	t.Logf("router %s; %s %s", w.router, w.echo.name, w.floor)
	w.stop(t)
}
