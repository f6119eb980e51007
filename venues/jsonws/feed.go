package jsonws

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"penstock/event"
	"penstock/market"
	"penstock/venues/wire"
)

// Decoder reads the messages of one venue: Kraken, Coinbase or Binance.
type Decoder interface {
	// Receive takes one message; see Kraken.Receive.
	Receive(now int64, msg []byte) error
	base() *outlet
	request(dst []byte, b *book) []byte
}

// FeedConfig sets up a Feed. Every limit must be given.
type FeedConfig struct {
	Addr         string // host:port to connect to
	Host         string // Host header; "" is Addr
	Path         string // request target: /v2 at Kraken, / at Coinbase, /stream at Binance
	MaxMessage   int    // longest message taken, bytes
	ConnectNanos int64  // from the first packet to the end of the handshake
	ConfirmNanos int64  // from the subscription to the last confirmation
	// SilenceNanos is how long nothing may come. Where the venue sends a
	// heartbeat for each instrument it holds for each of them as well.
	SilenceNanos  int64
	RetryNanos    int64  // first pause before a reconnect; doubles, jittered
	RetryMaxNanos int64  // longest pause
	SnapshotNanos int64  // how long a snapshot may take before it is asked for again; doubles
	Seed          uint64 // of the jitter
	// Tap, when set, gets every message as received, with a kind of wire.Tap….
	Tap func(now int64, kind uint8, b []byte)
}

// Limits that suit a venue with a heartbeat each second; a configuration may
// start from them.
const (
	DefaultMaxMessage    = 64 << 20
	DefaultConnectNanos  = 5_000_000_000
	DefaultConfirmNanos  = 5_000_000_000
	DefaultSilenceNanos  = 5_000_000_000
	DefaultRetryNanos    = 250_000_000
	DefaultRetryMaxNanos = 30_000_000_000
	DefaultSnapshotNanos = 2_000_000_000
)

// Errors for which a feed gives a connection up; test with errors.Is.
var (
	ErrConnectTimeout = errors.New("no connection within the limit")
	ErrUnconfirmed    = errors.New("subscription not confirmed within the limit")
	ErrSilent         = errors.New("nothing received within the limit")
)

// FeedState is the life of a feed's connection.
type FeedState uint8

// States of a Feed.
const (
	FeedPausing     FeedState = iota // before the next attempt
	FeedConnecting                   // TCP and WebSocket handshake
	FeedSubscribing                  // subscribed, not all is confirmed
	FeedRunning
)

func (s FeedState) String() string {
	return [...]string{"pausing", "connecting", "subscribing", "running"}[s&3]
}

// messagesPerWork bounds one call of Work.
const messagesPerWork = 256

// FeedStats is everything that a feed counts.
type FeedStats struct {
	Stats
	Connects    uint64 // attempts
	Disconnects uint64 // connections and attempts given up
	Resyncs     uint64 // snapshots asked for again
}

// Feed runs one decoder over one WebSocket. It owns the socket and has no
// goroutine: call Work again and again, from one goroutine.
type Feed struct {
	cfg     FeedConfig
	addr    netip.AddrPort
	decoder Decoder
	out     *outlet
	conn    *Conn
	state   FeedState
	since   int64  // when state began, ns since epoch
	retryAt int64  // FeedPausing: when to connect
	tries   int    // attempts since the last confirmed subscription
	heard   int64  // when the last bytes came
	bytes   uint64 // of the connection, at that time
	scratch []byte
	lastErr error
	stats   FeedStats
}

// NewFeed checks the configuration and resolves Addr. The first Work connects.
func NewFeed(c FeedConfig, d Decoder) (*Feed, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("jsonws feed %s: %w", c.Addr, err)
	}
	addr, err := wire.Resolve(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("jsonws feed: %w", err)
	}
	if c.Host == "" {
		c.Host = c.Addr
	}
	return &Feed{cfg: c, addr: addr, decoder: d, out: d.base()}, nil
}

