package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"penstock/policy"
	"penstock/policy/learn"
)

const policyUsage = `usage: penstock policy build-baseline -o FILE
       penstock policy inspect [--cell N [--page N]] [--key FILE] FILE
       penstock policy verify [--key FILE] FILE
       penstock policy diff FILE FILE
       penstock policy export [--csv] [-o FILE] TABLE
       penstock policy import -o TABLE [--slices N] [--pairs N] [--stress N] FILE

build-baseline  write the rule-based table, which is not BASELINE: most of its cells are older
                rules. Without policy.table a router trades by BASELINE, compiled in
inspect         print what a table says of itself; --cell prints one decision
verify          check every part of a table as the router would; exit code 1 when
                it would be refused
diff            cells in which two tables differ; exit code 1 when there are any
export          a table as JSON or CSV, for other tools
import          a table from JSON or CSV, through the same gate as a trained one

--key FILE holds a hex ed25519 public key; without it unsigned tables pass.
`

func policyCommand(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usageError("policy: name what to do", policyUsage)
	}
	if args[0] == "-h" || args[0] == "--help" {
		fmt.Fprint(stdout, policyUsage)
		return nil
	}
	flags := flag.NewFlagSet("policy "+args[0], flag.ContinueOnError)
	out := flags.String("o", "", "")
	key := flags.String("key", "", "")
	cell := flags.Int("cell", -1, "")
	page := flags.Int("page", 0, "")
	asCSV := flags.Bool("csv", false, "")
	gate := &trainer{seed: 1, rateBps: 5000, method: learn.Pevi, looks: 1}
	flags.IntVar(&gate.slices, "slices", 6000, "")
	flags.IntVar(&gate.pairs, "pairs", 60, "")
	flags.IntVar(&gate.stress, "stress", 16, "")
	if err := parseFlags(flags, policyUsage, args[1:], stderr); err != nil {
		return err
	}
	if err := policyFlags(args[0], flags); err != nil {
		return err
	}
	switch args[0] {
	case "build-baseline":
		if *out == "" || flags.NArg() != 0 {
			return usageError("policy build-baseline: name the file to write with -o", policyUsage)
		}
		return buildBaseline(*out, stdout)
	case "inspect", "verify":
		if flags.NArg() != 1 {
			return usageError("policy "+args[0]+": name one table", policyUsage)
		}
		table, size, err := loadTable(flags.Arg(0), *key)
		if err != nil {
			return err
		}
		if args[0] == "verify" {
			signed := "unsigned: a router loads it only with allow_unsigned"
			if table.Trusted() {
				signed = "signed by the given key"
			}
			fmt.Fprintf(stdout, "%s: %d bytes, policy %s: every check holds, %s\n", flags.Arg(0), size,
				table.UUIDText(), signed)
			return nil
		}
		return inspect(table, *page, *cell, stdout)
	}
	return policyText(args[0], flags.Args(), *out, *asCSV, gate, stdout, stderr)
}

// policyOptions are the flags of each verb.
var policyOptions = map[string][]string{"build-baseline": {"o"}, "inspect": {"cell", "page", "key"}, "verify": {"key"},
	"diff": {}, "export": {"csv", "o"}, "import": {"o", "slices", "pairs", "stress"}}

// policyFlags refuses flags that the verb would not look at.
func policyFlags(verb string, flags *flag.FlagSet) error {
	options, known := policyOptions[verb]
	given := map[string]string{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = f.Value.String() })
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if known && !slices.Contains(options, name) {
			return usageError(fmt.Sprintf("policy %s: --%s is not an option of it", verb, name), policyUsage)
		}
	}
	cell, one := given["cell"]
	if _, paged := given["page"]; paged && !one {
		return usageError("policy inspect: --page is of one decision: say its --cell, too", policyUsage)
	}
	if strings.HasPrefix(cell, "-") {
		return usageError(fmt.Sprintf("policy inspect: --cell %s: cells are counted from 0", cell), policyUsage)
	}
	return nil
}

