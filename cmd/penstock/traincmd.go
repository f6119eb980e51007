package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"penstock/policy"
	"penstock/policy/learn"
)

const trainUsage = `usage: penstock train -o FILE [--slices N] [--pairs N] [--stress N] [--method NAME] [--z Z] [--seed N]
                      [--explore BPS] [--signal HOURS] [--pages N] [--trials N] [--ledger FILE] [--key FILE] [--signed-by NAME] [--slim] [--json]

Logs parents in the simulated stock with BASELINE and uniform exploration, learns a table from
them, estimates it off-policy on seeds never trained on, tries it against BASELINE in pairs in
every regime, runs the negative controls, and lets the gate decide. The table is written either
way; a table that did not pass carries "pass": false, no router loads it, and the exit code is 1.

Before that it distils a price signal from --signal N hours of the stock (0: the lean of the touch
is the signal), which is used only if it predicts better on other seeds than the touch alone. Without
--z the pessimism is chosen by the lower bound of --trials N pairs on validation seeds, and so is
whether the table gets --pages N (2 to 4; 1: never) regime pages by the pace of trading, each learnt alone.

--method is pevi (fitted Q iteration on lower confidence bounds, anchored at BASELINE; the
default), linear (the same without bounds and anchor), greedy, vi-lcb or cql (by cell): the others
show what pevi is for. Defaults: --slices 20000 --pairs 200 --stress 60 --seed 1 --explore 5000
--signal 60 --pages 3 --trials 100.

--ledger FILE counts the looks at the gate's seeds; more than five and the gate stays shut until
the seeds are changed. --key FILE holds a hex ed25519 private key (64 bytes) to sign with.
--slim leaves values, errors and visits out of the file. Equal options give equal tables.
`

// mostPessimism bounds --z, in standard errors: far above what the trials try.
const mostPessimism = 100

func train(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	t := &trainer{}
	out := flags.String("o", "", "")
	flags.IntVar(&t.slices, "slices", 20_000, "")
	flags.IntVar(&t.pairs, "pairs", 200, "")
	flags.IntVar(&t.stress, "stress", 60, "")
	method := flags.String("method", string(learn.Pevi), "")
	flags.Float64Var(&t.z, "z", 0, "")
	flags.Uint64Var(&t.seed, "seed", 1, "")
	flags.IntVar(&t.signalSeeds, "signal", 60, "")
	flags.IntVar(&t.trials, "trials", 100, "")
	flags.IntVar(&t.regimes, "pages", 3, "")
	rate := flags.Uint("explore", 5000, "")
	ledger := flags.String("ledger", "", "")
	key := flags.String("key", "", "")
	flags.StringVar(&t.signedBy, "signed-by", "", "")
	flags.BoolVar(&t.slim, "slim", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parseFlags(flags, trainUsage, args, stderr); err != nil {
		return err
	}
	switch {
	case *out == "" || flags.NArg() != 0:
		return usageError("train: name the file to write with -o", trainUsage)
	case t.slices < 600 || t.pairs < 8 || t.stress < 1 || t.trials < 2 || t.signalSeeds < 0:
		return usageError("train: at least 600 slices, 8 pairs, 1 stress pair and 2 trials; signal is 0 or more hours", trainUsage)
	case !(t.z >= 0 && t.z <= mostPessimism): // nor NaN
		return usageError(fmt.Sprintf("train: --z is 0 to %d; 0 lets the trials choose", mostPessimism), trainUsage)
	case t.regimes < 1 || t.regimes > policy.MaxPages:
		return usageError("train: --pages is 1 to 4", trainUsage)
	case *rate == 0 || *rate > 10_000:
		return usageError("train: --explore is 1 to 10000", trainUsage)
	}
	t.rateBps, t.method, t.controls = uint16(*rate), learn.Method(*method), t.pairs
	signer, err := readSigner(*key)
	if err != nil {
		return err
	}
	if t.looks, err = look(*ledger, *out); err != nil {
		return err
	}
	t.notBefore, t.notAfter = validity(time.Now().UTC().Truncate(24 * time.Hour))
	t.count = startCounter(stderr, "parents")
	if err := t.collectAll(); err != nil {
		return err
	}
	result, err := t.run()
	if err != nil {
		return err
	}
	return finishTable(result.Table, result.Report, *out, signer, *asJSON, stdout)
}

// finishTable writes a table with its report and says what the gate said.
func finishTable(table *policy.Table, report *learn.Report, path string, signer ed25519.PrivateKey, asJSON bool, stdout io.Writer) error {
	data, err := policy.Encode(table, signer)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(stdout, report); err != nil {
			return err
		}
	} else {
		printReport(stdout, report)
		fmt.Fprintf(stdout, "wrote %s: %d bytes, policy %s\n", path, len(data), table.UUIDText())
	}
	if !report.Pass {
		return failed("%s did not pass the gate: no router loads it, BASELINE stays", path)
	}
	return nil
}

