package router

import (
	"hash/maphash"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestNoInterleavingOverfills goes through every order in which a parent of three lots,
// two venues and their client can do what they may, to a depth, and demands at every step
// that what is executed and what may still execute at the venues together never exceed the
// parent, that the ledger adds up, and that nothing is sent under a kill.
//
// The venues own the truth: an order is on its way, open, done, or lost with its connection;
// reports wait in order in a queue for each venue and are lost with it too. At most two orders
// are alive at a time, of four in all. States that were seen before with as many steps left
// are not gone through again.
func TestNoInterleavingOverfills(t *testing.T) {
	depth := 10
	if n, err := strconv.Atoi(os.Getenv("PENSTOCK_DEPTH")); err == nil {
		depth = n
	}
	if testing.Short() {
		depth = 7
	}
	// Less deep first: what steps write is soon known, and to begin again costs little.
	marks := learnMemory(t, 5)
	exploreBoth(t, min(depth, 8), marks)
	a, b := exploreBoth(t, depth, marks)
	t.Logf("depth %d: every step of %d states, %d steps; %s", depth, a.visited.n.Load(), a.steps+b.steps, a.seenText(b))
	for i := range alphabet {
		if a.seen[i]+b.seen[i] == 0 {
			t.Errorf("no interleaving ever had: %s", alphabet[i].name)
		}
	}
}

// exploreBoth goes through all with two models. They share what was seen and go through the
// alphabet from either end. Where a step wrote what none had before, the marks are mended and
// all begins again.
func exploreBoth(t *testing.T, depth int, marks []uint8) (a, b *model) {
	for {
		a, b = newModel(t, marks), newModel(t, marks)
		a.visited = newVisited(depth)
		b.visited, b.seed, b.backwards = a.visited, a.seed, true
		var wg sync.WaitGroup
		for _, m := range []*model{a, b} {
			wg.Go(func() {
				m.explore(depth)
				m.memory.lookOut()
			})
		}
		wg.Wait()
		stray := append(a.memory.stray, b.memory.stray...)
		if len(stray) == 0 || t.Failed() {
			return a, b
		}
		for _, block := range stray {
			marks[block] |= writtenByAny
		}
	}
}

const (
	modelChildren = 4
	modelAlive    = 2
	modelQueue    = 6
)

// truth is what the world knows. It holds no pointers: it is copied and hashed as it is.
type truth struct {
	orders  [modelChildren]truthOrder
	wire    [2][modelQueue]truthReport
	queued  [2]uint8
	up      [2]bool
	killed  bool
	budget  [8]uint8 // left of what may happen a few times only, by budgets
	minutes uint8
}

type truthOrder struct {
	qty, cum uint8
	venue    uint8
	state    uint8
	asked    bool // a cancel is on its way
}

const (
	unsent uint8 = iota
	flying
	open
	done
	lost
)

type truthReport struct {
	child, cum, kind uint8
}

// Kinds of report.
const (
	reportNew uint8 = iota
	reportTrade
	reportCanceled
	reportRejected
	reportStatus
	reportEnded  // in answer to a status request: done without all of it
	reportDenied // to a status request: no such order
	reportTooLate
)

// What may happen a few times only.
const (
	onceReplaceUp = iota
	onceReplaceDown
	onceCancel
	onceKill
	onceResume
	onceTime
	onceRestart
	onceDuplicate
)

// action is a letter of the alphabet. It is tried for every n below its fan; false means
// that it cannot happen now.
type action struct {
	name string
	fan  int
	do   func(m *model, n int) bool
}

var alphabet = []action{
	{"accept", modelChildren, func(m *model, n int) bool {
		o := &m.truth.orders[n]
		if o.state != flying {
			return false
		}
		o.state = open
		return m.queue(n, reportNew)
	}},
	{"reject", modelChildren, func(m *model, n int) bool {
		o := &m.truth.orders[n]
		if o.state != flying {
			return false
		}
		o.state = done
		return m.queue(n, reportRejected)
	}},
	{"fill", modelChildren, func(m *model, n int) bool {
		o := &m.truth.orders[n]
		if o.state != open {
			return false
		}
		if o.cum++; o.cum == o.qty {
			o.state = done
		}
		return m.queue(n, reportTrade)
	}},
	{"end", modelChildren, func(m *model, n int) bool { // of an immediate order, asked for or not
		o := &m.truth.orders[n]
		if o.state != open {
			return false
		}
		o.state, o.asked = done, false
		return m.queue(n, reportCanceled)
	}},
	{"too late", modelChildren, func(m *model, n int) bool {
		o := &m.truth.orders[n]
		if o.state != done || !o.asked {
			return false
		}
		o.asked = false
		return m.queue(n, reportTooLate)
	}},
	{"deliver", 2, func(m *model, v int) bool {
		w, q := &m.truth.wire[v], &m.truth.queued[v]
		if *q == 0 {
			return false
		}
		r := w[0]
		copy(w[:], w[1:])
		w[modelQueue-1] = truthReport{}
		*q--
		return m.deliver(v, r)
	}},
	{"duplicate", 2, func(m *model, v int) bool {
		return m.truth.queued[v] > 0 && m.once(onceDuplicate) && m.deliver(v, m.truth.wire[v][0])
	}},
	{"down", 2, func(m *model, v int) bool {
		if !m.truth.up[v] {
			return false
		}
		m.lose(v)
		return m.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionDown)})
	}},
	{"up", 2, func(m *model, v int) bool {
		if m.truth.up[v] {
			return false
		}
		m.truth.up[v] = true
		return m.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
	}},
	{"replace up", 1, func(m *model, _ int) bool { return m.once(onceReplaceUp) && m.replace(4) }},
	{"replace down", 1, func(m *model, _ int) bool { return m.once(onceReplaceDown) && m.replace(2) }},
	{"cancel", 1, func(m *model, _ int) bool {
		e := event.Event{Kind: event.ParentCancel}
		e.OrigID = m.core.parents[0].ClOrdID
		e.ID, _ = event.MakeID("X")
		return m.once(onceCancel) && m.step(e)
	}},
	{"kill", 1, func(m *model, _ int) bool {
		if m.truth.killed || !m.once(onceKill) {
			return false
		}
		m.truth.killed = true
		return m.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: market.NoVenue})
	}},
	{"resume", 1, func(m *model, _ int) bool {
		if !m.truth.killed || !m.once(onceResume) {
			return false
		}
		m.truth.killed = false
		return m.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorResume), Venue: market.NoVenue})
	}},
	{"time", 1, func(m *model, _ int) bool {
		if !m.once(onceTime) {
			return false
		}
		m.truth.minutes++
		return m.step(event.Event{Kind: event.Timer})
	}},
	{"restart", 1, func(m *model, _ int) bool {
		if !m.once(onceRestart) {
			return false
		}
		m.lose(0)
		m.lose(1)
		if !m.step(event.Event{Kind: event.SessionStart, Ref: 2}) {
			return false
		}
		return m.books()
	}},
}

