package itch

import "fmt"

// State says how complete the stream is.
type State uint8

// States of a Receiver.
const (
	Waiting    State = iota // no packet yet
	InOrder                 // every message so far was delivered
	Recovering              // messages are missing and have been requested
	Silent                  // nothing was heard within the limit
	Ended                   // the session is over and every message was delivered
)

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "state?"
}

var stateNames = [...]string{"waiting", "in order", "recovering", "silent", "ended"}

// ReceiverConfig sets up a Receiver. Every limit must be given.
type ReceiverConfig struct {
	// Begin is called before the first message of a session, and before the
	// first again after Restart.
	Begin func(now int64)
	// Deliver takes the messages in sequence, each once. ErrNoRoom makes the
	// receiver keep the message and offer it again; any other error is the
	// taker's to count.
	Deliver func(now int64, msg []byte) error
	// FromStart asks for the session from its first message when it was joined
	// later, and allows Restart. Without it the receiver begins with what it
	// hears first.
	FromStart       bool
	SilenceNanos    int64 // longest time between packets; the venue sends a heartbeat each second
	RequestNanos    int64 // how long a request may stay unanswered before it is repeated
	RequestMessages int   // most messages asked for at once; the answer is one datagram
	HeldPackets     int   // packets kept that arrived before their turn
}

func (c *ReceiverConfig) validate() error {
	switch {
	case c.Begin == nil || c.Deliver == nil:
		return fmt.Errorf("moldudp64: Begin and Deliver must be given")
	case c.SilenceNanos <= 0 || c.RequestNanos <= 0:
		return fmt.Errorf("moldudp64: time limits must be positive")
	case c.RequestMessages < 1 || c.RequestMessages >= endOfSession:
		return fmt.Errorf("moldudp64: %d messages a request, must be 1 to 65534",
			c.RequestMessages)
	case c.HeldPackets < 1 || c.HeldPackets > 65536:
		return fmt.Errorf("moldudp64: %d held packets, must be 1 to 65536", c.HeldPackets)
	}
	return nil
}

// maxBackoff bounds the pause between unanswered requests: RequestNanos << maxBackoff.
const maxBackoff = 6

// ReceiverStats counts since the start.
type ReceiverStats struct {
	Packets    uint64
	Heartbeats uint64
	Messages   uint64 // delivered
	Duplicates uint64 // messages that had been delivered before
	Gaps       uint64 // times the stream left InOrder for missing messages
	Missing    uint64 // messages found missing at those times
	Dropped    uint64 // packets that came too early and found no room
	Requests   uint64
	Malformed  uint64 // datagrams that are no MoldUDP64 packet
	Foreign    uint64 // packets of another session
	Sessions   uint64
	Refused    uint64 // times Deliver had no room
}

// Receiver is the receiving side of MoldUDP64 as a state machine: it never looks
// at a clock or a socket. Packets of every line and of the re-request server go
// into the same Receive.
type Receiver struct {
	cfg     ReceiverConfig
	state   State
	session Session
	other   Session // session of the last packet, when it was not ours
	first   uint64  // sequence of the first message delivered or asked for
	next    uint64  // sequence of the next message to deliver; 0 before a session
	known   uint64  // one past the last message that the venue has announced
	end     bool    // the venue announced that known is the end
	held    hold

	heard     int64 // when the last packet of the session came, ns since epoch
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

// State returns the state; it changes in Receive, Tick and Restart only.
func (r *Receiver) State() State { return r.state }

// Stats returns the counters. The pointer stays valid.
func (r *Receiver) Stats() *ReceiverStats { return &r.stats }

// FromFirst reports whether nothing before the messages delivered is missing.
func (r *Receiver) FromFirst() bool { return r.first == 1 }

// RefusedNanos returns for how long Deliver has had no room, 0 when it has.
func (r *Receiver) RefusedNanos(now int64) int64 {
	if r.refusedAt == 0 {
		return 0
	}
	return now - r.refusedAt
}
