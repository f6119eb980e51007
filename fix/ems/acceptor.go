package ems

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"

	"penstock/event"
	"penstock/fix"
	"penstock/fix/ems/guard"
	"penstock/internal/assert"
	"penstock/internal/ring"
)

// Acceptor serves the clients. Report is for one goroutine, the core's; the
// other methods are safe for concurrent use.
type Acceptor struct {
	cfg     Config
	app     *application
	log     *Log
	stores  *storeFactory
	guard   atomic.Pointer[guard.Guard] // nil until it listens
	fix     *quickfix.Acceptor
	engine  string // loopback address of quickfix
	reports *ring.SPSC[queued]
	entry   queued // what Report and Remember put into it
	copies  *copies
	bell    chan struct{} // a report, or more is durable
	stop    chan struct{}
	senders []chan event.Command // by client
	again   []uint64             // by client, then by drop copy: reports that may have been told before, still to come
	wait    sync.WaitGroup
	once    sync.Once
}

// counters of what happened since the start.
type counters struct {
	messages, orders, refused, malformed, busy atomic.Uint64
	reports, full, sendErrors, undelivered     atomic.Uint64
	copies                                     atomic.Uint64
}

// Stats is a copy of the counts since the start.
type Stats struct {
	Messages    uint64 // application messages received
	Orders      uint64 // of these, passed to the router
	Refused     uint64 // answered with 35=8 or 35=9, or a status request refused
	Malformed   uint64 // answered with 35=3 or 35=j
	Busy        uint64 // of these, because the Sink had no room
	Reports     uint64 // handed to the sessions
	Copies      uint64 // handed to drop copy sessions
	Full        uint64 // calls of Report that found no room
	SendErrors  uint64 // attempts to store a report that failed; each is repeated
	Undelivered uint64 // reports that were still waiting at Close
	LogFailures uint64 // log lines lost
}

// senderQueue is how many reports may wait for one client's goroutine.
const senderQueue = 1024

// Listen starts to serve. The Sink may be called from now on.
func Listen(cfg Config) (*Acceptor, error) {
	cfg.Sessions, cfg.DropCopies = slices.Clone(cfg.Sessions), slices.Clone(cfg.DropCopies) // validate completes them
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	log, err := OpenLog(cfg.LogDir)
	if err != nil {
		return nil, err
	}
	a := &Acceptor{cfg: cfg, log: log, bell: make(chan struct{}, 1), stop: make(chan struct{}),
		reports: ring.New[queued](cfg.queueLen()), copies: newCopies(cfg.DropCopies)}
	a.app = &application{config: &a.cfg, log: log, intake: newIntake(cfg.Sink, len(cfg.Sessions)),
		orders: newOrders(), worked: newWorked(), clients: make(map[quickfix.SessionID]uint16),
		parsers: sync.Pool{New: func() any { return new(fix.Message) }},
		epoch:   strconv.FormatInt(time.Now().UnixNano(), 36)}
	for i := range cfg.Sessions {
		a.app.clients[cfg.Sessions[i].id()] = uint16(i)
		a.senders = append(a.senders, make(chan event.Command, senderQueue))
	}
	a.stores = &storeFactory{dir: cfg.StoreDir, log: log, damaged: cfg.Damaged, hostDied: cfg.HostDied}
	a.app.stores = a.stores
	if err := a.open(); err != nil {
		a.stores.close()
		log.Close()
		return nil, err
	}
	a.wait.Add(1 + len(a.senders) + len(a.copies.senders))
	go a.dispatch()
	for i := range a.copies.senders {
		go a.sendCopies(i)
	}
	for i := range a.senders {
		go a.send(i)
	}
	return a, nil
}

// open starts quickfix and then the guard in front of it.
func (a *Acceptor) open() error {
	settings, err := a.cfg.settings()
	if err != nil {
		return err
	}
	a.fix, err = quickfix.NewAcceptor(a.app, a.stores, settings, logFactory{a.log})
	if err != nil {
		a.unregister()
		return fmt.Errorf("ems: %w", err)
	}
	if err := a.resume(); err != nil {
		a.unregister()
		return fmt.Errorf("ems: %w", err)
	}
	a.fix.SetConnectionValidator(validator{&a.guard})
	if a.engine, err = a.startLibrary(settings); err != nil {
		a.unregister()
		return fmt.Errorf("ems: %w", err)
	}
	gc := guard.Config{Listen: a.cfg.Listen, Port: a.cfg.Port, Allow: a.cfg.Allow, Limits: a.cfg.Limits,
		Router: a.engine, Logf: a.log.Eventf}
	for _, s := range slices.Concat(a.cfg.Sessions, a.cfg.DropCopies) {
		gc.Sessions = append(gc.Sessions, s.Session)
	}
	if gc.TLS, err = a.cfg.tls(a.log.Eventf); err != nil {
		a.fix.Stop()
		return err
	}
	g, err := guard.Listen(gc)
	if err != nil {
		a.fix.Stop()
		return fmt.Errorf("ems: %w", err)
	}
	a.guard.Store(g)
	return nil
}

