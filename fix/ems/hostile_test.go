package ems

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix/ems/guard"
	"penstock/market"
)

// The tests of this file attack a running acceptor. Each ends by showing that
// another client is served: the process survives.

func alive(t *testing.T, a *Acceptor, client int) {
	t.Helper()
	p := dial(t, a, client).logon()
	p.ping()
	p.close()
}

func TestF1AbsurdBodyLengthIsDropped(t *testing.T) {
	t.Parallel()
	a := listen(t, testConfig(t, newDesk(), 2))
	for _, length := range []string{"9223372036854775807", "-1", "0", "", "1000000",
		"99999999999999999999"} {
		// Before the Logon the connection closes …
		p := dial(t, a, 0)
		p.write([]byte("8=FIX.4.4\x019=" + length + "\x0135=A\x01"))
		p.expectClosed()
	}
	// … and after it the message is ignored.
	p := dial(t, a, 0).logon()
	p.write([]byte("8=FIX.4.4\x019=9223372036854775807\x0135=0\x0134=2\x0110=000\x01"))
	p.ping()
	if n := a.Guard().Count(guard.Garbled); n < 7 {
		t.Errorf("%d garbled messages counted, want at least 7", n)
	}
	alive(t, a, 1)
}

func TestF2EmptyIntegerClosesTheConnection(t *testing.T) {
	t.Parallel()
	fields := []string{"35=0|34=|", "35=2|34=2|7=|16=0|", "35=2|34=2|7=1|16=|", "35=4|34=2|123=N|36=|",
		"35=A|34=2|98=0|108=|", "35=A|34=2|98=|108=30|", "35=0|34=-2|", "35=0|34=99999999999|",
		"35=0|34=2|212=|", "35=0|34=2|212=-9|213=x|", "35=0|34=2|212=500|213=x|", "35=0|34=2|212=1|58=x|",
		"35=0|34=2|369=|", "35=A|34=2|98=0|108=30|789=|", "35=0|34=2|34=2|"}
	cfg := testConfig(t, newDesk(), len(fields)+1)
	a := listen(t, cfg)
	for i, f := range fields {
		p := dial(t, a, i).logon()
		p.write(message("49=" + p.name + "|56=PENSTOCK|52=" + now() + "|" + f))
		p.expectClosed()
	}
	count := a.Guard().Count(guard.BadInteger) + a.Guard().Count(guard.DataLength) +
		a.Guard().Count(guard.Duplicate)
	if count != uint64(len(fields)) {
		t.Errorf("%d connections closed for bad integers and lengths, want %d", count, len(fields))
	}
	alive(t, a, len(fields))
}

// Not parallel: the memory that it bounds is the process's.
func TestF3FloodIsRefusedInBoundedMemory(t *testing.T) {
	a := listen(t, testConfig(t, newDesk(), 2))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	flood := func(p *peer) {
		chunk := bytes.Repeat([]byte("58=x\x01"), 16<<10)
		p.conn.SetWriteDeadline(time.Now().Add(patience))
		p.conn.Write([]byte("8=FIX.4.4\x019=2000000000\x01"))
		for range 1000 {
			if _, err := p.conn.Write(chunk); err != nil {
				return // closed: what we want
			}
		}
		p.t.Error("64 MiB taken from one client")
	}
	flood(dial(t, a, 0))
	flood(dial(t, a, 0).logon())
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 16<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	alive(t, a, 1)
}

func TestF4IdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Limits.FirstFrame = 50 * time.Millisecond
	a := listen(t, cfg)
	silent := dial(t, a, 0)
	slow := dial(t, a, 0)
	slow.write([]byte("8=FIX.4.4\x019=7"))
	silent.expectClosed()
	slow.expectClosed()
	if n := a.Guard().Count(guard.FirstFrameLate); n != 2 {
		t.Errorf("%d connections closed for a late logon, want 2", n)
	}
}

func TestF5SlowReaderIsCutAndDelaysNobody(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 2)
	cfg.Limits.OutBytes = 64 << 10
	cfg.Limits.Patience = 100 * time.Millisecond
	cfg.QueueLen = 1 << 14
	a := listen(t, cfg)
	slow := dial(t, a, 0)
	slow.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	slow.logon()
	quick := dial(t, a, 1).logon()
	if e := d.next(t, event.ClientSession); e.Code != uint8(event.SessionUp) {
		t.Fatalf("session event %+v", e)
	}
	d.next(t, event.ClientSession)
	// Far more than sockets and outbox hold. Report must take all of it without
	// waiting for anybody.
	c := testReport(0, 1)
	for i := range uint64(1 << 13) {
		c.Ref = i + 1
		if !a.Report(&c) {
			t.Fatal("the queue is full")
		}
	}
	c = testReport(1, 1<<20)
	a.Report(&c)
	quick.expect("8")
	if e := d.next(t, event.ClientSession); e.Client != 0 || e.Code != uint8(event.SessionDown) {
		t.Errorf("session event %+v, want client 0 down", e)
	}
	if n := a.Guard().Count(guard.SlowReader); n != 1 {
		t.Errorf("%d slow readers counted, want 1", n)
	}
}

