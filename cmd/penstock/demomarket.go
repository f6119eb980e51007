package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/BurntSushi/toml"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
	"penstock/venues/ouch"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
)

const (
	demoMaxQty        = 1_000_000
	demoPriceDecimals = 4
)

// demoMarket is the simulated market of the demonstration.
type demoMarket struct {
	*serve.Market
	desk string // SenderCompID of the client
}

// demoDesks counts the markets of this process: its FIX engine knows a session once.
var demoDesks atomic.Int32

// startDemoMarket puts the venues on loopback. The stock trades around 50.00 in
// cents; its increment is a hundredth of that, so that midpoints are prices.
func startDemoMarket(o demoOptions, dir string) (*demoMarket, error) {
	stores := filepath.Join(dir, "venues")
	if err := os.Mkdir(stores, 0o700); err != nil {
		return nil, err
	}
	in := market.Instrument{Symbol: o.symbol, Currency: "USD", PriceDecimals: demoPriceDecimals, Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, o.seed, demoRouter)
	venues[0].Orders = o.orders
	if o.prices != serve.NoFeed {
		venues[0].Feed = o.prices
	}
	m, err := serve.Start(serve.Config{
		Instrument: in,
		Flow:       sim.DefaultFlow(o.seed, clock(), 500_000),
		Venues:     venues,
		StoreDir:   stores,
	})
	if err != nil {
		return nil, err
	}
	desk := demoClient
	if n := demoDesks.Add(1); n > 1 {
		desk += strconv.Itoa(int(n))
	}
	return &demoMarket{Market: m, desk: desk}, nil
}

// demoConfig writes the configuration of a router for the market, and the policy
// table that ships, if one does, and loads both as any other.
func demoConfig(o demoOptions, m *demoMarket, dir string) (*Config, error) {
	_, table, err := shippedVerdict(shipped, time.Now().UnixNano())
	if o.table != "" {
		table, err = os.ReadFile(o.table)
	}
	if err != nil {
		return nil, err
	}
	var section policySection
	if table != nil {
		section = policySection{Table: shipsTable, AllowUnsigned: true}
		if err := os.WriteFile(filepath.Join(dir, shipsTable), table, 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "volume.csv"), demoCurve(), 0o644); err != nil {
		return nil, err
	}
	journal, err := o.journalDir(dir)
	if err != nil {
		return nil, err
	}
	f := file{
		Router: routerSection{Journal: journal, State: "state", Idle: "park", Placement: orDefault(o.placement, "inline"), MaxParents: 64,
			MaxChildren: 20_000, BookLevels: 512, BookOrders: 1 << 15},
		Policy: section,
		EMS: emsSection{Listen: "127.0.0.1:0", OnDisconnect: "keep",
			Session: []emsSession{{SenderCompID: demoRouter, TargetCompID: m.desk}}},
		Instrument: []instrumentSection{{
			Symbol: o.symbol, Currency: "USD", PriceDecimals: demoPriceDecimals, Tick: "0.01", Lot: "1",
			VolumeCurve: "volume.csv",
			Limits: limitsSection{ParentMaxQty: "1000000", ParentMaxNotional: "60000000",
				ChildMaxQty: "20000", ChildMaxNotional: "1200000", CollarBps: 100,
				HardMaxQty: "20000", HardMaxNotional: "1200000", PriceLow: "1", PriceHigh: "10000"},
		}},
	}
	f.Controls, f.Client = openControls(m.desk)
	for i, s := range m.Venues() {
		v := demoVenue(o.symbol, s)
		if i == 0 || o.copies {
			v.DropCopy = demoCopy(s)
		}
		f.Venue = append(f.Venue, v)
	}
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(f); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "penstock.toml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return LoadConfig(path)
}

