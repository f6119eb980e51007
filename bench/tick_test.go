package bench

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"penstock/event"
	"penstock/internal/hist"
	"penstock/router/rehearsal"
)

// tickLoads are the messages of ten venues: a recording where there is one, and
// streams that are made here.
func tickLoads(tb testing.TB, messages int) (all []*feeds) {
	all = append(all, itchFeeds(1, 10, messages, 8))
	if f := recordedFeeds(tb, 10, messages); f != nil {
		all = append(all, f)
	}
	return all
}

// smallBytes is a message of Binance with about ten levels.
const smallBytes = 400

// ticker takes messages one by one and keeps how long those took that made an order,
// to the bytes of the first one, and the others.
type ticker struct {
	d       *desk
	o       deskOptions
	f       *feeds
	cost    int64
	orders  *hist.Latency // until the first order's bytes
	lasts   *hist.Latency // until the last order's bytes, of sweeps
	others  *hist.Latency // until nothing more is to do
	delayed *hist.Latency // the orders, counted from when the message was due
	sizes   *hist.Latency // bytes of the messages that made an order
	small   *hist.Latency // the orders of messages up to smallBytes
	machine *hist.Latency // what looks at the clock for as long as half of the orders take
	bites   *hist.Latency // of the idle loop
	like    *hist.Latency // these orders
	window  int64         // how long that is
	rebuilt int
	swept   int // orders of sweeps

	practice *practice // nil: the idle loop does nothing
	walk     int64     // when the next rehearsal begins
}

func newTicker(tb testing.TB, f *feeds, o deskOptions) *ticker {
	t := &ticker{f: f, o: o, d: newDesk(tb, f, o), cost: timerCost(), orders: hist.New(), lasts: hist.New(), others: hist.New(),
		delayed: hist.New(), sizes: hist.New(), small: hist.New(), machine: hist.New(), bites: hist.New(), window: 500}
	t.like = t.orders
	return t
}

// renew builds a new desk when this one is spent, and takes messages to warm it.
func (t *ticker) renew(b *testing.B) bool {
	if !t.d.spent() {
		return false
	}
	b.StopTimer()
	t.d.close(b)
	t.d = nil
	runtime.GC()
	t.d = newDesk(b, t.f, t.o)
	t.rebuilt++
	t.warm(b)
	b.StartTimer()
	return true
}

func (t *ticker) warm(b *testing.B) {
	for range 2000 {
		if err := t.d.step(); err != nil {
			b.Fatal(err)
		}
		t.d.settle()
	}
}

// tick takes one message. due is when it should have been taken, 0 for now.
func (t *ticker) tick(b *testing.B, due int64) {
	d := t.d
	d.receive()
	d.timed, d.first, d.last = true, 0, 0
	before := d.orders
	start := readClock()
	err := d.step()
	end := readClock()
	switch {
	case err != nil:
		b.Fatalf("message %d: %v", d.next-1, err)
	case d.first != 0:
		t.orders.Record(max(d.first-start-t.cost, 0))
		if d.last != 0 {
			t.lasts.Record(max(d.last-start-t.cost*int64(d.orders-before), 0))
			t.swept += d.orders - before
		}
		size := int64(len(d.feeds.message(d.next - 1)))
		t.sizes.Record(size)
		if size <= smallBytes {
			t.small.Record(max(d.first-start-t.cost, 0))
		}
		if due != 0 {
			t.delayed.Record(max(d.first-due-t.cost, 0))
		}
	default:
		t.others.Record(max(end-start-t.cost, 0))
	}
	made := d.first != 0
	d.settle()
	if made {
		t.control()
	}
}

// control finds out what the machine alone makes of a time as long as half of the orders take: a
// loop that only reads the clock, which is over when a reading says so. It takes turns with the
// orders.
func (t *ticker) control() {
	if n := t.like.Count(); n > 0 && n&(n-1) == 0 {
		t.window = t.like.Percentile(50)
	}
	start := readClock()
	now := start
	for now-start < t.window+t.cost {
		now = readClock()
	}
	t.machine.Record(max(now-start-t.cost, 0))
}