// testReport is a New report for the client's first order.
func testReport(client uint16, execID uint64) event.Command {
	id, _ := event.MakeID("order-1")
	return event.Command{Kind: event.Report, Client: client, Ref: execID, Parent: 7, ID: id,
		Side: market.Buy, OrdType: market.OrdLimit, TIF: market.TIFDay, Price: 100_100, Qty: 100,
		LeavesQty: 100, ExecType: market.ExecNew, OrdStatus: market.StatusNew,
		StepTime: time.Now().UnixNano(),
		Venue:    market.NoVenue}
}

func TestF6FlippedDigitNeverReachesTheRouter(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 2))
	p := dial(t, a, 0).logon()
	order := p.header("D") + newOrder("flip-1")
	p.write(bytes.Replace(message(order), []byte("\x0138=100\x01"), []byte("\x0138=900\x01"), 1))
	// The next message shows the gap, and the order comes as it was meant.
	p.send("0", "")
	if m := p.expect("2"); get(m, 7) != "2" {
		t.Fatalf("resend request %s", pretty(m))
	}
	p.write(message(strings.Replace(order, "|52=", "|43=Y|122="+now()+"|52=", 1)))
	e := d.next(t, event.ParentNew)
	if e.Qty != 100 || e.Flags&event.PossDup == 0 {
		t.Errorf("event %+v, want quantity 100, possibly repeated", e)
	}
	if n := a.Guard().Count(guard.CheckSum); n != 1 {
		t.Errorf("%d wrong checksums counted, want 1", n)
	}
	alive(t, a, 1)
}

func TestGarbageIsForgivenOnlySoOften(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Limits.Garbled = 3
	a := listen(t, cfg)
	p := dial(t, a, 0).logon()
	bad := message(p.header("0"))
	bad[len(bad)-2] ^= 1
	p.write(bytes.Repeat(bad, 3))
	p.seq--
	p.ping()
	p.write(bad)
	p.expectClosed()
	if n := a.Guard().Count(guard.TooGarbled); n != 1 {
		t.Errorf("%d closed for garbage, want 1", n)
	}
}

func TestF7LogIsSafe(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Sessions[0].Username, cfg.Sessions[0].Password = "desk", "canary-secret"
	a := listen(t, cfg)
	p := dial(t, a, 0)
	p.send("A", "98=0|108=30|553=desk|554=wrong-canary|")
	p.expectClosed()
	p = dial(t, a, 0)
	p.send("A", "98=0|108=30|95=6|96=canary|553=desk|554=canary-secret|")
	p.expect("A")
	p.send("D", newOrder("log-1")+"58=a\r\n2026-01-01T00:00:00Z in forged\x1b[31m\xff|")
	p.ping()
	text := readLog(t, cfg)
	for _, secret := range []string{"canary", "\r", "\x1b", "\xff", "\n2026-01-01T00:00:00Z"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
	for _, want := range []string{"554=***", "96=***", `58=a\x0d\x0a2026`,
		guard.Credentials.String()} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	info, err := os.Stat(cfg.LogDir + "/ems.log")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log file: %v, %v, want 0600", info.Mode(), err)
	}
}

func TestF8LogonPolicy(t *testing.T) {
	t.Parallel()
	cases := []struct {
		fields string
		reason guard.Reason
	}{
		{"98=0|108=30|141=Y|", guard.ResetRefused},
		{"98=0|108=30|141=y|", guard.ResetRefused},
		{"98=0|108=0|", guard.HeartBtInt},
		{"98=0|108=4|", guard.HeartBtInt},
		{"98=0|108=61|", guard.HeartBtInt},
		{"98=0|", guard.HeartBtInt},
		{"98=0|108=-5|", guard.BadInteger},
		{"98=0|108=30|108=30|", guard.Duplicate},
	}
	a := listen(t, testConfig(t, newDesk(), 2))
	for _, c := range cases {
		before := a.Guard().Count(c.reason)
		p := dial(t, a, 0)
		p.send("A", c.fields)
		goodbye := p.expectClosed()
		if a.Guard().Count(c.reason) != before+1 {
			t.Errorf("%s: not counted as %q", c.fields, c.reason)
		}
		told := c.reason == guard.ResetRefused || c.reason == guard.HeartBtInt
		if told && (goodbye == nil || get(goodbye, 58) != c.reason.String()) {
			t.Errorf("%s: the client is not told why", c.fields)
		}
	}
	// A Logon in the middle of the session is judged as well.
	p := dial(t, a, 1).logon()
	p.send("A", "98=0|108=30|141=Y|")
	p.expectClosed()
	alive(t, a, 0)
}

