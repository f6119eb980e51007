package fix

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"penstock/market"
)

// ErrTime reports text that is not a UTCTimestamp.
var ErrTime = errors.New("fix: not a UTCTimestamp (YYYYMMDD-HH:MM:SS[.sss[sss[sss]]])")

const (
	second = 1_000_000_000
	milli  = 1_000_000
	day    = 86_400
)

// ParseTime reads a UTCTimestamp with no, 3, 6 or 9 decimals into ns since the
// epoch. Second 60, a leap second, counts as the first of the next minute. It
// does not allocate.
func ParseTime(b []byte) (int64, error) {
	switch len(b) {
	case 17:
	case 21, 24, 27:
		if b[17] != '.' {
			return 0, ErrTime
		}
	default:
		return 0, ErrTime
	}
	if b[8] != '-' || b[11] != ':' || b[14] != ':' {
		return 0, ErrTime
	}
	y, ok1 := number(b[0:4])
	mo, ok2 := number(b[4:6])
	d, ok3 := number(b[6:8])
	h, ok4 := number(b[9:11])
	mi, ok5 := number(b[12:14])
	s, ok6 := number(b[15:17])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || y < 1970 || y > 2261 ||
		mo < 1 || mo > 12 || d < 1 || d > market.DaysIn(y, mo) || h > 23 || mi > 59 || s > 60 {
		return 0, ErrTime
	}
	ns := (market.DaysSince1970(y, mo, d)*day + h*3600 + mi*60 + s) * second
	if len(b) == 17 {
		return ns, nil
	}
	fraction, ok := number(b[18:])
	if !ok {
		return 0, ErrTime
	}
	for n := len(b); n < 27; n += 3 {
		fraction *= 1000
	}
	return ns + fraction, nil
}

func number(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

// stampLen is the length of a UTCTimestamp with milliseconds.
const stampLen = len("20261120-14:30:00.123")

// Stamp formats times as UTCTimestamp with milliseconds. It keeps the text of
// the last second, so that most calls write three digits. The zero value is
// ready; not safe for concurrent use.
type Stamp struct {
	end  int64    // of the second that it shows, ns since the epoch; 0: it shows none
	sum  uint64   // of the bytes of a time with 000 for its milliseconds,
	head [16]byte // its first bytes,
	last uint64   // and its last eight
	text [stampLen]byte
}

// Append appends ns, which counts from the epoch and is not negative.
func (s *Stamp) Append(dst []byte, ns int64) []byte {
	s.set(ns)
	return append(dst, s.text[:]...)
}

// set makes text that of ns.
func (s *Stamp) set(ns int64) {
	if !s.shows(ns) {
		s.turn(ns)
	}
	binary.LittleEndian.PutUint64(s.text[stampLen-8:], s.last+uint64(s.millis(ns))<<40)
}

// shows reports whether ns is in the second.
func (s *Stamp) shows(ns int64) bool { return uint64(s.end-1-ns) < second }

//go:noinline
func (s *Stamp) turn(ns int64) {
	sec := ns / second
	y, mo, d := market.CivilDate(sec / day)
	in := sec % day
	putDigits(s.text[0:4], uint64(y))
	putDigits(s.text[4:6], uint64(mo))
	putDigits(s.text[6:8], uint64(d))
	s.text[8] = '-'
	putDigits(s.text[9:11], uint64(in/3600))
	s.text[11] = ':'
	putDigits(s.text[12:14], uint64(in/60%60))
	s.text[14] = ':'
	putDigits(s.text[15:17], uint64(in%60))
	copy(s.text[17:], ".000")
	s.head, s.last = [16]byte(s.text[:]), binary.LittleEndian.Uint64(s.text[stampLen-8:])
	s.end, s.sum = (sec+1)*second, 0
	for _, c := range s.text {
		s.sum += uint64(c)
	}
}

// millis returns the milliseconds of ns, which the stamp shows, as threes has them.
func (s *Stamp) millis(ns int64) uint32 {
	return threes[(second-1-uint32(s.end-1-ns))/milli%uint32(len(threes))]
}

// put writes the time with some milliseconds at to.
func (s *Stamp) put(to unsafe.Pointer, millis uint32) {
	*(*[16]byte)(to) = s.head
	store64(to, uint(stampLen-8), s.last+uint64(millis)<<40)
}
