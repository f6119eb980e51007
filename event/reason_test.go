package event

import "testing"

// A table by reason has a place for each: one that has none would end the core at the first such
// refusal.
func TestReasonCountIsAboveEveryReason(t *testing.T) {
	highest := ReasonNone
	for r := range reasonTexts {
		highest = max(highest, r)
	}
	if int(highest) != ReasonCount-1 {
		t.Errorf("the highest reason is %d, ReasonCount is %d", highest, ReasonCount)
	}
}
