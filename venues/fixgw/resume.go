package fixgw

import "penstock/fix"

// maxRewind bounds how many messages are asked for again: as many as may wait between the session
// and the core. A dealer has said more since its last report, but those were quotes.
const maxRewind = 1 << 15

// resume corrects the numbers in the file. Inbound the run's own record counts: what a process that died
// has read and not recorded, the venue does not repeat unasked, and nobody else would tell of an
// execution of an order that had ended by then. What is recorded is not asked for: a status is the
// venue's last word, and an old one would undo what came after it.
func (g *Gateway) resume() error {
	// Nothing is repeated in some dialects, and whoever removed the file begins anew with the venue.
	if d := &g.cfg.Dialect; d.NoResend || d.ResetOnLogon || g.store.Fresh() {
		return nil
	}
	out, in := g.store.Next()
	next := in
	if g.cfg.Heard > 0 {
		next = max(g.cfg.Heard+1, in-min(in-1, maxRewind))
	}
	if g.cfg.HostDied {
		out = max(out, g.cfg.Sent+1) + g.cfg.Since + fix.HostAhead
	} else if next == in {
		return nil
	}
	return g.store.Resume(out, next)
}

// outdated reports whether m is repeated, after a connection that was lost, and was about its own moment
// only: a quote, an invitation. Nobody can deal on it any more, and what it would be an answer to is over.
func (g *Gateway) outdated(m *fix.Message, kind byte) bool {
	switch kind {
	case '8':
		if !g.cfg.Dialect.invites(m) {
			return false
		}
	case '9', '3', 'j':
		return false
	}
	return m.Flag(fix.TagPossDupFlag)
}
