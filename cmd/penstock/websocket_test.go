package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/tape"
	"penstock/venues/wire"
)

const webSocketTOML = `
[router]
journal = "j"
state = "s"
idle = "park"
placement = "inline"
max_parents = 16
max_children = 16
book_levels = 1024
book_orders = 16
[ems]
listen = "127.0.0.1:0"
default_strategy = 0
on_disconnect = "keep"
[[ems.session]]
sender_comp_id = "R"
target_comp_id = "C"
[controls]
firm_credit = "1000000"
strategy_rate = 100
repeat_orders = 100
repeat_window = "1s"
same_orders = 5
same_window = "1s"
alert_owner = "desk"
trade_through = [{ symbol = "*", from = "2007-03-05", protect = false }]
[[client]]
comp_id = "C"
credit = "1000000"
symbols = ["*"]
venues = ["*"]
[[instrument]]
symbol = "PNSK"
currency = "USD"
price_decimals = 4
qty_decimals = 0
tick = "0.01"
lot = "1"
limits = { parent_max_qty = "1000", parent_max_notional = "1000000", child_max_qty = "1000", child_max_notional = "1000000", collar_bps = 100, hard_max_qty = "1000", hard_max_notional = "1000000", price_low = "1", price_high = "100000" }
[[venue]]
name = "V"
mic = "XVEN"
kind = "lit"
msg_rate = 100
ack_timeout = "2s"
symbols = { PNSK = "PNSK" }
orders = { address = "127.0.0.1:1", dialect = "sim", sender_comp_id = "R", target_comp_id = "V", heartbeat = 30 }
[venue.feed]
silence = "2s"
`

// TestConfiguredFeedsGoLive opens the feed of each protocol from a configuration,
// over TLS, and works it until its book is LIVE.
func TestConfiguredFeedsGoLive(t *testing.T) {
	in := market.Instrument{Symbol: "PNSK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	const free = "127.0.0.1:0"
	venue := func(name string, kind serve.Feed) serve.Venue {
		return serve.Venue{Name: name, MIC: "X" + name, Feed: kind, Clients: []string{"C"}, OrderAddr: free,
			FeedAddr: free, HTTPAddr: free, TLS: true}
	}
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: []serve.Venue{
		venue("kraken", serve.Kraken), venue("coinbase", serve.Coinbase), venue("binance-spot", serve.Binance),
		{Name: "fix", MIC: "XFIX", Feed: serve.FIX, Clients: []string{"C"}, OrderAddr: free, FeedAddr: free}}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), m.Certificate(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range m.Venues() {
		text := webSocketTOML + fmt.Sprintf("protocol = %q\naddress = %q\n", v.Name(), v.FeedAddr())
		if v.Name() == "fix" {
			text += "dialect = \"generic44\"\nsender_comp_id = \"C\"\ntarget_comp_id = \"fix\"\nheartbeat = 1\n"
		} else {
			text += "tls = true\nca_file = \"ca.pem\"\n"
		}
		if v.Name() == "kraken" {
			text += "depth = 10\nprice_precision = 4\n"
		}
		if v.SnapshotBase() != "" {
			text += fmt.Sprintf("snapshot = %q\n", v.SnapshotBase())
		}
		cfg, err := ParseConfig(filepath.Join(dir, "run.toml"), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		live := false
		a := &assembly{cfg: cfg}
		f, err := a.openFeed(0, func(e *event.Event) bool {
			live = live || e.Kind == event.BookStatus && event.BookState(e.Code) == event.BookLive
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := wire.NewPoller(2)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); !live && time.Now().Before(deadline); {
			if f.Work(clock()) == 0 {
				p.Wait(f.PollFDs(nil), 10*time.Millisecond)
			}
		}
		if !live {
			t.Errorf("%s: never LIVE", v.Name())
		}
		f.Close()
		p.Close()
	}
}

func TestEveryProtocolCanBeRecordedAndPlayed(t *testing.T) {
	for _, f := range webSocketFeeds {
		if !tape.Plays(f.protocol) {
			t.Errorf("%s: a recording cannot be played", f.protocol)
		}
	}
	if !tape.Plays("itch") || !tape.Plays("fix") || tape.Plays("nope") {
		t.Error("itch and fix can be recorded, nope cannot")
	}
}

func TestFeedSectionSaysWhatIsWrong(t *testing.T) {
	const ok = "address = \"v:443\"\n"
	for want, text := range map[string]string{
		"one of itch, fix, kraken, kraken-v1, coinbase": "protocol = \"nope\"\n" + ok,
		"feed.depth is 0":            "protocol = \"kraken\"\n" + ok,
		"feed.snapshot must be set":  "protocol = \"binance-spot\"\n" + ok,
		"snapshots come with":        "protocol = \"coinbase\"\nsnapshot = \"https://h\"\n" + ok,
		"not like https://host":      "protocol = \"binance-usdm\"\nsnapshot = \"h\"\n" + ok,
		"binance-cm and for it only": "protocol = \"binance-cm\"\nsnapshot = \"https://h\"\n" + ok,
		"feed.contract is 10":        "protocol = \"coinbase\"\ncontract = 10\n" + ok,
		"belong together":            "protocol = \"coinbase\"\ntls = true\ncert_file = \"x\"\n" + ok,
		"are for tls = true":         "protocol = \"coinbase\"\nca_file = \"x\"\n" + ok,
		"feed.fallback 1 = \"h\"":    "protocol = \"coinbase\"\nfallback = [\"h\"]\n" + ok,
		"feed.dialect \"x\" is not":  "protocol = \"fix\"\ndialect = \"x\"\n" + ok,
		"feed needs sender_comp_id":  "protocol = \"fix\"\ndialect = \"kraken\"\n" + ok,
		"feed.api_key must be set": "protocol = \"fix\"\ndialect = \"binance\"\nsender_comp_id = \"A\"\n" +
			"target_comp_id = \"B\"\nheartbeat = 1\n" + ok,
		"longer than the heartbeat": "protocol = \"fix\"\ndialect = \"kraken\"\nsender_comp_id = \"A\"\n" +
			"target_comp_id = \"B\"\nheartbeat = 60\n" + ok,
		"unknown key \"venue.feed.t":  "protocol = \"coinbase\"\ntsl = true\n" + ok,
		"feed.address = \"\" is not ": "protocol = \"coinbase\"\n",
	} {
		_, err := ParseConfig("x.toml", []byte(webSocketTOML+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{
		"protocol = \"binance-cm\"\nsnapshot = \"https://dapi.h\"\ncontract = 100\nca_file = \"x\"\n" + ok,
		"protocol = \"coinbase\"\ntls = true\nfallback = [\"w:443\"]\n" + ok,
	} {
		if _, err := ParseConfig("x.toml", []byte(webSocketTOML+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
