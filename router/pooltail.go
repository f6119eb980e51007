package router

import (
	"penstock/market"
	"penstock/policy"
)

// poolCounts is what immediate orders have shown of one dark pool: how often it could be
// seen whether it held 2^k units, and how often it did not, in 1/16 of an observation,
// by bucket of the day and volatility.
type poolCounts struct {
	risk, ended [policy.DarkBuckets][policy.DarkPoints]uint32
	decayed     int64 // ns since epoch: until when the counts are decayed
}

const (
	countUnit     = 16             // one observation
	countMost     = 1 << 26        // of one count
	priorCounts   = 30 * countUnit // what the parameter set's tail is worth, at every point
	decayNanos    = 900e9          // a quarter of an hour …
	decayPart     = 939            // … leaves this of 1024: half in two hours
	decayStepsMax = 64
)

// observePool takes the answer to an immediate order in a pool: sent, filled of it.
func (c *Core) observePool(v market.VenueID, instrument market.InstrumentID, sent, filled market.Qty) {
	if c.tactics.Off&OffFeedback != 0 {
		return
	}
	n := &c.economics.pools[v]
	c.decayPool(v)
	bucket := c.darkBucket(instrument)
	unit := c.darkUnit(v, instrument)
	for k := range policy.DarkPoints {
		size := unit << k
		if size <= filled {
			count(&n.risk[bucket][k])
			continue
		}
		if filled < sent { // it held less than this
			count(&n.risk[bucket][k])
			count(&n.ended[bucket][k])
		}
		break
	}
	c.blendTail(v, bucket)
}

func count(n *uint32) { *n = min(*n+countUnit, countMost) }

// decayPool makes old answers count less.
func (c *Core) decayPool(v market.VenueID) {
	n := &c.economics.pools[v]
	steps := int64(0)
	if n.decayed != 0 {
		steps = (c.now - n.decayed) / decayNanos
	}
	if n.decayed == 0 || steps > decayStepsMax {
		*n = poolCounts{decayed: c.now}
		return
	}
	n.decayed += steps * decayNanos
	for range steps {
		for b := range n.risk {
			for k := range n.risk[b] {
				n.risk[b][k] = uint32(uint64(n.risk[b][k]) * decayPart / 1024)
				n.ended[b][k] = uint32(uint64(n.ended[b][k]) * decayPart / 1024)
			}
		}
	}
}

// blendTail computes a pool's tail from that of the set, as a prior, and the answers: the
// shrunk estimator of policy/model, by doubling points.
func (c *Core) blendTail(v market.VenueID, bucket int) {
	n, prior := &c.economics.pools[v], &c.economics.set.Venues[v].Tail[bucket]
	tail := &c.economics.now.Venues[v].Tail[bucket]
	before, at, seen := uint64(policy.One), uint64(policy.One), false
	for k := range tail {
		if seen = seen || n.risk[bucket][k] > 0; !seen {
			at, before = uint64(prior[k]), uint64(prior[k])
			tail[k] = prior[k]
			continue
		}
		held := uint64(0) // of the prior: P(2^k units | 2^(k−1) units), 1/65536
		if before > 0 {
			held = uint64(prior[k]) * policy.One / before
		}
		risk, ended := uint64(n.risk[bucket][k]), uint64(n.ended[bucket][k])
		held = ((risk-ended)*policy.One + priorCounts*held) / (risk + priorCounts)
		at = at * held / policy.One
		tail[k], before = uint16(at), uint64(prior[k])
	}
}

// darkBucket returns the bucket of dark tails for an instrument now.
func (c *Core) darkBucket(id market.InstrumentID) int {
	return c.economics.now.DarkBucket(c.now, c.composites[id].Features.VolRatio())
}

// darkUnit returns the unit of a pool's tail.
func (c *Core) darkUnit(v market.VenueID, id market.InstrumentID) market.Qty {
	if unit := c.economics.set.Venues[v].DarkUnit; unit > 0 {
		return unit
	}
	return max(c.instruments[id].Lot, c.tactics.DarkMinQty)
}
