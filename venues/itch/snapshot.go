package itch

import (
	"errors"
	"fmt"

	"penstock/event"
	"penstock/venues/soup"
	"penstock/venues/wire"
)

// SnapshotConfig names a GLIMPSE server, which sends the books as they are now: as
// ITCH messages over SoupBinTCP, then a message G with the number of the message
// of the stream from which they go on.
type SnapshotConfig struct {
	Addr     string // host:port; empty for none
	User     string
	Password string
	// The limits of the connection, see soup.ClientConfig. 0 takes the default.
	LoginNanos    int64
	SilenceNanos  int64
	RetryNanos    int64
	RetryMaxNanos int64
	Seed          uint64 // of the jitter
}

const (
	typeEndOfSnapshot = 'G'
	endOfSnapshotSize = 1 + 20 // G, the number in ASCII (GLIMPSE 5.0)
)

// messagesPerWork bounds one call of Work for the snapshot.
const messagesPerWork = 1024

// errOverrun says that the stream outran the snapshot.
var errOverrun = errors.New("itch snapshot: more packets came than HeldPackets can hold")

// SnapshotStats counts since the start.
type SnapshotStats struct {
	Login    soup.Stats
	Begun    uint64 // snapshots whose first message came
	Taken    uint64 // snapshots whose last message came
	Lost     uint64 // connections that broke off or could not be opened
	Messages uint64
	Rejected uint64 // messages of a snapshot that could not be used: see Stats of the decoder
}

// snapshot loads the books of a Feed from a GLIMPSE server.
//
//	idle ── the receiver holds packets ──► connect, log in
//	  ▲                                        │ R, H, A, F … to the decoder
//	  └───── G: the receiver continues ◄───────┘
//
// When more packets come than can be held while books are loaded, they are loaded
// again: the stream would not meet them.
//
// A connection that ends before G begins again after a pause, with empty books.
type snapshot struct {
	client *soup.Client
	begun  bool   // the books hold messages of the connection
	login  uint64 // number of the login that they came from
	wait   []byte // a message for which the sink had no room
	stats  SnapshotStats
}

// client is the configuration of the client that loads the snapshot.
func (c *SnapshotConfig) client() soup.ClientConfig {
	return soup.ClientConfig{
		SessionConfig: soup.SessionConfig{
			User: c.User, Password: c.Password, Sequence: 1,
			HeartbeatNanos: soup.DefaultHeartbeatNanos,
			SilenceNanos:   orDefault(c.SilenceNanos, soup.DefaultSilenceNanos),
			LoginNanos:     orDefault(c.LoginNanos, soup.DefaultLoginNanos),
		},
		Addr: c.Addr, Afresh: true, ConnectNanos: soup.DefaultConnectNanos,
		RetryNanos:    orDefault(c.RetryNanos, soup.DefaultRetryNanos),
		RetryMaxNanos: orDefault(c.RetryMaxNanos, soup.DefaultRetryMaxNanos),
		Seed:          c.Seed,
	}
}

func newSnapshot(c SnapshotConfig) (*snapshot, error) {
	client, err := soup.NewClient(c.client())
	if err != nil {
		return nil, fmt.Errorf("itch snapshot: %w", err)
	}
	return &snapshot{client: client, wait: make([]byte, 0, 64)}, nil
}

