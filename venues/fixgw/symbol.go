package fixgw

import "penstock/market"

// symbolTable finds a symbol by its number and by its text.
type symbolTable struct {
	list  []Symbol
	byID  []int16 // index in list, -1
	slots []int16 // index in list plus one, open addressed by hash of the text; 0 is none
	last  int     // index of what was found last: reports come in runs
}

func (t *symbolTable) init(list []Symbol) {
	t.list = list
	size := 8
	for size < 4*len(list) {
		size *= 2
	}
	t.slots = make([]int16, size)
	for i := range list {
		for int(list[i].ID) >= len(t.byID) {
			t.byID = append(t.byID, -1)
		}
		t.byID[list[i].ID] = int16(i)
		at := hash([]byte(list[i].Text)) & uint32(size-1)
		for ; t.slots[at] != 0; at = (at + 1) & uint32(size-1) {
		}
		t.slots[at] = int16(i + 1)
	}
}

// hash is FNV-1a.
func hash(text []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range text {
		h = (h ^ uint32(c)) * 16777619
	}
	return h ^ h>>15
}

// index returns the index of an instrument, -1 when the venue does not have it.
func (t *symbolTable) index(id market.InstrumentID) int {
	if int(id) >= len(t.byID) {
		return -1
	}
	return int(t.byID[id])
}

// find returns the symbol with that Symbol(55), nil if none.
func (t *symbolTable) find(text []byte) *Symbol {
	if s := &t.list[t.last]; string(text) == s.Text {
		return s
	}
	for at := hash(text); ; at++ {
		i := int(t.slots[at&uint32(len(t.slots)-1)])
		if i == 0 {
			return nil
		}
		if t.list[i-1].Text == string(text) {
			t.last = i - 1
			return &t.list[i-1]
		}
	}
}
