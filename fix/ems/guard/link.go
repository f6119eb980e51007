package guard

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"penstock/fix"
)

// link joins one client's connection with one to the library.
type link struct {
	g       *Guard
	peer    string
	ip      netip.Addr
	client  net.Conn
	router  net.Conn // set by connect, before the guard knows the link as owner
	out     *outbox
	session *Session // set before connect
	garbled int
	tag     int // that the reason to close is about; 0: none

	mu   sync.Mutex
	hung bool
}

// sendBufferBytes is what the kernel may hold for one client.
const sendBufferBytes = 256 << 10

func newLink(g *Guard, conn net.Conn) *link {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(sendBufferBytes) // the outbox is the buffer that is watched
	}
	if g.cfg.TLS != nil {
		conn = tls.Server(conn, g.cfg.TLS.Config())
	}
	return &link{g: g, client: conn, peer: conn.RemoteAddr().String(),
		ip: addrPort(conn.RemoteAddr()).Addr(), out: newOutbox(g.cfg.Limits.OutBytes)}
}

// about describes the field and the session for a log line.
func (l *link) about() (text string) {
	if l.tag != 0 {
		text = ", tag " + strconv.Itoa(l.tag)
	}
	if l.session == nil {
		return text
	}
	return text + " (session " + l.session.SenderCompID + "->" + l.session.TargetCompID + ")"
}

// run serves the connection until either side ends it.
func (l *link) run() {
	defer l.client.Close()
	l.client.SetDeadline(time.Now().Add(l.g.cfg.Limits.FirstFrame))
	if t, ok := l.client.(*tls.Conn); ok {
		if err := t.Handshake(); err != nil {
			l.g.refused(l.late(err, TLSHandshake), l)
			return
		}
	}
	reason := l.pumpIn()
	if reason != None {
		l.g.refused(reason, l)
	}
	l.hangUp()
}

// late says whether err is the deadline of the first frame, or else reason.
func (l *link) late(err error, reason Reason) Reason {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return FirstFrameLate
	}
	return reason
}

// hangUp closes both connections; whoever reads or writes them returns.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hung = true
	l.client.Close()
	if l.router != nil {
		l.router.Close()
	}
	l.out.close()
}

// pumpIn reads the client until the end, and returns why it ended: None when
// either side simply closed.
func (l *link) pumpIn() Reason {
	buf, used := make([]byte, 4<<10), 0
	for {
		if used == len(buf) {
			// fix.Frame has not called the message too long, so this stays
			// within twice fix.MaxFrame.
			buf = append(buf, make([]byte, len(buf))...)
		}
		n, err := l.client.Read(buf[used:])
		used += n
		taken, reason := l.frames(buf[:used])
		if reason != None {
			return reason
		}
		used = copy(buf, buf[taken:used])
		if err != nil {
			if l.router == nil {
				return l.late(err, None)
			}
			return None
		}
	}
}

// frames passes on every complete message of buf and returns how many bytes it
// has used up.
func (l *link) frames(buf []byte) (taken int, reason Reason) {
	for taken < len(buf) {
		n, err := fix.Frame(buf[taken:])
		switch {
		case err != nil:
			if n = garbledEnd(buf[taken:], n, err); n == 0 {
				return taken, None // its end is still to come
			}
			reason = l.ignore(garbledReason(buf[taken:], n, err), err)
		case n == 0:
			return taken, None
		default:
			reason = l.message(buf[taken : taken+n])
		}
		if reason != None {
			return taken, reason
		}
		taken += n
	}
	return taken, None
}

var trailerStart = []byte("\x0110=")

// garbledEnd returns how much of buf a garbled message takes with it; next is where
// fix.Frame would look for another. A message whose BodyLength(9) leads elsewhere than
// to its CheckSum(10) ends with the first CheckSum at or after that place, as the
// library has it: so a length that is too long costs the message after it, too, and the
// gap makes the client send both again. 0 means that the end is still to come.
func garbledEnd(buf []byte, next int, err error) int {
	var bad *fix.FrameError
	if !errors.As(err, &bad) || !bytes.HasPrefix(buf, []byte("8=FIX")) || bad.Offset+7 > len(buf) ||
		bad.Offset <= bodyStart(buf) || bytes.HasPrefix(buf[bad.Offset-1:], trailerStart) {
		return next
	}
	start := bytes.Index(buf[bad.Offset-1:], trailerStart)
	if start >= 0 {
		start += bad.Offset
		if end := bytes.IndexByte(buf[start:], fix.SOH); end >= 0 {
			return start + end + 1
		}
	}
	if len(buf) >= fix.MaxFrame {
		return next
	}
	return 0
}

// bodyStart returns where BodyLength(9) ends, 0 when it does not.
func bodyStart(buf []byte) int {
	at := bytes.IndexByte(buf, fix.SOH) + 1
	if end := bytes.IndexByte(buf[at:], fix.SOH); end >= 0 {
		return at + end + 1
	}
	return 0
}

