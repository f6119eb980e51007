package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"penstock/internal/mutate"
)

// badConfigs change one place of docs/penstock.toml each: old text, new text, what the error
// must name. A new text of "" takes the line away.
var badConfigs = []struct{ name, old, new, want string }{
	{"no journal", `journal = "journal"`, ``, "router.journal"},
	{"no state", `state = "state"`, ``, "router.state"},
	{"empty journal", `journal = "journal"`, `journal = ""`, "router.journal"},
	{"no idle", `idle = "auto"`, ``, "router.idle"},
	{"unknown idle", `idle = "auto"`, `idle = "sleep"`, "router.idle"},
	{"no placement", `placement = "inline"`, ``, "router.placement"},
	{"unknown placement", `placement = "inline"`, `placement = "inlined"`, "router.placement"},
	{"no parents", `max_parents = 4096`, ``, "max parents"},
	{"parents zero", `max_parents = 4096`, `max_parents = 0`, "max parents"},
	{"parents negative", `max_parents = 4096`, `max_parents = -4`, "max parents"},
	{"parents a float", `max_parents = 4096`, `max_parents = 4096.5`, "max_parents"},
	{"parents as text", `max_parents = 4096`, `max_parents = "4096"`, "max_parents"},
	{"parents too many", `max_parents = 4096`, `max_parents = 4000000000`, "max parents"},
	{"children zero", `max_children = 200000`, `max_children = 0`, "max parents and children"},
	{"levels zero", `book_levels = 1024`, `book_levels = 0`, "book_levels"},
	{"levels too many", `book_levels = 1024`, `book_levels = 99999999999`, "book_levels"},
	{"messages too many", `msg_rate = 500 `, `msg_rate = 100000000000 `, "msg_rate"},
	{"messages beyond number", `msg_rate = 500 `, `msg_rate = 9223372036854775807 `, "msg_rate"},
	{"protection unsaid", `protect = true`, ``, "protect is missing"},
	{"connections negative", `default_strategy = 0`, "default_strategy = 0\nmax_connections = -1", "max_connections"},
	{"heartbeats above the default", `default_strategy = 0`, "default_strategy = 0\nheartbeat_min = 500", "heartbeat_min"},
	{"caps of no policy", `[policy]`, "[canary]\norders = 5\nnotional = \"10\"\nsymbols = [\"*\"]\nvenues = [\"*\"]\n[policy]", "policy.table"},
	{"a grace without its act", `target_comp_id = "DESK"`, "target_comp_id = \"DESK\"\ncancel_after = \"2s\"", "cancel_after without on_disconnect"},
	{"itch over TLS", `protocol = "itch"`, "protocol = \"itch\"\ntls = true", "feed.tls is not for itch"},
	{"no orders of a book", `book_orders = 262144`, ``, "capacity"},
	{"unknown key", `placement = "inline"`, "placement = \"inline\"\nplacment = \"inline\"", "placment"},
	{"unknown table", `[policy]`, "[polcy]\nx = 1\n[policy]", "polcy"},
	{"key twice", `max_parents = 4096`, "max_parents = 4096\nmax_parents = 8192", "max_parents"},
	{"table twice", `[policy]`, "[policy]\n[policy]", "policy"},
	{"key in another case", `max_parents = 4096`, "max_parents = 4096\nMax_Parents = 8192", "lower case"},
	{"limit in another case", `child_max_qty = "20000"`, "child_max_qty = \"20000\"\nChild_Max_Qty = \"9000000\"", "lower case"},
	{"not TOML", `[policy]`, `[policy`, "expected"},
	{"half a string", `state = "state"`, `state = "state`, "line"},
	{"a list for text", `state = "state"`, `state = ["state"]`, "state"},
	{"core negative", `# core = 3`, `core = -1`, "router.core"},
	{"segments too small", `# segment_bytes = 67108864`, `segment_bytes = 4096`, "router.segment_bytes"},
	{"segments too large", `# segment_bytes = 67108864`, `segment_bytes = 99999999999`, "router.segment_bytes"},
	{"mirror on the journal", `# mirror = "/disk2/mirror"`, `mirror = "journal"`, "router.mirror"},
	{"unknown shadow", `# shadow = "off"`, `shadow = "no"`, "router.shadow"},
	{"snapshots negative", `# snapshot_events = 1000000`, `snapshot_events = -1`, "router.snapshot_events"},
	{"reserve is no time", `# reserve = "10m"`, `reserve = "10"`, "duration"},
	{"calendar without a zone", `[policy]`, "[calendar]\nzone = \"\"\nopen = \"09:30\"\nclose = \"16:00\"\n[policy]", "calendar.zone"},
	{"calendar of nowhere", `[policy]`, "[calendar]\nzone = \"Mars/Olympus\"\nopen = \"09:30\"\nclose = \"16:00\"\n[policy]", "calendar.zone"},
	{"calendar that never opens", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"16:00\"\nclose = \"16:00\"\n[policy]", "calendar.close"},
	{"calendar at no time", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"9.30\"\nclose = \"16:00\"\n[policy]", "calendar.open"},
	{"calendar without days", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"09:30\"\nclose = \"16:00\"\ndays = []\n[policy]", "calendar.days"},
	{"calendar of a day that is none", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"09:30\"\nclose = \"16:00\"\ndays = [\"Monday\"]\n[policy]", "calendar.days"},
	{"calendar with a date that is none", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"09:30\"\nclose = \"16:00\"\nclosed = [\"25.12.2026\"]\n[policy]", "calendar.closed"},
	{"calendar that closes early before it opens", `[policy]`, "[calendar]\nzone = \"UTC\"\nopen = \"09:30\"\nclose = \"16:00\"\nearly = { \"2026-11-27\" = \"09:00\" }\n[policy]", "calendar.early"},
	{"slice is no time", `slice = "60s"`, `slice = "60 seconds"`, "duration"},
	{"slice negative", `slice = "60s"`, `slice = "-60s"`, "duration"},
	{"dark minimum negative", `dark_min_qty = 100 `, `dark_min_qty = -100 `, "dark"},
	{"clients nowhere", `listen = "127.0.0.1:9878"`, ``, "listen"},
	{"clients at no port", `listen = "127.0.0.1:9878"`, `listen = "127.0.0.1"`, "listen"},
	{"clients at a large port", `listen = "127.0.0.1:9878"`, `listen = "127.0.0.1:98780"`, "listen"},
	{"strategy unknown", `default_strategy = 0`, `default_strategy = 77`, "default_strategy"},
	{"half of TLS", `# tls_cert = "router.pem"`, `tls_cert = "router.pem"`, "tls_key"},
	{"credit missing", `credit = "50000000"`, ``, "credit"},
	{"credit zero", `credit = "50000000"`, `credit = "0"`, "credit"},
	{"credit of the firm missing", `firm_credit = "100000000"`, ``, "firm_credit"},
	{"strategy rate zero", `strategy_rate = 200`, `strategy_rate = 0`, "strategy_rate"},
	{"repeat zero", `repeat_orders = 100`, `repeat_orders = 0`, "repeat"},
	{"no tick", `tick = "0.01"`, ``, "tick"},
	{"tick zero", `tick = "0.01"`, `tick = "0"`, "tick"},
	{"tick of too many decimals", `tick = "0.01"`, `tick = "0.00001"`, "tick"},
	{"tick NaN", `tick = "0.01"`, `tick = "NaN"`, "tick"},
	{"lot zero", "\nlot = \"1\"", "\nlot = \"0\"", "lot"},
	{"lot a number", "\nlot = \"1\"", "\nlot = 1", "lot"},
	{"decimals negative", `price_decimals = 4`, `price_decimals = -4`, "out of range"},
	{"decimals too many", `price_decimals = 4`, `price_decimals = 19`, "decimals"},
	{"no parent_max_qty", `parent_max_qty = "1000000"`, ``, "parent_max_qty"},
	{"parent_max_qty zero", `parent_max_qty = "1000000"`, `parent_max_qty = "0"`, "parent_max_qty"},
	{"parent_max_qty negative", `parent_max_qty = "1000000"`, `parent_max_qty = "-5"`, "parent_max_qty"},
	{"parent_max_qty overflows", `parent_max_qty = "1000000"`, `parent_max_qty = "99999999999999999999"`, "parent_max_qty"},
	{"no parent_max_notional", `parent_max_notional = "60000000"`, ``, "parent_max_notional"},
	{"no child_max_qty", "\nchild_max_qty = \"20000\"", "\n# child_max_qty is missing", "child_max_qty"},
	{"child_max_qty with an exponent", `child_max_qty = "20000"`, `child_max_qty = "2e4"`, "child_max_qty"},
	{"no child_max_notional", `child_max_notional = "1200000"`, ``, "child_max_notional"},
	{"no collar", `collar_bps = 100`, ``, "collar_bps"},
	{"collar zero", `collar_bps = 100`, `collar_bps = 0`, "collar_bps"},
	{"collar wider than the price", `collar_bps = 100`, `collar_bps = 10001`, "collar_bps"},
	{"no hard limit", `hard_max_qty = "20000"`, ``, "hard_max_qty"},
	{"hard limit zero", `hard_max_notional = "1200000"`, `hard_max_notional = "0"`, "hard_max_notional"},
	{"no price bound", `price_low = "1"`, ``, "price_low"},
	{"venue without a kind", `kind = "lit"`, ``, "kind"},
	{"unknown kind", `kind = "lit"`, `kind = "light"`, "kind"},
	{"no message rate", `msg_rate = 500`, ``, "msg_rate"},
	{"message rate zero", `msg_rate = 500`, `msg_rate = 0`, "msg_rate"},
	{"no ack timeout", `ack_timeout = "2s"      # after`, `# after`, "ack"},
	{"unknown symbol", `symbols = { PSTK = "PSTK" }`, `symbols = { PSTX = "PSTK" }`, "symbols names 1 instruments"},
	{"venue name twice", `name = "DRK1"`, `name = "LITA"`, "LITA"},
	{"unknown feed", `protocol = "itch" `, `protocol = "itchy" `, "protocol"},
	{"feed at no port", `address = "127.0.0.1:26477"`, `address = "127.0.0.1"`, "address"},
	{"unknown dialect", `dialect = "sim"         # sim`, `dialect = "simm"         # sim`, "dialect"},
	{"no heartbeat", "heartbeat = 30\n# api_key", "# api_key", "heartbeat"},
	{"no drop copy window", `window = "3s" `, `# `, "drop_copy.window"},
	{"drop copy window too long", `window = "3s" `, `window = "6s" `, "drop_copy.window"},
	{"drop copy in OUCH", "dialect = \"sim\"\nsender_comp_id = \"PENSTOCK\"\ntarget_comp_id = \"LITA-DC\"",
		"dialect = \"ouch-5.0\"\nsender_comp_id = \"PENSTOCK\"\ntarget_comp_id = \"LITA-DC\"", "drop_copy.dialect"},
	{"drop copy of nobody", `target_comp_id = "LITA-DC"`, ``, "drop_copy"},
	{"postings negative", `slice = "60s"`, "slice = \"60s\"\nmax_postings = -1", "tactics.max_postings is -1"},
	{"a client of no session", "\ncomp_id = \"DESK\"", "\ncomp_id = \"DESC\"", "comp_id"},
	{"protection in no order of time", "# [[controls.trade_through]]", "[[controls.trade_through]]\nsymbol = \"*\"\nfrom = \"2006-01-01\"\nprotect = false\n#", "order of time"},
	{"fee as text", `per_lot_milli = 30000`, `per_lot_milli = "30000"`, "per_lot_milli"},
}

