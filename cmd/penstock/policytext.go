package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"penstock/policy"
	"penstock/policy/learn"
)

// textTable is a table as JSON, which other tools read and write. A CSV has its cells only: the
// default edges, no price signal, one page.
type textTable struct {
	UUID   string         `json:"uuid,omitempty"`
	Meta   policy.Meta    `json:"meta"`
	Edges  [][]int64      `json:"edges,omitempty"` // inner edges of each feature; none: the default ones
	Signal *policy.Signal `json:"signal,omitempty"`
	Paging *textPaging    `json:"paging,omitempty"` // of several pages
	Pages  [][]textCell   `json:"pages"`
}

// textPaging says how the page is chosen.
type textPaging struct {
	By           string  `json:"by"`
	DwellSeconds int64   `json:"dwellSeconds"`
	Edges        []int64 `json:"edges"`
}

// textCell is one cell: names instead of numbers, so that a swapped number shows.
type textCell struct {
	Cell       int    `json:"cell"`
	Action     string `json:"action"`
	Alt        string `json:"alt"`
	Confidence *uint8 `json:"confidence"` // nil: it is missing, which is not 0
	Support    string `json:"support"`    // "", "low" or "unseen"
}

const (
	csvHeader  = "page,cell,action,alt,confidence,support,"
	csvColumns = 6 // of it; the bins of the cell follow
)

func actionNamed(name string) (uint8, bool) {
	for id := range uint8(policy.Actions) {
		if policy.ActionName(id) == name {
			return id, true
		}
	}
	return 0, false
}

func textOf(t *policy.Table) *textTable {
	x := &textTable{UUID: t.UUIDText(), Meta: t.Meta(), Signal: t.PriceSignal()}
	schema := t.Schema()
	for f := range schema {
		x.Edges = append(x.Edges, schema[f].Edges[:schema[f].Bins-1])
	}
	if p := t.Regimes(); t.Pages() > 1 {
		x.Paging = &textPaging{p.By.String(), p.DwellNanos / 1e9, p.Edges[:t.Pages()-1]}
	}
	for p := range t.Pages() {
		var page []textCell
		for i, c := range t.Choices(p) {
			support := ""
			switch {
			case c.Unseen:
				support = "unseen"
			case c.LowSupport:
				support = "low"
			}
			page = append(page, textCell{i, policy.ActionName(c.Action), policy.ActionName(c.Alt), &c.Confidence, support})
		}
		x.Pages = append(x.Pages, page)
	}
	return x
}

// exportTable writes a table as JSON, or as CSV with the bins of each cell beside it.
func exportTable(t *policy.Table, asCSV bool, w io.Writer) error {
	x := textOf(t)
	if !asCSV {
		return json.NewEncoder(w).Encode(x)
	}
	schema := t.Schema()
	header := strings.Split(strings.TrimSuffix(csvHeader, ","), ",")
	for f := range schema {
		header = append(header, schema[f].Name)
	}
	out := csv.NewWriter(w)
	rows := [][]string{header}
	for p, page := range x.Pages {
		for _, c := range page {
			row := []string{strconv.Itoa(p), strconv.Itoa(c.Cell), c.Action, c.Alt, strconv.Itoa(int(*c.Confidence)), c.Support}
			for _, bin := range schema.Bins(uint32(c.Cell)) {
				row = append(row, strconv.Itoa(int(bin)))
			}
			rows = append(rows, row)
		}
	}
	return out.WriteAll(rows)
}

// importCells reads what exportTable writes, or another tool wrote alike. Every cell of
// every page must be there once. Errors say where.
func importCells(path string) (*textTable, [][]policy.Choice, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	x := &textTable{Meta: policy.Meta{Trainer: "import of " + path, Version: version}}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(x); err != nil {
			return nil, nil, fmt.Errorf("%w: %s, at byte %d: %w", errConfig, path, d.InputOffset(), plain(err))
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, nil, fmt.Errorf("%w: %s, at byte %d: something follows the table", errConfig, path, d.InputOffset())
		}
	} else if err := x.readCSV(data); err != nil {
		return nil, nil, fmt.Errorf("%w: %s, %w", errConfig, path, err)
	}
	pages, err := x.choices()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s, %w", errConfig, path, err)
	}
	return x, pages, nil
}

