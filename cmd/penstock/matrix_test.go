package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/fix/ems"
	"penstock/market"
	"penstock/router"
)

var updateMatrix = flag.Bool("update-matrix", false, "rewrite the expected answers of the order state matrices")

// matrixRows are the order state change matrices of FIX 4.4 (appendix D, groups A to L) and
// FIX 4.2 (D1 …), with what the venue of the one child does. Words of a line:
//
//	D ID QTY [fields]   F ID ORIG   G ID ORIG QTY   H ID   Q EXECID     what the client sends
//	new · fill QTY · cancel · done · late · lost                        what the venue says of the newest child
//	halt · reopen · restate QTY                                         and of the market, and of that child
//	bust N · correct N QTY                                              of its N-th fill
//	guarantee QTY                                                       150=7: not an execution
//	close · open                                                        the trading day
//	time DURATION                                                       passes
//
// Rows of what this router does not offer show how it is refused. In a halt orders are neither
// canceled nor suspended (39=9): they go on when trading does, elsewhere at once.
var matrixRows = []struct{ name44, name42, what, lines string }{
	{"D-4.4-A.1.a", "D1", "filled order", "D X 10000; new; fill 2000; fill 3000; fill 5000"},
	{"D-4.4-A.1.b", "D2", "part-filled day order, over with its time", "D X 10000; new; fill 2000; done; time 3h"},
	{"D-4.4-B.1.a", "D3", "cancel of a zero-filled order", "D X 10000; new; F Y X; cancel"},
	{"D-4.4-B.1.b", "D4", "cancel of a part-filled order, executions meanwhile", "D X 10000; new; fill 2000; F Y X; fill 5000; cancel"},
	{"D-4.4-B.1.c", "D5", "filled before the cancel", "D X 10000; new; fill 2000; F Y X; fill 8000; late"},
	{"D-4.4-B.1.d", "", "cancel of an order that the venue has not acknowledged", "D X 10000; F Y X; new; cancel"},
	{"D-4.4-B.1.e", "", "acknowledgement and cancel cross", "D X 10000; F Y X; new; fill 1000; cancel"},
	{"D-4.4-B.1.f", "", "cancel of an unknown order", "F Y X"},
	{"D-4.4-C.1.a", "D6", "zero-filled, replaced to more", "D X 10000; new; G Y X 11000; fill 1000"},
	{"D-4.4-C.1.b", "D7", "part-filled, replaced to more, an execution meanwhile", "D X 10000; new; fill 1000; G Y X 12000; fill 1000"},
	{"D-4.4-C.1.c", "D8", "filled, then replaced to more", "D X 10000; new; fill 10000; G Y X 12000"},
	{"D-4.4-C.2.a", "D9", "replace of a price comes after the last fill", "D X 10000; new; fill 1000; fill 9000; G Y X 10000"},
	{"D-4.4-C.3.a", "D10", "replaced to less, but more than is filled", "D X 10000; new; G Y X 8000; fill 1000; cancel; fill 7000"},
	{"D-4.4-C.3.b", "D11", "replaced to what is filled", "D X 10000; new; G Y X 7000; fill 7000; cancel"},
	{"D-4.4-C.3.c", "D12", "replaced to less than is filled", "D X 10000; new; G Y X 7000; fill 8000; cancel"},
	{"D-4.4-D.1.a", "D13", "two replaces after one another", "D X 10000; new; fill 1000; G Y X 11000; G Z Y 12000"},
	{"D-4.4-D.1.b", "D14", "a replace is refused, the next accepted", "D X 10000; new; G Y X 2000000; G Z X 12000"},
	{"D-4.4-D.1.c", "D15", "a replace is refused once pending, the next accepted", "D X 10000; new; G Y X 8000; late; G W X 9000; cancel; G Z Y 12000"},
	{"D-4.4-D.2.a", "D16", "a replace follows another at once, one after the other", "D X 10000; new; G Y X 11000; G Z Y 12000; fill 500"},
	{"D-4.4-D.2.b", "D17", "a replace while another is pending", "D X 10000; new; fill 1000; G Y X 8000; G Z Y 7000; cancel"},
	{"D-4.4-D.2.d", "", "a second replace of the order is refused while the first is pending", "D X 10000; new; fill 1000; G Y X 8000; G Z X 7000; cancel"},
	{"D-4.4-E.1.a", "D18", "an order without a ClOrdID: none is taken by telephone", "D - 10000"},
	{"D-4.4-E.1.b", "D19", "a venue cancels unasked: the rest is routed again", "D X 10000; new; fill 2000; cancel; fill 8000"},
	{"D-4.4-E.1.c", "D20", "a venue has more of an order, unasked: a person decides, and its client may cancel", "D X 10000; new; fill 2000; restate 11000; F Y X; cancel"},
	{"D-4.4-E.1.d", "D21", "a venue has less of an order, unasked: the rest is routed again", "D X 10000; new; fill 2000; restate 6000; fill 4000"},
	{"D-4.4-F.1.a", "D23", "duplicate ClOrdID", "D X 10000; new; fill 1000; D X 15000"},
	{"D-4.4-F.1.b", "D31", "possibly resent", "D X 10000; new; D X 10000 97=Y; D X 20000; D Y 15000 97=Y"},
	{"D-4.4-G.1.a", "D24", "status of an unknown order", "H X"},
	{"D-4.4-G.1.b", "D25", "nothing done", "D X 10000; new; H X"},
	{"D-4.4-G.1.c", "D26", "status at every stage", "D X 10000; H X; new; H X; fill 1000; H X; F Y X; H X; cancel; H X"},
	{"D-4.4-H.1.a", "D27", "good till cancel, part-filled, renewed and part-filled on the next day", "D X 10000 59=1; new; fill 2000; close; done; H X; open; new; fill 1000; H X"},
	{"D-4.4-H.1.b", "D28", "good till cancel, a split of the stock: its venue says a quantity that nobody ordered, a person decides",
		"D X 10000 59=1; new; fill 2000; close; restate 20000; cancel; open; H X; F Y X"},
	{"D-4.4-H.1.c", "D29", "good till cancel, part-filled, renewed and canceled on the next day", "D X 10000 59=1; new; fill 2000; close; done; open; new; F Y X; cancel"},
	{"D-4.4-H.1.d", "D30", "good till cancel, part-filled, renewed and replaced to more", "D X 10000 59=1; new; fill 2000; close; done; open; new; G Y X 15000; fill 1000"},
	{"GTC", "GTC", "an execution and a cancel overnight", "D X 10000 59=1; new; close; fill 1000; done; G Y X 9000; F Z Y; open"},
	{"GTD", "GTD", "good till a date: over with its last day", "D X 10000 59=6 432=+0; D Y 1000 59=6 432=-1; new; fill 2000; close; done; open; H X"},
	{"GTD-2", "GTD-2", "good till tomorrow, replaced to be good till today", "D X 10000 59=6 432=+1; new; close; done; open; new; G Y X 9000 59=6 432=+0; fill 500; close; done; open"},
	{"GTD-3", "GTD-3", "good till a time", "D X 10000 59=6 126=+2h; new; fill 500; time 1h; time 61m; cancel"},
	{"DAY", "DAY", "a day order is over with its day, when its venue says what is left", "D X 10000; new; fill 2000; close; H X; fill 1000; done; open"},
	{"CLOSED", "CLOSED", "while the day is closed a day order waits, and what cannot wait is refused", "close; D X 10000 59=3; D Y 10000; H Y; open; new; fill 10000"},
	{"D-4.4-I.1.a", "D32", "fill or kill that cannot be filled at one venue", "D X 19000 59=4 44=49.50"},
	{"D-4.4-I.1.b", "D33", "immediate or cancel", "D X 10000 59=3; new; fill 3000; cancel"},
	{"D-4.4-J.1.a", "D34", "filled, then corrected and cancelled", "D X 10000; new; fill 1000; fill 9000; correct 1 500; bust 2"},
	{"D-4.4-J.1.b", "D35", "a canceled order, a bust", "D X 10000; new; fill 5000; F Y X; cancel; bust 1"},
	{"D-4.4-J.1.c", "D36", "good till cancel, renewed, then executions of both days corrected",
		"D X 10000 59=1; new; fill 2000; close; done; open; new; fill 1000; correct 1 1500; correct 2 500; F Y X; cancel"},
	{"D-4.4-J.1.d", "J.1.d of 4.4", "over with its time, then corrected and busted", "D X 10000; new; fill 5000; fill 1000; done; time 3h; correct 1 4000; bust 2"},
	{"D-4.4-K.1.a", "D38", "trading halt, reinstated", "D X 10000; new; fill 2000; halt; H X; reopen; fill 8000"},
	{"D-4.4-K.1.b", "D39", "trading halt, the venue cancels", "D X 10000; new; fill 2000; halt; cancel; H X; reopen; fill 8000"},
	{"D-4.4-L.1.a", "D37", "a venue guarantees an execution: nothing is executed before it is", "D X 10000; new; guarantee 1000; H X; fill 1000"},
	{"D-4.4-L.1.b", "", "CashOrderQty is not offered", "D X 10000 152=5000"},
	{"ICEBERG", "ICEBERG", "an order shows a part, the venue the next: a replace shows less when nothing more is out",
		"D X 9000 847=1001 111=100 126=+2m 44=49.99; new; fill 60; fill 140; H X; G Y X 9000 111=50 44=49.99; cancel; new; G Z Y 9500 44=49.99; fill 50; F W Z; cancel"},
	{"ICEBERG-2", "ICEBERG-2", "the display quantity by its later name, and what is refused of it", "D X 900 847=1002 1138=1000 126=+2h; " +
		"D Y 900 847=1000 111=100; D Z 900 847=1001 111=100 1138=100 126=+2h; D V 900 847=1001 1138=100 126=+2h 44=49.99; new; F W V; cancel"},
	{"SHORT", "SHORT", "a short sale with its locate: the side is said back and stays", "D X 10000 54=5 114=N 5700=LOCATOR 44=49.90; new; " +
		"fill 1000; G Y X 9000 54=2; G Z X 9000 54=5 44=49.90; H Z 54=5; F W Z 54=5; cancel"},
	{"SHORT-2", "SHORT-2", "what a short sale lacks", "D X 100 54=5 44=49.90; D Y 100 54=5 114=Y 44=49.90; D Z 100 54=5 5700=LOCATOR 44=49.90; " +
		"D V 100 54=6 114=N 5700=LOCATOR 44=49.90; D W 100 54=2 114=N 44=49.90"},
	{"SIDE", "SIDE", "a cancel of another side is refused, a status says the right one", "D X 10000; new; fill 1000; F Y X 54=2; H X 54=2; " +
		"F Z X; cancel"},
	{"SIDE-2", "SIDE-2", "so is one of another mark", "D X 10000 54=5 114=N 5700=LOCATOR 44=49.90; new; F Y X 54=2; F V X 54=5; cancel"},
	{"DK", "DK", "the client does not know a trade", "D X 10000; new; fill 1000; Q last; cancel; F Y X"},
}

