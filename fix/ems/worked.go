package ems

import (
	"strconv"
	"sync"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// worked remembers by which strategy and parameters orders are worked, so that their
// reports say it.
type worked struct {
	mu   sync.Mutex
	by   map[orderKey]*working
	ring []orderKey
	next int
}

// working is what a client asked for, in the event's terms.
type working struct {
	number string // TargetStrategy(847) as the client wrote it
	event  event.Event
}

func newWorked() *worked {
	return &worked{by: make(map[orderKey]*working), ring: make([]orderKey, ordersKept)}
}

// asked notes an order, or a replace that names a strategy. The oldest are forgotten.
func (w *worked) asked(e *event.Event, number []byte) {
	if e.Strategy == 0 {
		w.mu.Lock()
		before := w.by[orderKey{e.Client, e.OrigID}]
		w.mu.Unlock()
		if before != nil && (e.ExpireDate != 0 || e.Display() != 0) {
			how := *before
			if e.ExpireDate != 0 {
				how.event.ExpireDate = e.ExpireDate
			}
			if e.Display() != 0 {
				how.event.SetDisplay(e.Display())
			}
			w.note(orderKey{e.Client, e.ID}, &how)
		}
		return
	}
	how := working{event: *e}
	if e.Kind == event.ParentReplace && e.Display() == 0 {
		w.mu.Lock()
		if before := w.by[orderKey{e.Client, e.OrigID}]; before != nil {
			how.event.SetDisplay(before.event.Display())
		}
		w.mu.Unlock()
	}
	if number == nil {
		number = strconv.AppendUint(nil, uint64(e.Strategy), 10)
	}
	how.number = string(number)
	w.note(orderKey{e.Client, e.ID}, &how)
}

func (w *worked) note(key orderKey, how *working) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.by[key]; ok {
		return // a ClOrdID that is used again is refused: the first one is worked
	}
	delete(w.by, w.ring[w.next])
	w.ring[w.next] = key
	w.next = (w.next + 1) % ordersKept
	w.by[key] = how
}

// of returns how the order of a report is worked, nil when it is not known. A replace
// that named no strategy goes on as the order before it.
func (w *worked) of(c *event.Command) *working {
	key := orderKey{c.Client, c.ID}
	w.mu.Lock()
	how := w.by[key]
	before := w.by[orderKey{c.Client, c.OrigID}]
	w.mu.Unlock()
	if how == nil && before != nil && c.ExecType == market.ExecReplaced {
		w.note(key, before)
		return before
	}
	return how
}

// Working tells the acceptor how an order is worked that it has not taken itself: after
// a restart. e is as of a ParentNew.
func (a *Acceptor) Working(e *event.Event) { a.app.worked.asked(e, nil) }

// setStrategy says back in a report by which strategy and parameters an order is worked,
// as they were understood.
func (a *Acceptor) setStrategy(b *quickfix.Body, c *event.Command) {
	switch c.ExecType {
	case market.ExecNew, market.ExecReplaced, market.ExecOrderStatus:
	default:
		return
	}
	how := a.app.worked.of(c)
	if how == nil || int(c.Instrument) >= len(a.cfg.Instruments) {
		return
	}
	b.SetString(tagTargetStrategy, how.number)
	setExpiry(b, &how.event)
	if q := how.event.Display(); q != 0 {
		b.SetString(fix.TagMaxFloor, a.cfg.Instruments[c.Instrument].FormatQty(q))
	}
	group := quickfix.NewRepeatingGroup(tagNoStrategyParameters, quickfix.GroupTemplate{
		quickfix.GroupElement(tagStrategyParameterName), quickfix.GroupElement(tagStrategyParameterType),
		quickfix.GroupElement(tagStrategyParameterValue)})
	for i := range terms {
		t := &terms[i]
		v := t.get(&how.event)
		if v == 0 || !t.of(how.event.Strategy) {
			continue
		}
		g := group.Add()
		g.SetString(tagStrategyParameterName, t.name)
		g.SetString(tagStrategyParameterType, t.kind.number)
		g.SetString(tagStrategyParameterValue, t.kind.format(&a.cfg.Instruments[c.Instrument], v))
	}
	if group.Len() > 0 {
		b.SetGroup(group)
	}
}
