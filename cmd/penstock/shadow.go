package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/internal/state"
	"penstock/journal"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

// shadow is a second core that takes the events of the journal as they become durable, in a
// goroutine and on a thread of its own, of low priority. It compares every command and decision
// with the recorded ones, the chained state hash among them, and writes snapshots of itself:
// the core that trades never stops for either. It reads the journal's files, so the journal's
// ring and goroutine do not wait for it however far it is behind.
type shadow struct {
	rerun
	dir      string
	header   snapshotHeader // what is the same in all snapshots of this start
	follower *journal.Follower
	events   int           // between snapshots
	every    time.Duration // or this
	alarm    func(*shadow, error)

	lastEvent uint64 // of the last snapshot
	lastTime  time.Time
	begun     bool
	stopping  atomic.Bool
	done      chan struct{}

	seq       atomic.Uint64 // last event taken
	written   atomic.Uint64 // snapshots
	failed    atomic.Pointer[error]
	reported  bool // the failure of a snapshot was told
	snapError atomic.Pointer[error]
}

const (
	shadowNice      = 10
	shadowPause     = 2 * time.Millisecond
	shadowBatch     = 256 // records between two offers of the processor
	snapshotEvents  = 1_000_000
	snapshotEvery   = time.Minute
	snapshotAtEnd   = 100_000 // events since the last one that make a last one worth it
	shadowPatience  = 10 * time.Second
	lookEveryEvents = 1024
)

// openShadow makes a shadow that follows the journal, from its start or, in a run that goes on,
// from where recovery ended: then the shadow's core gets the state of the recovered one, which
// must not have gone on yet.
func (a *assembly) openShadow() error {
	if a.cfg.file.Router.Shadow == shadowOff {
		return nil
	}
	s := &shadow{dir: a.Dir, done: make(chan struct{}), lastTime: time.Now(), alarm: a.shadowDiffers,
		events: cmp.Or(a.cfg.file.Router.SnapshotEvents, snapshotEvents),
		every:  cmp.Or(time.Duration(a.cfg.file.Router.SnapshotEvery), snapshotEvery)}
	s.rerun.dir = a.Dir
	h := a.journal.Header()
	s.created, s.header = h.Created, snapshotHeader{epoch: h.Epoch, build: h.Build, config: h.Config, policy: h.Policy}
	var err error
	if r := a.recovered; r == nil {
		s.follower, err = a.journal.Follow()
	} else if s.created = r.created; true {
		if err = s.adopt(r); err == nil {
			s.follower, err = a.journal.FollowFrom(r.reader.End())
		}
	}
	if err != nil {
		return fmt.Errorf("shadow: %w", err)
	}
	a.shadow = s
	return nil
}

// begin starts to follow.
func (s *shadow) begin() {
	if s != nil {
		s.begun = true
		go s.run()
	}
}

// adopt gives the shadow the state that recovery came to.
func (s *shadow) adopt(r *recovery) error {
	s.cfg, s.table, s.curves = r.cfg, r.table, r.curves
	if err := s.start(); err != nil {
		return err
	}
	if err := copyCore(s.core, r.core); err != nil {
		return err
	}
	if err := s.offerTable(s.core.Policy()); err != nil {
		return err
	}
	// What the last event led to may follow in the journal.
	s.out.Commands = append(s.out.Commands[:0], r.out.Commands...)
	s.out.Decisions = append(s.out.Decisions[:0], r.out.Decisions...)
	s.commands, s.decided = r.commands, r.decided
	s.lastEvent = s.core.Seq()
	return nil
}

// copyCore makes to what from is.
func copyCore(to, from *router.Core) error {
	var saved bytes.Buffer
	out := state.Saver(func(b []byte) error { _, err := saved.Write(b); return err })
	from.MoveState(out)
	if _, _, err := out.Finish(); err != nil {
		return err
	}
	in := state.Loader(saved.Bytes())
	to.MoveState(in)
	_, _, err := in.Finish()
	return err
}

// run follows until the journal is closed, or Stop.
func (s *shadow) run() {
	defer close(s.done)
	runtime.LockOSThread() // ends with the goroutine: a thread of this priority is not used again
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), shadowNice)
	err := s.follow()
	if err == nil {
		err = s.end()
	}
	if err := errors.Join(err, s.follower.Close()); err != nil {
		s.failed.Store(&err)
		s.alarm(s, err)
	}
}

