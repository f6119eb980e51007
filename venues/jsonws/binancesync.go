package jsonws

import "penstock/event"

// sync joins a snapshot and the updates around it into one book without a hole.
type sync struct {
	state  syncState
	last   uint64 // number of the last update in the book, or of the snapshot
	held   []heldDiff
	levels []change // of all held, in order
}

type syncState uint8

const (
	syncAwaiting syncState = iota // no snapshot: updates are held
	syncTaken                     // snapshot taken, the update that follows on it has not come
	syncLive                      // updates follow one another
)

// heldDiff is an update that waits for a snapshot; its levels are the next n.
type heldDiff struct {
	first, last, previous uint64
	n                     int
}

// verdict says what an update is to a book.
type diffVerdict uint8

const (
	diffOld    diffVerdict = iota // the book has it already
	diffNext                      // follows on what the book has
	diffBeyond                    // something between is missing
)

// judge compares an update with the book. The first after a snapshot may begin
// before it: its quantities are absolute.
//
// Spot: U ≤ last+1 ≤ u, and after the first normally U = last+1. Futures, first:
// pu ≤ last ≤ u, which is what Binance's U ≤ last ≤ u means, for numbers between
// pu and U are no updates of this book; then pu = last.
func (s *sync) judge(market BinanceMarket, d heldDiff) diffVerdict {
	first := s.state == syncTaken
	switch {
	case market == BinanceSpot:
		switch {
		case d.last <= s.last:
			return diffOld
		case d.first <= s.last+1:
			return diffNext
		}
	case d.last < s.last, !first && d.last == s.last:
		return diffOld
	case d.previous == s.last, first && d.previous <= s.last:
		return diffNext
	}
	return diffBeyond
}

// hold keeps an update; more levels than the bound push all the earlier ones out,
// after which only a snapshot newer than those is of use.
func (s *sync) hold(d heldDiff, levels []change, bound int) (overflow bool) {
	if len(s.levels)+len(levels) > bound || len(s.held) >= bound {
		overflow = len(s.held) > 0
		s.forget()
	}
	if len(levels) <= bound {
		s.held = append(s.held, d)
		s.levels = append(s.levels, levels...)
	}
	return overflow || len(levels) > bound
}

func (s *sync) forget() { s.held, s.levels = s.held[:0], s.levels[:0] }

// update takes a diff that was read whole.
func (n *Binance) update(now int64, b *book, msg []byte) error {
	in, s := &n.in, &n.syncs[b.index]
	d := heldDiff{in.first, in.last, in.previous, len(in.levels)}
	if d.last < d.first {
		return n.refuse(now, b, msg, ErrAbsurd)
	}
	if b.told == event.BookStale {
		s.state = syncAwaiting // lost since: only a snapshot leads out of STALE
	}
	if s.state == syncAwaiting {
		n.stats.Early++
		n.hold(b, d)
		return nil
	}
	switch s.judge(n.market, d) {
	case diffOld:
		n.stats.Early++
		return nil
	case diffBeyond:
		s.state = syncAwaiting
		n.hold(b, d)
		return n.refuse(now, b, msg, ErrGap)
	}
	n.stats.Used++
	n.begin(now, b)
	if s.state == syncLive {
		s.last = d.last
		n.tellChanges(now, in.levels)
		return nil
	}
	n.list = append(n.list, in.levels...)
	n.follow(b, s, d.last)
	n.tell(now)
	return nil
}

// hold keeps the update at hand until its book has a snapshot.
func (n *Binance) hold(b *book, d heldDiff) {
	if n.syncs[b.index].hold(d, n.in.levels, n.buffered) {
		n.stats.Overflows++
	}
}

// follow notes that the book now holds everything up to last, and lists LIVE when
// that is proven for the first time since the snapshot.
func (n *Binance) follow(b *book, s *sync, last uint64) {
	s.last = last
	if s.state != syncLive {
		s.state = syncLive
		b.live, b.resync = true, false
		n.status(event.BookLive)
	}
}

// replace replaces the book and plays the held updates onto it. ErrGap says
// that the snapshot is older than the first held update: a newer one is needed,
// and nothing was told.
func (n *Binance) replace(now int64, b *book, msg []byte, last uint64, levels []change) error {
	s := &n.syncs[b.index]
	trial := sync{state: syncTaken, last: last}
	for _, d := range s.held {
		switch trial.judge(n.market, d) {
		case diffNext:
			trial.state, trial.last = syncLive, d.last
		case diffBeyond:
			n.stats.Gaps++
			b.resync, n.wanting = true, true
			return &MessageError{Symbol: b.Text, Text: string(msg[:min(len(msg), excerptMax)]), Err: ErrGap}
		}
	}
	b.live, b.resync = false, false
	s.state, s.last = syncTaken, last
	n.begin(now, b)
	n.clear(levels)
	rest, reached, proven := s.levels, last, false
	for _, d := range s.held {
		if s.judge(n.market, d) == diffNext {
			n.list = append(n.list, rest[:d.n]...)
			s.state, s.last = syncLive, d.last
			reached, proven = d.last, true
		}
		rest = rest[d.n:]
	}
	s.forget()
	n.stats.Snapshots++
	n.stats.Used++
	if s.state = syncTaken; proven {
		n.follow(b, s, reached)
	}
	n.tell(now)
	return nil
}
