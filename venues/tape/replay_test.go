package tape

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"strings"
	"testing"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// fxFeeds is the FX part of the default set.
func fxFeeds(t *testing.T) []Feed {
	t.Helper()
	var feeds []Feed
	for _, f := range DefaultFeeds(testdata.Dir(t)) {
		if f.Format == "dealer-csv" {
			feeds = append(feeds, f)
		}
	}
	return feeds
}

func openReplay(t *testing.T, feeds []Feed, simulated ...market.VenueKind) *Replay {
	t.Helper()
	plan, err := NewPlan(feeds)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Simulate(simulated, 7); err != nil {
		t.Fatal(err)
	}
	tape, err := plan.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tape.Close)
	m, err := NewMarket(plan, DefaultMatching())
	if err != nil {
		t.Fatal(err)
	}
	return NewReplay(tape, m)
}

// TestTwoDealersAreOneMarket rebuilds the aggregated EUR/USD book of the day of
// the ECB press conference and compares how long it was normal, locked and
// crossed with what the notes on the recordings say: 90.6, 6.9 and 2.5 %.
func TestTwoDealersAreOneMarket(t *testing.T) {
	r := openReplay(t, fxFeeds(t))
	var quotes [2]event.Event
	var shares [3]int64
	var e event.Event
	state, since := -1, int64(0)
	for r.Next(NoTime, &e) {
		if e.Kind != event.Quote {
			continue
		}
		if state >= 0 {
			shares[state] += e.RecvTime - since
		}
		quotes[e.Venue] = e
		since = e.RecvTime
		if quotes[0].Qty == 0 || quotes[1].Qty == 0 {
			continue
		}
		bid := max(quotes[0].Price, quotes[1].Price)
		ask := min(quotes[0].LastPx, quotes[1].LastPx)
		switch {
		case bid < ask:
			state = 0
		case bid == ask:
			state = 1
		default:
			state = 2
		}
	}
	total := shares[0] + shares[1] + shares[2]
	var permille [3]int64
	for i := range shares {
		permille[i] = (shares[i]*1000 + total/2) / total
	}
	if permille != [3]int64{906, 69, 25} && permille != [3]int64{905, 69, 25} {
		t.Errorf("normal, locked, crossed: %v permille", permille)
	}
	stats := r.Tape().Stats()
	for i, want := range []Stats{
		{Messages: 167_466, Quotes: 167_466, Locked: 19_051, Crossed: 18_285,
			First: 1399525217007 * nanosPerMilli, Last: 1399611599235 * nanosPerMilli},
		{Messages: 87_900, Quotes: 87_900},
	} {
		got := stats[i]
		if got.Messages != want.Messages || got.Quotes != want.Quotes || got.Locked != want.Locked ||
			got.Crossed != want.Crossed || !got.Sound() {
			t.Errorf("%s: %+v", got.Feed.Venue, got)
		}
		if want.First != 0 && (got.First != want.First || got.Last != want.Last) {
			t.Errorf("%s: %d to %d", got.Feed.Venue, got.First, got.Last)
		}
	}
	if left := stats[1].Left + stats[1].Messages; left != 87_833+47_634 {
		t.Errorf("second dealer: %d lines in all", left)
	}
}

// script plays the first events of r, sends an order every so often and returns a
// hash of everything, with the number of events by venue.
func script(t *testing.T, r *Replay, events int) (uint64, map[market.VenueID]int) {
	t.Helper()
	h := fnv.New64a()
	count := map[market.VenueID]int{}
	var e, last event.Event
	child := uint64(100)
	quotes := map[market.VenueID]event.Event{}
	ledger := map[uint64]event.Event{}
	for n := range events {
		if !r.Next(NoTime, &e) {
			t.Fatalf("over after %d events", n)
		}
		if e.RecvTime < last.RecvTime {
			t.Fatalf("event %d goes back in time", n)
		}
		h.Write(e.Bytes())
		count[e.Venue]++
		last = e
		if e.Kind == event.Quote {
			quotes[e.Venue] = e
		}
		if e.Kind == event.Exec {
			check(t, ledger[e.Ref], &e)
			ledger[e.Ref] = e
		}
		if n%997 == 0 || e.Kind == event.Quote && n%99 == 0 {
			for v := range r.Market().plan.Venues {
				child++
				r.Send(e.RecvTime, trial(r.Market(), quotes, market.VenueID(v), e.Instrument, child))
			}
		}
	}
	for _, trade := range r.Market().Trades() {
		fmt.Fprintf(h, "%+v", trade)
	}
	return h.Sum64(), count
}

