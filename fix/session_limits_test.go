package fix

import "testing"

func TestSlowReaderIsDisconnectedAndServedLater(t *testing.T) {
	s := runScript(t, Config{Role: Acceptor, OutLimit: 100}, logonIn+`
I 35=0|34=2|49=P|52=T|56=U
`)
	for range 10 {
		s.Begin(sampleTime, "8").Str(TagSymbol, "X")
		if err := s.Send(); err != nil {
			t.Fatal(err)
		}
	}
	if reason, want := s.WantClose(); !want || reason != "peer does not read" || len(s.Out()) > 300 {
		t.Errorf("got %q, %v with %d bytes waiting", reason, want, len(s.Out()))
	}
	if s.NextOut() != 12 || s.log.get(11) == nil {
		t.Errorf("next out %d, and the last report is kept: %v", s.NextOut(), s.log.get(11) != nil)
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	good := Config{BeginString: "FIX.4.4", SenderCompID: "U", TargetCompID: "P", HeartBtIntSecs: 30,
		App: func(*Message, int64) bool { return true }}
	for name, spoil := range map[string]func(*Config){
		"no BeginString":       func(c *Config) { c.BeginString = "" },
		"no CompID":            func(c *Config) { c.SenderCompID = "" },
		"CompID with SOH":      func(c *Config) { c.TargetCompID = "P\x01" },
		"no heartbeat":         func(c *Config) { c.HeartBtIntSecs = 0 },
		"no App":               func(c *Config) { c.App = nil },
		"FIXT without version": func(c *Config) { c.BeginString = "FIXT.1.1" },
		"version without FIXT": func(c *Config) { c.DefaultApplVerID = "9" },
		"negative limit":       func(c *Config) { c.OutLimit = -1 },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := NewSession(cfg, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzSession(f *testing.F) {
	for _, s := range samples {
		f.Add(soh(s), true)
	}
	f.Add(wrap("FIX.4.4", "35=2|34=2|49=XLIT|52=20261120-14:30:00.123|56=SOR|7=1|16=0"), true)
	f.Add(wrap("FIX.4.4", "35=4|34=2|49=XLIT|52=20261120-14:30:00.123|56=SOR|36=9223372036854775807"), true)
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		s := loggedOn(t, nil)
		if fix { // most random bytes would stop at the checksum
			b = wrap("FIX.4.4", "35=0|34=2|49=XLIT|52=20261120-14:30:00.123|56=SOR|"+readable(b))
		}
		for now := int64(sampleTime); now < sampleTime+200e9; now += 5e9 {
			if n := s.Receive(now, b); n < 0 || n > len(b) {
				t.Fatalf("consumed %d of %d", n, len(b))
			}
			s.Tick(now)
			for out := s.Out(); len(out) > 0; out = s.Out() {
				n, err := Frame(out)
				if n == 0 || err != nil {
					t.Fatalf("we sent garbled bytes: %v: %q", err, out)
				}
				s.Wrote(n)
			}
		}
	})
}

func TestSessionDoesNotAllocate(t *testing.T) {
	s := loggedOn(t, nil)
	seq := uint64(2)
	w := NewWriter("FIX.4.4")
	now := int64(sampleTime)
	if n := testing.AllocsPerRun(200, func() {
		w.Reset()
		w.Begin("8")
		w.Uint(TagMsgSeqNum, seq)
		w.Str(TagSenderCompID, "XLIT")
		w.Time(TagSendingTime, now)
		w.Str(TagTargetCompID, "SOR")
		w.Str(TagSymbol, "ACME")
		b, _ := w.Finish()
		seq++
		if s.Receive(now, b) != len(b) {
			t.Fatal("not consumed")
		}
		o := s.Begin(now, "D")
		o.Str(TagSymbol, "ACME")
		s.Send()
		s.Tick(now)
		s.Wrote(len(s.Out()))
		now += 1e6
	}); n != 0 || s.NextIn() != seq {
		t.Errorf("%v allocations, next in %d", n, s.NextIn())
	}
}
