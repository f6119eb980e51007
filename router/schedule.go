package router

import (
	"math"
	"math/bits"
	"slices"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// decisionsPerSlice is T of the policy: how often a slice is looked at.
const decisionsPerSlice = 6

// checkNanos is how often working children are checked against their venue's
// time to answer.
const checkNanos = 100_000_000

// schedule lays out the parent's time from now on, or from its start if that is still
// to come. A sweep has no schedule: it takes what is there, for a moment.
func (c *Core) schedule(p *Parent) {
	p.start = max(p.terms.Start, c.now)
	if c.day.shut {
		p.start = max(p.start, c.day.open)
	}
	c.begin(p)
	if p.Strategy == event.StrategySweep {
		p.phase = phaseFinishing
		p.end, p.slices = p.start, 1
		c.wake(p, p.start)
		if p.start <= c.now {
			c.wake(p, min(c.now+c.retry(p), p.until()))
		}
		return
	}
	c.layOut(p)
}

// begin notes the tape when p's start has come: what others trade counts from there.
func (c *Core) begin(p *Parent) {
	if !p.begun && p.start <= c.now {
		p.begun, p.tapeStart = true, c.tapes[p.Instrument]
	}
}

// layOut divides the time from p.start to the end of its terms into slices, over
// which what is not filled yet is spread.
func (c *Core) layOut(p *Parent) {
	slice := p.terms.SliceNanos
	if slice == 0 {
		slice = c.tactics.SliceNanos
	}
	p.end, p.from = max(p.terms.End, p.start), p.Cum // it may be over: new terms wait for children
	lots := int64((p.OrderQty - p.from) / c.instruments[p.Instrument].Lot)
	p.slices = max(min(c.tradingTime(p)/slice, lots), 1)
	p.slice, p.decision = 0, 0
	c.wake(p, p.start)
	if p.start <= c.now {
		c.wake(p, c.epochEnd(p))
	}
	c.aim(p)
}

// aim sets what should be filled by the end of the running slice, and what by its
// beginning.
func (c *Core) aim(p *Parent) {
	switch {
	case p.Strategy == event.StrategyPOV:
		p.base, p.goal = p.Cum, p.Cum // and grows with what others trade: see target
	case p.terms.NoCatchUp && p.slice > 0:
		before, by := c.planned(p, p.slice-1), c.planned(p, p.slice)
		p.base, p.goal = p.Cum, p.OrderQty
		if left := p.OrderQty - before; by < p.OrderQty && left > 0 {
			share := mulDiv(int64(max(p.OrderQty-p.Cum, 0)), int64(by-before), int64(left))
			p.goal = p.Cum + market.Qty(share).FloorTo(c.instruments[p.Instrument].Lot)
		}
	default:
		p.base, p.goal = c.planned(p, p.slice-1), c.planned(p, p.slice)
	}
}

// planned returns how much of p its strategy wants filled by the end of slice i, in
// whole lots, and everything by the last.
func (c *Core) planned(p *Parent, i int64) market.Qty {
	switch {
	case i < 0:
		return p.from
	case i >= p.slices-1, p.Strategy == event.StrategySeek, p.OrderQty <= p.from:
		return p.OrderQty
	}
	rest, q := int64(p.OrderQty-p.from), int64(0)
	switch p.Strategy {
	case event.StrategyVWAP:
		v := c.curves[p.Instrument]
		if whole := v.between(p.start, p.end); whole > 0 {
			q = mulDiv(rest, v.between(p.start, c.sliceStart(p, i+1)), whole)
		}
	case event.StrategyIS:
		q = kappas[p.terms.Urgency].done(i+1, p.slices).of(rest)
	default:
		q = mulDiv(rest, i+1, p.slices)
	}
	return p.from + market.Qty(q).FloorTo(c.instruments[p.Instrument].Lot)
}

// target returns how much of p should be filled by the end of the running slice.
func (c *Core) target(p *Parent) market.Qty {
	if p.Strategy == event.StrategyPOV {
		p.goal = max(min(c.share(p), p.OrderQty), p.base)
	}
	return p.goal
}

// pace is when the running slice of a parent begins and ends, as long as what it follows from
// stays.
type pace struct{ slice, start, end, slices, from, to int64 }

// pace returns when p's running slice begins and ends.
func (c *Core) pace(p *Parent) (from, to int64) {
	q := &c.paces[slotIn(p.Number)]
	if q.slice != p.slice || q.start != p.start || q.end != p.end || q.slices != p.slices {
		*q = pace{p.slice, p.start, p.end, p.slices, c.sliceStart(p, p.slice), c.sliceStart(p, p.slice+1)}
	}
	return q.from, q.to
}

// epochEnd returns when the running decision epoch ends.
func (c *Core) epochEnd(p *Parent) int64 {
	from, to := c.sliceStart(p, p.slice), c.sliceStart(p, p.slice+1)
	return from + mulDiv(to-from, p.decision+1, decisionsPerSlice)
}

// mulDiv returns a × b / c rounded down, for a, b ≥ 0 and c > 0 with b ≤ c.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q)
}

