package book

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"penstock/event"
	"penstock/market"
)

// mixedVenues are four lit venues, a pool and two dealers, with fees; the last
// one does not trade the instrument.
func mixedVenues() []market.Venue {
	venues := []market.Venue{
		{Kind: market.Lit, TakeFee: market.Fee{PerLotMilli: 3000}},
		{Kind: market.SDP, LastLook: true},
		{Kind: market.Lit, TakeFee: market.Fee{PerLotMilli: -2000}},
		{Kind: market.Dark, TakeFee: market.Fee{PerLotMilli: 1000}},
		{Kind: market.Lit, TakeFee: market.Fee{Ppm: 40_000}},
		{Kind: market.SDP, TakeFee: market.Fee{Ppm: 10_000}},
		{Kind: market.Lit, TakeFee: market.Fee{PerLotMilli: 3000}},
		{Kind: market.Lit},
	}
	for v := range venues {
		venues[v].ID = market.VenueID(v)
	}
	return venues
}

func mixedComposite() *Composite {
	return NewComposite(0, mixedVenues(), func(v market.VenueID) bool { return v != 7 }, Capacity{Levels: 32}, noOrders)
}

// randomEvent makes an event out of four bytes: prices 81 to 119, so that venues
// lock and cross each other, and now and then a book crosses itself.
func randomEvent(op []byte, now int64) event.Event {
	e := event.Event{Venue: market.VenueID(op[0] & 7), StepTime: now, RecvTime: now}
	if op[0]&0x30 == 0x30 {
		e.Flags = event.More
	}
	side, price := market.Buy, market.Price(99-int(op[2]&15))
	if op[2]&64 != 0 {
		side, price = market.Sell, market.Price(101+int(op[2]&15))
	}
	price += market.Price(op[2]>>4&3) - 1
	switch k := op[1] & 31; {
	case k < 18:
		e.Kind, e.Side, e.Price, e.Qty = event.BookLevel, side, price, market.Qty(op[3]&7)
	case k < 22:
		e.Kind, e.Code = event.BookStatus, uint8(event.BookLive)
	case k == 22:
		e.Kind, e.Code, e.Reason = event.BookStatus, uint8(event.BookStale), event.Reason(op[3]&7)
	case k == 23:
		e.Kind, e.Code = event.BookStatus, uint8(event.BookHalted)
	case k == 24:
		e.Kind = event.BookClear
	case k < 29:
		e.Kind, e.Price, e.Qty = event.Quote, 98-market.Price(op[2]&3), market.Qty(op[3]&3)
		e.LastPx, e.LastQty = 102+market.Price(op[2]>>2&3), market.Qty(op[3]>>2&3)
		if op[3]&16 != 0 {
			e.Until = now + int64(op[3]>>5)*30
		}
	case k == 29:
		e.Kind = event.QuoteCancel
	default:
		e.Kind, e.Side, e.Price, e.Qty = event.MarketTrade, side, price, market.Qty(op[3])
	}
	return e
}

// slowTop is what a venue shows: levels by side, none with quantity 0.
type slowTop struct {
	level [2]Level
	until int64 // of a quote in it, 0 none
	live  bool
}

// slowComposite recomputes everything from the books after every event.
type slowComposite struct {
	tops     [market.MaxVenues]slowTop
	bid, ask Touch
	owed     bool
}

// look reads every book whose message is complete.
func (s *slowComposite) look(m *Composite, now int64) (moved bool) {
	for v, b := range m.Books {
		top := &s.tops[v]
		switch {
		case b == nil:
		case m.Partial == 0:
			*top = slowTop{live: b.Live()}
			for i, side := range []market.Side{market.Buy, market.Sell} {
				level, ok := b.Touch(side, now)
				if !ok {
					continue
				}
				top.level[i] = level
				if b.Ladder(side).Len() == 0 {
					top.until = b.Quote.Until
				}
			}
		case m.Partial>>v&1 == 0 && !b.Live():
			*top = slowTop{}
		case top.until != 0 && now >= top.until:
			*top = slowTop{live: top.live}
		}
	}
	kind := market.SDP
	for v := range s.tops {
		if m.kinds[v] == market.Lit && s.tops[v].live {
			kind = market.Lit
		}
	}
	bid, ask := s.touch(m, 0, market.Buy, kind), s.touch(m, 1, market.Sell, kind)
	moved = bid.Price != s.bid.Price || ask.Price != s.ask.Price || bid.OK != s.bid.OK || ask.OK != s.ask.OK
	s.bid, s.ask = bid, ask
	if m.Partial != 0 {
		s.owed = s.owed || moved
		return false
	}
	return moved
}

func (s *slowComposite) touch(m *Composite, i int, side market.Side, kind market.VenueKind) (t Touch) {
	for v := range s.tops {
		level := s.tops[v].level[i]
		switch {
		case level.Qty == 0 || m.kinds[v] != kind:
		case !t.OK || side.Contra().Better(level.Price, t.Price):
			t = Touch{Price: level.Price, Qty: level.Qty, Venues: 1 << v, OK: true}
		case level.Price == t.Price:
			t.Qty += level.Qty
			t.Venues |= 1 << v
		}
	}
	return t
}

