package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"penstock/event"
	"penstock/fix/ems"
	"penstock/fix/ems/guard"
	"penstock/internal/hist"
	"penstock/internal/ring"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/wire"
)

// Sizes of the rings between goroutines.
const (
	venueRing    = 1 << 15 // feeds and gateways to the core
	clientRing   = 1 << 12 // clients to the core
	operatorRing = 1 << 6
	commandRing  = 1 << 12 // the core to one gateway
)

// logoutPatience is how long venues may take to answer a Logout.
const logoutPatience = time.Second

// assembly is a running router, wired in the order in which data flows: feeds and
// gateways, the core, clients behind the guard. Feeds and gateways are worked by the
// core's goroutine or by one of their own, the I/O goroutine.
type assembly struct {
	cfg        *Config
	life       *life // of the state folder
	table      *policy.Table
	core       *router.Core
	seq        *loop.Sequencer
	loop       *loop.Loop
	bell       *loop.Bell
	io         *loop.IO
	gate       *wire.Gate // of the sockets of order sessions and streams, and of the lines if there are many
	feeds      []feed
	taps       map[string]func(now int64, kind uint8, b []byte) // of feeds that are recorded, by venue
	gateways   []orderGateway                                   // by VenueID
	workers    []int                                            // I/O worker of each venue's gateway
	dropCopies []*fixgw.Gateway                                 // what venues repeat on sessions of their own
	journal    *journal.Writer
	Dir        string    // of the journal
	run        uint64    // number of the run: the epoch of its first start
	recovered  *recovery // nil: the run begins with this start
	restored   string    // where the damaged journal was moved that its mirror replaced
	disk       diskWatch
	swaps      swapper
	days       dayWatch
	shadow     *shadow // nil: there is none
	// shadowSaid is what it found that a person has to know.
	shadowSaid atomic.Pointer[string]
	acceptor   ems.Config  // what the configuration says of clients
	port       *guard.Port // theirs; nobody listens to it before ems does
	ems        *ems.Acceptor
	wake       atomic.Pointer[ems.Acceptor] // ems, for the journal's goroutine
	venues     *ring.SPSC[event.Event]
	batch      event.Batch // into venues; nil: one by one into the sink
	clients    *ring.SPSC[event.Event]
	operator   *ring.SPSC[event.Event]
	returned   *ring.SPSC[event.Event]   // the core's answers to itself
	moves      *ring.SPSC[event.Command] // changes of books' states and alerts, for who shows them
	unshown    atomic.Uint64             // of them, what found no room
	tell       [tellAtOnce]event.Command // reports of this turn, which go behind its orders
	tells      int                       // of them
	waiting    []event.Command           // reports that the EMS had no room for
	unsent     []event.Command           // cancels that a gateway's ring had no room for
	bounced    []event.Event             // answers to orders that it had no room for

	latency [len(causeNames)]*hist.Latency // of who works the gateways, until it has ended
	times   orderTimes                     // likewise
	reading atomic.Bool                    // somebody reads the counters
	metrics *metricsServer
	threads sync.WaitGroup
	latch   firewall.Latch // keeps new orders from leaving a gateway, whatever the core says
	wall    wall
	alarms  *alarms
	control *control
	epoch   uint64 // of this start

	operatorMu sync.Mutex // pushes to operator
	vitals     atomic.Pointer[vitals]
	stopped    bool // nothing is sent any more: on the goroutine that stops
	failure    chan error
	full       refusals  // what found a ring full
	quiet      quietness // how the hot thread is kept undisturbed
}

// Causes of an order, for latency: what the router had just learned.
const (
	causeTick  = iota // market data
	causeReply        // a venue's report
	causeOther        // a client's order or the clock
)

var causeNames = [...]string{"tick", "venue's report", "client or clock"}

// assemble builds a router from its configuration and starts it. Nothing trades
// before a client sends an order.
func assemble(cfg *Config) (*assembly, error) {
	if err := cfg.ready(); err != nil {
		return nil, err
	}
	a := &assembly{
		cfg: cfg, bell: loop.NewBell(), venues: ring.New[event.Event](venueRing),
		clients: ring.New[event.Event](clientRing), operator: ring.New[event.Event](operatorRing),
		returned: ring.New[event.Event](commandRing), moves: ring.New[event.Command](commandRing), failure: make(chan error, 4),
	}
	for i := range a.latency {
		a.latency[i] = hist.New()
	}
	var err error
	if a.life, err = beginLife(cfg.at(cfg.file.Router.State)); err != nil {
		return nil, refused(err)
	}
	err = a.openPort()
	if err == nil {
		err = a.open()
	}
	if err != nil {
		a.close()
		if errors.Is(err, errConfig) {
			return nil, err
		}
		return nil, refused(err)
	}
	return a, nil
}

