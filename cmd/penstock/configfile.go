package main

import (
	"errors"
	"fmt"
	"time"

	"penstock/venues/fixgw"
	"penstock/venues/fixmd"
)

// file is the TOML configuration as written. Prices, quantities, fees and money
// are decimal text, times are durations like "250ms". Keys that it does not name
// are refused.
type file struct {
	Router     routerSection       `toml:"router"`
	Calendar   *calendarSection    `toml:"calendar,omitempty"`
	Policy     policySection       `toml:"policy"`
	Tactics    tacticsSection      `toml:"tactics"`
	Controls   controlsSection     `toml:"controls"`
	Metrics    metricsSection      `toml:"metrics,omitzero"`
	Canary     *canarySection      `toml:"canary,omitempty"`
	Client     []clientSection     `toml:"client"`
	EMS        emsSection          `toml:"ems"`
	Instrument []instrumentSection `toml:"instrument"`
	Venue      []venueSection      `toml:"venue"`
}

type routerSection struct {
	Journal string `toml:"journal"`        // directory under which each run makes its own
	Ring    string `toml:"ring,omitempty"` // directory in memory for the journal's ring, "none" for none; default /dev/shm
	// Mirror is a directory on another disk for a second copy; empty: there is none.
	Mirror string `toml:"mirror,omitempty"`
	// Manifest is a file that says what was deployed; empty: nobody compares.
	Manifest       string   `toml:"manifest,omitempty"`
	SegmentBytes   int64    `toml:"segment_bytes,omitzero"`   // of a journal segment; default 64 MiB
	Reserve        duration `toml:"reserve,omitzero"`         // for how long a full disk is outlasted; default 10m
	Shadow         string   `toml:"shadow,omitempty"`         // on, off: a second core that compares and writes snapshots; default on
	SnapshotEvents int      `toml:"snapshot_events,omitzero"` // between two snapshots, at most; default 1,000,000
	SnapshotEvery  duration `toml:"snapshot_every,omitzero"`  // likewise; default 60s
	State          string   `toml:"state"`                    // sequence numbers, session stores, logs
	Idle           string   `toml:"idle"`                     // park, yield, pause, spin, auto
	Core           *int     `toml:"core,omitempty"`
	// Placement of feeds and gateways: inline on the core's goroutine, or threaded
	// on their own.
	Placement   string `toml:"placement"`
	MaxParents  int    `toml:"max_parents"`
	MaxChildren int    `toml:"max_children"`
	BookLevels  int    `toml:"book_levels"`
	BookOrders  int    `toml:"book_orders"`
}

type policySection struct {
	Table         string `toml:"table"`  // empty: BASELINE, compiled in
	Params        string `toml:"params"` // of the venues, from penstock params fit; empty: the compiled-in ones
	AllowUnsigned bool   `toml:"allow_unsigned"`
	PublicKey     string `toml:"public_key"` // file with a hex ed25519 key
	// Explore lets live slices deviate from the table, to learn; nil: it is followed.
	Explore *exploreSection `toml:"explore,omitempty"`
}

type tacticsSection struct {
	Slice       duration `toml:"slice,omitzero"`
	Sweep       duration `toml:"sweep,omitzero"`
	Finish      duration `toml:"finish,omitzero"`
	Retry       duration `toml:"retry,omitzero"`
	Repeg       duration `toml:"repeg,omitzero"`
	QuoteMargin duration `toml:"quote_margin,omitzero"`
	MaxChildren int      `toml:"max_children_per_epoch,omitzero"`
	MaxPostings int      `toml:"max_postings,omitzero"`
	DarkMinQty  int64    `toml:"dark_min_qty,omitzero"` // lots
	Equalise    duration `toml:"equalise,omitzero"`
}

type instrumentSection struct {
	Symbol        string        `toml:"symbol"`
	Currency      string        `toml:"currency"`
	PriceDecimals uint8         `toml:"price_decimals"`
	QtyDecimals   uint8         `toml:"qty_decimals"`
	Tick          string        `toml:"tick"`
	Lot           string        `toml:"lot"`
	VolumeCurve   string        `toml:"volume_curve,omitempty"` // file; without one VWAP is refused
	Limits        limitsSection `toml:"limits"`
}

type limitsSection struct {
	ParentMaxQty      string `toml:"parent_max_qty"`
	ParentMaxNotional string `toml:"parent_max_notional"`
	ChildMaxQty       string `toml:"child_max_qty"`
	ChildMaxNotional  string `toml:"child_max_notional"`
	CollarBps         int64  `toml:"collar_bps"`
	// What the firewall lets through, and nobody can override while the router runs.
	HardMaxQty      string `toml:"hard_max_qty"`
	HardMaxNotional string `toml:"hard_max_notional"`
	PriceLow        string `toml:"price_low"`
	PriceHigh       string `toml:"price_high"`
}

type venueSection struct {
	Name       string     `toml:"name"`
	MIC        string     `toml:"mic"`
	Kind       string     `toml:"kind"`
	TakeFee    feeSection `toml:"take_fee"`
	MakeFee    feeSection `toml:"make_fee"`
	LastLook   bool       `toml:"last_look"`
	MsgRate    int64      `toml:"msg_rate"`
	AckTimeout duration   `toml:"ack_timeout"`
	CancelLate bool       `toml:"cancel_after_ack,omitempty"`
	MaxAge     duration   `toml:"max_age,omitempty"`

	Conditional conditionalSection `toml:"conditional,omitempty"`
	RFQ         rfqSection         `toml:"rfq,omitempty"`

	Symbols  map[string]string `toml:"symbols"` // our symbol → the venue's
	Feed     feedSection       `toml:"feed"`
	Orders   ordersSection     `toml:"orders"`
	DropCopy *dropCopySection  `toml:"drop_copy,omitempty"`
}

