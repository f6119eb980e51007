package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// RecordType says what the payload of a record is. Numbers are part of the
// format: never reused.
type RecordType uint8

// Types of record.
const (
	Event    RecordType = 1 // Event.Bytes
	Command  RecordType = 2 // Command.Bytes
	Decision RecordType = 3 // Decision.Bytes
	Blob     RecordType = 4 // name, a zero byte, bytes: configuration, policy table
	endType  RecordType = 255
)

func (t RecordType) String() string {
	switch t {
	case Event:
		return "event"
	case Command:
		return "command"
	case Decision:
		return "decision"
	case Blob:
		return "blob"
	case endType:
		return "end"
	}
	return "record?"
}

func (t RecordType) valid() bool { return t >= Event && t <= Blob }

// Limits of the format.
const (
	// MaxPayload is the largest payload of one record. Only a Blob may be
	// larger; it is split over several.
	MaxPayload = 64 << 10
	// MaxBlob is the largest Blob, name included.
	MaxBlob = 4 << 20
	// HeaderSize is the size of a segment header.
	HeaderSize = 4096
	// MinSegmentBytes is the smallest segment that holds any record.
	MinSegmentBytes = HeaderSize + recordHead + MaxPayload + endSize
	// MaxSegmentBytes is the largest segment; a reader holds one in memory.
	MaxSegmentBytes = 1 << 30

	formatVersion = 2
	// FormatVersion is what this build writes and reads.
	FormatVersion = formatVersion
	recordHead    = 40
	endPayload    = 8 // next segment u32, zero u32
	endSize       = recordHead + endPayload
	flagMore      = 1 // the blob continues in the next record
)

// Offsets within the head of a record.
const (
	atLen   = 0
	atCRC   = 4
	atSeq   = 8
	atTime  = 16
	atWall  = 24
	atType  = 32
	atFlags = 33
	atZero  = 34
	atBack  = 36
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// recordSize returns the bytes that a record with n bytes of payload takes.
func recordSize(n int) int { return (recordHead + n + 7) &^ 7 }

// chainCRC returns the CRC of the record whose len, seq … payload are in b, after
// a record whose CRC is chain.
func chainCRC(chain uint32, b []byte) uint32 {
	end := recordHead + int(le.Uint32(b[atLen:]))
	chain = crc32.Update(chain, castagnoli, b[atLen:atCRC])
	return crc32.Update(chain, castagnoli, b[atSeq:end])
}

// seal fills in what is known only when the record is written, and returns the
// new chain.
func seal(b []byte, chain uint32, seq uint64, wall int64, durable uint64) uint32 {
	le.PutUint64(b[atSeq:], seq)
	le.PutUint64(b[atWall:], uint64(wall))
	le.PutUint32(b[atBack:], uint32(min(seq-durable, 1<<32-1)))
	chain = chainCRC(chain, b)
	le.PutUint32(b[atCRC:], chain)
	return chain
}

// parsed is a record found in a segment, its CRC not yet checked.
type parsed struct {
	size    int // bytes in the segment
	crc     uint32
	seq     uint64
	time    int64
	wall    int64
	typ     RecordType
	flags   uint8
	durable uint64 // every record up to this one was durable
	payload []byte
}

// parse reads the record at the start of b. ok is false when there cannot be one:
// the reader needs no more than this and the CRC to accept it.
func parse(b []byte) (r parsed, ok bool) {
	if len(b) < recordHead {
		return r, false
	}
	n := le.Uint32(b[atLen:])
	if n == 0 || n > MaxPayload || recordSize(int(n)) > len(b) {
		return r, false
	}
	end := recordHead + int(n)
	r = parsed{
		size: recordSize(int(n)),
		crc:  le.Uint32(b[atCRC:]),
		seq:  le.Uint64(b[atSeq:]),
		time: int64(le.Uint64(b[atTime:])),
		wall: int64(le.Uint64(b[atWall:])),
		typ:  RecordType(b[atType]), flags: b[atFlags],
		payload: b[recordHead:end],
	}
	back := uint64(le.Uint32(b[atBack:]))
	r.durable = r.seq - back
	ok = (r.typ.valid() || r.typ == endType && n == endPayload) &&
		le.Uint16(b[atZero:]) == 0 && back >= 1 && back <= r.seq &&
		(r.flags == 0 || r.flags == flagMore && r.typ == Blob) &&
		allZero(b[end:r.size])
	return r, ok
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if le.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
