// Package guard stands between the network and the FIX library that serves
// clients. The library trusts what it reads: a hostile or broken peer can stop
// the process, fill the memory or slip in a corrupted quantity. So it listens on
// loopback only, and every byte of a client passes here first:
//
//	client ──TCP/TLS──► accept ─► frame ─► inspect ─► logon policy ──loopback──► library
//	                    CIDR      64 KiB   fields,    CompIDs, 108,
//	                    max conns checksum lengths    141, password
//	client ◄──────────── outbox (bounded; a client that does not read is cut) ◄── library
//
// What is wrong before the first Logon was admitted closes the connection. Later,
// a frame with a wrong BodyLength(9), CheckSum(10) or field syntax is dropped and
// counted, as FIX asks for garbled messages, so that the sequence gap makes the
// peer send it again; anything the library would not survive still closes.
//
// The guard knows nothing of orders, and holds no state that outlives a
// connection but the count of failed passwords by address.
package guard
