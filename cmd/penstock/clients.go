package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"penstock/fix/ems"
	"penstock/fix/ems/guard"
	"penstock/internal/host"
)

// openPort takes the clients' port before anything else is done: that somebody has it is said
// before the journal is read and any venue is asked, and no connection to a venue can get it.
// Clients are refused until openEMS.
func (a *assembly) openPort() (err error) {
	if a.acceptor, err = a.cfg.clients(); err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	if a.port, err = guard.Bind(a.acceptor.Listen); err != nil {
		return fmt.Errorf("clients' port (ems.listen): %w", err)
	}
	return nil
}

// clients returns what the configuration, and the QuickFIX file that it may name, say of them.
func (c *Config) clients() (ems.Config, error) {
	cfg := c.Acceptor
	cfg.Sessions, cfg.DropCopies = slices.Clone(cfg.Sessions), slices.Clone(cfg.DropCopies)
	err := c.readQuickfix(&cfg)
	return cfg, err
}

// sayPort warns of a port that somebody else may have after a crash.
func (a *assembly) sayPort(say func(string, ...any)) {
	if f := host.This().Port(a.port.Number()); f.Grade != host.Pass {
		say("router: clients' port %s: %s", f.Saw, f.Fix)
	}
}

// complete adds what the rest of the configuration, and files that it names, say of clients.
func (c *Config) complete(cfg *ems.Config) error {
	cfg.Instruments, cfg.Venues = c.Router.Instruments, c.Router.Venues
	if err := c.passwords(cfg); err != nil {
		return err
	}
	var clients []string
	for i := range cfg.Sessions {
		clients = append(clients, cfg.Sessions[i].TargetCompID)
	}
	if err := c.bindClients(clients); err != nil {
		return err
	}
	if cfg.StoreDir == "" {
		cfg.StoreDir = filepath.Join(c.at(c.file.Router.State), "ems")
	}
	if cfg.LogDir == "" {
		cfg.LogDir = filepath.Join(c.at(c.file.Router.State), "log")
	}
	return nil
}

// storeDamaged tells that the store of a client's session, or of somebody who gets copies, lost its end.
func (a *assembly) storeDamaged(session string, bytes int64) {
	again := "what it had kept of the run before is not sent again"
	if a.recovered != nil {
		again = "the reports that were in them come again from the journal, with PossResend(97)"
	}
	a.alarm(alert{Severity: warning, Kind: "ems", Text: fmt.Sprintf("the store of session %s was damaged: its last %d bytes are cut off, "+
		"and its numbers go on above all that were used; %s", session, bytes, again),
		Do: "look for the cause on the disk of router.state, and let the client compare its executions by ExecID(17)"})
}

func (a *assembly) openEMS() error {
	cfg := a.acceptor
	cfg.Port = a.port
	cfg.Sink, cfg.Durable, cfg.Run = a.orderedBy(a.sinkTo(a.clients)), a.journal.Durable, a.run
	cfg.HostDied, cfg.Damaged = a.life.hostDied, a.storeDamaged
	if a.recovered != nil {
		cfg.Resume = &ems.Resume{Clients: a.recovered.clients}
	}
	if err := a.cfg.complete(&cfg); err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	var err error
	if a.ems, err = ems.Listen(cfg); err != nil {
		return err
	}
	a.wake.Store(a.ems)
	if a.recovered != nil {
		a.tellClients(a.recovered)
	}
	return nil
}