func (c *FeedConfig) validate() error {
	switch {
	case c.Path == "" || c.Path[0] != '/' || bytes.ContainsAny([]byte(c.Path+c.Host), " \r\n"):
		return fmt.Errorf("path %q must begin with / and hold no space", c.Path)
	case c.MaxMessage <= 0:
		return fmt.Errorf("MaxMessage must be positive")
	case c.ConnectNanos <= 0, c.ConfirmNanos <= 0, c.SilenceNanos <= 0, c.RetryNanos <= 0,
		c.SnapshotNanos <= 0, c.RetryMaxNanos < c.RetryNanos:
		return fmt.Errorf("time limits must be positive and RetryMaxNanos at least RetryNanos")
	}
	return nil
}

// Work moves the connection on and takes what has arrived. It returns 0 when
// there was nothing to do.
func (f *Feed) Work(now int64) int {
	room := f.out.Settle(now)
	if f.state == FeedPausing {
		if now < f.retryAt {
			return 0
		}
		f.connect(now)
		return 1
	}
	n := 0
	if room {
		var err error
		if n, err = f.read(now); err != nil {
			f.drop(now, err)
			return n + 1
		}
	} else {
		f.heard = now // silence is ours, not the venue's
	}
	if err := f.advance(now); err != nil {
		f.drop(now, err)
		return n + 1
	}
	return n
}

func (f *Feed) connect(now int64) {
	f.stats.Connects++
	f.enter(FeedConnecting, now)
	f.heard, f.bytes = now, 0
	var err error
	f.conn, err = Dial(ConnConfig{Addr: f.addr, Host: f.cfg.Host, Path: f.cfg.Path,
		MaxMessage: f.cfg.MaxMessage})
	if err != nil {
		f.drop(now, err)
	}
}

func (f *Feed) enter(s FeedState, now int64) { f.state, f.since = s, now }

// read takes messages as long as there are some and the sink has room.
func (f *Feed) read(now int64) (n int, err error) {
	for n < messagesPerWork {
		msg, err := f.conn.Next()
		if err != nil {
			return n, err
		}
		if msg == nil {
			break
		}
		n++
		f.tap(now, wire.TapReceived, msg)
		if err := f.decoder.Receive(now, msg); err != nil {
			f.lastErr = err
			if errors.Is(err, ErrRefused) {
				return n, err
			}
		}
		if !f.out.Settle(now) {
			break
		}
	}
	if b := f.conn.Received(); b != f.bytes {
		f.bytes, f.heard = b, now
	}
	return n, nil
}

// advance does what the state and the time ask for.
func (f *Feed) advance(now int64) error {
	switch f.state {
	case FeedConnecting:
		if f.conn.Open() {
			return f.subscribe(now)
		}
		if now-f.since > f.cfg.ConnectNanos {
			return ErrConnectTimeout
		}
		return nil
	case FeedSubscribing:
		if f.confirmed() {
			f.tries = 0
			f.enter(FeedRunning, now)
		} else if now-f.since > f.cfg.ConfirmNanos {
			return ErrUnconfirmed
		}
	}
	if now-f.heard > f.cfg.SilenceNanos {
		return ErrSilent
	}
	return f.resync(now)
}

func (f *Feed) tap(now int64, kind uint8, b []byte) {
	if f.cfg.Tap != nil {
		f.cfg.Tap(now, kind, b)
	}
}

func (f *Feed) subscribe(now int64) error {
	f.tap(now, wire.TapOpened, []byte(f.cfg.Addr+f.cfg.Path))
	for i := range f.out.books.all {
		b := &f.out.books.all[i]
		b.confirmed, b.subscribed, b.heard, b.retries = false, now, now, 0
	}
	f.enter(FeedSubscribing, now)
	return f.send(nil)
}

