package soup

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const second = 1_000_000_000

func testConfig() SessionConfig {
	return SessionConfig{User: "USER", Password: "PASSWORD", Sequence: 1,
		HeartbeatNanos: DefaultHeartbeatNanos, SilenceNanos: DefaultSilenceNanos, LoginNanos: DefaultLoginNanos}
}

// sessionTest plays the server in bytes and writes down what the client gets.
type sessionTest struct {
	t *testing.T
	*Session
	now int64
}

func newSessionTest(t *testing.T, change ...func(*SessionConfig)) *sessionTest {
	t.Helper()
	cfg := testConfig()
	for _, f := range change {
		f(&cfg)
	}
	s, err := NewSession(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &sessionTest{t, s, 1000 * second}
}

// output takes all that is to be sent.
func (s *sessionTest) output() string {
	out := string(s.Output())
	s.Sent(len(out))
	return out
}

// receive hands bytes over in pieces of at most size and returns the messages as
// "number:text".
func (s *sessionTest) receive(bytes string, size int) string {
	var got []string
	for len(bytes) > 0 {
		n := copy(s.Buffer(), bytes[:min(size, len(bytes))])
		s.Received(s.now, n)
		bytes = bytes[n:]
		for {
			m, ok := s.Next()
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("%d:%s", m.Sequence, m.Data))
		}
	}
	return strings.Join(got, " ")
}

func (s *sessionTest) tick(nanos int64) string {
	s.now += nanos
	s.Tick(s.now)
	return s.output()
}

// packet is one packet of the server, written by hand.
func packet(kind byte, payload string) string {
	n := 1 + len(payload)
	return string([]byte{byte(n >> 8), byte(n), kind}) + payload
}

func accepted(session string, next int) string {
	return packet('A', fmt.Sprintf("%10s%20d", session, next))
}

func (s *sessionTest) login() {
	s.t.Helper()
	s.Open(s.now)
	s.output()
	s.receive(accepted("SESS01", max(int(s.Expected()), 1)), 100)
	if s.State() != Active {
		s.t.Fatalf("%s: %v", s.State(), s.Err())
	}
}

// The vector of protocols §14.
func TestLoginVector(t *testing.T) {
	s := newSessionTest(t)
	s.Open(s.now)
	want := "002f4c55534552202050415353574f52442020202020202020202020202020202020202020202020202020202020202031"
	if got := hex.EncodeToString([]byte(s.output())); got != want {
		t.Errorf("login\n%s, want\n%s", got, want)
	}
	if s.State() != LoggingIn {
		t.Errorf("%s", s.State())
	}
}

func TestSequencedMessagesAreCountedHoweverTCPCutsThem(t *testing.T) {
	stream := packet('+', "hello") + accepted("SESS01", 1) + packet('S', "one") + packet('H', "") +
		packet('S', "") + packet('U', "aside") + packet('S', "three") + packet('Z', "")
	for size := 1; size <= len(stream); size++ {
		s := newSessionTest(t)
		s.Open(s.now)
		if got := s.receive(stream, size); got != "1:one 2: 0:aside 3:three" {
			t.Fatalf("pieces of %d: %q", size, got)
		}
		if s.State() != Ended || s.Err() != nil || s.Name() != "SESS01" || s.Expected() != 4 || s.Debug() != "hello" {
			t.Fatalf("pieces of %d: %s %v %q %d %q", size, s.State(), s.Err(), s.Name(), s.Expected(), s.Debug())
		}
	}
}

func TestNextLoginContinuesBehindTheLastMessage(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	s.receive(packet('S', "a")+packet('S', "b")+"\x00\x05Sha", 100)
	s.Open(s.now) // half a message is forgotten with the connection
	if got := s.output(); got[3:] != "USER  PASSWORD  "+"    SESS01"+fmt.Sprintf("%20d", 3) {
		t.Errorf("login %q", got)
	}
	if got := s.receive(accepted("SESS01", 3)+packet('S', "half"), 100); got != "3:half" {
		t.Errorf("%q", got)
	}
	s.Reset()
	s.Open(s.now)
	if got := s.output(); got[3:] != "USER  PASSWORD  "+strings.Repeat(" ", 10)+fmt.Sprintf("%20d", 1) {
		t.Errorf("login after Reset %q", got)
	}
}

