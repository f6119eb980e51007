package ems

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
)

// refusal says why a message does not reach the router, and how the client is
// told.
type refusal struct {
	form   form
	tag    int // 0 none
	code   int // SessionRejectReason(373) or BusinessRejectReason(380)
	reason event.Reason
	text   string
}

// form is the kind of message that carries a refusal.
type form uint8

const (
	sessionReject  form = iota // Reject(3): the message is malformed
	businessReject             // BusinessMessageReject(j): it cannot be used
	orderReject                // ExecutionReport(8) or OrderCancelReject(9)
)

// Values of BusinessRejectReason(380).
const (
	businessUnsupportedType = 3
	businessNotAvailable    = 4
	businessMissingField    = 5
)

// malformed refuses a message because of the syntax of one field.
func malformed(tag int, reason fix.RejectReason) *refusal {
	return &refusal{form: sessionReject, tag: tag, code: int(reason),
		text: describe(tag) + ": " + reason.String()}
}

// missingFor refuses a message that lacks a field that its other fields call for.
func missingFor(tag int, why string) *refusal {
	return &refusal{form: businessReject, tag: tag, code: businessMissingField,
		text: describe(tag) + " is required " + why}
}

// order refuses what the client asks for.
func order(reason event.Reason, format string, args ...any) *refusal {
	return &refusal{form: orderReject, reason: reason, text: fmt.Sprintf(format, args...)}
}

// describe names a tag for a person: Price(44).
func describe(tag int) string {
	if r := rules[tag]; r != nil {
		return r.name + "(" + strconv.Itoa(tag) + ")"
	}
	return "tag " + strconv.Itoa(tag)
}

// reject returns the refusal as quickfix answers it, with Reject(3) or
// BusinessMessageReject(j); refID is the ClOrdID, if there is one.
func (r *refusal) reject(refID string) quickfix.MessageRejectError {
	var tag *quickfix.Tag
	if r.tag != 0 {
		t := quickfix.Tag(r.tag)
		tag = &t
	}
	if r.form == businessReject {
		return quickfix.NewBusinessMessageRejectErrorWithRefID(r.text, r.code, refID, tag)
	}
	return quickfix.NewMessageRejectError(r.text, r.code, tag)
}

// malformedAt is the refusal of what package fix could not read.
func malformedAt(err error) *refusal {
	var field *fix.FieldError
	if !errors.As(err, &field) {
		return malformed(0, fix.RejectOther)
	}
	return malformed(field.Tag, field.Reason)
}
