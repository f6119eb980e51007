package ems

import (
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// expiry reads until when an order is good: ExpireDate(432), or ExpireTime(126). The latter is
// the EndTime of a strategy that has one.
func (in *inbound) expiry() *refusal {
	if r := in.expireDate(); r != nil {
		return r
	}
	value, timed := in.msg.Get(tagExpireTime)
	if in.event.TIF != market.TIFGTD {
		return nil
	}
	switch {
	case timed && in.event.ExpireDate != 0:
		return order(event.ReasonBadParameter, "ExpireDate(432) and ExpireTime(126): give one; a strategy takes its EndTime as a "+
			"strategy parameter")
	case in.event.Strategy.Scheduled() || in.event.ExpireDate != 0:
		return nil
	case !timed:
		return order(event.ReasonBadParameter, "TimeInForce(59)=6 needs ExpireDate(432) or ExpireTime(126)")
	}
	ns, err := fix.ParseTime(value)
	if err != nil || ns == 0 {
		return malformed(tagExpireTime, fix.RejectFormat)
	}
	in.event.Until = ns
	return nil
}

// expireDate reads ExpireDate(432), a LocalMktDate: the last day of the order.
func (in *inbound) expireDate() *refusal {
	value, ok := in.msg.Get(tagExpireDate)
	if !ok {
		return nil
	}
	day, err := time.Parse("20060102", string(value))
	if err != nil || day.Unix() <= 0 {
		return malformed(tagExpireDate, fix.RejectFormat)
	}
	if in.event.TIF != market.TIFGTD {
		return order(event.ReasonBadParameter, "ExpireDate(432) without TimeInForce(59)=6")
	}
	in.event.ExpireDate = int32(day.Unix() / 86_400)
	return nil
}

// setExpiry says back in a report until when an order is good, as its client said it.
func setExpiry(b *quickfix.Body, asked *event.Event) {
	switch {
	case asked.TIF != market.TIFGTD:
	case asked.ExpireDate != 0:
		b.SetString(tagExpireDate, time.Unix(int64(asked.ExpireDate)*86_400, 0).UTC().Format("20060102"))
	case asked.Until != 0:
		b.SetField(tagExpireTime, timestamp(asked.Until))
	}
}
