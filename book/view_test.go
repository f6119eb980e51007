package book

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"penstock/event"
	"penstock/market"
)

// trouble checks every word of a view against the others: what is said twice in it
// must agree. The writer made Time and Features functions of Seq.
func trouble(w *View, q Ask) string {
	if w.Instrument != q.Instrument || w.Time != viewTime(w.Seq) || w.At < w.Time || w.Features != viewFeatures(w.Seq) {
		return "frame"
	}
	slow := slowComposite{bid: w.Bid, ask: w.Ask}
	if w.Signals != slow.signals() {
		return "signals"
	}
	if len(w.Bids) > q.Levels || len(w.Asks) > q.Levels {
		return "more levels than asked for"
	}
	if w.Partial != 0 {
		return ""
	}
	kind := market.SDP
	m := &Composite{count: w.Count, venues: mixedVenues()}
	for v := range w.Count {
		top := &w.Venues[v]
		if m.kinds[v] = top.Kind; top.Kind == market.Lit && top.Traded && top.State == event.BookLive {
			kind = market.Lit
		}
		if until := top.Until; until != 0 && until <= w.At {
			return "an expired quote"
		}
		slow.tops[v].level = [2]Level{top.Bid, top.Ask}
		m.Books[v] = bookOf(w, market.VenueID(v))
	}
	if slow.touch(m, 0, market.Buy, kind) != w.Bid || slow.touch(m, 1, market.Sell, kind) != w.Ask {
		return "touch"
	}
	if q.Levels == 0 {
		return ""
	}
	o := LevelOptions{Net: q.Net, Quotes: q.Quotes, Now: w.At}
	bids, asks := slowLevels(m, market.Buy, o), slowLevels(m, market.Sell, o)
	if !slices.Equal(w.Bids, bids[:min(len(bids), q.Levels)]) || !slices.Equal(w.Asks, asks[:min(len(asks), q.Levels)]) {
		return "levels"
	}
	return ""
}

// bookOf makes a book of what a view shows of a venue.
func bookOf(w *View, v market.VenueID) *Book {
	top := &w.Venues[v]
	if !top.Traded {
		return nil
	}
	b := New(Capacity{Levels: MaxViewLevels}, nil)
	b.State = top.State
	for _, side := range []market.Side{market.Buy, market.Sell} {
		for _, l := range w.VenueLevels(side, v) {
			b.Ladder(side).Set(l.Price, l.Qty)
		}
	}
	b.Quote = Quote{Bid: top.Bid.Price, BidQty: top.Bid.Qty, Ask: top.Ask.Price, AskQty: top.Ask.Qty, Until: top.Until}
	return b
}

func viewTime(seq uint64) int64 { return 1_000 + 10_000*int64(seq) }

func viewFeatures(seq uint64) Features {
	s := int64(seq)
	return Features{VarFast: s, VarSlow: 2 * s, Flow: 3 * s, Volume: 4 * s, Trades: 5 * s, OFI: 6 * s, Depth: 7 * s, Pace: 8 * s,
		PaceSlow: 9 * s, prints: 10 * s, mid2: 11 * s, last2: 12 * s, second: 13 * s, seconds: 14 * s}
}

// TestViewIsNeverTorn lets three readers ask as fast as they can while the core
// works through random days of two instruments, and checks every word that they
// see. With -race it also shows that every copy is ordered.
func TestViewIsNeverTorn(t *testing.T) {
	const want = 600 // answers a reader
	composites := []*Composite{mixedComposite(), mixedComposite()}
	composites[1].Instrument = 1
	board := NewBoard(2, 8, 3, 24)
	var left atomic.Int32
	var readers sync.WaitGroup
	for r := range 3 {
		left.Add(1)
		readers.Add(1)
		go func() {
			defer readers.Done()
			defer left.Add(-1)
			watch := board.Watch()
			defer watch.Close()
			seq, at := uint64(0), int64(0)
			var last *View
			var lastAsk Ask
			for n := range want {
				q := Ask{Instrument: market.InstrumentID(n & 1), Levels: []int{0, 24, 5}[(n+r)%3], Net: n&4 != 0, Quotes: n&8 != 0}
				if !watch.Ask(q) {
					t.Errorf("%+v was refused", q)
					return
				}
				if last != nil { // it is the reader's until it takes again
					if why := trouble(last, lastAsk); why != "" || last.Seq != seq {
						t.Errorf("the core wrote into a reader's view: %s", why)
						return
					}
				}
				view, ok := watch.Take()
				for ; !ok; view, ok = watch.Take() {
					runtime.Gosched()
				}
				last, lastAsk = view, q
				if why := trouble(view, q); why != "" {
					t.Errorf("torn view: %s of %+v: %+v", why, q, *view)
					return
				}
				if view.Seq < seq || view.At < at {
					t.Errorf("time went back: seq %d after %d, at %d after %d", view.Seq, seq, view.At, at)
					return
				}
				seq, at = view.Seq, view.At
			}
		}()
	}
	seq := uint64(0)
	for day := uint64(0); left.Load() > 0; day++ {
		for ops := randomOps(day, 1000); len(ops) > 0; ops = ops[4:] {
			seq++
			now := viewTime(seq)
			e := randomEvent(ops, now)
			m := composites[seq&1]
			m.Apply(&e)
			m.Refresh(now)
			composites[0].Features, composites[1].Features = viewFeatures(seq), viewFeatures(seq)
			board.Serve(composites, seq, now, now)
		}
	}
	readers.Wait()
}

