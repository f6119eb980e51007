package sim

import (
	"fmt"

	"penstock/event"
	"penstock/market"
)

// Stock is the whole market of one stock: four exchanges, three midpoint pools, two
// dealers, and everybody who trades there. It is calibrated so that published facts
// about markets hold (docs/realism.md); Flow is the livelier cousin of the demo.
//
//	path ──► fundamental value ─┐
//	trades ► φ ► shift ─────────┴► fair price ─► makers quote around it, takers hit
//
// Candidate events come from one clock (uniformisation); candidate n uses draws that
// depend on the seed and n only and is accepted or not by the state. So every policy
// meets the same candidates, and the difference between two runs of a seed is what
// the policies did. Orders of named owners queue, fill, are seen by dealers and pools,
// and move the fair price through φ like everybody's.
//
// One goroutine. The callbacks of its listener run within Run and Enter.
type Stock struct {
	cfg       StockConfig
	Exchanges []*Exchange
	Pools     []*DarkPool
	Dealers   []*Dealer

	path   stockPath
	impact impact
	base   int64 // ticks × 2^16 at the start
	fair   int64 // ticks × 2^16
	slow   int64 // the fair price as makers follow it: they take a second or two
	half   int64 // makers' distance, ticks × 2^16

	now       int64
	draws     random
	n         uint64 // candidates so far
	candidate int64  // when the next is due
	meanGap   int64  // between candidates, until gapUntil
	gapUntil  int64
	beats     int64
	nextBeat  int64
	nextSlow  int64 // when something other than a candidate is due
	metas     random
	active    [2]metaorder
	lengths   *powerTable
	dark      [darkPools]darkArrivals
	hedges    [hedgeBeats]float64 // what dealers will still trade away, by beat
	bid, ask  int64               // best over the exchanges, ticks; 0 for none
	ourTaken  int64               // of the running Enter, milli lots, signed
	interrupt bool

	Candidates uint64
	Accepted   uint64
	Trades     uint64
	Volume     market.Qty // traded on exchanges
}

// StockConfig says which stock, when and in which regime.
type StockConfig struct {
	Seed       uint64
	Start      int64 // ns since epoch
	From       int64 // how long after the open Start is, ns
	Length     int64 // how long the run may be, ns
	Price      market.Price
	Instrument market.Instrument
	Regime     Regime
	Listener   StockListener
}

// StockListener hears what happens at venue v, an index into StockVenues. Any of its
// functions may be nil; pointers are valid during the call.
type StockListener struct {
	Book           func(v market.VenueID, c *BookChange)
	Trade          func(v market.VenueID, t *Trade)
	Quote          func(v market.VenueID, q *Quote)
	QuoteCancelled func(v market.VenueID, now int64)
	Report         func(v market.VenueID, r *Report)
	Reject         func(v market.VenueID, r *CancelReject)
	Halt           func(v market.VenueID, now int64, halted bool)
}

// NewStock returns a stock whose books are filled and whose clock stands at Start.
func NewStock(cfg StockConfig) (*Stock, error) {
	in := cfg.Instrument
	switch {
	case cfg.Price <= 0 || cfg.Price%in.Tick != 0 || cfg.Price/in.Tick < 1000:
		return nil, fmt.Errorf("stock: price must be a multiple of the tick, at least 1000 of them")
	case cfg.Length <= 0 || cfg.Length > 24*3600*1e9:
		return nil, fmt.Errorf("stock: length must be positive, up to a day")
	case cfg.From < 0:
		return nil, fmt.Errorf("stock: From must not be negative")
	case in.Tick%2 != 0:
		return nil, fmt.Errorf("stock: half a tick must be a price, for midpoints")
	case stockShared.lengths[cfg.Regime.LengthPercent] == nil:
		return nil, fmt.Errorf("stock: no metaorder lengths of exponent %d", cfg.Regime.LengthPercent)
	}
	s := &Stock{
		cfg: cfg, path: newStockPath(cfg.Seed, cfg.From, cfg.Length, &cfg.Regime),
		impact: newImpact(&cfg.Regime), base: int64(cfg.Price/in.Tick) << 16,
		half: milli(makersHalf, cfg.Regime.SpreadMilli), now: cfg.Start,
		draws: newRandom(cfg.Seed, streamStock), metas: newRandom(cfg.Seed, streamMetas),
		lengths: stockShared.lengths[cfg.Regime.LengthPercent], nextBeat: cfg.Start + pathBeat,
	}
	for i := range s.active {
		s.renew(&s.active[i])
	}
	s.history()
	s.price()
	s.slow = s.fair
	if err := s.openVenues(); err != nil {
		return nil, err
	}
	s.fillBooks()
	s.planSlow()
	s.candidate = cfg.Start + s.gap(s.draws.at(0))
	s.refer()
	return s, nil
}

