package serve

import (
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
}

// wsConn is one client of a feed. Subscriptions belong to its dialect.
type wsConn struct {
	out      *outbox
	id       uint64
	lastSent int64 // ns since epoch
	sub      subscriptions
}

// subscriptions is what a client has asked for.
type subscriptions struct {
	book       int // Kraken: depth; Coinbase: 1; 0 for none
	trades     bool
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
	conn.SetDeadline(time.Now().Add(upgradeTimeout))
	if _, err := ws.Upgrade(conn); err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	m := w.server.market
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	w.made++
	c := &wsConn{out: newOutbox(conn), id: w.made}
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
