package soup

import (
	"errors"
	"fmt"
)

// State is the life of a Session.
type State uint8

// States of a Session.
const (
	Idle      State = iota // Open has not been called
	LoggingIn              // the login is sent
	Active                 // accepted
	Ended                  // the server ended the session: there will be no more messages
	Failed                 // rejected, silent or malformed: see the error
)

var stateNames = [...]string{"idle", "logging in", "active", "ended", "failed"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "state?"
}

// Errors of a session; test with errors.Is.
var (
	// ErrSilent says that the server said nothing for SilenceNanos, or did not
	// answer the login within LoginNanos.
	ErrSilent = errors.New("soupbintcp: no data within the limit")
	// ErrSequence says that the server does not begin with the message asked for,
	// so that messages would be missing or come twice.
	ErrSequence = errors.New("soupbintcp: server continues with another message")
	// ErrNotActive is a Send while not logged in.
	ErrNotActive = errors.New("soupbintcp: not logged in")
	// ErrBacklog says that the server does not read what we send.
	ErrBacklog = errors.New("soupbintcp: server does not read")
	// ErrTooLong is a Send of more than fits a packet.
	ErrTooLong = errors.New("soupbintcp: message too long")
)

// RejectError is the server's refusal of a login.
type RejectError struct {
	Code byte // A: not authorised, S: session not available
}

func (e *RejectError) Error() string {
	switch e.Code {
	case 'A':
		return "soupbintcp: login rejected: not authorised: check user and password"
	case 'S':
		return "soupbintcp: login rejected: the requested session is not available"
	}
	return fmt.Sprintf("soupbintcp: login rejected: code %q", e.Code)
}

// SessionConfig describes a login. Every time limit must be given.
type SessionConfig struct {
	User     string // at most 6 characters
	Password string // at most 10 characters
	Session  string // name of the session, at most 10 characters; empty for the current one
	// Sequence is the number of the first sequenced message wanted: 1 for all of
	// the session, 0 for new ones only.
	Sequence       uint64
	HeartbeatNanos int64 // how long we may be silent
	SilenceNanos   int64 // how long the server may be silent
	LoginNanos     int64 // how long the answer to the login may take
}

// Time limits of the specification; LoginNanos is ours.
const (
	DefaultHeartbeatNanos = 1_000_000_000
	DefaultSilenceNanos   = 15_000_000_000
	DefaultLoginNanos     = 5_000_000_000
)

