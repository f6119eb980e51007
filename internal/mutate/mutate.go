// Package mutate runs fuzz tests as ordinary ones: so many inputs, made out of their seeds by
// changes that a generator with a fixed seed draws, so every run tries the same ones. It is no
// search, as go test -fuzz is; it is what fits into the check of every change.
package mutate

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"testing"
)

// Executions is the variable of the environment with the number of inputs for a fuzz test.
const Executions = "PENSTOCK_EXECS"

// F is a fuzz test that may run so.
type F struct {
	*testing.F
	seeds int
}

// New returns f with inputs of its own, where the environment wants some.
func New(f *testing.F) *F { return &F{F: f} }

// Add adds a seed.
func (f *F) Add(args ...any) {
	f.seeds++
	f.F.Add(args...)
}

// Fuzz runs body for every seed, and where the environment says so for as many inputs that
// are made out of the seeds, the same number out of each.
func (f *F) Fuzz(body any) {
	all, err := strconv.Atoi(os.Getenv(Executions))
	if err != nil || f.seeds == 0 {
		f.F.Fuzz(body)
		return
	}
	h := fnv.New64a()
	h.Write([]byte(f.Name()))
	m := &maker{random: rand.New(rand.NewPCG(h.Sum64(), 1))}
	call, share, done := reflect.ValueOf(body), (all+f.seeds-1)/f.seeds, 0
	f.F.Fuzz(reflect.MakeFunc(call.Type(), func(args []reflect.Value) []reflect.Value {
		t, seed := args[0].Interface().(*testing.T), args[1:]
		call.Call(args)
		m.seeds = append(m.seeds, seed)
		input := seed
		defer func() {
			if cause := recover(); cause != nil {
				t.Errorf("execution %d, input %s: %v\n%s", done, text(input), cause, debug.Stack())
			} else if t.Failed() {
				t.Errorf("execution %d, input %s", done, text(input))
			}
		}()
		before := done
		for n := 0; n < share && done < all; n++ {
			if n%depth == 0 {
				input = seed
			}
			input = m.change(input)
			done++
			call.Call(append([]reflect.Value{args[0]}, input...))
		}
		if done == all && done > before {
			t.Logf("%s: %d executions", f.Name(), done)
		}
		return nil
	}).Interface())
}

// depth is how many inputs are made one out of the other before the next is made of the seed.
const depth = 6

func text(args []reflect.Value) string {
	s := ""
	for _, a := range args {
		s += fmt.Sprintf("%#v, ", a.Interface())
	}
	return s
}

// maker makes inputs out of others.
type maker struct {
	random *rand.Rand
	seeds  [][]reflect.Value
}

// change returns args with something else in one of them.
func (m *maker) change(args []reflect.Value) []reflect.Value {
	args = append([]reflect.Value(nil), args...)
	i := m.random.IntN(len(args))
	v, other := args[i], m.seeds[m.random.IntN(len(m.seeds))][i]
	t := v.Type()
	next := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Slice:
		next.SetBytes(m.bytes(v.Bytes(), other.Bytes()))
	case reflect.String:
		next.SetString(string(m.bytes([]byte(v.String()), []byte(other.String()))))
	case reflect.Bool:
		next.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		next.SetInt(int64(m.number(uint64(v.Int()))))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		next.SetUint(m.number(v.Uint()) << (64 - t.Bits()) >> (64 - t.Bits()))
	default:
		panic("mutate: no way to change " + t.String())
	}
	args[i] = next
	return args
}

var edges = [...]uint64{0, 1, math.MaxInt8, math.MaxUint8, math.MaxInt16, math.MaxUint16, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64}

// number returns something near v, or at an edge of a type, or anything.
func (m *maker) number(v uint64) uint64 {
	switch m.random.IntN(4) {
	case 0:
		return edges[m.random.IntN(len(edges))]
	case 1:
		return v + uint64(m.random.IntN(33)) - 16
	case 2:
		return v ^ 1<<m.random.IntN(64)
	}
	return m.random.Uint64() >> m.random.IntN(64)
}

// most is how long a changed text may become.
const most = 1 << 20

// bytes returns b with one to four changes; other is where pieces may come from.
func (m *maker) bytes(b, other []byte) []byte {
	b = append(make([]byte, 0, len(b)+64), b...)
	for range 1 + m.random.IntN(4) {
		b = m.once(b, other)
	}
	return b[:min(len(b), most)]
}

func (m *maker) once(b, other []byte) []byte {
	r := m.random
	if len(b) == 0 {
		return append(b, byte(r.Uint32()))
	}
	at := r.IntN(len(b))
	to := at + 1 + r.IntN(min(len(b)-at, 1<<r.IntN(9)))
	switch r.IntN(10) {
	case 0: // a bit
		b[at] ^= 1 << r.IntN(8)
	case 1: // a byte
		b[at] = byte(r.Uint32())
	case 2: // a byte that is somewhere in it: a separator, a digit
		b[at] = b[r.IntN(len(b))]
	case 3: // a digit, one more or less
		b[at] += byte(r.IntN(3)) - 1
	case 4: // a piece is gone
		b = append(b[:at], b[to:]...)
	case 5: // a piece twice
		b = insert(b, at, b[at:to])
	case 6: // a piece of another input
		if len(other) > 0 {
			from := r.IntN(len(other))
			b = insert(b, at, other[from:min(len(other), from+to-at)])
		}
	case 7: // it ends here
		b = b[:at]
	case 8: // a number at an edge, as text
		b = insert(b, at, strconv.AppendInt(nil, int64(edges[r.IntN(len(edges))]), 10))
	case 9: // a number at an edge, as it is
		for edge := edges[r.IntN(len(edges))]; at < to; at++ {
			b[at], edge = byte(edge), edge>>8
		}
	}
	return b
}

func insert(b []byte, at int, piece []byte) []byte {
	return append(b[:at:at], append(append([]byte(nil), piece...), b[at:]...)...)
}
