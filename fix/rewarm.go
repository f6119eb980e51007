package fix

import "penstock/internal/warm"

// Rewarm asks for what sending t touches, so that it is in the caches. It changes nothing.
func (s *Session) Rewarm(t *Template) {
	warm.Span(&s.cfg, &s.origs)
	warm.Span(&s.state, &s.sendTime)
	warm.Of(&trailers)
	warm.Of(&threes)
	if t != nil {
		t.Rewarm()
	}
}

// Rewarm is that of a Session for the template alone.
func (t *Template) Rewarm() {
	warm.Of(t)
	warm.Slice(t.buf)
}
