package itch

import "fmt"

// State says how complete the stream is.
type State uint8

// States of a Receiver.
const (
	Waiting    State = iota // no packet yet
	InOrder                 // every message so far was delivered
	Awaiting                // messages are missing; for GapNanos another line may bring them
	Recovering              // messages are missing and have been requested
	Loading                 // packets are held until a snapshot and the stream meet
	Silent                  // nothing was heard on any line within the limit
	Ended                   // the session is over and every message was delivered
)

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "state?"
}

var stateNames = [...]string{"waiting", "in order", "awaiting", "recovering", "loading", "silent", "ended"}

// MaxLines is how many lines may carry one session.
const MaxLines = 4

// Answer stands for a line: the packet came from the re-request server.
const Answer = -1

// ReceiverConfig sets up a Receiver. Every limit must be given.
type ReceiverConfig struct {
	// Begin is called before the first message of a session, and before the
	// first again after Restart. false says that it cannot begin now: the packet
	// is passed over, and the next one of its session asks again.
	Begin func(now int64) bool
	// Deliver takes the messages in sequence, each once. ErrNoRoom makes the
	// receiver keep the message and offer it again; any other error is the
	// taker's to count.
	Deliver func(now int64, msg []byte) error
	// Blocks, when set, is called in place of Deliver: with messages that follow each
	// other, each behind its length. It returns how many it took, all of them unless the
	// error is ErrNoRoom.
	Blocks func(now int64, blocks []byte) (messages int, err error)
	// FromStart asks for the session from its first message when it was joined
	// later, and allows Restart. Without it the receiver begins with what it
	// hears first.
	FromStart bool
	// Snapshot holds what is heard of a session that was joined later, until
	// Continue says with which message it goes on; it allows Restart too. It
	// takes the place of FromStart.
	Snapshot bool
	Lines    int // that carry the session, 1 to MaxLines
	// GapNanos is how long missing messages may come by another line, or out of
	// order, before they are requested. InOrder and Awaiting together say that no
	// message is later than this, and than the time to the next Tick, which is
	// the longest that the caller parks. With one line there is no wait.
	GapNanos        int64
	SilenceNanos    int64 // longest time between packets; the venue sends a heartbeat each second
	RequestNanos    int64 // how long a request may stay unanswered before it is repeated
	RequestMessages int   // most messages asked for at once; the answer is one datagram
	// GiveUpRequests is how many requests for the same message may stay
	// unanswered before what is missing counts as unrecoverable.
	GiveUpRequests int
	HeldPackets    int // packets kept that arrived before their turn
}

func (c *ReceiverConfig) validate() error {
	switch {
	case c.Begin == nil || c.Deliver == nil && c.Blocks == nil:
		return fmt.Errorf("moldudp64: Begin and Deliver or Blocks must be given")
	case c.Lines < 1 || c.Lines > MaxLines:
		return fmt.Errorf("moldudp64: %d lines, must be 1 to %d", c.Lines, MaxLines)
	case c.SilenceNanos <= 0 || c.RequestNanos <= 0:
		return fmt.Errorf("moldudp64: time limits must be positive")
	case c.GapNanos < 0 || c.GapNanos >= c.SilenceNanos:
		return fmt.Errorf("moldudp64: GapNanos is %d, must be 0 or more and below SilenceNanos",
			c.GapNanos)
	case c.RequestMessages < 1 || c.RequestMessages >= endOfSession:
		return fmt.Errorf("moldudp64: %d messages a request, must be 1 to 65534",
			c.RequestMessages)
	case c.GiveUpRequests < 1:
		return fmt.Errorf("moldudp64: GiveUpRequests must be positive")
	case c.HeldPackets < 1 || c.HeldPackets > 1<<20:
		return fmt.Errorf("moldudp64: %d held packets, must be 1 to 2^20", c.HeldPackets)
	}
	return nil
}

// maxBackoff bounds the pause between unanswered requests: RequestNanos << maxBackoff.
const maxBackoff = 6

