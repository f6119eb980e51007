package book

// Condition says how the two sides of a composite stand to each other.
type Condition uint8

// Conditions of a composite.
const (
	Empty    Condition = iota // no side
	OneSided                  // a side is missing
	Normal                    // bid below ask
	Locked                    // bid equals ask
	Crossed                   // bid above ask
)

var conditionNames = [...]string{"empty", "one-sided", "normal", "locked", "crossed"}

func (c Condition) String() string {
	if int(c) < len(conditionNames) {
		return conditionNames[c]
	}
	return "condition?"
}

// Fixed point of the signals.
const (
	MicroUnit     = 1024 // Signals.Micro per price increment
	ImbalanceUnit = 1024 // Signals.Imbalance of a touch that has a bid only
)

// Signals are what the touch alone says about the next price. They are 0 unless
// both sides are there.
//
// With prices up to 2^48 and 16 venues of up to 2^48 lots, a side of the touch is
// below 2^52 lots, 2048 times it below 2^63, and Micro below 2^59.
type Signals struct {
	Condition Condition
	// Imbalance is (bid − ask) / (bid + ask) of the displayed sizes at the touch, in
	// 1/1024 rounded down: −1024 to 1024.
	Imbalance int64
	// Micro is the size-weighted mid, (bid × ask size + ask × bid size) / (bid size
	// + ask size), in 1/1024 increments; the weight is taken to 1/2048, so it is
	// at most spread/2048 low. It is the first approximation of the micro-price
	// (Gatheral and Oomen 2010, "Zero-intelligence realized variance estimation";
	// Stoikov 2018, "The micro-price").
	Micro int64
}

// Signals returns what the touch says about the next price.
func (m *Composite) Signals() Signals { return signalsOf(&m.Bid, &m.Ask) }

func signalsOf(bid, ask *Touch) (s Signals) {
	if !bid.OK || !ask.OK {
		if bid.OK || ask.OK {
			s.Condition = OneSided
		}
		return s
	}
	spread := int64(ask.Price) - int64(bid.Price)
	s.Condition = Normal
	if spread <= 0 {
		s.Condition = Locked
		if spread < 0 {
			s.Condition = Crossed
		}
	}
	weight := bidWeight(uint64(bid.Qty), uint64(ask.Qty))
	s.Imbalance = weight - ImbalanceUnit
	s.Micro = int64(bid.Price)*MicroUnit + spread*weight>>1
	return s
}

// bidWeight returns bid / (bid + ask) in 1/2048, for sizes whose sum is not 0.
func bidWeight(bid, ask uint64) int64 { return int64(bid << 11 / (bid + ask)) }

// Pressure is what the touch and the flow of the last seconds say about the next price,
// positive upwards, whoever asks. All three are 0 unless both sides are there, bid below ask.
type Pressure struct {
	Lean int64 // micro-price less mid, in 1/1000 of the half-spread: −1000 to 1000
	OFI  int64 // Features.OFI in 1/1000 of the usual touch: −5000 to 5000
	Flow int64 // Features.Flow likewise
}

// Imbalance returns Signals.Imbalance.
func (m *Composite) Imbalance() int64 {
	if !m.Bid.OK || !m.Ask.OK {
		return 0
	}
	return bidWeight(uint64(m.Bid.Qty), uint64(m.Ask.Qty)) - ImbalanceUnit
}

// Pressure returns the inputs of a price signal.
func (m *Composite) Pressure() (p Pressure) {
	if !m.Normal() {
		return p
	}
	p.Lean = m.Lean()
	p.OFI, p.Flow = perMille(m.Features.OFI, m.Features.Depth), perMille(m.Features.Flow, m.Features.Depth)
	return p
}

// Lean returns Pressure.Lean of a composite that is Normal.
func (m *Composite) Lean() int64 {
	bid, ask := int64(m.Bid.Qty), int64(m.Ask.Qty)
	return (bid - ask) * 1000 / (bid + ask)
}

// pressureLimit bounds OFI and Flow, in touches.
const pressureLimit = 5

// perMille returns x in 1/1000 of size, toward zero, within ±5000; 0 without a size.
func perMille(x, size int64) int64 {
	if size <= 0 {
		return 0
	}
	for size >= 1<<50 { // so that the products below stay within 64 bits
		size, x = size>>1, x>>1
	}
	return min(max(x, -pressureLimit*size), pressureLimit*size) * 1000 / size
}
