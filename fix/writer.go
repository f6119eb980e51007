package fix

import (
	"errors"
	"strings"

	"penstock/market"
)

// ErrValue reports a value that cannot be a FIX field: empty, or with SOH in it.
// Sending it would let the value forge fields.
var ErrValue = errors.New("fix: field value is empty or contains SOH")

// ErrTooLong reports a message above MaxFrame.
var ErrTooLong = errors.New("fix: message is above the frame limit")

// bodyDigits is the room that Begin leaves for BodyLength(9): order messages and
// reports have 100 to 999 bytes, others are shifted by Finish.
const bodyDigits = 3

// Writer appends messages to a reused buffer. The first value that cannot be
// sent fails the message, which Finish then removes. Not safe for concurrent use.
type Writer struct {
	buf   []byte
	start int    // of the message being written
	body  int    // first byte that BodyLength counts
	begin string // 8=FIX.4.4|9=
	stamp Stamp
	err   error
}

// NewWriter returns a Writer of messages with that BeginString(8).
func NewWriter(beginString string) *Writer {
	w := &Writer{}
	w.init(beginString)
	return w
}

func (w *Writer) init(beginString string) {
	w.begin = "8=" + beginString + "\x019="
	w.buf = make([]byte, 0, 4096)
}

// Reset forgets all messages and keeps the memory.
func (w *Writer) Reset() { w.buf = w.buf[:0] }

// Begin starts a message: BeginString, BodyLength and MsgType(35) are written.
func (w *Writer) Begin(msgType string) {
	w.err = nil
	w.start = len(w.buf)
	w.buf = append(w.buf, w.begin...)
	w.buf = append(w.buf, "000\x01"...)
	w.body = len(w.buf)
	w.Str(TagMsgType, msgType)
}

// Str appends a field of text.
func (w *Writer) Str(tag int, value string) {
	if value == "" || strings.IndexByte(value, SOH) >= 0 {
		w.err = ErrValue
		return
	}
	w.tag(tag)
	w.buf = append(append(w.buf, value...), SOH)
}

// Bytes appends a field of text.
func (w *Writer) Bytes(tag int, value []byte) {
	if len(value) == 0 || indexSOH(value, 0) < len(value) {
		w.err = ErrValue
		return
	}
	w.tag(tag)
	w.buf = append(append(w.buf, value...), SOH)
}

// Char appends a field of one character.
func (w *Writer) Char(tag int, value byte) {
	if value == SOH || value == 0 {
		w.err = ErrValue
		return
	}
	w.tag(tag)
	w.buf = append(w.buf, value, SOH)
}

// Int appends a whole number.
func (w *Writer) Int(tag int, value int64) {
	w.tag(tag)
	u := uint64(value)
	if value < 0 {
		w.buf = append(w.buf, '-')
		u = -u
	}
	w.buf = append(appendUint(w.buf, u), SOH)
}

// Uint appends a whole number that is not negative.
func (w *Writer) Uint(tag int, value uint64) {
	w.tag(tag)
	w.buf = append(appendUint(w.buf, value), SOH)
}

// Decimal appends value × 10^-decimals without trailing zeros.
func (w *Writer) Decimal(tag int, value int64, decimals uint8) {
	w.tag(tag)
	w.buf = append(market.AppendTrimmed(w.buf, value, decimals), SOH)
}

// Time appends a UTCTimestamp with milliseconds; ns counts from the epoch.
func (w *Writer) Time(tag int, ns int64) {
	w.tag(tag)
	w.buf = append(w.stamp.Append(w.buf, ns), SOH)
}

// Data appends a length field and the data field after it; value may contain SOH.
func (w *Writer) Data(lengthTag, tag int, value []byte) {
	if len(value) == 0 {
		w.err = ErrValue
		return
	}
	w.Int(lengthTag, int64(len(value)))
	w.tag(tag)
	w.buf = append(append(w.buf, value...), SOH)
}

func (w *Writer) tag(tag int) {
	w.buf = append(appendUint(w.buf, uint64(tag)), '=')
}

// Finish completes the message and returns it; the slice is valid until the next
// Begin or Reset. With an error the message is removed.
func (w *Writer) Finish() ([]byte, error) {
	length := len(w.buf) - w.body
	if w.err == nil && len(w.buf)-w.start+trailerLen+maxBodyDigits > MaxFrame {
		w.err = ErrTooLong
	}
	if w.err != nil {
		w.buf = w.buf[:w.start]
		return nil, w.err
	}
	if n := digits(uint64(length)); n != bodyDigits {
		w.buf = append(w.buf, "   "...)[:len(w.buf)+n-bodyDigits]
		copy(w.buf[w.body+n-bodyDigits:], w.buf[w.body:w.body+length])
		w.body += n - bodyDigits
		w.buf[w.body-1] = SOH
	}
	putDigits(w.buf[w.start+len(w.begin):w.body-1], uint64(length))
	sum := checksum(w.buf[w.start:])
	w.buf = append(w.buf, "10=000\x01"...)
	putDigits(w.buf[len(w.buf)-4:len(w.buf)-1], uint64(sum))
	return w.buf[w.start:], nil
}
