package ems

import (
	"io"
	"net"
	"sync"
	"testing"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/market"
)

// wire passes bytes between a client and the acceptor until it is cut.
type wire struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	conns    []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, target: target}
	t.Cleanup(func() { l.Close(); w.cut() })
	go w.serve()
	return w
}

func (w *wire) serve() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.target)
		if err != nil {
			near.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, near, far)
		w.mu.Unlock()
		go func() { io.Copy(near, far); near.Close() }()
		go func() { io.Copy(far, near); far.Close() }()
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func TestSessionRecoversFromADroppedSocket(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	w := newWire(t, a.Addr())
	c, err := emsclient.Connect(waiting(t), emsclient.Config{Addr: w.listener.Addr().String(),
		SenderCompID: a.cfg.Sessions[0].TargetCompID, TargetCompID: "PENSTOCK",
		Instruments: testInstruments})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionUp) {
		t.Fatalf("event %+v", e)
	}
	if err := c.SendOrder(emsclient.NewOrder{ClOrdID: "P1", Symbol: "ACME", Side: market.Sell,
		Qty:      300,
		Strategy: 1000}); err != nil {
		t.Fatal(err)
	}
	e := d.next(t, event.ParentNew)
	b := newBook(a, &e, 3)
	b.report(t, market.ExecNew, market.StatusNew)
	w.cut()
	// Reports go out while nobody listens …
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionDown) {
		t.Fatalf("event %+v", e)
	}
	b.fill(t, 0, 100, 100_000)
	b.fill(t, 1, 200, 100_100)
	// … and arrive once the client is back.
	o, err := c.Wait(waiting(t), "P1")
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Violations(); v != nil || o.CumQty != 300 || len(o.Fills) != 2 {
		t.Errorf("order %+v, violations %v", o, v)
	}
}