// LineStats counts what one line brought since the start.
type LineStats struct {
	Packets  uint64 // of the session
	Ahead    uint64 // packets whose messages no other line had brought or announced
	Filled   uint64 // packets with messages that were missing: lost or late on another line
	Lost     uint64 // messages that the line jumped over; another line may have had them
	Late     uint64 // packets behind the line's own sequence: disordered or repeated
	Silences uint64 // times the line said nothing for SilenceNanos; the books are not STALE for it
	Silent   bool   // it says nothing now
}

// ReceiverStats counts since the start.
type ReceiverStats struct {
	Packets    uint64
	Heartbeats uint64
	Messages   uint64 // delivered
	Duplicates uint64 // messages that had been delivered before
	Gaps       uint64 // times the stream left InOrder for missing messages
	Missing    uint64 // messages found missing at those times
	Filled     uint64 // gaps that the lines closed by themselves
	Requested  uint64 // gaps that an answer to a request helped to close
	Lost       uint64 // gaps for which no answer came in GiveUpRequests requests
	Answers    uint64 // packets that came from the re-request server
	Dropped    uint64 // packets that came too early and found no room
	Overruns   uint64 // times that happened while a snapshot was awaited
	Requests   uint64
	Malformed  uint64 // datagrams that are no MoldUDP64 packet
	Foreign    uint64 // packets of another session
	Sessions   uint64
	Refused    uint64 // times Deliver had no room
	Lines      [MaxLines]LineStats
}

// line is what the receiver knows of one line.
type line struct {
	next  uint64 // sequence number that its next packet should have; 0 before the first
	heard int64  // when its last packet came, ns since epoch
}

// Receiver is the receiving side of MoldUDP64 as a state machine: it never looks
// at a clock or a socket. Packets of every line and of the re-request server go
// into the same Receive.
type Receiver struct {
	cfg     ReceiverConfig
	state   State
	session Session
	other   Session // session of the last packet, when it was not ours
	left    Session // the session before ours
	leftAt  int64   // when ours took over
	next    uint64  // sequence of the next message to deliver; 0 before a session
	known   uint64  // one past the last message that the venue has announced
	end     bool    // the venue announced that known is the end
	whole   bool    // the messages delivered follow the first one or a snapshot
	loading bool    // Continue has not been called yet
	overrun bool    // while loading, a packet found no room
	held    hold
	lines   [MaxLines]line

	heard     int64 // when the last packet of a line came, ns since epoch
	since     int64 // when the state became Awaiting, or the snapshot was taken
	gap       bool  // the stream has not been InOrder since it left it for missing messages
	answered  bool  // an answer helped
	gaveUp    bool  // Lost has counted it
	requestAt int64 // when the next request is due
	requests  int   // sent since the last progress
	refusedAt int64 // since when Deliver has had no room; 0 when it has
	request   []byte
	stats     ReceiverStats
}

// NewReceiver checks the configuration and takes the memory.
func NewReceiver(c ReceiverConfig) (*Receiver, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Receiver{cfg: c, held: newHold(c.HeldPackets),
		request: make([]byte, 0, headerSize)}, nil
}

// State returns the state; it changes in Receive, Tick, Continue and Restart only.
func (r *Receiver) State() State { return r.state }

// Stats returns the counters. The pointer stays valid.
func (r *Receiver) Stats() *ReceiverStats { return &r.stats }

// Whole reports whether nothing is missing before the messages delivered: they
// began with the first of the session, or where a snapshot ended.
func (r *Receiver) Whole() bool { return r.whole }

// WantsSnapshot reports whether packets are held for Continue.
func (r *Receiver) WantsSnapshot() bool { return r.loading }

// Overrun reports whether held packets were dropped, so that a snapshot that is
// being taken would leave a gap. Forget and Restart begin to hold again.
func (r *Receiver) Overrun() bool { return r.overrun }

// RefusedNanos returns for how long Deliver has had no room, 0 when it has.
func (r *Receiver) RefusedNanos(now int64) int64 {
	if r.refusedAt == 0 {
		return 0
	}
	return now - r.refusedAt
}
