package simtest

import (
	"math/big"

	"penstock/event"
	"penstock/market"
)

// ledger is the second opinion: who owes what to whom, by FIX 4.4 (vol. 4, execution
// reports, and appendix D) and the accounting law, from nothing but the messages that pass
// between the router and the world. It is as plain as can be and shares no code with the
// router.
type ledger struct {
	fail     func(format string, args ...any)
	asked    map[clientID]*account
	accounts map[uint64]*account // by OrderID
	orders   map[uint64]*entry   // by ClOrdID at a venue
	execs    map[execKey]execution
	copies   map[execKey]int64 // LastQty of executions that only a drop copy has told of
	undone   map[execKey]bool
	displays map[clientID]int64 // that a replace asks for
	litAt    [maxVenues]bool    // what rests there is displayed
	reserves [maxVenues]bool    // and shows parts of orders by itself
	invites  map[execKey]bool   // heard; false once it was answered
	orphans  map[uint64]bool    // numbers of orders that only a venue has spoken of
	waited   map[uint64]bool    // of orders that waited when the process ended: it cannot know whether they left
	touched  []*account
	list     []*account // in order of acceptance

	trading     [2]status // by instrument
	printed     [2]int64  // by feeds of lit venues, by instrument
	rewinding   bool
	kills       []event.Scope
	held        bool
	quarantined [maxVenues]bool
	up          [maxVenues]bool
	late        [maxVenues]bool // knows only orders that it has answered
	window      [maxVenues][]int64
	refusal     refusal
	rate        int
	event       uint64 // that the router is taking
	day         calendar
}

// refusal is the last order that a venue refused, and when.
type refusal struct {
	account *account
	venue   uint8
	at      uint64 // number of the event
}

type clientID struct {
	client uint16
	id     event.ID
}

type execKey struct {
	venue uint8
	id    event.ID
}

type execution struct{ number, last, price, cum uint64 }

// account is a parent order as its client and the venues know it.
type account struct {
	order      uint64
	client     uint16
	instrument uint16
	strategy   uint16
	id         event.ID
	side       byte
	qty, limit int64
	cum        int64           // by venues' words
	told       int64           // by ours to the client
	open       int64           // what its orders may still execute
	display    int64           // the most that lit venues may show; 0: all
	rate       int64           // of what others trade, 1/10,000; 0: any
	tape       int64           // what was printed before it
	excess     int64           // executed without being open
	late       bool            // anything was executed without being open
	held       int64           // taken back by venues: nobody gets it
	reports    map[uint64]bool // by which the client was told of fills
	notional   *big.Int
	toldWorth  *big.Int
	ended      bool
	frozen     bool
	paused     bool
	over       bool // more executed and open than ordered
	status     byte
	tif        byte
	day        uint64 // its first trading day
	before     int64  // of told: on days before this one
	corrected  bool   // executions of it were taken back
	entries    []*entry
}

// entry is one order at a venue.
type entry struct {
	number    uint64
	venue     uint8
	account   *account
	qty, cum  int64
	shows     int64 // the most that its venue displays at once
	executed  int64 // Σ LastQty of its executions
	back      int64 // of what is open: executed and taken back before
	held      int64 // of what its account holds
	worth     *big.Int
	acked     bool
	dead      bool
	idle      bool // conditional: it cannot trade
	gap       bool
	canceled  bool // a cancel is out
	unsettled bool // nothing was heard of it since a restart
	contested bool // its venue contradicted itself
	copied    bool // a drop copy said that it is over, with copiedCum
	copiedCum int64
	copiedQty int64 // Σ LastQty of executions that only the drop copy has told of
}

func newLedger(fail func(string, ...any), rate int64) *ledger {
	return &ledger{fail: fail, asked: map[clientID]*account{}, accounts: map[uint64]*account{}, orders: map[uint64]*entry{},
		execs: map[execKey]execution{}, copies: map[execKey]int64{}, displays: map[clientID]int64{}, undone: map[execKey]bool{}, invites: map[execKey]bool{}, orphans: map[uint64]bool{}, waited: map[uint64]bool{}, rate: int(rate)}
}

// see takes one message at its time, ns since epoch.
func (l *ledger) see(m *message, now int64) {
	switch m.dir {
	case fromClient:
		l.ask(m)
	case toClient:
		l.tell(m)
	case toVenue:
		l.send(m, now)
	case fromVenue:
		if m.typ == msgReport {
			l.hear(m)
		} else if m.typ == msgInvite {
			l.invites[execKey{m.venue, m.id}] = true
		} else if e := l.orders[m.number]; e != nil {
			e.canceled = false
		}
	case fromCopy:
		e, key := l.orders[m.number], execKey{m.venue, m.id}
		if e == nil {
			l.orphans[m.number] = true
		}
		if e == nil || e.venue != m.venue {
			break
		}
		if _, known := l.execs[key]; m.execType == 'F' {
			if !known && l.copies[key] == 0 {
				l.copies[key] = m.last
				e.copiedQty += m.last
			}
		} else {
			e.copied, e.copiedCum = true, m.cum
			l.touched = append(l.touched, e.account)
			e.endCopied()
		}
	case neverLeft:
		if e := l.orders[m.number]; e != nil && !e.dead {
			l.refusal = refusal{e.account, e.venue, l.event}
			e.end()
		}
	}
}

