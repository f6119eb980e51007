// Package ouch is the order gateway to one venue that speaks Nasdaq's OUCH, 5.0 or 4.2, in
// SoupBinTCP: commands of the core become orders and cancels, what the venue says becomes
// the events that package fixgw makes of FIX.
//
//	command ─ Send ─► bytes ─► soup.Client ─► socket               (OnSent)
//	event ◄─ Sink ◄─ orders: state, CumQty ◄─ Decode ◄─ soup.Client ◄─ socket
//
// OUCH says what changed, never where an order stands. The book of orders here adds it up,
// which is right because the messages are numbered and none is missed or read twice: a
// connection goes on behind the last message of the one before, and a new process reads
// the session from its first message. An execution counts once for each MatchNumber.
//
//	ClOrdID (5.0), token (4.2)   the child's number, in 12 digits to the base of 36
//	UserRefNum (5.0)             numbers the orders of the port; the venue says which is next
//
// so that nothing has to be kept on disk: the acceptance of an order names both. What was
// sent and not answered when a connection broke is never sent again, because a late order
// is a wrong order; the venue's answer to the account query, behind everything it had to
// say, shows whether it ever arrived. OUCH has no status request: SendStatus is answered
// from the book of orders, once it is complete.
//
// A Gateway is driven by Work and Send from one goroutine, with the time as argument.
package ouch
