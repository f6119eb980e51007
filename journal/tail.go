package journal

import (
	"fmt"
	"io"
	"os"
)

// endOfSegment goes on behind an end record: into the next segment or to the end
// of the journal.
func (r *Reader) endOfSegment(p *parsed, at int64) error {
	next, segment := le.Uint32(p.payload), r.header.Segment
	last := int(segment) == len(r.headers)
	if next == 0 && r.inBlob {
		return r.here(at, ErrCorrupt, "a blob is not complete")
	}
	if le.Uint32(p.payload[4:]) != 0 {
		return r.here(at, ErrCorrupt, "reserved bytes of the end record are in use")
	}
	if !allZero(r.buf[r.off:]) {
		return r.here(int64(r.off), ErrCorrupt, "bytes after the end record")
	}
	switch {
	case next == 0 && last:
		r.tail = Tail{State: TailClosed, Segment: segment, Offset: at}
		return io.EOF
	case next == 0:
		return r.here(at, ErrMixed, "the journal was closed here, but segments follow")
	case next != segment+1:
		return r.here(at, ErrCorrupt, fmt.Sprintf("segment %d is named as the next", next))
	case last:
		return r.wrong(next, 0, ErrMissing,
			fmt.Sprintf("segment %d was finished, so it must exist", segment))
	}
	return r.load(next)
}

// unreadable decides what it means that no good record is at r.off: the end that a
// crash left, or damage.
func (r *Reader) unreadable() error {
	rest := r.buf[r.off:]
	dropped := len(rest)
	for dropped > 0 && rest[dropped-1] == 0 {
		dropped--
	}
	if vouched(rest, dropped, r.chain, r.seq) {
		return r.here(int64(r.off), ErrCorrupt,
			"bad record, and a good one after it says that it was durable")
	}
	final, err := r.isFinal()
	if err != nil {
		return err
	}
	if !final {
		return r.here(int64(r.off), ErrCorrupt,
			"the segment ends without an end record, and another one follows")
	}
	r.tail = Tail{State: TailCut, Segment: r.header.Segment, Offset: int64(r.off),
		Dropped: int64(dropped)}
	if dropped > 0 {
		r.tail.State = TailTorn
	}
	if r.inBlob { // half a blob is none
		r.tail.State = TailTorn
		r.tail.Segment, r.tail.Offset = r.started.Segment, r.started.Offset
		r.tail.Dropped += int64(len(r.blob))
	}
	return io.EOF
}

// isFinal reports whether the journal may end in the present segment: it is the
// last one, or the one behind it was named but not used yet when the crash came.
func (r *Reader) isFinal() (bool, error) {
	segment := int(r.header.Segment)
	if segment == len(r.headers) {
		return true, nil
	}
	if segment+1 < len(r.headers) {
		return false, nil
	}
	b, err := os.ReadFile(r.path(r.header.Segment + 1))
	if err != nil {
		return false, fmt.Errorf("journal: %w", err)
	}
	return allZero(b[min(HeaderSize, len(b)):]), nil
}

// vouched reports whether a good record that starts in the first used bytes of b
// says that the bad one at the start of b was durable. Before the bad one came a record with CRC chain and number seq.
//
// A record is good when its CRC follows from the one before it. That one may be
// the bad record: of a record with one damaged place, either the stored CRC is
// still right, or the CRC computed from its content is. Or it is any record
// further on that looks like one.
func vouched(b []byte, used int, chain uint32, seq uint64) bool {
	if len(b) < recordHead {
		return false
	}
	starts := []uint32{le.Uint32(b[atCRC:])}
	if _, ok := parse(b); ok {
		starts = append(starts, chainCRC(chain, b))
	}
	for off := 0; off < used; off += 8 {
		at := b[off:]
		p, ok := parse(at)
		if !ok || p.seq <= seq {
			continue
		}
		for _, start := range starts {
			if off > 0 && p.durable > seq && chainCRC(start, at) == p.crc {
				return true
			}
		}
		after := at[p.size:]
		if q, ok := parse(after); ok && q.seq == p.seq+1 && q.durable > seq &&
			chainCRC(p.crc, after) == q.crc {
			return true
		}
	}
	return false
}
