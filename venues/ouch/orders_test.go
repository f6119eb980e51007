package ouch

import (
	"fmt"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/soup"
)

// ledgerTwin is the readable twin of the book of orders: maps, no capacity.
type ledgerTwin struct {
	known  map[uint64]bool
	cum    map[uint64]int64
	value  map[uint64]int64
	trades map[[2]uint64][2]int64 // child and match: shares and price
	broken map[[2]uint64]bool
}

// FuzzBook gives a gateway the messages of a venue in any order and repetition, and compares
// CumQty, LeavesQty and value of every event with those of the twin.
func FuzzBook(f *testing.F) {
	f.Add([]byte{'A', 0, 100, 1, 'E', 0, 30, 1, 'E', 0, 30, 1, 'E', 0, 70, 2, 'B', 0, 0, 1})
	f.Add([]byte{'A', 0, 100, 1, 'A', 1, 50, 1, 'E', 1, 20, 9, 'C', 1, 10, 0, 'C', 1, 20, 0, 'E', 0, 5, 9, 'J', 0, 0, 0})
	f.Add([]byte{'A', 2, 10, 0, 'M', 2, 5, 0, 'F', 2, 3, 1, 'E', 2, 3, 1, 'F', 2, 4, 1, 'D', 2, 1, 0, 'P', 2, 0, 0, 'I', 2, 0, 0, 'T', 2, 0, 0})
	f.Add([]byte{'A', 0, 200, 0, 'E', 0, 111, 4, 'A', 0, 0, 1, 'E', 0, 89, 5, 'A', 0, 1, 1}) // accepted again, for less
	f.Fuzz(func(t *testing.T, script []byte) {
		for _, v := range []Version{V50, V42} {
			g, events := offline(t, v)
			w := &ledgerTwin{map[uint64]bool{}, map[uint64]int64{}, map[uint64]int64{}, map[[2]uint64][2]int64{}, map[[2]uint64]bool{}}
			for i := 0; i+4 <= len(script) && i < 400; i += 4 {
				kind, n, qty, match := script[i], uint64(script[i+1]%4), uint32(script[i+2]), uint64(script[i+3])
				layout := layouts50[kind&127]
				if v == V42 {
					layout = layouts42[kind&127]
				}
				if kind == 'U' || kind >= 128 || layout.size == 0 {
					continue
				}
				*events = nil
				price := uint64(1_000_000 + uint64(qty)*100)
				if kind != 'A' && !w.known[child+n] {
					continue // not accepted: nobody knows the order
				}
				g.take(1, soup.Message{Sequence: uint64(i + 1), Data: say(v, kind, child+n, uint32(n+1), qty, price, match)})
				g.tell()
				w.apply(kind, child+n, int64(qty), int64(price), match)
				for _, e := range *events {
					if err := w.check(&e); err != nil {
						t.Fatalf("%v: step %d (%q %d %d %d): %v", v, i/4, kind, n, qty, match, err)
					}
				}
				o := g.book.ofChild(child + n)
				if o == nil || o.cum != w.cum[child+n] || o.notional != w.value[child+n] {
					t.Fatalf("%v: step %d (%q): %+v, twin %d for %d", v, i/4, kind, o, w.cum[child+n], w.value[child+n])
				}
			}
		}
	})
}

func (w *ledgerTwin) apply(kind byte, id uint64, qty, price int64, match uint64) {
	key := [2]uint64{id, match}
	trade, known := w.trades[key]
	switch kind {
	case 'A':
		w.known[id] = true
	case 'E':
		if !known {
			w.trades[key] = [2]int64{qty, price}
			w.cum[id] += qty
			w.value[id] += qty * price
		}
	case 'B':
		if known && !w.broken[key] {
			w.broken[key] = true
			w.cum[id] -= trade[0]
			w.value[id] -= trade[0] * trade[1]
		}
	case 'F':
		if known && !w.broken[key] {
			w.cum[id] += qty - trade[0]
			w.value[id] += qty*price - trade[0]*trade[1]
			w.trades[key] = [2]int64{qty, price}
		}
	}
}

func (w *ledgerTwin) check(e *event.Event) error {
	if e.Kind == event.OrderCancelReject {
		return nil
	}
	if int64(e.CumQty) != w.cum[e.Ref] || e.LeavesQty < 0 {
		return fmt.Errorf("%+v, twin has CumQty %d", e, w.cum[e.Ref])
	}
	if market.ExecType(e.Code) == market.ExecTrade && e.LastQty < 0 {
		return fmt.Errorf("%+v", e)
	}
	if e.OrdStatus.Terminal() && e.OrdStatus != market.StatusFilled && market.ExecType(e.Code) == market.ExecCanceled && e.LeavesQty != 0 {
		return fmt.Errorf("over with shares left: %+v", e)
	}
	return nil
}

func one(t *testing.T, events *[]event.Event) event.Event {
	t.Helper()
	if len(*events) != 1 {
		t.Fatalf("got %+v, want one event", *events)
	}
	e := (*events)[0]
	*events = nil
	return e
}

