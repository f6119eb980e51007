package ems

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/fix"
)

// store is the quickfix.MessageStore of one session: its sequence numbers and
// the messages sent, for resends. It is one append-only file:
//
//	"PSTKEMS1" │ record │ record │ …        integers little-endian
//	record:  kind u8 │ length u32 │ seq u64 │ crc32c u32 of the rest │ payload
//
// Every change is written at once and none is synced: what was written survives
// the end of the process, and a power cut costs the last moments: see hostDied. A torn tail is cut off when
// the file is opened. quickfix calls a store from several goroutines.
type store struct {
	mu      sync.Mutex
	path    string
	file    *os.File
	size    int64
	created time.Time
	sender  int // next sequence number to send
	target  int // next sequence number expected
	sent    map[int]extent
	buf     []byte

	run    uint64 // whose reports told counts
	told   uint64
	passed int // MsgSeqNum of the last message given to the router, 0 since the numbers began anew

	cut  int64 // bytes at its end that were no records when it was opened, and were cut off
	torn bool  // they are the beginning of one, as the end of a host leaves it
}

// extent is where a message is in the file.
type extent struct {
	offset int64
	length int
}

const (
	storeMagic     = "PSTKEMS1"
	storeHeaderLen = 17

	recordMessage = 1 // seq and the message sent; the next to send is seq+1
	recordSender  = 2 // next to send
	recordTarget  = 3 // next expected
	recordCreated = 4 // ns since epoch
	recordTold    = 5 // reports told in a run; the payload is the run, u64
	recordPassed  = 6 // MsgSeqNum of a message that was given to the router
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errStoreFormat reports a file that is not ours; it is left as it is.
var errStoreFormat = errors.New("not a session store: move it away or restore it from a copy")

// storeFactory makes the stores of one acceptor, and closes them, which quickfix
// does not.
type storeFactory struct {
	dir  string
	log  *Log
	made map[quickfix.SessionID]*store
	// damaged is told of a store that was cut off where nothing explains it; nil: nobody is. hostDied explains
	// a torn tail.
	damaged  func(session string, bytes int64)
	hostDied bool
}

func (f *storeFactory) close() {
	for _, s := range f.made {
		s.Close()
	}
}

func (f *storeFactory) Create(id quickfix.SessionID) (quickfix.MessageStore, error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, fmt.Errorf("session store: %w", err)
	}
	s, err := openStore(filepath.Join(f.dir, storeName(id)), f.log)
	if err != nil {
		return nil, err
	}
	if f.made == nil {
		f.made = make(map[quickfix.SessionID]*store)
	}
	f.made[id] = s
	if s.cut > 0 && f.damaged != nil && !(f.hostDied && s.torn) {
		f.damaged(id.TargetCompID, s.cut)
	}
	return s, nil
}

// storeName is a file name that no CompID can lead astray.
func storeName(id quickfix.SessionID) string {
	plain := func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}
	name := id.String()
	sum := crc32.Checksum([]byte(name), castagnoli)
	return fmt.Sprintf("%s-%08x.store", strings.Map(plain, name), sum)
}

func openStore(path string, log *Log) (*store, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("session store: %w", err)
	}
	s := &store{path: path, file: f, buf: make([]byte, 0, 4096)}
	if s.cut, err = s.load(); err != nil {
		f.Close()
		return nil, fmt.Errorf("session store %s: %w", path, err)
	}
	if s.cut > 0 {
		what := "bytes that are no records"
		if s.torn {
			what = "a torn tail"
		}
		log.Eventf("session store %s: %s cut off, %d bytes", path, what, s.cut)
	}
	return s, nil
}

