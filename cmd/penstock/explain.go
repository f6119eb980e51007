package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/policy/learn"
	"penstock/router"
)

const explainUsage = `usage: penstock explain [--json] [--limit N] DIR [ORDER]

Runs the journal in DIR (or of the newest run below it) again and says of each decision
what it saw and what it expected every venue to cost: features, cell, action and reasons,
and the terms of the expected net cost of one lot in the currency of the price, against
the mid of the decision. Positive is a cost.

  net = p × (price + fee + markout) + (1 − p) × (moved + fallback) + leakage

  ORDER      only of one order: its ClOrdID(11), or P and its number as dump prints it
  --limit N  the first N decisions (default: all)
  --json     one JSON object a line
`

func explain(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "")
	limit := flags.Int("limit", 0, "")
	if err := parseFlags(flags, explainUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() < 1 || flags.NArg() > 2 || *limit < 0 {
		return usageError("explain: name one journal directory and at most one order", explainUsage)
	}
	dir := journalDir(flags.Arg(0))
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w: %w: name the folder of a journal", errConfig, err)
	}
	w := bufio.NewWriterSize(stdout, 1<<16)
	x := &explainer{w: w, json: *asJSON, order: flags.Arg(1), limit: *limit}
	x.run.watch = x.decided
	err := x.run.all(dir) // a journal that was not closed explains what it holds
	if err == nil {
		err = x.finish(dir)
	}
	if flushErr := w.Flush(); err == nil {
		err = flushErr
	}
	return err
}

// explainer turns decisions of a journal that runs again into text.
type explainer struct {
	w     *bufio.Writer
	json  bool
	order string
	limit int
	shown int
	seen  int
	run   rerun
	err   error
}

func (x *explainer) finish(dir string) error {
	switch {
	case x.err != nil:
		return x.err
	case x.run.Mismatch != "":
		return failed("journal %s: %s: these are not the decisions that were made", dir, x.run.Mismatch)
	case x.shown == 0 && x.order != "":
		return failed("journal %s: none of its %d decisions is about order %s", dir, x.seen, x.order)
	}
	return nil
}

// explained is one decision, with amounts as decimal text of the currency.
type explained struct {
	Event      uint64           `json:"event"`
	Time       string           `json:"time"`
	Order      string           `json:"order"`
	Parent     uint64           `json:"parent"`
	Symbol     string           `json:"symbol"`
	Side       string           `json:"side"`
	Slice      uint32           `json:"slice"`
	Epoch      uint32           `json:"decision"`
	Remaining  string           `json:"remaining"`
	Mid        string           `json:"mid"`
	HalfSpread string           `json:"half_spread"`
	Calm       bool             `json:"calm"`
	Params     uint64           `json:"params"`
	Policy     string           `json:"policy"`
	Cell       uint32           `json:"cell"`
	Features   []string         `json:"features"`
	Action     string           `json:"action"`
	Chosen     string           `json:"chosen,omitempty"`
	Reasons    []string         `json:"reasons"`
	Alt        string           `json:"when_blocked,omitempty"`
	Confidence uint8            `json:"confidence"` // of 7
	Propensity uint16           `json:"propensity_bps"`
	BaseOdds   uint16           `json:"baseline_propensity_bps"`
	Page       uint8            `json:"page"`
	Values     []explainedValue `json:"values,omitempty"` // best first; none: the table carries none
	Matters    []string         `json:"matters_most,omitempty"`
	Venues     []explainedVenue `json:"venues"`
}

type explainedVenue struct {
	Venue      string `json:"venue"`
	Way        string `json:"way,omitempty"`
	Qty        string `json:"qty"`
	Price      string `json:"price,omitempty"`
	Fee        string `json:"fee,omitempty"`
	Markout    string `json:"markout,omitempty"`
	Chance     string `json:"chance,omitempty"`
	Moved      string `json:"moved,omitempty"`
	Fallback   string `json:"fallback,omitempty"`
	Leakage    string `json:"leakage,omitempty"`
	Net        string `json:"net,omitempty"`
	Why        string `json:"why,omitempty"`
	WaitMicros uint16 `json:"waitMicros,omitempty"`
}

