package ouch

import (
	"errors"
	"fmt"
	"sync/atomic"

	"penstock/event"
	"penstock/market"
	"penstock/venues/outbound"
	"penstock/venues/soup"
	"penstock/venues/wire"
)

// Gateway is the order session with one venue. Work and Send belong to one goroutine; so
// do all other methods, but for Cut.
type Gateway struct {
	cfg     Config
	client  *soup.Client
	symbols []symbol
	byID    []int16 // index in symbols by InstrumentID, -1
	book    orders
	next    uint32 // UserRefNum of the next message that needs one

	accepted uint64 // logins that were accepted, as of the last look
	lost     uint64 // connections that ended, as of the last look
	sync     syncState
	midnight int64
	stopping bool
	why      atomic.Pointer[string]
	up       bool // VenueSession up was emitted
	resumed  bool // the messages of now were said before this connection

	out    []byte // of the message being made
	unsent outbound.Unsent
	lane   outbound.Lane
	burst  outbound.Burst
	pace   outbound.Pace
	own    uint64 // cancels of CancelOpen
	stuck  int64  // since when bytes wait and the socket takes none; 0: it does
	asked  asks

	events eventQueue
	m      Message
	stats  Stats
}

// symbol is a Symbol as messages have it.
type symbol struct {
	Symbol
	padded [symbolSize]byte
	scale  int64 // increments of the price in 1/10,000
}

// Stats counts since New. Login holds the counters of the SoupBinTCP session.
type Stats struct {
	Login          soup.Stats
	Connects       uint64 // logins that the venue accepted
	Disconnects    uint64 // connections lost or refused
	Orders         uint64 // commands handed to the session
	Cancels        uint64
	StatusRequests uint64
	Refused        uint64 // commands that Send could not take
	Unsent         uint64 // commands that the socket never took whole
	Reports        uint64 // messages of the venue about orders
	NotOurs        uint64 // messages about orders that are none of ours
	Duplicates     uint64 // executions and acceptances told twice
	Conflicts      uint64 // executions told twice and differently
	Broken         uint64
	Malformed      uint64 // messages that cannot be read; counted, and the session goes on
	Announced      uint64 // system events, priorities, restatements: nothing to be done
	SinkFull       uint64 // times that the Sink had no room
	Latched        uint64 // orders kept back by the latch
	Stopped        uint64 // orders that the firewall stopped
	OwnCancels     uint64 // cancels of CancelOpen
	Throttled      uint64 // orders and status requests refused by the throttle
	LaneWaits      uint64 // cancels that had to wait for the throttle
	LaneHigh       int    // most of them at once
	SlowVenue      uint64 // connections given up because the venue did not read
	OrdersFull     uint64 // orders refused because the book of the session is full
	ExecsFull      uint64 // executions that could not be remembered
	LastClose      string // why the last connection ended
	LastMalformed  string // what was wrong with the last malformed message
}

// New returns a gateway that connects with its first Work.
func New(cfg Config) (*Gateway, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	client, err := soup.NewClient(cfg.soup())
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", cfg.Name, err)
	}
	g := &Gateway{cfg: cfg, client: client, book: newOrders(cfg.MaxOrders), next: 1, resumed: true,
		pace: outbound.NewPace(cfg.Throttle), out: make([]byte, 0, 256)}
	for i, s := range cfg.Symbols {
		sym := symbol{Symbol: s, scale: market.Pow10(s.PriceDecimals - PriceDecimals)}
		copy(sym.padded[:], appendPadded(nil, s.Text, symbolSize))
		g.symbols = append(g.symbols, sym)
		for int(s.ID) >= len(g.byID) {
			g.byID = append(g.byID, -1)
		}
		g.byID[s.ID] = int16(i)
	}
	client.Start()
	return g, nil
}

// Work does what is to be done now and returns how much it was, 0 when idle. Waiting for
// room in the Sink is not idle: no socket would end that wait.
func (g *Gateway) Work(now int64) (work int) {
	work = g.turn(now)
	work += g.flush(now)
	work += g.checkSlow(now)
	if g.events.n > 0 {
		g.tell()
		work++ // what the Sink made of it may wait for the next turn
	}
	return work
}

// turn reads and tells as long as the Sink has room, then sends the cancels whose turn it is.
func (g *Gateway) turn(now int64) (work int) {
	if !g.tell() {
		return 1
	}
	work = g.checkKilled(now) // before the client's Work gives the socket what waits
	work += g.client.Work(now)
	work += g.look(now)
	if g.events.n > 0 && !g.tell() {
		return work + 1
	}
	for {
		msg, ok := g.client.Next(now)
		if !ok {
			break
		}
		work++
		if msg.Sequence != 0 {
			g.take(now, msg)
		}
		if !g.tell() {
			return work
		}
	}
	work += g.look(now) // the session may have ended or failed
	work += g.synchronise(now)
	return work + g.drainLane(now)
}

// flush gives the socket what waits, gathered cancels too: also while the Sink has no room.
func (g *Gateway) flush(now int64) (work int) {
	if g.client.Backlog() > 0 {
		work = g.checkKilled(now)
		before := g.client.Taken()
		if err := g.client.Flush(); err != nil {
			g.client.Retry(now, err)
		}
		work += int(g.client.Taken()-before) + g.look(now)
	}
	g.sent(now)
	return work
}

