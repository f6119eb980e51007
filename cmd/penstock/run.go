package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"penstock/event"
	"penstock/router/loop"
)

const runUsage = `usage: penstock run -c FILE

Runs the router with the configuration in FILE until SIGINT or SIGTERM. SIGUSR1 is
the kill switch: no new orders, all open ones are cancelled; SIGUSR2 lifts it. On a
stop open orders are cancelled first.
`

const checkUsage = `usage: penstock check -c FILE

Reads the configuration and the policy table that it names and says what is wrong.
`

func configFlag(name, usage string, args []string, stderr io.Writer) (*Config, error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	path := flags.String("c", "", "")
	if err := parseFlags(flags, usage, args, stderr); err != nil {
		return nil, err
	}
	if *path == "" || flags.NArg() > 0 {
		return nil, usageError(name+": name a configuration file with -c", usage)
	}
	return LoadConfig(*path)
}

func check(args []string, stdout, stderr io.Writer) error {
	cfg, err := configFlag("check", checkUsage, args, stderr)
	if err != nil {
		return err
	}
	table, _, err := cfg.readTable(clock())
	if err != nil {
		return err
	}
	name := "compiled-in static table"
	if table != nil {
		name = "policy " + table.UUIDText()
	}
	fmt.Fprintf(stdout, "%s: %d instruments, %d venues, %d listings; %s\n", cfg.Path, len(cfg.Router.Instruments),
		len(cfg.Router.Venues), len(cfg.Router.Listings), name)
	return nil
}

func run(args []string, stdout, stderr io.Writer) error {
	cfg, err := configFlag("run", runUsage, args, stderr)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	a, err := assemble(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "router: clients on %s, policy %s, journal %s\n", a.ems.Addr(), a.policyName(), a.Dir)
	return a.serve(signals, stdout)
}

// serve obeys signals until one ends the router or it fails.
func (a *assembly) serve(signals <-chan os.Signal, stdout io.Writer) error {
	for {
		select {
		case err := <-a.failure:
			return errors.Join(temporary(err), a.stop())
		case s := <-signals:
			switch s {
			case syscall.SIGUSR1:
				a.operate(event.OperatorKill, "signal", "SIGUSR1")
				fmt.Fprintln(stdout, "router: killed: no new orders, cancelling the open ones")
			case syscall.SIGUSR2:
				a.operate(event.OperatorResume, "signal", "SIGUSR2")
				fmt.Fprintln(stdout, "router: resumed")
			default:
				fmt.Fprintln(stdout, "router: stopping: cancelling open orders")
				a.operate(event.OperatorKill, "signal", "stop")
				if err := a.awaitFlat(); err != nil {
					fmt.Fprintf(stdout, "router: %v\n", err)
				}
				return a.stop()
			}
		}
	}
}

// awaitFlat waits until nothing is open at a venue.
func (a *assembly) awaitFlat() error {
	open := 0
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return a.poll(ctx, func(s *loop.Sequencer) bool {
		open = 0
		for i := range s.Core().Parents() {
			if s.Core().Parents()[i].Reserved > 0 {
				open++
			}
		}
		return open == 0
	}, func() error { return fmt.Errorf("%d parents still have open orders at venues", open) })
}
