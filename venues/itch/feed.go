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
	Lines    []LineConfig // 1 to MaxLines lines that carry the same MoldUDP64 session
	Request  string       // host:port of the re-request server; may be empty with a snapshot
	Snapshot SnapshotConfig
	// RecoverFromStart asks for the session from its first message when it was
	// joined later, and when a book has to begin again. Without it, and without a
	// snapshot, a book is LIVE only if the session is heard from its first message.
	RecoverFromStart bool
	GapNanos         int64 // see ReceiverConfig
	SilenceNanos     int64
	RequestNanos     int64
	RequestMessages  int
	GiveUpRequests   int
	HeldPackets      int
	StallNanos       int64      // how long the sink may have no room before the books are STALE
	ReadBuffer       int        // bytes of kernel receive buffer to ask for; 0 leaves the system's
	Gate             *wire.Gate // asks for the lines together with others; nil: each asks for itself
	// Tap, when set, gets every datagram as received, with a kind of wire.Tap….
	Tap func(now int64, kind uint8, b []byte)
}

// LineConfig says where the packets of one line arrive.
type LineConfig struct {
	Address   string // host:port to bind; a multicast group is joined
	Interface string // that joins the group: its name or number; empty: the system chooses
}

// Limits that suit a feed with a heartbeat each second; a configuration may
// start from them. One line is behind the other by the difference of two paths,
// mostly below a millisecond.
const (
	DefaultGapNanos        = 1_000_000
	DefaultSilenceNanos    = 3_000_000_000
	DefaultRequestNanos    = 50_000_000
	DefaultRequestMessages = 64
	DefaultGiveUpRequests  = 4
	DefaultHeldPackets     = 256
	DefaultSnapshotPackets = 4096 // HeldPackets of a feed with a snapshot
	DefaultStallNanos      = 10_000_000
)

// packetsPerWork bounds one call of Work for each socket.
const packetsPerWork = 64

// answersNanos is how often the re-request server's socket is read when nothing is missing.
const answersNanos = 100_000

// FeedStats is everything that a feed counts.
type FeedStats struct {
	Decoder  Stats
	Receiver ReceiverStats
	Snapshot SnapshotStats
	Unsent   uint64 // requests that the socket did not take; they are repeated
	Restarts uint64 // times every book began again: from the first message, or a snapshot
	Repairs  uint64 // those of them for a message that could not be used
}

// Feed reads the lines of one MoldUDP64 session. It owns its sockets and has no
// goroutine: call Work again and again, from one goroutine.
type Feed struct {
	cfg      FeedConfig
	decoder  *Decoder
	receiver *Receiver
	lines    []*wire.UDP
	requests *wire.UDP // nil without a re-request server
	server   netip.AddrPort
	snapshot *snapshot // nil without one
	state    State     // of the receiver, as last acted upon
	resync   event.Reason
	lastErr  error
	unsent   uint64
	restarts uint64
	misfits  uint64 // messages that could not be used, as last acted upon
	repairAt int64  // when the books begin again for one of those; 0 for not
	repairs  uint64
	filled   [MaxLines]bool // the line's socket had a packet when last read
	answers  int64          // when the re-request server's socket was last read
	buf      [MaxPacket]byte
}

// NewFeed binds the sockets. Names of hosts are resolved now.
func NewFeed(c FeedConfig) (*Feed, error) {
	f := &Feed{cfg: c}
	if err := f.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("itch feed: %w", err)
	}
	return f, nil
}

// Check reports what NewFeed would refuse of the configuration. It looks up no name and opens no socket.
func (c FeedConfig) Check() error {
	f := &Feed{cfg: c}
	err := f.build()
	if err == nil && c.Snapshot.Addr != "" {
		of := c.Snapshot.client()
		err = of.Check()
	}
	for i, l := range c.Lines {
		if err == nil && l.Interface != "" && !wire.MayJoin(l.Address) {
			err = fmt.Errorf("line %c: address %s with interface %s: an interface joins multicast groups only", 'A'+i, l.Address, l.Interface)
		}
	}
	if err != nil {
		return fmt.Errorf("itch feed: %w", err)
	}
	return nil
}