// Of an idle loop: see router/loop/warm.go.
const (
	lull      = 10_000
	biteEvery = 1_000
	walkEvery = 10_000
)

// idle does until a time what an idle loop with a core does.
func (t *ticker) idle(until int64) {
	now := readClock()
	for due := now + lull; now < until; now = readClock() {
		if t.practice == nil || now < due {
			safepoint()
			continue
		}
		due = now + biteEvery
		if now < t.walk {
			t.d.bringNear()
		} else if t.practice.step() {
			t.walk = now + walkEvery
		}
		t.bites.Record(max(readClock()-now-t.cost, 0))
	}
}

// practice is what an idle loop rehearses: the router of package rehearsal, and a small desk, because
// what stands here for the loop and the gateways is code of its own. To that desk comes what comes to the
// rehearsal: an offer that it takes, which goes again.
type practice struct {
	*rehearsal.Rehearsal
	glue *desk
	f    *feeds
}

func newPractice(tb testing.TB) *practice {
	r, err := rehearsal.New(benchTable(tb), true)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	p := &practice{Rehearsal: r, f: flickerFeeds(4, 200_000)}
	p.glue = newDesk(tb, p.f, deskOptions{parents: 1, maxChildren: 200_000})
	return p
}

func (p *practice) step() (over bool) {
	if g := p.glue; !g.spent() {
		if err := g.step(); err != nil {
			panic(err)
		}
		g.settle()
	}
	over, _ = p.Step()
	return over
}

func (t *ticker) note() string {
	n := t.orders.Count() + t.others.Count()
	return fmt.Sprintf("%.2f %% of %d messages made an order, half of these have %d bytes or fewer; timer %d ns subtracted",
		100*float64(t.orders.Count())/float64(n), n, t.sizes.Percentile(50), t.cost)
}

// finish reports the orders, and keeps the other messages for the files.
func (t *ticker) finish(b *testing.B, name string) {
	t.d.close(b)
	if n := t.small.Count(); n > 0 && n < t.orders.Count() {
		keep("tick to order", name+fmt.Sprintf(", messages up to %d bytes", smallBytes), t.small, "")
	}
	report(b, "tick to order", name, t.orders, t.note())
	b.ReportMetric(float64(t.cost), "timer-ns")
	b.ReportMetric(float64(t.others.Percentile(50)), "no-order-p50-ns")
	b.ReportMetric(float64(t.machine.Percentile(50)), "machine-p50-ns")
	b.ReportMetric(float64(t.machine.Percentile(99)), "machine-p99-ns")
	b.ReportMetric(float64(t.machine.Percentile(99.9)), "machine-p99.9-ns")
	keep("tick to order", name+", the machine alone", t.machine, fmt.Sprintf("a loop that reads the clock for %d ns", t.window))
	if t.delayed.Count() > 0 {
		b.ReportMetric(float64(t.delayed.Percentile(50)), "since-due-p50-ns")
		b.ReportMetric(float64(t.delayed.Percentile(99.9)), "since-due-p99.9-ns")
	}
	if n := t.lasts.Count(); n > 0 {
		b.ReportMetric(float64(t.lasts.Percentile(50)), "last-p50-ns")
		b.ReportMetric(float64(t.lasts.Percentile(99)), "last-p99-ns")
		b.ReportMetric(float64(t.swept)/float64(n), "orders/sweep")
		keep("tick to order", name+", the last order", t.lasts, t.note())
	}
	if t.bites.Count() > 0 {
		b.ReportMetric(float64(t.bites.Percentile(50)), "bite-p50-ns")
		b.ReportMetric(float64(t.bites.Percentile(99)), "bite-p99-ns")
		keep("tick to order", name+", bites of the idle loop", t.bites, "")
	}
}

