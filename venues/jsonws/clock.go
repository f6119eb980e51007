package jsonws

import (
	"encoding/binary"

	"penstock/market"
)

// clock reads times and remembers the minute of the last, so that the calendar is
// asked once a minute.
type clock struct {
	text  [minuteSize]byte // such as 2022-08-04T15:25:
	start int64            // when that minute began, ns since the epoch
}

const (
	minuteSize = len("2022-08-04T15:25:")
	microsSize = len("2022-08-04T15:25:05.010758Z")
)

// parse is parseTime.
func (c *clock) parse(b []byte) (ns int64, ok bool) {
	if len(b) > minuteSize && string(b[:minuteSize]) == string(c.text[:]) {
		if len(b) == microsSize {
			if ns, ok = c.micros(b); ok {
				return ns, true
			}
		}
		return c.rest(b)
	}
	if ns, ok = parseTime(b); ok {
		copy(c.text[:], b)
		c.start = ns - ns%60_000_000_000
	}
	return ns, ok
}

// micros reads microsSize bytes that begin with the minute, the usual form.
func (c *clock) micros(b []byte) (ns int64, ok bool) {
	x := binary.LittleEndian.Uint64(b[microsSize-8:microsSize]) ^ zeros
	tens, ones := b[minuteSize]-'0', b[minuteSize+1]-'0'
	fraction := x >> 8 & 0xFFFF_FFFF_FFFF
	if byte(x) != '.'^'0' || byte(x>>56) != 'Z'^'0' || tens > 5 || ones > 9 ||
		(fraction+noDigit|fraction)&(highBits>>16) != 0 {
		return 0, false
	}
	us := int64(joined(fraction<<16)) + (int64(tens)*10+int64(ones))*1_000_000
	return c.start + us*1000, true
}

// rest reads what follows on the minute in any form.
func (c *clock) rest(b []byte) (ns int64, ok bool) {
	if len(b) < minuteSize+3 || b[len(b)-1] != 'Z' {
		return 0, false
	}
	second, ok := number(b[minuteSize : minuteSize+2])
	fraction, exact := nanos(b[minuteSize+2 : len(b)-1])
	return c.start + second*1_000_000_000 + fraction, ok && exact && second <= 59
}

// time takes a time and the closing quote; the opening one was taken before. ns is
// negative when the text is no time.
func (s *scanner) time(c *clock) (ns int64, ok bool) {
	if end := s.i + microsSize; end < len(s.b) && s.b[end] == '"' &&
		string(s.b[s.i:s.i+minuteSize]) == string(c.text[:]) {
		if ns, ok = c.micros(s.b[s.i:end]); ok {
			s.i = end + 1
			return ns, true
		}
	}
	text, ok := s.text()
	if !ok {
		return -1, false
	}
	if ns, ok = c.parse(text); !ok {
		ns = -1
	}
	return ns, true
}

// parseTime reads a time such as 2022-08-04T15:25:05.010758Z, with 0 to 9 digits
// of the second, into ns since the epoch. ok is false for any other text and for
// times before 1970 or after 2199: some venues send the year 1 for "unknown".
func parseTime(b []byte) (ns int64, ok bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' ||
		b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	year, ok1 := number(b[0:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	hour, ok4 := number(b[11:13])
	minute, ok5 := number(b[14:16])
	second, ok6 := number(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || year < 1970 || year > 2199 ||
		month < 1 || month > 12 || day < 1 || day > market.DaysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	fraction, ok := nanos(b[19 : len(b)-1])
	seconds := ((market.DaysSince1970(year, month, day)*24+hour)*60+minute)*60 + second
	return seconds*1_000_000_000 + fraction, ok
}

// nanos reads the fraction of a second: nothing, or a point and 1 to 9 digits.
func nanos(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) == 1 || len(b) > 10 {
		return 0, false
	}
	v, ok := number(b[1:])
	return v * int64(pow10[10-len(b)]), ok
}

func number(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}
