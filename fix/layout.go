package fix

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// A counterparty writes messages of one kind with the same tags in the same order. Next
// remembers the last such orders, as Parse found them, and checks a message against
// one: the text of all tags at once where split finds it, else field by field, as eight
// bytes of each show that its tag is the expected one. What Parse says of tags, their order
// and duplicates then holds for this message too. Everything else goes to Parse.
const (
	markedFrame  = 4096 // bytes of the longest message that Next looks at in this way
	layoutFields = 64   // and how many fields it has at most
	layoutKinds  = 8
	layoutWays   = 2 // kinds of message that share type and number of fields

	layoutText = 8 * layoutFields  // bytes of as many tags with their equals signs
	splitTags  = layoutText + 64   // with the room that split needs for them
	splitSpans = layoutFields + 16 // and for the values
)

type layouts struct {
	kinds [layoutKinds][layoutWays]layout
	turn  [layoutKinds]uint8 // which way was of use last
}

type layout struct {
	n     int // fields, 0: none known
	keys  [layoutFields]layoutKey
	text  [layoutText]byte // the keys one behind the other, without that of the trailer
	width int              // of text
	tags  [layoutFields]uint32
	index slotIndex
}

// layoutKey is a tag with its equals sign, as the first bytes of a field.
type layoutKey struct {
	text, mask uint64
	width      int // bytes of it
}

// Next finds the first message in buf, as FrameUpTo does, and takes it apart, as Parse
// does: n and garbled are those of FrameUpTo, parsed is that of Parse, nil as well when
// there is no whole message yet.
func (m *Message) Next(buf []byte, limit int) (n int, garbled, parsed error) {
	body, end, sum := m.whole(buf, limit)
	fields := 0
	if end > 0 {
		fields = m.cut(buf[:end], sum)
	}
	if fields == 0 {
		if n, garbled = FrameUpTo(buf, limit); n == 0 || garbled != nil {
			return n, garbled, nil
		}
		m.prefix = append(m.prefix[:0], buf[:bytes.IndexByte(buf, SOH)+len("|9=")]...)
		return n, nil, m.Parse(buf[:n])
	}
	n = end + trailerLen
	if m.layouts == nil {
		m.layouts = new(layouts)
	}
	kind := (fields + int(buf[body+len("35=")])) % layoutKinds
	ways := &m.layouts.kinds[kind]
	for range layoutWays {
		way := &m.layouts.turn[kind]
		if l := &ways[*way]; l.n == fields && m.match(l, buf[:n]) {
			return n, nil, nil
		}
		*way = (*way + 1) % layoutWays
	}
	parsed = m.Parse(buf[:n])
	if parsed == nil {
		way := &m.layouts.turn[kind]
		*way = (*way + 1) % layoutWays
		ways[*way].learn(m)
	}
	return n, nil, parsed
}

// whole finds a whole message that begins as the one before: where its body begins and
// ends, and the sum that its trailer says. end 0 is everything else, which FrameUpTo judges.
func (m *Message) whole(buf []byte, limit int) (body, end int, sum byte) {
	at := len(m.prefix)
	if at == 0 || len(buf) < at+8 || string(buf[:at]) != string(m.prefix) {
		return 0, 0, 0
	}
	length, digits := 0, 0
	for ; ; digits++ {
		c := buf[at+digits]
		if c-'0' > 9 {
			if c != SOH || digits == 0 {
				return 0, 0, 0
			}
			break
		}
		if digits == maxBodyDigits {
			return 0, 0, 0
		}
		length = length*10 + int(c-'0')
	}
	body = at + digits + 1
	end = body + length
	if length == 0 || end > markedFrame || end+trailerLen > limit || end+trailerLen > len(buf) {
		return 0, 0, 0
	}
	// 10=nnn| in one word, behind the last SOH of the body.
	t := binary.LittleEndian.Uint64(buf[end-1:])
	const shape, ends = 0xff_00_00_00_ff_ff_ff_ff, 0x01_00_00_00_3d_30_31_01
	hundreds, tens, ones := uint(byte(t>>32)-'0'), uint(byte(t>>40)-'0'), uint(byte(t>>48)-'0')
	said := hundreds*100 + tens*10 + ones
	if t&shape != ends || hundreds > 9 || tens > 9 || ones > 9 || said > 255 {
		return 0, 0, 0
	}
	return body, end, byte(said)
}

