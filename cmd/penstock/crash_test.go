package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/emsclient"
	"penstock/internal/freeport"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/venues/sim/serve"
)

// crashConfig names the configuration for the child that runs the router.
const crashConfig = "PENSTOCK_TEST_RUN"

// rigPatience is when a rig gives up what it waits for: no promise about times.
const rigPatience = time.Minute

// crashRig has the venues and the client in this process and the router in another, which
// is killed.
type crashRig struct {
	t      *testing.T
	m      *demoMarket
	cfg    *Config
	path   string
	client emsclient.Config
	cmd    *exec.Cmd
	lines  chan string
	said   []string
	errs   lockedBuffer // what the routers said of themselves, such as a data race
}

// TestKilledRouterGoesOn kills the router with SIGKILL at random moments of a parent's
// life and starts it again, until the parent has ended. Client, router and venues agree to
// the share at the end, whatever was under way.
func TestKilledRouterGoesOn(t *testing.T) {
	if path := os.Getenv(crashConfig); path != "" {
		if err := run([]string{"-c", path}, os.Stdout, os.Stderr); err != nil {
			fmt.Println("run returned", err)
		}
		return
	}
	kills := 11 // and 5 and 4: twenty in all
	if testing.Short() {
		kills = 2
	}
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_KILLS")); err == nil {
		kills = n
	}
	t.Parallel()
	t.Run("inline", func(t *testing.T) { killAndGoOn(t, "inline", kills, serve.FIX44, false) })
	if !testing.Short() {
		t.Run("threaded", func(t *testing.T) { killAndGoOn(t, "threaded", kills/2, serve.FIX44, false) })
		t.Run("ouch", func(t *testing.T) { killAndGoOn(t, "inline", (kills+2)/3, serve.OUCH50, false) })
		t.Run("host", func(t *testing.T) { killAndGoOn(t, "threaded", (kills+2)/3, serve.FIX44, true) })
	}
}

// killAndGoOn kills the router, and its host with it if so said: then all that sessions had written
// since it ran is gone, but not the journal.
func killAndGoOn(t *testing.T, placement string, kills int, orders serve.Orders, host bool) {
	t.Parallel()
	awaitMidnight(time.Duration(kills) * 5 * time.Second)
	r := newCrashRig(t, placement, orders)
	rng := rand.New(rand.NewPCG(uint64(kills), 20))
	r.start()
	const id = "CRASH-1"
	client := r.connect()
	horizon := time.Duration(kills)*1200*time.Millisecond + 3*time.Second
	r.awaitBooks(client)
	if orders != serve.FIX44 {
		r.await("venue LITA: orders up") // it waits for the venue's first heartbeat
	}
	if err := client.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "PSTK", Side: market.Buy, Qty: 40_000,
		TIF: market.TIFDay, Strategy: int(event.StrategyTWAP), EndTime: clock() + int64(horizon), SliceSeconds: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Await(r.patience(), id, func(o *emsclient.Order) bool { return o.CumQty > 0 }); err != nil {
		t.Fatal(err)
	}
	slowest, done := time.Duration(0), emsclient.Order{}
	for n := range kills {
		numbers := r.numbers()
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond) // the moment of the kill is the load
		// Orders that may be anywhere when the kill comes.
		var burst []string
		for i := range 3 {
			name := fmt.Sprintf("BURST-%d-%d", n, i)
			burst = append(burst, name)
			if err := client.SendOrder(emsclient.NewOrder{ClOrdID: name, Symbol: "PSTK", Side: market.Sell, Qty: 10,
				TIF: market.TIFIOC, Strategy: int(event.StrategySweep)}); err != nil {
				t.Fatal(err)
			}
		}
		r.kill()
		if host {
			r.hostDied(numbers, n == 0)
		}
		client.Close()
		known := []emsclient.Order{}
		for _, name := range append(burst, id) {
			o, ok := client.Order(name) // with what came before its socket closed
			if ok && !o.OrdStatus.Terminal() {
				known = append(known, o)
			}
			if name == id && ok { // once it has ended the next client does not know it
				done = o
			}
		}
		began := time.Now()
		r.start()
		r.await("goes on")
		slowest = max(slowest, time.Since(began))
		if host {
			r.awaitSessions()
			r.checkNumbers()
		}
		client = r.connect(known...)
		for _, o := range known {
			if o.ClOrdID == id {
				continue
			}
			if _, err := client.Wait(r.patience(), o.ClOrdID); err != nil {
				t.Fatalf("%s was lost with the process: %v; the router said:\n%s", o.ClOrdID, err, strings.Join(r.said, "\n"))
			}
		}
	}
	if !done.OrdStatus.Terminal() {
		var err error
		if done, err = client.Wait(r.patience(), id); err != nil {
			t.Fatalf("%v; the router said:\n%s", err, strings.Join(r.said, "\n"))
		}
	}
	client.Close()
	r.stop()
	r.compare(&done, client.Violations())
	t.Logf("%d kills, %d fills, restart to clients at most %v", kills, len(done.Fills), slowest)
}

