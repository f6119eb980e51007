package fix

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrStore marks a sequence number file that cannot be used.
var ErrStore = errors.New("not a sequence number file")

// storeAhead is how many outbound numbers a Store claims at once. After a crash
// the session goes on behind the claim: the peer sees a gap, which a gap-fill
// closes, and never a number that is too low. One write covers that many messages.
const storeAhead = 64

// HostAhead is for what a host that died has sent on a session and kept no record of: heartbeats, and the
// last moment of a journal. The peer sees a gap, which a gap-fill closes, and not a number that it had
// before, which would end the session until a person comes. Many ask for 1,000 messages at once.
const HostAhead = 500

// storeLen is the size of the file: one line,
//
//	fixseq1 out=00000000000000000001 in=00000000000000000001 crc=xxxxxxxx\n
const storeLen = len("fixseq1 out=00000000000000000001 in=00000000000000000001 crc=00000000\n")

// Store keeps the sequence numbers of one session in a small file, so that they
// survive a restart. It writes without fsync: a killed process loses nothing, a
// dead host may go back to older numbers. Who knows that it died, or has a better record of
// what was received, says so with Resume. One process, one goroutine.
type Store struct {
	file    *os.File
	fresh   bool   // there was no file
	out, in uint64 // next numbers, as the file has them
	line    [storeLen]byte
}

// OpenStore opens or creates the file at path and locks it against a second
// process. A file that is not exactly as written is refused: guessing a sequence
// number could skip an execution report.
func OpenStore(path string) (*Store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sequence numbers: %w", err)
	}
	s := &Store{file: file}
	if err := s.open(); err != nil {
		file.Close()
		return nil, fmt.Errorf("sequence numbers %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := unix.Flock(int(s.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("in use by another session: %w", err)
	}
	var text [storeLen + 1]byte
	n, err := s.file.ReadAt(text[:], 0)
	if n == 0 {
		s.fresh = true
		return errors.Join(s.write(1, 1), s.file.Sync()) // a host that dies may leave a new file without content
	}
	if n != storeLen {
		return fmt.Errorf("%w: %d bytes, want %d (error %v); remove it to start both sides at 1",
			ErrStore, n, storeLen, err)
	}
	out, in, ok := parseStore(text[:storeLen])
	if !ok {
		return fmt.Errorf("%w: line is damaged; remove it to start both sides at 1", ErrStore)
	}
	s.out, s.in = out, in
	return nil
}

// parseStore accepts exactly what format writes.
func parseStore(line []byte) (out, in uint64, ok bool) {
	out, err1 := strconv.ParseUint(string(line[12:32]), 10, 64)
	in, err2 := strconv.ParseUint(string(line[36:56]), 10, 64)
	var want [storeLen]byte
	formatStore(&want, out, in)
	return out, in, err1 == nil && err2 == nil && out > 0 && in > 0 && bytes.Equal(line, want[:])
}

func formatStore(line *[storeLen]byte, out, in uint64) {
	copy(line[:], "fixseq1 out=")
	putDigits(line[12:32], out)
	copy(line[32:], " in=")
	putDigits(line[36:56], in)
	copy(line[56:], " crc=")
	crc := crc32.ChecksumIEEE(line[:56])
	for i := range 8 {
		line[61+i] = "0123456789abcdef"[crc>>(28-4*i)&15]
	}
	line[storeLen-1] = '\n'
}

func (s *Store) write(out, in uint64) error {
	formatStore(&s.line, out, in)
	if _, err := unix.Pwrite(int(s.file.Fd()), s.line[:], 0); err != nil {
		return fmt.Errorf("sequence numbers %s: %w", s.file.Name(), err)
	}
	s.out, s.in = out, in
	return nil
}

// Next returns the numbers to go on with.
func (s *Store) Next() (out, in uint64) { return s.out, s.in }

// Fresh reports whether the file was made by OpenStore: both sides start at 1.
func (s *Store) Fresh() bool { return s.fresh }

// Resume makes the session that is opened next go on with these numbers, once they are on the disk:
// a host that dies twice must not go on with the same ones. What the peer said from in on is asked for
// after the Logon, even if it was received before.
func (s *Store) Resume(out, in uint64) error { return errors.Join(s.write(out, in), s.file.Sync()) }

// claim makes sure that the file is ahead of outbound number out, and has in.
func (s *Store) claim(out, in uint64) error {
	if out < s.out && in == s.in {
		return nil
	}
	if out >= s.out {
		out += storeAhead
	} else {
		out = s.out
	}
	return s.write(out, in)
}

// settle writes the exact numbers.
func (s *Store) settle(out, in uint64) error {
	if out == s.out && in == s.in {
		return nil
	}
	return s.write(out, in)
}

// Close brings the file to the disk and closes it. Session.Close settles the numbers first.
func (s *Store) Close() error { return errors.Join(s.file.Sync(), s.file.Close()) }
