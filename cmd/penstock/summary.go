package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"penstock/internal/hist"
	"penstock/market"
	"penstock/router"
)

// summary is how one parent order went. Prices, quantities and money are decimal
// text, exact; slippage is positive when it cost the client something.
type summary struct {
	Symbol       string         `json:"symbol"`
	Side         string         `json:"side"`
	Strategy     string         `json:"strategy"`
	OrderQty     string         `json:"order_qty"`
	CumQty       string         `json:"cum_qty"`
	Status       string         `json:"ord_status"`
	Seconds      float64        `json:"seconds"`
	ArrivalMid   string         `json:"arrival_mid"`
	AvgPx        string         `json:"avg_px"`
	SlippageBps  float64        `json:"slippage_bps"`
	SlippageCts  float64        `json:"slippage_cents_per_unit"`
	Notional     string         `json:"notional"`
	Fees         string         `json:"fees"`
	Children     int            `json:"children"`
	Fills        int            `json:"fills"`
	Rejects      int            `json:"rejects"`
	Decisions    int            `json:"decisions"`
	SignNote     string         `json:"sign_convention"`
	Venues       []venueSummary `json:"venues"`
	Kinds        []venueSummary `json:"kinds"`
	Latency      []latencyLine  `json:"latency,omitempty"`
	Reconciled   *reconciled    `json:"reconciliation,omitempty"`
	Journal      string         `json:"journal,omitempty"`
	Loop         []string       `json:"loop,omitempty"`
	Policy       string         `json:"policy"`
	instrument   *market.Instrument
	currencyText string
	arrival      int64
}

const signNote = "slippage and fees: positive is a cost to the client, negative a gain"

type venueSummary struct {
	Venue     string `json:"venue"`
	Kind      string `json:"kind"`
	Children  int    `json:"children"`
	Fills     int    `json:"fills"`
	Rejects   int    `json:"rejects"`
	Qty       string `json:"qty"`
	SharePct  int    `json:"share_pct"`
	AvgPx     string `json:"avg_px"`
	Fees      string `json:"fees"`
	Simulated bool   `json:"simulated,omitempty"`

	qty      market.Qty
	notional market.Notional
	fees     market.Notional
}

type latencyLine struct {
	What  string `json:"what"`
	Count int64  `json:"count"`
	P50   int64  `json:"p50_ns"`
	P90   int64  `json:"p90_ns"`
	P99   int64  `json:"p99_ns"`
	P999  int64  `json:"p99_9_ns"`
	Max   int64  `json:"max_ns"`
}

// averagePrice returns notional / qty as text with two decimals more than a price.
func averagePrice(in *market.Instrument, n market.Notional, q market.Qty) string {
	if q == 0 {
		return "-"
	}
	hundredths := int64(n)/int64(q)*100 + int64(n)%int64(q)*100/int64(q)
	return string(market.AppendDecimal(nil, hundredths, in.PriceDecimals+2))
}

// summarise reads a parent from the core that routed it.
func summarise(core *router.Core, p *router.Parent, cfg *router.Config) *summary {
	in := &cfg.Instruments[p.Instrument]
	s := &summary{
		Symbol: in.Symbol, Side: p.Side.String(), Strategy: p.Strategy.String(),
		OrderQty: in.FormatQty(p.OrderQty), CumQty: in.FormatQty(p.Cum), Status: p.Status.String(),
		AvgPx: averagePrice(in, p.Notional, p.Cum), Notional: in.FormatNotional(p.Notional),
		Fees: in.FormatNotional(p.Fees), Children: int(p.ChildrenSent), Decisions: int(p.DecisionsTaken),
		SignNote: signNote, instrument: in, currencyText: in.Currency, arrival: p.ArrivalMid2, Policy: compiledIn,
	}
	if p.Ended > 0 {
		s.Seconds = float64(p.Ended-p.Accepted) / 1e9
	}
	s.ArrivalMid = string(market.AppendDecimal(nil, p.ArrivalMid2*5, in.PriceDecimals+1))
	if p.Cum > 0 && p.ArrivalMid2 > 0 {
		mid := float64(p.ArrivalMid2) / 2
		diff := float64(p.Side.Sign()) * (float64(p.Notional)/float64(p.Cum) - mid)
		s.SlippageBps = diff / mid * 1e4
		s.SlippageCts = diff / math.Pow10(int(in.PriceDecimals)) * 100
	}
	kinds := [3]venueSummary{{Venue: "all", Kind: "lit"}, {Venue: "all", Kind: "dark"}, {Venue: "all", Kind: "sdp"}}
	for v := range cfg.Venues {
		f := &p.Venues[v]
		row := venueSummary{Venue: cfg.Venues[v].Name, Kind: cfg.Venues[v].Kind.String(),
			Children: int(f.Children), Fills: int(f.Fills), Rejects: int(f.Rejects),
			qty: f.Qty, notional: f.Notional, fees: f.Fees}
		k := &kinds[cfg.Venues[v].Kind]
		k.add(&row)
		row.complete(in, p.Cum)
		s.Venues = append(s.Venues, row)
		s.Fills += row.Fills
		s.Rejects += row.Rejects
	}
	for i := range kinds {
		kinds[i].complete(in, p.Cum)
		s.Kinds = append(s.Kinds, kinds[i])
	}
	return s
}

