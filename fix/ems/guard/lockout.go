package guard

import (
	"net/netip"
	"sync"
)

const (
	lockoutFails     = 5        // wrong passwords from one address within …
	lockoutNanos     = 60e9     // … this time lock it out for as long
	lockoutAddresses = 4 * 1024 // addresses remembered; the oldest goes first
)

// lockout counts wrong passwords by address.
type lockout struct {
	mu    sync.Mutex
	fails map[netip.Addr][]int64 // times of the last failures, ns since epoch
	order []netip.Addr           // by first failure
}

// failed records a wrong password.
func (l *lockout) failed(ip netip.Addr, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails == nil {
		l.fails = make(map[netip.Addr][]int64)
	}
	times, known := l.fails[ip]
	if !known {
		if len(l.order) == lockoutAddresses {
			delete(l.fails, l.order[0])
			l.order = l.order[1:]
		}
		l.order = append(l.order, ip)
	}
	if len(times) == lockoutFails {
		times = times[1:]
	}
	l.fails[ip] = append(times, now)
}

// locked reports whether the address must wait.
func (l *lockout) locked(ip netip.Addr, now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.fails[ip]
	if len(times) < lockoutFails {
		return false
	}
	first, last := times[0], times[lockoutFails-1]
	return last-first < lockoutNanos && now-last < lockoutNanos
}
