// Package tape plays recordings of market data as if they were live feeds, and
// trades against them.
//
//	file ── gzip, zstd, zip or plain, by name and first bytes; archive.tar.zst!member
//	  │
//	container ── Records: (receive time, kind, connection, message bytes)
//	  │              stamped, capture, jsonl, frames, lengths, CSV, pcap, pcapng,
//	  │              FIX frames, recorded (what Recorder wrote)
//	Source ── one venue's recordings through the decoder of its live feed, one
//	  │       decoder for each address that a connection was made to
//	  │
//	Tape ── the sources merged by receive time; Basis shifts followers
//	  │
//	Replay ── tape events and Market answers in one time order ──► router.Step
//	  ▲                                                               │
//	Market ── matches child orders against what was displayed ◄───────┘
//
// Verify plays one recording with every symbol in it into books and counts;
// Recordings lists what is below a folder by the table in holdings.go. A new JSON
// decoder is one line in formats (contain: containFrames, decode: playJSON(…),
// survey: surveyJSON), one in holdings for each recording that it reads, and one in
// protocols when a live feed of it is recorded.
//
// Recorded time is the only time: the same files give the same events. A file
// that is cut or damaged ends its source with an *Error that says where; what
// was read before it stands.
//
// Nothing here is for live trading, and nothing is safe for concurrent use.
package tape