// policyText is the part of the command that turns tables into text and back.
func policyText(verb string, args []string, out string, asCSV bool, gate *trainer, stdout, stderr io.Writer) error {
	switch {
	case verb == "diff" && len(args) == 2:
		a, _, err := loadTable(args[0], "")
		if err != nil {
			return err
		}
		b, _, err := loadTable(args[1], "")
		if err != nil {
			return err
		}
		return diffTables(a, b, stdout)
	case verb == "export" && len(args) == 1:
		t, _, err := loadTable(args[0], "")
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := exportTable(t, asCSV, &text); err != nil {
			return err
		}
		if out == "" {
			_, err = stdout.Write(text.Bytes())
			return err
		}
		return os.WriteFile(out, text.Bytes(), 0o644)
	case verb == "import" && len(args) == 1 && out != "":
		if gate.slices < 600 || gate.pairs < 8 || gate.stress < 1 {
			return usageError("policy import: at least 600 slices, 8 pairs and 1 stress pair", policyUsage)
		}
		return importTable(args[0], out, gate, stdout, stderr)
	case verb == "diff" || verb == "export" || verb == "import":
		return usageError("policy "+verb+": files are missing or too many", policyUsage)
	}
	return usageError(fmt.Sprintf("policy: unknown action %q", verb), policyUsage)
}

// baselineTable builds the rule-based table and its file. It is valid from the
// day before it was built, for ten years.
func baselineTable() ([]byte, error) {
	const day = int64(24 * time.Hour)
	now := time.Now().UnixNano()
	table, err := policy.BuildBaseline(policy.BuildOptions{
		Version: version, BuildTime: now, NotBefore: now - day, NotAfter: now + 3650*day,
	})
	if err != nil {
		return nil, err
	}
	return policy.Encode(table, nil)
}

func buildBaseline(path string, stdout io.Writer) error {
	data, err := baselineTable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	table, _, err := loadTable(path, "")
	if err != nil {
		return fmt.Errorf("the table just written cannot be read: %w", err)
	}
	fmt.Fprintf(stdout, "wrote %s: %d bytes, policy %s\n", path, len(data), table.UUIDText())
	return nil
}

func loadTable(path, keyPath string) (*policy.Table, int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errConfig, err)
	}
	options := policy.LoadOptions{AllowUnsigned: keyPath == ""}
	if keyPath != "" {
		if options.TrustedKeys, err = readKeys(keyPath); err != nil {
			return nil, 0, err
		}
	}
	table, err := policy.Decode(data, time.Now().UnixNano(), options)
	if err != nil {
		return nil, 0, failed("%s: %w", path, err)
	}
	return table, len(data), nil
}

func readKeys(path string) ([]ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: public key: %w", errConfig, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: %s: an ed25519 public key is %d bytes in hex", errConfig, path,
			ed25519.PublicKeySize)
	}
	return []ed25519.PublicKey{key}, nil
}

func inspect(t *policy.Table, page, cell int, stdout io.Writer) error {
	if cell >= 0 {
		text, err := t.Explain(page, uint32(cell))
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("policy inspect: --cell: %w", err)}
		}
		fmt.Fprintln(stdout, text)
		printValues(stdout, t, page, uint32(cell))
		return nil
	}
	h, m := t.Header(), t.Meta()
	stamp := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }
	fmt.Fprintf(stdout, "policy    %s\ntrainer   %s %s\nbuilt     %s\nvalid     %s to %s\npages     %d of %d cells\nsigned    %v\n",
		t.UUIDText(), m.Trainer, m.Version, stamp(h.BuildTime), stamp(h.NotBefore), stamp(h.NotAfter),
		t.Pages(), policy.States, t.Trusted())
	if p := t.Regimes(); t.Pages() > 1 {
		fmt.Fprintf(stdout, "page      by %s, edges %v, after %d s\n", p.By, p.Edges[:t.Pages()-1], p.DwellNanos/1e9)
	}
	if s := t.PriceSignal(); s != nil {
		fmt.Fprintf(stdout, "signal    by lean, order flow imbalance and flow: %d to %d thousandths of the half-spread, rising with each\n",
			int32(s.Values[0])*s.Unit, int32(s.Values[len(s.Values)-1])*s.Unit)
	}
	if h.TrainData != [32]byte{} {
		fmt.Fprintf(stdout, "training  SHA-256 %x, seeds %v\nparent    %x\n", h.TrainData, m.Seeds, h.ParentPolicy)
	}
	for _, p := range m.Params {
		fmt.Fprintf(stdout, "parameter %s\n", p)
	}
	if r := gateOf(t); r != nil {
		printReport(stdout, r)
	}
	for _, rule := range m.Rules {
		fmt.Fprintf(stdout, "rule      %s\n", rule)
	}
	var counts [policy.Actions]int
	for p := range t.Pages() {
		for i := range uint32(policy.States) {
			counts[t.At(p, i).Action]++
		}
	}
	for id, n := range counts {
		fmt.Fprintf(stdout, "%-15s %6d cells\n", policy.ActionName(uint8(id)), n)
	}
	return nil
}