// model is the core with its world, and where it has been.
type model struct {
	t         *testing.T
	core      *Core
	out       *event.Output
	e         event.Event
	truth     truth
	path      []letter
	letters   []action // the alphabet
	visited   *visited
	backwards bool
	seen      [24]int // by letter of the alphabet
	steps     int
	seed      maphash.Seed
	memory    *memory
	dirty     bool     // a step was taken since the last save or restore
	market    bool     // one that may change a book
	saves     [][]byte // by depth
	truths    []truth
}

// newModel returns the model at its beginning, see newMemory for marks.
func newModel(t *testing.T, marks []uint8) *model {
	cfg := testConfig()
	cfg.Controls = nil // what they count is judged elsewhere; here every byte is a state
	cfg.Venues = cfg.Venues[:2]
	cfg.Listings = cfg.Listings[:2]
	cfg.MaxParents, cfg.MaxChildren, cfg.Book.Levels = 1, modelChildren, 4
	for v := range cfg.Venues {
		cfg.Venues[v].MsgRate = 40
	}
	core, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{t: t, core: core, out: core.OutputFor(), seed: maphash.MakeSeed(), letters: alphabet}
	m.truth.up = [2]bool{true, true}
	m.truth.budget = [8]uint8{onceReplaceUp: 1, onceReplaceDown: 1, onceCancel: 1, onceKill: 1, onceResume: 1, onceTime: 2,
		onceRestart: 1, onceDuplicate: 1}
	m.step(event.Event{Kind: event.SessionStart, Ref: 1})
	for v := range 2 {
		m.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
	}
	m.books()
	e := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 3, OrdType: market.OrdLimit, Price: 501_000,
		TIF: market.TIFDay, Strategy: event.StrategySweep}
	e.ID, _ = event.MakeID("P")
	if !m.step(e) {
		t.Fatal("the parent was not taken")
	}
	m.memory = newMemory(core, marks)
	return m
}

