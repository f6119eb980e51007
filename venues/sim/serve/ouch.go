package serve

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"penstock/venues/sim"
)

// ouchEntry is the order entry of a venue in OUCH 5.0 or 4.2 over SoupBinTCP: one session
// a client, whose numbered messages are kept, so that a client that comes back reads on
// where it was, or from the first.
type ouchEntry struct {
	server   *Server
	old      bool // 4.2
	listener net.Listener
	name     string // of the session
	clients  []*ouchClient
	faults   OUCHFaults
	deaf     sync.Cond // of Market.mu: faults.Deaf has ended
	cancels  atomic.Uint64
}

// ouchClient is what one client said and was told. Market.mu guards it.
type ouchClient struct {
	entry    *ouchEntry
	user     string // the first 6 characters of the CompID
	compID   string
	owner    uint32
	out      *outbox // nil while disconnected
	conn     net.Conn
	said     messageStore
	heard    time.Time
	spoke    bool // since the last heartbeat
	nextRef  uint32
	refs     map[string]uint32 // UserRefNum by token
	tokens   map[uint32]string
	requests int // cancels, which the engine wants named
}

// OUCHFaults is what goes wrong with order entry in OUCH.
type OUCHFaults struct {
	Twice bool // every execution is told twice, under two numbers
	Deaf  bool // what clients send is not read
	// Reject refuses every login by this code; 0 for none.
	Reject byte
}

// SetOUCHFaults decides what goes wrong; the zero OUCHFaults makes all well.
func (s *Server) SetOUCHFaults(f OUCHFaults) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	e, ok := s.orders.(*ouchEntry)
	if !ok {
		return fmt.Errorf("venue %s does not speak OUCH", s.cfg.Name)
	}
	e.faults = f
	e.deaf.Broadcast()
	return nil
}

// CancelsRead returns how many CancelOrder a venue in OUCH has read from its sockets and parsed.
func (s *Server) CancelsRead() uint64 {
	e, ok := s.orders.(*ouchEntry)
	if !ok {
		return 0
	}
	return e.cancels.Load()
}

const (
	soupSilence  = 15 * time.Second
	ouchUserSize = 6
	// ouchReadBuffer is small, so that a venue that does not read is noticed soon.
	ouchReadBuffer = 64 << 10
)

func newOUCHEntry(s *Server) (*ouchEntry, error) {
	e := &ouchEntry{server: s, old: s.cfg.Orders == OUCH42, name: fmt.Sprintf("%010d", s.market.cfg.IDBase%1e10)}
	e.deaf.L = &s.market.mu
	for i, compID := range s.cfg.Clients {
		e.clients = append(e.clients, &ouchClient{entry: e, user: compID[:min(len(compID), ouchUserSize)], compID: compID,
			owner: uint32(i + 1), nextRef: 1, refs: map[string]uint32{}, tokens: map[uint32]string{}})
	}
	var err error
	if e.listener, err = net.Listen("tcp", s.cfg.OrderAddr); err != nil {
		return nil, fmt.Errorf("order entry: %w", err)
	}
	return e, nil
}

func (e *ouchEntry) addr() string { return e.listener.Addr().String() }

func (e *ouchEntry) ownerOf(compID string) uint32 {
	for _, c := range e.clients {
		if c.compID == compID {
			return c.owner
		}
	}
	return 0
}

func (e *ouchEntry) outboxes() (all []*outbox) {
	for _, c := range e.clients {
		if c.out != nil {
			all = append(all, c.out)
		}
	}
	return all
}

func (e *ouchEntry) closeStores() error { return nil }

// serve starts to accept, to send heartbeats to who was told nothing for a second, and to
// drop who says nothing; Market.mu is held.
func (e *ouchEntry) serve() {
	m := e.server.market
	m.group.Add(1)
	go e.accept()
	m.every(m.now(), soupBeat, func(int64) {
		for _, c := range e.clients {
			switch {
			case c.out == nil:
			case time.Since(c.heard) > soupSilence && !e.faults.Deaf:
				c.out.drop()
			case !c.spoke:
				c.say('H')
			}
			c.spoke = false
		}
	})
}

func (e *ouchEntry) accept() {
	m := e.server.market
	defer m.group.Done()
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetReadBuffer(ouchReadBuffer)
		}
		m.group.Add(1)
		go func() {
			defer m.group.Done()
			e.talk(conn)
		}()
	}
}

// talk takes the login and then packets to the end of the connection.
func (e *ouchEntry) talk(conn net.Conn) {
	defer conn.Close()
	login := make([]byte, soupLoginSize)
	conn.SetReadDeadline(time.Now().Add(logonTimeout))
	if _, err := io.ReadFull(conn, login); err != nil {
		return
	}
	conn.SetReadDeadline(time.Time{})
	c := e.login(conn, login)
	if c == nil {
		return
	}
	in := bufio.NewReaderSize(conn, ouchReadBuffer)
	for c.packets(in) {
	}
	c.disconnect(conn)
}

