package trial

import (
	"math"

	"penstock/market"
	"penstock/policy"
	"penstock/venues/sim"
)

// Result is what became of a parent. Costs are basis points of the arrival value,
// positive against the client:
//
//	Cost = Spread + Drift + Fees + Remainder
type Result struct {
	Policy    string
	Seed      uint64
	Cost      float64
	Spread    float64 // fills against the mid just before them
	Drift     float64 // mid at the fills against arrival
	Fees      float64
	Remainder float64 // what was left, marked at the price of crossing at the end
	Impact    float64 // of Drift: mid with the router minus mid without, at the fills
	EndImpact float64 // likewise at the end of the horizon, bps
	Markouts  [3]float64
	Filled    float64 // share of the quantity
	ByKind    [4]float64
	Children  uint32
	Cancels   uint32
	Slices    []float64 // cost by slice of the filled quantity, bps of the parent's value
	Fills     []Fill
	Path      Path          // mids with the router
	Learned   policy.Params // what the core made of its parameter set by what venues showed
}

// Kinds name the parts of ByKind, shares of what was filled.
var Kinds = [4]string{"dark", "sdp", "posted", "taken"}

// MarkoutSeconds are the times of Markouts: the part of Spread that the mid took back.
var MarkoutSeconds = [3]int64{1, 10, 60}

// Path is the mid by second of a stock with nobody in it, × 2; 0 for none.
type Path []int64

// Alone plays the stock of a setup without the router.
func Alone(s Setup) (Path, error) {
	stock, err := s.stock(sim.StockListener{})
	if err != nil {
		return nil, err
	}
	path := make(Path, 0, s.seconds())
	for sec := range s.seconds() {
		stock.Run(s.begin() + sec*1e9)
		bid, ask := stock.Touch()
		if bid == 0 || ask == 0 {
			bid, ask = 0, 0
		}
		path = append(path, int64(bid+ask))
	}
	return path, nil
}

// At returns the mid × 2 at a time, the last one known before; 0 when there is none.
func (p Path) At(s *Setup, now int64) int64 {
	for i := min((now-s.begin())/1e9, int64(len(p)-1)); i >= 0; i-- {
		if p[i] != 0 {
			return p[i]
		}
	}
	return 0
}

// Mid2 returns the mid × 2 without the router so many seconds after the arrival.
func (p Path) Mid2(s *Setup, seconds int64) int64 { return p.At(s, s.Arrival()+seconds*1e9) }

func (w *world) result(p *Policy) *Result {
	s := w.setup
	path := Path(w.mids)
	arrival := float64(path.At(s, s.Arrival())) / 2
	sign := float64(s.Side.Sign())
	bps := 1e4 / (float64(s.Qty) * arrival)
	r := &Result{Policy: p.Name, Path: path, Seed: s.Seed, Fills: w.fills, Slices: make([]float64, s.Horizon/s.Slice+1),
		Learned: *w.core.Params()}
	filled := market.Qty(0)
	for i := range w.fills {
		f := &w.fills[i]
		q, mid := float64(f.Qty), float64(f.Mid2)/2
		if f.Mid2 == 0 {
			mid = float64(path.At(s, f.Time)) / 2
		}
		spread, drift := sign*q*(float64(f.Price)-mid)*bps, sign*q*(mid-arrival)*bps
		r.Spread += spread
		r.Drift += drift
		r.Fees += float64(f.Fee) * bps
		slice := min(max((f.Time-s.Arrival())/(s.Slice*1e9), 0), int64(len(r.Slices)-1))
		r.Slices[slice] += spread + drift + float64(f.Fee)*bps
		for k, sec := range MarkoutSeconds {
			r.Markouts[k] += sign * q * (float64(path.At(s, f.Time+sec*1e9))/2 - mid) * bps
		}
		r.ByKind[KindOf(f)] += q
		filled += f.Qty
	}
	for k := range r.ByKind {
		r.ByKind[k] /= math.Max(float64(filled), 1)
	}
	r.Filled = float64(filled) / float64(s.Qty)
	if left := float64(s.Qty - filled); left > 0 {
		mid := float64(path.At(s, s.Arrival()+s.Horizon*1e9)) / 2
		r.Remainder = left * (sign*(mid-arrival) + crossing) * bps
	}
	r.Cost = r.Spread + r.Drift + r.Fees + r.Remainder
	for _, c := range w.core.Parents() {
		r.Children += c.ChildrenSent
	}
	return r
}

// crossing is what a share left over costs beyond the mid: half a wide spread, the
// fee, and what crossing all at once would push.
const crossing = 5 * Tick

// KindOf returns the index in Kinds of a fill.
func KindOf(f *Fill) int {
	switch {
	case f.Kind == market.Dark:
		return 0
	case f.Kind == market.SDP:
		return 1
	case f.Added:
		return 2
	}
	return 3
}

// Compare fills in what needs the path without the router.
func (r *Result) Compare(s *Setup, alone Path) {
	arrival := float64(alone.At(s, s.Arrival())) / 2
	bps, sign := 1e4/(float64(s.Qty)*arrival), float64(s.Side.Sign())
	for i := range r.Fills {
		f := &r.Fills[i]
		if f.Mid2 != 0 {
			r.Impact += sign * float64(f.Qty) * float64(f.Mid2-alone.At(s, f.Time)) / 2 * bps
		}
	}
	end := s.Arrival() + s.Horizon*1e9
	r.EndImpact = sign * float64(r.Path.At(s, end)-alone.At(s, end)) / 2 * 1e4 / arrival
}
