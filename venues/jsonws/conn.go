package jsonws

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gobwas/ws"

	"penstock/venues/wire"
)

// Errors of a connection; test with errors.Is.
var (
	// ErrTooBig is a message longer than ConnConfig.MaxMessage.
	ErrTooBig = errors.New("websocket: message too big")
	// ErrBacklog says that the peer does not read what we send.
	ErrBacklog = errors.New("websocket: peer does not read")
	// ErrNotOpen is a Send before the handshake is over or after the close.
	ErrNotOpen = errors.New("websocket: not open")
)

// CloseError says that the peer closed the WebSocket.
type CloseError struct {
	Code   uint16 // RFC 6455 §7.4; 0 when none was given
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("websocket: closed by peer: code %d %q", e.Code, e.Reason)
}

const (
	bufferStart = 64 << 10  // first size of the read buffer, bytes
	backlogMax  = 256 << 10 // bytes that may wait to be sent
)

// ConnConfig names a server.
type ConnConfig struct {
	Addr       netip.AddrPort
	Host       string // Host header
	Path       string // request target, such as /v2
	MaxMessage int    // longest message taken, bytes
	// TLS makes it wss; nil for ws. Its ServerName must be set.
	TLS            *tls.Config
	HandshakeNanos int64      // how long the TLS handshake may take
	Gate           *wire.Gate // asks for the socket together with others; nil: it asks for itself
}

// Conn is the client side of one WebSocket (RFC 6455) over a non-blocking socket,
// plain or in TLS, without extensions. It belongs to one goroutine.
//
// Text is handed on without a check that it is UTF-8: the decoders accept
// nothing but the ASCII that they expect.
type Conn struct {
	cfg    ConnConfig
	socket wire.Stream
	key    string
	state  connState
	in     []byte // unread bytes are in[r:w]
	r, w   int
	part   []byte // fragments of a message so far
	inPart bool
	out    []byte // bytes that the kernel has not taken yet
	bytes  uint64 // received
	frames uint64 // received whole
	pongs  uint64 // of these
	alone  bool   // the gate refused the socket: it asks for itself
}

type connState uint8

const (
	connecting connState = iota
	upgrading
	open
	closed
)

// Dial starts to connect; Next moves it on.
func Dial(c ConnConfig) (*Conn, error) {
	if c.MaxMessage < 1 {
		return nil, fmt.Errorf("websocket %s: MaxMessage must be positive", c.Addr)
	}
	socket, err := wire.DialStream(c.Addr, c.TLS, time.Duration(c.HandshakeNanos))
	if err != nil {
		return nil, err
	}
	refused, err := wire.Tune(socket, wire.Options{Gate: c.Gate})
	if err != nil {
		socket.Close()
		return nil, err
	}
	return &Conn{cfg: c, socket: socket, in: make([]byte, bufferStart), alone: refused != nil}, nil
}

// Open reports whether the handshake is over and the connection is not closed.
func (c *Conn) Open() bool { return c.state == open }

// Next returns the next whole message, nil when there is none now. The text is
// valid until the next call. After an error the connection is of no use: Close.
func (c *Conn) Next() (text []byte, err error) {
	if c.state < open {
		if err := c.establish(); err != nil || c.state != open {
			return nil, err
		}
	}
	if c.state == closed {
		return nil, ErrNotOpen
	}
	for {
		text, more, err := c.frame()
		if err != nil || text != nil {
			return text, err
		}
		if more {
			continue
		}
		if n, err := c.fill(); n == 0 {
			return nil, c.flush(err)
		}
	}
}

func (c *Conn) establish() error {
	if c.state == connecting {
		state, err := c.socket.Poll()
		if err != nil || state != wire.Open {
			return err
		}
		c.key = newKey()
		c.out = appendUpgrade(c.out, c.cfg.Host, c.cfg.Path, c.key)
		c.state = upgrading
	}
	for {
		if err := c.flush(nil); err != nil {
			return err
		}
		n, err := parseUpgrade(c.in[c.r:c.w], c.key)
		if err != nil {
			return err
		}
		if n > 0 {
			c.r += n
			c.state = open
			return nil
		}
		if n, err := c.fill(); n == 0 {
			return err
		}
	}
}

// fill reads once from the socket, making room first. 0 says that nothing was
// there, or what the error says.
func (c *Conn) fill() (int, error) {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.w == len(c.in) {
		if c.r == 0 {
			c.in = append(c.in, make([]byte, len(c.in))...)
		}
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	}
	n, err := c.socket.Read(c.in[c.w:])
	c.w += n
	c.bytes += uint64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the end of a WebSocket is a close frame
	}
	return n, err
}

