package simtest

import (
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

const firstDay = int64(1_800_000_000) * second

// world owns the truth.
type world struct {
	seed   uint64
	opt    *Options
	swarm  *swarm
	tables *tables
	cfg    *router.Config
	core   *router.Core
	out    *event.Output
	ledger *ledger
	agenda agenda

	now     int64 // of the world
	step    int64 // of the router's last event: never goes back
	skew    int64 // of the wall clock
	seq     uint64
	epoch   uint64
	healing bool
	dead    bool // the process is down
	canary  canary
	paused  [2]bool // instruments that the consolidated feed says are halted
	sung    bool    // the canary has
	later   []event.Event
	msg     message

	wall     *firewall.Firewall // nil: none
	latch    *firewall.Latch
	venues   []venue
	clients  []client
	feeds    []feed
	orders   map[uint64]*order
	truths   map[uint64]*truth   // by parent
	locates  map[uint64]event.ID // by parent: who located the stock of a short sale
	firmed   map[event.ID]uint64 // by invitation: the firm order that answers it
	decided  map[uint64]uint64   // by order that waited before it left: the event of its decision
	requests map[uint64]*asking
	quotes   map[event.ID]*given // that were asked for
	plan     []choice
	journal  journal
	hash     uint64

	events  uint64
	markers [markerCount]uint32
	cells   cells
	trace   []string
}

// truth is what venues may still execute and have executed of a parent.
type truth struct {
	executed, open int64
	caused         int64 // executed against their promise
	lost           int64 // of orders that a crash of the host made nobody's
}

// failure is how a check ends a run.
type failure struct{ what string }

func (w *world) fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

func (w *world) hit(m marker) { w.markers[m]++ }

func newWorld(seed uint64, opt *Options, r *Runner) *world {
	w := &world{seed: seed, opt: opt, swarm: newSwarm(seed), tables: r.tables, now: firstDay, orders: map[uint64]*order{},
		truths: map[uint64]*truth{}, decided: map[uint64]uint64{}, locates: map[uint64]event.ID{}, firmed: map[event.ID]uint64{}, requests: map[uint64]*asking{}, quotes: map[event.ID]*given{}, epoch: 100_000, out: r.out,
		agenda: agenda{items: r.agenda.items[:0]}, journal: r.journal.empty()}
	if opt.Copies {
		w.swarm.calm()
	}
	w.journal.keep = w.swarm.weights[chCrash] > 0 || w.swarm.weights[chHostCrash] > 0 || seed%8 == 0
	w.cfg = w.swarm.config(r.tables)
	w.ledger = w.newLedger()
	w.newWall()
	w.venues = make([]venue, w.swarm.venues)
	for v := range w.venues {
		w.venues[v].open(w, v)
	}
	w.boot()
	w.clients = make([]client, 2)
	for i := range w.clients {
		w.clients[i].up = true
	}
	w.feeds = make([]feed, w.swarm.venues*w.swarm.instruments)
	w.plan = newPlan(w)
	w.swapped(w.cfg.Table.PolicyID())
	return w
}

func (w *world) newLedger() *ledger {
	l := newLedger(w.fail, w.swarm.msgRate)
	for v := range w.swarm.venues {
		l.late[v] = w.swarm.at[v].lateCancel
		l.litAt[v], l.reserves[v] = w.swarm.at[v].kind == market.Lit, w.swarm.at[v].reserve
	}
	return l
}

// boot makes a new core.
func (w *world) boot() {
	core, err := router.New(w.cfg)
	if err != nil {
		w.fail("%v", err)
	}
	w.core = core
}

// begin starts the process, or starts it again: no session is up, no book is known.
func (w *world) begin() {
	w.take(&event.Event{Kind: event.SessionStart, Ref: w.epoch})
	w.sayDay()
	w.sayLatencies()
	for v := range w.venues {
		w.venues[v].copies.begin(w, v)
	}
	for i := range w.swarm.instruments {
		w.sayPaused(uint16(i))
		if w.ledger.trading[i].shorts { // a host that died may have forgotten it, and the feed says it to who comes
			w.restrictShorts(&item{n: uint64(i), gen: uint32(event.ShortsRestricted)})
		}
	}
	for f := range w.feeds {
		w.feeds[f].begin(w, f)
	}
	for c := range w.clients {
		w.clients[c].connect(w, c)
	}
}

// take gives the router one event now, and everything that comes of it at once.
func (w *world) take(e *event.Event) {
	w.takeOne(e)
	for len(w.later) > 0 {
		next := w.later[0]
		w.later = w.later[:copy(w.later, w.later[1:])]
		w.takeOne(&next)
	}
}

func (w *world) takeOne(e *event.Event) {
	w.step = max(w.step, w.now)
	w.seq++
	e.Seq, e.StepTime, e.RecvTime = w.seq, w.step, w.now+w.skew
	w.observe(e)
	w.journal.append(e, w.hash)
	w.out.Reset()
	unbooked, dropped := w.core.Counters.Unbooked, w.core.Counters.Dropped
	children := len(w.core.Children())
	w.core.Step(e, w.out)
	w.events++
	if w.core.Counters.Unbooked > unbooked {
		w.hit(fm86)
	}
	if w.core.Counters.Dropped > dropped {
		w.hit(fm100)
	}
	w.noteWaiting(children)
	if w.opt.Trace {
		w.note(e)
	}
	for i := range w.out.Commands {
		w.obey(&w.out.Commands[i])
	}
	w.ledger.settle()
	w.watchCanary()
	if e.Kind == event.Operator && event.OperatorAct(e.Code) == event.OperatorKill {
		w.ledger.obeyed(e.GetScope())
	}
	if e.Ref != 0 && (e.Kind == event.Exec || e.Kind == event.OrderCancelReject) {
		w.compare(e.Ref)
	}
	if w.events%recount == 0 {
		w.audit()
	}
}

// recount is how often every parent is recounted from its children (I7).
const recount = 1024

func (w *world) audit() {
	if trouble := w.core.Audit(); trouble != "" {
		w.fail("audit: %s", trouble)
	}
}

// obey carries out what the router wants.
func (w *world) obey(c *event.Command) {
	w.hash = mixCommand(w.hash, c)
	switch c.Kind {
	case event.SendOrder, event.SendCancel, event.SendStatus:
		w.msg.ofCommand(c)
		w.show(&w.msg)
		if c.Kind == event.SendOrder {
			w.checkSide(c)
			w.checkThrough(c)
			w.markShown(c)
			w.sent(c)
		}
		v := &w.venues[c.Venue]
		if !v.send(w, c) {
			w.hit(fm73)
			if e, ok := loop.Bounce(w.now, c); ok {
				if c.Kind == event.SendOrder {
					w.orders[c.Child].forget(w)
				}
				w.later = append(w.later, e)
			}
		}
	case event.AskQuote:
		w.ask(c)
	case event.PassQuote:
		w.turnedDown(c)
	case event.Alert:
		w.alerted(c)
	case event.Report, event.RejectCancel:
		w.countDays(c)
		w.numbered(c)
		w.mayShort(c)
		w.msg.ofCommand(c)
		w.show(&w.msg)
		w.clients[c.Client].owe(w, c)
	}
}

// mixCommand continues a hash with what a command wants.
func mixCommand(hash uint64, c *event.Command) uint64 {
	return permute(hash ^ c.Child ^ c.Ref<<20 ^ uint64(c.Qty)<<1 ^ uint64(c.Price)<<30 ^ uint64(c.Kind)<<56 ^ uint64(c.ExecType)<<48 ^
		uint64(c.CumQty)<<9 ^ uint64(c.LastPx)<<13 ^ uint64(c.Notional)<<3 ^ c.Parent<<33)
}

// sent notes an order as the world's: whatever becomes of it, nobody may execute more than
// was asked for, by the venues' own truth.
func (w *world) sent(c *event.Command) {
	if w.orders[c.Child] != nil {
		w.fail("ClOrdID %d reached a venue twice", c.Child)
	}
	t := w.truths[c.Parent]
	if t == nil {
		t = &truth{}
		w.truths[c.Parent] = t
	}
	w.dealt(c)
	w.firmedUp(c)
	w.leftLate(c.Child)
	o := newOrder(w, c)
	w.orders[c.Child] = o
	t.open += o.rest()
	w.countCanary(c)
	if a := w.ledger.accounts[c.Parent]; a != nil && t.executed+t.open > a.qty+t.caused {
		w.fail("order %d of %d: the venues have executed %d of parent %d and may execute %d, it has %d", o.number, o.qty, t.executed,
			c.Parent, t.open, a.qty)
	}
	mid := w.mid(int(c.Instrument))
	if band := mid*(collarBps+50)/10_000 + 3000; int64(c.Price) > mid+band && c.Side == market.Buy || int64(c.Price) < mid-band && c.Side == market.Sell {
		w.fail("order %d at %d, the market is at %d", c.Child, c.Price, mid)
	}
}

// compare holds a child of the router against the truth: what is released is over, and what
// is booked was executed, unless its venue lied.
func (w *world) compare(number uint64) {
	o := w.orders[number]
	if o == nil || o.lied || o.nobodys || o.underway != (event.ID{}) {
		return
	}
	ch := w.child(number)
	if ch == nil {
		return
	}
	switch {
	case int64(ch.Cum) > o.cum:
		w.fail("child %d has CumQty %d, its venue executed %d", number, ch.Cum, o.cum)
	case ch.Released && o.state != done && o.state != lost:
		w.fail("child %d was released, at its venue it is open with %d of %d", number, o.cum, o.qty)
	case ch.Released && int64(ch.Cum) != o.cum:
		w.fail("child %d was released with CumQty %d, its venue executed %d", number, ch.Cum, o.cum)
	}
}

// child finds the router's own record of an order.
func (w *world) child(number uint64) *router.Child {
	all := w.core.Children()
	slot := int(number%1_000_000_000) - 1
	if slot < 0 || slot >= len(all) || all[slot].Number != number {
		return nil
	}
	return &all[slot]
}

func (w *world) note(e *event.Event) {
	names := &event.Names{Instruments: w.cfg.Instruments, Venues: w.cfg.Venues}
	w.trace = append(w.trace, string(event.AppendEvent(nil, e, names)))
	for i := range w.out.Commands {
		w.trace = append(w.trace, "    "+string(event.AppendCommand(nil, &w.out.Commands[i], names)))
	}
}
