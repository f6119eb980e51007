package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"penstock/market"
	"penstock/policy"
	"penstock/policy/learn"
)

const evaluateUsage = `usage: penstock evaluate [--slices N] [--pairs N] [--stress N] [--ledger FILE] [--json] FILE
       penstock evaluate --journal DIR -c FILE [--json] TABLE

Estimates a table off-policy (WIS, PDIS, doubly robust, fitted Q, one-step advantage; with
effective sample sizes and intervals from a bootstrap over parents), tries it in pairs in every
regime of the simulated stock, and prints the gate's verdict. With --journal the estimates are
made from the decisions and fills of a journal whose router explored (-c names its configuration,
for fees); there are no trials then and no verdict. Exit code 1 when the gate refuses.
`

func evaluate(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	t := &trainer{seed: 1, rateBps: 5000, method: learn.Pevi}
	flags.IntVar(&t.slices, "slices", 6000, "")
	flags.IntVar(&t.pairs, "pairs", 60, "")
	flags.IntVar(&t.stress, "stress", 16, "")
	ledger := flags.String("ledger", "", "")
	dir := flags.String("journal", "", "")
	config := flags.String("c", "", "")
	asJSON := flags.Bool("json", false, "")
	if err := parseFlags(flags, evaluateUsage, args, stderr); err != nil {
		return err
	}
	switch {
	case flags.NArg() != 1:
		return usageError("evaluate: name one table", evaluateUsage)
	case t.slices < 600 || t.pairs < 8 || t.stress < 1:
		return usageError("evaluate: at least 600 slices, 8 pairs and 1 stress pair", evaluateUsage)
	}
	table, _, err := loadTable(flags.Arg(0), "")
	if err != nil {
		return err
	}
	if *dir != "" {
		return evaluateJournal(table, *dir, *config, *asJSON, stdout)
	}
	if t.looks, err = look(*ledger, flags.Arg(0)); err != nil {
		return err
	}
	report, err := t.judgeTable(table, startCounter(stderr, "parents"))
	if err != nil {
		return err
	}
	if *asJSON {
		if err := writeJSON(stdout, report); err != nil {
			return err
		}
	} else {
		printReport(stdout, report)
	}
	if !report.Pass {
		return failed("%s does not pass the gate", flags.Arg(0))
	}
	return nil
}

// judgeTable is the gate for a table that was made elsewhere.
func (t *trainer) judgeTable(table *policy.Table, count *counter) (*learn.Report, error) {
	t.count, t.controls, t.trials = count, t.pairs, t.pairs
	t.see(table)
	t.notBefore, t.notAfter = validity(time.Now().UTC().Truncate(24 * time.Hour))
	if err := t.collectAll(); err != nil {
		return nil, err
	}
	report, _, err := t.judge(table)
	return report, err
}

// see makes the data of this run as a table sees them.
func (t *trainer) see(table *policy.Table) {
	schema := table.Schema()
	t.schema, t.pages = &schema, table.Pages()
	for _, s := range table.Sections() {
		if s.Tag == "SGNL" || s.Tag == "PAGE" {
			t.sections = append(t.sections, s)
		}
	}
}

// evaluateJournal estimates a table from what a live router logged.
func evaluateJournal(table *policy.Table, dir, config string, asJSON bool, stdout io.Writer) error {
	if config == "" {
		return usageError("evaluate: --journal needs the router's configuration, -c FILE, for fees", evaluateUsage)
	}
	cfg, err := LoadConfig(config)
	if err != nil {
		return err
	}
	var venues []market.Venue
	venues = append(venues, cfg.Router.Venues...)
	tick := float64(cfg.Router.Instruments[0].Tick)
	g, err := learn.FromJournal(dir, learn.LogConfig{Venues: venues, Terminal: 2.3 * tick})
	if err != nil {
		return err
	}
	if len(g.Episodes) == 0 {
		return failed("%s: no slice with decisions in it", dir)
	}
	ev := learn.Evaluate(g.Episodes, tableActs(table), learn.DefaultEvaluate())
	if asJSON {
		return writeJSON(stdout, ev)
	}
	fmt.Fprintf(stdout, "%d slices of %d parents, %d decisions, %.0f %% of them as the table would\n", ev.Episodes, ev.Clusters, ev.Rows, 100*ev.Matched)
	for reason, n := range g.Dropped {
		fmt.Fprintf(stdout, "%d decisions left out: %s\n", n, reason)
	}
	var list []learn.Estimate
	for _, e := range ev.Estimates() {
		list = append(list, *e)
	}
	printEstimates(stdout, list)
	return nil
}
