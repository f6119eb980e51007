package ems

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// locate reads who located the stock of a short sale. LocateReqd(114)=Y asks the broker to, which
// a router cannot; with N the client says in LocateBroker(5700) who did. Whether it must is a
// permission of the client, which the core knows. On any other side neither has a meaning.
func (in *inbound) locate() *refusal {
	if in.msgType != 'D' && in.msgType != 'G' {
		return nil
	}
	required, asked := in.msg.Get(tagLocateReqd)
	broker, named := in.msg.Get(fix.TagLocateBroker)
	switch {
	case in.event.Mark == market.Long && (asked || named):
		return order(event.ReasonLocate, "LocateReqd(114) and LocateBroker(5700) are of short sales: Side(54)=5 or 6")
	case asked && string(required) == "Y":
		return order(event.ReasonLocate, "LocateReqd(114)=Y: nobody locates stock here: say 114=N and LocateBroker(5700)")
	case asked && string(required) != "N":
		return malformed(tagLocateReqd, fix.RejectValue)
	case named && !asked:
		return order(event.ReasonLocate, "LocateBroker(5700) without LocateReqd(114)=N")
	case !named || in.msgType == 'G': // who located the order's stock stays
		return nil
	}
	id, fits := event.MakeID(broker)
	if !fits || !id.Valid() {
		return order(event.ReasonLocate, "LocateBroker(5700)=%s: 1 to 20 characters of A-Z a-z 0-9 _ -", plain(broker))
	}
	in.event.OrigID = id
	return nil
}
