package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"penstock/venues/tape"
)

// verifyRow is one recording in the report of replay --verify.
type verifyRow struct {
	Recording string           `json:"recording"`
	Format    string           `json:"format,omitempty"`
	Skipped   string           `json:"not_played,omitempty"`
	Messages  int64            `json:"messages"`
	Events    int64            `json:"events"`
	Books     int              `json:"books"`
	Live      int              `json:"books_live_at_end"`
	Gaps      int64            `json:"gaps"`
	Passes    int64            `json:"checks_passed"`
	Failures  int64            `json:"checks_failed"`
	Malformed int64            `json:"malformed"`
	Absurd    int64            `json:"absurd"`
	Crossed   int              `json:"crossed"`
	Locked    int64            `json:"locked"`
	Restarts  int64            `json:"restarts,omitempty"`
	Beats     int64            `json:"heartbeats,omitempty"`
	Tickers   int64            `json:"book_tickers,omitempty"`
	Foreign   int64            `json:"not_ours,omitempty"`
	Before    int64            `json:"of_earlier_orders,omitempty"`
	Cut       bool             `json:"cut"`
	Known     string           `json:"known,omitempty"`
	Types     map[string]int64 `json:"types,omitempty"`
	CutTypes  map[string]int64 `json:"types_in_cut_packet,omitempty"`
	Faults    []string         `json:"failures,omitempty"`
}

func newVerifyRow(r *tape.Recording, v *tape.Verdict) verifyRow {
	return verifyRow{Recording: r.Name, Format: v.Format, Messages: v.Messages, Events: v.Events, Books: v.Books,
		Live: v.Live, Gaps: v.Gaps, Passes: v.Checked, Failures: v.Mismatch, Malformed: v.Malformed,
		Absurd: v.Absurd + int64(v.Refused), Crossed: v.CrossedBook, Locked: v.Locked, Restarts: v.Restarts,
		Beats: v.Beats, Tickers: v.Tickers, Foreign: v.Foreign, Before: v.Before, Cut: v.Cut(),
		Known: v.Known, Types: v.Types, CutTypes: v.CutTypes, Faults: v.Failures()}
}

// verifyRecordings plays recordings with every symbol in them and reports what each
// has shown: all below the folder of recordings, or those of the feeds.
func verifyRecordings(o *replayOptions, stdout, stderr io.Writer) error {
	list, err := recordingsToVerify(o)
	if err != nil {
		return err
	}
	var rows []verifyRow
	begin := time.Now()
	for i := range list {
		r := &list[i]
		row := verifyRow{Recording: r.Name, Skipped: r.Why}
		if r.Feed.Format != "" {
			start := time.Now()
			fmt.Fprintf(stderr, "%s …\n", r.Name)
			v, err := tape.Verify(r.Name, r.Feed, func() {
				fmt.Fprintf(stderr, "%s … %.0f s\n", r.Name, time.Since(start).Seconds())
			})
			if err != nil {
				row.Format, row.Faults, row.Skipped = r.Feed.Format, []string{err.Error()}, ""
			} else {
				v.Known, v.KnownCrossed = r.Known, r.KnownCrossed
				row = newVerifyRow(r, v)
			}
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(stderr, "%d recordings in %.1f s\n", len(rows), time.Since(begin).Seconds())
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(rows); err != nil {
			return err
		}
	} else {
		printVerified(stdout, rows, o.verbose)
	}
	bad := slices.DeleteFunc(slices.Clone(rows), func(r verifyRow) bool { return len(r.Faults) == 0 })
	if len(bad) > 0 {
		return failed("replay --verify: %d of %d recordings failed, the first %s: %s", len(bad), len(rows),
			bad[0].Recording, bad[0].Faults[0])
	}
	return nil
}

func recordingsToVerify(o *replayOptions) (list []tape.Recording, err error) {
	for _, f := range o.feeds {
		list = append(list, tape.Recording{Name: f.Venue + " " + strings.Join(f.Paths, ","), Feed: f})
	}
	if len(list) > 0 {
		return list, nil
	}
	if _, err := os.Stat(dataDir()); err != nil {
		return nil, fmt.Errorf("%w: no recordings: %w: set PENSTOCK_DATA to their folder or name one with --feed",
			errConfig, err)
	}
	if list, err = tape.Recordings(dataDir()); err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	return list, nil
}

func printVerified(w io.Writer, rows []verifyRow, verbose bool) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "messages\tevents\tbooks\tgaps\tpassed\tfailed\tmalformed\tabsurd\tcrossed\tcut\t format\t  recording")
	var played, messages int64
	tickers := map[string][2]int64{} // right and wrong, by folder
	skipped := map[string]int{}
	for i := range rows {
		r := &rows[i]
		if r.Skipped != "" {
			skipped[r.Skipped]++
			continue
		}
		played++
		messages += r.Messages
		if strings.HasPrefix(r.Format, "binance") {
			folder := path.Dir(r.Recording)
			tickers[folder] = [2]int64{tickers[folder][0] + r.Passes, tickers[folder][1] + r.Failures}
		}
		cut := "-"
		if r.Cut {
			cut = "cut"
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t %s\t  %s\n", r.Messages, r.Events, r.Books, r.Gaps, r.Passes,
			r.Failures, r.Malformed, r.Absurd, r.Crossed, cut, r.Format, r.Recording)
	}
	t.Flush()
	for i := range rows {
		rows[i].printNotes(w, verbose)
	}
	fmt.Fprintf(w, "%d recordings played, %d messages\n", played, messages)
	for _, folder := range slices.Sorted(maps.Keys(tickers)) {
		n := tickers[folder]
		fmt.Fprintf(w, "Binance, %s: the book equals bookTicker at %d/%d updates that both carry\n", folder, n[0], n[0]+n[1])
	}
	for _, why := range slices.Sorted(maps.Keys(skipped)) {
		fmt.Fprintf(w, "not played, %s:\n", why)
		for i := range rows {
			if rows[i].Skipped == why {
				fmt.Fprintf(w, "  %s\n", rows[i].Recording)
			}
		}
	}
	for i := range rows {
		if r := &rows[i]; len(r.Faults) > 0 {
			fmt.Fprintf(w, "FAILED: %s: %s\n", r.Recording, strings.Join(r.Faults, "; "))
		}
	}
}

// printNotes says what of a recording has no column.
func (r *verifyRow) printNotes(w io.Writer, verbose bool) {
	if r.Known != "" && (r.Cut || r.Crossed > 0) {
		fmt.Fprintf(w, "known: %s: %s\n", r.Recording, r.Known)
	}
	if r.Skipped != "" || !verbose {
		return
	}
	counts := func(name string, types map[string]int64) {
		if len(types) > 0 {
			fmt.Fprintf(w, "  %s:", name)
			for _, kind := range slices.Sorted(maps.Keys(types)) {
				fmt.Fprintf(w, " %s %d", kind, types[kind])
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintf(w, "%s: %d books LIVE at the end, %d locked, %d restarts, %d heartbeats, %d tickers, %d not ours, "+
		"%d of earlier orders\n", r.Recording, r.Live, r.Locked, r.Restarts, r.Beats, r.Tickers, r.Foreign, r.Before)
	counts("types", r.Types)
	counts("in the cut packet", r.CutTypes)
}
