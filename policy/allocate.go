package policy

import "penstock/market"

// Split shares the remainder of a slice over the classes of an action: what each
// weight earns in whole lots, the lots lost to rounding going to the largest
// remainders (ties in class order). The sum never exceeds remaining, nor
// remaining × Multiple; with weights that sum to Whole all whole lots are
// placed. The part below one lot stays unplaced. lot must be positive.
func Split(a *Action, remaining, lot market.Qty) (dark, sdp, post, take market.Qty) {
	if remaining <= 0 {
		return 0, 0, 0, 0
	}
	limit := remaining
	if a.Multiple < once {
		m := market.Qty(a.Multiple)
		limit = remaining/once*m + remaining%once*m/once
	}
	if a.Weights[Take] == Whole { // then the others have none
		return 0, 0, 0, limit.FloorTo(lot)
	}
	n := apportion(int64(limit/lot), &a.Weights, int64(Whole))
	q := func(c Class) market.Qty { return market.Qty(n[c]) * lot }
	return q(Dark), q(SDP), q(Post), q(Take)
}

// apportion gives each class n × weight / den, rounded down, and hands out what
// that loses against n × Σweights / den by largest remainder. It needs
// 0 ≤ Σweights and den ≤ Whole; dividing n first keeps every product in range.
func apportion(n int64, weights *[Classes]Weight, den int64) (parts [Classes]int64) {
	whole, rest := n/den, n%den
	var remainders [Classes]int64
	sum, given := int64(0), int64(0)
	for c, weight := range weights {
		w := int64(weight)
		sum += w
		switch w {
		case 0:
			continue
		case den:
			parts[c] = n
			given += n
			continue
		}
		part := rest * w / den
		parts[c] = whole*w + part
		remainders[c] = rest*w - part*den
		given += parts[c]
	}
	for left := whole*sum + rest*sum/den - given; left > 0; left-- {
		best := Dark
		for c := SDP; c < Classes; c++ {
			if remainders[c] > remainders[best] {
				best = c
			}
		}
		parts[best]++
		remainders[best] = -1
	}
	return parts
}

// ClassSet is a set of classes.
type ClassSet uint8

// AllClasses holds every class.
const AllClasses ClassSet = 1<<Classes - 1

// Set returns the set of the given classes.
func Set(classes ...Class) (s ClassSet) {
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s ClassSet) Has(c Class) bool { return s>>c&1 != 0 }

// Within returns a with its weights moved away from the classes that are not
// available. They go to the available ones among dark, SDP and post, in
// proportion to their weights: losing a pool must not make a patient action
// cross the spread. Where there is none they go to take if a sweeps, and are
// otherwise dropped: that quantity stays unplaced.
func (a Action) Within(available ClassSet) Action {
	lost, sum := int64(0), int64(0)
	var heirs [Classes]Weight
	for c := Dark; c < Classes; c++ {
		switch {
		case !available.Has(c):
			lost += int64(a.Weights[c])
			a.Weights[c] = 0
		case c != Take:
			heirs[c] = a.Weights[c]
			sum += int64(a.Weights[c])
		}
	}
	if lost == 0 {
		return a
	}
	if sum == 0 {
		if a.Flags&FlagSweep != 0 && available.Has(Take) {
			a.Weights[Take] += Weight(lost)
		}
		return a
	}
	for c, more := range apportion(lost, &heirs, sum) {
		a.Weights[c] += Weight(more)
	}
	return a
}
