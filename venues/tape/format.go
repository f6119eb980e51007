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
}

// target is what a decoder is told about the events that it makes.
type target struct {
	venue      market.VenueID
	instrument *market.Instrument
}

// decoder turns messages into events.
type decoder struct {
	receive func(now int64, msg []byte) error
	count   func(*Stats) // adds what the decoder counted; nil for none
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

func containDay(f *file, feed *Feed) (container, error) {
	start, err := midnight(f.path, feed.Date)
	if err != nil {
		return nil, &Error{Path: f.path, Err: err}
	}
	return &day{f: f, midnight: start + int64(feed.Offset)}, nil
}
