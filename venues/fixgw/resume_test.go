package fixgw

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
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
	for i, want := range []uint64{3, 4, 0, 6} { // a quote is of its moment
		if got := read[i].MsgSeqNum(); got != want {
			t.Errorf("event %d: MsgSeqNum %d, want %d", i, got, want)
		}
	}
	r.start(config(read[1].MsgSeqNum()))
	late := r.next()
	if late.Kind != event.Exec || late.ID != read[3].ID || late.CumQty != 100 || late.Flags&event.PossDup == 0 || late.MsgSeqNum() != 6 {
		t.Fatalf("got %+v, want the execution again, alone", late)
	}
	up := r.next()
	if up.Kind != event.VenueSession || up.Code != uint8(event.SessionUp) || up.MsgSeqNum() != 8 {
		t.Fatalf("got %+v, want session up behind message 8, the answer to our test", up)
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
	for name, heard := range map[string]uint64{"all is recorded": 6, "nothing is known": 0} {
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

// TestNumbersToGoOnWith has a session of which 1,000,000 is expected next, by its file.
func TestNumbersToGoOnWith(t *testing.T) {
	const in, out = 1_000_000, 10
	path := t.TempDir() + "/XLIT.seq"
	for name, tt := range map[string]struct {
		heard           uint64
		died            bool
		sent, since     uint64
		spoil           func(*Config)
		wantIn, wantOut uint64
	}{
		"the journal lacks some":        {heard: 999_990, wantIn: 999_991, wantOut: out},
		"a dealer's quotes of a day":    {heard: 7, wantIn: in - maxRewind, wantOut: out},
		"the journal has all":           {heard: in - 1, wantIn: in, wantOut: out},
		"the file is older":             {heard: in + 20, died: true, wantIn: in + 21, wantOut: out + fix.HostAhead},
		"the file is much older":        {heard: in + 20, died: true, sent: 700, since: 8, wantIn: in + 21, wantOut: 709 + fix.HostAhead},
		"nothing was heard":             {died: true, wantIn: in, wantOut: out + fix.HostAhead},
		"sessions begin anew":           {heard: 999_990, died: true, spoil: func(c *Config) { c.Dialect.ResetOnLogon = true }, wantIn: in, wantOut: out},
		"the venue repeats nothing":     {heard: 999_990, died: true, spoil: func(c *Config) { c.Dialect.NoResend = true }, wantIn: in, wantOut: out},
		"a person has removed the file": {heard: 999_990, died: true, spoil: func(*Config) { os.Remove(path) }, wantIn: 1, wantOut: 1},
	} {
		store, err := fix.OpenStore(path)
		if err == nil {
			err = errors.Join(store.Resume(out, in), store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		d, _ := DialectByName("sim")
		cfg := Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30, Dialect: d,
			Symbols: testSymbols, Sink: func(*event.Event) bool { return true }, StorePath: path, Heard: tt.heard, HostDied: tt.died, Sent: tt.sent, Since: tt.since}
		if tt.spoil != nil {
			tt.spoil(&cfg)
		}
		g, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if in, out := g.session.NextIn(), g.session.NextOut(); in != tt.wantIn || out != tt.wantOut {
			t.Errorf("%s: it goes on with in %d, out %d; want %+v", name, in, out, tt)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNumbersOfADeadHostDoNotEndTheSession is a file that is half a minute old: the venue has had more
// from us, and has told more, which the journal has.
func TestNumbersOfADeadHostDoNotEndTheSession(t *testing.T) {
	path := t.TempDir() + "/XLIT.seq"
	r := newRig(t, func(c *Config) { c.StorePath, c.Kind = path, market.SDP })
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	readAway(r)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	r.start(func(c *Config) { c.StorePath, c.Heard, c.HostDied = path, 6, true })
	r.up()
	c := takeOrder()
	c.Child++
	r.g.Send(r.now, c)
	if m := r.wire(); !strings.Contains(m, "|11=261120143000000002|") {
		t.Errorf("the venue got %s", m)
	}
	if s := r.g.Stats(); s.Session.Gaps != 0 || s.Disconnects != 0 {
		t.Errorf("stats %+v", s)
	}
}

// lost lets the venue say what the connection takes along when it ends.
func (v *venue) lost(texts ...string) {
	v.tell(func() {
		for _, text := range texts {
			v.write(text)
		}
		v.drop()
	})
}

// TestRepeatedQuotesAreOutdated: what a dealer said into a connection that was lost comes again with the
// reports, and its price is as old as the connection.
func TestRepeatedQuotesAreOutdated(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Kind = market.SDP })
	r.up()
	r.g.Send(r.now, takeOrder())
	r.wire()
	r.v.lost("S|117=Q1|131=ACME|55=ACME|132=100.24|133=100.25|134=100|135=100", "8|"+fill(1, 100))
	r.until("the session down", func() bool { return r.g.Stats().Disconnects == 1 })
	r.now += 60_000 * milli
	var kinds []event.Kind
	for len(kinds) == 0 || kinds[len(kinds)-1] != event.VenueSession || len(kinds) < 3 {
		kinds = append(kinds, r.next().Kind)
	}
	if s := r.g.Stats(); slices.Contains(kinds, event.Quote) || !slices.Contains(kinds, event.Exec) || s.Outdated != 1 || s.Quotes != 0 {
		t.Errorf("events %v, stats %+v", kinds, s)
	}
}
