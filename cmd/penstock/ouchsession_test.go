package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// The whole router trades with a venue that takes orders in OUCH, among others that speak
// FIX; the three accounts agree and the journal gives the day again.
func TestDemoOverOUCH(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.0", "4.2"} {
		if testing.Short() && version == "4.2" {
			continue // the same goroutines
		}
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			table := filepath.Join(dir, "rules.penstock") // BASELINE would rather trade with dealers
			if code, _, errs := penstock(t, "policy", "build-baseline", "-o", table); code != 0 {
				t.Fatalf("exit code %d: %s", code, errs)
			}
			code, out, errs := penstock(t, "demo", "--json", "--ouch", version, "--qty", "8000", "--horizon", "6s", "--seed", "5",
				"--table", table, "--journal", filepath.Join(dir, "journal"))
			if code != 0 {
				t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
			}
			var s summary
			if err := json.Unmarshal([]byte(out), &s); err != nil {
				t.Fatal(err)
			}
			if s.CumQty != "8000" || !s.Reconciled.Agree || s.Reconciled.Venues.Notional != s.Notional {
				t.Fatalf("summary %s", out)
			}
			traded := false
			for _, v := range s.Venues {
				traded = traded || v.Venue == "LITA" && v.Fills > 0
			}
			// Its drop copy is in FIX all the same.
			again, err := rerunJournal(journalDir(filepath.Join(dir, "journal")))
			if err != nil {
				t.Fatal(err)
			}
			if c := again.core.Counters; c.DropCopies == 0 || c.DropBreaks != 0 {
				t.Errorf("%d drop copies, %d breaks", c.DropCopies, c.DropBreaks)
			}
			if !traded {
				t.Errorf("nothing traded at the venue that speaks OUCH: %s", out)
			}
		})
	}
}

func TestOUCHSessionsAreChecked(t *testing.T) {
	for _, tt := range []struct{ change, say string }{
		{"", ""},
		{"user = \"\"", "user"}, {"capacity = \"\"", "capacity"}, {"zone = \"Mars/Olympus\"", "zone"}, {"heartbeat = 3", "remove the others"},
		{"dialect = \"sim\"", "are for OUCH"}, {"max_orders = -1", "negative"}, {"address = \"nowhere\"", "host:port"},
	} {
		keys := map[string]string{"address": `"127.0.0.1:1"`, "dialect": `"ouch-5.0"`, "user": `"SOR"`, "capacity": `"A"`}
		if key, value, ok := strings.Cut(tt.change, " = "); ok {
			keys[key] = value
		}
		var o ordersSection
		var text strings.Builder
		for key, value := range keys {
			text.WriteString(key + " = " + value + "\n")
		}
		if _, err := toml.Decode(text.String(), &o); err != nil {
			t.Fatal(err)
		}
		err := o.validate()
		if (err == nil) != (tt.say == "") || err != nil && !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%q: %v, want %q", tt.change, err, tt.say)
		}
	}
}
