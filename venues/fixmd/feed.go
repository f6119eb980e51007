package fixmd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/wire"
)

// FeedConfig sets up a Feed. Every limit must be given.
type FeedConfig struct {
	Config
	Addr           string // host:port; a name is looked up once, by NewFeed
	SenderCompID   string
	TargetCompID   string
	HeartBtIntSecs int
	TLS            *tls.Config                        // nil: plain TCP
	Logon          func(*fix.Writer, fix.LogonHeader) // credentials, see fix.LogonBinance

	ConnectNanos int64 // from the first packet to the Logon of the venue
	// SilenceNanos is how long nothing may come; longer than the heartbeat.
	SilenceNanos  int64
	SnapshotNanos int64  // how long a snapshot may take before it is asked for again; doubles
	RetryNanos    int64  // first pause before a reconnect; doubles, jittered
	RetryMaxNanos int64  // longest pause
	Seed          uint64 // of the jitter
	// Tap, when set, gets every message as received, with a kind of wire.Tap….
	Tap func(now int64, kind uint8, b []byte)
}

// Limits that suit a venue at a distance; a configuration may start from them.
const (
	DefaultConnectNanos  = 10_000_000_000
	DefaultSnapshotNanos = 2_000_000_000
	DefaultRetryNanos    = 250_000_000
	DefaultRetryMaxNanos = 30_000_000_000
)

// Errors for which a feed gives a connection up; test with errors.Is.
var (
	ErrConnectTimeout = errors.New("no session within the limit")
	ErrSilent         = errors.New("nothing received within the limit")
	ErrClosed         = errors.New("session ended")
)

// FeedState is the life of a feed's connection.
type FeedState uint8

// States of a Feed.
const (
	FeedPausing     FeedState = iota // before the next attempt
	FeedConnecting                   // TCP and Logon
	FeedSubscribing                  // logged on, some book has had no snapshot yet
	FeedRunning
)

func (s FeedState) String() string {
	return [...]string{"pausing", "connecting", "subscribing", "running"}[s&3]
}

// FeedStats is everything that a feed counts.
type FeedStats struct {
	Stats
	Session     fix.Stats
	Connects    uint64 // attempts
	Disconnects uint64 // connections and attempts given up
	Requests    uint64 // subscriptions sent
	Resyncs     uint64 // of them, for books that were subscribed to before
}

// Feed runs a Decoder over one FIX session. It owns the socket and has no
// goroutine: call Work again and again, from one goroutine.
type Feed struct {
	cfg     FeedConfig
	addr    netip.AddrPort
	decoder *Decoder
	session *fix.Session
	conn    wire.Stream // nil: not connected

	state    FeedState
	since    int64 // when state began, ns since epoch
	retryAt  int64 // FeedPausing: when to connect
	failures uint  // attempts since the last snapshot
	heard    int64 // when the last bytes came
	nextSend int64 // not before: venues limit requests
	gaps     uint64
	request  uint64 // number of the last MDReqID
	buf      []byte
	from, to int   // unread part of buf
	eof      error // why nothing more will come; what came before is still in buf
	lastErr  error
	stats    FeedStats
}

// Check reports what NewFeed would refuse of the configuration. It looks up no name.
func (c FeedConfig) Check() error {
	_, err := build(c)
	return err
}

// NewFeed checks the configuration and resolves Addr. The first Work connects.
func NewFeed(c FeedConfig) (*Feed, error) {
	f, err := build(c)
	if err != nil {
		return nil, err
	}
	if f.addr, err = wire.Resolve(c.Addr); err != nil {
		return nil, fmt.Errorf("fixmd feed: %w", err)
	}
	return f, nil
}

