package router

import (
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// berth is a venue where a posted order may rest.
type berth struct {
	venue  int
	net    int64
	weight int64
	bucket uint8
}

// post spreads quantity over the lit venues where resting is expected to cost least, in
// the shares of the parameter set's split. What a dealer left of a probe is posted too.
func (c *Core) post(p *Parent, a *policy.Action, have resting, sdp, post, free market.Qty) {
	if a.Flags&policy.FlagSDPThen != 0 && p.tried&triedQuote != 0 && !have.quote {
		post += sdp
	}
	want := min(post-have.post, free)
	lot := c.instruments[p.Instrument].Lot
	if want < lot {
		return
	}
	price, ok := c.postPrice(p, a)
	if !ok {
		return
	}
	var berths [market.MaxVenues]berth
	n := c.berths(p, price, want, &berths)
	if n == 0 {
		return
	}
	weights := int64(0)
	for i := range berths[:n] {
		weights += berths[i].weight
	}
	// The posts compete: the split may book more than is wanted. What is too much is
	// cancelled when some of it fills; all of it stays within what the parent may send.
	if weights > policy.One {
		more := market.Qty(mulDiv(int64(want), min(weights, policy.One*overbook/100)-policy.One, policy.One))
		if more = min(more, c.room(p)-want).FloorTo(lot); more > 0 {
			want += more
			p.overbooked = true
		}
	}
	room := c.mayShow(p)
	for i := range berths[:n] {
		b := &berths[i]
		qty, show := want, room
		if i < n-1 {
			qty = roundTo(mulDiv(int64(want), b.weight, weights), lot)
			if p.terms.Display != 0 {
				show = roundTo(mulDiv(int64(room), b.weight, weights), lot)
			}
		}
		weights -= b.weight
		c.scratch.shares[b.venue].Why = event.WhyFilled
		pl := placement{venue: market.VenueID(b.venue), tactic: event.TacticPost, qty: min(qty, want), price: price,
			score: -b.net, bucket: b.bucket, show: show}
		want -= c.place(p, &pl)
		if p.terms.Display != 0 {
			room = c.mayShow(p)
		}
	}
}

// overbook bounds what is posted, in percent of what is wanted.
const overbook = 125

// mayPost returns how much may rest in lit books where post is wanted.
func (c *Core) mayPost(p *Parent, post market.Qty) market.Qty {
	if p.overbooked {
		return post + post/100*(overbook-100)
	}
	return post
}

func roundTo(qty int64, lot market.Qty) market.Qty { return (market.Qty(qty) + lot/2).FloorTo(lot) }

// unbook cancels posts of an overbooked parent once they are more than the slice can take,
// the youngest first: they stand last in their queues.
func (c *Core) unbook(p *Parent, remaining market.Qty, epoch bool) {
	if !p.overbooked || epoch {
		return // an epoch trims what rests to its shares
	}
	excess := c.resting(p).post - max(remaining, 0)
	if excess <= max(remaining, 0)*(overbook-100)/100 {
		return
	}
	p.overbooked = false
	c.Counters.Unbooked++
	for s := p.first; s != none && excess > 0; s = c.children[s].next {
		if ch := &c.children[s]; ch.Tactic == event.TacticPost && !ch.canceling {
			excess -= ch.reserved()
			c.cancel(ch)
		}
	}
}

// berths finds the best venues for posts of p at price, at most MaxPostings, best first.
func (c *Core) berths(p *Parent, price market.Price, want market.Qty, found *[market.MaxVenues]berth) (n int) {
	m, now := c.composites[p.Instrument], &c.economics.now
	depth := m.Touch(p.Side).Qty
	lean := p.Side.Sign() * m.Imbalance()
	cell, place := policy.SplitCell(want, depth, lean), policy.FillsAt(depth, lean)
	at := c.atMilli(p, price)
	for set := m.LiveLit() & c.usable(p); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		if p.terms.Display != 0 && c.shows(p, market.VenueID(v)) {
			c.scratch.shares[v].Why = event.WhyShown
			continue
		}
		ladder := m.Books[v].Ladder(p.Side)
		ahead, ok := ladder.Best()
		if !ok || ahead.Price != price {
			ahead.Qty = ladder.Qty(price)
		}
		bucket := place.Bucket(ahead.Qty)
		t := c.appraise(v, policy.WayPost, at, c.makeFee(v).AtMilli(price), now.Venues[v].Fill[bucket])
		if share := &c.scratch.shares[v]; share.Qty == 0 {
			share.Why = event.WhyWorse
		}
		b := berth{v, t.Net, int64(now.Venues[v].SplitPost[cell]), uint8(bucket)}
		i := n
		for i > 0 && b.net < found[i-1].net {
			i--
		}
		if i >= c.tactics.MaxPostings {
			continue
		}
		n = min(n+1, c.tactics.MaxPostings)
		copy(found[i+1:n], found[i:n-1])
		found[i] = b
	}
	for i := range found[:n] {
		found[i].weight = max(found[i].weight, 1)
	}
	return n
}

