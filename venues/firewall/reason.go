package firewall

import "penstock/market"

// Reason says why a message was not let through.
type Reason uint8

// Reasons. All but Killed and Late are violations: something that the controls before the
// firewall should have stopped.
const (
	Clear         Reason = iota
	Killed               // the latch covers the order
	Late                 // an execution after the end of its order, which the core cannot have taken yet, left no room
	Malformed            // the bytes are not one message that can be understood in one way
	Unsupported          // a kind of message that this session never sends
	UnknownParent        // no client ordered this
	WrongSymbol          // not what the client ordered
	WrongSide            // not what the client ordered
	Duplicate            // ClOrdID(11) was used before
	Quantity             // not positive, or above the largest order
	Notional             // above the largest order
	Band                 // price outside the instrument's band
	Limit                // price outside the client's limit
	Overfill             // more at venues and executed than the client ordered
	Credit               // more open and executed than the client may have
	Rate                 // more messages in a second than the session may send
	Full                 // no room to account for the order
	ShortMark            // not the short mark that the client's order has
	NoShorts             // a short sale of a client who has no permission
	Display              // more displayed at lit venues than the client allows
	Locate               // not whom the client named for having located the stock
	reasons
)

var reasonTexts = [reasons]string{"", "killed", "late-fill", "malformed", "unsupported", "unknown-parent", "symbol", "side",
	"duplicate", "quantity", "notional", "band", "limit", "overfill", "credit", "rate", "full", "short-mark", "no-shorts",
	"display", "locate"}

// String returns a word of at most 20 bytes, which fits an event.ID.
func (r Reason) String() string {
	if r < reasons {
		return reasonTexts[r]
	}
	return "reason?"
}

// Violation is a message that was not let through.
type Violation struct {
	At     int64 // ns since epoch
	Venue  market.VenueID
	Reason Reason
	Child  uint64 // 0 when it could not be read
	Parent uint64
	Qty    market.Qty
	Price  market.Price
}

// Stats counts since New.
type Stats struct {
	Orders   uint64 // new orders and replaces let through
	Cancels  uint64
	ByField  uint64 // orders, replaces and cancels that scan had to read: none like them were known
	Refused  [reasons]uint64
	Reports  uint64 // of our orders
	Orphans  uint64 // reports of orders that never left here
	Unsent   uint64 // orders let through of which the socket then did not take all
	Unknown  uint64 // acceptances of orders that no client sent
	Parents  int
	Children int
	Open     int
}

// Count returns how often a reason was given.
func (s *Stats) Count(r Reason) uint64 { return s.Refused[r] }

// Violations sums up the refusals that are violations.
func (s *Stats) Violations() (n uint64) {
	for r := Late + 1; r < reasons; r++ {
		n += s.Refused[r]
	}
	return n
}