// feeSection is a fee per traded unit, in 1/1000 of the price increment, and per
// notional, in millionths. Negative is a rebate.
type feeSection struct {
	PerLotMilli int64 `toml:"per_lot_milli"`
	Ppm         int64 `toml:"ppm"`
}

type feedSection struct {
	Protocol string `toml:"protocol"` // itch or one of webSocketFeeds; empty: none of its own
	Address  string `toml:"address"`  // host:port; itch: where packets of line A arrive, or their group
	Request  string `toml:"request"`  // itch: re-request server
	// Snapshot says where books begin: host:port of a GLIMPSE server for itch, for
	// venues whose snapshots come over HTTP https://host.
	Snapshot string `toml:"snapshot"`
	itchSection
	fixSection
	// RecordedByOrder is for the configuration of a replay: nothing else says it.
	RecordedByOrder bool   `toml:"recorded_by_order,omitempty"`
	Path            string `toml:"path"` // WebSocket path; empty: the protocol's own
	// TLS makes it wss. CAFile names the only authorities to trust, instead of the
	// system's; CertFile and KeyFile our certificate, for a venue that asks.
	TLS      bool     `toml:"tls"`
	CAFile   string   `toml:"ca_file"`
	CertFile string   `toml:"cert_file"`
	KeyFile  string   `toml:"key_file"`
	Fallback []string `toml:"fallback"` // host:port, tried in turn when address fails
	Contract int64    `toml:"contract"` // binance-cm: size of a contract, in the price's currency
	Depth    int      `toml:"depth"`    // kraken
	// Decimals of the pair at kraken, over which its checksum is computed.
	PricePrecision uint8    `toml:"price_precision"`
	QtyPrecision   uint8    `toml:"qty_precision"`
	Silence        duration `toml:"silence"` // without a message for so long the book is stale
}

// itchSection is what only ITCH feeds have.
type itchSection struct {
	AddressB   string   `toml:"address_b"`   // of line B; empty: there is one line
	Interface  string   `toml:"interface"`   // that joins the group of line A
	InterfaceB string   `toml:"interface_b"` // that joins the group of line B
	GapWait    duration `toml:"gap_wait"`    // for the other line, before messages are requested
	Zone       string   `toml:"zone"`        // whose midnight the venue's times count from; empty: UTC
	// The login there. The password is in a file, or in a variable of the environment.
	SnapshotUser         string `toml:"snapshot_user"`
	SnapshotPasswordFile string `toml:"snapshot_password_file"`
	SnapshotPasswordEnv  string `toml:"snapshot_password_env"`
}

type ordersSection struct {
	Address      string `toml:"address"`
	Dialect      string `toml:"dialect"`
	SenderCompID string `toml:"sender_comp_id"`
	TargetCompID string `toml:"target_comp_id"`
	Heartbeat    int    `toml:"heartbeat"` // seconds
	orderSession
}

// duration reads "250ms" and the like.
type duration int64

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration like 250ms or 2s", text)
	}
	*d = duration(v)
	return nil
}

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// byOrder reports whether the feed names displayed orders one by one.
func (f *feedSection) byOrder() bool {
	switch f.Protocol {
	case "itch", "coinbase-full":
		return true
	case "fix":
		d, ok := fixmd.DialectByName(f.Dialect)
		return ok && d.ByOrder()
	}
	return f.RecordedByOrder
}

func (f *feedSection) validate() error {
	switch f.Protocol {
	case "", recorded:
		return nil
	case "itch":
		if err := f.validateITCH(); err != nil {
			return err
		}
	case "fix":
		if err := f.validateFIX(); err != nil {
			return err
		}
	default:
		p := webSocketProtocol(f.Protocol)
		if p == nil {
			return fmt.Errorf("feed.protocol %q is not one of itch, fix, %s", f.Protocol, webSocketNames())
		}
		if err := p.validate(f); err != nil {
			return err
		}
	}
	if f.Silence <= 0 {
		return errors.New("feed.silence must be set: after so long without a message the book is stale")
	}
	return validAddress("feed.address", f.Address)
}

func (o *ordersSection) validate() error {
	if _, ok := ouchVersions[o.Dialect]; ok {
		return o.validateOUCH()
	}
	if o.ouchSection != (ouchSection{}) {
		return fmt.Errorf("orders.user, zone, retail and max_orders are for OUCH, not for dialect %q", o.Dialect)
	}
	if o.Address == "" || o.SenderCompID == "" || o.TargetCompID == "" || o.Heartbeat <= 0 {
		return errors.New("orders needs address, sender_comp_id, target_comp_id and heartbeat")
	}
	if _, ok := fixgw.DialectByName(o.Dialect); !ok && o.Dialect != recorded {
		return fmt.Errorf("orders.dialect %q is not known", o.Dialect)
	}
	return errors.Join(validAddress("orders.address", o.Address), o.validateSession())
}
