package loop

import (
	"errors"
	"time"

	"penstock/event"
	"penstock/market"
)

// The core never waits for its journal. As its ring fills, less and less is taken:
//
//	above 1/2   a hold enters the core: new parents are rejected and no child is sent,
//	            with ReasonJournalLag; cancels go, fills and books are taken
//	below 1/4   the hold is lifted and live parents go on
//	above 7/8   what venues send stays in its rings, whose own limits answer it;
//	            clients and operators are heard, so that they can cancel
//	full        nothing is taken; after lagPatience the journal has failed, which
//	            stops trading and cancels the open orders
//
// Hold and release are events: journalled, and part of every replay.
const lagPatience = 2 * time.Second

// ErrLag says that the journal's ring stayed full.
var ErrLag = errors.New("no room in its ring for " + lagPatience.String())

// lag is how far the journal is behind.
type lag struct {
	held    bool
	full    int64 // since when, ns since epoch; 0: there is room
	written int   // of what the last event made, at full
	act     event.Event
}

// weigh looks at the journal before a turn at now and orders a hold or its end. It
// reports whether the venues' events may be taken.
func (s *Sequencer) weigh(now int64) (venues bool) {
	if s.journal == nil || s.failed != nil {
		return s.failed == nil
	}
	if !s.Ready() {
		switch err := s.journal.Err(); {
		case s.failed != nil:
		case err != nil:
			s.stop(err)
		case s.lag.full == 0 || s.written > s.lag.written:
			s.lag.full, s.lag.written = now, s.written
		case now-s.lag.full > int64(lagPatience):
			s.stop(ErrLag)
		}
		return false
	}
	s.lag.full, s.lag.written = 0, 0
	free, size := s.journal.Room()
	switch used := size - free; {
	case !s.lag.held && used > size/2:
		s.Withheld++
		s.order(now, event.OperatorHold, "ring above half")
	case s.lag.held && used < size/4:
		s.order(now, event.OperatorRelease, "ring below a quarter")
	}
	return s.failed == nil && free > size/8
}

// order makes the journal's lag known to the core.
func (s *Sequencer) order(now int64, act event.OperatorAct, why string) {
	s.lag.held = act == event.OperatorHold
	s.lag.act = event.Event{Kind: event.Operator, Code: uint8(act), Venue: market.NoVenue, RecvTime: now}
	s.lag.act.ID, _ = event.MakeID("journal")
	s.lag.act.OrigID, _ = event.MakeID(why)
	s.Take(now, &s.lag.act)
}

// Lag says how the journal is doing. One goroutine, as the Sequencer.
func (s *Sequencer) Lag() (held bool, free, size int) {
	if s.journal == nil {
		return false, 0, 0
	}
	free, size = s.journal.Room()
	return s.lag.held, free, size
}
