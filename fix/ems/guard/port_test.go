package guard

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"penstock/internal/freeport"
)

// ipLocalPortRange bounds the ports that the kernel may give to one socket (Linux 6.3): two
// numbers of 16 bits, the lowest first.
const ipLocalPortRange = 51

// connectFrom connects a socket that the kernel may give no other port than one.
func connectFrom(t *testing.T, port, to int) error {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, ipLocalPortRange, port<<16|port); err != nil {
		t.Fatalf("the kernel is older than 6.3: %v", err)
	}
	return unix.Connect(fd, &unix.SockaddrInet4{Port: to, Addr: [4]byte{127, 0, 0, 1}})
}

// TestBoundPortIsTakenAndRefuses: between Bind and Listen clients are refused, nobody else gets the
// port, and no outgoing connection does, which takes it at once when it is free.
func TestBoundPortIsTakenAndRefuses(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to := server.Addr().(*net.TCPAddr).Port
	p, err := Bind("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connection before Listen: %v, %v", c, err)
	}
	if err := connectFrom(t, p.Number(), to); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("an outgoing connection from a bound port: %v", err)
	}
	if q, err := Bind(p.Addr()); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), p.Addr()) {
		t.Errorf("a second Bind: %v, %v", q, err)
	}
	if l, err := net.Listen("tcp", p.Addr()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("another's listener: %v, %v", l, err)
	}
	p.Close()
	if err := connectFrom(t, p.Number(), to); err != nil {
		t.Errorf("an outgoing connection from a port that was given back: %v", err)
	}
}

// TestPortIsHadAgainAtOnce: the connections of the guard before linger (TIME_WAIT, because it
// closed them), and the next one has the port all the same, but for a listener's.
func TestPortIsHadAgainAtOnce(t *testing.T) {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.TCP(t)))
	for range 3 {
		p, err := Bind(addr)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Listen(Config{Port: p, Logf: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		if g.Addr() != addr {
			t.Errorf("listens on %s, not %s", g.Addr(), addr)
		}
		if q, err := Bind(addr); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("the port of a listener is taken: %v, %v", q, err)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(5 * time.Second); g.Open() == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		g.Close()
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("the guard is gone, and %d bytes came", n)
		}
		c.Close()
	}
}

// TestPortsOfBothFamilies: an address without a host, or with one that stands for any, is all of
// them, so clients of either family reach it where a listener of package net is reached.
func TestPortsOfBothFamilies(t *testing.T) {
	reached := func(l net.Listener, client string) bool {
		c, err := net.Dial("tcp", net.JoinHostPort(client, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)))
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for _, addr := range []string{":0", "[::]:0", "0.0.0.0:0", "127.0.0.1:0", "localhost:0"} {
		p, err := Bind(addr)
		if err != nil {
			t.Fatal(err)
		}
		l, err := p.listen()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if !reached(l, "127.0.0.1") {
			t.Errorf("%s: not reached by IPv4", addr)
		}
		if got, want := reached(l, "::1"), reached(plain, "::1"); got != want {
			t.Errorf("%s: reached by IPv6 %v, net's listener %v", addr, got, want)
		}
		l.Close()
		plain.Close()
	}
	if _, err := Bind("127.0.0.1:nowhere"); err == nil {
		t.Error("a port that is none was taken")
	}
}
