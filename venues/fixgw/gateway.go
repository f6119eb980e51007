package fixgw

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/fixmd"
	"penstock/venues/outbound"
	"penstock/venues/wire"
)

const (
	milli          = 1_000_000
	connectTimeout = 5_000 * milli
	readBuffer     = 2 * fix.MaxFrame
)

// Gateway is the order session with one venue. Work and Send belong to one
// goroutine; so do all other methods.
type Gateway struct {
	cfg     Config
	addr    netip.AddrPort
	session *fix.Session
	store   *fix.Store
	symbols symbolTable
	quotes  *fixmd.QuoteReader

	conn      wire.Stream  // nil: not connected
	socket    atomic.Int64 // of conn, plus one; 0 without, for Cut
	why       atomic.Pointer[string]
	connSince int64
	buf       []byte
	from, to  int  // unread part of buf
	eof       bool // the peer closed; what it said before is still in buf
	attempt   uint
	nextDial  int64
	logonSeen bool // this connection got as far as a Logon
	up        bool // VenueSession up was emitted
	upSince   int64
	behind    bool // and VenueSession behind after it
	flaps     int  // times in a row that it did not stay up
	stopping  bool

	lost lostState

	orders   [][len(sides)][len(styles)]*fix.Template // by symbol index, sides and styles
	cancels  [][len(sides)]*fix.Template
	statuses [][len(sides)]*fix.Template
	cleared  int    // bytes at the front of the session's Out that the firewall let through
	own      uint64 // cancel requests of our own making
	burst    outbound.Burst
	written  uint64 // bytes that the socket took on this connection
	stuck    int64  // since when bytes wait and the socket takes none; 0: it does
	pace     outbound.Pace
	counted  uint64 // messages of the session that the throttle knows
	asked    int    // symbols whose quotes were asked for on this connection

	e        event.Event
	emitted  int // events of the message at hand that the Sink took
	counting int // events of it offered so far in this attempt
	stats    Stats

	// Behind the rest, because Rewarm does not ask for all of them: they are large.
	unsent outbound.Unsent
	recent recentOrders
	lane   outbound.Lane
}

// Stats counts since New. Session holds the counters of the FIX session.
type Stats struct {
	Session        fix.Stats
	Connects       uint64 // connections that reached the Logon
	Disconnects    uint64 // connections lost or refused
	Orders         uint64 // commands handed to the session
	Cancels        uint64
	StatusRequests uint64
	Refused        uint64 // commands that Send could not take
	Unsent         uint64 // commands that the socket never took whole
	Reports        uint64
	Invitations    uint64
	Quotes         uint64
	QuoteRequests  uint64 // for one quote in a size
	QuoteAnswers   uint64
	QuoteResponses uint64 // to quotes that are not dealt on
	BandsLeft      uint64 // size bands of quotes beyond the first
	NotOurs        uint64 // reports whose ClOrdID(11) is none of ours
	Outdated       uint64 // quotes and invitations that were repeated: nobody can deal on them
	Malformed      uint64 // messages refused because a field cannot be used
	Unknown        uint64 // message types that nobody asked for
	UnknownSymbol  uint64
	SinkFull       uint64 // times that the Sink had no room
	Latched        uint64 // orders kept back by the latch
	Stopped        uint64 // orders that the firewall stopped
	OwnCancels     uint64 // cancels that CancelOpen made
	Throttled      uint64 // orders and status requests refused by the throttle
	LaneWaits      uint64 // cancels that had to wait for the throttle
	LaneHigh       int    // most of them at once
	SlowVenue      uint64 // connections given up because the venue did not read
	OptionsRefused uint64 // sockets that may not busy-poll
	LastOption     string // why
	LastClose      string // why the last connection ended
	LastMalformed  string // what was wrong with the last malformed message
}

// Check reports what New would refuse of the configuration. It looks up no name and opens no file.
func (c Config) Check() error {
	if err := c.complete(); err != nil {
		return err
	}
	g := &Gateway{cfg: c}
	if err := g.openSession(); err != nil {
		return fmt.Errorf("gateway %s: %w", c.TargetCompID, err)
	}
	return nil
}

// New returns a gateway that connects with its first Work.
func New(cfg Config) (*Gateway, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	addr, err := wire.Resolve(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", cfg.TargetCompID, err)
	}
	if cfg.Dialect.TLS && cfg.TLS == nil && !addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("gateway %s: dialect %s is spoken in TLS only: configure it",
			cfg.TargetCompID, cfg.Dialect.Name)
	}
	g := &Gateway{cfg: cfg, addr: addr, buf: make([]byte, readBuffer)}
	g.symbols.init(cfg.Symbols)
	clear(g.recent.entries[:]) // its pages are there before an order is the first to write to one
	g.quotes = newQuoteReader(&cfg)
	g.pace = outbound.NewPace(cfg.Throttle)
	if cfg.StorePath != "" {
		if g.store, err = fix.OpenStore(cfg.StorePath); err != nil {
			return nil, fmt.Errorf("gateway %s: %w", cfg.TargetCompID, err)
		}
		if err = g.resume(); err != nil {
			return nil, errors.Join(fmt.Errorf("gateway %s: %w", cfg.TargetCompID, err), g.store.Close())
		}
	}
	if err := g.openSession(); err != nil {
		if g.store != nil {
			err = errors.Join(err, g.store.Close())
		}
		return nil, fmt.Errorf("gateway %s: %w", cfg.TargetCompID, err)
	}
	return g, nil
}

