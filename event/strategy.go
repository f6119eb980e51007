package event

// Strategy is TargetStrategy(847) of a parent order; values from 1000 are ours. The
// numbers that FIX itself defines (1 VWAP, 2 participate, 3 minimise impact) are
// translated where the client's message is read.
type Strategy uint16

// Strategies.
const (
	StrategySweep Strategy = 1000 // everything at once, the rest is cancelled
	StrategyTWAP  Strategy = 1001 // equal slices over the horizon
	StrategyVWAP  Strategy = 1002 // slices in proportion to a day's usual volume
	StrategyPOV   Strategy = 1003 // a share of what others trade
	StrategyIS    Strategy = 1004 // implementation shortfall: early slices are larger (Almgren, Chriss 2000)
	StrategySeek  Strategy = 1005 // hidden liquidity first, displayed blocks when they show
)

var strategyNames = [...]string{"SWEEP", "TWAP", "VWAP", "POV", "IS", "SEEK"}

func (s Strategy) String() string {
	if s.Valid() {
		return strategyNames[s-StrategySweep]
	}
	return "strategy?"
}

// Valid reports whether s is a strategy of this build.
func (s Strategy) Valid() bool {
	return s >= StrategySweep && int(s-StrategySweep) < len(strategyNames)
}

// ParseStrategy returns the strategy with a name; ok is false when there is none.
func ParseStrategy(name string) (s Strategy, ok bool) {
	for i, n := range strategyNames {
		if n == name {
			return StrategySweep + Strategy(i), true
		}
	}
	return 0, false
}

// Scheduled reports whether the strategy works between a start and an end.
func (s Strategy) Scheduled() bool { return s.Valid() && s != StrategySweep }

// Posts reports whether orders of the strategy rest where they are displayed. A sweep rests
// nowhere and SEEK in pools.
func (s Strategy) Posts() bool { return s.Scheduled() && s != StrategySeek }

// Urgency is how fast a client wants to be done, of strategies that have a choice.
type Urgency uint8

// Urgencies; 0 leaves it to the strategy, which takes UrgencyMedium.
const (
	UrgencyLow    Urgency = 1
	UrgencyMedium Urgency = 2
	UrgencyHigh   Urgency = 3
)

var urgencyNames = [...]string{"", "LOW", "MEDIUM", "HIGH"}

func (u Urgency) String() string {
	if int(u) < len(urgencyNames) {
		return urgencyNames[u]
	}
	return "urgency?"
}

// ParseUrgency returns the urgency with a name; ok is false when there is none.
func ParseUrgency(name string) (u Urgency, ok bool) {
	for i, n := range urgencyNames {
		if i > 0 && n == name {
			return Urgency(i), true
		}
	}
	return 0, false
}