// awaitMidnight waits for the next UTC day if it begins within span: a start on another day begins a
// new run when nothing of the last one lives, and this test is about runs that go on.
func awaitMidnight(span time.Duration) {
	now := time.Now().UTC()
	if left := now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now); left < span {
		time.Sleep(left)
	}
}

func newCrashRig(t *testing.T, placement string, orders serve.Orders) *crashRig {
	t.Helper()
	dir := t.TempDir()
	m, err := startDemoMarket(demoOptions{symbol: "PSTK", seed: 11, orders: orders, copies: true}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	cfg, err := demoConfig(demoOptions{symbol: "PSTK", placement: placement, copies: true, table: baselineFile(t, t.TempDir())}, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	// The child's addresses must be known and stay.
	clientPort, a, b := freeport.TCP(t), freeport.UDP(t), freeport.UDP(t)
	text := strings.Replace(string(cfg.Raw), `listen = "127.0.0.1:0"`, fmt.Sprintf(`listen = "127.0.0.1:%d"`, clientPort), 1)
	text = strings.Replace(text, `address = "127.0.0.1:0"`, fmt.Sprintf(`address = "127.0.0.1:%d"`, a), 1)
	text = strings.Replace(text, `address_b = "127.0.0.1:0"`, fmt.Sprintf(`address_b = "127.0.0.1:%d"`, b), 1)
	text = strings.Replace(text, "[router]\n", "[router]\n  snapshot_events = 2000\n", 1) // kills come between snapshots
	path := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, port := range []int{a, b} {
		if err := m.Venue("LITA").AddReceiverOn(line, fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			t.Fatal(err)
		}
	}
	r := &crashRig{t: t, m: m, cfg: cfg, path: path, client: emsclient.Config{
		Addr: fmt.Sprintf("127.0.0.1:%d", clientPort), SenderCompID: m.desk, TargetCompID: demoRouter,
		Instruments: cfg.Router.Instruments, StoreDir: filepath.Join(dir, "client")}}
	t.Cleanup(func() {
		if r.cmd != nil {
			r.cmd.Process.Kill()
			r.cmd.Wait()
		}
	})
	return r
}

func (r *crashRig) start() {
	r.t.Helper()
	r.cmd = exec.Command(os.Args[0], "-test.run=^TestKilledRouterGoesOn$")
	r.cmd.Env = append(os.Environ(), crashConfig+"="+r.path)
	r.cmd.Stderr = &r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	lines := make(chan string, 4096)
	r.lines = lines
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	if len(r.said) == 0 {
		r.await("clients on")
	}
}

// await reads what the router prints until text comes.
func (r *crashRig) await(text string) {
	r.t.Helper()
	timeout := time.After(rigPatience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("the router ended before it said %q:\n%s", text, strings.Join(r.said, "\n"))
			}
			r.said = append(r.said, line)
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			r.t.Fatalf("the router did not say %q:\n%s", text, strings.Join(r.said, "\n"))
		}
	}
}

// awaitSessions reads until the order session of every venue is up.
func (r *crashRig) awaitSessions() {
	r.t.Helper()
	began := len(r.said)
	for up := 0; up < len(r.cfg.Venue); {
		r.await(": orders up")
		up = 0
		for _, v := range r.cfg.Venue {
			if slices.ContainsFunc(r.said[began:], func(line string) bool { return strings.Contains(line, "venue "+v.Name+": orders up") }) {
				up++
			}
		}
	}
}

// checkNumbers wants sessions that know how far they were: one that does not comes up as well, after as
// many refusals as it has forgotten numbers.
func (r *crashRig) checkNumbers() {
	r.t.Helper()
	for path, text := range r.numbers() {
		if out := uint64(0); !strings.HasPrefix(string(text), "PSTKEMS") {
			if _, err := fmt.Sscanf(string(text), "fixseq1 out=%d ", &out); err != nil || out <= fix.HostAhead {
				r.t.Errorf("%s goes on with %d, %v", filepath.Base(path), out, err)
			}
		}
	}
}

func (r *crashRig) kill() {
	r.t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	r.cmd.Wait()
	for line := range r.lines {
		r.said = append(r.said, line)
	}
}

// numbers returns the files of the sessions' sequence numbers, by path.
func (r *crashRig) numbers() map[string][]byte {
	r.t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"seq-*", "copy-*", "ems/*"} {
		paths, err := filepath.Glob(filepath.Join(r.cfg.at("state"), pattern))
		if err != nil || len(paths) == 0 {
			r.t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			if files[path], err = os.ReadFile(path); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return files
}

// hostDied leaves numbers as the disk has them, those of venues' sessions as they were when they were
// made if it was so early, and another start of the kernel.
func (r *crashRig) hostDied(numbers map[string][]byte, early bool) {
	r.t.Helper()
	numbers[filepath.Join(r.cfg.at("state"), "lock")] = []byte("an earlier start")
	for path, text := range numbers {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			r.t.Fatal(err)
		}
		if early && !strings.HasPrefix(string(text), "PSTKEMS") && filepath.Base(path) != "lock" {
			numbersAt(r.t, path, 1)
		}
	}
}

