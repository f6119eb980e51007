// Package tape plays recordings of market data as if they were live feeds, and
// trades against them.
//
//	file ── gzip, zstd, zip or plain, by name and first bytes
//	  │
//	container ── Records: (receive time, message bytes)
//	  │              stamped, capture, jsonl, frames, lengths, dealer CSV
//	Source ── one venue's recordings through the decoder of its live feed
//	  │
//	Tape ── the sources merged by receive time; Basis shifts followers
//	  │
//	Replay ── tape events and Market answers in one time order ──► router.Step
//	  ▲                                                               │
//	Market ── matches child orders against what was displayed ◄───────┘
//
// Recorded time is the only time: the same files give the same events. A file
// that is cut or damaged ends its source with an *Error that says where; what
// was read before it stands.
//
// Nothing here is for live trading, and nothing is safe for concurrent use.
package tape
