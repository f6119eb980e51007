package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// gated is a connection behind a gate and its peer.
type gated struct {
	*Conn
	peer *net.TCPConn
}

func newGate(t *testing.T) *Gate {
	t.Helper()
	g, err := NewGate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func (g *Gate) dial(t *testing.T) gated {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dial(t, l.Addr().String())
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	if refused, err := Tune(c, Options{Gate: g}); refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	return gated{c, peer.(*net.TCPConn)}
}

func (c gated) say(t *testing.T, text string) {
	t.Helper()
	if _, err := c.peer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// arrived waits until the socket has something, whatever the gate says.
func (c gated) arrived(t *testing.T) {
	t.Helper()
	if n, err := newPoller(t).Wait([]PollFD{{FD: c.FD()}}, patience); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func (c gated) reads(t *testing.T, room int, want string) {
	t.Helper()
	buf := make([]byte, room)
	n, err := c.Read(buf)
	if err != nil || string(buf[:n]) != want {
		t.Fatalf("read %q, %v, want %q", buf[:n], err, want)
	}
}

func TestGateLetsReadWhatLookFound(t *testing.T) {
	g := newGate(t)
	a, b := g.dial(t), g.dial(t)
	a.say(t, "abcdef")
	a.arrived(t)
	g.Look()
	b.say(t, "late")
	b.arrived(t)
	b.reads(t, 9, "") // not asked for
	a.reads(t, 4, "abcd")
	a.reads(t, 4, "ef") // the first filled its buffer: there may be more
	a.reads(t, 4, "")
	g.Look()
	b.reads(t, 9, "late")
	g.Open()
	a.say(t, "at once")
	a.arrived(t)
	a.reads(t, 9, "at once")
}

// TestGateIsLevelTriggered: what a turn left is found by the next.
func TestGateIsLevelTriggered(t *testing.T) {
	g := newGate(t)
	c := g.dial(t)
	c.say(t, "abcd")
	c.arrived(t)
	for _, want := range []string{"ab", "cd", ""} {
		g.Look()
		c.reads(t, 2, want)
	}
}

func TestGateTellsTheEndOfAConnection(t *testing.T) {
	ends := map[string]func(gated) error{
		"half-closed": func(c gated) error { return c.peer.CloseWrite() },
		"closed":      func(c gated) error { return c.peer.Close() },
		"reset":       func(c gated) error { return errors.Join(c.peer.SetLinger(0), c.peer.Close()) },
		"cut by us":   func(c gated) error { return unix.Shutdown(c.FD(), unix.SHUT_RDWR) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			c := g.dial(t)
			g.Look()
			c.reads(t, 9, "")
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			c.arrived(t)
			g.Look()
			_, err := c.Read(make([]byte, 9))
			if name == "reset" && !errors.Is(err, unix.ECONNRESET) || name != "reset" && err != io.EOF {
				t.Fatal(err)
			}
			g.Look()
			if _, err := c.Read(make([]byte, 9)); err != io.EOF {
				t.Fatal("again:", err)
			}
		})
	}
}

// TestGateOutlivesItsConnections: numbers are used again, by connections that are their own.
func TestGateOutlivesItsConnections(t *testing.T) {
	g := newGate(t)
	a, b := g.dial(t), g.dial(t)
	a.say(t, "lost")
	a.arrived(t)
	a.Close()
	c := g.dial(t)
	if c.door.number != 0 || len(g.doors) != 2 {
		t.Errorf("door %d of %d", c.door.number, len(g.doors))
	}
	c.say(t, "c")
	c.arrived(t)
	g.Look()
	b.reads(t, 9, "")
	c.reads(t, 9, "c")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	c.say(t, "free")
	c.arrived(t)
	c.reads(t, 9, "free")
}

// TestGateFindsMoreThanOneLookTells: nobody is passed over.
func TestGateFindsMoreThanOneLookTells(t *testing.T) {
	g := newGate(t)
	all := make([]gated, gateEvents+10)
	for i := range all {
		all[i] = g.dial(t)
		all[i].say(t, "x")
		all[i].arrived(t)
	}
	heard := 0
	for range 2 {
		g.Look()
		for _, c := range all {
			n, err := c.Read(make([]byte, 9))
			if err != nil {
				t.Fatal(err)
			}
			heard += n
		}
	}
	if heard != len(all) {
		t.Errorf("heard %d of %d", heard, len(all))
	}
}

// TestGateTakesConnectionsThatAreNotOpenYet, as a gateway tunes them.
func TestGateTakesConnectionsThatAreNotOpenYet(t *testing.T) {
	g := newGate(t)
	s, err := DialStream(listenAt(t), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if refused, err := Tune(s, Options{Gate: g}); refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	for deadline := time.Now().Add(patience); ; {
		g.Look()
		state, err := s.Poll()
		if err != nil {
			t.Fatal(err)
		}
		if state == Open {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not open")
		}
	}
}

func TestNoGateForWhoPollsItsDevice(t *testing.T) {
	g := newGate(t)
	c := g.dial(t)
	c.door.leave(c.FD())
	refused, err := Tune(c.Conn, Options{Gate: g, BusyPollMicros: 1})
	if err != nil {
		t.Fatal(err)
	}
	if behind := c.door.gate != nil; behind != (refused != nil) {
		t.Errorf("behind the gate: %v; SO_BUSY_POLL: %v", behind, refused)
	}
}

func TestLookDoesNotAllocate(t *testing.T) {
	g := newGate(t)
	c := g.dial(t)
	buf := make([]byte, 9)
	if n := testing.AllocsPerRun(100, func() { g.Look(); c.Read(buf); g.Open() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var none *Gate
	none.Look()
	none.Open()
}

// TestGateAsksForDatagrams: what came after Look waits for the next one, what Look found is read to the
// end, and a socket that is closed leaves the gate.
func TestGateAsksForDatagrams(t *testing.T) {
	g := newGate(t)
	var sockets [2]*UDP
	for i := range sockets {
		u := listenUDP(t, "127.0.0.1:0")
		if err := u.Gate(g); err != nil {
			t.Fatal(err)
		}
		sockets[i] = u
	}
	sender := listenUDP(t, "127.0.0.1:0")
	say := func(to int, text string) {
		t.Helper()
		if sent, err := sender.WriteTo([]byte(text), sockets[to].local); !sent || err != nil {
			t.Fatal(sent, err)
		}
	}
	reads := func(from int, want string) {
		t.Helper()
		var buf [16]byte
		n, err := sockets[from].Read(buf[:])
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("socket %d: %q, %v, want %q", from, buf[:n], err, want)
		}
	}
	say(0, "a")
	say(0, "b")
	g.Look()
	say(1, "late")
	reads(1, "")
	reads(0, "a")
	reads(0, "b")
	reads(0, "")
	say(0, "c")
	reads(0, "") // it was found empty
	g.Look()
	reads(1, "late")
	reads(0, "c")
	g.Open()
	say(1, "at once")
	reads(1, "at once")
	if err := sockets[0].Close(); err != nil {
		t.Fatal(err)
	}
	if g.Look(); g.doors[0] != nil || !g.shut {
		t.Errorf("a closed socket is in the gate")
	}
}

// TestGateAsksForTLS: a connection in TLS reads through a gate what it reads without, in both directions at once and to
// its end, and asks the kernel for nothing between two looks that found nothing.
func TestGateAsksForTLS(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			g, ca := newGate(t), newAuthority(t)
			server := ca.server("venue.test")
			server.MinVersion, server.MaxVersion = version, version
			const size = 1 << 20
			late, end := make(chan struct{}), make(chan struct{})
			c := tlsPair(t, ca, server, func(s *tls.Conn) {
				io.CopyN(s, s, size)
				<-late
				s.Write([]byte("late"))
				<-end
				s.Close()
			})
			if refused, err := Tune(c, Options{Gate: g}); refused != nil || err != nil {
				t.Fatal(refused, err)
			}
			if err := untilOpen(t, c); err != nil {
				t.Fatal(err)
			}
			read := func(buf []byte) (int, error) {
				g.Look()
				defer g.Open()
				return c.Read(buf)
			}
			sent, buf, p := make([]byte, size), make([]byte, 8<<10), newPoller(t)
			rand.Read(sent)
			var got []byte
			for left := sent; len(got) < size; {
				n, err := c.Write(left)
				if err != nil {
					t.Fatal(err)
				}
				left = left[n:]
				k, err := read(buf)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, buf[:k]...); n == 0 && k == 0 {
					p.Wait([]PollFD{c.PollFD(len(left) > 0)}, patience/100)
				}
			}
			if !bytes.Equal(got, sent) {
				t.Fatal("other bytes came back")
			}
			for range 3 {
				if n, err := read(buf); n != 0 || err != nil {
					t.Fatal(n, err)
				}
			}
			g.Look()
			close(late)
			if n, err := newPoller(t).Wait([]PollFD{{FD: c.FD()}}, patience); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if n, err := c.Read(buf); n != 0 || err != nil {
				t.Fatalf("%d bytes that no look has found, %v", n, err)
			}
			g.Open()
			for deadline := time.Now().Add(patience); ; {
				n, err := read(buf)
				if err == io.EOF {
					break
				}
				if err != nil || time.Now().After(deadline) {
					t.Fatal("no end: ", err)
				}
				if string(buf[:n]) == "late" {
					close(end)
				}
			}
			c.Close()
			if g.doors[0] != nil {
				t.Error("it is closed and in the gate")
			}
		})
	}
}

// TestGateIsLeftAmidAHandshake: who gives a handshake up has no place in the gate any more.
func TestGateIsLeftAmidAHandshake(t *testing.T) {
	g, l := newGate(t), listen(t, "127.0.0.1:0") // who accepts and says nothing
	config, err := ClientTLS(TLSFiles{ServerName: "venue.test"})
	if err != nil {
		t.Fatal(err)
	}
	c := dialTLS(t, l.Addr().String(), config, patience)
	if refused, err := Tune(c, Options{Gate: g}); refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	for deadline := time.Now().Add(patience); c.bell < 0; {
		if _, err := c.Poll(); err != nil || time.Now().After(deadline) {
			t.Fatal("no handshake: ", err)
		}
	}
	g.Look()
	if err := c.Close(); err != nil || g.doors[0] != nil {
		t.Errorf("%v, in the gate %v", err, g.doors[0] != nil)
	}
	g.Look()
	g.Open()
}
