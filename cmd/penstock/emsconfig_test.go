package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/router"
)

// TestSessionsMustSayTheirTerms changes the lines of the EMS sections and looks at what is
// said, or made of it.
func TestSessionsMustSayTheirTerms(t *testing.T) {
	const keep = "on_disconnect = \"keep\"\n"
	for _, c := range []struct{ name, from, to, want string }{
		{"as it is", "", "", ""},
		{"no policy", keep, "", `on_disconnect must say`},
		{"unknown policy", keep, "on_disconnect = \"perhaps\"\n", `on_disconnect must say`},
		{"no grace", keep, "on_disconnect = \"cancel\"\n", `needs cancel_after`},
		{"grace without need", keep, keep + "cancel_after = \"3s\"\n", `has no cancel_after`},
		{"grace", keep, "on_disconnect = \"cancel\"\ncancel_after = \"3s\"\n", ""},
		{"its own", "target_comp_id = \"DESK\"\n", "target_comp_id = \"DESK\"\non_disconnect = \"cancel\"\ncancel_after = \"7s\"\n", ""},
		{"FIX 4.2", "target_comp_id = \"DESK\"\n", "target_comp_id = \"DESK\"\nbegin_string = \"FIX.4.2\"\n", ""},
		{"address", "target_comp_id = \"DESK\"\n", "target_comp_id = \"DESK\"\nallow = [\"10.0.0.1\"]\n", "192.0.2.0/24"},
		{"key", "target_comp_id = \"DESK\"\n", "target_comp_id = \"DESK\"\ncert_spki = \"abc\"\n", "64 hex digits"},
		{"heartbeats", keep, keep + "heartbeat_min = 9\nheartbeat_max = 8\n", "heartbeat_min is above"},
		{"drop copy", "[[instrument]]", "[[ems.drop_copy]]\nsender_comp_id = \"PENSTOCK\"\ntarget_comp_id = \"SURV\"\n[[instrument]]", ""},
		{"drop copy with orders", "[[instrument]]", "[[ems.drop_copy]]\nsender_comp_id = \"P\"\ntarget_comp_id = \"S\"\non_disconnect = \"keep\"\n[[instrument]]",
			"has no orders"},
		{"unknown key", keep, keep + "on_disconect = \"keep\"\n", "unknown key"},
	} {
		text := strings.Replace(goodConfig(), c.from, c.to, 1)
		cfg, err := ParseConfig("test.toml", []byte(text))
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := int64(router.Keep)
		switch c.name {
		case "grace":
			want = int64(3 * time.Second)
		case "its own":
			want = int64(7 * time.Second)
		}
		if got := cfg.Router.Clients; len(got) != 1 || got[0].CancelAfter != want {
			t.Errorf("%s: policies %+v, want %d", c.name, got, want)
		}
	}
}

func TestPasswordFilesAreForTheRouterAlone(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "desk.secret")
	text := strings.Replace(goodConfig(), "target_comp_id = \"DESK\"\n", "target_comp_id = \"DESK\"\npassword_file = \"desk.secret\"\n", 1)
	cfg, err := ParseConfig(filepath.Join(dir, "test.toml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string
	}{{"", 0, "no such file"}, {"s3cret\n", 0o644, "chmod 600"}, {"\n", 0o600, "empty"}, {"s3cret\n", 0o600, ""}} {
		os.Remove(secret)
		if c.mode != 0 {
			if err := os.WriteFile(secret, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
		}
		acceptor := cfg.Acceptor
		err := cfg.passwords(&acceptor)
		if c.want == "" && (err != nil || acceptor.Sessions[0].Password != "s3cret") ||
			c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q with mode %o: %v, want %q", c.text, c.mode, err, c.want)
		}
	}
}
