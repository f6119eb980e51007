package model

// Window is what one stretch of time showed of the queues at a touch, by venue: an order that had
// joined queue k would have had Queue[k] in front of it, and Outflow[k] left.
type Window struct {
	Half    float64 // half-spread, in the unit of prices
	Lean    int     // of the touch
	Queue   []float64
	Outflow []float64 // NaN: the venue's book was not live all the time
}

// SplitCosts are what a share costs that is placed: in the unit of prices.
type SplitCosts struct {
	TakeFee float64
	Rebate  []float64 // by venue
	Moved   float64   // of the half-spread: how far the mid runs away from a post that does not fill
}

// SplitOf is the placement of Cont and Kukanov for a slice of size shares over the venues of
// windows: the optimum over the outflows that were seen, as shares of the slice. What is
// missing at the end is taken at a mid that has moved; what is too much is sold again. Windows
// with a venue that was not live say nothing of it: there nothing left.
func SplitOf(size float64, windows []Window, c *SplitCosts) (split Split) {
	n := len(c.Rebate)
	split = Split{Post: make([]float64, n)}
	if len(windows) == 0 || size <= 0 {
		return split
	}
	p := Placement{Size: size, TakeFee: c.TakeFee, Venues: make([]PostVenue, n)}
	samples := make([][]float64, len(windows))
	for i := range windows {
		w := &windows[i]
		p.HalfSpread += w.Half / float64(len(windows))
		samples[i] = make([]float64, n)
		for k := range n {
			// The queue of the moment is in the sample: what is left of the outflow beyond it fills.
			if beyond := w.Outflow[k] - w.Queue[k]; beyond > 0 {
				samples[i][k] = beyond
			}
		}
	}
	for k := range n {
		p.Venues[k].Rebate = c.Rebate[k]
	}
	p.Underfill = p.HalfSpread + c.TakeFee + c.Moved*p.HalfSpread
	p.Overfill = p.HalfSpread + c.TakeFee
	p.Impact = p.HalfSpread / 100 // what never fills is not worth showing
	split = p.Optimum(p.EqualShares(), samples, size/256)
	split.Take /= size
	for k := range split.Post {
		split.Post[k] /= size
	}
	return split
}
