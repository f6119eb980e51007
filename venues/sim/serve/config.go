package serve

import (
	"fmt"
	"strings"

	"penstock/market"
	"penstock/venues/sim"
)

// Feed is the market data protocol of a venue.
type Feed uint8

// Feeds.
const (
	NoFeed   Feed = iota
	ITCH          // ITCH 5.0 over MoldUDP64
	Kraken        // Kraken v2 book channel over WebSocket
	Coinbase      // Coinbase Exchange level2_batch over WebSocket
	Binance       // Binance spot streams over WebSocket, snapshots over HTTP
	FIX           // FIX 4.4 market data session
)

// Orders is the order entry protocol of a venue.
type Orders uint8

// Order entry protocols.
const (
	FIX44  Orders = iota
	OUCH50        // OUCH 5.0 over SoupBinTCP; the user of the login is the first 6 characters of the CompID
	OUCH42        // OUCH 4.2
)

// Config describes a simulated market in one instrument.
type Config struct {
	Instrument market.Instrument
	// Flow is the background flow; Start is set to the time of the start.
	Flow   sim.FlowConfig
	Venues []Venue
	// StoreDir holds the FIX sequence numbers, so that a market that starts again
	// resumes its sessions; empty keeps them in memory.
	StoreDir string
	// IDBase is where OrderID, ExecID and QuoteID numbers start, below 10^16; 0
	// takes it from the clock, so that they stay unique over starts.
	IDBase uint64
}

// Venue describes one venue. Addresses are host:port; port 0 takes a free one,
// which the started venue tells.
type Venue struct {
	Name   string // unique; also its CompID
	MIC    string // LastMkt(30)
	Kind   market.VenueKind
	Orders Orders
	// SelfMatch, of a venue in OUCH, keeps orders of one firm from trading with each other: the
	// protocol has no field for it, so it is the port's.
	SelfMatch bool
	Feed      Feed
	Symbol    string // what the venue calls the instrument; empty for its own symbol
	TakeFee   market.Fee
	MakeFee   market.Fee
	// LatencyNanos is the one-way time between the client and the venue.
	LatencyNanos int64
	// Clients are the CompIDs that may log on.
	Clients []string
	// CancelOnDisconnect cancels the orders of a session that loses its connection.
	CancelOnDisconnect bool

	Style Style // of order entry in FIX; the zero value is plain FIX 4.4
	Key   Key   // that signs the Logon, where the style demands it

	OrderAddr string // FIX acceptor
	// DropCopyAddr is of the FIX acceptor that repeats all reports to DropCopyClients; empty for none.
	DropCopyAddr    string
	DropCopyClients []string
	FeedAddr        string   // WebSocket feeds, FIX market data acceptor
	HTTPAddr        string   // Binance: where snapshots are to be had
	TLS             bool     // of FeedAddr and HTTPAddr: see Market.Certificate
	RerequestAddr   string   // ITCH: UDP address of the re-request server
	Receivers       []string // ITCH: where the packets of line A go
	ReceiversB      []string // ITCH: where the packets of line B go
	// SnapshotAddr is the TCP address of the GLIMPSE server of ITCH; empty for none.
	SnapshotAddr     string
	SnapshotUser     string // empty: anybody may log in
	SnapshotPassword string

	FlowShare int64 // weight of a lit venue in the flow; 0 counts as 1

	StaleNanos int64      // dark: how old the reference may be
	Contra     sim.Contra // dark
	// Conditional orders of a pool, and how it invites to firm them up; FIX only.
	Conditional sim.ConditionalRules
	Invites     InviteShape

	Dealer sim.DealerConfig // SDP; Venue and callbacks are set by Start
}

