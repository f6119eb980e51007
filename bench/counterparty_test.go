package bench

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"penstock/fix"
	"penstock/market"
)

// counterparty is the market on the other end of the sockets: it sends feed messages
// as datagrams and takes orders on a TCP connection, with raw system calls on one
// thread that never sleeps.
type counterparty struct {
	tb       testing.TB
	listener int
	port     int
	conn     int // of orders, -1 none
	udp      int // to the feed, -1 none
	session  *fix.Session
	buf      []byte
	held     int // bytes in buf that are not a whole message

	seq     uint64 // of the next message
	packet  []byte
	ref     uint64
	orders  []placed // received and not yet answered
	cancel  []uint64 // orders that are to be cancelled, likewise
	execs   int
	bytes   int   // of the last read that held an order
	sending int64 // nanoseconds of the quickest send of a tick, 0 none yet

	explain func() string // what the router knows, for a failure
}

// placed is an order received.
type placed struct {
	id  uint64
	qty int64
}

const patience = 20 * time.Second

func newCounterparty(tb testing.TB) *counterparty {
	tb.Helper()
	p := &counterparty{tb: tb, conn: -1, udp: -1, buf: make([]byte, 1<<16), seq: 1, execs: 1}
	var err error
	if p.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0); err != nil {
		tb.Fatal(err)
	}
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err = unix.Bind(p.listener, loopback); err == nil {
		err = unix.Listen(p.listener, 4)
	}
	if err != nil {
		tb.Fatal(err)
	}
	at, err := unix.Getsockname(p.listener)
	if err != nil {
		tb.Fatal(err)
	}
	p.port = at.(*unix.SockaddrInet4).Port
	tb.Cleanup(p.close)
	return p
}

func (p *counterparty) addr() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

func (p *counterparty) close() {
	for _, fd := range []int{p.conn, p.udp, p.listener} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	p.conn, p.udp, p.listener = -1, -1, -1
}

// sendTo names where the datagrams go.
func (p *counterparty) sendTo(addr string) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		p.tb.Fatal(err)
	}
	if p.udp, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0); err != nil {
		p.tb.Fatal(err)
	}
	if err := unix.Connect(p.udp, &unix.SockaddrInet4{Addr: ap.Addr().As4(), Port: int(ap.Port())}); err != nil {
		p.tb.Fatal(err)
	}
}

// accept waits for the connection of orders.
func (p *counterparty) accept() {
	p.await("a connection", func() bool {
		fd, _, err := unix.Accept4(p.listener, unix.SOCK_NONBLOCK)
		if err != nil {
			return false
		}
		p.conn = fd
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			p.tb.Fatal(err)
		}
		return true
	})
}

func (p *counterparty) await(what string, done func() bool) { await(p.tb, what, done) }

func await(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			tb.Fatalf("no %s within %v", what, patience)
		}
	}
}

// logon serves the FIX session until the router is logged on.
func (p *counterparty) logon() {
	p.begin()
	p.await("logon", func() bool {
		p.serve(p.read())
		return p.session.State() == fix.Active
	})
}

// begin opens the FIX session on a connection.
func (p *counterparty) begin() {
	var err error
	p.session, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: "VENUE",
		TargetCompID: "PENSTOCK", App: p.app}, nil)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.session.Connected(readClock())
}

// read takes what the socket has, 0 when nothing.
func (p *counterparty) read() int {
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(p.conn), uintptr(unsafe.Pointer(&p.buf[p.held])),
		uintptr(len(p.buf)-p.held), 0, 0, 0)
	if e != 0 {
		if e != unix.EAGAIN && e != unix.EINTR {
			p.tb.Fatal("orders:", e)
		}
		return 0
	}
	if n == 0 {
		p.tb.Fatal("the router closed the connection")
	}
	return int(n)
}

// serve gives n bytes behind those held to the session and sends what it says.
func (p *counterparty) serve(n int) {
	if n == 0 {
		return
	}
	p.held += n
	used := p.session.Receive(readClock(), p.buf[:p.held])
	p.held = copy(p.buf, p.buf[used:p.held])
	p.flush()
}

func (p *counterparty) flush() {
	for len(p.session.Out()) > 0 {
		n, err := unix.Write(p.conn, p.session.Out())
		if err == nil {
			p.session.Wrote(n)
		} else if err != unix.EAGAIN {
			p.tb.Fatal("reports:", err)
		}
	}
}

func (p *counterparty) app(m *fix.Message, _ int64) bool {
	if string(m.Type()) == "D" {
		id, _ := m.Int(fix.TagClOrdID)
		qty, _ := m.Int(fix.TagOrderQty)
		p.orders = append(p.orders, placed{uint64(id), qty})
	} else if string(m.Type()) == "F" {
		id, _ := m.Int(fix.TagOrigClOrdID)
		p.cancel = append(p.cancel, uint64(id))
	}
	return true
}

