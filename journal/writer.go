package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Options describe a run and its journal. The zero value of a size takes the
// default.
type Options struct {
	SegmentBytes int64 // default 64 MiB, MinSegmentBytes to MaxSegmentBytes
	RingBytes    int   // default 16 MiB, a power of two from 8 MiB
	// RingDir is where the ring lies, a directory in memory such as /dev/shm: what a
	// killed process leaves there is not lost. Empty: in the process alone.
	RingDir string

	// Spares is how many segments are kept ready beyond the open one, at least; default 2.
	// Reserve is for how long they shall last at the rate of the last minutes, once the
	// disk is full; default 10 minutes, as long as that leaves a fifth of the disk free.
	Spares  int
	Reserve time.Duration

	// Mirror is a folder on another disk that gets a second copy; empty: there is one copy.
	Mirror string

	Epoch  uint64 // session epoch, unique per run
	Build  Hash
	Config Hash
	Policy Hash

	// OnDurable is called on the journal goroutine after Durable has risen, and
	// once when Err becomes non-nil. It must not block.
	OnDurable func()
	// Clock returns ns since the epoch, for the wall time of records; the
	// default is the clock of the host.
	Clock func() int64

	disk *disk // the tests' failing disk
}

// DefaultSegmentBytes is the size of a segment where the options name none.
const DefaultSegmentBytes = 64 << 20

const (
	defaultRingBytes = 16 << 20
	defaultReserve   = 10 * time.Minute
	minRingBytes     = 8 << 20 // a whole MaxBlob with its heads and a wrap fits
)

func (o *Options) fill() error {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.RingBytes == 0 {
		o.RingBytes = defaultRingBytes
	}
	if o.Spares == 0 {
		o.Spares = minSpares
	}
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	if o.Clock == nil {
		o.Clock = func() int64 { return time.Now().UnixNano() }
	}
	if o.OnDurable == nil {
		o.OnDurable = func() {}
	}
	if o.disk == nil {
		o.disk = &osDisk
	}
	if o.SegmentBytes < MinSegmentBytes || o.SegmentBytes > MaxSegmentBytes {
		return fmt.Errorf("journal: segment size %d is not within %d and %d",
			o.SegmentBytes, MinSegmentBytes, MaxSegmentBytes)
	}
	if o.Spares < 1 || o.Spares > maxSpares || o.Reserve < 0 {
		return fmt.Errorf("journal: %d spare segments and a reserve of %v: 1 to %d and not negative are needed",
			o.Spares, o.Reserve, maxSpares)
	}
	if o.RingBytes < minRingBytes || o.RingBytes&(o.RingBytes-1) != 0 {
		return fmt.Errorf("journal: ring size %d is not a power of two of at least %d",
			o.RingBytes, minRingBytes)
	}
	return nil
}

// Writer appends to the journal of one run. Append, AppendBlob and Close belong to
// one goroutine, the core's; Durable, Err and HighWater may be called from any.
type Writer struct {
	ring       byteRing
	ringPath   string
	ringMemory []byte
	unshared   error
	unlocked   error
	closed     bool

	dir       string
	header    Header        // of the segment that was open at the start
	mirror    *mirror       // nil: none was asked for
	place     atomic.Uint64 // how far the files are durable: segment, offset
	durable   atomic.Uint64 // Seq of the last durable event
	failure   atomic.Pointer[error]
	space     atomic.Pointer[Space]
	highWater atomic.Uint64 // bytes, as the journal goroutine saw it
	closing   atomic.Bool
	done      chan struct{} // closed when the journal goroutine has ended
}

// Create makes dir when it does not exist, opens the first segment in it and
// starts the journal goroutine. A dir that holds a journal is refused.
func Create(dir string, opt Options) (*Writer, error) {
	if err := opt.fill(); err != nil {
		return nil, err
	}
	if err := claim(dir, opt.disk); err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	w := &Writer{done: make(chan struct{})}
	f := &flusher{w: w, opt: opt, dir: dir}
	f.header = Header{Segment: 1, FirstSeq: 1, Epoch: opt.Epoch,
		Build: opt.Build, Config: opt.Config, Policy: opt.Policy, Created: opt.Clock()}
	f.header.Chain = f.header.firstChain()
	f.chain = f.header.Chain
	if err := f.openFirst(); err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	return w.begin(f)
}

// begin opens the ring and starts the journal goroutine.
func (w *Writer) begin(f *flusher) (*Writer, error) {
	if err := w.openRing(f.dir, &f.opt, &f.header); err != nil {
		f.file.Close()
		return nil, fmt.Errorf("journal %s: %w", f.dir, err)
	}
	w.ring.mark(0, f.seq)
	w.dir, w.header = f.dir, f.header
	w.place.Store(uint64(f.header.Segment)<<32 | uint64(f.off))
	if f.opt.Mirror != "" {
		var err error
		if w.mirror, err = w.startMirror(f.opt.Mirror, f.opt.disk, f.header.Segment); err != nil {
			f.file.Close()
			return nil, errors.Join(fmt.Errorf("journal mirror %s: %w", f.opt.Mirror, err), w.closeRing())
		}
	}
	f.began = time.Now()
	f.spares = newSpares(f.opt.disk, f.dir, f.opt.SegmentBytes, f.header.Segment+1, f.opt.Spares)
	go f.run()
	return w, nil
}