// startLibrary starts quickfix on a free loopback port. It takes a port number
// and cannot be asked for one, so another process may be faster: then again.
func (a *Acceptor) startLibrary(settings *quickfix.Settings) (addr string, err error) {
	for range 20 {
		var port int
		if port, err = freePort(); err != nil {
			return "", err
		}
		settings.GlobalSettings().Set(config.SocketAcceptPort, strconv.Itoa(port))
		err = a.fix.Start()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
		}
	}
	return "", err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// unregister takes sessions that were never started out of quickfix's registry.
func (a *Acceptor) unregister() {
	for id := range a.app.clients {
		quickfix.UnregisterSession(id)
	}
	for i := range a.cfg.DropCopies {
		quickfix.UnregisterSession(a.cfg.DropCopies[i].id())
	}
}

// Addr returns the address that clients connect to.
func (a *Acceptor) Addr() string { return a.guard.Load().Addr() }

// Guard returns the guard, for its counts.
func (a *Acceptor) Guard() *guard.Guard { return a.guard.Load() }

// Stats returns the counts.
func (a *Acceptor) Stats() Stats {
	s := &a.app.stats
	return Stats{Messages: s.messages.Load(), Orders: s.orders.Load(), Refused: s.refused.Load(),
		Malformed: s.malformed.Load(), Busy: s.busy.Load(), Reports: s.reports.Load(), Copies: s.copies.Load(),
		Full: s.full.Load(), SendErrors: s.sendErrors.Load(),
		Undelivered: s.undelivered.Load(), LogFailures: a.log.Failures()}
}

// Report takes a copy of a Report or RejectCancel command; false means that there
// is no room, and the caller must offer it again. It does not block or allocate.
// Core thread only.
func (a *Acceptor) Report(c *event.Command) bool {
	assert.That(int(c.Client) < len(a.senders), "a report goes to a configured client")
	if !a.push(c, false) {
		a.app.stats.full.Add(1)
		return false
	}
	return true
}

func (a *Acceptor) push(c *event.Command, copyOnly bool) bool {
	a.entry.Command, a.entry.copyOnly = *c, copyOnly
	if !a.reports.Push(&a.entry) {
		return false
	}
	if a.cfg.Durable == nil || c.Cause <= a.cfg.Durable() {
		a.Wake()
	} // else who advances Durable does: to wake a thread takes the core 10 µs and more
	return true
}

// Wake makes the reports that wait for Config.Durable look again. It does not block.
func (a *Acceptor) Wake() {
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// dispatch hands each report to its client's goroutine once it may leave.
func (a *Acceptor) dispatch() {
	defer a.wait.Done()
	defer func() {
		for _, sender := range a.senders {
			close(sender)
		}
		a.copies.close()
	}()
	var c queued
	for a.next(&c) {
		if !c.copyOnly {
			a.senders[c.Client] <- c.Command
			a.app.stats.reports.Add(1)
		}
		a.copies.dispatch(&c.Command)
	}
}

// next waits for a report that is durable; false at the end.
func (a *Acceptor) next(c *queued) bool {
	for !a.reports.Pop(c) {
		select {
		case <-a.bell:
		case <-a.stop:
			if !a.reports.Pop(c) {
				return false
			}
			return a.durable(c)
		}
	}
	return a.durable(c)
}

// durable waits until the report may leave; false when it never will.
func (a *Acceptor) durable(c *queued) bool {
	for a.cfg.Durable != nil && c.Cause > a.cfg.Durable() {
		select {
		case <-a.bell:
		case <-a.stop:
			if c.Cause <= a.cfg.Durable() {
				return true
			}
			for a.app.stats.undelivered.Add(1); a.reports.Pop(c); {
				a.app.stats.undelivered.Add(1)
			}
			return false
		}
	}
	return true
}

// sendRetry is how long to wait when a report could not be stored (disk full).
const sendRetry = 100 * time.Millisecond

// send encodes and sends the reports of one client.
func (a *Acceptor) send(client int) {
	defer a.wait.Done()
	id := a.cfg.Sessions[client].id()
	for c := range a.senders[client] {
		a.app.orders.told(&c)
		for {
			err := a.tell(client, &c)
			if err == nil {
				break
			}
			a.app.stats.sendErrors.Add(1)
			a.log.Eventf("session %s: report not sent, trying again: %v", id.TargetCompID, err)
			select {
			case <-time.After(sendRetry):
				continue
			case <-a.stop:
			}
			a.app.stats.undelivered.Add(1)
			break
		}
	}
}

// StopIntake refuses what clients send from now on, with a reason; reports still
// leave.
func (a *Acceptor) StopIntake() { a.app.intake.close() }

// Close sends what may still leave, logs the clients out and stops. No call of
// Report may follow.
func (a *Acceptor) Close() {
	a.once.Do(func() {
		a.Guard().StopAccept()
		close(a.stop)
		a.wait.Wait()
		a.fix.Stop()
		a.Guard().Close()
		a.app.intake.close()
		a.stores.close()
		a.log.Close()
	})
}
