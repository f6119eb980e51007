package policy

import (
	"fmt"

	"penstock/market"
)

// Params is one parameter set: what is known of the venues, in integers. It is fitted off
// the hot path, enters the core as events and does not change afterwards. ID 0 is the set
// that is compiled in: what is believed before anything was seen.
//
// Probabilities are in 1/65536. Costs that grow with the spread are in thousandths of the
// composite's half-spread, so that one set serves instruments of any price.
type Params struct {
	ID        uint64
	DayEdges  [DayParts - 1]uint32 // seconds of the UTC day at which its parts begin
	SplitTake [SplitCells]uint16   // share of a slice that Cont–Kukanov takes, by cell
	NoFill    uint16               // how far the mid runs away from a post that does not fill
	Venues    [market.MaxVenues]VenueParams
}

// Parts of a Params that are tables.
const (
	DayParts    = 5  // of the day, for dark pools
	DarkBuckets = 10 // DayParts × calm or volatile
	DarkPoints  = 16 // of a tail: 1, 2, 4 … 2^15 units
	FillBuckets = 25 // place in the queue × lean of the touch
	SplitCells  = 9  // size against depth × lean of the touch
	Calms       = 2  // calm, volatile
)

// VenueParams is what is known of one venue. What does not concern its kind is not read.
type VenueParams struct {
	TakeFee, MakeFee market.Fee
	DarkUnit         market.Qty                      // size of a unit of Tail; 0: the smallest sensible order
	LatencyMicros    uint32                          // one way, of an order to the venue
	HoldMicros       uint32                          // median of a dealer's look
	TakeMarkout      int32                           // what the mid moves against us after we took
	AddMarkout       int32                           // after our resting order was filled
	Leakage          int32                           // of having shown an order there
	RejectMove       [Calms]int32                    // how far the mid is gone when a dealer refuses
	Reject           [Calms]uint16                   // probability that it does
	RestFill         uint16                          // that a resting order in a pool fills within a decision
	Known            uint8                           // bits: what of this was fitted, see Known…
	Tail             [DarkBuckets][DarkPoints]uint16 // P(pool holds at least 2^k units)
	Fill             [FillBuckets]uint16             // P(a post fills within a decision)
	SplitPost        [SplitCells]uint16              // share of a slice posted here
}

// Bits of VenueParams.Known. Without KnownFees the configured fees stay.
const (
	KnownFees uint8 = 1 << iota
	KnownTail
	KnownFill
	KnownSplit
	KnownLastLook
	KnownMarkout
	KnownLatency
)

// One is probability 1 as far as 16 bits can say it.
const One = 65535

// prior is the compiled-in set.
var prior = func() *Params {
	p := &Params{NoFill: 300, DayEdges: [DayParts - 1]uint32{34_200, 50_400, 52_200, 72_000}}
	for c := range p.SplitTake {
		p.SplitTake[c] = uint16(c/3) * One / 4
	}
	for v := range p.Venues {
		p.Venues[v] = priorVenue()
	}
	return p
}()

// priorVenue is a venue of which nothing is known: a pool that is empty 85 times of 100,
// with a tail of s^−1.2; a dealer that refuses one order in twenty; a post that fills the
// more often the nearer it stands and the more the touch leans towards it.
func priorVenue() (v VenueParams) {
	v.AddMarkout, v.TakeMarkout, v.Leakage = 250, 0, 20
	v.Reject, v.RejectMove = [Calms]uint16{One / 20, One / 8}, [Calms]int32{500, 1000}
	v.RestFill = One / 6
	v.LatencyMicros, v.HoldMicros = 100, 20_000
	for b := range v.Tail {
		tail := uint64(One) * 15 / 100
		for k := range v.Tail[b] {
			v.Tail[b][k] = uint16(tail)
			tail = tail * 435 / 1000 // 2^−1.2
		}
	}
	for b := range v.Fill {
		queue, lean := b/5, b%5 // lean 0: most of the touch is on our side, and waits with us
		v.Fill[b] = uint16((7 - queue) * (2 + lean) * One / 60)
	}
	for c := range v.SplitPost {
		v.SplitPost[c] = One / 2
	}
	return v
}

