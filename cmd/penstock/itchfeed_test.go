package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/venues/wire"
)

// itchExample is the documented configuration with lines set or changed.
func itchExample(t *testing.T, change ...string) (*Config, error) {
	t.Helper()
	raw, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `request = "127.0.0.1:26478"`, strings.Join(change, "\n"), 1)
	return ParseConfig(filepath.Join(t.TempDir(), "penstock.toml"), []byte(text))
}

const request = `request = "127.0.0.1:26478"`

func TestITCHKeys(t *testing.T) {
	c, err := itchExample(t, `address_b = "239.1.2.3:26479"`, `interface_b = "lo"`, `gap_wait = "2ms"`, `zone = "America/New_York"`,
		`snapshot = "127.0.0.1:26480"`, `snapshot_user = "USER"`, `snapshot_password_file = "secret"`)
	if err != nil {
		t.Fatal(err)
	}
	f := &c.Venue[0].Feed
	if f.AddressB != "239.1.2.3:26479" || f.InterfaceB != "lo" || f.GapWait != 2e6 || f.Zone != "America/New_York" || f.SnapshotUser != "USER" {
		t.Errorf("%+v", f)
	}
	if _, err := c.snapshotPassword(f); err == nil {
		t.Error("no error without the file")
	}
	if err := os.WriteFile(c.at("secret"), []byte("PASSWORD\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := c.snapshotPassword(f); p != "PASSWORD" || err != nil {
		t.Errorf("%q %v", p, err)
	}
	f.SnapshotPasswordFile, f.SnapshotPasswordEnv = "", "PENSTOCK_TEST_SNAPSHOT"
	if _, err := c.snapshotPassword(f); err == nil {
		t.Error("no error without the variable")
	}
	t.Setenv("PENSTOCK_TEST_SNAPSHOT", "OTHER")
	if p, err := c.snapshotPassword(f); p != "OTHER" || err != nil {
		t.Errorf("%q %v", p, err)
	}
}

func TestITCHKeysThatContradict(t *testing.T) {
	for want, lines := range map[string][]string{
		"feed.request":       {},
		"feed.address_b":     {request, `address_b = "here"`},
		"feed.snapshot =":    {request, `snapshot = "here"`},
		"feed.interface_b":   {request, `interface_b = "lo"`},
		"there is no other":  {request, `gap_wait = "1ms"`},
		"feed.snapshot_user": {request, `snapshot_user = "USER"`},
		"not both":           {request, `snapshot = "127.0.0.1:1"`, `snapshot_password_file = "a"`, `snapshot_password_env = "B"`},
		"shorter than":       {request, `address_b = "127.0.0.1:1"`, `gap_wait = "3s"`},
		"feed.zone":          {request, `zone = "Wall Street"`},
		"unknown key":        {request, `address_c = "127.0.0.1:1"`},
	} {
		if _, err := itchExample(t, lines...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestManyLinesAreAskedAtOnce: the gate of the order sessions asks for the lines too when there are more than linesAlone.
func TestManyLinesAreAskedAtOnce(t *testing.T) {
	itch := feedSection{Protocol: "itch"}
	twice := itch
	twice.AddressB = "239.1.2.3:26479"
	a := &assembly{gate: new(wire.Gate)}
	for _, c := range []struct {
		feeds []feedSection
		gated bool
	}{{[]feedSection{itch, {Protocol: "fix"}, itch}, false}, {[]feedSection{twice}, false}, {[]feedSection{twice, itch}, true}, {[]feedSection{itch, itch, itch}, true}} {
		a.cfg = &Config{}
		for _, f := range c.feeds {
			a.cfg.Venue = append(a.cfg.Venue, venueSection{Feed: f})
		}
		if got := a.gateOfLines(); (got != nil) != c.gated {
			t.Errorf("%d venues: a gate %v", len(c.feeds), got != nil)
		}
	}
}
