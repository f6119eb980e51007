// Package jsonws reads market data that venues send as JSON over WebSocket.
//
//	wire.Conn ─► Conn (handshake, frames, ping and pong)
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
// Feed joins a decoder to a connection and is driven by Work: it subscribes,
// demands the confirmation, notices silence, asks for snapshots, and reconnects
// with growing, jittered pauses. Everything has a single owner; nothing here is
// safe for concurrent use.
//
// Not here yet: TLS, so live venues are reached through a local proxy;
// permessage-deflate, which is never offered.
package jsonws
