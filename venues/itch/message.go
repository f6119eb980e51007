package itch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Message types of ITCH 5.0 that the decoder acts on. The length of every type
// is known; the others are checked, counted and passed over.
const (
	typeSystemEvent       = 'S'
	typeStockDirectory    = 'R'
	typeTradingAction     = 'H'
	typeAddOrder          = 'A'
	typeAddOrderMPID      = 'F'
	typeOrderExecuted     = 'E'
	typeExecutedWithPrice = 'C'
	typeOrderCancel       = 'X'
	typeOrderDelete       = 'D'
	typeOrderReplace      = 'U'
	typeTrade             = 'P'
	typeCrossTrade        = 'Q'
	typeOperationalHalt   = 'h'
	typeBreakerBreach     = 'W'
	typeAuctionCollar     = 'J'
	typeRegSHO            = 'Y'
)

// lengths holds the length of each message type, 0 for a type that the
// specification does not have. A length is never taken from the wire.
var lengths = [256]uint8{
	'S': 12, 'R': 39, 'H': 25, 'Y': 20, 'L': 26, 'V': 35, 'W': 12, 'K': 28,
	'J': 35, 'h': 21, 'A': 36, 'F': 40, 'E': 31, 'C': 36, 'X': 23, 'D': 19,
	'U': 35, 'P': 44, 'Q': 40, 'B': 19, 'I': 50, 'N': 20, 'O': 48,
}

// Length returns the length in bytes of a message type, 0 if there is none such.
func Length(messageType byte) int { return int(lengths[messageType]) }

// Reasons why a message was not used; test with errors.Is.
var (
	// ErrNoRoom says that the sink took no more events. The message counts as
	// not delivered: give it again when there is room, and no other before it.
	ErrNoRoom = errors.New("no room for the events of the message")
	// ErrType is a message type that ITCH 5.0 does not have.
	ErrType = errors.New("unknown message type")
	// ErrLength is a message whose length is not that of its type.
	ErrLength = errors.New("wrong message length")
	// ErrValue is a field that cannot be true: no price, no shares, a side that
	// is neither B nor S, a price finer than the instrument's increment, a
	// locate code that names a second stock.
	ErrValue = errors.New("impossible value")
)

// MessageError says which message could not be used and why.
type MessageError struct {
	Type   byte
	Length int
	Locate uint16 // StockLocate, 0 when the message is too short to hold one
	Err    error
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("itch message type %q, %d bytes, locate %d: %v",
		e.Type, e.Length, e.Locate, e.Err)
}

func (e *MessageError) Unwrap() error { return e.Err }

func refusal(msg []byte, err error) error {
	e := &MessageError{Length: len(msg), Err: err}
	if len(msg) > 0 {
		e.Type = msg[0]
	}
	if len(msg) >= 3 {
		e.Locate = locate(msg)
	}
	return e
}

func locate(msg []byte) uint16 { return binary.BigEndian.Uint16(msg[1:]) }

// timestamp reads the 48-bit nanoseconds since midnight at offset 5.
func timestamp(msg []byte) int64 {
	return int64(binary.BigEndian.Uint64(msg[3:]) & (1<<48 - 1))
}
