package main

import (
	"fmt"
	"math"

	"penstock/event"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/venues/sim"
)

// explainedDecision is one decision in words.
type explainedDecision struct {
	When   string   `json:"when"`
	State  []string `json:"state"`
	Action string   `json:"action"`
	Why    string   `json:"why"`
	Venues []string `json:"venues"`
}

// explainFive picks five decisions that differ: the table's own ones of most confidence,
// one of each action, then what is left.
func explainFive(table *policy.Table, decisions []event.Decision) (list []explainedDecision) {
	seen, taken := map[uint8]bool{}, map[int]bool{}
	for pass, step := range []int{1, 37, 1} {
		for i := 0; i < len(decisions) && len(list) < 5; i += step {
			d := &decisions[i]
			own := !seen[d.Action] && d.Action != policy.ActionBaseline
			if taken[i] || d.Flags&event.DecisionForced != 0 || pass == 0 && !own {
				continue
			}
			seen[d.Action], taken[i] = true, true
			list = append(list, explainOne(table, d))
		}
	}
	return list
}

func explainOne(table *policy.Table, d *event.Decision) explainedDecision {
	e := explainedDecision{
		When:   fmt.Sprintf("slice %d, decision %d, %d shares of the slice left", d.Slice+1, d.Epoch+1, d.Remaining),
		Action: policy.ActionName(d.Action),
	}
	schema := table.Schema()
	for f, bin := range schema.Bins(d.Cell) {
		e.State = append(e.State, fmt.Sprintf("%s %d/%d", schema[f].Name, bin+1, schema[f].Bins))
	}
	cell := table.At(0, d.Cell)
	v, ok := learn.ValuesOf(table, 0, d.Cell)
	a, b := d.Action, policy.ActionBaseline
	switch {
	case d.Flags&event.DecisionMasked != 0:
		e.Why = fmt.Sprintf("%s was not possible (no such venue or quote), so its alternative", policy.ActionName(d.Chosen))
	case cell.Thin():
		e.Why = "too few such states in training: BASELINE"
	case ok && !math.IsNaN(float64(v.Q[a])) && !math.IsNaN(float64(v.Q[b])):
		e.Why = fmt.Sprintf("expected %.2f ± %.2f bps of the slice against BASELINE's %.2f ± %.2f; %d visits of this cell and action; confidence %d of 7; "+
			"what matters most here: %s, %s", v.Q[a], v.SE[a], v.Q[b], v.SE[b], v.Visits[a], cell.Confidence(),
			schema[v.Features[0]].Name, schema[v.Features[1]].Name)
	default:
		e.Why = fmt.Sprintf("confidence %d of 7; the table carries no values", cell.Confidence())
	}
	for v, share := range d.Venues[:d.VenueCount] {
		if share.Qty > 0 {
			e.Venues = append(e.Venues, fmt.Sprintf("%s: %d %s", venueName(v), share.Qty, share.Tactic))
		}
	}
	return e
}

// stockVenues are the venues of the simulated stock, for their names.
var stockVenues = func() []sim.StockVenue {
	r := sim.NominalRegime()
	return sim.StockVenues(&r)
}()

func venueName(v int) string {
	if v < len(stockVenues) {
		return stockVenues[v].Name
	}
	return fmt.Sprintf("venue %d", v)
}
