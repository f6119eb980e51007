package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxPacket bounds one captured packet. Jumbo frames have 9,000 bytes; captures
// before segmentation by the network card reach 64 KiB.
const maxPacket = 1 << 18

// packetReader reads one form of packet capture.
type packetReader interface {
	// packet returns the next captured packet, valid until the next call; io.EOF at
	// the clean end, *Error otherwise.
	packet() (captured, error)
	// rest returns what is there of the packet that the end of the file cut.
	rest() captured
}

// captured is one packet of a capture.
type captured struct {
	time   int64 // ns since epoch
	link   uint32
	data   []byte
	length int // on the wire
}

// packets yields the payload of every UDP datagram of a capture. Everything else
// is counted and left out.
type packets struct {
	f    *file
	in   packetReader
	conn string
	port int // only datagrams to this port; 0 takes all

	other     int64 // not UDP over IP, or to another port
	fragments int64 // of datagrams that IP split
	tcp       int64
	snapped   int64 // not captured whole, or shorter than their headers say
}

var errCapture = errors.New("not a packet capture of this form")

// openPackets tells pcap and pcapng by their first bytes.
func openPackets(f *file, port int) (*packets, error) {
	magic, err := f.r.Peek(4)
	if err != nil {
		return nil, f.fail(io.ErrUnexpectedEOF)
	}
	p := &packets{f: f, port: port}
	switch le, be := binary.LittleEndian.Uint32(magic), binary.BigEndian.Uint32(magic); {
	case le == blockSection:
		p.in = &pcapng{f: f}
	case le == magicMicros || le == magicNanos:
		p.in, err = openPcap(f, binary.LittleEndian, le == magicNanos)
	case be == magicMicros || be == magicNanos:
		p.in, err = openPcap(f, binary.BigEndian, be == magicNanos)
	default:
		return nil, f.fail(fmt.Errorf("%w: it begins with % x, neither pcap nor pcapng", errCapture, magic))
	}
	return p, err
}

func (p *packets) next() (Record, error) {
	for {
		c, err := p.in.packet()
		if err != nil {
			return Record{}, err
		}
		if payload := p.payload(&c); payload != nil {
			return Record{Time: c.time, Data: payload, Conn: p.conn}, nil
		}
	}
}

// payload returns what a datagram carries, nil for any other packet.
func (p *packets) payload(c *captured) []byte {
	d, kind := datagramOf(c.link, c.data)
	switch {
	case kind == packetFragment:
		p.fragments++
	case kind == packetTCP:
		p.tcp++
	case kind == packetShort || kind == packetUDP && c.length > len(c.data):
		p.snapped++
	case kind == packetOther, p.port != 0 && int(d.port) != p.port:
		p.other++
	default:
		return d.payload
	}
	return nil
}

// cut returns the beginning of the payload of the packet that the end of the file
// cut, nil when there is none.
func (p *packets) cut() []byte {
	c := p.in.rest()
	d, kind := datagramOf(c.link, c.data)
	if kind == packetUDP || kind == packetShort && len(d.payload) > 0 {
		return d.payload
	}
	return nil
}

func (p *packets) count(s *Stats) {
	s.Other += p.other
	s.Fragments += p.fragments
	s.TCP += p.tcp
	s.Snapped += p.snapped
}

// Magic numbers of pcap: time stamps in µs and in ns.
const (
	magicMicros = 0xa1b2c3d4
	magicNanos  = 0xa1b23c4d
)

// pcap is the classic form: a 24-byte header, then packets of a 16-byte header
// (seconds, fraction, captured, length) and their bytes, in the writer's order.
type pcap struct {
	f     *file
	order binary.ByteOrder
	link  uint32
	unit  int64 // ns of the fraction
	limit uint32
	buf   []byte
	have  captured // being read: data grows as it comes
}

func openPcap(f *file, order binary.ByteOrder, nanos bool) (*pcap, error) {
	var head [24]byte
	if err := f.readFull(head[:]); err != nil {
		return nil, f.fail(io.ErrUnexpectedEOF)
	}
	if major := order.Uint16(head[4:]); major != 2 {
		return nil, f.fail(fmt.Errorf("%w: pcap version %d, want 2", errCapture, major))
	}
	p := &pcap{f: f, order: order, link: order.Uint32(head[20:]) & 0x0fffffff, unit: 1000,
		limit: maxPacket, buf: make([]byte, maxPacket)}
	if nanos {
		p.unit = 1
	}
	return p, nil
}

func (p *pcap) packet() (captured, error) {
	var head [16]byte
	p.have = captured{}
	if err := p.f.readFull(head[:]); err != nil {
		return captured{}, err
	}
	size, length := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	fraction := int64(p.order.Uint32(head[4:])) * p.unit
	if size > p.limit || length < size || fraction >= nanosPerSecond {
		return captured{}, p.f.fail(fmt.Errorf("%w: packet of %d bytes, %d captured, fraction %d ns",
			errCapture, length, size, fraction))
	}
	p.have = captured{time: int64(p.order.Uint32(head[0:]))*nanosPerSecond + fraction, link: p.link,
		length: int(length)}
	n, err := p.f.readSome(p.buf[:size])
	p.have.data = p.buf[:n]
	if err != nil {
		return captured{}, err
	}
	return p.have, nil
}

func (p *pcap) rest() captured { return p.have }
