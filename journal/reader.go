package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Record is one record, or a Blob put together again. Payload is valid until the
// next call of Next.
type Record struct {
	Type    RecordType
	Seq     uint64 // number of the (last) record in the journal, counts from 1
	Time    int64  // the core's clock, ns since epoch
	Wall    int64  // host's clock when it was written, ns since epoch
	Durable uint64 // records up to this number were on disk then: those of one group have the same
	Payload []byte
	Segment uint32 // place of the first record
	Offset  int64
}

// Name splits the payload of a Blob; ok is false when it has no name.
func (r *Record) Name() (name string, data []byte, ok bool) {
	i := bytes.IndexByte(r.Payload, 0)
	if r.Type != Blob || i < 0 {
		return "", nil, false
	}
	return string(r.Payload[:i]), r.Payload[i+1:], true
}

// TailState says how a journal ends.
type TailState uint8

// Ends of a journal.
const (
	// TailUnread: Next has not come to the end.
	TailUnread TailState = iota
	// TailClosed: Close ended it; nothing is missing.
	TailClosed
	// TailCut: the process ended without Close, between two records.
	TailCut
	// TailTorn: it ended while a group was written. What is left of the group
	// was never durable; it is dropped.
	TailTorn
)

func (s TailState) String() string {
	switch s {
	case TailUnread:
		return "unread"
	case TailClosed:
		return "closed"
	case TailCut:
		return "cut"
	case TailTorn:
		return "torn"
	}
	return "tail?"
}

// Tail is the end of a journal: nothing was taken from Offset on.
type Tail struct {
	State   TailState
	Segment uint32
	Offset  int64
	Dropped int64 // bytes that were there and not taken
}

func (t Tail) String() string {
	return fmt.Sprintf("%v in segment %d at %d, %d bytes dropped",
		t.State, t.Segment, t.Offset, t.Dropped)
}

// Reader reads a journal from its first record to its end. It holds one segment
// in memory and is not safe for concurrent use. It changes no file.
type Reader struct {
	dir     string
	headers []Header

	header  Header // of the segment in buf
	buf     []byte
	off     int
	chain   uint32
	seq     uint64 // last record taken
	blob    []byte
	started Record // the blob's first record, while one is incomplete
	inBlob  bool

	ends   []uint64 // numbers of the end records
	event  uint64   // Seq of the last event
	before uint32   // chain before the record read last
	size   int      // of that record

	tail Tail
	err  error // io.EOF or what was wrong; stays
}

// Open checks that the segments in dir are complete, in order and of one run, and
// returns a reader at the first record. Errors are *Error or of the file system.
func Open(dir string) (*Reader, error) {
	names, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if len(names) == 0 {
		return nil, &Error{Dir: dir, Kind: ErrNoJournal, Detail: "no " + segmentSuffix + " file in it"}
	}
	r := &Reader{dir: dir, headers: make([]Header, len(names))}
	for i, name := range names {
		number := uint32(i + 1)
		if name != fileName(number, segmentSuffix) {
			return nil, &Error{Dir: dir, Segment: number, Kind: ErrMissing,
				Detail: "found " + name + " in its place"}
		}
		if err := r.readHeader(number); err != nil {
			return nil, err
		}
	}
	r.chain = r.headers[0].firstChain()
	if err := r.load(1); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Reader) path(segment uint32) string {
	return filepath.Join(r.dir, fileName(segment, segmentSuffix))
}

func (r *Reader) readHeader(segment uint32) error {
	f, err := os.Open(r.path(segment))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	b := make([]byte, HeaderSize)
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("journal: %w", err)
	}
	h := &r.headers[segment-1]
	if e := h.decode(b[:n]); e != nil {
		e.Dir, e.Segment = r.dir, segment
		return e
	}
	if h.Segment != segment {
		return r.wrong(segment, 16, ErrMixed, fmt.Sprintf("its header says segment %d", h.Segment))
	}
	if !h.sameRun(&r.headers[0]) {
		return r.wrong(segment, 32, ErrMixed, "its epoch or hashes are those of another run")
	}
	return nil
}

