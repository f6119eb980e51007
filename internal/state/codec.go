// Package state moves the memory of a deterministic core to bytes and back: for snapshots,
// and for the hash that two cores are compared by.
//
// One function of a type serves both directions (func (t *T) MoveState(c *state.Codec)), so what
// is saved and what is loaded cannot differ. Structs without pointers are moved as a whole by
// Fixed and Slice: a field that is added to one is in the snapshot without another line. What
// has pointers names its fields; a test beside it compares the names with the struct.
//
// Bytes are those of the memory of this build, without the padding between fields. Layout
// names the build's layouts, so that bytes of another one are refused and not misread.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"reflect"
	"sync"
	"unsafe"
)

// ErrState says that bytes are no state of this build and configuration.
var ErrState = errors.New("not a state of this build and configuration")

// Codec saves or loads. The zero value is not usable: see Saver, Hasher and Loader. After the
// first error nothing is moved any more. One goroutine.
type Codec struct {
	buf     []byte
	at      int
	loading bool
	flush   func([]byte) error // saving: takes what is full
	hash    uint64
	size    int64
	err     error
}

const chunk = 256 << 10

// Saver returns a codec that gives the state to flush, in pieces that are valid during the
// call.
func Saver(flush func([]byte) error) *Codec { return &Codec{buf: make([]byte, 0, chunk), flush: flush} }

// Hasher returns a codec that only hashes.
func Hasher() *Codec { return Saver(func([]byte) error { return nil }) }

// Loader returns a codec that loads b.
func Loader(b []byte) *Codec { return &Codec{buf: b, loading: true} }

// Loading reports whether values come from bytes.
func (c *Codec) Loading() bool { return c.loading }

// Fail records that what was loaded cannot be.
func (c *Codec) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
	}
}

// Check is Fail unless ok.
func (c *Codec) Check(ok bool, what string) {
	if !ok {
		c.Fail("%s", what)
	}
}

// Err returns the first error.
func (c *Codec) Err() error { return c.err }

// Finish ends the work: what is saved is flushed, what is loaded must be used up. It returns
// the hash of all bytes and their number.
func (c *Codec) Finish() (hash uint64, size int64, err error) {
	if c.loading {
		if c.err == nil && c.at != len(c.buf) {
			c.Fail("%d bytes are left over", len(c.buf)-c.at)
		}
		return c.hash, int64(c.at), c.err
	}
	c.spill()
	return c.hash, c.size, c.err
}

// spill hands over and hashes what was saved.
func (c *Codec) spill() {
	c.hash = Mix(c.hash, c.buf)
	c.size += int64(len(c.buf))
	if c.err == nil {
		c.err = c.flush(c.buf)
	}
	c.buf = c.buf[:0]
}

// Mix continues a hash by b. It is made for speed and to tell states apart, not against an
// attacker: two lanes of multiplication and rotation over 16 bytes.
func Mix(h uint64, b []byte) uint64 {
	const p1, p2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	x, y := h^uint64(len(b))*p1, ^h
	for ; len(b) >= 16; b = b[16:] {
		x = bits.RotateLeft64((x^binary.LittleEndian.Uint64(b))*p1, 29)
		y = bits.RotateLeft64((y^binary.LittleEndian.Uint64(b[8:]))*p2, 31)
	}
	if len(b) > 0 {
		var rest [16]byte
		copy(rest[:], b)
		x = bits.RotateLeft64((x^binary.LittleEndian.Uint64(rest[:]))*p1, 29)
		y = bits.RotateLeft64((y^binary.LittleEndian.Uint64(rest[8:]))*p2, 31)
	}
	x ^= y
	x = (x ^ x>>32) * p2
	return x ^ x>>29
}

// room returns n bytes to fill.
func (c *Codec) room(n int) []byte {
	if len(c.buf)+n > cap(c.buf) {
		c.spill()
		if n > cap(c.buf) {
			c.buf = make([]byte, 0, n)
		}
	}
	c.buf = c.buf[:len(c.buf)+n]
	return c.buf[len(c.buf)-n:]
}

// take returns the next n bytes, nil when there are not so many.
func (c *Codec) take(n int) []byte {
	if c.err != nil || n > len(c.buf)-c.at {
		c.Fail("it ends early")
		return nil
	}
	c.at += n
	return c.buf[c.at-n : c.at]
}

// layout says where the fields of a type without pointers are.
type layout struct {
	size  uintptr
	runs  []run // without the padding between them
	bytes int   // of all runs
	bools []uintptr
	print uint32 // of names, types and places of all fields
}

type run struct{ at, len uintptr }

var layouts sync.Map // reflect.Type to *layout