// load reads the whole file and returns how many bytes of a torn tail it cut.
func (s *store) load() (cut int64, err error) {
	data, err := io.ReadAll(s.file)
	if err != nil {
		return 0, err
	}
	if len(data) < len(storeMagic) && strings.HasPrefix(storeMagic, string(data)) {
		s.torn = true
		return int64(len(data)), errors.Join(s.reset(time.Now()), s.file.Sync())
	}
	if string(data[:len(storeMagic)]) != storeMagic {
		return 0, errStoreFormat
	}
	s.sender, s.target, s.sent = 1, 1, make(map[int]extent)
	at := len(storeMagic)
	for {
		kind, seq, payload, n := parseRecord(data[at:])
		if n == 0 {
			break
		}
		switch kind {
		case recordMessage:
			s.sent[seq] = extent{int64(at + storeHeaderLen), len(payload)}
			s.sender = seq + 1
		case recordSender:
			s.sender = seq
		case recordTarget:
			s.target = seq
		case recordCreated:
			s.created = time.Unix(0, int64(seq))
		case recordPassed:
			s.passed = seq
		case recordTold:
			if len(payload) != 8 {
				return 0, errStoreFormat
			}
			s.run, s.told = binary.LittleEndian.Uint64(payload), uint64(seq)
		default:
			return 0, errStoreFormat
		}
		at += n
	}
	s.size = int64(at)
	s.torn = incomplete(data[at:])
	if cut = int64(len(data) - at); cut > 0 {
		err = s.file.Truncate(s.size)
	}
	if s.created.IsZero() && err == nil {
		return cut, s.reset(time.Now())
	}
	return cut, err
}

// incomplete reports whether b is the beginning of a record whose end is missing. A length that a flipped
// bit made larger than a message looks alike, unless it is larger than any.
func incomplete(b []byte) bool {
	if len(b) < storeHeaderLen {
		return true
	}
	length := int(binary.LittleEndian.Uint32(b[1:]))
	return length > len(b)-storeHeaderLen && length <= fix.MaxFrameLimit
}

func parseRecord(b []byte) (kind byte, seq int, payload []byte, n int) {
	if len(b) < storeHeaderLen {
		return 0, 0, nil, 0
	}
	length := int(binary.LittleEndian.Uint32(b[1:]))
	if length > len(b)-storeHeaderLen {
		return 0, 0, nil, 0
	}
	payload = b[storeHeaderLen : storeHeaderLen+length]
	sum := crc32.Update(crc32.Checksum(b[:13], castagnoli), castagnoli, payload)
	if sum != binary.LittleEndian.Uint32(b[13:]) {
		return 0, 0, nil, 0
	}
	return b[0], int(binary.LittleEndian.Uint64(b[5:])), payload, storeHeaderLen + length
}

// append writes one record and returns where its payload went.
func (s *store) append(kind byte, seq int, payload []byte) (offset int64, err error) {
	b := append(s.buf[:0], kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint64(b, uint64(seq))
	sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, payload)
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, payload...)
	s.buf = b
	if _, err := s.file.WriteAt(b, s.size); err != nil {
		return 0, fmt.Errorf("session store %s: %w", s.path, err)
	}
	offset = s.size + storeHeaderLen
	s.size += int64(len(b))
	return offset, nil
}

// reset empties the file and starts both sequences at 1.
func (s *store) reset(now time.Time) error {
	if err := s.file.Truncate(0); err != nil {
		return fmt.Errorf("session store %s: %w", s.path, err)
	}
	if _, err := s.file.WriteAt([]byte(storeMagic), 0); err != nil {
		return fmt.Errorf("session store %s: %w", s.path, err)
	}
	s.size = int64(len(storeMagic))
	s.sender, s.target, s.sent, s.created, s.passed = 1, 1, make(map[int]extent), now, 0
	_, err := s.append(recordCreated, int(now.UnixNano()), nil)
	if s.told > 0 && err == nil {
		err = s.saveTold()
	}
	return err
}

// tell counts one more report of a run that is in the store now.
func (s *store) tell(run uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != run {
		s.run, s.told = run, 0
	}
	s.told++
	return s.saveTold()
}

func (s *store) saveTold() error {
	_, err := s.append(recordTold, int(s.told), binary.LittleEndian.AppendUint64(nil, s.run))
	return err
}

// toldIn returns how many reports of a run the store has had.
func (s *store) toldIn(run uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != run {
		return 0
	}
	return s.told
}