// open builds everything and starts it.
func (a *assembly) open() error {
	cfg := a.cfg
	if err := cfg.checkManifest(); err != nil {
		return err
	}
	var err error
	if a.metrics, err = bindMetrics(cfg.file.Metrics.Listen); err != nil {
		return err
	}
	table, data, err := cfg.readTable(clock())
	if err != nil {
		return err
	}
	a.table, cfg.Router.Table = table, table
	if cfg.Router.Explore.Candidates, err = cfg.candidates(table); err != nil {
		return err
	}
	if table != nil {
		if err := cfg.resolveCanary(table.PolicyID()); err != nil {
			return fmt.Errorf("%w: %w", errConfig, err)
		}
	}
	curves, err := cfg.readCurves()
	if err != nil {
		return err
	}
	if _, err := cfg.setCurves(curves, clock()); err != nil {
		return err
	}
	epoch, err := a.openRun(data, curves)
	if err != nil {
		return err
	}
	if err := a.openShadow(); err != nil {
		return err
	}
	a.epoch = epoch
	if a.alarms, err = openAlarms(cfg.at(cfg.file.Router.State), cfg.file.Controls.AlertOwner); err != nil {
		return err
	}
	if err := a.openFirewall(); err != nil {
		return err
	}
	a.seq = loop.NewSequencer(a.core, a.journal, a.dispatch)
	a.seq.Take(clock(), &event.Event{Kind: event.SessionStart, Ref: epoch, RecvTime: clock()})
	a.days.calendar = cfg.days
	if e, ok := a.days.look(time.Unix(0, clock())); ok {
		a.seq.Take(clock(), &e)
	}
	if err := a.takeParams(clock()); err != nil {
		return err
	}
	if err := errors.Join(a.openVenues(), a.seq.Err()); err != nil {
		return err
	}
	if err := a.openEMS(); err != nil {
		return err
	}
	if err := a.life.begun(); err != nil { // the sessions have corrected numbers on the disk
		return err
	}
	inputs := []*ring.SPSC[event.Event]{a.operator, a.returned, a.venues, a.clients}
	if cfg.inline() {
		a.loop = loop.NewInline(a.seq, inputs, a.io, cfg.Idle, clock, a.flush)
	} else {
		a.loop = loop.New(a.seq, inputs, a.bell, cfg.Idle, clock, a.flush)
		a.start(a.io.Run)
	}
	a.loop.Venues(a.venues)
	a.hush()
	a.shadow.begin()
	a.start(a.loop.Run)
	if a.control, err = openControl(a); err != nil {
		return err
	}
	a.metrics.serve(a.writeMetrics)
	return nil
}

func (a *assembly) start(run func() error) {
	a.threads.Add(1)
	go func() {
		defer a.threads.Done()
		if err := run(); err != nil {
			a.failure <- err
		}
	}()
}

// sinkTo returns a sink into r that wakes the core.
func (a *assembly) sinkTo(r *ring.SPSC[event.Event]) event.Sink {
	return func(e *event.Event) bool {
		ok := r.Push(e)
		a.ring()
		return ok
	}
}

// batchTo is sinkTo for several events at once.
func (a *assembly) batchTo(r *ring.SPSC[event.Event]) event.Batch {
	return func(events []event.Event) (taken int) {
		for taken < len(events) && r.Push(&events[taken]) {
			taken++
		}
		a.ring()
		return taken
	}
}

// ring wakes the core.
func (a *assembly) ring() {
	if a.cfg.inline() {
		a.io.Ring()
	} else {
		a.bell.Ring()
	}
}

func (a *assembly) openVenues() error {
	sink := a.sinkTo(a.venues)
	var err error
	if a.gate, err = wire.NewGate(); err != nil {
		return err
	}
	a.batch = a.batchTo(a.venues)
	var workers []loop.Worker
	for i := range a.cfg.Venue {
		f, err := a.openFeed(i, sink)
		if err != nil {
			return fmt.Errorf("venue %s: feed: %w", a.cfg.Venue[i].Name, err)
		}
		if f != nil {
			a.feeds = append(a.feeds, feed{venue: a.cfg.Router.Venues[i].ID, feedWorker: f})
			w := loop.Worker{Work: f.Work, PollFDs: f.PollFDs, Commands: ring.New[event.Command](operatorRing), Obey: resyncs(f)}
			attend(&w, f)
			workers = append(workers, w)
		}
	}
	for i := range a.cfg.Venue {
		g, err := a.openGateway(i, sink)
		if err != nil {
			return fmt.Errorf("venue %s: orders: %w", a.cfg.Venue[i].Name, err)
		}
		a.gateways = append(a.gateways, g)
		a.workers = append(a.workers, len(workers))
		w := loop.Worker{Work: g.Work, PollFDs: gatewayFDs(g), Obey: g.Send, Commands: ring.New[event.Command](commandRing)}
		attend(&w, g)
		workers = append(workers, w)
	}
	for i := range a.cfg.Venue {
		g, err := a.openDropCopy(i, sink)
		if err != nil {
			return fmt.Errorf("venue %s: drop copy: %w", a.cfg.Venue[i].Name, err)
		}
		if g != nil {
			a.dropCopies = append(a.dropCopies, g)
			workers = append(workers, loop.Worker{Work: g.Work, Glance: g.Glance, PollFDs: gatewayFDs(g)})
		}
	}
	workers = append(workers, loop.Worker{Work: a.listener, PollFDs: func(fds []wire.PollFD) []wire.PollFD { return fds }})
	if a.io, err = loop.NewIO(workers, sink, clock); err != nil {
		return err
	}
	a.io.Gate(a.gate)
	return nil
}

