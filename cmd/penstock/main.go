// Command penstock is a smart order router: it takes parent orders over FIX and
// allocates child orders over lit exchanges, dark pools and single-dealer
// platforms.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `usage: penstock COMMAND [options]

  demo      simulated venues, the router and an EMS client on loopback; no keys, no network
  run       the router, live, from a configuration file
  replay    recorded market data through the same decoders, books and core
  record    what the live feeds receive, to files that replay plays
  ctl       what a person orders: kill, release, pause, limit, status and more
  dump      a journal as text; --verify runs it again and compares
  explain   what each decision in a journal saw and what it expected every venue to cost
  audit     every record of an order or of what persons did, and what is missing
  simulate  parents in the simulated stock by two policies, paired; with confidence bounds
  realism   whether the simulated stock behaves like a market, beside recorded ones
  train     learn a policy table in the simulated stock, try it, let the gate decide
  evaluate  a policy table off-policy and in pairs, and the gate's verdict
  scenario  the page of one large order by every policy
  params    fit, show: what is known of venues, from a journal
  policy    build-baseline, inspect, verify, diff, export, import: policy tables
  check     read a configuration and say what is wrong with it
  manifest  what this program would run with, for router.manifest
  atdl      the strategies and their parameters as FIXatdl 1.1, for a client's order tickets
  doctor    what this machine does to latency, and the lines that repair it
  version   print the version

Exit codes: 0 done, 1 what was checked does not hold or is not finished, 2 usage or
configuration error, 75 temporary (try again), 78 refused to start. "penstock COMMAND
-h" tells more.
`

// version is what this build calls itself.
const version = "0.2.0"

// Exit codes, as in sysexits.h where they have a name there.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitTemporary = 75
	exitRefused   = 78
)

// exitError carries the exit code that an error asks for.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func failed(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Errorf(format, args...)}
}

func refused(err error) error { return &exitError{exitRefused, err} }

func temporary(err error) error { return &exitError{exitTemporary, err} }

func usageError(what, usage string) error {
	return &exitError{exitUsage, fmt.Errorf("%s\n\n%s", what, usage)}
}

// parseFlags parses args; -h prints usage and is errHelp.
func parseFlags(flags *flag.FlagSet, usage string, args []string, stderr io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		return errHelp
	}
	if err != nil {
		return usageError(flags.Name()+": "+err.Error(), usage)
	}
	return nil
}

// emptyFlag returns the first flag that was given with an empty value, "" when there is none: a script
// whose variable is not set must not be taken to have asked for nothing.
func emptyFlag(flags *flag.FlagSet) (name string) {
	flags.Visit(func(f *flag.Flag) {
		if getter, ok := f.Value.(flag.Getter); ok && getter.Get() == "" && name == "" {
			name = f.Name
		}
	})
	return name
}

var errHelp = errors.New("help was asked for")

var commands = map[string]func(args []string, stdout, stderr io.Writer) error{
	"demo":     demo,
	"run":      run,
	"replay":   replay,
	"record":   record,
	"ctl":      ctl,
	"dump":     dump,
	"explain":  explain,
	"audit":    audit,
	"params":   paramsCommand,
	"policy":   policyCommand,
	"check":    check,
	"manifest": writeManifest,
	"doctor":   doctor,
	"atdl":     printATDL,
	"simulate": simulate,
	"realism":  realismCommand,
	"train":    train,
	"evaluate": evaluate,
	"scenario": scenario,
}

func main() { os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr)) }

// Main runs one command and returns the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "version", "--version":
		fmt.Fprintf(stdout, "penstock %s\n", version)
		return 0
	case "-h", "--help", "help":
		fmt.Fprint(stdout, usage)
		return 0
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "penstock: unknown command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	err := command(args[1:], stdout, stderr)
	if err == nil || errors.Is(err, errHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "penstock: %v\n", err)
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, errConfig):
		return exitUsage
	}
	return exitFailed
}
