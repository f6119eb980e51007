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
// and empty lines. Records are what was received on the socket, and the answers to
// REST requests. Times are decimal seconds.
type capture struct {
	f    *file
	conn string // address of the connection, of the line that opened it
}

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
		if len(line) == 0 {
			continue
		}
		if meta(line) {
			if r, ok, err := c.meta(line); ok || err != nil {
				return r, err
			}
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
		return Record{Time: now, Data: data, Conn: c.conn}, nil
	}
}

// meta takes a line about the connection; ok is true when it is a record.
func (c *capture) meta(line []byte) (r Record, ok bool, err error) {
	url, rest, _ := bytes.Cut(line, []byte{' '})
	if bytes.HasPrefix(rest, []byte("<-> ")) {
		c.conn = address(url)
	}
	answer, ok := bytes.CutPrefix(rest, []byte("-> "))
	if !ok {
		return r, false, nil
	}
	stamp, body, ok := bytes.Cut(answer, []byte(": "))
	if !ok {
		return r, false, c.f.fail(fmt.Errorf("%w: expected <url> -> <time>: <body>", ErrLine))
	}
	now, err := decimalNanos(stamp)
	if err != nil {
		return r, false, c.f.fail(err)
	}
	return Record{Time: now, Data: body, Kind: HTTP, Conn: string(url)}, true, nil
}
