package policy

import "encoding/binary"

// States is the number of cells of one page: the product of the features' bins.
const States = 36450

// MaxEdges bounds the inner edges of one feature.
const MaxEdges = 15

// FeatureSchemaHash identifies the meaning of the eight codes. A file with
// another one was made for another program.
const FeatureSchemaHash uint64 = 0x50ab2b03c306e4ee

// Feature says how one number of the state becomes a bin. A raw value x has
// code = clamp((x − Lo) × Scale >> 16) to 0..255, and bin = number of edges ≤ x.
// Every edge is the smallest value of its code, so that both agree exactly.
type Feature struct {
	ID     uint32
	Name   string // at most 24 bytes
	Unit   string // of Lo and Edges; at most 24 bytes
	Lo     int64
	Scale  uint32 // codes per unit, in 1/65536
	Bins   uint32
	Stride uint32
	Edges  [MaxEdges]int64 // the first Bins−1 count, the rest is 0
}

// Schema is the quantisation of all features.
type Schema [Features]Feature

// DefaultSchema returns the schema with the default edges.
func DefaultSchema() Schema { return defaultSchema }

// Lowest values and scales of the features: the quantiser has them compiled in.
const (
	unitScale   = 1 << 16 // a code each
	ratioScale  = 3277    // 20 a code
	signalScale = 6554    // 10 a code
	gapLo       = -2550
	gapStride   = 405
	signalLo    = -1280
	// What the touch moves, features 3 to 5, are so many cells, next to each other in steps of the last one.
	touchStride = 9
	touchCells  = 5 * 3 * 3
)

var defaultSchema = Schema{
	{ID: 0, Name: "time", Unit: "decision", Lo: 0, Scale: unitScale, Bins: 6, Stride: 6075,
		Edges: [MaxEdges]int64{1, 2, 3, 4, 5}},
	{ID: 1, Name: "inventory", Unit: "1/5 slice", Lo: 0, Scale: unitScale, Bins: 5, Stride: 1215,
		Edges: [MaxEdges]int64{2, 3, 4, 5}},
	{ID: 2, Name: "gap", Unit: "1/1000 slice", Lo: gapLo, Scale: ratioScale, Bins: 3, Stride: gapStride,
		Edges: [MaxEdges]int64{-750, 750}},
	{ID: 3, Name: "signal", Unit: "1/1000 half-spread", Lo: signalLo, Scale: signalScale, Bins: 5, Stride: 81,
		Edges: [MaxEdges]int64{-600, -200, 200, 600}},
	{ID: 4, Name: "spread", Unit: "tick", Lo: 0, Scale: unitScale, Bins: 3, Stride: 27,
		Edges: [MaxEdges]int64{2, 3}},
	{ID: 5, Name: "sweep-cost", Unit: "1/1000 half-spread", Lo: 0, Scale: ratioScale, Bins: 3, Stride: 9,
		Edges: [MaxEdges]int64{1200, 2000}},
	{ID: 6, Name: "volatility", Unit: "1/1000 of normal", Lo: 0, Scale: ratioScale, Bins: 3, Stride: 3,
		Edges: [MaxEdges]int64{700, 1400}},
	{ID: 7, Name: "dark-fill", Unit: "1/1000 of expected", Lo: 0, Scale: ratioScale, Bins: 3, Stride: 1,
		Edges: [MaxEdges]int64{500, 1500}},
}

// Code returns the code of raw value x.
func (f *Feature) Code(x int64) uint8 {
	if x <= f.Lo {
		return 0
	}
	d := uint64(x) - uint64(f.Lo)
	if d >= 1<<32 {
		return 255
	}
	return uint8(min(d*uint64(f.Scale)>>16, 255))
}

// EdgeAt returns the smallest value, at least about x, that is the first of its code: what an
// edge may be.
func (f *Feature) EdgeAt(x int64) int64 {
	x = max(x, f.Lo+1)
	for f.Code(x) == f.Code(x-1) && f.Code(x) < 255 {
		x++
	}
	return x
}

// Bin returns the bin of raw value x by comparing it with the edges.
func (f *Feature) Bin(x int64) uint32 {
	n := uint32(0)
	for n+1 < f.Bins && x >= f.Edges[n] {
		n++
	}
	return n
}

// badEdge returns the index of the first edge that cannot be used, or -1. Edges
// ascend and each is the smallest value of its code; what follows them is 0.
func (f *Feature) badEdge() int {
	for i := range f.Edges {
		e := f.Edges[i]
		if i >= int(f.Bins)-1 {
			if e != 0 {
				return i
			}
			continue
		}
		if e <= f.Lo || i > 0 && e <= f.Edges[i-1] || f.Code(e) == f.Code(e-1) {
			return i
		}
	}
	return -1
}

// lut is bin × stride for every feature and code; the sum over features is the
// cell index.
type lut [Features][256]uint32

func (s *Schema) lut() (l lut) {
	for f := range s {
		feature := &s[f]
		bin := uint32(0)
		for code := range 256 {
			for bin+1 < feature.Bins && int(feature.Code(feature.Edges[bin])) <= code {
				bin++
			}
			l[f][code] = bin * feature.Stride
		}
	}
	return l
}

// Bins returns the bins of a cell index.
func (s *Schema) Bins(index uint32) (bins [Features]uint32) {
	for f := range s {
		bins[f] = index / s[f].Stride % s[f].Bins
	}
	return bins
}

// Record of a feature in section FEAT: id u32, bins u32, lo i64, scale u32,
// stride u32, name[24], unit[24], reserved[64], edges[15] i64. The schema hash
// covers what stands before the edges: those are refitted, the rest is meaning.
const (
	featureBytes = 256
	featureFixed = 136
	featBytes    = Features * featureBytes
	nameBytes    = 24
)

func (s *Schema) append(dst []byte) []byte {
	for f := range s {
		feature := &s[f]
		var r [featureBytes]byte
		binary.LittleEndian.PutUint32(r[0:], feature.ID)
		binary.LittleEndian.PutUint32(r[4:], feature.Bins)
		binary.LittleEndian.PutUint64(r[8:], uint64(feature.Lo))
		binary.LittleEndian.PutUint32(r[16:], feature.Scale)
		binary.LittleEndian.PutUint32(r[20:], feature.Stride)
		copy(r[24:24+nameBytes], feature.Name)
		copy(r[48:48+nameBytes], feature.Unit)
		for i, e := range feature.Edges {
			binary.LittleEndian.PutUint64(r[featureFixed+8*i:], uint64(e))
		}
		dst = append(dst, r[:]...)
	}
	return dst
}

// hashFeatures returns the schema hash of a FEAT section.
func hashFeatures(section []byte) uint64 {
	h := fnvOffset
	for ; len(section) >= featureBytes; section = section[featureBytes:] {
		h = fnv1a(h, section[:featureFixed])
	}
	return h
}

// fnvOffset starts an FNV-1a 64 hash.
const fnvOffset uint64 = 14695981039346656037

func fnv1a(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
