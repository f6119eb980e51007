package main

import (
	"fmt"

	"penstock/event"
	"penstock/market"
)

// duty is how soon the owner of an alert of the core has to act, and with what.
type duty struct {
	severity severity
	do       string
}

// duties of the core's alerts by their reason. What had to be done at once the core has done;
// a reason that is not here is critical, since nobody has thought about it.
var duties = map[event.Reason]duty{
	event.ReasonExecConflict:   {critical, "settle the execution with the venue, then ctl venue NAME on: nothing is sent there before"},
	event.ReasonOverExecuted:   {critical, "the parent is frozen: settle with venue and client who owns the excess"},
	event.ReasonAbsurdFill:     {critical, "the parent is frozen: ask the venue what was executed"},
	event.ReasonDenied:         {critical, "ask the venue for the order; ctl resolve CHILD --value CUMQTY when both know"},
	event.ReasonCumQtyDiffers:  {critical, "the quantity stays reserved: ask the venue; ctl resolve CHILD --value CUMQTY"},
	event.ReasonNoStatus:       {critical, "the venue leaves orders unknown: call it; ctl resolve what it does not answer"},
	event.ReasonOrphan:         {critical, "an order of this run was lost with the host and is being cancelled: check it at the venue"},
	event.ReasonForeignOrder:   {critical, "the venue reports orders of others: call it, then ctl venue NAME on"},
	event.ReasonBeyondLimit:    {critical, "an execution was corrected beyond the client's limit: settle it"},
	event.ReasonUnknownExec:    {critical, "the venue takes back what is not known: settle it, then ctl venue NAME on"},
	event.ReasonDisabled:       {critical, "a strategy repeats itself: find out why, then ctl enable STRATEGY"},
	event.ReasonCanary:         {critical, "the last good policy trades: look at the new one, then ctl confirm-policy or put another in force"},
	event.ReasonExecsFull:      {critical, "raise router.max_children with the next start: repeated executions are not recognised any more"},
	event.ReasonChildrenFull:   {critical, "no order has a place any more: stop, raise router.max_children and start the next run"},
	event.ReasonMaxLife:        {critical, "nothing more is sent for it: cancel it, and let the client order the rest anew"},
	event.ReasonClock:          {critical, "repair the clock of this host (chronyc tracking, ptp4l); above 100 ms nothing new is sent"},
	event.ReasonSeqTooLow:      {critical, "agree with the venue on sequence numbers before the session is opened again"},
	event.ReasonDropCopyQty:    {critical, "settle the difference with the venue, then ctl venue NAME on"},
	event.ReasonDropCopyPrice:  {critical, "settle the difference with the venue, then ctl venue NAME on"},
	event.ReasonDropCopyExecID: {critical, "settle the difference with the venue, then ctl venue NAME on"},
	event.ReasonLateFill:       {warning, "it is booked: tell the venue that it executes what it ended"},
	event.ReasonExecGap:        {warning, "nothing, if the venue answers: it was asked"},
	event.ReasonTradeCancelled: {warning, "it is not routed again: settle with the client"},
	event.ReasonRestated:       {warning, "ask the venue what it restated"},
	event.ReasonRejects:        {warning, "find out why the venue refuses, then ctl venue NAME on"},
	event.ReasonRefusedAgain:   {warning, "find out why the venue refuses, then ctl venue NAME on"},
	event.ReasonVenueReject:    {warning, "find out what the refusal means, then ctl venue NAME on"},
	event.ReasonToxic:          {warning, "the pool is out of use: look at its fills, then ctl venue NAME on"},
	event.ReasonStaleMid:       {warning, "the pool is out of use: look at its fills, then ctl venue NAME on"},
	event.ReasonResends:        {warning, "call the venue: missing messages do not come"},
	event.ReasonFlapping:       {warning, "call the venue: its session comes and goes"},
	event.ReasonResetRefused:   {warning, "the venue wants to start its numbers again within the day: call it"},
	event.ReasonVenueHalted:    {warning, "nothing: it goes on when the venue says that it trades"},
	event.ReasonAbsurd:         {warning, "the feed said what cannot be: call the venue"},
	event.ReasonBadParams:      {warning, "the parameter set is not in force: make another"},
	event.ReasonDontKnowTrade:  {warning, "the client does not know an execution: settle it"},
}

// coreAlert is what a person is told of an Alert of the core.
func (a *assembly) coreAlert(c *event.Command) alert {
	d, known := duties[c.Reason]
	if !known {
		d = duty{critical, "find out what it means"}
	}
	text := c.Reason.String()
	if c.Child != 0 || c.Parent != 0 {
		text = fmt.Sprintf("%s (order %d of parent %d)", text, c.Child, c.Parent)
	}
	kind := "core"
	if c.Venue != market.NoVenue && int(c.Venue) < len(a.cfg.Router.Venues) {
		kind = "venue " + a.cfg.Router.Venues[c.Venue].Name
	}
	return alert{Severity: d.severity, Kind: kind, Text: text, Do: d.do}
}
