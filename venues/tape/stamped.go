package tape

import (
	"bytes"
	"fmt"
)

// stamped reads lines of "receive time in ns, space, JSON".
type stamped struct{ f *file }

// stampedLine reports whether line begins like one of this container.
func stampedLine(line []byte) bool {
	digits := 0
	for digits < len(line) && line[digits] >= '0' && line[digits] <= '9' {
		digits++
	}
	return digits >= 16 && digits+1 < len(line) && line[digits] == ' '
}

func (c *stamped) next() (Record, error) {
	line, err := c.f.readLine()
	if err != nil {
		return Record{}, err
	}
	stamp, data, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(data) == 0 {
		return Record{}, c.f.fail(fmt.Errorf("%w: expected receive time in ns, space, JSON", ErrLine))
	}
	now, err := integer(stamp)
	if err != nil {
		return Record{}, c.f.fail(fmt.Errorf("receive time %.40q: %w", stamp, err))
	}
	return Record{Time: now, Data: data}, nil
}
