package policy

import (
	"encoding/binary"
	"fmt"
)

// RegimeFeature is what a regime page is chosen by.
type RegimeFeature uint32

// Regime features.
const (
	RegimeVolatility RegimeFeature = iota // realised against normal, in 1/1000 (book.Features.VolRatio)
	RegimePace                            // trades of a minute against a quarter of an hour, in 1/1000
	RegimeSpread                          // composite spread, in ticks
	regimeFeatures
)

var regimeNames = [regimeFeatures]string{"volatility", "pace", "spread"}

func (f RegimeFeature) String() string {
	if f < regimeFeatures {
		return regimeNames[f]
	}
	return "regime?"
}

// ParseRegimeFeature is the inverse of String.
func ParseRegimeFeature(s string) (RegimeFeature, error) {
	for f, name := range regimeNames {
		if s == name {
			return RegimeFeature(f), nil
		}
	}
	return 0, fmt.Errorf("regime feature %q is not one of %v", s, regimeNames)
}

// Paging says how the regime page of an instrument is chosen: page n where n edges are at
// or below the feature, once that has been so for DwellNanos.
type Paging struct {
	By         RegimeFeature
	DwellNanos int64
	Edges      [MaxPages - 1]int64 // the first pages−1 count, the rest is 0
}

// Regime is which page an instrument is on. Its zero value knows nothing yet.
type Regime struct {
	Page      uint8 // in use
	Candidate uint8 // what the feature says, if not Page
	Since     int64 // when it began to say so, ns since epoch
	Seen      int64 // last look, 0 for never
}

// forgetNanos is how long nobody may have looked before a page has to be found anew.
const forgetNanos = 300_000_000_000

// Regimes returns the paging of a table; meaningless with one page.
func (t *Table) Regimes() Paging { return t.paging }

// Turn returns the page to use for an instrument whose regime feature is x at now, and
// keeps r. Times must not go back. It does not allocate.
func (t *Table) Turn(r *Regime, x, now int64) int {
	if t.pages == 1 {
		return 0
	}
	candidate := uint8(0)
	for int(candidate) < t.pages-1 && x >= t.paging.Edges[candidate] {
		candidate++
	}
	switch {
	case r.Seen == 0 || now-r.Seen > forgetNanos || int(r.Page) >= t.pages:
		r.Page, r.Candidate, r.Since = candidate, candidate, now
	case candidate == r.Page || candidate != r.Candidate:
		r.Candidate, r.Since = candidate, now
	case now-r.Since >= t.paging.DwellNanos:
		r.Page = candidate
	}
	r.Seen = now
	return int(r.Page)
}

// fault says what is wrong with p for a number of pages, "" when nothing is.
func (p *Paging) fault(pages int) string {
	switch {
	case p.By >= regimeFeatures:
		return fmt.Sprintf("regime feature %d, there are %d", p.By, regimeFeatures)
	case p.DwellNanos < 0 || p.DwellNanos > 3600e9:
		return fmt.Sprintf("dwell of %d ns, must be 0 to an hour", p.DwellNanos)
	case pages < 2:
		return "a table of one page has none to choose"
	}
	for i, e := range p.Edges {
		switch {
		case i >= pages-1 && e != 0:
			return fmt.Sprintf("edge %d is set, %d pages have %d", i, pages, pages-1)
		case i < pages-1 && i > 0 && e <= p.Edges[i-1]:
			return fmt.Sprintf("edge %d, %d, does not ascend", i, e)
		}
	}
	return ""
}

// Section PAGE: feature u32, reserved u32, dwell i64, edges[3] i64.
const pageBytes = 16 + 8*(MaxPages-1)

// Section returns the section of a file that holds p.
func (p *Paging) Section() Section {
	b := make([]byte, pageBytes)
	binary.LittleEndian.PutUint32(b, uint32(p.By))
	binary.LittleEndian.PutUint64(b[8:], uint64(p.DwellNanos))
	for i, e := range p.Edges {
		binary.LittleEndian.PutUint64(b[16+8*i:], uint64(e))
	}
	return Section{Tag: tagPAGE, Data: b}
}

func readPaging(b []byte, pages int) (p Paging, fault string) {
	p.By, p.DwellNanos = RegimeFeature(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	for i := range p.Edges {
		p.Edges[i] = int64(binary.LittleEndian.Uint64(b[16+8*i:]))
	}
	if binary.LittleEndian.Uint32(b[4:]) != 0 {
		return p, "reserved bytes are not zero"
	}
	return p, p.fault(pages)
}

// useSections takes from the optional sections what lookups need. Several pages without a
// word on how to choose between them are an error.
func (t *Table) useSections() error {
	chosen := t.pages == 1
	for _, s := range t.extra {
		fixed := sectionRules[max(ruleOf(s.Tag), 0)].fixed
		switch {
		case s.Tag != tagSGNL && s.Tag != tagPAGE:
			continue
		case len(s.Data) != fixed:
			return refuse(errEncode, s.Tag, 0, "%d bytes, must be %d", len(s.Data), fixed)
		case s.Tag == tagSGNL:
			signal, err := readSignal(entry{tag: tagSGNL, data: s.Data})
			if err != nil {
				return err
			}
			t.signal = signal.compile()
		default:
			paging, fault := readPaging(s.Data, t.pages)
			if fault != "" {
				return refuse(ErrSchema, tagPAGE, 0, "%s", fault)
			}
			t.paging, chosen = paging, true
		}
	}
	if !chosen {
		return refuse(ErrSchema, tagPAGE, 0, "%d pages and no word on which is used when", t.pages)
	}
	return nil
}
