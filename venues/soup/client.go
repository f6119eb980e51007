package soup

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"penstock/venues/wire"
)

// ClientConfig sets up a Client. Every limit must be given.
type ClientConfig struct {
	SessionConfig
	Addr string // host:port of the server; a name is resolved once, at the start
	// Afresh makes each connection log in as configured, for servers whose
	// sequence begins again each time (snapshots). Without it a connection
	// continues behind the last message of the one before.
	Afresh        bool
	ConnectNanos  int64  // how long a connection may take to open
	RetryNanos    int64  // first pause before a reconnect; doubles while none is accepted, jittered
	RetryMaxNanos int64  // longest pause
	Seed          uint64 // of the jitter
	Socket        wire.Options
	// Dial starts a connection to the server. nil: wire.DialStream.
	Dial func(netip.AddrPort) (wire.Stream, error)
}

// Limits that suit a venue on a private line; a configuration may start from them.
const (
	DefaultConnectNanos  = 5_000_000_000
	DefaultRetryNanos    = 250_000_000
	DefaultRetryMaxNanos = 10_000_000_000
)

// Check reports what NewClient would refuse; it looks up no name.
func (c *ClientConfig) Check() error {
	if c.ConnectNanos <= 0 || c.RetryNanos <= 0 || c.RetryMaxNanos < c.RetryNanos {
		return errors.New("soupbintcp client: ConnectNanos and RetryNanos must be positive, " +
			"RetryMaxNanos at least RetryNanos")
	}
	return c.SessionConfig.validate()
}

// ErrClosedByServer is a connection that the server closed without end of session.
var ErrClosedByServer = errors.New("soupbintcp: closed by the server")

// readsPerWork bounds one call of Work.
const readsPerWork = 16

// Client keeps a Session connected. It connects between Start and Stop only.
type Client struct {
	cfg     ClientConfig
	addr    netip.AddrPort
	session *Session
	conn    wire.Stream // nil while pausing or stopped
	running bool
	opening bool  // the connection is not open yet
	since   int64 // when it was begun
	retryAt int64
	fails   int // connections in a row that brought nothing
	random  uint64
	lastErr error
	lost    uint64
	taken   uint64       // bytes that the sockets took, over all connections
	fd      atomic.Int64 // of conn, plus one; 0 without, for Cut
	refused error        // an option that the socket may not have
}

// NewClient resolves the address; nothing is connected before Start.
func NewClient(c ClientConfig) (*Client, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	session, err := NewSession(c.SessionConfig)
	if err != nil {
		return nil, err
	}
	addr, err := wire.Resolve(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("soupbintcp server: %w", err)
	}
	if c.Dial == nil {
		c.Dial = func(ap netip.AddrPort) (wire.Stream, error) { return wire.DialStream(ap, nil, 0) }
	}
	return &Client{cfg: c, addr: addr, session: session, random: c.Seed}, nil
}

// Start connects, now or after the pause that an earlier failure has earned.
func (c *Client) Start() { c.running = true }

// Stop says goodbye when it can, and closes the connection. The next Start
// connects at once.
func (c *Client) Stop(now int64) {
	c.session.Logout(now)
	c.Flush()
	c.hangUp()
	c.running, c.fails, c.retryAt = false, 0, 0
}

// Retry gives the connection up, as a failure of it does, and connects again
// after a pause.
func (c *Client) Retry(now int64, err error) { c.lose(now, err) }

// Work connects, lets time pass and reads what has arrived; then Next has it. It
// returns 0 when there was nothing to do.
func (c *Client) Work(now int64) int {
	if !c.running {
		return 0
	}
	if c.conn == nil {
		if now < c.retryAt {
			return 0
		}
		c.connect(now)
		return 1
	}
	if c.opening && !c.opened(now) {
		return 0
	}
	n := c.read(now)
	c.session.Tick(now)
	if err := c.session.Err(); err != nil {
		c.lose(now, err)
		return n + 1
	}
	if err := c.Flush(); err != nil {
		c.lose(now, err)
	}
	return n
}

func (c *Client) connect(now int64) {
	if c.cfg.Afresh {
		c.session.Reset()
	}
	conn, err := c.cfg.Dial(c.addr)
	if err != nil {
		c.lose(now, err)
		return
	}
	c.conn, c.opening, c.since = conn, true, now
	c.fd.Store(int64(conn.PollFD(false).FD) + 1)
	if c.refused, err = wire.Tune(conn, c.cfg.Socket); err != nil {
		c.lose(now, err)
	}
}

func (c *Client) opened(now int64) bool {
	state, err := c.conn.Poll()
	switch {
	case err != nil:
		c.lose(now, err)
	case state == wire.Open:
		c.opening = false
		c.session.Open(now)
		return true
	case now-c.since > c.cfg.ConnectNanos:
		c.lose(now, fmt.Errorf("connect %s: %w", c.addr, ErrSilent))
	}
	return false
}

