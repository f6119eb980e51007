package iex

import (
	"encoding/binary"
	"errors"
)

// The header of an IEX-TP segment, little endian:
//
//	 0 version u8 = 1     1 reserved      2 protocol u16 (0x8004: DEEP 1.0)
//	 4 channel u32        8 session u32  12 payload length u16
//	14 message count u16 16 stream offset i64
//	24 first sequence i64                32 send time i64, ns since epoch
//
// and count times { length u16, message }. A segment without messages is a
// heartbeat; its first sequence is the next to come.
const (
	headerSize   = 40
	version      = 1
	protocolDEEP = 0x8004
)

// ErrSegment reports a datagram that is not a whole IEX-TP segment of DEEP 1.0.
var ErrSegment = errors.New("iex: not a segment of DEEP 1.0")

// segment is a checked view of a datagram.
type segment struct {
	channel  uint32
	session  uint32
	offset   int64
	seq      uint64 // of the first message
	count    int
	sendTime int64
	blocks   []byte
}

func (s *segment) next() uint64 { return s.seq + uint64(s.count) }

// parseSegment checks the whole datagram before anything of it is used: the
// messages must fill the payload exactly, the payload the datagram.
func parseSegment(b []byte) (s segment, err error) {
	if len(b) < headerSize || b[0] != version || binary.LittleEndian.Uint16(b[2:]) != protocolDEEP ||
		int(binary.LittleEndian.Uint16(b[12:])) != len(b)-headerSize {
		return s, ErrSegment
	}
	s = segment{
		channel: binary.LittleEndian.Uint32(b[4:]), session: binary.LittleEndian.Uint32(b[8:]),
		count:  int(binary.LittleEndian.Uint16(b[14:])),
		offset: int64(binary.LittleEndian.Uint64(b[16:])), seq: binary.LittleEndian.Uint64(b[24:]),
		sendTime: int64(binary.LittleEndian.Uint64(b[32:])), blocks: b[headerSize:],
	}
	if s.seq == 0 || s.seq > 1<<62 || s.offset < 0 || s.sendTime < 0 {
		return s, ErrSegment
	}
	rest := s.blocks
	for range s.count {
		if _, rest, err = cutBlock(rest); err != nil {
			return s, err
		}
	}
	if len(rest) != 0 {
		return s, ErrSegment
	}
	return s, nil
}

// cutBlock returns the first message of blocks and what follows it.
func cutBlock(blocks []byte) (msg, rest []byte, err error) {
	if len(blocks) < 2 {
		return nil, nil, ErrSegment
	}
	n := 2 + int(binary.LittleEndian.Uint16(blocks))
	if n > len(blocks) {
		return nil, nil, ErrSegment
	}
	return blocks[2:n], blocks[n:], nil
}

// CountCut counts the messages of a segment whose end is missing, by type: those
// that are whole, and one of which no more than the beginning is there. Nothing of
// such a segment is ever used.
func CountCut(datagram []byte) (types [256]uint64) {
	if len(datagram) < headerSize {
		return types
	}
	for rest := datagram[headerSize:]; len(rest) > 2; {
		types[rest[2]]++
		rest = rest[min(len(rest), 2+int(binary.LittleEndian.Uint16(rest))):]
	}
	return types
}
