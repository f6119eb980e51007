package guard

import (
	"bufio"
	"bytes"
	"fmt"
	"go/build"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"

	"penstock/internal/freeport"
)

// The acceptance scripts that come with the quickfix module, run by a strict
// runner: BodyLength and CheckSum of what it sends are right unless the script
// sets them, and what comes back must have the same fields in the same order.
// Each script runs twice at the same time, through the guard and against the
// bare engine; the second run shows that the runner sees what the engine lacks:
// it does not check CheckSum(10). With -short every sixth script runs.

// scriptSides are the two runs, by the letter that begins our CompID in them.
const (
	throughGuard = 'G'
	bareEngine   = 'B'
)

func TestAcceptanceScripts(t *testing.T) {
	module, err := build.Import("github.com/quickfixgo/quickfix", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	var results sync.Map // "FIX44G" → []string that failed
	t.Run("versions", func(t *testing.T) {
		for _, begin := range []string{quickfix.BeginStringFIX42, quickfix.BeginStringFIX44} {
			t.Run(begin, func(t *testing.T) {
				t.Parallel()
				s := newScriptServer(t, module.Dir, begin)
				guarded, bare := s.run(throughGuard), s.run(bareEngine)
				results.Store(begin+"G", <-guarded)
				results.Store(begin+"B", <-bare)
			})
		}
	})
	size42, size44 := 58, 59
	engineFails := []string{"3b_InvalidChecksum"}
	if testing.Short() {
		size42, size44, engineFails = 10, 10, nil
	}
	var line strings.Builder
	for _, c := range []struct {
		key    string
		format string
		size   int
		fail   []string
	}{
		{quickfix.BeginStringFIX44 + "G", "FIX.4.4 %d/%d", size44, nil},
		{quickfix.BeginStringFIX42 + "G", " FIX.4.2 %d/%d", size42, nil},
		{quickfix.BeginStringFIX44 + "B", ", bare %d/%d", size44, engineFails},
		{quickfix.BeginStringFIX42 + "B", " %d/%d", size42, engineFails},
	} {
		v, ok := results.Load(c.key)
		if !ok {
			t.Fatalf("%s did not run", c.key)
		}
		out := v.(outcome)
		fmt.Fprintf(&line, c.format, out.scripts-len(out.failed), out.scripts)
		if out.scripts != c.size || !slices.Equal(out.failed, c.fail) {
			t.Errorf("%s: %d scripts, failed %v, want %d and %v\n%s", c.key, out.scripts, out.failed, c.size,
				c.fail, out.why)
		}
	}
	t.Log(line.String())
}

// outcome of the scripts of one version and side.
type outcome struct {
	scripts int
	failed  []string
	why     string
}

// scriptServer is one engine with the sessions of both sides, and the guard.
type scriptServer struct {
	t       *testing.T
	begin   string
	files   []string
	engine  string // address
	guarded string
	echo    *echoApplication
}

func newScriptServer(t *testing.T, module, begin string) *scriptServer {
	short := strings.ToLower(strings.NewReplacer(".", "").Replace(begin))
	s := &scriptServer{t: t, begin: begin, echo: &echoApplication{orders: make(map[string]bool)}}
	var err error
	s.files, err = filepath.Glob(filepath.Join(module, "_test/definitions/server", short, "*.def"))
	if err != nil || len(s.files) == 0 {
		t.Fatalf("no scripts for %s: %v", begin, err)
	}
	if testing.Short() {
		all := s.files
		for s.files = nil; len(all) > 0; all = all[min(6, len(all)):] {
			s.files = append(s.files, all[0])
		}
	}
	settings := quickfix.NewSettings()
	port := freeport.TCP(t)
	settings.GlobalSettings().Set(config.SocketAcceptHost, "127.0.0.1")
	settings.GlobalSettings().Set(config.SocketAcceptPort, strconv.Itoa(port))
	gc := Config{Listen: "127.0.0.1:0", Router: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Limits: Limits{PerIP: 2 * len(s.files), Clients: 2 * len(s.files), HeartBtMin: 2}, Logf: t.Logf}
	for _, side := range []byte{throughGuard, bareEngine} {
		for script := range s.files {
			one := quickfix.NewSessionSettings()
			one.Set(config.BeginString, begin)
			one.Set(config.SenderCompID, scriptCompID(side, script))
			one.Set(config.TargetCompID, "TW")
			one.Set(config.ResetOnLogon, "Y")
			one.Set(config.DataDictionary, filepath.Join(module, "spec", strings.ToUpper(short)+".xml"))
			if _, err := settings.AddSession(one); err != nil {
				t.Fatal(err)
			}
			gc.Sessions = append(gc.Sessions, Session{BeginString: begin, TargetCompID: "TW",
				SenderCompID: scriptCompID(side, script), AllowReset: true})
		}
	}
	acceptor, err := quickfix.NewAcceptor(s.echo, quickfix.NewMemoryStoreFactory(), settings,
		quickfix.NewNullLogFactory())
	if err != nil {
		t.Fatal(err)
	}
	if err := acceptor.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(acceptor.Stop)
	g, err := Listen(gc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	s.engine, s.guarded = gc.Router, g.Addr()
	return s
}

// scriptCompID has four characters, as ISLD, which it stands for: the lengths in
// the scripts hold.
func scriptCompID(side byte, script int) string { return fmt.Sprintf("%c%03d", side, script) }

// run runs all scripts of a side at once, each on a session of its own, and returns
// what became of them.
func (s *scriptServer) run(side byte) <-chan outcome {
	addr := s.engine
	if side == throughGuard {
		addr = s.guarded
	}
	var mu sync.Mutex
	out := outcome{scripts: len(s.files)}
	var wait sync.WaitGroup
	for i, file := range s.files {
		wait.Add(1)
		go func() {
			defer wait.Done()
			d := defScript{addr: addr, ours: scriptCompID(side, i), conns: map[byte]*defConn{}}
			if err := d.run(file); err != nil {
				mu.Lock()
				defer mu.Unlock()
				out.failed = append(out.failed, strings.TrimSuffix(filepath.Base(file), ".def"))
				out.why += fmt.Sprintf("%s:%v\n", filepath.Base(file), err)
			}
		}()
	}
	done := make(chan outcome, 1)
	go func() {
		wait.Wait()
		slices.Sort(out.failed)
		done <- out
	}()
	return done
}

// defScript is one script while it runs.
type defScript struct {
	addr, ours string
	conns      map[byte]*defConn
}

type defConn struct {
	conn net.Conn
	in   *bufio.Reader
}

// defPatience bounds every wait of a script.
const defPatience = 12 * time.Second

func (d *defScript) run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range d.conns {
			c.conn.Close()
		}
	}()
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		id, rest := byte('1'), line[1:]
		if len(line) > 2 && line[1] >= '1' && line[1] <= '9' && line[2] == ',' {
			id, rest = line[1], line[3:]
		}
		if err := d.line(line[0], id, strings.ReplaceAll(rest, "=ISLD\x01", "="+d.ours+"\x01")); err != nil {
			return fmt.Errorf("%d: %s: %w", n+1, visible(line), err)
		}
	}
	return nil
}