var inLine = regexp.MustCompile(` line (\d+)[: ]`)

// TestBadConfigurations: each is refused with the line and what is wrong there, and with exit
// code 2; nothing is filled in for it.
func TestBadConfigurations(t *testing.T) {
	good, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseConfig("penstock.toml", good); err != nil {
		t.Fatal(err)
	}
	if len(badConfigs) < 60 {
		t.Errorf("%d cases", len(badConfigs))
	}
	for _, c := range badConfigs {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(string(good), c.old, c.new, 1)
			if text == string(good) {
				t.Fatalf("%q is not in the example any more", c.old)
			}
			_, err := ParseConfig("penstock.toml", []byte(text))
			if err == nil {
				t.Fatal("it was taken")
			}
			m := inLine.FindStringSubmatch(err.Error())
			if !errors.Is(err, errConfig) || !strings.Contains(err.Error(), c.want) || m == nil {
				t.Fatalf("%v", err)
			}
			n, _ := strconv.Atoi(m[1])
			at := strings.Count(string(good[:strings.Index(string(good), c.old)]), "\n") + 1
			if lines := strings.Count(text, "\n") + 1; n < 1 || n > lines {
				t.Errorf("line %d of %d", n, lines)
			}
			if c.new != "" && (n < at-50 || n > at+20) {
				t.Errorf("it names line %d, the change is at %d: %v", n, at, err)
			}
		})
	}
}

