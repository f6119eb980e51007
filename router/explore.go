package router

import (
	"fmt"
	"math/bits"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// Exploration lets the policy deviate at random, so that what it does not do can be
// learnt about. It is off unless configured. The core stays deterministic: a draw is a
// hash of Seed and of the parent's number, which carries the epoch of the SessionStart
// event. What was drawn, and how likely, is in the decision record.
//
// At most one decision of a slice deviates when Single is set; the weights of what is
// learnt off-policy are then bounded by one draw, however long the slice. Candidates
// says by page and cell which actions may be drawn: what they may cost was bounded when
// it was made. They are those of one table: another one comes with its own (Offer), and
// the compiled-in one, after a rollback, has none. Parents larger than MaxParentQty are
// left alone.
type Exploration struct {
	RateBps      uint16 // chance of a draw, at the one decision or at each; 0: off
	Single       bool
	Seed         uint64
	Bounded      bool                // only Candidates may be drawn, and without them nothing
	Candidates   []policy.ActionMask // by page and cell: actions that may be drawn; nil: all, if not Bounded
	MaxParentQty market.Qty          // 0: no bound
}

func (x *Exploration) validate() error {
	if x.RateBps > certain {
		return fmt.Errorf("router: exploration rate is %d: at most %d", x.RateBps, certain)
	}
	if n := len(x.Candidates); n%policy.States != 0 || n > policy.MaxPages*policy.States {
		return fmt.Errorf("router: exploration candidates for %d cells: a page has %d", n, policy.States)
	}
	return nil
}

const certain = 10_000 // probability one

// propensity is how likely an action was, and BASELINE, in 1/10000.
type propensity struct{ action, baseline uint16 }

// draw is what chance said about the running decision epoch of a parent.
type draw struct {
	on   bool
	id   uint8
	odds propensity
}

// explore returns what is done instead of action, how likely that was, and the flags
// of the record. A draw is made when the epoch begins and holds until it ends, unless
// it becomes impossible.
func (c *Core) explore(
	p *Parent, page int, cell uint32, action, flags uint8, mask policy.ActionMask, epoch bool,
) (uint8, uint8, propensity) {
	odds := propensity{certain, 0}
	if action == policy.ActionBaseline {
		odds.baseline = certain
	}
	if c.exploration.RateBps == 0 {
		return action, flags, odds
	}
	if epoch {
		p.draw = c.drawAction(p, page, cell, action, mask)
	}
	if !p.draw.on {
		if p.draw.odds.action != 0 {
			odds = p.draw.odds
		}
		return action, flags, odds
	}
	if mask.Blocks(p.draw.id) {
		p.draw = draw{}
		return action, flags, odds
	}
	flags = flags&^event.DecisionBaseline | event.DecisionExplored
	if p.draw.id == policy.ActionBaseline {
		flags |= event.DecisionBaseline
	}
	return p.draw.id, flags, p.draw.odds
}

// drawAction draws for the epoch that begins. With chance ε one of the n possible
// candidates is taken, so the policy's own action has probability 1 − ε + ε/n.
func (c *Core) drawAction(p *Parent, page int, cell uint32, action uint8, mask policy.ActionMask) draw {
	x := &c.exploration
	if x.MaxParentQty > 0 && p.OrderQty > x.MaxParentQty {
		return draw{}
	}
	slice := hash(hash(x.Seed, p.Number), uint64(p.slice))
	if x.Single && int64(slice%decisionsPerSlice) != p.decision {
		return draw{}
	}
	allowed := policy.ActionMask(1<<policy.Actions - 1)
	switch at := page*policy.States + int(cell); {
	case at < len(x.Candidates):
		allowed = x.Candidates[at].Block(action)
	case x.Bounded || x.Candidates != nil:
		return draw{}
	}
	allowed &^= mask
	n := bits.OnesCount16(uint16(allowed))
	if n < 2 {
		return draw{}
	}
	u := hash(slice, uint64(p.decision)+1)
	share := x.RateBps / uint16(n)
	own := certain - share*uint16(n-1)
	of := func(id uint8) uint16 {
		switch {
		case id == action:
			return own
		case allowed.Blocks(id):
			return share
		}
		return 0
	}
	d := draw{id: action, odds: propensity{own, of(policy.ActionBaseline)}}
	at := u >> 32 * certain >> 32
	if at < uint64(share)*uint64(n) {
		d.on = true
		for k := at / uint64(share); ; allowed &= allowed - 1 {
			if d.id = uint8(bits.TrailingZeros16(uint16(allowed))); k == 0 {
				break
			}
			k--
		}
		d.odds.action = of(d.id)
	}
	return d
}

// hash mixes two words (splitmix64; Steele, Lea, Flood 2014).
func hash(a, b uint64) uint64 {
	z := a + (b+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
