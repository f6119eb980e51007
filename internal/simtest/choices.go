package simtest

import (
	"penstock/event"
)

// fault is something that a venue does once when a choice has armed it.
type fault uint8

const (
	duplicate fault = iota
	conflict
	swapTrade
	loseTrade
	fillFirst
	lateFill
	overExecute
	cancelBelow
	tooLate
	cancelUnknown
	denyKnown
	unsolicited
	silentAck
	statusSilent
	holdLong
	staleMid
	worseFill
	absurdFill
	rejectBand
	rejectThrottle
	rejectTick
	rejectUnknown
	faultCount
)

// unsequenced are faults that a session with a number for every message cannot have, or that
// OUCH has no words for.
const unsequenced = 1<<swapTrade | 1<<loseTrade | 1<<fillFirst | 1<<cancelBelow | 1<<denyKnown | 1<<silentAck | 1<<statusSilent | 1<<absurdFill

// refusals are the faults that refuse an order, with what they say.
var refusals = [...]struct {
	fault  fault
	reason event.Reason
	marker marker
}{
	{rejectBand, event.ReasonCollar, fm33},
	{rejectThrottle, event.ReasonVenueThrottle, fm34},
	{rejectTick, event.ReasonBadPrice, fm35},
	{rejectUnknown, event.ReasonVenueReject, fm36},
}

// choice is one entry of a plan.
type choice struct {
	at   int64
	kind uint8
}

// Kinds of choice.
const (
	chLevel = iota
	chTrade
	chMove
	chQuote
	chParent
	chCancel
	chReplace
	chStatus
	chArm
	chDrop
	chFlap
	chHalfOpen
	chFull
	chOrphan
	chClientDown
	chSameOrder
	chSameID
	chKill
	chHold
	chCrash
	chHostCrash
	chPause
	chClock
	chStale
	chGap
	chCross
	chAbsurd
	chSnapshot
	chHalt
	chStranger
	chAct
	chSwap
	chSave
	chBust
	chCorrect
	chRestate
	chStop
	chMarketHalt
	chBand
	chFlicker
	choiceKinds
)

// kinds say how often a choice is made in comparison with others, and what it does. Its
// randomness depends on seed and index alone.
var kinds [choiceKinds]struct {
	name   string
	weight uint16
	fault  bool
	do     func(w *world, r *stream, n int)
}

func kind(k int, name string, weight uint16, fault bool, do func(w *world, r *stream, n int)) {
	kinds[k].name, kinds[k].weight, kinds[k].fault, kinds[k].do = name, weight, fault, do
}