// TestOrderStateMatrices sends each row over the wire, through guard and engine to the core,
// and compares the messages that come back, once in FIX 4.4 and once in FIX 4.2.
func TestOrderStateMatrices(t *testing.T) {
	for _, version := range []string{"FIX.4.4", "FIX.4.2"} {
		t.Run(version, func(t *testing.T) {
			m := newMatrix(t, version)
			var got strings.Builder
			for i, row := range matrixRows {
				name := row.name44
				if version == "FIX.4.2" {
					if name = row.name42; name == "" {
						continue
					}
				}
				m.row, m.fills, m.text = i, nil, strings.Builder{}
				fmt.Fprintf(&m.text, "%s: %s\n", name, row.what)
				for _, line := range strings.Split(row.lines, ";") {
					m.line(strings.Fields(line))
				}
				m.clear()
				got.WriteString(m.text.String())
			}
			path := filepath.Join("testdata", "matrix-"+version+".txt")
			if *updateMatrix {
				if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
			for i := range min(len(g), len(w)) {
				if g[i] != w[i] {
					t.Fatalf("%s:%d:\ngot  %s\nwant %s", path, i+1, g[i], w[i])
				}
			}
			if len(g) != len(w) {
				t.Errorf("%d lines, want %d", len(g), len(w))
			}
		})
	}
}

// matrix is a client's connection, the acceptor behind it and the core behind that.
type matrix struct {
	t       *testing.T
	version string
	core    *router.Core
	out     *event.Output
	seq     uint64
	now     int64
	day     int64 // the trading day that is open, or the next one, days since 1970
	events  chan event.Event
	ems     *ems.Acceptor
	conn    net.Conn
	unread  []byte
	next    int // MsgSeqNum
	row     int
	execs   int
	fills   []event.Event
	reports int // ExecID of the last report, for Q
	text    strings.Builder
}

func newMatrix(t *testing.T, version string) *matrix {
	text := strings.NewReplacer("max_parents = 16", "max_parents = 512", `target_comp_id = "DESK"`,
		"target_comp_id = \"DESK\"\nbegin_string = \""+version+"\"", `ack_timeout = "2s"`, `ack_timeout = "9h"`,
		"firm_credit = \"100000000\"", "firm_credit = \"900000000\"", "credit = \"50000000\"", "credit = \"900000000\"\nshort = true",
		"same_orders = 5", "same_orders = 1000").Replace(goodConfig())
	cfg, err := ParseConfig(filepath.Join(t.TempDir(), "matrix.toml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Router.Tactics.SweepNanos = int64(2 * time.Hour)
	core, err := router.New(&cfg.Router)
	if err != nil {
		t.Fatal(err)
	}
	m := &matrix{t: t, version: version, core: core, out: core.OutputFor(), now: time.Now().UnixNano(),
		events: make(chan event.Event, 64), next: 1}
	c := cfg.Acceptor
	c.Instruments, c.Venues, c.StoreDir, c.LogDir = cfg.Router.Instruments, cfg.Router.Venues, t.TempDir(), t.TempDir()
	c.Sink = func(e *event.Event) bool { m.events <- *e; return true }
	if m.ems, err = ems.Listen(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.ems.Close)
	m.step(event.Event{Kind: event.SessionStart, Ref: 7})
	m.day = m.now / int64(24*time.Hour)
	m.tradingDay(true)
	m.step(event.Event{Kind: event.VenueSession, Code: uint8(event.SessionUp)})
	m.step(event.Event{Kind: event.MassStatus}) // nothing is open there
	m.step(event.Event{Kind: event.BookClear, Flags: event.More})
	m.step(event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 499_900, Qty: 1_000_000, Flags: event.More})
	m.step(event.Event{Kind: event.BookLevel, Side: market.Sell, Price: 500_000, Qty: 1_000_000, Flags: event.More})
	m.step(event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive)})
	if m.conn, err = net.Dial("tcp", m.ems.Addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.conn.Close() })
	m.send("A", "98=0|108=60|")
	m.read()
	m.take() // the session is up
	return m
}

