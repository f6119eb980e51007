package bench

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
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
	others  *hist.Latency // until nothing more is to do
	delayed *hist.Latency // the orders, counted from when the message was due
	sizes   *hist.Latency // bytes of the messages that made an order
	small   *hist.Latency // the orders of messages up to smallBytes
	rebuilt int
}

func newTicker(tb testing.TB, f *feeds, o deskOptions) *ticker {
	return &ticker{f: f, o: o, d: newDesk(tb, f, o), cost: timerCost(), orders: hist.New(), others: hist.New(),
		delayed: hist.New(), sizes: hist.New(), small: hist.New()}
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
	d.timed, d.first = true, 0
	start := readClock()
	err := d.step()
	end := readClock()
	switch {
	case err != nil:
		b.Fatalf("message %d: %v", d.next-1, err)
	case d.first != 0:
		t.orders.Record(max(d.first-start-t.cost, 0))
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
	d.settle()
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
}

// BenchmarkTickToOrder is the time from the bytes of a feed message in memory to the
// bytes of the first order that it causes, over the streams of ten venues:
//
//	warm      one message after the other; an op is a message and the venues' answers
//	paced     a message each 100 µs, a rehearsal between two; an op is that long
//	quiet     20 ms of nothing before each message that will make an order
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
		name := f.name + " warm, journal, ten parents"
		b.Run(name, func(b *testing.B) {
			benchmarkWarm(b, name, f, deskOptions{parents: 10, maxChildren: 200_000, journal: true})
		})
	}
	busy := itchFeeds(1, 10, 300_000, 2)
	o := deskOptions{parents: 1, maxChildren: 200_000, journal: true}
	practice, err := rehearsal.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("itch paced 100 us", func(b *testing.B) { benchmarkPaced(b, busy, o, practice) })
	turns := uint64(0)
	b.Run("itch quiet 20 ms", func(b *testing.B) {
		benchmarkQuiet(b, busy, o, []quietCase{
			{"itch quiet 20 ms", func(*desk) {}},
			{"itch quiet 20 ms, rehearsal", func(*desk) { practice.Walk() }},
			{"itch quiet 20 ms, keep-warm", func(d *desk) {
				practice.Walk()
				turns++
				reread += d.rewarm(turns)
			}},
		})
	})
}

// reread keeps what Rewarm read.
var reread uint64

// quietCase is what an idle loop does every 100 µs.
type quietCase struct {
	name string
	warm func(*desk)
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

// benchmarkPaced does between two messages what an idle loop with a core does: it rehearses
// once, 10 µs after the last.
func benchmarkPaced(b *testing.B, f *feeds, o deskOptions, practice *rehearsal.Rehearsal) {
	defer alone(b)()
	const interval, lull = 100_000, 10_000
	turns := uint64(0)
	t := newTicker(b, f, o)
	t.warm(b)
	b.ReportAllocs()
	due := readClock()
	for b.Loop() {
		if t.renew(b) {
			due = readClock()
		}
		due += interval
		spinUntil(readClock() + lull)
		practice.Walk()
		turns++
		reread += t.d.rewarm(turns)
		spinUntil(due)
		t.tick(b, due)
	}
	keep("tick to order", "itch paced 100 us, since due", t.delayed, "open loop")
	t.finish(b, "itch paced 100 us")
}

// benchmarkQuiet finds out first which messages make an order; the others are taken
// before the quiet. The cases take turns, one quiet each, because a machine is not the same for
// a minute; an op is one quiet.
func benchmarkQuiet(b *testing.B, f *feeds, o deskOptions, cases []quietCase) {
	defer alone(b)()
	const interval, every = 20_000_000, 100_000
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
	orders := make([]*hist.Latency, len(cases))
	for i := range orders {
		orders[i] = hist.New()
	}
	for n := 0; b.Loop(); n++ {
		for !makes[t.d.next] && !t.renew(b) {
			if err := t.d.step(); err != nil {
				b.Fatal(err)
			}
			t.d.settle()
		}
		for end := readClock() + interval; readClock() < end; {
			cases[n%len(cases)].warm(t.d)
			spinUntil(min(end, readClock()+every))
		}
		t.orders = orders[n%len(cases)]
		t.tick(b, 0)
	}
	for i, c := range cases[1:] {
		keep("tick to order", c.name, orders[i+1], "by turns with the others")
		_, short, _ := strings.Cut(c.name, ", ")
		b.ReportMetric(float64(orders[i+1].Percentile(50)), short+"-p50-ns")
		b.ReportMetric(float64(orders[i+1].Percentile(90)), short+"-p90-ns")
	}
	t.orders = orders[0]
	t.finish(b, cases[0].name)
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
