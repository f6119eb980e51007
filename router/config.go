package router

import (
	"errors"
	"fmt"

	"penstock/book"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// Config is everything a Core is built from. All memory is taken by New.
type Config struct {
	Instruments []market.Instrument // indexed by InstrumentID
	Venues      []market.Venue      // indexed by VenueID
	Listings    []Listing           // where each instrument trades
	Limits      []risk.Limits       // indexed by InstrumentID
	Controls    *risk.Controls      // nil: of a core that trades for nobody, such as a replay's
	Protect     [][]Protection      // by InstrumentID, oldest first; empty: no quote is protected
	TwoPersons  bool                // releases and raises take two persons
	Curves      []*VolumeCurve      // indexed by InstrumentID, nil where there is none; may be empty
	Table       *policy.Table       // nil: BASELINE, compiled in
	Book        book.Capacity
	MaxParents  int // parent orders of one run, live or done
	MaxChildren int // child orders of one run, live or done
	Tactics     Tactics
	Explore     Exploration    // zero: the policy is followed
	Clients     []ClientPolicy // by client session; one that is not in it is kept
}

// Listing says that an instrument trades at a venue.
type Listing struct {
	Venue      market.VenueID
	Instrument market.InstrumentID
}

// Tactics are the settings of strategies and tactics. Times are in ns.
type Tactics struct {
	SliceNanos  int64 // length of a TWAP slice when the client names none
	SweepNanos  int64 // how long an immediate sweep keeps trying
	FinishNanos int64 // after the horizon: time to take what is left
	RetryNanos  int64 // pause between attempts of a sweep or finish
	RepegNanos  int64 // least age of a posted child before it follows the touch
	QuoteNanos  int64 // a quote that expires sooner than this is not hit
	MaxChildren int   // children per parent and epoch: a brake on repeated execution
	MaxLife     int   // children of one parent over its life
	MaxPostings int   // venues over which posted quantity is spread
	DarkMinQty  market.Qty
	// EqualiseNanos is the most that an order of a sweep waits here so that it arrives with
	// those to farther venues; 0: all leave at once.
	EqualiseNanos int64
	Off           Switches // parts of the brain that are switched off
	Rule          Rule     // who decides: RuleBrain, or a simple router to compare with
}

// Switches name parts of the brain that can be switched off, to see what each is worth.
type Switches uint8

// Switches.
const (
	OffDark     Switches = 1 << iota // nothing goes to pools
	OffSDP                           // nothing goes to dealers
	OffPost                          // nothing rests in lit books
	OffFees                          // venues are compared without fees
	OffFeedback                      // what venues show changes nothing
)

// DefaultTactics are the settings used where a configuration names none.
func DefaultTactics() Tactics {
	return Tactics{
		SliceNanos: 60e9, SweepNanos: 2e9, FinishNanos: 5e9, RetryNanos: 50e6, RepegNanos: 50e6,
		QuoteNanos: 2e6, MaxChildren: 64, MaxLife: 20_000, MaxPostings: 2, DarkMinQty: 100,
	}
}

// maxRun bounds parents and children, so that order numbers fit their digits.
const maxRun = 400_000_000

// Check says why New would refuse c, and takes no memory for a core.
func (c *Config) Check() error {
	if err := c.validate(); err != nil {
		return err
	}
	if err := risk.Check(c.Limits, c.Venues); err != nil {
		return err
	}
	if c.Controls == nil {
		return nil
	}
	return c.Controls.Validate(len(c.Limits), len(c.Venues))
}

func (c *Config) validate() error {
	if err := validProtections(c.Protect, len(c.Instruments)); err != nil {
		return err
	}
	switch {
	case len(c.Instruments) == 0 || len(c.Instruments) >= int(market.NoInstrument):
		return errors.New("router: at least one instrument is needed")
	case len(c.Venues) == 0 || len(c.Venues) > market.MaxVenues:
		return fmt.Errorf("router: 1 to %d venues are needed, not %d", market.MaxVenues, len(c.Venues))
	case len(c.Limits) != len(c.Instruments):
		return fmt.Errorf("router: %d limits for %d instruments: every instrument needs its own",
			len(c.Limits), len(c.Instruments))
	case c.MaxParents <= 0 || c.MaxParents > maxRun || c.MaxChildren <= 0 || c.MaxChildren > maxRun:
		return fmt.Errorf("router: max parents and children must be 1 to %d", maxRun)
	}
	if len(c.Curves) > len(c.Instruments) {
		return fmt.Errorf("router: %d volume curves for %d instruments", len(c.Curves), len(c.Instruments))
	}
	for i, v := range c.Curves {
		if v == nil {
			continue
		}
		if err := v.Valid(); err != nil {
			return fmt.Errorf("router: instrument %s: %w", c.Instruments[i].Symbol, err)
		}
	}
	for i := range c.Instruments {
		if c.Instruments[i].ID != market.InstrumentID(i) {
			return fmt.Errorf("router: instrument %s has ID %d at index %d", c.Instruments[i].Symbol,
				c.Instruments[i].ID, i)
		}
		if err := c.Instruments[i].Validate(); err != nil {
			return err
		}
	}
	for i := range c.Venues {
		if c.Venues[i].ID != market.VenueID(i) {
			return fmt.Errorf("router: venue %s has ID %d at index %d", c.Venues[i].Name, c.Venues[i].ID, i)
		}
		if c.Venues[i].ByOrder && (c.Book.Orders <= 0 || c.Book.Orders > book.MaxOrders) {
			return fmt.Errorf("router: venue %s names its orders: the capacity of their index must be 1 to %d",
				c.Venues[i].Name, book.MaxOrders)
		}
		if c.Venues[i].ByOrder && len(c.Instruments) > book.MaxBooks {
			return fmt.Errorf("router: venue %s names its orders: it can have %d instruments at most, here are %d",
				c.Venues[i].Name, book.MaxBooks, len(c.Instruments))
		}
		if n := c.Venues[i].DropCopyNanos; n != 0 && (n < checkNanos || n > maxDropCopyNanos) {
			return fmt.Errorf("router: venue %s: its drop copy may lag the order session by 100 ms to 5 s", c.Venues[i].Name)
		}
		if c.Venues[i].AckNanos <= 0 {
			return fmt.Errorf("router: venue %s: ack timeout must be set and positive", c.Venues[i].Name)
		}
	}
	for _, l := range c.Listings {
		if int(l.Venue) >= len(c.Venues) || int(l.Instrument) >= len(c.Instruments) {
			return fmt.Errorf("router: listing names venue %d, instrument %d: no such thing", l.Venue, l.Instrument)
		}
	}
	if err := c.Explore.validate(); err != nil {
		return err
	}
	for i := range c.Clients {
		if c.Clients[i].CancelAfter <= 0 {
			return fmt.Errorf("router: client %d: say how long it may be away before its orders are cancelled, or Keep", i)
		}
	}
	return c.Tactics.validate()
}

func (t *Tactics) validate() error {
	for _, k := range []struct {
		key string
		v   int64
	}{
		{"slice", t.SliceNanos}, {"sweep", t.SweepNanos}, {"finish", t.FinishNanos}, {"retry", t.RetryNanos},
		{"repeg", t.RepegNanos}, {"quote_margin", t.QuoteNanos}, {"max_children_per_epoch", int64(t.MaxChildren)},
		{"max_life", int64(t.MaxLife)}, {"max_postings", int64(t.MaxPostings)},
	} {
		if k.v <= 0 {
			return fmt.Errorf("router: tactics.%s is %d: it must be positive", k.key, k.v)
		}
	}
	if t.EqualiseNanos < 0 || t.EqualiseNanos > MaxEqualiseNanos {
		return fmt.Errorf("router: tactics.equalise: orders may wait for those to farther venues for 0 to %d µs", MaxEqualiseNanos/1000)
	}
	if t.DarkMinQty < 0 {
		return fmt.Errorf("router: tactics.dark_min_qty is %d: it must not be negative", t.DarkMinQty)
	}
	return nil
}