// step gives the core an event and its reports to the acceptor; it returns how many.
func (m *matrix) step(e event.Event) (reports int) {
	m.seq++
	m.now += 1e6
	e.Seq, e.StepTime, e.RecvTime = m.seq, m.now, m.now
	m.out.Reset()
	m.core.Step(&e, m.out)
	if trouble := m.core.Audit(); trouble != "" {
		m.t.Fatalf("%s\n%s", trouble, m.text.String())
	}
	for i := range m.out.Commands {
		c := &m.out.Commands[i]
		if c.Kind == event.Report || c.Kind == event.RejectCancel {
			reports++
			if !m.ems.Report(c) {
				m.t.Fatal("no room")
			}
		}
	}
	return reports
}

// take waits for the next event of the acceptor and steps it.
func (m *matrix) take() int {
	m.t.Helper()
	select {
	case e := <-m.events:
		return m.step(e)
	case <-time.After(20 * time.Second):
		m.t.Fatalf("nothing reached the core\n%s", m.text.String())
	}
	return 0
}

func (m *matrix) send(msgType, fields string) {
	now := time.Now().UTC().Format("20060102-15:04:05.000")
	body := strings.ReplaceAll(fmt.Sprintf("35=%s|34=%d|49=DESK|52=%s|56=PENSTOCK|%s", msgType, m.next, now, fields), "|", "\x01")
	m.next++
	msg := fmt.Sprintf("8=%s\x019=%d\x01%s", m.version, len(body), body)
	var sum byte
	for _, c := range []byte(msg) {
		sum += c
	}
	if _, err := fmt.Fprintf(m.conn, "%s10=%03d\x01", msg, sum); err != nil {
		m.t.Fatal(err)
	}
}

