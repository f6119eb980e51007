package serve

import "slices"

const (
	storeLimit   = 256 << 20 // bytes of messages kept
	segmentBytes = 1 << 20
)

// messageStore keeps numbered messages from 1, in segments; the oldest segment
// goes when there is more than storeLimit.
type messageStore struct {
	segments []segment
	count    uint64
}

type segment struct {
	first uint64 // sequence number of its first message
	data  []byte
	ends  []uint32 // offset behind each message
}

func (s *messageStore) last() uint64 { return s.count }

func (s *messageStore) add(msg []byte) {
	n := len(s.segments)
	if n == 0 || len(s.segments[n-1].data)+len(msg) > segmentBytes {
		if n == storeLimit/segmentBytes {
			s.segments = slices.Delete(s.segments, 0, 1)
		}
		s.segments = append(s.segments, segment{
			first: s.count + 1, data: make([]byte, 0, segmentBytes),
		})
		n = len(s.segments)
	}
	g := &s.segments[n-1]
	g.data = append(g.data, msg...)
	g.ends = append(g.ends, uint32(len(g.data)))
	s.count++
}

// get returns message seq, nil when it is not there. It must not be changed.
func (s *messageStore) get(seq uint64) []byte {
	i, found := slices.BinarySearchFunc(s.segments, seq, func(g segment, seq uint64) int {
		if g.first <= seq {
			return -1
		}
		return 1
	})
	if found || i == 0 {
		return nil
	}
	g := &s.segments[i-1]
	k := seq - g.first
	if k >= uint64(len(g.ends)) {
		return nil
	}
	start := uint32(0)
	if k > 0 {
		start = g.ends[k-1]
	}
	return g.data[start:g.ends[k]]
}
