package sim

import (
	"penstock/market"
)

// The venues of a stock, in the order of their VenueIDs: exchanges, midpoint pools,
// dealers. Fees are per share in 1/100 of a cent (mils × 10).
const (
	darkPools   = 3
	dealers     = 2
	stockVenues = litVenues + darkPools + dealers

	informedNanos  = 60_000_000_000 // how far informed interest sees
	informedMilli  = 100            // share of it in hidden interest
	darkMaxLots    = 30
	leanOdds       = 3 // of the side that both metaorders press on
	darkLeakMilli  = 300
	absorbMilli    = 500 // of our passive fills' weight, as if we had pushed
	hedgeMilli     = 500 // of a dealer's fills that it trades away
	hedgeBeats     = 60 * beatsASecond
	stockTakeMils  = 30
	stockMakeMils  = 20
	stockDarkMils  = 10
	stockAckNanos  = 2_000_000_000
	feedMicrosNear = 50
	feedMicrosFar  = 500
)

// StockVenue is a venue of a stock with what an agent knows about the way to it.
type StockVenue struct {
	market.Venue
	LatencyNanos int64 // median, one way
}

// StockVenues returns the venues of a stock. Prices count 10,000 to the currency unit.
func StockVenues(r *Regime) []StockVenue {
	mil := func(m int64) market.Fee { return market.Fee{PerLotMilli: milli(m, r.FeesMilli) * 1000} }
	far := map[int]bool{3: true, 6: true, 8: true}
	names := [stockVenues]string{"LIT-A", "LIT-B", "LIT-C", "LIT-D", "DARK-A", "DARK-B", "DARK-C", "SDP-A", "SDP-B"}
	list := make([]StockVenue, stockVenues)
	for v := range list {
		list[v].Venue = market.Venue{
			ID: market.VenueID(v), Name: names[v], MIC: "X" + names[v][:2] + names[v][len(names[v])-1:],
			MsgRate: 5000, AckNanos: stockAckNanos,
		}
		list[v].LatencyNanos = milli(feedMicrosNear*1000, r.LatencyMilli)
		if far[v] {
			list[v].LatencyNanos = milli(feedMicrosFar*1000, r.LatencyMilli)
		}
		switch {
		case v < litVenues:
			list[v].TakeFee, list[v].MakeFee = mil(stockTakeMils), mil(-stockMakeMils)
		case v < litVenues+darkPools:
			list[v].Kind, list[v].TakeFee, list[v].MakeFee = market.Dark, mil(stockDarkMils), mil(stockDarkMils)
		default:
			list[v].Kind = market.SDP
			list[v].LastLook = v == stockVenues-1
		}
	}
	return list
}

// darkArrivals draws the hidden interest of one pool, whatever anybody does.
type darkArrivals struct {
	draws random
	n     uint64
	at    int64
	mean  int64 // ns between arrivals
}

// One in so many looks brings something; most pings find nothing.
var darkGaps = [darkPools]int64{60e9, 100e9, 45e9}

