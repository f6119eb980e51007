package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// lastRunFile, in the state folder, names the run of the last start. A router that finds another journal, or none,
// would begin a new run, and know nothing of the orders that are live.
const lastRunFile = "run"

// lastStart is what the file holds.
type lastStart struct {
	Run  uint64 `json:"run"`            // whose journal must be there; 0: none
	Next uint64 `json:"next,omitempty"` // the run that was about to begin, which may be there
	Flat string `json:"flat,omitempty"` // the UTC day on which it was stopped with nothing live
}

func (c *Config) lastStartPath() string { return filepath.Join(c.at(c.file.Router.State), lastRunFile) }

// readLastStart is the zero value where no router of this state folder has run.
func (c *Config) readLastStart() (s lastStart, err error) {
	path := c.lastStartPath()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil && json.Unmarshal(data, &s) != nil {
		err = fmt.Errorf("%s does not say which run was the last: restore it, or write {\"run\":N}, where N is the folder of its journal", path)
	}
	return s, err
}

// sameRun refuses a start when dir, the newest journal, "" for none, is not that of the last run. It may be gone when that run
// was stopped with nothing live and its day is over, or when a person says that it is: Start.newRun.
func (c *Config) sameRun(dir string, s lastStart, now time.Time) error {
	found := uint64(0)
	if dir != "" {
		found = runNumber(dir)
	}
	if s.Run == 0 || found == s.Run || s.Next != 0 && found == s.Next || c.Start.newRun == s.Run {
		return nil
	}
	if s.Flat != "" && s.Flat != now.UTC().Format(time.DateOnly) {
		return nil
	}
	root := c.at(c.file.Router.Journal)
	there := "there is none"
	if dir != "" {
		there = "the newest is " + dir
	}
	return refused(fmt.Errorf("the journal of the last run, %s, is not there (%s), so the state of its orders is not known: bring it back, "+
		"start with --from-mirror, or, when a person has settled its orders, with --new-run %d",
		filepath.Join(root, strconv.FormatUint(s.Run, 10)), there, s.Run))
}

// writeLastStart replaces the file; it is on disk when it returns.
func (c *Config) writeLastStart(s lastStart) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return replaceFile(c.lastStartPath(), append(data, '\n'))
}

// replaceFile makes data the content of a small file: the old one or the new one is there whenever the host dies.
func replaceFile(path string, data []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// endRun notes that the run was stopped, and whether with nothing live: then its journal may be moved away when the
// day is over.
func (a *assembly) endRun() error {
	if a.core == nil || a.core.LiveParents() > 0 || a.journal == nil || a.journal.Err() != nil {
		return nil
	}
	return a.cfg.writeLastStart(lastStart{Run: a.run, Flat: time.Unix(0, clock()).UTC().Format(time.DateOnly)})
}
