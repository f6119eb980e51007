package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/internal/freeport"
	"penstock/market"
)

// lockedBuffer is what run prints, readable while it runs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await polls until text is printed.
func (l *lockedBuffer) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(l.String(), text) {
		select {
		case <-deadline:
			t.Fatalf("%q was not printed:\n%s", text, l.String())
		case <-tick.C:
		}
	}
}

// TestRunServesStopsAndObeysSignals runs the router from files: its configuration,
// a QuickFIX .cfg for the clients and a policy table. An order trades, SIGUSR1
// stops everything, SIGTERM ends the process's work in order; a second run
// continues the sessions and numbers its orders anew.
func TestRunServesStopsAndObeysSignals(t *testing.T) {
	dir := t.TempDir()
	m, err := startDemoMarket(demoOptions{symbol: "PSTK", seed: 9}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cfg, err := demoConfig(demoOptions{symbol: "PSTK"}, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	clientPort, feedPort := freeport.TCP(t), freeport.UDP(t)
	quickfix := fmt.Sprintf("[DEFAULT]\nConnectionType=acceptor\nSocketAcceptHost=127.0.0.1\nSocketAcceptPort=%d\n"+
		"FileStorePath=%s\nFileLogPath=%s\n[SESSION]\nBeginString=FIX.4.4\nSenderCompID=%s\nTargetCompID=%s\n",
		clientPort, filepath.Join(dir, "ems"), filepath.Join(dir, "log"), demoRouter, m.desk)
	if err := os.WriteFile(filepath.Join(dir, "clients.cfg"), []byte(quickfix), 0o600); err != nil {
		t.Fatal(err)
	}
	text := string(cfg.Raw)
	from, to := strings.Index(text, "[ems]"), strings.Index(text, "[[instrument]]")
	text = text[:from] + "[ems]\nquickfix_cfg = \"clients.cfg\"\non_disconnect = \"keep\"\n" + text[to:]
	text = strings.Replace(text, `address = "127.0.0.1:0"`, fmt.Sprintf(`address = "127.0.0.1:%d"`, feedPort), 1)
	text = strings.Replace(text, "[router]\n", fmt.Sprintf("[router]\ncore = %d\n", runtime.NumCPU()-1), 1)
	path := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Venue("LITA").AddReceiver(fmt.Sprintf("127.0.0.1:%d", feedPort)); err != nil {
		t.Fatal(err)
	}
	client := emsclient.Config{Addr: fmt.Sprintf("127.0.0.1:%d", clientPort), SenderCompID: m.desk,
		TargetCompID: demoRouter, Instruments: cfg.Router.Instruments, StoreDir: filepath.Join(dir, "client")}
	first := runOnce(t, m, path, client, "R-1")
	second := runOnce(t, m, path, client, "R-2")
	if first == second {
		t.Errorf("both runs gave their order the OrderID %s", first)
	}
}

// runOnce runs the router, trades one order, kills and stops it. It returns the
// order's OrderID.
func runOnce(t *testing.T, m *demoMarket, path string, config emsclient.Config, id string) string {
	t.Helper()
	var out lockedBuffer
	done := make(chan error, 1)
	go func() {
		err := run([]string{"-c", path}, &out, &out)
		fmt.Fprintf(&out, "run returned %v\n", err)
		done <- err
	}()
	out.await(t, "router: clients on")
	if runtime.NumCPU() > 1 {
		out.await(t, fmt.Sprintf("router: alone on core %d", runtime.NumCPU()-1))
	} else {
		out.await(t, "router: not pinned")
	}
	out.await(t, "router: rehearsal: when idle, through the kernel")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := emsclient.Connect(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "goes on") {
		// The first run was killed: that outlives the process.
		out.await(t, "it was killed and stays so")
		early := emsclient.NewOrder{ClOrdID: id + "-E", Symbol: "PSTK", Side: market.Buy, Qty: 500,
			Strategy: int(event.StrategySweep)}
		if err := client.SendOrder(early); err != nil {
			t.Fatal(err)
		}
		if o, err := client.Wait(ctx, early.ClOrdID); err != nil || o.OrdStatus != market.StatusRejected {
			t.Errorf("an order under the first run's kill: %+v, %v", o, err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		out.await(t, "router: resumed")
	}
	// Until feeds and sessions are up an order is refused or finds nothing, and does not wait.
	out.await(t, "venue LITB: orders up, 1 LIVE")
	var order emsclient.Order
	for try := 0; order.CumQty == 0; try++ {
		name := fmt.Sprintf("%s-%d", id, try)
		if err := client.SendOrder(emsclient.NewOrder{ClOrdID: name, Symbol: "PSTK", Side: market.Buy, Qty: 500,
			TIF: market.TIFIOC, Strategy: int(event.StrategySweep)}); err != nil {
			t.Fatal(err)
		}
		if order, err = client.Wait(ctx, name); err != nil {
			t.Fatal(err)
		}
		if order.CumQty == 0 {
			time.Sleep(100 * time.Millisecond)
		}
	}
	m.Venue("LITB").Halt(true)
	out.await(t, "book LITB PSTK: LIVE to HALTED")
	m.Venue("LITB").Halt(false)
	out.await(t, "book LITB PSTK: HALTED to LIVE")
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	out.await(t, "router: killed")
	killed := emsclient.NewOrder{ClOrdID: id + "-K", Symbol: "PSTK", Side: market.Buy, Qty: 500,
		Strategy: int(event.StrategySweep)}
	if err := client.SendOrder(killed); err != nil {
		t.Fatal(err)
	}
	if o, err := client.Wait(ctx, killed.ClOrdID); err != nil || o.OrdStatus != market.StatusRejected {
		t.Errorf("an order under kill: %+v, %v", o, err)
	}
	if v := client.Violations(); len(v) > 0 {
		t.Errorf("the client's account: %v", v)
	}
	client.Close()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	case <-ctx.Done():
		t.Fatalf("run did not end\n%s", out.String())
	}
	tells := []string{"loop: ", "stalls of idle turns", "rings, most ever used"}
	if runtime.NumCPU() > 1 {
		tells = append(tells, "garbage: ", "processors: GOMAXPROCS", "collections at quiet moments")
	}
	for _, tell := range tells {
		if !strings.Contains(out.String(), tell) {
			t.Errorf("nothing is said of %q:\n%s", tell, out.String())
		}
	}
	return order.OrderID
}