// pass notes a message that is given to the router.
func (s *store) pass(seq int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed = seq
	_, err := s.append(recordPassed, seq, nil)
	return err
}

// expectAgain takes back the messages from next on, if the router was given one of them:
// they were counted as received at or after at (ns since epoch) and nothing came of them, so
// they are asked for again. A store whose numbers have begun anew since then is left as it
// is. When only the session's own messages came, nothing is asked for: quickfix v0.9.10
// loses sight of a message that arrives while it waits for what a Logon was ahead of,
// until the next one comes.
func (s *store) expectAgain(next int, at int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next <= 0 || next >= s.target || s.passed < next || s.created.UnixNano() > at {
		return nil
	}
	return s.setTarget(next)
}

// hostDied corrects numbers that are older than what was sent: reports are those that the file
// lacks, and last the number of a message that was received at at (ns since epoch), 0 when none is
// known. See fix.HostAhead. It waits for the disk, so that a host that dies twice does not go on
// with the same numbers.
func (s *store) hostDied(reports uint64, last int, at int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.setSender(s.sender + int(min(reports, math.MaxInt32)) + fix.HostAhead)
	if last >= s.target && s.created.UnixNano() <= at {
		err = errors.Join(err, s.setTarget(last+1))
	}
	return errors.Join(err, s.file.Sync())
}

func (s *store) NextSenderMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sender
}

func (s *store) NextTargetMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}

func (s *store) IncrNextSenderMsgSeqNum() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setSender(s.sender + 1)
}

func (s *store) IncrNextTargetMsgSeqNum() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setTarget(s.target + 1)
}

func (s *store) SetNextSenderMsgSeqNum(next int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setSender(next)
}

func (s *store) SetNextTargetMsgSeqNum(next int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setTarget(next)
}

func (s *store) setSender(next int) error {
	_, err := s.append(recordSender, next, nil)
	if err == nil {
		s.sender = next
	}
	return err
}

func (s *store) setTarget(next int) error {
	_, err := s.append(recordTarget, next, nil)
	if err == nil {
		s.target = next
	}
	return err
}

func (s *store) CreationTime() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.created
}

func (s *store) SetCreationTime(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.append(recordCreated, int(t.UnixNano()), nil); err == nil {
		s.created = t
	}
}

func (s *store) SaveMessage(seq int, msg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.sender
	if err := s.save(seq, msg); err != nil {
		return err
	}
	return s.setSender(next)
}

func (s *store) SaveMessageAndIncrNextSenderMsgSeqNum(seq int, msg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save(seq, msg)
}

func (s *store) save(seq int, msg []byte) error {
	offset, err := s.append(recordMessage, seq, msg)
	if err != nil {
		return err
	}
	s.sent[seq], s.sender = extent{offset, len(msg)}, seq+1
	return nil
}

func (s *store) GetMessages(begin, end int) ([][]byte, error) {
	var all [][]byte
	err := s.IterateMessages(begin, end, func(msg []byte) error {
		all = append(all, msg)
		return nil
	})
	return all, err
}

// IterateMessages does not hold the lock while it calls back: the caller sends,
// and whoever sends holds quickfix's lock before this one.
func (s *store) IterateMessages(begin, end int, callback func([]byte) error) error {
	end = min(end, s.NextSenderMsgSeqNum()-1)
	for seq := max(begin, 1); seq <= end; seq++ {
		msg, err := s.message(seq)
		if err != nil {
			return err
		}
		if msg == nil {
			continue
		}
		if err := callback(msg); err != nil {
			return err
		}
	}
	return nil
}

// message returns a copy of a message sent, nil if there is none.
func (s *store) message(seq int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.sent[seq]
	if !ok {
		return nil, nil
	}
	msg := make([]byte, at.length)
	if _, err := s.file.ReadAt(msg, at.offset); err != nil {
		return nil, fmt.Errorf("session store %s: message %d: %w", s.path, seq, err)
	}
	return msg, nil
}

// Refresh does nothing: nobody else writes the file.
func (s *store) Refresh() error { return nil }

func (s *store) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reset(time.Now())
}

func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}
