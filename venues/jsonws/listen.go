package jsonws

// listened notes what has come; messages is how many of what came were messages.
func (f *Feed) listened(now int64, messages int) {
	if b := f.conn.Received(); b != f.bytes {
		f.bytes, f.fresh = b, now
	}
	if n := f.conn.Frames(); n != f.frames {
		f.frames = n
		if messages > 0 || !f.heartbeats() {
			f.heard = now
		}
	}
}

// heartbeats reports whether the venue speaks by itself when nothing happens: then
// only messages prove that the feed lives, and a pong only that the peer does.
func (f *Feed) heartbeats() bool { return f.out.heartbeat || f.out.ownHeartbeat }

// partPatience is how many times SilenceNanos one message may take to come whole
// while no book depends on it.
const partPatience = 10

// listen gives up a connection on which nothing comes whole any more. A server
// that lets bytes trickle is as silent as one that sends none, unless a book waits
// for what may be a long snapshot. It asks for a sign of life in time.
func (f *Feed) listen(now int64) error {
	quiet, limit := now-f.heard, f.cfg.SilenceNanos
	if quiet > limit && (f.out.allLive() || quiet > limit*partPatience || now-f.fresh > limit) {
		return ErrSilent
	}
	if f.pinger != nil {
		// As often as the venue wants, and in time when it has become quiet.
		if since := now - f.pinged; since >= f.pinger.pingNanos() || quiet > limit/2 && since > limit/2 {
			f.pinged = now
			f.stats.Pings++
			f.outgoing.lines = append(f.pinger.ping(f.outgoing.lines), '\n')
		}
		return nil
	}
	if f.asked && f.conn.Pongs() > f.pongs {
		f.asked, f.answers = false, true
	}
	since := now - f.pinged
	if f.asked && f.answers && since > limit && f.out.allLive() {
		return ErrLagging
	}
	if since <= limit/2 || f.asked && f.answers || !f.outgoing.empty() ||
		now-f.outgoing.sent < f.outgoing.nanos { // requests come first
		return nil
	}
	f.pinged, f.outgoing.sent = now, now
	f.pongs, f.asked = f.conn.Pongs(), true
	f.stats.Pings++
	return f.conn.Ping()
}

// allLive reports whether every book is.
func (o *outlet) allLive() bool {
	for i := range o.books.all {
		if !o.books.all[i].live {
			return false
		}
	}
	return true
}
