// Package itch reads TotalView-ITCH 5.0 over MoldUDP64 and turns it into market
// data events.
//
//	line A ──┐  UDP, one group or port each;
//	line B ──┤  the same packets, lost independently
//	         ▼
//	      Receiver (MoldUDP64: session, sequence, arbitration of the lines, gaps)
//	         │  ▲ ▲
//	         │  │ └──── re-request server (UDP): what every line lost
//	         │  └────── snapshot (GLIMPSE over SoupBinTCP): the books of now, and the
//	         │          number of the message from which the stream goes on
//	         ▼ one message at a time, in sequence, exactly once
//	      Decoder (ITCH 5.0: length from the specification, fields in place)
//	         │ event.Event
//	         ▼
//	      event.Sink
//
// Receiver and Decoder are pure: time is an argument and nothing blocks. Feed
// joins them to sockets and is driven by Work. Each has a single owner; none is
// safe for concurrent use.
//
// # What is missing
//
// The first line to bring a message delivers it, the others' copies are dropped. A
// packet ahead of its turn is held, and what happens next depends on how long the
// messages before it stay away:
//
//	gap ──► Awaiting ──GapNanos──► Recovering ──GiveUpRequests──► Loading
//	        books LIVE, behind     books STALE,   without answer   books SYNCING,
//	        by no more than that   requested                       a snapshot loads
//
// With one line there is no wait. Without a snapshot server the requests go on
// with growing pauses. A line that is silent is counted and does no harm; books
// are STALE only when all are.
//
// # Where books begin
//
// A book is LIVE only while every message since the first of the session, or since
// the snapshot, has been delivered. Who hears the session from its first message
// needs neither server. Who comes later takes a snapshot when there is a server for
// it, else the session from its first message by re-requests. While a snapshot
// loads the packets of the stream are held; when more come than HeldPackets, it is
// taken again. A snapshot whose number the stream does not reach within
// SilenceNanos is one of another session, and is taken again too.
//
// A book that contradicts itself begins again by the same way, and all others with
// it: stream and snapshot are theirs together (see Feed.Resync).
//
// Not here: the order book.
package itch
