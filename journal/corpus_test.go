package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"penstock/internal/mutate"
)

// closedRun is a sound journal of some segments, as the corpus damages it.
type closedRun struct {
	all   []kept
	files [][]byte
	other [][]byte // of another run
}

// record returns the offset of record i of a segment.
func (c *closedRun) record(segment, i int) int {
	off := HeaderSize
	for range i {
		off += recordSize(int(le.Uint32(c.files[segment-1][off:])))
	}
	return off
}

// last returns the offset of a segment's end record.
func (c *closedRun) last(segment int) int {
	b := c.files[segment-1]
	off := HeaderSize
	for RecordType(b[off+atType]) != endType {
		off += recordSize(int(le.Uint32(b[off:])))
	}
	return off
}

// rechain makes the chain of a segment right again after an edit: damage that no checksum
// shows.
func rechain(b []byte) []byte {
	chain := le.Uint32(b[20:])
	for off := HeaderSize; off+recordHead <= len(b); {
		n := int(le.Uint32(b[off:]))
		if n == 0 || n > MaxPayload || off+recordSize(n) > len(b) {
			break
		}
		chain = chainCRC(chain, b[off:])
		le.PutUint32(b[off+atCRC:], chain)
		off += recordSize(n)
	}
	return b
}

// rehead makes the checksum of a header right again.
func rehead(b []byte) []byte {
	le.PutUint32(b[12:], headerCRC(b))
	return b
}

// malformed is one case: what is done to the files, and what the reader must say. A nil
// kind is an accepted journal, which ends in state with a prefix of the records.
type malformed struct {
	name    string
	edit    func(c *closedRun, f [][]byte) [][]byte
	kind    error
	segment int // of the error or the tail
	state   TailState
}

// in edits one segment.
func in(segment int, edit func(c *closedRun, b []byte) []byte) func(*closedRun, [][]byte) [][]byte {
	return func(c *closedRun, f [][]byte) [][]byte {
		f[segment-1] = edit(c, f[segment-1])
		return f
	}
}

func flip(at int, bit byte) func(*closedRun, []byte) []byte {
	return func(_ *closedRun, b []byte) []byte { b[at] ^= bit; return b }
}