func (c *SessionConfig) validate() error {
	switch {
	case len(c.User) > userSize || len(c.Password) > passwordSize || len(c.Session) > sessionSize:
		return fmt.Errorf("soupbintcp: user, password and session have at most %d, %d and %d characters",
			userSize, passwordSize, sessionSize)
	case !printable(c.User) || !printable(c.Password) || !printable(c.Session):
		return errors.New("soupbintcp: user, password and session must be printable ASCII")
	case c.Sequence >= sequenceLimit:
		return errors.New("soupbintcp: Sequence must be below 2^62")
	case c.HeartbeatNanos <= 0 || c.SilenceNanos <= 0 || c.LoginNanos <= 0:
		return errors.New("soupbintcp: time limits must be positive")
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Message is one message from the server.
type Message struct {
	Sequence uint64 // of a sequenced message, 0 of an unsequenced one
	Data     []byte // valid until the next call of Next, Buffer or Client.Work
}

// Stats counts since the start, over all connections of a Session.
type Stats struct {
	Logins      uint64 // sent
	Accepted    uint64
	Rejected    uint64
	Sequenced   uint64
	Unsequenced uint64
	Debug       uint64
	Heartbeats  uint64 // received
	Sent        uint64 // unsequenced messages
	Malformed   uint64
	Silences    uint64
}

const backlogMax = 256 << 10 // bytes that may wait to be sent

// Session is the client side of SoupBinTCP as a state machine over many
// connections: it counts sequenced messages, so that the next login asks for the
// first one not yet seen. It never looks at a clock or a socket.
type Session struct {
	cfg      SessionConfig
	state    State
	err      error
	name     [sessionSize]byte // of the session, once accepted
	named    int
	next     uint64 // number of the next sequenced message
	opened   int64  // when the login was sent, ns since epoch
	accepted uint64 // Stats.Accepted at that time
	heard    int64
	spoke    int64
	in       []byte // unread bytes are in[r:w]
	r, w     int
	out      []byte
	stats    Stats
	debug    []byte // text of the last debug packet
}

// NewSession checks the configuration and takes the memory.
func NewSession(c SessionConfig) (*Session, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Session{cfg: c, in: make([]byte, 2*packetMax), out: make([]byte, 0, 4096)}
	s.Reset()
	return s, nil
}

// Reset forgets the session: the next login is that of the configuration again.
func (s *Session) Reset() {
	s.state, s.err = Idle, nil
	s.named = copy(s.name[:], s.cfg.Session)
	s.next = s.cfg.Sequence
}

// Open says that a connection is there: it puts the login into Output and forgets
// what the connection before has left unread and unsent.
func (s *Session) Open(now int64) {
	s.r, s.w, s.out = 0, 0, s.out[:0]
	s.state, s.err = LoggingIn, nil
	s.opened, s.heard, s.spoke = now, now, now
	s.accepted = s.stats.Accepted
	s.stats.Logins++
	s.out = appendLogin(s.out, s.cfg.User, s.cfg.Password, string(s.name[:s.named]), s.next)
}

// State returns the state.
func (s *Session) State() State { return s.state }

// Err returns why the session has Failed, nil when it has not.
func (s *Session) Err() error { return s.err }

// Stats returns the counters. The pointer stays valid.
func (s *Session) Stats() *Stats { return &s.stats }

// Name returns the name of the session, blank before the first acceptance when
// none was configured.
func (s *Session) Name() string { return string(s.name[:s.named]) }

// Expected returns the number of the next sequenced message; 0 before the acceptance when only new
// ones are wanted.
func (s *Session) Expected() uint64 { return s.next }

// lasted returns for how long the last login has been of use, 0 when it was not
// accepted.
func (s *Session) lasted(now int64) int64 {
	if s.stats.Accepted == s.accepted {
		return 0
	}
	return now - s.opened
}

// Debug returns the text of the last debug packet.
func (s *Session) Debug() string { return string(s.debug) }

// Buffer returns where to put bytes from the server; call Received with how many
// there are. It is empty only while Next has whole packets to give.
func (s *Session) Buffer() []byte {
	if s.r == s.w {
		s.r, s.w = 0, 0
	} else if len(s.in)-s.w < packetMax {
		s.w = copy(s.in, s.in[s.r:s.w])
		s.r = 0
	}
	return s.in[s.w:]
}

// Pending reports whether Next has at least one whole packet to take.
func (s *Session) Pending() bool {
	_, _, size, err := cut(s.in[s.r:s.w])
	return (size > 0 || err != nil) && (s.state == LoggingIn || s.state == Active)
}

// Received says that n bytes were put into Buffer at now.
func (s *Session) Received(now int64, n int) {
	if n > 0 {
		s.w += n
		s.heard = now
	}
}

// Next returns the next message; ok is false when there is none now, or ever: see
// State.
func (s *Session) Next() (m Message, ok bool) {
	for s.state == LoggingIn || s.state == Active {
		kind, payload, size, err := cut(s.in[s.r:s.w])
		if err != nil {
			s.fail(err)
			break
		}
		if size == 0 {
			break
		}
		s.r += size
		m, ok, err = s.take(kind, payload)
		if err != nil {
			s.fail(err)
			break
		}
		if ok {
			return m, true
		}
	}
	return Message{}, false
}

func (s *Session) take(kind byte, payload []byte) (m Message, ok bool, err error) {
	switch kind {
	case typeServerHeartbeat:
		s.stats.Heartbeats++
		return m, false, wantSize(kind, payload, 0)
	case typeDebug:
		s.stats.Debug++
		s.debug = append(s.debug[:0], payload...)
		return m, false, nil
	}
	if s.state == LoggingIn {
		return m, false, s.answer(kind, payload)
	}
	switch kind {
	case typeSequenced:
		m = Message{Sequence: s.next, Data: payload}
		s.next++
		s.stats.Sequenced++
		return m, true, nil
	case typeUnsequenced:
		s.stats.Unsequenced++
		return Message{Data: payload}, true, nil
	case typeEndOfSession:
		if err := wantSize(kind, payload, 0); err != nil {
			return m, false, err
		}
		s.state = Ended
		return m, false, nil
	}
	return m, false, fmt.Errorf("%w: type %q while %s", ErrPacket, kind, s.state)
}

// answer takes the server's answer to the login.
func (s *Session) answer(kind byte, payload []byte) error {
	switch kind {
	case typeAccepted:
		if err := wantSize(kind, payload, acceptedSize); err != nil {
			return err
		}
		next, ok := ParseNumber(payload[sessionSize:])
		if !ok || next == 0 {
			return fmt.Errorf("%w: accepted with sequence number %q", ErrPacket, payload[sessionSize:])
		}
		if s.next != 0 && next != s.next {
			return fmt.Errorf("%w: %d, want %d", ErrSequence, next, s.next)
		}
		s.named = copy(s.name[:], trimBlanks(payload[:sessionSize]))
		s.next, s.state = next, Active
		s.stats.Accepted++
		return nil
	case typeRejected:
		if err := wantSize(kind, payload, 1); err != nil {
			return err
		}
		s.stats.Rejected++
		return &RejectError{Code: payload[0]}
	}
	return fmt.Errorf("%w: type %q while %s", ErrPacket, kind, s.state)
}

func wantSize(kind byte, payload []byte, size int) error {
	if len(payload) != size {
		return fmt.Errorf("%w: type %q with %d bytes, want %d", ErrPacket, kind, len(payload), size)
	}
	return nil
}

func (s *Session) fail(err error) {
	if errors.Is(err, ErrPacket) {
		s.stats.Malformed++
	}
	s.state, s.err = Failed, err
}

// Tick lets time pass: it puts a heartbeat into Output when one is due, and fails
// the session when the server has been silent for too long. It is not silent while
// packets of it wait to be taken.
func (s *Session) Tick(now int64) {
	switch {
	case s.state != LoggingIn && s.state != Active:
		return
	case s.Pending():
		s.heard = now
	case now-s.heard > s.cfg.SilenceNanos,
		s.state == LoggingIn && now-s.opened > s.cfg.LoginNanos:
		s.stats.Silences++
		s.fail(fmt.Errorf("%w: %s", ErrSilent, s.state))
		return
	}
	if s.state == Active && now-s.spoke >= s.cfg.HeartbeatNanos && len(s.out) == 0 {
		s.out = appendPacket(s.out, typeClientHeartbeat, nil)
		s.spoke = now
	}
}

// Send puts an unsequenced message into Output. It may be lost with the
// connection: the protocol above must make a repetition harmless.
func (s *Session) Send(now int64, data []byte) error {
	switch {
	case s.state != Active:
		return ErrNotActive
	case len(data) > payloadMax:
		return ErrTooLong
	case len(s.out)+len(data) > backlogMax:
		return ErrBacklog
	}
	s.out = appendPacket(s.out, typeUnsequenced, data)
	s.spoke = now
	s.stats.Sent++
	return nil
}

// Logout puts a logout into Output; the server then closes the connection.
func (s *Session) Logout(now int64) {
	if s.state == Active {
		s.out = appendPacket(s.out, typeLogout, nil)
		s.spoke = now
	}
}

// Output returns the bytes to send, valid until the next call; call Sent with how
// many were taken.
func (s *Session) Output() []byte { return s.out }

// Sent says that the first n bytes of Output are on their way.
func (s *Session) Sent(n int) { s.out = s.out[:copy(s.out, s.out[n:])] }