// Header returns the header of the segment that was open when writing began.
func (w *Writer) Header() Header { return w.header }

// Unshared returns why the ring is in the memory of the process alone, so that a kill
// loses what is in it; nil when it is not.
func (w *Writer) Unshared() error { return w.unshared }

// Unlocked returns why the ring's memory could not be locked, nil when it is.
func (w *Writer) Unlocked() error { return w.unlocked }

// claim makes the directory, or checks that it holds no journal.
func claim(dir string, d *disk) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return d.syncDir(filepath.Dir(dir))
	}
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	names, err := segments(dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("there is a journal already (%s): a run needs a new directory: %w",
			names[0], os.ErrExist)
	}
	return nil
}

// Append records payload, which it copies. Now is the core's clock in ns since
// the epoch. It neither allocates nor waits. ErrFull means that nothing was
// recorded and may be tried again; any error of Err is final.
func (w *Writer) Append(t RecordType, now int64, payload []byte) error {
	if len(payload) == 0 || len(payload) > MaxPayload || !t.valid() {
		if t == Blob && len(payload) > MaxPayload {
			return w.appendParts(now, payload, nil)
		}
		return ErrPayload
	}
	if err := w.state(); err != nil {
		return err
	}
	b := w.ring.reserve(recordSize(len(payload)))
	if b == nil {
		return ErrFull
	}
	fillRecord(b, t, 0, now, payload, nil)
	w.ring.publish()
	return nil
}

// AppendBlob records a named blob of up to MaxBlob bytes: all of it or nothing.
func (w *Writer) AppendBlob(now int64, name string, data []byte) error {
	head := append(append(make([]byte, 0, len(name)+1), name...), 0)
	return w.appendParts(now, head, data)
}

// appendEntry records what a ring held.
func (w *Writer) appendEntry(e *entry) error {
	b := w.ring.reserve(recordSize(len(e.payload)))
	if b == nil {
		return ErrFull
	}
	fillRecord(b, e.typ, e.flags, e.time, e.payload, nil)
	w.ring.publish()
	return nil
}

// appendParts records the blob a+b in as many records as it needs.
func (w *Writer) appendParts(now int64, a, b []byte) error {
	left := len(a) + len(b)
	if left == 0 || left > MaxBlob {
		return ErrPayload
	}
	if err := w.state(); err != nil {
		return err
	}
	for left > 0 {
		n := min(left, MaxPayload)
		left -= n
		dst := w.ring.reserve(recordSize(n))
		if dst == nil {
			w.ring.revert()
			return ErrFull
		}
		fromA := min(n, len(a))
		flags := uint8(0)
		if left > 0 {
			flags = flagMore
		}
		fillRecord(dst, Blob, flags, now, a[:fromA], b[:n-fromA])
		a, b = a[fromA:], b[n-fromA:]
	}
	w.ring.publish()
	return nil
}

// fillRecord writes a record of payload a+b into its place in the ring, but for
// the fields of seal.
func fillRecord(dst []byte, t RecordType, flags uint8, now int64, a, b []byte) {
	le.PutUint64(dst[len(dst)-8:], 0) // the padding is within the last 8 bytes
	le.PutUint32(dst[atLen:], uint32(len(a)+len(b)))
	le.PutUint64(dst[atTime:], uint64(now))
	dst[atType], dst[atFlags] = byte(t), flags
	le.PutUint16(dst[atZero:], 0)
	copy(dst[recordHead:], a)
	copy(dst[recordHead+len(a):], b)
}

func (w *Writer) state() error {
	if w.closed {
		return ErrClosed
	}
	return w.Err()
}

// Durable returns the Seq of the newest event that is on disk, 0 before the first.
func (w *Writer) Durable() uint64 { return w.durable.Load() }

// Err returns the error that ended writing, nil while all is well. It never goes
// away: the process has to stop trading and be restarted on another disk.
func (w *Writer) Err() error {
	if p := w.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// HighWater returns the most bytes that were ever waiting in the ring, and its size.
func (w *Writer) HighWater() (used, size int) { return int(w.highWater.Load()), len(w.ring.buf) }

// Close writes and syncs what was appended, ends the journal with an end record
// and gives back the unused space. It returns Err.
func (w *Writer) Close() error {
	if w.closed {
		return w.Err()
	}
	w.closed = true
	w.closing.Store(true)
	<-w.done
	if w.mirror != nil {
		close(w.mirror.ending)
		<-w.mirror.done
	}
	if err := w.closeRing(); err != nil {
		return errors.Join(w.Err(), err)
	}
	return w.Err()
}