// explainedValue is what the table expects of one action in the cell, in bps of the slice.
type explainedValue struct {
	Action string  `json:"action"`
	Value  float64 `json:"value"`
	SE     float64 `json:"se"`
	Visits uint32  `json:"visits"` // of this cell and action in training
}

// valuesOf returns the row of values of a cell, best first, and the two features that matter most.
func valuesOf(t *policy.Table, page int, cell uint32) (list []explainedValue, matters []string) {
	v, ok := learn.ValuesOf(t, page, cell)
	if !ok {
		return nil, nil
	}
	for a := range v.Q {
		if q := float64(v.Q[a]); !math.IsNaN(q) {
			list = append(list, explainedValue{policy.ActionName(uint8(a)), q, float64(v.SE[a]), v.Visits[a]})
		}
	}
	slices.SortStableFunc(list, func(a, b explainedValue) int { return cmp.Compare(b.Value, a.Value) })
	schema := t.Schema()
	for _, f := range v.Features {
		matters = append(matters, schema[f].Name)
	}
	return list, matters
}

// decided is told of every decision while the journal runs again.
func (x *explainer) decided(d *event.Decision, a *router.Appraisal) {
	x.seen++
	core, cfg := x.run.core, x.run.cfg
	p := core.Parent(d.Parent)
	if x.err != nil || p == nil || x.limit > 0 && x.shown == x.limit || !x.wants(p) {
		return
	}
	x.shown++
	in := &cfg.Router.Instruments[d.Instrument]
	e := x.head(d, p, in)
	e.HalfSpread, e.Calm, e.Params = milli(in, a.Situation.Half), a.Situation.Calm == 0, core.Params().ID
	for v := range cfg.Router.Venues[:min(int(d.VenueCount), len(cfg.Router.Venues))] {
		share, name := &d.Venues[v], cfg.Router.Venues[v].Name
		rows := len(e.Venues)
		for _, t := range []*policy.Terms{a.AtOnce[v], a.Resting[v]} {
			if t != nil {
				e.Venues = append(e.Venues, explainTerms(in, name, t, share))
			}
		}
		if len(e.Venues) == rows && (share.Qty > 0 || share.Why != event.WhyFilled) {
			e.Venues = append(e.Venues, explainedVenue{Venue: name, Way: share.Tactic.String(),
				Qty: in.FormatQty(share.Qty), Why: share.Why.String()})
		}
	}
	if x.json {
		x.err = json.NewEncoder(x.w).Encode(e)
		return
	}
	x.err = e.print(x.w)
}

func (x *explainer) wants(p *router.Parent) bool {
	return x.order == "" || x.order == p.ClOrdID.String() || x.order == fmt.Sprintf("P%d", p.Number)
}

func (x *explainer) head(d *event.Decision, p *router.Parent, in *market.Instrument) *explained {
	table := x.run.core.Table()
	e := &explained{Event: d.Cause, Time: time.Unix(0, d.StepTime).UTC().Format("15:04:05.000000000"),
		Order: p.ClOrdID.String(), Parent: d.Parent, Symbol: in.Symbol, Side: p.Side.String(), Slice: d.Slice,
		Epoch: d.Epoch, Remaining: in.FormatQty(d.Remaining),
		Mid:    string(market.AppendDecimal(nil, d.Mid2*5, in.PriceDecimals+1)),
		Policy: table.UUIDText(), Cell: d.Cell, Action: policy.ActionName(d.Action), Propensity: d.PropensityBps,
		BaseOdds: d.BaselineBps, Confidence: d.Confidence, Page: d.Page}
	if d.Chosen != d.Action {
		e.Chosen = policy.ActionName(d.Chosen)
	}
	for bit, name := range [...]string{"baseline", "first choice blocked", "forced by the schedule or the strategy",
		"thin support", "drawn, to learn from it"} { // in the order of the decision's flags
		if d.Flags>>bit&1 != 0 {
			e.Reasons = append(e.Reasons, name)
		}
	}
	if d.Flags&event.DecisionForced == 0 {
		e.Alt = policy.ActionName(table.At(int(d.Page), d.Cell).Alt())
		e.Values, e.Matters = valuesOf(table, int(d.Page), d.Cell)
		if text, err := table.Explain(min(int(d.Page), table.Pages()-1), d.Cell); err == nil {
			for _, l := range strings.Split(text, "\n") {
				if strings.HasPrefix(l, "  ") && strings.Contains(l, " bin ") {
					e.Features = append(e.Features, strings.Join(strings.Fields(l), " "))
				}
			}
		}
	}
	return e
}

