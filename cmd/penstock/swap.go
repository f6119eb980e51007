package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"penstock/event"
	"penstock/policy"
	"penstock/router/loop"
)

// swapper puts policy tables in force while the router runs, one after the other.
type swapper struct {
	busy    sync.Mutex
	refused atomic.Uint64 // files that were not taken
}

// swapPatience is how long the core may take to obey, and its journal to record it.
const swapPatience = 10 * time.Second

// swapPolicy reads the configured table again and puts it in force, or says why not: then the
// current one stays. It waits for the core and the journal, so it has a goroutine of its own.
func (a *assembly) swapPolicy(say func(string, ...any)) {
	a.swaps.busy.Lock()
	defer a.swaps.busy.Unlock()
	table, data, err := a.cfg.readTable(clock())
	if err == nil && table == nil {
		err = errors.New("policy.table names no file")
	}
	var at uint64
	if err == nil {
		at, err = a.putInForce(table, data)
	}
	switch {
	case errors.Is(err, errInForce):
		say("policy: %s is in force already", table.UUIDText())
	case err != nil:
		a.swaps.refused.Add(1)
		a.warn(say, "policy", "not taken, the current table stays: %v", err)
	default:
		say("policy: %s is in force from event %d on", table.UUIDText(), at)
	}
}

// errInForce says that a swap would change nothing.
var errInForce = errors.New("in force already")

// putInForce makes a table the core's and returns the event from which on it is. The file lies
// beside the journal before the event is in it, so that a replay finds what it needs.
func (a *assembly) putInForce(table *policy.Table, data []byte) (at uint64, err error) {
	candidates, err := a.cfg.candidates(table)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(data)
	if err := keepTable(a.Dir, sum, data); err != nil {
		return 0, err
	}
	if m := a.cfg.mirrorOf(a.Dir); m != "" {
		if err := keepTable(m, sum, data); err != nil {
			return 0, err
		}
	}
	same := false
	if !a.loop.Inspect(func(s *loop.Sequencer) {
		if same = s.Core().Policy() == sum && !s.Core().RolledBack(); !same {
			s.Core().Offer(table, sum, candidates)
		}
	}) {
		return 0, errors.New("the router has stopped")
	}
	if same {
		return 0, errInForce
	}
	e := event.Event{RecvTime: clock()}
	e.SetPolicyHash(sum)
	if !a.operator.Push(&e) {
		return 0, errors.New("the operator's queue is full: try again")
	}
	a.ring()
	return a.awaitPolicy(sum)
}

// awaitPolicy waits until the core decides by the table and the event is on disk.
func (a *assembly) awaitPolicy(sum [32]byte) (at uint64, err error) {
	for began := time.Now(); time.Since(began) < swapPatience; time.Sleep(200 * time.Microsecond) {
		if at == 0 {
			if !a.loop.Inspect(func(s *loop.Sequencer) {
				if s.Core().Policy() == sum && !s.Core().RolledBack() {
					at = s.Seq()
				}
			}) {
				return 0, errors.New("the router has stopped")
			}
		}
		if at != 0 && a.journal.Durable() >= at {
			return at, nil
		}
		if err := a.journal.Err(); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("it is not on disk after %v", swapPatience)
}

// keepTable writes the file of a table into dir, under the name of its content.
func keepTable(dir string, sum [32]byte, data []byte) error {
	path := swapPath(dir, sum)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return replaceFile(path, data)
}
