package fixmd

import (
	"slices"

	"penstock/fix"
)

// Key says what identifies an entry of a book.
type Key uint8

// Keys.
const (
	KeyPrice    Key = iota // side and price: one entry a level
	KeyID                  // MDEntryID(278) or MDEntryRefID(280): one entry an order
	KeyPosition            // side and MDEntryPositionNo(290), counted from the best, 1
)

// Dialect is how one venue spells what FIX leaves open, by the venue's own
// specification of its FIX market data. It is data.
type Dialect struct {
	Name             string
	BeginString      string // 8
	DefaultApplVerID string // 1137, FIXT.1.1 only
	ResetOnLogon     bool   // 141=Y on every Logon
	NoResend         bool   // ResendRequest(35=2) is not understood: a gap ends the connection

	FirstW, FirstX int // the field that begins an entry of W and of X
	Key            Key

	// First and Last hold the numbers of an update in an entry of X, SnapshotLast
	// the one that a W is complete up to; 0: the venue has none. Numbered says that
	// an entry of a book must have them.
	First, Last  int
	SnapshotLast int
	Numbered     bool
	InheritLast  bool // an entry without First and Last has those of the one before it

	Applied      int  // sequence number of the channel in recordings: 34, or 1181
	AckWithoutID bool // an entry without 278 is an order not yet on the book
	TradesReduce bool // a trade with the 278 of an order takes its size from it
	Aggressor    int  // the field with the aggressor's side of a trade
	Checksum     int  // the field with the CRC32 of the ten best levels of each side
	Truncate     bool // levels beyond the subscribed depth are not deleted: forget them
	NoBook       bool // statistics only
	Quotes       bool // dealers' quotes, asked for with QuoteRequest(35=R)

	EntryIDIsQuoteID bool // a MassQuote is dealt on by its 299, not its 117

	// What MarketDataRequest(35=V) has beside 262, 263 and 146.
	Depth          bool // 264
	UpdateType     bool // 265=1
	Aggregated     byte // 266, 0 leaves it out
	EntryTypes     bool // 267
	SeparateTrades bool // trades are a subscription of their own
	// RequestGapNanos is the least time between two requests: venues limit them.
	RequestGapNanos int64
}

var generic44 = Dialect{
	Name: "generic44", BeginString: "FIX.4.4", ResetOnLogon: true,
	FirstW: fix.TagMDEntryType, FirstX: fix.TagMDUpdateAction,
	First: fix.TagRptSeq, Last: fix.TagRptSeq, SnapshotLast: fix.TagRptSeq,
	Applied: fix.TagMsgSeqNum, Aggressor: fix.TagAggressorSide,
	Depth: true, UpdateType: true, Aggregated: 'Y', EntryTypes: true,
}

const (
	tagAggressor5797 = 5797
	tagFirstUpdateID = 25043
	tagLastUpdateID  = 25044
	tagKrakenCRC     = 5041
)

var dialects = func() []Dialect {
	vary := func(name string, change func(*Dialect)) Dialect {
		d := generic44
		d.Name = name
		change(&d)
		return d
	}
	coinbase := func(d *Dialect) {
		d.BeginString, d.DefaultApplVerID = "FIXT.1.1", "9"
		d.Key, d.Numbered = KeyID, true
		d.AckWithoutID, d.TradesReduce = true, true
		d.Aggressor = tagAggressor5797
		d.Depth, d.UpdateType, d.Aggregated, d.EntryTypes = false, false, 0, false
		d.RequestGapNanos = 20_000_000
	}
	return []Dialect{
		generic44,
		vary("generic44-id", func(d *Dialect) { d.Key, d.Aggregated = KeyID, 'N' }),
		vary("generic44-position", func(d *Dialect) { d.Key = KeyPosition }),
		vary("coinbase", coinbase),
		vary("coinbase-l2", func(d *Dialect) {
			coinbase(d)
			d.Key, d.AckWithoutID, d.TradesReduce = KeyPrice, false, false
			d.Depth = true
		}),
		vary("binance", func(d *Dialect) {
			d.First, d.Last = tagFirstUpdateID, tagLastUpdateID
			d.SnapshotLast, d.Numbered, d.InheritLast = tagLastUpdateID, true, true
			d.NoResend, d.SeparateTrades, d.UpdateType = true, true, false
			d.RequestGapNanos = 35_000_000 // 2,000 messages a minute
		}),
		vary("kraken", func(d *Dialect) {
			d.First, d.Last, d.SnapshotLast = 0, 0, 0
			d.Checksum, d.Truncate = tagKrakenCRC, true
			d.RequestGapNanos = 20_000_000
		}),
		// The index values that the recording of the Johannesburg exchange holds.
		vary("jse", func(d *Dialect) {
			d.BeginString, d.DefaultApplVerID = "FIXT.1.1", "7"
			d.Applied, d.NoBook = fix.TagApplSeqNum, true
		}),
		vary("quotes", func(d *Dialect) { d.Quotes = true }),
		vary("fx-dealer", func(d *Dialect) { d.Quotes, d.EntryIDIsQuoteID = true, true }),
	}
}()

// DialectByName returns a copy of a known dialect: generic44, generic44-id,
// generic44-position, coinbase (order by order), coinbase-l2, binance, kraken, jse,
// quotes or fx-dealer.
func DialectByName(name string) (Dialect, bool) {
	i := slices.IndexFunc(dialects, func(d Dialect) bool { return d.Name == name })
	if i < 0 {
		return Dialect{}, false
	}
	return dialects[i], true
}

// ByOrder reports whether books of the dialect name their orders one by one.
func (d *Dialect) ByOrder() bool { return d.Key == KeyID && !d.NoBook && !d.Quotes }
