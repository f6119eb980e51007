package fix

func (s *Session) sendLogon(now int64, reset bool) {
	s.begin(now, MsgLogon)
	s.w.Char(TagEncryptMethod, '0')
	s.w.Int(TagHeartBtInt, s.heartbt/second)
	if reset {
		s.w.Char(TagResetSeqNumFlag, 'Y')
	}
	if s.cfg.DefaultApplVerID != "" {
		s.w.Str(TagDefaultApplVerID, s.cfg.DefaultApplVerID)
	}
	if s.cfg.Logon != nil {
		s.cfg.Logon(&s.w, LogonHeader{
			MsgSeqNum: s.nextOut, SendingTime: string(s.sendTime[:]), Now: now,
			SenderCompID: s.cfg.SenderCompID, TargetCompID: s.cfg.TargetCompID,
		})
	}
	if err := s.send(); err != nil {
		s.close("our Logon cannot be written: " + err.Error())
	}
}

// onEarly handles a first message that is no Logon; an acceptor that refuses ours
// says why in a Logout.
func (s *Session) onEarly(msgType []byte) {
	if s.cfg.Role == Initiator && string(msgType) == MsgLogout {
		why, _ := s.m.Get(TagText)
		s.close("peer refused the Logon: " + printable(string(why)))
		return
	}
	s.close("first message is not a Logon")
}

// onLogon handles Logon(35=A), whatever its number: a gap is closed after the answer.
func (s *Session) onLogon(now int64, parseErr error) {
	m := &s.m
	again := s.state == Active && s.cfg.Role == Acceptor && m.Flag(TagResetSeqNumFlag)
	if s.state != AwaitLogon && !again {
		s.logout(now, "Logon received while logged on")
		return
	}
	if parseErr != nil {
		s.close("Logon: " + parseErr.Error())
		return
	}
	if s.cfg.CheckLogon != nil {
		if err := s.cfg.CheckLogon(m, now); err != nil {
			s.logout(now, "%s", printable(err.Error()))
			return
		}
	}
	if !s.timely(now) {
		s.logout(now, "Logon: SendingTime(52) is missing or more than %d s off", s.cfg.MaxSkewSecs)
		return
	}
	secs, err := m.Int(TagHeartBtInt)
	if err != nil || secs < 1 || secs > maxHeartBtInt {
		s.logout(now, "HeartBtInt(108) must be 1 to %d", maxHeartBtInt)
		return
	}
	reset := m.Flag(TagResetSeqNumFlag)
	if reset && !s.takeReset(now) {
		return
	}
	if s.h.seq < s.nextIn && !s.h.possDup {
		s.onLow(now)
		return
	}
	s.heartbt = secs * second
	s.state = Active
	switch {
	case s.cfg.Role == Acceptor:
		s.sendLogon(now, reset)
	case s.cfg.TestLogon && !reset:
		s.since, s.testing = now, s.nextOut
		s.test(now)
	}
	switch {
	case s.h.seq > s.nextIn:
		s.openGap(now)
	case s.h.seq == s.nextIn:
		s.advance(now, s.h.seq+1)
	}
}

// test sends a TestRequest(35=1) with its own number as TestReqID(112).
func (s *Session) test(now int64) {
	s.begin(now, MsgTestRequest)
	s.w.Uint(TagTestReqID, s.nextOut)
	s.send()
}

// onHeartbeat takes the answer to the test behind the Logon.
func (s *Session) onHeartbeat() {
	if id, err := s.m.Int(TagTestReqID); err == nil && uint64(id) == s.testing {
		s.testing = 0
	}
}

// takeReset handles ResetSeqNumFlag(141) in the peer's Logon.
func (s *Session) takeReset(now int64) bool {
	switch {
	case s.h.seq != 1:
		s.logout(now, "ResetSeqNumFlag(141) goes with MsgSeqNum(34) 1")
		return false
	case s.cfg.Role == Initiator && s.cfg.ResetOnLogon: // the answer to ours
	case !s.cfg.AllowReset:
		s.logout(now, "ResetSeqNumFlag(141) is not allowed in this session")
		return false
	case s.cfg.Role == Initiator:
		// The peer starts again; our Logon, already sent, keeps number 1.
		s.resetNumbers()
		s.nextOut = 2
	default:
		s.resetNumbers()
	}
	return true
}
