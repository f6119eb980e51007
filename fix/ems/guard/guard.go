package guard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what clients can cost, beside fix.MaxFrame for one message. Zero
// values mean the defaults.
type Limits struct {
	FirstFrame time.Duration // from accept to a complete Logon (5 s)
	PerIP      int           // connections from one address (4)
	Clients    int           // connections in all (64)
	Garbled    int           // garbled messages dropped before the connection closes (16)
	OutBytes   int           // waiting for one client (4 MiB)
	// HeartBtMin and HeartBtMax bound HeartBtInt(108) of a Logon, in seconds (5, 60).
	HeartBtMin, HeartBtMax int
	// Clock is how far SendingTime(52) of a Logon may be from our time (2 min, the library's own
	// limit for what follows): one that was recorded does not work later (FM-78).
	Clock time.Duration
	// Patience is how long a full outbox may stay full before the client is cut (1 s).
	Patience time.Duration
}

// Bounds of HeartBtInt(108) where Limits says none, seconds.
const (
	DefaultHeartBtMin = 5
	DefaultHeartBtMax = 60
)

func (l Limits) withDefaults() Limits {
	setDefault(&l.FirstFrame, 5*time.Second)
	setDefault(&l.PerIP, 4)
	setDefault(&l.Clients, 64)
	setDefault(&l.Garbled, 16)
	setDefault(&l.OutBytes, 4<<20)
	setDefault(&l.HeartBtMin, DefaultHeartBtMin)
	setDefault(&l.HeartBtMax, DefaultHeartBtMax)
	setDefault(&l.Clock, 2*time.Minute)
	setDefault(&l.Patience, time.Second)
	return l
}

func setDefault[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// Config of a Guard.
type Config struct {
	Listen   string         // host:port for clients
	Port     *Port          // what Listen says, taken already; nil: it is taken now
	TLS      *TLS           // nil: plain TCP
	Allow    []netip.Prefix // who may connect; nil allows loopback only
	Sessions []Session
	Limits   Limits
	// Router returns the loopback address of the library's listener.
	Router string
	// Logf takes one line per refusal. It must be safe for concurrent use.
	Logf func(format string, args ...any)
}

// Guard is a running listener. Its methods are safe for concurrent use.
type Guard struct {
	cfg      Config
	listener net.Listener
	lockout  lockout
	counts   [reasons]atomic.Uint64
	accepted atomic.Uint64
	frames   atomic.Uint64
	expiry   expiry
	done     chan struct{}

	mu     sync.Mutex
	links  map[*link]struct{}
	perIP  map[netip.Addr]int
	owners map[netip.AddrPort]*link // by address towards the library
	on     map[*Session]*link       // who has logged on
	closed bool
	wait   sync.WaitGroup
}

// Listen opens the listener and starts to accept.
func Listen(cfg Config) (*Guard, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Allow == nil {
		cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"),
			netip.MustParsePrefix("::1/128")}
	}
	if cfg.Logf == nil {
		return nil, errors.New("guard: no log")
	}
	if cfg.Port == nil {
		var err error
		if cfg.Port, err = Bind(cfg.Listen); err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
	}
	listener, err := cfg.Port.listen()
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	g := &Guard{cfg: cfg, listener: listener, links: make(map[*link]struct{}),
		perIP: make(map[netip.Addr]int), owners: make(map[netip.AddrPort]*link),
		on: make(map[*Session]*link), done: make(chan struct{})}
	g.wait.Add(1)
	go g.accept()
	if cfg.TLS != nil {
		g.wait.Add(1)
		go g.watchCertificates()
	}
	return g, nil
}

// Addr returns the address that clients connect to.
func (g *Guard) Addr() string { return g.listener.Addr().String() }

// Accepted returns how many connections were taken, refused ones included.
func (g *Guard) Accepted() uint64 { return g.accepted.Load() }

// Frames returns how many messages of clients passed to the library.
func (g *Guard) Frames() uint64 { return g.frames.Load() }

// Count returns how often a reason occurred.
func (g *Guard) Count(r Reason) uint64 { return g.counts[r].Load() }

// Open returns how many connections are open.
func (g *Guard) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.links)
}

// Owner tells which session the guard has admitted on the connection that
// reaches the library from addr; nil when addr is none of the guard's: somebody
// on this machine tries to get round it.
func (g *Guard) Owner(addr net.Addr) *Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.owners[addrPort(addr)]; l != nil {
		return l.session
	}
	return nil
}

// StopAccept closes the listener and leaves the connections open, so that the
// library can say goodbye.
func (g *Guard) StopAccept() {
	g.mu.Lock()
	if !g.closed {
		close(g.done)
	}
	g.closed = true
	g.mu.Unlock()
	g.listener.Close()
}

// Close ends everything and waits for it.
func (g *Guard) Close() {
	g.StopAccept()
	g.mu.Lock()
	for l := range g.links {
		l.hangUp()
	}
	g.mu.Unlock()
	g.wait.Wait()
}

func (g *Guard) accept() {
	defer g.wait.Done()
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			if g.isClosed() {
				return
			}
			// Out of descriptors or aborted by the peer: the listener lives on.
			g.cfg.Logf("guard: accept: %v", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		g.accepted.Add(1)
		l := newLink(g, conn)
		if reason := g.enter(l); reason != None {
			g.refused(reason, l)
			conn.Close()
		}
	}
}

// enter takes the link in and starts it, if the limits let it.
func (g *Guard) enter(l *link) Reason {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed || !contains(g.cfg.Allow, l.ip):
		return NotAllowed
	case g.lockout.locked(l.ip, time.Now().UnixNano()):
		return LockedOut
	case len(g.links) >= g.cfg.Limits.Clients:
		return TooManyClients
	case g.perIP[l.ip] >= g.cfg.Limits.PerIP:
		return TooManyFromIP
	}
	g.links[l] = struct{}{}
	g.perIP[l.ip]++
	g.wait.Add(1)
	go func() {
		defer g.wait.Done()
		l.run()
		g.leave(l)
	}()
	return None
}

func (g *Guard) leave(l *link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.links, l)
	if g.perIP[l.ip]--; g.perIP[l.ip] == 0 {
		delete(g.perIP, l.ip)
	}
	if l.session != nil && g.on[l.session] == l {
		delete(g.on, l.session)
	}
	if l.router != nil {
		delete(g.owners, addrPort(l.router.LocalAddr()))
	}
}

// occupyWait is how long the connection that a session had before may take to be gone.
const occupyWait = 500 * time.Millisecond

// occupy makes the link the one of its session; false when another is (FM-77).
func (g *Guard) occupy(l *link) bool {
	for deadline := time.Now().Add(occupyWait); !g.tryOccupy(l); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (g *Guard) tryOccupy(l *link) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on[l.session] != nil {
		return false
	}
	g.on[l.session] = l
	return true
}

// own remembers the link by its address towards the library, before the library
// sees a byte of it.
func (g *Guard) own(l *link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owners[addrPort(l.router.LocalAddr())] = l
}

func (g *Guard) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

func (g *Guard) refused(reason Reason, l *link) {
	g.counts[reason].Add(1)
	g.cfg.Logf("guard: %s: %s%s", l.peer, reason, l.about())
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
