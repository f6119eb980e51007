package serve

import (
	"fmt"

	"penstock/market"
)

// DropConnections closes every connection of the venue without a word, as a
// network failure does. Listeners stay open.
func (s *Server) DropConnections() {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	for _, o := range s.outboxes() {
		o.drop()
	}
}

// DropOrderConnections is DropConnections of order entry alone.
func (s *Server) DropOrderConnections() {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	for _, o := range s.orders.outboxes() {
		o.drop()
	}
}

// PauseWrites holds back everything that the venue says on its connections of
// now, or lets it go. The peer sees a venue that accepts but does not answer.
func (s *Server) PauseWrites(paused bool) {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	for _, o := range s.outboxes() {
		o.pause(paused)
	}
}

func (s *Server) outboxes() []*outbox {
	all := s.orders.outboxes()
	if s.dropCopy != nil {
		all = append(all, s.dropCopy.entry.outboxes()...)
	}
	if s.ws != nil {
		for _, c := range s.ws.conns {
			all = append(all, c.out)
		}
	}
	if s.glimpse != nil {
		for _, c := range s.glimpse.conns {
			all = append(all, c.out)
		}
	}
	if s.fix != nil {
		for _, c := range s.fix.entry.clients {
			if c.out != nil {
				all = append(all, c.out)
			}
		}
	}
	return all
}

// LosePackets keeps the next n packets of a MoldUDP64 stream from being sent on any
// line; the re-request server has them.
func (s *Server) LosePackets(n int) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.mold == nil {
		return fmt.Errorf("venue %s has no packets to lose", s.cfg.Name)
	}
	for i := range s.mold.lines {
		s.mold.lines[i].lose += n
	}
	return nil
}

// CorruptNextChecksum makes the checksum of the next book update wrong.
func (s *Server) CorruptNextChecksum() error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.kraken == nil {
		return fmt.Errorf("venue %s has no checksums", s.cfg.Name)
	}
	s.kraken.corrupt = true
	return nil
}

// AddReceiver sends line A of the MoldUDP64 stream to addr too, from the next packet.
func (s *Server) AddReceiver(addr string) error { return s.AddReceiverOn(0, addr) }

// Halt stops or resumes trading at this venue, behind what is scheduled before
// now; its feed says so.
func (s *Server) Halt(halted bool) {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	now := s.market.now()
	s.market.after(now, true, func(at int64) {
		switch {
		case s.exchange != nil:
			s.exchange.Halt(halted)
			s.feed.halt(at, halted)
		case s.pool != nil:
			s.pool.Halt(halted)
		case s.dealer != nil:
			s.dealer.Halt(at, halted)
		}
	})
}

// Auction begins or ends a period of the venue in which orders are collected for an auction,
// as Halt does with a halt. Its feed must be ITCH or FIX.
func (s *Server) Auction(on bool) error {
	return s.trading(func(at int64) {
		s.exchange.Auction(on)
		if s.itch != nil {
			s.itch.auction = on
		}
		s.feed.halt(at, on)
	})
}

// Band sets the prices within which the venue takes orders, 0 for no bound, and lets its feed
// say so: ITCH as the collars of an auction, FIX as price limits.
func (s *Server) Band(low, high market.Price) error {
	return s.trading(func(at int64) {
		s.exchange.Band(low, high)
		if s.itch != nil {
			s.itch.collar(at, low, high)
		} else {
			s.fix.banded, s.fix.band = true, [2]market.Price{low, high}
			s.feed.halt(at, s.exchange.Halted())
		}
	})
}

// TestShorts begins or ends the price test for short sales, and lets the feed say so, which must
// be ITCH.
func (s *Server) TestShorts(on bool) error {
	if s.itch == nil {
		return fmt.Errorf("venue %s has no feed that can say it", s.cfg.Name)
	}
	return s.trading(func(at int64) {
		s.exchange.TestShorts(on)
		s.itch.restricted = on
		s.itch.shorts(at)
		s.itch.send(at)
	})
}

func (s *Server) trading(run func(at int64)) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.itch == nil && s.fix == nil {
		return fmt.Errorf("venue %s has no feed that can say it", s.cfg.Name)
	}
	s.market.after(s.market.now(), true, run)
	return nil
}
