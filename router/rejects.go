package router

import (
	"math"
	"math/bits"

	"penstock/event"
	"penstock/market"
)

// RejectClass is what a venue's refusal asks of us.
type RejectClass uint8

// Classes of refusal.
const (
	RejectRetry   RejectClass = iota // after a pause: throttled, or no reason given
	RejectReprice                    // with another price or quote, in the next decision
	RejectHold                       // when the venue says that it trades again
	RejectDisable                    // never like this: until a named person resumes the venue
	RejectClasses
)

var rejectNames = [...]string{"retry", "re-price", "hold", "disable"}

func (r RejectClass) String() string {
	if int(r) < len(rejectNames) {
		return rejectNames[r]
	}
	return "class?"
}

// ClassOf returns what a refusal for a reason asks of us. Dialects map the codes and
// texts of their venues to reasons.
func ClassOf(reason event.Reason) RejectClass {
	switch reason {
	case event.ReasonPriceBand, event.ReasonWouldTake, event.ReasonCollar, event.ReasonBadPrice, event.ReasonLimit, event.ReasonLastLookPrice,
		event.ReasonQuoteExpired, event.ReasonNoReference:
		return RejectReprice
	case event.ReasonVenueHalted, event.ReasonVenueDown, event.ReasonNotReady, event.ReasonTooLate,
		event.ReasonVenueState, event.ReasonExpired:
		return RejectHold
	case event.ReasonUnknownInstrument, event.ReasonUnsupportedType, event.ReasonBadQty,
		event.ReasonBadParameter, event.ReasonMaxQty, event.ReasonMaxNotional, event.ReasonDuplicateClOrdID,
		event.ReasonKilled, event.ReasonVenueReject: // what is not understood is taken for the worst (FM-36)
		return RejectDisable
	}
	return RejectRetry
}

// standing is whether an instrument may be routed to a venue, as its refusals left it.
type standing struct {
	until   int64 // ns since epoch: nothing is sent before
	class   RejectClass
	shut    bool  // by class Hold or Disable, until an event
	strikes uint8 // refusals in a row without an accepted order
}

const (
	retryNanos = 50e6  // after the first refusal; doubled with each in a row
	maxStrikes = 8     // then the venue is out of use for the instrument
	retryMost  = 6.4e9 // ns
	bandNanos  = 5e9   // after a second price outside the venue's band
)

// refusedBy takes a refusal of ch for a reason.
func (c *Core) refusedBy(ch *Child, reason event.Reason) {
	if reason == event.ReasonLateFill {
		return // the firewall heard first what will leave no room: no fault of the venue
	}
	class := ClassOf(reason)
	c.card(ch.Venue).Rejects[class]++
	st := &c.standings[ch.Instrument][ch.Venue]
	if class == RejectReprice && c.venues[ch.Venue].Kind == market.SDP {
		return // a dealer may: its price of it is in the reject model
	}
	st.strikes = min(st.strikes+1, maxStrikes)
	switch {
	case class == RejectHold || class == RejectDisable:
		c.shut(ch.Instrument, ch.Venue, class, reason)
	case st.strikes == maxStrikes:
		c.shut(ch.Instrument, ch.Venue, RejectDisable, event.ReasonRejects)
	default:
		st.class = class
		c.bar(ch.Instrument, ch.Venue)
		st.until = c.now + min(int64(retryNanos)<<(st.strikes-1), int64(retryMost))
		if reason == event.ReasonPriceBand && st.strikes > 1 { // FM-33: one more try, then a rest
			st.until = c.now + bandNanos
		}
	}
}

// acceptedBy ends a row of refusals.
func (c *Core) acceptedBy(ch *Child) { c.standings[ch.Instrument][ch.Venue].strikes = 0 }

// shut takes a venue out of use for an instrument and tells a person: by RejectHold until
// the venue is heard to trade again, by RejectDisable until a named person resumes it.
func (c *Core) shut(id market.InstrumentID, v market.VenueID, class RejectClass, reason event.Reason) {
	st := &c.standings[id][v]
	if st.shut && st.class >= class {
		return
	}
	st.shut, st.class = true, class
	c.bar(id, v)
	c.Counters.Shut++
	c.Counters.Alerts++
	cmd := c.command(event.Alert)
	cmd.Venue, cmd.Instrument, cmd.Reason = v, id, reason
}

// open puts a venue to use again where its refusals were of the class or weaker;
// NoInstrument means for every instrument, NoVenue at every venue.
func (c *Core) open(id market.InstrumentID, v market.VenueID, class RejectClass) {
	for i := range c.standings {
		if id != market.NoInstrument && int(id) != i {
			continue
		}
		for k := range c.venues {
			st := &c.standings[i][k]
			if v != market.NoVenue && int(v) != k || st.class > class {
				continue
			}
			*st = standing{}
			c.facts++
			setBit(&c.listed[i].barred, market.VenueID(k), false)
		}
	}
}

// bar notes that the standing of a venue may bar it.
func (c *Core) bar(id market.InstrumentID, v market.VenueID) {
	setBit(&c.listed[id].barred, v, true)
	c.facts++
}

// barredUntil returns when the first venue that is barred for a while may be used for an instrument again, ns since epoch;
// math.MaxInt64: none is.
func (c *Core) barredUntil(id market.InstrumentID) int64 {
	first := int64(math.MaxInt64)
	for set := c.listed[id].barred; set != 0; set &= set - 1 {
		if st := &c.standings[id][bits.TrailingZeros16(set)]; !st.shut && st.until > c.now {
			first = min(first, st.until)
		}
	}
	return first
}

// barred returns the venues that cannot be used for an instrument after its refusals: until an
// event, and for a while.
func (c *Core) barred(id market.InstrumentID) (shut, resting uint16) {
	for set := c.listed[id].barred; set != 0; set &= set - 1 {
		v := bits.TrailingZeros16(set)
		switch st := &c.standings[id][v]; {
		case st.shut:
			shut |= 1 << v
		case st.until > c.now:
			resting |= 1 << v
		}
	}
	return shut, resting
}
