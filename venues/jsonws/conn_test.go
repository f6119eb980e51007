package jsonws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"penstock/venues/wire"
)

// peer is a real WebSocket server on loopback; serve runs with each connection
// after the handshake, and closes it when it returns.
func peer(t *testing.T, serve func(net.Conn)) string {
	return rawPeer(t, func(c net.Conn) {
		if _, err := ws.Upgrade(c); err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		serve(c)
	})
}

func rawPeer(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// readFrame reads one short frame of the client and takes its mask off.
func readFrame(c net.Conn) (h ws.Header, payload []byte, err error) {
	if h, err = ws.ReadHeader(c); err != nil || h.Length > 1000 {
		return h, nil, fmt.Errorf("header %+v: %v", h, err)
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(c, payload)
	ws.Cipher(payload, h.Mask, 0)
	return h, payload, err
}

func dial(t *testing.T, addr string, maxMessage int) *Conn {
	ap, err := wire.Resolve(addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(ConnConfig{Addr: ap, Host: addr, Path: "/v2", MaxMessage: maxMessage})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func wait(t *testing.T, fds ...wire.PollFD) {
	p, err := wire.NewPoller(len(fds))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if n, err := p.Wait(fds, 10*time.Second); err != nil || n == 0 {
		t.Fatalf("nothing came: %v", err)
	}
}

// next waits for the next message or error.
func next(t *testing.T, c *Conn) ([]byte, error) {
	for {
		text, err := c.Next()
		if text != nil || err != nil {
			return text, err
		}
		wait(t, c.PollFD())
	}
}

func untilOpen(t *testing.T, c *Conn) {
	for !c.Open() {
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
		if !c.Open() {
			wait(t, c.PollFD())
		}
	}
}

func TestConnTalksWithARealServer(t *testing.T) {
	addr := peer(t, func(c net.Conn) {
		for {
			msg, op, err := wsutil.ReadClientData(c)
			if err != nil || wsutil.WriteServerMessage(c, op, msg) != nil {
				return
			}
		}
	})
	c := dial(t, addr, 1<<20)
	untilOpen(t, c)
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 200_000} {
		sent := bytes.Repeat([]byte("x"), n)
		if err := c.Send(sent); err != nil {
			t.Fatal(err)
		}
		got, err := next(t, c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back as %d: %v", n, len(got), err)
		}
	}
}

func TestConnAnswersPingAndJoinsFragments(t *testing.T) {
	pong := make(chan string, 1)
	addr := peer(t, func(c net.Conn) {
		ws.WriteFrame(c, ws.NewFrame(ws.OpText, false, []byte("one ")))
		ws.WriteFrame(c, ws.NewPingFrame([]byte("payload")))
		ws.WriteFrame(c, ws.NewFrame(ws.OpContinuation, false, []byte("two ")))
		ws.WriteFrame(c, ws.NewPongFrame(nil))
		ws.WriteFrame(c, ws.NewFrame(ws.OpContinuation, true, []byte("three")))
		ws.WriteFrame(c, ws.NewTextFrame([]byte("four")))
		h, payload, err := readFrame(c)
		pong <- fmt.Sprintf("%v %v %s %v", h.OpCode == ws.OpPong, h.Masked, payload, err)
		io.Copy(io.Discard, c)
	})
	c := dial(t, addr, 100)
	for _, want := range []string{"one two three", "four"} {
		if got, err := next(t, c); err != nil || string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	if got := <-pong; got != "true true payload <nil>" {
		t.Fatal(got)
	}
}

func TestConnReportsTheClose(t *testing.T) {
	answer := make(chan ws.StatusCode, 1)
	addr := peer(t, func(c net.Conn) {
		ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "restart")))
		_, payload, _ := readFrame(c)
		code, _ := ws.ParseCloseFrameData(payload)
		answer <- code
	})
	c := dial(t, addr, 100)
	_, err := next(t, c)
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Code != 1001 || closed.Reason != "restart" {
		t.Fatal(err)
	}
	if code := <-answer; code != 1001 {
		t.Fatalf("answered with %d", code)
	}
	if c.Send(nil) != ErrNotOpen {
		t.Fatal("sent after the close")
	}
}

func TestConnRefusesWhatTheProtocolForbids(t *testing.T) {
	big := ws.NewTextFrame(make([]byte, 101))
	for name, frame := range map[string][]byte{
		"too big":             ws.MustCompileFrame(big),
		"too big, header":     {0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0},
		"masked":              ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("x")))),
		"reserved bit":        {0xC1, 0},
		"reserved code":       {0x83, 0},
		"long form of short":  {0x81, 126, 0, 5, 1, 2, 3, 4, 5},
		"long form of medium": {0x81, 127, 0, 0, 0, 0, 0, 0, 0, 5},
		"negative length":     {0x81, 127, 255, 0, 0, 0, 0, 0, 0, 5},
		"continuation first":  {0x80, 0},
		"text in fragments":   {0x01, 1, 'x', 0x81, 0},
		"long ping":           append([]byte{0x89, 126, 0, 126}, make([]byte, 126)...),
		"fragments too big":   append(append([]byte{0x01, 60}, make([]byte, 60)...), 0x80, 60),
	} {
		addr := peer(t, func(c net.Conn) {
			c.Write(frame)
			io.Copy(io.Discard, c)
		})
		c := dial(t, addr, 100)
		if got, err := next(t, c); err == nil {
			t.Errorf("%s: took %q", name, got)
		}
		c.Close()
	}
}