func (d *defScript) line(act, id byte, rest string) error {
	c := d.conns[id]
	switch {
	case act == 'i' && rest == "CONNECT":
		conn, err := net.Dial("tcp", d.addr)
		if err != nil {
			return err
		}
		d.conns[id] = &defConn{conn, bufio.NewReader(conn)}
		return nil
	case c == nil:
		return fmt.Errorf("connection %c is not open", id)
	case act == 'i' && rest == "DISCONNECT":
		delete(d.conns, id)
		return c.conn.Close()
	case act == 'e' && rest == "DISCONNECT":
		return c.expectClosed()
	case act == 'I':
		_, err := c.conn.Write(defMessage(rest))
		return err
	case act == 'E':
		got, err := c.message()
		if err != nil {
			return err
		}
		return sameFields(string(defMessage(rest)), got)
	}
	return fmt.Errorf("not a line of a script")
}

// expectClosed waits for the end of the connection, before which nothing may come.
func (c *defConn) expectClosed() error {
	c.conn.SetReadDeadline(time.Now().Add(defPatience))
	if b, err := c.in.ReadByte(); err == nil {
		rest, _ := c.message()
		return fmt.Errorf("got %c%s, want the connection closed", b, visible(rest))
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return fmt.Errorf("the connection is still open")
	}
	return nil
}

// message reads up to the end of a CheckSum(10).
func (c *defConn) message() (string, error) {
	c.conn.SetReadDeadline(time.Now().Add(defPatience))
	var msg []byte
	for {
		field, err := c.in.ReadBytes('\x01')
		msg = append(msg, field...)
		if err != nil {
			return "", fmt.Errorf("%w after %q", err, visible(string(msg)))
		}
		if bytes.HasPrefix(field, []byte("10=")) {
			return string(msg), checkFrame(msg)
		}
	}
}

