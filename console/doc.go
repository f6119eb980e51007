// Package console is how people and their programs look at a running router.
//
// It holds the text in which counters are read by machines (Metrics). Who serves it, and from what, is the
// program's: nothing here knows the router.
package console
