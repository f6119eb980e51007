package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// A mirror is a second copy of the journal, in a folder on another disk. A goroutine follows
// the journal and writes each record there after it was checked, so a record that the first
// disk gives back wrongly is found and not copied. The mirror is behind by a few
// milliseconds; what the journal promises never waits for it. When it fails it ends, and
// MirrorErr says why: trading goes on with one copy.
type mirror struct {
	follower *Follower
	dir      string
	disk     *disk
	file     *os.File
	off      int64
	pending  []byte
	unsynced bool
	synced   time.Time
	ending   chan struct{} // closed when the writer has ended
	done     chan struct{}

	seq    atomic.Uint64 // last record there
	failed atomic.Pointer[error]
}

const (
	mirrorBytes = 256 << 10
	mirrorPause = 2 * time.Millisecond
	mirrorSync  = 20 * time.Millisecond
)

// startMirror begins to copy the journal of w into dir. What dir has of it already stays.
func (w *Writer) startMirror(dir string, d *disk, last uint32) (*mirror, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m := &mirror{dir: dir, disk: d, ending: make(chan struct{}), done: make(chan struct{})}
	go m.run(w, last)
	return m, nil
}

func (m *mirror) run(w *Writer, last uint32) {
	defer close(m.done)
	if err := m.follow(w, last); err != nil {
		err = fmt.Errorf("journal mirror %s: %w", m.dir, err)
		m.failed.Store(&err)
	}
}

// follow begins at the first segment that the mirror does not have whole.
func (m *mirror) follow(w *Writer, last uint32) (err error) {
	segment := uint32(1)
	for segment < last && sameSegment(w.dir, m.dir, segment) {
		segment++
	}
	if m.follower, err = w.followFrom(segment); err != nil {
		return err
	}
	if err = m.open(); err != nil {
		return errors.Join(err, m.follower.Close())
	}
	err = m.copy()
	return errors.Join(err, m.follower.Close(), m.file.Close())
}

// sameSegment reports whether both folders have a finished segment with the same end, whose
// chained CRC stands for all that is before it.
func sameSegment(a, b string, segment uint32) bool {
	end := func(dir string) (tail [endSize]byte, size int64, ok bool) {
		f, err := os.Open(filepath.Join(dir, fileName(segment, segmentSuffix)))
		if err != nil {
			return tail, 0, false
		}
		defer f.Close()
		r := &Reader{dir: dir, headers: []Header{{}}}
		r.headers[0].Segment = segment
		b, err := io.ReadAll(f)
		if err != nil || len(b) < HeaderSize+endSize || r.header.decode(b) != nil {
			return tail, 0, false
		}
		chain, off := r.header.Chain, HeaderSize
		for off < len(b) {
			p, ok := parse(b[off:])
			if !ok || chainCRC(chain, b[off:]) != p.crc {
				return tail, 0, false
			}
			if chain, off = p.crc, off+p.size; p.typ == endType {
				return [endSize]byte(b[off-endSize:]), int64(off), true
			}
		}
		return tail, 0, false
	}
	x, n, ok := end(a)
	y, m, also := end(b)
	return ok && also && n == m && x == y
}

// open makes the mirror's file of the segment that the follower is in. It gets its name
// when its header is there.
func (m *mirror) open() error {
	h := &m.follower.header
	path := filepath.Join(m.dir, fileName(h.Segment, ".new"))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := m.disk.open(m.dir, f, h); err != nil {
		f.Close()
		return err
	}
	m.file, m.off = f, HeaderSize
	return nil
}

// copy copies until the journal is closed.
func (m *mirror) copy() error {
	for {
		ending := false
		select {
		case <-m.ending:
			ending = true
		default:
		}
		raw, p, err := m.follower.step()
		if err != nil {
			return err
		}
		if raw == nil {
			if err := m.write(ending); err != nil || ending {
				return err
			}
			time.Sleep(mirrorPause)
			continue
		}
		if p.typ == endType {
			if done, err := m.end(raw, &p); done || err != nil {
				return err
			}
			continue
		}
		m.pending = append(m.pending, raw...)
		m.seq.Store(p.seq)
		if len(m.pending) > mirrorBytes {
			if err := m.write(false); err != nil {
				return err
			}
		}
	}
}