func TestResetWhereThePolicyAllowsIt(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Sessions[0].AllowReset = true
	a := listen(t, cfg)
	p := dial(t, a, 0).logon()
	p.ping()
	p.close()
	p = dial(t, a, 0)
	for { // the session may not have noticed yet that the first connection is gone
		p.send("A", "98=0|108=30|141=Y|")
		m, err := p.tryRead()
		if err == nil && string(m.Type()) == "A" {
			if get(m, 34) != "1" {
				t.Errorf("logon answer %s, want sequence number 1", pretty(m))
			}
			return
		}
		p = dial(t, a, 0)
	}
}

func TestOnlyTheFirstFrameOfAKnownSessionPasses(t *testing.T) {
	t.Parallel()
	a := listen(t, testConfig(t, newDesk(), 2))
	logon := "98=0|108=30|"
	cases := []struct {
		name   string
		bytes  []byte
		reason guard.Reason
	}{
		{"not FIX", []byte("GET / HTTP/1.1\r\n\r\n"), guard.Garbled},
		{"TLS hello", []byte("\x16\x03\x01\x02\x00\x01\x00"), guard.Garbled},
		{"order first", message("35=D|49=X|56=PENSTOCK|34=1|52=" + now() + "|"), guard.NotLogon},
		{"unknown client", message("35=A|49=NOBODY|56=PENSTOCK|34=1|52=" + now() + "|" + logon),
			guard.UnknownSession},
		{"unknown target", message("35=A|49=" + a.cfg.Sessions[0].TargetCompID + "|56=OTHER|34=1|52=" +
			now() + "|" + logon), guard.UnknownSession},
		{"other version", frame("FIX.4.2", "35=A|49="+a.cfg.Sessions[0].TargetCompID+
			"|56=PENSTOCK|34=1|52="+now()+"|"+logon), guard.UnknownSession},
	}
	for _, c := range cases {
		before := a.Guard().Count(c.reason)
		p := dial(t, a, 0)
		p.write(c.bytes)
		p.expectClosed()
		if a.Guard().Count(c.reason) != before+1 {
			t.Errorf("%s: not counted as %q", c.name, c.reason)
		}
	}
	alive(t, a, 1)
}

func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Limits.PerIP, cfg.Limits.Clients = 2, 3
	a := listen(t, cfg)
	first, second := dial(t, a, 0), dial(t, a, 0)
	third := dial(t, a, 0)
	third.expectClosed()
	if n := a.Guard().Count(guard.TooManyFromIP); n != 1 {
		t.Errorf("%d refused by address, want 1", n)
	}
	first.close()
	second.close()
}

func TestAddressMustBeAllowed(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Allow = testPrefixes("10.0.0.0/8")
	a := listen(t, cfg)
	dial(t, a, 0).expectClosed()
	if n := a.Guard().Count(guard.NotAllowed); n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
	cfg = testConfig(t, newDesk(), 1)
	cfg.Sessions[0].Allow = testPrefixes("10.0.0.0/8")
	a = listen(t, cfg)
	p := dial(t, a, 0)
	p.send("A", "98=0|108=30|")
	p.expectClosed()
	if n := a.Guard().Count(guard.SourceCIDR); n != 1 {
		t.Errorf("%d refused for the session, want 1", n)
	}
}

func TestWrongPasswordLocksOut(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, newDesk(), 1)
	cfg.Sessions[0].Password = "right"
	a := listen(t, cfg)
	for i := range 5 {
		p := dial(t, a, 0)
		p.send("A", fmt.Sprintf("98=0|108=30|554=wrong%d|", i))
		p.expectClosed()
	}
	p := dial(t, a, 0)
	p.expectClosed()
	if n := a.Guard().Count(guard.LockedOut); n != 1 {
		t.Errorf("%d locked out, want 1", n)
	}
}

func TestSecondConnectionOfASessionIsClosed(t *testing.T) {
	t.Parallel()
	a := listen(t, testConfig(t, newDesk(), 1))
	first := dial(t, a, 0).logon()
	second := dial(t, a, 0)
	second.send("A", "98=0|108=30|")
	second.expectClosed()
	first.ping()
	if n := a.Guard().Count(guard.SecondLogon); n != 1 {
		t.Errorf("%d second logons counted, want 1", n)
	}
}

func TestNobodyGetsRoundTheGuard(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	conn, err := net.Dial("tcp", a.engine)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, conn, a.cfg.Sessions[0].TargetCompID)
	p.send("A", "98=0|108=30|")
	if m, err := p.tryRead(); err != io.EOF {
		t.Errorf("read %v, %v, want the connection closed", m, err)
	}
	alive(t, a, 0)
}