// layoutOf panics for a type with pointers: that is a mistake of this program.
func layoutOf[T any]() *layout {
	t := reflect.TypeFor[T]()
	if l, ok := layouts.Load(t); ok {
		return l.(*layout)
	}
	l := &layout{size: t.Size()}
	text := l.add(t, 0, t.String(), nil)
	l.print = crc32.ChecksumIEEE(text)
	for _, r := range l.runs {
		l.bytes += int(r.len)
	}
	layouts.Store(t, l)
	return l
}

// add walks the type t at offset at, and returns text with its description.
func (l *layout) add(t reflect.Type, at uintptr, name string, text []byte) []byte {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Name != "_" {
				text = l.add(f.Type, at+f.Offset, name+"."+f.Name, text)
			}
		}
		return text
	case reflect.Array:
		for i := range t.Len() {
			text = l.add(t.Elem(), at+uintptr(i)*t.Elem().Size(), name+"[]", text)
		}
		return text
	case reflect.Bool:
		l.bools = append(l.bools, at)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		panic("state: " + name + " is a " + t.Kind().String() + ": only integers, booleans, arrays and structs are moved")
	}
	if n := len(l.runs); n > 0 && l.runs[n-1].at+l.runs[n-1].len == at {
		l.runs[n-1].len += t.Size()
	} else {
		l.runs = append(l.runs, run{at, t.Size()})
	}
	return fmt.Appendf(text, "%s %s %d\n", name, t.Kind(), at)
}

// Fixed moves one value without pointers.
func Fixed[T any](c *Codec, p *T) { Slice(c, unsafe.Slice(p, 1)) }

// Slice moves the elements of s, whose number both sides know.
func Slice[T any](c *Codec, s []T) {
	l := layoutOf[T]()
	if len(s) == 0 || l.bytes == 0 {
		return
	}
	if c.loading {
		c.load(unsafe.Pointer(&s[0]), len(s), l)
	} else {
		c.save(unsafe.Pointer(&s[0]), len(s), l)
	}
}

// List moves the elements of s and their number, which on loading must fit its capacity.
func List[T any](c *Codec, s *[]T) {
	n := uint64(len(*s))
	Fixed(c, &n)
	if c.loading {
		if c.err != nil || n > uint64(cap(*s)) {
			c.Fail("%d of something, there is room for %d", n, cap(*s))
			return
		}
		*s = (*s)[:n]
	}
	Slice(c, *s)
}

// Layout moves the print of a type's layout: loading what another layout has fails.
func Layout[T any](c *Codec) {
	print := layoutOf[T]().print
	Fixed(c, &print)
	if print != layoutOf[T]().print {
		c.Fail("%v is laid out differently", reflect.TypeFor[T]())
	}
}

func (c *Codec) save(p unsafe.Pointer, n int, l *layout) {
	if c.err != nil {
		return
	}
	per := max(1, chunk/l.bytes)
	at := uintptr(0) // never a pointer behind the values
	for n > 0 {
		k := min(n, per)
		n -= k
		dst := c.room(k * l.bytes)
		if len(l.runs) == 1 && l.size == uintptr(l.bytes) {
			copy(dst, unsafe.Slice((*byte)(unsafe.Add(p, at)), k*l.bytes))
			at += uintptr(k * l.bytes)
			continue
		}
		for range k {
			for _, r := range l.runs {
				dst = dst[copy(dst, unsafe.Slice((*byte)(unsafe.Add(p, at+r.at)), r.len)):]
			}
			at += l.size
		}
	}
}

func (c *Codec) load(p unsafe.Pointer, n int, l *layout) {
	for i := range n {
		from := uintptr(i) * l.size
		src := c.take(l.bytes)
		if src == nil {
			return
		}
		for _, r := range l.runs {
			src = src[copy(unsafe.Slice((*byte)(unsafe.Add(p, from+r.at)), r.len), src):]
		}
		for _, at := range l.bools {
			if b := (*byte)(unsafe.Add(p, from+at)); *b > 1 {
				*b = 1
				c.Fail("a boolean is neither true nor false")
			}
		}
	}
}

// Folder continues hashes by single values without pointers.
type Folder[T any] struct{ runs []run }

// NewFolder returns the folder of a type.
func NewFolder[T any]() Folder[T] { return Folder[T]{layoutOf[T]().runs} }

// Fold continues h by *p. It takes no memory.
func (f *Folder[T]) Fold(h uint64, p *T) uint64 {
	const p1, p2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	x := h ^ p1
	for _, r := range f.runs {
		at, end := r.at, r.at+r.len // never a pointer behind the value
		for ; at+8 <= end; at += 8 {
			x = bits.RotateLeft64((x^*(*uint64)(unsafe.Add(unsafe.Pointer(p), at)))*p1, 29)
		}
		if at < end {
			rest := uint64(0)
			for ; at < end; at++ {
				rest = rest<<8 | uint64(*(*byte)(unsafe.Add(unsafe.Pointer(p), at)))
			}
			x = bits.RotateLeft64((x^rest)*p1, 29)
		}
	}
	x = (x ^ x>>32) * p2
	return x ^ x>>29
}
