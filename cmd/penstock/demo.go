package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"penstock/event"
	"penstock/internal/emsclient"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
)

const demoUsage = `usage: penstock demo [options]

Starts three lit venues, two dark pools and two single-dealer platforms on loopback
in their real protocols, the router, and a client that sends one parent order over
FIX 4.4. Prints how it went and checks that client, router and venues agree.

  --side buy|sell      (buy)
  --qty N              shares (50000)
  --symbol S           name of the demo stock (PSTK)
  --strategy S         sweep, twap, vwap, pov (a fifth), is or seek (twap)
  --horizon D          time for the order, 2s to 10m (30s)
  --seed N             of the background market (1)
  --table FILE         policy table (what ships: BASELINE, unless a learnt table won)
  --ouch 5.0|4.2       the first venue takes orders in OUCH instead of FIX
  --journal DIR        keep the journal there
  --json               print the summary as JSON

Exit code 0 only if the parent finished and the three accounts agree to the share
and the cent.
`

// demoOptions are what the command line asks for.
type demoOptions struct {
	side     market.Side
	qty      market.Qty
	symbol   string
	strategy event.Strategy
	horizon  time.Duration
	seed     uint64
	journal  string
	table    string
	json     bool

	placement string       // of the router's feeds and gateways; "" is inline
	orders    serve.Orders // in which protocol the first venue takes orders
	prices    serve.Feed   // and shows its book; NoFeed: ITCH
	copies    bool         // every venue has a drop copy, not only the first
}

const (
	demoClient = "DESK"
	demoRouter = "PENSTOCK"
	demoReady  = time.Minute // until every feed and session is up
)

func parseDemo(args []string, stderr io.Writer) (o demoOptions, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	side := flags.String("side", "buy", "")
	qty := flags.Int64("qty", 50_000, "")
	flags.StringVar(&o.symbol, "symbol", "PSTK", "")
	strategy := flags.String("strategy", "twap", "")
	flags.DurationVar(&o.horizon, "horizon", 30*time.Second, "")
	flags.Uint64Var(&o.seed, "seed", 1, "")
	flags.StringVar(&o.journal, "journal", "", "")
	flags.StringVar(&o.table, "table", "", "")
	flags.BoolVar(&o.json, "json", false, "")
	ouchVersion := flags.String("ouch", "", "")
	if err := parseFlags(flags, demoUsage, args, stderr); err != nil {
		return o, err
	}
	bad := func(format string, args ...any) (demoOptions, error) {
		return o, usageError("demo: "+fmt.Sprintf(format, args...), demoUsage)
	}
	switch strings.ToLower(*side) {
	case "buy":
		o.side = market.Buy
	case "sell":
		o.side = market.Sell
	default:
		return bad("--side %s is not buy or sell", *side)
	}
	var ok bool
	if o.strategy, ok = event.ParseStrategy(strings.ToUpper(*strategy)); !ok {
		return bad("--strategy %s is not sweep, twap, vwap, pov, is or seek", *strategy)
	}
	o.qty = market.Qty(*qty)
	if o.orders, ok = map[string]serve.Orders{"": serve.FIX44, "5.0": serve.OUCH50, "4.2": serve.OUCH42}[*ouchVersion]; !ok {
		return bad("--ouch %s is not 5.0 or 4.2", *ouchVersion)
	}
	switch {
	case flags.NArg() > 0:
		return bad("%q is not an option", flags.Arg(0))
	case o.qty < 1 || o.qty > demoMaxQty:
		return bad("--qty must be 1 to %d", demoMaxQty)
	case o.horizon < 2*time.Second || o.horizon > 10*time.Minute:
		return bad("--horizon must be 2s to 10m")
	case !market.ValidSymbol(o.symbol) || len(o.symbol) > 8:
		return bad("--symbol must be 1 to 8 characters of A-Z a-z 0-9 . / _ -")
	}
	return o, nil
}

func demo(args []string, stdout, stderr io.Writer) error {
	o, err := parseDemo(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err = runDemo(ctx, o, stdout); err != nil && ctx.Err() != nil {
		return failed("demo: interrupted before the order finished")
	}
	return err
}

func runDemo(ctx context.Context, o demoOptions, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "penstock-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	say := func(format string, args ...any) {
		if !o.json {
			fmt.Fprintf(stdout, format+"\n", args...)
		}
	}
	m, err := startDemoMarket(o, dir)
	if err != nil {
		return err
	}
	defer m.Close()
	kinds := m.kinds()
	say("market: %d lit venues, %d dark pools, %d dealers on loopback, seed %d", kinds[market.Lit],
		kinds[market.Dark], kinds[market.SDP], o.seed)
	cfg, err := demoConfig(o, m, dir)
	if err != nil {
		return err
	}
	a, err := assemble(cfg)
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		if !stopped {
			a.stop()
		}
	}()
	if err := m.addReceivers(a); err != nil {
		return err
	}
	if err := a.awaitReady(ctx, demoReady); err != nil {
		return temporary(err)
	}
	say("router: every feed live, every order session up; policy %s", a.policyName())
	order, violations, err := a.runClient(ctx, m.desk, o, stdout)
	if err != nil {
		return err
	}
	if err := a.awaitQuiet(ctx); err != nil {
		return err
	}
	stopped = true
	if err := a.stop(); err != nil {
		return err
	}
	s, err := a.conclude(m, order, violations)
	if err != nil {
		return err
	}
	if o.journal != "" {
		s.Journal = a.Dir
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(s); err != nil {
			return err
		}
	} else {
		say("")
		s.print(stdout)
		s.Reconciled.print(stdout)
		say("\nwhat the core's thread, its rings and its memory did\n%s", strings.Join(s.Loop, "\n"))
		if s.Journal != "" {
			say("journal: %s (penstock dump --verify %s)", s.Journal, s.Journal)
		}
	}
	if !s.Reconciled.Agree {
		return failed("demo: client, router and venues do not agree: see the breaks above")
	}
	if o.fills() && s.Status != market.StatusFilled.String() {
		return failed("demo: the parent ended %s with %s of %s", s.Status, s.CumQty, s.OrderQty)
	}
	return nil
}

