package jsonws

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"penstock/venues/wire"
)

// Decoder reads the messages of one venue: Kraken, Coinbase or Binance.
type Decoder interface {
	// Receive takes one message; see Kraken.Receive.
	Receive(now int64, msg []byte) error
	base() *outlet
	request(dst []byte, b *book) []byte
}

// snapshotter is a decoder whose books begin with an answer to an HTTP request.
type snapshotter interface {
	// snapshotPath returns the request target for b, such as
	// /api/v3/depth?symbol=BTCUSDT&limit=5000.
	snapshotPath(dst []byte, b *book) []byte
	// takeSnapshot takes the body of the answer; errors as of Receive.
	takeSnapshot(now int64, b *book, body []byte) error
}

// pinger is a decoder whose venue wants to hear a message of its own kind now and
// then, instead of WebSocket pings.
type pinger interface {
	// ping appends the message.
	ping(dst []byte) []byte
	// pingNanos is how often it is sent, ns.
	pingNanos() int64
}

// Endpoint is a place where a venue's feed is to be had.
type Endpoint struct {
	Addr string // host:port to connect to; a name is looked up at every connect
	Host string // Host header; "" is Addr
	Path string // request target: /v2 at Kraken, / at Coinbase, /stream at Binance
}

// FeedConfig sets up a Feed. Every limit must be given, but for those that say
// what 0 means.
type FeedConfig struct {
	Addr string // as of Endpoint
	Host string
	Path string
	// Fallback are other places of the same feed. After FailoverTries failed
	// attempts in a row the next one is tried, round and round.
	Fallback      []Endpoint
	FailoverTries int // with Fallback at least 1
	// Gate asks for the socket together with others; nil: it asks for itself.
	Gate *wire.Gate
	// TLS is for wss, nil for ws. Its server name is that of each Host.
	TLS          *tls.Config
	MaxMessage   int   // longest message taken, bytes
	ConnectNanos int64 // from the first packet to the end of the handshake
	ConfirmNanos int64 // from the subscription to the last confirmation
	// SilenceNanos is how long nothing may come whole: no message where the venue
	// sends heartbeats, otherwise no frame. Where the venue sends a heartbeat for
	// each instrument it holds for each of them as well. The peer is asked with a
	// ping twice in that time, and the answer, which comes behind all that the
	// peer has to send, may take no longer either.
	SilenceNanos  int64
	RetryNanos    int64 // first pause before a reconnect; doubles, jittered
	RetryMaxNanos int64 // longest pause, but for what a server asks for itself
	SnapshotNanos int64 // how long a snapshot may take before it is asked for again; doubles
	// ControlNanos is the least time between two messages of ours, for venues
	// that count them; 0 does not limit.
	ControlNanos int64
	// MaxAgeNanos is the age at which a connection is replaced, before the venue
	// ends it; 0 is never.
	MaxAgeNanos int64
	// SnapshotBase is where snapshots are fetched that come over HTTP,
	// "https://host[:port][/path]"; "" leaves them to whoever feeds the decoder.
	SnapshotBase string
	SnapshotTLS  *tls.Config // for https; nil trusts the system's authorities
	FetchNanos   int64       // how long one answer may take; with SnapshotBase
	Seed         uint64      // of the jitter
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
	DefaultFetchNanos    = 10_000_000_000
	DefaultFailoverTries = 3
)

// Errors for which a feed gives a connection up; test with errors.Is.
var (
	ErrConnectTimeout = errors.New("no connection within the limit")
	ErrUnconfirmed    = errors.New("subscription not confirmed within the limit")
	ErrSilent         = errors.New("nothing received within the limit")
	ErrLagging        = errors.New("ping not answered within the limit: what comes is old")
	ErrAged           = errors.New("connection replaced because of its age")
)

func (c *FeedConfig) validate() error {
	switch {
	case c.MaxMessage <= 0:
		return fmt.Errorf("MaxMessage must be positive")
	case c.ConnectNanos <= 0, c.ConfirmNanos <= 0, c.SilenceNanos <= 0, c.RetryNanos <= 0,
		c.SnapshotNanos <= 0, c.RetryMaxNanos < c.RetryNanos:
		return fmt.Errorf("time limits must be positive and RetryMaxNanos at least RetryNanos")
	case c.ControlNanos < 0, c.MaxAgeNanos < 0:
		return fmt.Errorf("ControlNanos and MaxAgeNanos must not be negative")
	case c.SnapshotBase != "" && c.FetchNanos <= 0:
		return fmt.Errorf("FetchNanos must be positive where snapshots are fetched")
	case len(c.Fallback) > 0 && c.FailoverTries < 1:
		return fmt.Errorf("FailoverTries must be at least 1 where there is a Fallback")
	}
	return nil
}

// endpoints returns all endpoints, checked and completed.
func (c *FeedConfig) endpoints() ([]Endpoint, error) {
	all := append([]Endpoint{{c.Addr, c.Host, c.Path}}, c.Fallback...)
	for i := range all {
		e := &all[i]
		e.Host = orElse(e.Host, e.Addr)
		if e.Path == "" || e.Path[0] != '/' || strings.ContainsAny(e.Path+e.Host, " \r\n") {
			return nil, fmt.Errorf("path %q must begin with / and hold no space", e.Path)
		}
		if _, _, err := net.SplitHostPort(e.Addr); err != nil {
			return nil, fmt.Errorf("address %q is not host:port", e.Addr)
		}
	}
	return all, nil
}
