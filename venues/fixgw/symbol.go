package fixgw

import "penstock/market"

// symbolTable finds a symbol by its number and by its text.
type symbolTable struct {
	list   []Symbol
	byID   []int16 // index in list, -1
	byText map[string]int16
}

func (t *symbolTable) init(list []Symbol) {
	t.list = list
	t.byText = make(map[string]int16, len(list))
	for i := range list {
		for int(list[i].ID) >= len(t.byID) {
			t.byID = append(t.byID, -1)
		}
		t.byID[list[i].ID] = int16(i)
		t.byText[list[i].Text] = int16(i)
	}
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
	if i, ok := t.byText[string(text)]; ok {
		return &t.list[i]
	}
	return nil
}
