package jsonws

import (
	"errors"
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/wire"
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
	Failovers   uint64 // changes to another endpoint
	Resyncs     uint64 // snapshots asked for again
	Fetches     uint64 // snapshots asked for over HTTP
	FetchErrors uint64 // of these, without an answer that could be used
	Pings       uint64 // of ours
	Alone       uint64 // connections that the gate refused
}

// Feed runs one decoder over one WebSocket, and fetches its snapshots over HTTP
// where the venue has them there. It owns the sockets and has no goroutine: call
// Work again and again, from one goroutine.
type Feed struct {
	cfg       FeedConfig
	endpoints []Endpoint
	at        int // in endpoints
	decoder   Decoder
	out       *outlet
	conn      *Conn
	lookup    *wire.Lookup // before there is a conn
	state     FeedState
	since     int64  // when state began, ns since epoch
	opened    int64  // when the connection was open
	retryAt   int64  // FeedPausing: when to connect
	tries     int    // attempts since the last confirmed subscription
	heard     int64  // when something last came whole, see SilenceNanos
	frames    uint64 // of the connection, at that time
	fresh     int64  // when the last bytes came
	bytes     uint64 // of the connection, at that time
	pinger    pinger // nil: with WebSocket pings
	pinged    int64  // when we last sent one
	pongs     uint64 // of the connection, when we last sent one
	asked     bool   // that one is not answered
	answers   bool   // the venue has answered one, on any connection
	outgoing  outgoing
	fetch     fetch
	lastErr   error
	stats     FeedStats
}

// NewFeed checks the configuration. The first Work connects.
func NewFeed(c FeedConfig, d Decoder) (*Feed, error) {
	f := &Feed{cfg: c, decoder: d, out: d.base(), outgoing: outgoing{nanos: c.ControlNanos}}
	err := c.validate()
	if err == nil {
		f.endpoints, err = c.endpoints()
	}
	if err != nil {
		return nil, fmt.Errorf("jsonws feed %s: %w", c.Addr, err)
	}
	f.pinger, _ = d.(pinger)
	if f.fetch.decoder, _ = d.(snapshotter); f.fetch.decoder != nil && c.SnapshotBase != "" {
		f.fetch.get, err = newHTTPGet(c.SnapshotBase, c.SnapshotTLS, c.FetchNanos, c.MaxMessage)
		if err != nil {
			return nil, fmt.Errorf("jsonws feed %s: snapshots: %w", c.Addr, err)
		}
	}
	return f, nil
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
		f.heard, f.pinged = now, now // silence is ours, not the venue's
	}
	if err := f.advance(now); err != nil {
		f.drop(now, err)
		return n + 1
	}
	return n + f.fetched(now)
}

func (f *Feed) connect(now int64) {
	f.stats.Connects++
	f.enter(FeedConnecting, now)
	f.lookup = wire.StartLookup(f.endpoints[f.at].Addr)
	if err := f.dial(now); err != nil {
		f.drop(now, err)
	}
}

// dial starts to connect when the address is known.
func (f *Feed) dial(now int64) error {
	if f.lookup == nil || !f.lookup.Done() {
		return nil
	}
	addr, err := f.lookup.Result()
	f.lookup = nil
	if err != nil {
		return err
	}
	f.heard, f.fresh, f.pinged, f.frames, f.bytes = now, now, now, 0, 0
	f.asked = false
	e := &f.endpoints[f.at]
	c := ConnConfig{Addr: addr, Host: e.Host, Path: e.Path, MaxMessage: f.cfg.MaxMessage,
		HandshakeNanos: f.cfg.ConnectNanos, Gate: f.cfg.Gate}
	if f.cfg.TLS != nil {
		c.TLS = withServerName(f.cfg.TLS, e.Host)
	}
	if f.conn, err = Dial(c); err == nil && f.conn.alone {
		f.stats.Alone++
	}
	return err
}

func (f *Feed) enter(s FeedState, now int64) { f.state, f.since = s, now }

// read takes messages as long as there are some and the sink has room.
func (f *Feed) read(now int64) (n int, err error) {
	if f.conn == nil {
		return 0, f.dial(now)
	}
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
	f.listened(now, n)
	return n, nil
}

// advance does what the state and the time ask for.
func (f *Feed) advance(now int64) error {
	switch f.state {
	case FeedConnecting:
		if f.conn != nil && f.conn.Open() {
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
		} else if f.outgoing.empty() && now-max(f.since, f.outgoing.said) > f.cfg.ConfirmNanos {
			return ErrUnconfirmed
		}
	}
	if f.cfg.MaxAgeNanos > 0 && now-f.opened > f.cfg.MaxAgeNanos {
		return ErrAged
	}
	f.resync(now)
	if err := f.outgoing.send(now, f.conn); err != nil {
		return err
	}
	return f.listen(now)
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
		if f.fetch.get != nil { // its snapshot does not come with the subscription
			b.resync, f.out.wanting = true, true
			b.subscribed = now - f.cfg.SnapshotNanos
		}
	}
	f.opened = now
	f.enter(FeedSubscribing, now)
	f.outgoing.reset()
	f.request(nil)
	return f.outgoing.send(now, f.conn)
}

// request queues the decoder's request for b, all when b is nil. It reports
// whether there is one.
func (f *Feed) request(b *book) bool {
	before := len(f.outgoing.lines)
	f.outgoing.lines = f.decoder.request(f.outgoing.lines, b)
	if len(f.outgoing.lines) == before {
		return false
	}
	f.outgoing.lines = append(f.outgoing.lines, '\n')
	return true
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
func (f *Feed) resync(now int64) {
	if !f.out.wanting && !f.out.ownHeartbeat {
		return
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
		asked := false
		if f.fetch.get != nil {
			asked = f.startFetch(now, b)
		} else {
			asked = f.request(b)
		}
		if asked {
			f.stats.Resyncs++
			b.retries = min(b.retries+1, retriesMax)
			b.subscribed = now
		}
	}
}

const retriesMax = 5

// drop gives the connection up and plans the next attempt. Every book is STALE
// until a new connection has brought its snapshot.
func (f *Feed) drop(now int64, err error) {
	f.lastErr = err
	f.stats.Disconnects++
	f.tap(now, wire.TapClosed, []byte(err.Error()))
	f.hangUp()
	reason := event.ReasonDisconnect
	if err == ErrSilent || err == ErrLagging {
		reason = event.ReasonStale
	}
	f.out.loseAll(now, reason)
	f.enter(FeedPausing, now)
	f.retryAt = now
	if err == ErrAged {
		return
	}
	f.retryAt += f.pause()
	var refused *HandshakeError
	if errors.As(err, &refused) {
		f.retryAt = max(f.retryAt, now+retryNanos(refused.RetryAfter, now))
	}
	f.tries++
	if len(f.endpoints) > 1 && f.tries%f.cfg.FailoverTries == 0 {
		f.at = (f.at + 1) % len(f.endpoints)
		f.stats.Failovers++
	}
}

// hangUp closes what is open.
func (f *Feed) hangUp() (err error) {
	f.lookup = nil
	f.endFetch()
	if f.conn != nil {
		err = f.conn.Close()
		f.conn = nil
	}
	return err
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
	if f.conn != nil {
		fds = append(fds, f.conn.PollFD())
	}
	return f.fetch.pollFDs(fds)
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
	return f.hangUp()
}