func TestOnlyNewMessages(t *testing.T) {
	s := newSessionTest(t, func(c *SessionConfig) { c.Sequence, c.Session = 0, "S7" })
	s.Open(s.now)
	if got := s.output(); !strings.HasSuffix(got, "        S7"+fmt.Sprintf("%20d", 0)) {
		t.Errorf("login %q", got)
	}
	if got := s.receive(accepted("S7", 41)+packet('S', "x"), 100); got != "41:x" {
		t.Errorf("%q", got)
	}
}

func TestServersThatFail(t *testing.T) {
	var reject *RejectError
	for name, row := range map[string]struct {
		stream string
		is     error
		as     byte
	}{
		"not authorised":       {packet('J', "A"), nil, 'A'},
		"no such session":      {packet('J', "S"), nil, 'S'},
		"other reason":         {packet('J', "Q"), nil, 'Q'},
		"other message":        {accepted("SESS01", 2), ErrSequence, 0},
		"no number":            {packet('A', fmt.Sprintf("%10s%20s", "SESS01", "1x")), ErrPacket, 0},
		"number 0":             {accepted("SESS01", 0), ErrPacket, 0},
		"short acceptance":     {packet('A', "SESS01"), ErrPacket, 0},
		"long rejection":       {packet('J', "AA"), ErrPacket, 0},
		"data before login":    {packet('S', "x"), ErrPacket, 0},
		"end before login":     {packet('Z', ""), ErrPacket, 0},
		"accepted twice":       {accepted("SESS01", 1) + accepted("SESS01", 1), ErrPacket, 0},
		"client's own type":    {accepted("SESS01", 1) + packet('R', ""), ErrPacket, 0},
		"length 0":             {accepted("SESS01", 1) + "\x00\x00", ErrPacket, 0},
		"heartbeat with data":  {accepted("SESS01", 1) + packet('H', "x"), ErrPacket, 0},
		"end of session, more": {accepted("SESS01", 1) + packet('Z', "x"), ErrPacket, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessionTest(t)
			s.Open(s.now)
			got := s.receive(row.stream+packet('S', "after"), 7)
			if got != "" || s.State() != Failed || row.is != nil && !errors.Is(s.Err(), row.is) {
				t.Errorf("%q, %s: %v", got, s.State(), s.Err())
			}
			if row.as != 0 && (!errors.As(s.Err(), &reject) || reject.Code != row.as || s.Stats().Rejected != 1) {
				t.Errorf("%v", s.Err())
			}
			if (row.is == ErrPacket) != (s.Stats().Malformed == 1) {
				t.Errorf("%+v", s.Stats())
			}
			if err := s.Send(s.now, []byte("x")); err != ErrNotActive {
				t.Errorf("send: %v", err)
			}
		})
	}
}

func TestHeartbeatsWhenIdle(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	if got := s.tick(second - 1); got != "" {
		t.Errorf("%q before a second is over", got)
	}
	if got := s.tick(1); got != packet('R', "") {
		t.Errorf("%q", got)
	}
	s.now += second / 2
	if err := s.Send(s.now, []byte("order")); err != nil || s.output() != packet('U', "order") {
		t.Error(err)
	}
	if got := s.tick(second / 2); got != "" {
		t.Errorf("%q half a second after a message", got)
	}
	if got := s.tick(second / 2); got != packet('R', "") {
		t.Errorf("%q", got)
	}
	s.Logout(s.now)
	if got := s.output(); got != packet('O', "") {
		t.Errorf("logout %q", got)
	}
}

func TestSilentServerIsDead(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	for range 15 {
		s.tick(second)
	}
	if s.State() != Active {
		t.Fatalf("%s after 15 s", s.State())
	}
	s.tick(1)
	if s.State() != Failed || !errors.Is(s.Err(), ErrSilent) || s.Stats().Silences != 1 {
		t.Errorf("%s %v", s.State(), s.Err())
	}
	s.login()
	for range 60 {
		s.receive(packet('H', ""), 100)
		s.tick(second)
	}
	if s.State() != Active || s.Stats().Heartbeats != 60 {
		t.Errorf("%s %+v", s.State(), s.Stats())
	}
}

