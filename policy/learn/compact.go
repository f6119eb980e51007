package learn

import (
	"encoding/binary"
	"math"

	"penstock/policy"
)

// A slim table keeps what its values follow from instead of the values: of each decision and
// action the coefficients of the fit, the inverse of its Gram matrix, and the deviation of its
// residuals. That is 87 KB a page instead of 5 MB. Section COEF, all f32, page after page.
const (
	tagCOEF   = "COEF"
	tagSEEN   = "SEEN"
	triangle  = width * (width + 1) / 2
	coefOne   = 2 + width + triangle // rows, deviation, coefficients, inverse by rows of its lower half
	coefPage  = Horizon * policy.Actions * coefOne * 4
	seenLimit = policy.States * policy.Actions
)

// coefficientPages is section COEF.
func (m *Model) coefficientPages() (b []byte) {
	for page := range m.fits {
		b = appendCoefficients(b, &m.fits[page])
	}
	return b
}

func appendCoefficients(b []byte, fits *pageFits) []byte {
	put := func(v float64) { b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v))) }
	for t := range fits {
		for a := range fits[t] {
			r := &fits[t][a]
			put(r.n)
			put(r.sigma)
			for _, v := range r.coef {
				put(v)
			}
			for i := range width {
				for j := range i + 1 {
					put(r.inv[i][j])
				}
			}
		}
	}
	return b
}

// coefficients reads the fit of one decision and action.
func coefficients(section []byte, page, time int, action uint8) (r ridge) {
	b := section[page*coefPage+(time*policy.Actions+int(action))*coefOne*4:]
	get := func() float64 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b))
		b = b[4:]
		return float64(v)
	}
	r.n, r.sigma = get(), get()
	for i := range r.coef {
		r.coef[i] = get()
	}
	for i := range width {
		for j := range i + 1 {
			r.inv[i][j] = get()
			r.inv[j][i] = r.inv[i][j]
		}
	}
	return r
}

// visitPages is section SEEN, page after page: of each cell and action that was visited the distance
// from the one before and the number of visits, as varints, and two zeros at the end.
func (m *Model) visitPages() (b []byte) {
	for page := range m.pages() {
		last := -1
		for i, n := range m.Visits[page*seenLimit:][:seenLimit] {
			if n > 0 {
				b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(i-last)), uint64(n))
				last = i
			}
		}
		b = append(b, 0, 0)
	}
	return b
}

// visits returns how often a cell of a page was visited, by action.
func visits(section []byte, page int, cell uint32) (list [policy.Actions]uint32) {
	for at := -1; len(section) > 0; {
		step, n := binary.Uvarint(section)
		if n <= 0 {
			return list
		}
		count, k := binary.Uvarint(section[n:])
		if k <= 0 {
			return list
		}
		section = section[n+k:]
		if step == 0 {
			if page--; page < 0 {
				return list
			}
			at = -1
			continue
		}
		if at += int(min(step, seenLimit)); page == 0 && at/policy.Actions == int(cell) {
			list[at%policy.Actions] = uint32(count)
		}
	}
	return list
}

// compactValues reads the values of a cell from the sections of a slim table.
func compactValues(t *policy.Table, page int, cell uint32) (v Values, ok bool) {
	var coef, seen []byte
	for _, s := range t.Sections() {
		switch s.Tag {
		case tagCOEF:
			coef = s.Data
		case tagSEEN:
			seen = s.Data
		}
	}
	if len(coef) != t.Pages()*coefPage || seen == nil {
		return v, false
	}
	var fits [policy.Actions]ridge
	for a := range fits {
		fits[a] = coefficients(coef, page, timeOf(cell), uint8(a))
	}
	value := func(cell uint32, a uint8) float64 {
		if fits[a].n <= width {
			return math.NaN()
		}
		return fits[a].at(&design[cell])
	}
	for a := range uint8(policy.Actions) {
		v.Q[a], v.SE[a] = float32(value(cell, a)), float32(math.NaN())
		if fits[a].n > width {
			v.SE[a] = float32(fits[a].error(&design[cell]))
		}
	}
	v.Visits = visits(seen, page, cell)
	v.Baseline = v.Q[policy.ActionBaseline]
	v.Features[0], v.Features[1] = attribution(cell, t.At(page, cell).Action, value)
	return v, true
}
