package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
)

// crashDay is a short day of a router with all that can be found of it afterwards.
type crashDay struct {
	t         *testing.T
	dir       string // in memory: nothing here is about the speed of a disk
	cfg       *Config
	header    journal.Header
	segment   []byte // the journal's only one
	groups    []crashGroup
	hashes    []uint64        // of the state, by Seq
	sent      map[uint64]bool // numbers of all orders and requests that left
	snapshots map[string][]byte
	seq       *loop.Sequencer
	now       int64
	wall      atomic.Int64  // now, for the journal's own thread
	queue     []event.Event // what venues will say
	last      uint64        // order that was added last
}

// crashGroup is what was written and synced at once: an event, what it led to, or both.
type crashGroup struct {
	from, to int
	before   uint64 // events in the groups before
	through  uint64 // and in this one
}

// TestCrashPoints crashes a router at more than two thousand places of its journal: before a
// write, torn at every 64 bytes of it with what follows lost or what precedes lost, after it.
// Each time it goes on: everything that was durable is there, the state is the very one that
// the core had after that event, and no order number comes again.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	d := newCrashDay(t)
	points, kinds := 0, map[string]int{}
	crash := func(kind string, i int, file []byte, sound int, least uint64, snapshot bool) {
		points++
		kinds[kind]++
		d.recover(fmt.Sprintf("%s, group %d", kind, i+1), file, sound, least, snapshot, points%25 == 0)
	}
	step := 1
	if testing.Short() {
		step = 100
	}
	for i := 0; i < len(d.groups); i += step {
		g := d.groups[i]
		least := g.before
		crash("before the write", i, bytes.Clone(d.segment[:g.from]), g.from, least, i%3 == 0)
		for at := g.from + 64; at < g.to; at += 64 {
			crash("torn", i, append(bytes.Clone(d.segment[:at]), make([]byte, 256)...), g.from, least, at%3 == 0)
			b := bytes.Clone(d.segment[:g.to])
			clear(b[at-64 : at])
			crash("torn, written out of order", i, b, g.from, least, at%5 == 0)
		}
		crash("after the write", i, bytes.Clone(d.segment[:g.to]), g.to, g.through, i%2 == 0)
		crash("after the sync", i, append(bytes.Clone(d.segment[:g.to]), make([]byte, 4096)...), g.to, g.through, i%2 == 1)
	}
	t.Logf("%d crash points: %v", points, kinds)
	if points < 2000 && !testing.Short() {
		t.Errorf("%d crash points", points)
	}
}

// newCrashDay trades a few orders and keeps what the journal and the core were at every event.
func newCrashDay(t *testing.T) *crashDay {
	d := newCrashConfig(t, "book_orders = 262144", "book_orders = 64")
	d.trade()
	return d
}