// signals are computed in unbounded integers, as their definitions say.
func (s *slowComposite) signals() (w Signals) {
	if !s.bid.OK || !s.ask.OK {
		if s.bid.OK || s.ask.OK {
			w.Condition = OneSided
		}
		return w
	}
	w.Condition = map[int]Condition{-1: Normal, 0: Locked, 1: Crossed}[big.NewInt(int64(s.bid.Price)).Cmp(big.NewInt(int64(s.ask.Price)))]
	bid, ask := big.NewInt(int64(s.bid.Qty)), big.NewInt(int64(s.ask.Qty))
	weight := new(big.Int).Mul(bid, big.NewInt(2048))
	weight.Div(weight, new(big.Int).Add(bid, ask))
	w.Imbalance = weight.Int64() - 1024
	off := new(big.Int).Mul(big.NewInt(int64(s.ask.Price-s.bid.Price)), weight)
	off.Div(off, big.NewInt(2)) // rounds down, as the shift does
	w.Micro = int64(s.bid.Price)*1024 + off.Int64()
	return w
}

// drive gives ops to a composite and calls check after every refresh.
func drive(ops []byte, check func(m *Composite, e *event.Event, now int64, moved bool)) {
	m := mixedComposite()
	now := int64(1_000)
	for ; len(ops) >= 4; ops = ops[4:] {
		e := randomEvent(ops, now)
		m.Apply(&e)
		moved := m.Refresh(now)
		if ops[0]&8 != 0 {
			m.Foresee()
		}
		check(m, &e, now, moved)
		now += int64(ops[1] >> 5)
	}
}

func randomOps(seed uint64, count int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	ops := make([]byte, 4*count)
	for i := range ops {
		ops[i] = byte(rng.Uint32())
	}
	return ops
}

func checkComposite(t *testing.T, ops []byte) (seen map[Condition]int) {
	slow := &slowComposite{}
	seen = map[Condition]int{}
	drive(ops, func(m *Composite, e *event.Event, now int64, moved bool) {
		wantMoved := slow.look(m, now)
		if m.Bid != slow.bid || m.Ask != slow.ask || moved != wantMoved || m.Owed != slow.owed {
			t.Fatalf("%v of venue %d at %d, partial %b: bid %+v ask %+v moved %v owed %v, twin %+v %+v %v %v", e.Kind,
				e.Venue, now, m.Partial, m.Bid, m.Ask, moved, m.Owed, slow.bid, slow.ask, wantMoved, slow.owed)
		}
		if wrong := m.Audit(); wrong != "" {
			t.Fatalf("%v of venue %d at %d: %s", e.Kind, e.Venue, now, wrong)
		}
		if want := slow.signals(); m.Signals() != want {
			t.Fatalf("signals %+v, twin %+v of bid %+v ask %+v", m.Signals(), want, m.Bid, m.Ask)
		}
		if m.Partial == 0 {
			m.Owed, slow.owed = false, false
		}
		seen[m.Signals().Condition]++
	})
	return seen
}

// FuzzComposite compares the composite with its twin after every event: levels,
// states, quotes that expire by time, messages in parts.
func FuzzComposite(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(randomOps(seed, 60))
	}
	f.Fuzz(func(t *testing.T, ops []byte) { checkComposite(t, ops) })
}

// TestCompositeEqualsItsTwin is the fuzz test over long seeded days.
func TestCompositeEqualsItsTwin(t *testing.T) {
	total := map[Condition]int{}
	for seed := range uint64(20) {
		for c, n := range checkComposite(t, randomOps(seed, 5000)) {
			total[c] += n
		}
	}
	for c := Empty; c <= Crossed; c++ {
		if total[c] < 100 {
			t.Errorf("%v was seen %d times: the test does not reach it", c, total[c])
		}
	}
}

// TestFeaturesToldLateAreTheSame mends two composites alike, of which one lets its features know at once
// and the other only now and then, so that what comes next must do it.
func TestFeaturesToldLateAreTheSame(t *testing.T) {
	told, owed := 0, 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		at, late := mixedComposite(), mixedComposite()
		now := int64(1_000)
		for range 5000 {
			e := randomEvent([]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}, now)
			if rng.IntN(20) == 0 {
				e = event.Event{Kind: event.MarketTrade, Venue: e.Venue, Side: market.Side(rng.IntN(3)), Qty: 5, StepTime: now}
			}
			at.Apply(&e)
			late.Apply(&e)
			if moved := at.Refresh(now); late.Mend(now) != moved {
				t.Fatalf("%v of venue %d at %d: moved %v, and not where features wait", e.Kind, e.Venue, now, moved)
			}
			if rng.IntN(3) == 0 {
				if owed++; late.untold == 0 {
					owed--
				}
				late.Tally()
				if told++; late.Features != at.Features {
					t.Fatalf("%v of venue %d at %d: %+v, told at once %+v", e.Kind, e.Venue, now, late.Features, at.Features)
				}
			}
			now += rng.Int64N(second / 10)
		}
	}
	if owed < told/10 || owed == told {
		t.Errorf("of %d looks at the features %d came before they knew", told, owed)
	}
}
