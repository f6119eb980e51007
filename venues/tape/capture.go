package tape

import (
	"bytes"
	"fmt"
)

// capture reads the text form of a WebSocket session:
//
//	<url> <-> <time>          connection opened
//	<url> <- <time>: <json>   sent
//	<url> -> <time>: <body>   answer to a REST request
//	<time>: <json>            received
//
// and empty lines. Only what was received on the socket is a record. Times are decimal seconds.
type capture struct{ f *file }

// captureLine reports whether line begins like one of this container.
func captureLine(line []byte) bool {
	if meta(line) {
		return true
	}
	stamp, _, ok := bytes.Cut(line, []byte(": "))
	if !ok {
		return false
	}
	_, err := decimalNanos(stamp)
	return err == nil
}

func meta(line []byte) bool {
	word, rest, _ := bytes.Cut(line, []byte{' '})
	return bytes.Contains(word, []byte("://")) && (bytes.HasPrefix(rest, []byte("<-")) ||
		bytes.HasPrefix(rest, []byte("-> "))) || bytes.HasPrefix(line, []byte("configuration: "))
}

func (c *capture) next() (Record, error) {
	for {
		line, err := c.f.readLine()
		if err != nil {
			return Record{}, err
		}
		if len(line) == 0 || meta(line) {
			continue
		}
		stamp, data, ok := bytes.Cut(line, []byte(": "))
		if !ok {
			return Record{}, c.f.fail(fmt.Errorf("%w: expected <time>: <json>", ErrLine))
		}
		now, err := decimalNanos(stamp)
		if err != nil {
			return Record{}, c.f.fail(err)
		}
		return Record{Time: now, Data: data}, nil
	}
}
