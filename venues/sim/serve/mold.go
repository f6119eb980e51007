package serve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

const (
	moldHeader     = 20
	moldPayloadMax = 1400 // with header and lengths, below any usual MTU
	moldEnd        = 0xffff
	moldHeartbeat  = 1e9 // ns
)

// mold is a MoldUDP64 stream on two lines, with its re-request server.
//
// The server keeps the whole session up to storeLimit bytes, which is some two
// hours of the default flow. A receiver that joins late asks for everything from
// sequence 1; one that asks for what was thrown away gets no answer.
type mold struct {
	server   *Server
	session  [10]byte
	stream   *net.UDPConn
	requests *net.UDPConn
	lines    [moldLines]moldLine
	store    messageStore
	sent     uint64 // sequence number of the last message sent
	lastSent int64  // ns since epoch
	planned  bool   // a flush is scheduled
	mute     bool   // requests are not answered
}

func newMold(s *Server, now int64) (*mold, error) {
	m := &mold{server: s, lastSent: now}
	copy(m.session[:], fmt.Sprintf("%010d", now/1e9))
	for i, receivers := range [moldLines][]string{s.cfg.Receivers, s.cfg.ReceiversB} {
		m.lines[i].mold = m
		for _, r := range receivers {
			if err := m.lines[i].addReceiver(r); err != nil {
				return nil, err
			}
		}
	}
	addr, err := net.ResolveUDPAddr("udp", s.cfg.RerequestAddr)
	if err != nil {
		return nil, fmt.Errorf("re-request server: %w", err)
	}
	if m.requests, err = net.ListenUDP("udp", addr); err != nil {
		return nil, fmt.Errorf("re-request server: %w", err)
	}
	if m.stream, err = net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP}); err != nil {
		return nil, errors.Join(fmt.Errorf("packet stream: %w", err), m.requests.Close())
	}
	return m, nil
}

// serve starts answering requests and sending heartbeats; Market.mu is held.
func (m *mold) serve() {
	m.server.market.group.Add(1)
	go m.answer()
	m.server.market.every(m.lastSent, moldHeartbeat/4, func(now int64) {
		if now-m.lastSent >= moldHeartbeat*9/10 {
			m.send(now, m.header(m.sent+1, 0))
		}
	})
}

// add takes the next message; it goes out after the venue's latency together
// with what has gathered by then.
func (m *mold) add(now int64, msg []byte) {
	m.store.add(msg)
	if m.planned {
		return
	}
	m.planned = true
	m.server.market.after(now+m.server.cfg.LatencyNanos, false, m.flush)
}

func (m *mold) flush(now int64) {
	m.planned = false
	for m.sent < m.store.last() {
		packet, n := m.packet(m.sent+1, moldEnd-1)
		if n == 0 {
			return
		}
		m.sent += uint64(n)
		m.send(now, packet)
	}
}

func (m *mold) send(now int64, packet []byte) {
	m.lastSent = now
	for i := range m.lines {
		m.lines[i].send(now, packet)
	}
}

func (m *mold) header(seq uint64, count uint16) []byte {
	p := make([]byte, 0, moldPayloadMax)
	p = append(p, m.session[:]...)
	p = binary.BigEndian.AppendUint64(p, seq)
	return binary.BigEndian.AppendUint16(p, count)
}

// packet returns a packet of up to count messages from seq, and how many it has.
func (m *mold) packet(seq uint64, count int) (packet []byte, n int) {
	packet = m.header(seq, 0)
	for n < count {
		msg := m.store.get(seq + uint64(n))
		if msg == nil || len(packet)+2+len(msg) > moldPayloadMax {
			break
		}
		packet = binary.BigEndian.AppendUint16(packet, uint16(len(msg)))
		packet = append(packet, msg...)
		n++
	}
	binary.BigEndian.PutUint16(packet[18:], uint16(n))
	return packet, n
}

// answer is the re-request server: each request is answered by one packet, to
// where it came from.
func (m *mold) answer() {
	defer m.server.market.group.Done()
	buf := make([]byte, 2048)
	for {
		n, from, err := m.requests.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if packet := m.reply(buf[:n]); packet != nil {
			m.requests.WriteToUDPAddrPort(packet, from)
		}
	}
}

// reply returns the answer to a request, nil when there is none: another session,
// or messages not yet sent or no longer stored.
func (m *mold) reply(request []byte) []byte {
	m.server.market.mu.Lock()
	defer m.server.market.mu.Unlock()
	if m.mute || len(request) != moldHeader || string(request[:10]) != string(m.session[:]) {
		return nil
	}
	seq := binary.BigEndian.Uint64(request[10:])
	count := uint64(binary.BigEndian.Uint16(request[18:]))
	if seq == 0 || seq > m.sent {
		return nil
	}
	packet, n := m.packet(seq, int(min(count, m.sent-seq+1)))
	if n == 0 {
		return nil
	}
	return packet
}

// startSession ends the session and forgets it. The next has the next name.
func (m *mold) startSession(now int64) {
	m.flush(now)
	m.send(now, m.header(m.sent+1, moldEnd))
	var n uint64
	fmt.Sscan(string(m.session[:]), &n)
	copy(m.session[:], fmt.Sprintf("%010d", n+1))
	m.store, m.sent = messageStore{}, 0
}

// close sends what is left and the end of the session.
func (m *mold) close(now int64) error {
	m.flush(now)
	m.send(now, m.header(m.sent+1, moldEnd))
	return errors.Join(m.stream.Close(), m.requests.Close())
}