func TestHandshakeIsChecked(t *testing.T) {
	good := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n" +
		"Connection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	const key = "dGhlIHNhbXBsZSBub25jZQ==" // the sample of RFC 6455 §1.3
	if n, err := parseUpgrade([]byte(good+"\x81\x00"), key); err != nil || n != len(good) {
		t.Fatalf("%d %v", n, err)
	}
	for n := range good {
		if got, err := parseUpgrade([]byte(good[:n]), key); got != 0 || err != nil {
			t.Fatalf("%d of %d bytes: %d %v", n, len(good), got, err)
		}
	}
	for old, spoiled := range map[string]string{
		"101 Switching Protocols": "403 Forbidden",
		"Upgrade: WebSocket":      "Upgrade: h2c",
		"keep-alive, Upgrade":     "keep-alive",
		"s3pPLMBiTxaQ":            "S3pPLMBiTxaQ",
		"xOo=\r\n":                "xOo=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
		"xOo=":                    "xOo=\r\nSec-WebSocket-Protocol: x",
		"HTTP/1.1":                "HTP/1.1",
		"Upgrade: WebSocket\r\n":  strings.Repeat("X: y\r\n", headMax/6),
	} {
		_, err := parseUpgrade([]byte(strings.Replace(good, old, spoiled, 1)), key)
		var e *HandshakeError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", spoiled[:min(20, len(spoiled))], err)
		}
	}
	if _, err := parseUpgrade(bytes.Repeat([]byte("x"), headMax+1), key); err == nil {
		t.Error("endless head accepted")
	}
}

func TestRefusedUpgradeIsAnError(t *testing.T) {
	addr := rawPeer(t, func(c net.Conn) {
		c.Write([]byte("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"))
		io.Copy(io.Discard, c)
	})
	_, err := next(t, dial(t, addr, 100))
	var e *HandshakeError
	if !errors.As(err, &e) || e.Status != 429 {
		t.Fatal(err)
	}
}

func TestConnectionsThatBreakAreErrors(t *testing.T) {
	addr := peer(t, func(c net.Conn) { c.Write([]byte{0x81, 5, 'h', 'a'}) })
	if _, err := next(t, dial(t, addr, 100)); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	addr = peer(t, func(c net.Conn) {})
	c := dial(t, addr, 100)
	if _, err := next(t, c); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
}

// Frames of gobwas and ours are read by both, whatever the length.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("hello"), uint32(7))
	f.Add(make([]byte, 70_000), uint32(1<<31))
	f.Fuzz(func(t *testing.T, payload []byte, seed uint32) {
		mask := [4]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)}
		ours := appendFrame(nil, ws.OpText, payload, mask)
		theirs := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame(payload), mask))
		if !bytes.Equal(ours, theirs) {
			t.Fatalf("%x, want %x", ours[:20], theirs[:20])
		}
		h, n, err := parseHeader(ours)
		if err != nil || n != len(ours)-len(payload) || h.Length != int64(len(payload)) ||
			h.Mask != mask {
			t.Fatalf("%+v %d %v", h, n, err)
		}
		if h, n, err = parseHeader(payload); n > 0 && err == nil {
			want, err := ws.ReadHeader(bytes.NewReader(payload))
			if err != nil || want != h {
				t.Fatalf("%x: %+v, want %+v %v", payload, h, want, err)
			}
		}
	})
}

func TestConnDoesNotAllocatePerMessage(t *testing.T) {
	release := make(chan struct{})
	addr := peer(t, func(c net.Conn) {
		frame := ws.MustCompileFrame(ws.NewTextFrame(bytes.Repeat([]byte("x"), 300)))
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 { // writes that cut frames anywhere
			all := bytes.Repeat(frame, 10)
			cut := r.IntN(len(all))
			c.Write(all[:cut])
			c.Write(all[cut:])
		}
		<-release
	})
	defer close(release)
	c := dial(t, addr, 1000)
	for range 100 {
		if _, err := next(t, c); err != nil {
			t.Fatal(err)
		}
	}
	p, err := wire.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	fds := []wire.PollFD{c.PollFD()}
	p.Wait(fds, time.Second)
	if n := testing.AllocsPerRun(1500, func() {
		for {
			text, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			if text != nil {
				return
			}
			p.Wait(fds, time.Second)
		}
	}); n != 0 {
		t.Fatalf("%v allocations per message", n)
	}
}
