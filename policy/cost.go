package policy

import "penstock/market"

// Way is how a share of quantity is placed.
type Way uint8

// Ways, each with its own expected net cost.
const (
	WayTake Way = iota // cross the spread in a lit book
	WayPost            // rest in a lit book
	WayPing            // immediate order in a pool
	WayRest            // resting peg in a pool
	WayHit             // trade on a dealer's quote
	Ways
)

var wayNames = [...]string{"take", "post", "ping", "rest", "hit"}

func (w Way) String() string {
	if int(w) < len(wayNames) {
		return wayNames[w]
	}
	return "way?"
}

// Situation is what the terms of all venues have in common at a decision.
type Situation struct {
	Half       int64 // half-spread of the composite, thousandths of an increment
	Fallback   int64 // what taking later costs against today's mid, thousandths: see Fallback
	Calm       int   // 0 calm, 1 volatile
	DarkBucket int
}

// Option is one way to place at one venue.
type Option struct {
	Venue market.VenueID
	Way   Way
	Price int64  // against the mid, positive is a cost, thousandths of an increment
	Fee   int64  // per lot, thousandths
	Fill  uint16 // probability that it trades before the next decision; WayTake and WayHit: One
}

// Terms is the expected net cost of one lot placed by an Option, in thousandths of an
// increment against the mid of the decision. Positive is a cost. Net is what it sums to:
//
//	Net = p × (Price + Fee + Markout) + (1 − p) × (Moved + Fallback) + Leakage
//
// where p is Fill, and of a dealer the probability that it accepts.
type Terms struct {
	Venue    market.VenueID
	Way      Way
	Fill     uint16
	Price    int64
	Fee      int64
	Markout  int64 // the mid's move against us after the fill
	Moved    int64 // the mid's move against us when it does not fill, or the dealer refuses
	Fallback int64
	Leakage  int64
	Net      int64
}

// ofHalf returns share thousandths of the half-spread.
func (s *Situation) ofHalf(share int32) int64 { return s.Half * int64(share) / 1000 }

// Appraise writes the terms of an option into t and returns their Net. It does not allocate.
func (p *Params) Appraise(s *Situation, o Option, t *Terms) int64 {
	return p.AppraiseWay(s, o.Venue, o.Way, o.Price, o.Fee, o.Fill, t)
}

// AppraiseWay is Appraise of an option whose parts are at hand: they stay in registers.
func (p *Params) AppraiseWay(s *Situation, venue market.VenueID, way Way, price, fee int64, fill uint16, t *Terms) (net int64) {
	v := &p.Venues[venue&(market.MaxVenues-1)]
	t.Venue, t.Way, t.Price, t.Fee, t.Fallback = venue, way, price, fee, s.Fallback
	if way == WayTake {
		markout := s.ofHalf(v.TakeMarkout)
		net = price + fee + markout
		t.Fill, t.Markout, t.Moved, t.Leakage, t.Net = fill, markout, 0, 0, net
		return net
	}
	var markout, moved, leakage int64
	switch way {
	case WayHit:
		fill = One - v.Reject[s.Calm&1]
		markout, moved, leakage = s.ofHalf(v.TakeMarkout), s.ofHalf(v.RejectMove[s.Calm&1]), s.ofHalf(v.Leakage)
	case WayPost:
		markout, moved = s.ofHalf(v.AddMarkout), s.ofHalf(int32(p.NoFill))
	case WayRest:
		markout, moved, leakage = s.ofHalf(v.AddMarkout), s.ofHalf(int32(p.NoFill)), s.ofHalf(v.Leakage)
	default:
		markout, leakage = s.ofHalf(v.AddMarkout), s.ofHalf(v.Leakage)
	}
	net = s.Fallback + moved + scale(price+fee+markout-moved-s.Fallback, fill) + leakage
	t.Fill, t.Markout, t.Moved, t.Leakage, t.Net = fill, markout, moved, leakage, net
	return net
}

// scale returns x × p, p in 1/65536 with One for certain.
func scale(x int64, p uint16) int64 {
	if p == One {
		return x
	}
	whole, rest := x>>16, x&0xffff
	return whole*int64(p) + rest*int64(p)>>16
}

// Pools is the greedy allocation over dark pools: the tails in doubling steps, and where
// each pool stands. Its zero value is empty.
type Pools struct {
	count int
	at    [market.MaxVenues]pool
}

