package wire

import (
	"net/netip"
	"sync/atomic"
)

// Lookup resolves an address on a goroutine of its own, so that who must not
// block can connect to where a name points now: names of venues move.
type Lookup struct {
	done atomic.Bool
	addr netip.AddrPort
	err  error
}

// StartLookup begins to resolve addr, "host:port". A numeric host is there at
// once.
func StartLookup(addr string) *Lookup {
	l := &Lookup{}
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		l.addr = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
		l.done.Store(true)
		return l
	}
	go func() {
		l.addr, l.err = Resolve(addr)
		l.done.Store(true)
	}()
	return l
}

// Done reports whether the address, or why there is none, is known.
func (l *Lookup) Done() bool { return l.done.Load() }

// Result returns the address once Done.
func (l *Lookup) Result() (netip.AddrPort, error) { return l.addr, l.err }
