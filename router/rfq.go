package router

import (
	"math"
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// A request for a quote commits nothing: the shares stay with the parent until the order on
// a quote reserves them. A parent has one round of requests at a time, to few dealers, because
// each that is asked knows what somebody wants. While a round is open nothing else of the
// parent is sent, so that a quote finds the shares that it was asked for. The round ends when
// all have answered, when the first quote is about to expire, or when its time is over: then
// the best quote is dealt on, or none, and the others die by themselves; a dealer that wants to
// know it is told so.

const (
	// maxRequests is how many requests may be open at once.
	maxRequests = 64
	// maxAsked is how many dealers are asked in a round.
	maxAsked = 2
)

// request is one that is open.
type request struct {
	number uint64 // QuoteReqID(131)
	parent int32
	venue  market.VenueID
	state  requestState
	qty    market.Qty // asked for
	until  int64      // ns since epoch: when its round ends
	valid  int64      // ns since epoch: when it is too late to deal on the quote
	id     event.ID   // of the quote
	price  market.Price
	size   market.Qty
}

type requestState uint8

const (
	requestOpen requestState = iota
	requestQuoted
	requestRefused
)

// requests are the open ones in the order in which they were made.
type requests struct {
	list  [maxRequests]request
	count int
	next  int64                   // when the first round ends; math.MaxInt64: none
	asked [market.MaxVenues]int64 // when each dealer was asked last, ns since epoch
}

func (r *requests) wait() {
	r.next = math.MaxInt64
	for i := range r.list[:r.count] {
		r.next = min(r.next, r.list[i].until)
	}
}

// drop forgets the round of a parent.
func (r *requests) drop(parent int32) {
	kept := 0
	for i := range r.list[:r.count] {
		if r.list[i].parent != parent {
			r.list[kept] = r.list[i]
			kept++
		}
	}
	clear(r.list[kept:r.count])
	r.count = kept
	r.wait()
}

// askQuotes asks dealers for a quote for want of p where that is expected to cost less than
// the quotes that they stream and the lit books together. It returns whether it did.
func (c *Core) askQuotes(p *Parent, want market.Qty) bool {
	if c.tactics.Off&OffSDP != 0 || c.tactics.Rule != RuleBrain || want <= 0 {
		return false
	}
	want = min(want, c.gate.ChildMaxQty(p.Instrument)).FloorTo(c.instruments[p.Instrument].Lot)
	var found [maxAsked]struct {
		venue market.VenueID
		net   int64
	}
	n := 0
	for set := c.listed[p.Instrument].kinds[market.SDP] & c.usable(p); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set) & (market.MaxVenues - 1)
		at := &c.venues[v].RFQ
		if !at.Asked() || want < at.MinQty || c.requests.asked[v] != 0 && c.now-c.requests.asked[v] < at.PauseNanos {
			continue
		}
		net := c.hitTerms(p, v, c.expectedQuote(p, v)).Net
		i := n
		for i > 0 && net < found[i-1].net {
			i--
		}
		if i < maxAsked {
			n = min(n+1, maxAsked)
			copy(found[i+1:n], found[i:n-1])
			found[i].venue, found[i].net = market.VenueID(v), net
		}
	}
	if n == 0 || c.requests.count+n > maxRequests {
		return false
	}
	worth, asked := c.streamed(p, want), 0
	for i := range found[:n] {
		// Each that is asked may act on it, whether or not it is dealt with.
		leak := c.situation.Half * int64(c.economics.now.Venues[found[i].venue].Leakage) / 1000 * int64(i+1)
		if found[i].net+leak >= worth {
			break
		}
		c.askQuote(p, found[i].venue, want)
		asked++
	}
	return asked > 0
}

// expectedQuote is the price that a dealer is expected to give when it is asked, by what its
// answers were against the mid: with none known, the far touch.
func (c *Core) expectedQuote(p *Parent, v int) market.Price {
	mid2, _ := c.composites[p.Instrument].Mid2()
	away := c.situation.Half * int64(c.card(market.VenueID(v)).asked.towards(1000)) / 1000
	return market.Price((mid2*500 + p.Side.Sign()*away) / 1000)
}

