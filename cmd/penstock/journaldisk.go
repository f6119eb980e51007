package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"penstock/journal"
)

// errDiskFull ends a router whose journal will soon have no room.
var errDiskFull = errors.New("the journal's disk is full: make room or name another router.journal, then start again")

// diskWatch tells a person how the journal's disks are, once for each change.
type diskWatch struct {
	told     journal.Alarm
	mirrored bool // the end of the mirror was told
}

// look reports whether the router has to stop now, while there is room to record how.
func (d *diskWatch) look(a *assembly, say func(string, ...any)) (ending bool) {
	if err := a.journal.MirrorErr(); err != nil && !d.mirrored {
		d.mirrored = true
		a.warn(say, "journal", "there is no second copy of it any more: %v", err)
	}
	s := a.journal.Space()
	alarm := s.Alarm(a.cfg.segmentBytes() / 2)
	if alarm == d.told {
		return alarm == journal.SpaceEnding
	}
	lasts := ""
	if s.Lasts < math.MaxInt64/4 {
		lasts = fmt.Sprintf(", enough for %v at this rate", s.Lasts.Round(time.Second))
	}
	text := fmt.Sprintf("disk: %v: %d MiB of %d MiB free, %d MiB kept back%s", alarm, s.FreeBytes>>20, s.SizeBytes>>20,
		s.Left>>20, lasts)
	if alarm > d.told {
		a.warn(say, "journal", "%s", text)
	} else {
		say("journal: %s", text)
	}
	d.told = alarm
	return alarm == journal.SpaceEnding
}

// segmentBytes is the size of a journal segment.
func (c *Config) segmentBytes() int64 {
	if n := c.file.Router.SegmentBytes; n != 0 {
		return n
	}
	return journal.DefaultSegmentBytes
}

// mirrorOf is where the second copy of the journal dir lies, "" when there is none.
func (c *Config) mirrorOf(dir string) string {
	if c.file.Router.Mirror == "" {
		return ""
	}
	return filepath.Join(c.at(c.file.Router.Mirror), filepath.Base(dir))
}

// damaged says of a journal that cannot be read what to do about it.
func (c *Config) damaged(dir string, err error) error {
	var e *journal.Error
	if !errors.As(err, &e) && !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, journal.ErrMirrorAhead) {
		return err
	}
	if m := c.mirrorOf(dir); m != "" {
		if _, missing := os.Stat(m); missing == nil {
			return fmt.Errorf("%w; its second copy is %s: start with --from-mirror", err, m)
		}
	}
	return fmt.Errorf("%w; there is no second copy of it: bring it back from a backup, or have a person settle its orders, "+
		"move it away and say --new-run %d", err, runNumber(dir))
}

// fromMirror puts the newest journal of the mirror in the place of the first copy, which is
// moved aside.
func (a *assembly) fromMirror() error {
	mirrors, root := a.cfg.at(a.cfg.file.Router.Mirror), a.cfg.at(a.cfg.file.Router.Journal)
	if a.cfg.file.Router.Mirror == "" {
		return fmt.Errorf("%w: --from-mirror needs router.mirror", errConfig)
	}
	from, err := lastRun(mirrors)
	if err != nil {
		return err
	}
	if from == "" {
		return fmt.Errorf("mirror %s holds no journal", mirrors)
	}
	to := filepath.Join(root, filepath.Base(from))
	if newest, err := lastRun(root); err != nil {
		return err
	} else if newest != "" && runNumber(newest) > runNumber(from) {
		return fmt.Errorf("journal %s is of a later run than the newest of mirror %s: start without --from-mirror", newest, mirrors)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	if a.restored, err = journal.Restore(from, to); err != nil {
		return err
	}
	// What the ring has beyond the mirror is taken; a ring that begins after the mirror's end
	// has a gap before it.
	o := a.journalOptions(to)
	if _, err := journal.Salvage(to, o); errors.Is(err, journal.ErrCorrupt) && o.RingDir != "" {
		path, err := journal.RingPath(o.RingDir, to)
		if err != nil {
			return err
		}
		return os.Rename(path, path+".lost")
	} else if err != nil {
		return err
	}
	return nil
}
