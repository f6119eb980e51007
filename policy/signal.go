package policy

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// SignalInputs is the number of inputs of a price signal, SignalBins the bins of each.
const (
	SignalInputs = 3
	SignalBins   = 16
	signalCells  = SignalBins * SignalBins * SignalBins
)

// Signal is a distilled price signal: the expected move of the mid by three inputs, in
// their order lean, order flow imbalance, traded flow (book.Pressure). It rises, or stays,
// with each of them; a file in which it falls anywhere is refused.
type Signal struct {
	Unit   int32                               // of Values, in 1/1000 of the half-spread
	Edges  [SignalInputs][SignalBins - 1]uint8 // codes at which bins begin, from bin 1, ascending
	Values [signalCells]int8                   // lean outermost, flow innermost
}

// signalTable is a Signal as lookups read it: a bin of each code, times its stride.
type signalTable struct {
	bins   [SignalInputs][256]uint16
	values [signalCells]int16 // 1/1000 of the half-spread
}

// signalRange is how inputs become codes: code = (clamp(x, −lo, lo) + lo) >> shift.
var signalRange = [SignalInputs]struct {
	lo    int64
	shift uint
}{{1024, 3}, {4096, 5}, {4096, 5}}

// SignalCode returns the code of input i, 0 to 255, for fitting edges.
func SignalCode(i int, x int64) uint8 {
	r := &signalRange[i]
	return uint8((min(max(x, -r.lo), r.lo-1) + r.lo) >> r.shift)
}

// Bin returns the bin of a code of input i.
func (s *Signal) Bin(i int, code uint8) int {
	n := 0
	for n < SignalBins-1 && code >= s.Edges[i][n] {
		n++
	}
	return n
}

// SignalCell returns the index in Values of three bins.
func SignalCell(lean, ofi, flow int) int { return (lean*SignalBins+ofi)*SignalBins + flow }

// At returns the signal of three inputs the slow way, in 1/1000 of the half-spread.
func (s *Signal) At(lean, ofi, flow int64) int64 {
	return int64(s.Values[SignalCell(s.Bin(0, SignalCode(0, lean)), s.Bin(1, SignalCode(1, ofi)), s.Bin(2, SignalCode(2, flow)))]) *
		int64(s.Unit)
}

// fault says what is wrong with s, "" when nothing is.
func (s *Signal) fault() string {
	if s.Unit < 1 || s.Unit > 100 {
		return fmt.Sprintf("unit %d, must be 1 to 100", s.Unit)
	}
	for i := range s.Edges {
		e := s.Edges[i][:]
		if e[0] == 0 || !slices.IsSorted(e) || len(slices.Compact(slices.Clone(e))) != len(e) {
			return fmt.Sprintf("edges of input %d do not ascend from 1", i)
		}
	}
	for cell := range s.Values {
		for _, stride := range [...]int{1, SignalBins, SignalBins * SignalBins} {
			if cell/stride%SignalBins > 0 && s.Values[cell] < s.Values[cell-stride] {
				return fmt.Sprintf("value %d of cell %d is below %d of cell %d: it must rise with every input",
					s.Values[cell], cell, s.Values[cell-stride], cell-stride)
			}
		}
	}
	return ""
}

func (s *Signal) compile() *signalTable {
	t := &signalTable{}
	for i, stride := range [...]int{SignalBins * SignalBins, SignalBins, 1} {
		for code := range 256 {
			t.bins[i][code] = uint16(s.Bin(i, uint8(code)) * stride)
		}
	}
	for i, v := range s.Values {
		t.values[i] = int16(int32(v) * s.Unit)
	}
	return t
}

// Signal returns the expected move of the mid in 1/1000 of the half-spread, positive
// upwards, by the table's price signal; by the lean alone when it has none. It does not
// allocate.
func (t *Table) Signal(lean, ofi, flow int64) int64 {
	s := t.signal
	if s == nil {
		return lean
	}
	cell := s.bins[0][SignalCode(0, lean)] + s.bins[1][SignalCode(1, ofi)] + s.bins[2][SignalCode(2, flow)]
	return int64(s.values[cell&(signalCells-1)])
}

// HasSignal reports whether the table has a price signal of its own.
func (t *Table) HasSignal() bool { return t.signal != nil }

// Section SGNL: unit i32, 3 × (edges[15] u8, 0), reserved[12], values[4096] i8.
const (
	tagSGNL     = "SGNL"
	signalFixed = 64
	signalBytes = signalFixed + signalCells
)

// Section returns the section of a file that holds s; a signal that does not rise is an error.
func (s *Signal) Section() (Section, error) {
	if fault := s.fault(); fault != "" {
		return Section{}, refuse(errEncode, tagSGNL, 0, "%s", fault)
	}
	b := make([]byte, signalBytes)
	binary.LittleEndian.PutUint32(b, uint32(s.Unit))
	for i := range s.Edges {
		copy(b[4+SignalBins*i:], s.Edges[i][:])
	}
	for i, v := range s.Values {
		b[signalFixed+i] = byte(v)
	}
	return Section{Tag: tagSGNL, Data: b}, nil
}

// readSignal reads section SGNL; nothing when the file has none.
func readSignal(e entry) (*Signal, error) {
	if e.data == nil {
		return nil, nil
	}
	s := &Signal{Unit: int32(binary.LittleEndian.Uint32(e.data))}
	for i := range s.Edges {
		copy(s.Edges[i][:], e.data[4+SignalBins*i:])
		if e.data[4+SignalBins*i+SignalBins-1] != 0 {
			return nil, refuse(ErrSchema, tagSGNL, e.offset, "reserved byte is not zero")
		}
	}
	if i := firstNonZero(e.data[4+SignalInputs*SignalBins : signalFixed]); i >= 0 {
		return nil, refuse(ErrSchema, tagSGNL, e.offset, "reserved byte is not zero")
	}
	for i := range s.Values {
		s.Values[i] = int8(e.data[signalFixed+i])
	}
	if fault := s.fault(); fault != "" {
		return nil, refuse(ErrSchema, tagSGNL, e.offset, "%s", fault)
	}
	return s, nil
}

// PriceSignal returns the table's price signal, nil when it has none.
func (t *Table) PriceSignal() *Signal {
	for _, s := range t.extra {
		if s.Tag == tagSGNL {
			signal, _ := readSignal(entry{tag: tagSGNL, data: s.Data})
			return signal
		}
	}
	return nil
}