// newCrashConfig returns a day that has not begun, by the example configuration made small.
func newCrashConfig(t *testing.T, change ...string) *crashDay {
	t.Helper()
	raw, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("max_parents = 4096", "max_parents = 16", "max_children = 200000", "max_children = 256",
		"book_levels = 1024", "book_levels = 16").Replace(string(raw))
	text = strings.NewReplacer(change...).Replace(text)
	root, err := os.MkdirTemp("/dev/shm", "penstock-crash-")
	if err != nil {
		root = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	d := &crashDay{t: t, dir: root, hashes: []uint64{0}, sent: map[uint64]bool{}, snapshots: map[string][]byte{}, now: 1_800_000_000e9}
	d.wall.Store(d.now)
	if d.cfg, err = ParseConfig("penstock.toml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

// trade runs the day.
func (d *crashDay) trade() {
	t := d.t
	t.Helper()
	build, err := buildHash()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(d.dir, "day")
	w, err := journal.Create(dir, journal.Options{Epoch: 1000, Build: build, Config: sha256.Sum256(d.cfg.Raw),
		SegmentBytes: 1 << 20, Spares: 1, Clock: d.wall.Load})
	if err != nil {
		t.Fatal(err)
	}
	d.header = w.Header()
	if err := w.AppendBlob(d.now, blobConfig, d.cfg.Raw); err != nil {
		t.Fatal(err)
	}
	core, err := router.New(&d.cfg.Router)
	if err != nil {
		t.Fatal(err)
	}
	d.seq = loop.NewSequencer(core, w, d.obey)
	path := filepath.Join(dir, "00000001.seg")
	for i := 0; i < 170; i++ {
		e := d.next(i)
		d.seq.Take(d.now, &e)
		for w.Durable() < d.seq.Seq() { // one group an event
			if w.Err() != nil {
				t.Fatal(w.Err())
			}
			time.Sleep(20 * time.Microsecond)
		}
		d.hashes = append(d.hashes, core.Hash())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if d.segment, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if trouble := core.Audit(); trouble != "" || core.Parents()[0].Cum == 0 {
		t.Fatalf("the day: %s, filled %d", trouble, core.Parents()[0].Cum)
	}
	d.cut(dir, build)
}

// cut finds what each event took, and takes snapshots on the way.
func (d *crashDay) cut(dir string, build journal.Hash) {
	d.t.Helper()
	reader, err := journal.Open(dir)
	if err != nil {
		d.t.Fatal(err)
	}
	r, durable := &rerun{created: d.header.Created, dir: dir}, uint64(0)
	_, err = readAll(reader, func(rec *journal.Record) error {
		n := len(d.groups)
		if rec.Type != journal.Blob && (n == 0 || rec.Durable != durable) {
			through := uint64(0)
			if n > 0 {
				d.groups[n-1].to, through = int(rec.Offset), d.groups[n-1].through
			}
			d.groups = append(d.groups, crashGroup{from: int(rec.Offset), before: through, through: through})
			durable = rec.Durable
		}
		if rec.Type == journal.Event {
			d.groups[len(d.groups)-1].through++
			if r.Events > 0 && r.Events%60 == 0 {
				h := snapshotHeader{epoch: 1000, place: reader.Before(), build: build, config: d.header.Config, policy: d.header.Policy}
				path, err := writeSnapshot(dir, h, r.core)
				if err != nil {
					return err
				}
				if d.snapshots[filepath.Base(path)], err = os.ReadFile(path); err != nil {
					return err
				}
			}
		}
		return r.take(rec)
	})
	if err != nil || r.Mismatch != "" {
		d.t.Fatal(err, r.Mismatch)
	}
	d.groups[len(d.groups)-1].to = int(reader.Last().Offset)
	if len(d.snapshots) < 2 {
		d.t.Fatalf("%d snapshots", len(d.snapshots))
	}
}

// next is event i of the day: sessions and books, then orders, answers and moves of the market.
func (d *crashDay) next(i int) event.Event {
	d.now += 7e6
	d.wall.Store(d.now)
	lit := market.VenueID(0)
	e := event.Event{Venue: lit, RecvTime: d.now, Qty: 500}
	switch {
	case i == 0:
		return event.Event{Kind: event.SessionStart, Ref: 1000, RecvTime: d.now}
	case i <= len(d.cfg.Router.Venues):
		return event.Event{Kind: event.VenueSession, Venue: market.VenueID(i - 1), Code: uint8(event.SessionUp), RecvTime: d.now}
	case i < 8:
		e.Kind = event.BookClear
	case i < 16:
		e.Kind, e.Ref, e.Side, e.Price = event.OrderAdd, uint64(i), market.Buy, market.Price(1_000_000-100*i)
		if i%2 == 1 {
			e.Side, e.Price = market.Sell, market.Price(1_000_200+100*i)
		}
	case i == 16:
		e.Kind, e.Code = event.BookStatus, uint8(event.BookLive)
	case i == 17 || i == 60:
		e = event.Event{Kind: event.ParentNew, Ref: uint64(i), Side: market.Buy, Qty: 3000, OrdType: market.OrdMarket, RecvTime: d.now,
			TIF: market.TIFDay, Strategy: event.StrategyTWAP, StartTime: d.now, Until: d.now + 1e9, SliceNanos: 1e8}
		e.ID, _ = event.MakeID(fmt.Sprint("CRASH-", i))
	case len(d.queue) > 0:
		e = d.queue[0]
		d.queue = d.queue[1:]
	case i%5 == 0:
		e.Kind, e.Ref, e.Side, e.Price = event.OrderAdd, uint64(i), market.Sell, market.Price(1_000_300+100*(i%7))
	default:
		return event.Event{Kind: event.Timer, RecvTime: d.now}
	}
	e.RecvTime = d.now
	return e
}

// obey lets the venues answer: an acknowledgement, and for most orders fills.
func (d *crashDay) obey(c *event.Command) {
	if !c.Kind.ToVenue() {
		return
	}
	number := c.Child
	if c.Kind == event.SendCancel || c.Kind == event.SendMassStatus {
		number = c.Ref
	}
	if c.Kind != event.SendStatus && d.sent[number] {
		d.t.Fatalf("number %d was sent twice", number)
	}
	d.sent[number] = true
	say := func(kind market.ExecType, status market.OrdStatus, last, cum market.Qty) {
		e := event.Event{Kind: event.Exec, Venue: c.Venue, Instrument: c.Instrument, Ref: c.Child, Side: c.Side, Code: uint8(kind),
			OrdStatus: status, Qty: c.Qty, LastQty: last, LastPx: max(c.Price, 1), CumQty: cum, LeavesQty: c.Qty - cum}
		e.ID, _ = event.MakeID(fmt.Sprintf("X%d-%d", c.Child, len(d.queue)))
		d.queue = append(d.queue, e)
	}
	switch c.Kind {
	case event.SendOrder:
		say(market.ExecNew, market.StatusNew, 0, 0)
		if c.Child%3 != 0 {
			say(market.ExecTrade, market.StatusPartiallyFilled, c.Qty/2, c.Qty/2)
		}
		if c.TIF == market.TIFIOC {
			say(market.ExecExpired, market.StatusExpired, 0, d.queue[len(d.queue)-1].CumQty)
		}
	case event.SendMassStatus:
		d.queue = append(d.queue, event.Event{Kind: event.MassStatus, Venue: c.Venue, Instrument: market.NoInstrument})
	case event.SendCancel:
		say(market.ExecCanceled, market.StatusCanceled, 0, c.CumQty)
	}
}

// recover goes on after a crash that left file, of which sound bytes are as they were written, and in which events up to
// least were durable. Snapshots of a place within those are there, or none.
func (d *crashDay) recover(what string, file []byte, sound int, least uint64, snapshot, further bool) {
	t := d.t
	t.Helper()
	dir := filepath.Join(d.dir, "after")
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "00000001.seg"), file, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, b := range d.snapshots {
		var h snapshotHeader
		if err := h.decode(b); err != nil {
			t.Fatal(err)
		}
		if snapshot && h.place.Offset <= int64(sound) && h.event <= least {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := replayJournal(dir)
	if err != nil || r.Mismatch != "" || len(r.refused) > 0 {
		t.Fatalf("%s: %v %s %v", what, err, r.Mismatch, r.refused)
	}
	if r.core == nil {
		if least > 0 {
			t.Fatalf("%s: %d events were durable, none is there", what, least)
		}
		return
	}
	if n := r.core.Seq(); n < least || r.core.Hash() != d.hashes[n] {
		t.Fatalf("%s: event %d of at least %d, state %x, the core had %x", what, n, least, r.core.Hash(), d.hashes[n])
	}
	if further {
		d.further(what, r)
	}
}

// further trades on after a recovery: no number of before comes again, whether or not the
// journal knows that it was sent, and the longer journal replays.
func (d *crashDay) further(what string, r *recovery) {
	t := d.t
	t.Helper()
	w, err := r.resume(journal.Options{SegmentBytes: 1 << 20, Spares: 1})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	orders, said := 0, ""
	names := d.cfg.names()
	var answers []event.Event // a venue opens when it has said what became of every order
	seq := loop.NewSequencer(r.core, w, func(c *event.Command) {
		switch c.Kind {
		case event.SendOrder:
			orders++
		case event.SendMassStatus:
			answers = append(answers, event.Event{Kind: event.MassStatus, Venue: c.Venue, Instrument: market.NoInstrument})
		case event.SendStatus:
			answers = append(answers, event.Event{Kind: event.Exec, Venue: c.Venue, Instrument: c.Instrument, Ref: c.Child, Side: c.Side,
				Code: uint8(market.ExecOrderStatus), OrdStatus: market.StatusCanceled, Qty: c.Qty, CumQty: c.CumQty})
		}
		said += string(event.AppendCommand(nil, c, names)) + "\n"
		if number := c.Child; c.Kind == event.SendOrder && d.sent[number] || c.Kind == event.SendCancel && d.sent[c.Ref] {
			t.Fatalf("%s: number %d is used again", what, number)
		}
	})
	now := d.now + 1e9
	take := func(e event.Event) {
		now += 1e6
		e.RecvTime = now
		seq.Take(now, &e)
	}
	take(event.Event{Kind: event.SessionStart, Ref: 1001})
	for v := range d.cfg.Router.Venues {
		take(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
	}
	for len(answers) > 0 {
		e := answers[0]
		answers = answers[1:]
		take(e)
	}
	take(event.Event{Kind: event.BookClear})
	take(event.Event{Kind: event.OrderAdd, Ref: 1, Side: market.Buy, Price: 1_000_000, Qty: 500})
	take(event.Event{Kind: event.OrderAdd, Ref: 2, Side: market.Sell, Price: 1_000_200, Qty: 50_000})
	take(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	e := event.Event{Kind: event.ParentNew, Ref: 9, Side: market.Buy, Qty: 200, OrdType: market.OrdMarket, TIF: market.TIFIOC,
		Strategy: event.StrategySweep}
	e.ID, _ = event.MakeID("AFTER")
	take(e)
	if err := errors.Join(seq.Err(), w.Close()); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if orders == 0 {
		t.Fatalf("%s: it does not trade any more:\n%s", what, said)
	}
	again, err := rerunJournal(r.dir)
	if err != nil || again.Mismatch != "" || again.Tail.State != journal.TailClosed || again.core.Hash() != r.core.Hash() {
		t.Fatalf("%s: afterwards %v %s %v", what, err, again.Mismatch, again.Tail)
	}
}
