package fixmd

import (
	"errors"
	"fmt"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// Config is what a Decoder needs. It does not change.
type Config struct {
	Dialect Dialect
	Venue   market.VenueID
	Symbols []Symbol
	Sink    event.Sink
	// Depth is how many levels of a side are subscribed to; 0 means all. Dialects
	// that keep a copy of the book need it, at most 5000.
	Depth int
	// Orders bounds the displayed orders of all books together, for KeyID.
	Orders int
	// Held bounds the updates kept for a book that waits for its snapshot; 0 keeps
	// none. Only venues that number their updates can use them.
	Held int
	// Bands bounds how many size bands of a quote are told, best first: 0 means 1.
	Bands int
	// MaxFrame is the longest message in bytes: 0 means fix.MaxFrame.
	MaxFrame int
	// StallNanos is how long the sink may have no room for the rest of an update
	// before its book is given up. A snapshot waits for as long as it takes.
	StallNanos int64
}

// Limits that suit a running core; a configuration may start from them.
const (
	DefaultStallNanos = 10_000_000
	DefaultOrders     = 1 << 16
	DefaultHeld       = 1024
	maxDepth          = 5000
	maxBands          = 8
)

// ownCopy reports whether the decoder keeps ladders of its own.
func (c *Config) ownCopy() bool {
	return c.Dialect.Key == KeyPosition || c.Dialect.Checksum != 0 || c.Dialect.Truncate
}

func (c *Config) complete() error {
	d := &c.Dialect
	switch {
	case c.Sink == nil:
		return errors.New("no Sink for events")
	case c.Venue >= market.MaxVenues:
		return fmt.Errorf("venue %d is not below %d", c.Venue, market.MaxVenues)
	case d.FirstW == 0 || d.FirstX == 0 || d.Applied == 0:
		return fmt.Errorf("dialect %q is not complete: take one by name", d.Name)
	case c.StallNanos <= 0:
		return errors.New("a positive StallNanos must be set")
	case c.Depth < 0 || c.Depth > maxDepth || c.ownCopy() && c.Depth == 0:
		return fmt.Errorf("a Depth of %d is not in 1 to %d (dialect %s)", c.Depth, maxDepth, d.Name)
	case d.Checksum != 0 && c.Depth < checksumDepth:
		return fmt.Errorf("a Depth of %d is too little: the checksum needs %d", c.Depth, checksumDepth)
	case d.ByOrder() && (c.Orders < 1 || c.Orders > 1<<24):
		return fmt.Errorf("an Orders of %d is not in 1 to %d", c.Orders, 1<<24)
	case c.Held < 0 || c.Bands < 0 || c.Bands > maxBands:
		return fmt.Errorf("a Held below 0, or Bands outside 0 to %d", maxBands)
	case c.MaxFrame != 0 && (c.MaxFrame < fix.MaxFrame || c.MaxFrame > fix.MaxFrameLimit):
		return fmt.Errorf("a MaxFrame must be %d to %d bytes", fix.MaxFrame, fix.MaxFrameLimit)
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = fix.MaxFrame
	}
	c.Bands = max(c.Bands, 1)
	return nil
}

// Stats counts since the start.
type Stats struct {
	Messages    uint64 // taken
	Used        uint64 // changed a book, was a trade or a quote
	Statistics  uint64 // entries that are no part of a book: index values, highs, volumes
	Service     uint64 // session messages, status of other things
	Ignored     uint64 // entries of instruments that are not configured
	Old         uint64 // of a subscription given up, or numbered before the snapshot
	Duplicates  uint64 // marked PossDupFlag(43), or numbered as one before
	Early       uint64 // entries for a book that waits for its snapshot, not kept
	Held        uint64 // entries kept until the snapshot
	Acks        uint64 // entries without id that are not on the book
	NoOrder     uint64 // deletes and trades of orders that are not on the book
	Malformed   uint64
	Absurd      uint64 // impossible value, unknown order or level
	Unknown     uint64 // of a type that the decoder does not know
	Gaps        uint64 // breaks in the venue's numbering, of a channel or a book
	ChecksumOK  uint64
	ChecksumBad uint64
	Snapshots   uint64
	Trades      uint64
	Quotes      uint64 // events of quotes
	BandsLeft   uint64 // size bands of quotes that were not told
	Refused     uint64 // subscriptions that the venue refused
	Events      uint64
	NoRoom      uint64 // times the sink had no room
	Dropped     uint64 // events given up for that; their books went STALE
}
