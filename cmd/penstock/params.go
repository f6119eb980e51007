package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
)

const paramsUsage = `usage: penstock params fit [--id N] [--out FILE] JOURNAL
       penstock params show JOURNAL

A parameter set is what the router knows of its venues beyond price and fee: what dark pools
hold, how often dealers refuse, whether posts fill, where the mid goes after fills. fit runs a
journal again and writes the set that its router ended with, for policy.params of the next
run; its number is that of the journal's set and one. show prints the scorecards of a journal.
`

func paramsCommand(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("params", flag.ContinueOnError)
	id := flags.Uint64("id", 0, "")
	out := flags.String("out", "", "")
	if len(args) == 0 || args[0] != "fit" && args[0] != "show" {
		if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
			fmt.Fprint(stderr, paramsUsage)
			return errHelp
		}
		return usageError("params: say fit or show", paramsUsage)
	}
	if err := parseFlags(flags, paramsUsage, args[1:], stderr); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError("params: name one journal directory", paramsUsage)
	}
	dir := journalDir(flags.Arg(0))
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w: %w: name the folder of a journal", errConfig, err)
	}
	r, flow := &rerun{}, (*outflows)(nil)
	first, last := int64(0), int64(0)
	r.seen = func(e *event.Event) {
		if flow == nil {
			flow, first = newOutflows(r), e.StepTime
		}
		last = e.StepTime
		flow.see(e)
	}
	if err := r.all(dir); err != nil {
		return err
	}
	flow.close()
	if r.Mismatch != "" {
		return failed("journal %s: %s: what it says of venues cannot be trusted", dir, r.Mismatch)
	}
	p := *r.core.Params()
	from := provenance{Journal: filepath.Base(dir), Events: r.Events, From: wallText(first), To: wallText(last),
		WindowSeconds: float64(flow.nanos) / 1e9, Windows: flow.fit(&p), Answers: map[string]int64{}}
	for v := range r.cfg.Router.Venues {
		_, from.Answers[r.cfg.Router.Venues[v].Name] = r.core.Scores()[v].Latency()
	}
	if args[0] == "show" {
		if err := printScores(stdout, r); err != nil {
			return err
		}
		return printFits(stdout, r, &p, &from)
	}
	if p.ID++; *id != 0 {
		p.ID = *id
	}
	data, err := formatParams(&p, r.cfg.Router.Venues, &from)
	if err != nil {
		return err
	}
	if *out == "" {
		_, err = stdout.Write(data)
		return err
	}
	return os.WriteFile(*out, data, 0o600)
}

// paramsFile is a parameter set as a file, venues by name.
type paramsFile struct {
	ID        uint64
	DayEdges  [policy.DayParts - 1]uint32
	SplitTake [policy.SplitCells]uint16
	NoFill    uint16
	Venues    map[string]policy.VenueParams
	// Provenance says what a fit was made of. It changes nothing.
	Provenance *provenance `json:",omitempty"`
}

// provenance is what a parameter set was fitted on.
type provenance struct {
	Journal       string
	Events        int
	From, To      string
	WindowSeconds float64                // of the outflow of queues
	Windows       [policy.SplitCells]int // by cell of the split
	Answers       map[string]int64       // behind the latencies, by venue
}

func wallText(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano) }

func formatParams(p *policy.Params, venues []market.Venue, from *provenance) ([]byte, error) {
	f := paramsFile{p.ID, p.DayEdges, p.SplitTake, p.NoFill, map[string]policy.VenueParams{}, from}
	for i := range venues {
		f.Venues[venues[i].Name] = p.Venues[i]
	}
	data, err := json.MarshalIndent(f, "", " ")
	return append(data, '\n'), err
}

