package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"penstock/event"
	"penstock/journal"
	"penstock/policy"
	"penstock/router"
)

// Names of the blobs at the start of every journal: with them a journal is
// enough to run its day again.
const (
	blobConfig = "config.toml"
	blobTable  = "policy.penstock"
)

// journalDir returns dir itself when it holds a journal, or the newest run in it.
func journalDir(dir string) string {
	if m, _ := filepath.Glob(filepath.Join(dir, "*.seg")); len(m) > 0 {
		return dir
	}
	runs, _ := filepath.Glob(filepath.Join(dir, "*", "*.seg"))
	if len(runs) == 0 {
		return dir
	}
	return filepath.Dir(runs[len(runs)-1])
}

// rerun feeds the events of a journal to a new core and compares what it answers
// with what the journal recorded, byte for byte.
type rerun struct {
	core *router.Core
	out  *event.Output
	cfg  *Config
	dir  string // of the journal

	watch router.Watch       // of the core; nil: none
	seen  func(*event.Event) // is told of every event that the core took; nil: nobody

	created  int64 // wall time at which the journal was made, ns since epoch
	table    []byte
	curves   map[string][]byte
	commands int // of the running step, already compared
	decided  int

	Tail                        journal.Tail
	Events, Commands, Decisions int
	Mismatch                    string // the first difference, "" when there is none
}

// take gets the records in order.
func (r *rerun) take(rec *journal.Record) error {
	switch rec.Type {
	case journal.Blob:
		return r.keep(rec)
	case journal.Event:
		return r.takeEvent(rec)
	case journal.Command:
		r.Commands++
		if r.core != nil {
			r.compare(rec, "command", r.commands, len(r.out.Commands), func(i int) []byte {
				return r.out.Commands[i].Bytes()
			})
			r.commands++
		}
	case journal.Decision:
		r.Decisions++
		if r.core != nil {
			r.compare(rec, "decision", r.decided, len(r.out.Decisions), func(i int) []byte {
				return r.out.Decisions[i].Bytes()
			})
			r.decided++
		}
	}
	return nil
}

// keep keeps the configuration, the table and the curves of the run; other records change
// nothing.
func (r *rerun) keep(rec *journal.Record) error {
	name, data, ok := rec.Name()
	switch {
	case ok && name == blobConfig:
		cfg, err := ParseConfig(blobConfig, bytes.Clone(data))
		if err != nil {
			return fmt.Errorf("the journal's configuration: %w", err)
		}
		r.cfg = cfg
	case ok && name == blobTable:
		r.table = bytes.Clone(data)
	case ok && strings.HasPrefix(name, blobCurve):
		if r.curves == nil {
			r.curves = map[string][]byte{}
		}
		r.curves[name[len(blobCurve):]] = bytes.Clone(data)
	}
	return nil
}

func (r *rerun) takeEvent(rec *journal.Record) error {
	var e event.Event
	if !e.SetBytes(rec.Payload) {
		return fmt.Errorf("journal record %d is not an event of this build", rec.Seq)
	}
	if r.core == nil {
		if err := r.start(); err != nil {
			return err
		}
	}
	r.ended()
	if e.Kind == event.PolicySwap {
		if err := r.offerTable(e.PolicyHash()); err != nil {
			return err
		}
	}
	r.Events++
	r.out.Reset()
	r.commands, r.decided = 0, 0
	r.core.Step(&e, r.out)
	if r.seen != nil {
		r.seen(&e)
	}
	return nil
}

func (r *rerun) start() error {
	if r.cfg == nil {
		return errors.New("the journal has no configuration before its first event")
	}
	if r.table != nil {
		table, err := policy.Decode(r.table, r.created, policy.LoadOptions{AllowUnsigned: true})
		if err != nil {
			return fmt.Errorf("the journal's policy table: %w", err)
		}
		r.cfg.Router.Table = table
		if r.cfg.Router.Explore.Candidates, err = r.cfg.candidates(table); err != nil {
			return err
		}
		if err := r.cfg.resolveCanary(table.PolicyID()); err != nil {
			return fmt.Errorf("the journal's configuration: %w", err)
		}
	}
	if _, err := r.cfg.setCurves(r.curves, r.created); err != nil {
		return fmt.Errorf("the journal's %w", err)
	}
	core, err := router.New(&r.cfg.Router)
	if err != nil {
		return err
	}
	core.SetWatch(r.watch)
	r.core, r.out = core, core.OutputFor()
	return nil
}

