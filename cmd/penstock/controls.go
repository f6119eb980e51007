package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/router/risk"
)

// controlsSection holds the limits beyond single orders, and who may act. No limit has a
// default.
type controlsSection struct {
	FirmCredit   string   `toml:"firm_credit"`   // money that all clients together may have open and executed
	StrategyRate int64    `toml:"strategy_rate"` // messages a second of one strategy at one venue
	RepeatOrders int      `toml:"repeat_orders"` // of one parent within repeat_window: then its strategy is disabled
	RepeatWindow duration `toml:"repeat_window"`
	SameOrders   int      `toml:"same_orders"` // equal orders of a client within same_window
	SameWindow   duration `toml:"same_window"`
	Restricted   []string `toml:"restricted,omitempty"` // symbols that nobody may trade
	AlertOwner   string   `toml:"alert_owner"`          // who has to act on alerts
	// Socket is where "penstock ctl" finds the router; empty: in the state folder. People
	// are the names of operating system users who may act; releases and raises take two.
	Socket string   `toml:"socket,omitempty"`
	People []string `toml:"people,omitempty"`

	TradeThrough []tradeThroughSection `toml:"trade_through,omitempty"`
}

// tradeThroughSection switches the protection of better quotes from a date on.
type tradeThroughSection struct {
	Symbol  string `toml:"symbol"` // "*": all
	From    string `toml:"from"`   // date, UTC
	Protect *bool  `toml:"protect"`
}

// clientSection is what a client may do. Every [[ems.session]] has one.
type clientSection struct {
	CompID  string   `toml:"comp_id"`
	Credit  string   `toml:"credit"`  // money that it may have open and executed
	Symbols []string `toml:"symbols"` // "*": all
	Venues  []string `toml:"venues"`  // "*": all
	// Short permits short sales (54=5), ShortExempt those that no price test holds for (54=6).
	// Locate says who vouches that the stock was located: "order", each with LocateBroker(5700), or
	// "waived", none need to.
	Short       bool   `toml:"short,omitempty"`
	ShortExempt bool   `toml:"short_exempt,omitempty"`
	Locate      string `toml:"locate,omitempty"`
}

// canarySection caps a policy table until a person confirms it.
type canarySection struct {
	Orders   int      `toml:"orders"`
	Notional string   `toml:"notional"` // money
	Symbols  []string `toml:"symbols"`
	Venues   []string `toml:"venues"`
}

// band is where every price of an instrument must be, whatever the market does.
type band struct{ low, high market.Price }

// openControls are limits that only keep numbers in range: for a replay, which risks
// nothing, and as the start of the demonstration's.
func openControls(clients ...string) (controlsSection, []clientSection) {
	c := controlsSection{FirmCredit: "100000000000", StrategyRate: 5_000, RepeatOrders: 5_000, RepeatWindow: duration(time.Second),
		SameOrders: 100, SameWindow: duration(time.Second), AlertOwner: "desk",
		TradeThrough: []tradeThroughSection{{Symbol: "*", From: "2007-03-05", Protect: new(bool)}}}
	var all []clientSection
	for _, id := range clients {
		all = append(all, clientSection{CompID: id, Credit: "100000000000", Symbols: []string{"*"}, Venues: []string{"*"}})
	}
	return c, all
}

