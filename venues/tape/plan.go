package tape

import (
	"fmt"
	"path/filepath"

	"penstock/event"
	"penstock/market"
)

// Plan is a set of feeds with the reference data that they need: instruments and
// venues in the order in which the feeds first name them.
type Plan struct {
	Feeds       []Feed
	Instruments []market.Instrument
	Venues      []market.Venue

	known     []known // by InstrumentID
	simulated []market.VenueID
	seed      uint64 // of the simulated venues
}

// DefaultFeeds returns the feeds that replay plays when none is named: BTC-USDT
// on three lit books (the perpetuals shifted to spot), and one day of EUR/USD
// from two dealers. dir is the folder of recordings.
//
// The dealers' files have clocks of their own: one is stamped UTC-5, so its day
// spans two files of the other, which is cut to the same day.
func DefaultFeeds(dir string) []Feed {
	const from = 1399525200 * nanosPerSecond // 2014-05-08 05:00 UTC
	const to = from + 24*3600*nanosPerSecond
	books := filepath.Join(dir, "crypto", "binance-3books")
	dealers := filepath.Join(dir, "fx-dealers")
	return []Feed{
		{Venue: "BN-SPOT", Format: "binance-spot",
			Paths: []string{filepath.Join(books, "spot_btcusdt_20240808.gz")}},
		{Venue: "BN-USDM", Format: "binance-usdm", Basis: "BN-SPOT",
			Paths: []string{filepath.Join(books, "usdm_btcusdt_20240808.gz")}},
		{Venue: "BN-CM", Format: "binance-cm", Basis: "BN-SPOT",
			Paths: []string{filepath.Join(books, "cm_btcusd_perp_20240808.gz")}},
		{Venue: "FXCM", Format: "dealer-csv", Offset: 5 * 3600 * nanosPerSecond,
			Paths: []string{filepath.Join(dealers, "fxcm", "eurusd", "20140508_quote.zip")}},
		{Venue: "OANDA", Format: "dealer-csv", From: from, To: to,
			Paths: []string{
				filepath.Join(dealers, "oanda", "eurusd", "20140508_quote.zip"),
				filepath.Join(dealers, "oanda", "eurusd", "20140509_quote.zip"),
			}},
	}
}

// ByInstrument groups feeds by the instrument that they carry, in the order in
// which the instruments first come. Recordings of different years are better
// replayed group by group than through the years between them.
func ByInstrument(feeds []Feed) ([][]Feed, error) {
	var groups [][]Feed
	at := map[string]int{}
	for _, feed := range feeds {
		format, err := findFormat(feed.Format)
		if err != nil {
			return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
		}
		if err := feed.complete(); err != nil {
			return nil, err
		}
		if feed.Instrument == "" {
			feed.Instrument = format.Instrument
		}
		i, ok := at[feed.Instrument]
		if !ok {
			i = len(groups)
			at[feed.Instrument] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], feed)
	}
	return groups, nil
}

// NewPlan completes feeds with the defaults of their formats and gives their
// instruments and venues numbers.
func NewPlan(feeds []Feed) (*Plan, error) {
	p := &Plan{}
	for _, feed := range feeds {
		format, err := findFormat(feed.Format)
		if err != nil {
			return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
		}
		if err := feed.complete(); err != nil {
			return nil, err
		}
		if feed.Instrument == "" {
			feed.Instrument = format.Instrument
		}
		if feed.Symbol == "" {
			feed.Symbol = format.Symbol
		}
		if err := p.add(feed, format); err != nil {
			return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
		}
	}
	for _, feed := range p.Feeds {
		if feed.Basis == "" {
			continue
		}
		reference := p.reference(&feed)
		if reference == nil {
			return nil, fmt.Errorf("feed %s: basis=%s names no other feed of %s",
				feed.Venue, feed.Basis, feed.Instrument)
		}
		if !levelFeed(&feed) || !levelFeed(reference) {
			return nil, fmt.Errorf("feed %s: basis=%s: both must be books of price levels",
				feed.Venue, feed.Basis)
		}
	}
	return p, nil
}

// levelFeed reports whether f tells displayed sizes by price level.
func levelFeed(f *Feed) bool {
	format, err := findFormat(f.Format)
	return err == nil && format.Kind == market.Lit && !format.byOrder && format.Name != "recorded"
}