// offerTable gives the core the table of a swap, from its file beside the journal.
func (r *rerun) offerTable(sum [32]byte) error {
	if sum == ([32]byte{}) {
		return nil
	}
	data, err := os.ReadFile(swapPath(r.dir, sum))
	if err != nil {
		return fmt.Errorf("the journal's policy swap: %w", err)
	}
	if sha256.Sum256(data) != sum {
		return fmt.Errorf("the journal's policy swap: %s is not the table that was put in force", swapPath(r.dir, sum))
	}
	header, err := policy.ReadHeader(data)
	if err != nil {
		return fmt.Errorf("the journal's policy swap: %w", err)
	}
	// It was valid when it was put in force.
	table, err := policy.Decode(data, header.NotBefore, policy.LoadOptions{AllowUnsigned: true})
	if err != nil {
		return fmt.Errorf("the journal's policy swap: %w", err)
	}
	candidates, err := r.cfg.candidates(table)
	if err != nil {
		return fmt.Errorf("the journal's policy swap: %w", err)
	}
	r.core.Offer(table, sum, candidates)
	return nil
}

// swapPath is where the table of a swap lies, named by its content.
func swapPath(dir string, sum [32]byte) string {
	return filepath.Join(dir, fmt.Sprintf("policy-%x.penstock", sum))
}

// ended checks that the step before recorded everything that it wanted.
func (r *rerun) ended() {
	if r.core == nil || r.Mismatch != "" {
		return
	}
	if r.commands != len(r.out.Commands) || r.decided != len(r.out.Decisions) {
		r.Mismatch = fmt.Sprintf("event %d: %d commands and %d decisions recorded, %d and %d when run again",
			r.core.Seq(), r.commands, r.decided, len(r.out.Commands), len(r.out.Decisions))
	}
}

func (r *rerun) compare(rec *journal.Record, what string, i, n int, again func(int) []byte) {
	if r.Mismatch != "" {
		return
	}
	if i >= n || !bytes.Equal(rec.Payload, again(i)) {
		r.Mismatch = fmt.Sprintf("event %d: recorded %s %d differs when run again (record %d)",
			r.core.Seq(), what, i+1, rec.Seq)
	}
}

// eachRecord reads a journal to its end. A torn tail is the end; anything else
// that is wrong is an error.
func eachRecord(dir string, f func(*journal.Record) error) (journal.Tail, error) {
	reader, err := journal.Open(dir)
	if err != nil {
		return journal.Tail{}, err
	}
	return readAll(reader, f)
}

func readAll(reader *journal.Reader, f func(*journal.Record) error) (journal.Tail, error) {
	for {
		rec, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return reader.Tail(), nil
		}
		if err != nil {
			return journal.Tail{}, err
		}
		if err := f(&rec); err != nil {
			return journal.Tail{}, err
		}
	}
}

// rerunJournal runs the day of a journal again.
func rerunJournal(dir string) (*rerun, error) {
	r := &rerun{}
	return r, r.all(dir)
}

// all runs the whole journal in dir.
func (r *rerun) all(dir string) error {
	reader, err := journal.Open(dir)
	if err != nil {
		return err
	}
	r.created = reader.Header().Created
	r.dir = dir
	if r.Tail, err = readAll(reader, r.take); err != nil {
		return err
	}
	if r.Tail.State == journal.TailClosed {
		r.ended() // otherwise what the last event led to may not have been written
	}
	if r.Events == 0 {
		return fmt.Errorf("journal %s holds no events", dir)
	}
	return nil
}

// names returns what a dump needs to print symbols and decimals.
func (c *Config) names() *event.Names {
	return &event.Names{Instruments: c.Router.Instruments, Venues: c.Router.Venues}
}

// readTable loads the policy table of a configuration; nil data means that it
// names none.
func (c *Config) readTable(now int64) (table *policy.Table, data []byte, err error) {
	path := c.at(c.Policy.Table)
	if path == "" {
		return nil, nil, nil
	}
	if data, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("%w: policy.table: %w: make one with penstock policy build-baseline",
			errConfig, err)
	}
	options := policy.LoadOptions{AllowUnsigned: c.Policy.AllowUnsigned}
	if c.Policy.PublicKey != "" {
		if options.TrustedKeys, err = readKeys(c.at(c.Policy.PublicKey)); err != nil {
			return nil, nil, err
		}
	}
	if table, err = policy.Decode(data, now, options); err != nil {
		return nil, nil, fmt.Errorf("%w: policy.table %s: %w", errConfig, path, err)
	}
	return table, data, nil
}
