package router

import (
	"bytes"
	"hash/maphash"
	"reflect"
	"sync/atomic"
	"testing"
	"unsafe"

	"penstock/book"
	"penstock/event"
	"penstock/policy"
)

// blockBytes is the grain at which is known what steps write.
const blockBytes = 64

// Marks of a block: the steps that were seen to write it.
const (
	writtenByAny    uint8 = 1 << iota // without market data, time or a start
	writtenByMarket                   // with: these may change a book
)

// memory is all of a core that steps write, and the way back. Once learnt, only blocks that steps
// were seen to write are saved and gone back to, a small part of all; that no step writes another
// is looked at from time to time and at the end.
type memory struct {
	regions [][]byte
	first   [][]byte // what was in the regions at first: it stays in blocks without a mark
	marks   []uint8  // by block, in the order of the regions
	parts   [][]byte // the marked blocks, neighbours as one
	plain   int      // so many of the parts, the first ones, are written by any step
	bytes   int      // of all parts
	learns  bool     // every block counts as written, and is looked at after every step
	stray   []int    // blocks that a step wrote, against their marks
	returns int
}

// newMemory returns the memory of a core by the marks that another learnt; nil: it learns them.
func newMemory(c *Core, marks []uint8) *memory {
	m := &memory{regions: regions(c), marks: marks, learns: marks == nil}
	for _, r := range m.regions {
		m.first = append(m.first, bytes.Clone(r))
	}
	if m.learns {
		for range m.blocks {
			m.marks = append(m.marks, 0)
		}
		m.parts, m.plain = m.regions, len(m.regions)
	} else {
		m.gather(func(mark uint8) bool { return mark&writtenByAny != 0 })
		m.plain = len(m.parts)
		m.gather(func(mark uint8) bool { return mark == writtenByMarket })
	}
	for _, p := range m.parts {
		m.bytes += len(p)
	}
	return m
}

// blocks yields every block with what was in it at first.
func (m *memory) blocks(yield func(now, first []byte) bool) {
	for i, r := range m.regions {
		for at := 0; at < len(r); at += blockBytes {
			end := min(at+blockBytes, len(r))
			if !yield(r[at:end], m.first[i][at:end]) {
				return
			}
		}
	}
}

// gather adds the blocks whose mark is wanted to the parts.
func (m *memory) gather(wanted func(mark uint8) bool) {
	block := 0
	for _, r := range m.regions {
		joins := false
		for at := 0; at < len(r); at += blockBytes {
			end := min(at+blockBytes, len(r))
			switch last := len(m.parts) - 1; {
			case !wanted(m.marks[block]):
				joins = false
			case joins:
				m.parts[last] = r[at-len(m.parts[last]) : end]
			default:
				m.parts, joins = append(m.parts, r[at:end]), true
			}
			block++
		}
	}
}

func (m *memory) save(to []byte) {
	for _, p := range m.parts {
		to = to[copy(to, p):]
	}
}

// restore goes back to what was saved; market: a step since then may have changed a book.
func (m *memory) restore(saved []byte, market bool) {
	m.returns++
	if m.learns {
		m.learn(saved, market)
	}
	for _, p := range m.parts[:m.plain] {
		saved = saved[copy(p, saved):]
	}
	switch {
	case market:
		for _, p := range m.parts[m.plain:] {
			saved = saved[copy(p, saved):]
		}
	case m.returns%64 == 0 && !m.learns:
		m.look(saved)
	}
	if m.returns%4096 == 0 && !m.learns {
		m.lookOut()
	}
}

// learn marks the blocks that differ from what was saved.
func (m *memory) learn(saved []byte, market bool) {
	mark, block := writtenByAny, 0
	if market {
		mark = writtenByMarket
	}
	for now := range m.blocks {
		if !bytes.Equal(now, saved[:len(now)]) {
			m.marks[block] |= mark
		}
		saved = saved[len(now):]
		block++
	}
}

// look sees whether the blocks that market data alone writes are as they were saved.
func (m *memory) look(saved []byte) {
	block := 0
	for now := range m.blocks {
		if m.marks[block] == writtenByMarket {
			m.expect(block, now, saved[:len(now)])
			saved = saved[len(now):]
		}
		block++
	}
}

// lookOut sees whether the blocks that no step writes are as they were at first.
func (m *memory) lookOut() {
	block := 0
	for now, first := range m.blocks {
		if m.marks[block] == 0 {
			m.expect(block, now, first)
		}
		block++
	}
}

func (m *memory) expect(block int, now, want []byte) {
	if !bytes.Equal(now, want) {
		m.stray = append(m.stray, block)
	}
}

// learnMemory returns the marks of what steps write, down to a depth.
func learnMemory(t *testing.T, depth int) []uint8 {
	m := newModel(t, nil)
	m.visited = newVisited(depth)
	m.explore(depth)
	return m.memory.marks
}

// visited remembers the hash of each state with the steps that were left there, in its low
// bits: open addressing, for several goroutines. A state is the one's who enters it first.
type visited struct {
	slots []atomic.Uint64
	n     atomic.Int64
	void  atomic.Bool // a model found its memory wrong: all is to begin again
}

func newVisited(depth int) *visited {
	return &visited{slots: make([]atomic.Uint64, 1<<min(depth+13, 28))}
}

