// Package firewall is the last thing between the order sessions and their sockets. It
// reads the bytes that are about to leave, keeps accounts of its own, and refuses what
// breaks a limit, whatever the router believes:
//
//	client's order ─ Ordered ─┐
//	number it got ── Accept ──┤
//	                          ▼
//	session ─ bytes ─► Session.Out ─► socket        a violation: the bytes do not leave,
//	session ◄─ bytes ── Session.In ◄─ socket        and the kill latch is set
//
// It imports only market and fix, so that no error of the router's arithmetic can be an
// error here. What a parent may trade comes from the bytes of the client's order; only
// which number the router gave to that order is the router's word, and a wrong one finds
// another order's quantity, symbol or side. What is open and what was executed comes from
// the bytes of orders and of the venues' reports.
//
// A Firewall and its Sessions belong to the goroutine that works the gateways; the
// Latch to nobody.
package firewall
