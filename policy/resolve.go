package policy

import "penstock/event"

// ActionMask is a set of actions, one bit per action: mostly those that cannot be taken now.
// Its zero value blocks nothing.
type ActionMask uint16

// Blocks reports whether action id is blocked.
func (m ActionMask) Blocks(id uint8) bool { return m>>id&1 != 0 }

// Block returns m with action id blocked.
func (m ActionMask) Block(id uint8) ActionMask { return m | 1<<id }

// MaskWithout returns the actions that need a class which is not available.
// BASELINE adapts itself (Action.Within) and HOLD needs nothing: neither is in it.
func MaskWithout(available ClassSet) ActionMask { return masks[available&AllClasses] }

var masks = func() (m [AllClasses + 1]ActionMask) {
	for available := range m {
		for id := range templates {
			if templates[id].Needs()&^ClassSet(available) != 0 {
				m[available] |= 1 << id
			}
		}
	}
	return m
}()

// Needs returns the classes to which an action gives something.
func (a *Action) Needs() ClassSet {
	w := &a.Weights // each weight's sign when negated: no branch, no loop
	return ClassSet(-int32(w[Dark])>>31&(1<<Dark) | -int32(w[SDP])>>31&(1<<SDP) | -int32(w[Post])>>31&(1<<Post) | -int32(w[Take])>>31&(1<<Take))
}

// Resolve turns what the table says into what is done: the chosen action, else
// its alternative, else BASELINE, else HOLD, which is always possible. A cell
// with thin support counts as BASELINE. flags are those of event.Decision:
// DecisionMasked when the first choice was blocked, DecisionLowSupport when the
// cell is thin, DecisionBaseline when the static rule decides.
func Resolve(cell Cell, mask ActionMask) (action uint8, flags uint8) {
	action, alt := cell.Action, cell.Alt()
	if cell.Thin() {
		flags |= event.DecisionLowSupport
		action, alt = ActionBaseline, ActionBaseline
	}
	if action != ActionHold && mask.Blocks(action) {
		flags |= event.DecisionMasked
		switch {
		case alt == ActionHold || !mask.Blocks(alt):
			action = alt
		case !mask.Blocks(ActionBaseline):
			action = ActionBaseline
		default:
			action = ActionHold
		}
	}
	if action == ActionBaseline {
		flags |= event.DecisionBaseline
	}
	return action, flags
}