// load takes a segment into memory and checks that it continues the one before.
func (r *Reader) load(segment uint32) error {
	f, err := os.Open(r.path(segment))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	size := info.Size()
	if size > MaxSegmentBytes {
		return r.wrong(segment, MaxSegmentBytes, ErrCorrupt,
			fmt.Sprintf("%d bytes are more than a segment has", size))
	}
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	if _, err := io.ReadFull(f, r.buf); err != nil {
		return fmt.Errorf("journal %s: %w", r.path(segment), err)
	}
	if e := r.header.decode(r.buf); e != nil {
		e.Dir, e.Segment = r.dir, segment
		return e
	}
	if r.header.Chain != r.chain || r.header.FirstSeq != r.seq+1 {
		return r.wrong(segment, 20, ErrMixed, "it does not continue what is before it")
	}
	r.off = HeaderSize
	return nil
}

// Header returns the header of the first segment: run, build, configuration.
func (r *Reader) Header() Header { return r.headers[0] }

// Tail says how the journal ended, once Next has returned io.EOF.
func (r *Reader) Tail() Tail { return r.tail }

// Next returns the next record, io.EOF after the last, or an *Error that says
// where the journal is damaged. Both stay.
func (r *Reader) Next() (Record, error) {
	for r.err == nil {
		rec, ok := r.step()
		if ok {
			return rec, nil
		}
	}
	return Record{}, r.err
}

// step takes one record of the segment; ok is false when it gave none to the
// caller: part of a blob, the end of a segment, an error in r.err.
func (r *Reader) step() (rec Record, ok bool) {
	b := r.buf[r.off:]
	p, ok := parse(b)
	if !ok || p.seq != r.seq+1 || chainCRC(r.chain, b) != p.crc {
		r.err = r.unreadable()
		return rec, false
	}
	at := int64(r.off)
	r.off += p.size
	r.before, r.size = r.chain, p.size
	r.seq, r.chain = p.seq, p.crc
	if p.typ == Event && len(p.payload) >= 8 {
		r.event = binary.NativeEndian.Uint64(p.payload) // event.Event.Seq comes first
	}
	if p.typ == endType {
		r.ends = append(r.ends, p.seq)
		r.err = r.endOfSegment(&p, at)
		return rec, false
	}
	rec = Record{Type: p.typ, Seq: p.seq, Time: p.time, Wall: p.wall, Durable: p.durable,
		Payload: p.payload, Segment: r.header.Segment, Offset: at}
	if p.typ != Blob {
		if r.inBlob {
			r.err = r.here(at, ErrCorrupt, "a blob is not complete")
		}
		return rec, r.err == nil
	}
	return r.takeBlob(rec, p.flags == flagMore)
}

// takeBlob adds one part; ok is true when it was the last.
func (r *Reader) takeBlob(rec Record, more bool) (Record, bool) {
	if !r.inBlob && !more {
		return rec, true
	}
	if !r.inBlob {
		r.inBlob, r.started, r.blob = true, rec, r.blob[:0]
	}
	if len(r.blob)+len(rec.Payload) > MaxBlob {
		r.err = r.here(rec.Offset, ErrCorrupt, fmt.Sprintf("a blob has more than %d bytes", MaxBlob))
		return rec, false
	}
	r.blob = append(r.blob, rec.Payload...)
	if more {
		return rec, false
	}
	r.inBlob = false
	whole := r.started
	whole.Seq, whole.Payload = rec.Seq, r.blob
	return whole, true
}

func (r *Reader) here(off int64, kind error, detail string) error {
	return r.wrong(r.header.Segment, off, kind, detail)
}

func (r *Reader) wrong(segment uint32, off int64, kind error, detail string) error {
	return &Error{Dir: r.dir, Segment: segment, Offset: off, Kind: kind, Detail: detail}
}
