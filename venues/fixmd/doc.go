// Package fixmd reads market data in FIX: MarketDataSnapshotFullRefresh(35=W),
// MarketDataIncrementalRefresh(35=X), trading status (35=f, h) and dealers' quotes
// (35=S, i, Z) become events.
//
//	socket ─► fix.Session ─► Decoder ─► list of changes ─► Sink
//	   ▲                        │
//	   └── MarketDataRequest ◄── Feed (subscribe, confirm, resync, reconnect)
//
// FIX leaves the shape of a group to the venue: which field begins an entry, what
// identifies it, how updates are numbered. Those answers are data, a Dialect; one
// scanner reads them all. Prices and quantities are taken digit by digit.
//
// A message is refused whole or told whole. What cannot be read, or contradicts
// what was read before, takes its books out of use: STALE, until a new snapshot.
//
// QuoteReader is used by the order gateway (venues/fixgw) too, for dealers that
// quote on the order session.
//
// What is not here: TLS, and snapshots over HTTP (Coinbase's gateway without
// snapshots).
package fixmd