// openSession makes the session, with the numbers of the store if there is one, and what is sent in it.
func (g *Gateway) openSession() error {
	cfg := &g.cfg
	header, err := cfg.Dialect.header(&cfg.Account)
	if err != nil {
		return err
	}
	g.session, err = fix.NewSession(fix.Config{
		Role: fix.Initiator, BeginString: cfg.Dialect.BeginString,
		DefaultApplVerID: cfg.Dialect.DefaultApplVerID,
		SenderCompID:     cfg.SenderCompID, TargetCompID: cfg.TargetCompID,
		HeartBtIntSecs: cfg.HeartBtIntSecs, ResetOnLogon: cfg.Dialect.ResetOnLogon,
		TestLogon: cfg.DropCopy == nil, OutLimit: cfg.OutLimit, App: g.onMessage, Logon: cfg.Logon,
		Header: header, NoResend: cfg.Dialect.NoResend,
	}, g.store)
	if err != nil {
		return err
	}
	return g.makeTemplates()
}

// Work does what is to be done now and returns how much it was, 0 when idle. Waiting
// for room in the Sink is not idle: no socket would end that wait.
func (g *Gateway) Work(now int64) (work int) {
	if g.lost.pending {
		if !g.settleLost() {
			return 1
		}
		work++
	}
	if g.conn == nil {
		return work + g.dial(now)
	}
	state, err := g.conn.Poll()
	switch {
	case err != nil:
		g.lose(now, err.Error())
		return work + 1
	case state == wire.Connecting:
		if now-g.connSince >= connectTimeout {
			g.lose(now, "connect: no answer")
			return work + 1
		}
		return work
	case g.session.State() == fix.Disconnected:
		g.session.Connected(now)
		work++
	}
	work += g.read(now)
	if g.conn != nil {
		g.session.Tick(now)
		g.countSent(now)
		work += g.announce(now)
		work += g.watchGap(now)
		work += g.drainLane(now)
		work += g.flush(now)
		work += g.checkSlow(now)
	}
	if reason, want := g.session.WantClose(); want && g.conn != nil && !g.lost.pending {
		g.lose(now, reason)
		work++
	}
	return work
}

// Glance reads what has come to a session that is up and misses nothing, and leaves all else to
// Work: a Logon is announced before the end of its connection is read. It returns 0 when nothing
// was there.
func (g *Gateway) Glance(now int64) int {
	if g.conn == nil || !g.Up() || g.behind {
		return 0
	}
	return g.read(now)
}

func (g *Gateway) dial(now int64) int {
	if g.stopping || now < g.nextDial {
		return 0
	}
	conn, err := g.cfg.Dial(g.addr, g.cfg.TLS, connectTimeout)
	g.connSince, g.logonSeen, g.eof = now, false, false
	g.from, g.to, g.written, g.stuck = 0, 0, 0, 0
	if err != nil {
		g.lose(now, err.Error())
		return 1
	}
	g.conn = conn
	g.socket.Store(int64(conn.PollFD(false).FD) + 1)
	refused, err := wire.Tune(conn, g.cfg.Socket)
	if refused != nil {
		g.stats.OptionsRefused++
		g.stats.LastOption = refused.Error()
	}
	if err != nil {
		g.lose(now, err.Error())
	}
	return 1
}

// read takes bytes from the socket and gives them to the session. It does not
// read while a message waits for the Sink.
func (g *Gateway) read(now int64) int {
	n := 0
	if !g.session.Held() && !g.eof {
		if g.to == len(g.buf) {
			g.to = copy(g.buf, g.buf[g.from:g.to])
			g.from = 0
		}
		var err error
		n, err = g.conn.Read(g.buf[g.to:])
		g.to += n
		if n > 0 && g.cfg.Socket.QuickAck {
			wire.QuickAck(g.conn)
		}
		if err != nil {
			g.eof = true
			if err != io.EOF {
				g.stats.LastClose = err.Error()
			} else {
				g.stats.LastClose = "the venue closed the connection"
			}
		}
	}
	if n > 0 || g.session.Held() {
		g.from += g.session.Receive(now, g.buf[g.from:g.to])
		if g.from == g.to {
			g.from, g.to = 0, 0
		}
		n++
	}
	if g.eof && !g.session.Held() {
		reason, closing := g.session.WantClose()
		if !closing {
			reason = g.stats.LastClose
		}
		g.lose(now, reason)
		return n + 1
	}
	return n
}

