package realism

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"penstock/venues/sim"
)

// Result is one line of the scorecard.
type Result struct {
	ID       string
	What     string
	Target   string
	Measured string
	Value    float64
	Pass     bool
	Waiver   string // why a missed target is accepted; empty when it is not
}

// Effort says how much is simulated. The scorecard of record is Full.
type Effort struct {
	Days    int // without an agent
	Pairs   int // seeds of each impact experiment
	Trips   int // round trips
	Passive int // hours of resting orders
}

// Efforts.
var (
	Full  = Effort{Days: 40, Pairs: 128, Trips: 400, Passive: 24}
	Brief = Effort{Days: 20, Pairs: 32, Trips: 200, Passive: 6}
)

// Scorecard measures R1 to R18 of the nominal regime. R19, that a run without orders
// reproduces itself, is a test of its own.
func Scorecard(e Effort) ([]Result, error) {
	r := sim.NominalRegime()
	days := make([]*Series, e.Days)
	err := each(e.Days, func(i int) (err error) {
		days[i], err = Day(uint64(i+1), r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := observed(days)
	more, err := experiments(e, r)
	list = append(list, more...)
	slices.SortStableFunc(list, func(a, b Result) int { return number(a.ID) - number(b.ID) })
	return list, err
}

func number(id string) (n int) {
	fmt.Sscanf(id, "R%d", &n)
	return n
}

// each runs f for 0..n-1 on all processors.
func each(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	work, errs := make(chan int), make(chan error, n)
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range work {
				if err := f(i); err != nil {
					errs <- err
				}
			}
		}()
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func within(id, what, target string, value, low, high float64) Result {
	return Result{ID: id, What: what, Target: target, Value: value, Measured: fmt.Sprintf("%.3g", value),
		Pass: value >= low && value <= high}
}

var (
	signLags       = []int{1, 2, 5, 10, 20, 50, 100, 200}
	signatureSteps = []int{10, 30, 60, 300, 900, 1800, 3600, 7200}
)

// observed are the tests of days with nobody in them.
func observed(days []*Series) []Result {
	n := float64(len(days))
	acf := SignACF(days, signLags)
	gamma := decayExponent(signLags[2:], acf[2:])
	r1 := within("R1", "sign autocorrelation decays as lag^−γ, lags 5 to 200", "γ .4 to .7, C(1) .15 to .4", gamma, .4, .7)
	r1.Measured = fmt.Sprintf("γ %.2f, C(1) %.2f, C(200) %.3f", gamma, acf[0], acf[len(acf)-1])
	r1.Pass = r1.Pass && acf[0] >= .15 && acf[0] <= .4
	var daily float64
	for _, d := range days {
		move := d.lastMid() - d.firstMid()
		daily += move * move / n
	}
	minute, _ := Moments(Returns(days, 60))
	fromMinutes := minute * math.Sqrt(DaySeconds/60)
	r4 := within("R4", "daily volatility from one-minute returns, ticks", "150 ± 30", fromMinutes, 120, 180)
	r4.Measured = fmt.Sprintf("%.0f (open to close %.0f)", fromMinutes, math.Sqrt(daily))
	_, k10 := Moments(Returns(days, 10))
	_, k60 := Moments(Returns(days, 60))
	_, k1800 := Moments(Returns(days, 1800))
	r5 := Result{ID: "R5", What: "kurtosis of returns falls with the step, 10 s > 1 min > 30 min", Target: "> 4 at 10 s, then about 3.5 and 3",
		Measured: fmt.Sprintf("%.1f > %.1f > %.1f", k10, k60, k1800), Value: k10, Pass: k10 > 4 && k10 > k60 && k60 > k1800 && k1800 < 4}
	if !r5.Pass && k10 > 4 && k10 > k1800 {
		r5.Waiver = "volatility that still clusters after half an hour (R6) keeps the kurtosis of half-hour returns " +
			"above 3; both targets cannot hold at once, and recorded stocks have 2.9 to 5.2"
	}
	strong, quintiles := leanPredicts(days)
	r15 := within("R15", "lean of the touch predicts the next mid move: P(right | |lean| > .6); rises by quintile", ".6 to .75, monotone", strong, .6, .75)
	r15.Measured = fmt.Sprintf("%.2f; %.2f %.2f %.2f %.2f %.2f", strong, quintiles[0], quintiles[1], quintiles[2], quintiles[3], quintiles[4])
	r15.Pass = r15.Pass && slices.IsSorted(quintiles[:])
	volume, volatility := uShape(days)
	r18 := Result{ID: "R18", What: "volume and volatility are U-shaped over the day; arrivals of trades are over-dispersed",
		Target: "ends > middle, CV > 1", Value: arrivalsCV(days)}
	r18.Measured = fmt.Sprintf("volume ×%.2f, |return| ×%.2f, CV %.2f", volume, volatility, r18.Value)
	r18.Pass = volume > 1.2 && volatility > 1.1 && r18.Value > 1
	return []Result{
		r1,
		within("R2", "autocorrelation of one-minute returns at lag 1", "|.| < .05", acf1(days, 60, 1, same), -.05, .05),
		within("R3", "signature plot, 10 s to 2 h: greatest over least σ/√step", "≤ 1.3", signature(days, signatureSteps), 1, 1.3),
		r4, r5,
		within("R6", "autocorrelation of absolute one-minute returns after 30 minutes", "> .05", acf1(days, 60, 30, math.Abs), .05, 1),
		activity(days), r15, r18,
	}
}

// activity is R14: spread, trades and volume.
func activity(days []*Series) Result {
	var trades, lots float64
	for _, d := range days {
		trades += float64(len(d.Trades)) / float64(len(days))
		lots += d.Volume() / float64(len(days))
	}
	spread := mean(days, func(d *Series) []float64 { return d.Spread })
	r := within("R14", "time-weighted spread (ticks), trades and lots a day", "2.0 ± .3, 8,000 to 12,000, 20,000 ± 2,000", spread, 1.7, 2.3)
	r.Measured = fmt.Sprintf("%.2f, %.0f, %.0f, depth %.0f lots", spread, trades, lots, mean(days, func(d *Series) []float64 { return d.Depth }))
	r.Pass = r.Pass && trades >= 8000 && trades <= 12_000 && lots >= 18_000 && lots <= 22_000
	return r
}
