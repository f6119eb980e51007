package policy

import "fmt"

// Explain returns a cell in words: what each feature's bin covers, and what the
// table does there. It is an error when the table has no such cell.
func (t *Table) Explain(page int, index uint32) (string, error) {
	if page < 0 || page >= t.pages || index >= States {
		return "", fmt.Errorf("policy table %s: no cell %d on page %d: it has %d pages of %d cells",
			t.UUIDText(), index, page, t.pages, States)
	}
	cell := t.At(page, index)
	text := fmt.Appendf(nil, "cell %d page %d of table %s\n", index, page, t.UUIDText())
	bins := t.schema.Bins(index)
	for f := range t.schema {
		feature := &t.schema[f]
		text = fmt.Appendf(text, "  %-11s bin %d of %d  %s (%s)\n",
			feature.Name, bins[f]+1, feature.Bins, feature.span(bins[f]), feature.Unit)
	}
	text = fmt.Appendf(text, "action %d %s", cell.Action, ActionName(cell.Action))
	if cell.Action == ActionBaseline {
		u := urgencyOf(bins[FeatureTime], bins[FeatureGap])
		text = fmt.Appendf(text, ", static rule %s", u)
	}
	text = fmt.Appendf(text, "\n  when blocked %d %s, confidence %d of 7",
		cell.Alt(), ActionName(cell.Alt()), cell.Confidence())
	switch {
	case cell.Unseen():
		text = append(text, "\n  never seen in training: BASELINE is used"...)
	case cell.LowSupport():
		text = append(text, "\n  thin support: BASELINE is used"...)
	}
	return string(append(text, '\n')), nil
}

// span returns the raw values of a bin.
func (f *Feature) span(bin uint32) string {
	switch bin {
	case 0:
		return fmt.Sprintf("below %d", f.Edges[0])
	case f.Bins - 1:
		return fmt.Sprintf("%d and above", f.Edges[bin-1])
	}
	if f.Edges[bin] == f.Edges[bin-1]+1 {
		return fmt.Sprintf("%d", f.Edges[bin-1])
	}
	return fmt.Sprintf("%d to %d", f.Edges[bin-1], f.Edges[bin]-1)
}
