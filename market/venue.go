package market

// VenueID is the dense index of a venue in the reference data.
type VenueID uint8

// NoVenue marks an event that concerns no venue.
const NoVenue VenueID = 1<<8 - 1

// MaxVenues bounds the venues of one router.
const MaxVenues = 16

// VenueKind says how a venue trades.
type VenueKind uint8

// The kinds of venue.
const (
	Lit  VenueKind = iota // displays its book
	Dark                  // fills at the midpoint, displays nothing
	SDP                   // single-dealer platform: streams quotes, may hold and reject
)

var venueKindNames = [...]string{"lit", "dark", "sdp"}

func (k VenueKind) String() string {
	if int(k) < len(venueKindNames) {
		return venueKindNames[k]
	}
	return "kind?"
}

// ParseVenueKind is the inverse of VenueKind.String.
func ParseVenueKind(s string) (VenueKind, bool) {
	for i, name := range venueKindNames {
		if s == name {
			return VenueKind(i), true
		}
	}
	return 0, false
}

// Venue is the reference data of one place to trade.
type Venue struct {
	ID       VenueID
	Name     string // short name, unique
	MIC      string // ISO 10383 market identifier, LastMkt(30) in reports
	Kind     VenueKind
	TakeFee  Fee  // charged when we remove liquidity
	MakeFee  Fee  // charged when we add; negative is a rebate
	LastLook bool // the dealer may hold and reject
	ByOrder  bool // the feed names displayed orders one by one
	// CancelAfterAck says that the venue knows an order only once it has answered it: a
	// cancel before would be refused, so it waits.
	CancelAfterAck bool
	MsgRate        int64 // order messages per second that the venue allows
	// AckNanos is how long the venue may take to answer an order before its
	// state counts as unknown. The reservation is kept either way.
	AckNanos int64
	// MaxAgeNanos is how old the last word of a book may be before it is STALE; 0
	// leaves it to the feed, which knows heartbeats.
	MaxAgeNanos int64
	// MassStatus says that the venue names all open orders when it is asked once.
	MassStatus bool
	// Reserve says that the venue itself shows no more of an order than it is told, and the
	// next part when that is executed.
	Reserve bool
	// Shorts and Exempts say that the venue takes sales with these marks.
	Shorts, Exempts bool
	// DropCopyNanos is how long order session and drop copy may take to say the same; 0: the
	// venue has no drop copy.
	DropCopyNanos int64
	// Conditional says that the pool takes conditional orders; the zero value: it does not.
	Conditional Conditional
	// RFQ says that the dealer answers requests for a quote; the zero value: it is not asked.
	RFQ RFQ
}

// Takes reports whether the venue takes an order with a mark.
func (v *Venue) Takes(m Mark) bool {
	return m == Long || m == Short && v.Shorts || m == ShortExempt && v.Exempts
}

// RFQ is how a dealer is asked for a quote in a size that it does not stream.
type RFQ struct {
	MinQty      Qty   // least size worth a request, positive
	WindowNanos int64 // how long its answer is waited for
	PauseNanos  int64 // least time between two requests to it
	Respond     bool  // it wants to hear which of its quotes are not dealt on
}

// Asked reports whether the dealer is asked for quotes.
func (r *RFQ) Asked() bool { return r.MinQty > 0 }

// Conditional is how a pool treats conditional orders. Its shares are not committed: when
// there is somebody to trade with, the venue invites to firm up, once for each order.
type Conditional struct {
	MinQty      Qty   // least size of one, positive
	WindowNanos int64 // how long an invitation may be answered, where it does not say
	// FirmBps is the least size of the firm order, in 1/10,000 of the conditional order.
	FirmBps int64
}

// Offered reports whether the pool takes conditional orders.
func (c *Conditional) Offered() bool { return c.MinQty > 0 }

// Least returns the least size of a firm order that answers for a conditional one of qty.
func (c *Conditional) Least(qty Qty) Qty {
	return max(c.MinQty, qty/10_000*Qty(c.FirmBps)+qty%10_000*Qty(c.FirmBps)/10_000)
}

// Fee is a schedule entry. Positive is a cost to us, negative a rebate.
type Fee struct {
	PerLotMilli int64 // thousandths of a Notional unit per lot
	Ppm         int64 // millionths of the notional
}

// MaxFeePpm and MaxFeePerLotMilli bound a fee either way: all of the notional, and what AtMilli can add
// to any price.
const (
	MaxFeePpm         = 1_000_000
	MaxFeePerLotMilli = 1_000_000_000_000
)

// Of returns the fee of a fill in Notional units, rounded half away from zero.
// notional is the fill's price × quantity.
func (f Fee) Of(notional Notional, q Qty) Notional {
	thousands, rest := int64(q)/1000, int64(q)%1000 // the product of the highest fee and a large order does not fit
	return Notional(thousands*f.PerLotMilli + roundDiv(rest*f.PerLotMilli, 1000) + mulPpm(int64(notional), f.Ppm))
}

// AtMilli returns the fee of one lot at a price, in thousandths of an increment,
// the share of the price rounded towards zero. It holds for prices up to MaxPrice
// and fees within their bounds.
func (f Fee) AtMilli(p Price) int64 {
	if f.Ppm == 0 {
		return f.PerLotMilli
	}
	whole, rest := int64(p)/1000, int64(p)%1000
	return f.PerLotMilli + whole*f.Ppm + rest*f.Ppm/1000
}

// NetMilli returns what taking one lot at a price costs an order of side, fee
// included, in thousandths of an increment: smaller is better, on either side.
func (f Fee) NetMilli(side Side, p Price) int64 { return side.Sign()*int64(p)*1000 + f.AtMilli(p) }

// mulPpm returns n × ppm / 1e6 rounded half away from zero, without overflowing
// for any n whose quotient by 1e6, times ppm, fits.
func mulPpm(n, ppm int64) int64 {
	whole, rest := n/1e6, n%1e6
	return whole*ppm + roundDiv(rest*ppm, 1e6)
}

func roundDiv(n, d int64) int64 {
	if n < 0 {
		return -((-n + d/2) / d)
	}
	return (n + d/2) / d
}
