package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"penstock/journal"
	"penstock/router"
)

// openRun opens the journal and the core of a new run, or of the last one when that goes
// on, and returns the epoch of this start.
func (a *assembly) openRun(table []byte, curves map[string][]byte) (epoch uint64, err error) {
	if a.cfg.Start.fromMirror {
		if err := a.fromMirror(); err != nil {
			return 0, err
		}
	}
	last, err := a.cfg.readLastStart()
	if err != nil {
		return 0, err
	}
	if a.recovered, err = a.recover(table, last); err != nil {
		return 0, err
	}
	if epoch, err = nextEpoch(filepath.Join(a.cfg.at(a.cfg.file.Router.State), "epoch")); err != nil {
		return 0, err
	}
	if r := a.recovered; r != nil {
		a.core, a.Dir, a.run = r.core, r.dir, r.reader.Header().Epoch
		a.latchAsKilled()
		if a.journal, err = r.resume(a.journalOptions(a.Dir)); err != nil {
			return epoch, a.cfg.damaged(a.Dir, err)
		}
		return epoch, a.cfg.writeLastStart(lastStart{Run: a.run})
	}
	a.run = epoch
	if a.core, err = router.New(&a.cfg.Router); err != nil {
		return 0, err
	}
	if last.Run != 0 {
		last.Next = a.run
		if err := a.cfg.writeLastStart(last); err != nil {
			return 0, err
		}
	}
	if err := a.openJournal(epoch, table, curves); err != nil {
		return 0, err
	}
	return epoch, a.cfg.writeLastStart(lastStart{Run: a.run})
}

// nextEpoch returns a number that no run before has had: seconds since 2020, or
// one more than the last. It is on disk before it is used.
func nextEpoch(path string) (uint64, error) {
	epoch := uint64(time.Now().Unix() - 1_577_836_800)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		last, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return 0, refused(fmt.Errorf("%s holds %q, not the number of the last run: restore it; "+
				"order numbers must never repeat", path, text))
		}
		epoch = max(epoch, last+1)
	case !errors.Is(err, os.ErrNotExist):
		return 0, err
	}
	return epoch, replaceFile(path, append(strconv.AppendUint(nil, epoch, 10), '\n'))
}

func (a *assembly) openJournal(epoch uint64, table []byte, curves map[string][]byte) (err error) {
	root := a.cfg.at(a.cfg.file.Router.Journal)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	a.Dir = filepath.Join(root, strconv.FormatUint(epoch, 10))
	o := a.journalOptions(a.Dir)
	o.Build, err = buildHash()
	if err != nil {
		return err
	}
	o.Epoch, o.Config, o.Policy = epoch, sha256.Sum256(a.cfg.Raw), sha256.Sum256(table)
	w, err := journal.Create(a.Dir, o)
	if err != nil {
		return refused(err)
	}
	a.journal = w
	err = w.AppendBlob(clock(), blobConfig, a.cfg.Raw)
	if err == nil && table != nil {
		err = w.AppendBlob(clock(), blobTable, table)
	}
	for _, in := range a.cfg.Router.Instruments {
		if text, ok := curves[in.Symbol]; ok && err == nil {
			err = w.AppendBlob(clock(), blobCurve+in.Symbol, text)
		}
	}
	return err
}

// buildHash is that of the running program.
var buildHash = sync.OnceValues(func() (h journal.Hash, err error) {
	path, err := os.Executable()
	if err != nil {
		return h, err
	}
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return h, err
	}
	return journal.Hash(sum.Sum(nil)), nil
})

// onDurable lets reports go whose cause is on disk now. Journal goroutine.
func (a *assembly) onDurable() {
	if e := a.wake.Load(); e != nil {
		e.Wake()
	}
}
