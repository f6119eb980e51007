package guard

import "penstock/fix"

// summary is what the guard wants to know of one message. The slices alias the
// frame.
type summary struct {
	msgType                     []byte
	beginString, sender, target []byte
	username, password          []byte
	heartBtInt                  int // seconds, -1 when absent
	sendingTime                 []byte
	resetSeqNum                 bool
	tag                         int // what the reason is about; 0: not one field
}

// Tags that the FIX library reads as integers without checking for an empty
// value or overflow, wherever they stand.
func sessionInteger(tag int) bool {
	switch tag {
	case 7, 9, 16, 34, 36, 45, 98, 108, 369, 383, 789:
		return true
	}
	return dataTag(tag) != 0
}

// dataTag returns the data field that the length field tag belongs to, 0 when
// tag is no length field (FIX 4.4 vol. 6, type Length).
func dataTag(tag int) int {
	switch tag {
	case 90, 95, 212, 348, 350, 352, 354, 356, 358, 360, 362, 364, 445, 618, 621:
		return tag + 1
	case 93:
		return 89
	}
	return 0
}

// sessionTag reports whether the session layer acts on tag, so that it must not
// appear twice: two readers could then see two values. Other length fields than XmlDataLen(212), which
// the library acts on, may stand in every entry of a repeating group.
func sessionTag(tag int) bool {
	switch tag {
	case 7, 8, 9, 10, 16, 34, 35, 36, 43, 49, 52, 56, 97, 98, 108, 122, 123, 141, 212, 369, 553,
		554, 789:
		return true
	}
	return false
}

// integerDigits bounds the integers of the session layer: below 10^9 nothing
// overflows.
const integerDigits = 9

// inspect walks the fields of one message that fix.Frame has accepted, and fills s. Data that holds
// SOH is changed in msg, see unseparate.
// Garbled means that FIX asks to ignore the message; any other reason closes, and s.tag is what it is about.
func inspect(msg []byte, s *summary) Reason {
	*s = summary{heartBtInt: -1}
	var seen [1024 / 64]uint64
	length, wantLen, changed := 0, 0, false // of the length field before, its tag and value
	for at := 0; at < len(msg); {
		tag, value, n := field(msg[at:])
		if n == 0 {
			return Garbled
		}
		if length != 0 {
			start := at + n - 1 - len(value)
			end := dataEnd(msg, start, wantLen)
			if end == 0 && s.application() && tag != xmlData {
				end = looseEnd(msg, start)
			}
			if end == 0 || tag != dataTag(length) {
				s.tag = length
				return DataLength
			}
			n, value = end+1-at, msg[start:end]
			changed = unseparate(value) || changed
		}
		at += n
		length = 0
		if sessionTag(tag) {
			bit := uint64(1) << (tag % 64)
			if seen[tag/64]&bit != 0 {
				s.tag = tag
				return Duplicate
			}
			seen[tag/64] |= bit
		}
		if sessionInteger(tag) {
			v, ok := integer(value)
			if !ok && !s.answered(tag, value) {
				s.tag = tag
				return BadInteger
			}
			if wantLen = v; dataTag(tag) != 0 {
				length = tag
			}
		}
		s.take(tag, value)
	}
	if length != 0 || len(s.msgType) == 0 {
		return Garbled
	}
	if changed {
		reseal(msg)
	}
	return None
}

// xmlData is XmlData(213), the only data field that the library reads by its length.
const xmlData = 213

// application reports whether the message is one that package ems reads itself, and answers with
// Reject(3) when the length of its data is wrong.
func (s *summary) application() bool {
	return len(s.msgType) > 0 && (len(s.msgType) > 1 || s.msgType[0] != 'A' && (s.msgType[0] < '0' || s.msgType[0] > '5'))
}

// answered reports whether a value that is no number is answered with Reject(3): the library does so in a
// ResendRequest(2) whose bounds are no integers at all, and in a SequenceReset(4) to a number below 0;
// package ems for a length in a message of its own.
func (s *summary) answered(tag int, value []byte) bool {
	if len(value) == 0 {
		return false // the library would not live through it
	}
	digits := value
	if value[0] == '-' {
		digits = value[1:]
	}
	number := len(digits) > 0
	for _, c := range digits {
		number = number && digit(c)
	}
	switch tag {
	case 7, 16:
		return string(s.msgType) == "2" && !number
	case 36:
		return string(s.msgType) == "4" && number && value[0] == '-' && len(digits) <= integerDigits
	}
	return dataTag(tag) != 0 && dataTag(tag) != xmlData && s.application()
}

// trailerBytes is the length of 10=nnn|.
const trailerBytes = 7

// dataEnd returns where data of a length ends that begins at start, 0 when no SOH is there.
func dataEnd(msg []byte, start, length int) int {
	if end := start + length; end < len(msg)-trailerBytes && msg[end] == fix.SOH {
		return end
	}
	return 0
}

// looseEnd returns where data ends whose length is wrong: where a field follows. The trailer is one.
func looseEnd(msg []byte, start int) int {
	for at := start; at < len(msg); at++ {
		if msg[at] != fix.SOH {
			continue
		}
		if _, _, n := field(msg[at+1:]); n > 0 {
			return at
		}
	}
	return 0
}

// unseparate takes SOH out of data. The library knows no data fields: it would find other fields in one, or
// not read the message. Nobody here looks into data, so that another byte does as well: the one that
// stands for SOH in the log.
func unseparate(data []byte) (changed bool) {
	for i := range data {
		if data[i] == fix.SOH {
			data[i], changed = '|', true
		}
	}
	return changed
}

// reseal makes the CheckSum(10) that of the message.
func reseal(msg []byte) {
	var sum byte
	trailer := msg[len(msg)-trailerBytes:]
	for _, c := range msg[:len(msg)-trailerBytes] {
		sum += c
	}
	trailer[3], trailer[4], trailer[5] = '0'+sum/100, '0'+sum/10%10, '0'+sum%10
}

func (s *summary) take(tag int, value []byte) {
	switch tag {
	case 8:
		s.beginString = value
	case 35:
		s.msgType = value
	case 49:
		s.sender = value
	case 52:
		s.sendingTime = value
	case 56:
		s.target = value
	case 108:
		s.heartBtInt, _ = integer(value)
	case 141:
		// Anything but a plain no counts as a wish to reset.
		s.resetSeqNum = string(value) != "N"
	case 553:
		s.username = value
	case 554:
		s.password = value
	}
}

// field splits tag=value| off b; n is 0 when b does not start with a field. Tags
// have up to 9 digits and no leading zero, so that nobody can read another tag in
// them. 0 and negative numbers are no tags, which is for the session to say: they
// come back as 0.
func field(b []byte) (tag int, value []byte, n int) {
	i, first := 0, 0
	if len(b) > 0 && b[0] == '-' {
		i, first = 1, 1
	}
	for ; i < len(b) && digit(b[i]); i++ {
		tag = tag*10 + int(b[i]-'0')
		if i == first+9 {
			return 0, nil, 0
		}
	}
	if i == first || i == len(b) || b[i] != '=' || b[first] == '0' && (first == 1 || i > 1) {
		return 0, nil, 0
	}
	if first == 1 {
		tag = 0
	}
	for j := i + 1; j < len(b); j++ {
		if b[j] == fix.SOH {
			return tag, b[i+1 : j], j + 1
		}
	}
	return 0, nil, 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func integer(b []byte) (v int, ok bool) {
	if len(b) == 0 || len(b) > integerDigits {
		return 0, false
	}
	for _, c := range b {
		if !digit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}
