package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"penstock/event"
	"penstock/venues/itch"
)

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
	d, err := itch.NewDecoder(itch.Config{
		Venue: to.venue, Midnight: func(int64) int64 { return start + int64(feed.Offset) }, Sink: sink,
		Symbols: itchSymbols(to),
	})
	if err != nil {
		return decoder{}, err
	}
	t := &itchTape{decoder: d}
	return decoder{receive: t.receive, count: t.count}, nil
}

// itchSymbols lists the instruments of to; one that the feed does not name
// otherwise is listed under its own symbol.
func itchSymbols(to target) (list []itch.Symbol) {
	for _, l := range to.symbols {
		text := l.text
		if text == "" {
			text = l.instrument.Symbol
		}
		list = append(list, itch.Symbol{Text: text, ID: l.instrument.ID,
			PriceDecimals: l.instrument.PriceDecimals, QtyDecimals: l.instrument.QtyDecimals})
	}
	return list
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
	s.addTypes(&t.decoder.Stats().Types)
}

// surveyITCH lists the stocks of the directory at the beginning of the file.
func surveyITCH(feed *Feed) (list []listed, err error) {
	seen := map[string]bool{}
	for _, path := range feed.Paths {
		f, err := openFile(path)
		if err != nil {
			return nil, err
		}
		c, err := containLengths(f, feed)
		for err == nil {
			var r Record
			if r, err = c.next(); err == nil && len(r.Data) == 39 && r.Data[0] == 'R' {
				text := strings.TrimRight(string(r.Data[11:19]), " ")
				if !seen[text] {
					seen[text] = true
					in := stock(text).Instrument
					list = append(list, listed{text: text, instrument: &in})
				}
			}
		}
		f.Close()
		if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			return list, err
		}
	}
	return list, nil
}

// moldTape plays the datagrams of a MoldUDP64 capture. Nobody can be asked for what
// is missing in it: the books are STALE from a gap until another session begins, and
// what comes behind it is decoded all the same.
type moldTape struct {
	decoder *itch.Decoder
	session [10]byte
	next    uint64 // sequence of the next message; 0 before the first packet
	gaps    int64
	beats   int64
	copies  int64 // messages that had come before
}

func newMold(feed *Feed, to target, sink event.Sink) (decoder, error) {
	c := itch.Config{Venue: to.venue, Sink: sink, Symbols: itchSymbols(to)}
	if len(c.Symbols) == 0 { // only the framing is of interest
		c.Symbols = []itch.Symbol{{Text: "-"}}
	}
	if feed.Date != "" {
		start, err := midnight("", feed.Date)
		if err != nil {
			return decoder{}, err
		}
		c.Midnight = func(int64) int64 { return start + int64(feed.Offset) }
	}
	d, err := itch.NewDecoder(c)
	if err != nil {
		return decoder{}, err
	}
	t := &moldTape{decoder: d}
	return decoder{receive: t.receive, count: t.count}, nil
}

// receive takes one packet: session, sequence of the first message, count, and as
// many messages behind their lengths. Published samples had session and sequence
// overwritten with zeros: their messages belong to no book.
func (t *moldTape) receive(now int64, datagram []byte) (last error) {
	if len(datagram) < 20 {
		return itch.ErrPacket
	}
	session, seq := [10]byte(datagram[:10]), binary.BigEndian.Uint64(datagram[10:])
	count, rest := binary.BigEndian.Uint16(datagram[18:]), datagram[20:]
	if count == moldEnd {
		count = 0
	}
	for at := range count {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return fmt.Errorf("%w: message %d of %d", itch.ErrPacket, at+1, count)
		}
		rest = rest[2+binary.BigEndian.Uint16(rest):]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last message", itch.ErrPacket, len(rest))
	}
	numbered := seq != 0
	switch {
	case numbered && (t.next == 0 || session != t.session):
		t.session, t.next = session, seq
		t.decoder.Reset(now)
		if seq == 1 {
			t.decoder.Live(now)
		}
	case numbered && seq > t.next:
		t.gaps++
		t.next = seq
		t.decoder.Stale(now, event.ReasonGap)
	}
	if count == 0 {
		t.beats++
	}
	rest = datagram[20:]
	for at := range count {
		n := 2 + int(binary.BigEndian.Uint16(rest))
		msg := rest[2:n]
		rest = rest[n:]
		if numbered {
			if seq+uint64(at) < t.next {
				t.copies++
				continue
			}
			t.next++
		}
		if err := t.decoder.Decode(now, msg); err != nil && !errors.Is(err, itch.ErrType) {
			last = err
		}
	}
	return last
}

// moldEnd is the count of the packet that ends a session.
const moldEnd = 0xffff

func (t *moldTape) count(s *Stats) {
	d := t.decoder.Stats()
	s.Foreign += int64(d.Ignored + d.Unknown)
	s.Gaps += t.gaps
	s.Beats += t.beats
	s.addTypes(&d.Types)
}
