package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"penstock/internal/state"
	"penstock/journal"
	"penstock/router"
)

// A snapshot is the state of a core after an event, with the place in the journal that it
// belongs to. Integers are little-endian; the state is in the memory layout of one build.
//
//	  0 "PSTKSNAP" │ version u32 │ crc32c of the header, this field 0
//	 16 epoch u64 │ segment u32 │ chain u32 │ offset i64 │ record u64 │ event u64
//	 56 build, configuration, policy SHA-256
//	152 hash of the state u64 │ bytes u64
//	168 the state
const (
	snapshotMagic   = "PSTKSNAP"
	snapshotVersion = 1
	snapshotHead    = 168
	snapshotSuffix  = ".snap"
	// snapshotsKept is how many of a run are kept: a newer one may turn out to be damaged.
	snapshotsKept = 3
	maxSnapshot   = 8 << 30
)

// snapshotHeader says what a snapshot is of.
type snapshotHeader struct {
	epoch                 uint64
	place                 journal.Place
	event                 uint64 // Seq of the last event in it
	build, config, policy journal.Hash
	hash                  uint64
	bytes                 uint64
}

// errSnapshot is why a snapshot is not used. An older one is, or the whole journal.
var errSnapshot = errors.New("snapshot refused")

func (h *snapshotHeader) encode() []byte {
	b := make([]byte, snapshotHead)
	le := binary.LittleEndian
	copy(b, snapshotMagic)
	le.PutUint32(b[8:], snapshotVersion)
	le.PutUint64(b[16:], h.epoch)
	le.PutUint32(b[24:], h.place.Segment)
	le.PutUint32(b[28:], h.place.Chain)
	le.PutUint64(b[32:], uint64(h.place.Offset))
	le.PutUint64(b[40:], h.place.Seq)
	le.PutUint64(b[48:], h.event)
	copy(b[56:], h.build[:])
	copy(b[88:], h.config[:])
	copy(b[120:], h.policy[:])
	le.PutUint64(b[152:], h.hash)
	le.PutUint64(b[160:], h.bytes)
	le.PutUint32(b[12:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func (h *snapshotHeader) decode(b []byte) error {
	le := binary.LittleEndian
	if len(b) < snapshotHead || string(b[:8]) != snapshotMagic {
		return fmt.Errorf("%w: it does not begin like one", errSnapshot)
	}
	b = bytes.Clone(b[:snapshotHead])
	if v := le.Uint32(b[8:]); v != snapshotVersion {
		return fmt.Errorf("%w: version %d, this build reads %d", errSnapshot, v, snapshotVersion)
	}
	sum := le.Uint32(b[12:])
	le.PutUint32(b[12:], 0)
	if crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return fmt.Errorf("%w: its header is damaged", errSnapshot)
	}
	h.epoch, h.event = le.Uint64(b[16:]), le.Uint64(b[48:])
	h.place = journal.Place{Segment: le.Uint32(b[24:]), Chain: le.Uint32(b[28:]), Offset: int64(le.Uint64(b[32:])),
		Seq: le.Uint64(b[40:])}
	copy(h.build[:], b[56:])
	copy(h.config[:], b[88:])
	copy(h.policy[:], b[120:])
	h.hash, h.bytes = le.Uint64(b[152:]), le.Uint64(b[160:])
	return nil
}

// writeSnapshot saves core in dir: written beside, synced, renamed. It returns the file's name.
func writeSnapshot(dir string, h snapshotHeader, core *router.Core) (path string, err error) {
	h.event = core.Seq()
	path = filepath.Join(dir, fmt.Sprintf("%020d%s", h.event, snapshotSuffix))
	f, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	at := int64(snapshotHead)
	s := state.Saver(func(b []byte) error {
		n, err := f.WriteAt(b, at)
		at += int64(n)
		return err
	})
	core.MoveState(s)
	hash, size, err := s.Finish()
	if h.hash, h.bytes = hash, uint64(size); err == nil {
		_, err = f.WriteAt(h.encode(), 0)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		os.Remove(path + ".new")
		return "", fmt.Errorf("snapshot %s: %w", path, err)
	}
	return path, syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// snapshots returns those in dir, the newest first.
func snapshots(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), snapshotSuffix)
		if _, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Reverse(paths)
	return paths, nil
}

// prune removes old snapshots.
func prune(dir string) error {
	paths, err := snapshots(dir)
	for _, p := range paths[min(len(paths), snapshotsKept):] {
		err = errors.Join(err, os.Remove(p))
	}
	return err
}

// readSnapshot reads a whole snapshot and checks that it is what was written.
func readSnapshot(path string) (h snapshotHeader, saved []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return h, nil, err
	}
	if info.Size() > maxSnapshot {
		return h, nil, fmt.Errorf("%w: %s: %d bytes", errSnapshot, path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return h, nil, err
	}
	if h, saved, err = parseSnapshot(b); err != nil {
		return h, nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, saved, nil
}

// parseSnapshot takes the bytes of a snapshot apart.
func parseSnapshot(b []byte) (h snapshotHeader, saved []byte, err error) {
	if err := h.decode(b); err != nil {
		return h, nil, err
	}
	saved = b[snapshotHead:]
	if uint64(len(saved)) != h.bytes {
		return h, nil, fmt.Errorf("%w: %d bytes of state, its header says %d", errSnapshot, len(saved), h.bytes)
	}
	return h, saved, nil
}

// loadSnapshot makes core what it was. The hash that counts is that of the loaded core.
func loadSnapshot(core *router.Core, h *snapshotHeader, saved []byte) error {
	s := state.Loader(saved)
	core.MoveState(s)
	if _, _, err := s.Finish(); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	check := state.Hasher()
	core.MoveState(check)
	if hash, _, err := check.Finish(); err != nil || hash != h.hash || core.Seq() != h.event {
		return fmt.Errorf("%w: the state in it hashes to %016x after event %d, its header says %016x after %d", errSnapshot,
			hash, core.Seq(), h.hash, h.event)
	}
	return nil
}
