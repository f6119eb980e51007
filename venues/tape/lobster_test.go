package tape

import (
	"path/filepath"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

// playInto plays feed into a book; each is called after every record with how many
// were played.
func playInto(t *testing.T, feed Feed, b *book.Book, each func(n int, e []event.Event)) Stats {
	t.Helper()
	feed.Venue = "XNAS"
	in := stock("AAPL").Instrument
	to := feed.one(0, &in)
	s, err := openSource(feed, func(string) target { return to })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var events []event.Event
	for n := 1; s.Next() != NoTime; n++ {
		events = events[:0]
		s.Play(func(e *event.Event) bool {
			events = append(events, *e)
			return true
		})
		for i := range events {
			b.Apply(&events[i])
		}
		if each != nil {
			each(n, events)
		}
	}
	return s.Stats()
}

func byOrder() *book.Book { return book.New(book.Capacity{Levels: 1 << 12}, book.NewOrders(1<<16)) }

// rowsOf reads an order book file.
func rowsOf(t *testing.T, path string) (rows [][]lobsterOrder) {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := stock("AAPL").Instrument
	for {
		line, err := f.readLine()
		if err != nil {
			return rows
		}
		row, err := readRow(line, &in)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// bestOf returns the best level of a side of a row: it comes first.
func bestOf(row []lobsterOrder, side market.Side) lobsterOrder {
	for _, o := range row {
		if o.side == side {
			return o
		}
	}
	return lobsterOrder{side: side}
}

// TestLobsterTenLevelsFromTheFirstRow rebuilds the book from the first row and the
// messages, and compares its top with each of the 998 other rows. Where they differ,
// the recorded best level must be one that no message put there: our book holds
// nothing at its price, and it came into the recorded window at its far end, in a row
// whose message entered no order there. And our book must never be the better one:
// all that it shows was told.
func TestLobsterTenLevelsFromTheFirstRow(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t), "lobster")
	rows := rowsOf(t, filepath.Join(dir, "AAPL_2012-06-21_first999_orderbook_10.csv.zst"))
	feed := Feed{Format: "lobster", Date: "20120621",
		Paths: []string{filepath.Join(dir, "AAPL_2012-06-21_first999_message_10.csv.zst")},
		Book:  filepath.Join(dir, "AAPL_2012-06-21_first999_orderbook_10.csv.zst")}
	b := byOrder()
	entered := make([]lobsterLevel, len(rows)+1) // by the message of each row
	equal, compared := 0, 0
	s := playInto(t, feed, b, func(n int, events []event.Event) {
		for _, e := range events {
			if e.Kind == event.OrderAdd {
				entered[n-1] = lobsterLevel{e.Side, e.Price}
			}
		}
		if !b.Live() {
			t.Fatalf("row %d: %s %v", n, b.State, b.Reason)
		}
		if n == 1 {
			for _, o := range rows[0] {
				if b.Ladder(o.side).Qty(o.price) != o.qty {
					t.Fatalf("the first row is not the book: %+v", o)
				}
			}
			return
		}
		compared++
		same := true
		for _, side := range []market.Side{market.Buy, market.Sell} {
			ours, _ := b.Ladder(side).Best()
			theirs := bestOf(rows[n-1], side)
			if ours.Price == theirs.price && ours.Qty == theirs.qty {
				continue
			}
			same = false
			level := lobsterLevel{side, theirs.price}
			if !side.Contra().Better(theirs.price, ours.Price) || b.Ladder(side).Qty(theirs.price) != 0 ||
				!cameFromOutside(rows[:n], entered, level) {
				t.Errorf("row %d %v: ours %+v, recorded %+v, and that is not explained", n, side, ours, theirs)
			}
		}
		if same {
			equal++
		}
	})
	if compared != 998 || equal < 954 || s.Messages != 999 || !s.Sound() || b.Absurd != 0 {
		t.Errorf("%d of %d rows equal, %d absurd: %+v", equal, compared, b.Absurd, s)
	}
	t.Logf("%d of %d rows equal, %d events of earlier orders, %d of them outside the levels", equal, compared,
		s.Before, s.Early)
}

// cameFromOutside reports whether a level of the last row has been there since a row
// in which it was the worst of its side, and whose message entered no order there.
func cameFromOutside(rows [][]lobsterOrder, entered []lobsterLevel, level lobsterLevel) bool {
	for n := len(rows) - 1; n > 0; n-- {
		if placeOf(rows[n-1], level) < 0 {
			return placeOf(rows[n], level) == 0 && entered[n] != level
		}
	}
	return false
}

// placeOf counts the levels of the same side that are worse than a level in row; -1
// when row does not have it.
func placeOf(row []lobsterOrder, level lobsterLevel) int {
	worse, found := 0, false
	for _, o := range row {
		if o.side != level.side {
			continue
		}
		if found {
			worse++
		}
		found = found || o.price == level.price
	}
	if !found {
		return -1
	}
	return worse
}

// TestLobsterHourOfOrders plays 50 levels without a book to begin with: only 84
// events of 45,540 are of orders entered before, sizes are always consistent.
func TestLobsterHourOfOrders(t *testing.T) {
	b := byOrder()
	s := playInto(t, Feed{Format: "lobster", Paths: []string{filepath.Join(testdata.Dir(t), "lobster",
		"AAPL_2012-06-21_34200000_37800000_message_50.csv.zst")}, Date: "20120621"}, b, nil)
	want := map[string]int64{"1": 44_256, "2": 469, "3": 41_004, "4": 4_067, "5": 2_201}
	total := int64(0)
	for kind, n := range want {
		total += n
		if s.Types[kind] != n {
			t.Errorf("type %s: %d, want %d", kind, s.Types[kind], n)
		}
	}
	if s.Messages != 91_997 || total != 91_997 || s.Before != 84 || want["2"]+want["3"]+want["4"] != 45_540 ||
		!s.Sound() || b.Absurd != 0 || !b.Live() {
		t.Errorf("%s %d: %+v", b.State, b.Absurd, s)
	}
}

// TestLobsterExecutionsAreAtTheBest plays a day of level 1: every execution of a
// displayed order is at the best price that the book had before.
func TestLobsterExecutionsAreAtTheBest(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t), "lobster")
	feed := Feed{Format: "lobster-levels", Date: "20120621",
		Paths: []string{filepath.Join(dir, "AMZN_2012-06-21_34200000_57600000_message_1.csv.zst")},
		Book:  filepath.Join(dir, "AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.zst")}
	b, before := book.New(book.Capacity{Levels: 64}, nil), book.New(book.Capacity{Levels: 64}, nil)
	visible, atBest, hidden := 0, 0, 0
	s := playInto(t, feed, b, func(_ int, events []event.Event) {
		for i := range events {
			e := &events[i]
			if e.Kind == event.MarketTrade && e.Ref == 0 {
				hidden++
			} else if e.Kind == event.MarketTrade {
				visible++
				if best, ok := before.Ladder(e.Side.Contra()).Best(); ok && best.Price == e.Price {
					atBest++
				}
			}
		}
		for i := range events {
			before.Apply(&events[i])
		}
	})
	if visible != 8_974 || atBest != 8_974 || hidden != 2_445 || s.Messages != 57_515 || s.Checked != 8_974 ||
		!s.Sound() || b.Absurd != 0 || !b.Live() {
		t.Errorf("%d of %d executions, %d hidden, %s: %+v", atBest, visible, hidden, b.State, s)
	}
}