// BenchmarkTickToOrder is the time from the bytes of a feed message in memory to the
// bytes of the first order that it causes, over the streams of ten venues:
//
//	warm      one message after the other; an op is a message and the venues' answers
//	paced     a message each 100 µs, between two what an idle loop does; an op is that long
//	quiet     20 ms before each message that will make an order, with an idle loop and without
//
// A message is copied to where the last one was before the clock starts, as a receive does.
// Beside each row stands what the machine alone makes of such a time (machine-…): a loop that reads
// the clock until half of the orders would be out, by turns with them. What a row has beyond it is
// ours.
//
// Journal, ledger and decision records are in it; sockets, ring hops and the EMS are
// not. One parent is live, at the last decision of its slice. The closed loop takes
// the next message when the last one is done, so nothing is omitted; the paced loads
// are told from when a message was due, too ("since due").
func BenchmarkTickToOrder(b *testing.B) {
	for _, f := range tickLoads(b, 400_000) {
		for _, journal := range []bool{false, true} {
			name := f.name + " warm"
			if journal {
				name += ", journal"
			}
			b.Run(name, func(b *testing.B) {
				benchmarkWarm(b, name, f, deskOptions{parents: 1, maxChildren: 200_000, journal: journal})
			})
		}
		name := f.name + " warm, a dealer"
		b.Run(name, func(b *testing.B) {
			benchmarkWarm(b, name, f, deskOptions{parents: 1, maxChildren: 200_000, dealer: true})
		})
		name = f.name + " warm, a sweep"
		b.Run(name, func(b *testing.B) {
			benchmarkWarm(b, name, f, deskOptions{parents: 1, maxChildren: 200_000, sweep: 1_000})
		})
		name = f.name + " warm, journal, ten parents"
		b.Run(name, func(b *testing.B) {
			benchmarkWarm(b, name, f, deskOptions{parents: 10, maxChildren: 200_000, journal: true})
		})
	}
	busy := itchFeeds(1, 10, 300_000, 2)
	o := deskOptions{parents: 1, maxChildren: 200_000, journal: true}
	practice := newPractice(b)
	b.Run("itch paced 100 us", func(b *testing.B) { benchmarkPaced(b, busy, o, practice) })
	b.Run("itch quiet 20 ms", func(b *testing.B) { benchmarkQuiet(b, busy, o, practice) })
}

func benchmarkWarm(b *testing.B, name string, f *feeds, o deskOptions) {
	defer alone(b)()
	t := newTicker(b, f, o)
	t.warm(b)
	b.ReportAllocs()
	for b.Loop() {
		t.renew(b)
		t.tick(b, 0)
	}
	t.finish(b, name)
}

// benchmarkPaced lets an idle loop work between two messages.
func benchmarkPaced(b *testing.B, f *feeds, o deskOptions, practice *practice) {
	defer alone(b)()
	const interval = 100_000
	t := newTicker(b, f, o)
	t.practice = practice
	t.warm(b)
	b.ReportAllocs()
	due := readClock()
	for n := int64(0); b.Loop(); n++ {
		if t.renew(b) {
			due = readClock()
		}
		due += interval
		arrives := due + n*61_803%interval // anywhere: the kernel's clock ticks at a multiple of the interval
		t.idle(arrives)
		t.tick(b, arrives)
	}
	keep("tick to order", "itch paced 100 us, since due", t.delayed, "open loop")
	t.finish(b, "itch paced 100 us")
}