// packets waits for a packet and takes it and those that came with it; false ends the connection.
func (c *ouchClient) packets(in *bufio.Reader) bool {
	kind, payload, err := readPacket(in)
	if err != nil {
		return false
	}
	m := c.entry.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	for c.packet(kind, payload) {
		if in.Buffered() < soupHeadSize {
			return true
		}
		if head, _ := in.Peek(soupHeadSize); in.Buffered() < 2+int(binary.BigEndian.Uint16(head)) {
			return true
		}
		if kind, payload, err = readPacket(in); err != nil {
			return false
		}
	}
	return false
}

const soupHeadSize = 3 // length and type

func readPacket(in *bufio.Reader) (kind byte, payload []byte, err error) {
	var head [soupHeadSize]byte
	if _, err = io.ReadFull(in, head[:]); err == nil {
		payload = make([]byte, max(int(binary.BigEndian.Uint16(head[:]))-1, 0))
		_, err = io.ReadFull(in, payload)
	}
	return head[2], payload, err
}

// login answers a login; nil when it is refused.
func (e *ouchEntry) login(conn net.Conn, login []byte) *ouchClient {
	m := e.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	field := func(from, to int) string { return strings.TrimSpace(string(login[from:to])) }
	var c *ouchClient
	for _, x := range e.clients {
		if x.user == field(3, 9) {
			c = x
		}
	}
	code, from := byte(0), uint64(0)
	_, err := fmt.Sscanf(field(29, 49), "%d", &from)
	switch session := field(19, 29); {
	case m.closed:
		return nil
	case e.faults.Reject != 0:
		code = e.faults.Reject
	case binary.BigEndian.Uint16(login) != soupLoginSize-2 || login[2] != 'L' || err != nil || c == nil:
		code = 'A'
	case session != "" && session != e.name || from > c.said.last()+1:
		code = 'S'
	}
	if code != 0 {
		conn.Write([]byte{0, 2, 'J', code})
		return nil
	}
	if c.out != nil {
		c.out.drop() // one connection a port: the new one
	}
	c.out, c.conn, c.heard, c.spoke = newOutbox(conn), conn, time.Now(), true
	m.group.Add(1)
	go func(o *outbox) {
		defer m.group.Done()
		o.run()
	}(c.out)
	if from == 0 {
		from = c.said.last() + 1
	}
	c.say('A', fmt.Appendf(nil, "%10s%20d", e.name, from)...)
	for ; from <= c.said.last(); from++ {
		c.say('S', c.said.get(from)...)
	}
	return c
}

// packet takes one packet of the client; false ends the connection. Market.mu is held.
func (c *ouchClient) packet(kind byte, payload []byte) bool {
	m := c.entry.server.market
	for c.entry.faults.Deaf && !m.closed {
		c.entry.deaf.Wait()
	}
	c.heard = time.Now()
	switch kind {
	case 'U':
		return c.message(m.now(), payload)
	case 'R', '+':
		return true
	}
	return false // a logout, or no packet of a client
}

func (c *ouchClient) disconnect(conn net.Conn) {
	m := c.entry.server.market
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.conn != conn {
		return // a newer connection has taken over
	}
	c.out.finish()
	c.out, c.conn = nil, nil
	if c.entry.server.cfg.CancelOnDisconnect && !m.closed {
		m.after(m.now(), true, func(at int64) { c.entry.server.engine.CancelAll(at, c.owner) })
	}
}

// say writes a packet to the connection of now.
func (c *ouchClient) say(kind byte, payload ...byte) {
	p := binary.BigEndian.AppendUint16(nil, uint16(1+len(payload)))
	c.out.write(append(append(p, kind), payload...))
	c.spoke = true
}

// tell keeps a numbered message and sends it when somebody is there.
func (c *ouchClient) tell(msg []byte) {
	c.said.add(msg)
	if c.out != nil {
		c.say('S', msg...)
	}
}

// close ends the session of every client; Market.mu is held.
func (e *ouchEntry) close(int64) error {
	e.deaf.Broadcast()
	for _, c := range e.clients {
		if c.out != nil {
			c.say('Z')
			c.out.pause(false)
			c.out.finish()
		}
	}
	return e.listener.Close()
}

func (e *ouchEntry) owner(n uint32) *ouchClient { return e.clients[n-1] }

// leave runs when a message of the venue reaches the client.
func (c *ouchClient) leave(at int64, run func(now int64)) {
	s := c.entry.server
	s.market.after(at+s.cfg.LatencyNanos, true, func(int64) { run(s.market.now()) })
}

func (e *ouchEntry) onReport(r *sim.Report) {
	c, kept := e.owner(r.Owner), *r
	c.leave(r.Time, func(now int64) { c.report(now, &kept) })
}

// onCancelReject: OUCH says nothing of a cancel that comes too late.
func (e *ouchEntry) onCancelReject(*sim.CancelReject) {}