// follow takes records as they come.
func (s *shadow) follow() error {
	for n := 0; ; n++ {
		rec, ok, err := s.follower.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case !ok && s.stopping.Load():
			return nil
		case !ok:
			time.Sleep(shadowPause)
			continue
		}
		if rec.Type == journal.Event && s.core != nil {
			s.ended()
			if s.Mismatch == "" {
				s.snapshotIfDue(s.follower.Before())
			}
		}
		if err := s.take(&rec); err != nil {
			return err
		}
		if s.core != nil {
			s.seq.Store(s.core.Seq())
		}
		if s.Mismatch != "" {
			return errors.New(s.Mismatch)
		}
		if n%shadowBatch == 0 {
			runtime.Gosched()
		}
	}
}

// snapshotIfDue saves the core as it was at a place between two events.
func (s *shadow) snapshotIfDue(at journal.Place) {
	since := s.core.Seq() - s.lastEvent
	if since < uint64(s.events) && (since%lookEveryEvents != 0 || since == 0 || time.Since(s.lastTime) < s.every) {
		return
	}
	s.snapshot(at)
}

// snapshot saves the core. One that cannot be written costs a longer replay, no more.
func (s *shadow) snapshot(at journal.Place) {
	s.lastEvent, s.lastTime = s.core.Seq(), time.Now()
	h := s.header
	h.place = at
	_, err := writeSnapshot(s.dir, h, s.core)
	if err = errors.Join(err, prune(s.dir)); err != nil {
		s.snapError.Store(&err)
		return
	}
	s.snapError.Store(nil)
	s.written.Add(1)
}

// end writes a last snapshot when the next start would have much to replay.
func (s *shadow) end() error {
	if s.core != nil && s.commands == len(s.out.Commands) && s.decided == len(s.out.Decisions) &&
		s.core.Seq()-s.lastEvent >= snapshotAtEnd {
		s.snapshot(s.follower.AtEnd())
	}
	return nil
}

// stop ends the shadow after the journal was closed: it takes what is left.
func (s *shadow) stop() error {
	if s == nil {
		return nil
	}
	if !s.begun {
		return s.follower.Close()
	}
	s.stopping.Store(true)
	select {
	case <-s.done:
	case <-time.After(shadowPatience):
		return fmt.Errorf("shadow: at event %d when the router ended", s.seq.Load())
	}
	return nil
}

// shadowDiffers stops new orders and keeps both states: the core that trades and the one that
// took the same events do not agree, so what one of them believes is wrong. On the shadow's
// goroutine.
func (a *assembly) shadowDiffers(s *shadow, why error) {
	a.latch.Kill(firewall.Scope{})
	a.operate(event.OperatorKill, "shadow", "state differs")
	text := why.Error()
	if s.core != nil {
		path := filepath.Join(s.dir, fmt.Sprintf("state-shadow-%d.bin", s.core.Seq()))
		text += s.dump(path, s.core)
	}
	var live bytes.Buffer
	seq := uint64(0)
	if a.loop != nil && a.loop.Inspect(func(q *loop.Sequencer) {
		seq = q.Core().Seq()
		c := state.Saver(func(b []byte) error { _, err := live.Write(b); return err })
		q.Core().MoveState(c)
		_, _, _ = c.Finish()
	}) {
		path := filepath.Join(s.dir, fmt.Sprintf("state-live-%d.bin", seq))
		if err := os.WriteFile(path, live.Bytes(), 0o600); err == nil {
			text += "; " + path
		}
	}
	a.shadowSaid.Store(&text)
}

func (s *shadow) dump(path string, core *router.Core) string {
	var b bytes.Buffer
	c := state.Saver(func(part []byte) error { _, err := b.Write(part); return err })
	core.MoveState(c)
	if _, _, err := c.Finish(); err != nil {
		return "; " + err.Error()
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return "; " + err.Error()
	}
	return "; states kept: " + path
}

// sayShadow tells once what the shadow found, and that snapshots cannot be written.
func (a *assembly) sayShadow(say func(string, ...any)) {
	if a.shadow == nil {
		return
	}
	if text := a.shadowSaid.Swap(nil); text != nil {
		a.warn(say, "shadow", "a second core on the same journal came to something else: %s. No new order leaves and open ones are "+
			"cancelled: %s", *text, a.whoLifts())
	}
	if err := a.shadow.snapError.Load(); err != nil && !a.shadow.reported {
		a.shadow.reported = true
		a.warn(say, "snapshot", "none could be written, a restart will take longer: %v", *err)
	}
}
