package tape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"penstock/event"
	"penstock/fix"
)

// fixFrames reads FIX messages one after another: 8=…SOH 9=length SOH, that many
// bytes, 10=nnn SOH. Line ends between them are passed over. The time of a message
// is its SendingTime(52); one without takes the time before it.
type fixFrames struct {
	f    *file
	now  int64
	buf  []byte
	part []byte // what is there of a message that the end of the file cut
}

const (
	soh       = 1
	maxFIX    = 1 << 20
	fixSum    = len("10=000\x01")
	maxPrefix = 32 // of BeginString and BodyLength
)

var errFrame = errors.New("not a FIX message")

func containFIX(f *file, _ *Feed) (container, error) { return &fixFrames{f: f}, nil }

func (c *fixFrames) next() (Record, error) {
	for {
		b, err := c.f.r.Peek(1)
		if err != nil {
			if err == io.EOF {
				return Record{}, io.EOF
			}
			return Record{}, c.f.fail(err)
		}
		if b[0] != '\n' && b[0] != '\r' {
			break
		}
		c.f.r.Discard(1)
		c.f.offset++
	}
	head, err := c.f.r.Peek(maxPrefix)
	size, bad := frameSize(head)
	if bad != nil {
		if err == io.EOF && bytes.HasPrefix([]byte("8=FIX"), head[:min(len(head), 5)]) {
			bad = io.ErrUnexpectedEOF
		}
		return Record{}, c.f.fail(bad)
	}
	if cap(c.buf) < size {
		c.buf = make([]byte, size)
	}
	n, err := c.f.readSome(c.buf[:size])
	if err != nil {
		c.part = c.buf[:n]
		return Record{}, err
	}
	m := c.buf[:size]
	if !bytes.HasPrefix(m[size-fixSum-1:], []byte("\x0110=")) || m[size-1] != soh {
		return Record{}, c.f.fail(fmt.Errorf("%w: no CheckSum(10) where BodyLength(9) ends", errFrame))
	}
	if _, rest, ok := bytes.Cut(m, []byte("\x0152=")); ok {
		text, _, _ := bytes.Cut(rest, []byte{soh})
		if t, err := fix.ParseTime(text); err == nil {
			c.now = max(c.now, t)
		}
	}
	return Record{Time: c.now, Data: m}, nil
}

// frameSize returns the length of the whole message that head begins.
func frameSize(head []byte) (int, error) {
	begin, rest, ok := bytes.Cut(head, []byte{soh})
	length, ok2 := bytes.CutPrefix(rest, []byte("9="))
	text, _, ok3 := bytes.Cut(length, []byte{soh})
	if !ok || !ok2 || !ok3 || !bytes.HasPrefix(begin, []byte("8=FIX")) {
		return 0, fmt.Errorf("%w: it begins with %.20q", errFrame, head)
	}
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil || n > maxFIX {
		return 0, fmt.Errorf("%w: BodyLength(9) %.20q", errFrame, text)
	}
	return len(begin) + 1 + len("9=") + len(text) + 1 + int(n) + fixSum, nil
}

func (c *fixFrames) cut() []byte { return c.part }

// fixTape checks messages and counts them by MsgType(35).
type fixTape struct {
	types          map[string]int64
	passed, failed int64
	heartbeats     int64
}

func newFIX(_ *Feed, _ target, _ event.Sink) (decoder, error) {
	t := &fixTape{types: map[string]int64{}}
	return decoder{receive: t.receive, count: t.count}, nil
}

func (t *fixTape) receive(_ int64, m []byte) error {
	body, want := m[:len(m)-fixSum], m[len(m)-4:len(m)-1]
	sum := 0
	for _, c := range body {
		sum += int(c)
	}
	if got, err := strconv.Atoi(string(want)); err != nil || got != sum&255 {
		t.failed++
		return fmt.Errorf("%w: %s, its bytes add up to %03d", errSum, want, sum&255)
	}
	t.passed++
	_, rest, _ := bytes.Cut(m, []byte("\x0135="))
	kind, _, _ := bytes.Cut(rest, []byte{soh})
	t.types[string(kind)]++
	if string(kind) == "0" {
		t.heartbeats++
	}
	return nil
}

func (t *fixTape) count(s *Stats) {
	s.Checked += t.passed
	s.Passes += t.passed
	s.Mismatch += t.failed
	s.Beats += t.heartbeats
	if s.Types == nil {
		s.Types = map[string]int64{}
	}
	for kind, n := range t.types {
		s.Types[kind] += n
	}
}