// PriorParams returns the compiled-in set. It must not be changed.
func PriorParams() *Params { return prior }

// Validate reports the first thing that cannot be used.
func (p *Params) Validate() error {
	for i := 1; i < len(p.DayEdges); i++ {
		if p.DayEdges[i] < p.DayEdges[i-1] {
			return fmt.Errorf("parameter set %d: parts of the day must ascend", p.ID)
		}
	}
	for v := range p.Venues {
		if what := p.Venues[v].invalid(); what != "" {
			return fmt.Errorf("parameter set %d, venue %d: %s", p.ID, v, what)
		}
	}
	return nil
}

// maxMarkout bounds costs in thousandths of the half-spread: fifty half-spreads.
const maxMarkout = 50_000

func (v *VenueParams) invalid() string {
	for _, cost := range [...]int32{v.TakeMarkout, v.AddMarkout, v.Leakage, v.RejectMove[0], v.RejectMove[1]} {
		if cost < -maxMarkout || cost > maxMarkout {
			return "a cost beyond fifty half-spreads"
		}
	}
	for b := range v.Tail {
		for k := 1; k < DarkPoints; k++ {
			if v.Tail[b][k] > v.Tail[b][k-1] {
				return "a tail that rises"
			}
		}
	}
	const maxPpm, maxMilli = 100_000, 1 << 40
	for _, f := range [...]market.Fee{v.TakeFee, v.MakeFee} {
		if f.Ppm < -maxPpm || f.Ppm > maxPpm || f.PerLotMilli < -maxMilli || f.PerLotMilli > maxMilli {
			return "a fee beyond a tenth of the notional"
		}
	}
	if v.DarkUnit < 0 || v.DarkUnit > market.MaxQty {
		return "a negative unit"
	}
	return ""
}

// DarkBucket returns the bucket of dark tails at a time (ns since epoch) and a ratio of
// volatility to normal in thousandths.
func (p *Params) DarkBucket(now, volatility int64) int {
	second := uint32(now / 1e9 % 86_400)
	part := 0
	for part < len(p.DayEdges) && second >= p.DayEdges[part] {
		part++
	}
	return part*Calms + Calm(volatility)
}

// Calm returns 0 for a calm market and 1 for a volatile one, from the ratio of volatility
// to normal in thousandths.
func Calm(volatility int64) int {
	if volatility >= 1400 {
		return 1
	}
	return 0
}

// FillBucket returns the bucket of fill probabilities for an order with ahead of depth in
// front at a touch that leans by imbalance, −1024 to 1024, positive with more on our side.
func FillBucket(ahead, depth market.Qty, imbalance int64) int {
	return FillsAt(depth, imbalance).Bucket(ahead)
}

// FillsAt is FillBucket for several orders at the same touch.
func FillsAt(depth market.Qty, imbalance int64) FillPlace {
	return FillPlace{max(depth, 0), max(depth/5, 1), leanOf(imbalance, 5)}
}

// FillPlace is a touch at which orders may fill.
type FillPlace struct {
	depth, fifth market.Qty
	lean         int
}

// Bucket returns the bucket of an order with ahead of the depth in front.
func (f FillPlace) Bucket(ahead market.Qty) int {
	in := min(ahead, f.depth) // which fifth it is in, without a division or a branch
	return (atLeast(in, f.fifth)+atLeast(in, 2*f.fifth)+atLeast(in, 3*f.fifth)+atLeast(in, 4*f.fifth))*5 + f.lean
}

// atLeast returns 1 where q is n or more, and 0 where it is less.
func atLeast(q, n market.Qty) int { return int(1 - uint64(q-n)>>63) }

func leanOf(imbalance, buckets int64) int {
	return int(min(max((1024-imbalance)*buckets/2048, 0), buckets-1))
}

// SplitCell returns the cell of the split tables for a slice of size where the near touch
// shows depth and leans by imbalance, −1024 to 1024, positive with more on our side.
func SplitCell(size, depth market.Qty, imbalance int64) int {
	large := 0
	switch {
	case size > depth:
		large = 2
	case size > depth/4:
		large = 1
	}
	return large*3 + leanOf(imbalance, 3)
}