func init() {
	kind(chLevel, "level", 200, false, func(w *world, r *stream, _ int) { w.someFeed(r).level(w, r) })
	kind(chTrade, "trade", 8, false, func(w *world, r *stream, _ int) { w.someFeed(r).trade(w, r) })
	kind(chMove, "move", 16, false, func(w *world, r *stream, _ int) { w.move(r) })
	kind(chQuote, "quote", 40, false, func(w *world, r *stream, _ int) { w.someFeed(r).stream(w, r) })
	kind(chParent, "parent", 10, false, func(w *world, r *stream, n int) { w.someClient(r).order(w, r, n) })
	kind(chCancel, "cancel", 6, false, func(w *world, r *stream, n int) { w.someClient(r).cancel(w, r, n) })
	kind(chReplace, "replace", 8, false, func(w *world, r *stream, n int) { w.someClient(r).replace(w, r, n) })
	kind(chStatus, "status", 2, false, func(w *world, r *stream, n int) { w.someClient(r).status(w, r) })
	kind(chArm, "arm", 40, true, func(w *world, r *stream, _ int) {
		v := w.someVenue(r)
		f := fault(r.below(int64(faultCount)))
		if r.once(3) { // what takes several of its kind to show
			f = [...]fault{loseTrade, swapTrade, swapTrade, lateFill, duplicate, holdLong}[r.below(6)]
		}
		v.armed[f]++
	})
	kind(chDrop, "drop", 4, true, func(w *world, r *stream, _ int) { w.lose(w.someVenue(r), r, 50*milli, 2*second) })
	kind(chFlap, "flap", 1, true, func(w *world, r *stream, _ int) {
		v := w.someVenue(r)
		w.hit(fm42)
		w.lose(v, r, milli, 20*milli)
		w.agenda.add(item{at: w.now + r.between(30, 200)*milli, kind: dueConnect, venue: v.id})
		for range 3 {
			v.flaps++
		}
	})
	kind(chHalfOpen, "half-open", 2, true, func(w *world, r *stream, _ int) { w.lose(w.someVenue(r), r, 2*second, 5*second) })
	kind(chFull, "full", 2, true, func(w *world, r *stream, _ int) { w.someVenue(r).full += int(r.between(1, 4)) })
	kind(chOrphan, "orphan", 2, true, func(w *world, r *stream, _ int) { w.orphan(w.someVenue(r), r) })
	kind(chClientDown, "client-down", 3, true, func(w *world, r *stream, _ int) { w.loseClient(r) })
	kind(chSameOrder, "same-order", 3, true, func(w *world, r *stream, _ int) { w.someClient(r).again(w, r, true) })
	kind(chSameID, "same-id", 3, true, func(w *world, r *stream, _ int) { w.someClient(r).again(w, r, false) })
	kind(chKill, "kill", 2, true, func(w *world, r *stream, _ int) {
		s := event.Scope{Kind: event.ScopeKind(r.below(5))}
		switch s.Kind {
		case event.ScopeVenue:
			s.ID = uint64(w.someVenue(r).id)
		case event.ScopeSymbol, event.ScopeClient:
			s.ID = uint64(r.below(2))
		case event.ScopeStrategy:
			s.ID = uint64(event.StrategySweep) + uint64(r.below(6))
		}
		w.operate(event.OperatorKill, s)
		w.agenda.add(item{at: w.now + r.between(1, 800)*milli, kind: dueResume, venue: uint8(s.Kind), gen: uint32(s.ID),
			n: uint64(event.OperatorResume)})
	})
	kind(chHold, "hold", 2, true, func(w *world, r *stream, _ int) {
		w.operate(event.OperatorHold, event.Scope{})
		w.agenda.add(item{at: w.now + r.between(1, 300)*milli, kind: dueResume, n: uint64(event.OperatorRelease)})
	})
	kind(chCrash, "crash", 1, true, func(w *world, r *stream, _ int) { w.crash(r, false) })
	kind(chHostCrash, "host-crash", 1, true, func(w *world, r *stream, _ int) { w.crash(r, true) })
	kind(chPause, "pause", 1, true, func(w *world, r *stream, _ int) {
		w.hit(fm58)
		w.now += r.between(100, 3000) * milli
	})
	kind(chClock, "clock", 2, true, func(w *world, r *stream, _ int) {
		w.hit(fm57)
		w.skew += r.between(-2000, 2000) * milli
	})
	kind(chStale, "stale", 2, true, func(w *world, r *stream, _ int) { w.someFeed(r).fail(w, r, event.ReasonStale) })
	kind(chGap, "gap", 2, true, func(w *world, r *stream, _ int) { w.someFeed(r).fail(w, r, event.ReasonGap) })
	kind(chCross, "cross", 2, true, func(w *world, r *stream, _ int) { w.someFeed(r).cross(w, r) })
	kind(chAbsurd, "absurd", 2, true, func(w *world, r *stream, _ int) { w.someFeed(r).absurd(w, r) })
	kind(chSnapshot, "snapshot", 2, true, func(w *world, r *stream, _ int) { w.someFeed(r).cut(w, r) })
	kind(chHalt, "halt", 2, true, func(w *world, r *stream, _ int) { w.halt(w.someVenue(r), r) })
	kind(chAct, "act", 4, true, func(w *world, r *stream, _ int) { w.intervene(r) })
	kind(chSwap, "swap", 3, true, func(w *world, r *stream, _ int) { w.swap(r) })
	kind(chSave, "save", 2, true, func(w *world, _ *stream, _ int) { w.save() })
	kind(chBust, "bust", 4, true, func(w *world, r *stream, _ int) { w.someVenue(r).bust(w, r) })
	kind(chCorrect, "correct", 3, true, func(w *world, r *stream, _ int) { w.someVenue(r).correct(w, r) })
	kind(chRestate, "restate", 3, true, func(w *world, r *stream, _ int) { w.someVenue(r).restate(w, r) })
	kind(chStop, "stop", 3, true, func(w *world, r *stream, _ int) { w.someFeed(r).stop(w, r) })
	kind(chMarketHalt, "market-halt", 1, true, func(w *world, r *stream, _ int) { w.pause(r) })
	kind(chFlicker, "flicker", 0, false, func(w *world, r *stream, _ int) { w.someFeed(r).flicker(w, r) }) // of plain worlds
	kind(chBand, "band", 3, true, func(w *world, r *stream, _ int) { w.someFeed(r).limit(w, r) })
	kind(chStranger, "stranger", 1, true, func(w *world, r *stream, _ int) { w.stranger(w.someVenue(r), r) })
}

// newPlan draws the choices of a seed and their times.
func newPlan(w *world) []choice {
	r := &stream{seed: w.seed, id: 2}
	n := int64(w.swarm.choices)
	plan := make([]choice, n)
	at, gap := firstDay+milli, 2*w.swarm.span/(n+1)
	for i := range plan {
		at += r.below(gap)
		plan[i] = choice{min(at, firstDay+w.swarm.span-1), uint8(r.pick(w.swarm.weights[:]))}
	}
	// A day without an order is no day.
	for i := range min(int(w.swarm.parents), len(plan)/4) {
		plan[4*i+3].kind = chParent
	}
	return plan
}

func (w *world) someVenue(r *stream) *venue { return &w.venues[r.below(int64(len(w.venues)))] }
func (w *world) someFeed(r *stream) *feed   { return &w.feeds[r.below(int64(len(w.feeds)))] }
func (w *world) someClient(r *stream) *client {
	return &w.clients[r.below(int64(len(w.clients)))]
}