func (a *assembly) openGateway(i int, sink event.Sink) (orderGateway, error) {
	s, v := &a.cfg.Venue[i], &a.cfg.Router.Venues[i]
	if version, ok := ouchVersions[s.Orders.Dialect]; ok {
		return a.openOUCH(s, v, version, sink)
	}
	cfg, err := a.cfg.gateway(i, sink)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	cfg.StorePath = filepath.Join(a.cfg.at(a.cfg.file.Router.State), "seq-"+s.Name)
	cfg.OnSent, cfg.Clock, cfg.HostDied = a.onSent, clock, a.life.hostDied
	if a.recovered != nil {
		h := &a.recovered.heard[i]
		cfg.Heard, cfg.Sent, cfg.Since = h.orders, h.sent, h.since
	}
	cfg.Socket.Gate = a.gate
	if err := a.guardOrders(i, &cfg); err != nil {
		return nil, err
	}
	return fixgw.New(cfg)
}

// gateway is what the configuration says of the order session with venue i, in FIX.
func (c *Config) gateway(i int, sink event.Sink) (cfg fixgw.Config, err error) {
	s, v := &c.Venue[i], &c.Router.Venues[i]
	dialect, ok := fixgw.DialectByName(s.Orders.Dialect)
	if !ok {
		return cfg, fmt.Errorf("orders.dialect %q is not known", s.Orders.Dialect)
	}
	cfg = fixgw.Config{
		Addr: s.Orders.Address, SenderCompID: s.Orders.SenderCompID, TargetCompID: s.Orders.TargetCompID,
		HeartBtIntSecs: s.Orders.Heartbeat, Dialect: dialect, Venue: v.ID, Kind: v.Kind, Sink: sink,
		Seed: uint64(i), Symbols: c.fixSymbols(s),
	}
	if v.Kind == market.SDP && s.Feed.Protocol == "" {
		cfg.Quotes = fixgw.QuotesRequest
	}
	return cfg, c.orderSession(&s.Orders, &cfg)
}

// stop ends the router so that nothing that was received is left behind: the
// goroutines end, the venues log out and say their last, the core takes it, clients
// get what is durable, the journal is closed.
func (a *assembly) stop() error {
	if err := a.control.close(); err != nil {
		a.alarm(alert{Severity: warning, Kind: "control", Text: err.Error()})
	}
	a.control = nil
	if err := a.metrics.close(); err != nil {
		a.alarm(alert{Severity: warning, Kind: "metrics", Text: err.Error()})
	}
	a.metrics = nil
	a.loop.Stop()
	a.io.Stop()
	a.threads.Wait()
	if err := a.quiet.end(); err != nil {
		a.alarm(alert{Severity: warning, Kind: "rehearsal", Text: err.Error()})
	}
	a.ems.StopIntake() // what comes now is refused, not swallowed
	a.logout()
	a.stopped = true
	a.loop.Drain()
	a.ems.Close()
	a.close()
	select {
	case err := <-a.failure:
		return err
	default:
		return nil
	}
}

// logout ends the order sessions. It works the gateways in place of the goroutine
// that did, which has ended.
func (a *assembly) logout() {
	deadline := clock() + int64(logoutPatience)
	for a.flush(); (a.io.Pending() || len(a.unsent) > 0) && clock() < deadline; a.flush() {
		a.io.Work() // the core's last cancels must reach the venues
	}
	all := a.sessions()
	for _, g := range all {
		g.Logout(clock(), "router stops")
	}
	for deadline = clock() + int64(logoutPatience); clock() < deadline; runtime.Gosched() {
		done := true
		for _, g := range all {
			g.Work(clock())
			done = done && g.Done()
		}
		if done {
			return
		}
	}
}

// sessions are those with venues: of orders, then drop copies.
func (a *assembly) sessions() []orderGateway {
	all := slices.Clone(a.gateways)
	for _, g := range a.dropCopies {
		all = append(all, g)
	}
	return all
}

// close frees sockets and files.
func (a *assembly) close() {
	var err error
	if a.io != nil {
		err = a.io.Close()
	}
	if a.gate != nil {
		err = errors.Join(err, a.gate.Close())
	}
	for _, f := range a.feeds {
		err = errors.Join(err, f.Close())
	}
	var sessions error
	for _, g := range a.sessions() {
		sessions = errors.Join(sessions, g.Close())
	}
	err = errors.Join(err, sessions)
	if a.journal != nil {
		err = errors.Join(err, a.journal.Close(), a.shadow.stop())
	}
	if a.alarms != nil {
		err = errors.Join(err, a.alarms.close())
	}
	a.port.Close()
	err = errors.Join(err, a.metrics.close())
	if a.life != nil {
		if a.stopped && sessions == nil {
			err = errors.Join(err, a.life.ended(), a.endRun())
		}
		err = errors.Join(err, a.life.file.Close())
	}
	if err != nil {
		a.failure <- err
	}
}
