package jsonws

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"penstock/venues/wire"
)

// ErrFetchTimeout says that no whole answer came within FetchNanos.
var ErrFetchTimeout = errors.New("no answer within the limit")

// StatusError is an answer to an HTTP request other than 200.
type StatusError struct {
	Status     int
	RetryAfter string // the header: seconds or a date, "" when there is none
	Body       string // its beginning
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("status %d: %s", e.Status, e.Body)
	if e.RetryAfter != "" {
		text += " (retry after " + e.RetryAfter + ")"
	}
	return text
}

// retryMaxNanos bounds what a server may ask for with Retry-After.
const retryMaxNanos = 24 * 3600 * 1_000_000_000

// retryNanos returns how long a Retry-After asks to wait: 0 when it says nothing.
func retryNanos(header string, now int64) int64 {
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(int64(seconds)*1_000_000_000, retryMaxNanos)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.UnixNano()-now, 0), retryMaxNanos)
	}
	return 0
}

// httpGet makes GET requests to one server, one at a time, over a non-blocking
// connection that it keeps between them when the server does.
type httpGet struct {
	addr, host string
	tls        *tls.Config
	prefix     string // path of the base, before every target
	nanos      int64  // limit of one request, ns
	max        int    // longest body, bytes

	busy     bool
	deadline int64
	lookup   *wire.Lookup
	stream   wire.Stream
	kept     bool // stream served an earlier request
	sent     bool // the request is in out, or gone
	target   []byte
	out, in  []byte
	response httpResponse
}

// newHTTPGet takes base, "http://host[:port][/path]" or https. c is for https and
// may be nil.
func newHTTPGet(base string, c *tls.Config, nanos int64, max int) (*httpGet, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	g := &httpGet{host: u.Host, prefix: strings.TrimSuffix(u.Path, "/"), nanos: nanos, max: max}
	port := u.Port()
	switch {
	case u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		strings.ContainsAny(g.prefix, " \r\n"):
		return nil, fmt.Errorf("%q is not like https://host or https://host/path", base)
	case u.Scheme == "http":
		port = orElse(port, "80")
	case u.Scheme == "https":
		port = orElse(port, "443")
		g.tls = withServerName(c, u.Host)
	default:
		return nil, fmt.Errorf("%q begins with neither http:// nor https://", base)
	}
	g.addr = net.JoinHostPort(u.Hostname(), port)
	return g, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// withServerName returns c for the server of a Host header.
func withServerName(c *tls.Config, host string) *tls.Config {
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c = c.Clone()
	c.ServerName = host
	if name, _, err := net.SplitHostPort(host); err == nil {
		c.ServerName = name
	}
	return c
}

// start begins a request for target, which begins with /.
func (g *httpGet) start(now int64, target []byte) {
	g.target = append(g.target[:0], target...)
	g.busy, g.deadline = true, now+g.nanos
	g.begin()
}

// begin starts the request on the kept connection, or on a new one.
func (g *httpGet) begin() {
	g.out, g.in, g.sent = g.out[:0], g.in[:0], false
	g.response.reset(g.max)
	if g.stream == nil {
		g.kept = false
		g.lookup = wire.StartLookup(g.addr)
	}
}

// work moves the request on. done says that it is over: with the body, valid
// until the next start, or with an error.
func (g *httpGet) work(now int64) (body []byte, done bool, err error) {
	if !g.busy {
		return nil, false, nil
	}
	done, err = g.advance(now)
	if err != nil && g.kept && g.response.state == httpHead && len(g.in) == 0 {
		// The server closed a connection that had become idle.
		g.hangUp()
		g.begin()
		done, err = g.advance(now)
	}
	if err == nil && !done && now > g.deadline {
		err = ErrFetchTimeout
	}
	if err != nil {
		g.abort()
		return nil, true, fmt.Errorf("GET %s%s%s: %w", g.host, g.prefix, g.target, err)
	}
	if !done {
		return nil, false, nil
	}
	g.busy, g.kept = false, true
	r := &g.response
	if !r.keep || len(g.in) > 0 {
		g.hangUp()
	}
	if r.status != http.StatusOK {
		return nil, true, fmt.Errorf("GET %s%s%s: %w", g.host, g.prefix, g.target, &StatusError{
			Status: r.status, RetryAfter: r.retry, Body: string(r.body[:min(len(r.body), excerptMax)])})
	}
	return r.body, true, nil
}

func (g *httpGet) advance(now int64) (done bool, err error) {
	if g.stream == nil {
		if !g.lookup.Done() {
			return false, nil
		}
		addr, err := g.lookup.Result()
		if err == nil {
			g.stream, err = wire.DialStream(addr, g.tls, time.Duration(g.nanos))
		}
		if err != nil {
			return false, err
		}
	}
	if state, err := g.stream.Poll(); err != nil || state != wire.Open {
		return false, err
	}
	if !g.sent {
		g.sent = true
		g.out = fmt.Appendf(g.out, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: penstock\r\n"+
			"Accept: application/json\r\nAccept-Encoding: identity\r\n\r\n", g.prefix, g.target, g.host)
	}
	n, err := g.stream.Write(g.out)
	g.out = g.out[:copy(g.out, g.out[n:])]
	if err != nil {
		return false, err
	}
	return g.read()
}

// read takes what has come. It reports whether that was all.
func (g *httpGet) read() (done bool, err error) {
	for range messagesPerWork {
		if cap(g.in)-len(g.in) < bufferStart/2 {
			g.in = append(make([]byte, 0, 2*cap(g.in)+bufferStart), g.in...)
		}
		n, err := g.stream.Read(g.in[len(g.in):cap(g.in)])
		g.in = g.in[:len(g.in)+n]
		used, bad := g.response.take(g.in)
		g.in = g.in[:copy(g.in, g.in[used:])]
		switch {
		case bad != nil:
			return false, bad
		case g.response.state == httpDone:
			return true, nil
		case err == io.EOF && g.response.ended():
			return true, nil
		case err == io.EOF:
			return false, io.ErrUnexpectedEOF
		case err != nil:
			return false, err
		case n == 0:
			return false, nil
		}
	}
	return false, nil
}

// abort gives the request and the connection up.
func (g *httpGet) abort() {
	g.busy = false
	g.hangUp()
}

func (g *httpGet) hangUp() {
	if g.stream != nil {
		g.stream.Close()
		g.stream = nil
	}
}

// pollFDs appends what to wait for.
func (g *httpGet) pollFDs(fds []wire.PollFD) []wire.PollFD {
	if g.busy && g.stream != nil {
		fds = append(fds, g.stream.PollFD(len(g.out) > 0 || !g.sent))
	}
	return fds
}
