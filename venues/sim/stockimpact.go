package sim

import "math"

// Impact of trades on the fair price: what the trades of everybody leave behind is
//
//	φ(t) = Σ_i ε_i·w(v_i)·G(t−t_i),  G(t) = (1 + t/τ)^−½
//
// and moves the fair price by H·φ/√(1+|φ|/φ_s), a propagator whose effect grows with
// the root of what is already there (Bouchaud and others 2004; Donier and others
// 2015). w(v) is √v for small trades; a trade larger than an ordinary one counts as
// so many ordinary ones, so that nothing is gained by sending one large order.
// G is a sum of exponentials with positive weights, from its gamma integral.
//
// Conversions to float64 around products keep compilers from fusing them with sums:
// a run is the same on every machine.
const (
	kernelParts      = 14
	kernelSeconds    = 30.0
	kernelFastest    = 1.0 // half-life, seconds
	kernelSlowest    = 1e5
	impactTicks      = 1.9 // H
	impactSaturation = 2.0 // φ_s
	ordinaryLots     = 2
)

// impactKernel is G as exponentials that decay by keep each beat.
type impactKernel struct {
	keep, weight [kernelParts]float64
	root         [64]float64 // √v for small v
}

func newImpactKernel() (k impactKernel) {
	round := func(x float64) float64 { return math.Round(x*(1<<40)) / (1 << 40) }
	step := math.Log(kernelSlowest/kernelFastest) / (kernelParts - 1)
	sum := 0.0
	for j := range kernelParts {
		half := kernelFastest * math.Exp(step*float64(j))
		rate := math.Ln2 / half
		u := rate * kernelSeconds
		k.keep[j] = round(math.Exp(-rate / beatsASecond))
		k.weight[j] = math.Sqrt(u) * math.Exp(-u)
		sum += k.weight[j]
	}
	for j := range k.weight {
		k.weight[j] = round(k.weight[j] / sum)
	}
	for v := range k.root {
		k.root[v] = round(math.Sqrt(float64(v)))
	}
	return k
}

// impact is φ of one stock.
type impact struct {
	kernel *impactKernel
	parts  [kernelParts]float64
	sum    float64
	scale  float64 // H × 2^16
	weigh  float64 // 1/√ordinaryLots
}

func newImpact(r *Regime) impact {
	k := &stockShared.impact
	return impact{
		kernel: k, scale: math.Round(impactTicks * one16 * float64(r.ImpactMilli) / 1000),
		weigh: 1 / k.root[ordinaryLots],
	}
}

// lots returns w of a quantity in thousandths of a lot.
func (m *impact) lots(milliLots int64) float64 {
	if milliLots >= 1000*ordinaryLots {
		return float64(milliLots) * m.weigh / 1000
	}
	if milliLots == 1000 {
		return 1
	}
	return math.Sqrt(float64(milliLots) / 1000)
}

// add takes in signed w.
func (m *impact) add(w float64) {
	sum := 0.0
	for j := range m.parts {
		m.parts[j] += float64(w * m.kernel.weight[j])
		sum += m.parts[j]
	}
	m.sum = sum
}

// beat lets a beat pass.
func (m *impact) beat() {
	sum := 0.0
	for j := range m.parts {
		m.parts[j] = float64(m.parts[j] * m.kernel.keep[j])
		sum += m.parts[j]
	}
	m.sum = sum
}

// shift returns how far the fair price is off the fundamental value, ticks × 2^16.
func (m *impact) shift() int64 {
	depth := math.Sqrt(1 + float64(math.Abs(m.sum)/impactSaturation))
	return int64(float64(m.scale*m.sum) / depth)
}