// What becomes of an order, message by message.
func TestEachMessageIsAnEvent(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		g, events := offline(t, v)
		sequence := uint64(0)
		told := func(msg []byte) event.Event {
			t.Helper()
			sequence++
			g.take(1234, soup.Message{Sequence: sequence, Data: msg})
			g.tell()
			return one(t, events)
		}
		e := told(say(v, 'A', child, 1, 500, 1_000_000, 0))
		if e.Code != uint8(market.ExecNew) || e.Ref != child || e.Instrument != 3 || e.Price != 1_000_000 || e.Qty != 500 ||
			e.LeavesQty != 500 || e.OrderRef != 77 || e.Side != market.Buy || e.OrdStatus != market.StatusNew {
			t.Errorf("accepted: %+v", e)
		}
		e = told(say(v, 'E', child, 1, 200, 999_900, 42))
		if e.Code != uint8(market.ExecTrade) || e.LastQty != 200 || e.LastPx != 999_900 || e.CumQty != 200 || e.LeavesQty != 300 ||
			e.ID.String() != "42" || e.Liquidity != market.LiquidityRemoved || e.OrdStatus != market.StatusPartiallyFilled {
			t.Errorf("executed: %+v", e)
		}
		conflict := say(v, 'E', child, 1, 250, 999_900, 42) // the same trade, told differently
		if e = told(conflict); e.LastQty != 250 || e.CumQty != 200 || g.stats.Conflicts != 1 {
			t.Errorf("conflict: %+v", e)
		}
		if e = told(say(v, 'C', child, 1, 100, 0, 0)); e.Code != uint8(market.ExecRestated) || e.Qty != 400 || e.LeavesQty != 200 {
			t.Errorf("part taken off: %+v", e)
		}
		if e = told(say(v, 'P', child, 1, 0, 0, 0)); e.Code != uint8(market.ExecPendingCancel) || e.CumQty != 200 {
			t.Errorf("cancel pending: %+v", e)
		}
		if e = told(say(v, 'I', child, 1, 0, 0, 0)); e.Kind != event.OrderCancelReject || e.Ref != child {
			t.Errorf("cancel refused: %+v", e)
		}
		if e = told(say(v, 'M', child, 1, 350, 0, 0)); e.Code != uint8(market.ExecRestated) || e.Qty != 350 || e.LeavesQty != 150 {
			t.Errorf("modified: %+v", e)
		}
		if e = told(say(v, 'B', child, 1, 0, 0, 42)); e.Code != uint8(market.ExecTradeCancel) || e.CumQty != 0 || e.LastQty != 200 ||
			e.LastPx != 999_900 || e.OrigID.String() != "42" {
			t.Errorf("broken: %+v", e)
		}
		if e = told(say(v, 'D', child, 1, 150, 0, 0)); e.Code != uint8(market.ExecCanceled) || e.LeavesQty != 0 || e.CumQty != 0 {
			t.Errorf("self match: %+v", e)
		}
		told(say(v, 'A', child+1, 2, 10, 1_000_000, 0))
		if e = told(say(v, 'J', child+1, 2, 0, 0, 0)); e.Code != uint8(market.ExecRejected) || e.Ref != child+1 || e.Reason == 0 {
			t.Errorf("rejected: %+v", e)
		}
		told(say(v, 'A', child+2, 3, 10, 1_000_000, 0))
		if e = told(say(v, 'U', child+2, 3, 8, 1_000_100, 0)); e.Code != uint8(market.ExecReplaced) || e.Ref != child+2 || e.Qty != 8 ||
			e.Price != 1_000_100 {
			t.Errorf("replaced: %+v", e)
		}
		before := g.stats.Malformed
		for _, msg := range [][]byte{nil, {'E'}, {'?', 1, 2}, append(say(v, 'C', child, 1, 1, 0, 0), 1)} {
			g.take(1, soup.Message{Sequence: 99, Data: msg})
		}
		if g.stats.Malformed != before+4 || g.events.n != 0 || g.stats.LastMalformed == "" {
			t.Errorf("malformed: %+v", g.stats)
		}
	})
}

// An order that was dead on arrival is accepted and over.
func TestDeadOnArrivalIsAcceptedAndCanceled(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		g, events := offline(t, v)
		msg := say(v, 'A', child, 1, 500, 1_000_000, 0)
		if v == V50 {
			msg[47] = 'D'
		} else {
			msg[64] = 'D'
		}
		g.take(1, soup.Message{Sequence: 1, Data: msg})
		g.tell()
		if len(*events) != 2 || (*events)[0].Code != uint8(market.ExecNew) || (*events)[1].Code != uint8(market.ExecCanceled) ||
			(*events)[1].LeavesQty != 0 || (*events)[0].ID == (*events)[1].ID {
			t.Errorf("got %+v", *events)
		}
	})
}

// The venue calls a trade by its MatchNumber for ever; what takes it back names the report that
// said last what it was.
func TestWhatTakesATradeBackNamesTheLastReport(t *testing.T) {
	g, events := offline(t, V50)
	for i, m := range [][]byte{say(V50, 'A', child, 1, 500, 1_000_000, 0), say(V50, 'E', child, 1, 100, 1_000_000, 7),
		say(V50, 'F', child, 1, 80, 1_000_000, 7), say(V50, 'F', child, 1, 60, 1_000_100, 7), say(V50, 'B', child, 1, 0, 0, 7)} {
		g.take(1, soup.Message{Sequence: uint64(i + 1), Data: m})
		g.tell()
	}
	if len(*events) != 5 {
		t.Fatalf("got %+v", *events)
	}
	for i, want := range []struct {
		id, orig string
		cum      market.Qty
	}{{"S1", "", 0}, {"7", "", 100}, {"S3", "7", 80}, {"S4", "S3", 60}, {"S5", "S4", 0}} {
		if e := (*events)[i]; e.ID.String() != want.id || e.OrigID.String() != want.orig || e.CumQty != want.cum {
			t.Errorf("event %d: %v takes back %q, CumQty %d; want %+v", i, e.ID, e.OrigID, e.CumQty, want)
		}
	}
}
