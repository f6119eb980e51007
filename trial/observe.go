package trial

import (
	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// Look is what the composite book of a stock with nobody of ours in it shows at one second.
type Look struct {
	book.Pressure
	Mid2   int64 // best bid + best ask; 0 when a side is missing
	Spread int64 // ticks
	Pace   int64 // trades against usual, in 1/1000
}

// observer feeds a stock into a composite, as a router sees it.
type observer struct{ m *book.Composite }

// Observe plays the stock of a setup without a parent and returns what its composite book
// showed at each second from the arrival to the horizon.
func Observe(s Setup) ([]Look, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	venues := sim.StockVenues(&s.Regime)
	list := make([]market.Venue, len(venues))
	for i := range venues {
		list[i] = venues[i].Venue
	}
	o := &observer{m: book.NewComposite(0, list, func(market.VenueID) bool { return true }, book.Capacity{Levels: 64},
		func(market.VenueID) *book.Orders { return nil })}
	for v := range list {
		if list[v].Kind == market.Lit {
			o.hear(&event.Event{Kind: event.BookStatus, Venue: list[v].ID, Code: uint8(event.BookLive), StepTime: s.begin()})
		}
	}
	stock, err := s.stock(o.listener())
	if err != nil {
		return nil, err
	}
	looks := make([]Look, 0, s.Horizon)
	for now := s.begin(); now < s.Arrival()+s.Horizon*1e9; now += 1e9 {
		stock.Run(now)
		if l := o.look(now); now >= s.Arrival() {
			looks = append(looks, l)
		}
	}
	return looks, nil
}

func (o *observer) hear(e *event.Event) {
	o.m.Apply(e)
	o.m.Refresh(e.StepTime)
}

func (o *observer) listener() sim.StockListener {
	return sim.StockListener{
		Book: func(v market.VenueID, c *sim.BookChange) {
			o.hear(&event.Event{Kind: event.BookLevel, Venue: v, Side: c.Side, Price: c.Price, Qty: c.LevelQty,
				SrcTime: c.Time, StepTime: c.Time})
		},
		Trade: func(v market.VenueID, t *sim.Trade) {
			o.hear(&event.Event{Kind: event.MarketTrade, Venue: v, Side: t.Aggressor, Price: t.Price, Qty: t.Qty,
				SrcTime: t.Time, StepTime: t.Time})
		},
		Halt: func(v market.VenueID, now int64, halted bool) {
			e := event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive), StepTime: now}
			if halted {
				e.Code = uint8(event.BookHalted)
			}
			o.hear(&e)
		},
	}
}

func (o *observer) look(now int64) (l Look) {
	o.m.Refresh(now)
	if !o.m.Normal() {
		return l
	}
	l.Pressure = o.m.Pressure()
	l.Mid2, _ = o.m.Mid2()
	l.Spread, l.Pace = int64(o.m.Spread()/Tick), o.m.Features.PaceRatio()
	return l
}
