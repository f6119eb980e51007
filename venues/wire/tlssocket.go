package wire

import (
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// tlsSocket is the net.Conn below crypto/tls. While the handshake owns it, it
// waits, up to the deadline; afterwards Read answers errAgain when nothing is
// there, and Write keeps what the kernel does not take.
type tlsSocket struct {
	fd       int
	addr     netip.AddrPort
	blocking bool
	deadline time.Time
	in       []byte // ciphertext that was fetched, in[r:w] is unread
	r, w     int
	out      []byte // ciphertext that the kernel has not taken yet
	ended    bool   // the peer's side of TCP ended
}

// errAgain is a net.Error that crypto/tls does not remember.
var errAgain net.Error = again{}

type again struct{}

func (again) Error() string   { return "nothing there now" }
func (again) Timeout() bool   { return false }
func (again) Temporary() bool { return true }

// fetch reads ahead what is there, 0 and nil when nothing is. The end is left to
// Read. Everything fetched before must have been read.
func (s *tlsSocket) fetch() (int, error) {
	if s.in == nil {
		s.in = make([]byte, fetchMax)
	}
	n, errno := receive(s.fd, s.in, 0)
	if errno == unix.EAGAIN {
		return 0, nil
	}
	s.r, s.w = 0, n
	if errno != 0 {
		return 0, errno
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fetchMax is the size of the read-ahead, bytes.
const fetchMax = 64 << 10

func (s *tlsSocket) Read(p []byte) (int, error) {
	if s.r < s.w {
		n := copy(p, s.in[s.r:s.w])
		s.r += n
		return n, nil
	}
	for {
		n, errno := receive(s.fd, p, 0)
		switch {
		case errno == unix.EAGAIN && !s.blocking:
			return 0, errAgain
		case errno == unix.EAGAIN:
			if err := s.wait(unix.POLLIN); err != nil {
				return 0, err
			}
			continue
		case errno != 0:
			return 0, errno
		case n == 0 && len(p) > 0:
			s.ended = true
			return 0, io.EOF
		}
		return n, nil
	}
}

func (s *tlsSocket) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	for s.blocking && len(s.out) > 0 {
		if err := s.flush(); err != nil {
			return 0, err
		}
		if len(s.out) > 0 {
			if err := s.wait(unix.POLLOUT); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// flush hands waiting bytes to the kernel.
func (s *tlsSocket) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	n, errno := send(s.fd, s.out)
	s.out = s.out[:copy(s.out, s.out[n:])]
	if errno != 0 && errno != unix.EAGAIN {
		return errno
	}
	return nil
}

// wait blocks until the socket is ready for events or the deadline is over.
func (s *tlsSocket) wait(events int16) error {
	for {
		left := time.Until(s.deadline)
		if left <= 0 {
			return ErrHandshakeTimeout
		}
		fds := [1]unix.PollFd{{Fd: int32(s.fd), Events: events}}
		n, err := unix.Poll(fds[:], int(left/time.Millisecond)+1)
		if err != nil && err != unix.EINTR {
			return err
		}
		if n > 0 {
			return nil
		}
	}
}

// Close does nothing: the TLSConn closes the descriptor.
func (s *tlsSocket) Close() error { return nil }

// LocalAddr is not known here; TLSConn.LocalAddr tells it.
func (s *tlsSocket) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr returns the peer's address.
func (s *tlsSocket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.addr) }

// SetDeadline does nothing, nor do the other two: only the handshake waits, up to
// the deadline that it was given.
func (s *tlsSocket) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (s *tlsSocket) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (s *tlsSocket) SetWriteDeadline(time.Time) error { return nil }
