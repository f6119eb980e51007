package itch

import (
	"errors"
	"fmt"
	"net/netip"

	"penstock/event"
	"penstock/market"
	"penstock/venues/wire"
)

// FeedConfig sets up a Feed.
type FeedConfig struct {
	Config
	Listen  string // host:port of the MoldUDP64 stream
	Request string // host:port of the re-request server
	// RecoverFromStart asks for the session from its first message when it was
	// joined later, and when a book has to begin again. Without it a book is LIVE
	// only if the session is heard from its first message.
	RecoverFromStart bool
	SilenceNanos     int64 // see ReceiverConfig
	RequestNanos     int64
	RequestMessages  int
	HeldPackets      int
	StallNanos       int64 // how long the sink may have no room before the books are STALE
	ReadBuffer       int   // bytes of kernel receive buffer to ask for; 0 leaves the system's
}

// Limits that suit a feed with a heartbeat each second; a configuration may
// start from them.
const (
	DefaultSilenceNanos    = 3_000_000_000
	DefaultRequestNanos    = 50_000_000
	DefaultRequestMessages = 64
	DefaultHeldPackets     = 64
	DefaultStallNanos      = 10_000_000
)

// packetsPerWork bounds one call of Work for each socket.
const packetsPerWork = 64

// FeedStats is everything that a feed counts.
type FeedStats struct {
	Decoder  Stats
	Receiver ReceiverStats
	Unsent   uint64 // requests that the socket did not take; they are repeated
	Restarts uint64 // replays of the session from its first message
}

// Feed reads one MoldUDP64 stream. It owns its sockets and has no goroutine:
// call Work again and again, from one goroutine.
type Feed struct {
	cfg      FeedConfig
	decoder  *Decoder
	receiver *Receiver
	stream   *wire.UDP
	requests *wire.UDP
	server   netip.AddrPort
	state    State // of the receiver, as last acted upon
	resync   event.Reason
	lastErr  error
	unsent   uint64
	restarts uint64
	buf      [MaxPacket]byte
}

// NewFeed binds the sockets. Names in Listen and Request are resolved now.
func NewFeed(c FeedConfig) (*Feed, error) {
	if c.StallNanos <= 0 {
		return nil, fmt.Errorf("itch feed: StallNanos must be positive")
	}
	f := &Feed{cfg: c}
	var err error
	if f.decoder, err = NewDecoder(c.Config); err != nil {
		return nil, err
	}
	f.receiver, err = NewReceiver(ReceiverConfig{
		Begin: f.begin, Deliver: f.deliver, FromStart: c.RecoverFromStart,
		SilenceNanos: c.SilenceNanos, RequestNanos: c.RequestNanos,
		RequestMessages: c.RequestMessages, HeldPackets: c.HeldPackets,
	})
	if err != nil {
		return nil, err
	}
	if f.server, err = wire.Resolve(c.Request); err != nil {
		return nil, fmt.Errorf("itch feed: re-request server: %w", err)
	}
	if f.stream, err = wire.ListenUDP(c.Listen); err != nil {
		return nil, fmt.Errorf("itch feed: %w", err)
	}
	if f.requests, err = wire.ListenUDP(anyPort(f.server)); err != nil {
		f.stream.Close()
		return nil, fmt.Errorf("itch feed: requests: %w", err)
	}
	if c.ReadBuffer > 0 {
		if _, err = f.stream.SetReadBuffer(c.ReadBuffer); err != nil {
			f.Close()
			return nil, fmt.Errorf("itch feed: %w", err)
		}
	}
	return f, nil
}

// anyPort is the local address from which server is asked.
func anyPort(server netip.AddrPort) string {
	if server.Addr().Is4() {
		return "0.0.0.0:0"
	}
	return "[::]:0"
}

