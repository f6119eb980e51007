package wire

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options are what a TCP socket of an order session is set to, besides
// TCP_NODELAY, which every Conn has (tcp(7), socket(7)).
type Options struct {
	// QuickAck acknowledges at once: a venue whose window waits for our delayed
	// acknowledgement sends its next report up to 40 ms late. The kernel forgets
	// it, so it is set again after reads: see QuickAck.
	QuickAck bool
	// BusyPollMicros lets the kernel poll the device queue for so long, µs, when a
	// read finds nothing. It needs CAP_NET_ADMIN and a driver that can; 0 leaves
	// it alone.
	BusyPollMicros int
	// UserTimeoutMillis ends the connection when sent bytes stay unacknowledged
	// for so long, ms, instead of after the kernel's 15 minutes; 0 leaves it alone.
	UserTimeoutMillis int
	// Gate asks for this connection together with others; nil: it asks for itself. So does one
	// that polls its device, which its reads do.
	Gate *Gate
}

// DefaultOptions suit an order session.
func DefaultOptions() Options {
	return Options{QuickAck: true, BusyPollMicros: 50, UserTimeoutMillis: 5000}
}

// Tune sets the options of a stream that DialStream returned. BusyPoll and Gate may be
// refused: refused says why, and the connection works without.
// Any other failure is err.
func Tune(s Stream, o Options) (refused, err error) {
	fd := s.(interface{ FD() int }).FD()
	set := func(level, option, value int, name string) error {
		if err := unix.SetsockoptInt(fd, level, option, value); err != nil {
			return fmt.Errorf("set %s to %d: %w", name, value, os.NewSyscallError("setsockopt", err))
		}
		return nil
	}
	if o.QuickAck {
		err = set(unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1, "TCP_QUICKACK")
	}
	if err == nil && o.UserTimeoutMillis > 0 {
		err = set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.UserTimeoutMillis, "TCP_USER_TIMEOUT")
	}
	if o.BusyPollMicros > 0 {
		refused = set(unix.SOL_SOCKET, unix.SO_BUSY_POLL, o.BusyPollMicros, "SO_BUSY_POLL")
	}
	if polls := o.BusyPollMicros > 0 && refused == nil; err == nil && o.Gate != nil && !polls {
		refused = errors.Join(refused, s.(interface{ enter(*Gate) error }).enter(o.Gate))
	}
	return refused, err
}

// QuickAck sets TCP_QUICKACK again. An error shows at the next read.
func QuickAck(s Stream) {
	one := int32(1)
	syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(s.(interface{ FD() int }).FD()), unix.IPPROTO_TCP,
		unix.TCP_QUICKACK, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one), 0)
}
