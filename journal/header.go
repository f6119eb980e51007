package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const magic = "PENSTOCK"

// Hash is a SHA-256 of the build, the configuration or the policy table.
type Hash [32]byte

// Header opens every segment. All but Segment, Chain, FirstSeq and Created are
// the same in all segments of a journal.
type Header struct {
	Segment  uint32 // counts from 1
	Chain    uint32 // CRC of the last record before this segment
	FirstSeq uint64 // number of the first record of this segment; counts from 1
	Epoch    uint64 // session epoch of the run
	Build    Hash
	Config   Hash
	Policy   Hash
	Created  int64 // ns since epoch
}

// Byte orders of the payloads, in the header.
const (
	orderLittle = 1
	orderBig    = 2
)

func hostOrder() byte {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return orderLittle
	}
	return orderBig
}

// firstChain is the chain before the first record of the journal.
func (h *Header) firstChain() uint32 {
	var epoch [8]byte
	le.PutUint64(epoch[:], h.Epoch)
	chain := crc32.Update(0, castagnoli, epoch[:])
	for _, hash := range []*Hash{&h.Build, &h.Config, &h.Policy} {
		chain = crc32.Update(chain, castagnoli, hash[:])
	}
	return chain
}

// encode writes h over b, which is HeaderSize bytes of zeros.
func (h *Header) encode(b []byte) {
	copy(b, magic)
	le.PutUint16(b[8:], formatVersion)
	b[10] = hostOrder()
	le.PutUint32(b[16:], h.Segment)
	le.PutUint32(b[20:], h.Chain)
	le.PutUint64(b[24:], h.FirstSeq)
	le.PutUint64(b[32:], h.Epoch)
	copy(b[40:], h.Build[:])
	copy(b[72:], h.Config[:])
	copy(b[104:], h.Policy[:])
	le.PutUint64(b[136:], uint64(h.Created))
	le.PutUint32(b[12:], headerCRC(b))
}

// decode reads a header; the error has no place yet.
func (h *Header) decode(b []byte) *Error {
	if len(b) < HeaderSize {
		return &Error{Kind: ErrHeader,
			Detail: fmt.Sprintf("%d bytes, a header has %d", len(b), HeaderSize)}
	}
	b = b[:HeaderSize]
	if string(b[:8]) != magic {
		return &Error{Kind: ErrHeader, Detail: "no journal magic"}
	}
	if v := le.Uint16(b[8:]); v != formatVersion {
		return &Error{Kind: ErrVersion, Offset: 8,
			Detail: fmt.Sprintf("version %d, this build reads %d", v, formatVersion)}
	}
	if b[10] != hostOrder() {
		return &Error{Kind: ErrByteOrder, Offset: 10,
			Detail: fmt.Sprintf("order %d, this host has %d", b[10], hostOrder())}
	}
	if le.Uint32(b[12:]) != headerCRC(b) {
		return &Error{Kind: ErrHeader, Offset: 12, Detail: "checksum mismatch"}
	}
	h.Segment = le.Uint32(b[16:])
	h.Chain = le.Uint32(b[20:])
	h.FirstSeq = le.Uint64(b[24:])
	h.Epoch = le.Uint64(b[32:])
	copy(h.Build[:], b[40:])
	copy(h.Config[:], b[72:])
	copy(h.Policy[:], b[104:])
	h.Created = int64(le.Uint64(b[136:]))
	return nil
}

func headerCRC(b []byte) uint32 {
	crc := crc32.Update(0, castagnoli, b[:12])
	crc = crc32.Update(crc, castagnoli, []byte{0, 0, 0, 0})
	return crc32.Update(crc, castagnoli, b[16:HeaderSize])
}

// sameRun reports whether both headers belong to one journal.
func (h *Header) sameRun(o *Header) bool {
	return h.Epoch == o.Epoch && h.Build == o.Build && h.Config == o.Config && h.Policy == o.Policy
}
