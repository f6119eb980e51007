package tape

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// day reads CSV lines whose first field is ms since midnight. The record is the
// rest of the line.
type day struct {
	f        *file
	midnight int64 // ns since epoch
}

func (c *day) next() (Record, error) {
	line, err := c.f.readLine()
	if err != nil {
		return Record{}, err
	}
	stamp, data, ok := bytes.Cut(line, []byte{','})
	ms, err := integer(stamp)
	if !ok || err != nil || ms >= 2*24*3600*1000 {
		return Record{}, c.f.fail(fmt.Errorf("%w: expected ms since midnight, bid, ask", ErrLine))
	}
	return Record{Time: c.midnight + ms*nanosPerMilli, Data: data}, nil
}

// midnight returns the midnight of a recording's day: date when it is given as
// YYYYMMDD, else the first eight digits in a row of the file's name.
func midnight(path, date string) (int64, error) {
	if date == "" {
		date = eightDigits(filepath.Base(path))
	}
	if date == "" {
		return 0, errors.New("its name carries no date: give one with +date=YYYYMMDD")
	}
	t, err := time.Parse("20060102", date)
	if err != nil {
		return 0, fmt.Errorf("date %q: want YYYYMMDD", date)
	}
	return t.UnixNano(), nil
}

func eightDigits(name string) string {
	run := 0
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			run = 0
			continue
		}
		if run++; run == 8 && (i+1 == len(name) || name[i+1] < '0' || name[i+1] > '9') {
			return name[i-7 : i+1]
		}
	}
	return ""
}
