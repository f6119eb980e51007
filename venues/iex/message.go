package iex

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Message types of DEEP 1.0.
const (
	typeSystemEvent       = 'S'
	typeSecurityDirectory = 'D'
	typeTradingStatus     = 'H'
	typeOperationalHalt   = 'O'
	typeShortSale         = 'P'
	typeSecurityEvent     = 'E'
	typeBuyLevel          = '8'
	typeSellLevel         = '5'
	typeTrade             = 'T'
	typeOfficialPrice     = 'X'
	typeTradeBreak        = 'B'
	typeAuction           = 'A'
)

// lengths holds the length of each message type, 0 for a type that DEEP 1.0 does
// not have. A message may be longer than its type's length: the specification
// lets fields be appended, and readers pass over them.
var lengths = [256]uint8{
	typeSystemEvent: 10, typeSecurityDirectory: 31, typeTradingStatus: 22,
	typeOperationalHalt: 18, typeShortSale: 19, typeSecurityEvent: 18, typeBuyLevel: 30,
	typeSellLevel: 30, typeTrade: 38, typeOfficialPrice: 26, typeTradeBreak: 38, typeAuction: 80,
}

// eventComplete in the flags of a price level says that the book is consistent.
const eventComplete = 1

// Faults of a message; test with errors.Is.
var (
	// ErrNoRoom says that the sink has no room: give the same again later.
	ErrNoRoom = errors.New("no room for events")
	// ErrLength is a message that is shorter than its type.
	ErrLength = errors.New("wrong length")
	// ErrType is a message type that DEEP 1.0 does not have.
	ErrType = errors.New("unknown message type")
	// ErrValue is a field whose value cannot be true.
	ErrValue = errors.New("impossible value")
	// ErrSymbols says that no further instrument can be taken.
	ErrSymbols = errors.New("too many symbols")
)

// MessageError says which message was not used and why.
type MessageError struct {
	Type   byte // 0 for an empty message
	Length int
	Err    error
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("iex: message %q of %d bytes: %v", e.Type, e.Length, e.Err)
}

func (e *MessageError) Unwrap() error { return e.Err }

func refusal(msg []byte, err error) error {
	e := &MessageError{Length: len(msg), Err: err}
	if len(msg) > 0 {
		e.Type = msg[0]
	}
	return e
}

// Fields that several types share: the time at byte 2, the symbol at byte 10.

func timestamp(msg []byte) int64 { return int64(binary.LittleEndian.Uint64(msg[2:])) }

func symbolKey(msg []byte) uint64 { return binary.LittleEndian.Uint64(msg[10:]) }
