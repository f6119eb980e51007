package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// groupBytes bounds one pwrite, so that the ring is freed as it goes.
	groupBytes = 1 << 20
	// An empty ring is looked at again after pauseMin, then less and less often.
	// The core does not ring a bell: that would be a system call on its path.
	pauseMin = 50 * time.Microsecond
	pauseMax = time.Millisecond
)

// flusher is the journal goroutine: the only one that touches the files.
type flusher struct {
	w   *Writer
	opt Options
	dir string

	header Header // of the open segment
	file   *os.File
	off    int64 // next byte of the segment
	pos    uint64

	chain      uint32
	seq        uint64 // last record written
	event      uint64 // Seq of the last event written
	durableSeq uint64 // last record synced

	spares *spares
	began  time.Time
	gauge  gauge
}

func (f *flusher) openFirst() (err error) {
	d := f.opt.disk
	if f.file, err = d.reserve(f.dir, 1, f.opt.SegmentBytes); err != nil {
		return err
	}
	if err = d.fill(f.file, f.opt.SegmentBytes); err != nil {
		discard(f.file)
		return err
	}
	if err = f.opt.disk.open(f.dir, f.file, &f.header); err != nil {
		f.file.Close()
		return err
	}
	f.off = HeaderSize
	return nil
}

func (f *flusher) run() {
	defer close(f.w.done)
	defer f.release()
	if err := f.loop(); err != nil {
		err = fmt.Errorf("journal %s segment %d: %w", f.dir, f.header.Segment, err)
		f.w.failure.Store(&err)
		f.opt.OnDurable()
	}
}

func (f *flusher) loop() error {
	pause := pauseMin
	for {
		closing := f.w.closing.Load() // before the last look into the ring
		wrote, err := f.drain()
		if err == nil {
			err = f.measure(false)
		}
		switch {
		case err != nil:
			return err
		case wrote:
			if err := f.commit(); err != nil {
				return err
			}
			pause = pauseMin
		case closing:
			return f.finish()
		default:
			// Not time.Sleep: its resolution on an idle program is a millisecond.
			ts := unix.NsecToTimespec(int64(pause))
			_ = unix.Nanosleep(&ts, nil) // cut short by a signal: look again earlier
			pause = min(2*pause, pauseMax)
		}
	}
}

// drain writes everything that is published, without syncing.
func (f *flusher) drain() (wrote bool, err error) {
	end := f.w.ring.published.Load()
	if end == f.pos {
		return false, nil
	}
	if used := end - f.pos; used > f.w.highWater.Load() {
		f.w.highWater.Store(used)
	}
	wall := f.opt.Clock()
	for f.pos < end {
		span := f.w.ring.span(f.pos, end)
		n, stop := f.sealGroup(span, wall)
		if n > 0 {
			if _, err := f.opt.disk.writeAt(f.file, span[:n], f.off); err != nil {
				return false, err
			}
			f.off += int64(n)
			f.pos += uint64(n)
		}
		switch stop {
		case stopWrap:
			f.pos += uint64(len(f.w.ring.span(f.pos, f.pos+uint64(len(f.w.ring.buf)))))
		case stopSegment:
			if err := f.roll(wall); err != nil {
				return false, err
			}
		}
		f.w.ring.mark(f.pos, f.seq)
		f.w.ring.head.Store(f.pos)
	}
	if f.off > f.opt.SegmentBytes/2 {
		f.spares.soon()
	}
	return true, nil
}

type stop uint8

const (
	stopGroup   stop = iota // the span or the group ended
	stopWrap                // a skip mark
	stopSegment             // the next record does not fit into the segment
)

// sealGroup numbers and chains the records at the start of span that can be
// written at once, and returns their bytes.
func (f *flusher) sealGroup(span []byte, wall int64) (n int, why stop) {
	for n < len(span) && n < groupBytes {
		b := span[n:]
		length := le.Uint32(b[atLen:])
		if length == skipMark {
			return n, stopWrap
		}
		size := recordSize(int(length))
		if f.off+int64(n+size+endSize) > f.opt.SegmentBytes {
			return n, stopSegment
		}
		f.seq++
		f.chain = seal(b, f.chain, f.seq, wall, f.durableSeq)
		if RecordType(b[atType]) == Event && length >= 8 {
			f.event = binary.NativeEndian.Uint64(b[recordHead:]) // event.Event.Seq comes first
		}
		n += size
	}
	return n, stopGroup
}

// commit syncs what was written and tells it.
func (f *flusher) commit() error {
	if err := f.opt.disk.sync(f.file); err != nil {
		return err
	}
	f.durableSeq = f.seq
	f.tellPlace()
	f.w.durable.Store(f.event)
	f.opt.OnDurable()
	return nil
}

// tellPlace tells followers how far the files are durable.
func (f *flusher) tellPlace() { f.w.place.Store(uint64(f.header.Segment)<<32 | uint64(f.off)) }

// roll ends the segment and opens the next one. The next file gets its name before
// the end record is written: a journal whose last segment is finished has lost
// the next one, it did not crash.
func (f *flusher) roll(wall int64) error {
	if err := f.commit(); err != nil {
		return err
	}
	next, err := f.spares.take()
	if err != nil {
		return err
	}
	end, chain := f.endRecord(f.header.Segment+1, wall)
	header := f.header
	header.Segment++
	header.Chain, header.FirstSeq, header.Created = chain, f.seq+1, wall
	if err = f.opt.disk.open(f.dir, next, &header); err == nil {
		err = f.writeEnd(end)
	}
	if err != nil {
		next.Close()
		return err
	}
	if err := f.file.Close(); err != nil {
		next.Close()
		return err
	}
	f.file, f.header, f.chain, f.off = next, header, chain, HeaderSize
	f.tellPlace()
	return f.measure(true)
}

// finish ends the journal.
func (f *flusher) finish() error {
	end, _ := f.endRecord(0, f.opt.Clock())
	if err := f.writeEnd(end); err != nil {
		return err
	}
	if err := f.opt.disk.truncate(f.file, f.off); err != nil {
		return err
	}
	f.tellPlace()
	return f.opt.disk.sync(f.file)
}

func (f *flusher) endRecord(next uint32, wall int64) (b []byte, chain uint32) {
	b = make([]byte, endSize)
	var payload [endPayload]byte
	le.PutUint32(payload[:], next)
	fillRecord(b, endType, 0, wall, payload[:], nil)
	f.seq++
	return b, seal(b, f.chain, f.seq, wall, f.durableSeq)
}

func (f *flusher) writeEnd(b []byte) error {
	if _, err := f.opt.disk.writeAt(f.file, b, f.off); err != nil {
		return err
	}
	f.off += int64(len(b))
	if err := f.opt.disk.sync(f.file); err != nil {
		return err
	}
	f.durableSeq = f.seq
	return nil
}

// release closes the files and removes the unused spares.
func (f *flusher) release() {
	f.file.Close()
	f.spares.close()
}