func orDefault(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// abandon forgets what has been loaded: the books begin again.
func (s *snapshot) abandon(now int64) {
	s.client.Stop(now)
	s.begun, s.wait = false, s.wait[:0]
}

// load moves the snapshot on while the receiver waits for one.
func (f *Feed) load(now int64) int {
	s := f.snapshot
	switch {
	case s == nil:
		return 0
	case !f.receiver.WantsSnapshot():
		if s.client.Running() {
			s.abandon(now) // the session began anew, from its first message
		}
		return 0
	case f.receiver.Overrun() && !s.client.Active():
		f.receiver.Forget() // the books of a later login know what was held
	case f.receiver.Overrun():
		if f.receiver.Restart(now) {
			s.client.Retry(now, errOverrun)
			f.lastErr = errOverrun
		}
		return 1
	}
	s.client.Start() // the server may end the session of a snapshot, for a next one
	n := s.client.Work(now)
	if s.begun && s.client.Session().Stats().Logins != s.login && !f.clear(now) {
		return n
	}
	for range messagesPerWork {
		if len(s.wait) > 0 {
			if !f.takeSnapshot(now, s.wait) {
				return n
			}
			s.wait = s.wait[:0]
			continue
		}
		m, ok := s.client.Next(now)
		if !ok {
			break
		}
		n++
		if f.cfg.Tap != nil {
			f.cfg.Tap(now, wire.TapSnapshot, m.Data)
		}
		if !f.takeSnapshot(now, m.Data) {
			s.wait = append(s.wait[:0], m.Data...)
			return n
		}
	}
	return n
}

// repairNanos is the first pause before the books are loaded again because one of
// them could not use a message. It doubles each time up to 2^10 of it: all books are
// out of use meanwhile, and a message that cannot be used may come again and again.
const repairNanos = 1_000_000_000

// repair begins the books again when one of them had to be taken out of use for a
// message that was malformed or cannot be true: only a snapshot knows the book
// without that message. The others stay LIVE until then.
func (f *Feed) repair(now int64) {
	if f.snapshot == nil || f.state != InOrder {
		return
	}
	stats := f.decoder.Stats()
	if bad := stats.Malformed + stats.Absurd; bad != f.misfits {
		f.misfits = bad
		if f.repairAt == 0 && f.decoder.anyBroken() {
			f.repairAt = now + repairNanos<<min(f.repairs, 10)
		}
	}
	if f.repairAt != 0 && now >= f.repairAt {
		f.repairAt = 0
		f.repairs++
		f.restart(now, event.ReasonAbsurd)
	}
}

func (d *Decoder) anyBroken() bool {
	for i := 1; i < len(d.books); i++ {
		if d.books[i].broken != event.ReasonNone {
			return true
		}
	}
	return false
}

// clear empties the books of what a broken snapshot has left; false while the
// sink has no room.
func (f *Feed) clear(now int64) bool {
	if !f.decoder.Settle(now) {
		return false
	}
	f.decoder.Reset(now)
	f.snapshot.begun, f.snapshot.wait = false, f.snapshot.wait[:0]
	return true
}

// takeSnapshot takes one message of the snapshot; false asks for it again.
func (f *Feed) takeSnapshot(now int64, msg []byte) bool {
	s := f.snapshot
	if seq, end, err := EndOfSnapshot(msg); end {
		f.endSnapshot(now, seq, err)
		return true
	}
	switch err := f.decoder.Decode(now, msg); err {
	case nil:
	case ErrNoRoom:
		return false
	default:
		s.stats.Rejected++
		f.lastErr = err
	}
	if !s.begun {
		s.begun, s.login = true, s.client.Session().Stats().Logins
		s.stats.Begun++
	}
	s.stats.Messages++
	return true
}

// EndOfSnapshot reads a message of a snapshot: end is true for the last one, which
// names the message of the stream with which the books go on, from 1.
func EndOfSnapshot(msg []byte) (seq uint64, end bool, err error) {
	if len(msg) == 0 || msg[0] != typeEndOfSnapshot {
		return 0, false, nil
	}
	ok := len(msg) == endOfSnapshotSize
	if ok {
		seq, ok = soup.ParseNumber(msg[1:])
	}
	if !ok || seq == 0 {
		return 0, true, refusal(msg, ErrValue)
	}
	return seq, true, nil
}

func (f *Feed) endSnapshot(now int64, seq uint64, err error) {
	s := f.snapshot
	if err != nil {
		s.stats.Rejected++
		f.lastErr = err
		s.client.Retry(now, err)
		return
	}
	s.stats.Taken++
	s.begun = false
	s.client.Stop(now)
	f.receiver.Continue(now, seq)
	f.follow(now)
}

func (s *snapshot) total() SnapshotStats {
	if s == nil {
		return SnapshotStats{}
	}
	total := s.stats
	total.Login, total.Lost = *s.client.Session().Stats(), s.client.Lost()
	return total
}

func (s *snapshot) pollFDs(fds []wire.PollFD) []wire.PollFD {
	if s == nil {
		return fds
	}
	return s.client.PollFDs(fds)
}
