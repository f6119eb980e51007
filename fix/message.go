package fix

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"penstock/market"
)

// MaxFields bounds the fields of one message, unless Room made place for more.
const MaxFields = 512

// Message is a parsed view over one frame. Values alias the frame and are valid
// as long as it is. Reused by calling Parse or Next again; not safe for concurrent use.
type Message struct {
	buf   []byte
	n     int
	tags  []uint32 // of the n fields
	spans []span   // of their values, from 1; spans[0] is empty: a slot that is not there
	index *slotIndex
	err   FieldError
	bad   bool // err is one: the first field may have tag 0, which is reason 0

	own      []uint32  // tags of a message that Parse took
	ownIndex slotIndex // and where its slots are
	prefix   []byte    // 8=FIX.4.4|9= of the last message that Next took
	marks    [markedFrame / 64]uint64
	text     [splitTags]byte // the tags of the message that was cut, with their equals signs
	width    int             // of text, 0: the marks are there instead
	layouts  *layouts
	clock    secondCache
}

// span is where a value begins and, in the upper half, where it ends.
type span uint64

func makeSpan(start, end int) span { return span(uint32(start)) | span(end)<<32 }

// Room lets m hold that many fields, 12 bytes each, before its next Parse.
func (m *Message) Room(fields int) {
	m.n, m.spans, m.own = 0, make([]span, fields+1), make([]uint32, fields)
	m.tags, m.index = nil, &m.ownIndex
}

// FieldError reports a field that cannot be used.
type FieldError struct {
	Offset int // of the tag in the frame, -1 when the field is missing
	Tag    int // 0 when it could not be read
	Reason RejectReason
}

func (e *FieldError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("fix: tag %d: %s", e.Tag, e.Reason)
	}
	return fmt.Sprintf("fix: tag %d at byte %d: %s", e.Tag, e.Offset, e.Reason)
}

// RejectReason is SessionRejectReason(373).
type RejectReason uint8

// Reasons of a session-level Reject(35=3), FIX 4.4.
const (
	RejectInvalidTag   RejectReason = 0
	RejectMissingTag   RejectReason = 1
	RejectNotForType   RejectReason = 2
	RejectNoValue      RejectReason = 4
	RejectValue        RejectReason = 5
	RejectFormat       RejectReason = 6
	RejectCompID       RejectReason = 9
	RejectSendingTime  RejectReason = 10
	RejectMsgType      RejectReason = 11
	RejectDuplicate    RejectReason = 13
	RejectOrder        RejectReason = 14
	RejectGroupCount   RejectReason = 16
	RejectOther        RejectReason = 99
	rejectReasonsCount              = 100
)

var rejectTexts = [rejectReasonsCount]string{
	RejectInvalidTag:  "invalid tag number",
	RejectMissingTag:  "required tag missing",
	RejectNotForType:  "tag not defined for this message type",
	RejectNoValue:     "tag specified without a value",
	RejectValue:       "value is incorrect for this tag",
	RejectFormat:      "incorrect data format for value",
	RejectCompID:      "CompID problem",
	RejectSendingTime: "SendingTime accuracy problem",
	RejectMsgType:     "invalid MsgType",
	RejectDuplicate:   "tag appears more than once",
	RejectOrder:       "tag specified out of required order",
	RejectGroupCount:  "incorrect NumInGroup count for repeating group",
	RejectOther:       "other",
}

func (r RejectReason) String() string {
	if r < rejectReasonsCount && rejectTexts[r] != "" {
		return rejectTexts[r]
	}
	return "reject reason?"
}

// lengthTags has a bit for every tag that gives the length of the data field
// after it; that data may contain SOH.
var lengthTags = func() (set [11]uint64) {
	for _, tag := range []uint32{90, 93, 95, 212, 348, 350, 352, 354, 356, 358, 360, 362,
		364, 445, 618, 621} {
		set[tag>>6] |= 1 << (tag & 63)
	}
	return
}()

// onceTags has a bit for the header tags below 64 that identify a message: a
// second one would let two readers see two different messages.
const onceTags uint64 = 1<<TagBeginString | 1<<TagBodyLength | 1<<TagCheckSum |
	1<<TagMsgSeqNum | 1<<TagMsgType | 1<<TagPossDupFlag | 1<<TagSenderCompID |
	1<<TagSendingTime | 1<<TagTargetCompID

