package tape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"penstock/event"
	"penstock/market"
	"penstock/venues/iex"
	"penstock/venues/itch"
	"penstock/venues/jsonws"
)

// Source plays the recordings of one feed through the decoder of its venue, in
// order of receive time, files with equal times in the order given. What came from
// different addresses goes through decoders of its own.
type Source struct {
	format   *Format
	files    []*player
	targets  func(conn string) target
	decoders []*connection
	playing  *connection
	first    decoder     // of the first connection
	shown    *connection // the one whose book is shown
	early    []Record    // HTTP answers, for connections that are opened after them
	at       market.VenueID
	sink     event.Sink
	stats    Stats
}

// connection is what came from one address.
type connection struct {
	conn   string
	decode decoder
}

// player is one file with its next record read ahead.
type player struct {
	f      *file
	c      container
	record Record
	last   int64
	ended  bool
}

// openSource opens every file of feed; a file that cannot be opened, or whose
// first record cannot be read, is an error here rather than later. targets says
// where the events of a connection go.
func openSource(feed Feed, targets func(conn string) target) (*Source, error) {
	format, err := findFormat(feed.Format)
	if err != nil {
		return nil, err
	}
	to := targets("")
	s := &Source{format: format, targets: targets, stats: Stats{Feed: feed, Venue: to.venue}}
	if len(to.symbols) > 0 {
		s.stats.Instrument = to.symbols[0].instrument.ID
	}
	// A decoder that cannot be made is an error now, not at the first message.
	if s.first, err = format.decode(&s.stats.Feed, to, s.take); err != nil {
		return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
	}
	for _, path := range feed.Paths {
		p, err := openPlayer(path, format, &s.stats.Feed)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
		}
		s.files = append(s.files, p)
	}
	for _, p := range s.files {
		s.advance(p)
	}
	return s, nil
}

func openPlayer(path string, format *Format, feed *Feed) (*player, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	c, err := format.contain(f, feed)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &player{f: f, c: c}, nil
}

// cutter is a container that can tell what is there of a record that the end of its
// file cut.
type cutter interface{ cut() []byte }

// advance reads the next record of p that lies within the feed's bounds. An
// error ends the file and is kept in the statistics.
func (s *Source) advance(p *player) {
	for {
		record, err := p.c.next()
		feed := &s.stats.Feed
		if err == nil && feed.Conn != "" && record.Kind == Received && !strings.Contains(record.Conn, feed.Conn) {
			s.stats.Left++ // a file may hold one connection after the other
			continue
		}
		if err == nil && record.Time < p.last {
			err = p.f.fail(ErrBackwards)
		}
		if err != nil {
			s.end(p, err)
			return
		}
		p.last = record.Time
		switch {
		case record.Time < feed.From, feed.To != 0 && record.Time >= feed.To:
			s.stats.Left++
		default:
			p.record = record
			return
		}
	}
}

func (s *Source) end(p *player, err error) {
	if !errors.Is(err, io.EOF) || isError(err) {
		s.stats.Err = errors.Join(s.stats.Err, err)
		if c, ok := p.c.(cutter); ok && errors.Is(err, io.ErrUnexpectedEOF) {
			if b := c.cut(); b != nil {
				if d, err := s.connection(p.record.Conn); err == nil && d.decode.cut != nil {
					d.decode.cut(b, &s.stats)
				}
			}
		}
	}
	p.ended = true
	p.f.Close()
}

