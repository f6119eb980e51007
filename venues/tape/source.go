package tape

import (
	"errors"
	"fmt"
	"io"

	"penstock/event"
	"penstock/venues/jsonws"
)

// Source plays the recordings of one feed through the decoder of its venue, in
// order of receive time, files with equal times in the order given.
type Source struct {
	files  []*player
	decode decoder
	sink   event.Sink
	stats  Stats
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
// first record cannot be read, is an error here rather than later.
func openSource(feed Feed, to target) (*Source, error) {
	format, err := findFormat(feed.Format)
	if err != nil {
		return nil, err
	}
	s := &Source{stats: Stats{Feed: feed, Venue: to.venue, Instrument: to.instrument.ID}}
	s.decode, err = format.decode(&feed, to, s.take)
	if err != nil {
		return nil, fmt.Errorf("feed %s: %w", feed.Venue, err)
	}
	for _, path := range feed.Paths {
		p, err := openPlayer(path, format, &feed)
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

// advance reads the next record of p that lies within the feed's bounds. An
// error ends the file and is kept in the statistics.
func (s *Source) advance(p *player) {
	for {
		record, err := p.c.next()
		if err == nil && record.Time < p.last {
			err = p.f.fail(ErrBackwards)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) || isError(err) {
				s.stats.Err = errors.Join(s.stats.Err, err)
			}
			p.ended = true
			p.f.Close()
			return
		}
		p.last = record.Time
		feed := &s.stats.Feed
		if record.Time >= feed.From && (feed.To == 0 || record.Time < feed.To) {
			p.record = record
			return
		}
		s.stats.Left++
	}
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

// Play decodes the next record; its events go to sink before Play returns.
func (s *Source) Play(sink event.Sink) {
	p := s.head()
	if p == nil {
		return
	}
	s.sink = sink
	r := p.record
	if s.stats.Messages == 0 {
		s.stats.First = r.Time
	}
	s.stats.Last = r.Time
	s.stats.Messages++
	s.stats.Bytes += int64(len(r.Data))
	if err := s.decode.receive(r.Time, r.Data); err != nil {
		s.fault(p, err)
	}
	s.advance(p)
}

// fault counts a message that the decoder refused. Gaps and checksums it counts
// itself, and what it does not know is none of its messages.
func (s *Source) fault(p *player, err error) {
	switch {
	case errors.Is(err, jsonws.ErrUnknown), errors.Is(err, jsonws.ErrRefused):
		s.stats.Foreign++
		return
	case errors.Is(err, jsonws.ErrGap), errors.Is(err, jsonws.ErrChecksum):
	default:
		s.stats.Malformed++
	}
	if s.stats.FirstFault == nil {
		s.stats.FirstFault = p.f.fail(err)
	}
}

// take counts an event of the decoder and hands it on.
func (s *Source) take(e *event.Event) bool {
	st := &s.stats
	st.Events++
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
		st.Levels++
	}
	return s.sink(e)
}

// Stats returns the counts so far.
func (s *Source) Stats() Stats {
	st := s.stats
	if s.decode.count != nil {
		s.decode.count(&st)
	}
	return st
}

// Close closes the files.
func (s *Source) Close() {
	for _, p := range s.files {
		p.f.Close()
	}
}