// benchmarkQuiet finds out first which messages make an order; the others are taken
// before the quiet. In every other one an idle loop works, because a machine is not the same for
// a minute; an op is one quiet.
func benchmarkQuiet(b *testing.B, f *feeds, o deskOptions, practice *practice) {
	defer alone(b)()
	const interval = 20_000_000
	makes := map[int]bool{}
	t := newTicker(b, f, o)
	for !t.d.spent() && len(makes) < 20_000 {
		before, at := t.d.orders, t.d.next
		if err := t.d.step(); err != nil {
			b.Fatal(err)
		}
		makes[at] = t.d.orders > before
		t.d.settle()
	}
	t.d.next = len(f.messages)
	t.renew(b)
	alone, kept := t.orders, hist.New()
	t.like = kept
	for n := int64(0); b.Loop(); n++ {
		for !makes[t.d.next] && !t.renew(b) {
			if err := t.d.step(); err != nil {
				b.Fatal(err)
			}
			t.d.settle()
		}
		arrives := readClock() + interval + n*617%biteEvery
		if n%2 == 1 {
			t.practice, t.orders = practice, kept
			t.idle(arrives)
			t.tick(b, arrives)
		} else {
			t.practice, t.orders = nil, alone
			t.idle(arrives)
			t.tick(b, 0)
		}
	}
	keep("tick to order", "itch quiet 20 ms, keep-warm", kept, "by turns with the other")
	b.ReportMetric(float64(kept.Percentile(50)), "keep-warm-p50-ns")
	b.ReportMetric(float64(kept.Percentile(90)), "keep-warm-p90-ns")
	t.orders = alone
	t.finish(b, "itch quiet 20 ms")
}

// TestTicksMakeOrders pins what the benchmark measures, on both loads.
func TestTicksMakeOrders(t *testing.T) {
	for _, f := range tickLoads(t, 30_000) {
		d := newDesk(t, f, deskOptions{parents: 1, maxChildren: 50_000, journal: true})
		ticks := 0
		for d.next < len(f.messages) {
			before := d.orders
			if err := d.step(); err != nil {
				t.Fatalf("%s: message %d: %v", f, d.next-1, err)
			}
			if d.orders > before {
				ticks++
				if c := d.sent[0]; c.Kind == event.SendOrder && (c.Qty <= 0 || c.Qty > 100 || c.Price > f.limits[0]) {
					t.Fatalf("%s: order %+v", f, c)
				}
			}
			d.settle()
		}
		m := d.core.Composite(0)
		if ticks < 100 || !m.Normal() || d.core.Counters.Resyncs != 0 || d.core.Counters.Brakes != 0 {
			t.Errorf("%s: %d messages with an order; touch %+v %+v; %+v", f, ticks, m.Bid, m.Ask, d.core.Counters)
		}
		if trouble := d.core.Audit(); trouble != "" {
			t.Error(trouble)
		}
		d.close(t)
	}
}

// TestOrderBytes checks the encoded order against the fields that it must have.
func TestOrderBytes(t *testing.T) {
	d := newDesk(t, itchFeeds(1, 10, 20_000, 8), deskOptions{parents: 1, maxChildren: 10_000})
	for d.orders == 0 {
		if err := d.step(); err != nil {
			t.Fatal(err)
		}
	}
	c := d.sent[0]
	s := d.venues[c.Venue].session
	if err := d.venues[c.Venue].encode(d.now, &c); err != nil {
		t.Fatal(err)
	}
	out := s.Out()
	price := fmt.Sprintf("44=%d.", c.Price/10_000)
	for _, want := range []string{"35=D\x01", "55=N0\x01", "54=1\x01", "59=3\x01", price, fmt.Sprintf("38=%d\x01", c.Qty),
		fmt.Sprintf("11=%d\x01", c.Child)} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
}

// TestTickToOrderDoesNotAllocate is the promise of the hot path, journal included.
func TestTickToOrderDoesNotAllocate(t *testing.T) {
	for _, f := range tickLoads(t, 30_000) {
		d := newDesk(t, f, deskOptions{parents: 2, maxChildren: 50_000, journal: true})
		orders := d.orders
		if n := testing.AllocsPerRun(15_000, func() {
			if err := d.step(); err != nil {
				t.Fatal(err)
			}
			d.settle()
		}); n != 0 {
			t.Errorf("%s: %v allocations per message", f, n)
		}
		if d.orders-orders < 5 {
			t.Errorf("%s: %d orders", f, d.orders-orders)
		}
		d.close(t)
	}
}
