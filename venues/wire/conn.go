package wire

import (
	"fmt"
	"io"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// State is the life of a Conn.
type State uint8

// States of a Conn.
const (
	Connecting State = iota
	Open
	Closed
)

func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Open:
		return "open"
	}
	return "closed"
}

// Conn is one outgoing TCP connection. It belongs to one goroutine.
type Conn struct {
	fd    int // -1 once closed
	state State
	addr  netip.AddrPort
	door  door
}

// Dial resolves addr, "host:port", and starts a connection to it. Looking up a
// name blocks; who must not block resolves once and calls DialAddr.
func Dial(addr string) (*Conn, error) {
	ap, err := Resolve(addr)
	if err != nil {
		return nil, err
	}
	return DialAddr(ap)
}

// DialAddr starts a connection, with TCP_NODELAY, and returns without waiting for
// it: see Poll.
func DialAddr(ap netip.AddrPort) (*Conn, error) {
	family, sa, err := sockaddr(ap)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", ap, os.NewSyscallError("socket", err))
	}
	c := &Conn{fd: fd, state: Connecting, addr: ap}
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err == nil {
		err = unix.Connect(fd, sa)
	}
	switch err {
	case nil:
		c.state = Open
	case unix.EINPROGRESS, unix.EINTR: // EINTR: the attempt goes on, connect(2)
	default:
		c.Close()
		return nil, c.wrap("connect", err)
	}
	return c, nil
}

// Poll returns the state, advancing from Connecting when the kernel has decided.
// The error says why an attempt failed; the Conn is then closed.
func (c *Conn) Poll() (State, error) {
	if c.state != Connecting {
		return c.state, nil
	}
	fds := [1]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds[:], 0)
	if n == 0 || err == unix.EINTR {
		return Connecting, nil
	}
	if err == nil {
		var code int
		code, err = unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = unix.Errno(code)
		}
	}
	if err != nil {
		c.Close()
		return Closed, c.wrap("connect", err)
	}
	c.state = Open
	return Open, nil
}

// Read reads what is there, 0 and nil when nothing is. io.EOF says that the peer
// closed its side. An empty buf reads nothing.
func (c *Conn) Read(buf []byte) (int, error) {
	if c.state != Open {
		return 0, c.notOpen()
	}
	if len(buf) == 0 || c.door.shut() {
		return 0, nil
	}
	n, errno := receive(c.fd, buf, 0)
	c.door.ready = n == len(buf) // what else there is the next Look finds
	switch {
	case errno == unix.EAGAIN:
		return 0, nil
	case errno != 0:
		return 0, c.wrap("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write hands over as much of p as the kernel takes, 0 and nil when it is full.
func (c *Conn) Write(p []byte) (int, error) {
	if c.state != Open {
		return 0, c.notOpen()
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, errno := send(c.fd, p)
	switch {
	case errno == unix.EAGAIN:
		return 0, nil
	case errno != 0:
		return 0, c.wrap("write", errno)
	}
	return n, nil
}

// notOpen is nil while connecting: nothing is there yet.
func (c *Conn) notOpen() error {
	if c.state == Connecting {
		return nil
	}
	return os.ErrClosed
}

// Close closes the socket. Unsent bytes are left to the kernel. A second Close
// does nothing.
func (c *Conn) Close() error {
	if c.fd < 0 {
		return nil
	}
	c.door.leave(c.fd)
	err := unix.Close(c.fd)
	c.fd, c.state = -1, Closed
	return err
}

// FD returns the file descriptor, -1 once closed.
func (c *Conn) FD() int { return c.fd }

func (c *Conn) enter(g *Gate) error { return g.enter(&c.door, c.fd) }

// PollFD is what to wait for; more says that the owner has bytes left to write.
func (c *Conn) PollFD(more bool) PollFD {
	return PollFD{FD: c.fd, Write: more || c.state == Connecting}
}

// LocalAddr returns our end, for logs.
func (c *Conn) LocalAddr() netip.AddrPort {
	sa, err := unix.Getsockname(c.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}

func (c *Conn) wrap(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, c.addr, err)
}
