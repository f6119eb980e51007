package tape

import (
	"encoding/binary"
	"fmt"
	"io"
)

// lengths reads binary messages with a 2-byte big-endian length before each, the
// file form of Nasdaq ITCH. The time of a message is its bytes 5 to 10, ns since
// midnight, added to the midnight of the day.
type lengths struct {
	f        *file
	midnight int64 // ns since epoch
	buf      [1 << 16]byte
}

func (c *lengths) next() (Record, error) {
	if err := c.f.readFull(c.buf[:2]); err != nil {
		return Record{}, err
	}
	n := int(binary.BigEndian.Uint16(c.buf[:2]))
	if n < 11 {
		return Record{}, c.f.fail(fmt.Errorf("message of %d bytes: shorter than its header", n))
	}
	if err := c.f.readFull(c.buf[:n]); err != nil {
		if err == io.EOF {
			err = c.f.fail(io.ErrUnexpectedEOF)
		}
		return Record{}, err
	}
	m := c.buf[:n]
	since := int64(binary.BigEndian.Uint16(m[5:]))<<32 | int64(binary.BigEndian.Uint32(m[7:]))
	return Record{Time: c.midnight + since, Data: m}, nil
}
