package simtest

import (
	"penstock/event"
	"penstock/market"
)

// journal is what survives the process: the bytes of every event, and how many commands had
// come of them.
type journal struct {
	keep   bool
	data   []byte
	at     []int    // where each event begins
	step   []int64  // when it was taken
	hashes []uint64 // of all commands before it
	seen   []sight  // what the ledger was shown, to take it back

	saved   []byte // the state of the core after event savedAt
	savedAt uint64
	event   event.Event // that is replayed
}

// sight is one thing that the ledger saw.
type sight struct {
	seq   uint64
	now   int64
	m     message
	fact  bool
	scope event.Scope
	kind  event.Kind
	code  uint8
}

// empty returns a journal of nothing that uses the room of j.
func (j *journal) empty() journal {
	return journal{data: j.data[:0], at: j.at[:0], step: j.step[:0], hashes: j.hashes[:0], seen: j.seen[:0], saved: j.saved[:0]}
}

func (j *journal) length() int { return len(j.at) }

func (j *journal) append(e *event.Event, hash uint64) {
	if j.keep {
		j.hashes = append(j.hashes, hash)
		j.at = append(j.at, len(j.data))
		j.step = append(j.step, e.StepTime)
		j.data = append(j.data, e.Bytes()...)
	}
}

// heard returns the number of a venue's last message that is in the journal, on the session that
// tells events of a kind, and of ours before its last execution report; 0 when there is none.
func (j *journal) heard(venue uint8, kind event.Kind) (number, sent uint64) {
	for i := len(j.at) - 1; i >= 0 && (number == 0 || sent == 0); i-- {
		e := j.read(i)
		copied := e.Kind == event.DropCopy || e.Kind == event.DropCopySession
		if e.Venue != market.VenueID(venue) || copied != (kind == event.DropCopy) {
			continue
		}
		if number == 0 {
			number = e.MsgSeqNum()
		}
		if sent == 0 {
			sent = e.Sent()
		}
	}
	return number, sent
}

// read returns event i; it is valid until the next one is read.
func (j *journal) read(i int) *event.Event {
	end := len(j.data)
	if i+1 < len(j.at) {
		end = j.at[i+1]
	}
	if !j.event.SetBytes(j.data[j.at[i]:end]) {
		return nil
	}
	return &j.event
}

// tear drops the events that no sync has covered.
func (j *journal) tear(w *world) {
	n := len(j.at)
	for n > 0 && w.durable(j.step[n-1]) > w.now {
		n--
	}
	if n == len(j.at) || n < 2 {
		return
	}
	w.rewind(n)
	j.data, j.at, j.step = j.data[:j.at[n]], j.at[:n], j.step[:n]
	w.hash = j.hashes[n]
	j.hashes = j.hashes[:n]
	w.seq = uint64(n)
	if j.savedAt > w.seq {
		j.saved = j.saved[:0] // it was of events that nobody knows any more
	}
}

// rewind makes the ledger forget what the router will not know: orders sent since are
// nobody's.
func (w *world) rewind(n int) {
	for _, a := range w.requests {
		a.lost = a.lost || a.event > uint64(n)
	}
	printed, trading, waited := w.ledger.printed, w.ledger.trading, w.ledger.waited
	w.ledger = w.newLedger()
	w.ledger.rewinding, w.ledger.waited = true, waited
	for i := range w.journal.seen {
		s := &w.journal.seen[i]
		if at, waited := w.decided[s.m.number]; waited && at <= uint64(n) && s.m.dir == toVenue && s.m.typ == msgOrder {
			s.seq = min(s.seq, uint64(n)) // it waited: the router knows it, whatever it knows of its leaving
		}
		if s.seq > uint64(n) {
			if s.m.dir == toVenue && s.m.typ == msgOrder {
				w.orders[s.m.number].disown()
			}
			continue
		}
		if w.ledger.event = s.seq; s.fact {
			w.ledger.fact(s.kind, s.code, s.m.venue, s.m.parent, s.scope)
		} else {
			w.ledger.see(&s.m, s.now)
		}
	}
	for _, a := range w.ledger.list {
		a.over = a.cum+a.open > a.qty
	}
	w.ledger.rewinding = false
	w.ledger.touched, w.ledger.printed, w.ledger.trading = w.ledger.touched[:0], printed, trading
	kept := w.journal.seen[:0]
	for _, s := range w.journal.seen {
		if s.seq <= uint64(n) {
			kept = append(kept, s)
		}
	}
	w.journal.seen = kept
}

// recover makes a new core out of the journal. It must answer as the old one did (I12), and
// what clients were told must be the beginning of what it tells.
func (w *world) recover() {
	told := w.replay(w.journal.length(), false)
	for c := range w.clients {
		cl := &w.clients[c]
		for i, hash := range cl.heard {
			if i >= len(told[c]) || told[c][i].hash != hash {
				w.fail("client %d was told something that the journal does not give again: report %d of %d", c, i+1, len(cl.heard))
			}
		}
		cl.owed = append(cl.owed[:0], told[c][len(cl.heard):]...)
		for i := range cl.owed {
			cl.owed[i].at = w.now
		}
	}
}

// replay runs the first n events through a new core, and keeps it unless it is for a check
// only. It returns what clients are told.
func (w *world) replay(n int, check bool) (told [2][]owed) {
	before := w.core
	w.boot()
	hash := uint64(0)
	var heard [2]int
	for i := range n {
		if w.journal.hashes[i] != hash {
			w.fail("replay differs from what was live before event %d", i+1)
		}
		e := w.replayOne(i)
		if e.Kind >= event.ParentNew && e.Kind <= event.ParentStatus {
			heard[e.Client] = max(heard[e.Client], int(e.Ref))
		}
		for k := range w.out.Commands {
			c := &w.out.Commands[k]
			hash = mixCommand(hash, c)
			if c.Kind == event.Report || c.Kind == event.RejectCancel {
				var o owed
				o.m.ofCommand(c)
				o.hash = reportHash(&o.m)
				told[c.Client] = append(told[c.Client], o)
			}
		}
	}
	if hash != w.hash {
		w.fail("replay of %d events gives other commands than live", n)
	}
	w.load()
	if check {
		w.core = before
		return told
	}
	for c := range w.clients {
		w.clients[c].known = heard[c]
	}
	return told
}

// replayOne lets the core take event i of the journal.
func (w *world) replayOne(i int) *event.Event {
	e := w.journal.read(i)
	if e == nil {
		w.fail("event %d of the journal does not read back", i)
	}
	if e.Kind == event.PolicySwap {
		w.offer(w.core, e.PolicyHash()[0] == 2)
	}
	w.out.Reset()
	w.core.Step(e, w.out)
	return e
}