// NextTimer returns when the core wants a Timer event, in ns since epoch;
// math.MaxInt64 when nothing is due.
func (c *Core) NextTimer() int64 {
	next := min(c.nextAge, c.nextAway, c.agenda.next().time, c.gate.NextExpiry(), c.invitations.next, c.requests.next, c.waiting.next)
	if len(c.agenda.all) > 0 || c.dropWaiting > 0 || c.massOut > 0 {
		next = min(next, c.nextCheck)
	}
	return next
}

func (c *Core) onTimer() {
	if c.nextAge <= c.now {
		c.expireBooks()
	}
	if c.nextAway <= c.now {
		c.cancelAway()
	}
	if c.invitations.next <= c.now {
		c.lapse()
	}
	if c.requests.next <= c.now {
		c.endRounds()
	}
	for d := c.agenda.next(); d.time <= c.now; d = c.agenda.next() {
		if p := &c.parents[d.slot]; p.Live() {
			c.advance(p)
		}
		if c.agenda.next() == d {
			c.wake(&c.parents[d.slot], math.MaxInt64) // it ended, and leaves with this step
		}
	}
	if c.nextCheck <= c.now {
		c.check()
	}
}

// checkedAtOnce bounds the live parents that one timer looks after: with more of them it comes more often.
const checkedAtOnce = 64

// check looks after the children of the next parents in a round that takes checkNanos.
func (c *Core) check() {
	all, begins := c.agenda.all, c.checked == 0
	from, _ := slices.BinarySearch(all, c.checked)
	some := all[from:min(from+checkedAtOnce, len(all))]
	if begins {
		c.escalate()
	}
	c.checkAcks(some)
	if c.hasDropCopy {
		if begins {
			c.checkDropCopies()
		}
		c.checkEnds(some)
	}
	c.checked = 0
	if from+len(some) < len(all) {
		c.checked = some[len(some)-1] + 1
	}
	c.nextCheck = c.now + checkNanos*checkedAtOnce/max(int64(len(all)), checkedAtOnce)
}

// advance moves a parent to the epoch that holds now. Epochs that passed
// unnoticed are skipped: their quantity is in the target already.
func (c *Core) advance(p *Parent) {
	p.tried, p.avoid, p.sent = 0, 0, 0
	if p.phase <= phaseFinishing {
		switch {
		case c.now >= p.until():
			c.expire(p, event.ReasonExpired)
			return
		case c.day.shut:
			c.wake(p, min(max(c.day.open, c.now+checkNanos), p.until()))
			return
		}
	}
	c.begin(p)
	switch p.phase {
	case phaseWorking:
		if c.now >= p.end && !p.finishes() {
			c.expire(p, event.ReasonExpired)
			return
		}
		if c.now >= p.end {
			p.phase = phaseFinishing
			c.wake(p, c.now+c.retry(p))
			c.cancelAll(p)
			break
		}
		c.nextEpoch(p)
	case phaseFinishing:
		if !p.patient() && c.now >= p.end+c.patience(p) {
			if p.Strategy == event.StrategySweep {
				c.expire(p, event.ReasonNoLiquidity)
			} else {
				c.expire(p, event.ReasonExpired)
			}
			return
		}
		c.wake(p, min(c.now+c.retry(p), p.until()))
	default:
		// Waiting for children: ask again in case a cancel got lost.
		c.wake(p, c.now+checkNanos)
		c.cancelAll(p)
		return
	}
	c.work(p, true)
}

