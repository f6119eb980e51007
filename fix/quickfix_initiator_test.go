package fix_test

import (
	"net"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/fix"
)

// venueSide is our acceptor on a blocking socket, as the simulated venues use it:
// a goroutine reads, one other owns the session.
type venueSide struct {
	t    *testing.T
	s    *fix.Session
	l    net.Listener
	in   chan []byte // closed when the connection ends
	conn net.Conn
	rest []byte
}

func newVenueSide(t *testing.T) *venueSide {
	t.Helper()
	v := &venueSide{t: t}
	var err error
	if v.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.l.Close() })
	v.s, err = fix.NewSession(fix.Config{
		Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: "SOR", TargetCompID: "XLIT", App: v.app,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// app answers each order with a report.
func (v *venueSide) app(m *fix.Message, now int64) bool {
	id, _ := m.Get(fix.TagClOrdID)
	v.report(id, now)
	return true
}

func (v *venueSide) report(id []byte, now int64) {
	w := v.s.Begin(now, fix.MsgExecutionReport)
	w.Char(fix.TagAvgPx, '0')
	w.Bytes(fix.TagClOrdID, id)
	w.Char(fix.TagCumQty, '0')
	w.Bytes(fix.TagExecID, append([]byte("E"), id...))
	w.Str(fix.TagOrderID, "O1")
	w.Char(fix.TagOrdStatus, '0')
	w.Char(fix.TagSide, '1')
	w.Str(fix.TagSymbol, "ACME")
	w.Char(fix.TagExecType, '0')
	w.Uint(fix.TagLeavesQty, 300)
	if err := v.s.Send(); err != nil {
		v.t.Error(err)
	}
}

func (v *venueSide) accept() {
	v.t.Helper()
	v.l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := v.l.Accept()
	if err != nil {
		v.t.Fatal(err)
	}
	v.conn, v.in, v.rest = conn, make(chan []byte), nil
	in := v.in
	go func() {
		defer close(in)
		for {
			buf := make([]byte, 4096)
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			in <- buf[:n]
		}
	}()
	v.s.Connected(time.Now().UnixNano())
}

func (v *venueSide) drop() {
	v.conn.Close()
	for range v.in {
	}
	v.s.Disconnected(0)
}

// until serves the connection until done, which is asked when bytes came or
// quickfix called back.
func (v *venueSide) until(what string, bell <-chan struct{}, done func() bool) {
	v.t.Helper()
	late := time.After(patience)
	for !done() {
		if _, err := v.conn.Write(v.s.Out()); err == nil {
			v.s.Wrote(len(v.s.Out()))
		}
		select {
		case b, ok := <-v.in:
			if !ok {
				v.t.Fatalf("%s: connection ended; session %v", what, v.s.State())
			}
			v.rest = append(v.rest, b...)
			v.rest = v.rest[v.s.Receive(time.Now().UnixNano(), v.rest):]
		case <-bell:
		case <-late:
			reason, _ := v.s.WantClose()
			v.t.Fatalf("%s: not in time; session %v %s", what, v.s.State(), reason)
		}
	}
}

func TestAcceptorServesAQuickfixInitiator(t *testing.T) {
	v := newVenueSide(t)
	bell := make(chan struct{}, 1)
	client := &counterparty{ring: func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}}
	i, err := quickfix.NewInitiator(client, quickfix.NewMemoryStoreFactory(),
		settings(t, "initiator", v.l.Addr().(*net.TCPAddr).Port), quickfix.NewNullLogFactory())
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	defer i.Stop()
	v.accept()
	v.until("logon", bell, func() bool { return client.count("logon") == 1 })
	order := func(id string) {
		m := quickfix.NewMessage()
		m.Header.SetString(35, "D")
		for tag, value := range map[quickfix.Tag]string{11: id, 38: "300", 40: "1", 54: "1", 55: "ACME",
			60: "20261120-14:30:00.123"} {
			m.Body.SetString(tag, value)
		}
		if err := quickfix.SendToTarget(m, client.id); err != nil {
			t.Fatal(err)
		}
	}
	order("A")
	order("B")
	v.until("reports", bell, func() bool { return client.count("in", "|35=8|") == 2 })

	// A report made while the client is away, then one it gets live: quickfix sees
	// the gap and is sent the first again.
	v.drop()
	v.report([]byte("C"), time.Now().UnixNano())
	v.accept()
	v.until("report again", bell, func() bool { return client.count("in", "|17=EC|", "|43=Y|") == 1 })
	order("D")
	v.until("live report", bell, func() bool { return client.count("in", "|17=ED|") == 1 })
	if n := client.count("in", "|17=EC|"); n != 1 {
		t.Errorf("report C arrived %d times", n)
	}
	if n := client.count("out", "|35=3|"); n != 0 {
		t.Errorf("quickfix rejected %d messages: %q", n, client.log)
	}
	v.drop()
}
