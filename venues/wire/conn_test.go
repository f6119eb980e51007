package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait of these tests; none takes a fraction of it.
const patience = 10 * time.Second

func newPoller(t *testing.T) *Poller {
	t.Helper()
	p, err := NewPoller(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// dial connects to addr and waits until the connection is open.
func dial(t *testing.T, addr string) *Conn {
	t.Helper()
	c, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p := newPoller(t)
	for deadline := time.Now().Add(patience); ; {
		state, err := c.Poll()
		if err != nil {
			t.Fatal(err)
		}
		if state == Open {
			return c
		}
		if _, err := p.Wait([]PollFD{{c.FD(), true}}, time.Until(deadline)); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("not connected in time")
		}
	}
}

// loopbacks returns the loopback addresses of this host; not every one has IPv6.
func loopbacks(t *testing.T) []string {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Logf("not tested: IPv6: %v", err)
		return []string{"127.0.0.1:0"}
	}
	l.Close()
	return []string{"127.0.0.1:0", "[::1]:0"}
}

func listen(t *testing.T, addr string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func accept(t *testing.T, l *net.TCPListener) net.Conn {
	t.Helper()
	l.SetDeadline(time.Now().Add(patience))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// readAll reads until the end or n bytes.
func readAll(t *testing.T, c *Conn, n int) ([]byte, error) {
	t.Helper()
	p := newPoller(t)
	var got []byte
	buf := make([]byte, 4096)
	for deadline := time.Now().Add(patience); len(got) < n; {
		k, err := c.Read(buf)
		got = append(got, buf[:k]...)
		if err != nil {
			return got, err
		}
		if k > 0 {
			continue
		}
		if _, err := p.Wait([]PollFD{{FD: c.FD()}}, time.Until(deadline)); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d of %d bytes in time", len(got), n)
		}
	}
	return got, nil
}

func TestConnCarriesBytesBothWays(t *testing.T) {
	for _, addr := range loopbacks(t) {
		t.Run(addr, func(t *testing.T) {
			l := listen(t, addr)
			c := dial(t, l.Addr().String())
			peer := accept(t, l)
			if n, err := c.Read(make([]byte, 10)); n != 0 || err != nil {
				t.Errorf("nothing there: got %d, %v", n, err)
			}
			if n, err := c.Write([]byte("hello")); n != 5 || err != nil {
				t.Fatal(n, err)
			}
			buf := make([]byte, 5)
			if _, err := io.ReadFull(peer, buf); err != nil || string(buf) != "hello" {
				t.Fatalf("%q, %v", buf, err)
			}
			peer.Write([]byte("world"))
			if got, err := readAll(t, c, 5); string(got) != "world" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			if c.LocalAddr().String() != peer.RemoteAddr().String() {
				t.Errorf("local address %v, the peer sees %v", c.LocalAddr(), peer.RemoteAddr())
			}
			noDelay, err := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY)
			if noDelay == 0 || err != nil {
				t.Errorf("TCP_NODELAY is %d, %v", noDelay, err)
			}
		})
	}
}

func TestPeerCloseIsEOFAfterItsBytes(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dial(t, l.Addr().String())
	peer := accept(t, l)
	peer.Write([]byte("bye"))
	peer.Close()
	got, err := readAll(t, c, 100)
	if string(got) != "bye" || err != io.EOF {
		t.Errorf("got %q, %v, want bye and EOF", got, err)
	}
}

func TestPeerResetIsAnError(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dial(t, l.Addr().String())
	peer := accept(t, l)
	peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	_, err := readAll(t, c, 1)
	if !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("read: got %v, want a reset", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("write: got %v, want a broken pipe and no signal", err)
	}
}

func TestFullSendBufferTakesNothing(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dial(t, l.Addr().String())
	peer := accept(t, l)
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	sent := 0
	for {
		n, err := c.Write(chunk)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		sent += n
	}
	done := make(chan int, 1)
	go func() {
		n, _ := io.Copy(io.Discard, io.LimitReader(peer, int64(sent)))
		done <- int(n)
	}()
	// Writable again once the peer reads.
	if n, err := newPoller(t).Wait([]PollFD{{c.FD(), true}}, patience); n != 1 || err != nil {
		t.Fatalf("poll: %d, %v", n, err)
	}
	if n, err := c.Write([]byte("x")); n != 1 || err != nil {
		t.Errorf("after the peer read: %d, %v", n, err)
	}
	if n := <-done; n != sent {
		t.Errorf("the peer got %d of %d bytes", n, sent)
	}
}

func TestRefusedConnectionIsReported(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	addr := l.Addr().String()
	l.Close()
	c, err := Dial(addr)
	if err == nil {
		p := newPoller(t)
		for state := Connecting; state == Connecting; {
			if _, err := p.Wait([]PollFD{{c.FD(), true}}, patience); err != nil {
				t.Fatal(err)
			}
			state, err = c.Poll()
		}
		if c.FD() != -1 {
			t.Error("the descriptor stays open")
		}
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("got %v, want refused", err)
	}
}

func TestClosedConnSaysSo(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dial(t, l.Addr().String())
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if state, err := c.Poll(); state != Closed || err != nil {
		t.Errorf("poll: %v, %v", state, err)
	}
}

func TestNamesAreResolvedAndBadOnesRefused(t *testing.T) {
	if ap, err := Resolve("localhost:80"); err != nil || !ap.Addr().IsLoopback() || ap.Port() != 80 {
		t.Errorf("localhost: %v, %v", ap, err)
	}
	if ap, err := Resolve(":80"); err != nil || ap.String() != "127.0.0.1:80" {
		t.Errorf("no host: %v, %v", ap, err)
	}
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:99999", "[::1%nosuchif0]:1"} {
		if c, err := Dial(addr); err == nil {
			c.Close()
			t.Errorf("%q: accepted", addr)
		}
	}
}

func TestConnDoesNotAllocate(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dial(t, l.Addr().String())
	accept(t, l)
	b := make([]byte, 64)
	if n := testing.AllocsPerRun(50, func() {
		c.Write(b[:1])
		c.Read(b)
		c.Poll()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
