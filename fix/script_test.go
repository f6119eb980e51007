package fix

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// A session script is one act or expectation per line. Messages are whole, but
// for the 8=, 9= and 10= that every message has; T is the time of the script and
// T-5 five seconds before it.
//
//	connect, disconnect       the socket
//	at 12.5                   seconds since the start; Tick
//	I body                    comes in
//	G bytes                   comes in as it is
//	E body                    must be the next to go out
//	A 8 5                     App must have got a message of type 8, number 5
//	refuse, take              what App does from here on; take offers the rest again
//	send body                 App sends: MsgType|fields
//	logout text               we end the session
//	close reason              the session wants to close
//	next out in               the next sequence numbers
type script struct {
	t      *testing.T
	s      *Session
	now    int64
	in     []byte // not yet consumed
	apps   []string
	refuse bool
	line   string
}

func runScript(t *testing.T, cfg Config, text string) *Session {
	t.Helper()
	sc := &script{t: t, now: sampleTime}
	cfg.BeginString, cfg.SenderCompID, cfg.TargetCompID = "FIX.4.4", "U", "P"
	if cfg.Role == Initiator {
		cfg.HeartBtIntSecs = 30
	}
	cfg.App = sc.app
	var err error
	if sc.s, err = NewSession(cfg, nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		sc.line = line
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "E", "A", "close", "next":
			sc.expect(word, rest)
		default:
			sc.settled()
			sc.act(word, rest)
		}
	}
	sc.settled()
	return sc.s
}

func (sc *script) app(m *Message, now int64) bool {
	if sc.refuse {
		return false
	}
	seq, _ := m.Get(TagMsgSeqNum)
	sc.apps = append(sc.apps, string(m.Type())+" "+string(seq))
	if sym, ok := m.Get(TagSymbol); ok && string(sym) == "BAD" {
		sc.s.Reject(now, m, m.Bad(TagSymbol, RejectValue))
	}
	return true
}

// settled fails when something went out, or to App, that no line expected.
func (sc *script) settled() {
	sc.t.Helper()
	if out := sc.s.Out(); len(out) > 0 {
		sc.t.Fatalf("before %q: unexpected out %s", sc.line, readable(out))
	}
	if len(sc.apps) > 0 {
		sc.t.Fatalf("before %q: unexpected to App: %v", sc.line, sc.apps)
	}
}

func (sc *script) body(text string) []byte {
	fields := strings.Split(text, "|")
	for i, f := range fields {
		tag, value, _ := strings.Cut(f, "=")
		if strings.HasPrefix(value, "T") && (tag == "52" || tag == "122" || tag == "60") {
			shift, _ := strconv.ParseFloat(value[1:], 64)
			var st Stamp
			fields[i] = tag + "=" + string(st.Append(nil, sc.now+int64(shift*1e9)))
		}
	}
	return wrap("FIX.4.4", strings.Join(fields, "|"))
}

func (sc *script) act(word, rest string) {
	sc.t.Helper()
	switch word {
	case "connect":
		sc.in = nil
		sc.s.Connected(sc.now)
	case "disconnect":
		sc.s.Disconnected(sc.now)
	case "at":
		secs, err := strconv.ParseFloat(rest, 64)
		if err != nil {
			sc.t.Fatal(sc.line)
		}
		sc.now = sampleTime + int64(secs*1e9)
		sc.s.Tick(sc.now)
	case "I":
		sc.receive(sc.body(rest))
	case "G":
		sc.receive(soh(rest))
	case "refuse":
		sc.refuse = true
	case "take":
		sc.refuse = false
		sc.receive(nil)
	case "send":
		msgType, fields, _ := strings.Cut(rest, "|")
		w := sc.s.Begin(sc.now, msgType)
		if w == nil {
			sc.t.Fatalf("%q: cannot send", sc.line)
		}
		for _, f := range strings.Split(fields, "|") {
			tag, value, _ := strings.Cut(f, "=")
			n, _ := strconv.Atoi(tag)
			w.Str(n, value)
		}
		if err := sc.s.Send(); err != nil {
			sc.t.Fatalf("%q: %v", sc.line, err)
		}
	case "logout":
		sc.s.Logout(sc.now, rest)
	default:
		sc.t.Fatalf("unknown line %q", sc.line)
	}
}

func (sc *script) receive(b []byte) {
	sc.in = append(sc.in, b...)
	sc.in = sc.in[sc.s.Receive(sc.now, sc.in):]
}

func (sc *script) expect(word, rest string) {
	sc.t.Helper()
	var got, want string
	switch word {
	case "E":
		out := sc.s.Out()
		n, err := Frame(out)
		if err != nil {
			sc.t.Fatalf("%q: we send garbled bytes: %v", sc.line, err)
		}
		got, want = readable(out[:n]), readable(sc.body(rest))
		sc.s.Wrote(n)
	case "A":
		if len(sc.apps) > 0 {
			got, sc.apps = sc.apps[0], sc.apps[1:]
		}
		want = rest
	case "close":
		got, _ = sc.s.WantClose()
		want = rest
	case "next":
		got, want = fmt.Sprintf("%d %d", sc.s.NextOut(), sc.s.NextIn()), rest
	}
	if got != want {
		sc.t.Fatalf("%q:\ngot  %s\nwant %s", sc.line, got, want)
	}
}