var malformedJournals = []malformed{
	{"no file", func(_ *closedRun, f [][]byte) [][]byte { return nil }, ErrNoJournal, 0, 0},
	{"first segment missing", func(_ *closedRun, f [][]byte) [][]byte { return append([][]byte{nil}, f[1:]...) }, ErrHeader, 1, 0},
	{"segments one off", func(_ *closedRun, f [][]byte) [][]byte { return f[1:] }, ErrMixed, 1, 0},
	{"last segment missing", func(_ *closedRun, f [][]byte) [][]byte { return f[:3] }, ErrMissing, 4, 0},
	{"two segments missing at the end", func(_ *closedRun, f [][]byte) [][]byte { return f[:2] }, ErrMissing, 3, 0},
	{"two segments swapped", func(_ *closedRun, f [][]byte) [][]byte { f[1], f[2] = f[2], f[1]; return f }, ErrMixed, 2, 0},
	{"order reversed", func(_ *closedRun, f [][]byte) [][]byte { slices.Reverse(f); return f }, ErrMixed, 1, 0},
	{"a segment twice", func(_ *closedRun, f [][]byte) [][]byte { return append(f, f[3]) }, ErrMixed, 5, 0},
	{"first segment twice", func(_ *closedRun, f [][]byte) [][]byte { return append(f[:1], f...) }, ErrMixed, 2, 0},
	{"segment of another run", func(c *closedRun, f [][]byte) [][]byte { f[1] = slices.Clone(c.other[1]); return f }, ErrMixed, 2, 0},
	{"renumbered segment of another run", func(c *closedRun, f [][]byte) [][]byte {
		b := slices.Clone(c.other[1])
		copy(b[32:40], f[0][32:40]) // the epoch
		f[1] = rehead(b)
		return f
	}, ErrMixed, 2, 0},
	{"another build", in(2, func(_ *closedRun, b []byte) []byte { b[40] ^= 1; return rehead(b) }), ErrMixed, 2, 0},
	{"another configuration", in(3, func(_ *closedRun, b []byte) []byte { b[72] ^= 1; return rehead(b) }), ErrMixed, 3, 0},
	{"another policy", in(4, func(_ *closedRun, b []byte) []byte { b[104] ^= 1; return rehead(b) }), ErrMixed, 4, 0},
	{"another build in all", func(_ *closedRun, f [][]byte) [][]byte {
		for _, b := range f {
			b[40] ^= 1
			rehead(b)
		}
		return f
	}, ErrMixed, 1, 0}, // the chain starts from the hashes
	{"header: magic", in(1, flip(0, 1)), ErrHeader, 1, 0},
	{"header: a bit", in(1, flip(60, 4)), ErrHeader, 1, 0},
	{"header: reserved byte used", in(1, flip(11, 1)), ErrHeader, 1, 0},
	{"header: a bit of its empty part", in(2, flip(HeaderSize-1, 1)), ErrHeader, 2, 0},
	{"header: cut", in(1, func(_ *closedRun, b []byte) []byte { return b[:100] }), ErrHeader, 1, 0},
	{"header: version", in(1, func(_ *closedRun, b []byte) []byte { b[8]++; return rehead(b) }), ErrVersion, 1, 0},
	{"header: byte order", in(1, func(_ *closedRun, b []byte) []byte { b[10] = 3 - hostOrder(); return rehead(b) }), ErrByteOrder, 1, 0},
	{"header: number", in(3, func(_ *closedRun, b []byte) []byte { b[16]++; return rehead(b) }), ErrMixed, 3, 0},
	{"header: chain", in(3, func(_ *closedRun, b []byte) []byte { b[20]++; return rehead(b) }), ErrMixed, 3, 0},
	{"header: first number", in(3, func(_ *closedRun, b []byte) []byte { b[24]++; return rehead(b) }), ErrMixed, 3, 0},
	{"empty last file", in(4, func(_ *closedRun, b []byte) []byte { return nil }), ErrHeader, 4, 0},
	{"sealed: a bit of a payload", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+recordHead] ^= 1; return b }), ErrCorrupt, 2, 0},
	{"sealed: a bit of a checksum", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atCRC] ^= 1; return b }), ErrCorrupt, 2, 0},
	{"sealed: a bit of a length", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atLen] ^= 8; return b }), ErrCorrupt, 2, 0},
	{"sealed: length zero", in(2, func(c *closedRun, b []byte) []byte { clear(b[c.record(2, 5):][:4]); return b }), ErrCorrupt, 2, 0},
	{"sealed: length beyond the format", in(2, func(c *closedRun, b []byte) []byte {
		le.PutUint32(b[c.record(2, 5):], MaxPayload+1)
		return b
	}), ErrCorrupt, 2, 0},
	{"sealed: first record zeroed", in(2, func(c *closedRun, b []byte) []byte {
		clear(b[HeaderSize:c.record(2, 1)])
		return b
	}), ErrCorrupt, 2, 0},
	{"sealed: a block zeroed", in(2, func(c *closedRun, b []byte) []byte { clear(b[8192:8704]); return b }), ErrCorrupt, 2, 0},
	{"sealed: cut in a record", in(2, func(c *closedRun, b []byte) []byte { return b[:c.record(2, 6)+17] }), ErrCorrupt, 2, 0},
	{"sealed: end record lost", in(2, func(c *closedRun, b []byte) []byte { clear(b[c.last(2):]); return b }), ErrCorrupt, 2, 0},
	{"sealed: bytes after the end record", in(2, func(c *closedRun, b []byte) []byte {
		return append(b[:c.last(2)+endSize], 0, 0, 1)
	}), ErrCorrupt, 2, 0},
	{"sealed: end record names another segment", in(2, func(c *closedRun, b []byte) []byte {
		b[c.last(2)+recordHead] = 9
		return rechain(b)
	}), ErrCorrupt, 2, 0},
	{"sealed: end record says that it was the last", in(2, func(c *closedRun, b []byte) []byte {
		b[c.last(2)+recordHead] = 0
		return rechain(b)
	}), ErrMixed, 2, 0},
	{"sealed: end record's reserved bytes used", in(2, func(c *closedRun, b []byte) []byte {
		b[c.last(2)+recordHead+5] = 1
		return rechain(b)
	}), ErrCorrupt, 2, 0},
	{"rechained: a number skipped", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atSeq]++; return rechain(b) }), ErrCorrupt, 2, 0},
	{"rechained: a number again", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atSeq]--; return rechain(b) }), ErrCorrupt, 2, 0},
	{"rechained: unknown type", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atType] = 77; return rechain(b) }), ErrCorrupt, 2, 0},
	{"rechained: unknown flag", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atFlags] = 2; return rechain(b) }), ErrCorrupt, 2, 0},
	{"rechained: reserved bytes used", in(2, func(c *closedRun, b []byte) []byte { b[c.record(2, 5)+atZero] = 1; return rechain(b) }), ErrCorrupt, 2, 0},
	{"rechained: durable before it was written", in(2, func(c *closedRun, b []byte) []byte {
		le.PutUint32(b[c.record(2, 5)+atBack:], 0)
		return rechain(b)
	}), ErrCorrupt, 2, 0},
	{"rechained: content changed", in(2, func(c *closedRun, b []byte) []byte {
		b[c.record(2, 5)+recordHead+20] ^= 1
		return rechain(b)
	}), ErrMixed, 3, 0}, // the next header has the chain
	{"rechained: blob that never ends", in(2, func(c *closedRun, b []byte) []byte {
		at := c.record(2, 5)
		b[at+atType], b[at+atFlags] = byte(Blob), flagMore
		return rechain(b)
	}), ErrCorrupt, 2, 0},
	{"last: closed and cut in the end record", in(4, func(c *closedRun, b []byte) []byte { return b[:c.last(4)+9] }), nil, 4, TailTorn},
	{"last: closed without its end record", in(4, func(c *closedRun, b []byte) []byte { return b[:c.last(4)] }), nil, 4, TailCut},
	{"last: torn, zeros after", in(4, func(c *closedRun, b []byte) []byte {
		return append(b[:c.last(4)+9], make([]byte, 4096)...)
	}), nil, 4, TailTorn},
	{"last: rubbish where nothing was written", in(4, func(c *closedRun, b []byte) []byte {
		clear(b[c.last(4):])
		return append(b, 0xde, 0xad, 0xbe, 0xef)
	}), nil, 4, TailTorn},
	{"sound", func(_ *closedRun, f [][]byte) [][]byte { return f }, nil, 4, TailClosed},
}