func (s *Stock) openVenues() error {
	venues := StockVenues(&s.cfg.Regime)
	for i := range venues {
		v := &venues[i]
		own := Venue{
			Instrument: s.cfg.Instrument, TakeFee: v.TakeFee, MakeFee: v.MakeFee,
			IDBase: uint64(i+1) * 1_000_000_000_000,
			Replies: Replies{
				Report: func(r *Report) { s.report(v.ID, v.Kind, r) },
				Reject: func(r *CancelReject) {
					if s.cfg.Listener.Reject != nil {
						s.cfg.Listener.Reject(v.ID, r)
					}
				},
			},
		}
		if err := s.openVenue(v, own); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stock) openVenue(v *StockVenue, own Venue) error {
	l := &s.cfg.Listener
	switch v.Kind {
	case market.Lit:
		cfg := ExchangeConfig{Venue: own}
		if l.Book != nil {
			cfg.Book = func(c *BookChange) { l.Book(v.ID, c) }
		}
		if l.Trade != nil {
			cfg.Trade = func(t *Trade) { l.Trade(v.ID, t) }
		}
		e, err := NewExchange(cfg)
		s.Exchanges = append(s.Exchanges, e)
		return err
	case market.Dark:
		d, err := NewDarkPool(DarkPoolConfig{Venue: own, StaleNanos: Never / 2})
		n := len(s.Pools)
		s.Pools = append(s.Pools, d)
		a := &s.dark[n]
		a.draws = newRandom(s.cfg.Seed+uint64(n)<<40, streamDark)
		a.mean = darkGaps[n] * 1000 / s.cfg.Regime.DarkMilli
		a.at = s.cfg.Start + stockShared.gaps.draw(a.draws.at(0), a.mean)
		return err
	}
	tick, lot := s.cfg.Instrument.Tick, s.cfg.Instrument.Lot
	cfg := DealerConfig{
		Venue: own, Seed: s.cfg.Seed, QuotePrefix: "A", Increment: tick / 10, HalfSpread: tick * 9 / 10,
		QuoteQty: 5 * lot, SkewQty: 5 * lot, HedgeNanos: 30e9, RefreshNanos: 1e9, MinGapNanos: 200e6,
		ValidNanos: 2e9, StaleNanos: Never / 2,
	}
	if v.LastLook {
		cfg.QuotePrefix, cfg.HalfSpread, cfg.LastLook = "B", tick*6/10, true
		cfg.HoldMedianNanos, cfg.HoldSigmaMilli = 80e6, 500
		cfg.RejectMove2 = max(market.Price(milli(int64(tick)/2, s.cfg.Regime.DealerMilli)), 1)
	}
	if l.Quote != nil {
		cfg.Quote = func(q *Quote) { l.Quote(v.ID, q) }
	}
	if l.QuoteCancelled != nil {
		cfg.QuoteCancelled = func(now int64) { l.QuoteCancelled(v.ID, now) }
	}
	d, err := NewDealer(cfg)
	s.Dealers = append(s.Dealers, d)
	return err
}

// report lets our fill move the market and passes it on. Taking counts in full, once
// for all of an order; what others trade against our resting order counts half as if
// we had pushed, because it is gone for those who would have moved the price; pools
// leak a part; a dealer trades half of it away over the next minute.
func (s *Stock) report(v market.VenueID, kind market.VenueKind, r *Report) {
	if r.ExecType == market.ExecTrade {
		q := r.Side.Sign() * int64(r.LastQty) * 1000 / int64(s.cfg.Instrument.Lot)
		switch {
		case kind == market.SDP:
			w := float64(milli(q, hedgeMilli)) * s.impact.weigh / (1000 * hedgeBeats)
			for i := range s.hedges {
				s.hedges[i] += w
			}
		case kind == market.Dark:
			s.moved(milli(q, darkLeakMilli))
		case r.Liquidity == market.LiquidityAdded:
			s.moved(milli(q, absorbMilli))
		default:
			s.ourTaken += q
		}
	}
	if s.cfg.Listener.Report != nil {
		s.cfg.Listener.Report(v, r)
	}
}

// arrive brings hidden interest to pool i. Metaorders rest there, too, so the side on
// which both press comes more often; some of it knows where the value will be in a
// minute.
func (s *Stock) arrive(i int, at int64) {
	a := &s.dark[i]
	a.n++
	base := a.n * drawsPerContra
	a.at = at + stockShared.gaps.draw(a.draws.at(base), a.mean)
	buy, sell := int64(1), int64(1)
	if s.active[0].side == s.active[1].side {
		if s.active[0].side == market.Buy {
			buy = leanOdds
		} else {
			sell = leanOdds
		}
	}
	side := market.Sell
	if below(a.draws.at(base+1), buy+sell) < buy {
		side = market.Buy
	}
	if below(a.draws.at(base+2), 1000) < milli(informedMilli, s.cfg.Regime.ToxicMilli) {
		now := min(s.beats, int64(len(s.path.value)-1))
		later := min(s.beats+informedNanos/pathBeat, int64(len(s.path.value)-1))
		if s.path.value[later] > s.path.value[now] {
			side = market.Buy
		} else {
			side = market.Sell
		}
	}
	lot := s.cfg.Instrument.Lot
	qty := lot * market.Qty(stockShared.contras.draw(a.draws.at(base+3)))
	least := market.Qty(0)
	if below(a.draws.at(base+4), 4) == 0 {
		least = (qty / 2).FloorTo(lot)
	}
	stay := stockShared.gaps.draw(a.draws.at(base+5), contraStayNanos)
	s.Pools[i].Interest(at, side, qty, least, at+stay)
}

const contraStayNanos = 10_000_000_000

// LatencyNanos draws how long message n of an agent takes to venue v, one way.
func (s *Stock) LatencyNanos(v *StockVenue, n uint64) int64 {
	draws := newRandom(s.cfg.Seed+uint64(v.ID)<<40, streamLatency)
	return stockShared.latency.draw(draws.at(n), v.LatencyNanos)
}