// cut finds the fields of a message up to its trailer, which says sum, and returns their
// number with the trailer; 0 when the sum is another. Where tags are found together with
// them, width says how much of m.text they are; else m.marks are the ends of the fields.
func (m *Message) cut(b []byte, sum byte) (fields int) {
	if m.width = 0; haveSplit && len(m.spans) > splitSpans {
		m.n, m.index = 0, &noSlots // the spans are no longer those of the message before
		got, fields, width := split(b, &m.text, (*[splitSpans]span)(m.spans[1:]))
		if width > 0 {
			if got != sum {
				return 0
			}
			m.width = width
			return fields + 1
		}
	}
	if scan(b, m.marks[:]) != sum {
		return 0
	}
	fields = 1
	for _, w := range m.marks[:(len(b)+63)/64] {
		fields += bits.OnesCount64(w)
	}
	return fields
}

// match takes the message that was cut apart, if it has the tags of l; false leaves m unusable.
func (m *Message) match(l *layout, frame []byte) bool {
	if m.width > 0 {
		if string(m.text[:m.width]) != string(l.text[:l.width]) {
			return false
		}
	} else if l.n >= len(m.spans) || !matchFields(frame, m.marks[:(len(frame)-trailerLen+63)/64], l.keys[:l.n-1], m.spans[1:l.n]) {
		return false
	}
	m.spans[l.n] = makeSpan(len(frame)-len("000|"), len(frame)-1)
	m.buf, m.n, m.bad = frame, l.n, false
	m.tags, m.index = l.tags[:l.n], &l.index
	return true
}

// matchFields checks that the fields of frame, ended by the marks, begin with the keys and
// have values, whose spans it writes. There are as many marks as keys and as spans, and 7
// bytes or more of frame behind the last one.
//
// The cursors are pointers because five slices do not fit the registers.
func matchFields(frame []byte, marks []uint64, keys []layoutKey, spans []span) bool {
	start := 0
	text := unsafe.Pointer(unsafe.SliceData(frame))
	key, to := unsafe.Pointer(unsafe.SliceData(keys)), unsafe.Pointer(unsafe.SliceData(spans))
	base := 0
	for _, set := range marks {
		for ; set != 0; set &= set - 1 {
			end := base + bits.TrailingZeros64(set)
			k := (*layoutKey)(key)
			value := start + k.width
			if (*(*uint64)(unsafe.Add(text, start))^k.text)&k.mask != 0 || value >= end {
				return false
			}
			*(*span)(to) = span(value) | span(end)<<32
			start = end + 1
			key, to = unsafe.Add(key, unsafe.Sizeof(layoutKey{})), unsafe.Add(to, unsafe.Sizeof(span(0)))
		}
		base += 64
	}
	return true
}

// learn makes l the layout of a message that Parse took whole; one with data fields,
// whose SOHs do not end a field, or with very long tags has none.
func (l *layout) learn(m *Message) {
	l.n = 0
	if m.n > layoutFields {
		return
	}
	l.index = m.ownIndex
	l.width = 0
	copy(l.tags[:], m.own[:m.n])
	for i, tag := range m.own[:m.n] {
		width := digits(uint64(tag)) + 1
		if width > 8 || isLength(int(tag)) {
			return
		}
		var text, mask [8]byte
		putDigits(text[:width-1], uint64(tag))
		text[width-1] = '='
		for i := range mask[:width] {
			mask[i] = 0xff
		}
		l.keys[i] = layoutKey{text: binary.NativeEndian.Uint64(text[:]),
			mask: binary.NativeEndian.Uint64(mask[:]), width: width}
		if i < m.n-1 {
			l.width += copy(l.text[l.width:], text[:width])
		}
	}
	l.n = m.n
}
