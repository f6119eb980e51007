package realism

import (
	"math"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// program is an impact experiment: what an agent buys or sells by taking, against the
// same seed without it.
type program struct {
	share      float64 // of the daily volume
	begin, end float64 // seconds
	after      []float64
}

const (
	dailyLots    = 20_000
	settle       = 60.0 // seconds before a program begins
	programChild = 2
	povRate      = .1 * dailyLots / DaySeconds // lots a second at a tenth of the volume
)

func povProgram(share float64, after ...float64) program {
	return program{share: share, begin: settle, end: settle + share*dailyLots/povRate, after: after}
}

// effect is what a program did on one seed, in ticks, positive against the agent.
type effect struct {
	peak  float64   // mid with minus mid without at the end
	later []float64 // likewise after so many lengths of the program
	cost  float64   // average price against the mids without the agent meanwhile
	alone float64   // change of the mid with the agent from start to end: the unpaired measure
}

// around is the mid over the four seconds to a moment: quotes flicker.
func (a *agent) around(second float64) (mid float64) {
	for back := 4.0; back >= 0; back-- {
		a.runTo(second - back)
		mid += a.mid() / 5
	}
	return mid
}

// midpoints are the mids of a stock with nobody in it at some seconds.
func midpoints(seed uint64, from int, seconds []float64, r sim.Regime) (map[float64]float64, error) {
	seconds = ordered(seconds)
	a, err := newAgent(seed, from, int(seconds[len(seconds)-1])+10, r)
	if err != nil {
		return nil, err
	}
	out := map[float64]float64{}
	for _, s := range seconds {
		out[s] = a.around(s)
	}
	return out, nil
}

// costMoments is how often the mid without the agent is looked at during a program,
// for what the market did meanwhile.
const costMoments = 24

// moments are when mids are compared: begin, end, after, and during the program.
func (p *program) moments() []float64 {
	length := p.end - p.begin
	m := []float64{p.begin, p.end}
	for _, k := range p.after {
		m = append(m, p.end+k*length)
	}
	for k := range costMoments {
		m = append(m, math.Round(p.begin+length*(float64(k)+.5)/costMoments))
	}
	return m
}

// run trades the program on a seed; base holds the mids without it.
func (p *program) run(seed uint64, from int, r sim.Regime, base map[float64]float64) (effect, error) {
	moments := p.moments()
	last := p.end
	for _, s := range moments {
		last = math.Max(last, s)
	}
	a, err := newAgent(seed, from, int(last)+10, r)
	if err != nil {
		return effect{}, err
	}
	side, sign := market.Buy, 1.0
	if seed%2 == 0 {
		side, sign = market.Sell, -1.0
	}
	a.program(side, p.share*dailyLots, p.begin, p.end-5, programChild)
	mid := a.around(p.end)
	e := effect{peak: sign * (mid - base[p.end]), alone: sign * (mid - base[p.begin])}
	meanwhile := 0.0
	for _, s := range moments[2+len(p.after):] {
		meanwhile += base[s] / costMoments
	}
	if a.bought != 0 {
		e.cost = sign * (a.paid/a.bought - meanwhile)
	}
	for _, s := range moments[2 : 2+len(p.after)] {
		e.later = append(e.later, sign*(a.around(s)-base[s]))
	}
	return e, nil
}

// roundTrip buys and then sells the same quantity; what it made per lot against the
// price without it, in ticks.
func roundTrip(seed uint64, r sim.Regime) (float64, error) {
	length := 120 + float64(seed*37%480)
	lots := 10 + float64(seed*13%60)
	a, err := newAgent(seed, int(seed*971%20_000), int(2*length)+80, r)
	if err != nil {
		return 0, err
	}
	base, err := newAgent(seed, int(seed*971%20_000), int(2*length)+80, r)
	if err != nil {
		return 0, err
	}
	side := market.Buy
	if seed%2 == 0 {
		side = market.Sell
	}
	paid, n := 0.0, max(int(lots)/programChild, 1)
	trade := func(side market.Side, from float64) {
		for i := range n {
			at := from + length*(float64(i)+.5)/float64(n)
			a.runTo(at)
			base.runTo(at)
			before, bought := a.paid, a.bought
			a.take(side, programChild)
			paid += a.paid - before - (a.bought-bought)*base.mid()
		}
	}
	trade(side, 30)
	trade(side.Contra(), 30+length)
	paid -= a.bought * (a.mid() - base.mid()) // what is left is marked
	return -paid / lots, nil
}

// queued is what became of two orders at one price, the second two seconds behind.
type queued struct {
	filled  [2]bool
	markout [2]float64 // move of the mid in the order's favour in ten seconds from just before the fill, ticks
}

// passive rests two single lots at the touch of the largest exchange every half minute.
func passive(seed uint64, seconds int, r sim.Regime) ([]queued, error) {
	a, err := newAgent(seed, 3600, seconds, r)
	if err != nil {
		return nil, err
	}
	var out []queued
	for t := 30.0; t+30 < float64(seconds); t += 30 {
		a.runTo(t)
		side := market.Buy
		if int(t/30)%2 == 0 {
			side = market.Sell
		}
		if q, ok := a.queue(t, side); ok {
			out = append(out, q)
		}
	}
	return out, nil
}

func (a *agent) near(side market.Side) market.Price {
	bid, ask := a.stock.Touch()
	if side == market.Buy {
		return bid
	}
	return ask
}

func (a *agent) queue(t float64, side market.Side) (q queued, ok bool) {
	price := a.near(side)
	if price == 0 {
		return q, false
	}
	var ids [2]event.ID
	ids[0] = a.rest(side, price)
	a.runTo(t + 2)
	if ok = a.near(side) == price && a.fills[ids[0]] == 0; ok {
		ids[1] = a.rest(side, price)
		mids := []float64{a.mid()}
		var at [2]int
		for step := 1; step <= 20; step++ {
			a.runTo(t + 2 + float64(step))
			mids = append(mids, a.mid())
			for i := range ids {
				if step <= 10 && !q.filled[i] && a.fills[ids[i]] != 0 {
					q.filled[i], at[i] = true, step
				}
			}
		}
		for i := range ids {
			if q.filled[i] {
				q.markout[i] = float64(side.Sign()) * (mids[at[i]+10] - mids[at[i]-1])
			}
		}
	}
	for i := range ids {
		if ids[i] != (event.ID{}) {
			request, _ := event.MakeID("C" + ids[i].String())
			a.stock.Cancel(0, agentOwner, request, ids[i])
		}
	}
	return q, ok
}

func (a *agent) rest(side market.Side, price market.Price) event.ID {
	id := a.id()
	a.stock.Enter(0, sim.Order{
		Owner: agentOwner, ClOrdID: id, Side: side, Price: price, Qty: Instrument().Lot, OrdType: market.OrdLimit,
		TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly,
	})
	return id
}