// build makes what needs no socket.
func (f *Feed) build() (err error) {
	c := &f.cfg
	if c.StallNanos <= 0 {
		return errors.New("StallNanos must be positive")
	}
	if c.Request == "" && c.Snapshot.Addr == "" {
		return errors.New("neither a re-request server nor a snapshot: nothing lost would come back")
	}
	if f.decoder, err = NewDecoder(c.Config); err != nil {
		return err
	}
	f.receiver, err = NewReceiver(ReceiverConfig{
		Begin: f.begin, Blocks: f.deliver, FromStart: c.RecoverFromStart,
		Snapshot: c.Snapshot.Addr != "", Lines: len(c.Lines), GapNanos: c.GapNanos,
		SilenceNanos: c.SilenceNanos, RequestNanos: c.RequestNanos,
		RequestMessages: c.RequestMessages, GiveUpRequests: c.GiveUpRequests,
		HeldPackets: c.HeldPackets,
	})
	return err
}

func (f *Feed) open() (err error) {
	c := &f.cfg
	if err := f.build(); err != nil {
		return err
	}
	if c.Snapshot.Addr != "" {
		if f.snapshot, err = newSnapshot(c.Snapshot); err != nil {
			return err
		}
	}
	if c.Request != "" {
		if f.server, err = wire.Resolve(c.Request); err != nil {
			return fmt.Errorf("re-request server: %w", err)
		}
		if f.requests, err = wire.ListenUDP(anyPort(f.server)); err != nil {
			return fmt.Errorf("requests: %w", err)
		}
	}
	for i, l := range c.Lines {
		if err := f.openLine(l); err != nil {
			return fmt.Errorf("line %c: %w", 'A'+i, err)
		}
	}
	return nil
}

func (f *Feed) openLine(l LineConfig) error {
	u, err := wire.JoinUDP(l.Address, l.Interface)
	if err != nil {
		return err
	}
	f.lines = append(f.lines, u)
	if f.cfg.Gate != nil {
		err = u.Gate(f.cfg.Gate)
	}
	if err == nil && f.cfg.ReadBuffer > 0 {
		_, err = u.SetReadBuffer(f.cfg.ReadBuffer)
	}
	return err
}

// anyPort is the local address from which server is asked.
func anyPort(server netip.AddrPort) string {
	if server.Addr().Is4() {
		return "0.0.0.0:0"
	}
	return "[::]:0"
}

// Work reads what has arrived, lets time pass, moves a snapshot on and sends a
// request when one is due. It returns 0 when there was nothing to do.
//
// Every line is read before time passes: what the other line has in its socket
// already is never waited for.
func (f *Feed) Work(now int64) int {
	n, burst := 0, false
	if f.requests != nil && (f.receiver.State() != InOrder || now-f.answers >= answersNanos || now < f.answers) {
		f.answers = now
		n = f.read(now, Answer, f.requests, packetsPerWork)
	}
	for i, u := range f.lines {
		most := 1 // the core has it before the socket is asked for another
		if f.filled[i] || f.receiver.State() != InOrder {
			most, burst = packetsPerWork, true
		}
		packets := f.read(now, i, u, most)
		f.filled[i] = packets > 0
		n += packets
	}
	if n > 0 && !burst {
		return n // the core has it before time passes
	}
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
	f.repair(now)
	n += f.load(now)
	f.decoder.Settle(now)
	return n + f.request(now)
}

// Glance reads one packet of each line, as Work does when nothing is missing, and leaves all else to
// Work. It returns 0 when none was there.
func (f *Feed) Glance(now int64) (n int) {
	for i, u := range f.lines {
		if f.filled[i] || f.receiver.State() != InOrder {
			continue
		}
		packets := f.read(now, i, u, 1)
		f.filled[i] = packets > 0
		n += packets
	}
	return n
}

// read takes at most so many packets from a socket and returns how many there were.
func (f *Feed) read(now int64, from int, u *wire.UDP, most int) int {
	for n := range most {
		size, err := u.Read(f.buf[:])
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
		if f.cfg.Tap != nil {
			f.cfg.Tap(now, tapKind(from), f.buf[:size])
		}
		if err := f.receiver.Receive(now, from, f.buf[:size]); err != nil {
			f.lastErr = err
		}
		f.follow(now)
	}
	return most
}

func tapKind(from int) uint8 {
	if from == Answer {
		return wire.TapAnswer
	}
	return wire.TapLine + uint8(from)
}

