package fixgw

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// onMessage turns one message into events; false leaves it unread.
func (g *Gateway) onMessage(m *fix.Message, now int64) (taken bool) {
	g.counting = 0
	msgType := m.Type()
	kind := byte(0)
	if len(msgType) == 1 {
		kind = msgType[0]
	}
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.In(m)
	}
	request := uint64(0)
	if kind == 'S' || kind == 'Z' || kind == 'b' || string(msgType) == msgQuoteRequestReject {
		request = requested(m)
	}
	switch {
	case g.outdated(m, kind):
		g.stats.Outdated++
		taken = true
	case g.cfg.DropCopy != nil:
		taken = g.onCopy(m, now)
	case kind == '6', kind == '8' && g.cfg.Dialect.invites(m):
		taken = g.onInvitation(m, now)
	case kind == '8':
		taken = g.onReport(m, now)
	case kind == '9':
		taken = g.onCancelReject(m, now)
	case request != 0:
		taken = g.onQuoteAnswer(m, request, now)
	case kind == 'S', kind == 'i', kind == 'Z':
		taken = g.onQuote(m, now)
	case kind == '3', kind == 'j':
		taken = g.onReject(m, now)
	default:
		g.stats.Unknown++
		taken = true
	}
	if taken {
		g.emitted = 0
	}
	return taken
}

// emit offers g.e to the Sink. Of a message with several events those that the
// Sink took in an earlier attempt are passed over.
func (g *Gateway) emit() bool {
	g.counting++
	if g.counting <= g.emitted {
		return true
	}
	if !g.offer() {
		return false
	}
	g.emitted++
	return true
}

// malformed refuses a message with Reject(35=3) and counts it.
func (g *Gateway) malformed(m *fix.Message, now int64, err error) bool {
	bad, ok := err.(*fix.FieldError)
	if !ok {
		bad = &fix.FieldError{Offset: -1, Reason: fix.RejectOther}
	}
	g.stats.Malformed++
	g.stats.LastMalformed = string(m.Type()) + ": " + bad.Error()
	g.session.Reject(now, m, bad)
	return true
}

// start clears g.e for the message of the venue that is next.
func (g *Gateway) start(kind event.Kind, now int64) *event.Event {
	g.e = event.Event{Kind: g.kindOf(kind), Venue: g.cfg.Venue, RecvTime: now,
		Instrument: market.NoInstrument}
	switch kind {
	case event.Exec:
		g.e.SetMsgSeqNum(g.session.NextIn())
		g.e.SetSent(g.session.NextOut() - 1)
	case event.OrderCancelReject:
		g.e.SetMsgSeqNum(g.session.NextIn())
	}
	return &g.e
}
