package policy

// Monotonicity counts pairs of neighbouring cells that differ by one bin in one
// feature, and those where the later or fuller one is less aggressive.
type Monotonicity struct {
	TimePairs, TimeViolations           int
	InventoryPairs, InventoryViolations int
	FirstViolation                      uint32 // cell index, when there is one
}

// Holds reports whether at least 95 % of the pairs of each feature are in order:
// the less time and the more quantity is left, the more an optimal execution
// presses. A table far from that has learnt noise.
func (m *Monotonicity) Holds() bool {
	return m.TimeViolations*20 <= m.TimePairs && m.InventoryViolations*20 <= m.InventoryPairs
}

// AuditMonotonicity checks a page of t, comparing actions by Aggressiveness;
// BASELINE counts with the weights it has in its cell.
func AuditMonotonicity(t *Table, page int) (m Monotonicity) {
	for index := uint32(0); index < States; index++ {
		here := t.aggressiveness(page, index)
		bins := t.schema.Bins(index)
		for _, f := range [...]int{FeatureTime, FeatureInventory} {
			feature := &t.schema[f]
			if bins[f]+1 == feature.Bins {
				continue
			}
			bad := 0
			if t.aggressiveness(page, index+feature.Stride) < here {
				bad = 1
				if m.TimeViolations+m.InventoryViolations == 0 {
					m.FirstViolation = index
				}
			}
			if f == FeatureTime {
				m.TimePairs++
				m.TimeViolations += bad
			} else {
				m.InventoryPairs++
				m.InventoryViolations += bad
			}
		}
	}
	return m
}

func (t *Table) aggressiveness(page int, index uint32) int {
	a := templates[t.At(page, index).Action]
	if a.ID == ActionBaseline {
		bins := t.schema.Bins(index)
		a = static[urgencyOf(bins[FeatureTime], bins[FeatureGap])]
	}
	return a.Aggressiveness()
}
