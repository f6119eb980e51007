package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/trial"
	"penstock/venues/tape"
)

const replayUsage = `usage: penstock replay [options]

Plays recorded market data through the decoders, books and core of the live router.
Recorded time is the only time: the same input gives the same output.

  --list                  which formats are understood, and the default recordings
  --feed V=FORMAT:PATH    a recording of venue V (repeat; "," joins paths; options
                          follow the format as +key=value), also looked for under
                          PENSTOCK_DATA (../shared/data); without it the default set there
  --verify                play every recording under PENSTOCK_DATA, or those of --feed, with all
                          symbols and print messages, gaps, checks, faults of each; -v adds
                          message types
  --speed N               recorded time per time; 0, the default, is as fast as possible
  --parent "SIDE QTY SYMBOL STRATEGY [HORIZON] [RATE=0.1] [URGENCY=HIGH] [LIMIT PRICE]"
                          route a parent order, e.g. "BUY 5 BTC-USDT TWAP 60s";
                          strategies SWEEP, TWAP, POV (with RATE), IS, SEEK
  --compare               route it on both sides and at several times by BASELINE, by simple
                          routers and by BASELINE without each of its parts: a table of costs
  --times N               at how many times of arrival it is compared (4)
  --at D                  recorded time to wait before it is sent (5s)
  --with-simulated KINDS  add simulated venues around the recorded midpoint: dark,sdp
  --seed N                of the simulated venues (1)
  --table FILE            policy table; without it BASELINE, compiled in
  --journal DIR           keep a journal of each instrument's replay below DIR
  --json                  print the report as JSON

The speed of processing goes to standard error. Exit code 1 when a recording is
damaged, does not fit its format, has gaps or failed checks, when the parent did not
end within the recording, or when its accounts do not agree.
`

// replayOptions are what the command line asks for.
type replayOptions struct {
	feeds     []tape.Feed
	parent    *replayParent
	at        time.Duration
	simulated []market.VenueKind
	seed      uint64
	table     string
	journal   string
	json      bool
	list      bool
	verify    bool
	verbose   bool
	speed     float64
	compare   bool
	times     int
	rule      router.Rule
	off       router.Switches
}

func parseReplay(args []string, stderr io.Writer) (o replayOptions, err error) {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	var simulated, parent string
	flags.BoolVar(&o.list, "list", false, "")
	flags.BoolVar(&o.verify, "verify", false, "")
	flags.BoolVar(&o.verbose, "v", false, "")
	flags.Float64Var(&o.speed, "speed", 0, "")
	flags.Func("feed", "", func(text string) error {
		f, err := tape.ParseFeed(text)
		for i, path := range f.Paths {
			f.Paths[i] = findRecording(path)
		}
		o.feeds = append(o.feeds, f)
		return err
	})
	flags.StringVar(&parent, "parent", "", "")
	flags.DurationVar(&o.at, "at", 5*time.Second, "")
	flags.StringVar(&simulated, "with-simulated", "", "")
	flags.Uint64Var(&o.seed, "seed", 1, "")
	flags.StringVar(&o.table, "table", "", "")
	flags.StringVar(&o.journal, "journal", "", "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.BoolVar(&o.compare, "compare", false, "")
	flags.IntVar(&o.times, "times", 4, "")
	if err := parseFlags(flags, replayUsage, args, stderr); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, usageError(fmt.Sprintf("replay: %q is not an option", flags.Arg(0)), replayUsage)
	}
	if name := emptyFlag(flags); name != "" {
		return o, usageError(fmt.Sprintf("replay: --%s is empty: leave it out, or say what", name), replayUsage)
	}
	switch {
	case !(o.speed >= 0 && o.speed <= 1e6): // nor NaN
		return o, usageError("replay: --speed must be 0 to 1000000", replayUsage)
	case o.verify && (parent != "" || simulated != "" || o.table != "" || o.journal != "" || o.list || o.speed > 0):
		return o, usageError("replay: --verify takes --feed, --json and -v only", replayUsage)
	case o.verbose && !o.verify:
		return o, usageError("replay: -v needs --verify", replayUsage)
	}
	if simulated != "" {
		for _, name := range strings.Split(simulated, ",") {
			kind, ok := market.ParseVenueKind(name)
			if !ok || kind == market.Lit {
				return o, usageError(fmt.Sprintf("replay: --with-simulated %s: want dark, sdp or both", simulated),
					replayUsage)
			}
			o.simulated = append(o.simulated, kind)
		}
	}
	if parent != "" {
		if o.parent, err = parseReplayParent(parent); err != nil {
			return o, usageError("replay: --parent: "+err.Error(), replayUsage)
		}
	}
	return o, nil
}

