// Package emsclient is a client of the router: a FIX 4.4 initiator that sends
// parent orders and keeps its own books of what comes back. The demo and the
// tests compare these books with the router's, so nothing here is shared with the
// router but the nouns of package market.
//
// Ledger checks every ExecutionReport(8) against the ones before it and collects
// what does not fit; Client adds the session. All numbers are integers in the
// instrument's increments.
package emsclient
