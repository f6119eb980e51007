package jsonws

import "bytes"

// outgoing holds what a feed has to say, a line each, until the venue's limit on
// messages allows it.
type outgoing struct {
	lines []byte
	nanos int64 // least time between two
	sent  int64 // when the last one left, pings among them
	said  int64 // when the last of lines left
}

func (o *outgoing) empty() bool { return len(o.lines) == 0 }

// reset forgets what was not said. When the last message left stays known: venues
// count over connections.
func (o *outgoing) reset() { o.lines = o.lines[:0] }

// send says what is allowed now.
func (o *outgoing) send(now int64, c *Conn) error {
	for len(o.lines) > 0 && now-o.sent >= o.nanos {
		line, rest, _ := bytes.Cut(o.lines, []byte{'\n'})
		if len(line) > 0 {
			if err := c.Send(line); err != nil {
				return err
			}
			o.sent, o.said = now, now
		}
		o.lines = o.lines[:copy(o.lines, rest)]
	}
	return nil
}