// build makes a feed that does not know yet where its venue is.
func build(c FeedConfig) (*Feed, error) {
	d, err := NewDecoder(c.Config)
	if err != nil {
		return nil, err
	}
	c.Config = d.cfg
	if c.TLS != nil && c.TLS.ServerName == "" {
		c.TLS = c.TLS.Clone()
		c.TLS.ServerName, _, _ = net.SplitHostPort(c.Addr)
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("fixmd feed %s: %w", c.Addr, err)
	}
	f := &Feed{cfg: c, decoder: d, buf: make([]byte, 2*c.MaxFrame)}
	f.session, err = fix.NewSession(fix.Config{
		Role: fix.Initiator, BeginString: c.Dialect.BeginString,
		DefaultApplVerID: c.Dialect.DefaultApplVerID,
		SenderCompID:     c.SenderCompID, TargetCompID: c.TargetCompID,
		HeartBtIntSecs: c.HeartBtIntSecs, ResetOnLogon: c.Dialect.ResetOnLogon,
		OutLimit: 1 << 20, FrameLimit: c.MaxFrame, App: f.onMessage, Logon: c.Logon,
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("fixmd feed %s: %w", c.Addr, err)
	}
	return f, nil
}

func (c *FeedConfig) validate() error {
	switch {
	case c.ConnectNanos <= 0, c.SnapshotNanos <= 0, c.RetryNanos <= 0, c.RetryMaxNanos < c.RetryNanos:
		return errors.New("time limits must be positive and RetryMaxNanos at least RetryNanos")
	case c.SilenceNanos <= int64(c.HeartBtIntSecs)*1_000_000_000:
		return fmt.Errorf("a SilenceNanos must be longer than the heartbeat of %d s", c.HeartBtIntSecs)
	case c.Dialect.NoBook:
		return fmt.Errorf("dialect %s has no books to subscribe to", c.Dialect.Name)
	}
	return nil
}

// Work moves the connection on and takes what has arrived. It returns 0 when
// there was nothing to do.
func (f *Feed) Work(now int64) int {
	room := f.decoder.Settle(now)
	if f.state == FeedPausing {
		if now < f.retryAt {
			return 0
		}
		f.connect(now)
		return 1
	}
	open, err := f.open(now)
	if err != nil {
		f.drop(now, err)
		return 1
	}
	if !open {
		return 0
	}
	n := 0
	if room {
		n = f.read(now)
	} else {
		f.heard = now // silence is ours, not the venue's
	}
	f.session.Tick(now)
	if err := f.advance(now); err != nil {
		f.drop(now, err)
		return n + 1
	}
	wrote, err := f.flush()
	if err == nil {
		err = f.ended()
	}
	if err != nil {
		f.drop(now, err)
		return n + 1
	}
	return n + wrote
}

func (f *Feed) connect(now int64) {
	f.stats.Connects++
	f.enter(FeedConnecting, now)
	f.heard, f.from, f.to, f.eof = now, 0, 0, nil
	var err error
	if f.conn, err = wire.DialStream(f.addr, f.cfg.TLS, time.Duration(f.cfg.ConnectNanos)); err != nil {
		f.drop(now, err)
		return
	}
	f.tap(now, wire.TapOpened, []byte(f.cfg.Addr))
}

func (f *Feed) enter(s FeedState, now int64) { f.state, f.since = s, now }

// open reports whether the socket is connected; the session begins then.
func (f *Feed) open(now int64) (bool, error) {
	state, err := f.conn.Poll()
	switch {
	case err != nil:
		return false, err
	case state == wire.Connecting:
		if now-f.since > f.cfg.ConnectNanos {
			return false, ErrConnectTimeout
		}
		return false, nil
	case f.session.State() == fix.Disconnected:
		f.session.Connected(now)
	}
	return true, nil
}

// read takes bytes from the socket and gives them to the session. It does not
// read while a message waits for the sink.
func (f *Feed) read(now int64) int {
	n := 0
	if f.eof == nil && f.to < len(f.buf) {
		if n, f.eof = f.conn.Read(f.buf[f.to:]); n > 0 {
			f.to += n
			f.heard = now
		}
	}
	if n == 0 && !f.session.Held() {
		return 0
	}
	f.from += f.session.Receive(now, f.buf[f.from:f.to])
	f.to = copy(f.buf, f.buf[f.from:f.to])
	f.from = 0
	return n + 1
}

// onMessage is the App of the session.
func (f *Feed) onMessage(m *fix.Message, now int64) (taken bool) {
	d := f.decoder
	if !d.Settle(now) {
		return false
	}
	f.tap(now, wire.TapReceived, m.Frame())
	if m.Flag(fix.TagPossDupFlag) { // the gap that it fills took the books out of use
		d.stats.Messages++
		d.stats.Duplicates++
		return true
	}
	if err := d.take(now, m); err != nil {
		f.lastErr = err
		if message := err.(*MessageError); message.Err == ErrMalformed {
			cause := fix.FieldError{Offset: message.Offset, Tag: message.Tag, Reason: fix.RejectFormat}
			f.session.Reject(now, m, &cause)
		}
	}
	if d.ack != nil {
		if w := f.session.Begin(now, fix.MsgMassQuoteAck); w != nil {
			w.Bytes(fix.TagQuoteID, d.ack)
			w.Char(fix.TagQuoteStatus, '0')
			f.note(f.session.Send())
		}
	}
	return true
}

func (f *Feed) tap(now int64, kind uint8, b []byte) {
	if f.cfg.Tap != nil {
		f.cfg.Tap(now, kind, b)
	}
}

func (f *Feed) note(err error) {
	if err != nil {
		f.lastErr = err
	}
}

// advance does what the state and the time ask for.
func (f *Feed) advance(now int64) error {
	s := f.session.State()
	switch {
	case s == fix.AwaitLogon && now-f.since > f.cfg.ConnectNanos:
		return ErrConnectTimeout
	case s == fix.Active && f.state == FeedConnecting:
		f.enter(FeedSubscribing, now)
		f.gaps = f.session.Stats().Gaps
		f.decoder.want()
	}
	if now-f.heard > f.cfg.SilenceNanos {
		return ErrSilent
	}
	if gaps := f.session.Stats().Gaps; gaps != f.gaps {
		f.gaps = gaps
		if f.cfg.Dialect.NoResend {
			return ErrGap
		}
		f.decoder.stats.Gaps++
		f.decoder.loseAll(now, event.ReasonGap)
	}
	if s == fix.Active && !f.session.GapOpen() {
		f.subscribe(now)
	}
	if f.state == FeedSubscribing && f.confirmed() {
		f.failures = 0
		f.enter(FeedRunning, now)
	}
	return nil
}

func (f *Feed) confirmed() bool {
	for i := range f.decoder.books.all {
		if !f.decoder.books.all[i].confirmed {
			return false
		}
	}
	return true
}

func (f *Feed) flush() (int, error) {
	out := f.session.Out()
	if len(out) == 0 {
		return 0, nil
	}
	n, err := f.conn.Write(out)
	f.session.Wrote(n)
	return n, err
}

// ended says why the connection has to go, once everything received was taken.
func (f *Feed) ended() error {
	if reason, want := f.session.WantClose(); want {
		return fmt.Errorf("%w: %s", ErrClosed, reason)
	}
	if f.eof == nil || f.session.Held() {
		return nil
	}
	if f.eof == io.EOF {
		return fmt.Errorf("%w: the venue closed the connection", ErrClosed)
	}
	return f.eof
}

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
	f.session.Disconnected(now)
	reason := event.ReasonDisconnect
	switch err {
	case ErrSilent:
		reason = event.ReasonStale
	case ErrGap:
		reason = event.ReasonGap
	}
	f.decoder.lost(now, reason)
	f.enter(FeedPausing, now)
	f.retryAt = now + f.pause()
	f.failures++
}

