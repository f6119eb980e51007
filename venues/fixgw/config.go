package fixgw

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/fixmd"
	"penstock/venues/wire"
)

// Symbol is one instrument as the venue names it.
type Symbol struct {
	ID            market.InstrumentID
	Text          string // Symbol(55)
	Currency      string // Currency(15) in orders, "" leaves it out
	PriceDecimals uint8
	QtyDecimals   uint8
}

// quoteReqID is QuoteReqID(131) under which we ask for quotes of the instrument.
func (s *Symbol) quoteReqID() string { return fixmd.QuoteReqID(s.ID) }

// QuoteMode says how quotes are asked for after Logon.
type QuoteMode uint8

// Quote modes.
const (
	// QuotesNone asks for nothing; quotes that arrive are taken nevertheless.
	QuotesNone QuoteMode = iota
	// QuotesRequest sends QuoteRequest(35=R) for each symbol; the dealer streams
	// until it cancels.
	QuotesRequest
)

// Config is what a Gateway needs to know. It does not change.
type Config struct {
	Addr           string // host:port; a name is looked up once, by New
	SenderCompID   string
	TargetCompID   string
	HeartBtIntSecs int
	Dialect        Dialect
	Account        Account
	Logon          func(*fix.Writer, fix.LogonHeader) // credentials, see Dialect.Logon
	StorePath      string                             // sequence numbers; "" keeps none

	// TLS makes the connection TLS: see wire.ClientTLS. ServerName is the host of
	// Addr when it is empty. Certificates are always checked.
	TLS    *tls.Config
	Socket wire.Options // of the socket
	// Dial starts a connection to the venue. nil: wire.DialStream.
	Dial func(netip.AddrPort, *tls.Config, time.Duration) (wire.Stream, error)

	// Latch keeps new orders that it covers from leaving, whatever the core says: the
	// second layer of a kill. Cancels and status requests go. nil: none.
	Latch *firewall.Latch
	// Firewall judges every byte that leaves and reads every report. nil: nothing is
	// judged, for tools that send no orders.
	Firewall *firewall.Session
	// CancelBase is below the numbers of the cancel requests that CancelOpen makes; nobody
	// else uses those above it. 0: CancelOpen does nothing.
	CancelBase uint64

	// Heard is the MsgSeqNum(34) of the last message that a run that goes on has recorded: the
	// session goes on behind it, whatever the file at StorePath says. 0: none is known.
	Heard uint64
	// HostDied says that the file may be older than what was sent. Then it is known from elsewhere that
	// message Sent had left, and Since more were to leave after it.
	HostDied    bool
	Sent, Since uint64
	// DropCopy makes the gateway the reader of a drop copy. nil: it enters orders.
	DropCopy *DropCopy

	Throttle Throttle
	// OutLimit bounds the bytes that wait for a venue that does not read, and
	// SlowNanos for how long they may: then the connection is given up, because a
	// late order is a wrong order. 0 means 64 KiB and 2 s.
	OutLimit  int
	SlowNanos int64

	Venue   market.VenueID
	Kind    market.VenueKind
	Symbols []Symbol
	Quotes  QuoteMode

	Sink event.Sink
	// OnSent, when set, is called after the socket took the last byte of a
	// command's message. sendTime is the clock's, ns since the epoch. c is valid
	// during the call.
	OnSent func(c *event.Command, sendTime int64)
	// Clock gives the time for OnSent. nil: the time given to Send or Work.
	Clock func() int64

	// BackoffMinNanos and BackoffMaxNanos bound the wait before a reconnect, which
	// doubles from one to the other, less a random part of up to one half. 0 means
	// 250 ms and 30 s. Seed makes it repeatable.
	BackoffMinNanos, BackoffMaxNanos int64
	Seed                             uint64
}

func (c *Config) complete() error {
	switch {
	case c.Sink == nil:
		return fmt.Errorf("gateway %s: no Sink for events", c.TargetCompID)
	case c.Venue >= market.MaxVenues:
		return fmt.Errorf("gateway %s: venue %d is not below %d", c.TargetCompID, c.Venue,
			market.MaxVenues)
	case c.DropCopy != nil && (c.Firewall != nil || c.CancelBase != 0 || c.Quotes != QuotesNone || c.Kind == market.SDP):
		return fmt.Errorf("gateway %s: a drop copy has neither orders nor quotes", c.TargetCompID)
	case len(c.Symbols) == 0:
		return fmt.Errorf("gateway %s: no symbols", c.TargetCompID)
	case c.TLS != nil && c.TLS.InsecureSkipVerify:
		return fmt.Errorf("gateway %s: TLS without checking the certificate is no protection: "+
			"name its authority instead", c.TargetCompID)
	case c.OutLimit < 0 || c.SlowNanos < 0:
		return fmt.Errorf("gateway %s: OutLimit and SlowNanos must not be negative", c.TargetCompID)
	case c.BackoffMinNanos < 0 || c.BackoffMaxNanos < 0:
		return fmt.Errorf("gateway %s: back-off must not be negative", c.TargetCompID)
	}
	for i := range c.Symbols {
		s := &c.Symbols[i]
		if s.Text == "" || s.PriceDecimals > 9 || s.QtyDecimals > 9 {
			return fmt.Errorf("gateway %s: symbol %d (%q): text and 0 to 9 decimals wanted",
				c.TargetCompID, s.ID, s.Text)
		}
		for j := range i {
			if c.Symbols[j].ID == s.ID || c.Symbols[j].Text == s.Text {
				return fmt.Errorf("gateway %s: symbol %q appears twice", c.TargetCompID, s.Text)
			}
		}
	}
	if c.TLS != nil && c.TLS.ServerName == "" {
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return fmt.Errorf("gateway %s: %w", c.TargetCompID, err)
		}
		c.TLS = c.TLS.Clone()
		c.TLS.ServerName = host
	}
	if c.Dialect.IDLimit != 0 && len(c.Dialect.IDs.Append(nil, 999_999_999_999_999_999)) > c.Dialect.IDLimit {
		return fmt.Errorf("gateway %s: order numbers are longer than the %d characters of dialect %s",
			c.TargetCompID, c.Dialect.IDLimit, c.Dialect.Name)
	}
	if err := c.Throttle.Validate(); err != nil {
		return fmt.Errorf("gateway %s: %w", c.TargetCompID, err)
	}
	if c.Dial == nil {
		c.Dial = wire.DialStream
	}
	if c.OutLimit == 0 {
		c.OutLimit = 64 << 10
	}
	if c.SlowNanos == 0 {
		c.SlowNanos = 2_000 * milli
	}
	if c.BackoffMinNanos == 0 {
		c.BackoffMinNanos = 250 * milli
	}
	if c.BackoffMaxNanos == 0 {
		c.BackoffMaxNanos = 30_000 * milli
	}
	c.BackoffMaxNanos = max(c.BackoffMinNanos, c.BackoffMaxNanos)
	return nil
}
