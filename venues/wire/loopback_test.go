package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func newLoopback(t *testing.T) *Loopback {
	t.Helper()
	l, err := NewLoopback()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestLoopbackCarriesMessagesByTurns: what one end sends the other reads, then that one sends. After the
// first few no packet is an acknowledgement alone.
func TestLoopbackCarriesMessagesByTurns(t *testing.T) {
	l := newLoopback(t)
	var sent, buf [512]byte
	message := func(i int) []byte {
		p := sent[:1+i%len(sent)]
		for k := range p {
			p[k] = byte(i + k)
		}
		return p
	}
	exchange := func(i int) {
		p := message(i)
		if err := l.Send(p); err != nil {
			t.Fatal(err)
		}
		if n, err := l.Receive(buf[:]); err != nil || !bytes.Equal(buf[:n], p) {
			t.Fatalf("message %d: %d bytes, %v", i, n, err)
		}
	}
	const warm, messages = 100, 1000
	for i := range warm {
		exchange(i)
	}
	before := packets(t, l)
	for i := range messages {
		exchange(i)
	}
	if n := packets(t, l) - before; n > messages+messages/10 {
		t.Errorf("%d messages in %d packets", messages, n)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { exchange(i); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for i, c := range l.ends {
		if peer := l.ends[1-i].LocalAddr(); c.addr != peer || !peer.Addr().IsLoopback() {
			t.Errorf("end %d is connected to %v, the other one is %v", i, c.addr, peer)
		}
	}
}

// packets is how many both ends have sent.
func packets(t *testing.T, l *Loopback) (n uint32) {
	t.Helper()
	for _, c := range l.ends {
		info, err := unix.GetsockoptTCPInfo(c.FD(), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Fatal(err)
		}
		n += info.Segs_out
	}
	return n
}

// TestLoopbackSaysWhenItEnds: an end that is shut down, or that nobody reads, is an error and no wait.
func TestLoopbackSaysWhenItEnds(t *testing.T) {
	l := newLoopback(t)
	var err error
	for range 1 << 16 {
		if err = l.Send(make([]byte, 1024)); err != nil {
			break
		}
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Errorf("nobody reads: %v", err)
	}
	l = newLoopback(t)
	unix.Shutdown(l.ends[0].FD(), unix.SHUT_RDWR)
	if err := l.Send([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("shut down: %v", err)
	}
	if _, err := l.Receive(make([]byte, 8)); err != io.EOF {
		t.Errorf("the other end: %v", err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}

// TestLoopbackRefusesOthers: who else connects to the listener is closed.
func TestLoopbackRefusesOthers(t *testing.T) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := errors.Join(unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(listener, 4)); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	at := addrPort(sa)
	stranger, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	own, err := DialAddr(netip.AddrPortFrom(at.Addr(), at.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c, err := acceptFrom(listener, own)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.addr != own.LocalAddr() {
		t.Errorf("%v was accepted, we are %v", c.addr, own.LocalAddr())
	}
	if n, err := stranger.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the stranger read %d bytes, %v", n, err)
	}
}
