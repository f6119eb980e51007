package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
	"penstock/venues/wire"
)

func (f *feedSection) validateITCH() error {
	for _, a := range []struct{ key, text string }{
		{"feed.request", f.Request}, {"feed.address_b", f.AddressB}, {"feed.snapshot", f.Snapshot},
	} {
		if a.text == "" && (a.key != "feed.request" || f.Snapshot != "") {
			continue
		}
		if err := validAddress(a.key, a.text); err != nil {
			return err
		}
	}
	if key := f.webSocketKey(); key != "" {
		return fmt.Errorf("feed.%s is not for itch: remove it", key)
	}
	switch _, err := time.LoadLocation(f.Zone); {
	case err != nil:
		return fmt.Errorf("feed.zone: %w: name one like America/New_York", err)
	case f.AddressB == "" && (f.InterfaceB != "" || f.GapWait != 0):
		return errors.New("feed.interface_b and feed.gap_wait need feed.address_b: there is no other line")
	case f.Snapshot == "" && (f.SnapshotUser != "" || f.SnapshotPasswordFile != "" || f.SnapshotPasswordEnv != ""):
		return errors.New("feed.snapshot_user and its password need feed.snapshot")
	case f.SnapshotPasswordFile != "" && f.SnapshotPasswordEnv != "":
		return errors.New("set feed.snapshot_password_file or feed.snapshot_password_env, not both")
	case f.GapWait >= f.Silence && f.GapWait != 0:
		return errors.New("feed.gap_wait must be shorter than feed.silence")
	}
	return nil
}

// webSocketKey returns a key that is set and that only feeds over WebSocket have.
func (f *feedSection) webSocketKey() string {
	switch {
	case f.TLS:
		return "tls"
	case f.CAFile != "":
		return "ca_file"
	case f.CertFile != "" || f.KeyFile != "":
		return "cert_file"
	case f.Path != "":
		return "path"
	case len(f.Fallback) > 0:
		return "fallback"
	case f.Contract != 0:
		return "contract"
	case f.Depth != 0:
		return "depth"
	case f.PricePrecision != 0 || f.QtyPrecision != 0:
		return "price_precision"
	}
	return ""
}

// snapshotPassword reads the password of the GLIMPSE server, "" when none is set.
func (c *Config) snapshotPassword(f *feedSection) (string, error) {
	switch {
	case f.SnapshotPasswordFile != "":
		raw, err := os.ReadFile(c.at(f.SnapshotPasswordFile))
		if err != nil {
			return "", fmt.Errorf("feed.snapshot_password_file: %w", err)
		}
		return strings.TrimRight(string(raw), "\r\n"), nil
	case f.SnapshotPasswordEnv != "":
		password, ok := os.LookupEnv(f.SnapshotPasswordEnv)
		if !ok {
			return "", fmt.Errorf("feed.snapshot_password_env: %s is not set", f.SnapshotPasswordEnv)
		}
		return password, nil
	}
	return "", nil
}

// linesAlone is how many lines the loop asks one by one; more of them one question finds sooner, see BenchmarkLines.
const linesAlone = 2

// gateOfLines is what asks for the lines of all feeds, nil when each is asked for itself.
func (a *assembly) gateOfLines() *wire.Gate {
	lines := 0
	for i := range a.cfg.Venue {
		if f := &a.cfg.Venue[i].Feed; f.Protocol == "itch" {
			lines++
			if f.AddressB != "" {
				lines++
			}
		}
	}
	if lines <= linesAlone {
		return nil
	}
	return a.gate
}

// openITCH builds a feed whose times count from midnight in its zone.
func (a *assembly) openITCH(s *venueSection, v *market.Venue, sink event.Sink) (feedWorker, error) {
	c, err := a.cfg.itchFeed(s, v, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	c.Batch, c.Gate, c.Tap = a.batch, a.gateOfLines(), a.taps[s.Name]
	return itch.NewFeed(c)
}

// itchFeed is what the configuration says of a feed in ITCH.
func (c *Config) itchFeed(s *venueSection, v *market.Venue, sink event.Sink) (f itch.FeedConfig, err error) {
	password, err := c.snapshotPassword(&s.Feed)
	if err != nil {
		return f, err
	}
	zone, err := time.LoadLocation(s.Feed.Zone)
	if err != nil {
		return f, fmt.Errorf("feed.zone: %w", err)
	}
	f = itch.FeedConfig{
		Config:  itch.Config{Venue: v.ID, Sink: sink, Midnight: wire.Midnight(zone)},
		Lines:   []itch.LineConfig{{Address: s.Feed.Address, Interface: s.Feed.Interface}},
		Request: s.Feed.Request, RecoverFromStart: true,
		Snapshot: itch.SnapshotConfig{Addr: s.Feed.Snapshot, User: s.Feed.SnapshotUser,
			Password: password, Seed: uint64(v.ID)},
		SilenceNanos: int64(s.Feed.Silence), RequestNanos: itch.DefaultRequestNanos,
		RequestMessages: itch.DefaultRequestMessages, GiveUpRequests: itch.DefaultGiveUpRequests,
		HeldPackets: itch.DefaultHeldPackets,
		StallNanos:  itch.DefaultStallNanos, ReadBuffer: 1 << 20,
	}
	if s.Feed.AddressB != "" {
		f.Lines = append(f.Lines, itch.LineConfig{Address: s.Feed.AddressB, Interface: s.Feed.InterfaceB})
		f.GapNanos = itch.DefaultGapNanos
		if s.Feed.GapWait != 0 {
			f.GapNanos = int64(s.Feed.GapWait)
		}
	}
	if s.Feed.Snapshot != "" {
		f.HeldPackets = itch.DefaultSnapshotPackets
	}
	for in, text := range c.symbols(s) {
		f.Symbols = append(f.Symbols, itch.Symbol{Text: text, ID: in.ID, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals})
	}
	return f, nil
}
