package tape

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// Recording is one recording below a folder: files that are played together.
type Recording struct {
	Name         string // path of the folder or file, relative
	Feed         Feed   // Format "" when it cannot be played
	Why          string // then the reason
	KnownCrossed int    // how often its books are crossed, which is in the data
	Known        string // what is known of its cut end or crossed prices, see Verdict.Known
	Files        int
}

// holding says how to read the files whose relative path matches.
type holding struct {
	pattern string   // regular expression of the whole path; its groups are ${1} …
	name    string   // of the recording: files with the same name are played together
	format  string   // "" when nothing is played
	why     string   // then the reason
	symbol  string   // as the recording writes it, from the groups; "" takes all
	local   string   // instrument, from the groups; "" is made of symbol
	feed    Feed     // further options
	known   string   // see Verdict.Known
	conns   []string // parts of addresses: a recording for each, of its connections
	rest    bool     // belongs to a recording but is not played: metadata, the seed of a book
}

// newYork is what is added to the local times of the US equity recordings, which are
// all from the summer half of the year.
const newYork = 4 * time.Hour

const (
	notMarketData = "not market data: "
	noDecoder     = "no decoder: "
)

// holdings is asked from the top.
var holdings = []holding{
	{pattern: `.*(README.*|LICENSE.*|ReadMe\.txt|index\.tsv|SOURCES\.md)`, why: notMarketData + "text"},

	{pattern: `crypto/binance-3books/spot_(\w+)_\d+\.gz`, format: "binance-spot", symbol: "${1}",
		feed: Feed{Decimals: &[2]uint8{3, 6}}},
	{pattern: `crypto/binance-3books/usdm_(\w+)_\d+\.gz`, format: "binance-usdm", symbol: "${1}",
		feed: Feed{Decimals: &[2]uint8{3, 6}}},
	{pattern: `crypto/binance-3books/cm_(\w+_perp)_\d+\.gz`, format: "binance-cm", symbol: "${1}",
		feed: Feed{Decimals: &[2]uint8{3, 6}}},
	{pattern: `crypto/kraken-v2/.*\.jsonl`, format: "kraken-v2"},
	{pattern: `crypto/venue-ws-raw/([A-Z_]+)/[A-Z_]+\.0\.zst`, name: "crypto/venue-ws-raw/${1}", rest: true},
	{pattern: `crypto/venue-ws-raw/(COINBASE)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "coinbase"},
	{pattern: `crypto/venue-ws-raw/(BINANCE|BINANCE_US)/.*\.zst`, name: "crypto/venue-ws-raw/${1}",
		format: "binance-spot"},
	{pattern: `crypto/venue-ws-raw/(BINANCE_FUTURES)/.*\.zst`, name: "crypto/venue-ws-raw/${1}",
		format: "binance-usdm"},
	{pattern: `crypto/venue-ws-raw/(KRAKEN)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "kraken-v1",
		feed: Feed{Depth: 1000}},
	{pattern: `crypto/venue-ws-raw/(OKX)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "okx"},
	{pattern: `crypto/venue-ws-raw/(BYBIT)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "bybit-v2"},
	{pattern: `crypto/venue-ws-raw/(GEMINI)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "gemini"},
	{pattern: `crypto/venue-ws-raw/(BITSTAMP)/.*\.zst`, name: "crypto/venue-ws-raw/${1}", format: "bitstamp"},
	{pattern: `crypto/venue-ws-2026/COINBASE\.jsonl\.zst`, format: "coinbase-advanced"},
	{pattern: `crypto/venue-ws-2026/BYBIT\.jsonl\.zst`, format: "bybit", conns: []string{"/linear", "/spot"},
		feed: Feed{Depth: 200}},
	{pattern: `crypto/venue-ws-2026/GEMINI\.jsonl\.zst`, format: "gemini"},
	{pattern: `crypto/venue-json-fixtures/bybit_.*\.data\.zip`, format: "bybit", feed: Feed{Depth: 500}},
	{pattern: `crypto/venue-ws-raw/(BITFINEX|BITMEX|KUCOIN)/.*`, name: "crypto/venue-ws-raw/${1}",
		why: noDecoder + "the venue is not supported"},
	{pattern: `crypto/venue-json-fixtures/.*\.tar\.zst`, why: notMarketData + "single messages, no stream"},

	{pattern: `fix/jse_.*\.fix.*`, format: "fix-md"},
	{pattern: `fix/.*(order|log4fix).*`, why: notMarketData + "order sessions"},
	{pattern: `fix/.*acceptance_defs.*`, why: notMarketData + "test scripts of a FIX engine"},

	{pattern: `fx-dealers/fxcm/(\w{3})(\w{3})/.*_quote\.zip`, format: "dealer-csv", local: "${1}/${2}",
		feed: Feed{Offset: 5 * time.Hour}, known: "this dealer's own quotes are locked or crossed at times"},
	{pattern: `fx-dealers/oanda/(\w{3})(\w{3})/.*_quote\.zip`, format: "dealer-csv", local: "${1}/${2}"},

	{pattern: `iex/DEEP10\.pcap\.gz`, format: "iex-deep",
		known: "cut within its last packet; prices of a test system, crossed now and then"},
	{pattern: `itch/.*\.itch`, format: "itch", feed: Feed{Date: "20191230"}},

	{pattern: `lobster/((AMZN)_.*)_message_(1)\.csv\.zst`, name: "lobster/${1}_message_${3}",
		format: "lobster-levels", local: "${2}"},
	{pattern: `lobster/((\w+)_(\d{4})-(\d\d)-(\d\d)_.*)_(?:message)_(\d+)\.csv\.zst`, name: "lobster/${1}_message_${6}",
		format: "lobster", local: "${2}"},
	{pattern: `lobster/((\w+)_.*)_orderbook_(\d+)\.csv\.zst`, name: "lobster/${1}_message_${3}", rest: true},

	{pattern: `(.*\.tar\.zst)!(omi-.*/Nasdaq/.*\.Equities\.TotalView\.Itch\.v5\.0[^/]*)/.*\.pcap`, name: "${1}!${2}",
		format: "itch-pcap", feed: Feed{Apart: true}, known: "packets chosen one by one, with gaps between them"},
	{pattern: `(.*\.tar\.zst)!(.*/Iex/Deep\.IexTp[^/]*)/.*\.pcap`, name: "${1}!${2}", format: "iex-deep",
		feed: Feed{Apart: true}},
	{pattern: `(.*\.tar\.zst)!(.*)/[^/]*\.pcap`, name: "${1}!${2}", why: noDecoder + "the protocol is not supported"},

	{pattern: `us-equities/tick/(\w+)/(\d{8})_(?:quote|trade)\.zip`, name: "us-equities/tick/${1}/${2}",
		format: "nbbo", local: "${1}", feed: Feed{Offset: newYork},
		known: "a consolidated quote is locked or crossed now and then"},
	{pattern: `us-equities/minute/.*`, name: "us-equities/minute", why: notMarketData + "bars of a minute"},
}

// crossings is how many events of a recording cross its own book.
var crossings = map[string]int{
	"fx-dealers/fxcm/eurusd/20140507_quote.zip": 9_847, "fx-dealers/fxcm/eurusd/20140508_quote.zip": 18_285,
	"fx-dealers/fxcm/eurusd/20140509_quote.zip": 10_010, "fx-dealers/fxcm/nzdusd/20140507_quote.zip": 2_334,
	"fx-dealers/fxcm/nzdusd/20140508_quote.zip": 2_132, "fx-dealers/fxcm/nzdusd/20140509_quote.zip": 969,
	"iex/DEEP10.pcap.gz": 55, "us-equities/tick/aig/20131007": 95, "us-equities/tick/aig/20131008": 188,
	"us-equities/tick/aig/20131009": 54, "us-equities/tick/ibm/20131007": 43,
	"us-equities/tick/ibm/20131008": 40, "us-equities/tick/ibm/20131009": 57,
}

// patterns holds the compiled pattern of each holding.
var patterns = func() (list []*regexp.Regexp) {
	for i := range holdings {
		list = append(list, regexp.MustCompile("^(?:"+holdings[i].pattern+")$"))
	}
	return list
}()

// Recordings lists what is below dir, each file in exactly one recording, in the
// order of the paths.
func Recordings(dir string) ([]Recording, error) {
	var all []string
	err := filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, full)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		all = append(all, rel)
		if strings.HasPrefix(rel, "pcap-samples/") && strings.HasSuffix(rel, ".tar.zst") {
			all = all[:len(all)-1]
			members, err := archived(full)
			if err != nil {
				return err
			}
			for _, m := range members {
				all = append(all, rel+"!"+m)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(all)
	var list []Recording
	at := map[string]int{}
	for _, rel := range all {
		h, name, groups := holdingOf(rel)
		conns := h.conns
		if conns == nil {
			conns = []string{""}
		}
		for _, conn := range conns {
			i, known := at[name+conn]
			if !known {
				i = len(list)
				at[name+conn] = i
				list = append(list, Recording{Name: name + conn, Why: noDecoder + "no file of it has messages with times"})
			}
			list[i].add(h, groups, rel, filepath.Join(dir, filepath.FromSlash(rel)))
			list[i].Feed.Conn = conn
		}
	}
	return list, nil
}

func holdingOf(rel string) (h *holding, name string, groups func(string) string) {
	for i := range holdings {
		h := &holdings[i]
		pattern := patterns[i]
		match := pattern.FindStringSubmatchIndex(rel)
		if match == nil {
			continue
		}
		groups := func(template string) string {
			return string(pattern.ExpandString(nil, template, rel, match))
		}
		name := rel
		if h.name != "" {
			name = string(pattern.ExpandString(nil, h.name, rel, match))
		}
		return h, name, groups
	}
	return &holding{why: noDecoder + "not a known recording: name its format with --feed"}, rel,
		func(s string) string { return s }
}

func (r *Recording) add(h *holding, groups func(string) string, rel, full string) {
	r.Files++
	switch {
	case h.rest:
		if strings.Contains(rel, "_orderbook_") {
			r.Feed.Book = full
		}
		return
	case h.format == "":
		r.Why = h.why
		return
	}
	paths, seed := append(r.Feed.Paths, full), r.Feed.Book
	r.Feed = h.feed
	r.Feed.Venue, r.Feed.Format, r.Feed.Paths, r.Feed.Book = "V", h.format, paths, seed
	r.Feed.Symbol = strings.ToUpper(groups(h.symbol))
	r.Feed.Instrument = strings.ToUpper(groups(h.local))
	if r.Feed.Instrument == "" {
		r.Feed.Instrument = r.Feed.Symbol
	}
	if strings.HasPrefix(h.format, "lobster") {
		r.Feed.Date = lobsterDate(path.Base(rel))
	}
	r.Why, r.Known, r.KnownCrossed = "", h.known, crossings[r.Name]
}

// lobsterDate returns the day in the name of a LOBSTER file as YYYYMMDD.
func lobsterDate(name string) string {
	words := strings.Split(name, "_")
	if len(words) < 2 {
		return ""
	}
	return strings.ReplaceAll(words[1], "-", "")
}