// books shows two lots at one venue and two, dearer, at the other.
func (m *model) books() bool {
	for v := range 2 {
		venue := market.VenueID(v)
		price := market.Price(500_000 + 100*v)
		for _, e := range []event.Event{
			{Kind: event.BookClear, Venue: venue, Flags: event.More},
			{Kind: event.BookLevel, Venue: venue, Side: market.Buy, Price: 499_000, Qty: 9, Flags: event.More},
			{Kind: event.BookLevel, Venue: venue, Side: market.Sell, Price: price, Qty: 2, Flags: event.More},
			{Kind: event.BookStatus, Venue: venue, Code: uint8(event.BookLive), Reason: event.ReasonSnapshot},
		} {
			if !m.step(e) {
				return false
			}
		}
	}
	return true
}

// once uses up some of a budget; false when there is none left.
func (m *model) once(n int) bool {
	if m.truth.budget[n] == 0 {
		return false
	}
	m.truth.budget[n]--
	return true
}

// queue puts a report on its way; false when the queue has no room, which bounds the model.
func (m *model) queue(child int, kind uint8) bool {
	o := &m.truth.orders[child]
	q := &m.truth.queued[o.venue]
	if !m.truth.up[o.venue] {
		return true // said into a dead connection
	}
	if *q == modelQueue {
		return false
	}
	m.truth.wire[o.venue][*q] = truthReport{uint8(child), o.cum, kind}
	*q++
	return true
}

// lose ends a connection: what was on it is gone.
func (m *model) lose(v int) {
	m.truth.up[v] = false
	m.truth.wire[v], m.truth.queued[v] = [modelQueue]truthReport{}, 0
	for i := range m.truth.orders {
		if o := &m.truth.orders[i]; int(o.venue) == v && o.state != unsent {
			if o.state == flying {
				o.state = lost
			}
			o.asked = false
		}
	}
}

func (m *model) replace(qty market.Qty) bool {
	e := event.Event{Kind: event.ParentReplace, Instrument: 0, Side: market.Buy, Qty: qty, OrdType: market.OrdLimit,
		Price: 501_000, TIF: market.TIFDay}
	e.OrigID = m.core.parents[0].ClOrdID
	e.ID, _ = event.MakeID("R" + strconv.Itoa(int(qty)))
	return m.step(e)
}

func (m *model) deliver(v int, r truthReport) bool {
	ch := &m.core.children[r.child]
	e := event.Event{Kind: event.Exec, Venue: market.VenueID(v), Ref: ch.Number, CumQty: market.Qty(r.cum)}
	e.LeavesQty = market.Qty(m.truth.orders[r.child].qty - r.cum)
	e.ID, _ = event.MakeID(strconv.Itoa(int(r.child)) + "-" + strconv.Itoa(int(r.kind)) + "-" + strconv.Itoa(int(r.cum)))
	partial := market.StatusNew
	switch {
	case e.LeavesQty == 0:
		partial = market.StatusFilled
	case r.cum > 0:
		partial = market.StatusPartiallyFilled
	}
	switch r.kind {
	case reportNew:
		e.Code, e.OrdStatus = uint8(market.ExecNew), market.StatusNew
	case reportTrade:
		e.Code, e.OrdStatus, e.LastQty, e.LastPx = uint8(market.ExecTrade), partial, 1, ch.Price
	case reportCanceled:
		e.Code, e.OrdStatus, e.LeavesQty = uint8(market.ExecCanceled), market.StatusCanceled, 0
	case reportRejected:
		e.Code, e.OrdStatus, e.LeavesQty = uint8(market.ExecRejected), market.StatusRejected, 0
	case reportStatus:
		e.Code, e.OrdStatus, e.LastPx = uint8(market.ExecOrderStatus), partial, ch.Price
	case reportEnded:
		e.Code, e.OrdStatus, e.LastPx, e.LeavesQty = uint8(market.ExecOrderStatus), market.StatusCanceled, ch.Price, 0
	case reportDenied:
		e.Code, e.OrdStatus, e.Reason, e.LeavesQty = uint8(market.ExecOrderStatus), market.StatusRejected, event.ReasonUnknownOrder, 0
	case reportTooLate:
		return m.step(event.Event{Kind: event.OrderCancelReject, Venue: e.Venue, Ref: ch.Number, Reason: event.ReasonTooLate,
			OrdStatus: partial})
	}
	return m.step(e)
}

// step takes an event and lets the world see what the core wants; false when the model
// has no room for it.
func (m *model) step(e event.Event) bool {
	m.e = e
	m.e.Seq, m.e.StepTime = m.core.seq+1, 1_800_000_000e9+int64(m.truth.minutes)*60e9
	m.e.RecvTime = m.e.StepTime
	m.out.Reset()
	m.core.Step(&m.e, m.out)
	m.dirty = true
	m.market = m.market || e.Kind.Market() || e.Kind == event.SessionStart || e.Kind == event.Timer
	m.steps++
	for i := range m.out.Commands {
		if !m.obey(&m.out.Commands[i]) {
			return false
		}
	}
	return m.check()
}

