// Package soup is the client side of SoupBinTCP 3.00, which carries numbered
// messages over TCP: order entry (OUCH) and book snapshots (GLIMPSE).
//
//	0 ┌────────────┐
//	  │ length u16 │ big-endian, of what follows it
//	2 ├────────────┤
//	  │ type    u8 │ L login   A accepted  J rejected  S sequenced  U unsequenced
//	3 ├────────────┤ H server's heartbeat  R client's heartbeat  O logout
//	  │ payload    │ Z end of session  + debug
//
// TCP may split and merge packets as it likes. Sequenced messages carry no number:
// both sides count them from the one that the acceptance of the login names.
//
//	bytes ─► Session (framing, login, counting, heartbeats; time is an argument)
//	             ▲ │ one Message at a time
//	             │ ▼
//	         Client (a wire.Conn, reconnects with a jittered pause)
//
// Session is pure: no clock, no socket. Client owns its socket and has no
// goroutine: call Work and Next again and again, from one goroutine. Neither is
// safe for concurrent use, and neither allocates once connected.
//
// Not here: what the messages mean, and encryption: these sessions run over
// private lines.
package soup