// demoCurve is a day on which every minute begins and ends busily, so that a horizon of
// half a minute shows what a curve does.
func demoCurve() []byte {
	text := []byte("# source: made for the demonstration\nstart,volume\n")
	for second := 0; second < 86_400; second += 10 {
		volume := 100 * (1 + (second/10%6-2)*(second/10%6-3))
		text = fmt.Appendf(text, "%02d:%02d:%02d,%d\n", second/3600, second/60%60, second%60, volume)
	}
	return text
}

func demoVenue(symbol string, s *serve.Server) venueSection {
	c := s.Config()
	v := venueSection{
		Name: c.Name, MIC: c.MIC, Kind: c.Kind.String(), TakeFee: feeSection(c.TakeFee),
		MakeFee: feeSection(c.MakeFee), LastLook: c.Dealer.LastLook, MsgRate: 500,
		AckTimeout: duration(2 * time.Second), Symbols: map[string]string{symbol: c.Symbol},
		Orders: ordersSection{Address: s.OrderAddr(), Dialect: "sim", SenderCompID: demoRouter,
			TargetCompID: c.Name, Heartbeat: 10},
	}
	switch c.Orders {
	case serve.OUCH50:
		v.Orders.Dialect = ouch.V50.String()
	case serve.OUCH42:
		v.Orders.Dialect = ouch.V42.String()
	}
	if c.Orders != serve.FIX44 {
		v.Orders = ordersSection{Address: v.Orders.Address, Dialect: v.Orders.Dialect,
			orderSession: orderSession{Capacity: "A", ouchSection: ouchSection{User: demoRouter[:6]}}}
	}
	switch c.Feed {
	case serve.ITCH:
		v.Feed = feedSection{Protocol: "itch", Address: "127.0.0.1:0", Request: s.RerequestAddr(),
			Snapshot: s.SnapshotAddr(), itchSection: itchSection{AddressB: "127.0.0.1:0"}}
	case serve.Kraken:
		v.Feed = feedSection{Protocol: "kraken", Address: s.FeedAddr(), Depth: 25, PricePrecision: demoPriceDecimals}
	case serve.Coinbase:
		v.Feed = feedSection{Protocol: "coinbase", Address: s.FeedAddr()}
	case serve.FIX:
		v.Feed = feedSection{Protocol: "fix", Address: s.FeedAddr(), fixSection: fixSection{Dialect: "generic44", SenderCompID: demoRouter,
			TargetCompID: c.Name, Heartbeat: 1}}
	}
	if c.Feed != serve.NoFeed {
		v.Feed.Silence = duration(4 * time.Second)
	}
	return v
}

// demoCopy is the drop copy of a venue.
func demoCopy(s *serve.Server) *dropCopySection {
	return &dropCopySection{Window: duration(2 * time.Second), ordersSection: ordersSection{Address: s.DropCopyAddr(),
		Dialect: "sim", SenderCompID: demoRouter, TargetCompID: s.Name(), Heartbeat: 10}}
}

// kinds counts the venues by kind.
func (m *demoMarket) kinds() (n [3]int) {
	for _, s := range m.Venues() {
		n[s.Config().Kind]++
	}
	return n
}

// addReceivers tells the venues with a packet stream where the router listens.
func (m *demoMarket) addReceivers(a *assembly) error {
	for i := range a.feeds {
		f, ok := a.feeds[i].feedWorker.(*itch.Feed)
		if !ok {
			continue
		}
		v := m.Venue(a.cfg.Venue[a.feeds[i].venue].Name)
		for line := range f.Lines() {
			if err := v.AddReceiverOn(line, f.LocalAddr(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// trades returns the book of trades of a venue, with our numbers of the orders.
func (m *demoMarket) trades(venue string) []sim.Fill {
	v := m.Venue(venue)
	fills := v.Trades(demoRouter)
	for i := range fills {
		if v.Config().Orders != serve.FIX44 {
			fills[i].ClOrdID, _ = event.MakeID(strconv.FormatUint(ouch.Child(fills[i].ClOrdID.String()), 10))
		}
	}
	return fills
}
