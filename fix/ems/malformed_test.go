package ems

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/fix/ems/guard"
)

// malformed is one line of testdata/malformed.txt.
type malformedCase struct {
	line             int
	phase, treatment string
	bytes            string
}

func readMalformed(t *testing.T) (all []malformedCase) {
	t.Helper()
	text, err := os.ReadFile("testdata/malformed.txt")
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		part := strings.SplitN(line, "\t", 3)
		if len(part) != 3 {
			t.Fatalf("line %d: %q", n+1, line)
		}
		all = append(all, malformedCase{n + 1, part[0], part[1], part[2]})
	}
	return all
}

// wire returns the bytes of a case as p sends them.
func (c *malformedCase) wire(p *peer) []byte {
	identity := "49=" + p.name + "|56=PENSTOCK|52=" + now() + "|"
	text := strings.NewReplacer("%H|", fmt.Sprintf("%s34=%d|", identity, p.seq), "%I|", identity, "%L|", "98=0|108=30|",
		"%O|", "55=ACME|54=1|38=100|40=2|44=10.01|59=0|60="+now()+"|847=1000|").Replace(c.bytes)
	for i := strings.Index(text, `\x`); i >= 0; i = strings.Index(text, `\x`) {
		b, _ := strconv.ParseUint(text[i+2:i+4], 16, 8)
		text = text[:i] + string([]byte{byte(b)}) + text[i+4:]
	}
	switch text[0] {
	case '=':
		return message(text[1:])
	case '~':
		b := message(text[1:])
		b[len(b)-2] = '0' + (b[len(b)-2]-'0'+1)%10
		return b
	}
	return []byte(strings.ReplaceAll(text, "|", "\x01"))
}

// TestMalformedCorpus sends every case over a socket of its own: each is treated as its line
// says and counted, the process lives, and the next session works.
func TestMalformedCorpus(t *testing.T) {
	t.Parallel()
	cases := readMalformed(t)
	if len(cases) < 150 {
		t.Fatalf("%d cases, want 150 at least", len(cases))
	}
	d := newDesk()
	cfg, soon := testConfig(t, d, len(cases)+1), testConfig(t, d, 1)
	soon.Limits.FirstFrame = 400 * time.Millisecond // what has to come late alone, the rest may take its time
	patient, hasty := listen(t, cfg), listen(t, soon)
	reasons := map[string]guard.Reason{"Garbled": guard.Garbled, "CheckSum": guard.CheckSum, "BadInteger": guard.BadInteger,
		"DataLength": guard.DataLength, "Duplicate": guard.Duplicate, "FirstFrameLate": guard.FirstFrameLate,
		"ResetRefused": guard.ResetRefused, "HeartBtInt": guard.HeartBtInt, "NotLogon": guard.NotLogon,
		"UnknownSession": guard.UnknownSession}
	for i := range cases {
		c := &cases[i]
		what, detail, _ := strings.Cut(c.treatment, " ")
		reason, known := reasons[detail]
		a, client := patient, i
		if reason == guard.FirstFrameLate {
			a, client = hasty, 0
		}
		p := dial(t, a, client)
		if c.phase == "session" {
			p.logon()
		}
		if (what == "close" || what == "drop") && !known {
			t.Fatalf("line %d: unknown reason %q", c.line, detail)
		}
		before := a.Guard().Count(reason)
		p.write(c.wire(p))
		switch what {
		case "close":
			p.expectClosed()
		case "drop":
			p.ping()
		case "pass":
			p.seq++
			p.ping()
		case "reject":
			p.seq++
			checkReject(t, c, p, detail)
		default:
			t.Fatalf("line %d: unknown treatment %q", c.line, what)
		}
		if known && a.Guard().Count(reason) != before+1 {
			t.Errorf("line %d: %s: counted %d times as %q, want once", c.line, c.bytes, a.Guard().Count(reason)-before, reason)
		}
		p.close()
	}
	alive(t, patient, len(cases))
	for len(d.events) > 0 {
		if e := <-d.events; e.Kind != event.ClientSession {
			t.Errorf("a malformed message reached the router: %+v", e)
		}
	}
	if text := readLog(t, cfg); bytes.ContainsAny([]byte(text), "\x1b\r\xff\x00") {
		t.Error("the log holds bytes that a terminal obeys")
	}
}

// checkReject expects a message of a type with fields: "3 373=5 371=11".
func checkReject(t *testing.T, c *malformedCase, p *peer, want string) {
	t.Helper()
	part := strings.Fields(want)
	m := p.expect(part[0])
	for _, field := range part[1:] {
		tag, value, _ := strings.Cut(field, "=")
		if n, _ := strconv.Atoi(tag); get(m, n) != value {
			t.Errorf("line %d: %s\nanswered by %s\nwant %s", c.line, c.bytes, pretty(m), field)
		}
	}
}