func (m *matrix) read() *fix.Message {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for buf := make([]byte, 4096); ; {
		n, err := fix.Frame(m.unread)
		if err != nil {
			m.t.Fatal(err)
		}
		if n > 0 {
			msg := new(fix.Message)
			if err := msg.Parse(append([]byte(nil), m.unread[:n]...)); err != nil {
				m.t.Fatal(err)
			}
			m.unread = m.unread[n:]
			return msg
		}
		if n, err = m.conn.Read(buf); err != nil {
			m.t.Fatalf("%v\n%s", err, m.text.String())
		}
		m.unread = append(m.unread, buf[:n]...)
	}
}

// hear reads n messages and writes what matters of them.
func (m *matrix) hear(n int) {
	m.t.Helper()
	for range n {
		msg := m.read()
		fmt.Fprintf(&m.text, "    %s", msg.Type())
		for _, tag := range []int{11, 41, 20, 150, 39, 38, 14, 151, 32, 31, 30, 54, 111, 527, 19, 102, 434, 103, 371, 373, 378, 380, 432, 424, 425, 426, 58} {
			v, ok := msg.Get(tag)
			if !ok {
				continue
			}
			value := string(v)
			if tag == 54 && value == "1" {
				continue // as nearly all
			}
			switch tag {
			case 11, 41:
				value = strings.TrimPrefix(value, fmt.Sprintf("R%d-", m.row))
			case 19:
				n, _ := strconv.Atoi(value)
				value = "last-" + strconv.Itoa(m.reports-n)
			case 527:
				value = value[:1] // T and a number
			case 432:
				date, _ := time.Parse("20060102", value)
				value = fmt.Sprintf("%+d", date.Unix()/86_400-m.day)
			}
			fmt.Fprintf(&m.text, " %d=%s", tag, value)
		}
		m.text.WriteByte('\n')
		if v, ok := msg.Get(fix.TagExecID); ok && string(msg.Type()) == "8" {
			m.reports, _ = strconv.Atoi(string(v))
		}
	}
}

