// Package ems serves clients (EMS, OMS) over FIX 4.4 and 4.2. What they send becomes
// event.Event, what the router answers becomes ExecutionReport(8) and
// OrderCancelReject(9):
//
//	client ─► guard ─► quickfix session ─► Message ─► read, check ─► Event ─► Sink
//	                                          │ refused: 35=3, j, 8 or 9
//	client ◄─ guard ◄─ quickfix session ◄─────┴── encode ◄─ durable? ◄─ ring ◄─ Report
//
// Threads. quickfix runs a goroutine per session, which calls in; Sink is called
// under one mutex, so that the ring behind it has one producer. The core thread
// calls Report, which copies into a ring and returns. One goroutine takes from
// that ring, holds each report back until the event that caused it is on disk,
// and hands it to the goroutine of its client, which encodes and sends: a client
// that does not read delays nobody else, and the core never.
//
// Nothing that a client says is ignored unless it is known to carry no meaning
// here: tag.go lists every tag, and one that is not listed refuses the message.
//
// Sessions are static. Sequence numbers and sent messages are kept on disk, so a
// client that was away asks for what it missed by an ordinary ResendRequest(2).
package ems