// end finishes a segment. The next one exists before it says so: see flusher.roll.
func (m *mirror) end(raw []byte, p *parsed) (done bool, err error) {
	m.pending = append(m.pending, raw...)
	before, off := m.file, m.off
	pending := m.pending
	m.pending = nil
	if err = m.follower.follow(p); errors.Is(err, io.EOF) {
		done, err = true, nil
	} else if err == nil {
		err = m.open()
	}
	if err != nil {
		return false, err
	}
	next, at := m.file, m.off
	m.file, m.off, m.pending = before, off, pending
	if err = m.write(true); err != nil || done {
		return done, err
	}
	m.file, m.off = next, at
	return false, before.Close()
}

// write writes what was collected, and syncs it now and then.
func (m *mirror) write(sync bool) error {
	if len(m.pending) > 0 {
		n, err := m.disk.writeAt(m.file, m.pending, m.off)
		m.off += int64(n)
		if err != nil {
			return err
		}
		m.pending, m.unsynced = m.pending[:0], true
	}
	if m.unsynced && (sync || time.Since(m.synced) > mirrorSync) {
		m.unsynced, m.synced = false, time.Now()
		return m.disk.sync(m.file)
	}
	return nil
}

// MirrorErr returns why there is no second copy any more, nil while there is or none was
// asked for. Any goroutine.
func (w *Writer) MirrorErr() error {
	if w.mirror == nil {
		return nil
	}
	if p := w.mirror.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// ErrMirrorAhead says that the mirror has records that the journal has not.
var ErrMirrorAhead = errors.New("the mirror has more than the journal")

// mirrorBehind returns an error when the journal copy in dir goes further than record seq.
func mirrorBehind(dir string, run *Header, seq uint64) error {
	r, err := Open(dir)
	var e *Error
	if errors.Is(err, os.ErrNotExist) || errors.As(err, &e) && e.Kind == ErrNoJournal {
		return nil
	}
	if err != nil {
		return nil // a damaged mirror is replaced
	}
	if h := r.Header(); !h.sameRun(run) {
		return fmt.Errorf("journal mirror %s: %w: it is one of epoch %d", dir, ErrMixed, h.Epoch)
	}
	last := r.headers[len(r.headers)-1]
	r.chain, r.seq = last.Chain, last.FirstSeq-1
	if err := r.load(last.Segment); err != nil {
		return nil
	}
	if err := r.skip(); err != nil {
		return nil
	}
	have := r.seq
	if r.tail.State == TailClosed {
		have--
	}
	if have > seq {
		return fmt.Errorf("journal mirror %s: %w: it ends with record %d, the journal with %d", dir, ErrMirrorAhead, have, seq)
	}
	return nil
}

// Restore makes the journal dir of its mirror: what is in dir is moved aside to moved, and
// the mirror, read to its end and found good, is copied to its place.
func Restore(mirror, dir string) (moved string, err error) {
	r, err := Open(mirror)
	if err != nil {
		return "", err
	}
	if err := r.skip(); err != nil {
		return "", err
	}
	fresh := dir + ".restoring"
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(mirror)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) != ".new" {
			if err := copyFile(filepath.Join(mirror, e.Name()), filepath.Join(fresh, e.Name())); err != nil {
				return "", err
			}
		}
	}
	if err := osDisk.syncDir(fresh); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		moved = fmt.Sprintf("%s.damaged-%d", dir, time.Now().Unix())
		if err := os.Rename(dir, moved); err != nil {
			return "", err
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		return moved, err
	}
	return moved, osDisk.syncDir(filepath.Dir(dir))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