// history lets an hour of trades pass before the start, so that impact is stationary.
func (s *Stock) history() {
	past := newRandom(s.cfg.Seed, streamMoves)
	for range historyBeats {
		if d := past.next(); below(d, 1000) < tradesMilli/beatsASecond {
			s.impact.add(float64(s.sign(past.next()).Sign()) *
				s.impact.lots(1000*stockShared.sizes.draw(past.next())))
		}
		s.impact.beat()
	}
}

// Now returns how far the clock has come, ns since epoch.
func (s *Stock) Now() int64 { return s.now }

// Touch returns the best bid and ask over the exchanges that trade, 0 for none.
func (s *Stock) Touch() (bid, ask market.Price) {
	return market.Price(s.bid) * s.cfg.Instrument.Tick, market.Price(s.ask) * s.cfg.Instrument.Tick
}

// FairMilli returns the fair price in thousandths of a tick, which no agent may see.
func (s *Stock) FairMilli() int64 { return (s.fair*1000 + one16/2) >> 16 }

// Interrupt makes Run return after what is happening now.
func (s *Stock) Interrupt() { s.interrupt = true }

// Run plays what is due up to now (ns since epoch) and returns how far it came: less
// than now after an Interrupt.
func (s *Stock) Run(now int64) int64 {
	s.interrupt = false
	for !s.interrupt {
		at := min(s.candidate, s.nextSlow)
		if at > now {
			s.now = now
			return now
		}
		s.now = at
		if at == s.candidate {
			s.play(at)
			continue
		}
		s.playSlow(at)
	}
	return s.now
}

func (s *Stock) playSlow(at int64) {
	if at == s.nextBeat {
		s.beat(at)
	}
	for i := range s.dark {
		if s.dark[i].at == at {
			s.arrive(i, at)
		}
	}
	s.planSlow()
}

func (s *Stock) planSlow() {
	s.nextSlow = s.nextBeat
	for i := range s.dark {
		s.nextSlow = min(s.nextSlow, s.dark[i].at)
	}
}

// beat moves the fundamental value, lets impact fade and dealers act.
func (s *Stock) beat(at int64) {
	s.beats++
	s.nextBeat = at + pathBeat
	s.impact.beat()
	if h := &s.hedges[s.beats%hedgeBeats]; *h != 0 {
		s.impact.add(*h)
		*h = 0
	}
	s.price()
	s.slow += (s.fair - s.slow) / followBeats
	s.outage()
	for _, d := range s.Dealers {
		d.Advance(at)
	}
}

// outage halts and resumes venues as the regime says.
func (s *Stock) outage() {
	r := &s.cfg.Regime
	if r.OutageFrom == 0 || s.beats%beatsASecond != 0 {
		return
	}
	second := s.beats / beatsASecond
	if second != r.OutageFrom && second != r.OutageTo {
		return
	}
	halted := second == r.OutageFrom
	for v, e := range s.Exchanges {
		if v > 0 && !r.HaltAll {
			break
		}
		e.Halt(halted)
		if halted {
			s.withdraw(e) // makers do not leave their orders to a market that moves on
		}
		if s.cfg.Listener.Halt != nil {
			s.cfg.Listener.Halt(market.VenueID(v), s.now, halted)
		}
	}
	s.settle()
}

// withdraw takes every maker's order off an exchange.
func (s *Stock) withdraw(e *Exchange) {
	for side := range e.sides {
		levels := e.sides[side].levels
		for i := len(levels) - 1; i >= 0; i-- {
			s.clear(e, e.sides[side].levels[i].head)
		}
	}
}

