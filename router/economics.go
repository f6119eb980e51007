package router

import (
	"math"
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// weigh sets what the terms of all venues have in common for p now: above all the
// fallback, what a lot costs that trades at once. It will cost later what it costs now, as
// far as one can know: the best lit touch, or a dealer with its last look.
func (c *Core) weigh(p *Parent) {
	m, s := c.composites[p.Instrument], &c.situation
	c.scratch.weighed = true
	vol := m.Features.VolRatio()
	s.Half = max(int64(m.Spread()), 0) * 500
	s.Calm, s.DarkBucket = policy.Calm(vol), c.economics.now.DarkBucket(c.now, vol)
	s.Fallback = s.Half
	c.crossing, c.dealt = s.Half, false
	far := m.Touch(p.Side.Contra())
	if !far.OK {
		return
	}
	least := int64(math.MaxInt64)
	for set := far.Venues; set != 0; set &= set - 1 {
		least = min(least, c.takeFee(bits.TrailingZeros16(set)).AtMilli(far.Price))
	}
	s.Fallback = s.Half + least
	c.crossing = s.Fallback
	c.dealer, c.dealt = c.bestDealer(p)
	if c.dealt {
		c.hit = c.terms[0][c.dealer].Net // which another quote of the same dealer may replace
		s.Fallback = min(s.Fallback, c.hit)
	}
}

// bestDealer returns the dealer whose quote is expected to cost p least; its terms are
// computed. ok is false when none can be hit.
func (c *Core) bestDealer(p *Parent) (best market.VenueID, ok bool) {
	if c.tactics.Off&OffSDP != 0 || c.tactics.Rule == RuleLitOnly {
		return 0, false
	}
	least := int64(0)
	dealers := c.listed[p.Instrument].kinds[market.SDP]
	if dealers == 0 {
		return 0, false
	}
	bound, bounded := c.bound(p)
	if !bounded {
		return 0, false
	}
	for set := dealers & c.usable(p); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set)
		id := market.VenueID(v)
		price, _, quoted := c.quoteWithin(p, id, bound)
		if !quoted {
			continue
		}
		if t := c.hitTerms(p, v, price); !ok || t.Net < least {
			best, least, ok = id, t.Net, true
		}
	}
	return best, ok
}

// rebalance moves what the static rule would rest or take to the dealers where trading on
// a quote is expected to cost less: the rule's shares are for a market in which nobody
// offers better than the lit books. Where somebody does, nothing is posted, nor while a
// dealer that filled some of p is dear or between two quotes: it has to work off what it
// sold, and then it is better again. What the touch leaves behind is traded later at a worse
// price, of which the terms of a post say too little (measured: bench/RESULTS.md).
func (c *Core) rebalance(p *Parent, dark, post, take, sdp *market.Qty) {
	if c.dealerReturns(p) {
		*post = 0
	}
	if !c.dealt {
		return
	}
	if c.hit < c.crossing {
		*sdp, *take, *post = *sdp+*take+*post, 0, 0
	}
	if *dark > 0 && c.bestRest(p) > c.hit {
		*sdp, *dark = *sdp+*dark, 0
	}
	if *post == 0 {
		return
	}
	var berths [market.MaxVenues]berth
	price, ok := c.postPrice(p, policy.Template(policy.ActionPostJoin))
	if ok && (c.berths(p, price, *post, &berths) == 0 || berths[0].net > c.hit) {
		*sdp, *post = *sdp+*post, 0
	}
}

// dealerReturns reports whether a dealer that can be asked has filled some of p.
func (c *Core) dealerReturns(p *Parent) bool {
	if c.tactics.Off&OffSDP != 0 {
		return false
	}
	for set := c.listed[p.Instrument].kinds[market.SDP] & c.usable(p); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		if p.Venues[v].Fills > 0 && c.composites[p.Instrument].Books[v].Live() {
			return true
		}
	}
	return false
}

// bestRest returns the least expected net cost of resting in a pool, the largest number when
// there is none.
func (c *Core) bestRest(p *Parent) int64 {
	least := int64(math.MaxInt64)
	for set := c.listed[p.Instrument].kinds[market.Dark] & c.usable(p); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set)
		fee := c.makeFee(v).AtMilli(c.composites[p.Instrument].Bid.Price)
		least = min(least, c.appraise(v, policy.WayRest, 0, fee, c.economics.now.Venues[v].RestFill).Net)
	}
	return least
}

// Fees as decisions see them.
func (c *Core) takeFee(v int) *market.Fee { return c.fee(&c.takes[v&(market.MaxVenues-1)]) }
func (c *Core) makeFee(v int) *market.Fee { return c.fee(&c.venues[v].MakeFee) }

func (c *Core) fee(f *market.Fee) *market.Fee {
	if c.tactics.Off&OffFees != 0 || c.tactics.Rule == RuleBestPrice {
		return &noFee
	}
	return f
}

var noFee market.Fee

// appraise computes the terms of placing at venue v by way, at a price that is at
// thousandths of an increment against the mid.
func (c *Core) appraise(v int, way policy.Way, at, fee int64, fill uint16) *policy.Terms {
	slot := 0
	if way == policy.WayPost || way == policy.WayRest {
		slot = 1
	}
	c.scratch.termed[slot] |= 1 << v
	t := &c.terms[slot][v&(market.MaxVenues-1)]
	c.economics.now.AppraiseWay(&c.situation, market.VenueID(v), way, at, fee, fill, t)
	return t
}

// atMilli returns where a price stands against the mid for p, positive being a cost, in
// thousandths of an increment.
func (c *Core) atMilli(p *Parent, price market.Price) int64 {
	mid2, _ := c.composites[p.Instrument].Mid2()
	return p.Side.Sign() * (2*int64(price) - mid2) * 500
}

// improvement is what the decision record says of terms.
func improvement(t *policy.Terms) int64 { return -t.Net }

// Appraisal is what a decision thought of each venue: for ways that trade at once and for
// ways that rest, by VenueID; nil where the venue was not considered so.
type Appraisal struct {
	Situation policy.Situation
	AtOnce    [market.MaxVenues]*policy.Terms
	Resting   [market.MaxVenues]*policy.Terms
}

// Watch is told of every decision and of what it weighed, in the step that makes it. What
// it gets is valid during the call. It must not change anything.
type Watch func(*event.Decision, *Appraisal)

// SetWatch makes w be told of every decision. Terms are not in the journal: they follow
// from it, so who explains a decision runs the journal again with a watch.
func (c *Core) SetWatch(w Watch) { c.watch = w }

// tell tells the watch of a decision that is complete.
func (c *Core) tell(d *event.Decision) {
	if c.watch != nil {
		c.watch(d, c.appraisal())
	}
}

func (c *Core) appraisal() *Appraisal {
	a := &Appraisal{Situation: c.situation}
	for v := range c.venues {
		if c.scratch.termed[0]>>v&1 != 0 {
			a.AtOnce[v] = &c.terms[0][v]
		}
		if c.scratch.termed[1]>>v&1 != 0 {
			a.Resting[v] = &c.terms[1][v]
		}
	}
	return a
}
