package serve

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"penstock/venues/sim"
)

// Market is a running simulated market. Its methods are safe for concurrent use.
type Market struct {
	cfg      Config
	servers  []*Server
	started  time.Time // with the monotonic clock
	wake     chan struct{}
	done     chan struct{}
	identity *identity      // nil when no venue has TLS
	group    sync.WaitGroup // every goroutine
	closing  sync.Once

	mu       sync.Mutex // guards all below, the engines, sessions and feeds
	flow     *sim.Flow
	flowNext int64
	plan     schedule
	resting  bool // the flow stands still
	closed   bool
}

// Start opens the sockets of all venues and begins to trade.
func Start(cfg Config) (*Market, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("simulated market: %w", err)
	}
	m := &Market{
		cfg: cfg, started: time.Now(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	m.mu.Lock()
	err := m.open()
	m.mu.Unlock()
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("simulated market: %w", err)
	}
	m.group.Add(1)
	go m.loop()
	return m, nil
}

// open makes venues, engines and the flow. The feeds are open before the flow
// fills the books, so that the first orders are in them.
func (m *Market) open() error {
	now := m.now()
	if m.cfg.IDBase == 0 {
		m.cfg.IDBase = uint64(now/1e9) * 1e6
	}
	if slices.ContainsFunc(m.cfg.Venues, func(v Venue) bool { return v.TLS }) {
		var err error
		if m.identity, err = newIdentity(m.started); err != nil {
			return err
		}
	}
	var exchanges []*sim.Exchange
	var pools []*sim.DarkPool
	var dealers []*sim.Dealer
	var shares []int64
	for _, v := range m.cfg.Venues {
		s, err := newServer(m, v, now)
		if s != nil {
			m.servers = append(m.servers, s)
		}
		if err != nil {
			return fmt.Errorf("venue %s: %w", v.Name, err)
		}
		switch {
		case s.exchange != nil:
			exchanges = append(exchanges, s.exchange)
			shares = append(shares, max(v.FlowShare, 1))
		case s.pool != nil:
			pools = append(pools, s.pool)
		case s.dealer != nil:
			dealers = append(dealers, s.dealer)
		}
	}
	flow := m.cfg.Flow
	flow.Start, flow.Shares = now, shares
	var err error
	if m.flow, err = sim.NewFlow(flow, exchanges, pools, dealers); err != nil {
		return err
	}
	m.flowNext = m.flow.Advance(now)
	for _, s := range m.servers {
		s.serve()
	}
	return nil
}

// now reads the clock: the wall time of the start plus what has passed since, so
// that it never goes back.
func (m *Market) now() int64 {
	return m.started.UnixNano() + int64(time.Since(m.started))
}

// Midnight returns the start of the UTC day in which the market started, ns since
// epoch: ITCH times count from it.
func (m *Market) Midnight() int64 {
	start := m.started.UnixNano()
	return start - start%(24*3600e9)
}

// Venue returns the server of the venue with that name, nil when there is none.
func (m *Market) Venue(name string) *Server {
	for _, s := range m.servers {
		if s.cfg.Name == name {
			return s
		}
	}
	return nil
}

// Venues returns all servers in the order of the configuration.
func (m *Market) Venues() []*Server { return append([]*Server(nil), m.servers...) }

// maxSpinNanos is below what a timer of the runtime can wait for when nothing
// else runs; the loop yields instead while an order or report is due that soon.
const maxSpinNanos = 1_500_000

// loop plays the flow and what is scheduled.
func (m *Market) loop() {
	defer m.group.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-m.wake:
		case <-timer.C:
		}
		for {
			wait, spin := m.step()
			if !spin {
				timer.Reset(time.Duration(wait))
				break
			}
			runtime.Gosched()
		}
	}
}

// restNanos is how often the loop looks whether a resting flow goes on.
const restNanos = 20_000_000

// stepMax bounds what one step plays while others wait for the mutex; a process
// that was suspended has much to catch up with.
const stepMax = 4096

// step plays what is due, in order of time, and returns how long it is until the
// next, at most a second, and whether an order or report is due so soon that a
// timer would be late.
func (m *Market) step() (waitNanos int64, spin bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for range stepMax {
		next := m.plan.next()
		if m.resting {
			m.flowNext = now + restNanos
		}
		switch {
		case next != nil && next.at <= min(now, m.flowNext):
			m.run(m.plan.take())
		case m.flowNext <= now:
			m.flowNext = m.flow.Advance(m.flowNext)
		default:
			wait := min(m.flowNext-now, 1e9)
			if next != nil {
				wait = min(wait, next.at-now)
			}
			order := m.plan.urgent.first()
			return wait, order != nil && order.at-now < maxSpinNanos && !m.closed
		}
	}
	return 0, true
}

// run plays one entry. One that concerns an order finds the engines at its time,
// and may bring their next event forward.
func (m *Market) run(item scheduled) {
	if item.urgent {
		m.flow.Advance(item.at)
	}
	item.run(item.at)
	if item.urgent {
		m.flowNext = m.flow.Advance(item.at)
	}
}

// after schedules run; m.mu is held. urgent is for what concerns an order.
func (m *Market) after(at int64, urgent bool, run func(now int64)) {
	m.plan.add(at, urgent, run)
	if next := m.plan.next(); next.at == at || urgent {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// every runs a function again and again; m.mu is held.
func (m *Market) every(now, nanos int64, run func(now int64)) {
	m.after(now+nanos, false, func(at int64) {
		run(at)
		m.every(at, nanos, run)
	})
}

// Halt stops or resumes trading in symbol at all venues that know it.
func (m *Market) Halt(symbol string, halted bool) error {
	known := false
	for _, s := range m.servers {
		if s.cfg.Symbol == symbol {
			s.Halt(halted)
			known = true
		}
	}
	if !known {
		return fmt.Errorf("halt: no venue trades %s", symbol)
	}
	return nil
}

// Close ends all sessions and feeds, closes the sockets and waits until every
// goroutine has ended. It may be called again.
func (m *Market) Close() error {
	var errs []error
	m.closing.Do(func() {
		m.mu.Lock()
		m.closed = true
		now := m.now()
		for _, s := range m.servers {
			errs = append(errs, s.close(now))
		}
		m.mu.Unlock()
		close(m.done)
		m.group.Wait()
		m.mu.Lock()
		for _, s := range m.servers {
			if s.orders != nil {
				errs = append(errs, s.orders.closeStores())
			}
			if s.dropCopy != nil {
				errs = append(errs, s.dropCopy.entry.closeStores())
			}
			if s.fix != nil {
				errs = append(errs, s.fix.entry.closeStores())
			}
		}
		m.mu.Unlock()
	})
	return errors.Join(errs...)
}
