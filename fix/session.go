package fix

import "fmt"

// State is where a Session is.
type State uint8

// Session states.
const (
	Disconnected State = iota
	AwaitLogon         // connected; the peer's Logon is due
	Active             // logged on
	AwaitLogout        // we sent Logout; the peer's is due
	Closing            // nothing is read any more; see WantClose
)

var stateNames = [...]string{"disconnected", "await-logon", "active", "await-logout", "closing"}

func (s State) String() string { return stateNames[s] }

const (
	logonTimeout  = 10 * second
	logoutTimeout = 2 * second
	resendTimeout = 10 * second
	testTimeout   = 5 * second // of the test behind a Logon: who does not know it may trade all the same
	maxResends    = 3          // requests for the same gap, from either side
	maxGarbled    = 16         // garbled messages in a row before we give up
)

// Session is the state machine of one FIX session. It survives connections:
// Connected and Disconnected bracket each. All times are ns since the epoch.
// Single owner; not safe for concurrent use.
type Session struct {
	cfg   Config
	store *Store
	log   outLog
	w     Writer
	sent  int       // bytes of w.buf that the socket took
	lent  *Template // has the last message that waits; nil: it is in w.buf
	seq   seqText
	ids   idText // ClOrdID(11) of a template's messages,
	links idText // what they are part of,
	origs idText // and OrigClOrdID(41)
	m     Message
	h     header

	state    State
	reason   string // why it is Closing
	nextOut  uint64
	nextIn   uint64
	heartbt  int64 // ns
	since    int64 // of the current state, for timeouts
	lastIn   int64
	lastOut  int64
	tested   bool   // a TestRequest is unanswered
	testing  uint64 // number of the TestRequest behind our Logon; 0: the peer has all up to there
	writing  bool   // between Begin and Send
	held     bool   // App refused the message at the front
	msgType  string
	msgBody  int // offset in w.buf of the first field after the header
	writeAt  int64
	storeErr error

	gapHigh  uint64 // highest number seen beyond nextIn, 0 when there is no gap
	gapEnd   uint64 // last number of the request under way
	gapTries int
	gapAt    int64    // of the last request
	ask      [2]int64 // BeginSeqNo and EndSeqNo of the peer's last ResendRequest
	askTries int
	garbled  int // in a row
	stats    Stats
	sendTime [stampLen]byte // SendingTime of the message being written
}

// Stats counts since the session was made. Copied by Session.Stats.
type Stats struct {
	In, Out       uint64 // messages
	Garbled       uint64 // frames thrown away
	Malformed     uint64 // messages refused with Reject(35=3)
	Gaps          uint64 // inbound gaps found
	Dropped       uint64 // messages beyond a gap, to be sent again
	Duplicates    uint64 // PossDup messages already seen
	Skipped       uint64 // inbound numbers that SequenceReset-Reset passed over
	RejectsIn     uint64 // Reject(35=3) from the peer
	ResendsServed uint64
	ByField       uint64 // messages that their template could not write at once
	Untested      uint64 // Logons behind which the peer did not answer a TestRequest in time
}

// NewSession returns a disconnected session. With a Store it goes on where the
// file ended and writes to it; without, it starts at 1.
func NewSession(cfg Config, store *Store) (*Session, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Session{cfg: cfg, store: store, nextOut: 1, nextIn: 1, log: newOutLog(cfg.LogMessages)}
	s.w.init(cfg.BeginString)
	for _, x := range []*idText{&s.ids, &s.links, &s.origs} {
		x.turn(idLimit / 10)
	}
	s.m.Room(max(MaxFields, (s.cfg.FrameLimit-MaxFrame)/8))
	if store != nil {
		s.nextOut, s.nextIn = store.Next()
	}
	return s, nil
}

// Connected says that a connection is there. An initiator sends its Logon.
func (s *Session) Connected(now int64) {
	s.drop()
	s.reason, s.tested, s.held = "", false, false
	s.gapHigh, s.gapTries, s.garbled, s.askTries, s.testing = 0, 0, 0, 0, 0
	s.since, s.lastIn, s.lastOut = now, now, now
	s.heartbt = int64(s.cfg.HeartBtIntSecs) * second
	s.state = AwaitLogon
	if s.cfg.Role == Initiator {
		if s.cfg.ResetOnLogon {
			s.resetNumbers()
		}
		s.sendLogon(now, s.cfg.ResetOnLogon)
	}
}