// check tells whether report e can follow on the last one of its order.
func check(t *testing.T, last event.Event, e *event.Event) {
	t.Helper()
	live := !e.OrdStatus.Terminal()
	switch {
	case last.OrdStatus.Terminal():
		t.Errorf("C%d: %s after %s", e.Ref, market.ExecType(e.Code), last.OrdStatus)
	case e.CumQty != last.CumQty+e.LastQty, e.CumQty > e.Qty:
		t.Errorf("C%d: CumQty %d after %d and a fill of %d", e.Ref, e.CumQty, last.CumQty, e.LastQty)
	case live && e.CumQty+e.LeavesQty != e.Qty, !live && e.LeavesQty != 0:
		t.Errorf("C%d: %s with CumQty %d, LeavesQty %d of %d", e.Ref, e.OrdStatus, e.CumQty, e.LeavesQty, e.Qty)
	}
}

// trial is an order that venue v could take, at the price shown there.
func trial(
	m *Market, quotes map[market.VenueID]event.Event, v market.VenueID, in market.InstrumentID,
	child uint64,
) *event.Command {
	c := &event.Command{Kind: event.SendOrder, Child: child, Venue: v, Instrument: in,
		Side: market.Buy + market.Side(child%2), Qty: 1000, TIF: market.TIFIOC}
	if int(in) >= len(m.plan.Instruments) {
		return c
	}
	switch m.plan.Venues[v].Kind {
	case market.Dark:
		c.OrdType, c.ExecInst, c.TIF = market.OrdPegged, market.ExecInstMidPeg, market.TIFDay
	case market.SDP:
		q := quotes[v]
		c.OrdType, c.ID = market.OrdPreviouslyQuoted, q.ID
		c.Price, _ = offer(&q, c.Side)
	case market.Lit:
		c.OrdType = market.OrdLimit
		best, _ := m.places[v][in].lit.sides[c.Side.Contra().Index()].Best()
		c.Price = best.Price
	}
	return c
}

func TestSameRecordingsSameEvents(t *testing.T) {
	feeds := fxFeeds(t)
	first, count := script(t, openReplay(t, feeds, market.Dark, market.SDP), 60_000)
	second, _ := script(t, openReplay(t, feeds, market.Dark, market.SDP), 60_000)
	if first != second {
		t.Errorf("hashes %x and %x", first, second)
	}
	for v := range market.VenueID(4) {
		if count[v] < 100 {
			t.Errorf("venue %d: %d events", v, count[v])
		}
	}
}

func TestOrdersTradeAgainstRecordedAndSimulatedVenues(t *testing.T) {
	r := openReplay(t, fxFeeds(t), market.Dark, market.SDP)
	script(t, r, 60_000)
	fills := map[market.VenueID]int{}
	for _, trade := range r.Market().Trades() {
		fills[trade.Venue]++
		if trade.Qty <= 0 || trade.Price < 1_380_000 || trade.Price > 1_400_000 {
			t.Errorf("trade %+v", trade)
		}
	}
	for v := range market.VenueID(4) {
		if fills[v] == 0 {
			t.Errorf("venue %d never filled: %v", v, fills)
		}
	}
	said := strings.Join(r.Market().Assumptions(), "\n")
	for _, want := range []string{"SIM-DARK is SIMULATED", "SIM-SDP is SIMULATED", "1000000 a side",
		"consumes displayed size"} {
		if !strings.Contains(said, want) {
			t.Errorf("assumptions do not say %q:\n%s", want, said)
		}
	}
}

