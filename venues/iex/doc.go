// Package iex reads IEX DEEP 1.0 over IEX-TP 1.0 and turns it into market data
// events.
//
//	datagram ─► Receiver (IEX-TP: session, sequence, gaps, restarts)
//	               │ one message at a time, in sequence, exactly once
//	               ▼
//	            Decoder (DEEP 1.0: length from the specification, fields in place)
//	               │ event.Event
//	               ▼
//	            event.Sink
//
// Both are pure: time is an argument and nothing blocks. Each has a single owner;
// none is safe for concurrent use.
//
// DEEP tells the displayed size of price levels, never orders, and has no
// snapshot: a level stands until it is told again. A book is LIVE only while every
// message since the first of the stream (sequence 1) has been delivered. After a
// gap it is STALE until the stream begins again, which the feed does with a new
// session or with sequence 1 in the same one.
//
// Sources: IEX Transport Protocol specification 1.25, IEX DEEP specification 1.08.
// All integers are little endian, times are ns since the epoch, prices count
// 1/10000 dollar.
//
// Not here: sockets, the retransmission service, TOPS and DEEP+.
package iex
