package fixgw

import (
	"fmt"
	"hash/crc32"
	"os"
	"testing"

	"penstock/event"
	"penstock/market"
)

// readAway lets an order end at the venue and be executed late, and a dealer's quote come, all of
// which the process reads before it dies. It returns what it told, which its journal may lack.
func readAway(r *rig) (read []event.Event) {
	r.up()
	r.g.Send(r.now, takeOrder())
	r.wire()
	r.v.say("8|11=261120143000000001|17=A1|39=0|54=1|55=ACME|150=0|38=300|14=0|151=300")
	r.v.say("8|11=261120143000000001|17=A2|39=4|54=1|55=ACME|150=4|38=300|14=0|151=0")
	r.v.say("S|117=Q1|131=ACME|55=ACME|132=100.24|133=100.25|134=100|135=100")
	r.v.say("8|" + fill(1, 100))
	for len(read) < 4 {
		read = append(read, r.next())
	}
	r.g.Close()
	r.events = nil
	return read
}

// TestWhatTheJournalLacksIsAskedForAgain is a host that dies with the end of the journal, while the
// numbers of the session stay: nobody asks for an order that has ended, and the venue repeats nothing
// that was read, so the late execution came from nobody.
func TestWhatTheJournalLacksIsAskedForAgain(t *testing.T) {
	path := t.TempDir() + "/XLIT.seq"
	config := func(heard uint64) func(*Config) {
		return func(c *Config) { c.StorePath, c.Kind, c.Heard = path, market.SDP, heard }
	}
	r := newRig(t, config(0))
	read := readAway(r)
	for i, want := range []uint64{2, 3, 0, 5} { // a quote is of its moment
		if got := read[i].MsgSeqNum(); got != want {
			t.Errorf("event %d: MsgSeqNum %d, want %d", i, got, want)
		}
	}
	r.start(config(read[1].MsgSeqNum()))
	late := r.next()
	if late.Kind != event.Exec || late.ID != read[3].ID || late.CumQty != 100 || late.Flags&event.PossDup == 0 || late.MsgSeqNum() != 5 {
		t.Fatalf("got %+v, want the execution again, alone", late)
	}
	up := r.next()
	if up.Kind != event.VenueSession || up.Code != uint8(event.SessionUp) || up.MsgSeqNum() != 6 {
		t.Fatalf("got %+v, want session up behind message 6, the Logon", up)
	}
	if s := r.g.Stats(); s.Outdated != 1 || s.Quotes != 0 || s.Session.Gaps != 1 {
		t.Errorf("stats %+v, want one quote that is too old", s)
	}
	r.v.say("S|117=Q2|131=ACME|55=ACME|132=100.24|133=100.25|134=100|135=100")
	if e := r.next(); e.Kind != event.Quote {
		t.Errorf("got %+v, want the next quote", e)
	}
}

// TestOnlyWhatTheJournalLacksIsAskedForAgain keeps out what is recorded: an old status would undo what
// came after it.
func TestOnlyWhatTheJournalLacksIsAskedForAgain(t *testing.T) {
	for name, heard := range map[string]uint64{"all is recorded": 5, "nothing is known": 0, "the venue began anew": 500} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/XLIT.seq"
			config := func(heard uint64) func(*Config) {
				return func(c *Config) { c.StorePath, c.Kind, c.Heard = path, market.SDP, heard }
			}
			r := newRig(t, config(0))
			readAway(r)
			r.start(config(heard))
			r.up()
			if s := r.g.Stats(); s.Session.Gaps != 0 || s.Reports != 0 {
				t.Errorf("stats %+v, want nothing again", s)
			}
		})
	}
}

// TestRewindIsBounded keeps a dealer's quotes of a day from being asked for, and anything where the
// venue repeats nothing.
func TestRewindIsBounded(t *testing.T) {
	path := t.TempDir() + "/XLIT.seq"
	numbers := fmt.Sprintf("fixseq1 out=%020d in=%020d", 10, 1_000_000)
	line := fmt.Sprintf("%s crc=%08x\n", numbers, crc32.ChecksumIEEE([]byte(numbers)))
	d, _ := DialectByName("sim")
	for _, tt := range []struct {
		heard           uint64
		reset, noResend bool
		want            uint64
	}{{heard: 999_990, want: 999_991}, {heard: 7, want: 1_000_000 - maxRewind}, {heard: 999_990, reset: true, want: 1_000_000},
		{heard: 999_990, noResend: true, want: 1_000_000}} {
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		d.ResetOnLogon, d.NoResend = tt.reset, tt.noResend
		g, err := New(Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30, Dialect: d,
			Symbols: testSymbols, Sink: func(*event.Event) bool { return true }, StorePath: path, Heard: tt.heard})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.session.NextIn(); got != tt.want {
			t.Errorf("%+v: it goes on with %d", tt, got)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
