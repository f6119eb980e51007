package simtest

import (
	"fmt"
	"strconv"
	"strings"
)

// Drop is a set of choices that are left out of a plan, as text: "3,7-90,400-" names
// indexes, ranges, and everything from one on.
type Drop []bool

// has reports whether choice i is left out.
func (d Drop) has(i int) bool { return i < len(d) && d[i] }

// ParseDrop reads the text of a set over n choices.
func ParseDrop(text string, n int) (Drop, error) {
	d := make(Drop, n)
	if text == "" {
		return d, nil
	}
	for _, part := range strings.Split(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if err == nil && isRange {
			if last = n - 1; to != "" {
				last, err = strconv.Atoi(to)
			}
		}
		if err != nil || first < 0 || last < first && to != "" {
			return nil, fmt.Errorf("drop %q: indexes and ranges like 3,7-90,400- are wanted", part)
		}
		for i := first; i <= last && i < n; i++ {
			d[i] = true
		}
	}
	return d, nil
}

func (d Drop) String() string {
	var b strings.Builder
	for i := 0; i < len(d); i++ {
		if !d[i] {
			continue
		}
		from := i
		for i+1 < len(d) && d[i+1] {
			i++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(from))
		switch {
		case i == len(d)-1 && i > from:
			b.WriteByte('-')
		case i > from:
			b.WriteString("-" + strconv.Itoa(i))
		}
	}
	return b.String()
}

// kept returns how many choices are not left out.
func (d Drop) kept() int {
	n := 0
	for _, dropped := range d {
		if !dropped {
			n++
		}
	}
	return n
}
