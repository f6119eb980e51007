package serve

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// dialect is what a WebSocket feed says. All calls hold Market.mu.
type dialect interface {
	opened(now int64, c *wsConn)
	message(now int64, c *wsConn, payload []byte)
}

// webSocket accepts the connections of a WebSocket feed.
type webSocket struct {
	server   *Server
	listener net.Listener
	dialect  dialect
	conns    []*wsConn // in order of arrival
	made     uint64
	faults   []MessageFault  // of the next book messages
	held     func(now int64) // says the message that is sent after the next
	mute     bool
}

// wsConn is one client of a feed. Subscriptions belong to its dialect.
type wsConn struct {
	out      *outbox
	id       uint64
	path     string
	lastSent int64 // ns since epoch
	sub      subscriptions
	combined bool  // Binance: messages name their stream
	second   int64 // Binance: in which the client spoke, and how often
	spoke    int
}

// subscriptions is what a client has asked for.
type subscriptions struct {
	book       int // Kraken: depth; Coinbase: 1; 0 for none
	trades     bool
	ticker     bool // Binance
	heartbeat  bool
	instrument bool // Kraken: instrument channel; Coinbase: status channel
}

func (s *subscriptions) any() bool { return *s != subscriptions{} }

const (
	upgradeTimeout = 5 * time.Second
	wsMessageMax   = 64 << 10 // bytes of one message from a client
)

func newWebSocket(s *Server, d dialect) (*webSocket, error) {
	l, err := net.Listen("tcp", s.cfg.FeedAddr)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	if s.cfg.TLS {
		l = tls.NewListener(l, s.market.identity.server)
	}
	return &webSocket{server: s, listener: l, dialect: d}, nil
}

func (w *webSocket) serve() {
	w.server.market.group.Add(1)
	go w.accept()
}

func (w *webSocket) accept() {
	defer w.server.market.group.Done()
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.server.market.group.Add(1)
		go func() {
			defer w.server.market.group.Done()
			w.talk(conn)
		}()
	}
}

// talk upgrades a connection and reads it to its end.
func (w *webSocket) talk(conn net.Conn) {
	defer conn.Close()
	m := w.server.market
	m.mu.Lock()
	mute := w.mute
	m.mu.Unlock()
	if mute {
		w.ignore(conn)
		return
	}
	conn.SetDeadline(time.Now().Add(upgradeTimeout))
	c := &wsConn{out: newOutbox(conn)}
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		c.path = string(uri)
		return nil
	}}
	if _, err := upgrader.Upgrade(conn); err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	w.made++
	c.id = w.made
	c.out.trickle(w.server.rate)
	w.conns = append(w.conns, c)
	m.group.Add(1)
	go func() {
		defer m.group.Done()
		c.out.run()
	}()
	w.dialect.opened(m.now(), c)
	m.mu.Unlock()

	w.read(conn, c)

	m.mu.Lock()
	defer m.mu.Unlock()
	w.conns = slices.DeleteFunc(w.conns, func(x *wsConn) bool { return x == c })
	c.out.finish()
}

// ignore keeps conn open, without a word, until the peer or the market ends it.
func (w *webSocket) ignore(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // not even the handshake is answered
	}
	m := w.server.market
	ended := make(chan struct{})
	m.group.Add(1)
	go func() {
		defer m.group.Done()
		select {
		case <-m.done:
		case <-ended:
		}
		conn.Close()
	}()
	io.Copy(io.Discard, conn)
	close(ended)
}

// ping asks every client for a pong.
func (w *webSocket) ping() {
	for _, c := range w.conns {
		c.out.write(ws.MustCompileFrame(ws.NewPingFrame(nil)))
	}
}

// read takes frames until the connection ends. Fragments are joined; frames that
// are not masked, or too long, end it (RFC 6455 §5.1, §7.4).
func (w *webSocket) read(conn net.Conn, c *wsConn) {
	var message []byte
	m := w.server.market
	for {
		h, err := ws.ReadHeader(conn)
		if err != nil || !h.Masked || h.Length+int64(len(message)) > wsMessageMax {
			return
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		ws.Cipher(payload, h.Mask, 0)
		switch h.OpCode {
		case ws.OpPing:
			c.out.write(ws.MustCompileFrame(ws.NewPongFrame(payload)))
		case ws.OpClose:
			c.out.write(ws.MustCompileFrame(ws.NewCloseFrame(payload)))
			return
		case ws.OpText, ws.OpBinary, ws.OpContinuation:
			message = append(message, payload...)
			if h.Fin {
				m.mu.Lock()
				w.dialect.message(m.now(), c, message)
				m.mu.Unlock()
				message = nil
			}
		}
	}
}

// send writes one text message.
func (c *wsConn) send(now int64, text []byte) {
	c.lastSent = now
	c.out.write(ws.MustCompileFrame(ws.NewTextFrame(text)))
}

// sendAll writes the same message to the connections that want it.
func (w *webSocket) sendAll(now int64, text []byte, wants func(*wsConn) bool) {
	var frame []byte
	for _, c := range w.conns {
		if !wants(c) {
			continue
		}
		if frame == nil {
			frame = ws.MustCompileFrame(ws.NewTextFrame(text))
		}
		c.lastSent = now
		c.out.write(frame)
	}
}

// close ends all connections; Market.mu is held.
func (w *webSocket) close() error {
	frame := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, "")))
	for _, c := range w.conns {
		c.out.write(frame)
		c.out.finish()
	}
	return w.listener.Close()
}
