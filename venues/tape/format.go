package tape

import (
	"fmt"
	"strings"

	"penstock/event"
	"penstock/market"
)

// Format is one kind of recording that can be played.
type Format struct {
	Name        string
	Description string
	Example     string // a --feed argument
	Kind        market.VenueKind
	Instrument  string // canonical symbol unless the feed names another
	Symbol      string // the same as the recording writes it

	contain func(f *file, feed *Feed) (container, error)
	decode  func(feed *Feed, to target, sink event.Sink) (decoder, error)
	// survey reads the recordings of feed once and lists the instruments in them;
	// nil where a recording holds the one that the feed names.
	survey  func(feed *Feed) ([]listed, error)
	stock   bool // instruments without reference data are US stocks
	byOrder bool // the recording names displayed orders one by one
}

// target is what a decoder is told about the events that it makes.
type target struct {
	venue   market.VenueID
	symbols []listed
	// discover, when set, gives an instrument to a symbol that a decoder meets and
	// that is not among symbols: a recording is played with all its symbols.
	discover func(text string) *market.Instrument
}

// listed is an instrument with the text by which the recording names it.
type listed struct {
	text       string
	instrument *market.Instrument
	precision  *[2]uint8 // decimals of price and quantity as the recording writes them; nil unknown
}

// one returns the target of a recording of one instrument.
func (f *Feed) one(v market.VenueID, in *market.Instrument) target {
	return target{venue: v, symbols: []listed{{text: f.Symbol, instrument: in, precision: f.Precision}}}
}

// only returns the instrument of a format whose recordings hold one.
func (t *target) only() *market.Instrument { return t.symbols[0].instrument }

// decoder turns messages into events. Fields other than receive may be nil.
type decoder struct {
	receive func(now int64, msg []byte) error
	http    func(now int64, url string, body []byte) error
	// snapshot takes a message of a snapshot that came beside the stream.
	snapshot func(now int64, msg []byte) error
	cut      func(fragment []byte, s *Stats) // counts in a message that the end of the file cut
	count    func(*Stats)                    // adds what the decoder counted
}

// Formats lists the formats in the order of --list.
func Formats() []Format { return formats }

func findFormat(name string) (*Format, error) {
	var names []string
	for i := range formats {
		if formats[i].Name == name {
			return &formats[i], nil
		}
		names = append(names, formats[i].Name)
	}
	return nil, fmt.Errorf("unknown format %q: want one of %s", name, strings.Join(names, ", "))
}

func containFrames(f *file, _ *Feed) (container, error) { return frames(f) }

func containLengths(f *file, feed *Feed) (container, error) {
	start, err := midnight(f.path, feed.Date)
	if err != nil {
		return nil, &Error{Path: f.path, Err: err}
	}
	return &lengths{f: f, midnight: start + int64(feed.Offset)}, nil
}

func containPackets(f *file, feed *Feed) (container, error) {
	p, err := openPackets(f, feed.Port)
	if err == nil && feed.Apart {
		p.conn = f.path
	}
	return p, err
}

func containDay(f *file, feed *Feed) (container, error) {
	start, err := midnight(f.path, feed.Date)
	if err != nil {
		return nil, &Error{Path: f.path, Err: err}
	}
	return &day{f: f, midnight: start + int64(feed.Offset)}, nil
}
