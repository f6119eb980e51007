package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"

	"penstock/venues/sim/realism"
)

const realismUsage = `usage: penstock realism [--full] [--data DIR] [-o FILE]

Measures whether the simulated stock behaves like a market (tests R1 to R18) and writes the
scorecard as Markdown, with the same statistics of recorded markets beside it when --data names
a folder of them. --full takes several minutes. Exit code 1 when a target is missed without a
waiver.
`

func realismCommand(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("realism", flag.ContinueOnError)
	full := flags.Bool("full", false, "")
	data := flags.String("data", "", "")
	out := flags.String("o", "", "")
	if err := parseFlags(flags, realismUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError(fmt.Sprintf("realism: %q is not an option", flags.Arg(0)), realismUsage)
	}
	effort := realism.Brief
	if *full {
		effort = realism.Full
	}
	var recordings []realism.Recording
	if *data != "" {
		var err error
		if recordings, err = realism.Recordings(os.DirFS(*data)); err != nil {
			return fmt.Errorf("%w: %w", errConfig, err)
		}
	}
	results, err := realism.Scorecard(effort)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	realism.Markdown(&page, results, effort, recordings)
	if *out == "" {
		_, err = stdout.Write(page.Bytes())
	} else {
		err = os.WriteFile(*out, page.Bytes(), 0o644)
	}
	if err != nil {
		return err
	}
	for _, r := range results {
		if !r.Pass && r.Waiver == "" {
			return failed("%s %s: target %s, measured %s", r.ID, r.What, r.Target, r.Measured)
		}
	}
	return nil
}
