package fix

// onGap handles a message beyond the next number. It is dropped: the peer sends
// it again with the missing ones. What must not wait is answered nevertheless, a
// ResendRequest because both sides could wait for each other, a Logout because
// nothing comes after it, a Heartbeat because it is not sent again.
func (s *Session) onGap(now int64, kind byte) {
	s.stats.Dropped++
	switch kind {
	case MsgHeartbeat[0]:
		s.onHeartbeat()
	case MsgResendRequest[0]:
		s.onResendRequest(now)
	case MsgLogout[0]:
		s.onLogout(now)
		return
	}
	s.openGap(now)
}

// openGap asks for the missing messages, unless a request is under way.
func (s *Session) openGap(now int64) {
	if s.gapHigh != 0 {
		s.gapHigh = max(s.gapHigh, s.h.seq)
		return
	}
	s.stats.Gaps++
	if s.cfg.NoResend {
		s.logout(now, "MsgSeqNum(34) too high, expecting %d but received %d", s.nextIn, s.h.seq)
		return
	}
	s.gapHigh, s.gapTries = s.h.seq, 0
	s.requestResend(now)
}

// requestResend asks for the next part of the gap, at most maxResends times
// without progress.
func (s *Session) requestResend(now int64) {
	if s.gapTries == maxResends {
		s.logout(now, "messages from %d are missing and were not resent", s.nextIn)
		return
	}
	s.gapTries++
	s.gapAt = now
	end := uint64(0) // infinity: with what is on its way
	s.gapEnd = 1<<64 - 1
	if chunk := uint64(s.cfg.ResendChunk); s.gapHigh-s.nextIn >= chunk {
		end = s.nextIn + chunk - 1
		s.gapEnd = end
	}
	s.begin(now, MsgResendRequest)
	s.w.Uint(TagBeginSeqNo, s.nextIn)
	s.w.Uint(TagEndSeqNo, end)
	s.send()
}

// onGapFill handles SequenceReset(35=4) with GapFillFlag(123) and the next number.
func (s *Session) onGapFill(now int64) {
	next, err := s.m.Int(TagNewSeqNo)
	if err != nil || next <= int64(s.nextIn) {
		s.badNewSeqNo(now, err)
		s.advance(now, s.h.seq+1)
		return
	}
	s.advance(now, uint64(next))
}

// onReset handles SequenceReset(35=4) in reset mode: whatever its number, the
// peer goes on at NewSeqNo(36). What it passes over is lost and counted.
func (s *Session) onReset(now int64, parseErr error) {
	next, err := s.m.Int(TagNewSeqNo)
	if parseErr != nil || err != nil || next < int64(s.nextIn) {
		s.badNewSeqNo(now, err)
		return
	}
	s.stats.Skipped += uint64(next) - s.nextIn
	s.advance(now, uint64(next))
}

func (s *Session) badNewSeqNo(now int64, err error) {
	reason := RejectValue
	if bad, ok := err.(*FieldError); ok {
		reason = bad.Reason
	}
	s.Reject(now, &s.m, &FieldError{-1, TagNewSeqNo, reason})
}

// onResendRequest answers ResendRequest(35=2). The same request again and again
// means that the peer does not understand the answer: that ends the session.
func (s *Session) onResendRequest(now int64) {
	begin, err1 := s.m.Int(TagBeginSeqNo)
	end, err2 := s.m.Int(TagEndSeqNo)
	last, asked := int64(s.nextOut)-1, end
	if end == 0 || end > last {
		end = last
	}
	if err1 != nil || err2 != nil || begin < 1 || begin > end {
		s.Reject(now, &s.m, &FieldError{-1, TagBeginSeqNo, RejectValue})
		return
	}
	if ask := [2]int64{begin, asked}; ask != s.ask {
		s.ask, s.askTries = ask, 0
	}
	if s.askTries == maxResends {
		s.logout(now, "ResendRequest from %d for the %dth time", begin, s.askTries+1)
		return
	}
	s.askTries++
	s.stats.ResendsServed++
	s.resend(now, uint64(begin), uint64(end))
	s.lastOut = now
	if uint64(end) >= s.testing {
		s.testing = 0 // nothing that was sent is missing any more
	}
}

// resend sends begin..end again: logged messages with PossDupFlag(43), one
// gap-fill for each run of others.
func (s *Session) resend(now int64, begin, end uint64) {
	fill := uint64(0) // first number of the current run
	for seq := begin; seq <= end; seq++ {
		slot := s.log.get(seq)
		if slot == nil {
			if fill == 0 {
				fill = seq
			}
			if s.cfg.Role == Initiator {
				seq = end
			}
			continue
		}
		if fill != 0 {
			s.gapFill(now, fill, seq)
			fill = 0
		}
		s.again(now, seq, string(slot.msgType), slot.sent[:])
		s.w.buf = append(s.w.buf, slot.body...)
		s.finishAgain()
	}
	if fill != 0 {
		s.gapFill(now, fill, end+1)
	}
}

// gapFill sends SequenceReset-GapFill(35=4) in place of numbers from to next-1.
func (s *Session) gapFill(now int64, from, next uint64) {
	var text [stampLen]byte
	s.w.stamp.set(now)
	text = s.w.stamp.text
	s.again(now, from, MsgSequenceReset, text[:])
	s.w.Char(TagGapFillFlag, 'Y')
	s.w.Uint(TagNewSeqNo, next)
	s.finishAgain()
}

// again starts a message under an old number.
func (s *Session) again(now int64, seq uint64, msgType string, sent []byte) {
	s.keep()
	s.w.Begin(msgType)
	s.w.Uint(TagMsgSeqNum, seq)
	s.w.Char(TagPossDupFlag, 'Y')
	s.compIDs(now)
	s.w.Bytes(TagOrigSendingTime, sent)
}

func (s *Session) finishAgain() {
	if _, err := s.w.Finish(); err != nil {
		return // all of it was sent before: cannot happen short of ErrTooLong
	}
	s.stats.Out++
}
