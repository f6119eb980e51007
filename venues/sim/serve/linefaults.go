package serve

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// moldLines is how many lines carry each MoldUDP64 stream: A and B.
const moldLines = 2

// LineFaults is what goes wrong on one line of a MoldUDP64 stream. Each packet
// draws for itself, in ten-thousandths, from a generator of the line's own, so
// that the lines fail independently and a seed repeats what is drawn.
type LineFaults struct {
	Seed       uint64
	LoseBps    int   // the packet is not sent; the re-request server has it
	RepeatBps  int   // the packet is sent twice
	SwapBps    int   // the packet is sent behind the one that follows it
	DelayNanos int64 // by which the whole line is late
}

// moldLine is where the packets of one line go, and what befalls them.
type moldLine struct {
	mold      *mold
	receivers []netip.AddrPort
	lose      int // packets to lose now
	faults    LineFaults
	random    *rand.Rand
	swapped   []byte // waits for the next packet
}

func (l *moldLine) addReceiver(addr string) error {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	l.receivers = append(l.receivers, to)
	return nil
}

// send sends one packet; Market.mu is held.
func (l *moldLine) send(now int64, packet []byte) {
	if l.lose > 0 {
		l.lose--
		return
	}
	f := &l.faults
	if l.random == nil {
		l.transmit(now, packet)
		return
	}
	// The same number of draws for every packet: one fault does not move another.
	lose, repeat, swap := l.random.IntN(1e4), l.random.IntN(1e4), l.random.IntN(1e4)
	waiting := l.swapped
	l.swapped = nil
	switch {
	case lose < f.LoseBps:
	case swap < f.SwapBps && waiting == nil:
		l.swapped = packet
	default:
		l.transmit(now, packet)
		if repeat < f.RepeatBps {
			l.transmit(now, packet)
		}
	}
	if waiting != nil {
		l.transmit(now, waiting)
	}
}

// transmit hands a packet to the network, when its time on the line is over.
func (l *moldLine) transmit(now int64, packet []byte) {
	if l.faults.DelayNanos > 0 {
		l.mold.server.market.after(now+l.faults.DelayNanos, false, func(int64) { l.write(packet) })
		return
	}
	l.write(packet)
}

func (l *moldLine) write(packet []byte) {
	for _, to := range l.receivers {
		// An error is a lost packet, which the receiver gets from elsewhere.
		l.mold.stream.WriteToUDPAddrPort(packet, to)
	}
}

// SetLineFaults decides what goes wrong on a line, 0 for A and 1 for B, from the
// next packet on. The zero LineFaults makes it whole.
func (s *Server) SetLineFaults(line int, f LineFaults) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	l, err := s.line(line)
	if err != nil {
		return err
	}
	l.faults, l.random = f, nil
	if f.LoseBps != 0 || f.RepeatBps != 0 || f.SwapBps != 0 || f.DelayNanos != 0 {
		l.random = rand.New(rand.NewPCG(f.Seed, uint64(line)))
	}
	return nil
}

// LosePacketsOn keeps the next n packets of one line from being sent.
func (s *Server) LosePacketsOn(line, n int) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	l, err := s.line(line)
	if err == nil {
		l.lose += n
	}
	return err
}

// AddReceiverOn sends one line of the MoldUDP64 stream to addr too, from the next
// packet.
func (s *Server) AddReceiverOn(line int, addr string) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	l, err := s.line(line)
	if err != nil {
		return err
	}
	if err := l.addReceiver(addr); err != nil {
		return fmt.Errorf("venue %s: %w", s.cfg.Name, err)
	}
	return nil
}

func (s *Server) line(line int) (*moldLine, error) {
	if s.mold == nil || line < 0 || line >= moldLines {
		return nil, fmt.Errorf("venue %s has no packet line %d", s.cfg.Name, line)
	}
	return &s.mold.lines[line], nil
}

// MuteRerequests makes the re-request server answer nothing, or answer again.
func (s *Server) MuteRerequests(mute bool) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.mold == nil {
		return fmt.Errorf("venue %s has no re-request server", s.cfg.Name)
	}
	s.mold.mute = mute
	return nil
}

// CorruptNextOrder announces the next order of an ITCH stream with no shares, for
// ever: the re-request server repeats the message as it was, only a snapshot is right.
func (s *Server) CorruptNextOrder() error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.itch == nil {
		return fmt.Errorf("venue %s has no orders in its feed", s.cfg.Name)
	}
	s.itch.corrupt = true
	return nil
}

// StartSession ends the MoldUDP64 session and starts another one, as a venue does
// after a failure: the orders that rest are added again in it.
func (s *Server) StartSession() error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.mold == nil {
		return fmt.Errorf("venue %s has no packet stream", s.cfg.Name)
	}
	now := s.market.now()
	s.mold.startSession(now)
	s.itch.open(now)
	s.itch.repeat(now, s.itch.send)
	return nil
}