func (m *matrix) line(w []string) {
	m.t.Helper()
	fmt.Fprintf(&m.text, "%s\n", strings.Join(w, " "))
	id := func(text string) string { return fmt.Sprintf("R%d-%s", m.row, text) }
	now := time.Now().UTC().Format("20060102-15:04:05.000")
	handl := ""
	if m.version == "FIX.4.2" {
		handl = "21=1|"
	}
	switch w[0] {
	case "D":
		fields := map[string]string{"44": "50.10", "59": "0", "54": "1", "847": "1000"}
		extra, resent := "", ""
		for _, f := range w[3:] {
			tag, value, _ := strings.Cut(f, "=")
			switch _, known := fields[tag]; {
			case tag == "97":
				resent = f + "|"
			case known:
				fields[tag] = value
			default:
				extra += m.dated(f) + "|"
			}
		}
		named := "11=" + id(w[1]) + "|"
		if w[1] == "-" {
			named = ""
		}
		m.ask("D", resent+named+handl+"55=PSTK|54="+fields["54"]+"|38="+w[2]+"|40=2|44="+fields["44"]+"|59="+fields["59"]+
			"|60="+now+"|847="+fields["847"]+"|"+extra)
	case "F":
		m.ask("F", "41="+id(w[2])+"|11="+id(w[1])+"|55=PSTK|54="+sideOf(w[3:])+"|60="+now+"|")
	case "G":
		extra, price := "", "50.10"
		for _, f := range w[4:] {
			if value, ok := strings.CutPrefix(f, "44="); ok {
				price = value
			} else if !strings.HasPrefix(f, "54=") {
				extra += m.dated(f) + "|"
			}
		}
		m.ask("G", "41="+id(w[2])+"|11="+id(w[1])+"|"+handl+"55=PSTK|54="+sideOf(w[4:])+"|38="+w[3]+"|40=2|44="+price+"|60="+now+"|"+extra)
	case "H":
		m.ask("H", "11="+id(w[1])+"|55=PSTK|54="+sideOf(w[2:])+"|")
	case "Q":
		p := m.core.Parents()
		m.ask("Q", fmt.Sprintf("37=%d|17=%d|127=D|55=PSTK|54=1|", p[len(p)-1].Number, m.reports))
	case "close", "open":
		m.hear(m.tradingDay(w[0] == "open"))
	case "time":
		d, err := time.ParseDuration(w[1])
		if err != nil {
			m.t.Fatal(err)
		}
		m.now += int64(d)
		m.hear(m.step(event.Event{Kind: event.Timer}))
	default:
		m.venue(w)
	}
}