func TestViewChangesNothingInTheCore(t *testing.T) {
	m := mixedComposite()
	m.Apply(&event.Event{Kind: event.Quote, Venue: 1, Price: 98, Qty: 3, LastPx: 100, LastQty: 11, Until: 50_000})
	m.Apply(&event.Event{Kind: event.Quote, Venue: 5, Price: 97, Qty: 4, LastPx: 101, LastQty: 12})
	m.Refresh(10)
	before, books := *m, *m.Books[1]
	board := NewBoard(1, 8, 1, 4)
	watch := board.Watch()
	for _, c := range []struct {
		now int64
		bid market.Price
	}{{49_999, 98}, {150_000, 97}} {
		watch.Ask(Ask{Levels: 4, Quotes: true})
		if !board.Serve([]*Composite{m}, 7, 10, c.now) {
			t.Fatal("not answered")
		}
		view, ok := watch.Take()
		if !ok || view.Bid.Price != c.bid || view.Bids[0].Price != c.bid || view.Seq != 7 || view.At != c.now {
			t.Errorf("at %d: %+v", c.now, view)
		}
	}
	if !reflect.DeepEqual(*m, before) || !reflect.DeepEqual(*m.Books[1], books) {
		t.Error("a reader changed the core")
	}
}

func TestBoardRestsAndTakesTurns(t *testing.T) {
	composites := []*Composite{mixedComposite()}
	board := NewBoard(1, 8, 2, 4)
	a, b := board.Watch(), board.Watch()
	if a == nil || b == nil || board.Watch() != nil {
		t.Fatal("two mailboxes of two")
	}
	for i, ok := range []bool{a.Ask(Ask{Instrument: 1}), a.Ask(Ask{Levels: 5}), a.Ask(Ask{Levels: -1})} {
		if ok {
			t.Errorf("bad request %d was taken", i)
		}
	}
	if view, ok := a.Take(); ok || view.Seq != 0 || board.Asked() {
		t.Error("an answer without a request")
	}
	a.Ask(Ask{})
	b.Ask(Ask{})
	now := int64(1e9)
	if !board.Serve(composites, 1, now, now) || board.Serve(composites, 2, now+1, now+1) {
		t.Error("no rest after an answer")
	}
	a.Ask(Ask{}) // asks again before b was answered
	now += restNanos
	board.Serve(composites, 3, now, now)
	if view, ok := b.Take(); !ok || view.Seq != 3 {
		t.Error("who asks often pushed another away")
	}
	if !board.Serve(composites, 4, 5, 5) { // the clock stepped back
		t.Error("the board rests for ever")
	}
	if view, ok := a.Take(); !ok || view.Seq != 4 || view.At != now {
		t.Errorf("view %+v: time must not go back", view)
	}
	if _, ok := a.Take(); !ok {
		t.Error("the view was gone when it was looked at again")
	}
	a.Ask(Ask{})
	if view, ok := a.Take(); ok || view.Seq != 4 {
		t.Error("the last view is not there while the next is awaited")
	}
	a.Close()
	if c := board.Watch(); c != a {
		t.Error("a mailbox that was given back is not free")
	} else if _, ok := c.Take(); ok {
		t.Error("the next reader got an answer to another's request")
	}
}

// TestViewStaysWhileNewerOnesCome: answers that the reader does not take go over
// each other, never into the view that it holds.
func TestViewStaysWhileNewerOnesCome(t *testing.T) {
	m := mixedComposite()
	board := NewBoard(1, 8, 1, 4)
	watch := board.Watch()
	var held *View
	for seq := uint64(1); seq <= 20; seq++ {
		watch.Ask(Ask{})
		now := viewTime(seq * 10)
		if !board.Serve([]*Composite{m}, seq, now, now) {
			t.Fatal("not answered")
		}
		if seq%5 == 1 {
			held, _ = watch.Take()
		}
		if want := (seq-1)/5*5 + 1; held.Seq != want {
			t.Fatalf("after answer %d the view held is %d, want %d", seq, held.Seq, want)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	m := litComposite(10, 20)
	board, dst, i := NewBoard(1, 10, 1, 16), make([]AggLevel, 16), 0
	watch := board.Watch()
	events, composites := walk(10, 1<<12), []*Composite{m}
	dealer := mixedComposite()
	answers := 0
	if n := testing.AllocsPerRun(2000, func() {
		m.Apply(&events[i%len(events)])
		i++
		m.Refresh(int64(i) * 100_000)
		m.Levels(market.Sell, dst, LevelOptions{Net: true, Quotes: true})
		m.DepthImbalance(5)
		watch.Ask(Ask{Levels: 16})
		board.Serve(composites, uint64(i), int64(i)*100_000, int64(i)*100_000)
		if _, ok := watch.Take(); ok {
			answers++
		}
		dealer.Apply(&event.Event{Kind: event.Quote, Venue: 1, Price: 98, Qty: 3, LastPx: 100, LastQty: 11, Until: int64(i) + 5})
		dealer.Refresh(int64(i))
	}); n != 0 || answers < 400 {
		t.Errorf("%v allocations per update, %d answers", n, answers)
	}
}
