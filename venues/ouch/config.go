package ouch

import (
	"fmt"
	"net/netip"

	"penstock/event"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/outbound"
	"penstock/venues/soup"
	"penstock/venues/wire"
)

// Symbol is one instrument as the venue names it. Prices of the protocol have four
// decimals, and quantities are whole shares.
type Symbol struct {
	ID            market.InstrumentID
	Text          string // at most 8 characters
	PriceDecimals uint8  // 4 to 9
}

// Config is what a Gateway needs to know. It does not change.
type Config struct {
	Name     string // of the venue, in errors
	Addr     string // host:port of the SoupBinTCP server
	User     string // at most 6 characters
	Password string // at most 10 characters
	Version  Version

	Firm     string // 4 characters: the firm in orders; empty is the port's own
	Capacity byte   // A agency, P principal, R riskless, O other
	Retail   bool   // customer type R instead of N

	HeartbeatNanos int64 // how long we may be silent; 0 means 1 s
	SilenceNanos   int64 // how long the venue may be silent; 0 means 15 s
	Socket         wire.Options
	// Dial starts a connection to the venue. nil: wire.DialStream.
	Dial func(netip.AddrPort) (wire.Stream, error)

	// Latch keeps new orders that it covers from leaving. Cancels go. nil: none.
	Latch *firewall.Latch
	// Firewall judges every message that leaves and reads every one that comes. nil: nothing
	// is checked.
	Firewall *firewall.OUCH
	// CancelBase is below the numbers of the cancel requests that CancelOpen makes; 0: it
	// makes none.
	CancelBase uint64
	Throttle   outbound.Throttle
	// OutLimit bounds the bytes that wait for a venue that does not read, and SlowNanos for
	// how long they may: then the connection is given up. 0 means 64 KiB and 2 s.
	OutLimit  int
	SlowNanos int64
	// MaxOrders bounds the orders of one session of the venue, a day; 0 means 65,536. The
	// book takes 400 bytes for each.
	MaxOrders int
	// First is the lowest child number of this run: reports of earlier ones are not told.
	First uint64
	// Midnight returns the midnight from which the venue counts its times at now; ns since
	// the epoch. nil: of UTC.
	Midnight func(now int64) int64

	Venue   market.VenueID
	Symbols []Symbol
	Sink    event.Sink
	// OnSent, when set, is called after the socket took the last byte of a command's message.
	// sendTime is the clock's, ns since the epoch. c is valid during the call.
	OnSent func(c *event.Command, sendTime int64)
	// Clock gives the time for OnSent. nil: the time given to Send or Work.
	Clock func() int64

	RetryNanos, RetryMaxNanos int64 // pauses before a reconnect; 0 means 250 ms and 30 s
	Seed                      uint64
}

const (
	milli           = 1_000_000
	second          = 1_000 * milli
	dayNanos        = 86_400 * second
	defaultOrders   = 1 << 16
	defaultRetry    = 250 * milli
	defaultRetryMax = 30 * second
)

// Check reports what New would refuse of the configuration. It looks up no name.
func (c Config) Check() error {
	if err := c.complete(); err != nil {
		return err
	}
	of := c.soup()
	if err := of.Check(); err != nil {
		return fmt.Errorf("gateway %s: %w", c.Name, err)
	}
	return nil
}

// soup is what carries the session.
func (c *Config) soup() soup.ClientConfig {
	return soup.ClientConfig{
		SessionConfig: soup.SessionConfig{User: c.User, Password: c.Password, Sequence: 1,
			HeartbeatNanos: c.HeartbeatNanos, SilenceNanos: c.SilenceNanos, LoginNanos: soup.DefaultLoginNanos},
		Addr: c.Addr, ConnectNanos: soup.DefaultConnectNanos, RetryNanos: c.RetryNanos,
		RetryMaxNanos: c.RetryMaxNanos, Seed: c.Seed, Socket: c.Socket, Dial: c.Dial,
	}
}

func (c *Config) complete() error {
	switch {
	case c.Sink == nil:
		return fmt.Errorf("gateway %s: no Sink for events", c.Name)
	case c.Venue >= market.MaxVenues:
		return fmt.Errorf("gateway %s: venue %d is not below %d", c.Name, c.Venue, market.MaxVenues)
	case len(c.Symbols) == 0:
		return fmt.Errorf("gateway %s: no symbols", c.Name)
	case c.Version > V42:
		return fmt.Errorf("gateway %s: no such version of OUCH", c.Name)
	case len(c.Firm) != 0 && len(c.Firm) != 4:
		return fmt.Errorf("gateway %s: firm %q must have 4 characters", c.Name, c.Firm)
	case c.Capacity != 'A' && c.Capacity != 'P' && c.Capacity != 'R' && c.Capacity != 'O':
		return fmt.Errorf("gateway %s: capacity must be A agency, P principal, R riskless or O other", c.Name)
	case c.OutLimit < 0 || c.SlowNanos < 0 || c.MaxOrders < 0 || c.RetryNanos < 0 || c.RetryMaxNanos < 0:
		return fmt.Errorf("gateway %s: limits must not be negative", c.Name)
	}
	for i := range c.Symbols {
		s := &c.Symbols[i]
		if s.Text == "" || len(s.Text) > symbolSize || s.PriceDecimals < PriceDecimals || s.PriceDecimals > 9 {
			return fmt.Errorf("gateway %s: symbol %d (%q): 1 to %d characters and %d to 9 decimals of the price wanted",
				c.Name, s.ID, s.Text, symbolSize, PriceDecimals)
		}
		for j := range i {
			if c.Symbols[j].ID == s.ID || c.Symbols[j].Text == s.Text {
				return fmt.Errorf("gateway %s: symbol %q appears twice", c.Name, s.Text)
			}
		}
	}
	if err := c.Throttle.Validate(); err != nil {
		return fmt.Errorf("gateway %s: %w", c.Name, err)
	}
	if c.Midnight == nil {
		c.Midnight = func(now int64) int64 { return now - now%dayNanos }
	}
	for _, d := range []struct {
		v *int64
		d int64
	}{{&c.HeartbeatNanos, soup.DefaultHeartbeatNanos}, {&c.SilenceNanos, soup.DefaultSilenceNanos},
		{&c.SlowNanos, 2 * second}, {&c.RetryNanos, defaultRetry}, {&c.RetryMaxNanos, defaultRetryMax}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	c.RetryMaxNanos = max(c.RetryNanos, c.RetryMaxNanos)
	if c.OutLimit == 0 {
		c.OutLimit = 64 << 10
	}
	if c.MaxOrders == 0 {
		c.MaxOrders = defaultOrders
	}
	return nil
}
