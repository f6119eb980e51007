package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"text/tabwriter"

	"penstock/internal/host"
)

const doctorUsage = `usage: penstock doctor [--json] [-c FILE]

Says what this machine does to latency: cores, clocks, memory, interrupts, network,
each as pass, warn or fail, with the line that repairs it. Changes nothing. Exit code
1 when something fails. With a configuration it looks at its clients' port, too.
`

func doctor(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	var asJSON bool
	flags.BoolVar(&asJSON, "json", false, "")
	path := flags.String("c", "", "")
	if err := parseFlags(flags, doctorUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError(fmt.Sprintf("doctor: %q is not an option", flags.Arg(0)), doctorUsage)
	}
	findings := host.This().Examine()
	if *path != "" {
		cfg, err := LoadConfig(*path)
		if err != nil {
			return err
		}
		clients, err := cfg.clients()
		if err != nil {
			return fmt.Errorf("%w: %w", errConfig, err)
		}
		port, err := net.ResolveTCPAddr("tcp", clients.Listen)
		if err != nil {
			return fmt.Errorf("%w: ems.listen: %w", errConfig, err)
		}
		if port.Port != 0 {
			findings = append(findings, host.This().Port(port.Port))
		}
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(findings); err != nil {
			return err
		}
	} else {
		printFindings(stdout, findings)
	}
	fails := 0
	for i := range findings {
		if findings[i].Grade == host.Fail {
			fails++
		}
	}
	if fails > 0 {
		return failed("doctor: %d of %d checks failed", fails, len(findings))
	}
	return nil
}

func printFindings(w io.Writer, findings []host.Finding) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for i := range findings {
		f := &findings[i]
		fmt.Fprintf(t, "%v\t%s\t%s\n", f.Grade, f.Name, f.Saw)
		if f.Fix != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", f.Fix)
		}
	}
	t.Flush()
}
