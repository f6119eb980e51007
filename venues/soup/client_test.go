package soup

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"penstock/venues/wire"
)

// patience bounds every wait of these tests; none takes a fraction of it.
const patience = 10 * time.Second

// clientTest is a client and a server on loopback that says what the test says.
type clientTest struct {
	t        *testing.T
	listener net.Listener
	client   *Client
	poller   *wire.Poller
	got      []string
}

func newClientTest(t *testing.T, change ...func(*ClientConfig)) *clientTest {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := ClientConfig{SessionConfig: testConfig(), Addr: l.Addr().String(),
		ConnectNanos: 5 * second, RetryNanos: second / 100, RetryMaxNanos: second / 20}
	for _, f := range change {
		f(&cfg)
	}
	c := &clientTest{t: t, listener: l}
	if c.client, err = NewClient(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.client.Close() })
	if c.poller, err = wire.NewPoller(2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.poller.Close() })
	return c
}

// until works the client until done.
func (c *clientTest) until(what string, done func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		now := time.Now()
		if now.After(deadline) {
			c.t.Fatalf("no %s; got %v, error %v", what, c.got, c.client.Err())
		}
		n := c.client.Work(now.UnixNano())
		for m, ok := c.client.Next(now.UnixNano()); ok; m, ok = c.client.Next(now.UnixNano()) {
			c.got = append(c.got, fmt.Sprintf("%d:%s", m.Sequence, m.Data))
			n++
		}
		if n == 0 {
			if _, err := c.poller.Wait(c.client.PollFDs(nil), time.Millisecond); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// accept takes the next connection and its login, while the client works.
func (c *clientTest) accept() (net.Conn, string) {
	c.t.Helper()
	type result struct {
		conn  net.Conn
		login string
	}
	done := make(chan result, 1)
	go func() {
		conn, err := c.listener.Accept()
		if err != nil {
			done <- result{}
			return
		}
		login := make([]byte, lengthSize+1+loginSize)
		conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(conn, login); err != nil {
			login = nil
		}
		done <- result{conn, string(login)}
	}()
	var r result
	c.until("login", func() bool {
		select {
		case r = <-done:
			return true
		default:
			return false
		}
	})
	if r.conn == nil || r.login == "" {
		c.t.Fatal("no login came")
	}
	c.t.Cleanup(func() { r.conn.Close() })
	return r.conn, r.login
}

func (c *clientTest) wants(text string) func() bool {
	return func() bool { return strings.Join(c.got, " ") == text }
}

func TestClientReconnectsBehindTheLastMessage(t *testing.T) {
	c := newClientTest(t)
	if n := c.client.Work(1); n != 0 || c.client.Running() {
		t.Fatal("works before Start")
	}
	c.client.Start()
	conn, login := c.accept()
	if !strings.HasSuffix(login, fmt.Sprintf("%20d", 1)) {
		t.Errorf("login %q", login)
	}
	io.WriteString(conn, accepted("SESS01", 1)+packet('S', "a")+packet('S', "b")+"\x00\x09S")
	conn.Close()
	c.until("messages", c.wants("1:a 2:b"))
	conn, login = c.accept()
	if !strings.HasSuffix(login, "    SESS01"+fmt.Sprintf("%20d", 3)) {
		t.Errorf("second login %q", login)
	}
	if c.client.Lost() != 1 || !errors.Is(c.client.Err(), ErrClosedByServer) {
		t.Errorf("lost %d: %v", c.client.Lost(), c.client.Err())
	}
	io.WriteString(conn, accepted("SESS01", 3)+packet('S', "c"))
	c.until("message", c.wants("1:a 2:b 3:c"))
	if !c.client.Active() {
		t.Error("not active")
	}
	if err := c.client.Send(time.Now().UnixNano(), []byte("order")); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 8)
	if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != packet('U', "order") {
		t.Errorf("%q %v", buf, err)
	}
	io.WriteString(conn, packet('Z', ""))
	c.until("end of session", func() bool { return !c.client.Running() })
	if c.client.Session().State() != Ended || c.client.Lost() != 1 {
		t.Errorf("%s", c.client.Session().State())
	}
}

func TestClientStartsAfresh(t *testing.T) {
	c := newClientTest(t, func(c *ClientConfig) { c.Afresh = true })
	c.client.Start()
	conn, first := c.accept()
	io.WriteString(conn, accepted("SESS01", 1)+packet('S', "a"))
	conn.Close()
	c.until("message", c.wants("1:a"))
	conn, second := c.accept()
	if first != second {
		t.Errorf("logins %q and %q", first, second)
	}
	c.client.Stop(time.Now().UnixNano())
	if rest, _ := io.ReadAll(conn); len(rest) != 0 { // not accepted: no goodbye
		t.Errorf("%q", rest)
	}
	if c.client.Running() || len(c.client.PollFDs(nil)) != 0 {
		t.Error("still there after Stop")
	}
}

func TestClientSaysGoodbye(t *testing.T) {
	c := newClientTest(t)
	c.client.Start()
	conn, _ := c.accept()
	io.WriteString(conn, accepted("SESS01", 1)+packet('S', "a"))
	c.until("message", c.wants("1:a"))
	c.client.Stop(time.Now().UnixNano())
	if rest, err := io.ReadAll(conn); string(rest) != packet('O', "") || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

func TestHalfOpenServerIsGivenUp(t *testing.T) {
	c := newClientTest(t, func(c *ClientConfig) { c.LoginNanos = second / 20 })
	c.client.Start()
	c.accept()
	c.until("silence", func() bool { return c.client.Lost() >= 2 })
	if !errors.Is(c.client.Err(), ErrSilent) || c.client.Session().Stats().Silences < 2 {
		t.Errorf("%v", c.client.Err())
	}
}

func TestRejectedAndRefusedConnectionsAreTriedAgain(t *testing.T) {
	c := newClientTest(t)
	c.client.Start()
	conn, _ := c.accept()
	io.WriteString(conn, packet('J', "A"))
	var reject *RejectError
	c.until("rejection", func() bool { return errors.As(c.client.Err(), &reject) })
	c.listener.Close()
	c.until("refusals", func() bool { return c.client.Lost() >= 3 })
}

// The pause doubles from RetryNanos to RetryMaxNanos, and each is drawn from its
// upper half.
func TestPausesGrowAndAreJittered(t *testing.T) {
	c := newClientTest(t, func(c *ClientConfig) { c.RetryNanos, c.RetryMaxNanos, c.Seed = 1000, 50_000, 9 })
	seen := map[int64]bool{}
	for fails := range 100 {
		c.client.fails = fails
		full := int64(50_000)
		if fails < 6 {
			full = min(full, 1000<<fails)
		}
		p := c.client.pause()
		if p < full/2 || p > full {
			t.Errorf("after %d failures %d ns, want %d to %d", fails, p, full/2, full)
		}
		seen[p] = true
	}
	if len(seen) < 90 {
		t.Errorf("%d different pauses of 100", len(seen))
	}
}

func TestClientRefusesBadConfiguration(t *testing.T) {
	good := ClientConfig{SessionConfig: testConfig(), Addr: "127.0.0.1:9", ConnectNanos: 1, RetryNanos: 1, RetryMaxNanos: 1}
	for name, spoil := range map[string]func(*ClientConfig){
		"address": func(c *ClientConfig) { c.Addr = "nowhere" },
		"connect": func(c *ClientConfig) { c.ConnectNanos = 0 },
		"retry":   func(c *ClientConfig) { c.RetryNanos = 0 },
		"longest": func(c *ClientConfig) { c.RetryMaxNanos = 0 },
		"user":    func(c *ClientConfig) { c.User = "much too long" },
	} {
		c := good
		spoil(&c)
		if _, err := NewClient(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
