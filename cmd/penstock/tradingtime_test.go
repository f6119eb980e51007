package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/journal"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/sim/serve"
)

// TestTimeToTrading says how long a killed router takes until it trades again, after a run of many
// events with a live parent, at venues that live on, with a snapshot after nine
// tenths of them. It trades when every venue has said what is open there, the client is logged on,
// and a venue has acknowledged a new order. PENSTOCK_EVENTS sets how many, and then it is killed
// again and starts without a snapshot; CI takes few. Client, router and venues agree to the share at
// the end.
func TestTimeToTrading(t *testing.T) {
	t.Parallel()
	events, figures := 20_000, false
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_EVENTS")); err == nil {
		events, figures = n, true
	}
	r := newCrashRig(t, "inline", serve.FIX44)
	r.start()
	client := r.connect()
	r.awaitBooks(client)
	const id = "BACK-1"
	if err := client.SendOrder(emsclient.NewOrder{ClOrdID: id, Symbol: "PSTK", Side: market.Buy, Qty: 200_000, TIF: market.TIFDay,
		Strategy: int(event.StrategyTWAP), EndTime: clock() + int64(10*time.Minute), SliceSeconds: 1}); err != nil {
		t.Fatal(err)
	}
	order, err := client.Await(r.patience(), id, func(o *emsclient.Order) bool { return o.CumQty > 0 })
	if err != nil {
		t.Fatal(err)
	}
	killed := func() {
		r.kill()
		client.Close()
		order, _ = client.Order(id) // with what came before its socket closed
	}
	killed()
	dir, err := lastRun(r.cfg.at("journal"))
	if err != nil || dir == "" {
		t.Fatalf("journal %q, %v", dir, err)
	}
	total := r.lengthen(dir, events)
	restart := func(what string) {
		t.Helper()
		began := clock()
		r.start()
		r.await("goes on")
		replayed := replayedText.FindStringSubmatch(r.said[len(r.said)-1])
		if replayed == nil || what == fromSnapshot != strings.Contains(replayed[0], fromSnapshot) {
			t.Fatalf("%s: it says %q", what, r.said[len(r.said)-1])
		}
		client = r.connect(order)
		on := clock()
		before := order.CumQty
		if _, err := client.Await(r.patience(), id, func(o *emsclient.Order) bool { return o.CumQty > before }); err != nil {
			t.Fatalf("%s: %v; the router said:\n%s", what, err, strings.Join(r.said, "\n"))
		}
		s := r.awaitVenues(dir)
		since := func(at int64) float64 { return float64(at-began) / 1e9 }
		t.Logf("%s: %d events, %s replayed in %s, %s children open; every venue answered after %.2f s, client on after %.2f s, trading after %.2f s",
			what, total, replayed[1], replayed[2], replayed[4], since(s.answered), since(on), since(max(s.answered, s.traded, on)))
	}
	restart(fromSnapshot)
	if figures {
		killed()
		removeSnapshots(t, dir)
		restart("from the first event")
	}
	if err := client.Cancel(id+"-C", id); err != nil {
		t.Fatal(err)
	}
	if order, err = client.Wait(r.patience(), id); err != nil {
		t.Fatal(err)
	}
	client.Close()
	r.stop()
	r.compare(&order, client.Violations())
}

const fromSnapshot = "from the snapshot"

// replayedText is what a router says of a run that goes on.
var replayedText = regexp.MustCompile(`goes on: (\d+) events replayed in (\S+?)(,| from the snapshot).* (\d+) children open`)

// lengthen lets the killed run in dir have gone on for so many events: its order sessions are lost
// and the market moves. It writes a snapshot after nine tenths, and returns how many events there are.
func (r *crashRig) lengthen(dir string, events int) (total uint64) {
	t := r.t
	t.Helper()
	o := journal.Options{RingDir: ringDir, SegmentBytes: 16 << 20, Spares: 1} // not much of a disk for few events
	if _, err := journal.Salvage(dir, o); err != nil {
		t.Fatal(err)
	}
	run, err := replayJournal(dir)
	if err != nil || run.Mismatch != "" {
		t.Fatal(err, run.Mismatch)
	}
	if run.count(); run.parents != 1 {
		t.Fatalf("%d parents are live", run.parents)
	}
	o.RingDir = ""
	w, err := run.resume(o)
	if err != nil {
		t.Fatal(err)
	}
	core := run.core
	s := loop.NewSequencer(core, w, func(c *event.Command) {
		if c.Kind.ToVenue() {
			t.Errorf("an order for a venue whose session is lost: %+v", c)
		}
	})
	for v := range r.cfg.Router.Venues {
		s.Take(clock(), &event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Instrument: market.NoInstrument,
			Code: uint8(event.SessionDown), Reason: event.ReasonDisconnect, RecvTime: clock()})
	}
	best, ok := core.Composite(0).Books[0].Ladder(market.Buy).Best() // of the first venue, order by order
	if !ok {
		t.Fatal("there is no book")
	}
	for i := range events {
		now, pair := clock(), i%1001%2 // an order and its end, and from time to time only time passes
		e := event.Event{Kind: event.OrderAdd, Ref: 1<<62 + uint64(i-pair), Side: market.Buy, Price: best.Price - market.Price(i%7)*100,
			Qty: 100, RecvTime: now}
		switch {
		case i%1001 == 1000:
			e = event.Event{Kind: event.Timer, RecvTime: now}
		case pair == 1:
			e.Kind = event.OrderDeleted
		}
		s.Take(now, &e)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	total = core.Seq()
	snapshotAfter(t, dir, int(total)*9/10)
	return total
}

// comeback is when a start of a router did what it takes to trade, by the clock of its events.
type comeback struct {
	answered int64 // the last venue had said what is open there
	traded   int64 // the first new order was acknowledged
}

// awaitVenues reads in the journal of the running router how its last start came back, once every
// venue has answered.
func (r *crashRig) awaitVenues(dir string) (b comeback) {
	r.t.Helper()
	for deadline := time.Now().Add(rigPatience); ; time.Sleep(50 * time.Millisecond) {
		b = comeback{}
		answers, sent := map[market.VenueID]bool{}, map[uint64]bool{}
		v := visitor{event: func(e *event.Event) {
			switch {
			case e.Kind == event.SessionStart:
				b = comeback{}
				clear(answers)
				clear(sent)
			case e.Kind == event.MassStatus && !answers[e.Venue]:
				answers[e.Venue] = true
				b.answered = e.StepTime
			case e.Kind == event.Exec && sent[e.Ref] && b.traded == 0 && market.ExecType(e.Code) != market.ExecRejected:
				b.traded = e.StepTime
			}
		}, command: func(c *event.Command) {
			if c.Kind == event.SendOrder {
				sent[c.Child] = true
			}
		}}
		_, err := eachRecord(dir, v.take)
		if err == nil && len(answers) == len(r.cfg.Router.Venues) && b.traded != 0 {
			return b
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d venues said what is open there, traded %v, %v", len(answers), len(r.cfg.Router.Venues), b.traded != 0, err)
		}
	}
}
