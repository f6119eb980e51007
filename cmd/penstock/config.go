package main

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"penstock/book"
	"penstock/fix/ems"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/fixgw"
	"penstock/venues/ouch"
)

// Config is a checked configuration.
type Config struct {
	file
	Path     string
	Raw      []byte
	Start    startOptions
	meta     *toml.MetaData // of the text
	Router   router.Config
	Acceptor ems.Config // without passwords, instruments and what a run adds
	Idle     loop.Idle
	bands    []band    // by InstrumentID
	days     *calendar // nil: no trading day ends
}

// errConfig marks errors that end with exit code 2.
var errConfig = errors.New("configuration")

// LoadConfig reads and checks the file at path. Relative paths inside are
// relative to its folder.
func LoadConfig(path string) (*Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: name an existing file with -c", errConfig, err)
	}
	c, err := ParseConfig(path, raw)
	if err == nil {
		err = c.written()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ParseConfig checks raw as the content of path.
func ParseConfig(path string, raw []byte) (*Config, error) {
	c := &Config{Path: path, Raw: raw}
	meta, err := toml.Decode(string(raw), &c.file)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("%w %s line %d: %s", errConfig, path, at.Position.Line, at.Message)
		}
		if m := lastKey.FindStringSubmatch(err.Error()); m != nil { // it counts lines by where it stopped reading
			return nil, fmt.Errorf("%w %s line %d: %s: %s", errConfig, path, lineOf(raw, m[1][strings.LastIndexByte(m[1], '.')+1:]), m[1], plainTOML(m[2]))
		}
		return nil, fmt.Errorf("%w %s %s: %s", errConfig, path, placeOf(raw, err.Error()), plainTOML(strings.TrimPrefix(err.Error(), "toml: ")))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0]
		return nil, fmt.Errorf("%w %s line %d: unknown key %q: correct or remove it", errConfig, path,
			lineOf(raw, key[len(key)-1]), key.String())
	}
	if key, ok := upperKey(meta.Keys()); ok {
		return nil, fmt.Errorf("%w %s line %d: key %q: write it in lower case", errConfig, path,
			lineOf(raw, key[len(key)-1]), key.String())
	}
	c.meta = &meta
	if err := c.resolve(); err != nil {
		return nil, c.fault(err)
	}
	return c, nil
}

// noZero refuses a zero that is written where a key that is left away has its default: it would be taken for that.
func (c *Config) noZero() error {
	t, e := &c.Tactics, &c.EMS
	for _, k := range []struct {
		table, key string
		zero       bool
	}{
		{"tactics", "slice", t.Slice == 0}, {"tactics", "sweep", t.Sweep == 0}, {"tactics", "finish", t.Finish == 0},
		{"tactics", "retry", t.Retry == 0}, {"tactics", "repeg", t.Repeg == 0}, {"tactics", "quote_margin", t.QuoteMargin == 0},
		{"tactics", "max_children_per_epoch", t.MaxChildren == 0}, {"tactics", "max_postings", t.MaxPostings == 0},
		{"tactics", "dark_min_qty", t.DarkMinQty == 0},
		{"ems", "max_connections", e.MaxConnections == 0}, {"ems", "max_connections_per_ip", e.MaxConnectionsPerIP == 0},
		{"ems", "first_message", e.FirstMessage == 0}, {"ems", "heartbeat_min", e.HeartBeatMin == 0},
		{"ems", "heartbeat_max", e.HeartBeatMax == 0}, {"ems", "slow_after", e.SlowAfter == 0}, {"ems", "clock", e.Clock == 0},
		{"router", "segment_bytes", c.file.Router.SegmentBytes == 0}, {"router", "reserve", c.file.Router.Reserve == 0},
		{"router", "snapshot_events", c.file.Router.SnapshotEvents == 0}, {"router", "snapshot_every", c.file.Router.SnapshotEvery == 0},
	} {
		if k.zero && c.meta.IsDefined(k.table, k.key) {
			name := k.table + "." + k.key
			return c.fault(fmt.Errorf("%s is 0: leave it away for its default", name))
		}
	}
	return nil
}

