package router

import (
	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// economics is what the core knows of its venues: the parameter set in force, what was
// seen since, and both together, which is what decisions read.
type economics struct {
	set    policy.Params // in force, as it came
	now    policy.Params // the same, moved towards what was seen
	stage  paramStage
	pools  [market.MaxVenues]poolCounts
	scores [market.MaxVenues]Score
	marks  marks
	missed drift // how far the mid ran away from posts that did not fill
}

// paramStage collects the parts of the next parameter set.
type paramStage struct {
	id, sum uint64
	have    [policy.Parts]bool
	count   int
	bytes   policy.ParamsBytes
}

// onParams takes one part of a parameter set. The set is in force, for everything at
// once, when its last part is there and its checksum and values hold; otherwise the one
// before stays and a person is told.
func (c *Core) onParams(e *event.Event) {
	s := &c.economics.stage
	if e.Ref != s.id || uint64(e.Price) != s.sum {
		s.id, s.sum, s.count, s.have = e.Ref, uint64(e.Price), 0, [policy.Parts]bool{}
	}
	if e.Ref == 0 || e.Qty < 0 || e.Qty >= policy.Parts {
		c.refuseParams()
		return
	}
	i := int(e.Qty)
	if !s.have[i] {
		s.have[i] = true
		s.count++
	}
	copy(s.bytes.Part(i), e.Part())
	if s.count < policy.Parts {
		return
	}
	s.count, s.have = 0, [policy.Parts]bool{}
	// now is overwritten by adopt; until then it is room for a set that may be refused.
	if s.bytes.Sum() != s.sum || s.bytes.DecodeInto(&c.economics.now, s.id) != nil {
		c.refuseParams()
		c.blend()
		return
	}
	c.adopt(&c.economics.now)
	c.Counters.ParamSets++
}

func (c *Core) refuseParams() {
	c.Counters.BadParams++
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	cmd.Venue, cmd.Instrument, cmd.Reason = market.NoVenue, market.NoInstrument, event.ReasonBadParams
}

// adopt puts a set in force. Fees that it knows are those of the venues from now on.
func (c *Core) adopt(set *policy.Params) {
	c.economics.set = *set
	c.takeFees()
	c.blend()
}

// takeFees makes the fees of the set in force those of the venues, and the configured ones
// where it knows none.
func (c *Core) takeFees() {
	for v := range c.venues {
		c.venues[v].TakeFee, c.venues[v].MakeFee = c.fees[v][0], c.fees[v][1]
		if p := &c.economics.set.Venues[v]; p.Known&policy.KnownFees != 0 {
			c.venues[v].TakeFee, c.venues[v].MakeFee = p.TakeFee, p.MakeFee
		}
		c.takes[v] = c.venues[v].TakeFee
	}
	c.forgetOpenings()
}

// blend computes again what decisions read from the set and from what was seen.
func (c *Core) blend() {
	c.economics.now = c.economics.set
	if c.tactics.Off&OffFeedback != 0 {
		return
	}
	c.economics.now.NoFill = uint16(min(max(c.economics.missed.towards(int32(c.economics.set.NoFill)), 0), noFillMost))
	for v := range c.venues {
		id := market.VenueID(v)
		for b := range policy.DarkBuckets {
			c.blendTail(id, b)
		}
		c.blendMarkout(id)
		c.blendRejects(id)
		c.blendFills(id)
		c.blendLatency(id)
	}
}

// Params returns the parameter set that decisions read, for reading on the core's own
// thread: the one in force moved towards what was seen since.
func (c *Core) Params() *policy.Params { return &c.economics.now }

// ParamsID returns the number of the parameter set in force, 0 for the compiled-in one.
func (c *Core) ParamsID() uint64 { return c.economics.set.ID }

// ParamEvents returns the events that bring set p, which has a number other than 0, into
// a core.
func ParamEvents(p *policy.Params) []event.Event {
	bytes := p.Encode()
	events, sum := make([]event.Event, policy.Parts), market.Price(bytes.Sum())
	for i := range events {
		e := &events[i]
		e.Kind, e.Ref, e.Venue, e.Instrument = event.VenueParams, p.ID, market.NoVenue, market.NoInstrument
		e.Qty, e.Price = market.Qty(i), sum
		copy(e.Part(), bytes.Part(i))
	}
	return events
}

const _ = uint(event.PartBytes-policy.PartBytes) + uint(policy.PartBytes-event.PartBytes) // they are the same
