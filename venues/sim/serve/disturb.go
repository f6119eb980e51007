package serve

import (
	"fmt"

	"github.com/gobwas/ws"
)

// MessageFault is what can happen to one book message of a WebSocket feed, for
// all its clients.
type MessageFault uint8

// Faults of messages.
const (
	DropMessage      MessageFault = iota // it is not sent
	DuplicateMessage                     // it is sent twice
	SwapMessages                         // it is sent after the next one
	CutText                              // its text ends in the middle
	CorruptFrame                         // its frame has bits that nobody negotiated
)

// Disturb does each of the faults to one of the next book messages, in order.
func (s *Server) Disturb(faults ...MessageFault) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.ws == nil {
		return fmt.Errorf("venue %s has no messages to disturb", s.cfg.Name)
	}
	s.ws.faults = append(s.ws.faults, faults...)
	return nil
}

// Disturbing returns how many faults have not happened yet.
func (s *Server) Disturbing() int {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	n := 0
	if s.ws != nil {
		n = len(s.ws.faults)
	}
	if s.http != nil {
		n += len(s.http.faults)
	}
	return n
}

// Undisturb forgets the faults that have not happened yet.
func (s *Server) Undisturb() {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.ws != nil {
		s.ws.faults = nil
	}
	if s.http != nil {
		s.http.faults = nil
	}
}

// sendBook is sendAll for what changes books: here messages are disturbed.
func (w *webSocket) sendBook(now int64, text []byte, wants func(*wsConn) bool) {
	held := w.held
	w.held = nil
	if len(w.faults) == 0 {
		w.sendAll(now, text, wants)
	} else {
		fault := w.faults[0]
		w.faults = w.faults[1:]
		switch fault {
		case DuplicateMessage:
			w.sendAll(now, text, wants)
			w.sendAll(now, text, wants)
		case SwapMessages:
			w.held = func(now int64) { w.sendAll(now, text, wants) }
		case CutText:
			w.sendAll(now, text[:len(text)/2], wants)
		case CorruptFrame:
			frame := ws.MustCompileFrame(ws.NewTextFrame(text))
			frame[0] |= 0x70 // RSV1 to RSV3
			for _, c := range w.conns {
				if wants(c) {
					c.out.write(frame)
				}
			}
		}
	}
	if held != nil {
		held(now)
	}
}

// Mute accepts connections from now on but never says a word on them, as a host
// does whose process hangs; Mute(false) ends it for later ones.
func (s *Server) Mute(on bool) {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.ws != nil {
		s.ws.mute = on
	}
}

// Trickle lets at most so many bytes a second out to each connection, of now and
// later; 0 is any number.
func (s *Server) Trickle(bytesPerSecond int) {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	s.rate = bytesPerSecond
	for _, o := range s.outboxes() {
		o.trickle(bytesPerSecond)
	}
}

// SpoilSnapshots does each of the faults to one of the next answers to a request
// for a snapshot, in order.
func (s *Server) SpoilSnapshots(faults ...SnapshotFault) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.http == nil {
		return fmt.Errorf("venue %s has no snapshots over HTTP", s.cfg.Name)
	}
	for _, kind := range faults {
		f := snapshotFault{kind: kind}
		if kind == SnapshotOld {
			f.old = s.http.binance.snapshot(5000)
		}
		s.http.faults = append(s.http.faults, f)
	}
	return nil
}

// Rest stops the background flow, or lets it go on: the books stay as they are
// while it rests, apart from what clients do.
func (m *Market) Rest(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resting = on
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
