// Package wire holds non-blocking sockets for feeds and order gateways: one
// outgoing TCP connection, plain (Conn) or in TLS (TLSConn), one UDP receiver
// (UDP), and a Poller that parks a goroutine until one of them has something or a
// doorbell rings.
//
// Nothing here blocks, except Resolve and Dial when they look a name up, and
// Poller.Wait, whose purpose it is; a TLS handshake blocks a goroutine of its
// own, a Lookup too. The Go network poller is not involved: it
// would wake a goroutine where the caller wants to be called. Linux only.
package wire
