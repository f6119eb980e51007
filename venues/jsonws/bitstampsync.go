package jsonws

import "penstock/event"

// bitstampSync joins an HTTP snapshot and the differences around it.
//
// The snapshot may come from a cache and be older than the subscription, and
// differences have no numbers that would show it. So a book is LIVE only when the
// first message, of whatever book, that came after the subscription was confirmed
// is not newer than the snapshot.
type bitstampSync struct {
	taken    bool  // a snapshot was told but not proven
	live     bool  // proven
	since    int64 // time of that first message; 0 none came; µs since epoch
	snapshot int64 // time of the snapshot
	last     int64 // time of the last difference in the book
	held     []bitstampHeld
	levels   []change // of all held, in order
}

// bitstampHeld is a difference that waits for the snapshot; its levels are the
// next n.
type bitstampHeld struct {
	time int64
	n    int
}

func (s *bitstampSync) restart() {
	*s = bitstampSync{held: s.held[:0], levels: s.levels[:0]}
}

// settle notices that a book was lost since.
func (t *Bitstamp) settle(b *book) *bitstampSync {
	s := &t.syncs[b.index]
	if s.live && !b.live || s.taken && b.told != event.BookSyncing {
		s.restart()
		t.unproven = true
	}
	return s
}

// passed tells every book that waits for it what time it is at the venue. The book
// that the message is of comes last: what the sink does not take of it is kept.
func (t *Bitstamp) passed(now, time int64, of *book) {
	if !t.unproven && !t.wanting {
		return
	}
	t.unproven = false
	for i := range t.books.all {
		b := &t.books.all[i]
		if b == of {
			continue
		}
		s := t.settle(b)
		switch {
		case s.since != 0:
		case !b.confirmed:
			t.unproven = true
		case !t.prove(now, time, b, s):
			t.discard()
			s.taken, s.live, s.since, b.live = true, false, 0, false
			t.unproven = true
		}
	}
	if s := t.settle(of); s.since == 0 {
		t.prove(now, time, of, s)
	}
}

// prove settles whether the snapshot of b, if there is one, is newer than the
// subscription. told is false when the sink has no room for LIVE.
func (t *Bitstamp) prove(now, time int64, b *book, s *bitstampSync) (told bool) {
	s.since = time
	if !s.taken {
		return true
	}
	s.taken = false
	if time > s.snapshot {
		t.stats.Gaps++
		b.resync, t.wanting = true, true
		return true
	}
	s.live, b.live = true, true
	t.begin(now, b)
	t.status(event.BookLive)
	return t.tell(now)
}

// difference takes a message of diff_order_book that was read whole.
func (t *Bitstamp) difference(now int64, b *book, msg []byte) error {
	in, s := &t.in, t.settle(b)
	taken := s.taken
	t.passed(now, in.time, b)
	switch {
	case !s.live:
		t.stats.Early++
		s.hold(in.time, in.levels, t.buffered)
		if taken {
			return tooOld(b, msg)
		}
		return nil
	case in.time <= s.snapshot:
		t.stats.Early++
		return nil
	case in.time < s.last:
		s.restart()
		t.unproven = true
		return t.refuse(now, b, msg, ErrGap)
	}
	s.last, b.srcTime = in.time, in.time*1000
	t.stats.Used++
	t.begin(now, b)
	t.tellChanges(now, in.levels)
	return nil
}

// tooOld says that the snapshot of b may lack something and is not used.
func tooOld(b *book, msg []byte) error {
	return &MessageError{Symbol: b.Text, Text: string(msg[:min(len(msg), excerptMax)]), Err: ErrGap}
}

// hold keeps a difference. When there are more levels than the bound all are given
// up, and only a snapshot after them will do.
func (s *bitstampSync) hold(time int64, levels []change, bound int) {
	if len(s.levels)+len(levels) > bound || len(s.held) >= bound {
		s.held, s.levels, s.since = s.held[:0], s.levels[:0], max(s.since, time)
		return
	}
	s.held = append(s.held, bitstampHeld{time, len(levels)})
	s.levels = append(s.levels, levels...)
}

// join replaces the book by the snapshot in t.in and plays the held differences
// that are newer onto it. ErrGap says that it is too old: a newer one is needed,
// and nothing was told.
func (t *Bitstamp) join(now int64, b *book, msg []byte) error {
	in, s := &t.in, t.settle(b)
	at := in.time
	switch {
	case s.live && at < max(s.last, s.snapshot):
		t.stats.Early++
		return nil
	case !s.live && s.since != 0 && at < s.since:
		t.stats.Gaps++
		b.resync, t.wanting = true, true
		return tooOld(b, msg)
	}
	t.begin(now, b)
	t.clear(in.levels)
	rest, last, since := s.levels, at, s.since
	for _, d := range s.held {
		if d.time > at {
			t.list = append(t.list, rest[:d.n]...)
			last = d.time
		}
		rest = rest[d.n:]
	}
	s.restart()
	s.since, s.snapshot, s.last = since, at, last
	b.resync, b.srcTime = false, last*1000
	if since != 0 {
		s.live, b.live = true, true
		t.status(event.BookLive)
	} else {
		s.taken, t.unproven = true, true
	}
	t.stats.Snapshots++
	t.stats.Used++
	t.tell(now)
	return nil
}