func (x *textTable) readCSV(data []byte) error {
	r := csv.NewReader(bytes.NewReader(data))
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 || !strings.HasPrefix(strings.Join(rows[0], ",")+",", csvHeader) {
		return fmt.Errorf("line 1: the header must begin with %s", csvHeader)
	}
	features, err := binColumns(rows[0][csvColumns:])
	if err != nil {
		return err
	}
	for i, row := range rows[1:] {
		page, err1 := strconv.Atoi(row[0])
		cell, err2 := strconv.Atoi(row[1])
		confidence, err3 := strconv.ParseUint(row[4], 10, 8)
		value := uint8(confidence)
		if err1 != nil || err2 != nil || err3 != nil || page < 0 || page >= policy.MaxPages {
			return fmt.Errorf("line %d: page, cell and confidence must be numbers, the page below %d", i+2, policy.MaxPages)
		}
		if err := sameBins(features, row[csvColumns:], page, cell); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
		for len(x.Pages) <= page {
			x.Pages = append(x.Pages, nil)
		}
		x.Pages[page] = append(x.Pages[page], textCell{cell, row[2], row[3], &value, row[5]})
	}
	return nil
}

// binColumns returns the feature whose bins each column of a CSV holds.
func binColumns(names []string) (features []int, err error) {
	schema := policy.DefaultSchema()
	for _, name := range names {
		f := slices.IndexFunc(schema[:], func(of policy.Feature) bool { return of.Name == name })
		if f < 0 || slices.Contains(features, f) {
			return nil, fmt.Errorf("line 1: column %q is no feature, or there twice: take it out", name)
		}
		features = append(features, f)
	}
	return features, nil
}

// sameBins refuses bins that are not those of the cell: whoever sorted or edited the rows has moved one of them.
func sameBins(features []int, bins []string, page, cell int) error {
	if len(bins) == 0 || cell < 0 || cell >= policy.States {
		return nil // choices refuses the cell
	}
	schema := policy.DefaultSchema()
	want := schema.Bins(uint32(cell))
	for i, f := range features {
		if bin := strconv.Itoa(int(want[f])); bins[i] != bin {
			return fmt.Errorf("page %d cell %d: %s is %q, of that cell it is %s: correct one of them", page, cell, schema[f].Name, bins[i], bin)
		}
	}
	return nil
}

func (x *textTable) choices() ([][]policy.Choice, error) {
	var pages [][]policy.Choice
	for p, cells := range x.Pages {
		if len(cells) != policy.States {
			return nil, fmt.Errorf("page %d: %d cells, must be %d", p, len(cells), policy.States)
		}
		page, seen := make([]policy.Choice, policy.States), make([]bool, policy.States)
		for i, c := range cells {
			action, ok := actionNamed(c.Action)
			alt, okAlt := actionNamed(c.Alt)
			switch {
			case c.Cell < 0 || c.Cell >= policy.States || seen[c.Cell]:
				return nil, fmt.Errorf("page %d entry %d: cell %d is out of range or there twice", p, i+1, c.Cell)
			case !ok || !okAlt:
				return nil, fmt.Errorf("page %d entry %d: no action %q or %q", p, i+1, c.Action, c.Alt)
			case c.Confidence == nil:
				return nil, fmt.Errorf("page %d cell %d: confidence is missing: say 0 to 255", p, c.Cell)
			case c.Support != "" && c.Support != "low" && c.Support != "unseen":
				return nil, fmt.Errorf("page %d entry %d: support %q is not low or unseen", p, i+1, c.Support)
			}
			seen[c.Cell] = true
			page[c.Cell] = policy.Choice{Action: action, Alt: alt, Confidence: *c.Confidence, LowSupport: c.Support == "low", Unseen: c.Support == "unseen"}
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// options returns what a table takes besides its cells.
func (x *textTable) options() (o policy.TrainOptions, err error) {
	o.Meta = x.Meta
	if x.Edges != nil {
		schema := policy.DefaultSchema()
		if len(x.Edges) != len(schema) {
			return o, fmt.Errorf("edges of %d features, there are %d", len(x.Edges), len(schema))
		}
		for f, edges := range x.Edges {
			if len(edges) != int(schema[f].Bins)-1 {
				return o, fmt.Errorf("%d edges of feature %s, must be %d", len(edges), schema[f].Name, schema[f].Bins-1)
			}
			copy(schema[f].Edges[:], edges)
		}
		o.Schema = &schema
	}
	if x.Signal != nil {
		section, err := x.Signal.Section()
		if err != nil {
			return o, err
		}
		o.Extra = append(o.Extra, section)
	}
	if p := x.Paging; p != nil {
		by, err := policy.ParseRegimeFeature(p.By)
		if err != nil {
			return o, err
		}
		paging := policy.Paging{By: by, DwellNanos: p.DwellSeconds * 1e9}
		if len(p.Edges) > len(paging.Edges) {
			return o, fmt.Errorf("%d edges between pages, at most %d", len(p.Edges), len(paging.Edges))
		}
		copy(paging.Edges[:], p.Edges)
		o.Extra = append(o.Extra, paging.Section())
	}
	return o, nil
}

// importTable builds a table from text and puts it through the same gate as a trained
// one.
func importTable(path, out string, t *trainer, stdout, stderr io.Writer) error {
	x, pages, err := importCells(path)
	if err != nil {
		return err
	}
	options, err := x.options()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errConfig, path, err)
	}
	t.count = startCounter(stderr, "parents")
	build := func(report *learn.Report) (*policy.Table, error) {
		o := options
		o.Extra = slices.Clone(o.Extra)
		o.BuildTime, o.NotBefore, o.NotAfter = t.notBefore, t.notBefore, t.notAfter
		if report != nil {
			b, err := report.JSON()
			if err != nil {
				return nil, err
			}
			o.Extra = append(o.Extra, policy.Section{Tag: "GATE", Data: b})
		}
		return policy.Build(o, pages...)
	}
	forever := options
	forever.NotAfter = math.MaxInt64
	table, err := policy.Build(forever, pages...)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errConfig, path, err)
	}
	report, err := t.judgeTable(table, t.count)
	if err != nil {
		return err
	}
	if table, err = build(report); err != nil {
		return err
	}
	return finishTable(table, report, out, nil, false, stdout)
}

