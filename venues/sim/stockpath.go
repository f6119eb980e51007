package sim

import "math"

// stockPath is what happens to a stock whatever anybody does: its activity and its
// fundamental value, laid out in advance for the length of a run. Dark interest may
// be informed about it; nothing that an agent does changes it.
type stockPath struct {
	value []int64 // fundamental against the start, ticks × 2^16, by beat
	gap   []int64 // mean time between candidates, ns, by second: the shorter the more active
}

// The log of activity is the sum of three mean-reverting processes, so that its
// memory fades like a power over minutes to hours (volatility clusters), and of the
// U-shape of the day. News volatility grows with a power of activity.
const (
	pathBeat     = 100_000_000 // ns
	beatsASecond = 10
	daySeconds   = 23_400
	one16        = 1 << 16
	one24        = 1 << 24
)

var activityParts = [...]struct{ seconds, variance float64 }{
	{90, .12}, {1200, .12}, {9000, .12},
}

const (
	newsSigmaMilli  = 720    // ticks per root second of the fundamental, thousandths
	newsPower16     = 45_875 // power of activity in the news' volatility, .70 × 2^16
	jumpsPerDay     = 6
	jumpTicks       = 3 // smallest jump
	jumpUnits       = 12
	expSteps        = 64 // steps of one in the table of exponentials
	expSpan         = 5  // its reach to either side
	activityLowest  = one16 / 8
	activityHighest = 8 * one16
)

// stockTables are distributions and constants that all stocks share, made once.
// Library functions enter only here, rounded far above their last bit.
type stockTables struct {
	normal  [1<<tableBits + 1]int64 // quantiles × 2^16
	exp     [2*expSpan*expSteps + 1]int64
	shape   [daySeconds]int64 // log of the U-shape × 2^24, by second of the day
	keep    [len(activityParts)]int64
	shock   [len(activityParts)]int64
	sd      [len(activityParts)]int64
	gaps    *gapTable
	sizes   *powerTable // of takers, in lots
	quotes  *powerTable // of makers, in lots
	jumps   *powerTable
	contras *powerTable
	impact  impactKernel
	lengths map[int64]*powerTable
	latency *logNormalTable
	venueOf [256]uint8
	classes [classEntries]uint8
	meanGap int64 // ns between candidates at activity one
}

var stockShared = newStockTables()

func newStockTables() *stockTables {
	t := &stockTables{
		gaps: newGapTable(), sizes: newPowerTable(200, maxUnits), quotes: newPowerTable(240, maxQuote), jumps: newPowerTable(200, jumpUnits),
		contras: newPowerTable(120, darkMaxLots), impact: newImpactKernel(),
		lengths: map[int64]*powerTable{}, latency: newLogNormalTable(400),
	}
	for i := range t.normal {
		p := math.Min(math.Max(float64(i)/(1<<tableBits), 1.0/(1<<(tableBits+3))), 1-1.0/(1<<(tableBits+3)))
		t.normal[i] = int64(math.Round(math.Sqrt2 * math.Erfinv(2*p-1) * one16))
	}
	for i := range t.exp {
		t.exp[i] = int64(math.Round(math.Exp(float64(i-expSpan*expSteps)/expSteps) * one16))
	}
	for s := range t.shape {
		u := 2*(float64(s)+.5)/daySeconds - 1
		t.shape[s] = int64(math.Round(math.Log(.76+1.2*u*u*u*u) * one24))
	}
	for j, part := range activityParts {
		k := math.Exp(-1 / part.seconds)
		t.keep[j] = int64(math.Round(k * (1 << 30)))
		t.shock[j] = int64(math.Round(math.Sqrt(part.variance*(1-k*k)) * one24))
		t.sd[j] = int64(math.Round(math.Sqrt(part.variance) * one24))
	}
	for _, percent := range []int64{235, 250, 265} {
		t.lengths[percent] = newPowerTable(percent, stockLongest)
	}
	for i := range t.venueOf {
		x, v := i*100/256, 0
		for _, share := range litShares {
			if x < share {
				break
			}
			x -= share
			v++
		}
		t.venueOf[i] = uint8(min(v, len(litShares)-1))
	}
	t.meanGap = t.layOutClasses()
	return t
}

// gauss maps a draw to a standard normal × 2^16.
func (t *stockTables) gauss(draw uint64) int64 { return quantile(&t.normal, draw) }

// exponential returns e^x × 2^16 for x × 2^24, clamped to the table.
func (t *stockTables) exponential(x int64) int64 {
	i := (x*expSteps)>>24 + expSpan*expSteps
	return t.exp[min(max(i, 0), int64(len(t.exp)-1))]
}

// newStockPath draws the path of a run of the given length that starts from ns
// after the open. The path goes on a little longer: informed interest looks ahead.
func newStockPath(seed uint64, from, length int64, r *Regime) stockPath {
	t := stockShared
	seconds := int((length+informedNanos)/1e9) + 2
	p := stockPath{value: make([]int64, 0, seconds*beatsASecond), gap: make([]int64, 0, seconds)}
	shocks, news := newRandom(seed, streamPath), newRandom(seed, streamNews)
	var x [len(activityParts)]int64
	for j := range x {
		x[j] = t.sd[j] * t.gauss(shocks.next()) >> 16
	}
	const half = 3_019_899 // half the variance of the log of activity, × 2^24
	value := int64(0)
	sigma := milli(milli(newsSigmaMilli, r.VolatilityMilli)*one16, 1) // ticks × 2^16 per root second
	for s := range seconds {
		log := -half + t.shape[(from/1e9+int64(s))%daySeconds]
		for j := range x {
			x[j] = x[j]*t.keep[j]>>30 + t.shock[j]*t.gauss(shocks.next())>>16
			log += x[j]
		}
		a := min(max(t.exponential(log), activityLowest), activityHighest)
		p.gap = append(p.gap, t.meanGap<<16/a)
		step := sigma * t.exponential(log*newsPower16>>16) >> 16
		for range beatsASecond {
			// The root of a tenth of a second, × 2^16, is 20724.
			value += ((step*t.gauss(news.next()))>>16)*20724>>16 + r.TrendTicks*one16/(3600*beatsASecond)
			p.value = append(p.value, value)
		}
		if d := news.next(); below(d, daySeconds) < jumpsPerDay {
			jump := jumpTicks * t.jumps.draw(news.at(uint64(s)<<32)) * one16
			if d&1 == 0 {
				jump = -jump
			}
			value += jump
		}
	}
	return p
}
