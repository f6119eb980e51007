package book

import (
	"math"

	"penstock/event"
)

// Expire makes a LIVE book STALE that has heard nothing for MaxAge; its depth is
// kept, and the next event of its feed makes it LIVE again, for nothing is known to
// be missing. It reports whether that happened now (ns since epoch).
func (b *Book) Expire(now int64) bool {
	if now < b.ExpiresAt() {
		return false
	}
	b.kept, b.aged = true, true
	return b.setState(event.BookStale, event.ReasonStale)
}

// ExpiresAt returns when Expire would make the book STALE, in ns since epoch;
// math.MaxInt64 when only a feed can.
func (b *Book) ExpiresAt() int64 {
	if b.MaxAge == 0 || b.State != event.BookLive {
		return math.MaxInt64
	}
	return b.RecvTime + b.MaxAge
}

// hear ends an age: the feed speaks again.
func (b *Book) hear() {
	if b.aged {
		b.aged = false
		b.setState(event.BookLive, event.ReasonNone)
	}
}