// sideOf returns the Side(54) among fields, 1 when there is none.
func sideOf(fields []string) string {
	for _, f := range fields {
		if value, ok := strings.CutPrefix(f, "54="); ok {
			return value
		}
	}
	return "1"
}

// dated turns ExpireDate(432) in days from today and ExpireTime(126) in time from now into
// what a client writes.
func (m *matrix) dated(field string) string {
	switch tag, value, _ := strings.Cut(field, "="); tag {
	case "432":
		n, _ := strconv.Atoi(value)
		return "432=" + time.Unix((m.day+int64(n))*86_400, 0).UTC().Format("20060102")
	case "126":
		d, _ := time.ParseDuration(value)
		return "126=" + time.Unix(0, m.now).Add(d).UTC().Format("20060102-15:04:05.000")
	}
	return field
}

// tradingDay opens or closes the trading day, and lets the core look at the time.
func (m *matrix) tradingDay(open bool) (reports int) {
	e := event.Event{Kind: event.TradingDay, Venue: market.NoVenue, StartTime: m.now - int64(time.Hour), Until: m.now + int64(5*time.Hour)}
	if open {
		e.Code = event.TradingDayOpen
	} else {
		m.day++
		e.StartTime, e.Until = m.now+int64(18*time.Hour), m.now+int64(24*time.Hour)
	}
	e.Ref = uint64(m.day)
	return m.step(e) + m.step(event.Event{Kind: event.Timer})
}

// ask sends a message and hears the answers. One that the acceptor itself refuses is
// answered without an event.
func (m *matrix) ask(msgType, fields string) {
	m.t.Helper()
	before := m.ems.Stats()
	m.send(msgType, fields)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s := m.ems.Stats()
		if s.Refused+s.Malformed > before.Refused+before.Malformed {
			m.hear(1)
			return
		}
		if len(m.events) > 0 {
			m.hear(m.take())
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("no answer to %s\n%s", fields, m.text.String())
		}
	}
}

