package iex

import "penstock/event"

// ReceiverStats counts since the start.
type ReceiverStats struct {
	Packets    uint64 // whole segments of our channel, heartbeats included
	Heartbeats uint64
	Messages   uint64 // delivered
	Duplicates uint64 // messages that had been delivered before
	Gaps       uint64
	Missing    uint64 // messages between what was delivered and what came
	Restarts   uint64 // streams that began again at sequence 1 within a session
	Sessions   uint64
	Malformed  uint64 // datagrams that are no segment
	Foreign    uint64 // segments of another channel, or late ones of a session or stream that is over
}

// Receiver puts the segments of one stream in order and gives their messages to a
// Decoder. IEX has no re-request over the stream itself, so what is missing stays
// missing: the receiver goes on behind the gap and the books are STALE.
type Receiver struct {
	decoder  *Decoder
	channel  uint32
	session  uint32
	next     uint64 // sequence of the next message; 0 before the first segment
	sendTime int64  // of the last segment taken
	again    bool   // the last segment found no room and is offered again
	stats    ReceiverStats
}

// NewReceiver returns a receiver that feeds d.
func NewReceiver(d *Decoder) *Receiver { return &Receiver{decoder: d} }

// Stats returns the counters. The pointer stays valid.
func (r *Receiver) Stats() *ReceiverStats { return &r.stats }

// Receive takes one datagram, received at now (ns since epoch). ErrSegment: nothing
// of it was used. ErrNoRoom: offer the same datagram again; messages of it that
// were delivered are not delivered twice. Another error is that of the last message
// that the decoder refused; the rest of the segment was used.
func (r *Receiver) Receive(now int64, datagram []byte) error {
	s, err := parseSegment(datagram)
	if err != nil {
		r.stats.Malformed++
		return err
	}
	if !r.decoder.Settle(now) {
		return ErrNoRoom
	}
	if !r.join(now, &s) {
		r.stats.Foreign++
		return nil
	}
	if s.seq > r.next {
		r.stats.Gaps++
		r.stats.Missing += s.seq - r.next
		r.next = s.seq
		r.decoder.Stale(now, event.ReasonGap)
	}
	r.sendTime = max(r.sendTime, s.sendTime)
	if err := r.deliver(now, &s); err == ErrNoRoom {
		return err
	} else if r.stats.Packets++; s.count == 0 {
		r.stats.Heartbeats++
	} else if err != nil {
		return err
	}
	return nil
}

// join decides whether a segment belongs to the stream, and begins a new one where
// it does not: with another session, or when the session begins again at sequence 1,
// which only a segment sent later than all of ours can say. A copy of the first
// segment that comes late was sent before.
func (r *Receiver) join(now int64, s *segment) bool {
	switch {
	case r.next != 0 && s.channel != r.channel:
		return false
	case r.next == 0, s.session != r.session && s.sendTime > r.sendTime:
		r.stats.Sessions++
	case s.session != r.session:
		return false
	case s.seq == 1 && r.next > 1 && s.sendTime > r.sendTime:
		r.stats.Restarts++
	default:
		return true
	}
	r.channel, r.session, r.sendTime = s.channel, s.session, s.sendTime
	r.next = s.seq
	r.decoder.Reset(now)
	if s.seq == 1 {
		r.decoder.Live(now)
	}
	return true
}

func (r *Receiver) deliver(now int64, s *segment) (last error) {
	if !r.again && s.seq < r.next {
		r.stats.Duplicates += min(r.next, s.next()) - s.seq
	}
	r.again = false
	blocks := s.blocks
	for seq := s.seq; seq < s.next(); seq++ {
		msg, rest, err := cutBlock(blocks)
		if err != nil {
			return err // parseSegment has checked the blocks
		}
		blocks = rest
		if seq < r.next {
			continue
		}
		if err := r.decoder.Decode(now, msg); err == ErrNoRoom {
			r.again = true
			return err
		} else if err != nil {
			last = err
		}
		r.next++
		r.stats.Messages++
	}
	return last
}
