package rehearsal

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/wire"
)

// session is an order session whose venue is memory: the real gateway, encoder and firewall,
// without a socket.
type session struct {
	gateway *fixgw.Gateway
	wall    *firewall.Firewall
	latch   firewall.Latch
	venue   *memory
	order   event.Command
	refused uint64 // orders that gateway or firewall did not let through
	last    uint64 // orders of its connection before it is renewed, of all it made
}

// connected is how many orders a connection makes: their numbers stay as short as a template can
// write and a firewall read at once.
const connected = 10_000_000

var (
	errNoLogon = errors.New("the session in memory does not come up")
	errRenewed = errors.New("the session in memory begins anew")
)

func newSession(now int64) (s *session, err error) {
	s = &session{venue: &memory{now: now}, last: connected}
	refuse := func(*firewall.Violation) { s.refused++ }
	if s.wall, err = firewall.New(firewall.Config{Credit: []market.Money{market.MaxMoney}, MaxParents: 2, MaxChildren: children,
		Limits: []firewall.Limits{{MaxQty: 1000, MaxNotional: 1e13, Low: 1, High: market.MaxPrice, Decimals: 4}},
		Latch:  &s.latch, Ask: func() bool { return false }, Trip: refuse}); err != nil {
		return nil, err
	}
	dialect, _ := fixgw.DialectByName("sim")
	dialect.ResetOnLogon = true
	guard, err := s.wall.Session(firewall.SessionConfig{BeginString: dialect.BeginString, IDs: dialect.IDs, ParentTag: dialect.ParentTag,
		Lit: true, Rate: venues * rate, Symbols: []firewall.Symbol{{Text: symbol, PriceDecimals: 4}}})
	if err != nil {
		return nil, err
	}
	const us, them = "REHEARSAL", "MEMORY"
	s.venue.session, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: dialect.BeginString, SenderCompID: them,
		TargetCompID: us, AllowReset: true, App: func(*fix.Message, int64) bool { return true }}, nil)
	if err != nil {
		return nil, err
	}
	s.gateway, err = fixgw.New(fixgw.Config{Addr: "127.0.0.1:0", SenderCompID: us, TargetCompID: them, HeartBtIntSecs: 3600,
		Dialect: dialect, Kind: market.Lit, Firewall: guard, Latch: &s.latch, Symbols: []fixgw.Symbol{{Text: symbol, PriceDecimals: 4}},
		Sink: func(*event.Event) bool { return true },
		Dial: func(netip.AddrPort, *tls.Config, time.Duration) (wire.Stream, error) { return s.venue, nil }})
	if err != nil {
		return nil, err
	}
	if s.connect(now); !s.gateway.Up() {
		return nil, errNoLogon
	}
	return s, nil
}

func (s *session) connect(now int64) {
	s.venue.now, s.venue.out, s.venue.state, s.venue.deaf = now, nil, wire.Open, false
	s.venue.session.Connected(now)
	for range 8 {
		s.gateway.Work(now)
	}
	s.venue.deaf = true
}

// renew begins a new connection when the one that there is has made many orders, and returns the
// time then.
func (s *session) renew(now int64) int64 {
	if s.gateway.Stats().Orders < s.last {
		return now
	}
	s.last = s.gateway.Stats().Orders + connected
	s.venue.state = wire.Closed
	s.gateway.Work(now)
	s.venue.session.Disconnected(now)
	now += longestWait
	s.connect(now)
	return now
}

// longestWait is longer than a gateway waits before it connects again.
const longestWait = 60_000_000_000

// ordered and accepted tell the firewall of the parent.
func (s *session) ordered(e *event.Event) {
	s.wall.Ordered(&firewall.Order{ID: e.ID, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Limit: e.Price})
}

func (s *session) accepted(c *event.Command) {
	s.wall.Accept(&firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID})
}

func (s *session) send(now int64, c *event.Command) bool {
	s.order = *c
	s.order.Venue = 0 // there is one session for all venues
	if !s.gateway.Send(now, &s.order) {
		s.refused++
		return false
	}
	return true
}

func (s *session) ended(child uint64) { s.wall.Resolve(child, 0, true) }

func (s *session) forget() { s.wall.Forget() }

// memory is the venue's end. It answers the Logon and then takes bytes without reading them, through
// the kernel when it has a way there.
type memory struct {
	session *fix.Session
	now     int64
	out     []byte // for the gateway to read
	state   wire.State
	deaf    bool
	taken   uint64 // bytes of orders
	kernel  kernel
}

func (m *memory) Poll() (wire.State, error) {
	if m.state == wire.Closed {
		return m.state, errRenewed
	}
	return m.state, nil
}

func (m *memory) Read(buf []byte) (int, error) {
	n := copy(buf, m.out)
	m.out = m.out[n:]
	return n, nil
}

func (m *memory) Write(p []byte) (int, error) {
	if m.deaf {
		m.taken += uint64(len(p))
		m.kernel.send(p)
		return len(p), nil
	}
	m.session.Receive(m.now, p)
	m.out = append(m.out, m.session.Out()...)
	m.session.Wrote(len(m.session.Out()))
	return len(p), nil
}

func (m *memory) PollFD(bool) wire.PollFD { return wire.PollFD{FD: m.FD()} }

// FD says that there is no descriptor for the gateway.
func (m *memory) FD() int { return -1 }

func (m *memory) Close() error { return nil }