// ask notes what a client wants. An order that was asked for before is the same order.
func (l *ledger) ask(m *message) {
	key := clientID{m.client, m.id}
	if l.rewinding {
		m.rate = 0 // the tape is not taken back
	}
	if m.typ == msgReplace {
		l.displays[key] = m.show
	}
	if m.typ == msgReplace && m.renewed {
		for _, a := range l.list {
			if a.client == m.client {
				a.rate = 0 // which of its orders it is, and whether it is taken, is the router's to say
			}
		}
	}
	if m.typ == msgOrder && l.asked[key] == nil {
		l.asked[key] = &account{client: m.client, instrument: m.instrument, strategy: m.strategy, tif: m.tif, id: m.id, side: m.side, qty: m.qty, limit: m.price, notional: new(big.Int),
			toldWorth: new(big.Int), reports: map[uint64]bool{}, rate: m.rate, display: m.show,
			tape: l.printed[m.instrument]}
	}
}

// send checks an order that leaves: nobody may be able to execute more than was asked for.
func (l *ledger) send(m *message, now int64) {
	if m.typ != msgStatus {
		l.countRate(m, now)
	}
	if m.typ != msgOrder {
		if m.typ == msgCancel {
			e := l.orders[m.number]
			switch {
			case e != nil:
				e.canceled = true
			case !l.orphans[m.number] && !l.waited[m.number]:
				l.fail("cancel of order %d, which was never sent", m.number)
			}
		}
		return
	}
	a := l.accounts[m.parent]
	idle, firm := m.execInst == byte(market.ExecInstConditional), m.execInst == byte(market.ExecInstFirmUp)
	switch {
	case a == nil:
		l.fail("order %d for parent %d, which nobody accepted", m.number, m.parent)
		return
	case a.ended:
		l.fail("order %d for parent %d, which has ended", m.number, m.parent)
	case a.frozen:
		l.fail("order %d for parent %d, whose venues broke their promises", m.number, m.parent)
	case a.paused:
		l.fail("order %d for parent %d, which is paused", m.number, m.parent)
	case l.orders[m.number] != nil:
		l.fail("ClOrdID %d used twice", m.number)
	case l.day.shut:
		l.fail("order %d while no trading day is open", m.number)
	case l.held:
		l.fail("order %d while new orders are held", m.number)
	case l.quarantined[m.venue]:
		l.fail("order %d to venue %d, which is quarantined", m.number, m.venue)
	case m.qty <= 0:
		l.fail("order %d of quantity %d", m.number, m.qty)
	case idle && a.cum+a.held+m.qty > a.qty:
		l.fail("conditional order %d of %d: parent %d of %d has %d executed", m.number, m.qty, m.parent, a.qty, a.cum)
	case firm && !l.invites[execKey{m.venue, m.id}]:
		l.fail("firm order %d for invitation %v, which venue %d did not send or had an answer to", m.number, m.id, m.venue)
	case idle:
	case a.cum+a.open+a.held+m.qty > a.qty:
		l.fail("order %d of %d: parent %d of %d has %d executed, %d at venues and %d taken back", m.number, m.qty, m.parent, a.qty, a.cum, a.open, a.held)
	case a.rate > 0 && !a.late && (a.cum+a.open+m.qty)*10_000 > a.rate*(l.printed[m.instrument]-a.tape):
		l.fail("order %d of %d: parent %d has %d and may have %d of %d traded by others, at a rate of %d", m.number, m.qty, m.parent, a.cum,
			a.open, l.printed[m.instrument]-a.tape, a.rate)
	case m.side != a.side:
		l.fail("order %d on side %c for a parent on side %c", m.number, m.side, a.side)
	case a.limit != 0 && (a.side == '1' && m.price > a.limit || a.side != '1' && m.price < a.limit):
		l.fail("order %d at %d, beyond the limit %d", m.number, m.price, a.limit)
	}
	l.mayTrade(m)
	if r := &l.refusal; r.account == a && r.venue == m.venue && r.at == l.event {
		l.fail("order %d goes where the order before was just refused", m.number)
	}
	for _, k := range l.kills {
		if stops(k, a, m.venue) {
			l.fail("order %d under a kill of %v %d", m.number, k.Kind, k.ID)
		}
	}
	for _, e := range a.entries {
		if e.unsettled && !e.dead {
			l.fail("order %d while nobody has said since the restart what became of order %d", m.number, e.number)
		}
		if e.venue == m.venue && e.gap && !e.dead && e.executed+e.copiedQty < e.cum {
			l.fail("order %d to venue %d, which owes executions of order %d", m.number, m.venue, e.number)
		}
	}
	if firm {
		l.invites[execKey{m.venue, m.id}] = false
	}
	e := &entry{number: m.number, venue: m.venue, account: a, qty: m.qty, idle: idle, worth: new(big.Int)}
	e.shows = l.checkShown(a, m, l.litAt[m.venue], l.reserves[m.venue])
	l.orders[m.number] = e
	a.entries = append(a.entries, e)
	a.open += e.rest()
}

