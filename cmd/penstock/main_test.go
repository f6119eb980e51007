package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/testdata"
)

// penstock runs one command in the test's process and returns what it printed.
func penstock(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(args, &out, &errs)
	return code, out.String(), errs.String()
}

// TestDemo runs the whole thing on sockets: venues, router, client. The command
// itself fails unless the parent finished and the three accounts agree.
func TestDemo(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"buy", "sell"} {
		if testing.Short() && side == "sell" {
			continue // the same goroutines
		}
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			code, out, errs := penstock(t, "demo", "--json", "--side", side, "--qty", "6000", "--horizon", "6s",
				"--seed", "3", "--journal", dir)
			if code != 0 {
				t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
			}
			var s summary
			if err := json.Unmarshal([]byte(out), &s); err != nil {
				t.Fatal(err)
			}
			if s.CumQty != "6000" || s.Status != "Filled" || !s.Reconciled.Agree || s.Fills == 0 ||
				s.Reconciled.Client.Qty != "6000" || s.Reconciled.Venues.Notional != s.Notional {
				t.Fatalf("summary %s", out)
			}
			verifyAgain(t, dir)
		})
	}
}

func TestDemoSweep(t *testing.T) {
	t.Parallel()
	code, out, errs := penstock(t, "demo", "--strategy", "sweep", "--qty", "3000", "--symbol", "ABC")
	if code != 0 || !strings.Contains(out, "the three accounts agree") || !strings.Contains(out, "ABC SWEEP") {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
}

// verifyAgain checks that the journal below dir gives the same commands again,
// prints as text, and that a changed byte does not pass.
func verifyAgain(t *testing.T, dir string) {
	t.Helper()
	code, out, errs := penstock(t, "dump", "--verify", dir)
	if code != 0 || !strings.Contains(out, "byte for byte") {
		t.Fatalf("dump --verify: exit code %d\n%s\n%s", code, out, errs)
	}
	code, out, errs = penstock(t, "dump", dir)
	if code != 0 || strings.Count(out, "\n") < 100 || !strings.Contains(out, " send C") {
		t.Fatalf("dump: exit code %d, %d lines\n%s", code, strings.Count(out, "\n"), errs)
	}
	explainAgain(t, dir)
	fitAgain(t, dir)
	run := journalDir(dir)
	segments, err := filepath.Glob(filepath.Join(run, "*.seg"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments below %s: %v", dir, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(segments[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ = penstock(t, "dump", "--verify", dir); code == 0 {
		t.Fatalf("a changed byte passed: %s", out)
	}
}

// TestReplayIsTheSameTwice routes a parent against recorded books, twice, and
// runs its journal again.
func TestReplayIsTheSameTwice(t *testing.T) {
	t.Parallel()
	t.Logf("recordings in %s", testdata.Dir(t))
	if testing.Short() {
		return // no race makes two replays differ; TestReplayDoesNotTradeBeyondTheRecording runs with a journal under the race detector
	}
	var outputs [2]string
	table := filepath.Join(t.TempDir(), "baseline.penstock")
	if code, out, errs := penstock(t, "policy", "build-baseline", "-o", table); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	books := filepath.Join(testdata.Dir(t), "crypto", "binance-3books")
	for i := range outputs {
		dir := t.TempDir()
		code, out, errs := penstock(t, "replay", "--parent", "BUY 2 BTC-USDT TWAP 30s", "--with-simulated", "dark,sdp",
			"--table", table, "--journal", dir,
			"--feed", "SPOT=binance-spot:"+filepath.Join(books, "spot_btcusdt_20240808.gz"),
			"--feed", "CM=binance-cm+basis=SPOT:"+filepath.Join(books, "cm_btcusd_perp_20240808.gz"))
		if code != 0 {
			t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
		}
		outputs[i] = strings.ReplaceAll(out, dir, "DIR")
		if i == 1 {
			verifyAgain(t, dir)
		}
	}
	if outputs[0] != outputs[1] {
		t.Errorf("two replays differ:\n%s\n%s", outputs[0], outputs[1])
	}
	for _, want := range []string{"2 filled", "(simulated)", "equal to the router's ledger", "SIMULATED"} {
		if !strings.Contains(outputs[0], want) {
			t.Errorf("%q is not in\n%s", want, outputs[0])
		}
	}
}

func TestDefaultReplay(t *testing.T) {
	if testing.Short() {
		return // what it replays is one goroutine's; TestReplayDoesNotTradeBeyondTheRecording runs under the race detector
	}
	t.Setenv("PENSTOCK_DATA", testdata.Dir(t))
	code, out, errs := penstock(t, "replay", "--json")
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	var reports []replayReport
	if err := json.Unmarshal([]byte(out), &reports); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 2 || reports[0].Instrument != "BTC-USDT" || reports[1].Instrument != "EUR/USD" {
		t.Fatalf("reports %s", out)
	}
	for i, messages := range []int64{183_473, 255_366} {
		if reports[i].Messages != messages || len(reports[i].Troubles) != 0 {
			t.Errorf("%s: %d messages, troubles %v", reports[i].Instrument, reports[i].Messages, reports[i].Troubles)
		}
		for _, f := range reports[i].Feeds {
			if f.Gaps != 0 || f.Mismatch != 0 || f.Malformed != 0 {
				t.Errorf("feed %+v", f)
			}
		}
		for _, b := range reports[i].Books {
			if b.State != "LIVE" {
				t.Errorf("book %+v", b)
			}
		}
	}
}

func TestReplayList(t *testing.T) {
	code, out, _ := penstock(t, "replay", "--list")
	if code != 0 || !strings.Contains(out, "binance-spot") || !strings.Contains(out, "dealer-csv") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestBadInputIsExplained gives each kind of bad input once: the exit code and
// the words that a person needs.
func TestBadInputIsExplained(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := goodConfig()
	table := filepath.Join(dir, "t.penstock")
	if code, _, errs := penstock(t, "policy", "build-baseline", "-o", table); code != 0 {
		t.Fatal(errs)
	}
	data, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(data)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no command":       {nil, 2, "usage: penstock"},
		"unknown command":  {[]string{"fly"}, 2, `unknown command "fly"`},
		"unknown flag":     {[]string{"demo", "--speed", "9"}, 2, "-speed"},
		"wrong side":       {[]string{"demo", "--side", "up"}, 2, "not buy or sell"},
		"wrong symbol":     {[]string{"demo", "--symbol", "A B"}, 2, "--symbol"},
		"too many":         {[]string{"demo", "--qty", "9999999"}, 2, "--qty must be 1 to"},
		"no config":        {[]string{"check", "-c", filepath.Join(dir, "none.toml")}, 2, "no such file"},
		"unknown key":      {[]string{"check", "-c", write("k.toml", good+"\n[tactics]\nsclice = \"1s\"\n")}, 2, `unknown key "tactics.sclice"`},
		"bad toml":         {[]string{"check", "-c", write("b.toml", "[router]\nidle = = 1\n")}, 2, "line 2"},
		"missing limit":    {[]string{"check", "-c", write("l.toml", strings.Replace(good, "collar_bps = 100", "", 1))}, 2, "collar_bps must be set"},
		"zero limit":       {[]string{"check", "-c", write("z.toml", strings.Replace(good, `child_max_qty = "20000"`, `child_max_qty = "0"`, 1))}, 2, "limits.child_max_qty"},
		"bad number":       {[]string{"check", "-c", write("n.toml", strings.Replace(good, `tick = "0.01"`, `tick = "1e-2"`, 1))}, 2, "tick"},
		"bad duration":     {[]string{"check", "-c", write("d.toml", strings.Replace(good, `ack_timeout = "2s"`, `ack_timeout = "2 sec"`, 1))}, 2, "duration"},
		"bad kind":         {[]string{"check", "-c", write("v.toml", strings.Replace(good, `kind = "lit"`, `kind = "grey"`, 1))}, 2, "not one of lit, dark, sdp"},
		"bad address":      {[]string{"check", "-c", write("a.toml", strings.Replace(good, `address = "127.0.0.1:1"`, `address = "nonsense"`, 1))}, 2, "host:port"},
		"bad dialect":      {[]string{"check", "-c", write("i.toml", strings.Replace(good, `dialect = "sim"`, `dialect = "bats"`, 1))}, 2, `dialect "bats"`},
		"bad strategy":     {[]string{"check", "-c", write("y.toml", strings.Replace(good, "[ems]", "[ems]\ndefault_strategy = 7", 1))}, 2, "default_strategy 7"},
		"missing table":    {[]string{"check", "-c", write("p.toml", good+"\n[policy]\ntable = \"none.penstock\"\n")}, 2, "build-baseline"},
		"unsigned table":   {[]string{"check", "-c", write("u.toml", good+"\n[policy]\ntable = \"t.penstock\"\n")}, 2, "unsigned"},
		"flipped table":    {[]string{"policy", "verify", write("f.penstock", string(flipped))}, 1, "f.penstock"},
		"truncated table":  {[]string{"policy", "verify", write("s.penstock", string(data[:1000]))}, 1, "s.penstock"},
		"missing journal":  {[]string{"dump", filepath.Join(dir, "nowhere")}, 2, "name the folder"},
		"no journal":       {[]string{"dump", dir}, 1, "no .seg file"},
		"bad feed":         {[]string{"replay", "--feed", "X"}, 2, "VENUE=FORMAT"},
		"unknown format":   {[]string{"replay", "--feed", "X=morse:a"}, 2, "unknown format"},
		"missing file":     {[]string{"replay", "--feed", "X=binance-spot:" + filepath.Join(dir, "none.gz")}, 2, "no such file"},
		"speed NaN":        {[]string{"replay", "--speed", "NaN"}, 2, "--speed must be"},
		"no parent":        {[]string{"replay", "--parent", ""}, 2, "--parent is empty"},
		"offset of years":  {[]string{"replay", "--feed", "X=dealer-csv+offset=999999h:a"}, 2, "beyond a day"},
		"z NaN":            {[]string{"train", "-o", filepath.Join(dir, "x"), "--z", "NaN"}, 2, "--z is 0 to 100"},
		"z negative":       {[]string{"train", "-o", filepath.Join(dir, "x"), "--z", "-1"}, 2, "--z is 0 to 100"},
		"realism of what":  {[]string{"realism", "x"}, 2, `"x" is not an option`},
		"scenario of what": {[]string{"scenario", "x"}, 2, `"x" is not an option`},
		"page of no cell":  {[]string{"policy", "inspect", "--page", "7", table}, 2, "--page is of one decision"},
		"cell below 0":     {[]string{"policy", "inspect", "--cell", "-1", table}, 2, "counted from 0"},
		"verify a cell":    {[]string{"policy", "verify", "--cell", "1", table}, 2, "--cell is not an option of it"},
		"bad parent":       {[]string{"replay", "--parent", "BUY 5"}, 2, "SIDE QTY SYMBOL"},
		"parent elsewhere": {[]string{"replay", "--parent", "BUY 5 XYZ SWEEP", "--feed", "A=dealer-csv:" + write("20140508_q.csv", "1,1.1,1.2\n")}, 2, "no feed carries XYZ"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := penstock(t, c.args...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit code %d, want %d with %q; got\n%s%s", code, c.code, c.want, out, errs)
			}
		})
	}
}

// TestTruncatedRecordingIsNamed keeps what was read and says where it ended.
func TestTruncatedRecordingIsNamed(t *testing.T) {
	whole := filepath.Join(testdata.Dir(t), "crypto", "binance-3books", "spot_btcusdt_20240808.gz")
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.gz")
	if err := os.WriteFile(cut, data[:len(data)/3], 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := penstock(t, "replay", "--feed", "SPOT=binance-spot:"+cut)
	if code != 1 || !strings.Contains(errs, "cut.gz") || !strings.Contains(out, "TROUBLE") || !strings.Contains(out, "LIVE") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

// TestReplayDoesNotTradeBeyondTheRecording refuses to call old prices a market.
func TestReplayDoesNotTradeBeyondTheRecording(t *testing.T) {
	spot := "SPOT=binance-spot:" + filepath.Join(testdata.Dir(t), "crypto", "binance-3books", "spot_btcusdt_20240808.gz")
	for name, c := range map[string]struct{ parent, at, want string }{
		"late start":   {"BUY 1 BTC-USDT SWEEP", "400s", "before the parent was due"},
		"long horizon": {"BUY 50 BTC-USDT TWAP 1000s", "5s", "recordings ended before the parent"},
	} {
		code, out, errs := penstock(t, "replay", "--feed", spot, "--parent", c.parent, "--at", c.at, "--journal", t.TempDir())
		if code != 1 || !strings.Contains(errs, c.want) || !strings.Contains(out, "(346.1 s recorded)") {
			t.Errorf("%s: exit code %d\n%s\n%s", name, code, out, errs)
		}
	}
}

// TestWrongRecordingIsTrouble gives a decoder somebody else's file.
func TestWrongRecordingIsTrouble(t *testing.T) {
	books := filepath.Join(testdata.Dir(t), "crypto", "binance-3books")
	kraken := filepath.Join(testdata.Dir(t), "crypto", "kraken-v2", "kraken_book_v2.jsonl")
	data, err := os.ReadFile(kraken)
	if err != nil {
		t.Fatal(err)
	}
	// One digit of a quantity: the venue's checksum must notice.
	at := bytes.LastIndex(data, []byte(`"qty":`))
	if at < 0 {
		at = bytes.LastIndex(data, []byte(`\"qty\":`))
	}
	for ; data[at] < '1' || data[at] > '8'; at++ {
	}
	data[at]++
	changed := filepath.Join(t.TempDir(), "changed.jsonl")
	if err := os.WriteFile(changed, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ feed, want string }{
		"other venue":    {"A=kraken-v2:" + filepath.Join(books, "spot_btcusdt_20240808.gz"), "is EMPTY at the end"},
		"other symbol":   {"A=binance-spot:" + filepath.Join(books, "spot_ethusdt_20240808.gz"), "at the end"},
		"wrong checksum": {"A=kraken-v2:" + changed, "1 failed checks"},
	} {
		code, out, errs := penstock(t, "replay", "--feed", c.feed)
		if code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d\n%s\n%s", name, code, out, errs)
		}
	}
}

func goodConfig() string {
	return `[router]
journal = "journal"
state = "state"
idle = "park"
placement = "inline"
max_parents = 16
max_children = 1000
book_levels = 64

[ems]
listen = "127.0.0.1:0"
on_disconnect = "keep"
[[ems.session]]
sender_comp_id = "PENSTOCK"
target_comp_id = "DESK"

[[instrument]]
symbol = "PSTK"
currency = "USD"
price_decimals = 4
tick = "0.01"
lot = "1"
[instrument.limits]
parent_max_qty = "1000000"
parent_max_notional = "60000000"
child_max_qty = "20000"
child_max_notional = "1200000"
collar_bps = 100
hard_max_qty = "20000"
hard_max_notional = "1200000"
price_low = "1"
price_high = "10000"

[controls]
firm_credit = "100000000"
strategy_rate = 200
repeat_orders = 100
repeat_window = "1s"
same_orders = 5
same_window = "1s"
alert_owner = "desk"
trade_through = [{ symbol = "*", from = "2007-03-05", protect = false }]

[[client]]
comp_id = "DESK"
credit = "50000000"
symbols = ["*"]
venues = ["*"]

[[venue]]
name = "LITA"
mic = "XLTA"
kind = "lit"
msg_rate = 100
ack_timeout = "2s"
symbols = {PSTK = "PSTK"}
[venue.feed]
protocol = "kraken"
address = "127.0.0.1:1"
depth = 10
silence = "5s"
[venue.orders]
address = "127.0.0.1:1"
dialect = "sim"
sender_comp_id = "PENSTOCK"
target_comp_id = "LITA"
heartbeat = 30
`
}

func TestExampleConfigIsAccepted(t *testing.T) {
	code, out, errs := penstock(t, "check", "-c", filepath.Join("..", "..", "docs", "penstock.toml"))
	if code != 0 || !strings.Contains(out, "1 instruments, 3 venues, 3 listings") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

func TestGoodConfigIsAccepted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "good.toml")
	if err := os.WriteFile(path, []byte(goodConfig()), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := penstock(t, "check", "-c", path)
	if code != 0 || !strings.Contains(out, "1 instruments, 1 venues, 1 listings") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}