// resolveControls checks what the configuration says about limits and persons.
func (c *Config) resolveControls() error {
	s := &c.file.Controls
	k := &risk.Controls{StrategyRate: s.StrategyRate, RepeatOrders: s.RepeatOrders, RepeatNanos: int64(s.RepeatWindow),
		SameOrders: s.SameOrders, SameNanos: int64(s.SameWindow)}
	var err error
	if k.FirmCredit, err = readMoney("controls.firm_credit", s.FirmCredit); err != nil {
		return err
	}
	if s.AlertOwner == "" {
		return errors.New("controls.alert_owner must name who acts on alerts")
	}
	if k.Restricted, err = c.marks("controls.restricted", s.Restricted, c.symbolNames()); err != nil {
		return err
	}
	for i := range c.Router.Instruments {
		in := &c.Router.Instruments[i]
		k.Decimals = append(k.Decimals, in.PriceDecimals+in.QtyDecimals)
	}
	if err := c.resolveClients(k); err != nil {
		return err
	}
	if err := c.resolvePeople(s.People); err != nil {
		return err
	}
	c.Router.Controls, c.Router.TwoPersons = k, len(s.People) > 0
	if err = c.checkCanary(); err != nil {
		return err
	}
	if c.Router.Protect, err = c.protections(s.TradeThrough); err != nil {
		return err
	}
	return k.Validate(len(c.Router.Instruments), len(c.Router.Venues))
}

func (c *Config) resolveClients(k *risk.Controls) error {
	for i := range c.Client {
		s := &c.Client[i]
		var cl risk.Client
		var err error
		name := fmt.Sprintf("client %d (%s)", i+1, s.CompID)
		if cl.Credit, err = readMoney(name+".credit", s.Credit); err != nil {
			return err
		}
		if cl.Instruments, err = c.marks(name+".symbols", s.Symbols, c.symbolNames()); err != nil {
			return err
		}
		if cl.Venues, err = c.marks(name+".venues", s.Venues, c.venueNames()); err != nil {
			return err
		}
		if !slices.Contains(cl.Instruments, true) || !slices.Contains(cl.Venues, true) {
			return fmt.Errorf("%s: symbols and venues must each name one at least, or \"*\"", name)
		}
		cl.Short, cl.Exempt, cl.Unlocated = s.Short, s.ShortExempt, s.Locate == "waived"
		if s.Locate != "" && s.Locate != "order" && s.Locate != "waived" {
			return fmt.Errorf("%s.locate = %q: \"order\" (each short sale says LocateBroker(5700)) or \"waived\"", name, s.Locate)
		}
		k.Clients = append(k.Clients, cl)
	}
	var sessions []string
	for _, s := range c.EMS.Session {
		sessions = append(sessions, s.TargetCompID)
	}
	if len(sessions) > 0 {
		return c.bindClients(sessions)
	}
	return nil
}

// bindClients checks that the [[client]] sections are those of the sessions, in their order.
func (c *Config) bindClients(sessions []string) error {
	var named []string
	for i := range c.Client {
		named = append(named, c.Client[i].CompID)
	}
	const why = "each session needs a [[client]], in the same order, because no limit has a default"
	for i := range max(len(named), len(sessions)) {
		switch {
		case i >= len(named):
			return fmt.Errorf("session %d (%s): no [[client]] is left for it: %s", i+1, sessions[i], why)
		case i >= len(sessions):
			return fmt.Errorf("client %d (%s): comp_id is that of no further session: %s", i+1, named[i], why)
		case named[i] != sessions[i]:
			return fmt.Errorf("client %d (%s): comp_id is not %q, of session %d: %s", i+1, named[i], sessions[i], i+1, why)
		}
	}
	return nil
}

func (c *Config) symbolNames() (names []string) {
	for i := range c.Router.Instruments {
		names = append(names, c.Router.Instruments[i].Symbol)
	}
	return names
}

func (c *Config) venueNames() (names []string) {
	for i := range c.Router.Venues {
		names = append(names, c.Router.Venues[i].Name)
	}
	return names
}

// marks says of each name whether list has it.
func (c *Config) marks(key string, list, names []string) ([]bool, error) {
	set := make([]bool, len(names))
	for _, text := range list {
		i := slices.Index(names, text)
		switch {
		case text == "*":
			for j := range set {
				set[j] = true
			}
		case i < 0:
			return nil, fmt.Errorf("%s: %q is not configured: one of %q or \"*\"", key, text, names)
		default:
			set[i] = true
		}
	}
	return set, nil
}

