package event

import "penstock/market"

// Features is the number of state features of a policy cell.
const Features = 8

// Decision is the record of one allocation: the state, the action and why each
// venue got what it got. Learning, post-trade analysis and explanations read it.
type Decision struct {
	Cause    uint64 // Seq of the event that led to it
	StepTime int64  // ns since epoch
	Parent   uint64
	Policy   uint64 // first 8 bytes of the table's UUID; 0 is the compiled-in baseline
	Slice    uint32 // index of the slice within the parent
	Epoch    uint32 // index of the decision within the slice
	Cell     uint32 // table index
	// PropensityBps is the probability with which the policy takes Action in
	// this cell, in 1/10000; 10000 when it is deterministic.
	PropensityBps uint16
	Instrument    market.InstrumentID
	Codes         [Features]uint8 // quantised features, in table order
	Action        uint8           // what was done
	Chosen        uint8           // what the table said before masking
	Confidence    uint8           // 0..7
	Flags         uint8           // DecisionFlags
	VenueCount    uint8
	Page          uint8 // regime page of the table
	// BaselineBps is the probability with which the policy takes BASELINE here, in
	// 1/10000: what comparing with it off-policy needs.
	BaselineBps uint16
	Mid2        int64 // best bid + best ask of the composite
	Remaining   market.Qty
	Venues      [market.MaxVenues]Share
	_           [48]byte
}

// DecisionSize is the size of a Decision in bytes.
const DecisionSize = 384

// Share is what a Decision gave one venue, indexed by VenueID.
type Share struct {
	Qty    market.Qty
	Score  int32  // expected net improvement against the mid, in thousandths of an increment
	Tactic Tactic // how it was placed
	Why    Why    // why not more
	// WaitMicros is how long the order waits before it leaves, to arrive with others.
	WaitMicros uint16
}

// Tactic is a way to place a child order.
type Tactic uint8

// Tactics.
const (
	TacticNone    Tactic = iota
	TacticTake           // IOC limit against displayed size
	TacticPost           // day limit, post-only, at the touch
	TacticPing           // IOC midpoint order in a dark pool
	TacticRest           // resting midpoint peg in a dark pool
	TacticQuote          // hit a dealer's quote
	TacticOffer          // conditional midpoint order in a dark pool: nothing is committed
	TacticFirm           // firm order that answers an invitation there
	TacticRequest        // request for a quote, and the order on one that was given for it
)

var tacticNames = [...]string{"none", "take", "post", "ping", "rest", "quote", "offer", "firm", "rfq"}

func (t Tactic) String() string {
	if int(t) < len(tacticNames) {
		return tacticNames[t]
	}
	return "tactic?"
}

// Why explains the share of a venue in a decision.
type Why uint8

// Reasons for a venue's share.
const (
	WhyFilled      Why = iota // got what its weight or price earned
	WhyNoWeight               // the action gives its class nothing
	WhyNotLive                // its book is not live
	WhyDown                   // its order session is down
	WhyOutsideLim             // price outside the parent's limit
	WhyNoSize                 // nothing displayed or quoted
	WhyBelowMinQty            // share below the venue's minimum
	WhyWorse                  // other venues were cheaper
	WhyQuoteDead              // quote expired, used or rejected before
	WhyRisk                   // stopped by a pre-trade control
	WhyWorking                // already has a child working there
	WhyRefused                // it rejected an order a moment ago
	WhyGap                    // executions are missing there
	WhyShut                   // out of use after refusals or bad fills
	WhyOptedOut               // the client does not want it
	WhyOwn                    // our own order rests there
	WhyDear                   // crossing the spread elsewhere is expected to cost less
	WhyHalted                 // trading there is halted, or in an auction
	WhyBand                   // outside the price band
	WhyAsked                  // asked for a quote: nothing is committed by that
	WhyShown                  // no more of the order may be shown
	WhyNoShorts               // the venue takes no short sales, or none may be at this price
)

var whyNames = [...]string{"", "no-weight", "not-live", "down", "outside-limit", "no-size",
	"below-min", "worse", "quote-dead", "risk", "working", "refused", "gap",
	"shut", "opted-out", "own-order", "dear", "halted", "band", "asked", "shown", "no-shorts"}

func (w Why) String() string {
	if int(w) < len(whyNames) {
		return whyNames[w]
	}
	return "why?"
}

// Decision flags.
const (
	DecisionBaseline   uint8 = 1 << iota // no table, or thin support: baseline used
	DecisionMasked                       // the chosen action was not possible
	DecisionForced                       // end of the horizon: take what is there
	DecisionLowSupport                   // the cell has little training mass
	DecisionExplored                     // the action was drawn, to learn from it
)
