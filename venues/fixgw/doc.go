// Package fixgw is the order gateway to one venue that speaks FIX: commands of the
// core become NewOrderSingle and OrderCancelRequest, the venue's reports, rejects
// and quotes become events.
//
//	command ─ Send ─► template ─► fix.Session ─► socket      (OnSent)
//	event ◄─ Sink ◄─ one pass over the fields ◄─ fix.Session ◄─ socket
//
// A Gateway is driven by Work and Send from one goroutine, with the time as
// argument; it never blocks and starts no goroutine. What is particular to a
// venue is data: a Dialect. What is not here: anything that decides.
//
// An execution report is never lost: when the Sink has no room, the message stays
// unread, and so does everything behind it, until the next Work.
package fixgw
