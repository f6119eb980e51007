package itch

import (
	"encoding/binary"
	"errors"
)

// A downstream packet and a request share one header (MoldUDP64, all integers
// big-endian):
//
//	 0 ┌──────────────┐
//	   │ session  a10 │
//	10 ├──────────────┤
//	   │ sequence u64 │ of the first message; in a heartbeat, of the next one
//	18 ├──────────────┤
//	   │ count    u16 │ 0 heartbeat, 0xffff end of session
//	20 ├──────────────┤
//	   │ count × { length u16, message }
const (
	headerSize   = 20
	endOfSession = 0xffff
	// MaxPacket is the size of the largest packet that is taken: an Ethernet
	// frame holds 1,472 bytes of UDP, jumbo frames are not used by these feeds.
	MaxPacket = 2048
)

// ErrPacket reports a datagram that is not a whole MoldUDP64 packet.
var ErrPacket = errors.New("itch: not a MoldUDP64 packet")

// Session is the name of a MoldUDP64 session, space padded.
type Session [10]byte

// packet is a checked view of a downstream packet.
type packet struct {
	session Session
	seq     uint64
	count   int // messages; 0 for a heartbeat and for the end of the session
	end     bool
	blocks  []byte
}

func (p *packet) next() uint64 { return p.seq + uint64(p.count) }

// parsePacket checks the whole datagram before anything of it is used: the
// blocks must fill it exactly.
func parsePacket(b []byte) (p packet, err error) {
	if len(b) < headerSize || len(b) > MaxPacket {
		return p, ErrPacket
	}
	p.session = Session(b[:10])
	p.seq = binary.BigEndian.Uint64(b[10:])
	p.count = int(binary.BigEndian.Uint16(b[18:]))
	p.blocks = b[headerSize:]
	if p.seq == 0 || p.seq > 1<<62 {
		return p, ErrPacket
	}
	if p.count == endOfSession {
		p.count, p.end = 0, true
	}
	rest := p.blocks
	for range p.count {
		if _, rest, err = cutBlock(rest); err != nil {
			return p, err
		}
	}
	if len(rest) != 0 {
		return p, ErrPacket
	}
	return p, nil
}

// cutBlock returns the first message of blocks and what follows it.
func cutBlock(blocks []byte) (msg, rest []byte, err error) {
	if len(blocks) < 2 {
		return nil, nil, ErrPacket
	}
	n := 2 + int(binary.BigEndian.Uint16(blocks))
	if n > len(blocks) {
		return nil, nil, ErrPacket
	}
	return blocks[2:n], blocks[n:], nil
}

// appendRequest appends a request for count messages from seq on.
func appendRequest(dst []byte, session Session, seq uint64, count uint16) []byte {
	dst = append(dst, session[:]...)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	return binary.BigEndian.AppendUint16(dst, count)
}