// Disconnected says that the connection is gone. Bytes not yet sent are dropped;
// their sequence numbers stay used.
func (s *Session) Disconnected(int64) {
	s.state = Disconnected
	s.drop()
	s.save()
}

// Close writes the exact sequence numbers to the store; the session must be
// disconnected. It returns the first error that the store had.
func (s *Session) Close() error {
	if s.store == nil {
		return nil
	}
	s.seq.serves = 0
	if err := s.store.settle(s.nextOut, s.nextIn); err != nil {
		return err
	}
	return s.storeErr
}

// Reset starts both sequence numbers at 1, as agreed with the peer, for example
// at the end of the day. It does nothing while connected.
func (s *Session) Reset() {
	if s.state == Disconnected {
		s.resetNumbers()
		s.save()
	}
}

func (s *Session) resetNumbers() {
	s.nextOut, s.nextIn = 1, 1
	s.seq.serves = 0
	s.log.clear()
	if s.store != nil && s.storeErr == nil {
		s.storeErr = s.store.write(1, 1)
	}
}

// State returns where the session is.
func (s *Session) State() State { return s.state }

// Synchronised reports whether the session is Active and, with TestLogon, whether what is sent now is the
// next that the peer waits for. An order that overtakes the peer's ResendRequest(35=2) becomes a part of the gap,
// and a gap is not filled with orders: they are lost at the venue that they were sent to.
func (s *Session) Synchronised() bool { return s.state == Active && s.testing == 0 }

// GapOpen reports whether inbound messages are missing: what the peer last said
// about orders is not known.
func (s *Session) GapOpen() bool { return s.gapHigh != 0 }

// Held reports whether App refused the message at the front of the input.
func (s *Session) Held() bool { return s.held }

// NextOut returns the MsgSeqNum(34) of the next message to send.
func (s *Session) NextOut() uint64 { return s.nextOut }

// NextIn returns the MsgSeqNum(34) expected next.
func (s *Session) NextIn() uint64 { return s.nextIn }

// Written returns how many messages of any kind were written, Stats.Out.
func (s *Session) Written() uint64 { return s.stats.Out }

// Stats returns a copy of the counters.
func (s *Session) Stats() Stats { return s.stats }

// StoreErr returns the first error of the store: numbers on disk are old.
func (s *Session) StoreErr() error { return s.storeErr }

// WantClose reports whether the connection should be closed, once Out is written
// or cannot be, and why.
func (s *Session) WantClose() (reason string, want bool) {
	return s.reason, s.state == Closing
}

// Logout starts an orderly end: Logout(35=5), then the peer's answer or a timeout.
func (s *Session) Logout(now int64, text string) {
	switch s.state {
	case Active:
		s.sendLogout(now, text)
		s.state, s.since, s.reason = AwaitLogout, now, text
	case AwaitLogon:
		s.close(text)
	}
}

func (s *Session) close(reason string) {
	s.state, s.reason = Closing, reason
}

// logout ends the session for a fault: the peer is told, the answer not awaited.
func (s *Session) logout(now int64, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.sendLogout(now, text)
	s.close(text)
}

// Tick does what time demands: heartbeats, test requests, timeouts. Call it at
// least ten times in a heartbeat interval.
func (s *Session) Tick(now int64) {
	switch s.state {
	case AwaitLogon:
		if now-s.since >= logonTimeout {
			s.close("no Logon in time")
		}
	case AwaitLogout:
		if now-s.since >= logoutTimeout {
			s.close(s.reason + " (Logout not answered)")
		}
	case Active:
		s.tickActive(now)
	}
}

func (s *Session) tickActive(now int64) {
	silence := now - s.lastIn
	switch {
	case silence >= s.heartbt*12/5:
		s.logout(now, "nothing received for %d s", silence/second)
		return
	case silence >= s.heartbt*6/5 && !s.tested:
		s.tested = true
		s.test(now)
	}
	if s.gapHigh != 0 && now-s.gapAt >= resendTimeout {
		s.requestResend(now)
	}
	if s.testing != 0 && now-s.since >= testTimeout {
		s.testing = 0
		s.stats.Untested++
	}
	if now-s.lastOut >= s.heartbt && s.state == Active {
		s.begin(now, MsgHeartbeat)
		s.send()
	}
}

// save writes the sequence numbers behind the messages taken so far.
func (s *Session) save() {
	if s.store != nil && s.storeErr == nil {
		s.storeErr = s.store.claim(s.nextOut-1, s.nextIn)
	}
}
