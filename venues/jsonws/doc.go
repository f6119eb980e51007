// Package jsonws reads market data that venues send as JSON over WebSocket.
//
//	wire.Stream ─► Conn (handshake, frames, ping and pong)
//	               │ one text message
//	               ▼
//	             Kraken | Coinbase | CoinbaseFull | CoinbaseAdvanced | Binance …
//	               │ (scan, check, scale)
//	               │ event.Event, all but the last of a message marked More
//	               ▼
//	             event.Sink
//
// A decoder is pure: Receive takes the time and the text of a message, whether
// it comes from a socket or from a recording. A message in the venue's usual
// form is read by a hand scanner, which expects it to begin as the message before
// of its instrument did (head, depthHead), and numbers to look like the number
// before (shape); any other form by fastjson, with the same result. Numbers go digit by digit into integers. A message is read whole and
// checked before any of it is told, so a bad one never leaves a book half
// changed: it takes the book out of use (STALE) until the next snapshot.
//
// Feed joins a decoder to a connection, ws or wss, and is driven by Work: it
// subscribes, demands the confirmation, keeps to the venue's limit on messages,
// notices silence and old data, asks for snapshots or fetches them over HTTP,
// replaces connections before the venue ends them, and reconnects with growing,
// jittered pauses, elsewhere if need be. Everything has a single owner; nothing
// here is safe for concurrent use.
//
// Not here: permessage-deflate, which is never offered.
package jsonws
