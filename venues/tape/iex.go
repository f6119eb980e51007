package tape

import (
	"penstock/event"
	"penstock/market"
	"penstock/venues/iex"
)

// iexTape plays the datagrams of an IEX DEEP capture.
type iexTape struct {
	decoder  *iex.Decoder
	receiver *iex.Receiver
}

func newIEX(_ *Feed, to target, sink event.Sink) (decoder, error) {
	c := iex.Config{Venue: to.venue, Sink: sink}
	for _, l := range to.symbols {
		text := l.text
		if text == "" {
			text = l.instrument.Symbol
		}
		c.Symbols = append(c.Symbols, iexSymbol(text, l.instrument))
	}
	if to.discover != nil {
		c.Discover = func(text string) (iex.Symbol, bool) {
			in := to.discover(text)
			if in == nil {
				return iex.Symbol{}, false
			}
			return iexSymbol(text, in), true
		}
	}
	d, err := iex.NewDecoder(c)
	if err != nil {
		return decoder{}, err
	}
	t := &iexTape{decoder: d, receiver: iex.NewReceiver(d)}
	return decoder{receive: t.receiver.Receive, cut: cutIEX, count: t.count}, nil
}

func iexSymbol(text string, in *market.Instrument) iex.Symbol {
	return iex.Symbol{Text: text, ID: in.ID, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals}
}

func cutIEX(fragment []byte, s *Stats) {
	s.CutTypes = map[string]int64{}
	for t, n := range iex.CountCut(fragment) {
		if n > 0 {
			s.CutTypes[string(rune(t))] += int64(n)
		}
	}
}

func (t *iexTape) count(s *Stats) {
	d, r := t.decoder.Stats(), t.receiver.Stats()
	s.Foreign += int64(d.Ignored + d.Unknown + r.Foreign)
	s.Gaps += int64(r.Gaps)
	s.Restarts += int64(r.Restarts)
	s.Beats += int64(r.Heartbeats)
	s.addTypes(&d.Types)
}