// read takes what the socket has and the session has room for. The end of the
// connection counts once every packet before it has been taken.
func (c *Client) read(now int64) (n int) {
	for range readsPerWork {
		buf := c.session.Buffer()
		if len(buf) == 0 {
			return n
		}
		got, err := c.conn.Read(buf)
		c.session.Received(now, got)
		if got > 0 && c.cfg.Socket.QuickAck {
			wire.QuickAck(c.conn)
		}
		switch {
		case err != nil && c.session.Pending():
			return n + 1 // the next call finds the end again
		case err == io.EOF:
			c.lose(now, ErrClosedByServer)
			return n + 1
		case err != nil:
			c.lose(now, err)
			return n + 1
		case got == 0:
			return n
		}
		n++
	}
	return n
}

// Next returns the next message; ok is false when there is none now.
func (c *Client) Next(now int64) (m Message, ok bool) {
	if c.conn == nil || c.opening {
		return Message{}, false
	}
	if m, ok = c.session.Next(); ok {
		if !c.cfg.Afresh {
			c.fails = 0 // it brought us further, so the next attempt may come soon
		}
		return m, true
	}
	switch c.session.State() {
	case Failed:
		c.lose(now, c.session.Err())
	case Ended: // nothing more will come of it; a Start again waits as after a failure
		c.hangUp()
		c.running = false
		c.retryAt = now + c.pause()
	}
	return Message{}, false
}

// lose closes the connection and sets the time of the next attempt.
func (c *Client) lose(now int64, err error) {
	if c.session.lasted(now) > c.cfg.SilenceNanos {
		c.fails = 0
	}
	c.hangUp()
	c.lastErr = err
	c.lost++
	c.retryAt = now + c.pause()
	c.fails++
}

// pause is RetryNanos doubled for every failure in a row, up to the longest, and
// of that a random part from half up, so that clients do not return all at once.
func (c *Client) pause() int64 {
	full := c.cfg.RetryMaxNanos
	if c.fails < 32 && c.cfg.RetryNanos<<c.fails>>c.fails == c.cfg.RetryNanos {
		full = min(full, c.cfg.RetryNanos<<c.fails)
	}
	c.random += 0x9e3779b97f4a7c15 // splitmix64
	z := (c.random ^ c.random>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return full/2 + int64((z^z>>31)%uint64(full/2+1))
}

func (c *Client) hangUp() {
	if c.conn != nil {
		c.fd.Store(0)
		c.conn.Close()
		c.conn = nil
	}
}

// Flush gives the socket what waits for it. The next Work finds its error too.
func (c *Client) Flush() error {
	if c.conn == nil || c.opening || len(c.session.Output()) == 0 {
		return nil
	}
	n, err := c.conn.Write(c.session.Output())
	c.session.Sent(n)
	c.taken += uint64(n)
	return err
}

// Send sends an unsequenced message; errors as of Gather, and of the socket.
func (c *Client) Send(now int64, data []byte) error {
	if err := c.Gather(now, data); err != nil {
		return err
	}
	return c.Flush()
}

// Gather puts an unsequenced message behind those that wait for the socket; the next Send, Flush
// or Work gives all of them to it. Errors as of Session.Send.
func (c *Client) Gather(now int64, data []byte) error {
	if c.conn == nil {
		return ErrNotActive
	}
	return c.session.Send(now, data)
}

// Taken returns how many bytes the sockets took, over all connections, and Backlog how many
// wait for this one.
func (c *Client) Taken() uint64 { return c.taken }

// Backlog returns how many bytes wait for the socket; what waits when it breaks is lost.
func (c *Client) Backlog() int { return len(c.session.Output()) }

// OptionRefused returns why the socket of now has not all its options, nil when it has.
func (c *Client) OptionRefused() error { return c.refused }

// Cut ends the connection from any goroutine, for when the one that works the client does
// not. false: there is none.
func (c *Client) Cut() bool {
	fd := c.fd.Load() - 1
	return fd >= 0 && unix.Shutdown(int(fd), unix.SHUT_RDWR) == nil
}

// Active reports whether the client is logged in.
func (c *Client) Active() bool { return c.conn != nil && c.session.State() == Active }

// Running reports whether the client is between Start and Stop, and the session
// has not ended.
func (c *Client) Running() bool { return c.running }

// Session returns the session, for its counters, name and numbers.
func (c *Client) Session() *Session { return c.session }

// Lost returns how many connections ended without Stop or end of session, or
// could not be opened.
func (c *Client) Lost() uint64 { return c.lost }

// Err returns why the last of them ended, nil if none did.
func (c *Client) Err() error { return c.lastErr }

// PollFDs appends what to wait for when Work has returned 0.
func (c *Client) PollFDs(fds []wire.PollFD) []wire.PollFD {
	if c.conn == nil {
		return fds
	}
	return append(fds, c.conn.PollFD(len(c.session.Output()) > 0))
}

// Close closes the connection without a word.
func (c *Client) Close() error {
	c.running = false
	c.hangUp()
	return nil
}
