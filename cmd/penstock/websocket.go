package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"penstock/venues/jsonws"
)

// webSocketFeed is a protocol of market data over WebSocket.
type webSocketFeed struct {
	protocol string
	path     string // where the venue has it, unless the configuration says other
	// controlNanos is the least time between messages of ours, by the venue's
	// limit; maxAgeNanos the age at which we reconnect before the venue ends it.
	controlNanos, maxAgeNanos int64
	snapshot                  bool  // books begin with an answer over HTTP
	depth                     []int // that can be subscribed to; nil: there is no choice
	decoder                   func(jsonws.Config, *feedSection) (jsonws.Decoder, error)
}

const (
	millis = 1_000_000
	hour   = 3600 * 1000 * millis
)

// webSocketFeeds are all of them, a line each. Limits: Binance takes 5 messages a
// second, pongs among them, and ends connections after 24 hours; Coinbase takes
// 100 a second; Kraken wants few.
var webSocketFeeds = []webSocketFeed{
	{"kraken", "/v2", 100 * millis, 0, false, jsonws.KrakenDepths, kraken},
	{"kraken-v1", "/", 100 * millis, 0, false, jsonws.KrakenDepths, krakenV1},
	{"coinbase", "/", 20 * millis, 0, false, nil, coinbase},
	{"coinbase-full", "/", 20 * millis, 0, true, nil, coinbaseFull},
	{"coinbase-advanced", "/", 20 * millis, 0, false, nil, coinbaseAdvanced},
	{"binance-spot", "/stream", 250 * millis, 23 * hour, true, nil, binance(jsonws.BinanceSpot)},
	{"binance-usdm", "/stream", 150 * millis, 23 * hour, true, nil, binance(jsonws.BinanceFutures)},
	{"binance-cm", "/stream", 150 * millis, 23 * hour, true, nil, binance(jsonws.BinanceFutures)},
	{"okx", "/ws/v5/public", 250 * millis, 0, false, nil, okx},
	{"bybit-spot", "/v5/public/spot", 100 * millis, 0, false, jsonws.BybitDepths, bybit},
	{"bybit-linear", "/v5/public/linear", 100 * millis, 0, false, jsonws.BybitDepths, bybit},
	{"gemini", "/v2/marketdata", 100 * millis, 0, false, nil, gemini},
	{"bitstamp", "/", 100 * millis, 0, true, nil, bitstamp},
}

func kraken(c jsonws.Config, s *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewKraken(c, s.Depth)
}

func coinbase(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewCoinbase(c, true)
}

func krakenV1(c jsonws.Config, s *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewKrakenV1(c, s.Depth)
}

func coinbaseFull(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewCoinbaseFull(c)
}

func coinbaseAdvanced(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewCoinbaseAdvanced(c)
}

func okx(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) { return jsonws.NewOKX(c) }

func bybit(c jsonws.Config, s *feedSection) (jsonws.Decoder, error) {
	return jsonws.NewBybit(c, s.Depth)
}

func gemini(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) { return jsonws.NewGemini(c) }

func bitstamp(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) { return jsonws.NewBitstamp(c) }

func binance(m jsonws.BinanceMarket) func(jsonws.Config, *feedSection) (jsonws.Decoder, error) {
	return func(c jsonws.Config, _ *feedSection) (jsonws.Decoder, error) {
		return jsonws.NewBinance(jsonws.BinanceConfig{Config: c, Market: m, Buffered: jsonws.DefaultBuffered})
	}
}

// webSocketProtocol returns the feed of that name, nil when there is none.
func webSocketProtocol(name string) *webSocketFeed {
	i := slices.IndexFunc(webSocketFeeds, func(f webSocketFeed) bool { return f.protocol == name })
	if i < 0 {
		return nil
	}
	return &webSocketFeeds[i]
}

// webSocketNames lists the protocols for messages.
func webSocketNames() string {
	var names []string
	for _, f := range webSocketFeeds {
		names = append(names, f.protocol)
	}
	return strings.Join(names, ", ")
}

// validate checks what the section says of a WebSocket feed.
func (p *webSocketFeed) validate(f *feedSection) error {
	if p.depth != nil && !slices.Contains(p.depth, f.Depth) {
		return fmt.Errorf("feed.depth is %d, not one of %v", f.Depth, p.depth)
	}
	if p.snapshot == (f.Snapshot == "") {
		if p.snapshot {
			return fmt.Errorf("feed.snapshot must be set: books of %s begin with an answer over HTTP, such as from https://host", p.protocol)
		}
		return fmt.Errorf("feed.snapshot is not for %s: its snapshots come with the feed", p.protocol)
	}
	if u, err := url.Parse(f.Snapshot); err != nil || f.Snapshot != "" &&
		(u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "") {
		return fmt.Errorf("feed.snapshot = %q is not like https://host or https://host/path", f.Snapshot)
	}
	if (f.Contract != 0) != (p.protocol == "binance-cm") {
		return fmt.Errorf("feed.contract is %d: set the size of a contract, in the price's currency, for binance-cm and for it only", f.Contract)
	}
	if (f.CertFile == "") != (f.KeyFile == "") {
		return errors.New("feed.cert_file and feed.key_file belong together: set both or none")
	}
	if !f.secure() && (f.CAFile != "" || f.CertFile != "") {
		return errors.New("feed.ca_file and feed.cert_file are for tls = true or a snapshot over https")
	}
	for i, address := range f.Fallback {
		if err := validAddress(fmt.Sprintf("feed.fallback %d", i+1), address); err != nil {
			return err
		}
	}
	return nil
}

// secure reports whether anything of the feed goes over TLS.
func (f *feedSection) secure() bool { return f.TLS || strings.HasPrefix(f.Snapshot, "https:") }