// garbledReason tells, for the count, a message with a wrong checksum from other
// garbled ones: only it is dropped exactly to the end of its CheckSum(10).
func garbledReason(buf []byte, n int, err error) Reason {
	var bad *fix.FrameError
	if errors.As(err, &bad) && n == bad.Offset+len("10=000\x01") &&
		bytes.HasPrefix(buf[bad.Offset:], []byte("10=")) {
		return CheckSum
	}
	return Garbled
}

// ignore counts a message that FIX asks to ignore. Nobody is trusted before the
// Logon, and nobody for ever.
func (l *link) ignore(reason Reason, err error) Reason {
	if l.router == nil {
		return reason
	}
	if l.garbled++; l.garbled > l.g.cfg.Limits.Garbled {
		return TooGarbled
	}
	l.g.counts[reason].Add(1)
	l.g.cfg.Logf("guard: %s: dropped: %s: %v%s", l.peer, reason, err, l.about())
	return None
}

var errField = errors.New("not tag=value")

// message inspects one framed message and sends it to the library.
func (l *link) message(msg []byte) Reason {
	var s summary
	if reason := inspect(msg, &s); reason == Garbled {
		return l.ignore(Garbled, errField)
	} else if reason != None {
		l.tag = s.tag
		return reason
	}
	if string(s.msgType) == "A" {
		if reason := l.logon(&s); reason != None {
			return reason
		}
	} else if l.router == nil {
		return NotLogon
	}
	if _, err := l.router.Write(msg); err != nil {
		return None // the library has closed; pumpOut has noticed or will
	}
	l.g.frames.Add(1)
	return None
}

// logon applies the policy to a Logon, and connects to the library on the first.
func (l *link) logon(s *summary) Reason {
	var peer *tls.ConnectionState
	if t, ok := l.client.(*tls.Conn); ok {
		state := t.ConnectionState()
		peer = &state
	}
	session, reason := l.g.admit(s, l.ip, peer)
	if l.router == nil {
		l.session = session
		if peer != nil && len(peer.PeerCertificates) > 0 {
			l.g.checkCertificate(peer.PeerCertificates[0], l.peer+l.about(), time.Now())
		}
	} else if session != l.session {
		reason = UnknownSession // a connection is of one session for life
	}
	switch reason {
	case None:
	case Credentials:
		l.g.lockout.failed(l.ip, time.Now().UnixNano())
		return reason
	case ResetRefused, HeartBtInt:
		l.sayGoodbye(reason)
		return reason
	default:
		return reason
	}
	if l.router != nil {
		return None
	}
	if !l.g.occupy(l) {
		return SecondLogon
	}
	l.client.SetDeadline(time.Time{})
	return l.connect()
}

// connect dials the library and starts the way back.
func (l *link) connect() Reason {
	router, err := net.Dial("tcp", l.g.cfg.Router)
	if err != nil {
		return RouterUnreached
	}
	l.mu.Lock()
	if l.hung {
		l.mu.Unlock()
		router.Close()
		return None
	}
	l.router = router
	l.mu.Unlock()
	l.g.own(l)
	l.g.wait.Add(2)
	go l.pumpRouter()
	go l.pumpOut()
	return None
}

// pumpRouter moves what the library writes into the outbox.
func (l *link) pumpRouter() {
	defer l.g.wait.Done()
	buf := make([]byte, 32<<10)
	for {
		n, err := l.router.Read(buf)
		if n > 0 && !l.out.put(buf[:n], l.g.cfg.Limits.Patience) {
			l.cutSlow()
			return
		}
		if err != nil {
			// Nobody will cut a slow client from here on, so the clock does.
			l.client.SetWriteDeadline(time.Now().Add(l.g.cfg.Limits.Patience))
			l.out.close()
			return
		}
	}
}

// cutSlow ends the connection of a client that does not read, unless it has
// ended already.
func (l *link) cutSlow() {
	l.mu.Lock()
	hung := l.hung
	l.mu.Unlock()
	if !hung {
		l.g.refused(SlowReader, l)
	}
	l.hangUp()
}

// pumpOut writes the outbox to the client. When the library has closed and all
// is written, the client's connection is closed too.
func (l *link) pumpOut() {
	defer l.g.wait.Done()
	defer l.hangUp()
	for {
		p, ok := l.out.take()
		if !ok {
			return
		}
		if _, err := l.client.Write(p); err != nil {
			return
		}
	}
}

// sayGoodbye tells a refused client why, in a Logout(5), as far as the socket
// takes it at once. The sequence numbers are the library's business and are not
// touched, so the message carries MsgSeqNum 1.
func (l *link) sayGoodbye(reason Reason) {
	if l.router != nil {
		return // the library may be writing
	}
	s := l.session
	body := "35=5\x0134=1\x0149=" + s.SenderCompID + "\x0152=" +
		time.Now().UTC().Format("20060102-15:04:05.000") + "\x0156=" + s.TargetCompID +
		"\x0158=" + reason.String() + "\x01"
	msg := "8=" + s.BeginString + "\x019=" + strconv.Itoa(len(body)) + "\x01" + body
	var sum byte
	for _, c := range []byte(msg) {
		sum += c
	}
	msg += "10=" + string([]byte{'0' + sum/100, '0' + sum/10%10, '0' + sum%10}) + "\x01"
	l.client.Write([]byte(msg))
}
