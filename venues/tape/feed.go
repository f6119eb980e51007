package tape

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Feed names recordings of one venue and how to read them. As text it is
//
//	VENUE=FORMAT[+KEY=VALUE…]:PATH[,PATH…]
//
// for example FXCM=dealer-csv+offset=5h:20140508_quote.zip. Paths are played
// together, by time.
type Feed struct {
	Venue  string // name of the venue, as in the reference data
	Format string // a name of Formats
	Paths  []string

	Instrument string        // canonical symbol; "" is the format's own
	Symbol     string        // the instrument as the recording writes it; "" is the format's own
	Basis      string        // venue whose prices this one is shifted to; "" none
	Offset     time.Duration // added to recorded times of formats with local clocks
	Date       string        // YYYYMMDD of formats without a date in the file's name
	Size       int64         // dealer: assumed quote size in lots; 0 is DefaultQuoteSize
	Life       time.Duration // dealer: assumed validity of a quote; 0 is DefaultQuoteLife
	Contract   int64         // coin-margined: US dollars per contract; 0 is the venue's rule
	Depth      int           // Kraken: levels a side that the recording subscribed to; 0 is 10
	Precision  *[2]uint8     // Kraken: decimals of price and quantity in the checksum; nil is known
	Decimals   *[2]uint8     // of an instrument without reference data: price and quantity
	Port       int           // packet captures: only datagrams to this UDP port; 0 takes all
	Conn       string        // only connections whose address holds this text; "" takes all
	Book       string        // LOBSTER: path of the order book file, whose first row seeds the book
	Apart      bool          // packet captures: the files have nothing to do with each other
	From, To   int64         // ns since epoch: records outside are left out; 0 no bound
}

// ParseFeed reads the text form of a Feed.
func ParseFeed(text string) (Feed, error) {
	name, rest, ok := strings.Cut(text, "=")
	how, paths, ok2 := strings.Cut(rest, ":")
	if ok2 {
		// Values may hold colons (from=…T05:00:00Z): the path begins after the
		// last colon that still belongs to an option.
		how, paths = splitOptions(rest)
	}
	words := strings.Split(how, "+")
	if !ok || !ok2 || name == "" || words[0] == "" || paths == "" {
		return Feed{}, fmt.Errorf("feed %q: want VENUE=FORMAT[+KEY=VALUE…]:PATH[,PATH…]", text)
	}
	if !validVenue(name) {
		return Feed{}, fmt.Errorf("feed %q: venue name must be 1 to 16 characters of A-Z 0-9 _ -", text)
	}
	f := Feed{Venue: name, Format: words[0], Paths: strings.Split(paths, ",")}
	for _, p := range f.Paths {
		if p == "" {
			return Feed{}, fmt.Errorf("feed %q: empty path", text)
		}
	}
	if _, err := findFormat(f.Format); err != nil {
		return Feed{}, fmt.Errorf("feed %s: %w", name, err)
	}
	for _, option := range words[1:] {
		if err := f.set(option); err != nil {
			return Feed{}, fmt.Errorf("feed %s: %w", name, err)
		}
	}
	return f, nil
}

// splitOptions cuts "FORMAT+k=v+k=v:PATH" at the colon that ends the options: the
// first one after which no option value is open. Times are the only values with
// colons, and they end in Z.
func splitOptions(rest string) (how, paths string) {
	at := 0
	for {
		colon := strings.IndexByte(rest[at:], ':')
		if colon < 0 {
			return rest, ""
		}
		at += colon
		last := rest[:at]
		if plus := strings.LastIndexByte(last, '+'); plus >= 0 && openTime(last[plus+1:]) {
			at++
			continue
		}
		return last, rest[at+1:]
	}
}

// openTime reports whether option is the beginning of a time that a colon cuts.
func openTime(option string) bool {
	key, value, _ := strings.Cut(option, "=")
	return (key == "from" || key == "to") && strings.Contains(value, "T") &&
		!strings.HasSuffix(value, "Z")
}

func validVenue(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(name) <= 16
}

func (f *Feed) set(option string) (err error) {
	key, value, ok := strings.Cut(option, "=")
	if !ok || value == "" {
		return fmt.Errorf("option %q: want KEY=VALUE", option)
	}
	switch key {
	case "instrument":
		f.Instrument = value
	case "symbol":
		f.Symbol = value
	case "basis":
		f.Basis = value
	case "date":
		f.Date = value
	case "offset":
		f.Offset, err = ofClock(time.ParseDuration(value))
	case "life":
		f.Life, err = positive(time.ParseDuration(value))
	case "size":
		f.Size, err = positive(strconv.ParseInt(value, 10, 64))
	case "contract":
		f.Contract, err = positive(strconv.ParseInt(value, 10, 64))
	case "depth":
		f.Depth, err = positive(strconv.Atoi(value))
	case "precision":
		f.Precision, err = parsePair(value)
	case "decimals":
		f.Decimals, err = parsePair(value)
	case "port":
		f.Port, err = positive(strconv.Atoi(value))
	case "conn":
		f.Conn = value
	case "book":
		f.Book = value
	case "from":
		f.From, err = parseTime(value)
	case "to":
		f.To, err = parseTime(value)
	default:
		return fmt.Errorf("unknown option %q: want instrument, symbol, basis, date, offset, "+
			"life, size, contract, depth, precision, decimals, port, conn, book, from or to", key)
	}
	if err != nil {
		return fmt.Errorf("option %s: %w", key, err)
	}
	return nil
}

// ofClock is an offset between the clocks of two places: beyond a day it is none, and times far from our
// days would not fit their nanoseconds.
func ofClock(v time.Duration, err error) (time.Duration, error) {
	if err == nil && v.Abs() > 24*time.Hour {
		return 0, fmt.Errorf("%v is beyond a day: say by how much the venue's clock is behind UTC, like 5h", v)
	}
	return v, err
}

func positive[T int | int64 | time.Duration](v T, err error) (T, error) {
	if err == nil && v <= 0 {
		return 0, fmt.Errorf("%d is not positive", v)
	}
	return v, err
}

// parsePair reads decimals of price and quantity, such as 1/8.
func parsePair(value string) (*[2]uint8, error) {
	price, qty, ok := strings.Cut(value, "/")
	p, err1 := strconv.ParseUint(price, 10, 8)
	q, err2 := strconv.ParseUint(qty, 10, 8)
	if !ok || err1 != nil || err2 != nil || p > 9 || q > 9 {
		return nil, fmt.Errorf("%q: want PRICE/QTY, two numbers from 0 to 9", value)
	}
	return &[2]uint8{uint8(p), uint8(q)}, nil
}

func parseTime(value string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return 0, fmt.Errorf("%q: want a time such as 2014-05-08T05:00:00Z", value)
	}
	return t.UnixNano(), nil
}