// Parse splits a frame, as Frame found it, into fields. It returns the first
// *FieldError, which is valid until the next Parse; the other fields are there
// nevertheless, so that a Reject can name the message.
func (m *Message) Parse(frame []byte) error {
	if m.own == nil {
		m.Room(MaxFields)
	}
	m.buf, m.n, m.bad = frame, 0, false
	m.tags, m.index, m.ownIndex = m.own, &m.ownIndex, slotIndex{}
	var seen uint64
	data := -1
	for at := 0; at < len(frame); {
		tag, value, end := splitField(frame, at)
		if data >= 0 {
			if end = value + data; end >= len(frame) || frame[end] != SOH {
				m.fail(at, tag, RejectFormat)
				end = indexSOH(frame, value)
			}
		}
		data = -1
		switch {
		case end == len(frame):
			m.fail(at, tag, RejectFormat)
		case tag == 0:
			m.fail(at, tag, RejectInvalidTag)
		case end == value:
			m.fail(at, tag, RejectNoValue)
		case m.n == len(m.own):
			m.fail(at, tag, RejectOther)
			return &m.err
		default:
			if tag < 64 {
				if seen&onceTags>>tag&1 != 0 {
					m.fail(at, tag, RejectDuplicate)
				}
				seen |= 1 << tag
			}
			m.push(tag, value, end)
			if isLength(tag) {
				data = m.dataLength(at, tag, frame[value:end])
			}
		}
		at = end + 1
	}
	if m.n < 4 || m.tags[0] != TagBeginString || m.tags[1] != TagBodyLength ||
		m.tags[2] != TagMsgType || m.tags[m.n-1] != TagCheckSum {
		m.fail(0, TagMsgType, RejectOrder)
	}
	if m.bad {
		return &m.err
	}
	return nil
}

// push appends a field.
func (m *Message) push(tag, value, end int) {
	m.own[m.n] = uint32(tag)
	m.ownIndex.add(m.n, tag)
	m.n++
	m.spans[m.n] = makeSpan(value, end)
}

// isLength reports whether a tag gives the length of the data field behind it.
func isLength(tag int) bool {
	w := tag >> 6
	return w < len(lengthTags) && lengthTags[w]>>(tag&63)&1 != 0
}

// fail keeps the first error.
func (m *Message) fail(at, tag int, reason RejectReason) {
	if !m.bad {
		m.err, m.bad = FieldError{at, tag, reason}, true
	}
}

func (m *Message) dataLength(at, tag int, text []byte) int {
	n, err := ParseInt(text)
	if err != nil || n < 0 || n > MaxFrameLimit {
		m.fail(at, tag, RejectFormat)
		return -1
	}
	return int(n)
}

// splitField finds the tag at offset at, its value and the SOH behind it. One load
// of eight bytes mostly shows the whole of a short field, and the tag of any.
func splitField(b []byte, at int) (tag, value, end int) {
	if at+8 > len(b) {
		tag, value = parseTag(b, at)
		return tag, value, indexSOH(b, value)
	}
	w := binary.LittleEndian.Uint64(b[at:])
	equals := bits.TrailingZeros64(matches(w, '=')) >> 3 // 8: none
	if equals < 1 || equals > 4 || w&0xff == '0' {
		tag, value = parseTag(b, at)
		return tag, value, indexSOH(b, value)
	}
	// The digits, right justified behind '0's: x is at most four of them, the
	// first in the lowest byte.
	x := uint32(w)<<((32-8*equals)&31) | leadingZeros[equals&7]
	if x&0xf0f0f0f0 != 0x30303030 || (x+0x06060606)&0xf0f0f0f0 != 0x30303030 {
		return 0, at, indexSOH(b, at)
	}
	x &= 0x0f0f0f0f
	x = (x*10 + x>>8) & 0x00ff00ff
	tag = int((x*100 + x>>16) & 0xffff)
	value = at + equals + 1
	if soh := matches(w, SOH); soh != 0 {
		return tag, value, at + bits.TrailingZeros64(soh)>>3
	}
	return tag, value, indexSOH(b, at+8)
}

// leadingZeros fills up a tag of 1 to 4 digits to four.
var leadingZeros = [8]uint32{1: 0x303030, 2: 0x3030, 3: 0x30}

// matches has the high bit of every byte of w that equals c, up to the first one;
// higher bytes may be wrong.
func matches(w uint64, c byte) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	w ^= ones * uint64(c)
	return (w - ones) &^ w & highs
}