func (c *Config) validate() error {
	if err := c.Instrument.Validate(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range c.Venues {
		v := &c.Venues[i]
		if v.Symbol == "" {
			v.Symbol = c.Instrument.Symbol
		}
		if seen[v.Name] {
			return fmt.Errorf("venue %s: name used twice", v.Name)
		}
		seen[v.Name] = true
		if err := v.validate(&c.Instrument); err != nil {
			return fmt.Errorf("venue %s: %w", v.Name, err)
		}
	}
	return nil
}

func (v *Venue) validate(in *market.Instrument) error {
	switch {
	case v.Name == "" || v.MIC == "":
		return fmt.Errorf("name and MIC must be set")
	case len(v.Clients) == 0:
		return fmt.Errorf("there must be a client CompID")
	case v.LatencyNanos < 0 || v.LatencyNanos > 1e9:
		return fmt.Errorf("LatencyNanos must be 0 to 1 s")
	case v.OrderAddr == "":
		return fmt.Errorf("OrderAddr must be set, 127.0.0.1:0 for a free port")
	case v.Kind != market.Lit && v.Feed != NoFeed:
		return fmt.Errorf("only lit venues have a feed")
	case v.Kind == market.Lit && v.Feed == NoFeed:
		return fmt.Errorf("a lit venue needs a feed")
	case v.Feed == ITCH && v.RerequestAddr == "":
		return fmt.Errorf("RerequestAddr must be set")
	case v.Feed > ITCH && v.FeedAddr == "":
		return fmt.Errorf("FeedAddr must be set")
	case v.Feed == Binance && v.HTTPAddr == "":
		return fmt.Errorf("HTTPAddr must be set")
	case v.Feed == Binance && strings.ToUpper(v.Symbol) != v.Symbol:
		return fmt.Errorf("symbols of Binance are upper case")
	case v.TLS && (v.Feed == NoFeed || v.Feed == ITCH):
		return fmt.Errorf("TLS is for WebSocket feeds")
	case v.Orders != FIX44 && (v.Kind == market.SDP || in.QtyDecimals != 0 || in.PriceDecimals < 4 || len(v.Symbol) > 8):
		return fmt.Errorf("OUCH is for exchanges and pools in whole shares, with prices of 4 decimals or more, and symbols of up to 8 characters")
	case v.Feed == ITCH && !itchFits(in, v.Symbol):
		return fmt.Errorf("ITCH needs whole lots, ticks of at least 0.0001, " +
			"and symbols of up to 8 characters")
	}
	return nil
}

// DemoVenues returns the seven venues of a demonstration: three lit, two dark,
// two dealers, all on free ports of loopback, for client.
func DemoVenues(in market.Instrument, seed uint64, client string) []Venue {
	const host = "127.0.0.1:0"
	// perShare takes ten-thousandths of the currency per unit; a lot of 10^-q
	// units has a Notional unit of 10^-(p+q), so q cancels out.
	perShare := func(tenThousandths int64) market.Fee {
		return market.Fee{PerLotMilli: tenThousandths * market.Pow10(in.PriceDecimals) / 10}
	}
	lot := market.Qty(market.Pow10(in.QtyDecimals))
	half := in.Tick
	if in.Tick%2 == 0 {
		half = in.Tick / 2
	}
	// A ping of either pool finds nothing nine times in ten or more.
	contra := func(n uint64, unit market.Qty, gap, stay int64) sim.Contra {
		return sim.Contra{
			Seed: seed + n, GapNanos: gap, ZeroBps: 3000, Unit: unit * lot, MaxUnits: 50,
			StayNanos: stay, LeanOdds: 3,
		}
	}
	dealer := func(n uint64, prefix string, spread market.Price, hold int64) sim.DealerConfig {
		return sim.DealerConfig{
			Seed: seed + n, QuotePrefix: prefix, Increment: half, HalfSpread: spread,
			QuoteQty: 1000 * lot, SkewQty: 2000 * lot, HedgeNanos: 20e9, RefreshNanos: 250e6,
			MinGapNanos: 20e6, ValidNanos: 2e9, StaleNanos: 1e9, LastLook: true,
			HoldMedianNanos: hold, HoldSigmaMilli: 500, RejectMove2: in.Tick,
		}
	}
	venues := []Venue{
		{Name: "LITA", MIC: "XLTA", Feed: ITCH, TakeFee: perShare(30), MakeFee: perShare(-20),
			LatencyNanos: 50e3, FlowShare: 4},
		{Name: "LITB", MIC: "XLTB", Feed: Kraken, TakeFee: perShare(25), MakeFee: perShare(-15),
			LatencyNanos: 200e3, FlowShare: 3},
		{Name: "LITC", MIC: "XLTC", Feed: Coinbase, TakeFee: perShare(10), MakeFee: perShare(5),
			LatencyNanos: 500e3, FlowShare: 3},
		{Name: "DRK1", MIC: "XDK1", Kind: market.Dark, TakeFee: perShare(10), MakeFee: perShare(10),
			LatencyNanos: 100e3, StaleNanos: 500e6, Contra: contra(11, 100, 1e9, 600e6)},
		{Name: "DRK2", MIC: "XDK2", Kind: market.Dark, TakeFee: perShare(12), MakeFee: perShare(5),
			LatencyNanos: 300e3, StaleNanos: 500e6, Contra: contra(12, 200, 2e9, 800e6)},
		{Name: "SDP1", MIC: "XSD1", Kind: market.SDP, LatencyNanos: 250e3,
			Dealer: dealer(21, "QA", max(in.Tick/2, 1), 40e6)},
		{Name: "SDP2", MIC: "XSD2", Kind: market.SDP, LatencyNanos: 1e6,
			Dealer: dealer(22, "QB", max(in.Tick*3/4, 1), 120e6)},
	}
	for i := range venues {
		v := &venues[i]
		v.Clients = []string{client}
		v.OrderAddr, v.FeedAddr, v.RerequestAddr = host, host, host
		v.DropCopyAddr, v.DropCopyClients = host, []string{client}
		if v.Feed == ITCH {
			v.SnapshotAddr = host
		}
	}
	return venues
}