func (m *model) obey(c *event.Command) bool {
	child := int(c.Child%numberBase) - 1
	switch c.Kind {
	case event.SendOrder:
		if m.truth.killed {
			m.fail("an order was sent under a kill")
		}
		o := &m.truth.orders[child]
		alive := 0
		for i := range m.truth.orders {
			if s := m.truth.orders[i].state; s == flying || s == open {
				alive++
			}
		}
		if alive == modelAlive {
			return false
		}
		*o = truthOrder{qty: uint8(c.Qty), venue: uint8(c.Venue), state: flying}
		if !m.truth.up[c.Venue] {
			o.state = lost
		}
	case event.SendCancel:
		o := &m.truth.orders[child]
		o.asked = m.truth.up[o.venue] && o.state != lost
	case event.SendStatus:
		o := &m.truth.orders[child]
		switch {
		case !m.truth.up[o.venue]:
		case o.state == flying:
			// Before or after the order itself: here the order has come.
			o.state = open
			return m.queue(child, reportStatus)
		case o.state == lost:
			return m.queue(child, reportDenied)
		case o.state == done && o.cum < o.qty:
			return m.queue(child, reportEnded)
		default:
			return m.queue(child, reportStatus)
		}
	}
	return true
}

// check demands what must hold in every state.
func (m *model) check() bool {
	c := m.core
	if trouble := c.Audit(); trouble != "" {
		m.fail("%s", trouble)
	}
	if c.parentCount == 0 {
		return true
	}
	p := &c.parents[0]
	exposed := market.Qty(0)
	for i := range m.truth.orders[:c.childCount] {
		o := &m.truth.orders[i]
		exposed += market.Qty(o.cum)
		if o.state == flying || o.state == open {
			exposed += market.Qty(o.qty - o.cum)
		}
	}
	if exposed > p.OrderQty || p.Frozen || c.Counters.Overfills > 0 {
		m.fail("the venues may execute or have executed %d of %d; frozen %v, %d overfills", exposed, p.OrderQty, p.Frozen,
			c.Counters.Overfills)
	}
	return true
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	if m.memory.lookOut(); len(m.memory.stray) > 0 {
		m.visited.void.Store(true) // it was not the router: steps write what is not gone back to
		return
	}
	for _, l := range m.path {
		m.t.Logf("%s %d", m.letters[l.action].name, l.n)
	}
	for i := range m.out.Commands {
		c := &m.out.Commands[i]
		m.t.Logf("  %v child %d venue %d qty %d %v %v cum %d %v", c.Kind, c.Child%numberBase, c.Venue, c.Qty, c.ExecType, c.OrdStatus, c.CumQty, c.Reason)
	}
	p := &m.core.parents[0]
	m.t.Logf("  parent %d of %d, reserved %d, phase %d, pending %v", p.Cum, p.OrderQty, p.Reserved, p.phase, p.pending.kind)
	for i := range m.core.children[:m.core.childCount] {
		ch, o := &m.core.children[i], &m.truth.orders[i]
		m.t.Logf("  child %d %d of %d released %v unknown %v canceling %v; truth %+v", i+1, ch.Cum, ch.Qty, ch.Released, ch.unknown, ch.canceling, *o)
	}
	m.t.Errorf(format, args...)
	runtime.Goexit()
}

// explore goes through all that can happen within left steps.
func (m *model) explore(left int) {
	level := len(m.path)
	if left == 0 || m.visited.void.Load() || !m.visited.enter(m.hash(), left) && level > 0 {
		return // the last step was checked when it was taken; where all begins, both begin
	}
	m.save(level)
	for i := range alphabet {
		if m.backwards {
			i = len(alphabet) - 1 - i
		}
		a := &alphabet[i]
		for n := range a.fan {
			m.path = append(m.path[:level], letter{i, n})
			if a.do(m, n) {
				m.seen[i]++
				stepped, market := m.dirty, m.market
				m.explore(left - 1)
				m.dirty, m.market = stepped, market // what is deeper went back to where it began
			}
			m.restore(level)
		}
	}
	m.path = m.path[:level]
}

// letter is an action of the alphabet and its number.
type letter struct{ action, n int }

func (m *model) seenText(other *model) string {
	var b strings.Builder
	for i := range alphabet {
		b.WriteString(alphabet[i].name + " " + strconv.Itoa(m.seen[i]+other.seen[i]) + " ")
	}
	return b.String()
}
