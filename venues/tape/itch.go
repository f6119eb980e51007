package tape

import (
	"penstock/event"
	"penstock/venues/itch"
)

// itchRefs bounds the order references whose side is remembered, two bits each:
// more than Nasdaq sessions have used.
const itchRefs = 1 << 29

// itchTape plays ITCH messages in the order of a file: the beginning of the file
// is the beginning of the session.
type itchTape struct {
	decoder *itch.Decoder
	begun   bool
}

func newITCH(feed *Feed, to target, sink event.Sink) (decoder, error) {
	start, err := midnight(feed.Paths[0], feed.Date)
	if err != nil {
		return decoder{}, err
	}
	symbol := feed.Symbol
	if symbol == "" {
		symbol = to.instrument.Symbol
	}
	d, err := itch.NewDecoder(itch.Config{
		Venue: to.venue, Midnight: start + int64(feed.Offset), Refs: itchRefs, Sink: sink,
		Symbols: []itch.Symbol{{
			Text: symbol, ID: to.instrument.ID,
			PriceDecimals: to.instrument.PriceDecimals, QtyDecimals: to.instrument.QtyDecimals,
		}},
	})
	if err != nil {
		return decoder{}, err
	}
	t := &itchTape{decoder: d}
	return decoder{receive: t.receive, count: t.count}, nil
}

func (t *itchTape) receive(now int64, msg []byte) error {
	if !t.begun {
		t.begun = true
		t.decoder.Reset(now)
		t.decoder.Live(now)
	}
	return t.decoder.Decode(now, msg)
}

func (t *itchTape) count(s *Stats) {
	s.Foreign += int64(t.decoder.Stats().Ignored)
}
