package router

import (
	"fmt"
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// Rule is who decides where a slice goes: the brain, or one of the simple routers that it
// has to be better than.
type Rule uint8

// Rules. All of them keep the schedule, the limit, the gate and the ledger.
const (
	RuleBrain     Rule = iota
	RuleBestPrice      // at each decision, sweep lit books and quotes by displayed price
	RuleBestNet        // the same by what it is expected to cost: with fees, markouts and last looks
	RuleLitOnly        // the brain, without pools and dealers
	RuleProRata        // at each decision, cross on all lit venues in proportion to what they show
	RuleRandom         // at each decision, all to one venue of any kind, at random
	RuleMarket         // when a slice begins, all of it at market on the lit venue that shows most
	rules
)

var ruleNames = [rules]string{"brain", "best-price", "best-net", "lit-only", "pro-rata", "random", "twap-market"}

func (r Rule) String() string {
	if r < rules {
		return ruleNames[r]
	}
	return "rule?"
}

// ParseRule is the inverse of Rule.String.
func ParseRule(s string) (Rule, error) {
	for r, name := range ruleNames {
		if s == name {
			return Rule(r), nil
		}
	}
	return 0, fmt.Errorf("rule %q is not one of %v", s, ruleNames)
}

// Rules returns all rules, the brain first.
func Rules() []Rule {
	all := make([]Rule, rules)
	for r := range all {
		all[r] = Rule(r)
	}
	return all
}

// switches are the parts of the brain by name.
var switchNames = [...]string{"dark", "sdp", "post", "fees", "feedback"}

func (s Switches) String() string {
	for i, name := range switchNames {
		if s == 1<<i {
			return "no-" + name
		}
	}
	return fmt.Sprintf("off %#x", uint8(s))
}

// AllSwitches returns each switch by itself.
func AllSwitches() []Switches { return []Switches{OffDark, OffSDP, OffPost, OffFees, OffFeedback} }

// decideByRule is decide for the simple routers.
func (c *Core) decideByRule(p *Parent, remaining, free market.Qty, epoch bool) {
	if free <= 0 || p.tried&triedTake != 0 {
		return
	}
	c.scratch = allocation{}
	c.weigh(p)
	c.walk.start(p.Side)
	switch c.tactics.Rule {
	case RuleBestPrice, RuleBestNet:
		c.sweep(p, free, true)
	case RuleProRata:
		c.proRata(p, free)
	case RuleRandom:
		if epoch {
			c.oneAtRandom(p, free)
		}
	case RuleMarket:
		if p.decision == 0 && epoch {
			c.atMarket(p, free)
		}
	}
	if c.scratch.placed > 0 {
		p.tried |= triedTake
	}
	if epoch || c.scratch.placed > 0 {
		d := c.record(p, remaining)
		d.Action, d.Chosen, d.Flags = policy.ActionTakeAll, policy.ActionTakeAll, event.DecisionForced
		c.tell(d)
	}
}

// proRata crosses at the venues that are at the far touch or show a best level within the
// bound, each with its part of all that they show there.
func (c *Core) proRata(p *Parent, free market.Qty) {
	m := c.composites[p.Instrument]
	bound, ok := c.bound(p)
	if !ok {
		return
	}
	lot := c.instruments[p.Instrument].Lot
	var best [market.MaxVenues]struct {
		price market.Price
		qty   market.Qty
	}
	shown := market.Qty(0)
	for set := m.LiveLit(); set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set)
		l, ok := m.Books[v].Ladder(p.Side.Contra()).Best()
		if !ok || c.blocked(p, market.VenueID(v)) != event.WhyFilled || p.Side.Better(bound, l.Price) {
			continue
		}
		best[v].price, best[v].qty = l.Price, l.Qty
		shown += l.Qty
	}
	for v := range best {
		if q := best[v].qty; q > 0 {
			qty := min(market.Qty(mulDiv(int64(q), int64(min(free, shown)), int64(shown))), q).FloorTo(lot)
			c.place(p, &placement{venue: market.VenueID(v), tactic: event.TacticTake, qty: qty, price: best[v].price})
		}
	}
}

// oneAtRandom sends everything to one venue; the draw depends on the parent and its
// decision alone.
func (c *Core) oneAtRandom(p *Parent, free market.Qty) {
	m := c.composites[p.Instrument]
	bound, ok := c.bound(p)
	var usable []market.VenueID
	for v := range c.venues {
		id := market.VenueID(v)
		if off := c.tactics.Off; off&OffDark != 0 && m.Kind(id) == market.Dark || off&OffSDP != 0 && m.Kind(id) == market.SDP {
			continue
		}
		if ok && m.Books[v] != nil && c.blocked(p, id) == event.WhyFilled && (m.Kind(id) == market.Dark || m.Books[v].Live()) {
			usable = append(usable, id)
		}
	}
	if len(usable) == 0 {
		return
	}
	x := (p.Number + 1) * 0x9e3779b97f4a7c15
	x = (x ^ uint64(p.slice*decisionsPerSlice+p.decision)) * 0xbf58476d1ce4e5b9
	id := usable[(x^x>>31)%uint64(len(usable))]
	pl := placement{venue: id, tactic: event.TacticTake, qty: free, price: bound}
	switch m.Kind(id) {
	case market.Dark:
		pl.tactic = event.TacticPing
	case market.SDP:
		price, qty, ok := c.quoteOf(p, id)
		if !ok {
			return
		}
		pl.tactic, pl.price, pl.qty, pl.quote = event.TacticQuote, price, min(free, qty), m.Books[id].Quote.ID
	}
	c.place(p, &pl)
}

// atMarket sends everything to the lit venue that shows most, at any price within the bound.
func (c *Core) atMarket(p *Parent, free market.Qty) {
	m := c.composites[p.Instrument]
	bound, ok := c.bound(p)
	best, most := market.NoVenue, market.Qty(0)
	for set := m.LiveLit(); set != 0 && ok; set &= set - 1 {
		v := market.VenueID(bits.TrailingZeros16(set))
		if l, shows := m.Books[v].Ladder(p.Side.Contra()).Best(); shows && l.Qty > most && c.blocked(p, v) == event.WhyFilled {
			best, most = v, l.Qty
		}
	}
	if best != market.NoVenue {
		c.place(p, &placement{venue: best, tactic: event.TacticTake, qty: free, price: bound})
	}
}
