package realism

import (
	"fmt"
	"math"
	"slices"

	"penstock/venues/sim"
)

// sigmaTicks is the daily volatility that the targets of R9 and R10 are scaled by.
const sigmaTicks = 150

const longProgram = 2 * 3600

// impactPrograms are three at a tenth of the volume, three within half an hour, and a
// quarter of a day's volume in four hours.
func impactPrograms() []program {
	fixed := func(share float64, after ...float64) program {
		return program{share: share, begin: settle, end: settle + 1800, after: after}
	}
	return []program{
		povProgram(.0025), povProgram(.01), povProgram(.04),
		fixed(.01), fixed(.02, .5, 1, 2), fixed(.04),
		{share: .25, begin: settle, end: settle + 4*3600},
	}
}

// experiments are the tests with an agent.
func experiments(e Effort, r sim.Regime) ([]Result, error) {
	programs := impactPrograms()
	effects := make([][]effect, len(programs))
	pairs := func(p int) int {
		if programs[p].end > longProgram {
			return (e.Pairs + 3) / 4 // long programs take time and are little noisy
		}
		return e.Pairs
	}
	for p := range effects {
		effects[p] = make([]effect, pairs(p))
	}
	err := each(e.Pairs, func(i int) error {
		seed, from := uint64(1000+i), (i%3)*2500
		var moments []float64
		for p := range programs {
			if i < pairs(p) {
				moments = append(moments, programs[p].moments()...)
			}
		}
		base, err := midpoints(seed, from, moments, r)
		if err != nil {
			return err
		}
		for p := range programs {
			if i < pairs(p) {
				if effects[p][i], err = programs[p].run(seed, from, r, base); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := impactResults(programs, effects)
	trips, err := roundTrips(e.Trips, r)
	if err != nil {
		return nil, err
	}
	queue, err := queueResult(e.Passive, r)
	return append(list, trips, queue), err
}

func column(list []effect, of func(*effect) float64) []float64 {
	out := make([]float64, len(list))
	for i := range list {
		out[i] = of(&list[i])
	}
	return out
}

func exponent(programs []program, peaks []float64) float64 {
	var x, y []float64
	for i := range programs {
		x, y = append(x, math.Log(programs[i].share)), append(y, math.Log(math.Max(peaks[i], 1e-3)))
	}
	return Slope(x, y)
}

// impactResults are R7 to R11, R13 and R17.
func impactResults(programs []program, effects [][]effect) []Result {
	peak := func(e *effect) float64 { return e.peak }
	peaks, worst := make([]float64, len(programs)), math.Inf(1)
	for p := range programs {
		m, se := meanSE(column(effects[p], peak))
		peaks[p] = m
		worst = math.Min(worst, m/se)
	}
	r7 := within("R7", "impact exponent at 10 % of the volume, .25 to 4 % of a day", ".40 to .60", exponent(programs[:3], peaks[:3]), .4, .6)
	r7.Measured += fmt.Sprintf(" (%.1f, %.1f, %.1f ticks)", peaks[0], peaks[1], peaks[2])
	r8 := within("R8", "impact exponent within 30 minutes, 1 to 4 % of a day", ".5 to .8", exponent(programs[3:6], peaks[3:6]), .5, .8)
	r8.Measured += fmt.Sprintf(" (%.1f, %.1f, %.1f ticks)", peaks[3], peaks[4], peaks[5])
	cost, se := meanSE(column(effects[6], func(e *effect) float64 { return e.cost }))
	r10 := within("R10", "cost of 25 % of a day's volume over 4 h by taking, in daily σ", ".20 to .40", cost/sigmaTicks, .2, .4)
	r10.Measured += fmt.Sprintf(" (%.1f ± %.1f ticks)", cost, 2*se)
	decay := make([]float64, 3)
	for k := range decay {
		later, _ := meanSE(column(effects[4], func(e *effect) float64 { return e.later[k] }))
		decay[k] = later / peaks[4]
	}
	r11 := Result{ID: "R11", What: "impact left after +.5, +1 and +2 lengths of the program", Target: ".5 to .75, .4 to .65, .3 to .5",
		Measured: fmt.Sprintf("%.2f, %.2f, %.2f", decay[0], decay[1], decay[2]), Value: decay[1],
		Pass: decay[0] >= .5 && decay[0] <= .75 && decay[1] >= .4 && decay[1] <= .65 && decay[2] >= .3 && decay[2] <= .5}
	r13 := within("R13", "impact goes against the agent for every size: least mean over its standard error", "> 2.33", worst, 2.33, math.Inf(1))
	_, paired := meanSE(column(effects[1], peak))
	_, alone := meanSE(column(effects[1], func(e *effect) float64 { return e.alone }))
	return []Result{
		r7, r8,
		within("R9", "Y = I/(σ√(Q/V)) at 1 % of a day", ".5 to 1.5", peaks[1]/(sigmaTicks*math.Sqrt(.01)), .5, 1.5),
		r10, r11, r13,
		within("R17", "common random numbers: paired over unpaired standard error of the impact of 1 %", "≤ .4", paired/alone, 0, .4),
	}
}

// roundTrips is R12: nobody earns by pushing the price up and selling into it.
func roundTrips(n int, r sim.Regime) (Result, error) {
	gains := make([]float64, n)
	err := each(n, func(i int) (err error) {
		gains[i], err = roundTrip(uint64(5000+i), r)
		return err
	})
	m, se := meanSE(gains)
	res := within("R12", "buying and selling again earns nothing: mean gain a lot, ticks, upper 99 % bound", "≤ 0", m+2.33*se, math.Inf(-1), 0)
	res.Measured = fmt.Sprintf("%.2f (mean %.2f, %d schedules)", m+2.33*se, m, n)
	return res, err
}

// queueResult is R16.
func queueResult(hours int, r sim.Regime) (Result, error) {
	parts := make([][]queued, hours)
	err := each(hours, func(i int) (err error) {
		parts[i], err = passive(uint64(9000+i), 3600, r)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	var n float64
	var filled, markout [2]float64
	for _, q := range slices.Concat(parts...) {
		n++
		for i := range q.filled {
			if q.filled[i] {
				filled[i]++
				markout[i] += q.markout[i]
			}
		}
	}
	for i := range markout {
		markout[i] /= math.Max(filled[i], 1)
	}
	return Result{
		ID: "R16", What: "of two orders at the touch, the one further back: chance of a fill within 10 s, markout after 10 s (ticks)",
		Target: "lower chance; markouts < 0, worse at the back", Value: filled[1] / n,
		Measured: fmt.Sprintf("%.2f, %.2f; %.2f, %.2f (n %.0f)", filled[0]/n, filled[1]/n, markout[0], markout[1], n),
		Pass:     filled[1] < filled[0] && markout[0] < 0 && markout[1] < markout[0],
	}, nil
}

func ordered(seconds []float64) []float64 {
	s := slices.Clone(seconds)
	slices.Sort(s)
	return slices.Compact(s)
}
