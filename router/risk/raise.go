package risk

import (
	"math"

	"penstock/event"
	"penstock/market"
)

// maxRaises bounds the limits that are raised at once.
const maxRaises = 64

// raise is a limit above its own, until a time.
type raise struct {
	kind       event.LimitKind
	instrument market.InstrumentID
	client     uint16
	was        int64
	until      int64
}

// limit returns where a limit is kept, nil when there is none; hard is what it cannot
// exceed while the router runs.
func (g *Gate) limit(kind event.LimitKind, in market.InstrumentID, client uint16) (at *int64, hard int64) {
	if kind <= event.LimitCollarBps {
		if int(in) >= len(g.limits) {
			return nil, 0
		}
		l := &g.limits[in]
		switch kind {
		case event.LimitParentMaxQty:
			return (*int64)(&l.ParentMaxQty), int64(market.MaxQty)
		case event.LimitParentMaxNotional:
			return (*int64)(&l.ParentMaxNotional), math.MaxInt64
		case event.LimitChildMaxQty:
			return (*int64)(&l.ChildMaxQty), int64(l.HardMaxQty)
		case event.LimitChildMaxNotional:
			return (*int64)(&l.ChildMaxNotional), int64(l.HardMaxNotional)
		case event.LimitCollarBps:
			return &l.CollarBps, 10_000
		}
		return nil, 0
	}
	switch k := g.controls; {
	case k == nil:
	case kind == event.LimitFirmCredit:
		return (*int64)(&k.FirmCredit), int64(market.MaxMoney)
	case kind == event.LimitCredit && int(client) < len(k.Clients):
		// The firewall's own credit of the client is as configured: no more than that.
		return (*int64)(&k.Clients[client].Credit), int64(k.hardCredit[client])
	}
	return nil, 0
}

// Raises reports whether value is above the limit as it is now.
func (g *Gate) Raises(kind event.LimitKind, in market.InstrumentID, client uint16, value int64) bool {
	at, _ := g.limit(kind, in, client)
	return at != nil && value > *at
}

// MaySet says why SetLimit would refuse. ReasonBadParameter: there is no such limit, the value is not positive, a raise
// names no time in the future, or what is lowered for good names one; ReasonMaxQty: above what nobody can override.
func (g *Gate) MaySet(kind event.LimitKind, in market.InstrumentID, client uint16, value, until, now int64) event.Reason {
	at, hard := g.limit(kind, in, client)
	switch {
	case at == nil || value <= 0:
		return event.ReasonBadParameter
	case value <= *at:
		if until != 0 {
			return event.ReasonBadParameter
		}
	case value > hard:
		return event.ReasonMaxQty
	case until <= now || len(g.raises) == maxRaises:
		return event.ReasonBadParameter
	}
	return event.ReasonNone
}

// SetLimit lowers a limit for good, or raises it until a time, after which it is what it was, where MaySet has nothing
// against it.
func (g *Gate) SetLimit(kind event.LimitKind, in market.InstrumentID, client uint16, value, until, now int64) event.Reason {
	if why := g.MaySet(kind, in, client, value, until, now); why != event.ReasonNone {
		return why
	}
	at, _ := g.limit(kind, in, client)
	if value <= *at {
		*at = value
		for i := range g.raises { // what runs out later does not raise it again
			if r := &g.raises[i]; r.kind == kind && r.instrument == in && r.client == client {
				r.was = min(r.was, value)
			}
		}
		return event.ReasonNone
	}
	g.raises = append(g.raises, raise{kind, in, client, *at, until})
	g.expiry()
	*at = value
	return event.ReasonNone
}

// Expire takes back the raises whose time is over.
func (g *Gate) Expire(now int64) {
	for i := 0; i < len(g.raises); {
		r := g.raises[i]
		if r.until > now {
			i++
			continue
		}
		if at, _ := g.limit(r.kind, r.instrument, r.client); at != nil {
			*at = min(*at, r.was)
		}
		g.raises = append(g.raises[:i], g.raises[i+1:]...)
	}
	g.expiry()
}

// NextExpiry returns when the next raise ends, math.MaxInt64 when there is none.
func (g *Gate) NextExpiry() int64 { return g.expires }

// expiry finds out when the next raise ends.
func (g *Gate) expiry() {
	g.expires = math.MaxInt64
	for i := range g.raises {
		g.expires = min(g.expires, g.raises[i].until)
	}
}
