package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/fixgw"
	"penstock/venues/ouch"
)

// dropCopySection is a venue's drop copy session, in FIX whatever its orders are entered in. What
// it says is compared with the order session (C12).
type dropCopySection struct {
	ordersSection
	Window duration `toml:"window"`           // within which both must have said an execution
	Shared bool     `toml:"shared,omitempty"` // it repeats reports of others' orders, too
}

const minDropCopyWindow, maxDropCopyWindow = 100 * time.Millisecond, 5 * time.Second

func (d *dropCopySection) validate() error {
	if d == nil {
		return nil
	}
	if _, ok := fixgw.DialectByName(d.Dialect); !ok {
		return fmt.Errorf("drop_copy.dialect %q is not known: a drop copy is in FIX", d.Dialect)
	}
	if d.Throttle != nil {
		return errors.New("drop_copy.throttle: nothing is sent there")
	}
	if w := time.Duration(d.Window); w < minDropCopyWindow || w > maxDropCopyWindow {
		return fmt.Errorf("drop_copy.window is %v: within %v to %v an execution must come from both sessions", w,
			minDropCopyWindow, maxDropCopyWindow)
	}
	if err := d.ordersSection.validate(); err != nil {
		return fmt.Errorf("drop_copy: %w", err)
	}
	return nil
}

// openDropCopy builds the drop copy session of venue i, nil when it has none.
func (a *assembly) openDropCopy(i int, sink event.Sink) (*fixgw.Gateway, error) {
	s := &a.cfg.Venue[i]
	if s.DropCopy == nil {
		return nil, nil
	}
	cfg, err := a.cfg.dropCopy(i, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	cfg.StorePath = filepath.Join(a.cfg.at(a.cfg.file.Router.State), "copy-"+s.Name)
	cfg.HostDied, cfg.Clock, cfg.DropCopy.Ended = a.life.hostDied, clock, a.wall.Ended
	if a.recovered != nil {
		cfg.Heard = a.recovered.heard[i].copies
	}
	if _, ok := ouchVersions[s.Orders.Dialect]; ok {
		cfg.DropCopy.Child = func(text []byte) uint64 { return ouch.Child(string(text)) }
	}
	cfg.Socket.Gate = a.gate
	return fixgw.New(cfg)
}

// dropCopy is what the configuration says of the drop copy session with venue i.
func (c *Config) dropCopy(i int, sink event.Sink) (fixgw.Config, error) {
	s := &c.Venue[i]
	d := s.DropCopy
	dialect, _ := fixgw.DialectByName(d.Dialect)
	cfg := fixgw.Config{
		Addr: d.Address, SenderCompID: d.SenderCompID, TargetCompID: d.TargetCompID, HeartBtIntSecs: d.Heartbeat, Dialect: dialect,
		Venue: c.Router.Venues[i].ID, Kind: market.Lit, Sink: sink, Seed: uint64(market.MaxVenues + i), Symbols: c.fixSymbols(s),
		DropCopy: &fixgw.DropCopy{Shared: d.Shared},
	}
	return cfg, c.orderSession(&d.ordersSection, &cfg)
}

// fixSymbols are the instruments of a venue for a session in FIX.
func (c *Config) fixSymbols(s *venueSection) (all []fixgw.Symbol) {
	for in, text := range c.symbols(s) {
		all = append(all, fixgw.Symbol{ID: in.ID, Text: text, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals})
	}
	return all
}
