package policy

import (
	"encoding/binary"

	"penstock/market"
)

// MaxPages bounds the regime pages of a table.
const MaxPages = 4

// Table is a loaded policy. It does not change after it was built or decoded:
// any number of goroutines may read it, and swapping one for another is the
// caller's work.
type Table struct {
	lut      lut
	gapEdges [2]market.Qty    // 1/1000 of a slice
	bases    [MaxPages]uint32 // start of each page in cells; absent pages alias page 0
	cells    []uint16         // pages × States, encoded as in section POLI
	pages    int
	schema   Schema
	header   Header
	meta     Meta
	extra    []Section
	trusted  bool
	signal   *signalTable // nil: the lean of the touch
	paging   Paging       // zero: always page 0
}

// Header is what identifies a table and says when it may be used.
type Header struct {
	UUID         [16]byte
	BuildTime    int64    // ns since epoch
	NotBefore    int64    // ns since epoch, inclusive
	NotAfter     int64    // ns since epoch, exclusive
	TrainData    [32]byte // SHA-256 of the training set, zero when there is none
	GateReport   [32]byte // SHA-256 of section GATE, zero when there is none
	ParentPolicy [32]byte // SHA-256 of the table it was trained from, zero when none
}

// Section is an optional part of a file, kept as it came: SGNL and PAGE, which lookups
// use, and QVAL, QSTD, NVIS, COEF, SEEN, BASE, GATE, which they do not need.
type Section struct {
	Tag  string
	Data []byte
}

// Cell is the decision of a table for one state. It has few fields, because the compiler keeps
// such a struct in registers: with one field per fact it goes through the stack, which costs more
// than the lookup itself. What few read is taken out of the bits when it is read.
type Cell struct {
	Index  uint32 // within its page
	Action uint8
	bits   uint16 // as in section POLI
}

// Alt returns the action to take when Action is blocked.
func (c Cell) Alt() uint8 { return uint8(c.bits >> cellAltShift & 15) }

// Confidence returns the advantage over BASELINE in standard errors, 0 to 7.
func (c Cell) Confidence() uint8 { return uint8(c.bits >> cellConfidenceShift & 7) }

// Baseline reports whether Action is BASELINE.
func (c Cell) Baseline() bool { return c.bits&cellBaseline != 0 }

// LowSupport reports whether the cell has few training samples.
func (c Cell) LowSupport() bool { return c.bits&cellLowSupport != 0 }

// Unseen reports whether the cell has none.
func (c Cell) Unseen() bool { return c.bits&cellUnseen != 0 }

// Thin reports whether the cell's support does not carry a decision: LowSupport
// or Unseen.
func (c Cell) Thin() bool { return c.bits&(cellLowSupport|cellUnseen) != 0 }

// Bits of a cell in section POLI. Bits 14 and 15 are zero.
const (
	cellAltShift        = 4
	cellConfidenceShift = 8
	cellBaseline        = 1 << 11
	cellLowSupport      = 1 << 12
	cellUnseen          = 1 << 13
	cellReserved        = 3 << 14
)

// encodeCell returns the bits of a cell; support is cellLowSupport, cellUnseen,
// both or 0. The baseline bit follows from the action.
func encodeCell(action, alt, confidence uint8, support uint16) uint16 {
	v := uint16(action&15) | uint16(alt&15)<<cellAltShift |
		uint16(confidence&7)<<cellConfidenceShift | support&(cellLowSupport|cellUnseen)
	if action == ActionBaseline {
		v |= cellBaseline
	}
	return v
}

func decodeCell(index uint32, v uint16) Cell { return Cell{index, uint8(v & 15), v} }

// Lookup returns the cell of a quantised state. A page that the table does not
// have reads page 0. It does not allocate.
func (t *Table) Lookup(page int, codes *Codes) Cell {
	l := &t.lut
	return t.cell(page, (l[0][codes[0]]+l[1][codes[1]])+(l[2][codes[2]]+l[3][codes[3]])+
		((l[4][codes[4]]+l[5][codes[5]])+(l[6][codes[6]]+l[7][codes[7]])))
}

// Find is Lookup of the codes of a state, without making them: what is furthest behind, the
// quotient of gap and slice, becomes two compares of products. It does not allocate.
func (t *Table) Find(page int, in *Inputs) Cell {
	rest, ok := t.Rest(in)
	if !ok {
		codes := in.Codes()
		return t.Lookup(page, &codes)
	}
	return t.FindFrom(page, rest, in.Signal, in.Spread, in.SweepCost)
}