type pool struct {
	tail  *[DarkPoints]uint16
	gain  int64 // of a lot filled there against the fallback, thousandths; the better the larger
	cost  int64 // of a lot sent that is not filled
	unit  market.Qty
	most  market.Qty
	venue market.VenueID
	step  uint8
	got   market.Qty
	worth int64 // of a lot of the next step
}

// Reset empties the allocation.
func (a *Pools) Reset() { a.count = 0 }

// Add adds a pool: its tail in units of unit, what a filled lot gains against the fallback
// and what showing a lot costs, in thousandths, and the most that may go there.
func (a *Pools) Add(v market.VenueID, tail *[DarkPoints]uint16, unit, most market.Qty, gain, leakage int64) {
	p := &a.at[a.count]
	a.count++
	p.tail, p.gain, p.cost, p.unit, p.most, p.venue = tail, gain, leakage, max(unit, 1), most, v
	p.step, p.got = 0, 0
	p.appraise()
}

// appraise sets the worth of a lot of the next step.
func (p *pool) appraise() {
	if p.step >= DarkPoints || p.got >= p.most {
		p.worth = -1 << 62
		return
	}
	p.worth = scale(p.gain, p.tail[p.step]) - p.cost
}

// Share gives want to the pools, each step where a lot is worth most, as long as it is
// worth more than least; what a pool gets is a multiple of lot. It returns what was given.
func (a *Pools) Share(want, lot market.Qty, least int64) (given market.Qty) {
	for want >= lot {
		best, worth := -1, least
		for i := range a.at[:a.count] {
			if w := a.at[i].worth; w > worth {
				best, worth = i, w
			}
		}
		if best < 0 {
			break
		}
		p := &a.at[best]
		next := p.unit << p.step // up to 2^k units in all after step k
		qty := min(max(next-p.got, lot), want, p.most-p.got)
		if lot > 1 {
			qty -= qty % lot
		}
		p.step++
		if qty > 0 {
			p.got += qty
			want -= qty
			given += qty
		}
		p.appraise()
	}
	return given
}

// Got returns pool i in the order in which they were added: its venue, and what it got.
func (a *Pools) Got(i int) (market.VenueID, market.Qty) { return a.at[i].venue, a.at[i].got }

// Count returns the number of pools.
func (a *Pools) Count() int { return a.count }

// Keep keeps the n pools whose first lot is worth most, before Share.
func (a *Pools) Keep(n int) {
	for a.count > n {
		worst := 0
		for i := range a.at[:a.count] {
			if a.at[i].worth <= a.at[worst].worth {
				worst = i
			}
		}
		copy(a.at[worst:a.count-1], a.at[worst+1:a.count])
		a.count--
	}
}

// Explore gives pool i at least unit of want, taken from what nobody got and then from the
// largest share: a pool that is never tried is never learnt.
func (a *Pools) Explore(i int, unit, want market.Qty) {
	p := &a.at[i]
	if p.got > 0 || unit <= 0 || want < exploreOf*unit || p.most < unit {
		return
	}
	given, largest := market.Qty(0), 0
	for k := range a.at[:a.count] {
		given += a.at[k].got
		if a.at[k].got > a.at[largest].got {
			largest = k
		}
	}
	if want-given < unit {
		if a.at[largest].got <= unit {
			return
		}
		a.at[largest].got -= unit
	}
	p.got = unit
}

// exploreOf bounds exploration to this part of a share.
const exploreOf = 8

// Gather moves shares below least to the largest one.
func (a *Pools) Gather(least market.Qty) {
	largest := 0
	for k := range a.at[:a.count] {
		if a.at[k].got > a.at[largest].got {
			largest = k
		}
	}
	for k := range a.at[:a.count] {
		if p := &a.at[k]; k != largest && p.got < least {
			a.at[largest].got += p.got
			p.got = 0
		}
	}
}

// Expected returns how much of its share pool i is expected to fill at once.
func (a *Pools) Expected(i int) (sum market.Qty) {
	p := &a.at[i]
	for k, from := 0, market.Qty(0); k < DarkPoints && from < p.got; k++ {
		to := min(p.unit<<k, p.got)
		sum += market.Qty(scale(int64(to-from), p.tail[k]))
		from = to
	}
	return sum
}
