package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// minSpares is how many segments are kept ready when the options name no number.
	minSpares = 2
	// maxSpares bounds what Options.Reserve may ask for.
	maxSpares = 256
	// fullPause is how long a full disk is left alone before it is asked again.
	fullPause = time.Second
)

// spares are segment files that exist before they are needed: their space is taken from
// the disk and can no longer be taken by others. One goroutine makes them, the journal's
// takes them.
type spares struct {
	disk *disk
	dir  string
	size int64

	mu     sync.Mutex
	change *sync.Cond
	ready  []*os.File // of the segments that follow, in order
	next   uint32     // segment of the next file to be made
	want   int
	zero   bool  // the first one is needed soon: fill it
	filled bool  // it is
	full   error // why the last one could not be made; a full disk may get room again
	broken error // final
	ended  bool
	done   chan struct{}
}

func newSpares(d *disk, dir string, size int64, next uint32, want int) *spares {
	s := &spares{disk: d, dir: dir, size: size, next: next, want: want, done: make(chan struct{})}
	s.change = sync.NewCond(&s.mu)
	go s.run()
	return s
}

// run keeps want files ready until close.
func (s *spares) run() {
	defer close(s.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended && s.broken == nil {
		switch {
		case s.zero && !s.filled && len(s.ready) > 0:
			f := s.ready[0]
			s.mu.Unlock()
			err := s.disk.fill(f, s.size)
			s.mu.Lock()
			s.filled, s.broken = err == nil, err
		case len(s.ready) < s.want:
			segment := s.next
			s.mu.Unlock()
			f, err := s.disk.reserve(s.dir, segment, s.size)
			s.mu.Lock()
			s.made(f, err)
		default:
			s.change.Wait()
			continue
		}
		s.change.Broadcast()
	}
}

// made takes what came of making one. Only a full disk is asked again; after any other
// error what the disk holds is not known.
func (s *spares) made(f *os.File, err error) {
	if err == nil {
		s.ready, s.next, s.full = append(s.ready, f), s.next+1, nil
		return
	}
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		s.broken = err
		return
	}
	s.full = err
	s.change.Broadcast()
	wake := time.AfterFunc(fullPause, s.change.Broadcast)
	defer wake.Stop()
	for asked := time.Now(); !s.ended && !(s.zero && !s.filled && len(s.ready) > 0) &&
		len(s.ready) < s.want && time.Since(asked) < fullPause; {
		s.change.Wait()
	}
}

// soon says that the first one is needed before long.
func (s *spares) soon() {
	s.mu.Lock()
	s.zero = true
	s.mu.Unlock()
	s.change.Broadcast()
}

// keep changes how many are kept ready.
func (s *spares) keep(n int) {
	s.mu.Lock()
	s.want = n
	s.mu.Unlock()
	s.change.Broadcast()
}

// take returns the file of the next segment, filled. It waits while one is being made; a
// disk that is full, with nothing kept back, is an error.
func (s *spares) take() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.zero = true; ; s.change.Wait() {
		s.change.Broadcast()
		switch {
		case s.broken != nil:
			return nil, s.broken
		case len(s.ready) > 0 && s.filled:
			f := s.ready[0]
			s.ready = s.ready[1:]
			s.zero, s.filled = false, false
			s.change.Broadcast()
			return f, nil
		case len(s.ready) == 0 && s.full != nil:
			return nil, s.full
		}
	}
}

// state returns how many are ready, and why there are no more of them.
func (s *spares) state() (ready int, full, broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready), s.full, s.broken
}

// close ends the goroutine and gives the space of the unused files back.
func (s *spares) close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.change.Broadcast()
	<-s.done
	for _, f := range s.ready {
		discard(f)
	}
	s.ready = nil
}

// reserve makes the file of a segment and takes its space from the disk, in an instant
// where the file system can (fallocate), by writing zeros where it cannot.
func (d *disk) reserve(dir string, segment uint32, size int64) (*os.File, error) {
	path := sparePath(dir, segment)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = d.allocate(f, size); errors.Is(err, errors.ErrUnsupported) {
		err = d.write0(f, size)
	}
	if err != nil {
		discard(f)
		return nil, fmt.Errorf("reserve %s: %w", path, err)
	}
	return f, nil
}

// fill writes zeros over a reserved file and syncs it, so that later writes change data
// only: a block that was never written costs the file system a change of its own.
func (d *disk) fill(f *os.File, size int64) error {
	err := d.write0(f, size)
	if err == nil {
		err = d.sync(f)
	}
	if err != nil {
		return fmt.Errorf("prepare %s: %w", f.Name(), err)
	}
	return nil
}

func (d *disk) write0(f *os.File, size int64) error {
	for off := int64(0); off < size; {
		n, err := d.writeAt(f, zeros[:min(size-off, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}
