package router

import (
	"math"
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// Horizons at which the mid is looked at after a fill, ns.
var Horizons = [...]int64{10e6, 1e9, 10e9, 60e9}

// TimeBuckets is the number of buckets of a histogram of times: bucket i holds times of
// 2^(i−1) to 2^i microseconds, the last all that are longer.
const TimeBuckets = 28

// Score is what a venue has shown since the start of the run, in integers. Dealers are
// judged by it as principle 17 of the FX Global Code asks: how long they held, how often
// they refused, and where the mid went.
type Score struct {
	Orders   uint64
	Sent     market.Qty
	Filled   market.Qty
	Fills    uint64
	Rejects  [RejectClasses]uint64
	Ack      [TimeBuckets]uint32 // from sending to the first answer
	Hold     [TimeBuckets]uint32 // dealers: from sending to the verdict
	Markout  [len(Horizons)]Mean // after fills
	Refused  Mean                // dealers: after a refusal, from sending to it
	Invites  uint64              // requests to firm up
	FirmUps  uint64              // of these, answered with a firm order
	Asked    uint64              // dealers: requests for a quote
	Quoted   uint64              // of these, answered with one that could be dealt on
	StaleMid uint64              // dark fills outside the composite's touch
	Lost     uint64              // fills whose markouts there was no room for

	asked        drift               // dealers: prices of quotes that were asked for, against the mid
	taken, added drift               // 10 s markouts by what we did
	looks        [policy.Calms]ratio // dealers: refusals of answers
	posts        [policy.FillBuckets]ratio
	staleRun     uint8
	way          way // to the venue
}

// Mean sums moves of the mid against us, in thousandths of the half-spread.
type Mean struct {
	Sum   int64
	Count int64
}

// Of returns the mean, 0 without samples.
func (m Mean) Of() int64 { return m.Sum / max(m.Count, 1) }

func (m *Mean) add(x int64) {
	m.Sum += x
	m.Count++
}

// drift is a moving mean with the number of samples behind it.
type drift struct{ value, count int64 }

const driftWeight = 64 // samples of a moving mean, and what the prior counts

func (d *drift) add(x int64) {
	d.count = min(d.count+1, 1<<20)
	d.value += (x*driftUnit - d.value) / min(d.count, driftWeight)
}

// driftUnit is the resolution of a moving mean.
const driftUnit = 256

// towards returns prior moved towards the mean, by how much was seen.
func (d *drift) towards(prior int32) int32 {
	n := min(d.count, 16*driftWeight)
	return int32(int64(prior) + (d.value/driftUnit-int64(prior))*n/(n+driftWeight))
}

// ratio counts cases and how many were hits; it forgets half when it is full.
type ratio struct{ hits, all uint32 }

const ratioMost = 1024

// addShare counts a case of which a part was a hit, in ratioPart-ths.
func (r *ratio) addShare(part, whole market.Qty) {
	const most = 1 << 40 // so that the product fits
	r.all += ratioPart
	r.hits += uint32(min(part, most) * ratioPart / max(whole, 1))
	if r.all >= ratioMost*ratioPart {
		r.hits, r.all = r.hits/2, r.all/2
	}
}

// ratioPart is the resolution of a share.
const ratioPart = 64

func (r *ratio) add(hit bool) {
	r.all++
	if hit {
		r.hits++
	}
	if r.all >= ratioMost {
		r.hits, r.all = r.hits/2, r.all/2
	}
}

// priorCases is what a probability of the parameter set counts.
const priorCases = 30

// towards returns a probability of 1/65536 moved towards the ratio.
func (r *ratio) towards(prior uint16) uint16 {
	return r.weighed(prior, priorCases)
}

// towardsShare is towards for what addShare counted.
func (r *ratio) towardsShare(prior uint16) uint16 { return r.weighed(prior, priorCases*ratioPart) }

func (r *ratio) weighed(prior uint16, cases uint64) uint16 {
	return uint16((uint64(prior)*cases + uint64(r.hits)*policy.One) / (cases + uint64(r.all)))
}

// Scores returns the scorecards by VenueID, for reading on the core's own thread.
func (c *Core) Scores() []Score { return c.economics.scores[:len(c.venues)] }

// Quantile returns the upper end, in microseconds, of the bucket that holds the given
// share (thousandths) of a histogram's times; 0 without times.
func Quantile(h *[TimeBuckets]uint32, perMille uint64) uint64 {
	all, below := uint64(0), uint64(0)
	for _, n := range h {
		all += uint64(n)
	}
	for i, n := range h {
		if below += uint64(n); below*1000 >= all*perMille && all > 0 {
			return 1 << i
		}
	}
	return 0
}

func bucketOf(nanos int64) int {
	return min(bits.Len64(uint64(max(nanos, 0)/1000)), TimeBuckets-1)
}

func (c *Core) card(v market.VenueID) *Score { return &c.economics.scores[v] }

// scoreSent counts an order.
func (c *Core) scoreSent(ch *Child) {
	if ch.Tactic == event.TacticOffer {
		return // it cannot be filled
	}
	s := c.card(ch.Venue)
	s.Orders++
	s.Sent += ch.Qty
}

// scoreAnswer takes the first answer to an order.
func (c *Core) scoreAnswer(ch *Child) {
	if !ch.acked && !ch.unknown {
		c.card(ch.Venue).Ack[bucketOf(c.now-ch.SentTime)]++
		c.scoreLatency(ch)
	}
}

// scoreFill takes a fill: what the mid does after it is looked at later.
func (c *Core) scoreFill(ch *Child, qty market.Qty, price market.Price, l market.Liquidity) {
	s := c.card(ch.Venue)
	s.Fills++
	s.Filled += qty
	m := c.composites[ch.Instrument]
	mid2, ok := m.Mid2()
	if !ok || m.Spread() <= 0 {
		return
	}
	kind := c.venues[ch.Venue].Kind
	switch kind {
	case market.SDP:
		s.Hold[bucketOf(c.now-ch.SentTime)]++
		c.scoreVerdict(ch, false)
	case market.Dark:
		c.scoreMidpoint(ch, price)
	}
	added := l == market.LiquidityAdded || kind == market.Dark
	if !c.economics.marks.add(mark{time: c.now, mid2: mid2, spread: int64(m.Spread()), venue: ch.Venue,
		instrument: ch.Instrument, side: ch.Side, added: added}) {
		s.Lost++
	}
}

// scoreRefusal takes a dealer's refusal: where the mid is now.
func (c *Core) scoreRefusal(ch *Child) {
	s := c.card(ch.Venue)
	if c.venues[ch.Venue].Kind != market.SDP {
		return
	}
	s.Hold[bucketOf(c.now-ch.SentTime)]++
	c.scoreVerdict(ch, true)
	m := c.composites[ch.Instrument]
	if mid2, ok := m.Mid2(); ok && m.Spread() > 0 && ch.sentMid2 != 0 {
		s.Refused.add(against(ch.Side, mid2-ch.sentMid2, int64(m.Spread())))
	}
	c.blendRejects(ch.Venue)
}

func (c *Core) scoreVerdict(ch *Child, refused bool) {
	calm := policy.Calm(c.composites[ch.Instrument].Features.VolRatio())
	c.card(ch.Venue).looks[calm].add(refused)
	c.blendRejects(ch.Venue)
}

// scorePost takes the end of a posted order: how much of it traded, and how far the mid has
// run away from the rest. Most that are taken away without a fill were left behind by the
// touch, so that leaving them out would make posting look better than it is.
func (c *Core) scorePost(ch *Child) {
	m := c.composites[ch.Instrument]
	if mid2, ok := m.Mid2(); ok && ch.Cum < ch.Qty && ch.sentMid2 != 0 && m.Spread() > 0 {
		c.economics.missed.add(against(ch.Side, mid2-ch.sentMid2, int64(m.Spread())))
		if c.tactics.Off&OffFeedback == 0 {
			c.economics.now.NoFill = uint16(min(max(c.economics.missed.towards(int32(c.economics.set.NoFill)), 0), noFillMost))
		}
	}
	b := int(ch.bucket) % policy.FillBuckets
	c.card(ch.Venue).posts[b].addShare(ch.Cum, ch.Qty)
	if c.tactics.Off&OffFeedback == 0 {
		prior := c.economics.set.Venues[ch.Venue].Fill[b]
		c.economics.now.Venues[ch.Venue].Fill[b] = c.card(ch.Venue).posts[b].towardsShare(prior)
	}
}

// noFillMost is the largest that Params.NoFill can say.
const noFillMost = 1<<16 - 1

// against returns a move of twice the mid against an order of side, in thousandths of the
// half-spread.
func against(side market.Side, move2, spread int64) int64 {
	const most = 50_000
	return min(max(side.Sign()*min(max(move2, -1<<40), 1<<40)*1000/spread, -most), most)
}

func (c *Core) blendMarkout(v market.VenueID) {
	if c.tactics.Off&OffFeedback != 0 {
		return
	}
	s, set, now := c.card(v), &c.economics.set.Venues[v], &c.economics.now.Venues[v]
	now.TakeMarkout = s.taken.towards(set.TakeMarkout)
	now.AddMarkout = s.added.towards(set.AddMarkout)
}

func (c *Core) blendRejects(v market.VenueID) {
	if c.tactics.Off&OffFeedback != 0 {
		return
	}
	s, set, now := c.card(v), &c.economics.set.Venues[v], &c.economics.now.Venues[v]
	for calm := range s.looks {
		now.Reject[calm] = s.looks[calm].towards(set.Reject[calm])
		n := min(s.Refused.Count, 16*priorCases)
		now.RejectMove[calm] = int32((int64(set.RejectMove[calm])*priorCases + s.Refused.Of()*n) / (priorCases + n))
	}
}

func (c *Core) blendFills(v market.VenueID) {
	s, set, now := c.card(v), &c.economics.set.Venues[v], &c.economics.now.Venues[v]
	for b := range s.posts {
		now.Fill[b] = s.posts[b].towardsShare(set.Fill[b])
	}
}

// mark is a fill whose markouts are still to come.
type mark struct {
	time       int64
	mid2       int64
	spread     int64
	venue      market.VenueID
	instrument market.InstrumentID
	side       market.Side
	added      bool
}

// marks is a queue of fills with one place in it for each horizon.
type marks struct {
	ring  [1024]mark
	head  uint64
	place [len(Horizons)]uint64
	next  int64 // when a markout is due, ns since epoch
}

// add appends m; false when the oldest waits for its last horizon and there is no room.
func (q *marks) add(m mark) bool {
	if q.head-q.place[len(Horizons)-1] == uint64(len(q.ring)) {
		return false
	}
	q.ring[q.head%uint64(len(q.ring))] = m
	q.head++
	q.next = min(q.next, m.time+Horizons[0])
	return true
}

// wait finds out when the next markout is due.
func (q *marks) wait() {
	q.next = math.MaxInt64
	for i, at := range q.place {
		if at < q.head {
			q.next = min(q.next, q.ring[at%uint64(len(q.ring))].time+Horizons[i])
		}
	}
}

// markOut takes the mid of every fill whose horizon has passed, as it stands before the
// running event.
func (c *Core) markOut() {
	q := &c.economics.marks
	for i := range q.place {
		for q.place[i] < q.head {
			m := &q.ring[q.place[i]%uint64(len(q.ring))]
			if m.time+Horizons[i] > c.now {
				break
			}
			q.place[i]++
			c.markOne(m, i)
		}
	}
	q.wait()
}

// toxicHorizon is the horizon that feedback uses: 10 s.
const toxicHorizon = 2

func (c *Core) markOne(m *mark, horizon int) {
	mid2, ok := c.composites[m.instrument].Mid2()
	if !ok {
		return
	}
	s := c.card(m.venue)
	// After a buy the mid that falls was against us: the price could have waited.
	x := -against(m.side, mid2-m.mid2, m.spread)
	s.Markout[horizon].add(x)
	if horizon != toxicHorizon {
		return
	}
	if m.added {
		s.added.add(x)
		c.judgeMarkout(m)
	} else {
		s.taken.add(x)
	}
	c.blendMarkout(m.venue)
}

// Pools are quarantined when what follows their fills costs more than the half-spread
// that they save, over so many fills, or when so many fills in a row were at a midpoint
// outside the touch.
const (
	toxicFills = 64
	toxicCost  = 1500 // thousandths of the half-spread
	staleFills = 3
)

func (c *Core) judgeMarkout(m *mark) {
	s := c.card(m.venue)
	if c.venues[m.venue].Kind == market.Dark && s.added.count >= toxicFills && s.added.value/driftUnit > toxicCost {
		s.added = drift{}
		c.shut(m.instrument, m.venue, RejectDisable, event.ReasonToxic)
	}
}

// scoreMidpoint judges the price of a dark fill: the midpoint lies within the touch.
func (c *Core) scoreMidpoint(ch *Child, price market.Price) {
	m, s := c.composites[ch.Instrument], c.card(ch.Venue)
	if price >= m.Bid.Price && price <= m.Ask.Price {
		s.staleRun = 0
		return
	}
	s.StaleMid++
	if s.staleRun++; s.staleRun == staleFills {
		s.staleRun = 0
		c.shut(ch.Instrument, ch.Venue, RejectDisable, event.ReasonStaleMid)
	}
}
