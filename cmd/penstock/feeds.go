package main

import (
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/fixgw"
	"penstock/venues/jsonws"
	"penstock/venues/wire"
)

// feedWorker is a market data feed on the I/O goroutine.
type feedWorker interface {
	Work(now int64) int
	PollFDs(fds []wire.PollFD) []wire.PollFD
	Resync(now int64, id market.InstrumentID)
	Close() error
}

// feed is a running feed and the venue that it belongs to.
type feed struct {
	venue market.VenueID
	feedWorker
}

// resyncs obeys the core's requests for a new snapshot.
func resyncs(f feedWorker) func(now int64, c *event.Command) bool {
	return func(now int64, c *event.Command) bool {
		f.Resync(now, c.Instrument)
		return true
	}
}

// openFeed builds the feed of venue i, nil when it has none of its own.
func (a *assembly) openFeed(i int, sink event.Sink) (feedWorker, error) {
	s, v := &a.cfg.Venue[i], &a.cfg.Router.Venues[i]
	switch s.Feed.Protocol {
	case "itch":
		return a.openITCH(s, v, sink)
	case "kraken", "coinbase":
		return a.openWebSocket(s, v, sink)
	}
	return nil, nil
}

func (a *assembly) openWebSocket(s *venueSection, v *market.Venue, sink event.Sink) (feedWorker, error) {
	c := jsonws.Config{Venue: v.ID, Sink: sink, StallNanos: jsonws.DefaultStallNanos}
	for in, text := range a.cfg.symbols(s) {
		c.Symbols = append(c.Symbols, jsonws.Symbol{Text: text, ID: in.ID, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals, PricePrecision: s.Feed.PricePrecision,
			QtyPrecision: s.Feed.QtyPrecision})
	}
	var decoder jsonws.Decoder
	var err error
	path := s.Feed.Path
	if s.Feed.Protocol == "kraken" {
		path = orDefault(path, "/v2")
		decoder, err = jsonws.NewKraken(c, s.Feed.Depth)
	} else {
		path = orDefault(path, "/")
		decoder, err = jsonws.NewCoinbase(c, true)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	return jsonws.NewFeed(jsonws.FeedConfig{
		Addr: s.Feed.Address, Path: path, MaxMessage: jsonws.DefaultMaxMessage,
		ConnectNanos: jsonws.DefaultConnectNanos, ConfirmNanos: jsonws.DefaultConfirmNanos,
		SilenceNanos: int64(s.Feed.Silence), RetryNanos: jsonws.DefaultRetryNanos,
		RetryMaxNanos: jsonws.DefaultRetryMaxNanos, SnapshotNanos: jsonws.DefaultSnapshotNanos, Seed: uint64(v.ID),
		Tap: a.taps[s.Name],
	}, decoder)
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// gatewayFDs adapts a gateway's one descriptor.
func gatewayFDs(g *fixgw.Gateway) func([]wire.PollFD) []wire.PollFD {
	return func(fds []wire.PollFD) []wire.PollFD { return append(fds, g.PollFD()) }
}
