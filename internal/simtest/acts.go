package simtest

import (
	"penstock/event"
	"penstock/internal/state"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
)

// act is a named person's act about one parent.
func (w *world) act(act event.OperatorAct, parent uint64) {
	if !w.dead {
		if p := w.core.Parent(parent); act == event.OperatorResumeParent && !w.healing && p != nil && p.Live() {
			w.hit(fm88)
		}
		w.take(&event.Event{Kind: event.Operator, Code: uint8(act), Ref: parent, Venue: market.NoVenue})
	}
}

// intervene pauses a parent for a while, or ends its schedule.
func (w *world) intervene(r *stream) {
	all := w.core.Parents()
	if len(all) == 0 || w.dead {
		return
	}
	p := &all[r.below(int64(len(all)))]
	if !p.Live() {
		return
	}
	if r.once(3) {
		w.act(event.OperatorForceParent, p.Number)
		return
	}
	number := p.Number
	w.act(event.OperatorPauseParent, number)
	w.agenda.add(item{at: w.now + r.between(1, 1500)*milli, kind: dueUnpause, n: number})
}

// swap puts the other policy table in force (FM-66).
func (w *world) swap(r *stream) {
	if w.dead {
		return
	}
	var e event.Event
	rules := r.once(2) || w.swarm.canary > 0 // the last good policy is the other one
	e.SetPolicyHash(w.offer(w.core, rules))
	for i := range w.core.Parents() {
		if w.core.Parents()[i].Live() {
			w.hit(fm66)
			break
		}
	}
	if w.swarm.canary > 0 {
		w.swapped(w.tables.rules.PolicyID())
	}
	w.take(&e)
	w.learn(w.core.Counters.PolicySwaps)
}

// learn brings a parameter set into the core: one in three with a part spoilt, which must
// leave the set before in force.
func (w *world) learn(n uint64) {
	p := *policy.PriorParams()
	p.ID = n + 1
	r := stream{seed: w.seed, id: 300 + n}
	for v := range p.Venues {
		q := &p.Venues[v]
		q.AddMarkout, q.Leakage = int32(r.between(-2000, 4000)), int32(r.between(0, 500))
		for c := range q.SplitPost {
			q.SplitPost[c] = uint16(r.between(0, policy.One)) // may book more than is wanted
		}
		q.LatencyMicros = w.swarm.latency(v)
		for b := range q.Fill {
			q.Fill[b] = uint16(r.between(0, policy.One))
		}
	}
	if split := (&stream{seed: w.seed, id: 600 + n}); split.once(2) { // as one that was fitted to queues
		for c := range p.SplitTake {
			p.SplitTake[c] = uint16(split.between(0, policy.One))
		}
		for v := range p.Venues {
			p.Venues[v].Known |= policy.KnownSplit
		}
	}
	events, before := router.ParamEvents(&p), w.core.ParamsID()
	spoilt := r.once(3)
	if spoilt {
		events[r.below(int64(len(events)))].Part()[0] ^= 0x10
	}
	for i := range events {
		w.take(&events[i])
	}
	if id := w.core.ParamsID(); !w.dead && (spoilt && id != before || !spoilt && id != p.ID) {
		w.fail("parameter set %d, spoilt %v: %d is in force, %d was", p.ID, spoilt, id, before)
	}
}

// offer gives a core one of the two tables and returns what stands for its file.
func (w *world) offer(c *router.Core, rules bool) (sum [32]byte) {
	sum[0], sum[31] = 1, 1
	t := w.tables.static
	if rules {
		sum[0], t = 2, w.tables.rules
	}
	c.Offer(t, sum, nil)
	return sum
}

// save keeps the state of the core, as a snapshot does.
func (w *world) save() {
	if w.dead || !w.journal.keep {
		return
	}
	w.journal.saved = w.journal.saved[:0]
	s := state.Saver(func(b []byte) error {
		w.journal.saved = append(w.journal.saved, b...)
		return nil
	})
	w.core.MoveState(s)
	if _, _, err := s.Finish(); err != nil {
		w.fail("snapshot: %v", err)
	}
	w.journal.savedAt = w.seq
}

// load compares a core that began with the last snapshot with one that took every event.
func (w *world) load() {
	j := &w.journal
	if len(j.saved) == 0 || j.savedAt > w.seq {
		return
	}
	whole := w.core
	w.boot()
	loader := state.Loader(j.saved)
	w.core.MoveState(loader)
	if _, _, err := loader.Finish(); err != nil {
		w.fail("snapshot of event %d: %v", j.savedAt, err)
	}
	if p := w.core.Policy(); p != ([32]byte{}) {
		w.offer(w.core, p[0] == 2)
	}
	for i := int(j.savedAt); i < j.length(); i++ {
		w.replayOne(i)
	}
	var hashes [2]uint64
	for i, c := range []*router.Core{whole, w.core} {
		h := state.Hasher()
		c.MoveState(h)
		hashes[i], _, _ = h.Finish()
	}
	if hashes[0] != hashes[1] {
		w.fail("the snapshot of event %d and the %d events after it give another state than all events", j.savedAt, w.seq-j.savedAt)
	}
	w.core = whole
}