// send sends the decoder's request for b, all when b is nil.
func (f *Feed) send(b *book) error {
	f.scratch = f.decoder.request(f.scratch[:0], b)
	for line := range bytes.SplitSeq(f.scratch, []byte{'\n'}) {
		if len(line) > 0 {
			if err := f.conn.Send(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Feed) confirmed() bool {
	for i := range f.out.books.all {
		if !f.out.books.all[i].confirmed {
			return false
		}
	}
	return true
}

// resync gives up books whose heartbeat stopped, and asks for the snapshots that
// are wanted: at once after the first loss, then with growing pauses.
func (f *Feed) resync(now int64) error {
	if !f.out.wanting && !f.out.ownHeartbeat {
		return nil
	}
	f.out.wanting = false
	for i := range f.out.books.all {
		b := &f.out.books.all[i]
		if f.out.ownHeartbeat && b.live && now-b.heard > f.cfg.SilenceNanos {
			f.out.lose(now, b, event.ReasonStale)
		}
		if !b.resync {
			continue
		}
		f.out.wanting = true
		if !b.confirmed {
			continue
		}
		since := now - b.subscribed
		if since > f.cfg.SnapshotNanos<<retriesMax {
			b.retries = 0
		} else if since < f.cfg.SnapshotNanos<<b.retries {
			continue
		}
		b.retries = min(b.retries+1, retriesMax)
		b.subscribed = now
		if err := f.send(b); err != nil {
			return err
		}
		if len(f.scratch) > 0 {
			f.stats.Resyncs++
		}
	}
	return nil
}

const retriesMax = 5

// drop gives the connection up and plans the next attempt. Every book is STALE
// until a new connection has brought its snapshot.
func (f *Feed) drop(now int64, err error) {
	f.lastErr = err
	f.stats.Disconnects++
	f.tap(now, wire.TapClosed, []byte(err.Error()))
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
	reason := event.ReasonDisconnect
	if err == ErrSilent {
		reason = event.ReasonStale
	}
	f.out.loseAll(now, reason)
	f.enter(FeedPausing, now)
	f.retryAt = now + f.pause()
	f.tries++
}

// pause is RetryNanos doubled with every attempt, of which between a half and the
// whole is waited, so that clients that lost a venue together return apart.
func (f *Feed) pause() int64 {
	p := f.cfg.RetryMaxNanos
	if f.tries < 32 && f.cfg.RetryNanos<<f.tries > 0 {
		p = min(p, f.cfg.RetryNanos<<f.tries)
	}
	f.cfg.Seed = f.cfg.Seed*6364136223846793005 + 1442695040888963407
	return p/2 + int64(f.cfg.Seed>>33)%(p/2+1)
}

// Resync answers the core's ResyncBook: the book contradicted what this feed said
// of it.
func (f *Feed) Resync(now int64, id market.InstrumentID) {
	for i := range f.out.books.all {
		if b := &f.out.books.all[i]; b.ID == id && b.live {
			f.out.lose(now, b, event.ReasonAbsurd)
		}
	}
}

// PollFDs appends what to wait for when Work has returned 0.
func (f *Feed) PollFDs(fds []wire.PollFD) []wire.PollFD {
	if f.conn == nil {
		return fds
	}
	return append(fds, f.conn.PollFD())
}

// State returns the state of the connection.
func (f *Feed) State() FeedState { return f.state }

// Stats returns a copy of the counters.
func (f *Feed) Stats() FeedStats {
	s := f.stats
	s.Stats = f.out.stats
	return s
}

// Err returns the last error of a message or of the connection, nil if none
// occurred. The counters say how many there were.
func (f *Feed) Err() error { return f.lastErr }

// Close ends the connection for good: Work does nothing any more.
func (f *Feed) Close() error {
	f.state, f.retryAt = FeedPausing, 1<<63-1
	if f.conn == nil {
		return nil
	}
	err := f.conn.Close()
	f.conn = nil
	return err
}