func explainTerms(in *market.Instrument, venue string, t *policy.Terms, share *event.Share) explainedVenue {
	v := explainedVenue{Venue: venue, Way: t.Way.String(), Qty: "0", Price: milli(in, t.Price), Fee: milli(in, t.Fee),
		Markout: milli(in, t.Markout), Chance: fmt.Sprintf("%.3f", float64(t.Fill)/policy.One), Moved: milli(in, t.Moved),
		Fallback: milli(in, t.Fallback), Leakage: milli(in, t.Leakage), Net: milli(in, t.Net)}
	if waysOf[share.Tactic] == t.Way && share.Qty > 0 {
		v.Qty, v.WaitMicros = in.FormatQty(share.Qty), share.WaitMicros
	} else if share.Qty == 0 {
		v.Why = share.Why.String()
	}
	return v
}

// waysOf says by which way a tactic places.
var waysOf = map[event.Tactic]policy.Way{event.TacticNone: policy.Ways, event.TacticTake: policy.WayTake,
	event.TacticPost: policy.WayPost, event.TacticPing: policy.WayPing, event.TacticRest: policy.WayRest,
	event.TacticQuote: policy.WayHit, event.TacticRequest: policy.WayHit}

// milli prints thousandths of a price increment as a price.
func milli(in *market.Instrument, n int64) string {
	return string(market.AppendDecimal(nil, n, in.PriceDecimals+3))
}

// valueText is the row of values in words, bps of the slice.
func (e *explained) valueText() string {
	if len(e.Values) == 0 {
		return "the table carries no values"
	}
	parts := make([]string, len(e.Values))
	for i, v := range e.Values {
		parts[i] = fmt.Sprintf("%s %.3f ± %.3f (%d visits)", v.Action, v.Value, v.SE, v.Visits)
	}
	return fmt.Sprintf("bps of the slice: %s; matters most: %s", strings.Join(parts, ", "), strings.Join(e.Matters, ", "))
}

func (e *explained) print(w io.Writer) error {
	fmt.Fprintf(w, "#%d %s %s (P%d) %s %s slice %d.%d remaining %s mid %s half-spread %s parameters %d\n", e.Event, e.Time,
		e.Order, e.Parent, e.Side, e.Symbol, e.Slice, e.Epoch, e.Remaining, e.Mid, e.HalfSpread, e.Params)
	fmt.Fprintf(w, "  action %s", e.Action)
	if e.Chosen != "" {
		fmt.Fprintf(w, " instead of %s", e.Chosen)
	}
	if len(e.Reasons) > 0 {
		fmt.Fprintf(w, " (%s)", strings.Join(e.Reasons, ", "))
	}
	fmt.Fprintf(w, ", propensity %d of 10000, of BASELINE %d\n", e.Propensity, e.BaseOdds)
	if len(e.Features) > 0 {
		fmt.Fprintf(w, "  cell %d page %d: %s\n", e.Cell, e.Page, strings.Join(e.Features, "; "))
		fmt.Fprintf(w, "  confidence %d of 7, when blocked %s; %s\n", e.Confidence, e.Alt, e.valueText())
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  venue\tway\tqty\tprice\tfee\tmarkout\tp\tmoved\tfallback\tleakage\tnet\t  why")
	for _, v := range e.Venues {
		if v.WaitMicros > 0 {
			v.Why = fmt.Sprintf("leaves %d µs later, to arrive with the others", v.WaitMicros)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t  %s\n", v.Venue, v.Way, v.Qty, v.Price, v.Fee, v.Markout,
			v.Chance, v.Moved, v.Fallback, v.Leakage, v.Net, v.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
