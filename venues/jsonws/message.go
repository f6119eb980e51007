package jsonws

import (
	"errors"
	"fmt"

	"penstock/event"
	"penstock/market"
)

// Reasons why a message was not used; test with errors.Is.
var (
	// ErrNoRoom says that the sink has no room and the message was not taken:
	// give it again later, and no other before it.
	ErrNoRoom = errors.New("no room for events")
	// ErrMalformed is no JSON, or lacks what a message of its kind has.
	ErrMalformed = errors.New("malformed message")
	// ErrAbsurd is a price or quantity that cannot be true, or that is finer than
	// the instrument's increment.
	ErrAbsurd = errors.New("impossible value")
	// ErrUnknown is a message of a kind that the decoder does not know.
	ErrUnknown = errors.New("unknown kind of message")
	// ErrChecksum says that our book is not the venue's.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrGap is a break in the venue's numbering.
	ErrGap = errors.New("update missing")
	// ErrRefused says that the venue refused a subscription or reports an error.
	ErrRefused = errors.New("refused by the venue")
)

// MessageError says which message was not used and why.
type MessageError struct {
	Symbol string // as the venue writes it, "" when it is not known
	Text   string // the beginning of the message
	Err    error
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("%s %v: %s", e.Symbol, e.Err, e.Text)
}

func (e *MessageError) Unwrap() error { return e.Err }

const excerptMax = 160

// refuse counts a message that was not used. What could have changed a book takes
// that book, or every book when it is not known which, out of use.
func (o *outlet) refuse(now int64, b *book, msg []byte, err error) error {
	reason := event.ReasonNone
	switch err {
	case ErrMalformed:
		o.stats.Malformed++
		reason = event.ReasonMalformed
	case ErrAbsurd:
		o.stats.Absurd++
		reason = event.ReasonAbsurd
	case ErrChecksum:
		o.stats.ChecksumBad++
		reason = event.ReasonChecksum
	case ErrGap:
		o.stats.Gaps++
		reason = event.ReasonGap
	case ErrUnknown:
		o.stats.Unknown++
	case ErrRefused:
		o.stats.Refused++
	}
	o.discard()
	e := &MessageError{Text: string(msg[:min(len(msg), excerptMax)]), Err: err}
	switch {
	case b != nil:
		e.Symbol = b.Text
		if reason != event.ReasonNone {
			o.lose(now, b, reason)
		}
	case reason != event.ReasonNone:
		o.loseAll(now, reason)
	}
	return e
}

// verdict names what is wrong with a decimal that market.ParseDecimal refused.
func verdict(err error) error {
	if errors.Is(err, market.ErrDecimal) {
		return ErrMalformed
	}
	return ErrAbsurd
}
