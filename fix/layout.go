package fix

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// A counterparty writes messages of one kind with the same tags in the same order. Next
// remembers the last such orders, as Parse found them, and checks a message against
// one field by field: eight bytes of each show that its tag is the expected one. What
// Parse says of tags, their order and duplicates then holds for this message too.
// Everything else goes to Parse.
const (
	markedFrame  = 4096 // bytes of the longest message that Next looks at in this way
	layoutFields = 64   // and how many fields it has at most
	layoutKinds  = 8
	layoutWays   = 2 // kinds of message that share type and number of fields
)

type layouts struct {
	kinds [layoutKinds][layoutWays]layout
	turn  [layoutKinds]uint8 // which way was of use last
}

type layout struct {
	n     int // fields, 0: none known
	keys  [layoutFields]layoutKey
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
	if n = m.marked(buf, limit); n == 0 {
		if n, garbled = FrameUpTo(buf, limit); n == 0 || garbled != nil {
			return n, garbled, nil
		}
		m.prefix = append(m.prefix[:0], buf[:bytes.IndexByte(buf, SOH)+len("|9=")]...)
		return n, nil, m.Parse(buf[:n])
	}
	if m.layouts == nil {
		m.layouts = new(layouts)
	}
	fields := 1 // the trailer
	body := n - trailerLen
	words := (body + 63) / 64
	for _, w := range m.marks[:words] {
		fields += bits.OnesCount64(w)
	}
	second := bits.TrailingZeros64(m.marks[0] & (m.marks[0] - 1)) // behind BodyLength
	kind := (fields + int(buf[second+len("|35=")])) % layoutKinds
	ways := &m.layouts.kinds[kind]
	for range layoutWays {
		way := &m.layouts.turn[kind]
		if l := &ways[*way]; l.n == fields && m.match(l, buf[:n], words) {
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

// marked finds a whole message that begins as the one before, and marks its SOHs up to
// the trailer. 0 is everything else, which FrameUpTo judges.
func (m *Message) marked(buf []byte, limit int) (n int) {
	at := len(m.prefix)
	if at == 0 || len(buf) < at+8 || string(buf[:at]) != string(m.prefix) {
		return 0
	}
	length, digits := 0, 0
	for ; ; digits++ {
		c := buf[at+digits]
		if c-'0' > 9 {
			if c != SOH || digits == 0 {
				return 0
			}
			break
		}
		if digits == maxBodyDigits {
			return 0
		}
		length = length*10 + int(c-'0')
	}
	end := at + digits + 1 + length
	if length == 0 || end > markedFrame || end+trailerLen > limit || end+trailerLen > len(buf) {
		return 0
	}
	// 10=nnn| in one word, behind the last SOH of the body.
	t := binary.LittleEndian.Uint64(buf[end-1:])
	sum := scan(buf[:end], m.marks[:])
	const shape, ends = 0xff_00_00_00_ff_ff_ff_ff, 0x01_00_00_00_3d_30_31_01
	hundreds, tens, ones := uint(byte(t>>32)-'0'), uint(byte(t>>40)-'0'), uint(byte(t>>48)-'0')
	if t&shape != ends || hundreds > 9 || tens > 9 || ones > 9 || hundreds*100+tens*10+ones != uint(sum) {
		return 0
	}
	return end + trailerLen
}

// match takes a message apart that has the tags of l; false leaves m unusable.
func (m *Message) match(l *layout, frame []byte, words int) bool {
	if m.spans == nil {
		m.Room(MaxFields)
	}
	if l.n >= len(m.spans) {
		return false
	}
	last := l.n - 1
	start, ok := matchFields(frame, m.marks[:words], l.keys[:last], m.spans[1:l.n])
	if !ok {
		return false
	}
	m.spans[l.n] = makeSpan(start+len("10="), len(frame)-1)
	m.buf, m.n, m.bad = frame, l.n, false
	m.tags, m.index = l.tags[:l.n], &l.index
	return true
}

// matchFields checks that the fields of frame, ended by the marks, begin with the keys and
// have values, whose spans it writes. There are as many marks as keys and as spans, and 7
// bytes or more of frame behind the last one. start is where the next field begins.
//
// The cursors are pointers because five slices do not fit the registers.
func matchFields(frame []byte, marks []uint64, keys []layoutKey, spans []span) (start int, ok bool) {
	text := unsafe.Pointer(unsafe.SliceData(frame))
	key, to := unsafe.Pointer(unsafe.SliceData(keys)), unsafe.Pointer(unsafe.SliceData(spans))
	base := 0
	for _, set := range marks {
		for ; set != 0; set &= set - 1 {
			end := base + bits.TrailingZeros64(set)
			k := (*layoutKey)(key)
			value := start + k.width
			if (*(*uint64)(unsafe.Add(text, start))^k.text)&k.mask != 0 || value >= end {
				return 0, false
			}
			*(*span)(to) = span(value) | span(end)<<32
			start = end + 1
			key, to = unsafe.Add(key, unsafe.Sizeof(layoutKey{})), unsafe.Add(to, unsafe.Sizeof(span(0)))
		}
		base += 64
	}
	return start, true
}

// learn makes l the layout of a message that Parse took whole; one with data fields,
// whose SOHs do not end a field, or with very long tags has none.
func (l *layout) learn(m *Message) {
	l.n = 0
	if m.n > layoutFields {
		return
	}
	l.index = m.ownIndex
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
	}
	l.n = m.n
}
