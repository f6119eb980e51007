// Package serve puts the engines of venues/sim on loopback sockets in the real
// protocols of venues:
//
//	lit    ITCH 5.0 in MoldUDP64 with a re-request server │ Kraken v2 book over
//	       WebSocket │ Coinbase level2 over WebSocket │ Binance spot streams over
//	       WebSocket with snapshots over HTTP; WebSocket and HTTP in TLS on wish
//	dark   nothing is displayed
//	dealer FIX 4.4 quotes
//	all    FIX 4.4 order entry
//
//	sockets ── reader goroutines ─┐            ┌─ writer goroutines ── sockets
//	                              ▼            │
//	            Market.mu: sessions, engines, feeds ◄── loop goroutine (clock)
//
// One mutex guards everything of a Market. Readers take it for each input; the
// loop takes it when the flow or something scheduled is due. The wall clock is
// read only here and passed to the engines. One-way latencies are entries of the
// loop's schedule, in both directions.
//
// The encoders here are written from the venues' documents and share nothing
// with the decoders that the router uses: two readings of a document must agree.
package serve
