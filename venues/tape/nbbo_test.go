package tape

import (
	"fmt"
	"strings"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// playLines plays lines of a format of one US stock and returns the events.
func playLines(t testing.TB, format string, lines string) (events []event.Event, faults int) {
	t.Helper()
	f, err := findFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	in := stock("IBM").Instrument
	feed := Feed{Venue: "V", Format: format}
	d, err := f.decode(&feed, feed.one(0, &in), func(e *event.Event) bool {
		events = append(events, *e)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(lines, "\n") {
		if d.receive(int64(i+1), []byte(line)) != nil {
			faults++
		}
	}
	return events, faults
}

func TestNBBOIsOneVenue(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"first pair":  {"1000100,200,0,0,P,1,0\n0,0,1000200,300,N,1,0", "LIVE 200@10001000 300@10002000 0"},
		"half a pair": {"1000100,200,0,0,P,1,0", "EMPTY - - 0"},
		"moves": {"1000100,200,0,0,P,1,0\n0,0,1000200,300,N,1,0\n1000000,5,0,0,P,1,0\n0,0,1000100,6,N,1,0",
			"LIVE 5@10000000 6@10001000 0"},
		"same again": {"1000100,200,0,0,P,1,0\n0,0,1000200,300,N,1,0\n1000100,200,0,0,Q,1,0\n0,0,1000200,300,N,1,0",
			"LIVE 200@10001000 300@10002000 0"},
		"locked": {"1000100,200,0,0,P,1,0\n0,0,1000200,300,N,1,0\n1000200,5,0,0,P,1,0\n0,0,1000200,6,N,1,0",
			"STALE - - 0"},
		"crossed and back": {"1000100,2,0,0,P,1,0\n0,0,1000000,3,N,1,0\n1000100,2,0,0,P,1,0\n0,0,1000200,6,N,1,0",
			"LIVE 2@10001000 6@10002000 0"},
		"no offer": {"1000100,2,0,0,P,1,0\n0,0,0,0,N,1,0", "LIVE 2@10001000 - 0"},
		"offer goes": {"1000100,2,0,0,P,1,0\n0,0,1000200,6,N,1,0\n1000100,2,0,0,P,1,0\n0,0,0,0,N,1,0",
			"LIVE 2@10001000 - 0"},
		"nonsense": {"1000100,2,0,0,P,1,0\n0,0,1000200,6,N,1,0\nx\n1,2,3\n,,,,,,\n1,1,1,1,1,1,1,1\n99999999999,1,0,0,P,1,0",
			"LIVE 2@10001000 6@10002000 5"},
	} {
		events, faults := playLines(t, "nbbo", c.lines)
		b := book.New(book.Capacity{Levels: 8}, nil)
		for i := range events {
			b.Apply(&events[i])
		}
		if n := len(events); n > 0 && events[n-1].Flags&event.More != 0 {
			t.Errorf("%s: the last event promises more", name)
		}
		show := func(l *book.Ladder) string {
			if best, ok := l.Best(); ok && l.Len() == 1 {
				return fmt.Sprintf("%d@%d", best.Qty, best.Price)
			}
			return strings.Repeat("-", l.Len()+1)
		}
		if got := fmt.Sprintf("%s %s %s %d", b.State, show(b.Bids), show(b.Asks), faults); got != c.want || b.Absurd != 0 {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	events, faults := playLines(t, "nbbo", "1821000,300,P,2000,0\n0,300,P,2000,0\n1821000,0,P,2000,0")
	if len(events) != 1 || faults != 2 || events[0].Kind != event.MarketTrade || events[0].Price != 18_210_000 || events[0].Qty != 300 {
		t.Errorf("trades: %+v, %d", events, faults)
	}
}

// FuzzLines plays any text as NBBO and as LOBSTER: no panic, and the book never
// hears of anything that contradicts it.
func FuzzLines(f *testing.F) {
	f.Add("1000100,200,0,0,P,1,0\n0,0,1000200,300,N,1,0\n1821000,300,P,2000,0")
	f.Add("1,16113575,18,5853300,1\n3,16113575,18,5853300,1\n7,0,0,-1,-1")
	f.Fuzz(func(t *testing.T, lines string) {
		for _, format := range []string{"nbbo", "lobster"} {
			events, _ := playLines(t, format, lines)
			orders := map[string]*book.Orders{"lobster": book.NewOrders(1 << 10)}
			b := book.New(book.Capacity{Levels: 1 << 10}, orders[format])
			for i := range events {
				b.Apply(&events[i])
				if e := &events[i]; e.Kind == event.BookLevel && (e.Price > market.MaxPrice || e.Qty > market.MaxQty) {
					t.Fatalf("%s: %+v", format, e)
				}
			}
			if format == "nbbo" && b.Absurd != 0 {
				t.Fatalf("%s: the book was contradicted: %v", format, b.Reason)
			}
		}
	})
}

func TestSurveyFindsSymbolsAndDecimals(t *testing.T) {
	content := strings.Join([]string{
		`wss://x/y?z <-> 1618678132.36`,
		`1618678132.8: {"type":"snapshot","product_id":"SKL-USD","bids":[["0.51230","10.5"]],"asks":[]}`,
		`1618678132.9: {"type":"l2update","product_id":"SKL-USD","changes":[["buy","0.5","3.125"]],"time":"2021-04-17T16:48:52.123456Z"}`,
		`1618678133.1: [345,{"a":[["56.12300","0.10000000","1618678133.106123"]],"c":"974947235"},"book-1000","XBT/EUR"]`,
		`1618678133.2: {"data":{"bids":[["3802.90","0.6"]]},"channel":"diff_order_book_ethusd","event":"data"}`,
		`1618678133.3: {"event":"heartbeat"}`,
		`1618678133.4: {"stream":"nknusdt@trade","data":{"e":"trade","s":"NKNUSDT","p":"0.35210000","q":"672.50000000"}}`,
		`https://api/api/v3/depth?symbol=NKNUSDT&limit=1000 -> 1618678134.0: {"bids":[["0.352112","1"]]}`,
		`https://api/api/v2/order_book/ethusd -> 1618678134.1: {"bids":[["3802.905","1"]]}`,
	}, "\n") + "\n"
	list, err := surveyJSON(&Feed{Paths: []string{save(t, "c", []byte(content))}})
	var got []string
	for _, l := range list {
		got = append(got, fmt.Sprintf("%s=%s %d/%d %d/%d", l.text, l.instrument.Symbol, l.instrument.PriceDecimals,
			l.instrument.QtyDecimals, l.precision[0], l.precision[1]))
	}
	want := "NKNUSDT=NKNUSDT 6/1 8/8|SKL-USD=SKL-USD 4/3 5/3|XBT/EUR=XBT/EUR 3/1 5/8|ethusd=ETHUSD 3/1 3/1"
	if strings.Join(got, "|") != want || err != nil {
		t.Errorf("%s, %v", strings.Join(got, "|"), err)
	}
}

// Two connections that show the same book need a choice.
func TestConnectionsAreKeptApart(t *testing.T) {
	line := func(conn, qty string) string {
		return fmt.Sprintf(`{"t":"recv","conn":%q,"ts":2.5,"data":"{\"type\":\"snapshot\",\"product_id\":\"BTC-USD\",`+
			`\"bids\":[[\"10.00\",\"%s\"]],\"asks\":[[\"11.00\",\"1\"]]}"}`, conn, qty)
	}
	path := save(t, "two.jsonl", []byte(`{"t":"connect","conn":"a","ts":1.5,"addr":"wss://x/linear?q=1"}`+"\n"+
		`{"t":"connect","conn":"b","ts":1.6,"addr":"wss://x/spot"}`+"\n"+line("a", "7")+"\n"+line("b", "8")+"\n"))
	for conn, want := range map[string]market.Qty{"linear": 7e8, "spot": 8e8, "": 7e8} {
		plan, err := NewPlan([]Feed{{Venue: "V", Format: "coinbase", Paths: []string{path}, Conn: conn}})
		if err != nil {
			t.Fatal(err)
		}
		played, err := plan.Open()
		if err != nil {
			t.Fatal(err)
		}
		b := book.New(book.Capacity{Levels: 8}, nil)
		for played.Play(func(e *event.Event) bool { b.Apply(e); return true }) {
		}
		played.Close()
		best, _ := b.Bids.Best()
		err = played.Err()
		if best.Qty != want || (conn == "") != (err != nil && strings.Contains(err.Error(), "+conn=")) {
			t.Errorf("%q: %+v, %v", conn, best, err)
		}
	}
	v, err := Verify("two", Feed{Venue: "V", Format: "coinbase", Paths: []string{path}}, nil)
	if err != nil || v.Books != 2 || v.Live != 2 || len(v.Failures()) != 0 {
		t.Errorf("%+v %v", v, err)
	}
}