// streamed is what a lot of want is expected to cost without asking, in thousandths of an
// increment against the mid: the best streamed quote for what it holds, and the lit books.
func (c *Core) streamed(p *Parent, want market.Qty) int64 {
	lit := c.situation.Half*c.sweepCost(p, want)/1000 + (c.crossing - c.situation.Half)
	if !c.dealt || c.hit >= lit {
		return lit
	}
	_, size, _ := c.quoteOf(p, c.dealer)
	return lit - mulDiv(lit-c.hit, int64(min(size, want)), int64(want))
}

func (c *Core) askQuote(p *Parent, v market.VenueID, qty market.Qty) {
	r := &c.requests.list[c.requests.count]
	c.requests.count++
	*r = request{number: c.requestNumber(), parent: slotIn(p.Number), venue: v, qty: qty,
		until: c.now + c.venues[v].RFQ.WindowNanos}
	c.requests.asked[v] = c.now
	c.requests.wait()
	c.card(v).Asked++
	c.Counters.Asked++
	share := &c.scratch.shares[v]
	share.Tactic, share.Why = event.TacticRequest, event.WhyAsked
	share.Score = clamp32(improvement(&c.terms[0][v]))
	cmd := c.command(event.AskQuote)
	cmd.Ref, cmd.Parent, cmd.Venue, cmd.Instrument, cmd.Side, cmd.Qty = r.number, p.Number, v, p.Instrument, p.Side, qty
}

// onQuoteAnswer takes the answer to a request. A second quote replaces the first.
func (c *Core) onQuoteAnswer(e *event.Event) {
	for i := range c.requests.list[:c.requests.count] {
		r := &c.requests.list[i]
		if r.number != e.Ref || r.venue != e.Venue {
			continue
		}
		p := &c.parents[r.parent]
		r.price, r.size = e.LastPx, e.LastQty
		if p.Side == market.Sell {
			r.price, r.size = e.Price, e.Qty
		}
		r.id, r.state, r.valid = e.ID, requestQuoted, math.MaxInt64
		if e.Until != 0 {
			r.valid = e.Until - c.tactics.QuoteNanos // it has to get there
		}
		if e.Code == event.QuoteRefused || e.Flags&event.PossDup != 0 || e.Instrument != p.Instrument || r.price <= 0 || r.size <= 0 || r.valid <= c.now {
			r.state = requestRefused
		} else {
			c.card(r.venue).Quoted++
			if half2 := int64(c.composites[p.Instrument].Spread()); half2 > 0 {
				mid2, _ := c.composites[p.Instrument].Mid2()
				c.card(r.venue).asked.add(against(p.Side, 2*int64(r.price)-mid2, half2))
			}
			r.until = min(r.until, r.valid-1)
			c.requests.wait()
		}
		c.work(p, false)
		return
	}
	c.Counters.Unasked++
}

// inRound reports whether p waits for quotes; it ends the round that can be ended.
func (c *Core) inRound(p *Parent) (waiting bool) {
	slot, open, due, any := slotIn(p.Number), false, false, false
	for i := range c.requests.list[:c.requests.count] {
		if r := &c.requests.list[i]; r.parent == slot {
			any = true
			open = open || r.state == requestOpen
			due = due || r.until <= c.now
		}
	}
	switch {
	case !any:
		return false
	case open && !due && p.phase == phaseWorking && c.now < p.end:
		return true
	}
	c.deal(p)
	return false
}