func TestReplayHandsOutNothingBeyondTheLimit(t *testing.T) {
	r := openReplay(t, fxFeeds(t))
	var e event.Event
	for n, limit := 0, r.Begin(); n < 100; limit += nanosPerSecond {
		for r.Next(limit, &e) {
			if e.RecvTime > limit {
				t.Fatalf("event at %d beyond %d", e.RecvTime, limit)
			}
			n++
		}
		if r.Now() > limit {
			t.Fatal("time ran ahead")
		}
	}
}

func TestITCHFilePlaysThroughItsDecoder(t *testing.T) {
	feed, err := ParseFeed("XNAS=itch+instrument=A+date=20191230:" +
		filepath.Join(testdata.Dir(t), "itch", "nasdaq_itch50_first1000.itch"))
	if err != nil {
		t.Fatal(err)
	}
	r := openReplay(t, []Feed{feed})
	var e event.Event
	states := []event.BookState{}
	for r.Next(NoTime, &e) {
		if e.Kind == event.BookStatus {
			states = append(states, event.BookState(e.Code))
		}
	}
	s := r.Tape().Stats()[0]
	// Ours: the system event, its listing, a trading action and a Reg SHO notice.
	if s.Messages != 1000 || !s.Sound() || s.Foreign != 996 || s.Bytes != 40_874-2000 {
		t.Errorf("%+v", s)
	}
	if want := 1577664000*int64(nanosPerSecond) + 11_072_700_000_000; s.First/nanosPerSecond != want/nanosPerSecond {
		t.Errorf("first at %d", s.First)
	}
	if len(states) == 0 {
		t.Error("no book state")
	}
}

// A damaged file ends its own source; the others go on, and the end is told.
func TestCutRecordingEndsItsSourceOnly(t *testing.T) {
	csv := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d,1.39%03d,1.40%03d\r\n", 1000+i*10, i%1000, i%1000)
		}
		return []byte(b.String())
	}
	packed := pack(t, ".gz", csv(20_000))
	r := openReplay(t, []Feed{
		{Venue: "A", Format: "dealer-csv", Paths: []string{save(t, "20140508.gz", packed[:len(packed)/2])}},
		{Venue: "B", Format: "dealer-csv", Paths: []string{save(t, "20140508.csv", csv(20_000))}},
	})
	var e event.Event
	for r.Next(NoTime, &e) {
	}
	a, b := r.Tape().Stats()[0], r.Tape().Stats()[1]
	if a.Sound() || a.Messages < 100 || a.Messages > 19_000 || a.Quotes != a.Messages {
		t.Errorf("cut: %+v", a)
	}
	if !b.Sound() || b.Messages != 20_000 {
		t.Errorf("whole: %+v", b)
	}
	if err := r.Tape().Err(); err == nil || !strings.Contains(err.Error(), "cut short") ||
		!strings.Contains(err.Error(), filepath.Base("20140508.gz")) {
		t.Errorf("unclear: %v", err)
	}
}

func TestMalformedMessagesAreCountedAndSkipped(t *testing.T) {
	content := "1000,1.39,1.40\n2000,1.39\n3000,1.39,1.4000001\n4000,-1.39,1.40\n5000,1.39,1.40\n"
	r := openReplay(t, []Feed{
		{Venue: "A", Format: "dealer-csv", Paths: []string{save(t, "20140508.csv", []byte(content))}}})
	var e event.Event
	for r.Next(NoTime, &e) {
	}
	s := r.Tape().Stats()[0]
	if s.Malformed != 3 || s.Quotes != 2 || s.Sound() || s.Err != nil {
		t.Errorf("%+v", s)
	}
	if err := s.FirstFault; err == nil || !strings.Contains(err.Error(), "line 2: not a line") {
		t.Errorf("unclear: %v", err)
	}
}

func TestTimeGoingBackEndsTheFile(t *testing.T) {
	content := "2000,1.39,1.40\n1000,1.39,1.40\n"
	r := openReplay(t, []Feed{
		{Venue: "A", Format: "dealer-csv", Paths: []string{save(t, "20140508.csv", []byte(content))}}})
	var e event.Event
	for r.Next(NoTime, &e) {
	}
	if err := r.Tape().Err(); err == nil || !strings.Contains(err.Error(), "line 2: receive time goes backwards") {
		t.Errorf("%v", err)
	}
}
