package tape

import (
	"errors"

	"penstock/event"
	"penstock/market"
)

// Tape plays several sources merged by receive time; equal times are taken in
// the order of the sources. Before the records of a tenth of a second, the bases
// that are due at it are measured.
type Tape struct {
	sources []*Source
	routes  []event.Sink // where the events of each source go
	bases   []*Basis
	out     event.Sink

	// Shifted, when set, is told that every price of a book is about to move by
	// delta, before the events that say so.
	Shifted func(v market.VenueID, in market.InstrumentID, delta market.Price)
}

// Next returns the time of what will be played next, NoTime at the end.
func (t *Tape) Next() int64 {
	_, at := t.head()
	if at != NoTime {
		if basis := t.dueBasis(at); basis != nil {
			return basis.Next()
		}
	}
	return at
}

func (t *Tape) head() (head *Source, at int64) {
	at = NoTime
	for _, s := range t.sources {
		if next := s.Next(); next < at {
			head, at = s, next
		}
	}
	return head, at
}

// dueBasis returns the basis whose boundary comes first and not after at.
func (t *Tape) dueBasis(at int64) (due *Basis) {
	for _, b := range t.bases {
		if b.Next() <= at && (due == nil || b.Next() < due.Next()) {
			due = b
		}
	}
	return due
}

// Play plays one record or boundary; its events go to sink before Play returns.
// It reports false at the end.
func (t *Tape) Play(sink event.Sink) bool {
	source, at := t.head()
	if source == nil {
		return false
	}
	t.out = sink
	if basis := t.dueBasis(at); basis != nil {
		basis.Advance(sink)
		return true
	}
	for i, s := range t.sources {
		if s == source {
			s.Play(t.routes[i])
		}
	}
	return true
}

// Stats returns the counts of every source, in the order of the feeds.
func (t *Tape) Stats() []Stats {
	stats := make([]Stats, len(t.sources))
	for i, s := range t.sources {
		stats[i] = s.Stats()
	}
	return stats
}

// Err returns why recordings ended early, nil when all were whole.
func (t *Tape) Err() error {
	var errs []error
	for _, s := range t.sources {
		errs = append(errs, s.stats.Err)
	}
	return errors.Join(errs...)
}

// Close closes every file.
func (t *Tape) Close() {
	for _, s := range t.sources {
		s.Close()
	}
}

// follow routes the events of source i through a follower of b.
func (t *Tape) follow(b *Basis, f *follower) event.Sink {
	f.moved = func(v market.VenueID, delta market.Price) {
		if t.Shifted != nil {
			t.Shifted(v, f.instrument, delta)
		}
	}
	b.followers = append(b.followers, f)
	return func(e *event.Event) bool {
		b.arm(e.RecvTime)
		f.take(e, t.out)
		return true
	}
}

// watch routes the events of the reference of b on unchanged.
func (t *Tape) watch(b *Basis) event.Sink {
	return func(e *event.Event) bool {
		b.arm(e.RecvTime)
		b.reference.apply(e)
		return t.out(e)
	}
}

func (t *Tape) pass(e *event.Event) bool { return t.out(e) }

// basis returns the basis of an instrument with this reference, a new one when
// there is none yet.
func (t *Tape) basis(in *market.Instrument, reference market.VenueID) *Basis {
	for _, b := range t.bases {
		if b.instrument == in && b.reference.venue == reference {
			return b
		}
	}
	b := newBasis(in, reference)
	t.bases = append(t.bases, b)
	return b
}