// diffTables says how two tables differ: by action, and the first cells.
func diffTables(a, b *policy.Table, w io.Writer) error {
	if a.Pages() != b.Pages() {
		fmt.Fprintf(w, "pages: %d and %d\n", a.Pages(), b.Pages())
	}
	differ, shown := 0, 0
	var moves [policy.Actions][policy.Actions]int
	schema := a.Schema()
	for p := range min(a.Pages(), b.Pages()) {
		x, y := a.Choices(p), b.Choices(p)
		for i := range x {
			if x[i] == y[i] {
				continue
			}
			differ++
			moves[x[i].Action][y[i].Action]++
			if shown < 10 && x[i].Action != y[i].Action {
				shown++
				fmt.Fprintf(w, "page %d cell %d (%s): %s, %s\n", p, i, binsText(&schema, uint32(i)), policy.ActionName(x[i].Action), policy.ActionName(y[i].Action))
			}
		}
	}
	for from := range moves {
		for to, n := range moves[from] {
			if n > 0 && from != to {
				fmt.Fprintf(w, "%6d cells %s to %s\n", n, policy.ActionName(uint8(from)), policy.ActionName(uint8(to)))
			}
		}
	}
	fmt.Fprintf(w, "%d of %d cells differ\n", differ, a.Pages()*policy.States)
	if differ > 0 {
		return failed("tables %s and %s differ", a.UUIDText(), b.UUIDText())
	}
	return nil
}

func binsText(s *policy.Schema, cell uint32) string {
	var parts []string
	for f, bin := range s.Bins(cell) {
		parts = append(parts, fmt.Sprintf("%s %d", s[f].Name, bin))
	}
	return strings.Join(parts, " ")
}

// printValues shows the Q row of a cell, if the table carries one.
func printValues(w io.Writer, t *policy.Table, page int, cell uint32) {
	v, ok := learn.ValuesOf(t, page, cell)
	if !ok {
		fmt.Fprintln(w, "the table carries no values")
		return
	}
	fmt.Fprintf(w, "%-15s %9s %9s %8s   bps of the slice\n", "action", "value", "se", "visits")
	for a := range v.Q {
		fmt.Fprintf(w, "%-15s %9.3f %9.3f %8d\n", policy.ActionName(uint8(a)), v.Q[a], v.SE[a], v.Visits[a])
	}
	s := t.Schema()
	fmt.Fprintf(w, "matters most    %s, %s\n", s[v.Features[0]].Name, s[v.Features[1]].Name)
}

// gateOf returns the report that a table carries, nil when it has none.
func gateOf(t *policy.Table) *learn.Report {
	for _, s := range t.Sections() {
		if s.Tag != "GATE" {
			continue
		}
		r := &learn.Report{}
		if json.Unmarshal(s.Data, r) == nil {
			return r
		}
	}
	return nil
}