// readMoney reads a positive amount in currency units.
func readMoney(key, text string) (market.Money, error) {
	v, err := market.ParseDecimal([]byte(text), market.MoneyDecimals)
	if err != nil || v <= 0 || market.Money(v) > market.MaxMoney {
		return 0, fmt.Errorf("%s = %q: a positive amount with at most %d decimals is needed, as text; no limit has a default",
			key, text, market.MoneyDecimals)
	}
	return market.Money(v), nil
}

// resolvePeople checks the persons: two at least, because some acts take two.
func (c *Config) resolvePeople(people []string) error {
	if len(people) == 1 {
		return errors.New("controls.people names one person: releases and raises take two; name two, or nobody")
	}
	for i, name := range people {
		if id, ok := event.MakeID(name); !ok || !id.Valid() {
			return fmt.Errorf("controls.people: %q: 1 to 20 characters of A-Z a-z 0-9 _ -", name)
		}
		if slices.Contains(people[:i], name) {
			return fmt.Errorf("controls.people names %q twice", name)
		}
	}
	return nil
}

// checkCanary finds out whether the caps of a new policy can be.
func (c *Config) checkCanary() error {
	if c.file.Canary == nil {
		return nil
	}
	if c.file.Policy.Table == "" {
		return errors.New("canary: there is no policy.table that it would cap")
	}
	k, err := c.canary(0)
	if err != nil {
		return err
	}
	with := *c.Router.Controls
	with.Canary = k
	return with.Validate(len(c.Router.Instruments), len(c.Router.Venues))
}

// resolveCanary caps the policy table with the number id.
func (c *Config) resolveCanary(id uint64) (err error) {
	if c.file.Canary != nil && id != 0 {
		c.Router.Controls.Canary, err = c.canary(id)
	}
	return err
}

// canary reads the caps of the policy with the number id.
func (c *Config) canary(id uint64) (k *risk.Canary, err error) {
	s := c.file.Canary
	k = &risk.Canary{Policy: id, Orders: s.Orders}
	if k.Notional, err = readMoney("canary.notional", s.Notional); err != nil {
		return nil, err
	}
	if k.Instruments, err = c.marks("canary.symbols", s.Symbols, c.symbolNames()); err != nil {
		return nil, err
	}
	k.Venues, err = c.marks("canary.venues", s.Venues, c.venueNames())
	return k, err
}

// policyID reads the number of a table as journals print it.
func policyID(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("policy %q is not a number of at most 16 hexadecimal digits, as journals and penstock policy print it", text)
	}
	return n, nil
}

// protections reads from when on quotes are protected. Each symbol needs a word about it:
// the rule may change, and a router must not guess.
func (c *Config) protections(sections []tradeThroughSection) ([][]router.Protection, error) {
	all := make([][]router.Protection, len(c.Router.Instruments))
	for i, s := range sections {
		from, err := time.Parse(time.DateOnly, s.From)
		if err != nil {
			return nil, fmt.Errorf("controls.trade_through %d: from = %q is not a date like 2026-11-02", i+1, s.From)
		}
		if s.Protect == nil {
			return nil, fmt.Errorf("controls.trade_through %d: protect is missing: true where better quotes are protected from %s on, false where they are not",
				i+1, s.From)
		}
		which, err := c.marks("controls.trade_through.symbol", []string{s.Symbol}, c.symbolNames())
		if err != nil {
			return nil, err
		}
		for j := range which {
			if n := len(all[j]); which[j] && n > 0 && from.UnixNano() <= all[j][n-1].From {
				return nil, fmt.Errorf("controls.trade_through %d: from = %q is not behind the date before it for %s: write them in the order of time",
					i+1, s.From, c.Router.Instruments[j].Symbol)
			}
			if which[j] {
				all[j] = append(all[j], router.Protection{From: from.UnixNano(), On: *s.Protect})
			}
		}
	}
	for j := range all {
		if len(all[j]) == 0 {
			return nil, fmt.Errorf("controls.trade_through: nothing is said of %s: from when on are better quotes protected, or not",
				c.Router.Instruments[j].Symbol)
		}
	}
	return all, nil
}