// compiledIn is the policy where no table is given.
const compiledIn = "BASELINE, compiled in"

// policyName says which table decides.
func (a *assembly) policyName() string {
	if a.table == nil {
		return compiledIn
	}
	return a.table.Meta().Trainer + " " + a.table.UUIDText()
}

// awaitReady waits until every listed book of a lit venue is live and every order
// session is up.
func (a *assembly) awaitReady(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var missing string
	return a.poll(ctx, func(s *loop.Sequencer) bool {
		missing = a.missing(s.Core())
		return missing == ""
	}, func() error { return fmt.Errorf("not ready after %v: %s", patience, missing) })
}

// missing names the first thing that is not ready, "" when all is.
func (a *assembly) missing(core *router.Core) string {
	for _, l := range a.cfg.Router.Listings {
		v := &a.cfg.Router.Venues[l.Venue]
		b := core.Composite(l.Instrument).Books[l.Venue]
		switch {
		case !core.SessionUp(l.Venue):
			return "order session of " + v.Name + " is down"
		case v.Kind != market.Dark && !b.Live():
			return fmt.Sprintf("book of %s is %v", v.Name, b.State)
		case v.Kind == market.Lit && (b.Bids.Len() == 0 || b.Asks.Len() == 0):
			return "book of " + v.Name + " is empty"
		}
	}
	return ""
}

// awaitQuiet waits until no child is open.
func (a *assembly) awaitQuiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return a.poll(ctx, func(s *loop.Sequencer) bool {
		for i := range s.Core().Parents() {
			if s.Core().Parents()[i].Live() {
				return false
			}
		}
		return true
	}, func() error { return errors.New("the router still has live orders") })
}

// poll looks at the core every few milliseconds until done.
func (a *assembly) poll(ctx context.Context, done func(*loop.Sequencer) bool, late func() error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok := false
		if !a.loop.Inspect(func(s *loop.Sequencer) { ok = done(s) }) {
			select {
			case err := <-a.failure:
				return err
			default:
				return errors.New("the router has stopped")
			}
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return late()
		case <-tick.C:
		}
	}
}

// fills reports whether the strategy fills all of an order that the market has room for.
func (o *demoOptions) fills() bool {
	return o.strategy == event.StrategyTWAP || o.strategy == event.StrategyVWAP || o.strategy == event.StrategyIS
}

// runClient logs a client on, sends the parent order and follows it to its end.
func (a *assembly) runClient(ctx context.Context, desk string, o demoOptions, stdout io.Writer) (*emsclient.Order, []string, error) {
	const clOrdID = "DEMO-1"
	client, err := emsclient.Connect(ctx, emsclient.Config{Addr: a.ems.Addr(), SenderCompID: desk,
		TargetCompID: demoRouter, Instruments: a.cfg.Router.Instruments})
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	order := emsclient.NewOrder{ClOrdID: clOrdID, Symbol: o.symbol, Side: o.side, Qty: o.qty,
		TIF: market.TIFDay, Strategy: int(o.strategy)}
	if o.strategy.Scheduled() {
		order.EndTime = clock() + int64(o.horizon)
	}
	if o.strategy.Scheduled() && o.strategy != event.StrategySeek {
		order.SliceSeconds = max(int(o.horizon/time.Second)/6, 1)
	}
	if o.strategy == event.StrategyPOV {
		order.ParticipationRate = "0.2"
	}
	if err := client.SendOrder(order); err != nil {
		return nil, nil, err
	}
	if !o.json {
		fmt.Fprintf(stdout, "client: %s %d %s over FIX 4.4, strategy %v, horizon %v\n", o.side, o.qty, o.symbol,
			o.strategy, o.horizon)
	}
	watch := a.startProgress(stdout, o.json)
	defer watch.stop()
	patience, cancel := context.WithTimeout(ctx, o.horizon+20*time.Second)
	defer cancel()
	done, err := client.Wait(patience, clOrdID)
	if err != nil {
		return nil, nil, fmt.Errorf("demo: the order did not finish: %w", err)
	}
	if done.Refused || done.OrdStatus == market.StatusRejected {
		return nil, nil, failed("demo: the order was refused: %s", done.Text)
	}
	return &done, client.Violations(), nil
}

// conclude compares the accounts and sums up, after everything has stopped.
func (a *assembly) conclude(m *demoMarket, order *emsclient.Order, violations []string) (*summary, error) {
	parents := a.core.Parents()
	if len(parents) != 1 {
		return nil, fmt.Errorf("demo: %d parents in the router, one was sent", len(parents))
	}
	p := &parents[0]
	s := summarise(a.core, p, &a.cfg.Router)
	s.Policy, s.Loop = a.policyName(), a.loopLines()
	for i, h := range a.latency {
		s.Latency = append(s.Latency, latencyOf(causeNames[i], h))
	}
	trades := make([][]sim.Fill, len(a.cfg.Venue))
	for v := range trades {
		trades[v] = m.trades(a.cfg.Venue[v].Name)
	}
	s.Reconciled = reconcile(a.core, p, &a.cfg.Router, order, violations, trades)
	return s, nil
}

// journalDir is where the journal of a demo goes.
func (o *demoOptions) journalDir(dir string) (string, error) {
	if o.journal == "" {
		return filepath.Join(dir, "journal"), nil
	}
	return filepath.Abs(o.journal)
}
