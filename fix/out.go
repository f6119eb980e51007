package fix

// What waits for the socket is in Session.w.buf, but for the last message if a Template made it:
// that one stays in the template, and Session.lent says so. Most are alone and leave from
// there. Whatever else is written calls keep before.

// Out returns the bytes to send. Valid until the next call that is not Wrote.
func (s *Session) Out() []byte {
	if s.lent != nil && len(s.w.buf) == 0 {
		return s.lent.buf
	}
	return s.gathered()
}

func (s *Session) gathered() []byte {
	s.keep()
	return s.w.buf[s.sent:]
}

// Wrote says that the socket took the first n bytes of Out.
func (s *Session) Wrote(n int) {
	if s.lent != nil && len(s.w.buf) == 0 && n == len(s.lent.buf) {
		s.lent = nil
		return
	}
	s.wrote(n)
}

func (s *Session) wrote(n int) {
	s.keep()
	s.sent += n
	switch {
	case s.sent == len(s.w.buf):
		s.w.buf, s.sent = s.w.buf[:0], 0
	case s.sent > s.cfg.OutLimit/2 && !s.writing:
		s.w.buf = s.w.buf[:copy(s.w.buf, s.w.buf[s.sent:])]
		s.sent = 0
	}
}

// Withdraw takes back the message that SendTemplate or Send just wrote, of which no byte
// was given to a socket: start is len(Out()) before it. Its sequence number is used again.
// Initiators only: an acceptor keeps what it said.
func (s *Session) Withdraw(start int) {
	s.keep()
	s.w.buf = s.w.buf[:s.sent+start]
	s.nextOut--
	s.stats.Out--
}

// waiting is how many bytes Out has.
func (s *Session) waiting() int {
	n := len(s.w.buf) - s.sent
	if s.lent != nil {
		n += len(s.lent.buf)
	}
	return n
}

// keep takes the last message from the template that made it.
func (s *Session) keep() {
	if s.lent != nil {
		s.w.buf = append(s.w.buf, s.lent.buf...)
		s.lent = nil
	}
}

// drop forgets what waits.
func (s *Session) drop() {
	s.w.Reset()
	s.sent, s.lent = 0, nil
}
