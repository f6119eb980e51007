package book

import (
	"math/bits"
	"sync/atomic"

	"penstock/market"
)

// MaxWatches bounds the readers of one Board, MaxViewLevels what one may ask for.
const (
	MaxWatches    = 32
	MaxViewLevels = 128
)

// restNanos is how long a board rests after an answer before it looks for the next
// request, and levelRestNanos that for each level in it: what readers cost the core
// stays in the order of a hundredth of its time, however fast they ask.
const (
	restNanos      = 20_000
	levelRestNanos = 20_000
	longestRest    = restNanos + MaxViewLevels*levelRestNanos
)

// Ask says what a reader wants to see.
type Ask struct {
	Instrument market.InstrumentID
	Levels     int  // a side, over venues and of each venue; 0: the touch and the tops
	Net        bool // levels ordered by net price: see LevelOptions
	Quotes     bool // levels hold dealers' quotes
}

// Board gives readers outside the core consistent views of composites. A reader
// asks, and the core answers at the end of a turn:
//
//	reader                                 core, once a turn
//	Ask: request ──► asked: one bit a reader ──► Serve: fill the spare view
//	Take ◄──── mailbox: three views, one word says whose is whose ◄──── swap
//
// Nobody waits for anybody, and nothing is done for views that nobody wants: a turn
// without a request costs the core a comparison and one load of a line that readers
// have not touched. Three views are enough for each to hold one while the third
// changes hands by an atomic swap, which also orders the plain copies inside; so no
// reader can see half of one.
//
// Measured with ten venues, 0 / 1 / 2 readers that never pause, cost to the core of
// one update: a sequence lock, its words atomic, 78 / 577 / 538 ns; a mailbox filled
// at every update with the lanes that changed 8 / 87 / 77 ns; this 0 / 1 / 0 ns. The
// sequence lock pays for a fenced store a word, and both pay for a cache line that
// readers have just touched: what is published must be what is wanted.
type Board struct {
	_     [64]byte
	asked atomic.Uint32 // bit w: watch w waits
	_     [60]byte

	next    int   // the watch to be looked at first
	due     int64 // end of the rest, ns since epoch
	at      int64 // time of the last answer
	Answers uint64
	_       [32]byte

	taken       atomic.Uint32 // bit w: watch w has a reader
	instruments int
	levels      int
	watches     []Watch
}

// Watch is the mailbox of one reader: one goroutine at a time.
type Watch struct {
	board *Board
	slot  int
	front uint32 // view that the reader holds
	tick  uint32 // number of the last request
	_     [64]byte
	ask   atomic.Uint64 // request: ticket, instrument, levels, flags
	state atomic.Uint32 // view in the middle; fresh: not yet taken
	_     [52]byte
	back  uint32 // view that the core fills next
	_     [60]byte
	views [3]View
}

const (
	fresh     = 4
	viewIndex = 3
)

// NewBoard returns a board for readers of up to levels per side, with all its
// memory taken. More than MaxWatches and MaxViewLevels are cut to that.
func NewBoard(instruments, venues, readers, levels int) *Board {
	levels = min(levels, MaxViewLevels)
	b := &Board{instruments: instruments, levels: levels, watches: make([]Watch, min(readers, MaxWatches))}
	for i := range b.watches {
		w := &b.watches[i]
		w.board, w.slot, w.front, w.back = b, i, 0, 2
		w.state.Store(1)
		for v := range w.views {
			w.views[v].reserve(venues, levels)
		}
	}
	return b
}

// Watch returns a mailbox that nobody uses, nil when all are taken. Any goroutine.
func (b *Board) Watch() *Watch {
	for {
		taken := b.taken.Load()
		slot := bits.TrailingZeros32(^taken)
		if slot >= len(b.watches) {
			return nil
		}
		if b.taken.CompareAndSwap(taken, taken|1<<slot) {
			return &b.watches[slot]
		}
	}
}

// Close gives the mailbox back; its views are void from then on. Reader only.
func (w *Watch) Close() { w.board.taken.And(^uint32(1 << w.slot)) }

// Ask tells the core to answer q at its next turn; it takes the place of a request
// that is not answered yet. ok is false when the instrument is not known or more
// levels are wanted than the board holds. Reader only; wake the core if it sleeps.
func (w *Watch) Ask(q Ask) (ok bool) {
	if int(q.Instrument) >= w.board.instruments || q.Levels < 0 || q.Levels > w.board.levels {
		return false
	}
	w.tick = max(w.tick+1, 1) // 0 is the ticket of no request
	word := uint64(w.tick)<<32 | uint64(q.Instrument)<<16 | uint64(q.Levels)<<2
	if q.Net {
		word |= 1
	}
	if q.Quotes {
		word |= 2
	}
	w.ask.Store(word)
	w.board.asked.Or(1 << w.slot)
	return true
}

// Take returns the latest answer; ok says that it answers the last request. The
// view is the reader's until it takes again. Before the first answer it is empty,
// with Seq 0. Reader only.
func (w *Watch) Take() (view *View, ok bool) {
	if w.state.Load()&fresh != 0 {
		w.front = w.state.Swap(w.front) & viewIndex
	}
	view = &w.views[w.front]
	return view, w.tick != 0 && view.ticket == w.tick
}

// Asked reports whether a reader waits. Core thread only.
func (b *Board) Asked() bool { return b.asked.Load() != 0 }

// Serve answers at most one reader from composites, which are indexed by instrument,
// at now (ns since epoch). seq and time are those of the last event. Core thread only,
// between two events.
func (b *Board) Serve(composites []*Composite, seq uint64, time, now int64) (answered bool) {
	if rest := b.due - now; rest > 0 && rest <= longestRest { // more: the clock stepped back
		return false
	}
	if b.asked.Load() == 0 {
		return false
	}
	b.serve(composites, seq, time, now)
	return true
}

func (b *Board) serve(composites []*Composite, seq uint64, time, now int64) {
	asked := b.asked.Load()
	first := asked >> b.next << b.next
	if first == 0 {
		first = asked
	}
	slot := bits.TrailingZeros32(first)
	b.next = (slot + 1) % MaxWatches
	b.asked.And(^uint32(1 << slot))
	w := &b.watches[slot]
	word := w.ask.Load()
	q := Ask{Instrument: market.InstrumentID(word >> 16), Levels: int(word >> 2 & 0xff), Net: word&1 != 0,
		Quotes: word&2 != 0}
	b.at = max(b.at, now, time)
	view := &w.views[w.back]
	view.Seq, view.Time, view.ticket = seq, time, uint32(word>>32)
	view.fill(composites[q.Instrument], q, b.at)
	w.back = w.state.Swap(w.back|fresh) & viewIndex
	b.due = now + restNanos + int64(q.Levels)*levelRestNanos
	b.Answers++
}