func (p *Plan) add(feed Feed, format *Format) error {
	for _, f := range p.Feeds {
		if f.Venue == feed.Venue && f.Instrument == feed.Instrument {
			return fmt.Errorf("a second feed of %s: give all its paths in one", feed.Instrument)
		}
	}
	if feed.Instrument == "" {
		return fmt.Errorf("format %s needs +instrument=…", format.Name)
	}
	p.Feeds = append(p.Feeds, feed)
	if p.Instrument(feed.Instrument) == nil {
		in, err := findInstrument(&feed, format)
		if err != nil {
			return err
		}
		in.ID = market.InstrumentID(len(p.Instruments))
		p.known = append(p.known, in)
		p.Instruments = append(p.Instruments, in.Instrument)
	}
	if v := p.Venue(feed.Venue); v != nil {
		if v.Kind != format.Kind {
			return fmt.Errorf("venue is %s by another feed, %s by format %s",
				v.Kind, format.Kind, format.Name)
		}
		return nil
	}
	return p.AddVenue(market.Venue{
		Name: feed.Venue, Kind: format.Kind, LastLook: format.Kind == market.SDP, ByOrder: feed.byOrder(format),
		TakeFee: fees[format.Name][0], MakeFee: fees[format.Name][1],
	})
}

// Assumed of every replay venue.
const (
	venueMsgRate  = 1000
	venueAckNanos = 2 * nanosPerSecond
)

// AddVenue appends a venue and gives it its number.
func (p *Plan) AddVenue(v market.Venue) error {
	switch {
	case len(p.Venues) == market.MaxVenues:
		return fmt.Errorf("more than %d venues", market.MaxVenues)
	case p.Venue(v.Name) != nil:
		return fmt.Errorf("venue %s is already there", v.Name)
	}
	v.ID = market.VenueID(len(p.Venues))
	v.MsgRate, v.AckNanos = venueMsgRate, venueAckNanos
	p.Venues = append(p.Venues, v)
	return nil
}

// Instrument returns the instrument with this symbol, nil when there is none.
func (p *Plan) Instrument(symbol string) *market.Instrument {
	for i := range p.Instruments {
		if p.Instruments[i].Symbol == symbol {
			return &p.Instruments[i]
		}
	}
	return nil
}

// Venue returns the venue with this name, nil when there is none.
func (p *Plan) Venue(name string) *market.Venue {
	for i := range p.Venues {
		if p.Venues[i].Name == name {
			return &p.Venues[i]
		}
	}
	return nil
}

// Trades reports whether instrument in can be traded at venue v: it has a feed
// there, or the venue is simulated.
func (p *Plan) Trades(v market.VenueID, in market.InstrumentID) bool {
	if p.Simulated(v) {
		return true
	}
	for i := range p.Feeds {
		if p.Venue(p.Feeds[i].Venue).ID == v && p.Instrument(p.Feeds[i].Instrument).ID == in {
			return true
		}
	}
	return false
}

// reference returns the feed whose prices f follows.
func (p *Plan) reference(f *Feed) *Feed {
	for i := range p.Feeds {
		r := &p.Feeds[i]
		if r.Venue == f.Basis && r.Venue != f.Venue && r.Instrument == f.Instrument && r.Basis == "" {
			return r
		}
	}
	return nil
}

// Open opens the recordings of every feed.
func (p *Plan) Open() (*Tape, error) {
	t := &Tape{}
	for _, feed := range p.Feeds {
		to := feed.one(p.Venue(feed.Venue).ID, p.Instrument(feed.Instrument))
		s, err := openSource(feed, func(string) target { return to })
		if err != nil {
			t.Close()
			return nil, err
		}
		t.sources = append(t.sources, s)
	}
	for i := range p.Feeds {
		t.routes = append(t.routes, p.route(t, i))
	}
	return t, nil
}

// route returns where the events of feed i go: to its basis, or straight out.
func (p *Plan) route(t *Tape, i int) event.Sink {
	feed := &p.Feeds[i]
	in := p.Instrument(feed.Instrument)
	if feed.Basis != "" {
		b := t.basis(in, p.Venue(feed.Basis).ID)
		return t.follow(b, newFollower(p.Venue(feed.Venue).ID, in))
	}
	if venue := p.Venue(feed.Venue).ID; p.isReference(venue, in.ID) {
		return t.watch(t.basis(in, venue))
	}
	return t.pass
}

// isReference reports whether other venues are shifted to the prices of v.
func (p *Plan) isReference(v market.VenueID, in market.InstrumentID) bool {
	for i := range p.Feeds {
		f := &p.Feeds[i]
		if f.Basis == p.Venues[v].Name && f.Instrument == p.Instruments[in].Symbol {
			return true
		}
	}
	return false
}
