package simtest

import (
	"fmt"
	"math"
	"runtime/debug"

	"penstock/event"
	"penstock/internal/assert"
)

// Options change what a seed alone would do.
type Options struct {
	Drop   Drop // choices that are left out
	Trace  bool // keep what happened as text
	Copies bool // every venue has a drop copy that lies, and nothing else goes wrong
	Canary bool // one share is executed that nobody is told of: the run must fail
}

// Result is what came of a run.
type Result struct {
	Seed    uint64
	Events  uint64 // that the router took
	Hash    uint64 // of all commands, in order
	Choices int    // of the plan, dropped ones included
	Markers [markerCount]uint32
	Cells   cells
	Lies    int    // of drop copies
	Failure string // empty: nothing that must not happen
	Trace   []string
}

// Runner runs worlds one after the other; it keeps what they can share. One goroutine.
type Runner struct {
	tables  *tables
	out     *event.Output
	journal journal // and agenda: those of the last world, for their room
	agenda  agenda
}

// NewRunner returns a runner.
func NewRunner() (*Runner, error) {
	t, err := newTables()
	return &Runner{tables: t, out: event.NewOutput(4096, 256)}, err
}

// Run lets the world of a seed happen.
func (r *Runner) Run(seed uint64, opt Options) (result Result) {
	var w *world
	defer func() {
		if p := recover(); p != nil {
			switch p := p.(type) {
			case failure:
				result.Failure = p.what
			case assert.Failure:
				result.Failure = p.Error()
			default:
				result.Failure = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
		}
		result.Seed = seed
		if w != nil {
			result.Events, result.Hash, result.Markers, result.Trace = w.events, w.hash, w.markers, w.trace
			result.Choices, result.Cells = len(w.plan), w.cells
			r.journal, r.agenda = w.journal, w.agenda
			for v := range w.venues {
				result.Lies += len(w.venues[v].copies.lies)
				if l := w.venues[v].wire; l != nil {
					l.ends.close()
				}
			}
		}
	}()
	w = newWorld(seed, &opt, r)
	w.run()
	return result
}

// run is faults, then repair, then the demand that everything resolves.
func (w *world) run() {
	w.begin()
	for v := range w.venues {
		w.venues[v].connect(w)
	}
	for i := range w.plan {
		if !w.opt.Drop.has(i) {
			w.agenda.add(item{at: w.plan[i].at, kind: dueChoice, n: uint64(i)})
		}
	}
	w.planDays()
	w.planShorts()
	end := firstDay + w.swarm.span
	w.until(end)
	w.heal()
	w.until(w.now + calm)
	w.checkEnd()
}

// calm is how long everything may take to resolve once nothing fails any more.
const calm = 40 * second

// until lets what is due happen up to a time.
func (w *world) until(end int64) {
	for {
		next, timer := end+1, false
		if len(w.agenda.items) > 0 {
			next = w.agenda.items[0].at
		}
		if !w.dead {
			if t := w.core.NextTimer(); t != math.MaxInt64 && max(t, w.now) < max(next, w.now) {
				next, timer = t, true
			}
		}
		if next > end {
			w.now = max(w.now, end)
			return
		}
		w.now = max(w.now, next)
		if timer {
			w.take(&event.Event{Kind: event.Timer})
			continue
		}
		i := w.agenda.pop()
		w.do(&i)
	}
}

func (w *world) do(i *item) {
	switch i.kind {
	case dueChoice:
		c := &w.plan[i.n]
		kinds[c.kind].do(w, &stream{seed: w.seed, id: 1000 + i.n}, int(i.n))
	case dueTick:
		w.venues[i.venue].wire.tick()
	case dueToVenue, dueToRouter, dueSeen, dueConnect, dueOrder, dueAnswer:
		v := &w.venues[i.venue]
		if i.kind == dueOrder || i.kind == dueConnect || i.gen == v.gen {
			v.due(w, i)
		}
	case dueCopy:
		w.venues[i.venue].copies.deliver(w, int(i.n))
	case dueClient:
		w.clients[i.n].connect(w, int(i.n))
	case dueResume:
		w.operate(event.OperatorAct(i.n), event.Scope{Kind: event.ScopeKind(i.venue), ID: uint64(i.gen)})
	case dueRestart:
		if w.dead { // the repair may have been quicker
			w.restart(i.n != 0)
		}
	case dueFeed:
		w.feeds[i.n].begin(w, int(i.n))
	case dueUnpause:
		w.act(event.OperatorResumeParent, i.n)
	case dueUnhalt:
		w.paused[i.n] = false
		w.sayPaused(uint16(i.n))
	case dueDay:
		w.sayDay()
	case dueShorts:
		w.restrictShorts(i)
	case dueCrash:
		w.crash(&stream{seed: w.seed, id: 20_000 + i.n}, true)
	case dueGoodbye:
		w.goodbye(i.n)
	case dueReports:
		w.clients[i.n].deliver(w)
	}
}

// heal repairs everything: nothing fails from here on.
func (w *world) heal() {
	w.healing = true
	if w.dead {
		w.restart(false)
	}
	w.openAll()
	if len(w.swarm.nights) > 0 {
		w.agenda.add(item{at: w.now + 8*second, kind: dueGoodbye})
	}
	for v := range w.venues {
		w.venues[v].heal(w)
	}
	for c := range w.clients {
		w.clients[c].connect(w, c)
	}
	for f := range w.feeds {
		w.feeds[f].begin(w, f)
	}
	for i := range w.core.Parents() {
		if p := &w.core.Parents()[i]; p.Live() {
			w.act(event.OperatorResumeParent, p.Number)
		}
	}
	w.operate(event.OperatorRelease, event.Scope{})
	for len(w.ledger.kills) > 0 {
		w.operate(event.OperatorResume, w.ledger.kills[0])
	}
	for v := range w.venues {
		w.operate(event.OperatorResume, event.Scope{Kind: event.ScopeVenue, ID: uint64(v)})
	}
}

// checkEnd compares three accounts of everything: venues, router, ledger and clients.
func (w *world) checkEnd() {
	w.audit()
	w.ledger.close()
	parents := w.core.Parents()
	for i := range parents {
		p := &parents[i]
		t, a := w.truths[p.Number], w.ledger.accounts[p.Number]
		if t == nil {
			t = &truth{}
		}
		switch {
		case a == nil:
			w.fail("the router has parent %d, which no client was told of", p.Number)
		case int64(p.Cum) != a.cum:
			w.fail("parent %d: router %d, ledger %d", p.Number, p.Cum, a.cum)
		case int64(p.Cum) != t.executed-t.lost:
			w.fail("parent %d: router %d, venues %d", p.Number, p.Cum, t.executed-t.lost)
		case t.open != 0:
			w.fail("parent %d: %d still open at venues", p.Number, t.open)
		case p.Live():
			w.fail("parent %d of %d is alive with %d, reserved %d", p.Number, p.OrderQty, p.Cum, p.Reserved)
		}
	}
	for i := range w.core.Children() {
		w.compare(w.core.Children()[i].Number)
	}
	for c := range w.clients {
		w.clients[c].check(w, c)
	}
	w.checkWall()
	w.checkCopies()
	for v := range w.venues {
		if l := w.venues[v].wire; l != nil {
			l.ends.check()
		}
	}
	if w.journal.keep {
		w.replay(w.journal.length(), true)
	}
}
