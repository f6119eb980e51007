package tape

import (
	"penstock/event"
	"penstock/market"
)

// The rule of basis removal. Perpetual futures trade at a distance from spot
// that wanders by several dollars within minutes; to make venues of one
// instrument out of them, their prices are moved by a shift that only the past
// decides:
//
//   - at every tenth of a second of recorded time, before anything received then,
//     the shift becomes spot mid − follower mid, rounded to the tick half away
//     from zero, if both books are live at that moment; else it stays;
//   - until it is known, the follower's book is SYNCING;
//   - between two boundaries it is constant, so the follower's prices move only
//     as its own book does;
//   - when it changes, the levels that differ are sent again as one message.
//
// A slower shift (a median over seconds) was measured too: the follower's mid
// then stays dollars away from spot, and the venues look crossed almost always.
const (
	basisPeriod = nanosPerSecond / 10
	basisDepth  = 50 // levels a side that followers show
)

// Basis shifts the books of followers to that of a reference, for one instrument.
type Basis struct {
	instrument *market.Instrument
	reference  *depth
	followers  []*follower
	next       int64 // ns since epoch of the next boundary
}

// newBasis returns the basis of the reference venue.
func newBasis(in *market.Instrument, reference market.VenueID) *Basis {
	return &Basis{instrument: in, reference: newDepth(reference), next: NoTime}
}

// arm sets the boundary after an event at now: until one comes, no distance can
// have changed.
func (b *Basis) arm(now int64) {
	if b.next == NoTime {
		b.next = (now/basisPeriod + 1) * basisPeriod
	}
}

// Next returns the time of the next boundary, NoTime when nothing came since the
// last one.
func (b *Basis) Next() int64 { return b.next }

// Advance measures the distances at the boundary that is due.
func (b *Basis) Advance(sink event.Sink) {
	now := b.next
	b.next = NoTime
	reference, ok := b.reference.mid2()
	if !ok {
		return
	}
	for _, f := range b.followers {
		if mid2, ok := f.raw.mid2(); ok && f.shiftTo(roundTo(reference-mid2, b.instrument.Tick)) {
			f.publish(now, sink)
		}
	}
}

// roundTo returns half increments as a multiple of tick, half away from zero.
func roundTo(halves int64, tick market.Price) market.Price {
	if halves < 0 {
		return -roundTo(-halves, tick)
	}
	return market.Price((halves+int64(tick))/(2*int64(tick))) * tick
}