// feesInBounds refuses fees that sums over prices and quantities have no room for.
func (c *Config) feesInBounds() error {
	for i := range c.Venue {
		s := &c.Venue[i]
		for _, f := range []struct {
			key string
			feeSection
		}{{"take_fee", s.TakeFee}, {"make_fee", s.MakeFee}} {
			if f.Ppm < -market.MaxFeePpm || f.Ppm > market.MaxFeePpm {
				return c.fault(fmt.Errorf("venue %d (%s): %s: ppm is %d: -%d to %d are possible, millionths of the notional",
					i+1, s.Name, f.key, f.Ppm, market.MaxFeePpm, market.MaxFeePpm))
			}
			if f.PerLotMilli < -market.MaxFeePerLotMilli || f.PerLotMilli > market.MaxFeePerLotMilli {
				return c.fault(fmt.Errorf("venue %d (%s): %s: per_lot_milli is %d: -%d to %d are possible, thousandths of an increment",
					i+1, s.Name, f.key, f.PerLotMilli, market.MaxFeePerLotMilli, market.MaxFeePerLotMilli))
			}
		}
	}
	return nil
}

// written refuses what a person must not write, though journals of before may hold it.
func (c *Config) written() error {
	for _, look := range []func() error{c.noZero, c.plainText, c.fileNames, c.feesInBounds} {
		if err := look(); err != nil {
			return err
		}
	}
	for i := range c.Venue {
		s := &c.Venue[i]
		for _, k := range []struct{ key, text string }{{"feed.protocol", s.Feed.Protocol}, {"feed.address", s.Feed.Address},
			{"orders.address", s.Orders.Address}, {"orders.dialect", s.Orders.Dialect}} {
			if k.text == recorded {
				return c.fault(fmt.Errorf("venue %d (%s): %s = %q is for replays alone", i+1, s.Name, k.key, k.text))
			}
		}
	}
	return nil
}

// lineOf finds the first line that sets key or opens a table of that name.
func lineOf(raw []byte, key string) int {
	for i, line := range bytes.Split(raw, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		name, _, _ := strings.Cut(text, "=")
		name = strings.Trim(strings.TrimSpace(name), `"[] `)
		if name == key || strings.HasSuffix(name, "."+key) {
			return i + 1
		}
	}
	for i, line := range bytes.Split(raw, []byte("\n")) {
		if bytes.Contains(line, []byte(key+" =")) || bytes.Contains(line, []byte(key+"=")) {
			return i + 1 // within an inline table
		}
	}
	return 0
}

// at makes a path of the file absolute.
func (c *Config) at(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.Path), path)
}

// inline reports whether the core's goroutine works feeds and gateways.
func (c *Config) inline() bool { return c.file.Router.Placement == "inline" }

func (c *Config) resolve() error {
	var err error
	if c.Idle, err = loop.ParseIdle(c.file.Router.Idle); err != nil {
		return fmt.Errorf("router.idle: %w", err)
	}
	if core := c.file.Router.Core; core != nil && *core < 0 {
		return fmt.Errorf("router.core is %d: name a core from 0, or leave it out", *core)
	}
	if p := c.file.Router.Placement; p != "inline" && p != "threaded" {
		return fmt.Errorf("router.placement: %q is not one of inline, threaded", p)
	}
	r := &c.Router
	r.MaxParents, r.MaxChildren = c.file.Router.MaxParents, c.file.Router.MaxChildren
	r.Book = book.Capacity{Levels: c.file.Router.BookLevels, Orders: c.file.Router.BookOrders}
	if n := r.Book.Levels; n <= 0 || n > book.MaxLevels {
		return fmt.Errorf("router.book_levels is %d: 1 to %d are possible", n, book.MaxLevels)
	}
	if c.file.Router.Journal == "" || c.file.Router.State == "" {
		return errors.New("router.journal and router.state must name folders")
	}
	if n := c.file.Router.SegmentBytes; n != 0 && (n < journal.MinSegmentBytes || n > journal.MaxSegmentBytes) {
		return fmt.Errorf("router.segment_bytes is %d: %d to %d are possible", n, journal.MinSegmentBytes, journal.MaxSegmentBytes)
	}
	if s := c.file.Router.Shadow; s != "" && s != "on" && s != shadowOff {
		return fmt.Errorf("router.shadow: %q is not one of on, off", s)
	}
	if n := c.file.Router.SnapshotEvents; n < 0 {
		return fmt.Errorf("router.snapshot_events is %d: it must be positive", n)
	}
	if m := c.file.Router.Mirror; m != "" && c.at(m) == c.at(c.file.Router.Journal) {
		return errors.New("router.mirror is router.journal: name a folder on another disk")
	}
	if c.Calendar != nil {
		if c.days, err = c.Calendar.calendar(); err != nil {
			return err
		}
	}
	r.Tactics = c.tactics()
	if r.Explore, err = c.Policy.exploration(); err != nil {
		return err
	}
	for i := range c.Instrument {
		if err := c.addInstrument(i); err != nil {
			return fmt.Errorf("instrument %d (%s): %w", i+1, c.Instrument[i].Symbol, err)
		}
	}
	if err := c.boundExploration(); err != nil {
		return err
	}
	for i := range c.Venue {
		if err := c.addVenue(i); err != nil {
			return fmt.Errorf("venue %d (%s): %w", i+1, c.Venue[i].Name, err)
		}
	}
	if text := c.file.Metrics.Listen; text != "" {
		if err := validAddress("metrics.listen", text); err != nil {
			return err
		}
	}
	if err := c.EMS.validate(); err != nil {
		return fmt.Errorf("ems: %w", err)
	}
	if c.Acceptor, err = c.acceptor(); err != nil {
		return fmt.Errorf("ems: %w", err)
	}
	if r.Clients, err = c.clientPolicies(c.Acceptor.Sessions); err != nil {
		return fmt.Errorf("ems: %w", err)
	}
	if err := c.resolveControls(); err != nil {
		return err
	}
	return r.Check()
}

