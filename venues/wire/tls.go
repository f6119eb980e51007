package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrHandshakeTimeout says that the peer did not finish the TLS handshake in time.
var ErrHandshakeTimeout = errors.New("TLS handshake not finished within the limit")

// ErrCut says that the peer's side ended without TLS close_notify: what was to
// follow may be missing (RFC 8446 §6.1).
var ErrCut = fmt.Errorf("cut without TLS close_notify: %w", io.ErrUnexpectedEOF)

// sealMax bounds the plaintext that one Write seals, and with it the ciphertext
// that may wait for the kernel, bytes.
const sealMax = 16 << 10

// TLSConn is one outgoing TCP connection in TLS, with the methods of Conn and
// their meaning. It belongs to one goroutine.
//
//	Dial ─► TCP connect ─► handshake, a goroutine of its own ─► Open
//	        owner's Poll    owns the socket until it is done    owner's Read, Write
//
// A crypto/tls handshake cannot be interrupted and resumed, reads can: an error
// that is a net.Error with Temporary() true is not remembered, and a part of a
// record stays in its buffer.
type TLSConn struct {
	socket  *Conn
	tls     *tls.Conn
	raw     *tlsSocket
	timeout time.Duration
	state   State
	dry     bool         // crypto/tls has asked for more than the socket had
	bell    int          // eventfd that the handshake rings at its end; -1 when there is none
	fate    atomic.Int32 // of the handshake: fateRunning, fateDone, fateLeft
	result  error        // of the handshake, once fate is fateDone
}

const (
	fateRunning int32 = iota
	fateDone          // the socket is the owner's again
	fateLeft          // the owner closed: the handshake frees the descriptors
)

// DialTLS starts a connection and returns without waiting for it: see Poll. The
// handshake may take timeout. c is not changed and may be shared; ClientTLS makes
// one.
func DialTLS(ap netip.AddrPort, c *tls.Config, timeout time.Duration) (*TLSConn, error) {
	if c == nil || c.ServerName == "" {
		return nil, fmt.Errorf("connect %s: TLS needs the server's name, to check its certificate", ap)
	}
	if timeout <= 0 {
		return nil, fmt.Errorf("connect %s: the limit of the TLS handshake must be positive", ap)
	}
	socket, err := DialAddr(ap)
	if err != nil {
		return nil, err
	}
	raw := &tlsSocket{fd: socket.fd, addr: ap}
	return &TLSConn{socket: socket, raw: raw, tls: tls.Client(raw, c), timeout: timeout, bell: -1}, nil
}

// Poll returns the state, advancing from Connecting when the handshake is over.
// The error says why an attempt failed; the connection is then closed.
func (c *TLSConn) Poll() (State, error) {
	if c.state != Connecting {
		return c.state, nil
	}
	if c.bell < 0 {
		state, err := c.socket.Poll()
		if err == nil && state == Open {
			err = c.shakeHands()
		}
		if err != nil {
			c.Close()
			return Closed, err
		}
		return Connecting, nil
	}
	if c.fate.Load() != fateDone {
		return Connecting, nil
	}
	if c.result != nil {
		c.Close()
		return Closed, c.result
	}
	c.state = Open
	return Open, nil
}

// shakeHands gives the socket to a goroutine until the handshake is over.
func (c *TLSConn) shakeHands() error {
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return c.socket.wrap("TLS", os.NewSyscallError("eventfd", err))
	}
	c.bell = bell
	c.raw.deadline = time.Now().Add(c.timeout)
	fd := c.socket.fd
	go func() {
		c.raw.blocking = true
		err := c.tls.Handshake()
		c.raw.blocking = false
		if err != nil {
			c.result = c.socket.wrap("TLS handshake with", err)
		}
		// Before fateDone: the owner may close the bell after it.
		one := [8]byte{0: 1}
		unix.Write(bell, one[:])
		if !c.fate.CompareAndSwap(fateRunning, fateDone) {
			unix.Close(bell)
			unix.Close(fd)
		}
	}()
	return nil
}

// Read reads what is there, 0 and nil when nothing is. io.EOF says that the peer
// ended in order, ErrCut that it did not. Waiting bytes are sent on first.
func (c *TLSConn) Read(buf []byte) (int, error) {
	if c.state != Open {
		return 0, c.notOpen()
	}
	if len(buf) == 0 {
		return 0, nil
	}
	if err := c.raw.flush(); err != nil {
		return 0, c.socket.wrap("write", err)
	}
	if c.dry {
		// To ask crypto/tls with nothing at hand would allocate.
		if c.socket.door.shut() {
			return 0, nil
		}
		n, err := c.raw.fetch()
		c.socket.door.ready = n > 0 || err != nil // what else there is the next fetch finds
		switch {
		case err != nil && err != io.EOF: // the kernel tells it once
			return 0, c.socket.wrap("read", err)
		case n == 0 && err == nil:
			return 0, nil
		}
		c.dry = false
	}
	n, err := c.tls.Read(buf)
	switch {
	case n > 0 || err == nil || err == errAgain:
		c.dry = err == errAgain
		return n, nil // another error comes again
	case err == io.EOF && !c.raw.ended:
		return 0, io.EOF
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		err = ErrCut
	}
	return 0, c.socket.wrap("read", err)
}

// Write takes as much of p as there is room for: nothing while bytes of an
// earlier call wait for the kernel. Later calls of Read and Write send those.
func (c *TLSConn) Write(p []byte) (int, error) {
	if c.state != Open {
		return 0, c.notOpen()
	}
	err := c.raw.flush()
	n := 0
	for err == nil && len(c.raw.out) == 0 && n < len(p) {
		var sealed int
		if sealed, err = c.tls.Write(p[n:min(len(p), n+sealMax)]); err == nil {
			n += sealed
			err = c.raw.flush()
		}
	}
	if err != nil {
		return 0, c.socket.wrap("write", err)
	}
	return n, nil
}

func (c *TLSConn) notOpen() error {
	if c.state == Connecting {
		return nil
	}
	return os.ErrClosed
}

// Close ends TLS when it is open, as far as the kernel takes the message, and
// closes the socket; a handshake is broken off. A second Close does nothing.
func (c *TLSConn) Close() error {
	if c.state == Closed {
		return nil
	}
	if c.state == Open {
		c.tls.Close() // appends close_notify
		c.raw.flush()
	}
	c.state = Closed
	if c.bell >= 0 && c.fate.CompareAndSwap(fateRunning, fateLeft) {
		c.socket.door.leave(c.socket.fd)
		unix.Shutdown(c.socket.fd, unix.SHUT_RDWR) // wakes the handshake up
		c.socket.fd, c.socket.state = -1, Closed   // which closes both
		return nil
	}
	if c.bell >= 0 {
		unix.Close(c.bell)
	}
	return c.socket.Close()
}

// FD returns the file descriptor, -1 once closed.
func (c *TLSConn) FD() int { return c.socket.FD() }

func (c *TLSConn) enter(g *Gate) error { return c.socket.enter(g) }

// LocalAddr returns our end, for logs.
func (c *TLSConn) LocalAddr() netip.AddrPort { return c.socket.LocalAddr() }

// PollFD is what to wait for; more says that the owner has bytes left to write.
func (c *TLSConn) PollFD(more bool) PollFD {
	switch {
	case c.state == Open:
		return PollFD{FD: c.socket.FD(), Write: more || len(c.raw.out) > 0}
	case c.state == Connecting && c.bell >= 0:
		return PollFD{FD: c.bell}
	}
	return c.socket.PollFD(more)
}

// ConnectionState tells version, cipher suite and certificates of an open
// connection, for logs.
func (c *TLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }
