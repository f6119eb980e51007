package itch

// Receive takes one datagram. The only error is ErrPacket; nothing of such a
// datagram was used.
func (r *Receiver) Receive(now int64, datagram []byte) error {
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
	r.heard = now
	r.known = max(r.known, p.next())
	r.end = r.end || p.end
	if p.count == 0 {
		r.stats.Heartbeats++
	} else {
		r.take(now, &p, datagram)
	}
	r.settle(now)
	return nil
}

// join decides whether a packet belongs to the session. Another session takes
// over when two of its packets come with none of ours between them, so that one
// stray or late packet does not throw the books away.
func (r *Receiver) join(now int64, p *packet) bool {
	if r.next != 0 {
		if p.session == r.session {
			r.other = Session{}
			return true
		}
		if p.session != r.other {
			r.other = p.session
			return false
		}
	}
	r.session, r.other = p.session, Session{}
	r.end, r.state = false, Waiting
	r.stats.Sessions++
	first := p.seq
	if r.cfg.FromStart {
		first = 1
	}
	r.known = first
	r.begin(now, first)
	return true
}

func (r *Receiver) begin(now int64, first uint64) {
	r.first, r.next = first, first
	r.requests, r.requestAt, r.refusedAt = 0, now, 0
	r.held.clear()
	r.cfg.Begin(now)
}

// Restart asks for the session again from its first message; false means that
// there is no session yet or that it must not be asked for.
func (r *Receiver) Restart(now int64) bool {
	if r.next == 0 || !r.cfg.FromStart {
		return false
	}
	r.begin(now, 1)
	if r.state != Silent {
		r.state = Recovering
	}
	r.settle(now)
	return true
}

// Tick lets time pass: it offers refused messages again and notices silence.
func (r *Receiver) Tick(now int64) {
	if r.held.n > 0 {
		r.drain(now)
		r.settle(now)
	}
	if (r.state == InOrder || r.state == Recovering) && now-r.heard > r.cfg.SilenceNanos {
		r.state = Silent
	}
}

func (r *Receiver) take(now int64, p *packet, datagram []byte) {
	switch {
	case p.next() <= r.next:
		r.stats.Duplicates += uint64(p.count)
	case p.seq > r.next, r.refusedAt != 0, !r.deliver(now, p.seq, p.blocks):
		if !r.held.put(p.seq, p.next(), datagram) {
			r.stats.Dropped++
		}
	}
	r.drain(now)
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
	for ; len(blocks) > 0; seq++ {
		msg, rest, err := cutBlock(blocks)
		if err != nil {
			return true // parsePacket has checked the blocks
		}
		blocks = rest
		if seq < r.next {
			r.stats.Duplicates++
			continue
		}
		if r.cfg.Deliver(now, msg) == ErrNoRoom {
			r.stats.Refused++
			if r.refusedAt == 0 {
				r.refusedAt = now
			}
			return false
		}
		r.next++
		r.stats.Messages++
		r.refusedAt = 0
		r.requests, r.requestAt = 0, now
	}
	return true
}

// settle derives the state from what is delivered, held and announced.
func (r *Receiver) settle(now int64) {
	if r.next == r.known {
		r.state = InOrder
		if r.end {
			r.state = Ended
		}
		return
	}
	missing := r.held.first(r.known) - r.next
	if r.refusedAt != 0 && missing == 0 || r.state == Recovering {
		return // nothing is missing but room, or it is known to be
	}
	if r.state == InOrder {
		r.stats.Gaps++
		r.stats.Missing += missing
	}
	r.state = Recovering
	r.requests, r.requestAt = 0, now
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
