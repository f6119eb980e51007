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
// appear twice: two readers could then see two values.
func sessionTag(tag int) bool {
	switch tag {
	case 7, 8, 9, 10, 16, 34, 35, 36, 43, 49, 52, 56, 97, 98, 108, 122, 123, 141, 369, 553,
		554, 789:
		return true
	}
	return dataTag(tag) != 0
}

// integerDigits bounds the integers of the session layer: below 10^9 nothing
// overflows.
const integerDigits = 9

// inspect walks the fields of one message that fix.Frame has accepted, and fills s.
// Garbled means that FIX asks to ignore the message; any other reason closes.
func inspect(msg []byte, s *summary) Reason {
	*s = summary{heartBtInt: -1}
	var seen [1024 / 64]uint64
	wantData, wantLen := 0, 0
	for at := 0; at < len(msg); {
		tag, value, n := field(msg[at:])
		if n == 0 {
			return Garbled
		}
		at += n
		if wantData != 0 && (tag != wantData || len(value) != wantLen) {
			return DataLength
		}
		wantData = 0
		if sessionTag(tag) {
			bit := uint64(1) << (tag % 64)
			if seen[tag/64]&bit != 0 {
				return Duplicate
			}
			seen[tag/64] |= bit
		}
		if sessionInteger(tag) {
			v, ok := integer(value)
			if !ok {
				return BadInteger
			}
			wantData, wantLen = dataTag(tag), v
		}
		s.take(tag, value)
	}
	if wantData != 0 || len(s.msgType) == 0 {
		return Garbled
	}
	return None
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
