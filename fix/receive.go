package fix

import (
	"bytes"
	"fmt"
)

// header is what the session layer reads of every message.
type header struct {
	seq      uint64 // 0: missing or not a positive number
	sent     int64  // SendingTime(52)
	sentOK   bool   // it is there and a time
	possDup  bool
	sender   []byte
	target   []byte
	begin    []byte
	origSent []byte
}

// read takes the header fields of m: those before the first that is none.
func (h *header) read(m *Message) {
	*h = header{}
	if m.n > 0 && m.tags[0] == TagBeginString {
		_, h.begin = m.Field(0)
	}
	x := m.index
	in := func(s Slot) bool { return uint(x.at[s]-1) < uint(x.body) }
	if in(SlotMsgSeqNum) {
		if v, ok := m.UintAt(SlotMsgSeqNum); ok {
			h.seq = v
		} else if v, err := ParseInt(m.At(SlotMsgSeqNum)); err == nil && v > 0 {
			h.seq = uint64(v) // with leading zeros
		}
		if h.seq > 1<<63-1 {
			h.seq = 0
		}
	}
	if in(SlotSenderCompID) {
		h.sender = m.At(SlotSenderCompID)
	}
	if in(SlotTargetCompID) {
		h.target = m.At(SlotTargetCompID)
	}
	if in(SlotSendingTime) {
		h.sent, h.sentOK = m.TimeAt(SlotSendingTime)
	}
	if in(SlotPossDupFlag) {
		v := m.At(SlotPossDupFlag)
		h.possDup = len(v) == 1 && v[0] == 'Y'
	}
	if in(SlotOrigSendingTime) {
		h.origSent = m.At(SlotOrigSendingTime)
	}
}

// Receive takes the bytes read from the socket and returns how many of them it is
// done with; the caller offers the rest again, with more behind it. A message
// that App refuses stays at the front.
func (s *Session) Receive(now int64, buf []byte) (consumed int) {
	s.held = false
	for consumed < len(buf) {
		if s.state == Closing || s.state == Disconnected {
			return len(buf)
		}
		n, garbled, parsed := s.m.Next(buf[consumed:], s.cfg.FrameLimit)
		if garbled != nil {
			s.onGarbled(now, garbled)
			consumed += n
			continue
		}
		if n == 0 {
			break
		}
		s.garbled = 0
		if !s.onMessage(now, parsed) {
			s.held = true
			break
		}
		consumed += n
	}
	s.save()
	return consumed
}

// onGarbled ignores the bytes, as FIX demands: a lost message shows as a gap.
// Only a peer that sends nothing else is disconnected.
func (s *Session) onGarbled(now int64, err error) {
	s.stats.Garbled++
	s.garbled++
	if s.state == AwaitLogon {
		s.close("first message: " + err.Error())
	} else if s.garbled > maxGarbled {
		s.logout(now, "%d garbled messages in a row", s.garbled)
	}
}

// onMessage handles the message in s.m; false means that App refused it.
func (s *Session) onMessage(now int64, parseErr error) (taken bool) {
	m, h := &s.m, &s.h
	h.read(m)
	s.lastIn, s.tested = now, false
	msgType := m.Type()
	switch {
	case string(h.begin) != s.cfg.BeginString:
		s.fault(now, "BeginString(8) must be %s", s.cfg.BeginString)
		return true
	case msgType == nil: // the first three fields are out of order: garbled
		s.stats.Garbled++
		return true
	case h.sender == nil || h.target == nil || h.seq == 0 && !s.isReset(msgType):
		s.onHeader(now, parseErr)
		return true
	case string(h.sender) != s.cfg.TargetCompID || string(h.target) != s.cfg.SenderCompID:
		s.onCompID(now)
		return true
	case s.state == AwaitLogon && string(msgType) != MsgLogon:
		s.onEarly(msgType)
		return true
	case len(msgType) == 1 && msgType[0] == MsgLogon[0]:
		s.onLogon(now, parseErr)
		return true
	case !s.timely(now):
		s.onSendingTime(now)
		return true
	}
	return s.inSequence(now, msgType, parseErr)
}

// inSequence orders a message by its number and handles it when it is the next.
func (s *Session) inSequence(now int64, msgType []byte, parseErr error) (taken bool) {
	h := &s.h
	kind := byte(0)
	if len(msgType) == 1 {
		kind = msgType[0]
	}
	if s.isReset(msgType) {
		s.onReset(now, parseErr)
		return true
	}
	switch {
	case h.seq > s.nextIn:
		s.onGap(now, kind)
		return true
	case h.seq < s.nextIn:
		s.onLow(now)
		return true
	case parseErr != nil:
		s.Reject(now, &s.m, parseErr.(*FieldError))
		s.advance(now, h.seq+1)
		return true
	}
	switch kind {
	case '0':
		s.onHeartbeat()
	case '1':
		s.onTestRequest(now)
	case '2':
		s.onResendRequest(now)
	case '3':
		s.stats.RejectsIn++
		if !s.cfg.App(&s.m, now) {
			return false
		}
	case '4':
		s.onGapFill(now)
		return true
	case '5':
		s.onLogout(now)
	default:
		if !s.cfg.App(&s.m, now) {
			return false
		}
	}
	s.advance(now, h.seq+1)
	return true
}

// advance says that everything before next was received.
func (s *Session) advance(now int64, next uint64) {
	s.stats.In++
	s.nextIn = next
	if s.gapHigh == 0 || s.state == Closing {
		return
	}
	switch {
	case next > s.gapHigh:
		s.gapHigh, s.gapTries = 0, 0
	case next > s.gapEnd:
		s.gapTries = 0
		s.requestResend(now)
	default:
		s.gapAt = now // it progresses
	}
}

// fault ends the session; before the Logon without a word, as the peer is not
// known.
func (s *Session) fault(now int64, format string, args ...any) {
	if s.state == AwaitLogon {
		s.close("first message: " + fmt.Sprintf(format, args...))
		return
	}
	s.logout(now, format, args...)
}

// isReset reports whether the message is SequenceReset(35=4) in reset mode, whose own
// number means nothing.
func (s *Session) isReset(msgType []byte) bool {
	return len(msgType) == 1 && msgType[0] == MsgSequenceReset[0] && !s.m.Flag(TagGapFillFlag)
}

// onHeader handles a message whose header lacks 34, 49 or 56. One that stands
// further back, or is empty, is rejected; without a number the session ends.
func (s *Session) onHeader(now int64, parseErr error) {
	seq, err := s.m.Int(TagMsgSeqNum)
	if err != nil || seq < 1 {
		s.fault(now, "MsgSeqNum(34) is missing or not a positive number")
		return
	}
	if s.state == AwaitLogon {
		s.close("first message: header is incomplete")
		return
	}
	cause, ok := parseErr.(*FieldError)
	for _, tag := range [...]int{TagMsgSeqNum, TagSenderCompID, TagTargetCompID} {
		_, found := s.m.Get(tag)
		if !ok && (!found || tag == TagMsgSeqNum && s.h.seq == 0) {
			cause, ok = s.m.Bad(tag, RejectOrder), true
		}
	}
	if !ok { // a CompID stands behind the header
		cause = s.m.Bad(TagTargetCompID, RejectOrder)
	}
	s.Reject(now, &s.m, cause)
	if uint64(seq) == s.nextIn {
		s.advance(now, s.nextIn+1)
	}
}

func (s *Session) onCompID(now int64) {
	if s.state == AwaitLogon {
		s.close("Logon with wrong SenderCompID(49) or TargetCompID(56)")
		return
	}
	s.Reject(now, &s.m, &FieldError{-1, 0, RejectCompID})
	s.logout(now, "wrong SenderCompID(49) or TargetCompID(56)")
}

// timely reports whether SendingTime(52) is there and near enough to now.
func (s *Session) timely(now int64) bool {
	if !s.h.sentOK {
		return false
	}
	limit := int64(s.cfg.MaxSkewSecs) * second
	return limit < 0 || s.h.sent-now <= limit && now-s.h.sent <= limit
}

func (s *Session) onSendingTime(now int64) {
	if !s.h.sentOK {
		reason := RejectFormat
		if _, ok := s.m.Get(TagSendingTime); !ok {
			reason = RejectMissingTag
		}
		s.Reject(now, &s.m, &FieldError{-1, TagSendingTime, reason})
		if s.h.seq == s.nextIn {
			s.advance(now, s.h.seq+1)
		}
		return
	}
	s.Reject(now, &s.m, &FieldError{-1, 0, RejectSendingTime})
	s.logout(now, "SendingTime(52) is more than %d s off", s.cfg.MaxSkewSecs)
}

// onLow handles a number that was already used.
func (s *Session) onLow(now int64) {
	if s.h.possDup {
		s.onDuplicate(now)
		return
	}
	s.logout(now, "MsgSeqNum(34) too low, expecting %d but received %d", s.nextIn, s.h.seq)
}

// onDuplicate ignores a message that was seen, once its times make sense.
func (s *Session) onDuplicate(now int64) {
	s.stats.Duplicates++
	if s.h.origSent == nil {
		s.Reject(now, &s.m, missing(TagOrigSendingTime))
		return
	}
	if orig, err := ParseTime(s.h.origSent); err != nil || orig > s.h.sent {
		s.Reject(now, &s.m, &FieldError{-1, 0, RejectSendingTime})
		s.logout(now, "OrigSendingTime(122) is after SendingTime(52)")
	}
}

func (s *Session) onTestRequest(now int64) {
	s.begin(now, MsgHeartbeat)
	if id, ok := s.m.Get(TagTestReqID); ok {
		s.w.Bytes(TagTestReqID, id)
	}
	s.send()
}

func (s *Session) onLogout(now int64) {
	text := "peer logged out"
	if why, ok := s.m.Get(TagText); ok {
		text += ": " + printable(string(why))
	}
	if s.state != AwaitLogout {
		s.sendLogout(now, "")
	} else if why, ok := s.m.Get(TagText); !ok || len(bytes.TrimSpace(why)) == 0 {
		text = s.reason
	}
	s.close(text)
}

// printable makes text of the peer safe to log and to send.
func printable(text string) string {
	const limit = 200
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b[:min(len(b), limit)])
}