// checkFrame proves BodyLength and CheckSum of what the server sent.
func checkFrame(msg []byte) error {
	tail := len(msg) - len("10=000\x01")
	head := bytes.Index(msg, []byte("\x0135=")) + 1
	want := fmt.Sprintf("%03d", sumOf(msg[:tail]))
	if string(msg[tail+3:tail+6]) != want || !bytes.Contains(msg[:head], fmt.Appendf(nil, "\x019=%d\x01", tail-head)) {
		return fmt.Errorf("wrong length or checksum: %s", visible(string(msg)))
	}
	return nil
}

func sumOf(b []byte) (sum byte) {
	for _, c := range b {
		sum += c
	}
	return sum
}

var defTime = regexp.MustCompile(`<TIME([+-]\d+)?>`)

// defMessage puts in the times, and BodyLength and CheckSum where the script does
// not set them.
func defMessage(line string) []byte {
	line = defTime.ReplaceAllStringFunc(line, func(mark string) string {
		shift, _ := strconv.Atoi(strings.Trim(mark, "<TIME>"))
		return time.Now().UTC().Add(time.Duration(shift) * time.Second).Format("20060102-15:04:05")
	})
	if !strings.HasPrefix(line, "8=") {
		return []byte(line)
	}
	head, body, _ := strings.Cut(line, "\x01")
	body, sum := body, ""
	if i := strings.LastIndex("\x01"+body, "\x0110="); i >= 0 {
		body, sum = body[:i], body[i:]
	}
	msg := head + "\x01"
	if !strings.Contains("\x01"+body, "\x019=") {
		msg += fmt.Sprintf("9=%d\x01", len(body))
	}
	msg += body
	if sum == "" {
		sum = fmt.Sprintf("10=%03d\x01", sumOf([]byte(msg)))
	}
	return []byte(msg + sum)
}

// defPatterns are the fields that need only have the form of what they are.
var defPatterns = map[string]*regexp.Regexp{
	"10":  regexp.MustCompile(`^\d{3}$`),
	"42":  regexp.MustCompile(`^\d{8}-\d{2}:\d{2}:\d{2}`),
	"52":  regexp.MustCompile(`^\d{8}-\d{2}:\d{2}:\d{2}(\.\d{3})?$`),
	"60":  regexp.MustCompile(`^\d{8}-\d{2}:\d{2}:\d{2}`),
	"122": regexp.MustCompile(`^\d{8}-\d{2}:\d{2}:\d{2}`),
}

// sameFields compares field by field, in order.
func sameFields(want, got string) error {
	w, g := strings.Split(want, "\x01"), strings.Split(got, "\x01")
	for i := range min(len(w), len(g)) {
		tag, wantValue, _ := strings.Cut(w[i], "=")
		gotTag, gotValue, _ := strings.Cut(g[i], "=")
		pattern := defPatterns[tag]
		if tag != gotTag || pattern == nil && wantValue != gotValue || pattern != nil && !pattern.MatchString(gotValue) {
			return fmt.Errorf("field %d is %s, want %s, in %s", i+1, g[i], w[i], visible(got))
		}
	}
	if len(w) != len(g) {
		return fmt.Errorf("%d fields, want %d, in %s", len(g), len(w), visible(got))
	}
	return nil
}

func visible(msg string) string { return strings.ReplaceAll(msg, "\x01", "|") }

// echoApplication answers orders and security definition requests with themselves,
// once when they are possibly resent, which is what the scripts expect of theirs.
type echoApplication struct {
	mu     sync.Mutex
	orders map[string]bool
}

func (e *echoApplication) OnCreate(quickfix.SessionID)                       {}
func (e *echoApplication) OnLogout(quickfix.SessionID)                       {}
func (e *echoApplication) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (e *echoApplication) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (e *echoApplication) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (e *echoApplication) OnLogon(id quickfix.SessionID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key := range e.orders {
		if strings.HasPrefix(key, id.String()+" ") {
			delete(e.orders, key)
		}
	}
}

func (e *echoApplication) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	msgType, err := m.Header.GetString(35)
	if err != nil {
		return err
	}
	if msgType != "D" && msgType != "d" {
		return quickfix.UnsupportedMessageType()
	}
	possResend, _ := m.Header.GetString(97)
	if order, err := m.Body.GetString(11); err == nil {
		key := id.String() + " " + order
		e.mu.Lock()
		again := e.orders[key] && possResend == "Y"
		e.orders[key] = true
		e.mu.Unlock()
		if again {
			return nil
		}
	}
	m.Header.Clear()
	m.Trailer.Clear()
	m.Header.SetString(35, msgType)
	if possResend == "Y" {
		m.Header.SetString(97, "Y")
	}
	if err := quickfix.SendToTarget(m, id); err != nil {
		return quickfix.NewMessageRejectError(err.Error(), 99, nil)
	}
	return nil
}
