package fix

import "penstock/internal/warm"

// Rewarm reads what sending t touches, so that it is in the caches. It changes nothing. The sum
// is of no use.
func (s *Session) Rewarm(t *Template) uint64 {
	sum := warm.Of(&s.w) + warm.Of(&s.nextOut) + warm.Of(&s.lastOut)
	if t != nil {
		sum += warm.Of(t) + warm.Slice(t.buf)
	}
	return sum
}