func isTruncated(err error) bool {
	var truncated *wire.TruncatedError
	return errors.As(err, &truncated)
}

// begin resets the books when the session begins, or begins again; false while
// the sink has not heard of their states before. Waiting makes follow act on
// whatever state comes out of it.
func (f *Feed) begin(now int64) bool {
	if !f.decoder.Settle(now) {
		return false
	}
	f.state, f.repairAt = Waiting, 0
	f.decoder.Reset(now)
	if f.snapshot != nil {
		f.snapshot.abandon(now)
	}
	return true
}

func (f *Feed) deliver(now int64, blocks []byte) (messages int, err error) {
	messages, _, err = f.decoder.DecodeBlocks(now, blocks)
	if err != nil && err != ErrNoRoom {
		f.lastErr = err
	}
	return messages, err
}

// follow turns changes of the stream into states of the books. It waits until the
// sink has taken the state before, so that none is passed over in silence.
func (f *Feed) follow(now int64) {
	was, is := f.state, f.receiver.State()
	if is == Awaiting { // the books are behind by no more than GapNanos
		is = InOrder
	}
	if was == is || !f.decoder.Settle(now) {
		return
	}
	f.state = is
	switch {
	case is == Silent:
		f.decoder.Stale(now, event.ReasonStale)
	case is == Recovering && was == InOrder:
		f.decoder.Stale(now, event.ReasonGap)
	case is == InOrder || is == Ended:
		if f.receiver.Whole() {
			f.decoder.Live(now)
		}
	}
}

// restart takes the books out of use, for they will miss something, and begins
// them again: the session from its first message, or a snapshot.
func (f *Feed) restart(now int64, reason event.Reason) {
	if f.decoder.Settle(now) {
		f.decoder.Stale(now, reason)
	}
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
// said. The stream and its snapshot are shared by all books, and to load one of
// them while the others go on would need the stream twice, so every book begins
// again. At most one such replay runs at a time; a request during one is part of it.
func (f *Feed) Resync(now int64, _ market.InstrumentID) {
	if f.state == InOrder || f.state == Ended {
		f.restart(now, event.ReasonAbsurd)
	}
}

// request asks for what is missing. When the answer does not come, or there is
// nobody to ask, the books begin again with a snapshot.
func (f *Feed) request(now int64) int {
	if f.snapshot != nil && (f.receiver.Lost(now) || f.requests == nil && f.state == Recovering) {
		f.giveUp(now)
		return 1
	}
	if f.snapshot == nil {
		f.receiver.Lost(now) // it counts
	}
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

// giveUp begins the books again. They are STALE or SYNCING already.
func (f *Feed) giveUp(now int64) {
	if f.receiver.Restart(now) {
		f.restarts++
		f.follow(now)
	}
}

// PollFDs appends what to wait for when Work has returned 0.
func (f *Feed) PollFDs(fds []wire.PollFD) []wire.PollFD {
	for _, u := range f.lines {
		fds = append(fds, wire.PollFD{FD: u.FD()})
	}
	if f.requests != nil {
		fds = append(fds, wire.PollFD{FD: f.requests.FD()})
	}
	return f.snapshot.pollFDs(fds)
}

// State returns how complete the stream is.
func (f *Feed) State() State { return f.receiver.State() }

// Stats returns a copy of the counters.
func (f *Feed) Stats() FeedStats {
	return FeedStats{*f.decoder.Stats(), *f.receiver.Stats(), f.snapshot.total(),
		f.unsent, f.restarts, f.repairs}
}

// Err returns the last error of a packet, a message, a socket or a snapshot, nil
// if none occurred. The counters say how many there were.
func (f *Feed) Err() error { return f.lastErr }

// Lines returns how many lines the feed listens on.
func (f *Feed) Lines() int { return len(f.lines) }

// LocalAddr returns the bound address of a line, 0 for the first, as "host:port".
func (f *Feed) LocalAddr(line int) string { return f.lines[line].LocalAddr() }

// Close closes the sockets.
func (f *Feed) Close() error {
	var errs []error
	for _, u := range f.lines {
		errs = append(errs, u.Close())
	}
	if f.requests != nil {
		errs = append(errs, f.requests.Close())
	}
	if f.snapshot != nil {
		errs = append(errs, f.snapshot.client.Close())
	}
	return errors.Join(errs...)
}
