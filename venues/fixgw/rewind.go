package fixgw

import "penstock/fix"

// maxRewind bounds how many messages are asked for again: as many as may wait between the session
// and the core. A dealer has said more since its last report, but those were quotes.
const maxRewind = 1 << 15

// rewind lets the session ask again for what the run has not recorded. A process that died has read
// it, so the venue does not repeat it unasked, and nobody else would tell of an execution of an order
// that had ended by then. What is recorded is not asked for: a status is the venue's last word, and
// an old one would undo what came after it.
func (g *Gateway) rewind() error {
	_, in := g.store.Next()
	if d := &g.cfg.Dialect; g.cfg.Heard == 0 || g.cfg.Heard+1 >= in || d.NoResend || d.ResetOnLogon {
		return nil
	}
	g.readBefore = in
	return g.store.Rewind(min(in-1-g.cfg.Heard, maxRewind))
}

// outdated reports whether m is one of those that rewind asked for and was about its own moment only:
// a quote, an invitation. It is for the first session, until what was missing has come.
func (g *Gateway) outdated(m *fix.Message, kind byte) bool {
	if g.session.NextIn() >= g.readBefore || !m.Flag(fix.TagPossDupFlag) {
		return false
	}
	switch kind {
	case '8':
		return g.cfg.Dialect.invites(m)
	case '9', '3', 'j':
		return false
	}
	return true
}
