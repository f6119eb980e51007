package learn

import (
	"encoding/binary"
	"math"

	"penstock/policy"
)

// ExportOptions are what a table says about its origin.
type ExportOptions struct {
	policy.BuildOptions
	Seeds     []int64
	Params    []string
	TrainData [32]byte
	Parent    [32]byte // SHA-256 of the file that it continues
	Report    *Report  // nil: not judged yet
	// Slim leaves out values, errors and visits: 5 MB that only explanations read.
	Slim bool
}

// Export makes a table of a model.
func Export(m *Model, opt ExportOptions) (*policy.Table, error) {
	t := policy.TrainOptions{
		BuildOptions: opt.BuildOptions, TrainData: opt.TrainData, ParentPolicy: opt.Parent,
		Meta: policy.Meta{Trainer: "penstock train " + string(m.Opt.Method), Version: opt.Version, Seeds: opt.Seeds, Params: opt.Params},
	}
	if !opt.Slim {
		t.Extra = append(t.Extra, policy.Section{Tag: "QVAL", Data: floats(m.Q)}, policy.Section{Tag: "QSTD", Data: floats(m.SE)})
		visits := make([]byte, 0, 4*len(m.Visits))
		for _, v := range m.Visits {
			visits = binary.LittleEndian.AppendUint32(visits, v)
		}
		t.Extra = append(t.Extra, policy.Section{Tag: "NVIS", Data: visits}, policy.Section{Tag: "BASE", Data: baseValues(m)})
	}
	if opt.Report != nil {
		b, err := opt.Report.JSON()
		if err != nil {
			return nil, err
		}
		t.Extra = append(t.Extra, policy.Section{Tag: "GATE", Data: b})
	}
	return policy.Build(t, m.Choices)
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
	b := make([]byte, 0, 8*policy.States)
	for cell := range uint32(policy.States) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m.Q[at(cell, policy.ActionBaseline)]))
		first, second := m.attribution(cell)
		b = append(b, first, second, 0, 0)
	}
	return b
}

func (m *Model) attribution(cell uint32) (first, second uint8) {
	a := m.Choices[cell].Action
	here := float64(m.Q[at(cell, a)] - m.Q[at(cell, policy.ActionBaseline)])
	best, next := -1.0, -1.0
	for f := range policy.Features {
		if f == policy.FeatureTime {
			continue
		}
		sum, n := 0.0, 0.0
		for bin := range int(schema[f].Bins) {
			other := cell + uint32(bin-int(cellBins[cell][f]))*schema[f].Stride
			if d := float64(m.Q[at(other, a)] - m.Q[at(other, policy.ActionBaseline)]); !math.IsNaN(d) {
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
	return v, found == 3*policy.Actions
}

// Candidates returns, by cell, the actions that exploration may draw: those whose value
// is within maxLoss (bps) and one standard error of the best, at most n of them.
func Candidates(t *policy.Table, page, n int, maxLoss float64) []policy.ActionMask {
	masks := make([]policy.ActionMask, policy.States)
	for cell := range uint32(policy.States) {
		masks[cell] = masks[cell].Block(policy.ActionBaseline)
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
		chosen := 1
		for a := range v.Q {
			q, se := float64(v.Q[a]), float64(v.SE[a])
			if !math.IsNaN(q) && chosen < n && best-q <= maxLoss && best-q <= se && !masks[cell].Blocks(uint8(a)) {
				masks[cell] = masks[cell].Block(uint8(a))
				chosen++
			}
		}
	}
	return masks
}
