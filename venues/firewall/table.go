package firewall

import "math/bits"

// table finds the index of a number: open addressing, linear probing, at most half full.
// Numbers are not 0 and are never taken out. Numbers that follow each other, as orders'
// do, lie together, so that the next one is where the processor looks already; blocks of
// them are placed by a hash.
type table struct {
	slots []slot
	shift uint
}

type slot struct {
	number uint64
	at     int32
}

const blockBits = 5

func newTable(room int) table {
	n := 1 << max(bits.Len(uint(2*room)), blockBits+1)
	t := table{slots: make([]slot, n), shift: uint(64 - bits.TrailingZeros(uint(n)) + blockBits)}
	for i := range t.slots {
		t.slots[i].at = -1 // and every page is there before its first use
	}
	return t
}

// slot returns where number is, or where it would be put.
func (t *table) slot(number uint64) *slot {
	mask := len(t.slots) - 1
	i := int(number>>blockBits*0x9e3779b97f4a7c15>>(t.shift&63)<<blockBits|number&(1<<blockBits-1)) & mask
	for t.slots[i].number != 0 && t.slots[i].number != number {
		i = (i + 1) & mask
	}
	return &t.slots[i]
}

// find returns the index of number, -1 when it is not there.
func (t *table) find(number uint64) int32 { return t.slot(number).at }

func (t *table) put(number uint64, at int32) { *t.slot(number) = slot{number, at} }
