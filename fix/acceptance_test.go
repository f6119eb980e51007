package fix

import (
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

const needsDictionary = "judged by a data dictionary; here the reader of the message decides"

// notOurs are the acceptance scripts of quickfix that ask for what is not the
// task of this session, or what it does differently on purpose.
var notOurs = map[string]string{
	"14a_BadField":                    needsDictionary,
	"14b_RequiredFieldMissing":        needsDictionary,
	"14c_TagNotDefinedForMsgType":     needsDictionary,
	"14e_IncorrectEnumValue":          needsDictionary,
	"14f_IncorrectDataFormat":         needsDictionary,
	"14h_RepeatedTag":                 needsDictionary,
	"14i_RepeatingGroupCountNotEqual": needsDictionary,
	"RejectResentMessage":             needsDictionary,
	"1b_DuplicateIdentity":            "two connections: who owns the sockets decides",
	"AlreadyLoggedOn":                 "two connections: who owns the sockets decides",
	"1d_InvalidLogonBadSendingTime":   "we say in a Logout why the Logon is refused",
	"2m_BodyLengthValueNotCorrect":    "expects messages behind a gap to be kept; we have them resent",
	"8_OnlyAdminMessages":             "has a number that is too low, without PossDupFlag, answered",
}

// TestQuickfixAcceptanceScripts runs the session scripts that come with the
// quickfix module against our acceptor: I lines go in, E lines must come out.
// Compared are the fields, in any order, without lengths, sums, times and Text.
// The clock is virtual: when a script waits, a second passes.
func TestQuickfixAcceptanceScripts(t *testing.T) {
	p, err := build.Import("github.com/quickfixgo/quickfix", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(p.Dir, "_test/definitions/server/fix44/*.def"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", p.Dir, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".def")
		if why, ok := notOurs[name]; ok {
			t.Logf("not run: %s: %s", name, why)
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := &acceptance{t: t, now: sampleTime, ids: map[string]bool{}}
			a.run(string(text))
		})
	}
}

type acceptance struct {
	t   *testing.T
	s   *Session
	now int64
	in  []byte
	ids map[string]bool // ClOrdIDs that the application knows
}

func (a *acceptance) run(text string) {
	var err error
	a.s, err = NewSession(Config{Role: Acceptor, BeginString: "FIX.4.4", SenderCompID: "ISLD",
		TargetCompID: "TW", AllowReset: true, App: a.echo}, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case line == "" || line[0] == '#':
		case line == "iCONNECT":
			a.in = nil
			a.s.Reset() // the scripts' server starts each connection at 1
			a.s.Connected(a.now)
		case line == "iDISCONNECT":
			a.s.Disconnected(a.now)
		case line == "eDISCONNECT":
			a.expectClose(n + 1)
		case line[0] == 'I':
			a.in = append(a.in, a.message(line[1:])...)
			a.in = a.in[a.s.Receive(a.now, a.in):]
		case line[0] == 'E':
			a.expect(n+1, line[1:])
		default:
			a.t.Fatalf("line %d: cannot do %s", n+1, line)
		}
	}
}

// echo sends orders back, as the application of the scripts does.
func (a *acceptance) echo(m *Message, now int64) bool {
	switch string(m.Type()) {
	case "D":
		id, _ := m.Get(TagClOrdID)
		if kind, _ := m.Get(TagOrdType); string(kind) == "w" {
			a.s.Reject(now, m, m.Bad(TagOrdType, RejectValue))
			return true
		}
		if a.ids[string(id)] && m.Flag(TagPossResend) {
			return true
		}
		a.ids[string(id)] = true
	case "d":
	case "3":
		return true
	case "*":
		a.s.Reject(now, m, &FieldError{-1, 0, RejectMsgType})
		return true
	default:
		a.s.BusinessReject(now, m, nil, 3, "Unsupported Message Type")
		return true
	}
	w := a.s.Begin(now, string(m.Type()))
	for i := 3; i < m.Len()-1; i++ {
		switch tag, value := m.Field(i); tag {
		case 34, 43, 49, 52, 56, 122:
		default:
			w.Bytes(tag, value)
		}
	}
	a.s.Send()
	return true
}

// message completes an I line: times, BodyLength and CheckSum where it has none.
func (a *acceptance) message(line string) []byte {
	for {
		i := strings.Index(line, "<TIME")
		if i < 0 {
			break
		}
		j := i + strings.Index(line[i:], ">")
		shift := int64(0)
		fmt.Sscanf(line[i+len("<TIME"):j], "%d", &shift)
		var st Stamp
		line = line[:i] + string(st.Append(nil, a.now+shift*second)) + line[j+1:]
	}
	if strings.Contains(line, "\x0110=") {
		return []byte(line)
	}
	begin, body, _ := strings.Cut(line, "\x01")
	if strings.HasPrefix(body, "9=") {
		m := []byte(begin + "\x01" + body)
		return fmt.Appendf(m, "10=%03d\x01", slowSum(m))
	}
	return wrap(strings.TrimPrefix(begin, "8="), strings.ReplaceAll(body, "\x01", "|"))
}

// next returns the next message that goes out, letting time pass.
func (a *acceptance) next() []byte {
	for range 100 {
		if out := a.s.Out(); len(out) > 0 {
			n, _ := Frame(out)
			msg := append([]byte(nil), out[:n]...)
			a.s.Wrote(n)
			return msg
		}
		a.now += second
		a.s.Tick(a.now)
	}
	return nil
}

var (
	anyTestReqID = regexp.MustCompile("112=[^\x01]*\x01")
	refTagID     = regexp.MustCompile("\x01371=[0-9]+\x01")
)

func (a *acceptance) expect(line int, want string) {
	a.t.Helper()
	got := a.next()
	text := string(got)
	switch {
	case strings.Contains(want, "\x0135=1\x01"): // what it is called is ours to choose
		text, want = anyTestReqID.ReplaceAllString(text, ""), anyTestReqID.ReplaceAllString(want, "")
	case strings.Contains(want, "\x0135=3\x01") && !strings.Contains(want, "\x01371="): // ours may also name the tag
		text = refTagID.ReplaceAllString(text, "\x01")
	}
	if comparable(text) != comparable(want) {
		a.t.Fatalf("line %d:\ngot  %s\nwant %s", line, readable(got), readable([]byte(want)))
	}
}

func (a *acceptance) expectClose(line int) {
	a.t.Helper()
	if out := a.s.Out(); len(out) > 0 {
		a.t.Fatalf("line %d: unexpected %s", line, readable(out))
	}
	for range 100 {
		if _, want := a.s.WantClose(); want {
			a.s.Disconnected(a.now)
			return
		}
		a.now += second
		a.s.Tick(a.now)
	}
	a.t.Fatalf("line %d: the connection stays open in state %v", line, a.s.State())
}

// comparable sorts the fields and leaves out those that may differ.
func comparable(m string) string {
	var keep []string
	for _, f := range strings.Split(m, "\x01") {
		switch tag, _, _ := strings.Cut(f, "="); tag {
		case "9", "10", "52", "58", "60", "122", "":
		default:
			keep = append(keep, f)
		}
	}
	sort.Strings(keep)
	return strings.Join(keep, "|")
}