func (c *Config) tactics() router.Tactics {
	t := router.DefaultTactics()
	set := func(dst *int64, v duration) {
		if v != 0 {
			*dst = int64(v)
		}
	}
	set(&t.SliceNanos, c.Tactics.Slice)
	set(&t.SweepNanos, c.Tactics.Sweep)
	set(&t.FinishNanos, c.Tactics.Finish)
	set(&t.RetryNanos, c.Tactics.Retry)
	set(&t.RepegNanos, c.Tactics.Repeg)
	set(&t.QuoteNanos, c.Tactics.QuoteMargin)
	set(&t.EqualiseNanos, c.Tactics.Equalise)
	if c.Tactics.MaxChildren != 0 {
		t.MaxChildren = c.Tactics.MaxChildren
	}
	if c.Tactics.MaxPostings != 0 {
		t.MaxPostings = c.Tactics.MaxPostings
	}
	if c.Tactics.DarkMinQty != 0 {
		t.DarkMinQty = market.Qty(c.Tactics.DarkMinQty)
	}
	return t
}

func (c *Config) addInstrument(i int) error {
	s := &c.Instrument[i]
	in := market.Instrument{ID: market.InstrumentID(i), Symbol: s.Symbol, Currency: s.Currency,
		PriceDecimals: s.PriceDecimals, QtyDecimals: s.QtyDecimals}
	var l risk.Limits
	var b band
	for _, v := range []struct {
		key      string
		text     string
		decimals uint8
		set      func(int64)
	}{
		{"tick", s.Tick, s.PriceDecimals, func(v int64) { in.Tick = market.Price(v) }},
		{"lot", s.Lot, s.QtyDecimals, func(v int64) { in.Lot = market.Qty(v) }},
		{"limits.parent_max_qty", s.Limits.ParentMaxQty, s.QtyDecimals,
			func(v int64) { l.ParentMaxQty = market.Qty(v) }},
		{"limits.child_max_qty", s.Limits.ChildMaxQty, s.QtyDecimals,
			func(v int64) { l.ChildMaxQty = market.Qty(v) }},
		{"limits.hard_max_qty", s.Limits.HardMaxQty, s.QtyDecimals, func(v int64) { l.HardMaxQty = market.Qty(v) }},
		{"limits.hard_max_notional", s.Limits.HardMaxNotional, s.PriceDecimals + s.QtyDecimals,
			func(v int64) { l.HardMaxNotional = market.Notional(v) }},
		{"limits.price_low", s.Limits.PriceLow, s.PriceDecimals, func(v int64) { b.low = market.Price(v) }},
		{"limits.price_high", s.Limits.PriceHigh, s.PriceDecimals, func(v int64) { b.high = market.Price(v) }},
		{"limits.parent_max_notional", s.Limits.ParentMaxNotional, s.PriceDecimals + s.QtyDecimals,
			func(v int64) { l.ParentMaxNotional = market.Notional(v) }},
		{"limits.child_max_notional", s.Limits.ChildMaxNotional, s.PriceDecimals + s.QtyDecimals,
			func(v int64) { l.ChildMaxNotional = market.Notional(v) }},
	} {
		n, err := market.ParseDecimal([]byte(v.text), v.decimals)
		if err != nil || n <= 0 {
			return fmt.Errorf("%s = %q: a positive decimal with at most %d decimals is needed, as text",
				v.key, v.text, v.decimals)
		}
		v.set(n)
	}
	l.CollarBps = s.Limits.CollarBps
	if err := errors.Join(in.Validate(), l.Validate()); err != nil {
		return err
	}
	switch {
	case l.HardMaxQty < l.ChildMaxQty || l.HardMaxNotional < l.ChildMaxNotional:
		return errors.New("limits.hard_max_qty and hard_max_notional must not be below those of a child")
	case market.Qty(in.Lot) > l.ChildMaxQty:
		return errors.New("limits.child_max_qty is below one lot: nothing could be sent")
	case b.high < b.low:
		return errors.New("limits.price_high is below price_low")
	}
	c.bands = append(c.bands, b)
	for _, other := range c.Router.Instruments {
		if other.Symbol == in.Symbol {
			return errors.New("symbol is used twice")
		}
	}
	c.Router.Instruments = append(c.Router.Instruments, in)
	c.Router.Limits = append(c.Router.Limits, l)
	return nil
}

