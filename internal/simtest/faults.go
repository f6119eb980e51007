package simtest

// lose ends a venue's link for between low and high ns. For up to a tenth of that the router
// goes on as if it were there.
func (w *world) lose(v *venue, r *stream, low, high int64) {
	if !v.up {
		return
	}
	away := r.between(low, high)
	for _, o := range v.orders {
		if o.state == working {
			w.hit(fm37)
			break
		}
	}
	v.drop(w, r.below(away/10+1))
	w.agenda.add(item{at: w.now + away, kind: dueConnect, venue: v.id})
}

// orphan lets a venue report on an order that the router does not know.
func (w *world) orphan(v *venue, r *stream) {
	if !v.told || w.dead {
		return
	}
	number := (w.epoch-uint64(r.below(2)))*1_000_000_000 + uint64(r.between(900, 400_000_000))
	m := message{dir: fromVenue, typ: msgReport, venue: v.id, execType: 'F', ordStatus: '1', side: '1', number: number, qty: 500, cum: 100,
		last: 100, lastPx: centre, leaves: 400, id: textID('O', uint64(v.id), r.next()>>40)}
	if r.once(3) {
		m.execType, m.last, m.lastPx, m.ordStatus = 'I', 0, 0, '0'
		w.hit(fm40)
	}
	if w.child(number) == nil {
		w.hear(&m)
	}
}

// crash kills the process, or its host with it: then what no sync has covered is gone.
func (w *world) crash(r *stream, host bool) {
	if w.dead || !w.journal.keep {
		return
	}
	if w.core.Requests() > 0 {
		w.hit(fm94)
	}
	if w.core.Waiting() > 0 {
		w.hit(fm101)
	}
	w.dead = true
	for v := range w.venues {
		w.venues[v].drop(w, -1)
		w.venues[v].told = false
	}
	for c := range w.clients {
		w.clients[c].up = false
	}
	n := uint64(0)
	if host {
		n = 1
		w.journal.tear(w)
	}
	w.agenda.add(item{at: w.now + r.between(5, 2000)*milli, kind: dueRestart, n: n})
}

// restart is a new process, after one that died with its host or alone: the journal brings the core back, and the world learns that.
func (w *world) restart(host bool) {
	w.dead = false
	w.recover()
	w.keepWaiting()
	w.epoch++
	w.later = w.later[:0]
	w.begin()
	for v := range w.venues {
		w.venues[v].forget(w, host)
		w.agenda.add(item{at: w.now + int64(v+1)*3*milli, kind: dueConnect, venue: uint8(v)})
	}
}