// pause is RetryNanos doubled with every attempt, of which between a half and the
// whole is waited, so that clients that lost a venue together return apart.
func (f *Feed) pause() int64 {
	p := f.cfg.RetryMaxNanos
	if f.failures < 32 && f.cfg.RetryNanos<<f.failures > 0 {
		p = min(p, f.cfg.RetryNanos<<f.failures)
	}
	f.cfg.Seed = f.cfg.Seed*6364136223846793005 + 1442695040888963407
	return p/2 + int64(f.cfg.Seed>>33)%(p/2+1)
}

// Resync answers the core's ResyncBook: the book contradicted what this feed said
// of it.
func (f *Feed) Resync(now int64, id market.InstrumentID) {
	for i := range f.decoder.books.all {
		if b := &f.decoder.books.all[i]; b.ID == id && b.live {
			f.decoder.lose(now, b, event.ReasonAbsurd)
		}
	}
}

// PollFDs appends what to wait for when Work has returned 0.
func (f *Feed) PollFDs(fds []wire.PollFD) []wire.PollFD {
	if f.conn == nil {
		return fds
	}
	return append(fds, f.conn.PollFD(len(f.session.Out()) > 0))
}

// State returns the state of the connection.
func (f *Feed) State() FeedState { return f.state }

// Stats returns a copy of the counters.
func (f *Feed) Stats() FeedStats {
	s := f.stats
	s.Stats = f.decoder.stats
	s.Session = f.session.Stats()
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
	f.session.Logout(f.heard, "feed closes")
	_, lost := f.flush()
	err := errors.Join(lost, f.conn.Close())
	f.conn = nil
	f.session.Disconnected(f.heard)
	return err
}