func isError(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// Next returns the receive time of the next record, NoTime at the end.
func (s *Source) Next() int64 {
	if p := s.head(); p != nil {
		return p.record.Time
	}
	return NoTime
}

func (s *Source) head() *player {
	var head *player
	for _, p := range s.files {
		if !p.ended && (head == nil || p.record.Time < head.record.Time) {
			head = p
		}
	}
	return head
}

// connection returns the decoder of what came from an address, a new one when it is
// the first.
func (s *Source) connection(conn string) (*connection, error) {
	for _, d := range s.decoders {
		if d.conn == conn {
			return d, nil
		}
	}
	d := &connection{conn: conn, decode: s.first}
	if len(s.decoders) > 0 {
		var err error
		if d.decode, err = s.format.decode(&s.stats.Feed, s.targets(conn), s.take); err != nil {
			return nil, err
		}
	}
	s.decoders = append(s.decoders, d)
	s.playing = d
	for _, r := range s.early {
		s.body(d, &r)
	}
	return d, nil
}

// Play decodes the next record; its events go to sink before Play returns.
func (s *Source) Play(sink event.Sink) {
	p := s.head()
	if p == nil {
		return
	}
	s.sink = sink
	r := p.record
	if s.stats.First == 0 {
		s.stats.First = r.Time
	}
	s.stats.Last = r.Time
	switch r.Kind {
	case Received:
		s.stats.Messages++
		s.stats.Bytes += int64(len(r.Data))
		d, err := s.connection(r.Conn)
		if err == nil {
			s.playing = d
			err = d.decode.receive(r.Time, r.Data)
		}
		if err != nil {
			s.fault(p, err)
		}
	case Snapshot:
		d, err := s.connection(r.Conn)
		if err == nil && d.decode.snapshot != nil {
			s.stats.Messages++
			s.playing = d
			err = d.decode.snapshot(r.Time, r.Data)
		}
		if err != nil {
			s.fault(p, err)
		}
	case HTTP:
		s.stats.HTTP++
		r.Data = bytes.Clone(r.Data)
		s.early = append(s.early, r)
		for _, d := range s.decoders {
			s.body(d, &r)
		}
	}
	s.advance(p)
}

// body gives the answer to an HTTP request to the decoder of a connection.
func (s *Source) body(d *connection, r *Record) {
	if d.decode.http == nil {
		return
	}
	s.playing = d
	if err := d.decode.http(r.Time, r.Conn, r.Data); err != nil {
		s.fault(s.head(), err)
	}
}

// fault counts a message that the decoder refused. Gaps and checksums it counts
// itself, and what it does not know is none of its messages.
func (s *Source) fault(p *player, err error) {
	switch {
	case errors.Is(err, jsonws.ErrUnknown), errors.Is(err, jsonws.ErrRefused):
		s.stats.Foreign++
		return
	case errors.Is(err, jsonws.ErrGap), errors.Is(err, jsonws.ErrChecksum), errors.Is(err, errSum):
	case errors.Is(err, jsonws.ErrAbsurd), errors.Is(err, itch.ErrValue), errors.Is(err, iex.ErrValue),
		errors.Is(err, errAbsurd):
		s.stats.Absurd++
	default:
		s.stats.Malformed++
	}
	if s.stats.FirstFault == nil {
		s.stats.FirstFault = p.f.fail(err)
	}
}

var errTwoBooks = errors.New("two connections show the same book: choose one with +conn=TEXT of its address")

// take counts an event of the decoder and hands it on.
func (s *Source) take(e *event.Event) bool {
	st := &s.stats
	switch e.Kind {
	case event.MarketTrade:
		st.Trades++
	case event.Quote:
		st.Quotes++
		switch {
		case e.Price == e.LastPx:
			st.Locked++
		case e.Price > e.LastPx:
			st.Crossed++
		}
	default:
		if s.shown == nil || len(s.decoders) == 1 {
			s.shown, s.at = s.playing, e.Venue
		} else if s.shown != s.playing && e.Venue == s.at {
			if !errors.Is(st.Err, errTwoBooks) {
				st.Err = errors.Join(st.Err, fmt.Errorf("recording %s: %w: %s or %s",
					st.Feed.Paths[0], errTwoBooks, s.shown.conn, s.playing.conn))
			}
			return true
		}
		st.Levels++
	}
	st.Events++
	return s.sink(e)
}

// counter is a container that counts what it leaves out.
type counter interface{ count(*Stats) }

// Stats returns the counts so far.
func (s *Source) Stats() Stats {
	st := s.stats
	for _, d := range s.decoders {
		if d.decode.count != nil {
			d.decode.count(&st)
		}
	}
	for _, p := range s.files {
		if c, ok := p.c.(counter); ok {
			c.count(&st)
		}
	}
	return st
}

// Close closes the files.
func (s *Source) Close() {
	for _, p := range s.files {
		p.f.Close()
	}
}