// TestErrorsPointAtTheirLine: a key that is missing points at its table, not at a line that happens to
// have a word of the text, and one of many tables at itself.
func TestErrorsPointAtTheirLine(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	client := "\n[[client]]\ncomp_id = \"MORE\"\ncredit = \"1\"\nsymbols = [\"*\"]\nvenues = [\"*\"]\n"
	for _, c := range []struct{ old, new, line string }{
		{`idle = "auto"`, ``, "[router]"},
		{`placement = "inline"`, ``, "[router]"},
		{`firm_credit = "100000000"`, ``, "[controls]"},
		{`price_low = "1"`, ``, "[instrument.limits]"},
		{`protocol = "itch" `, `# `, "[[venue]]"},
		{`silence = "3s"`, ``, "[venue.feed]"},
		{`slice = "60s"`, "slice = \"60s\"\nmax_postings = -1", "max_postings = -1"},
		{`dark_min_qty = 100 `, `dark_min_qty = -100 `, "dark_min_qty = -100"},
		{"\ncomp_id = \"DESK\"", "\ncomp_id = \"DESC\"", `comp_id = "DESC"`},
		{"\n[[instrument]]", client + "[[instrument]]", `comp_id = "MORE"`},
		{"[controls] ", "[[ems.session]] # more\nsender_comp_id = \"PENSTOCK\"\ntarget_comp_id = \"MORE\"\n[controls] ", "[[ems.session]] # more"},
		{"# [[controls.trade_through]]", "[[controls.trade_through]]\nsymbol = \"*\"\nfrom = \"2006-01-01\"\nprotect = false\n#", `from = "2006-01-01"`},
		{"# [[controls.trade_through]]", "[[controls.trade_through]]\nsymbol = \"*\"\nfrom = \"2027-01-01\"\n#", `from = "2027-01-01"`},
	} {
		text := strings.Replace(string(good), c.old, c.new, 1)
		_, err := ParseConfig("penstock.toml", []byte(text))
		if err == nil {
			t.Errorf("%q for %q was taken", c.new, c.old)
			continue
		}
		lines := strings.Split(text, "\n")
		n := 0
		if m := inLine.FindStringSubmatch(err.Error()); m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		if n < 1 || n > len(lines) || !strings.HasPrefix(lines[n-1], c.line) {
			t.Errorf("%q for %q points at line %d, not at %s: %v", c.new, c.old, n, c.line, err)
		}
	}
}

