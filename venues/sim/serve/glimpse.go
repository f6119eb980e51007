package serve

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// glimpse is a GLIMPSE server: over SoupBinTCP it sends whoever logs in the book as
// it is, as ITCH messages, and at last the number of the message of the MoldUDP64
// stream from which to go on.
type glimpse struct {
	server   *Server
	listener net.Listener
	conns    []*glimpseConn // in order of arrival
	faults   SnapshotFaults
}

type glimpseConn struct {
	conn net.Conn
	out  *outbox
}

// SnapshotFaults is what goes wrong with the connections of a GLIMPSE server, from
// the next login on.
type SnapshotFaults struct {
	Reject    byte  // the code by which every login is rejected; 0 for none
	DropAfter int   // messages after which the connection breaks; 0 for never
	Silent    bool  // connections are accepted and nothing is said: half open
	Batch     int   // messages sent at a time, with GapNanos between; 0 sends all at once
	GapNanos  int64 // ns
}

// SetSnapshotFaults decides what goes wrong with snapshots. The zero
// SnapshotFaults makes all well.
func (s *Server) SetSnapshotFaults(f SnapshotFaults) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.glimpse == nil {
		return fmt.Errorf("venue %s has no snapshots", s.cfg.Name)
	}
	s.glimpse.faults = f
	return nil
}

const (
	soupLoginSize = 2 + 1 + 6 + 10 + 10 + 20
	soupBeat      = 1e9 // ns
)

func newGlimpse(s *Server) (*glimpse, error) {
	l, err := net.Listen("tcp", s.cfg.SnapshotAddr)
	if err != nil {
		return nil, fmt.Errorf("snapshot server: %w", err)
	}
	return &glimpse{server: s, listener: l}, nil
}

// serve starts to accept and to send heartbeats; Market.mu is held.
func (g *glimpse) serve() {
	m := g.server.market
	m.group.Add(1)
	go g.accept()
	m.every(m.now(), soupBeat, func(int64) {
		for _, c := range g.conns {
			if !g.faults.Silent {
				c.say('H')
			}
		}
	})
}

func (g *glimpse) accept() {
	m := g.server.market
	defer m.group.Done()
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.closed {
			m.mu.Unlock()
			conn.Close()
			return
		}
		c := &glimpseConn{conn: conn, out: newOutbox(conn)}
		g.conns = append(g.conns, c)
		m.group.Add(2)
		m.mu.Unlock()
		go func() {
			defer m.group.Done()
			c.out.run()
		}()
		go func() {
			defer m.group.Done()
			g.talk(c)
		}()
	}
}

// talk takes the login, answers it, and reads to the end of the connection.
func (g *glimpse) talk(c *glimpseConn) {
	m := g.server.market
	login := make([]byte, soupLoginSize)
	c.conn.SetReadDeadline(time.Now().Add(upgradeTimeout))
	if _, err := io.ReadFull(c.conn, login); err == nil {
		c.conn.SetReadDeadline(time.Time{})
		m.mu.Lock()
		if !m.closed && !g.faults.Silent {
			g.answer(m.now(), c, login)
		}
		m.mu.Unlock()
		io.Copy(io.Discard, c.conn) // heartbeats, a logout
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g.conns = slices.DeleteFunc(g.conns, func(x *glimpseConn) bool { return x == c })
	c.out.finish()
}

// answer accepts or rejects a login; Market.mu is held.
func (g *glimpse) answer(now int64, c *glimpseConn, login []byte) {
	if code := g.refuse(login); code != 0 {
		c.say('J', code)
		c.out.finish()
		return
	}
	c.say('A', fmt.Appendf(nil, "%10s%20d", g.server.mold.session[:], 1)...)
	g.sendBook(now, c, g.book(now))
}

// refuse returns the code by which a login is rejected, 0 for a good one.
func (g *glimpse) refuse(login []byte) byte {
	v := &g.server.cfg
	field := func(from, to int) string { return strings.TrimSpace(string(login[from:to])) }
	session := field(19, 29)
	switch {
	case g.faults.Reject != 0:
		return g.faults.Reject
	case binary.BigEndian.Uint16(login) != soupLoginSize-2 || login[2] != 'L',
		v.SnapshotUser != "" && (field(3, 9) != v.SnapshotUser || field(9, 19) != v.SnapshotPassword):
		return 'A'
	case session != "" && session != string(g.server.mold.session[:]), field(29, 49) != "1":
		return 'S'
	}
	return 0
}

// book returns the messages of a snapshot. The number that it ends with is that
// of the next message of the stream, sent or not.
func (g *glimpse) book(now int64) (messages [][]byte) {
	f := g.server.itch
	add := func(int64) { messages = append(messages, slices.Clone(f.buf)) }
	f.directory(now)
	add(now)
	f.state(now)
	add(now)
	f.shorts(now)
	add(now)
	f.repeat(now, add)
	return append(messages, fmt.Appendf(nil, "G%20d", g.server.mold.store.last()+1))
}

// sendBook sends what the faults let through, now or in batches; Market.mu is held.
func (g *glimpse) sendBook(now int64, c *glimpseConn, messages [][]byte) {
	f := g.faults
	if f.DropAfter > 0 && f.DropAfter < len(messages) {
		for _, msg := range messages[:f.DropAfter] {
			c.say('S', msg...)
		}
		c.out.finish() // what is said is still sent: a client has half a book
		return
	}
	batch := len(messages)
	if f.Batch > 0 {
		batch = min(batch, f.Batch)
	}
	for _, msg := range messages[:batch] {
		c.say('S', msg...)
	}
	if rest := messages[batch:]; len(rest) > 0 {
		g.server.market.after(now+f.GapNanos, false, func(at int64) {
			if slices.Contains(g.conns, c) {
				g.sendBook(at, c, rest)
			}
		})
	}
}

// say writes one packet.
func (c *glimpseConn) say(kind byte, payload ...byte) {
	p := binary.BigEndian.AppendUint16(nil, uint16(1+len(payload)))
	c.out.write(append(append(p, kind), payload...))
}

// close ends all connections; Market.mu is held.
func (g *glimpse) close() error {
	for _, c := range g.conns {
		c.out.drop()
	}
	return g.listener.Close()
}
