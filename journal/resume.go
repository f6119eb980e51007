package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Salvage brings what a killed process left in its ring into the files of the journal
// dir, and removes the ring: afterwards the journal ends with the last record that was
// appended. It returns how many records that were. Without a ring (the process ended
// well, or the host restarted) there is nothing to do. It may be interrupted and repeated.
func Salvage(dir string, opt Options) (n int, err error) {
	if opt.RingDir == "" {
		return 0, nil
	}
	path, err := RingPath(opt.RingDir, dir)
	if err != nil {
		return 0, err
	}
	r, err := Open(dir)
	if err != nil {
		return 0, err
	}
	header := r.Header()
	entries, after, err := readRing(path, &header)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := r.skip(); err != nil {
		return 0, err
	}
	// The files may have some of them: the process died between a write and its mark.
	have := r.seq
	if r.tail.State == TailClosed {
		have--
	}
	if have < after {
		return 0, fmt.Errorf("journal %s: %w: its files end with record %d, its ring says that they had %d",
			dir, ErrCorrupt, have, after)
	}
	known := int(have - after)
	for _, end := range r.ends {
		if end > after && end <= have {
			known-- // end records never were in the ring
		}
	}
	if known > len(entries) {
		return 0, fmt.Errorf("journal %s: %w: its files have %d records more than its ring ever held",
			dir, ErrCorrupt, known-len(entries))
	}
	entries = entries[known:]
	opt.RingDir, opt.Mirror = "", ""
	w, err := Resume(r, opt)
	if err != nil {
		return 0, err
	}
	for i := range entries {
		for err = ErrFull; errors.Is(err, ErrFull); {
			if err = w.Err(); err == nil {
				if err = w.appendEntry(&entries[i]); errors.Is(err, ErrFull) {
					time.Sleep(time.Millisecond)
				}
			}
		}
		if err != nil {
			break
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return 0, err
	}
	return len(entries), os.Remove(path)
}

// skip reads to the end.
func (r *Reader) skip() error {
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Resume goes on with the journal that r has read to its end: what the end of the
// process left unfinished is cut off, and records follow the last one that r has given.
// Epoch and hashes of opt are not used: they are those of the journal. Salvage comes first.
func Resume(r *Reader, opt Options) (*Writer, error) {
	if err := opt.fill(); err != nil {
		return nil, err
	}
	if r.tail.State == TailUnread {
		return nil, errors.New("journal: a journal must be read to its end before it goes on")
	}
	if r.tail.State == TailClosed { // the end record gives way
		r.seq, r.chain = r.seq-1, r.before
		r.ends = r.ends[:len(r.ends)-1]
		r.tail.State = TailCut
	}
	if r.inBlob {
		return nil, &Error{Dir: r.dir, Segment: r.tail.Segment, Offset: r.tail.Offset, Kind: ErrCorrupt,
			Detail: "it ends within a blob: it never began to trade; move it away"}
	}
	if opt.Mirror != "" {
		if err := mirrorBehind(opt.Mirror, &r.header, r.seq); err != nil {
			return nil, err
		}
	}
	w := &Writer{done: make(chan struct{})}
	f := &flusher{w: w, opt: opt, dir: r.dir, header: r.header, chain: r.chain, seq: r.seq,
		event: r.event, off: r.tail.Offset}
	if err := f.reopen(); err != nil {
		return nil, fmt.Errorf("journal %s: %w", r.dir, err)
	}
	f.durableSeq = f.seq
	w.durable.Store(f.event)
	return w.begin(f)
}

// reopen makes the last segment end where records go on, and removes what was made for
// segments that did not come to be.
func (f *flusher) reopen() error {
	unused := filepath.Join(f.dir, fileName(f.header.Segment+1, segmentSuffix))
	if err := os.Remove(unused); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), spareSuffix) {
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	d := f.opt.disk
	if f.file, err = os.OpenFile(filepath.Join(f.dir, fileName(f.header.Segment, segmentSuffix)), os.O_RDWR, 0); err != nil {
		return err
	}
	err = d.truncate(f.file, f.off)
	for at := f.off; err == nil && at < f.opt.SegmentBytes; {
		var n int
		n, err = d.writeAt(f.file, zeros[:min(f.opt.SegmentBytes-at, int64(len(zeros)))], at)
		at += int64(n)
	}
	if err == nil {
		err = d.sync(f.file)
	}
	if err == nil {
		err = d.syncDir(f.dir)
	}
	if err != nil {
		f.file.Close()
	}
	return err
}