// enter reports whether a state is new, or has more steps left than ever before.
func (v *visited) enter(hash uint64, left int) bool {
	key, mask := hash&^15|1<<63, uint64(len(v.slots)-1)
	for i := key >> 4 & mask; ; {
		s := v.slots[i].Load()
		switch {
		case s == 0:
			if !v.slots[i].CompareAndSwap(0, key|uint64(left)) {
				continue
			}
			if n := v.n.Add(1); n > int64(len(v.slots))*7/8 {
				panic("the table of states is too small for the depth")
			}
			return true
		case s&^15 == key:
			if int(s&15) >= left {
				return false
			}
			if !v.slots[i].CompareAndSwap(s, key|uint64(left)) {
				continue
			}
			return true
		}
		i = (i + 1) & mask
	}
}

// hash is of what decides the future: ledger, latches and truth. Counters are not in it, nor
// what only reports tell.
func (m *model) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	c := m.core
	p := &c.parents[0]
	notional, fees, decisions := p.Notional, p.Fees, p.DecisionsTaken
	p.Notional, p.Fees, p.DecisionsTaken = 0, 0, 0
	whole := bytesOf(unsafe.Pointer(p), unsafe.Sizeof(*p))
	h.Write(whole[:unsafe.Offsetof(p.Venues)])
	h.Write(whole[unsafe.Offsetof(p.Venues)+unsafe.Sizeof(p.Venues):])
	p.Notional, p.Fees, p.DecisionsTaken = notional, fees, decisions
	for i := range c.execs.list {
		h.Write(c.execs.list[i].ID[:8])
	}
	for i := range c.children[:c.childCount] {
		h.Write(bytesOf(unsafe.Pointer(&c.children[i]), unsafe.Sizeof(c.children[i])))
	}
	h.Write(bytesOf(unsafe.Pointer(&c.sessions), unsafe.Sizeof(c.sessions)))
	h.Write(bytesOf(unsafe.Pointer(&m.truth), unsafe.Sizeof(m.truth)))
	return h.Sum64()
}

func (m *model) save(level int) {
	if level == len(m.saves) {
		m.saves, m.truths = append(m.saves, make([]byte, m.memory.bytes)), append(m.truths, truth{})
	}
	m.dirty, m.market = false, false
	m.memory.save(m.saves[level])
	m.truths[level] = m.truth
}

func (m *model) restore(level int) {
	m.truth = m.truths[level]
	if !m.dirty {
		return
	}
	m.memory.restore(m.saves[level], m.market)
	if len(m.memory.stray) > 0 {
		m.visited.void.Store(true)
	}
	m.dirty, m.market = false, false
	for i := range m.core.near {
		m.core.near[i][0].stale, m.core.near[i][1].stale = true, true // not in memory: made anew
	}
	m.core.forgetOpenings()
}

func bytesOf(p unsafe.Pointer, size uintptr) []byte { return unsafe.Slice((*byte)(p), size) }

// cut returns the parts of memory that are in none of without.
func cut(memory []byte, without [][]byte) (parts [][]byte) {
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(memory)))
	for _, w := range without {
		at := uintptr(unsafe.Pointer(unsafe.SliceData(w))) - begin
		if at < uintptr(len(memory)) {
			return append(cut(memory[:at], without), cut(memory[at+uintptr(len(w)):], without)...)
		}
	}
	if len(memory) == 0 {
		return nil
	}
	return [][]byte{memory}
}

// regions returns all memory that steps of a core write: its own and what it points to.
// Steps do not allocate, so the pointers in it stay, and copying the bytes back is going
// back.
func regions(c *Core) (all [][]byte) {
	seen := map[unsafe.Pointer]bool{}
	var without [][]byte // what a decision begins anew, and counters
	var walk func(v reflect.Value)
	add := func(p unsafe.Pointer, size uintptr) bool {
		if p == nil || size == 0 || seen[p] {
			return false
		}
		seen[p] = true
		all = append(all, cut(bytesOf(p, size), without)...)
		return true
	}
	skip := map[reflect.Type]bool{reflect.TypeFor[*policy.Table](): true, reflect.TypeFor[*event.Output](): true,
		reflect.TypeFor[*event.Event](): true, reflect.TypeFor[*book.Orders](): true,
		reflect.TypeFor[[][2]nearLevels](): true}
	walk = func(v reflect.Value) {
		if skip[v.Type()] {
			return
		}
		if v.Kind() == reflect.Slice && v.Type().Elem().Name() == "rest" {
			return // of orders that rest: a sweep has none
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && add(v.UnsafePointer(), v.Type().Elem().Size()) {
				walk(v.Elem())
			}
		case reflect.Slice:
			whole := v.Slice3(0, v.Cap(), v.Cap())
			if v.Cap() > 0 && add(v.UnsafePointer(), v.Type().Elem().Size()*uintptr(v.Cap())) {
				for i := range whole.Len() {
					walk(whole.Index(i))
				}
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	without = append(without, bytesOf(unsafe.Pointer(&c.walk), unsafe.Sizeof(c.walk)),
		bytesOf(unsafe.Pointer(&c.scratch), unsafe.Sizeof(c.scratch)), bytesOf(unsafe.Pointer(&c.gate.Refused), unsafe.Sizeof(c.gate.Refused)))
	walk(reflect.ValueOf(c))
	return all
}
