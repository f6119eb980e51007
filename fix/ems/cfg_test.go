package ems

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
)

const goodCfg = `# two desks
[DEFAULT]
ConnectionType=acceptor
BeginString=FIX.4.4
SenderCompID=PENSTOCK
SocketAcceptHost=127.0.0.1
SocketAcceptPort=0
FileStorePath=STORE
FileLogPath=LOG
ResetOnLogon=N

[SESSION]
TargetCompID=ZEBRA
StartTime=00:00:00
EndTime=00:00:00

[session]
TargetCompID=ALPHA
MaxLatency=30
`

func TestCfgGivesSessionsInFileOrder(t *testing.T) {
	var c Config
	if err := ReadCfg(strings.NewReader(goodCfg), "ems.cfg", &c); err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:0" || c.StoreDir != "STORE" || c.LogDir != "LOG" ||
		len(c.Sessions) != 2 ||
		c.Sessions[0].TargetCompID != "ZEBRA" || c.Sessions[1].TargetCompID != "ALPHA" {
		t.Fatalf("config %+v", c)
	}
	// quickfix's own reader must see the same sessions and settings.
	theirs, err := quickfix.ParseSettings(strings.NewReader(goodCfg))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Sessions {
		settings, ok := theirs.SessionSettings()[s.id()]
		if !ok {
			t.Errorf("quickfix does not find session %v", s.id())
			continue
		}
		for key, value := range s.Settings {
			if v, _ := settings.Setting(key); v != value {
				t.Errorf("session %v: %s=%q, quickfix reads %q", s.id(), key, value, v)
			}
		}
	}
	if !maps.Equal(c.Sessions[1].Settings, map[string]string{"MaxLatency": "30"}) {
		t.Errorf("settings %v", c.Sessions[1].Settings)
	}
}

func TestCfgErrorsSayWhere(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"MaxLatency=30", "MaxLatenzy=30", "ems.cfg:19: setting MaxLatenzy is not supported"},
		{"ResetOnLogon=N", "ResetOnLogon=Y", "ems.cfg:10: ResetOnLogon=Y is not supported"},
		{"ResetOnLogon=N", "DynamicSessions=Y", "ems.cfg:10: DynamicSessions=Y"},
		{"ResetOnLogon=N", "SocketUseSSL=Y", "ems.cfg:10: setting SocketUseSSL"},
		{"acceptor", "initiator", "ems.cfg:3: ConnectionType=initiator"},
		{"BeginString=FIX.4.4", "BeginString=FIX.4.1", "only FIX.4.4 and FIX.4.2"},
		{"TargetCompID=ALPHA", "TargetCompID=ZEBRA", "is there already"},
		{"TargetCompID=ALPHA", "hello", `ems.cfg:18: "hello"`},
		{"TargetCompID=ALPHA", "", "ems.cfg:17: SenderCompID (ours) and TargetCompID"},
		{"TargetCompID=ALPHA", "TargetCompID=ALPHA\nTargetCompID=BETA",
			"ems.cfg:19: TargetCompID is set twice"},
		{"SocketAcceptPort=0", "", "SocketAcceptPort is missing"},
		{"MaxLatency=30", "SocketAcceptPort=7", "all sessions share one"},
		{"[DEFAULT]", "", "stands before"},
		{goodCfg, "[DEFAULT]\n", "no [SESSION]"},
	} {
		var cfg Config
		err := ReadCfg(strings.NewReader(strings.Replace(goodCfg, c.old, c.new, 1)), "ems.cfg", &cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %q: %v, want %q", c.new, err, c.want)
		}
	}
}

func TestAcceptorFromACfgFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := strings.NewReplacer("STORE", filepath.Join(dir, "store"), "LOG", filepath.Join(dir,
		"log")).Replace(goodCfg)
	d := newDesk()
	c := Config{Sink: d.sink, Instruments: testInstruments}
	if err := ReadCfg(strings.NewReader(text), "ems.cfg", &c); err != nil {
		t.Fatal(err)
	}
	a := listen(t, c)
	p := dial(t, a, 1).logon()
	p.send("D", newOrder("P1"))
	if e := d.next(t, event.ParentNew); e.Client != 1 {
		t.Errorf("event %+v, want client 1", e)
	}
	if _, err := os.Stat(filepath.Join(dir, "log", "ems.log")); err != nil {
		t.Error(err)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	good := func() Config {
		c := testConfig(t, newDesk(), 1)
		return c
	}
	for _, c := range []struct {
		name   string
		break_ func(*Config)
		want   string
	}{
		{"no sink", func(c *Config) { c.Sink = nil }, "no sink"},
		{"no address", func(c *Config) { c.Listen = "" }, "no address"},
		{"bad address", func(c *Config) { c.Listen = "127.0.0.1:99999" }, "99999"},
		{"no store", func(c *Config) { c.StoreDir = "" }, "session store"},
		{"no session", func(c *Config) { c.Sessions = nil }, "no session"},
		{"half TLS", func(c *Config) { c.TLSCert = "x" }, "both a certificate and a key"},
		{"no such certificate", func(c *Config) { c.TLSCert, c.TLSKey = "/no", "/such" }, "/no"},
		{"certificate without CA", func(c *Config) { c.Sessions[0].CertSPKI = []byte{1} },
			"no TLS client CA"},
		{"queue", func(c *Config) { c.QueueLen = 1000 }, "power of two"},
		{"strategy", func(c *Config) { c.DefaultStrategy = 7 }, "not known"},
		{"instrument", func(c *Config) { c.Instruments = c.Instruments[1:] }, "ID 1 at index 0"},
		{"setting", func(c *Config) { c.Sessions[0].Settings = map[string]string{"MaxLatency": "x"} },
			"MaxLatency"},
		{"twice", func(c *Config) { c.Sessions = append(c.Sessions, c.Sessions[0]) },
			"duplicate session"},
	} {
		cfg := good()
		c.break_(&cfg)
		a, err := Listen(cfg)
		if err == nil {
			a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	// A failed start leaves nothing behind: the same sessions can be served.
	cfg := good()
	cfg.Listen = "127.0.0.1:99999"
	if _, err := Listen(cfg); err == nil {
		t.Fatal("listening on port 99999")
	}
	cfg.Listen = "127.0.0.1:0"
	listen(t, cfg)
}
