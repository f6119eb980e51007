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
}

var errNoLogon = errors.New("the session in memory does not come up")

func newSession(now int64) (s *session, err error) {
	s = &session{venue: &memory{now: now}}
	refuse := func(*firewall.Violation) { s.refused++ }
	if s.wall, err = firewall.New(firewall.Config{Credit: []market.Money{market.MaxMoney}, MaxParents: 2, MaxChildren: children,
		Limits: []firewall.Limits{{MaxQty: 1000, MaxNotional: 1e13, Low: 1, High: market.MaxPrice, Decimals: 4}},
		Latch:  &s.latch, Ask: func() bool { return false }, Trip: refuse}); err != nil {
		return nil, err
	}
	dialect, _ := fixgw.DialectByName("sim")
	guard, err := s.wall.Session(firewall.SessionConfig{BeginString: dialect.BeginString, IDs: dialect.IDs, ParentTag: dialect.ParentTag,
		Lit: true, Rate: venues * rate, Symbols: []firewall.Symbol{{Text: symbol, PriceDecimals: 4}}})
	if err != nil {
		return nil, err
	}
	const us, them = "REHEARSAL", "MEMORY"
	s.venue.session, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: dialect.BeginString, SenderCompID: them,
		TargetCompID: us, App: func(*fix.Message, int64) bool { return true }}, nil)
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
	s.venue.session.Connected(now)
	for range 8 {
		s.gateway.Work(now)
	}
	if !s.gateway.Up() {
		return nil, errNoLogon
	}
	s.venue.deaf = true
	return s, nil
}

// ordered and accepted tell the firewall of the parent.
func (s *session) ordered(e *event.Event) {
	s.wall.Ordered(&firewall.Order{ID: e.ID, Instrument: e.Instrument, Side: e.Side, Qty: e.Qty, Limit: e.Price})
}

func (s *session) accepted(c *event.Command) {
	s.wall.Accept(&firewall.Accepted{Number: c.Parent, Client: c.Client, ID: c.ID})
}

func (s *session) send(now int64, c *event.Command) {
	s.order = *c
	s.order.Venue = 0 // there is one session for all venues
	if !s.gateway.Send(now, &s.order) {
		s.refused++
	}
}

func (s *session) ended(child uint64) { s.wall.Resolve(child, 0, true) }

func (s *session) forget() { s.wall.Forget() }

// memory is the venue's end. It answers the Logon and then takes bytes without reading them.
type memory struct {
	session *fix.Session
	now     int64
	out     []byte // for the gateway to read
	deaf    bool
	taken   uint64 // bytes of orders
}

func (m *memory) Poll() (wire.State, error) { return wire.Open, nil }

func (m *memory) Read(buf []byte) (int, error) {
	n := copy(buf, m.out)
	m.out = m.out[n:]
	return n, nil
}

func (m *memory) Write(p []byte) (int, error) {
	if m.deaf {
		m.taken += uint64(len(p))
		return len(p), nil
	}
	m.session.Receive(m.now, p)
	m.out = append(m.out, m.session.Out()...)
	m.session.Wrote(len(m.session.Out()))
	return len(p), nil
}

func (m *memory) PollFD(bool) wire.PollFD { return wire.PollFD{FD: m.FD()} }

// FD says that there is no descriptor.
func (m *memory) FD() int { return -1 }

func (m *memory) Close() error { return nil }