func printReport(w io.Writer, r *learn.Report) {
	fmt.Fprintf(w, "%-18s %5s %9s %9s %9s %6s   in simulator %s, against BASELINE, bps of the order\n", "regime", "pairs", "saved", "low 95%",
		"high 95%", "wins", simulatorName)
	for _, s := range r.Regimes {
		kind := ""
		if s.Nominal {
			kind = " *"
		}
		fmt.Fprintf(w, "%-18s %5d %9.3f %9.3f %9.3f %5.0f%%%s\n", s.Regime, s.Pairs, s.Saved, s.Low, s.High, 100*s.WinRate, kind)
	}
	if r.Signal != nil {
		printSignal(w, r.Signal)
	}
	for _, s := range r.Chosen {
		fmt.Fprintf(w, "validation, %s: saved %.3f bps (95 %% %.3f to %.3f) on %d pairs\n", s.Regime, s.Saved, s.Low, s.High, s.Pairs)
	}
	printEstimates(w, r.OPE)
	for _, c := range r.Checks {
		mark := "holds"
		if !c.Pass {
			mark = "FAILS"
		}
		fmt.Fprintf(w, "%s %s %s: %.3f, limit %.3f\n", c.ID, mark, c.What, c.Value, c.Limit)
	}
	if r.Pass {
		fmt.Fprintf(w, "gate: PASS (%s)\n", r.Label)
	} else {
		fmt.Fprintln(w, "gate: FAIL")
	}
}

func printEstimates(w io.Writer, list []learn.Estimate) {
	fmt.Fprintf(w, "%-18s %9s %9s %9s %9s %9s   off-policy, over BASELINE, bps of the slice\n", "estimator", "value", "se", "low 95%", "high 95%", "ESS")
	for _, e := range list {
		fmt.Fprintf(w, "%-18s %9.3f %9.3f %9.3f %9.3f %9.0f\n", e.Name, e.Value, e.SE, e.Low, e.High, e.ESS)
	}
}

func readSigner(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: signing key: %w", errConfig, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: %s: an ed25519 private key is %d bytes in hex", errConfig, path, ed25519.PrivateKeySize)
	}
	return key, nil
}

// ledgerEntry is one look at the gate's seeds.
type ledgerEntry struct {
	Time  string `json:"time"`
	Table string `json:"table"`
	Seeds uint64 `json:"seedsFrom"`
}

// look adds a line to the ledger and returns how many looks there were, this one
// included. Without a ledger it is one.
func look(path, table string) (int, error) {
	if path == "" {
		return 1, nil
	}
	var entries []ledgerEntry
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return 0, fmt.Errorf("%w: ledger: %w", errConfig, err)
	default:
		if err := json.Unmarshal(data, &entries); err != nil {
			return 0, fmt.Errorf("%w: ledger %s: %w", errConfig, path, err)
		}
	}
	entries = append(entries, ledgerEntry{time.Now().UTC().Format(time.RFC3339), table, gateSeeds})
	data, err = json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return 0, err
	}
	return len(entries), os.WriteFile(path, append(data, '\n'), 0o644)
}
