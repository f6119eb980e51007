package main

import (
	"crypto/tls"
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/router/loop"
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

// rewarmer is a feed or gateway that an idle loop keeps near: see loop.Worker.
type rewarmer interface {
	Rewarm(turn uint64, id market.InstrumentID, side market.Side)
}

// glancer is a feed or gateway that can look what has come, and do no more: see loop.Worker.
type glancer interface {
	Glance(now int64) int
}

// attend gives a worker what its feed or gateway can do while the loop is idle.
func attend(w *loop.Worker, of any) {
	if r, ok := of.(rewarmer); ok {
		w.Rewarm = r.Rewarm
	}
	if g, ok := of.(glancer); ok {
		w.Glance = g.Glance
	}
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
	case "fix":
		return a.openFIX(s, v, sink)
	}
	if p := webSocketProtocol(s.Feed.Protocol); p != nil {
		return a.openWebSocket(p, s, v, sink)
	}
	return nil, nil
}

func (a *assembly) openWebSocket(p *webSocketFeed, s *venueSection, v *market.Venue, sink event.Sink) (feedWorker, error) {
	f, decoder, err := a.cfg.webSocket(p, s, v, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	f.Gate, f.Tap = a.gate, a.taps[s.Name]
	return jsonws.NewFeed(f, decoder)
}

// webSocket is what the configuration says of a feed over WebSocket.
func (c *Config) webSocket(p *webSocketFeed, s *venueSection, v *market.Venue, sink event.Sink) (f jsonws.FeedConfig, decoder jsonws.Decoder, err error) {
	d := jsonws.Config{Venue: v.ID, Sink: sink, StallNanos: jsonws.DefaultStallNanos}
	for in, text := range c.symbols(s) {
		d.Symbols = append(d.Symbols, jsonws.Symbol{Text: text, ID: in.ID, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals, PricePrecision: s.Feed.PricePrecision,
			QtyPrecision: s.Feed.QtyPrecision, Contract: s.Feed.Contract})
	}
	if decoder, err = p.decoder(d, &s.Feed); err != nil {
		return f, nil, err
	}
	f = jsonws.FeedConfig{
		Addr: s.Feed.Address, Path: orDefault(s.Feed.Path, p.path), MaxMessage: jsonws.DefaultMaxMessage,
		ConnectNanos: jsonws.DefaultConnectNanos, ConfirmNanos: jsonws.DefaultConfirmNanos,
		SilenceNanos: int64(s.Feed.Silence), RetryNanos: jsonws.DefaultRetryNanos,
		RetryMaxNanos: jsonws.DefaultRetryMaxNanos, SnapshotNanos: jsonws.DefaultSnapshotNanos,
		ControlNanos: p.controlNanos, MaxAgeNanos: p.maxAgeNanos,
		SnapshotBase: s.Feed.Snapshot, FetchNanos: jsonws.DefaultFetchNanos,
		FailoverTries: jsonws.DefaultFailoverTries, Seed: uint64(v.ID),
	}
	for _, address := range s.Feed.Fallback {
		f.Fallback = append(f.Fallback, jsonws.Endpoint{Addr: address, Path: f.Path})
	}
	if s.Feed.secure() {
		tls, err := c.feedTLS(&s.Feed)
		if err != nil {
			return f, nil, err
		}
		f.SnapshotTLS = tls
		if s.Feed.TLS {
			f.TLS = tls
		}
	}
	return f, decoder, nil
}

// feedTLS reads the files of a feed over TLS.
func (c *Config) feedTLS(f *feedSection) (*tls.Config, error) {
	config, err := wire.ClientTLS(wire.TLSFiles{CAFile: c.at(f.CAFile), CertFile: c.at(f.CertFile), KeyFile: c.at(f.KeyFile)})
	if err != nil {
		return nil, fmt.Errorf("feed.ca_file, cert_file and key_file: %w", err)
	}
	return config, nil
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// gatewayFDs adapts a gateway's one descriptor.
func gatewayFDs(g orderGateway) func([]wire.PollFD) []wire.PollFD {
	return func(fds []wire.PollFD) []wire.PollFD { return append(fds, g.PollFD()) }
}
