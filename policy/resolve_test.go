package policy

import (
	"testing"

	"penstock/event"
)

func cellOf(action, alt uint8, support uint16) Cell {
	return decodeCell(0, encodeCell(action, alt, 0, support))
}

func TestResolveFallsFromChosenToHold(t *testing.T) {
	const chosen, alt = ActionDarkSDP, ActionTake25
	var none ActionMask
	blocked := none.Block(chosen)
	both := blocked.Block(alt)
	all := ActionMask(1<<Actions - 1)
	cell := cellOf(chosen, alt, 0)
	static := cellOf(ActionBaseline, ActionHold, 0)
	for _, tc := range []struct {
		name  string
		cell  Cell
		mask  ActionMask
		want  uint8
		flags uint8
	}{
		{"free", cell, none, chosen, 0},
		{"another is blocked", cell, none.Block(alt), chosen, 0},
		{"alternative", cell, blocked, alt, event.DecisionMasked},
		{"baseline", cell, both, ActionBaseline, event.DecisionMasked | event.DecisionBaseline},
		{"hold", cell, all, ActionHold, event.DecisionMasked},
		{"table says baseline", static, none, ActionBaseline, event.DecisionBaseline},
		{"baseline blocked", static, none.Block(ActionBaseline), ActionHold, event.DecisionMasked},
		{"hold cannot be blocked", cellOf(ActionHold, ActionHold, 0), all, ActionHold, 0},
		{"thin", cellOf(chosen, alt, cellLowSupport), none, ActionBaseline,
			event.DecisionBaseline | event.DecisionLowSupport},
		{"unseen", cellOf(chosen, alt, cellUnseen), none, ActionBaseline,
			event.DecisionBaseline | event.DecisionLowSupport},
		{"thin and blocked", cellOf(chosen, alt, cellLowSupport), all, ActionHold,
			event.DecisionMasked | event.DecisionLowSupport},
	} {
		got, flags := Resolve(tc.cell, tc.mask)
		if got != tc.want || flags != tc.flags {
			t.Errorf("%s: %s flags %04b, want %s %04b", tc.name, ActionName(got), flags,
				ActionName(tc.want), tc.flags)
		}
	}
}

func TestMaskWithoutBlocksWhatNeedsAClass(t *testing.T) {
	if m := MaskWithout(AllClasses); m != 0 {
		t.Errorf("everything available blocks %012b", m)
	}
	m := MaskWithout(Set(SDP, Post, Take))
	for _, id := range []uint8{ActionDarkRest, ActionDarkSweep, ActionDarkPost, ActionDarkSDP,
		ActionMixUrgent} {
		if !m.Blocks(id) {
			t.Errorf("%s needs a pool", ActionName(id))
		}
	}
	for _, id := range []uint8{ActionBaseline, ActionHold, ActionPostJoin, ActionTakeAll} {
		if m.Blocks(id) {
			t.Errorf("%s needs no pool", ActionName(id))
		}
	}
	if m := MaskWithout(0); m.Blocks(ActionBaseline) || m.Blocks(ActionHold) {
		t.Error("BASELINE and HOLD are never blocked by class")
	}
}

// Whatever is lost, what is done either needs only what is there or adapts.
func TestEveryCellResolvesToSomethingPossible(t *testing.T) {
	table := mustBuild(t)
	for set := range ClassSet(AllClasses + 1) {
		mask := MaskWithout(set)
		for i := range uint32(States) {
			id, _ := Resolve(table.At(0, i), mask)
			if mask.Blocks(id) {
				t.Fatalf("cell %d with classes %04b does %s", i, set, ActionName(id))
			}
		}
	}
}