func dataDir() string {
	if dir := os.Getenv("PENSTOCK_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared", "data")
}

// findRecording returns path, or the file of that name under the folder of
// recordings where there is none in the working directory.
func findRecording(path string) string {
	if _, err := os.Stat(path); err == nil || filepath.IsAbs(path) {
		return path
	}
	if below := filepath.Join(dataDir(), path); exists(below) {
		return below
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func replay(args []string, stdout, stderr io.Writer) error {
	o, err := parseReplay(args, stderr)
	if err != nil {
		return err
	}
	if o.list {
		return listFormats(stdout)
	}
	if o.verify {
		return verifyRecordings(&o, stdout, stderr)
	}
	feeds := o.feeds
	if len(feeds) == 0 {
		feeds = tape.DefaultFeeds(dataDir())
		if _, err := os.Stat(feeds[0].Paths[0]); err != nil {
			return fmt.Errorf("%w: no recordings: %w: set PENSTOCK_DATA to their folder or name one with --feed",
				errConfig, err)
		}
	}
	groups, err := tape.ByInstrument(feeds)
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	if o.at < 0 {
		return usageError("replay: --at must not be negative", replayUsage)
	}
	if o.parent != nil && !carries(groups, o.parent.symbol) {
		return usageError(fmt.Sprintf("replay: --parent: no feed carries %s", o.parent.symbol), replayUsage)
	}
	if o.compare {
		return compareRecorded(&o, groups, trial.Opponents(), stdout, stderr)
	}
	var reports []*replayReport
	for _, group := range groups {
		start := time.Now()
		r, err := replayGroup(&o, group)
		if err != nil {
			return err
		}
		took := time.Since(start)
		fmt.Fprintf(stderr, "%s: %d messages in %.2f s, %.0f messages/s, %.0f events/s\n", r.Instrument, r.Messages,
			took.Seconds(), float64(r.Messages)/took.Seconds(), float64(r.Events)/took.Seconds())
		reports = append(reports, r)
		if !o.json {
			r.print(stdout)
		}
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(reports); err != nil {
			return err
		}
	}
	for _, r := range reports {
		if len(r.Troubles) > 0 {
			return failed("replay: %s: %s", r.Instrument, r.Troubles[0])
		}
	}
	return nil
}

func carries(groups [][]tape.Feed, symbol string) bool {
	for _, g := range groups {
		plan, err := tape.NewPlan(g)
		if err == nil && plan.Instrument(symbol) != nil {
			return true
		}
	}
	return false
}

func listFormats(w io.Writer) error {
	fmt.Fprintln(w, "formats:")
	for _, f := range tape.Formats() {
		fmt.Fprintf(w, "  %-14s %s\n  %-14s   --feed %s\n", f.Name, f.Description, "", f.Example)
	}
	fmt.Fprintln(w, "\ndefault recordings:")
	for _, f := range tape.DefaultFeeds(dataDir()) {
		note := ""
		if f.Basis != "" {
			note = ", prices shifted to " + f.Basis
		}
		fmt.Fprintf(w, "  %-8s %s%s\n", f.Venue, f.Format, note)
		for _, p := range f.Paths {
			state := ""
			if !exists(p) {
				state = "  (not found)"
			}
			fmt.Fprintf(w, "           %s%s\n", p, state)
		}
	}
	return nil
}

// replayGroup plays the feeds of one instrument to their end.
func replayGroup(o *replayOptions, feeds []tape.Feed) (*replayReport, error) {
	r, err := runReplay(o, feeds)
	if err != nil {
		return nil, err
	}
	return r.report(), nil
}

// runReplay plays the recordings of one instrument to their end.
func runReplay(o *replayOptions, feeds []tape.Feed) (*replayRun, error) {
	plan, err := tape.NewPlan(feeds)
	if err == nil && len(o.simulated) > 0 {
		err = plan.Simulate(o.simulated, o.seed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	matching, err := tape.NewMarket(plan, tape.DefaultMatching())
	if err != nil {
		return nil, err
	}
	recordings, err := plan.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	defer recordings.Close()
	r := &replayRun{options: o, plan: plan, world: tape.NewReplay(recordings, matching)}
	if err := r.build(); err != nil {
		return nil, err
	}
	r.play()
	if r.journal != nil {
		if err := r.journal.Close(); err != nil {
			return nil, err
		}
	}
	if err := r.seq.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

// replayConfig writes a configuration for the core of a plan: what a journal
// needs to run the day again.
func replayConfig(plan *tape.Plan) (*Config, error) {
	f := file{
		Router: routerSection{Journal: "journal", State: "state", Idle: "park", Placement: "inline", MaxParents: 16,
			MaxChildren: 100_000, BookLevels: 4096, BookOrders: 1 << 18},
		EMS: emsSection{Listen: recorded, OnDisconnect: "keep", Session: []emsSession{{SenderCompID: "PENSTOCK", TargetCompID: recorded}}},
	}
	for i := range plan.Instruments {
		in := &plan.Instruments[i]
		// A replay risks nothing: its limits only keep numbers in range.
		maxQty, maxNotional := "100000000", "1"+strings.Repeat("0", 18-int(in.PriceDecimals+in.QtyDecimals))
		if in.QtyDecimals > 0 {
			maxQty = "10000"
		}
		f.Instrument = append(f.Instrument, instrumentSection{
			Symbol: in.Symbol, Currency: in.Currency, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals, Tick: in.FormatPrice(in.Tick), Lot: in.FormatQty(in.Lot),
			Limits: limitsSection{ParentMaxQty: maxQty, ChildMaxQty: maxQty, ParentMaxNotional: maxNotional,
				ChildMaxNotional: maxNotional, CollarBps: 500, HardMaxQty: maxQty, HardMaxNotional: maxNotional, PriceLow: in.FormatPrice(1),
				PriceHigh: in.FormatPrice(market.MaxPrice)},
		})
	}
	f.Controls, f.Client = openControls(recorded)
	for i := range plan.Venues {
		v := &plan.Venues[i]
		s := venueSection{Name: v.Name, MIC: v.Name, Kind: v.Kind.String(), TakeFee: feeSection(v.TakeFee),
			MakeFee: feeSection(v.MakeFee), LastLook: v.LastLook, MsgRate: v.MsgRate,
			AckTimeout: duration(v.AckNanos), Symbols: map[string]string{}, Feed: feedSection{Protocol: recorded, RecordedByOrder: v.ByOrder},
			Orders: ordersSection{Address: recorded, Dialect: recorded, SenderCompID: "PENSTOCK",
				TargetCompID: v.Name, Heartbeat: 30}}
		for j := range plan.Instruments {
			if plan.Trades(v.ID, market.InstrumentID(j)) {
				s.Symbols[plan.Instruments[j].Symbol] = plan.Instruments[j].Symbol
			}
		}
		f.Venue = append(f.Venue, s)
	}
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(f); err != nil {
		return nil, err
	}
	return ParseConfig("replay.toml", text.Bytes())
}

// openReplayJournal starts a journal for one instrument's replay.
func (r *replayRun) openReplayJournal(table []byte) (err error) {
	if r.options.journal == "" {
		return nil
	}
	if err := os.MkdirAll(r.options.journal, 0o700); err != nil {
		return err
	}
	name := strings.ReplaceAll(r.plan.Instruments[0].Symbol, "/", "-")
	r.journalDir = filepath.Join(r.options.journal, name)
	if r.journal, err = journal.Create(r.journalDir, journal.Options{Epoch: replayEpoch,
		Config: sha256.Sum256(r.cfg.Raw), Policy: sha256.Sum256(table)}); err != nil {
		return refused(err)
	}
	if err = r.journal.AppendBlob(r.world.Begin(), blobConfig, r.cfg.Raw); err == nil && table != nil {
		err = r.journal.AppendBlob(r.world.Begin(), blobTable, table)
	}
	return err
}
