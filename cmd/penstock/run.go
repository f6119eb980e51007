package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"penstock/event"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

const runUsage = `usage: penstock run -c FILE [--from-mirror] [--other-build] [--new-run N]

Runs the router with the configuration in FILE until SIGINT or SIGTERM. Every change
of a feed or an order session is printed.

SIGUSR1 is the kill switch: nothing new is sent and every open child order is
cancelled, also at venues that come back later. Parent orders stay live, may be cancelled
by their clients, and go on when the kill is lifted: by SIGUSR2 or penstock ctl release.
Where controls.people names persons that takes two, within ten minutes: penstock ctl
release by each, or by one and SIGUSR2. On a stop open children are cancelled first; exit
code 1 says that some could not be.

SIGHUP reads the policy table again (policy.table) and puts it in force; a file that is
refused leaves the current one.

--from-mirror puts the second copy of the journal (router.mirror) in the place of the
first one, which is damaged and moved aside. --other-build goes on with a run whose
journal another build wrote; it must still replay to what it recorded. --new-run N begins
a new run although the journal of the last one, N, is gone: its orders have been settled.
`

// startOptions are what a person says at a start about the run before.
type startOptions struct {
	fromMirror, otherBuild bool
	newRun                 uint64 // begin a new run although the journal of this one, the last, is gone
}

const checkUsage = `usage: penstock check -c FILE

Reads the configuration and the files that it names, builds what run would build of them as far
as nothing is made, looked up or opened for it, and says what is wrong.
`

func configFlag(name, usage string, args []string, stderr io.Writer) (*Config, error) {
	return configFlags(flag.NewFlagSet(name, flag.ContinueOnError), usage, args, stderr)
}

// configFlags reads the configuration that -c names; flags may have others.
func configFlags(flags *flag.FlagSet, usage string, args []string, stderr io.Writer) (*Config, error) {
	path := flags.String("c", "", "")
	if err := parseFlags(flags, usage, args, stderr); err != nil {
		return nil, err
	}
	if *path == "" || flags.NArg() > 0 {
		return nil, usageError(flags.Name()+": name a configuration file with -c", usage)
	}
	return LoadConfig(*path)
}

func check(args []string, stdout, stderr io.Writer) error {
	cfg, err := configFlag("check", checkUsage, args, stderr)
	if err != nil {
		return err
	}
	if err := cfg.ready(); err != nil {
		return err
	}
	table, _, err := cfg.readTable(clock())
	if err != nil {
		return err
	}
	if _, err := cfg.candidates(table); err != nil {
		return err
	}
	if table != nil {
		if err := cfg.resolveCanary(table.PolicyID()); err != nil {
			return cfg.fault(err)
		}
	}
	if _, err := cfg.readParams(); err != nil {
		return err
	}
	curves, err := cfg.readCurves()
	if err != nil {
		return err
	}
	sources, err := cfg.setCurves(curves, clock())
	if err != nil {
		return err
	}
	name := compiledIn
	if table != nil {
		name = "policy " + table.UUIDText()
	}
	if err := cfg.checkManifest(); err != nil {
		return failed("%w", err)
	}
	if cfg.file.Router.Manifest != "" {
		name += "; as deployed by " + cfg.file.Router.Manifest
	}
	fmt.Fprintf(stdout, "%s: %d instruments, %d venues, %d listings; %s\n", cfg.Path, len(cfg.Router.Instruments),
		len(cfg.Router.Venues), len(cfg.Router.Listings), name)
	for _, source := range sources {
		fmt.Fprintf(stdout, "volume curve of %s\n", source)
	}
	return nil
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	var start startOptions
	flags.BoolVar(&start.fromMirror, "from-mirror", false, "")
	flags.BoolVar(&start.otherBuild, "other-build", false, "")
	flags.Uint64Var(&start.newRun, "new-run", 0, "")
	cfg, err := configFlags(flags, runUsage, args, stderr)
	if err != nil {
		return err
	}
	cfg.Start = start
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	defer signal.Stop(signals)
	a, err := assemble(cfg)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(stdout, "%s "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05.000")}, args...)...)
	}
	if a.restored != "" {
		say("router: the journal came from its mirror; the damaged one is %s", a.restored)
	}
	if a.recovered != nil {
		say("router: %v", a.recovered)
		if a.recovered.killed {
			say("router: it was killed and stays so: %s", a.whoLifts())
		}
	}
	if err := a.journal.Unshared(); err != nil {
		say("router: a kill of the process loses what its journal has not written yet: no ring in memory: %v", err)
	}
	if cfg.file.Router.Manifest != "" {
		say("router: as deployed by %s", cfg.at(cfg.file.Router.Manifest))
	}
	a.sayPort(say)
	clocks := readClock()
	say("router: wall clock %v", &clocks)
	say("router: clients on %s, policy %s, journal %s", a.ems.Addr(), a.policyName(), a.Dir)
	return a.serve(signals, say)
}