// clear takes the makers' orders of a level away, from slot on.
func (s *Stock) clear(e *Exchange, slot int32) {
	for slot != 0 {
		next := e.pool.slots[slot].next
		if e.pool.slots[slot].own == nil {
			e.removeSlot(s.now, slot)
		}
		slot = next
	}
}

// price sets the fair price from value and impact.
func (s *Stock) price() {
	i := min(s.beats, int64(len(s.path.value)-1))
	s.fair = s.base + s.path.value[i] + s.impact.shift()
	if s.fair < 200<<16 {
		s.fair = 200 << 16 // prices stay positive
	}
}

// Enter sends an order of a named owner to venue v.
func (s *Stock) Enter(v market.VenueID, o Order) {
	switch e := s.engine(v).(type) {
	case *Exchange:
		s.ourTaken = 0
		e.Enter(s.now, o)
		if q := s.ourTaken; q != 0 {
			s.moved(q)
			s.ourTaken = 0
		}
		s.settle()
	case *DarkPool:
		e.Enter(s.now, o)
	case *Dealer:
		e.Enter(s.now, o)
	}
}

// Cancel asks venue v to cancel the order with ClOrdID orig.
func (s *Stock) Cancel(v market.VenueID, owner uint32, request, orig event.ID) {
	switch e := s.engine(v).(type) {
	case *Exchange:
		e.Cancel(s.now, owner, request, orig)
		s.settle()
	case *DarkPool:
		e.Cancel(s.now, owner, request, orig)
	case *Dealer:
		e.Cancel(s.now, owner, request, orig)
	}
}

// Status returns what venue v knows of an order.
func (s *Stock) Status(v market.VenueID, owner uint32, id event.ID) (OrderState, bool) {
	switch e := s.engine(v).(type) {
	case *Exchange:
		return e.Status(owner, id)
	case *DarkPool:
		return e.Status(owner, id)
	case *Dealer:
		return e.Status(owner, id)
	}
	return OrderState{}, false
}

func (s *Stock) engine(v market.VenueID) any {
	switch n := int(v); {
	case n < litVenues:
		return s.Exchanges[n]
	case n < litVenues+darkPools:
		return s.Pools[n-litVenues]
	case n < stockVenues:
		return s.Dealers[n-litVenues-darkPools]
	}
	panic("sim: no such venue")
}

// moved adds trades of signed milli lots to the impact.
func (s *Stock) moved(milliLots int64) {
	w := s.impact.lots(max(milliLots, -milliLots))
	if milliLots < 0 {
		w = -w
	}
	s.impact.add(w)
	s.price()
}

// settle follows a change of a book: pools and dealers hear of a new touch.
func (s *Stock) settle() {
	bid, ask := s.best()
	if b, a := s.Touch(); bid != b || ask != a {
		s.refer()
	}
}

func (s *Stock) best() (bid, ask market.Price) {
	for _, e := range s.Exchanges {
		if e.halted {
			continue
		}
		if l := e.sides[0].best(); l != nil {
			bid = max(bid, l.price)
		}
		if l := e.sides[1].best(); l != nil && (ask == 0 || l.price < ask) {
			ask = l.price
		}
	}
	return bid, ask
}

func (s *Stock) refer() {
	bid, ask := s.best()
	s.bid, s.ask = int64(bid/s.cfg.Instrument.Tick), int64(ask/s.cfg.Instrument.Tick)
	for _, d := range s.Pools {
		d.SetReference(s.now, bid, ask)
	}
	for _, d := range s.Dealers {
		d.SetReference(s.now, bid, ask)
	}
}

// DepthAt returns the displayed quantity at the touch of a side, over the exchanges.
func (s *Stock) DepthAt(side market.Side) (qty market.Qty) {
	price := market.Price(s.bid) * s.cfg.Instrument.Tick
	if side == market.Sell {
		price = market.Price(s.ask) * s.cfg.Instrument.Tick
	}
	for _, e := range s.Exchanges {
		if l := e.sides[side.Index()].best(); l != nil && l.price == price && !e.halted {
			qty += l.qty
		}
	}
	return qty
}