// nextEpoch moves p to the epoch that holds now.
func (c *Core) nextEpoch(p *Parent) {
	slice := p.slice
	for c.epochEnd(p) <= c.now {
		if p.decision++; p.decision == decisionsPerSlice {
			p.slice, p.decision = p.slice+1, 0
			p.darkExpected, p.darkFilled = p.darkExpected/2, p.darkFilled/2
		}
	}
	if p.slice != slice {
		c.aim(p)
	}
	c.wake(p, c.epochEnd(p))
}

// finishes reports whether what is left at the end of p's schedule is taken. A client
// who asked for a share of the volume, or for hidden liquidity, asked for no more.
func (p *Parent) finishes() bool {
	return p.patient() || p.Strategy != event.StrategyPOV && p.Strategy != event.StrategySeek && p.TIF != market.TIFGTD
}

func (c *Core) patience(p *Parent) int64 {
	if p.Strategy == event.StrategySweep {
		return c.tactics.SweepNanos
	}
	return c.tactics.FinishNanos
}

// expire ends the parent as soon as its children are gone.
func (c *Core) expire(p *Parent, reason event.Reason) {
	switch {
	case reason == event.ReasonDayOver: // whatever else stands in its way
	case p.Held > 0 && p.Unplaced() == 0:
		reason = event.ReasonTakenBack
	case c.childCount == len(c.children):
		reason = event.ReasonChildrenFull
	}
	p.phase, p.endReason = phaseExpiring, reason
	c.wake(p, c.now+checkNanos)
	c.cancelAll(p)
	c.after(p)
}

// checkAcks asks for children that their venue should have answered. Their
// reservation stays: time proves nothing. What should be gone is cancelled again.
func (c *Core) checkAcks(parents []int32) {
	for _, slot := range parents {
		p := &c.parents[slot]
		for s := p.first; s != none; s = c.children[s].next {
			ch := &c.children[s]
			overdue := !ch.waits && (!ch.acked || ch.immediate() || ch.canceling || ch.unknown || ch.gap)
			if overdue && c.now-ch.SentTime > c.venues[ch.Venue].AckNanos {
				c.lose(ch)
				c.askStatus(ch)
			}
			leaving := ch.Tactic == event.TacticOffer && p.Cum >= p.OrderQty || p.Frozen || p.paused || p.overnight || p.Over() || p.phase == phaseCanceling || p.phase == phaseExpiring ||
				p.pending.kind == event.ParentReplace && p.violates(&p.pending, c.children)
			if leaving || c.killed(ch) {
				c.cancel(ch)
			}
		}
	}
}

// measure fills in with the state of p for the policy.
func (c *Core) measure(in *policy.Inputs, p *Parent, remaining market.Qty) {
	c.gauge(in, p, remaining)
	if c.composites[p.Instrument].Normal() {
		in.SweepCost = c.sweepCost(p, remaining)
	}
}

// gauge is measure without the price of immediacy.
func (c *Core) gauge(in *policy.Inputs, p *Parent, remaining market.Qty) {
	m := c.composites[p.Instrument]
	*in = policy.Inputs{}
	in.Decision = p.decision
	in.Remaining = remaining
	in.Slice = p.goal - p.base
	if from, to := c.pace(p); to > from && in.Slice > 0 {
		passed := min(max(c.now-from, 0), to-from)
		in.Gap = p.base + market.Qty(mulDiv(int64(in.Slice), passed, to-from)) - p.Cum
	}
	in.Volatility = m.Features.VolRatio()
	// A quarter of a slice of neutral experience keeps one empty pool from
	// looking like a verdict.
	in.DarkFill = 1000
	if p.darkFilled != 0 || p.darkExpected != 0 {
		prior := int64(in.Slice/4) + 1
		in.DarkFill = min((int64(p.darkFilled)+prior)*1000/(int64(p.darkExpected)+prior), 10_000)
	}
	in.SweepCost = 1000
	if !m.Normal() {
		return
	}
	in.Spread = int64(m.Spread() / c.instruments[p.Instrument].Tick)
	in.Signal = c.signal(m, p.Side)
}

// signal returns the price signal as an order of side sees it, of a market that is Normal.
func (c *Core) signal(m *book.Composite, side market.Side) int64 {
	if !c.table.HasSignal() {
		return m.Lean() * side.Sign()
	}
	press := m.Pressure()
	return c.table.Signal(press.Lean, press.OFI, press.Flow) * side.Sign()
}
