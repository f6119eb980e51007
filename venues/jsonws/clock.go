package jsonws

import "penstock/market"

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