// frame takes one frame off the buffer. more says that it was one that tells the
// caller nothing, and the next may be there.
func (c *Conn) frame() (text []byte, more bool, err error) {
	h, n, err := parseHeader(c.in[c.r:c.w])
	if err != nil {
		return nil, false, c.fail(ws.StatusProtocolError, err)
	}
	if n == 0 {
		return nil, false, nil
	}
	state := ws.StateClientSide
	if c.inPart {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return nil, false, c.fail(ws.StatusProtocolError, err)
	}
	if !h.OpCode.IsControl() && h.Length > int64(c.cfg.MaxMessage-len(c.part)) {
		return nil, false, c.fail(ws.StatusMessageTooBig, ErrTooBig)
	}
	if int64(c.w-c.r-n) < h.Length {
		return nil, false, nil
	}
	payload := c.in[c.r+n : c.r+n+int(h.Length)]
	c.r += n + int(h.Length)
	c.frames++
	switch {
	case h.OpCode.IsControl():
		return nil, true, c.control(h.OpCode, payload)
	case h.Fin && !c.inPart:
		return nonNil(payload), true, nil
	}
	if !c.inPart {
		c.part = c.part[:0]
	}
	c.part, c.inPart = append(c.part, payload...), !h.Fin
	if c.inPart {
		return nil, true, nil
	}
	text, c.part = c.part, c.part[:0]
	return nonNil(text), true, nil
}

// nonNil keeps an empty message apart from no message.
func nonNil(text []byte) []byte {
	if text == nil {
		return []byte{}
	}
	return text
}

func (c *Conn) control(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		return c.write(ws.OpPong, payload)
	case ws.OpPong:
		c.pongs++
	case ws.OpClose:
		reason := &CloseError{}
		if len(payload) >= 2 {
			code, text := ws.ParseCloseFrameData(payload)
			reason.Code, reason.Reason = uint16(code), text
		}
		if err := c.write(ws.OpClose, payload[:min(2, len(payload))]); err != nil {
			return err
		}
		c.state = closed
		return reason
	}
	return nil
}

// fail tells the peer why the connection ends and returns err.
func (c *Conn) fail(code ws.StatusCode, err error) error {
	c.write(ws.OpClose, ws.NewCloseFrameBody(code, ""))
	c.state = closed
	return fmt.Errorf("websocket %s: %w", c.cfg.Addr, err)
}

// Send sends text as one message. What the kernel does not take now goes out
// with later calls of Next.
func (c *Conn) Send(text []byte) error {
	if c.state != open {
		return ErrNotOpen
	}
	return c.write(ws.OpText, text)
}

// Ping asks the peer for a sign of life: its pong counts in Frames.
func (c *Conn) Ping() error {
	if c.state != open {
		return ErrNotOpen
	}
	return c.write(ws.OpPing, nil)
}

func (c *Conn) write(op ws.OpCode, payload []byte) error {
	if len(c.out)+len(payload) > backlogMax {
		return ErrBacklog
	}
	var mask [4]byte
	rand.Read(mask[:]) // must not be guessable, RFC 6455 §5.3
	c.out = appendFrame(c.out, op, payload, mask)
	return c.flush(nil)
}

// flush hands waiting bytes to the kernel; it returns err, or its own error.
func (c *Conn) flush(err error) error {
	if err != nil || len(c.out) == 0 {
		return err
	}
	n, err := c.socket.Write(c.out)
	c.out = c.out[:copy(c.out, c.out[n:])]
	return err
}

// Received returns how many bytes have come, of messages, frames and handshake.
func (c *Conn) Received() uint64 { return c.bytes }

// Frames returns how many frames have come whole, pongs among them.
func (c *Conn) Frames() uint64 { return c.frames }

// Pongs returns how many pongs have come.
func (c *Conn) Pongs() uint64 { return c.pongs }

// PollFD is what to wait for when Next has returned nothing.
func (c *Conn) PollFD() wire.PollFD { return c.socket.PollFD(len(c.out) > 0) }

// Close says goodbye when it still can, and closes the socket.
func (c *Conn) Close() error {
	if c.state == open {
		c.fail(ws.StatusNormalClosure, ErrNotOpen)
	}
	c.state = closed
	return c.socket.Close()
}