// look notices that a login was accepted, a connection ended or the session did.
func (g *Gateway) look(now int64) (work int) {
	if n := g.client.Session().Stats().Accepted; n != g.accepted {
		g.accepted = n
		g.stats.Connects++
		g.midnight = g.cfg.Midnight(now)
		g.sync = syncState{since: now, beats: g.client.Session().Stats().Heartbeats}
		g.sync.on = true
		work++
	}
	if n := g.client.Lost(); n != g.lost {
		g.lost = n
		g.stats.Disconnects++
		g.closed(g.client.Err().Error())
		g.down(now)
		var refused *soup.RejectError
		if errors.As(g.client.Err(), &refused) && refused.Code == 'S' {
			g.restart() // what we knew belongs to a session that is no more
		}
		work++
	}
	if !g.client.Running() && !g.stopping {
		g.closed("the venue ended the session")
		g.down(now)
		g.restart()
		g.client.Start()
		work++
	}
	return work
}

// restart forgets the session of the venue: the next login reads another from the start.
func (g *Gateway) restart() {
	g.client.Session().Reset()
	g.book.clear()
	g.next, g.resumed = 1, true
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.Restart()
	}
}

// down tells that the session is down, then which commands never left.
func (g *Gateway) down(now int64) {
	g.sync.on = false
	g.asked.clear()
	g.stuck = 0
	if g.cfg.Firewall != nil {
		g.cfg.Firewall.Lost()
	}
	if g.up {
		g.up = false
		g.events.push(event.Event{Kind: event.VenueSession, Venue: g.cfg.Venue, RecvTime: now,
			Instrument: market.NoInstrument, Code: uint8(event.SessionDown), Reason: event.ReasonDisconnect})
	}
	for c := g.unsent.Front(); c != nil; c = g.unsent.Front() {
		g.refuse(c, now)
		g.unsent.Pop()
	}
	for g.lane.Len() > 0 {
		g.refuse(g.lane.Front(), now)
		g.lane.Pop()
	}
}

// refuse tells that a command never left whole.
func (g *Gateway) refuse(c *event.Command, now int64) {
	g.stats.Unsent++
	g.neverLeft(c)
	if o := g.book.ofChild(c.Child); o != nil {
		switch {
		case c.Kind == event.SendOrder && o.status == market.StatusPendingNew:
			o.status, o.leaves, o.unsent = market.StatusRejected, 0, true
		case c.Kind == event.SendCancel:
			o.canceling = false
		}
	}
	e := outbound.Refusal(c, now)
	e.Venue = g.cfg.Venue
	g.events.push(e)
}

// tell gives the Sink what waits for it; false means that it has no room.
func (g *Gateway) tell() bool {
	for g.events.n > 0 {
		if !g.cfg.Sink(g.events.front()) {
			g.stats.SinkFull++
			return false
		}
		g.events.pop()
	}
	return true
}

// checkSlow gives up a venue that does not read.
func (g *Gateway) checkSlow(now int64) int {
	waiting := 0
	if g.client.Active() {
		waiting = g.client.Backlog()
	}
	if waiting == 0 {
		g.stuck = 0
		return 0
	}
	if g.stuck == 0 {
		g.stuck = now
	}
	if waiting < g.cfg.OutLimit && now-g.stuck < g.cfg.SlowNanos {
		return 0
	}
	g.stats.SlowVenue++
	g.client.Retry(now, fmt.Errorf("the venue does not read: %d bytes wait since %d ms", waiting, (now-g.stuck)/milli))
	return 1 + g.look(now)
}

// Up reports whether orders can be sent.
func (g *Gateway) Up() bool { return g.up && g.client.Active() }

// Logout ends the session in order and does not connect again. Work until Done.
func (g *Gateway) Logout(now int64, text string) {
	g.stopping = true
	g.client.Stop(now)
	g.closed(text)
	g.sent(now)
	g.down(now)
}

// closed notes why a connection ended.
func (g *Gateway) closed(why string) {
	g.stats.LastClose = why
	g.why.Store(&why)
}

// Why returns why the last connection ended, "" before one has. Any goroutine.
func (g *Gateway) Why() string {
	if why := g.why.Load(); why != nil {
		return *why
	}
	return ""
}

// Done reports whether Logout is through and everything was emitted.
func (g *Gateway) Done() bool { return g.stopping && g.events.n == 0 }

// Cut ends the connection from any goroutine, for when the one that works the gateway does
// not. false: there is none.
func (g *Gateway) Cut() bool { return g.client.Cut() }

// Close drops the connection, if any.
func (g *Gateway) Close() error {
	g.stopping = true
	return g.client.Close()
}

// PollFD returns what to wait for when Work was idle.
func (g *Gateway) PollFD() wire.PollFD {
	var fds [1]wire.PollFD
	if fd := g.client.PollFDs(fds[:0]); len(fd) == 1 {
		return fd[0]
	}
	return wire.PollFD{FD: -1}
}

// Stats returns the counters.
func (g *Gateway) Stats() Stats {
	s := g.stats
	s.Login = *g.client.Session().Stats()
	return s
}
