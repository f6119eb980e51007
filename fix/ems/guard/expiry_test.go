package guard

import (
	"crypto/x509"
	"testing"
	"time"
)

// Each step is said once: at 30, 7 and 1 days, and when it is over. A certificate that comes
// late says only where it stands.
func TestExpiryIsSaidOnceAStep(t *testing.T) {
	var x expiry
	end := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	long, late := &x509.Certificate{Raw: []byte("long"), NotAfter: end}, &x509.Certificate{Raw: []byte("late"), NotAfter: end}
	for _, c := range []struct {
		cert *x509.Certificate
		left time.Duration
		days int
		say  bool
	}{
		{long, 31 * 24 * time.Hour, 31, false}, {long, 30 * 24 * time.Hour, 30, true}, {long, 29 * 24 * time.Hour, 29, false},
		{long, 7*24*time.Hour + 1, 7, false}, {long, 7 * 24 * time.Hour, 7, true}, {late, 2 * 24 * time.Hour, 2, true},
		{long, 25 * time.Hour, 1, false}, {long, 24 * time.Hour, 1, true}, {late, time.Hour, 0, true}, {long, time.Hour, 0, false},
		{long, 0, 0, true}, {long, -48 * time.Hour, 0, false}, {late, -time.Hour, 0, true}, {late, -time.Hour, 0, false},
	} {
		if days, say := x.due(c.cert, end.Add(-c.left)); days != c.days || say != c.say {
			t.Errorf("%s with %v left: %d days, said %v, want %d, %v", c.cert.Raw, c.left, days, say, c.days, c.say)
		}
	}
}
