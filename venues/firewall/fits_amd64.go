package firewall

// fitsAll is fitsWords on bytes of a body, whose last chunk begins at last.
//
//go:noescape
func fitsAll(body *byte, chunks *chunk, n, last int) bool
