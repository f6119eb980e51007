package fixgw

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

func TestQuoteBecomesAnEvent(t *testing.T) {
	g, events := offline(t, "sim")
	got := decode(t, g, events, "35=S|131=Q5|117=Q77|537=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|"+
		"135=500000|62=20261120-14:30:00.623|60=20261120-14:30:00.123")
	id, _ := event.MakeID("Q77")
	want := event.Event{Kind: event.Quote, Venue: 2, RecvTime: 1234, SrcTime: 1795185000123000000, Instrument: 5,
		Price: 1085100, Qty: 100000000, LastPx: 1085300, LastQty: 50000000, ID: id, Until: 1795185000623000000}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestQuoteSidesAndKinds(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		kind         event.Kind
		bid, offer   market.Qty
	}{
		{"both sides", "117=A|55=EUR/USD|132=1.1|133=1.2|134=1|135=2", event.Quote, 100, 200},
		{"by our request id", "117=A|131=Q5|132=1.1|133=1.2|134=1|135=2", event.Quote, 100, 200},
		{"no offer", "117=A|55=EUR/USD|132=1.1|134=1", event.Quote, 100, 0},
		{"offer size zero", "117=A|55=EUR/USD|132=1.1|133=1.2|134=1|135=0", event.Quote, 100, 0},
		{"indicative", "117=A|55=EUR/USD|537=0|132=1.1|133=1.2|134=1|135=2", event.QuoteCancel, 100, 200},
	} {
		g, events := offline(t, "sim")
		got := decode(t, g, events, "35=S|"+tt.fields)
		if len(got) != 1 || got[0].Kind != tt.kind || got[0].Qty != tt.bid || got[0].LastQty != tt.offer ||
			got[0].Instrument != 5 {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestQuotesThatCannotBeDealtOnAreRefused(t *testing.T) {
	for _, fields := range []string{
		"55=EUR/USD|132=1.1|134=1",                                // no QuoteID
		"117=a-quote-id-of-more-than-20|55=EUR/USD|132=1.1|134=1", // cannot be sent back whole
		"117=A|55=GBP/USD|132=1.1|134=1",
		"117=A|132=1.1|134=1",
		"117=A|131=Q9|132=1.1|134=1",
		"117=A|55=EUR/USD|132=-1.1|134=1",
		"117=A|55=EUR/USD|132=1.1|134=x",
		"117=A|55=EUR/USD|132=1.12345678|134=1",
		"117=A|55=EUR/USD|132=1.1|134=1|62=soon",
	} {
		g, events := offline(t, "sim")
		if got := decode(t, g, events, "35=S|"+fields); len(got) != 0 || g.Stats().Malformed != 1 {
			t.Errorf("%s: got %+v, stats %+v", fields, got, g.Stats())
		}
	}
}

const ladder = "35=i|131=q1|117=M5|296=2|302=1|304=2|295=2|299=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|" +
	"135=1000000|299=2|55=EUR/USD|132=1.08505|133=1.08535|134=5000000|135=0|" +
	"302=2|304=1|295=1|299=3|55=ACME|132=10|133=11|134=7|135=8"

func TestMassQuoteGivesTheFirstBandOfEachSet(t *testing.T) {
	for dialect, ids := range map[string][2]string{"sim": {"M5", "M5"}, "fx-dealer": {"1", "3"}} {
		g, events := offline(t, dialect)
		got := decode(t, g, events, ladder)
		if len(got) != 2 || got[0].Instrument != 5 || got[0].Price != 1085100 || got[0].LastQty != 100000000 ||
			got[0].ID.String() != ids[0] || got[1].Instrument != 3 || got[1].Qty != 7 || got[1].ID.String() != ids[1] {
			t.Errorf("%s: got %+v", dialect, got)
		}
	}
	g, events := offline(t, "sim")
	if got := decode(t, g, events, "35=i|117=M5|55=ACME"); len(got) != 0 || g.Stats().Malformed != 1 {
		t.Errorf("no set: got %+v", got)
	}
}

// The Sink takes the first event of a message and refuses the second: the next
// attempt goes on with the second.
func TestMessageWithSeveralEventsIsNotRepeated(t *testing.T) {
	g, events := offline(t, "sim")
	n := 0
	keep := g.cfg.Sink
	g.cfg.Sink = func(e *event.Event) bool { n++; return n != 2 && keep(e) }
	var m fix.Message
	if err := m.Parse(wrap(strings.Replace(ladder, "|", "|34=7|49=XLIT|52=20261120-14:30:00.123|56=SOR|", 1))); err != nil {
		t.Fatal(err)
	}
	if g.onMessage(&m, 1) {
		t.Fatal("taken although an event was refused")
	}
	if !g.onMessage(&m, 2) || len(*events) != 2 || (*events)[0].Instrument != 5 || (*events)[1].Instrument != 3 {
		t.Errorf("got %+v", *events)
	}
}

func TestQuoteCancelNamesItsInstruments(t *testing.T) {
	for fields, want := range map[string][]market.InstrumentID{
		"131=q1|117=*|298=4":         {3, 5},
		"117=A|298=1|295=1|55=ACME":  {3},
		"131=Q5|117=A|298=5":         {5},
		"117=A|298=5":                {3, 5},
		"117=A|298=1|295=1|55=OTHER": nil,
	} {
		g, events := offline(t, "sim")
		got := decode(t, g, events, "35=Z|"+fields)
		if len(got) != len(want) {
			t.Errorf("%s: got %+v, want %v", fields, got, want)
			continue
		}
		for i := range want {
			if got[i].Kind != event.QuoteCancel || got[i].Instrument != want[i] {
				t.Errorf("%s: got %+v, want %v", fields, got, want)
			}
		}
	}
}

func TestQuotesAreAskedForAndWithdrawn(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Kind, c.Quotes = market.SDP, QuotesRequest })
	r.up()
	for _, want := range []string{"35=R|131=Q3|146=1|55=ACME", "35=R|131=Q5|146=1|55=EUR/USD"} {
		if got := body(r.wire()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	r.v.say("i|117=M5|301=1|296=1|302=1|304=1|295=1|299=1|55=ACME|132=10|133=11|134=7|135=8")
	if e := r.next(); e.Kind != event.Quote || e.Price != 100000 {
		t.Errorf("got %+v", e)
	}
	if got := body(r.wire()); got != "35=b|117=M5|297=0" {
		t.Errorf("got %s, want the acknowledgement", got)
	}
	r.v.tell(r.v.drop)
	if e := r.next(); e.Kind != event.VenueSession {
		t.Fatalf("got %+v, want session down", e)
	}
	for _, id := range []market.InstrumentID{3, 5} {
		if e := r.next(); e.Kind != event.QuoteCancel || e.Instrument != id {
			t.Errorf("got %+v, want the quotes of %d withdrawn", e, id)
		}
	}
}
