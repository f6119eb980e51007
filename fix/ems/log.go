package ems

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
)

// Limits of the log. Messages are bounded by rotation, events also by rate, so
// that a peer that is refused a thousand times a second does not write the disk
// full.
const (
	logFileBytes      = 64 << 20
	logFilesKept      = 8
	logEventsBurst    = 200
	logEventsPerSec   = 50
	logLineBytesLimit = 128 << 10
)

// Log writes what the sessions receive, send and decide: one line each, with
// SOH as '|', every other byte that is not plain text as \xNN, so that no peer
// can forge a line, and the values of secret tags masked. Files have mode 0600
// and rotate by size. Safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	path     string
	fileMax  int64
	file     *os.File
	size     int64
	line     []byte
	failures uint64

	tokens     int64 // events that may be written now
	refilled   int64 // when tokens was brought up to date, ns since epoch
	suppressed uint64
}

// OpenLog opens ems.log in dir, which is made if it is not there.
func OpenLog(dir string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ems log: %w", err)
	}
	l := &Log{path: filepath.Join(dir, "ems.log"), fileMax: logFileBytes, tokens: logEventsBurst}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("ems log: %w", err)
	}
	return l, nil
}

func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	// A file of an older start may have been made with another mask.
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Close closes the file; lines written later are lost.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// Failures returns how many lines could not be written.
func (l *Log) Failures() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failures
}

// Eventf writes an event of no particular session.
func (l *Log) Eventf(format string, args ...any) {
	l.event(time.Now().UnixNano(), "-", fmt.Sprintf(format, args...))
}

// event writes an event, unless there were too many of late.
func (l *Log) event(now int64, session, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refilled == 0 {
		l.refilled = now
	}
	if n := (now - l.refilled) / (1e9 / logEventsPerSec); n > 0 {
		l.tokens = min(l.tokens+n, logEventsBurst)
		l.refilled = now
	}
	if l.tokens == 0 {
		l.suppressed++
		return
	}
	l.tokens--
	if l.suppressed > 0 {
		l.write(now, "event", "-", strconv.AppendUint(nil, l.suppressed, 10), " events not shown")
		l.suppressed = 0
	}
	l.write(now, "event", session, []byte(text), "")
}

func (l *Log) message(now int64, direction, session string, msg []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(now, direction, session, msg, "")
}

func (l *Log) write(now int64, kind, session string, text []byte, suffix string) {
	b := time.Unix(0, now).UTC().AppendFormat(l.line[:0], "2006-01-02T15:04:05.000000Z ")
	b = append(append(b, kind...), ' ')
	b = append(appendPlain(b, []byte(session)), ' ')
	b = appendPlain(b, mask(text))
	b = append(append(b, suffix...), '\n')
	l.line = b
	if l.file == nil {
		l.failures++
		return
	}
	if l.size > 0 && l.size+int64(len(b)) > l.fileMax {
		if err := l.rotate(); err != nil {
			l.failures++
			return
		}
	}
	n, err := l.file.Write(b)
	l.size += int64(n)
	if err != nil {
		l.failures++
	}
}

// rotate renames ems.log to ems.log.1, that to ems.log.2, and so on.
func (l *Log) rotate() error {
	l.file.Close()
	l.file = nil
	for i := logFilesKept - 1; i > 0; i-- {
		os.Rename(l.name(i), l.name(i+1)) // not there yet: nothing to move
	}
	os.Rename(l.path, l.name(1))
	return l.open()
}

func (l *Log) name(i int) string { return l.path + "." + strconv.Itoa(i) }

// appendPlain appends b with SOH as '|' and control and non-ASCII bytes escaped.
func appendPlain(dst, b []byte) []byte {
	if len(b) > logLineBytesLimit {
		b = b[:logLineBytesLimit]
	}
	const hex = "0123456789abcdef"
	for _, c := range b {
		switch {
		case c == 0x01:
			dst = append(dst, '|')
		case c < ' ' || c > '~':
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// secretTags are Password, NewPassword, RawData and EncryptedPassword.
var secretTags = [][]byte{[]byte("554="), []byte("925="), []byte("96="), []byte("1402=")}

// mask returns text with the value of every secret tag replaced by ***. Events
// may quote a message, with SOH as it is or as \x01.
func mask(text []byte) []byte {
	for _, tag := range secretTags {
		from := 0
		for {
			i := bytes.Index(text[from:], tag)
			if i < 0 {
				break
			}
			at := from + i
			from = at + len(tag)
			before := text[:at]
			if at > 0 && before[at-1] >= '0' && before[at-1] <= '9' &&
				!bytes.HasSuffix(before, []byte(`\x01`)) {
				continue // the end of a longer tag
			}
			text = maskAt(text, from)
		}
	}
	return text
}

// maskAt returns a copy of text with the value that starts at from masked.
func maskAt(text []byte, from int) []byte {
	end := len(text)
	if i := bytes.IndexByte(text[from:], 0x01); i >= 0 {
		end = from + i
	}
	if i := bytes.Index(text[from:end], []byte(`\x01`)); i >= 0 {
		end = from + i
	}
	masked := append([]byte(nil), text[:from]...)
	masked = append(masked, "***"...)
	return append(masked, text[end:]...)
}

// logFactory gives quickfix its logs: all write to one Log.
type logFactory struct{ log *Log }

func (f logFactory) Create() (quickfix.Log, error) { return sessionLog{f.log, "-"}, nil }

func (f logFactory) CreateSessionLog(id quickfix.SessionID) (quickfix.Log, error) {
	return sessionLog{f.log, id.TargetCompID}, nil
}

// sessionLog is the quickfix.Log of one session.
type sessionLog struct {
	log     *Log
	session string
}

func (s sessionLog) OnIncoming(msg []byte) {
	s.log.message(time.Now().UnixNano(), "in", s.session, msg)
}

func (s sessionLog) OnOutgoing(msg []byte) {
	s.log.message(time.Now().UnixNano(), "out", s.session, msg)
}

func (s sessionLog) OnEvent(text string) {
	s.log.event(time.Now().UnixNano(), s.session, text)
}

func (s sessionLog) OnEventf(format string, args ...any) {
	s.log.event(time.Now().UnixNano(), s.session, fmt.Sprintf(format, args...))
}
