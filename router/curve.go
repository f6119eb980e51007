package router

import (
	"errors"

	"penstock/market"
)

// dayNanos is the length of a day.
const dayNanos = 86_400_000_000_000

// VolumeCurve is how the volume of an instrument usually spreads over a day, for
// VWAP. It is immutable.
type VolumeCurve struct {
	Open  int64 // time of day at which the first bin begins, ns since midnight UTC
	Step  int64 // length of a bin, ns
	Total []market.Qty
	// Total[i] is the volume from Open to the end of bin i; only proportions count.
}

// Valid says what is wrong with a curve, nil when nothing is.
func (v *VolumeCurve) Valid() error {
	n := int64(len(v.Total))
	switch {
	case n == 0 || v.Step <= 0 || v.Step > dayNanos/n:
		return errors.New("volume curve: bins must have a length and fit a day")
	case v.Open < 0 || v.Open >= dayNanos:
		return errors.New("volume curve: the first bin must begin within the day")
	case v.Total[n-1] <= 0 || v.Total[n-1] > market.MaxQty:
		return errors.New("volume curve: the day's volume must be positive, and no more than a quantity can be")
	}
	last := market.Qty(0)
	for _, t := range v.Total {
		if t < last {
			return errors.New("volume curve: volumes must not be negative")
		}
		last = t
	}
	return nil
}

// until returns the usual volume from Open of the curve's day 0 to t, ns since epoch;
// within a bin it grows evenly, between the days not at all.
func (v *VolumeCurve) until(t int64) market.Qty {
	total := v.Total[len(v.Total)-1]
	t -= v.Open
	days := t / dayNanos
	if t < 0 {
		return 0
	}
	t -= days * dayNanos
	within := total
	if bin := t / v.Step; bin < int64(len(v.Total)) {
		before := market.Qty(0)
		if bin > 0 {
			before = v.Total[bin-1]
		}
		within = before + market.Qty(mulDiv(int64(v.Total[bin]-before), t-bin*v.Step, v.Step))
	}
	return market.Qty(days)*total + within
}

// between returns the usual volume from one time to another, ns since epoch.
func (v *VolumeCurve) between(from, to int64) int64 {
	day := from - from%dayNanos - dayNanos
	return int64(v.until(to-day) - v.until(from-day))
}