// answer reports the orders as executed in full, or as cancelled.
func (p *counterparty) answer(fill bool) {
	for _, o := range p.orders {
		w := p.session.Begin(readClock(), "8")
		p.execs++
		w.Uint(11, o.id)
		w.Int(37, int64(p.execs))
		w.Str(17, fmt.Sprint("X", p.execs))
		w.Str(55, "PSTK")
		w.Str(54, "1")
		w.Int(38, o.qty)
		w.Int(151, 0)
		if fill {
			w.Str(150, "F")
			w.Str(39, "2")
			w.Int(14, o.qty)
			w.Int(32, o.qty)
			w.Decimal(31, int64(bestAsk), 4)
		} else {
			w.Str(150, "4")
			w.Str(39, "4")
			w.Int(14, 0)
		}
		if err := p.session.Send(); err != nil {
			p.tb.Fatal(err)
		}
	}
	p.orders = p.orders[:0]
	p.flush()
}

// send sends ITCH messages as one MoldUDP64 packet.
func (p *counterparty) send(messages ...[]byte) {
	p.packet = append(p.packet[:0], "BENCH     "...)
	p.packet = binary.BigEndian.AppendUint64(p.packet, p.seq)
	p.packet = binary.BigEndian.AppendUint16(p.packet, uint16(len(messages)))
	for _, m := range messages {
		p.packet = binary.BigEndian.AppendUint16(p.packet, uint16(len(m)))
		p.packet = append(p.packet, m...)
	}
	p.seq += uint64(len(messages))
	p.sendPacket()
}

func (p *counterparty) sendPacket() {
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(p.udp), uintptr(unsafe.Pointer(&p.packet[0])),
		uintptr(len(p.packet)), 0, 0, 0)
	if e != 0 {
		p.tb.Fatal("datagram:", e)
	}
}

// addMessage is an ITCH add of the next reference, deleteMessage deletes the last one.
func (p *counterparty) addMessage(side byte, price market.Price, qty uint32) []byte {
	p.ref++
	m := make([]byte, 36)
	m[0], m[2], m[19] = 'A', 1, side
	binary.BigEndian.PutUint64(m[11:], p.ref)
	binary.BigEndian.PutUint32(m[20:], qty)
	copy(m[24:], "PSTK    ")
	binary.BigEndian.PutUint32(m[32:], uint32(price))
	return m
}

func (p *counterparty) deleteMessage() []byte {
	m := make([]byte, 19)
	m[0], m[2] = 'D', 1
	binary.BigEndian.PutUint64(m[11:], p.ref)
	return m
}

// Prices of the socket benchmarks, in 1/10000 dollar.
const (
	bestAsk = market.Price(500_000)
	oneTick = market.Price(100)
)

// openBook sends the directory and ten levels a side, none within the parent's limit.
func (p *counterparty) openBook() {
	directory := make([]byte, 39)
	directory[0], directory[2] = 'R', 1
	copy(directory[11:], "PSTK    ")
	p.send(directory)
	for i := range market.Price(10) {
		p.send(p.addMessage('B', bestAsk-oneTick*(i+2), 500), p.addMessage('S', bestAsk+oneTick*(i+2), 500))
	}
}

// tick sends the datagram that leads to an order and returns how long the first bytes of it
// took, how much of that was the send, and whether this thread stood still for stallNanos meanwhile, which says
// nothing of the other side. How long a send takes is the machine's: 1 µs on one, 4 on another. The bytes are in buf,
// for serve.
func (p *counterparty) tick(stallNanos int64) (nanos, sending int64, stalled bool) {
	start := readClock()
	p.sendPacket()
	last := readClock()
	if sending = last - start; p.sending == 0 || sending < p.sending {
		p.sending = sending
	}
	stalled = sending-p.sending > stallNanos
	for n := 0; n == 0; {
		if n = p.read(); n == 0 && last-start > int64(patience) {
			p.tb.Fatal("no order came ", p.lost())
		}
		p.bytes = n
		safepoint()
		now := readClock()
		stalled = stalled || now-last > stallNanos
		last = now
	}
	return last - start, sending, stalled
}

// back answers the order and takes back what led to it.
func (p *counterparty) back() {
	for len(p.orders) == 0 {
		p.serve(p.read())
	}
	p.answer(false)
	p.send(p.deleteMessage())
}

// lost says what is known when an order did not come.
func (p *counterparty) lost() string {
	if p.explain == nil {
		return ""
	}
	return p.explain()
}

// prepare makes the packet that brings the ask to the parent's limit.
func (p *counterparty) prepare() {
	m := p.addMessage('S', bestAsk, 300)
	p.packet = append(p.packet[:0], "BENCH     "...)
	p.packet = binary.BigEndian.AppendUint64(p.packet, p.seq)
	p.packet = binary.BigEndian.AppendUint16(p.packet, 1)
	p.packet = binary.BigEndian.AppendUint16(p.packet, uint16(len(m)))
	p.packet = append(p.packet, m...)
	p.seq++
}