// FuzzConfig gives ParseConfig texts that nobody wrote: each is refused as a configuration, with
// more than its name, or taken, and then taken again with the same limits.
func FuzzConfig(tf *testing.F) {
	f := mutate.New(tf)
	good, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		f.Fatal(err)
	}
	small := strings.NewReplacer("max_parents = 4096", "max_parents = 64", "max_children = 200000", "max_children = 2000",
		"book_levels = 1024", "book_levels = 64", "book_orders = 262144", "book_orders = 2048") // a core is made of each
	f.Add([]byte(small.Replace(string(good))))
	for _, c := range badConfigs {
		f.Add([]byte(small.Replace(strings.Replace(string(good), c.old, c.new, 1))))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := ParseConfig("penstock.toml", text)
		if err != nil {
			if !errors.Is(err, errConfig) || len(err.Error()) < len("configuration penstock.toml")+5 {
				t.Fatalf("%v", err)
			}
			return
		}
		for i, l := range cfg.Router.Limits {
			if l.ParentMaxQty <= 0 || l.ParentMaxNotional <= 0 || l.ChildMaxQty <= 0 || l.ChildMaxNotional <= 0 || l.CollarBps <= 0 {
				t.Fatalf("instrument %d was taken with a limit that bounds nothing: %+v", i, l)
			}
		}
		again, err := ParseConfig("penstock.toml", cfg.Raw)
		if err != nil || !slices.Equal(again.Router.Limits, cfg.Router.Limits) {
			t.Fatalf("taken once, then: %v", err)
		}
	})
}

// TestWhatNobodyShouldWriteIsRefused: a feed that is "recorded" would never say anything, and a zero would be taken for
// a key that is not there. Journals of before may hold both.
func TestWhatNobodyShouldWriteIsRefused(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "r.toml")
	for _, c := range []struct{ old, new, want string }{
		{`protocol = "itch"`, `protocol = "recorded"`, "for replays alone"},
		{`slice = "60s"`, `slice = "0s"`, "tactics.slice is 0"},
		{`dark_min_qty = 100 `, `dark_min_qty = 0 `, "tactics.dark_min_qty is 0"},
		{`per_lot_milli = 30000`, `per_lot_milli = 1000000000001`, "take_fee: per_lot_milli is 1000000000001"},
		{`per_lot_milli = 30000`, `ppm = -1000001`, "take_fee: ppm is -1000001"},
		{`per_lot_milli = -20000`, `ppm = 1000001`, "make_fee: ppm is 1000001"},
		{`default_strategy = 0`, "default_strategy = 0\nmax_connections = 0", "ems.max_connections is 0"},
	} {
		text := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, errConfig) || !strings.Contains(err.Error(), " line ") {
			t.Errorf("%s: %v", c.new, err)
		}
		if _, err := ParseConfig(path, text); err != nil {
			t.Errorf("a journal that holds it: %v", err)
		}
	}
}
