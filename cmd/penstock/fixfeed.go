package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/fixmd"
)

// fixSection is what a FIX market data session needs beside an address.
type fixSection struct {
	Dialect      string `toml:"dialect"`
	SenderCompID string `toml:"sender_comp_id"`
	TargetCompID string `toml:"target_comp_id"`
	Heartbeat    int    `toml:"heartbeat"`
	Bands        int    `toml:"bands"` // size bands of a dealer's quote, best first; empty: 1
	// The venue's key for us, and what signs the Logon: the first line of a file or
	// variable, for Coinbase the passphrase in the second.
	APIKey     string `toml:"api_key"`
	SecretFile string `toml:"secret_file"`
	SecretEnv  string `toml:"secret_env"`
}

func (f *feedSection) validateFIX() error {
	d, ok := fixmd.DialectByName(f.Dialect)
	switch {
	case !ok || d.NoBook:
		return fmt.Errorf("feed.dialect %q is not known", f.Dialect)
	case f.SenderCompID == "" || f.TargetCompID == "" || f.Heartbeat <= 0:
		return errors.New("feed needs sender_comp_id, target_comp_id and heartbeat")
	case int64(f.Silence) <= int64(f.Heartbeat)*1e9:
		return fmt.Errorf("feed.silence must be longer than the heartbeat of %d s", f.Heartbeat)
	case f.SecretFile != "" && f.SecretEnv != "":
		return errors.New("set feed.secret_file or feed.secret_env, not both")
	case d.Name == "binance" && f.APIKey == "":
		return errors.New("feed.api_key must be set: binance wants a signed Logon")
	case f.APIKey != "" && f.SecretFile == "" && f.SecretEnv == "":
		return errors.New("feed.api_key needs feed.secret_file or feed.secret_env")
	case (f.CertFile == "") != (f.KeyFile == ""):
		return errors.New("feed.cert_file and feed.key_file belong together: set both or none")
	case !f.TLS && (f.CAFile != "" || f.CertFile != ""):
		return errors.New("feed.ca_file and feed.cert_file are for tls = true")
	}
	return nil
}

// fixSecrets reads the lines of the secret.
func (c *Config) fixSecrets(f *feedSection) (secret, passphrase string, err error) {
	text, ok := os.LookupEnv(f.SecretEnv)
	if f.SecretFile != "" {
		raw, err := os.ReadFile(c.at(f.SecretFile))
		if err != nil {
			return "", "", fmt.Errorf("feed.secret_file: %w", err)
		}
		text, ok = string(raw), true
	}
	if !ok {
		return "", "", fmt.Errorf("feed.secret_env: %s is not set", f.SecretEnv)
	}
	secret, passphrase, _ = strings.Cut(strings.ReplaceAll(text, "\r", ""), "\n")
	return secret, strings.TrimRight(passphrase, "\n"), nil
}

// fixLogon returns what adds the credentials to a Logon, nil where there are none.
func (c *Config) fixLogon(f *feedSection) (func(*fix.Writer, fix.LogonHeader), error) {
	if f.APIKey == "" {
		return nil, nil
	}
	secret, passphrase, err := c.fixSecrets(f)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(f.Dialect, "coinbase"):
		return fix.LogonCoinbase(secret, passphrase)
	case f.Dialect == "kraken":
		return fix.LogonKraken(f.APIKey, secret)
	case f.Dialect == "binance":
		return fix.LogonBinance(f.APIKey, secret)
	}
	return nil, fmt.Errorf("feed.api_key is not for dialect %s: it has no signed Logon", f.Dialect)
}

// openFIX builds a feed over a FIX market data session.
func (a *assembly) openFIX(s *venueSection, v *market.Venue, sink event.Sink) (feedWorker, error) {
	c, err := a.cfg.fixFeed(s, v, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	c.Tap = a.taps[s.Name]
	f, err := fixmd.NewFeed(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	return f, nil
}

// fixFeed is what the configuration says of a FIX market data session.
func (c *Config) fixFeed(s *venueSection, v *market.Venue, sink event.Sink) (f fixmd.FeedConfig, err error) {
	dialect, _ := fixmd.DialectByName(s.Feed.Dialect)
	logon, err := c.fixLogon(&s.Feed)
	if err != nil {
		return f, err
	}
	f = fixmd.FeedConfig{
		Config: fixmd.Config{Dialect: dialect, Venue: v.ID, Sink: sink, Depth: s.Feed.Depth, Bands: s.Feed.Bands,
			Orders: fixmd.DefaultOrders, Held: fixmd.DefaultHeld, MaxFrame: fix.MaxFrameLimit,
			StallNanos: fixmd.DefaultStallNanos},
		Addr: s.Feed.Address, SenderCompID: s.Feed.SenderCompID, TargetCompID: s.Feed.TargetCompID,
		HeartBtIntSecs: s.Feed.Heartbeat, Logon: logon, SilenceNanos: int64(s.Feed.Silence),
		ConnectNanos: fixmd.DefaultConnectNanos, SnapshotNanos: fixmd.DefaultSnapshotNanos,
		RetryNanos: fixmd.DefaultRetryNanos, RetryMaxNanos: fixmd.DefaultRetryMaxNanos, Seed: uint64(v.ID),
	}
	if s.Feed.TLS {
		if f.TLS, err = c.feedTLS(&s.Feed); err != nil {
			return f, err
		}
	}
	for in, text := range c.symbols(s) {
		f.Symbols = append(f.Symbols, fixmd.Symbol{Text: text, ID: in.ID, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals, PricePrecision: s.Feed.PricePrecision, QtyPrecision: s.Feed.QtyPrecision})
	}
	return f, nil
}
