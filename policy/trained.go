package policy

import (
	"crypto/sha256"
	"fmt"
)

// Choice is the decision of one cell, as a trainer or an import gives it.
type Choice struct {
	Action     uint8
	Alt        uint8
	Confidence uint8 // 0..7
	LowSupport bool
	Unseen     bool
}

// TrainOptions are what a trained table carries besides its cells. Extra are the
// optional sections in the order SGNL PAGE QVAL QSTD NVIS COEF SEEN BASE GATE; the header names the
// report in GATE. Schema may have other edges than the default one; nil is that one.
type TrainOptions struct {
	BuildOptions
	Meta         Meta
	TrainData    [32]byte
	ParentPolicy [32]byte
	Extra        []Section
	Schema       *Schema
}

// Build returns a table whose pages hold the given
// choices, States for each page. The UUID is derived from the content. A choice that
// names no action is an error with its place.
func Build(opt TrainOptions, pages ...[]Choice) (*Table, error) {
	if len(pages) == 0 || len(pages) > MaxPages {
		return nil, fmt.Errorf("policy table: %d pages, must be 1 to %d", len(pages), MaxPages)
	}
	schema := defaultSchema
	if opt.Schema != nil {
		schema = *opt.Schema
	}
	for f := range schema {
		if i := schema[f].badEdge(); i >= 0 {
			return nil, fmt.Errorf("policy table: edge %d of feature %s, %d, is out of order or within a code",
				i, schema[f].Name, schema[f].Edges[i])
		}
	}
	t := newTable(&schema, len(pages))
	for p, page := range pages {
		if len(page) != States {
			return nil, fmt.Errorf("policy table: page %d has %d cells, must have %d", p, len(page), States)
		}
		for i, c := range page {
			if c.Action >= Actions || c.Alt >= Actions || c.Confidence > 7 {
				return nil, fmt.Errorf("policy table: page %d cell %d: action %d, alternative %d of %d, confidence %d of 7",
					p, i, c.Action, c.Alt, Actions, c.Confidence)
			}
			support := uint16(0)
			if c.LowSupport {
				support |= cellLowSupport
			}
			if c.Unseen {
				support |= cellUnseen
			}
			t.cells[p*States+i] = encodeCell(c.Action, c.Alt, c.Confidence, support)
		}
	}
	t.header = Header{
		BuildTime: opt.BuildTime, NotBefore: opt.NotBefore, NotAfter: opt.NotAfter, TrainData: opt.TrainData,
		ParentPolicy: opt.ParentPolicy,
	}
	t.meta, t.extra = opt.Meta, opt.Extra
	for _, s := range opt.Extra {
		if s.Tag == tagGATE {
			t.header.GateReport = sha256.Sum256(s.Data)
		}
	}
	if err := t.useSections(); err != nil {
		return nil, err
	}
	uuid, err := t.contentUUID()
	if err != nil {
		return nil, err
	}
	t.header.UUID = uuid
	_, err = t.encodeSections()
	return t, err
}

// Choices returns the cells of a page as Build takes them.
func (t *Table) Choices(page int) []Choice {
	list := make([]Choice, States)
	for i := range list {
		c := t.At(page, uint32(i))
		list[i] = Choice{c.Action, c.Alt(), c.Confidence(), c.LowSupport(), c.Unseen()}
	}
	return list
}