// TestLobsterLines plays lines of every type: what is impossible changes nothing and
// is counted.
func TestLobsterLines(t *testing.T) {
	const row = "1001,50,1000,10,1002,30,999,20\n"
	for _, c := range []struct {
		lines               string
		bid, ask            market.Qty // at 1000 and 1001
		state               event.BookState
		absurd, malformed   int64
		before, early, bids int64
	}{
		{"1,1,7,10,1000,1\n", 10, 50, event.BookLive, 0, 0, 0, 0, 2},
		{"1,1,7,4,1000,1\n2,4,8,6,1000,1\n", 4, 50, event.BookLive, 0, 0, 1, 0, 2}, // off the seed
		{"1,1,7,4,1000,1\n2,3,7,4,1000,1\n", 6, 50, event.BookLive, 0, 0, 0, 0, 2},
		{"1,1,7,4,1000,1\n2,2,7,3,1000,1\n3,4,7,1,1000,1\n", 6, 50, event.BookLive, 0, 0, 0, 0, 2},
		{"1,5,0,4,1000,1\n2,3,9,1,998,1\n", 10, 50, event.BookLive, 0, 0, 1, 1, 2},   // outside
		{"1,5,0,4,1000,1\n2,3,9,11,1000,1\n", 10, 50, event.BookLive, 0, 0, 1, 1, 2}, // more than is there
		{"1,1,7,4,1000,1\n2,1,7,4,1000,1\n", 10, 50, event.BookLive, 1, 0, 0, 0, 2},
		{"1,1,7,4,1000,1\n2,2,7,5,1000,1\n", 10, 50, event.BookLive, 1, 0, 0, 0, 2},
		{"1,1,7,4,1000,1\n2,3,7,3,1000,1\n", 10, 50, event.BookLive, 1, 0, 0, 0, 2},
		{"1,1,7,4,1000,1\n2,2,7,1,1000,-1\n", 10, 50, event.BookLive, 1, 0, 0, 0, 2},
		{"1,5,0,4,1000,1\n2,7,0,0,-1,-1\n", 10, 50, event.BookHalted, 0, 0, 0, 0, 2},
		{"1,5,0,4,1000,1\n2,7,0,0,-1,-1\n3,7,0,0,1,-1\n", 10, 50, event.BookLive, 0, 0, 0, 0, 2},
		{"1,5,0,4,1000,1\n2,9,1,1,1,1\n3,1,2,0,5,1\n4,1,2,5,5,2\n", 10, 50, event.BookLive, 3, 0, 0, 0, 2},
		{"1,5,0,4,1000,1\n2,1,2,x,5,1\n3,1,2\n", 10, 50, event.BookLive, 0, 2, 0, 0, 2},
	} {
		b := byOrder()
		s := playInto(t, Feed{Format: "lobster", Date: "20120621", Paths: []string{save(t, "m.csv", []byte(c.lines))},
			Book: save(t, "b.csv", []byte(row))}, b, nil)
		bid, ask := b.Bids.Qty(10_000), b.Asks.Qty(10_010)
		if bid != c.bid || ask != c.ask || b.State != c.state || s.Absurd != c.absurd || s.Malformed != c.malformed ||
			s.Before != c.before || s.Early != c.early || int64(b.Bids.Len()) != c.bids || b.Absurd != 0 {
			t.Errorf("%q: %d %d %s %d bids, %d absurd: %+v", c.lines, bid, ask, b.State, b.Bids.Len(), b.Absurd, s)
		}
	}
}
