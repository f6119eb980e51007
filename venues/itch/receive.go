package itch

import "encoding/binary"

// Receive takes one datagram of a line, 0 to Lines-1, or of the re-request server,
// Answer. The only error is ErrPacket; nothing of such a datagram was used.
func (r *Receiver) Receive(now int64, from int, datagram []byte) error {
	if r.due(now, from, datagram) {
		return nil
	}
	return r.receive(now, from, datagram)
}

// due takes a packet with the one message that is due, as most are of a stream that misses nothing.
// false: it is another one, or there is no room for the message, and nothing of r has changed; receive will offer it
// again. What due does is what receive would.
func (r *Receiver) due(now int64, from int, b []byte) bool {
	const size = headerSize + 2 // and the message
	if len(b) < size || len(b) > MaxPacket || r.state != InOrder || from < 0 || r.held.n != 0 || r.cfg.Blocks == nil ||
		binary.BigEndian.Uint64(b[10:]) != r.next || binary.BigEndian.Uint32(b[18:]) != 1<<16|uint32(len(b)-size) ||
		Session(b) != r.session {
		return false
	}
	taken, err := r.cfg.Blocks(now, b[headerSize:])
	if err == ErrNoRoom || taken != 1 {
		return false
	}
	l, s := &r.lines[from], &r.stats.Lines[from]
	if l.next != 0 {
		s.Lost += r.next - l.next // no line is ahead of all of them
	}
	r.next++
	r.known, l.next = r.next, r.next
	r.heard, l.heard, r.requestAt = now, now, now
	r.other, r.requests, s.Silent = Session{}, 0, false
	s.Packets++
	s.Ahead++
	r.stats.Packets++
	r.stats.Messages++
	return true
}

func (r *Receiver) receive(now int64, from int, datagram []byte) error {
	p, err := parsePacket(datagram)
	if err != nil {
		r.stats.Malformed++
		return err
	}
	if !r.join(now, &p) {
		r.stats.Foreign++
		return nil
	}
	r.stats.Packets++
	if from == Answer {
		r.stats.Answers++
	} else {
		r.hear(now, from, &p)
	}
	r.known = max(r.known, p.next())
	r.end = r.end || p.end
	if p.count == 0 {
		r.stats.Heartbeats++
	} else {
		r.take(now, from, &p, datagram)
	}
	r.settle(now)
	return nil
}

// hear notes what a packet says of the line on which it came.
func (r *Receiver) hear(now int64, from int, p *packet) {
	l, s := &r.lines[from], &r.stats.Lines[from]
	r.heard, l.heard = now, now
	s.Silent = false
	s.Packets++
	if p.count > 0 && p.next() > r.known {
		s.Ahead++
	}
	switch {
	case l.next != 0 && p.seq > l.next:
		s.Lost += p.seq - l.next
	case p.seq < l.next:
		s.Late++
	}
	l.next = max(l.next, p.next())
}

// join decides whether a packet belongs to the session. Another session takes
// over when two of its packets come with none of ours between them, so that one
// stray or late packet does not throw the books away. The session before ours does
// not come back within SilenceNanos: a line that is behind still carries its end.
func (r *Receiver) join(now int64, p *packet) bool {
	if r.next != 0 {
		if p.session == r.session {
			r.other = Session{}
			return true
		}
		if p.session == r.left && now-r.leftAt <= r.cfg.SilenceNanos {
			return false
		}
		if p.session != r.other {
			r.other = p.session
			return false
		}
	}
	if !r.cfg.Begin(now) {
		return false
	}
	first := p.seq
	if r.cfg.FromStart && !r.cfg.Snapshot {
		first = 1
	}
	r.left, r.leftAt = r.session, now
	r.session, r.other = p.session, Session{}
	r.end, r.state, r.gap = false, Waiting, false
	r.known = first
	r.lines = [MaxLines]line{}
	for i := range r.lines {
		r.lines[i].heard = now
	}
	r.heard = now
	r.stats.Sessions++
	r.begin(now, first)
	return true
}

// begin sets the receiver to deliver from the message first on, or to hold all
// when that would leave out some.
func (r *Receiver) begin(now int64, first uint64) {
	r.next, r.whole = first, first == 1
	r.loading, r.overrun = r.cfg.Snapshot && !r.whole, false
	r.requests, r.requestAt, r.refusedAt = 0, now, 0
	r.held.clear()
}

// Restart begins again: with the first message of the session, or by holding what
// comes until Continue. false means that there is no session yet, that it must not
// be asked for, or that Begin refused.
func (r *Receiver) Restart(now int64) bool {
	if r.next == 0 || !r.cfg.FromStart && !r.cfg.Snapshot || !r.cfg.Begin(now) {
		return false
	}
	r.gap = false
	if r.cfg.Snapshot {
		r.begin(now, max(r.known, 2)) // not 1, which needs no snapshot
	} else {
		r.begin(now, 1)
	}
	if r.state != Silent {
		r.state = Recovering
		r.settle(now)
	}
	return true
}

// Forget drops the packets held, to hold those that come: a snapshot that is taken
// from now on knows what is in them.
func (r *Receiver) Forget() {
	if r.loading {
		r.held.clear()
		r.overrun = false
	}
}

// Continue says that everything before message seq is known from a snapshot. The
// packets held are delivered from there on. When the stream has not come to seq
// yet, the state stays Loading until it has.
func (r *Receiver) Continue(now int64, seq uint64) {
	if !r.loading || seq == 0 {
		return
	}
	r.loading, r.overrun, r.whole = false, false, true
	r.next, r.since = seq, now
	r.requests, r.requestAt = 0, now
	r.drain(now)
	if r.state != Silent {
		r.settle(now)
	}
}

