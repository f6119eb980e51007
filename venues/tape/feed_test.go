package tape

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"penstock/market"
)

func TestFeedText(t *testing.T) {
	for text, want := range map[string]Feed{
		"FXCM=dealer-csv:a.zip": {Venue: "FXCM", Format: "dealer-csv", Paths: []string{"a.zip"}},
		"X=dealer-csv+offset=5h+size=500000+life=2s:a,b": {Venue: "X", Format: "dealer-csv",
			Paths: []string{"a", "b"}, Offset: 5 * time.Hour, Size: 500_000, Life: 2 * time.Second},
		"X=dealer-csv+from=2014-05-08T05:00:00Z+to=2014-05-09T05:00:00Z+instrument=NZD/USD:c:d": {
			Venue: "X", Format: "dealer-csv", Paths: []string{"c:d"}, Instrument: "NZD/USD",
			From: 1399525200 * nanosPerSecond, To: 1399611600 * nanosPerSecond},
		"X=dealer-csv+date=20140508+basis=Y+symbol=a/b:p": {Venue: "X", Format: "dealer-csv",
			Paths: []string{"p"}, Date: "20140508", Basis: "Y", Symbol: "a/b"},
	} {
		got, err := ParseFeed(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestBadFeedTextIsExplained(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "want VENUE=FORMAT",
		"X=dealer-csv":                  "want VENUE=FORMAT",
		"X=dealer-csv:":                 "want VENUE=FORMAT",
		"=dealer-csv:a":                 "want VENUE=FORMAT",
		"x=dealer-csv:a":                "venue name",
		"X=nope:a":                      "unknown format \"nope\"",
		"X=dealer-csv:a,":               "empty path",
		"X=dealer-csv+color=red:a":      "unknown option \"color\"",
		"X=dealer-csv+size=-1:a":        "not positive",
		"X=dealer-csv+size:a":           "want KEY=VALUE",
		"X=dealer-csv+offset=5:a":       "missing unit",
		"X=dealer-csv+offset=999999h:a": "beyond a day",
		"X=dealer-csv+offset=-25h:a":    "beyond a day",
		"X=dealer-csv+from=2014:a":      "want a time",
		"X=dealer-csv+from=1T1:1:a":     "want VENUE=FORMAT",
	} {
		if _, err := ParseFeed(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPlanNumbersInstrumentsAndVenues(t *testing.T) {
	p, err := NewPlan(DefaultFeeds("data"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"BN-SPOT", "BN-USDM", "BN-CM", "FXCM", "OANDA"} {
		v := p.Venue(name)
		if v == nil || int(v.ID) != i || (v.Kind == market.SDP) != (i >= 3) {
			t.Errorf("venue %s: %+v", name, v)
		}
	}
	btc, eur := p.Instrument("BTC-USDT"), p.Instrument("EUR/USD")
	if len(p.Instruments) != 2 || btc == nil || eur == nil || btc.ID != 0 || eur.ID != 1 {
		t.Errorf("instruments: %+v", p.Instruments)
	}
	for _, in := range p.Instruments {
		if err := in.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestPlanRefusesWhatCannotPlay(t *testing.T) {
	quotes := Feed{Venue: "A", Format: "dealer-csv", Paths: []string{"a"}}
	unknown, based := quotes, quotes
	unknown.Instrument = "XYZ/ABC"
	based.Basis = "B"
	for want, feeds := range map[string][]Feed{
		"a second feed":     {quotes, quotes},
		"no reference data": {unknown},
		"names no other":    {based},
		"price levels":      {{Venue: "B", Format: "dealer-csv", Paths: []string{"b"}}, based},
	} {
		if _, err := NewPlan(feeds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestEveryFormatHasAUsableExample(t *testing.T) {
	for _, f := range Formats() {
		feed, err := ParseFeed(f.Example)
		if err != nil || feed.Format != f.Name || f.Description == "" {
			t.Errorf("%s: %v", f.Name, err)
		}
		feed.Basis = "" // its reference is another feed
		if f.Name == "recorded" {
			feed.Paths[0] = save(t, "a.psrec", recordingOf(t, 6))
		}
		if _, err := NewPlan([]Feed{feed}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestSimulatedVenuesAreDarkOrDealers(t *testing.T) {
	p, err := NewPlan(DefaultFeeds("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Simulate([]market.VenueKind{market.Lit}, 1); err == nil {
		t.Error("a lit venue was simulated")
	}
	if err := p.Simulate([]market.VenueKind{market.Dark, market.SDP}, 1); err != nil {
		t.Fatal(err)
	}
	dark := p.Venue("SIM-DARK")
	if dark == nil || !p.Simulated(dark.ID) || p.Simulated(0) || !p.Trades(dark.ID, 1) || p.Trades(0, 1) {
		t.Errorf("%+v", p.Venues)
	}
}
