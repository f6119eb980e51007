package fixgw

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// decode gives one message to a gateway that is not connected and returns the
// events. It is what a session does with a message in sequence.
func decode(t *testing.T, g *Gateway, events *[]event.Event, body string) []event.Event {
	t.Helper()
	*events = nil
	var m fix.Message
	if err := m.Parse(wrap(strings.Replace(body, "|", "|34=7|49=XLIT|52=20261120-14:30:00.123|56=SOR|", 1))); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if !g.onMessage(&m, 1234) {
		t.Fatalf("%s: not taken", body)
	}
	return *events
}

func offline(t *testing.T, dialect string) (*Gateway, *[]event.Event) {
	t.Helper()
	d, ok := DialectByName(dialect)
	if !ok {
		t.Fatal(dialect)
	}
	events := new([]event.Event)
	g, err := New(Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30,
		Dialect: d, Venue: 2, Kind: market.SDP, Symbols: testSymbols,
		Sink: func(e *event.Event) bool { *events = append(*events, *e); return true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g, events
}

func TestReportBecomesAnExecEvent(t *testing.T) {
	g, events := offline(t, "sim")
	got := decode(t, g, events, "35=8|"+fill(7, 100))
	id, _ := event.MakeID("X7")
	want := event.Event{Kind: event.Exec, Venue: 2, RecvTime: 1234, SrcTime: 1795185000122000000,
		Instrument: 3, Ref: child, Side: market.Buy, Price: 1002500, Qty: 300, LastPx: 1002450, LastQty: 100,
		CumQty: 100, LeavesQty: 200, ID: id, OrderRef: 9, Code: uint8(market.ExecTrade),
		OrdStatus: market.StatusPartiallyFilled, Liquidity: market.LiquidityRemoved}
	want.SetMsgSeqNum(1)
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReportNamesTheChild(t *testing.T) {
	for _, tt := range []struct {
		name, dialect, ids string
		want               uint64
	}{
		{"order", "sim", "11=261120143000000001", child},
		{"cancel", "sim", "11=261120143000000002|41=261120143000000001", child},
		{"not ours", "sim", "11=C100", 0},
		{"no ClOrdID", "sim", "37=5", 0},
		{"UUID", "coinbase", "11=26112014-3000-4000-8001-000000000000", child},
		{"foreign UUID", "coinbase", "11=6f9619ff-8b86-4011-b42d-00c04fc964ff", 0},
	} {
		g, events := offline(t, tt.dialect)
		got := decode(t, g, events, "35=8|"+tt.ids+"|14=0|17=E|39=4|55=ACME|150=4|151=0")
		if len(got) != 1 || got[0].Ref != tt.want || got[0].OrdStatus != market.StatusCanceled {
			t.Errorf("%s: got %+v", tt.name, got)
		}
		if n := g.Stats().NotOurs; n != 0 != (tt.want == 0) {
			t.Errorf("%s: not ours %d", tt.name, n)
		}
	}
}

func TestRefusalsAreClassified(t *testing.T) {
	for _, tt := range []struct {
		dialect, fields string
		want            event.Reason
	}{
		{"sim", "58=last look: price moved|103=99", event.ReasonLastLookPrice},
		{"sim", "58=Quote Expired or unknown", event.ReasonQuoteExpired},
		{"sim", "297=11", event.ReasonLastLookPrice},
		{"sim", "297=7", event.ReasonQuoteExpired},
		{"sim", "297=5|300=8", event.ReasonLastLookPrice},
		{"sim", "300=5", event.ReasonQuoteExpired},
		{"sim", "58=venue throttle", event.ReasonVenueThrottle},
		{"sim", "58=venue halted", event.ReasonVenueHalted},
		{"sim", "103=1", event.ReasonUnknownInstrument},
		{"sim", "103=6|58=whatever", event.ReasonDuplicateClOrdID},
		{"sim", "103=99", event.ReasonVenueReject},
		{"sim", "58=no", event.ReasonVenueReject},
		{"kraken", "58=EOrder:Rate limit exceeded", event.ReasonVenueThrottle},
		{"kraken", "58=EService:Market in cancel_only mode", event.ReasonVenueHalted},
		{"binance", "58=Too many new orders", event.ReasonVenueThrottle},
	} {
		g, events := offline(t, tt.dialect)
		got := decode(t, g, events, "35=8|11=1|14=0|17=E|39=8|55=ACME|150=8|151=0|"+tt.fields)
		if len(got) != 1 || got[0].Reason != tt.want || got[0].Code != uint8(market.ExecRejected) {
			t.Errorf("%s %s: got %+v, want %v", tt.dialect, tt.fields, got, tt.want)
		}
	}
}

func TestReportNamesTheTradeAndWhatItTakesBack(t *testing.T) {
	g, events := offline(t, "sim")
	for fields, want := range map[string]string{
		"150=F|39=1|880=T-17|19=OLD": "T-17", "150=F|39=1|527=S-9": "S-9", "150=F|39=1|1003=R-4": "R-4",
		"150=F|39=1": "", "150=H|39=0|19=X1|880=T-17": "X1", "150=G|39=1|19=X2": "X2", "150=2|20=1|39=2|19=X3": "X3",
		"150=D|39=1|19=X4": "X4", "150=4|39=4|880=T-17": "",
	} {
		got := decode(t, g, events, "35=8|11=1|14=5|17=E|31=1|32=5|55=ACME|151=0|"+fields)
		if len(got) != 1 || got[0].OrigID.String() != want {
			t.Errorf("%s: got %+v, want %q", fields, got, want)
		}
	}
}

func TestOldSpellingsOfTradesAreUnderstood(t *testing.T) {
	g, events := offline(t, "sim")
	for fields, want := range map[string]market.ExecType{
		"150=1|20=0|39=1": market.ExecTrade, "150=2|20=0|39=2": market.ExecTrade,
		"150=2|20=1|39=2": market.ExecTradeCancel, "150=1|20=2|39=1": market.ExecTradeCorrect,
		"150=0|20=3|39=0": market.ExecOrderStatus, "150=D|39=1": market.ExecRestated,
	} {
		got := decode(t, g, events, "35=8|11=1|14=5|17=E|31=1|32=5|55=ACME|151=0|"+fields)
		if len(got) != 1 || got[0].Code != uint8(want) {
			t.Errorf("%s: got %+v, want %v", fields, got, want)
		}
	}
}

func TestReportsThatCannotBeUnderstoodAreRefused(t *testing.T) {
	good := "35=8|11=1|14=5|17=E|31=1|32=5|39=1|55=ACME|150=F|151=0"
	for _, tt := range []struct{ from, to, say string }{
		{"150=F", "1=A", "tag 150: required tag missing"},
		{"39=1", "1=A", "tag 39: required tag missing"},
		{"55=ACME", "1=A", "tag 55: required tag missing"},
		{"14=5", "1=A", "tag 14: required tag missing"},
		{"151=0", "1=A", "tag 151: required tag missing"},
		{"17=E", "1=A", "tag 17: required tag missing"},
		{"31=1", "1=A", "tag 31: required tag missing"},
		{"32=5", "1=A", "tag 32: required tag missing"},
		{"55=ACME", "55=NONE", "value is incorrect"},
		{"150=F", "150=z", "value is incorrect"},
		{"39=1", "39=z", "value is incorrect"},
		{"14=5", "14=-5", "incorrect data format"},
		{"14=5", "14=5.5", "incorrect data format"},
		{"31=1", "31=1.00001", "incorrect data format"},
		{"31=1", "31=1e3", "incorrect data format"},
		{"32=5", "32=99999999999999999999", "incorrect data format"},
		{"151=0", "151=0|60=noon", "incorrect data format"},
		{"151=0", "151=0|54=9", "value is incorrect"},
	} {
		g, events := offline(t, "sim")
		got := decode(t, g, events, strings.Replace(good, tt.from, tt.to, 1))
		s := g.Stats()
		if len(got) != 0 || s.Malformed != 1 || !strings.Contains(s.LastMalformed, tt.say) {
			t.Errorf("%s: events %+v, stats %+v, want %q", tt.to, got, s, tt.say)
		}
	}
}

func TestLongExecIDKeepsItsEnd(t *testing.T) {
	g, events := offline(t, "sim")
	got := decode(t, g, events, "35=8|11=1|14=0|17=6f9619ff-8b86-4011-b42d-00c04fc964ff|39=0|55=ACME|150=0|151=5")
	if len(got) != 1 || got[0].ID.String() != "11-b42d-00c04fc964ff" {
		t.Errorf("got %+v", got)
	}
}

func TestCancelRejectBecomesAnEvent(t *testing.T) {
	g, events := offline(t, "sim")
	for code, want := range map[string]event.Reason{"0": event.ReasonTooLate, "1": event.ReasonUnknownOrder,
		"3": event.ReasonPending, "6": event.ReasonDuplicateClOrdID, "99": event.ReasonVenueReject} {
		got := decode(t, g, events, "35=9|11=261120143000000002|41=261120143000000001|37=9|39=2|434=1|102="+code)
		if len(got) != 1 || got[0].Kind != event.OrderCancelReject || got[0].Ref != child ||
			got[0].Reason != want || got[0].OrdStatus != market.StatusFilled {
			t.Errorf("102=%s: got %+v, want %v", code, got, want)
		}
	}
	if got := decode(t, g, events, "35=9|41=1|39=z"); len(got) != 0 || g.Stats().Malformed != 1 {
		t.Errorf("unknown OrdStatus: got %+v", got)
	}
}

func TestRejectOfAnOrderIsARejectedOrder(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.Send(r.now, takeOrder())
	cancel := &event.Command{Kind: event.SendCancel, Child: child, Ref: child + 1, Instrument: 3, Side: market.Buy,
		Qty: 300}
	r.g.Send(r.now, cancel)
	r.wire()
	r.wire()
	r.v.say("3|45=3|372=D|373=5|58=bad price")
	if e := r.next(); e.Kind != event.Exec || e.Code != uint8(market.ExecRejected) || e.Ref != child ||
		e.Reason != event.ReasonVenueReject || e.CumQty != 0 || e.Instrument != 3 || e.Qty != 300 {
		t.Errorf("got %+v", e)
	}
	r.v.say("j|45=4|372=F|379=261120143000000002|380=4|58=application halted")
	if e := r.next(); e.Kind != event.OrderCancelReject || e.Ref != child || e.Reason != event.ReasonVenueHalted {
		t.Errorf("got %+v", e)
	}
	r.v.say("j|45=3|372=D|379=999|380=0") // names another order than its number does
	r.v.say("3|45=77|372=D|373=5")
	r.v.say("B|148=news")
	r.until("counted", func() bool { return r.g.Stats().Unknown == 3 })
	if len(r.events) != 0 {
		t.Errorf("got %+v", r.events)
	}
}

// A venue that does not serve status requests says nothing about the order: its
// refusal must not look like a rejected order.
func TestRefusedStatusRequestIsNoRejectedOrder(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.Send(r.now, &event.Command{Kind: event.SendStatus, Child: child, Side: market.Buy, Instrument: 3})
	r.wire()
	r.v.say("j|45=3|372=H|379=261120143000000001|380=3")
	r.v.say("3|45=3|372=H|373=11")
	r.until("counted", func() bool { return r.g.Stats().Unknown == 2 })
	if len(r.events) != 0 {
		t.Errorf("got %+v", r.events)
	}
}

// The Sink has no room: the report stays unread, so does what follows, and nothing
// is lost or doubled once there is room again.
func TestReportIsNeverDropped(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.Send(r.now, takeOrder())
	r.wire()
	r.full = true
	const fills = 200
	for i := range fills {
		r.v.say("8|" + fill(i, 300))
	}
	r.until("a refusal", func() bool { return r.g.Stats().SinkFull > 0 })
	if n := r.g.session.NextIn(); n != 3 {
		t.Fatalf("next inbound number %d: a refused report was counted as taken", n)
	}
	taken := 0
	r.g.cfg.Sink = func(e *event.Event) bool { // room for every third attempt
		taken++
		return taken%3 == 0 && r.sink(e)
	}
	r.full = false
	r.until("all reports", func() bool { return len(r.events) >= fills })
	for i, e := range r.events {
		if e.Kind != event.Exec || e.ID.String() != "X"+itoa(i) {
			t.Fatalf("event %d is %v %v", i, e.Kind, e.ID)
		}
	}
}

func itoa(i int) string { return string(market.AppendDecimal(nil, int64(i), 0)) }
