package tape

import (
	"fmt"

	"penstock/book"
	"penstock/event"
	"penstock/market"
)

// Verdict is what playing one recording with all its symbols has shown.
type Verdict struct {
	Name   string // of the recording
	Format string
	Stats
	Books       int // instruments whose book had depth or a quote
	Live        int // of these, LIVE or HALTED at the end
	CrossedBook int // messages after which a book, or a consolidated quote, was crossed
	Refused     int // other events that a book refused as impossible
	// Known says what the notes on the recording say of its cut end or crossed prices:
	// those are then no failures. "" when they say nothing.
	Known string
	// KnownCrossed is how many crossings Known excuses: neither more nor fewer.
	KnownCrossed int
}

// Failures says in words what is wrong; nil when everything is as it should be.
func (v *Verdict) Failures() (list []string) {
	add := func(n int64, what string) {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, what))
		}
	}
	if v.Known == "" || !v.Feed.Apart {
		add(v.Gaps, "gaps")
	}
	add(v.Mismatch, "failed checks")
	add(v.Malformed, "malformed messages")
	add(v.Absurd, "messages with impossible values")
	add(int64(v.Refused), "events that a book refused")
	if v.CrossedBook != v.KnownCrossed {
		list = append(list, fmt.Sprintf("%d crossed books, %d are known", v.CrossedBook, v.KnownCrossed))
	}
	if v.Err != nil && !(v.Known != "" && v.Cut()) {
		list = append(list, v.Err.Error())
	}
	if v.Messages == 0 {
		list = append(list, "nothing was played")
	}
	if len(list) > 0 && v.FirstFault != nil {
		list = append(list, fmt.Sprintf("the first: %.300s", v.FirstFault))
	}
	return list
}

// watched is the book of one instrument of one connection.
type watched struct {
	book   *book.Book
	status event.Event // the last one before there was a book
}

// verification plays a recording into books.
type verification struct {
	verdict Verdict
	books   []map[market.InstrumentID]*watched // by VenueID: one for each connection
	listed  []listed
	found   int // instruments that were discovered
}

// Verify plays the recordings of feed with every symbol in them. progress is called
// now and then; nil for nobody.
func Verify(name string, feed Feed, progress func()) (*Verdict, error) {
	format, err := findFormat(feed.Format)
	if err != nil {
		return nil, err
	}
	v := &verification{verdict: Verdict{Name: name, Format: feed.Format}}
	if feed.Instrument == "" {
		feed.Instrument = format.Instrument
	}
	if err := v.list(&feed, format); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s, err := openSource(feed, v.target)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for n := 0; s.Next() != NoTime; n++ {
		s.Play(v.take)
		if n&0xffff == 0xffff && progress != nil {
			progress()
		}
	}
	v.finish(s)
	return &v.verdict, nil
}

// maxConnections bounds the connections of a recording: a VenueID is a byte.
const maxConnections = 250

// list gives numbers to the instruments of feed: those that it names, or all that
// are in the recording.
func (v *verification) list(feed *Feed, format *Format) (err error) {
	if feed.Symbol == "" && format.survey != nil {
		if v.listed, err = format.survey(feed); err != nil {
			return err
		}
	} else if feed.Instrument != "" {
		if feed.Symbol == "" {
			feed.Symbol = format.Symbol
		}
		in, err := findInstrument(feed, format)
		if err != nil {
			return err
		}
		v.listed = []listed{{text: feed.Symbol, instrument: &in.Instrument, precision: feed.Precision}}
	}
	for i := range v.listed {
		v.listed[i].instrument.ID = market.InstrumentID(i)
	}
	return nil
}

// target gives every connection a venue number of its own.
func (v *verification) target(string) target {
	if len(v.books) > maxConnections {
		v.books = v.books[:maxConnections] // the last ones share a number
	}
	v.books = append(v.books, map[market.InstrumentID]*watched{})
	return target{venue: market.VenueID(len(v.books) - 1), symbols: v.listed, discover: v.discover}
}

func (v *verification) discover(text string) *market.Instrument {
	in := stock("X").Instrument
	in.Symbol, in.ID = text, market.InstrumentID(len(v.listed)+v.found)
	v.found++
	return &in
}

func (v *verification) take(e *event.Event) bool {
	books := v.books[e.Venue]
	w := books[e.Instrument]
	if w == nil {
		w = &watched{}
		books[e.Instrument] = w
	}
	switch {
	case e.Kind == event.MarketTrade, e.Kind == event.MarketStatus, e.Kind == event.PriceBand, e.Kind == event.ShortRestriction:
		return true // of no book
	case w.book == nil && (e.Kind == event.BookClear || e.Kind == event.BookStatus):
		w.status = *e
		return true
	case w.book == nil:
		w.open(e)
	}
	before := w.book.Absurd
	w.book.Apply(e)
	if w.book.Absurd == before {
		return true
	}
	switch e.Kind {
	case event.Quote: // counted by the source
	case event.BookLevel, event.OrderAdd:
		if e.Price > 0 && e.Price <= market.MaxPrice && e.Qty >= 0 && e.Qty <= market.MaxQty {
			v.verdict.CrossedBook++
			return true
		}
		v.verdict.Refused++
	default:
		v.verdict.Refused++
	}
	return true
}

// open makes the book and tells it what it has missed.
func (w *watched) open(e *event.Event) {
	switch e.Kind {
	case event.Quote, event.QuoteCancel:
		w.book = book.New(book.Capacity{}, nil)
	case event.BookLevel:
		w.book = book.New(book.Capacity{Levels: depthLevels}, nil)
	default:
		w.book = book.New(book.Capacity{Levels: 1 << 12}, book.NewOrders(1<<16))
	}
	clear := event.Event{Kind: event.BookClear, RecvTime: e.RecvTime}
	w.book.Apply(&clear)
	if w.status.Kind == event.BookStatus {
		w.book.Apply(&w.status)
	}
}

func (v *verification) finish(s *Source) {
	v.verdict.Stats = s.Stats()
	v.verdict.CrossedBook += int(v.verdict.Crossed)
	for _, books := range v.books {
		for _, w := range books {
			if w.book == nil {
				continue
			}
			v.verdict.Books++
			if w.book.State == event.BookLive || w.book.State == event.BookHalted {
				v.verdict.Live++
			}
		}
	}
}
