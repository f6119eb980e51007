package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/ouch"
	"penstock/venues/outbound"
	"penstock/venues/wire"
)

// orderGateway is the order session with one venue: fixgw.Gateway or ouch.Gateway.
type orderGateway interface {
	Work(now int64) int
	Send(now int64, c *event.Command) bool
	PollFD() wire.PollFD
	Up() bool
	Why() string
	Logout(now int64, text string)
	Done() bool
	Cut() bool
	Close() error
}

// ouchVersions are the values of orders.dialect that are not FIX.
var ouchVersions = map[string]ouch.Version{ouch.V50.String(): ouch.V50, ouch.V42.String(): ouch.V42}

// ouchSection is what only sessions in OUCH have. The password is that of secret_file or
// secret_env, the firm is account.
type ouchSection struct {
	User      string `toml:"user,omitempty"`       // of the login
	Zone      string `toml:"zone,omitempty"`       // whose midnight the venue's times count from; empty: UTC
	Retail    bool   `toml:"retail,omitempty"`     // the customer type of orders
	MaxOrders int    `toml:"max_orders,omitempty"` // of one day of the venue; 0: 65,536
}

// validateOUCH checks a session in OUCH. n is how many decimals prices may have.
func (o *ordersSection) validateOUCH() error {
	switch _, err := time.LoadLocation(o.Zone); {
	case o.Address == "" || o.User == "":
		return errors.New("orders needs address and user, as the venue assigned them")
	case o.SenderCompID != "" || o.TargetCompID != "" || o.APIKey != "" ||
		o.SenderSubID != "" || o.TargetSubID != "" || o.TLS != nil || o.Heartbeat != 0:
		return fmt.Errorf("orders: %s has user, secret_file, account (the firm), capacity, zone, retail, max_orders and the "+
			"keys of the socket and the throttle: remove the others", o.Dialect)
	case o.SelfTrade != "" && (o.SelfTrade != "firm" || o.Account == ""):
		return fmt.Errorf("orders.self_trade: %s has no field for it, the venue keeps the orders of one firm apart: say \"firm\", "+
			"and the firm in orders.account", o.Dialect)
	case len(o.Capacity) != 1:
		return errors.New("orders.capacity must be A for agency, P for principal, R for riskless or O")
	case o.SecretFile != "" && o.SecretEnv != "":
		return errors.New("set orders.secret_file or orders.secret_env, not both")
	case err != nil:
		return fmt.Errorf("orders.zone: %w: name one like America/New_York", err)
	case o.MaxOrders < 0 || o.OutLimit < 0 || o.BusyPoll != nil && *o.BusyPoll < 0:
		return errors.New("orders.max_orders, out_limit and busy_poll must not be negative")
	}
	return validAddress("orders.address", o.Address)
}

// validateSymbols refuses instruments that OUCH has no numbers for.
func (c *Config) validateSymbols(s *venueSection) error {
	if _, ok := ouchVersions[s.Orders.Dialect]; !ok {
		return nil
	}
	for in, text := range c.symbols(s) {
		if in.QtyDecimals != 0 || in.PriceDecimals < ouch.PriceDecimals || len(text) > 8 {
			return fmt.Errorf("symbol %s: %s trades whole shares at prices of 4 decimals or more (price_decimals), under names "+
				"of up to 8 characters", in.Symbol, s.Orders.Dialect)
		}
	}
	return nil
}

func (a *assembly) openOUCH(s *venueSection, v *market.Venue, version ouch.Version, sink event.Sink) (*ouch.Gateway, error) {
	cfg, err := a.cfg.ouchGateway(s, v, version, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	cfg.Latch, cfg.First, cfg.OnSent, cfg.Clock = &a.latch, a.run*childNumbers, a.onSent, clock
	wall := firewall.SessionConfig{Venue: v.ID, Lit: v.Kind == market.Lit, Rate: int(rateSlack * v.MsgRate)}
	for _, sym := range cfg.Symbols {
		wall.Symbols = append(wall.Symbols, firewall.Symbol{ID: sym.ID, Text: sym.Text, PriceDecimals: sym.PriceDecimals})
	}
	cfg.CancelBase = a.epoch*childNumbers + ownCancels + uint64(v.ID)*ownCancelsEach
	if cfg.Firewall, err = a.wall.OUCH(wall, version == ouch.V42); err != nil {
		return nil, err
	}
	cfg.Socket.Gate = a.gate
	return ouch.New(cfg)
}

// ouchGateway is what the configuration says of an order session in OUCH.
func (c *Config) ouchGateway(s *venueSection, v *market.Venue, version ouch.Version, sink event.Sink) (cfg ouch.Config, err error) {
	o := &s.Orders
	cfg = ouch.Config{
		Name: s.Name, Addr: o.Address, User: o.User, Version: version, Firm: o.Account, Capacity: o.Capacity[0], Retail: o.Retail,
		OutLimit: o.OutLimit, SlowNanos: int64(o.Slow), MaxOrders: o.MaxOrders,
		Venue: v.ID, Sink: sink, Seed: uint64(v.ID), Socket: o.socket(),
	}
	if o.SecretFile != "" {
		if cfg.Password, err = fix.ReadSecret(c.at(o.SecretFile)); err != nil {
			return cfg, fmt.Errorf("orders.secret_file: %w", err)
		}
	} else if o.SecretEnv != "" {
		var ok bool
		if cfg.Password, ok = os.LookupEnv(o.SecretEnv); !ok {
			return cfg, fmt.Errorf("orders.secret_env: %s is not set", o.SecretEnv)
		}
	}
	if t := o.Throttle; t != nil {
		cfg.Throttle = outbound.Throttle{Messages: t.Messages, WindowNanos: int64(t.Window), Reserve: t.Reserve}
	}
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		return cfg, fmt.Errorf("orders.zone: %w", err)
	}
	cfg.Midnight = wire.Midnight(zone)
	for in, text := range c.symbols(s) {
		cfg.Symbols = append(cfg.Symbols, ouch.Symbol{ID: in.ID, Text: text, PriceDecimals: in.PriceDecimals})
	}
	return cfg, nil
}

// childNumbers is how many numbers of children a start of a run has: see router.
const childNumbers = 1_000_000_000

// socket returns the options of the session's socket.
func (o *ordersSection) socket() wire.Options {
	s := wire.DefaultOptions()
	if o.BusyPoll != nil {
		s.BusyPollMicros = *o.BusyPoll
	}
	if o.UserTimeout != 0 {
		s.UserTimeoutMillis = max(1, int(o.UserTimeout/1e6))
	}
	return s
}