func (v *venueSummary) add(o *venueSummary) {
	v.Children += o.Children
	v.Fills += o.Fills
	v.Rejects += o.Rejects
	v.qty += o.qty
	v.notional += o.notional
	v.fees += o.fees
}

func (v *venueSummary) complete(in *market.Instrument, cum market.Qty) {
	v.Qty, v.Fees = in.FormatQty(v.qty), in.FormatNotional(v.fees)
	v.AvgPx = averagePrice(in, v.notional, v.qty)
	if cum > 0 {
		v.SharePct = int((100*int64(v.qty) + int64(cum)/2) / int64(cum))
	}
}

func latencyOf(what string, h *hist.Latency) latencyLine {
	return latencyLine{What: what, Count: h.Count(), P50: h.Percentile(50), P90: h.Percentile(90),
		P99: h.Percentile(99), P999: h.Percentile(99.9), Max: h.Max()}
}

// print writes the summary as compact tables.
func (s *summary) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("order", "%s %s %s %s: %s, %s filled in %.1f s", s.Side, s.OrderQty, s.Symbol, s.Strategy,
		s.Status, s.CumQty, s.Seconds)
	row("policy", "%s, %d decisions", s.Policy, s.Decisions)
	row("arrival mid", "%s %s", s.ArrivalMid, s.currencyText)
	row("average price", "%s %s", s.AvgPx, s.currencyText)
	switch {
	case s.AvgPx == "-" || s.arrival == 0:
		row("slippage", "-")
	case s.currencyText == "USD":
		row("slippage", "%+.2f bp, %+.3f cents per unit against the arrival mid", s.SlippageBps, s.SlippageCts)
	default:
		row("slippage", "%+.2f bp, %+.5f %s per unit against the arrival mid", s.SlippageBps, s.SlippageCts/100,
			s.currencyText)
	}
	row("fees", "%s %s on %s", s.Fees, s.currencyText, s.Notional)
	row("", "(%s)", s.SignNote)
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "venue\tkind\torders\tfills\trejects\tquantity\tshare\taverage\tfees\t")
	for _, list := range [][]venueSummary{s.Venues, s.Kinds} {
		for i := range list {
			v := &list[i]
			name := v.Venue
			if v.Simulated {
				name += " (simulated)"
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%d%%\t%s\t%s\t\n", name, v.Kind, v.Children, v.Fills,
				v.Rejects, v.Qty, v.SharePct, v.AvgPx, v.Fees)
		}
	}
	t.Flush()
	s.printLatency(w)
}

func (s *summary) printLatency(w io.Writer) {
	if len(s.Latency) == 0 {
		return
	}
	fmt.Fprintln(w, "\ntick to order: from the bytes received to the order or cancel sent, in µs")
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "cause\tmessages\tp50\tp90\tp99\tp99.9\tmax\t")
	for _, l := range s.Latency {
		if l.Count == 0 {
			fmt.Fprintf(t, "%s\t0\t-\t-\t-\t-\t-\t\n", l.What)
			continue
		}
		last := "-"
		if l.Count >= tailCount {
			last = inMicros(l.P999)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", l.What, l.Count, inMicros(l.P50), inMicros(l.P90), inMicros(l.P99),
			last, inMicros(l.Max))
	}
	t.Flush()
	fmt.Fprintln(w, "This router parks when idle and shares its cores with venues and client; one with a core of its own is faster (bench/RESULTS.md).")
}

// tailCount is how many samples a 99.9th percentile takes: of fewer it is the largest.
const tailCount = 1000

// inMicros prints a duration in µs, the one unit of a report, with one decimal.
func inMicros(nanos int64) string { return strconv.FormatFloat(float64(nanos)/1e3, 'f', 1, 64) }
