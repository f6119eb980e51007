package learn

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"penstock/policy"
)

// ExportOptions are what a table says about its origin.
type ExportOptions struct {
	policy.BuildOptions
	Seeds     []int64
	Params    []string
	TrainData [32]byte
	Parent    [32]byte         // SHA-256 of the file that it continues
	Report    *Report          // nil: not judged yet
	Sections  []policy.Section // price signal and pages
	Schema    *policy.Schema   // nil: the default one
	// Slim leaves out values, errors and visits, 5 MB a page that only explanations read, and
	// keeps what they follow from.
	Slim bool
}

// Export makes a table of a model.
func Export(m *Model, opt ExportOptions) (*policy.Table, error) {
	t := policy.TrainOptions{
		BuildOptions: opt.BuildOptions, TrainData: opt.TrainData, ParentPolicy: opt.Parent, Schema: opt.Schema,
		Extra: slices.Clone(opt.Sections),
		Meta:  policy.Meta{Trainer: "penstock train " + string(m.Opt.Method), Version: opt.Version, Seeds: opt.Seeds, Params: opt.Params},
	}
	if !opt.Slim {
		t.Extra = append(t.Extra, policy.Section{Tag: "QVAL", Data: floats(m.Q)}, policy.Section{Tag: "QSTD", Data: floats(m.SE)})
		visits := make([]byte, 0, 4*len(m.Visits))
		for _, v := range m.Visits {
			visits = binary.LittleEndian.AppendUint32(visits, v)
		}
		t.Extra = append(t.Extra, policy.Section{Tag: "NVIS", Data: visits}, policy.Section{Tag: "BASE", Data: baseValues(m)})
	}
	if opt.Slim && m.fits != nil {
		t.Extra = append(t.Extra, policy.Section{Tag: tagCOEF, Data: m.coefficientPages()}, policy.Section{Tag: tagSEEN, Data: m.visitPages()})
	}
	if opt.Report != nil {
		b, err := opt.Report.JSON()
		if err != nil {
			return nil, err
		}
		t.Extra = append(t.Extra, policy.Section{Tag: "GATE", Data: b})
	}
	pages := slices.Collect(slices.Chunk(m.Choices, policy.States))
	return policy.Build(t, pages...)
}

func floats(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// baseValues is section BASE: for each cell the value of BASELINE (f32) and the two
// features that matter most to the choice (u8, u8, two bytes zero): those whose move to
// another bin changes the chosen action's advantage most.
func baseValues(m *Model) []byte {
	b := make([]byte, 0, 8*len(m.Choices))
	for cell := range uint32(len(m.Choices)) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m.Q[at(cell, policy.ActionBaseline)]))
		first, second := m.attribution(cell)
		b = append(b, first, second, 0, 0)
	}
	return b
}

func (m *Model) attribution(cell uint32) (first, second uint8) {
	return attribution(cell, m.Choices[cell].Action, func(c uint32, a uint8) float64 { return float64(m.Q[at(c, a)]) })
}

func attribution(cell uint32, a uint8, value func(cell uint32, a uint8) float64) (first, second uint8) {
	here := value(cell, a) - value(cell, policy.ActionBaseline)
	best, next := -1.0, -1.0
	for f := range policy.Features {
		if f == policy.FeatureTime {
			continue
		}
		sum, n := 0.0, 0.0
		for bin := range int(schema[f].Bins) {
			other := cell + uint32(bin-int(binsOf(cell)[f]))*schema[f].Stride
			if d := value(other, a) - value(other, policy.ActionBaseline); !math.IsNaN(d) {
				sum += math.Abs(d - here)
				n++
			}
		}
		switch v := sum / math.Max(n, 1); {
		case v > best:
			best, first, next, second = v, uint8(f), best, first
		case v > next:
			next, second = v, uint8(f)
		}
	}
	return first, second
}

// Values are what a table's optional sections say about one cell.
type Values struct {
	Q, SE    [policy.Actions]float32 // bps a slice; NaN: no value
	Visits   [policy.Actions]uint32
	Baseline float32
	Features [2]uint8 // that matter most
}

// ValuesOf reads the values of a cell from a table; ok is false when it carries none.
func ValuesOf(t *policy.Table, page int, cell uint32) (v Values, ok bool) {
	at := (page*policy.States + int(cell)) * policy.Actions * 4
	var found int
	for _, s := range t.Sections() {
		for a := range policy.Actions {
			switch i := at + 4*a; s.Tag {
			case "QVAL":
				v.Q[a] = math.Float32frombits(binary.LittleEndian.Uint32(s.Data[i:]))
			case "QSTD":
				v.SE[a] = math.Float32frombits(binary.LittleEndian.Uint32(s.Data[i:]))
			case "NVIS":
				v.Visits[a] = binary.LittleEndian.Uint32(s.Data[i:])
			default:
				continue
			}
			found++
		}
		if i := (page*policy.States + int(cell)) * 8; s.Tag == "BASE" && i+8 <= len(s.Data) {
			v.Baseline = math.Float32frombits(binary.LittleEndian.Uint32(s.Data[i:]))
			v.Features = [2]uint8{s.Data[i+4], s.Data[i+5]}
		}
	}
	if found != 3*policy.Actions {
		return compactValues(t, page, cell)
	}
	return v, true
}

// maxCandidates bounds the actions that may be drawn in one cell, BASELINE among them.
const maxCandidates = 4

// Candidates returns, by page and cell, the actions that exploration may draw: those whose
// value is within maxLoss (bps of the slice) and one standard error of the best, at most
// four; and BASELINE, with which everything is compared, where what it loses times its share
// of the draws is within maxLoss too, if a draw has chance rate. A cell without values has
// none. It is an error when the table carries no values at all.
func Candidates(t *policy.Table, maxLoss, rate float64) ([]policy.ActionMask, error) {
	if _, ok := ValuesOf(t, 0, 0); !ok {
		return nil, fmt.Errorf("learn: table %s carries no values (it was written slim): exploration would not know what it costs", t.UUIDText())
	}
	var masks []policy.ActionMask
	for page := range t.Pages() {
		masks = append(masks, candidates(t, page, maxLoss, rate)...)
	}
	return masks, nil
}

func candidates(t *policy.Table, page int, maxLoss, rate float64) []policy.ActionMask {
	masks := make([]policy.ActionMask, policy.States)
	for cell := range uint32(policy.States) {
		v, ok := ValuesOf(t, page, cell)
		if !ok {
			continue
		}
		best := math.Inf(-1)
		for a := range v.Q {
			if q := float64(v.Q[a]); !math.IsNaN(q) {
				best = math.Max(best, q)
			}
		}
		chosen, base := 0, best-float64(v.Q[policy.ActionBaseline])
		if base*rate/2 <= maxLoss {
			masks[cell] = masks[cell].Block(policy.ActionBaseline)
			chosen++
		}
		for a := range v.Q {
			q, se := float64(v.Q[a]), float64(v.SE[a])
			if !math.IsNaN(q) && chosen < maxCandidates && best-q <= maxLoss && best-q <= se && !masks[cell].Blocks(uint8(a)) {
				masks[cell] = masks[cell].Block(uint8(a))
				chosen++
			}
		}
	}
	return masks
}