// deal ends the round of p: the best of its quotes is dealt on if it costs less than what
// could be had without it now.
func (c *Core) deal(p *Parent) {
	slot, best, least := slotIn(p.Number), request{}, int64(0)
	c.scratch = allocation{}
	c.weigh(p)
	bound, ok := c.bound(p)
	for i := range c.requests.list[:c.requests.count] {
		r := &c.requests.list[i]
		if r.parent != slot || r.state != requestQuoted {
			continue
		}
		share := &c.scratch.shares[r.venue]
		switch share.Why = c.blocked(p, r.venue); {
		case share.Why != event.WhyFilled:
			continue
		case r.valid <= c.now: // the clock, or the process, was late
			share.Why = event.WhyQuoteDead
			continue
		case !ok || p.Side.Better(bound, r.price):
			share.Why = event.WhyOutsideLim
			continue
		}
		net := c.hitTerms(p, int(r.venue), r.price).Net
		share.Why = event.WhyWorse
		if best.number == 0 || net < least {
			best, least = *r, net
		}
	}
	if best.number == 0 {
		c.Counters.QuotesPassed++
		c.endRound(slot, 0)
		return
	}
	qty := min(best.qty, best.size, c.dealRoom(p))
	share := &c.scratch.shares[best.venue]
	placed := market.Qty(0)
	if lot := c.instruments[p.Instrument].Lot; qty < lot {
		share.Why = event.WhyNoSize
	} else if least >= c.streamed(p, qty) {
		share.Why = event.WhyDear
	} else {
		share.Why = event.WhyFilled
		placed = c.place(p, &placement{venue: best.venue, tactic: event.TacticRequest, qty: qty, price: best.price, quote: best.id, score: -least})
	}
	if placed == 0 {
		c.Counters.QuotesPassed++
		best.number = 0
	}
	c.endRound(slot, best.number)
	d := c.record(p, qty)
	d.Action, d.Chosen, d.Flags = policy.ActionSDPProbePost, policy.ActionSDPProbePost, event.DecisionForced
	c.tell(d)
}

// endRound forgets the round of a parent. dealt is the request whose quote is dealt on, 0: none
// is. The dealers of the other quotes are told, where they want it.
func (c *Core) endRound(slot int32, dealt uint64) {
	for i := range c.requests.list[:c.requests.count] {
		r := &c.requests.list[i]
		if r.parent != slot || r.state != requestQuoted || r.number == dealt || !c.venues[r.venue].RFQ.Respond {
			continue
		}
		p := &c.parents[slot]
		cmd := c.command(event.PassQuote)
		cmd.Ref, cmd.Parent, cmd.Venue, cmd.Instrument, cmd.Side, cmd.Qty, cmd.ID = r.number, p.Number, r.venue, p.Instrument, p.Side, r.qty, r.id
		if r.valid <= c.now {
			cmd.Reason = event.ReasonQuoteExpired
		}
	}
	c.requests.drop(slot)
}

// dealRoom returns what of p an order on a quote may take now.
func (c *Core) dealRoom(p *Parent) market.Qty {
	return min(c.target(p)-p.Cum-p.Reserved, c.room(p))
}

// endRounds ends the rounds whose time is over. Of a parent that may send nothing now, the
// quotes are left to die.
func (c *Core) endRounds() {
	for i := 0; i < c.requests.count; {
		r := &c.requests.list[i]
		if r.until > c.now {
			i++
			continue
		}
		slot := r.parent
		p := &c.parents[slot]
		if c.mayWork(p) && p.phase == phaseWorking && c.composites[p.Instrument].Partial == 0 {
			c.deal(p)
			c.work(p, false)
		} else {
			c.Counters.QuotesPassed++
			c.endRound(slot, 0)
		}
		i = 0
	}
}

// loseRequests forgets what was asked of a venue whose session is gone: its answer will not
// come, or come too late.
func (c *Core) loseRequests(v market.VenueID) {
	for i := range c.requests.list[:c.requests.count] {
		if r := &c.requests.list[i]; r.venue == v {
			r.state, r.until = requestRefused, c.now
		}
	}
	c.requests.wait()
}

// Requests returns how many requests for quotes are open, for reading on the core's own
// thread.
func (c *Core) Requests() int { return c.requests.count }