// Rest is the part of a cell's index that a touch which moves has no say in: all but signal,
// spread and price of immediacy. ok is false for a state that is nonsense.
func (t *Table) Rest(in *Inputs) (rest uint32, ok bool) {
	if !in.ordinary() {
		return 0, false
	}
	l := &t.lut
	gap := 2*gapStride - uint32((1000*in.Gap-t.gapEdges[0]*in.Slice)>>63&gapStride) - uint32((1000*in.Gap-t.gapEdges[1]*in.Slice)>>63&gapStride)
	return (l[0][code(in.Decision, 0, unitScale)&255] + l[1][in.inventory()&255]) + gap +
		(l[6][code(in.Volatility, 0, ratioScale)&255] + l[7][code(in.DarkFill, 0, ratioScale)&255]), true
}

// FindFrom is Find where the rest of the index is known. It does not allocate.
func (t *Table) FindFrom(page int, rest uint32, signal, spread, sweepCost int64) Cell {
	l := &t.lut
	return t.cell(page, rest+l[3][code(signal, signalLo, signalScale)&255]+
		(l[4][code(spread, 0, unitScale)&255]+l[5][code(sweepCost, 0, ratioScale)&255]))
}

// Reach returns the actions that FindFrom may find from a rest, BASELINE for cells of thin support:
// signal, spread and price of immediacy are next to each other in the index.
func (t *Table) Reach(page int, rest uint32) (actions ActionMask) {
	for i := uint32(0); i < touchCells*touchStride; i += touchStride {
		if cell := t.cell(page, rest+i); cell.Thin() {
			actions = actions.Block(ActionBaseline)
		} else {
			actions = actions.Block(cell.Action)
		}
	}
	return actions
}

// NextGap returns the least gap of an ordinary state that is in another bin than in.Gap, and
// more; ok is false when there is none.
func (t *Table) NextGap(in *Inputs) (gap market.Qty, ok bool) {
	for _, edge := range t.gapEdges {
		if at := edge * in.Slice; 1000*in.Gap < at {
			gap = at / 1000 // towards zero
			if 1000*gap < at {
				gap++
			}
			return gap, true
		}
	}
	return 0, false
}

func (t *Table) cell(page int, index uint32) Cell {
	if uint(page) >= MaxPages {
		page = 0
	}
	return decodeCell(index, t.cells[t.bases[page&(MaxPages-1)]+index])
}

// At returns the cell with the given index, which must be below States.
func (t *Table) At(page int, index uint32) Cell {
	if uint(page) >= MaxPages {
		page = 0
	}
	return decodeCell(index, t.cells[t.bases[page]:][:States][index])
}

// Pages returns the number of regime pages, 1 to MaxPages.
func (t *Table) Pages() int { return t.pages }

// Schema returns the quantisation with this table's edges.
func (t *Table) Schema() Schema { return t.schema }

// Header returns identity and validity.
func (t *Table) Header() Header { return t.header }

// Meta returns how the table was made; its slices are the table's.
func (t *Table) Meta() Meta { return t.meta }

// Sections returns the optional sections; they are the table's.
func (t *Table) Sections() []Section { return t.extra }

// Trusted reports whether the table was decoded from a file signed by a key that
// the caller trusts.
func (t *Table) Trusted() bool { return t.trusted }

// PolicyID returns the first 8 bytes of the UUID as they are printed, which is
// how decisions name the table; 0 is the compiled-in StaticTable.
func (t *Table) PolicyID() uint64 { return binary.BigEndian.Uint64(t.header.UUID[:8]) }

// UUIDText returns the UUID in its usual form.
func (t *Table) UUIDText() string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 36)
	for i, b := range t.header.UUID {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, digits[b>>4], digits[b&15])
	}
	return string(text)
}

// newTable returns a table with the given edges and all cells zero.
func newTable(schema *Schema, pages int) *Table {
	t := &Table{lut: schema.lut(), schema: *schema, pages: pages}
	for i := range t.gapEdges {
		t.gapEdges[i] = market.Qty(schema[FeatureGap].Edges[i])
	}
	t.cells = make([]uint16, pages*States)
	for p := range t.pages {
		t.bases[p] = uint32(p * States)
	}
	return t
}
