package sim

import "sort"

// Regime is a state of the world that a policy may meet. Numbers ending in Milli
// multiply the nominal one, in thousandths.
type Regime struct {
	Name            string
	Nominal         bool  // a policy must win here; elsewhere it must not lose much
	VolatilityMilli int64 // of the news
	DepthMilli      int64 // of makers' order rates
	SpreadMilli     int64 // of the makers' distance from the fair price
	DarkMilli       int64 // of hidden interest
	ToxicMilli      int64 // of the share of hidden interest that is informed
	DealerMilli     int64 // of the move at which a dealer rejects
	ImpactMilli     int64
	LatencyMilli    int64
	FeesMilli       int64
	TrendTicks      int64 // drift of the fair price, ticks an hour
	LengthPercent   int64 // exponent of metaorder lengths × 100: sign memory γ = exponent − 2
	OutageFrom      int64 // seconds after the start at which venue 0 halts, 0 for never
	OutageTo        int64
	HaltAll         bool // the outage takes every venue
}

// NominalRegime is the calibrated market.
func NominalRegime() Regime {
	return Regime{
		Name: "nominal", Nominal: true, VolatilityMilli: 1000, DepthMilli: 1000, SpreadMilli: 1000,
		DarkMilli: 1000, ToxicMilli: 1000, DealerMilli: 1000, ImpactMilli: 1000,
		LatencyMilli: 1000, FeesMilli: 1000, LengthPercent: 250,
	}
}

// Regimes returns the nominal regimes and the stressed ones, in a fixed order.
func Regimes() []Regime {
	edits := map[string]func(*Regime){
		"nominal":           func(*Regime) {},
		"calm":              func(r *Regime) { r.Nominal, r.VolatilityMilli = true, 700 },
		"volatile":          func(r *Regime) { r.VolatilityMilli = 2000 },
		"quiet":             func(r *Regime) { r.VolatilityMilli = 500 },
		"thin":              func(r *Regime) { r.DepthMilli = 500 },
		"narrow":            func(r *Regime) { r.SpreadMilli = 200 },
		"wide":              func(r *Regime) { r.SpreadMilli = 2000 },
		"dark-empty":        func(r *Regime) { r.DarkMilli = 250 },
		"dark-toxic":        func(r *Regime) { r.ToxicMilli = 2000 },
		"sdp-rejects":       func(r *Regime) { r.DealerMilli = 333 },
		"fees-10-mils":      func(r *Regime) { r.FeesMilli = 333 },
		"latency-x10":       func(r *Regime) { r.LatencyMilli = 10_000 },
		"outage":            func(r *Regime) { r.OutageFrom, r.OutageTo = 600, 1200 },
		"halt":              func(r *Regime) { r.OutageFrom, r.OutageTo, r.HaltAll = 600, 900, true },
		"trend":             func(r *Regime) { r.TrendTicks = 60 },
		"impact-x1.5":       func(r *Regime) { r.ImpactMilli = 1500 },
		"memory-long":       func(r *Regime) { r.LengthPercent = 235 },
		"memory-short":      func(r *Regime) { r.LengthPercent = 265 },
		"dark-x1.5":         func(r *Regime) { r.DarkMilli = 1500 },
		"dark-half":         func(r *Regime) { r.DarkMilli = 500 },
		"volatile-and-thin": func(r *Regime) { r.VolatilityMilli, r.DepthMilli = 1500, 500 },
	}
	names := make([]string, 0, len(edits))
	for name := range edits {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i] == "nominal", names[j] == "nominal"
		return a && !b || a == b && names[i] < names[j]
	})
	list := make([]Regime, 0, len(names))
	for _, name := range names {
		r := NominalRegime()
		if name != "nominal" {
			r.Nominal = false
		}
		r.Name = name
		edits[name](&r)
		list = append(list, r)
	}
	return list
}

// RegimeNamed returns the regime with a name.
func RegimeNamed(name string) (Regime, bool) {
	for _, r := range Regimes() {
		if r.Name == name {
			return r, true
		}
	}
	return Regime{}, false
}

func milli(v, m int64) int64 { return v * m / 1000 }
