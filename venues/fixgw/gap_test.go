package fixgw

import (
	"os"
	"strings"
	"testing"

	"penstock/market"
)

// TestNothingIsSentIntoAGap is a process that was killed: the numbers that it had claimed ahead are a gap
// for the venue, which drops what comes behind it. It asks for them with its Logon; what the next
// process asks and orders comes after the gap-fill, because it is never sent a second time.
func TestNothingIsSentIntoAGap(t *testing.T) {
	path := t.TempDir() + "/XLIT.seq"
	config := func(c *Config) { c.StorePath, c.Kind, c.Quotes = path, market.SDP, QuotesRequest }
	r := newRig(t, config)
	quotesAsked := func() {
		t.Helper()
		for range testSymbols {
			if m := r.wire(); !strings.HasPrefix(m, "35=R|") {
				t.Fatalf("the venue got %s, want a request for quotes", m)
			}
		}
	}
	quotesAsked()
	r.up()
	r.g.Send(r.now, takeOrder())
	r.wire()
	killed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.g.Close()
	if err := os.WriteFile(path, killed, 0o600); err != nil {
		t.Fatal(err)
	}
	r.events = nil
	r.start(config)
	quotesAsked()
	r.up()
	c := takeOrder()
	c.Child++
	r.g.Send(r.now, c)
	if m := body(r.wire()); !strings.HasPrefix(m, "35=D|11=261120143000000002|") {
		t.Errorf("the venue got %s, want the order", m)
	}
	if gaps := r.v.gaps(); gaps != 1 {
		t.Errorf("the venue saw %d gaps", gaps)
	}
}