// parseTag reads the tag at offset at and returns where its value begins; tag 0
// is not a tag of 1 to 9 digits without leading zero followed by '='.
func parseTag(b []byte, at int) (tag, value int) {
	for i := at; i < len(b) && i < at+10; i++ {
		c := b[i] - '0'
		if c > 9 {
			if b[i] == '=' && i > at && b[at] != '0' {
				return tag, i + 1
			}
			break
		}
		tag = tag*10 + int(c)
	}
	return 0, at
}

// indexSOH returns the offset of the first SOH at or after from, len(b) if none.
// It looks at eight bytes at a time: values are too short for a vector search
// to pay for its call.
func indexSOH(b []byte, from int) int {
	i := from
	for ; i+8 <= len(b); i += 8 {
		if soh := matches(binary.LittleEndian.Uint64(b[i:]), SOH); soh != 0 {
			return i + bits.TrailingZeros64(soh)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] == SOH {
			return i
		}
	}
	return len(b)
}

// Len returns the number of fields, header and trailer included.
func (m *Message) Len() int { return m.n }

// Field returns field i in wire order; i must be in 0..Len()-1.
func (m *Message) Field(i int) (tag int, value []byte) {
	start, end := m.bounds(i)
	return int(m.tags[:m.n][i]), m.buf[start:end]
}

func (m *Message) bounds(i int) (start, end int) {
	v := m.spans[i+1]
	return int(uint32(v)), int(v >> 32)
}

// Frame returns the bytes of the message.
func (m *Message) Frame() []byte { return m.buf }

// Type returns MsgType(35), nil when the message has none.
func (m *Message) Type() []byte {
	if m.n > 2 && m.tags[2] == TagMsgType {
		start, end := m.bounds(2)
		return m.buf[start:end]
	}
	return nil
}

// At returns the first field with the tag of s, empty when there is none: a value is
// never empty.
func (m *Message) At(s Slot) []byte {
	v := m.spans[m.index.at[s&63]]
	return m.buf[uint32(v) : v>>32]
}

// Twice reports which of the slots, a bit for each, stand in m more than once.
func (m *Message) Twice(slots uint64) uint64 { return m.index.twice & slots }

// Get returns the first field with tag.
func (m *Message) Get(tag int) (value []byte, ok bool) {
	if i := m.find(tag); i >= 0 {
		start, end := m.bounds(i)
		return m.buf[start:end], true
	}
	return nil, false
}

func (m *Message) find(tag int) int {
	if m.n > 0 && uint(tag) < slotLimit && slotOf[tag] != 0 {
		return int(m.index.at[slotOf[tag]]) - 1
	}
	for i, t := range m.tags[:m.n] {
		if t == uint32(tag) {
			return i
		}
	}
	return -1
}

// Int returns the first field with tag as a whole number.
func (m *Message) Int(tag int) (int64, error) {
	value, ok := m.Get(tag)
	if !ok {
		return 0, missing(tag)
	}
	v, err := ParseInt(value)
	if err != nil {
		return 0, m.Bad(tag, RejectFormat)
	}
	return v, nil
}

// Decimal returns the first field with tag in units of 10^-decimals.
func (m *Message) Decimal(tag int, decimals uint8) (int64, error) {
	value, ok := m.Get(tag)
	if !ok {
		return 0, missing(tag)
	}
	v, err := market.ParseDecimal(value, decimals)
	if err != nil {
		return 0, m.Bad(tag, RejectFormat)
	}
	return v, nil
}

// Time returns the first field with tag, a UTCTimestamp, in ns since the epoch.
func (m *Message) Time(tag int) (int64, error) {
	value, ok := m.Get(tag)
	if !ok {
		return 0, missing(tag)
	}
	ns, err := ParseTime(value)
	if err != nil {
		return 0, m.Bad(tag, RejectFormat)
	}
	return ns, nil
}

// Flag reports whether the first field with tag is Y.
func (m *Message) Flag(tag int) bool {
	value, ok := m.Get(tag)
	return ok && len(value) == 1 && value[0] == 'Y'
}

// Bad returns the error that refuses the first field with tag, saying where it is.
func (m *Message) Bad(tag int, reason RejectReason) *FieldError {
	i := m.find(tag)
	if i < 0 {
		return missing(tag)
	}
	at := 0
	if i > 0 {
		_, end := m.bounds(i - 1)
		at = end + 1
	}
	return &FieldError{at, tag, reason}
}

func missing(tag int) *FieldError { return &FieldError{-1, tag, RejectMissingTag} }
