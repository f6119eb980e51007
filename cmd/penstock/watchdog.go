package main

import (
	"fmt"
	"time"

	"penstock/event"
	"penstock/venues/firewall"
)

// The core is asked for its state by a goroutine that may wait for it; who obeys signals
// never does. A core that does not answer cannot be told to stop, so its gateways are: after
// frozenLatch no new order leaves them, after frozenCancel they cancel what is open, from the
// firewall's accounts and without the core. Where even the goroutine that works them stands
// still inside one of them, their connections end instead. A person lifts that: what froze
// once may freeze again.
const (
	watchEvery  = 250 * time.Millisecond
	frozenLatch = time.Second
	// frozenCancel leaves half a second of the three that a kill may take from outside.
	frozenCancel  = 2500 * time.Millisecond
	seizePatience = 200 * time.Millisecond
)

// watchdog judges by the age of the vitals. One goroutine, which is not the core's.
type watchdog struct {
	a       *assembly
	say     func(string, ...any)
	began   time.Time     // of watching
	seize   time.Duration // for which the goroutine that works the gateways is waited for
	latched bool
	cut     bool // what is open was cancelled, or the sessions were cut
}

// look returns the last vitals and acts on their age.
func (w *watchdog) look(now time.Time) vitals {
	if w.began.IsZero() {
		w.began = now
	}
	v := vitals{at: w.began}
	if p := w.a.vitals.Load(); p != nil {
		v = *p
	}
	switch silent := now.Sub(v.at); {
	case silent < frozenLatch:
		if w.latched {
			w.say("router: the core answers again; it is killed: %s", w.a.whoLifts())
		}
		w.latched, w.cut = false, false
	case silent >= frozenCancel && !w.cut:
		w.cut = true
		w.a.alarm(alert{Severity: critical, Kind: "core", Text: w.a.cancelWithoutCore(silent, w.seize)})
	case !w.latched:
		w.a.latch.Kill(firewall.Scope{})
		w.a.operate(event.OperatorKill, "watchdog", "core is frozen") // it is the first that the core hears
		w.latched = true
		w.a.alarm(alert{Severity: critical, Kind: "core", Text: fmt.Sprintf("the core has not answered for %v: no new order leaves",
			silent.Round(time.Millisecond))})
	}
	return v
}

// parents returns how many were live when the core was last asked.
func (w *watchdog) parents() int { return w.look(time.Now()).pulse.parents }

// cancelWithoutCore cancels what is open at all venues from the firewall's accounts, on this
// goroutine, and keeps working the gateways until the goroutine that owns them wants them
// back. It says what it could do.
func (a *assembly) cancelWithoutCore(silent, patience time.Duration) string {
	asked, left := 0, 0
	could := make(chan bool, 1) // one answer: an owner that is back at once is none that stands still
	go func() {
		if !a.io.Seize(patience, func(wanted func() bool) {
			asked, left = a.cancelOpen()
			could <- true
			for !wanted() { // the owner stands still: nobody else reads and answers venues
				for _, g := range a.gateways {
					g.Work(clock())
					cancelsOpen(g)
				}
				time.Sleep(100 * time.Microsecond)
			}
		}) {
			could <- false
		}
	}()
	silent = silent.Round(time.Millisecond)
	if <-could {
		return fmt.Sprintf("the core has not answered for %v: the gateways asked for the cancel of %d open orders, %d sessions are not up",
			silent, asked, left)
	}
	n := 0
	for _, g := range a.gateways {
		if g.Cut() {
			n++
		}
	}
	return fmt.Sprintf("the core has not answered for %v, inside a gateway: %d order sessions are cut; venues that cancel on "+
		"disconnect do, see to the others", silent, n)
}

// cancelOpen makes every gateway ask for the cancel of what the latch covers. Whoever works
// the gateways.
func (a *assembly) cancelOpen() (asked, down int) {
	for _, g := range a.gateways {
		if !g.Up() {
			down++
			continue
		}
		n, ok := cancelsOpen(g)
		if !ok && g.Cut() { // what it cannot cancel by itself, its venue does on disconnect
			down++
		}
		asked += n
		g.Work(clock()) // flushes
	}
	return asked, down
}

// cancelsOpen lets a gateway cancel what the firewall knows of it; false: this kind cannot.
func cancelsOpen(g orderGateway) (asked int, ok bool) {
	own, ok := g.(interface{ CancelOpen(now int64) int })
	if !ok {
		return 0, false
	}
	return own.CancelOpen(clock()), true
}
