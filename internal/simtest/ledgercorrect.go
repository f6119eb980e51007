package simtest

import "math/big"

// correct takes an execution back or changes it, by its ExecRefID(19). What the order may
// execute again stays open; the rest makes up for an excess, or else nobody gets it.
func (l *ledger) correct(e *entry, m *message) {
	key := execKey{m.venue, m.id}
	this := execution{m.number, uint64(m.last), uint64(m.lastPx), uint64(m.cum)}
	if before, known := l.execs[key]; known {
		if before != this {
			l.quarantined[m.venue] = true
		}
		return
	}
	l.execs[key] = this
	ref := execKey{m.venue, m.orig}
	x, known := l.execs[ref]
	switch {
	case !known || x.number != m.number:
		l.quarantined[m.venue] = true
		return
	case l.undone[ref]:
		return
	}
	l.undone[ref] = true
	a, before := e.account, e.rest()
	a.trim()
	qty := min(int64(x.last), e.cum)
	e.cum -= qty
	a.cum -= qty
	again := e.rest() - before
	a.open += again
	e.back += again
	cured := min(a.excess, qty-again)
	a.excess -= cured
	e.held += qty - again - cured
	a.held += qty - again - cured
	e.executed -= int64(x.last)
	e.worth.Sub(e.worth, new(big.Int).Mul(big.NewInt(int64(x.last)), big.NewInt(int64(x.price))))
	if m.execType == 'G' {
		e.fill(m.last)
		e.executed += m.last
		e.worth.Add(e.worth, new(big.Int).Mul(big.NewInt(m.last), big.NewInt(m.lastPx)))
	}
	if !e.dead && e.cum >= e.qty {
		e.end()
	}
}

// restate takes what a venue says of a working order unasked: less is taken over, more stops
// the parent.
func (l *ledger) restate(e *entry, m *message) {
	e.acked = true
	switch {
	case e.dead, m.cum != e.cum:
	case m.qty > e.qty:
		e.account.frozen, e.contested = true, true
	default:
		e.account.open -= e.qty - max(m.qty, e.cum)
		e.qty = max(m.qty, e.cum)
		e.back = min(e.back, e.rest())
		if e.cum >= e.qty {
			e.end()
		}
	}
}

// trim forgets an excess that is gone: its siblings were cancelled, or the order was raised.
func (a *account) trim() { a.excess = min(a.excess, max(a.cum+a.open+a.held-a.qty, 0)) }