// TestMalformedJournals reads a corpus of damaged journals: each is refused by the reason
// that fits, at its segment, or ends where a crash would have ended it.
func TestMalformedJournals(t *testing.T) {
	c := &closedRun{}
	c.all, c.files = segmentsOf(t, 1, 650)
	_, c.other = segmentsOf(t, 2, 650)
	if len(c.files) != 4 {
		t.Fatalf("%d segments", len(c.files))
	}
	if len(malformedJournals) < 41 {
		t.Errorf("%d cases", len(malformedJournals))
	}
	for _, m := range malformedJournals {
		t.Run(m.name, func(t *testing.T) {
			files := make([][]byte, len(c.files))
			for i := range files {
				files[i] = slices.Clone(c.files[i])
			}
			dir := journalOf(t, m.edit(c, files)...)
			before := dirSegments(t, dir)
			got, tail, err := readAll(dir)
			if !isPrefix(got, c.all) && m.name != "rechained: content changed" {
				t.Errorf("%d records that were not written", len(got))
			}
			if !slices.Equal(dirSegments(t, dir), before) {
				t.Error("reading changed the files")
			}
			var e *Error
			switch {
			case m.kind == nil:
				if err != nil || tail.State != m.state || int(tail.Segment) != m.segment {
					t.Errorf("tail %v, %v", tail, err)
				}
			case !errors.As(err, &e) || e.Kind != m.kind || int(e.Segment) != m.segment || e.Dir != dir:
				t.Errorf("%v, want %v in segment %d", err, m.kind, m.segment)
			}
		})
	}
}

// FuzzOpen damages the files of a journal of several segments: nothing that was not written
// is ever given, and nothing that was closed ends early without a word.
func FuzzOpen(tf *testing.F) {
	f := mutate.New(tf)
	all, files := segmentsOf(f, 1, 650)
	f.Add(byte(0), byte(1), uint32(HeaderSize+50), byte(1), uint32(0))
	f.Add(byte(1), byte(2), uint32(0), byte(0), uint32(0))
	f.Add(byte(2), byte(0), uint32(3), byte(1), uint32(0))
	f.Add(byte(3), byte(3), uint32(0), byte(0), uint32(9000))
	f.Add(byte(4), byte(1), uint32(20), byte(9), uint32(0))
	dir := journalOf(f, files...)
	f.Fuzz(func(t *testing.T, act, which byte, at uint32, value byte, cut uint32) {
		i := int(which) % len(files)
		b, path := slices.Clone(files[i]), filepath.Join(dir, fileName(uint32(i+1), segmentSuffix))
		switch act % 5 {
		case 0:
			b[int(at)%len(b)] ^= value
		case 1:
			b = nil // it is missing
		case 2:
			b = slices.Clone(files[int(value)%len(files)])
		case 3:
			b = b[:len(b)-int(cut)%len(b)]
		case 4:
			b[int(at)%HeaderSize] ^= value
			rehead(b)
		}
		put(t, path, files[i], b)
		defer put(t, path, b, files[i])
		n, tail, err := readBeginning(dir, all)
		if n < 0 {
			t.Fatal("a record is not what was written")
		}
		if err == nil && tail.State == TailClosed && n != len(all) {
			t.Fatalf("closed after %d of %d records", n, len(all))
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v does not say where", err)
		}
		if err == io.EOF {
			t.Fatal("the end is an error")
		}
	})
}

// put makes b the content of a file that has was; nil is no file.
func put(t *testing.T, path string, was, b []byte) {
	var err error
	switch {
	case b == nil:
		err = os.Remove(path)
	case len(was) != len(b):
		err = os.WriteFile(path, b, 0o600)
	default: // where they differ
		from, to := 0, len(b)
		for from < to && was[from] == b[from] {
			from++
		}
		for from < to && was[to-1] == b[to-1] {
			to--
		}
		var f *os.File
		if f, err = os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			_, err = f.WriteAt(b[from:to], int64(from))
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readBeginning reads a journal that must be the beginning of all: n is how much of it, -1 if
// it is something else.
func readBeginning(dir string, all []kept) (n int, tail Tail, err error) {
	r, err := Open(dir)
	if err != nil {
		return 0, Tail{}, err
	}
	for ; ; n++ {
		rec, err := r.Next()
		if err == io.EOF {
			return n, r.Tail(), nil
		}
		if err != nil {
			return n, r.Tail(), err
		}
		if n == len(all) || rec.Type != all[n].typ || rec.Time != all[n].time || string(rec.Payload) != all[n].payload {
			return -1, Tail{}, nil
		}
	}
}
