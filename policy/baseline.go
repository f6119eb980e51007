package policy

import "penstock/market"

// Urgency is how much the static rule presses, from the decision index and the
// parent's gap to its schedule.
type Urgency uint8

// Urgencies.
const (
	Patient Urgency = iota
	Normal
	Pressing
	Closing
	urgencies
)

var urgencyNames = [...]string{"patient", "normal", "pressing", "closing"}

func (u Urgency) String() string {
	if int(u) < len(urgencyNames) {
		return urgencyNames[u]
	}
	return "urgency?"
}

// staticShares are the shares of the static rule in percent. Early in a slice
// there is time for liquidity that costs little to wait for; dealers have a share
// at all times because their size is not displayed elsewhere; at the last
// decision only what trades at once helps.
var staticShares = [urgencies]struct {
	shares [Classes]int64 // dark, sdp, post, take; Σ = 100
	tif    market.TimeInForce
	flags  ActionFlags
}{
	Patient:  {[Classes]int64{40, 10, 50, 0}, market.TIFDay, FlagStatic},
	Normal:   {[Classes]int64{30, 20, 40, 10}, market.TIFDay, FlagStatic},
	Pressing: {[Classes]int64{20, 20, 20, 40}, market.TIFIOC, FlagStatic},
	Closing:  {[Classes]int64{0, 25, 0, 75}, 0, FlagStatic | FlagSweep},
}

var static = func() (rules [urgencies]Action) {
	for u := range rules {
		row := &staticShares[u]
		var shares [Classes]Weight
		for c, percent := range row.shares {
			shares[c] = Weight(percent)
		}
		a := templates[ActionBaseline]
		for c, part := range apportion(int64(Whole), &shares, 100) {
			a.Weights[c] = Weight(part)
		}
		a.Flags, a.DarkTIF = row.flags, row.tif
		if row.tif == market.TIFDay {
			a.MinQtyLots, a.MinQtyShare = meqLots, tenth
		}
		rules[u] = a
	}
	return rules
}()

// Baseline returns the static rule for a state: what BASELINE means, and what is
// done when there is no table or its support is thin. It reads only the decision
// index and the gap. Its DarkTIF and Flags say how the shares are placed.
func Baseline(in *Inputs) Action { return static[UrgencyOf(in)] }

// UrgencyOf returns the urgency of a state: patient at decisions 0 and 1, normal
// at 2 and 3, pressing at 4, closing from 5; one step more when the parent is
// behind its schedule by ¾ of a slice or more, one less when ahead by more.
func UrgencyOf(in *Inputs) Urgency {
	t := defaultSchema[FeatureTime].Bin(in.Decision)
	u := defaultSchema[FeatureGap].Bin(perMille(in.Gap, in.Slice))
	return urgencyOf(t, u)
}

func urgencyOf(timeBin, gapBin uint32) Urgency {
	steps := [...]int{0, 0, 1, 1, 2, 3}
	return Urgency(min(max(steps[timeBin]+int(gapBin)-1, int(Patient)), int(Closing)))
}

// StaticTable returns the table that is compiled in: one page, every cell
// BASELINE, valid always, UUID zero. It is what remains when no file is given or
// a file is refused.
func StaticTable() *Table {
	t := newTable(&defaultSchema, 1)
	cell := encodeCell(ActionBaseline, ActionHold, 0, 0)
	for i := range t.cells {
		t.cells[i] = cell
	}
	t.header.NotAfter = 1<<63 - 1
	t.meta = Meta{Trainer: "compiled-in", Version: "1"}
	return t
}