func TestUnansweredLoginIsDead(t *testing.T) {
	s := newSessionTest(t)
	s.Open(s.now)
	s.receive(packet('H', ""), 100)
	s.tick(DefaultLoginNanos)
	if s.State() != LoggingIn {
		t.Fatalf("%s", s.State())
	}
	s.tick(1)
	if s.State() != Failed || !errors.Is(s.Err(), ErrSilent) {
		t.Errorf("%s %v", s.State(), s.Err())
	}
}

// A reader that is behind must not take its own slowness for the server's.
func TestServerIsNotSilentWhileItsPacketsWait(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	n := copy(s.Buffer(), packet('S', "x"))
	s.Received(s.now, n)
	s.tick(60 * second)
	if m, ok := s.Next(); !ok || string(m.Data) != "x" || s.State() != Active {
		t.Errorf("%s %v", s.State(), s.Err())
	}
}

func TestLimitsOfSending(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	if err := s.Send(s.now, make([]byte, payloadMax+1)); err != ErrTooLong {
		t.Errorf("%v", err)
	}
	var err error
	for range 10 {
		if err = s.Send(s.now, make([]byte, payloadMax)); err != nil {
			break
		}
	}
	if err != ErrBacklog || len(s.Output()) > backlogMax+packetMax {
		t.Errorf("%v, %d bytes wait", err, len(s.Output()))
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*SessionConfig){
		"user":      func(c *SessionConfig) { c.User = "1234567" },
		"password":  func(c *SessionConfig) { c.Password = "12345678901" },
		"session":   func(c *SessionConfig) { c.Session = "12345678901" },
		"control":   func(c *SessionConfig) { c.Password = "a\n" },
		"sequence":  func(c *SessionConfig) { c.Sequence = 1 << 62 },
		"heartbeat": func(c *SessionConfig) { c.HeartbeatNanos = 0 },
		"silence":   func(c *SessionConfig) { c.SilenceNanos = 0 },
		"login":     func(c *SessionConfig) { c.LoginNanos = 0 },
	} {
		c := testConfig()
		spoil(&c)
		if _, err := NewSession(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, row := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"                   1", 1, true}, {"1                   ", 1, true}, {"0", 0, true}, {"007", 7, true},
		{"4611686018427387903", 1<<62 - 1, true}, {"4611686018427387904", 0, false},
		{"99999999999999999999", 0, false}, {"", 0, false}, {"    ", 0, false}, {"1 2", 0, false}, {"-1", 0, false},
	} {
		if got, ok := ParseNumber([]byte(row.text)); got != row.want && row.ok || ok != row.ok {
			t.Errorf("%q: %d %v", row.text, got, ok)
		}
	}
	for _, v := range []uint64{0, 9, 10, 1<<64 - 1} {
		if got := string(AppendNumber(nil, v, 20)); got != fmt.Sprintf("%20d", v) {
			t.Errorf("%d: %q", v, got)
		}
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	s := newSessionTest(t)
	s.login()
	stream := packet('S', "0123456789012345678901234567890123456789") + packet('H', "") + packet('S', "x")
	data := []byte("order")
	if n := testing.AllocsPerRun(1000, func() {
		for cut := range []int{0, 9} {
			s.Received(s.now, copy(s.Buffer(), stream[:cut]))
			s.Next()
			s.Received(s.now, copy(s.Buffer(), stream[cut:]))
			for _, ok := s.Next(); ok; _, ok = s.Next() {
			}
		}
		s.Send(s.now, data)
		s.Tick(s.now)
		s.Sent(len(s.Output()))
	}); n != 0 || s.Stats().Sequenced < 4000 {
		t.Errorf("%v allocations, %+v", n, s.Stats())
	}
}

func BenchmarkReceive(b *testing.B) {
	s, err := NewSession(testConfig())
	if err != nil {
		b.Fatal(err)
	}
	s.Open(1)
	s.Received(1, copy(s.Buffer(), accepted("SESS01", 1)))
	s.Next()
	stream := strings.Repeat(packet('S', "012345678901234567890123456789012345"), 100)
	b.ReportAllocs()
	for b.Loop() {
		s.Received(1, copy(s.Buffer(), stream))
		for _, ok := s.Next(); ok; _, ok = s.Next() {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/message")
}