// parseParams reads a parameter set; venues that it does not name keep what is compiled in.
func parseParams(data []byte, venues []market.Venue) (*policy.Params, error) {
	var f paramsFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("byte %d: %w", d.InputOffset(), plain(err))
	}
	if f.ID == 0 {
		return nil, errors.New("ID must be 1 or more: 0 is the compiled-in set")
	}
	p := *policy.PriorParams()
	p.ID, p.DayEdges, p.SplitTake, p.NoFill = f.ID, f.DayEdges, f.SplitTake, f.NoFill
	for i := range venues {
		if v, ok := f.Venues[venues[i].Name]; ok {
			p.Venues[i] = v
			delete(f.Venues, venues[i].Name)
		}
	}
	for name := range f.Venues {
		return nil, fmt.Errorf("venue %q is not configured", name)
	}
	return &p, p.Validate()
}

// readParams reads the parameter set that the configuration names, nil when it names none.
func (c *Config) readParams() (*policy.Params, error) {
	path := c.at(c.Policy.Params)
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: policy.params: %w: make one with penstock params fit", errConfig, err)
	}
	p, err := parseParams(data, c.Router.Venues)
	if err != nil {
		return nil, fmt.Errorf("%w: policy.params %s: %w", errConfig, path, err)
	}
	return p, nil
}

// takeParams brings the configured parameter set into the core, unless it is in force there
// since before a restart.
func (a *assembly) takeParams(now int64) error {
	p, err := a.cfg.readParams()
	if err != nil || p == nil || p.ID == a.core.ParamsID() {
		return err
	}
	for _, e := range router.ParamEvents(p) {
		e.RecvTime = now
		a.seq.Take(now, &e)
	}
	if a.core.ParamsID() != p.ID {
		return fmt.Errorf("%w: policy.params: set %d was refused by the core", errConfig, p.ID)
	}
	return a.seq.Err()
}

// printScores prints the scorecards of the venues.
func printScores(w io.Writer, r *rerun) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "venue\torders\tfilled\tretry\tre-price\thold\tdisable\tack p50\tp99\thold p50\tp99\t10 ms\t1 s\t10 s\t60 s\tstale mid\tinvited\tfirmed up\t")
	for i, s := range r.core.Scores() {
		fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%d\t%d\t%d\t%d\t", r.cfg.Router.Venues[i].Name, s.Orders,
			100*float64(s.Filled)/float64(max(s.Sent, 1)), s.Rejects[router.RejectRetry], s.Rejects[router.RejectReprice],
			s.Rejects[router.RejectHold], s.Rejects[router.RejectDisable])
		for _, h := range []*[router.TimeBuckets]uint32{&s.Ack, &s.Hold} {
			fmt.Fprintf(t, "%d µs\t%d µs\t", router.Quantile(h, 500), router.Quantile(h, 990))
		}
		for _, m := range s.Markout {
			fmt.Fprintf(t, "%+.3f\t", float64(m.Of())/1000)
		}
		fmt.Fprintf(t, "%d\t%d\t", s.StaleMid, s.Invites)
		if s.Invites > 0 {
			fmt.Fprintf(t, "%.0f %%", 100*float64(s.FirmUps)/float64(s.Invites))
		}
		fmt.Fprintln(t, "\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "markouts: the mid's move against us after fills, in half-spreads; times: upper ends of buckets")
	return err
}

// printFits prints what was fitted beyond the scorecards: ways to the venues, and the splits.
func printFits(w io.Writer, r *rerun, p *policy.Params, from *provenance) error {
	venues := r.cfg.Router.Venues
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nvenue\tone way\tanswers\tof a slice posted, by size (small, half, twice the touch) and lean (for us, even, against us)\t")
	row := func(name, way, answers string, split *[policy.SplitCells]uint16) {
		fmt.Fprintf(t, "%s\t%s\t%s\t", name, way, answers)
		for _, share := range split {
			fmt.Fprintf(t, "%.2f ", float64(share)/policy.One)
		}
		fmt.Fprintln(t, "\t")
	}
	for v := range venues {
		row(venues[v].Name, fmt.Sprintf("%d µs", p.Venues[v].LatencyMicros), fmt.Sprint(from.Answers[venues[v].Name]), &p.Venues[v].SplitPost)
	}
	row("taken", "", "", &p.SplitTake)
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "windows of %.1f s by cell: %v; one way: half of the quick quarter of times to the first answer\n", from.WindowSeconds, from.Windows)
	return err
}