// postPrice is the near touch, one tick inside where the action improves and the
// spread leaves room, never beyond the limit and never at the far touch.
func (c *Core) postPrice(p *Parent, a *policy.Action) (price market.Price, ok bool) {
	m := c.composites[p.Instrument]
	near, far := m.Touch(p.Side), m.Touch(p.Side.Contra())
	if !near.OK || !far.OK {
		return 0, false
	}
	tick := c.instruments[p.Instrument].Tick
	step := market.Price(p.Side.Sign()) * tick
	price = near.Price
	if a.Flags&policy.FlagImprove != 0 && m.Spread() >= 2*tick {
		price += step
	}
	if !p.Side.Better(price, far.Price) {
		price = far.Price - step
	}
	if p.Limit != 0 && p.Side.Better(p.Limit, price) {
		price = p.Limit
	}
	if p.Side == market.Buy {
		return price.FloorTo(tick), price > 0
	}
	return price.CeilTo(tick), true
}

// worthMoving reports whether a posted child that the touch has left behind is better
// posted anew, by the expected net cost of both. Its place in the queue is worth something:
// an order that is first stays behind a little that is better.
func (c *Core) worthMoving(p *Parent, ch *Child) bool {
	m := c.composites[p.Instrument]
	own := m.Touch(p.Side)
	b := m.Books[ch.Venue]
	if !b.Live() {
		return true
	}
	q, ok := c.Queue(ch)
	if !ok {
		return true
	}
	front := q.Expected + 2*own.Qty // what is better goes first, wherever it stands, and more will join it
	now := &c.economics.now
	lean := p.Side.Sign() * m.Imbalance()
	fee := c.makeFee(int(ch.Venue)).AtMilli(ch.Price)
	depth := max(front, b.Ladder(p.Side).Qty(ch.Price), m.Touch(p.Side.Contra()).Qty, 1)
	stayFill := now.Venues[ch.Venue].Fill[policy.FillBucket(front, depth, lean)]
	joinFill := now.Venues[ch.Venue].Fill[policy.FillBucket(own.Qty, depth, lean)]
	stay := *c.appraise(int(ch.Venue), policy.WayPost, c.atMilli(p, ch.Price), fee, stayFill)
	join := c.appraise(int(ch.Venue), policy.WayPost, c.atMilli(p, own.Price), fee, joinFill)
	return join.Net < stay.Net
}

// fitted divides what the static rule would post and take by the split that was fitted to the
// outflow of the queues, where the parameter set in force knows one for a venue of the instrument.
func (c *Core) fitted(p *Parent, post, take *market.Qty) {
	m, set := c.composites[p.Instrument], &c.economics.set
	lit, known := m.LiveLit(), false
	for ; lit != 0; lit &= lit - 1 {
		known = known || set.Venues[bits.TrailingZeros16(lit)&(market.MaxVenues-1)].Known&policy.KnownSplit != 0
	}
	both := *post + *take
	if !known || both <= 0 || c.tactics.Off&OffPost != 0 {
		return
	}
	cell := policy.SplitCell(both, m.Touch(p.Side).Qty, p.Side.Sign()*m.Imbalance())
	share := market.Qty(mulDiv(int64(both), int64(set.SplitTake[cell]), policy.One))
	*take = roundTo(int64(share), c.instruments[p.Instrument].Lot)
	*take = min(*take, both)
	*post = both - *take
}