// Tick lets time pass: it offers refused messages again, ends the wait for another
// line and notices silence.
func (r *Receiver) Tick(now int64) {
	if r.held.n > 0 && !r.loading {
		r.drain(now)
		if r.state != Silent {
			r.settle(now)
		}
	}
	if r.next == 0 || r.state == Ended {
		return
	}
	if r.state == Awaiting && now-r.since >= r.cfg.GapNanos {
		r.recover(now)
	}
	for i := range r.cfg.Lines {
		s := &r.stats.Lines[i]
		if !s.Silent && now-r.lines[i].heard > r.cfg.SilenceNanos {
			s.Silent = true
			s.Silences++
		}
	}
	if r.state != Waiting && now-r.heard > r.cfg.SilenceNanos {
		r.state = Silent
	}
}

func (r *Receiver) take(now int64, from int, p *packet, datagram []byte) {
	if r.loading {
		r.keep(p, datagram)
		return
	}
	filled := r.gap && p.seq <= r.next && p.next() > r.next
	switch {
	case p.next() <= r.next:
		r.stats.Duplicates += uint64(p.count)
	case p.seq > r.next, r.refusedAt != 0, !r.deliver(now, p.seq, p.blocks):
		r.keep(p, datagram)
	}
	switch {
	case !filled:
	case from == Answer:
		r.answered = true
	default:
		r.stats.Lines[from].Filled++
	}
	r.drain(now)
}

func (r *Receiver) keep(p *packet, datagram []byte) {
	switch r.held.put(p.seq, p.next(), datagram) {
	case keptBefore:
		r.stats.Duplicates += uint64(p.count)
	case noSlot:
		r.stats.Dropped++
		if r.loading && !r.overrun {
			r.overrun = true
			r.stats.Overruns++
		}
	}
}

// drain delivers held packets whose turn has come. When there is none, a refused
// message is not at hand any more and has to be requested like a missing one.
func (r *Receiver) drain(now int64) {
	for h := r.held.due(r.next); h != nil; h = r.held.due(r.next) {
		if !r.deliver(now, h.seq, h.data[headerSize:h.size]) {
			return
		}
	}
	r.refusedAt = 0
}

// deliver hands on the messages of blocks, the first of which has number seq, and
// skips those delivered before; false means that there was no room for one.
func (r *Receiver) deliver(now int64, seq uint64, blocks []byte) bool {
	for len(blocks) > 0 {
		msg, rest, err := cutBlock(blocks)
		if err != nil {
			return true // parsePacket has checked the blocks
		}
		if seq < r.next {
			r.stats.Duplicates++
			blocks = rest
			seq++
			continue
		}
		taken := 1
		if r.cfg.Blocks != nil {
			taken, err = r.cfg.Blocks(now, blocks)
			rest = nil
		} else if err = r.cfg.Deliver(now, msg); err == ErrNoRoom {
			taken = 0
		}
		if taken > 0 {
			r.next += uint64(taken)
			r.stats.Messages += uint64(taken)
			r.refusedAt = 0
			r.requests, r.requestAt = 0, now
		}
		if err == ErrNoRoom {
			r.stats.Refused++
			if r.refusedAt == 0 {
				r.refusedAt = now
			}
			return false
		}
		blocks = rest
		seq++
	}
	return true
}

// settle derives the state from what is delivered, held and announced.
func (r *Receiver) settle(now int64) {
	switch {
	case r.loading || r.next > r.known:
		r.state = Loading
		return
	case r.next == r.known:
		r.closeGap()
		r.state = InOrder
		if r.end {
			r.state = Ended
		}
		return
	}
	missing := r.held.first(r.known) - r.next
	if r.refusedAt != 0 && missing == 0 || r.state == Recovering || r.state == Awaiting {
		return // nothing is missing but room, or it is known to be
	}
	if r.state == InOrder {
		r.gap, r.answered, r.gaveUp = true, false, false
		r.stats.Gaps++
		r.stats.Missing += missing
		if r.cfg.Lines > 1 && r.cfg.GapNanos > 0 {
			r.state, r.since = Awaiting, now
			return
		}
	}
	r.recover(now)
}

func (r *Receiver) recover(now int64) {
	r.state = Recovering
	r.requests, r.requestAt = 0, now
}

func (r *Receiver) closeGap() {
	switch {
	case !r.gap:
	case r.answered:
		r.stats.Requested++
	default:
		r.stats.Filled++
	}
	r.gap = false
}

// Lost reports that what is missing will not come: GiveUpRequests requests were
// not answered, or the stream has not come to where the snapshot ended within
// SilenceNanos, though it says its number each second. Only Restart helps.
func (r *Receiver) Lost(now int64) bool {
	switch {
	case r.state == Loading && !r.loading:
		return now-r.since > r.cfg.SilenceNanos
	case r.state != Recovering || r.refusedAt != 0:
		return false
	case r.requests < r.cfg.GiveUpRequests || now < r.requestAt:
		return false
	}
	if r.gap && !r.gaveUp {
		r.gaveUp = true
		r.stats.Lost++
	}
	return true
}

// Request returns the packet to send to the re-request server, nil when none is
// due. At most one request is open: the next follows its answer, or the time
// limit, which doubles while no answer comes. It is valid until the next call.
func (r *Receiver) Request(now int64) []byte {
	if r.state != Recovering || r.refusedAt != 0 || now < r.requestAt {
		return nil
	}
	missing := r.held.first(r.known) - r.next
	if missing == 0 {
		return nil
	}
	count := min(missing, uint64(r.cfg.RequestMessages))
	r.requestAt = now + r.cfg.RequestNanos<<min(r.requests, maxBackoff)
	r.requests++
	r.stats.Requests++
	r.request = appendRequest(r.request[:0], r.session, r.next, uint16(count))
	return r.request
}
