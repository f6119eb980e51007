package simtest

import (
	"penstock/policy"
	"penstock/router"
)

// drawLatencies lets sweeps wait in some worlds, by latencies that are not the true ones: the longer
// an order waits, the more happens meanwhile. It has a stream of its own, so that the rest of a
// seed's world is what it was.
func (s *swarm) drawLatencies(seed uint64) {
	r := &stream{seed: seed, id: 6}
	if !r.once(3) {
		return
	}
	s.equalise = r.between(1, 60) * milli
	for v := range s.latencies {
		s.latencies[v] = uint32(r.between(0, 50_000))
	}
}

// latency returns what a parameter set says of a venue.
func (s *swarm) latency(v int) uint32 {
	if s.equalise == 0 || v >= len(s.latencies) {
		return policy.PriorParams().Venues[0].LatencyMicros
	}
	return s.latencies[v]
}

// sayLatencies brings the first parameter set into the core where latencies matter, unless it has
// one since before a restart.
func (w *world) sayLatencies() {
	if w.swarm.equalise == 0 || w.core.ParamsID() != 0 {
		return
	}
	p := *policy.PriorParams()
	p.ID = 1 << 32
	for v := range p.Venues {
		p.Venues[v].LatencyMicros = w.swarm.latency(v)
	}
	events := router.ParamEvents(&p)
	for i := range events {
		w.take(&events[i])
	}
}

// noteWaiting notes the decision of each order from a place in the list on that waits before it
// leaves.
func (w *world) noteWaiting(from int) {
	for i := from; i < len(w.core.Children()); i++ {
		if ch := &w.core.Children()[i]; ch.Waits() {
			w.decided[ch.Number] = w.seq
		}
	}
}

// leftLate lets the host die now and then when an order that waited is at its venue, and the event
// that let it go is not yet on disk.
func (w *world) leftLate(number uint64) {
	seq, waited := w.decided[number]
	if waited && seq < w.seq && !w.healing && w.swarm.weights[chHostCrash] > 0 && permute(w.seed^number)%8 == 0 {
		w.agenda.add(item{at: w.durable(w.step) - 1, kind: dueCrash, n: number % 10_000})
	}
}

// keepWaiting makes what waits in a core that was brought back by the journal an order of this
// world: the router will ask for it, and its venue has it only if it left in the moments that the
// journal lost.
func (w *world) keepWaiting() {
	for i := range w.core.Children() {
		ch := &w.core.Children()[i]
		if !ch.Waits() {
			continue
		}
		w.ledger.waited[ch.Number] = true
		if w.orders[ch.Number] == nil {
			w.orders[ch.Number] = &order{number: ch.Number, parent: w.core.Parents()[ch.Parent].Number, venue: uint8(ch.Venue),
				instrument: uint16(ch.Instrument), side: ch.Side, tif: ch.TIF, qty: int64(ch.Qty), price: int64(ch.Price), state: lost}
		}
	}
}