// Work reads what has arrived, lets time pass and sends a request when one is
// due. It returns 0 when there was nothing to do.
func (f *Feed) Work(now int64) int {
	n := f.read(now, f.requests) + f.read(now, f.stream)
	f.receiver.Tick(now)
	f.follow(now)
	if f.receiver.RefusedNanos(now) > f.cfg.StallNanos && f.state == InOrder {
		f.restart(now, event.ReasonStale)
	}
	if f.resync != event.ReasonNone && f.decoder.Settle(now) {
		reason := f.resync
		f.resync = event.ReasonNone
		f.restart(now, reason)
	}
	f.decoder.Settle(now)
	return n + f.request(now)
}

func (f *Feed) read(now int64, from *wire.UDP) int {
	for n := range packetsPerWork {
		size, err := from.Read(f.buf[:])
		if err != nil {
			f.lastErr = err
			if !isTruncated(err) {
				return n
			}
			f.receiver.stats.Malformed++ // too long for a packet
			continue
		}
		if size == 0 {
			return n
		}
		if err := f.receiver.Receive(now, f.buf[:size]); err != nil {
			f.lastErr = err
		}
		f.follow(now)
	}
	return packetsPerWork
}

func isTruncated(err error) bool {
	var truncated *wire.TruncatedError
	return errors.As(err, &truncated)
}

// begin resets the books when the session begins, or begins again. Waiting makes
// follow act on whatever state comes out of it.
func (f *Feed) begin(now int64) {
	f.state = Waiting
	f.decoder.Reset(now)
}

func (f *Feed) deliver(now int64, msg []byte) error {
	err := f.decoder.Decode(now, msg)
	if err != nil && err != ErrNoRoom {
		f.lastErr = err
	}
	return err
}

// follow turns changes of the stream into states of the books.
func (f *Feed) follow(now int64) {
	was, is := f.state, f.receiver.State()
	if was == is {
		return
	}
	f.state = is
	switch {
	case is == Silent:
		f.decoder.Stale(now, event.ReasonStale)
	case is == Recovering && was == InOrder:
		f.decoder.Stale(now, event.ReasonGap)
	case is == InOrder || is == Ended:
		if f.receiver.FromFirst() {
			f.decoder.Live(now)
		}
	}
}

// restart takes the books out of use, for they will miss something, and begins
// the session again from its first message.
func (f *Feed) restart(now int64, reason event.Reason) {
	f.decoder.Stale(now, reason)
	if !f.decoder.Settle(now) {
		f.resync = reason // the sink is full: first it must hear that books are stale
		return
	}
	if f.receiver.Restart(now) {
		f.restarts++
		f.follow(now)
	}
}

// Resync answers the core's ResyncBook: some book contradicted what this feed
// said. The stream is shared, so every book begins again. At most one replay
// runs at a time; a request during one is part of it.
func (f *Feed) Resync(now int64, _ market.InstrumentID) {
	if f.state == InOrder || f.state == Ended {
		f.restart(now, event.ReasonAbsurd)
	}
}

func (f *Feed) request(now int64) int {
	packet := f.receiver.Request(now)
	if packet == nil {
		return 0
	}
	sent, err := f.requests.WriteTo(packet, f.server)
	if err != nil {
		f.lastErr = err
	}
	if !sent {
		f.unsent++
	}
	return 1
}

// PollFDs appends what to wait for when Work has returned 0.
func (f *Feed) PollFDs(fds []wire.PollFD) []wire.PollFD {
	return append(fds, wire.PollFD{FD: f.stream.FD()}, wire.PollFD{FD: f.requests.FD()})
}

// State returns how complete the stream is.
func (f *Feed) State() State { return f.receiver.State() }

// Stats returns a copy of the counters.
func (f *Feed) Stats() FeedStats {
	return FeedStats{*f.decoder.Stats(), *f.receiver.Stats(), f.unsent, f.restarts}
}

// Err returns the last error of a packet, a message or a socket, nil if none
// occurred. The counters say how many there were.
func (f *Feed) Err() error { return f.lastErr }

// LocalAddr returns the bound address of the stream as "host:port".
func (f *Feed) LocalAddr() string { return f.stream.LocalAddr() }

// Close closes the sockets.
func (f *Feed) Close() error { return errors.Join(f.stream.Close(), f.requests.Close()) }
