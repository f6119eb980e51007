// Package itch reads TotalView-ITCH 5.0 over MoldUDP64 and turns it into market
// data events.
//
//	UDP ─► Receiver (MoldUDP64: session, sequence, gaps, re-requests)
//	          │ one message at a time, in sequence, exactly once
//	          ▼
//	       Decoder (ITCH 5.0: length from the specification, fields in place)
//	          │ event.Event
//	          ▼
//	       event.Sink
//
// Receiver and Decoder are pure: time is an argument and nothing blocks. Feed
// joins them to sockets and is driven by Work. Each has a single owner; none is
// safe for concurrent use.
//
// A book is LIVE only while every message since the first of the session has
// been delivered. After a gap or a silence the book has lost its depth (that is
// what STALE means), so the feed asks the re-request server for the session from
// its first message and becomes LIVE again when it has caught up.
//
// Not here: line arbitration, SoupBinTCP, GLIMPSE snapshots, the order book.
package itch