// countRate checks orders in every sliding second. Cancels always pass, and make no room.
func (l *ledger) countRate(m *message, now int64) {
	w := l.window[m.venue]
	for len(w) > 0 && now-w[0] >= 1e9 {
		w = w[1:]
	}
	w = append(w, now)
	l.window[m.venue] = w
	if m.typ == msgOrder && len(w) > l.rate {
		l.fail("order %d is message %d within a second at venue %d, which takes %d", m.number, len(w), m.venue, l.rate)
	}
}

// rest is what an order may still execute.
func (e *entry) rest() int64 {
	if e.dead || e.cum > e.qty || e.idle {
		return 0
	}
	return e.qty - e.cum
}

func (e *entry) end() {
	e.account.open -= e.rest()
	e.held += min(e.back, e.rest())
	e.account.held += min(e.back, e.rest())
	e.dead, e.gap, e.back = true, false, 0
}

// hear takes an execution report as the router got it.
func (l *ledger) hear(m *message) {
	e := l.orders[m.number]
	if e == nil {
		l.orphans[m.number] = true
	}
	if e == nil || e.venue != m.venue {
		return
	}
	l.touched = append(l.touched, e.account)
	e.unsettled = false
	terminal := m.ordStatus == '2' || m.ordStatus == '3' || m.ordStatus == '4' || m.ordStatus == '8' || m.ordStatus == 'C'
	switch m.execType {
	case 'F':
		l.trade(e, m, terminal)
	case '3', '4', '8', 'C':
		if m.execType == '8' {
			l.refusal = refusal{e.account, m.venue, l.event}
		}
		if !e.dead {
			e.acked = true
			if m.cum == e.cum {
				e.end()
			}
		}
	case 'H', 'G':
		l.correct(e, m)
	case 'D':
		l.restate(e, m)
	case 'I':
		l.state(e, m, terminal)
	case '0', 'A', '6', 'E':
		e.acked = true
	}
	e.endCopied()
}

// endCopied ends an order by the word of a drop copy, which holds when no execution is missing.
func (e *entry) endCopied() {
	if e.copied && !e.dead && e.cum == e.copiedCum {
		e.end()
	}
}

// trade takes an execution: its quantity is what CumQty says beyond what is known.
func (l *ledger) trade(e *entry, m *message, terminal bool) {
	key := execKey{m.venue, m.id}
	this := execution{m.number, uint64(m.last), uint64(m.lastPx), uint64(m.cum)}
	if before, known := l.execs[key]; known {
		if before != this {
			l.quarantined[m.venue] = true
			e.contested = true
		}
		return
	}
	l.execs[key] = this
	e.copiedQty -= l.copies[key]
	delete(l.copies, key)
	e.acked = true
	e.executed += m.last
	e.worth.Add(e.worth, new(big.Int).Mul(big.NewInt(m.last), big.NewInt(m.lastPx)))
	if m.cum <= e.cum {
		if e.executed == e.cum {
			e.gap = false
		}
		return
	}
	if m.lastPx <= 0 || m.cum > 1<<48 || m.lastPx > 1<<48 {
		e.account.frozen, e.contested = true, true
		return
	}
	delta := m.cum - e.cum
	e.fill(delta)
	if delta != m.last && !e.dead && e.cum < e.qty {
		e.gap = true
	}
	switch {
	case e.dead:
	case e.cum >= e.qty:
		e.end()
	case m.ordStatus == '2': // filled, it says, at less than the order
	case terminal:
		e.end()
	}
}

func (e *entry) fill(delta int64) {
	a, before := e.account, e.rest()
	e.cum += delta
	a.open -= before - e.rest()
	a.cum += delta
	e.back = min(e.back, e.rest())
	extra := delta - (before - e.rest())
	again := min(extra, e.held, a.held) // what was taken back may come again, from the same order
	e.held -= again
	a.held -= again
	a.excess += extra - again
	a.late = a.late || extra > again
	if e.cum > e.qty || a.cum > a.qty || e.idle && delta > 0 {
		a.frozen = true
	}
}

// state takes the answer to a status request.
func (l *ledger) state(e *entry, m *message, terminal bool) {
	denied := m.ordStatus == '8' && m.reason == event.ReasonUnknownOrder
	switch {
	case denied && (e.acked || e.cum > 0), m.cum < e.cum, e.dead && m.cum == e.cum:
		return
	case m.cum > 1<<48 || m.lastPx > 1<<48:
		e.account.frozen, e.contested = true, true
		return
	}
	if m.cum > e.cum {
		e.fill(m.cum - e.cum)
		if e.dead {
			return
		}
	}
	e.acked, e.gap = !denied, false
	if terminal || e.cum >= e.qty {
		e.end()
	}
}
