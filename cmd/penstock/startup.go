package main

import (
	"fmt"
	"slices"
	"sync"

	"penstock/internal/quiet"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/rehearsal"
)

// quietness is what keeps the loop's thread undisturbed in a process with router.core:
// nothing else runs on that core, the scheduler's signals do not reach it, its requests
// to yield are refused, garbage is collected when no order is live, and an idle
// loop rehearses. Why just these,
// and what each is worth, is in docs/performance.md. Without router.core it has its processors
// from here and nothing else.
type quietness struct {
	steps     []quiet.Step
	settled   <-chan loop.Settled // nil: not asked for
	collector *quiet.Collector
	rehearsal *rehearsal.Rehearsal // nil: none
	undo      quiet.Undo
	stop      chan struct{}
	threads   sync.WaitGroup
}

// hush prepares the process before the loop starts.
func (a *assembly) hush() {
	core := a.cfg.file.Router.Core
	q := &a.quiet
	if core == nil {
		_, q.undo = quiet.Processors()
		return
	}
	q.steps, q.undo = quiet.Begin()
	q.steps = append(q.steps, quiet.HugePages())
	q.settled = a.loop.Pin(*core, a.cfg.Idle)
	a.loop.PutOff()
	q.collector = &quiet.Collector{Quiet: a.idle, Around: a.loop.Rest,
		WorthBytes: quiet.WorthBytes, BoundBytes: quiet.BoundBytes}
	q.stop = make(chan struct{})
	q.threads.Go(func() { q.collector.Run(q.stop) })
	q.steps = append(q.steps, a.rehearse())
}

// rehearse keeps the loop in practice while it is idle. A router without it is slower after a quiet.
func (a *assembly) rehearse() quiet.Step {
	step := quiet.Step{Name: "rehearsal", Saw: "when idle"}
	r, err := rehearsal.New(a.table, slices.ContainsFunc(a.cfg.Router.Protect, protects))
	if err != nil {
		step.Err = err
		return step
	}
	if a.cfg.inline() { // this loop's thread is the one that sends
		if err := r.Connect(clock); err != nil {
			step.Saw += fmt.Sprint(", in memory only: ", err)
		} else {
			step.Saw += ", through the kernel"
		}
	}
	a.quiet.rehearsal = r
	a.loop.Warm(r.Step)
	return step
}

// protects reports whether better quotes are ever protected.
func protects(all []router.Protection) bool {
	return slices.ContainsFunc(all, func(p router.Protection) bool { return p.On })
}

// idle reports whether no parent is live: a collection disturbs nobody then.
func (a *assembly) idle() (idle bool) {
	ok := a.loop.Inspect(func(s *loop.Sequencer) { idle = s.Core().LiveParents() == 0 })
	return ok && idle
}

// end gives the process back as it was, after the loop has ended. The error says what ended the
// rehearsal's connection before.
func (q *quietness) end() (err error) {
	if q.undo == nil {
		return nil
	}
	if q.stop != nil {
		close(q.stop)
		q.threads.Wait()
	}
	if q.rehearsal != nil {
		err = q.rehearsal.Close()
	}
	q.undo()
	q.undo = nil
	return err
}

// sayQuiet prints what the loop's thread has and what it could not get.
func (a *assembly) sayQuiet(s *loop.Settled, say func(string, ...any)) {
	if s.Pinned != nil {
		say("router: not pinned, any thread may disturb it: %v", s.Pinned)
	} else {
		say("router: alone on core %d, %v when idle", s.Core, a.loop.Idle())
	}
	for _, err := range []error{s.Signals, s.Priority} {
		if err != nil {
			say("router: %v", err)
		}
	}
	for _, step := range a.quiet.steps {
		if step.Err != nil {
			say("router: %s: %v", step.Name, step.Err)
		} else {
			say("router: %s: %s", step.Name, step.Saw)
		}
	}
}

// ringNames are those of the loop's inputs, as in open.
var ringNames = [...]string{"operator", "returned", "venues", "clients"}

// loopLines tell how the loop did: for the end of a run and of a demo.
func (a *assembly) loopLines() []string {
	s := a.loop.Stats()
	busy := func(p uint64) string { return inMicros(int64(loop.Percentile(&s.Busy, p))) }
	lines := []string{
		fmt.Sprintf("loop: %v when idle; %d turns, %d busy with %d events, at most %d in one; parked %d times",
			a.loop.Idle(), s.Turns, s.BusyTurns, s.Events, s.EventsMax, s.Parks),
		fmt.Sprintf("loop: busy turns below %s µs (p50), %s µs (p99), %s µs (p99.9), longest %s µs", busy(500), busy(990), busy(999),
			inMicros(int64(s.BusyMax))),
		fmt.Sprintf("loop: stalls of idle turns over 10 µs %d, 100 µs %d, 1000 µs %d, longest %s µs", s.Stalls[0], s.Stalls[1],
			s.Stalls[2], inMicros(int64(s.IdleMax))),
	}
	marks := "rings, most ever used:"
	for i, m := range a.loop.RingMarks() {
		marks += fmt.Sprintf(" %s %d of %d,", ringNames[i], m.HighWater, m.Cap)
	}
	most := 0
	for _, m := range a.io.CommandMarks() {
		most = max(most, m.HighWater)
	}
	used, size := a.journal.HighWater()
	lines = append(lines, marks+fmt.Sprintf(" to a venue %d of %d; journal %d of %d KiB", most, commandRing, used>>10, size>>10))
	if text := a.full.String(); text != "" {
		lines = append(lines, text)
	}
	if s.Withheld+s.Overruns > 0 {
		lines = append(lines, fmt.Sprintf("journal: lagged, new orders were refused %d times; %d events' records came late",
			s.Withheld, s.Overruns))
	}
	if c := a.quiet.collector; c != nil {
		g := c.Stats()
		lines = append(lines, fmt.Sprintf("garbage: %d KiB made; %d collections at quiet moments, %d forced, longest %s µs",
			g.Made>>10, g.AtQuiet, g.Forced, inMicros(int64(g.Longest))))
	}
	return lines
}
