package tape

import (
	"bytes"
	"fmt"
	"math"

	"penstock/market"
)

// NoTime is later than every recorded time: nothing will happen.
const NoTime int64 = math.MaxInt64

const (
	nanosPerMilli  = 1_000_000
	nanosPerSecond = 1_000_000_000
)

// Record is one recorded message.
type Record struct {
	Time int64  // receive time, ns since epoch
	Data []byte // the message as received, valid until the next record is read
	Kind RecordKind
	// Conn is the address of the connection that brought the message, without its
	// query: what the same address brought belongs together. Of an HTTP answer it is
	// the whole address. "" where the container names none.
	Conn string
}

// RecordKind says how a record came.
type RecordKind uint8

// Kinds of record. Numbers are part of the recorder's format: never reused.
const (
	Received RecordKind = 0 // a WebSocket message, a datagram, a FIX frame, a line
	HTTP     RecordKind = 1 // the body of an HTTP answer
	Opened   RecordKind = 2 // a connection was opened
	Closed   RecordKind = 3 // a connection was closed; Data says why
	Snapshot RecordKind = 4 // a message of a snapshot that came beside the stream
)

// address returns the part of an address before its query.
func address(url []byte) string {
	text, _, _ := bytes.Cut(url, []byte{'?'})
	return string(text)
}

// container is one form of keeping records in a file.
type container interface {
	// next returns the next record, io.EOF at the clean end, or an *Error after
	// which nothing more can be read.
	next() (Record, error)
}

// frames opens the container of JSON frames that f holds, told by its beginning.
func frames(f *file) (container, error) {
	head, _ := f.r.Peek(1 << 14) // an error comes again when the first line is read
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	switch {
	case stampedLine(line):
		return &stamped{f: f}, nil
	case captureLine(line):
		return &capture{f: f}, nil
	case bytes.HasPrefix(line, []byte("{")) && bytes.Contains(line, []byte(`"t":"`)):
		return &jsonl{f: f}, nil
	case bytes.HasPrefix(line, []byte("{")):
		return &bare{f: f}, nil
	}
	if _, err := f.readLine(); err != nil {
		return nil, err
	}
	return nil, f.fail(fmt.Errorf("%w: expected one of: receive time in ns and JSON; "+
		"<url> <-> <time>; {\"t\":…}; JSON", ErrLine))
}

// decimalNanos reads seconds as decimal text into nanoseconds.
func decimalNanos(text []byte) (int64, error) {
	ns, err := market.ParseDecimal(text, 9)
	if err != nil {
		return 0, fmt.Errorf("time %.40q: %w", text, err)
	}
	return ns, nil
}

// integer reads a whole number without sign.
func integer(text []byte) (int64, error) {
	if len(text) == 0 || text[0] == '-' {
		return 0, market.ErrDecimal
	}
	return market.ParseDecimal(text, 0)
}
