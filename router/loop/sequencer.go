package loop

import (
	"errors"
	"fmt"
	"runtime"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
)

// Sequencer gives events their place in the total order, journals them and what
// the core answers, and hands the commands out. One goroutine.
type Sequencer struct {
	core     *router.Core
	out      *event.Output
	journal  *journal.Writer // nil: nothing is recorded
	dispatch func(*event.Command)
	seq      uint64
	now      int64
	failed   error
	timer    event.Event

	Commands  uint64
	Decisions uint64
	Waits     uint64 // times that the journal's ring was full
}

// NewSequencer returns a sequencer that goes on after the last event of core. dispatch
// gets each command once it is journalled; the pointer is valid during the call.
func NewSequencer(core *router.Core, w *journal.Writer, dispatch func(*event.Command)) *Sequencer {
	return &Sequencer{core: core, out: core.OutputFor(), journal: w, dispatch: dispatch, seq: core.Seq(), now: core.Now()}
}

// Core returns the core, for reading on the sequencer's goroutine.
func (s *Sequencer) Core() *router.Core { return s.core }

// Seq returns the Seq of the last event taken.
func (s *Sequencer) Seq() uint64 { return s.seq }

// Now returns the StepTime of the last event taken, ns since epoch.
func (s *Sequencer) Now() int64 { return s.now }

// Err returns why the sequencer stopped, nil while it works. A journal that
// cannot be written stops trading: the open orders are cancelled first.
func (s *Sequencer) Err() error { return s.failed }

// Take journals e at now (ns since epoch), steps the core and dispatches what it
// wants. After an error it takes nothing any more.
func (s *Sequencer) Take(now int64, e *event.Event) {
	if s.failed != nil {
		return
	}
	s.step(now, e)
	if !s.append(journal.Event, e.Bytes()) {
		return
	}
	s.run(e)
	for i := range s.out.Commands {
		if !s.append(journal.Command, s.out.Commands[i].Bytes()) {
			return
		}
		s.dispatch(&s.out.Commands[i])
	}
	for i := range s.out.Decisions {
		if !s.append(journal.Decision, s.out.Decisions[i].Bytes()) {
			return
		}
	}
	s.Commands += uint64(len(s.out.Commands))
	s.Decisions += uint64(len(s.out.Decisions))
}

// TakeTimer lets time pass: a Timer event at now.
func (s *Sequencer) TakeTimer(now int64) {
	s.timer = event.Event{Kind: event.Timer, RecvTime: now}
	s.Take(now, &s.timer)
}

func (s *Sequencer) step(now int64, e *event.Event) {
	s.seq++
	s.now = max(now, s.now) // a clock that steps back does not turn time around
	e.Seq, e.StepTime = s.seq, s.now
}

func (s *Sequencer) run(e *event.Event) {
	s.out.Reset()
	s.core.Step(e, s.out)
}

// append records one thing. While the journal's ring is full it waits: nothing
// enters the core that is not recorded.
func (s *Sequencer) append(t journal.RecordType, payload []byte) bool {
	if s.journal == nil {
		return true
	}
	for waiting := false; ; waiting = true {
		err := s.journal.Append(t, s.now, payload)
		if err == nil {
			return true
		}
		if !errors.Is(err, journal.ErrFull) {
			s.stop(err)
			return false
		}
		if !waiting {
			s.Waits++
		}
		runtime.Gosched()
	}
}

// stop is the end after a journal failure: no new orders, cancel the open ones.
func (s *Sequencer) stop(err error) {
	s.failed = fmt.Errorf("journal failed, trading is stopped: %w", err)
	kill := event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: market.NoVenue}
	kill.ID, _ = event.MakeID("journal")
	kill.OrigID, _ = event.MakeID("journal failed")
	s.seq = s.core.Seq()
	s.step(s.now, &kill)
	s.run(&kill)
	for i := range s.out.Commands {
		s.dispatch(&s.out.Commands[i])
	}
}
