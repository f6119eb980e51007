package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Place is a place between two records of a journal.
type Place struct {
	Segment uint32
	Offset  int64  // of the next record, within the segment
	Seq     uint64 // number of the record before
	Chain   uint32 // its CRC
}

// Follower reads a journal while its Writer writes it: what is durable, record by record,
// each checked like a Reader does. It reads the files, so the writer's threads never wait
// for it. One goroutine, any.
type Follower struct {
	w      *Writer
	dir    string
	file   *os.File
	header Header
	buf    []byte // of the segment, from base on
	base   int64
	at     int // next record in buf
	chain  uint32
	seq    uint64
	before uint32 // chain before the record read last
	size   int    // of that record
	joiner Reader // puts blobs together
	closed bool
}

const followBytes = 1 << 20

// Follow returns a follower that begins at the first record.
func (w *Writer) Follow() (*Follower, error) { return w.followFrom(1) }

// FollowFrom returns a follower that begins after from, a place that a Reader of this
// journal gave.
func (w *Writer) FollowFrom(from Place) (*Follower, error) {
	f, err := w.followFrom(from.Segment)
	if err != nil {
		return nil, err
	}
	f.base, f.chain, f.seq = from.Offset, from.Chain, from.Seq
	return f, nil
}

// followFrom begins at the start of a segment.
func (w *Writer) followFrom(segment uint32) (*Follower, error) {
	f := &Follower{w: w, dir: w.dir, buf: make([]byte, 0, followBytes)}
	if err := f.open(segment); err != nil {
		return nil, err
	}
	f.chain, f.seq = f.header.Chain, f.header.FirstSeq-1
	return f, nil
}

func (f *Follower) open(segment uint32) error {
	file, err := os.Open(filepath.Join(f.dir, fileName(segment, segmentSuffix)))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	b := make([]byte, HeaderSize)
	if _, err := file.ReadAt(b, 0); err != nil {
		file.Close()
		return fmt.Errorf("journal: %w", err)
	}
	before := f.header
	if e := f.header.decode(b); e != nil {
		file.Close()
		e.Dir, e.Segment = f.dir, segment
		return e
	}
	if f.header.Segment != segment || f.file != nil && (!f.header.sameRun(&before) || f.header.Chain != f.chain) {
		file.Close()
		return f.wrong(16, ErrMixed, "it does not continue what is before it")
	}
	if f.file != nil {
		f.file.Close()
	}
	f.file, f.base, f.at, f.buf = file, HeaderSize, 0, f.buf[:0]
	return nil
}

// Close closes the file that is being read.
func (f *Follower) Close() error { return f.file.Close() }

// AtEnd is Place; after the end of a closed journal it is the place before its end record,
// where the journal goes on.
func (f *Follower) AtEnd() Place {
	if f.closed {
		return f.Before()
	}
	return f.Place()
}

// Place returns where the next record is.
func (f *Follower) Place() Place {
	return Place{Segment: f.header.Segment, Offset: f.base + int64(f.at), Seq: f.seq, Chain: f.chain}
}

// Next returns the next durable record. ok is false when there is none yet; io.EOF after
// the last one of a journal that was closed. Its payload is valid until the next call.
func (f *Follower) Next() (rec Record, ok bool, err error) {
	for {
		raw, p, err := f.step()
		if err != nil || raw == nil {
			return Record{}, false, err
		}
		if p.typ == endType {
			if err := f.follow(&p); err != nil {
				return Record{}, false, err
			}
			continue
		}
		rec := Record{Type: p.typ, Seq: p.seq, Time: p.time, Wall: p.wall, Durable: p.durable, Payload: p.payload,
			Segment: f.header.Segment, Offset: f.base + int64(f.at-p.size)}
		if p.typ != Blob {
			return rec, true, nil
		}
		if rec, ok := f.joiner.takeBlob(rec, p.flags == flagMore); ok {
			return rec, true, nil
		}
		if f.joiner.err != nil {
			return Record{}, false, f.joiner.err
		}
	}
}

// step takes one record; raw is nil when nothing more is durable.
func (f *Follower) step() (raw []byte, p parsed, err error) {
	for !f.closed {
		b := f.buf[f.at:]
		if p, ok := parse(b); ok {
			if p.seq != f.seq+1 || chainCRC(f.chain, b) != p.crc {
				break
			}
			f.at += p.size
			f.before, f.size = f.chain, p.size
			f.seq, f.chain = p.seq, p.crc
			return b[:p.size:p.size], p, nil
		}
		limit, err := f.limit()
		if err != nil {
			return nil, p, err
		}
		more := limit - f.base - int64(len(f.buf))
		if more <= 0 && len(b) == 0 {
			return nil, p, nil
		}
		if more <= 0 || len(b) >= recordSize(MaxPayload) {
			break
		}
		if err := f.read(more); err != nil {
			return nil, p, err
		}
	}
	if f.closed {
		return nil, p, io.EOF
	}
	return nil, p, f.wrong(f.base+int64(f.at), ErrCorrupt, "what was written and synced reads back as something else")
}

// limit returns how far the segment is durable.
func (f *Follower) limit() (int64, error) {
	place := f.w.place.Load()
	if uint32(place>>32) == f.header.Segment {
		return int64(uint32(place)), nil
	}
	info, err := f.file.Stat() // finished: its end record says where
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return info.Size(), nil
}

// read brings up to more bytes of the segment in.
func (f *Follower) read(more int64) error {
	n := copy(f.buf, f.buf[f.at:])
	f.base, f.at = f.base+int64(f.at), 0
	f.buf = f.buf[:n+int(min(more, int64(cap(f.buf)-n)))]
	_, err := f.file.ReadAt(f.buf[n:], f.base+int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("journal %s: %w", f.file.Name(), err)
	}
	return nil
}

// follow goes on behind an end record.
func (f *Follower) follow(p *parsed) error {
	next := le.Uint32(p.payload)
	if next == 0 {
		f.closed = true
		return io.EOF
	}
	return f.open(next)
}

func (f *Follower) wrong(off int64, kind error, detail string) error {
	return &Error{Dir: f.dir, Segment: f.header.Segment, Offset: off, Kind: kind, Detail: detail}
}