// serve obeys signals until one ends the router or it fails, and prints what
// changes at the venues.
func (a *assembly) serve(signals <-chan os.Signal, say func(string, ...any)) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last := make([]string, len(a.cfg.Router.Venues))
	go a.keepVitals()
	a.alarms.listen(say)
	w := watchdog{a: a, say: say, seize: seizePatience}
	var clocks clockWatch
	for {
		select {
		case s := <-a.quiet.settled:
			a.sayQuiet(&s, say)
		case err := <-a.failure:
			return errors.Join(temporary(err), a.stop())
		case <-tick.C:
			a.sayMoves(say)
			a.sayShadow(say)
			clocks.due(a, time.Now())
			a.days.due(a, time.Now(), say)
			if a.disk.look(a, say) {
				return errors.Join(temporary(errDiskFull), a.shutDown(say))
			}
			for v, state := range w.look(time.Now()).venues {
				if state != last[v] {
					say("venue %s: %s", a.cfg.Router.Venues[v].Name, state)
					last[v] = state
				}
			}
		case s := <-signals:
			switch s {
			case syscall.SIGUSR1:
				a.latch.Kill(firewall.Scope{}) // at the gateways at once; the core cancels
				if !a.operate(event.OperatorKill, "signal", "SIGUSR1") {
					say("router: no new order leaves, but open ones are NOT cancelled: the operator's queue is full; send the signal again")
					continue
				}
				say("router: killed: no new orders, cancelling the open ones; %d parents stay live", w.parents())
			case syscall.SIGUSR2:
				if a.cfg.Router.TwoPersons { // a signal is one of two
					go a.releaseBySignal(a.control, say)
					continue
				}
				a.latch.Release(firewall.Scope{})
				a.operate(event.OperatorResume, "signal", "SIGUSR2")
				say("router: resumed: %d live parents go on", w.parents())
			case syscall.SIGHUP:
				go a.swapPolicy(say)
			default:
				return a.shutDown(say)
			}
		}
	}
}

// releaseBySignal is the word of one of two persons, whichever comes first.
func (a *assembly) releaseBySignal(c *control, say func(string, ...any)) {
	c.acting.Lock()
	defer c.acting.Unlock()
	e := operatorEvent(event.OperatorResume, "signal", "SIGUSR2")
	switch out, err := a.act(&actRequest{Act: "release", Who: "signal", Reason: "SIGUSR2"}, &e); {
	case err != nil:
		say("router: SIGUSR2: %v", err)
	case out.Second:
		say("router: SIGUSR2 is noted: a person's penstock ctl release, within ten minutes, makes it two")
	default:
		say("router: resumed by two: live parents go on")
	}
}

// whoLifts says what lifts a kill of the firm. A signal tells no name, so where persons are named it
// is one of two.
func (a *assembly) whoLifts() string {
	if a.cfg.Router.TwoPersons {
		return "two persons lift that, within ten minutes: penstock ctl release by both, or by one and SIGUSR2"
	}
	return "SIGUSR2 or penstock ctl release lifts that"
}

// shutDown cancels what is open and stops. Orders that a venue did not confirm as
// gone make it an error.
func (a *assembly) shutDown(say func(string, ...any)) error {
	say("router: stopping: cancelling open orders")
	a.operate(event.OperatorStop, "signal", "stop")
	open := a.awaitFlat()
	live := 0
	a.loop.Inspect(func(s *loop.Sequencer) { live = s.Core().LiveParents() })
	err := a.stop()
	for _, line := range a.loopLines() {
		say("%s", line)
	}
	if err != nil {
		return err
	}
	if live > 0 {
		say("router: %d parent orders stay live and go on with the next start", live)
	}
	if open != nil {
		return failed("stopped with open orders: %w", open)
	}
	return nil
}

// sayMoves prints what a trader has to know: alerts, and books that go into or out of
// STALE and HALTED.
func (a *assembly) sayMoves(say func(string, ...any)) {
	var c event.Command
	for a.moves.Pop(&c) {
		if c.Kind == event.Alert {
			a.alarm(a.coreAlert(&c))
			continue
		}
		if max(c.From, c.To) < event.BookStale {
			continue
		}
		reason := ""
		if c.Reason != event.ReasonNone {
			reason = ": " + c.Reason.String()
		}
		say("book %s %s: %v to %v%s", a.cfg.Router.Venues[c.Venue].Name,
			a.cfg.Router.Instruments[c.Instrument].Symbol, c.From, c.To, reason)
	}
	if n := a.unshown.Swap(0); n > 0 {
		say("%d more alerts and changes of books, see the journal", n)
	}
}

// awaitFlat waits until nothing is open at a venue.
func (a *assembly) awaitFlat() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var open []string
	return a.poll(ctx, func(s *loop.Sequencer) bool {
		open = open[:0]
		for i := range s.Core().Parents() {
			if p := &s.Core().Parents()[i]; p.Reserved > 0 {
				in := &a.cfg.Router.Instruments[p.Instrument]
				open = append(open, fmt.Sprintf("%v of parent %v", in.FormatQty(p.Reserved), p.ClOrdID))
			}
		}
		return len(open) == 0
	}, func() error {
		return fmt.Errorf("%s may still execute at venues that did not answer", strings.Join(open, ", "))
	})
}
