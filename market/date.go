package market

// The Gregorian calendar, for time stamps that are read and written digit by digit.

// DaysIn returns the number of days in a month, 1 to 12, of a year.
func DaysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// DaysSince1970 counts days from 1970-01-01. Years begin in March, so that the
// leap day is the last of its year.
func DaysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// CivilDate is the inverse of DaysSince1970 for days from 1970 on.
func CivilDate(days int64) (y, m, d int64) {
	z := days + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	y, m = yoe+era*400, mp+3
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}