// venue says something of the newest child.
func (m *matrix) venue(w []string) {
	m.t.Helper()
	children := m.core.Children()
	ch := &children[len(children)-1]
	e := event.Event{Kind: event.Exec, Ref: ch.Number, CumQty: ch.Cum, OrdStatus: market.StatusNew, Side: ch.Side}
	if ch.Cum > 0 {
		e.OrdStatus = market.StatusPartiallyFilled
	}
	m.execs++
	e.ID, _ = event.MakeID(fmt.Sprintf("T%d", m.execs))
	number := func(i int) int {
		n, err := strconv.Atoi(w[i])
		if err != nil {
			m.t.Fatal(err)
		}
		return n
	}
	switch w[0] {
	case "new":
		e.Code = uint8(market.ExecNew)
	case "fill":
		e.Code, e.LastQty, e.LastPx, e.Liquidity = uint8(market.ExecTrade), market.Qty(number(1)), 500_000, market.LiquidityRemoved
		e.CumQty += e.LastQty
		if e.OrdStatus = market.StatusPartiallyFilled; e.CumQty >= ch.Qty {
			e.OrdStatus = market.StatusFilled
		}
		m.fills = append(m.fills, e)
	case "guarantee":
		e.Code, e.OrdStatus, e.LastQty, e.LastPx = uint8(market.StatusStopped), market.StatusStopped, market.Qty(number(1)), 501_000
	case "cancel":
		e.Code, e.OrdStatus = uint8(market.ExecCanceled), market.StatusCanceled
	case "done":
		e.Code, e.OrdStatus = uint8(market.ExecDoneForDay), market.StatusDoneForDay
	case "late":
		e = event.Event{Kind: event.OrderCancelReject, Ref: ch.Number, Reason: event.ReasonTooLate}
	case "bust", "correct":
		was := m.fills[number(1)-1]
		e.Ref, e.OrigID, e.LastQty, e.LastPx = was.Ref, was.ID, was.LastQty, was.LastPx
		for i := range children {
			if children[i].Number == was.Ref {
				e.CumQty = children[i].Cum - was.LastQty
			}
		}
		e.Code = uint8(market.ExecTradeCancel)
		if w[0] == "correct" {
			e.Code, e.LastQty = uint8(market.ExecTradeCorrect), market.Qty(number(2))
			e.CumQty += e.LastQty
		}
	case "restate":
		e.Code, e.Qty = uint8(market.ExecRestated), market.Qty(number(1))
	case "halt", "reopen":
		e = event.Event{Kind: event.BookStatus, Code: uint8(event.BookHalted), Instrument: ch.Instrument, Reason: event.ReasonVenueState}
		if w[0] == "reopen" {
			e.Code = uint8(event.BookLive)
		}
	default:
		m.t.Fatalf("unknown word %s", w[0])
	}
	m.hear(m.step(e))
}

// clear ends what the row has left open.
func (m *matrix) clear() {
	m.t.Helper()
	for i := range m.core.Parents() {
		p := m.core.Parents()[i]
		if !p.Live() || !p.TIF.GoodTill() {
			continue
		}
		e := event.Event{Kind: event.ParentCancel, OrigID: p.ClOrdID, Instrument: p.Instrument, Side: p.Side, Mark: p.Mark}
		e.ID, _ = event.MakeID(fmt.Sprintf("R%d-clear-%d", m.row, i))
		for n := m.step(e); n > 0; n-- {
			m.read()
		}
	}
	for range 8 {
		open := false
		for i := range m.core.Children() {
			if ch := &m.core.Children()[i]; !ch.Released {
				open = true
				for n := m.step(event.Event{Kind: event.Exec, Ref: ch.Number, Code: uint8(market.ExecCanceled),
					OrdStatus: market.StatusCanceled, CumQty: ch.Cum}); n > 0; n-- {
					m.read()
				}
			}
		}
		if !open {
			return
		}
		m.now += int64(3 * time.Hour)
		for n := m.step(event.Event{Kind: event.Timer}); n > 0; n-- {
			m.read()
		}
	}
	m.t.Fatalf("row %s cannot be ended", matrixRows[m.row].name44)
}
