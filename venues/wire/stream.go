package wire

import (
	"crypto/tls"
	"net/netip"
	"time"
)

// Stream is an outgoing TCP connection: a Conn, or a TLSConn.
type Stream interface {
	// Poll advances the connection; an error says why the attempt failed.
	Poll() (State, error)
	// Read reads what is there, 0 and nil when nothing is.
	Read(buf []byte) (int, error)
	// Write takes as much as there is room for, 0 and nil when there is none.
	Write(p []byte) (int, error)
	// PollFD is what to wait for; more says that bytes are left to write.
	PollFD(more bool) PollFD
	Close() error
}

// DialStream starts a connection, in TLS when c is given; its handshake may take
// timeout.
func DialStream(ap netip.AddrPort, c *tls.Config, timeout time.Duration) (Stream, error) {
	if c == nil {
		return opened(DialAddr(ap))
	}
	return opened(DialTLS(ap, c, timeout))
}

// opened keeps a nil pointer from becoming a Stream that is not nil.
func opened[S Stream](s S, err error) (Stream, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
