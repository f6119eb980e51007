package fix

import "errors"

// ErrNotLoggedOn reports a message that cannot be sent now.
var ErrNotLoggedOn = errors.New("fix: session is not logged on")

// Begin starts an application message; append its fields and call Send. The
// header is written. It returns nil when an initiator is not logged on or too
// many bytes wait for the socket. An acceptor can always write: what it says
// while the peer is away or does not read is kept and sent when the peer asks.
func (s *Session) Begin(now int64, msgType string) *Writer {
	if s.cfg.Role == Initiator && !s.CanSend() {
		return nil
	}
	s.begin(now, msgType)
	return &s.w
}

// CanSend reports whether an application message would go out now.
func (s *Session) CanSend() bool {
	return s.state == Active && s.waiting() < s.cfg.OutLimit
}

// Send completes the message that Begin started. An error means that a value in
// it cannot be sent; the message is gone and no sequence number used.
func (s *Session) Send() error {
	live := s.CanSend()
	start := s.w.start
	if err := s.send(); err != nil {
		return err
	}
	if s.cfg.Role == Acceptor {
		seq := s.nextOut - 1
		s.log.add(seq, s.msgType, &s.sendTime, s.w.buf[s.msgBody:len(s.w.buf)-trailerLen])
		if !live {
			s.w.buf = s.w.buf[:start]
			if s.state == Active {
				s.close("peer does not read")
			}
		}
	}
	return nil
}

// begin starts a message of any kind.
func (s *Session) begin(now int64, msgType string) {
	s.keep()
	s.w.Begin(msgType)
	s.w.Uint(TagMsgSeqNum, s.nextOut)
	s.compIDs(now)
	s.msgType, s.writeAt, s.writing = msgType, now, true
	s.msgBody = len(s.w.buf)
	s.sendTime = s.w.stamp.text
}

func (s *Session) compIDs(now int64) {
	s.w.Str(TagSenderCompID, s.cfg.SenderCompID)
	s.w.Time(TagSendingTime, now)
	s.w.Str(TagTargetCompID, s.cfg.TargetCompID)
	for i := range s.cfg.Header {
		s.w.Str(s.cfg.Header[i].Tag, s.cfg.Header[i].Value)
	}
}

// send completes a message of any kind and counts it.
func (s *Session) send() error {
	s.writing = false
	body := s.w.body
	if _, err := s.w.Finish(); err != nil {
		return err
	}
	s.msgBody += s.w.body - body
	s.sentAt(s.writeAt)
	return nil
}

// sentAt counts a message that is complete.
func (s *Session) sentAt(now int64) {
	s.claim(s.nextOut)
	s.nextOut++
	s.stats.Out++
	s.lastOut = now
}

// claim keeps the file of sequence numbers ahead of number out.
func (s *Session) claim(out uint64) {
	if s.store != nil && s.storeErr == nil {
		s.storeErr = s.store.claim(out, s.store.in)
	}
}

func (s *Session) sendLogout(now int64, text string) {
	s.begin(now, MsgLogout)
	if text != "" {
		s.w.Str(TagText, text)
	}
	s.send()
}

// Reject sends Reject(35=3) for m, an application message that App is about to
// take but cannot use.
func (s *Session) Reject(now int64, m *Message, cause *FieldError) {
	s.stats.Malformed++
	s.begin(now, MsgReject)
	s.reverseRoute(m)
	if seq, err := m.Int(TagMsgSeqNum); err == nil {
		s.w.Int(TagRefSeqNum, seq)
	}
	if cause.Tag > 0 {
		s.w.Int(TagRefTagID, int64(cause.Tag))
	}
	if t := m.Type(); t != nil {
		s.w.Bytes(TagRefMsgType, t)
	}
	s.w.Int(TagSessionRejectReason, int64(cause.Reason))
	s.w.Str(TagText, cause.Reason.String())
	s.send()
}

// reversed are the fields of the header that name who is behind a peer, and how the answer
// names them: FIX 4.4 vol. 1, "Using OnBehalfOfCompID".
var reversed = [...][2]int{{115, 128}, {116, 129}, {144, 145}, {128, 115}, {129, 116}, {145, 144}}

// reverseRoute says whom behind the peer the answer to m is for.
func (s *Session) reverseRoute(m *Message) {
	for _, tags := range reversed {
		if v, ok := m.Get(tags[0]); ok {
			s.w.Bytes(tags[1], v)
		}
	}
}

// BusinessReject sends BusinessMessageReject(35=j) for m: refID is what m called
// its subject, reason is BusinessRejectReason(380).
func (s *Session) BusinessReject(now int64, m *Message, refID []byte, reason int, text string) {
	s.begin(now, MsgBusinessReject)
	s.reverseRoute(m)
	if seq, err := m.Int(TagMsgSeqNum); err == nil {
		s.w.Int(TagRefSeqNum, seq)
	}
	s.w.Bytes(TagRefMsgType, m.Type())
	if len(refID) > 0 {
		s.w.Bytes(TagBusinessRejectRefID, refID)
	}
	s.w.Int(TagBusinessRejectReason, int64(reason))
	if text != "" {
		s.w.Str(TagText, text)
	}
	s.Send()
}
