package journal

import "sync/atomic"

// skipMark stands in the length of a place in the ring where no record fits any
// more before the wrap.
const skipMark = 1<<32 - 1

const lineBytes = 64

// byteRing hands records of different sizes from one producer to one consumer. A
// record is contiguous and its place a multiple of 8 bytes.
type byteRing struct {
	buf []byte // a power of two
	_   [lineBytes]byte

	// Producer's line.
	tail       uint64 // next byte to reserve
	headCached uint64
	_          [lineBytes]byte

	// In the ring's own memory, each in a line of its own.
	published *atomic.Uint64 // bytes below are complete; written by the producer
	head      *atomic.Uint64 // bytes below are free again; written by the consumer
	turn      *atomic.Uint64
	marks     [2][2]*atomic.Uint64
}

// reserve returns size contiguous bytes to fill, or nil when there is no room.
// They are not seen by the consumer before publish.
func (r *byteRing) reserve(size int) []byte {
	capacity := uint64(len(r.buf))
	at := r.tail & (capacity - 1)
	need, skip := uint64(size), uint64(0)
	if at+need > capacity {
		skip = capacity - at
		need += skip
	}
	if r.tail+need-r.headCached > capacity {
		r.headCached = r.head.Load()
		if r.tail+need-r.headCached > capacity {
			return nil
		}
	}
	if skip > 0 {
		le.PutUint32(r.buf[at:], skipMark)
		at = 0
	}
	r.tail += need
	return r.buf[at : at+uint64(size) : at+uint64(size)]
}

func (r *byteRing) publish() { release(r.published, r.tail) }

// revert gives back what was reserved since the last publish.
func (r *byteRing) revert() { r.tail = r.published.Load() }

// span returns the bytes from pos up to end or the wrap. Consumer only.
func (r *byteRing) span(pos, end uint64) []byte {
	at := pos & uint64(len(r.buf)-1)
	return r.buf[at:min(at+end-pos, uint64(len(r.buf)))]
}