// symbols yields the instruments that trade at a venue, with its names for them.
func (c *Config) symbols(s *venueSection) iter.Seq2[*market.Instrument, string] {
	return func(yield func(*market.Instrument, string) bool) {
		for i := range c.Router.Instruments {
			in := &c.Router.Instruments[i]
			if text, ok := s.Symbols[in.Symbol]; ok && !yield(in, text) {
				return
			}
		}
	}
}

// recorded stands for addresses and protocols in the configuration of a replay.
const recorded = "recorded"

// validAddress checks host:port without looking the host up.
func validAddress(key, text string) error {
	if text == recorded {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s = %q is not host:port with a port of 0 to 65535", key, text)
	}
	return nil
}

func (c *Config) addVenue(i int) error {
	s := &c.Venue[i]
	kind, ok := market.ParseVenueKind(s.Kind)
	switch {
	case !ok:
		return fmt.Errorf("kind %q is not one of lit, dark, sdp", s.Kind)
	case s.Name == "" || s.MIC == "":
		return errors.New("name and mic must be set")
	case kind == market.Lit && s.Feed.Protocol == "":
		return errors.New("a lit venue needs feed.protocol")
	case s.MaxAge < 0:
		return errors.New("max_age must not be negative; without it the feed alone decides")
	case len(s.Symbols) == 0:
		return errors.New("symbols must name at least one instrument")
	}
	if err := errors.Join(s.Feed.validate(), s.Orders.validate(), s.DropCopy.validate()); err != nil {
		return err
	}
	for _, other := range c.Router.Venues {
		if other.Name == s.Name {
			return errors.New("name is used twice")
		}
	}
	conditional, err := s.conditional(kind)
	if err != nil {
		return err
	}
	rfq, err := s.rfq(kind)
	if err != nil {
		return err
	}
	id := market.VenueID(i)
	c.Router.Venues = append(c.Router.Venues, market.Venue{ID: id, Name: s.Name, MIC: s.MIC, Kind: kind,
		TakeFee: market.Fee(s.TakeFee), MakeFee: market.Fee(s.MakeFee), LastLook: s.LastLook,
		MsgRate: s.MsgRate, AckNanos: int64(s.AckTimeout), CancelAfterAck: s.CancelLate, MaxAgeNanos: int64(s.MaxAge),
		Conditional: conditional, RFQ: rfq, ByOrder: s.Feed.byOrder()})
	if d, ok := fixgw.DialectByName(s.Orders.Dialect); ok {
		v := &c.Router.Venues[i]
		v.MassStatus, v.Reserve = d.MassStatus, d.ReserveTag != 0
		v.Shorts, v.Exempts = d.Takes(market.Short), d.Takes(market.ShortExempt)
	} else if version, ok := ouchVersions[s.Orders.Dialect]; ok {
		v := &c.Router.Venues[i]
		v.Reserve, v.Shorts, v.Exempts = version == ouch.V50, true, true
	}
	if s.DropCopy != nil {
		c.Router.Venues[i].DropCopyNanos = int64(s.DropCopy.Window)
	}
	known := 0
	for in := range c.symbols(s) {
		known++
		c.Router.Listings = append(c.Router.Listings, router.Listing{Venue: id, Instrument: in.ID})
	}
	if known != len(s.Symbols) {
		return fmt.Errorf("symbols names %d instruments; %d of them are configured: each needs an [[instrument]]", len(s.Symbols), known)
	}
	return c.validateSymbols(s)
}