func (r *crashRig) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	for line := range r.lines {
		r.said = append(r.said, line)
	}
	r.cmd.Wait()
	r.cmd = nil
	if errs := r.errs.String(); errs != "" {
		r.t.Errorf("the routers' errors: %s", errs[:min(len(errs), 4000)])
	}
	for _, line := range r.said {
		if strings.Contains(line, "run returned") {
			r.t.Errorf("%s", line)
		}
	}
}

func (r *crashRig) patience() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), rigPatience)
	r.t.Cleanup(cancel)
	return ctx
}

// connect logs the client on; its account of open orders goes on.
func (r *crashRig) connect(open ...emsclient.Order) *emsclient.Client {
	r.t.Helper()
	c := r.client
	c.Open = open
	deadline := time.Now().Add(rigPatience)
	for {
		client, err := emsclient.Connect(r.patience(), c)
		if err == nil {
			return client
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%v; the router said:\n%s", err, strings.Join(r.said, "\n"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitBooks sends small orders until one finds something.
func (r *crashRig) awaitBooks(client *emsclient.Client) {
	r.t.Helper()
	for try := range 1000 {
		name := fmt.Sprintf("PROBE-%d", try)
		if err := client.SendOrder(emsclient.NewOrder{ClOrdID: name, Symbol: "PSTK", Side: market.Buy, Qty: 100,
			TIF: market.TIFIOC, Strategy: int(event.StrategySweep)}); err != nil {
			r.t.Fatal(err)
		}
		o, err := client.Wait(r.patience(), name)
		if err != nil {
			r.t.Fatal(err)
		}
		if o.CumQty > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("the books never came")
}

// compare runs the journal again and compares its ledger with client and venues.
func (r *crashRig) compare(order *emsclient.Order, violations []string) {
	r.t.Helper()
	dir, err := lastRun(r.cfg.at("journal"))
	if err != nil || dir == "" {
		r.t.Fatalf("journal %q, %v", dir, err)
	}
	again, err := rerunJournal(dir)
	if err != nil || again.Mismatch != "" || again.Tail.State != journal.TailClosed {
		r.t.Fatalf("journal: %v, %s, %v", err, again.Mismatch, again.Tail)
	}
	quick, err := replayJournal(dir)
	if err != nil || quick.Mismatch != "" || len(quick.refused) > 0 || quick.core.Hash() != again.core.Hash() {
		r.t.Errorf("from a snapshot: %v %s %v, state %x, from the start %x", err, quick.Mismatch, quick.refused,
			quick.core.Hash(), again.core.Hash())
	}
	r.t.Logf("%d events, %d of them after the newest snapshot", again.Events, quick.Events)
	if n := again.core.Counters; n.DropCopies == 0 || n.DropBreaks != 0 {
		r.t.Errorf("%d drop copies, of which %d contradict the order session", n.DropCopies, n.DropBreaks)
	}
	parents := again.core.Parents()
	slot := slices.IndexFunc(parents, func(p router.Parent) bool { return p.ClOrdID.String() == order.ClOrdID })
	if slot < 0 {
		r.t.Fatalf("the journal does not know %s", order.ClOrdID)
	}
	p := &parents[slot]
	ours := map[string]bool{}
	for i := range again.core.Children() {
		if ch := &again.core.Children()[i]; ch.Parent == int32(slot) {
			ours[strconv.FormatUint(ch.Number, 10)] = true
		}
	}
	venues := market.Qty(0)
	for _, v := range r.m.Venues() {
		for _, f := range r.m.trades(v.Name()) {
			if ours[f.ClOrdID.String()] {
				venues += f.Qty
			}
		}
	}
	client := market.Qty(0)
	for _, f := range order.Fills {
		client += f.LastQty
	}
	if p.Cum != venues || order.CumQty != p.Cum || order.OrdStatus != p.Status || p.Cum > p.OrderQty {
		r.t.Errorf("router %v of %v %v, venues %v, client %v %v (fills %v)\n%s", p.Cum, p.OrderQty, p.Status, venues, order.CumQty,
			order.OrdStatus, client, strings.Join(r.said, "\n"))
	}
	for _, v := range violations {
		r.t.Errorf("the client's account: %s", v)
	}
	if trouble := again.core.Audit(); trouble != "" {
		r.t.Error(trouble)
	}
	r.everyTradeIsOurs(again)
}

// everyTradeIsOurs demands that the venues traded nothing that no child accounts for.
func (r *crashRig) everyTradeIsOurs(again *rerun) {
	filled := map[string]market.Qty{}
	for _, v := range r.m.Venues() {
		for _, f := range r.m.trades(v.Name()) {
			filled[f.ClOrdID.String()] += f.Qty
		}
	}
	for i := range again.core.Children() {
		ch := &again.core.Children()[i]
		id := strconv.FormatUint(ch.Number, 10)
		if filled[id] != ch.Cum {
			r.t.Errorf("child %s: venues filled %v, the router booked %v", id, filled[id], ch.Cum)
		}
		delete(filled, id)
	}
	for id, qty := range filled {
		r.t.Errorf("order %s traded %v at a venue, and the router never sent it", id, qty)
	}
}
