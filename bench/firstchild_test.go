package bench

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/fix/ems"
	"penstock/fix/ems/guard"
	"penstock/internal/emsclient"
	"penstock/internal/hist"
	"penstock/market"
)

// clientRig is a socketRig with a client behind a quickfix session.
type clientRig struct {
	*socketRig
	acceptor *ems.Acceptor
	client   *emsclient.Client
	sent     int
	procs    int // GOMAXPROCS before
}

func newClientRig(tb testing.TB) *clientRig {
	// The spinning loop and the waiting venue each keep one: quickfix needs more, or its
	// sockets are looked at every 10 ms.
	r := &clientRig{socketRig: newSocketRig(tb, nil), procs: runtime.GOMAXPROCS(4)}
	dir := tb.TempDir()
	acceptor, err := ems.Listen(ems.Config{Listen: "127.0.0.1:0", StoreDir: dir + "/store", LogDir: dir + "/log",
		Sessions:    []ems.Session{{Session: guard.Session{SenderCompID: "ROUTER", TargetCompID: "CLIENT"}}},
		Instruments: r.config.Instruments, Venues: r.config.Venues, DefaultStrategy: event.StrategySweep, Durable: r.journal.Durable,
		Sink: func(e *event.Event) bool { r.announce(e); ok := r.clients.Push(e); r.bell(); return ok }})
	if err != nil {
		tb.Fatal(err)
	}
	r.acceptor, r.report = acceptor, acceptor.Report
	r.durable.Store(acceptor)
	r.start(tb)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.client, err = emsclient.Connect(ctx, emsclient.Config{Addr: r.acceptor.Addr(), SenderCompID: "CLIENT",
		TargetCompID: "ROUTER", Instruments: r.config.Instruments})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func (r *clientRig) close(tb testing.TB) {
	defer runtime.GOMAXPROCS(r.procs)
	r.client.Close()
	r.loop.Stop()
	err := <-r.ended
	r.acceptor.Close()
	r.ended <- err
	r.stop(tb)
}

// order sends a client's order, takes the first child at the venue's socket, fills it,
// and waits until the client knows.
func (r *clientRig) order(tb testing.TB) (nanos int64) {
	r.sent++
	id := fmt.Sprint("C", r.sent)
	start := readClock()
	if err := r.client.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "PSTK", Side: market.Buy, Qty: 100,
		Price: bestAsk + 2*oneTick}); err != nil {
		tb.Fatal(err)
	}
	n := 0
	for n = r.peer.read(); n == 0; n = r.peer.read() {
		if readClock()-start > int64(patience) {
			tb.Fatal("no child came ", r.peer.lost())
		}
		unix.Poll([]unix.PollFd{{Fd: int32(r.peer.conn), Events: unix.POLLIN}}, 1000)
	}
	nanos = readClock() - start
	r.peer.serve(n)
	for len(r.peer.orders) == 0 {
		r.peer.serve(r.peer.read())
	}
	r.peer.answer(true)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := r.client.Wait(ctx, id)
	if err != nil {
		tb.Fatal(err)
	}
	if o.CumQty != 100 {
		tb.Fatalf("order %+v", o)
	}
	return nanos
}

// BenchmarkParentToFirstChild is the time from a client's call that sends an order
// through quickfix to the first bytes of its first child at the venue's socket: client
// and router sessions over quickfix with guard, store and log, core, gateway. The loop
// has a core; everything else, client and venue included, shares the others, and the
// venue sleeps until there is something: a wake-up is in it.
func BenchmarkParentToFirstChild(b *testing.B) {
	r := newClientRig(b)
	defer r.close(b)
	h := hist.New()
	for range 100 {
		r.order(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Record(r.order(b))
	}
	report(b, "parent to first child", "over quickfix", h, "closed loop")
}

// TestParentReachesTheVenue pins what the benchmark measures.
func TestParentReachesTheVenue(t *testing.T) {
	r := newClientRig(t)
	for range 20 {
		r.order(t)
	}
	if v := r.client.Violations(); len(v) != 0 {
		t.Error(v)
	}
	r.close(t)
	if n := len(r.core.Children()); n != 20 {
		t.Errorf("%d children of 20 orders", n)
	}
}
