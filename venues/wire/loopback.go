package wire

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Loopback is a TCP connection of this process with itself. A message through it takes the kernel's
// way of any other as far as the device, and so keeps that way in the caches. Its ends
// send by turns: then each message carries the acknowledgement of the one before, and none costs
// a packet of its own. It belongs to one goroutine.
type Loopback struct {
	ends [2]*Conn
	turn int // end that sends
}

// loopbackWait bounds how long a connection to oneself may take.
var loopbackWait = unix.Timeval{Sec: 1}

// NewLoopback connects over 127.0.0.1. Another process that connects in between is refused.
func NewLoopback() (*Loopback, error) {
	l := &Loopback{}
	if err := l.connect(); err != nil {
		l.Close()
		return nil, fmt.Errorf("connection to oneself: %w", err)
	}
	return l, nil
}

func (l *Loopback) connect() error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(listener)
	if err := unix.SetsockoptTimeval(listener, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &loopbackWait); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(listener, 1); err != nil {
		return os.NewSyscallError("listen", err)
	}
	at, err := unix.Getsockname(listener)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	if l.ends[0], err = DialAddr(addrPort(at)); err != nil {
		return err
	}
	if l.ends[1], err = acceptFrom(listener, l.ends[0]); err != nil {
		return err
	}
	if state, err := l.ends[0].Poll(); state != Open {
		return errors.Join(errors.New("accepted and not open"), err)
	}
	return nil
}

// acceptFrom returns the connection that peer has begun and closes any other.
func acceptFrom(listener int, peer *Conn) (*Conn, error) {
	for {
		fd, from, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("accept", err)
		}
		c := &Conn{fd: fd, state: Open, addr: addrPort(from)}
		if c.addr == peer.LocalAddr() {
			err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
			return c, err
		}
		c.Close()
	}
}

// Send hands p to the end whose turn it is, without waiting. What the kernel does not take is an error.
func (l *Loopback) Send(p []byte) error {
	c := l.ends[l.turn]
	n, err := c.Write(p)
	if err == nil && n < len(p) {
		err = c.wrap("write", unix.EAGAIN)
	}
	return err
}

// Receive reads into buf what has come to the other end, and gives that one its turn.
func (l *Loopback) Receive(buf []byte) (n int, err error) {
	l.turn = 1 - l.turn
	return l.ends[l.turn].Read(buf)
}

// Close closes both ends.
func (l *Loopback) Close() (err error) {
	for _, c := range l.ends {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}
