package fix

import (
	"errors"
	"fmt"
)

// Role is the side of a session.
type Role uint8

// Roles.
const (
	Initiator Role = iota // sends the first Logon
	Acceptor
)

// Config is what a Session needs to know. It does not change.
type Config struct {
	Role             Role
	BeginString      string // FIX.4.2, FIX.4.4, FIXT.1.1
	DefaultApplVerID string // DefaultApplVerID(1137) in Logon; only FIXT.1.1
	SenderCompID     string // we
	TargetCompID     string // the peer

	// HeartBtIntSecs is HeartBtInt(108) that an initiator proposes; an acceptor
	// takes the peer's.
	HeartBtIntSecs int
	// ResetOnLogon starts at 1 on every connection, with ResetSeqNumFlag(141).
	ResetOnLogon bool
	// TestLogon sends a TestRequest(35=1) behind the Logon of an initiator that goes on with its numbers:
	// see Synchronised.
	TestLogon bool
	// Header are constant fields behind TargetCompID(56) of every message that we
	// send, such as SenderSubID(50) and TargetSubID(57).
	Header []Static
	// NoResend ends the session when messages of the peer are missing, for a peer
	// that does not serve ResendRequest(35=2); what happened meanwhile is asked
	// for after the next Logon.
	NoResend bool
	// AllowReset lets the peer's ResetSeqNumFlag(141) start both sides at 1. It
	// loses what was in flight: an unauthenticated peer should not have it.
	AllowReset bool
	// MaxSkewSecs bounds |SendingTime(52) − now|: 0 means 120, negative unchecked.
	MaxSkewSecs int
	// OutLimit bounds the bytes that wait for a slow reader: 0 means 8 MiB, which
	// holds the resend of a whole log of messages.
	OutLimit int
	// LogMessages is how many sent application messages an acceptor keeps to
	// resend: 0 means 4096. An initiator keeps none: it gap-fills, because a late
	// order is a wrong order.
	LogMessages int
	// FrameLimit bounds a message of the peer in bytes: 0 means MaxFrame. With
	// more, a message may have a field for every eight bytes of it.
	FrameLimit int
	// ResendChunk bounds one ResendRequest in messages: 0 means 1000.
	ResendChunk int

	// App takes an application message whose sequence number is the next one, and
	// the peer's Reject(35=3). The message is valid during the call. false means
	// "not now": it stays unread and is offered again by the next Receive. It may
	// Begin and Send. For what it cannot use it calls Reject or BusinessReject
	// and takes it.
	App func(m *Message, now int64) (taken bool)
	// Logon, when set, appends fields to our Logon, for credentials.
	Logon func(w *Writer, h LogonHeader)
	// CheckLogon, when set, may refuse the peer's Logon; the error is its reason,
	// which the peer gets to read.
	CheckLogon func(m *Message, now int64) error
}

// LogonHeader is what a signature in a Logon covers.
type LogonHeader struct {
	MsgSeqNum    uint64
	SendingTime  string // as in the message
	SenderCompID string
	TargetCompID string
	Now          int64 // ns since the epoch
}

const (
	defaultSkewSecs    = 120
	defaultOutLimit    = 8 << 20
	defaultLogMessages = 4096
	defaultResendChunk = 1000
	maxHeartBtInt      = 3600
	maxCompID          = 64
)

func (c *Config) complete() error {
	for _, text := range []struct{ name, value string }{
		{"BeginString", c.BeginString}, {"SenderCompID", c.SenderCompID},
		{"TargetCompID", c.TargetCompID},
	} {
		if err := checkText(text.name, text.value); err != nil {
			return err
		}
	}
	switch {
	case len(c.BeginString) > maxBeginString:
		return fmt.Errorf("fix session: BeginString %q is too long", c.BeginString)
	case (c.BeginString == "FIXT.1.1") != (c.DefaultApplVerID != ""):
		return errors.New("fix session: BeginString FIXT.1.1 needs DefaultApplVerID, others have none")
	case c.Role == Initiator && (c.HeartBtIntSecs < 1 || c.HeartBtIntSecs > maxHeartBtInt):
		return fmt.Errorf("fix session: HeartBtInt %d is not in 1..%d s", c.HeartBtIntSecs,
			maxHeartBtInt)
	case c.App == nil:
		return errors.New("fix session: no App to take messages")
	case c.FrameLimit < 0 || c.FrameLimit > MaxFrameLimit:
		return fmt.Errorf("fix session: FrameLimit %d is not in 0..%d bytes", c.FrameLimit, MaxFrameLimit)
	case c.OutLimit < 0 || c.LogMessages < 0 || c.ResendChunk < 0:
		return errors.New("fix session: limits must not be negative")
	}
	for _, f := range c.Header {
		if f.Tag < 1 || checkText("header field", f.Value) != nil {
			return fmt.Errorf("fix session: header field %d=%q: 1 to %d printable characters wanted",
				f.Tag, f.Value, maxCompID)
		}
	}
	setDefault(&c.FrameLimit, MaxFrame)
	setDefault(&c.MaxSkewSecs, defaultSkewSecs)
	setDefault(&c.OutLimit, defaultOutLimit)
	setDefault(&c.LogMessages, defaultLogMessages)
	setDefault(&c.ResendChunk, defaultResendChunk)
	if c.Role == Initiator {
		c.LogMessages = 0
	}
	return nil
}

func checkText(name, value string) error {
	if value == "" || len(value) > maxCompID {
		return fmt.Errorf("fix session: %s must have 1 to %d characters", name, maxCompID)
	}
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("fix session: %s %q must be printable ASCII without spaces", name, value)
		}
	}
	return nil
}

func setDefault(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}
