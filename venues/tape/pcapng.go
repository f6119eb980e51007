package tape

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// Block types of pcapng. A section header reads the same in both byte orders.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockSimple    = 3
	blockPacket    = 6

	magicOrder = 0x1a2b3c4d

	optionEnd        = 0
	optionResolution = 9
	optionOffset     = 14

	maxInterfaces = 1 << 10
	maxBlock      = maxPacket + 1<<16
)

// pcapng is the newer form: blocks of type, length, content and length again. A
// section header sets the byte order and forgets the interfaces before it; an
// interface sets link type, time resolution and snap length of its packets.
type pcapng struct {
	f          *file
	order      binary.ByteOrder // nil before the first section
	interfaces []captureInterface
	buf        []byte
	now        int64 // of the last packet with a time: simple packets have none
	have       captured
}

type captureInterface struct {
	link   uint32
	snap   uint32
	units  uint64 // time units a second
	offset int64  // seconds added to every time
}

func (p *pcapng) rest() captured { return p.have }

func (p *pcapng) packet() (captured, error) {
	for {
		p.have = captured{}
		kind, body, err := p.block()
		if err != nil {
			if n := len(body); n > 0 && kind == blockPacket {
				p.have, _ = p.enhanced(body, true)
			}
			return captured{}, err
		}
		switch kind {
		case blockInterface:
			err = p.describe(body)
		case blockSimple:
			return p.simple(body)
		case blockPacket:
			return p.enhanced(body, false)
		}
		if err != nil {
			return captured{}, err
		}
	}
}

// block reads the next block; of one that is cut it returns what is there.
func (p *pcapng) block() (kind uint32, body []byte, err error) {
	var head [12]byte
	if err := p.f.readFull(head[:8]); err != nil {
		return 0, nil, err
	}
	if binary.LittleEndian.Uint32(head[:]) == blockSection {
		if err := p.f.readFull(head[8:]); err != nil {
			return 0, nil, p.f.fail(io.ErrUnexpectedEOF)
		}
		if err := p.section(head[8:]); err != nil {
			return 0, nil, err
		}
	}
	if p.order == nil {
		return 0, nil, p.bad("it does not begin with a section header")
	}
	kind = p.order.Uint32(head[:])
	size := p.order.Uint32(head[4:])
	done := uint32(8)
	if kind == blockSection {
		done = 12
	}
	if size < done+4 || size%4 != 0 || size > maxBlock {
		return 0, nil, p.bad("block of %d bytes", size)
	}
	if cap(p.buf) < int(size) {
		p.buf = make([]byte, max(int(size), 1<<16))
	}
	body = p.buf[:size-done]
	n, err := p.f.readSome(body)
	if err != nil {
		return kind, body[:n], err
	}
	if p.order.Uint32(body[len(body)-4:]) != size {
		return 0, nil, p.bad("a block of %d bytes ends in another length", size)
	}
	return kind, body[:len(body)-4], nil
}

func (p *pcapng) bad(format string, args ...any) error {
	return p.f.fail(fmt.Errorf("%w: pcapng: %s", errCapture, fmt.Sprintf(format, args...)))
}

func (p *pcapng) section(magic []byte) error {
	switch {
	case binary.LittleEndian.Uint32(magic) == magicOrder:
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == magicOrder:
		p.order = binary.BigEndian
	default:
		return p.bad("byte order mark % x", magic)
	}
	p.interfaces = p.interfaces[:0]
	return nil
}

// describe takes an interface description and its options.
func (p *pcapng) describe(body []byte) error {
	if len(body) < 8 || len(p.interfaces) == maxInterfaces {
		return p.bad("interface description of %d bytes after %d interfaces", len(body), len(p.interfaces))
	}
	i := captureInterface{link: uint32(p.order.Uint16(body)), snap: p.order.Uint32(body[4:]), units: 1_000_000}
	for options := body[8:]; len(options) >= 4; {
		code, size := p.order.Uint16(options), int(p.order.Uint16(options[2:]))
		padded := 4 + (size+3)&^3
		if code == optionEnd {
			break
		}
		if padded > len(options) {
			return p.bad("interface option %d of %d bytes", code, size)
		}
		value := options[4 : 4+size]
		switch {
		case code == optionResolution && size == 1:
			if i.units = resolution(value[0]); i.units == 0 {
				return p.bad("time resolution %#x", value[0])
			}
		case code == optionOffset && size == 8:
			i.offset = int64(p.order.Uint64(value))
		}
		options = options[padded:]
	}
	p.interfaces = append(p.interfaces, i)
	return nil
}

// resolution returns time units a second: a power of ten, or of two when the high
// bit is set; 0 when it does not fit.
func resolution(code byte) uint64 {
	n := code & 0x7f
	if code&0x80 != 0 {
		if n > 62 {
			return 0
		}
		return 1 << n
	}
	if n > 18 {
		return 0
	}
	units := uint64(1)
	for range n {
		units *= 10
	}
	return units
}

// maxSeconds keeps times within int64 ns: the year 2262.
const maxSeconds = 9_200_000_000

// nanos converts a count of units since the epoch.
func (i *captureInterface) nanos(count uint64) (int64, bool) {
	seconds, rest := count/i.units, count%i.units
	hi, lo := bits.Mul64(rest, nanosPerSecond)
	fraction, _ := bits.Div64(hi, lo, i.units) // rest < units, so it fits
	total := int64(min(seconds, maxSeconds+1)) + i.offset
	if i.offset > maxSeconds || i.offset < -maxSeconds || total < 0 || total > maxSeconds {
		return 0, false
	}
	return total*nanosPerSecond + int64(fraction), true
}

// enhanced reads a packet with its interface and time; the packet of a cut block
// may be shorter than it says.
func (p *pcapng) enhanced(body []byte, cut bool) (captured, error) {
	if len(body) < 20 {
		return captured{}, p.bad("packet block of %d bytes", len(body))
	}
	number, size := p.order.Uint32(body), p.order.Uint32(body[12:])
	if int(number) >= len(p.interfaces) {
		return captured{}, p.bad("packet of interface %d of %d", number, len(p.interfaces))
	}
	i := &p.interfaces[number]
	now, ok := i.nanos(uint64(p.order.Uint32(body[4:]))<<32 | uint64(p.order.Uint32(body[8:])))
	if cut {
		size = min(size, uint32(len(body)-20))
	}
	if !ok || size > uint32(len(body)-20) {
		return captured{}, p.bad("packet of %d bytes in a block of %d", size, len(body))
	}
	p.now = now
	return captured{time: now, link: i.link, data: body[20 : 20+size],
		length: int(min(p.order.Uint32(body[16:]), maxBlock))}, nil
}

// simple reads a packet of the first interface; it has no time and takes that of
// the packet before it.
func (p *pcapng) simple(body []byte) (captured, error) {
	if len(body) < 4 || len(p.interfaces) == 0 {
		return captured{}, p.bad("simple packet block of %d bytes, %d interfaces", len(body), len(p.interfaces))
	}
	i := &p.interfaces[0]
	length := min(p.order.Uint32(body), maxBlock)
	size := length
	if i.snap > 0 {
		size = min(size, i.snap)
	}
	if size > uint32(len(body)-4) {
		return captured{}, p.bad("simple packet of %d bytes in a block of %d", size, len(body))
	}
	return captured{time: p.now, link: i.link, data: body[4 : 4+size], length: int(length)}, nil
}
