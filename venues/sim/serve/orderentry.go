package serve

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"penstock/fix"
)

// orderEntry is the FIX 4.4 acceptor of a venue: one session per client CompID.
// Sessions outlive their connections: numbers go on, and what was said while the
// client was away is sent when it asks (FIX 4.4 vol. 2, session protocol).
type orderEntry struct {
	server   *Server
	listener net.Listener
	clients  []*client
	prices   bool // a market data session: there are no orders to cancel
	dropCopy bool // nor here
}

// client is one session and its connection, if any. Market.mu guards it.
type client struct {
	entry    *orderEntry
	compID   string
	owner    uint32
	session  *fix.Session
	store    *fix.Store // nil: numbers live as long as the market
	out      *outbox    // nil while disconnected
	quoteReq string     // QuoteReqID of the stream of quotes, "" for none
	prices   *fixPrices // subscription on a market data session, nil for none
	ids      aliases
}

const (
	logonTimeout   = 10 * time.Second
	tickNanos      = 250e6
	readBufferSize = 64 << 10
	loggedMessages = 1 << 14 // reports and quotes kept to be sent again
)

func newOrderEntry(s *Server) (*orderEntry, error) {
	return newAcceptor(&orderEntry{server: s}, s.cfg.OrderAddr, "", s.cfg.Clients, (*client).onMessage)
}

// newAcceptor opens the sessions of e at addr. kind tells its stores from others.
func newAcceptor(e *orderEntry, addr, kind string, clients []string, app func(*client, *fix.Message, int64) bool,
) (*orderEntry, error) {
	s := e.server
	for i, compID := range clients {
		c := &client{entry: e, compID: compID, owner: uint32(i + 1)}
		e.clients = append(e.clients, c)
		if dir := s.market.cfg.StoreDir; dir != "" {
			store, err := fix.OpenStore(filepath.Join(dir, s.cfg.Name+kind+"-"+compID+".seq"))
			if err != nil {
				return nil, errors.Join(err, e.closeStores())
			}
			c.store = store
		}
		cfg := fix.Config{
			Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: s.cfg.Name,
			TargetCompID: compID, AllowReset: true, LogMessages: loggedMessages,
			App: func(m *fix.Message, now int64) bool { return app(c, m, now) },
		}
		if style := &s.cfg.Style; style.Name != "" && !e.prices {
			cfg.BeginString, cfg.DefaultApplVerID = style.beginString, style.defaultApplVerID
			cfg.CheckLogon = func(m *fix.Message, _ int64) error { return style.checkLogon(m, &s.cfg) }
		}
		session, err := fix.NewSession(cfg, c.store)
		if err != nil {
			return nil, errors.Join(err, e.closeStores())
		}
		c.session = session
	}
	var err error
	if e.listener, err = net.Listen("tcp", addr); err != nil {
		return nil, errors.Join(fmt.Errorf("order entry: %w", err), e.closeStores())
	}
	return e, nil
}

// client returns the session of compID, nil when there is none.
func (e *orderEntry) client(compID string) *client {
	for _, c := range e.clients {
		if c.compID == compID {
			return c
		}
	}
	return nil
}

// owner returns the client whose orders carry that number.
func (e *orderEntry) owner(n uint32) *client { return e.clients[n-1] }

func (e *orderEntry) serve() {
	m := e.server.market
	m.group.Add(1)
	go e.accept()
	m.every(m.now(), tickNanos, func(int64) {
		now := m.now()
		for _, c := range e.clients {
			if c.out != nil {
				c.session.Tick(now)
				c.flush()
			}
		}
	})
}

func (e *orderEntry) accept() {
	m := e.server.market
	defer m.group.Done()
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		m.group.Add(1)
		go func() {
			defer m.group.Done()
			e.talk(conn)
		}()
	}
}

// talk finds the session of a connection by its first message and reads it to
// its end.
func (e *orderEntry) talk(conn net.Conn) {
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(logonTimeout))
	buf := make([]byte, 0, readBufferSize)
	compID := ""
	for compID == "" {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		frame, err := fix.Frame(buf)
		if err != nil || frame == 0 && len(buf) == cap(buf) {
			return
		}
		if frame > 0 {
			var m fix.Message
			if m.Parse(buf[:frame]) != nil {
				return
			}
			sender, _ := m.Get(fix.TagSenderCompID)
			if compID = string(sender); compID == "" {
				return
			}
		}
	}
	conn.SetReadDeadline(time.Time{})
	c := e.connect(compID, conn)
	if c == nil {
		return
	}
	for c.receive(&buf) {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			break
		}
		buf = buf[:len(buf)+n]
	}
	c.disconnect()
}

// connect gives the connection to its session; nil when there is none for
// compID, or it has a connection already.
func (e *orderEntry) connect(compID string, conn net.Conn) *client {
	m := e.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	c := e.client(compID)
	if c == nil || c.out != nil || m.closed {
		return nil
	}
	c.out = newOutbox(conn)
	m.group.Add(1)
	go func(o *outbox) {
		defer m.group.Done()
		o.run()
	}(c.out)
	c.session.Connected(m.now())
	return c
}

// receive gives buf to the session and keeps what it did not take; false when a
// message cannot fit.
func (c *client) receive(buf *[]byte) bool {
	m := c.entry.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	n := c.session.Receive(m.now(), *buf)
	c.flush()
	*buf = (*buf)[:copy(*buf, (*buf)[n:])]
	return len(*buf) < cap(*buf)
}

// flush moves what the session wants to say to the connection.
func (c *client) flush() {
	if c.out == nil {
		return
	}
	if p := c.session.Out(); len(p) > 0 {
		c.out.write(p)
		c.session.Wrote(len(p))
	}
	if _, want := c.session.WantClose(); want {
		c.out.finish()
	}
}

func (c *client) disconnect() {
	m := c.entry.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	c.out.finish()
	c.out = nil
	c.quoteReq, c.prices = "", nil
	now := m.now()
	c.session.Disconnected(now)
	if c.entry.server.cfg.CancelOnDisconnect && !c.entry.prices && !c.entry.dropCopy && !m.closed {
		m.after(now, true, func(at int64) { c.entry.server.engine.CancelAll(at, c.owner) })
	}
}

// close says goodbye to all clients and ends their connections.
func (e *orderEntry) close(now int64) error {
	for _, c := range e.clients {
		if c.out == nil {
			continue
		}
		c.session.Logout(now, "market closes")
		c.flush()
		c.out.pause(false)
		c.out.finish()
	}
	return e.listener.Close()
}

// closeStores writes the sequence numbers; all clients are disconnected.
func (e *orderEntry) closeStores() error {
	if e == nil {
		return nil
	}
	var errs []error
	for _, c := range e.clients {
		if c.session != nil {
			errs = append(errs, c.session.Close())
		}
		if c.store != nil {
			errs = append(errs, c.store.Close())
		}
	}
	return errors.Join(errs...)
}