// announce tells the core that orders can be sent: after Logon, and after the
// venue has repeated what we missed.
func (g *Gateway) announce(now int64) int {
	if g.lost.pending || g.session.State() != fix.Active ||
		g.up && (g.cfg.Quotes != QuotesRequest || g.asked == len(g.cfg.Symbols)) {
		return 0
	}
	if !g.logonSeen {
		g.logonSeen = true
		g.stats.Connects++
		g.quotes.Forget()
		g.asked = 0
	}
	if !g.session.Synchronised() {
		return 0
	}
	asked := g.asked
	if g.cfg.Quotes == QuotesRequest {
		g.requestQuotes(now)
	}
	if g.up || g.session.GapOpen() {
		return g.asked - asked
	}
	g.e = event.Event{Kind: g.kindOf(event.VenueSession), Venue: g.cfg.Venue, RecvTime: now,
		Instrument: market.NoInstrument, Code: uint8(event.SessionUp)}
	g.e.SetMsgSeqNum(g.session.NextIn() - 1)
	if g.cfg.DropCopy != nil && (g.cfg.Dialect.NoResend || g.cfg.Dialect.ResetOnLogon) {
		g.e.Reason = event.ReasonGap // what it said meanwhile is not repeated
	}
	if g.up = g.offer(); g.up {
		g.upSince = now
	}
	return 1
}

// watchGap tells the core that messages of the venue are missing, and that they came: what
// it knows of orders there is old meanwhile (FM-26).
func (g *Gateway) watchGap(now int64) int {
	open := g.session.GapOpen()
	if !g.up || g.lost.pending || open == g.behind || g.session.State() != fix.Active {
		return 0
	}
	state := event.SessionUp
	if open {
		state = event.SessionBehind
	}
	g.e = event.Event{Kind: g.kindOf(event.VenueSession), Venue: g.cfg.Venue, RecvTime: now, Instrument: market.NoInstrument,
		Code: uint8(state), Reason: event.ReasonGap}
	if g.offer() {
		g.behind = open
	}
	return 1
}

// flush gives the socket what waits.
func (g *Gateway) flush(now int64) int {
	if g.lost.pending || g.conn == nil {
		return 0
	}
	out := g.session.Out()
	if len(out) == 0 || !g.judged(now, len(out)) {
		return len(out)
	}
	n, err := g.conn.Write(out)
	if err != nil {
		g.lose(now, err.Error())
		return 1
	}
	g.wrote(now, n)
	g.unsent.Sent(g.written, func(c *event.Command) { g.onSent(c, now) })
	return n
}

func (g *Gateway) onSent(c *event.Command, now int64) {
	if g.cfg.OnSent == nil {
		return
	}
	if g.cfg.Clock != nil {
		now = g.cfg.Clock()
	}
	g.cfg.OnSent(c, now)
}

// Up reports whether orders can be sent.
func (g *Gateway) Up() bool { return g.up && !g.lost.pending }

// Logout ends the session in order and does not connect again. Work until Done.
func (g *Gateway) Logout(now int64, text string) {
	g.stopping = true
	g.session.Logout(now, text)
	if g.conn != nil && g.session.State() == fix.Disconnected {
		g.lose(now, text) // still connecting
	}
}

// Venue returns whose session it is.
func (g *Gateway) Venue() market.VenueID { return g.cfg.Venue }

// Why returns why the last connection ended, "" before one has. Any goroutine.
func (g *Gateway) Why() string {
	if why := g.why.Load(); why != nil {
		return *why
	}
	return ""
}

// Done reports whether Logout is through and everything was emitted.
func (g *Gateway) Done() bool { return g.stopping && g.conn == nil && !g.lost.pending }

// Cut ends the connection from any goroutine, for when the one that works the gateway does
// not: nothing leaves any more, and a venue that cancels on disconnect does. false: there is
// none. What the venue had said and was not read is asked for after the next Logon.
func (g *Gateway) Cut() bool {
	fd := g.socket.Load() - 1
	return fd >= 0 && unix.Shutdown(int(fd), unix.SHUT_RDWR) == nil
}

// Close drops the connection, if any, and writes the sequence numbers.
func (g *Gateway) Close() error {
	if g.conn != nil {
		g.socket.Store(0)
		g.conn.Close()
		g.conn = nil
		g.session.Disconnected(0)
	}
	g.stopping = true
	if g.store == nil {
		return nil
	}
	return errors.Join(g.session.Close(), g.store.Close())
}

// PollFD returns what to wait for when Work was idle.
func (g *Gateway) PollFD() wire.PollFD {
	if g.conn == nil {
		return wire.PollFD{FD: -1}
	}
	return g.conn.PollFD(len(g.session.Out()) > 0)
}

// Stats returns the counters.
func (g *Gateway) Stats() Stats {
	s := g.stats
	s.Session = g.session.Stats()
	return s
}

// StoreErr returns the first error of the sequence number file, which then no
// longer follows the session.
func (g *Gateway) StoreErr() error { return g.session.StoreErr() }
