package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ring of a journal lies in a file in memory (tmpfs), so that a process that is
// killed leaves there what its files do not have yet: Salvage brings it in. Integers are
// in host order: a ring never leaves its host.
//
//	   0 ┌─────────────────────────────────────────┐
//	     │ "PSTKRNG1" │ size u64 │ epoch u64 │ chain u32 of the journal's start
//	  64 │ published: bytes below are complete      │
//	 128 │ head: bytes below are written            │
//	 192 │ turn: mark turn%2 is the valid one       │
//	 256 │ mark 0: pos, number of the last record before pos in the files
//	 320 │ mark 1                                   │
//	4096 │ records                                  │
//	     └─────────────────────────────────────────┘
//
// head alone does not say which records the files have: the process may die between
// a write and the store of head. A mark says it with the number of a record, and the
// files say how far they came after it.
const (
	ringMagic     = "PSTKRNG1"
	ringHead      = 4096
	atRingSize    = 8
	atRingEpoch   = 16
	atRingChain   = 24
	atPublished   = 64
	atHead        = 128
	atTurn        = 192
	atMarks       = 256
	ringSuffix    = ".ring"
	ringDirectory = "penstock"
)

// RingPath returns where the ring of the journal dir lies within ringDir.
func RingPath(ringDir, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(ringDir, fmt.Sprintf("%s-%x%s", ringDirectory, sum[:12], ringSuffix)), nil
}

func wordAt(b []byte, at int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&b[at])) }

// newRing returns a ring over b, whose first page is all zero.
func newRing(b []byte, h *Header) byteRing {
	copy(b, ringMagic)
	wordAt(b, atRingSize).Store(uint64(len(b) - ringHead))
	wordAt(b, atRingEpoch).Store(h.Epoch)
	wordAt(b, atRingChain).Store(uint64(h.firstChain()))
	return byteRing{buf: b[ringHead:], published: wordAt(b, atPublished), head: wordAt(b, atHead),
		turn: wordAt(b, atTurn), marks: [2][2]*atomic.Uint64{
			{wordAt(b, atMarks), wordAt(b, atMarks+8)}, {wordAt(b, atMarks+lineBytes), wordAt(b, atMarks+lineBytes+8)}}}
}

// mark says that the files have every record below pos, the last one being number seq.
func (r *byteRing) mark(pos, seq uint64) {
	turn := r.turn.Load() + 1
	r.marks[turn&1][0].Store(pos)
	r.marks[turn&1][1].Store(seq)
	r.turn.Store(turn)
}

// mapRing creates the file of a ring and maps it. Every page exists before it is used: a
// page that cannot be had later would kill the process.
func mapRing(path string, size int) ([]byte, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(ringHead+size)); err != nil {
		os.Remove(path)
		return nil, os.NewSyscallError("fallocate "+path, err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, ringHead+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		os.Remove(path)
		return nil, os.NewSyscallError("mmap "+path, err)
	}
	return b, nil
}

// openRing gives the writer its ring: in a file when the options name a place for it and
// there is room, in memory of its own otherwise; then unshared says why.
func (w *Writer) openRing(dir string, opt *Options, h *Header) error {
	if opt.RingDir == "" {
		w.unshared = errors.New("no directory for it was named")
	} else {
		path, err := RingPath(opt.RingDir, dir)
		if err != nil {
			return err
		}
		b, err := mapRing(path, opt.RingBytes)
		if err == nil {
			w.ring, w.ringPath, w.ringMemory = newRing(b, h), path, b
			w.unlocked = os.NewSyscallError("mlock", unix.Mlock(b))
			return nil
		}
		w.unshared = err
	}
	b := make([]byte, ringHead+opt.RingBytes)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 0 // touch every page now and not on the core's path
	}
	w.ring = newRing(b, h)
	return nil
}

// closeRing gives the ring back. Its file goes when the journal's files have all of it.
func (w *Writer) closeRing() error {
	if w.ringMemory == nil {
		return nil
	}
	var err error
	if w.Err() == nil {
		err = os.Remove(w.ringPath)
	}
	return errors.Join(err, unix.Munmap(w.ringMemory))
}

// entry is a record that a ring holds.
type entry struct {
	typ     RecordType
	flags   uint8
	time    int64
	payload []byte
}

// readRing returns what the ring at path holds beyond the mark, and the number of the
// record before it. A ring of another journal is an error, none is os.ErrNotExist.
func readRing(path string, h *Header) (entries []entry, after uint64, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("journal ring %s: %w: %s", path, ErrCorrupt, fmt.Sprintf(format, args...))
	}
	if len(b) <= ringHead || string(b[:len(ringMagic)]) != ringMagic {
		return nil, 0, wrong("%d bytes without its magic", len(b))
	}
	size := wordAt(b, atRingSize).Load()
	if size != uint64(len(b)-ringHead) || size&(size-1) != 0 {
		return nil, 0, wrong("its size is said to be %d, the file has %d", size, len(b)-ringHead)
	}
	if wordAt(b, atRingEpoch).Load() != h.Epoch || wordAt(b, atRingChain).Load() != uint64(h.firstChain()) {
		return nil, 0, wrong("it belongs to another journal (epoch %d)", wordAt(b, atRingEpoch).Load())
	}
	mark := atMarks + lineBytes*int(wordAt(b, atTurn).Load()&1)
	pos, end := wordAt(b, mark).Load(), wordAt(b, atPublished).Load()
	after = wordAt(b, mark+8).Load()
	if end < pos || end-pos > size {
		return nil, 0, wrong("bytes %d to %d are not within it", pos, end)
	}
	r := byteRing{buf: b[ringHead:]}
	for pos < end {
		span := r.span(pos, end)
		n := uint32(0)
		if len(span) >= recordHead {
			n = le.Uint32(span[atLen:])
		} else if len(span) >= 4 {
			n = le.Uint32(span)
		}
		if n == skipMark {
			pos += size - pos&(size-1)
			continue
		}
		t := RecordType(0)
		if len(span) >= recordHead {
			t = RecordType(span[atType])
		}
		if n == 0 || n > MaxPayload || recordSize(int(n)) > len(span) || !t.valid() {
			return nil, 0, wrong("no record at byte %d", pos)
		}
		entries = append(entries, entry{t, span[atFlags], int64(le.Uint64(span[atTime:])),
			span[recordHead : recordHead+int(n)]})
		pos += uint64(recordSize(int(n)))
	}
	return entries, after, nil
}
