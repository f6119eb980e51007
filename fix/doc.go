// Package fix is an allocation-free tag-value codec and session for FIX.
//
// Bytes to messages: Frame finds one complete, checksummed message at the front
// of a buffer; Message.Parse splits it into fields that alias the buffer. The
// other way, Writer appends a message to a reused buffer and Template does the
// same for order messages whose fields hardly change.
//
// Session is the state machine of one FIX connection, in either role. It owns no
// socket, clock or goroutine: bytes and time are arguments, bytes to send are
// collected in Out, and a wish to close is a flag:
//
//	        Receive(now, bytes)            Begin … Send
//	socket ───────────────────► Session ◄──────────────── application
//	       ◄───────────────────    │    ────────────────►
//	         Out, Wrote, WantClose │     Config.App(message)
//	                               ▼
//	                             Store (sequence numbers on disk)
//
// There is no data dictionary here: a repeating group is read by walking the
// fields in order, and what a message must hold is decided by who reads it.
package fix
