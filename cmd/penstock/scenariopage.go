package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"penstock/policy/learn"
)

// write puts the page and its JSON into dir.
func (s *scenarioResult) write(dir string) error {
	f, err := os.Create(filepath.Join(dir, "scenario.json"))
	if err != nil {
		return err
	}
	if err := writeJSON(f, s); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	decided, err := json.MarshalIndent(&s.verdict, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "verdict.json"), append(decided, '\n'), 0o644); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := scenarioPage.Execute(&page, s); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "scenario.html"), page.Bytes(), 0o644)
}

// Colours that stay apart for the colour-blind.
const (
	inkTable    = "#0b6e99"
	inkBaseline = "#b4541a"
	inkGrey     = "#6b7280"
	inkFaint    = "#e5e7eb"
)

var scenarioPage = template.Must(template.New("scenario").Funcs(template.FuncMap{
	"f2":        func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"pct":       func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	"intervals": drawIntervals, "curve": drawCurve, "impact": drawImpact, "waterfall": drawWaterfall, "histogram": drawHistogram,
	"evidence": evidenceWords, "span": spanWords, "count": countWords, "mix": mixWords, "signal": signalWords, "left": leftWords,
	"samples": func(v float64) string {
		if v == 0 {
			return "–" // it weighs nothing
		}
		return fmt.Sprintf("%.0f", v)
	},
	"join": func(list []string) string { return strings.Join(list, ", ") },
}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Penstock: one large order</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:1160px;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-top:1px solid #ddd;padding-top:1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13.5px}
td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #eee;vertical-align:top}td:first-child,th:first-child{text-align:left}
.l td,.l th{text-align:left}.n{white-space:nowrap}.bad{color:#b00020;font-weight:600}.ok{color:#17692b}.box{background:#f5f7fa;padding:.8rem 1rem;border-left:4px solid #0b6e99}
svg{width:100%;height:auto;display:block;margin:.5rem 0}small{color:#555}
</style>
<h1>One large order in a simulated market</h1>
<p><small>Made {{.Made}}; simulator {{.Simulator}}; table {{.Table}}. Every number comes from
<code>make scenario</code>; check any of them on seeds of your own with <code>penstock simulate --policy FILE --seeds A-B --regime NAME</code>.</small></p>
<div class="box"><p><b>What ships: {{.Shipped}}.</b></p>{{range .FinalWords}}<p>{{.}}.</p>{{end}}</div>
<p>Costs are basis points of the value at arrival, positive against the client. All policies of a seed meet the same candidate events,
so differences are what the policies did. A claim says the simulator, the opponent and the number of orders; none of them says anything about real markets
until live logs do.</p>

<h2>The order, by every policy</h2>
<table><tr><th>shares, horizon, policy</th><th>cost, bps</th><th>sd</th><th>CVaR 95</th><th>spread</th><th>drift</th><th>fees</th><th>left over</th><th>impact</th><th>filled</th><th>dark/sdp/ post/take, %</th><th>the table saved on it, bps (95 %)</th></tr>
{{range .Orders}}<tr><td class="n">{{count .Qty}}, {{span .Horizon}}, {{.Cost.Policy}}</td><td>{{f2 .Cost.Mean}}</td><td>{{f2 .Cost.SD}}</td><td>{{f2 .Cost.CVaR95}}</td><td>{{f2 .Cost.Spread}}</td><td>{{f2 .Cost.Drift}}</td><td>{{f2 .Cost.Fees}}</td><td>{{f2 .Cost.Remainder}}</td><td>{{f2 .Cost.Impact}}</td><td class="n">{{pct .Cost.Filled}}</td><td class="n">{{mix .Cost}}</td><td>{{if .Saving.Pairs}}{{f2 .Saving.Saved}} ({{f2 .Saving.Low}} to {{f2 .Saving.High}}, n&nbsp;{{.Saving.Pairs}}){{end}}</td></tr>
{{end}}</table>
<p><small>baseline: Almgren-Chriss schedule with BASELINE in every cell. twap, vwap, pov: takers on those schedules (pov takes a tenth of the volume, so it
may leave a part, which is marked at the price of crossing). A quarter of a day's volume should cost a taker 30 to 60 bps here (square-root law);
a policy that claims one would claim the impossible.</small></p>

<h2>Final test: seeds opened for this page, 60,000 shares in half an hour, against BASELINE</h2>
{{intervals .Final}}
{{waterfall .Parts}}
<p><small>From BASELINE's cost to the table's, bps, by part (nominal regime); the axis does not begin at zero. Impact is the mid with us minus the mid without us on the same seed, at our fills; it is a part of drift.</small></p>
{{histogram .Pairs}}
<p><small>{{evidence .Pairs}}</small></p>

<h2>Our impact, on one seed</h2>
{{impact .Impact}}

{{if .Curve}}<h2>Learning curve</h2>{{curve .Curve}}<p><small>Saving over BASELINE on validation seeds, against the slices trained on.</small></p>{{end}}
{{if .Ablations}}<h2>What each part is worth</h2>{{intervals .Ablations}}<p><small>The same learner and data without one part, on validation seeds, over BASELINE.</small></p>{{end}}

{{if .Deviations}}<h2>What BASELINE leaves</h2>{{intervals .Deviations}}<p><small>BASELINE with another action in one bin of the price signal (bin 0: the
price is expected to come towards us, the last: to run away), on validation seeds, over BASELINE everywhere. {{left .Deviations}}</small></p>{{end}}

{{with .Gate}}<h2>Regimes (the gate's seeds)</h2>{{intervals .Regimes}}
<p><small>Trained on the nominal regime only. In nominal ones the lower bound must be above zero, in the others above −0.5 bp.</small></p>
<h2>Gate: {{if .Pass}}<span class="ok">pass ({{.Label}})</span>{{else}}<span class="bad">refused</span>{{end}}</h2>
<table class="l"><tr><th>check</th><th>value</th><th>limit</th><th></th></tr>{{range .Checks}}<tr><td>{{.ID}} {{.What}}</td><td>{{f2 .Value}}</td><td>{{f2 .Limit}}</td><td>{{if .Pass}}<span class="ok">holds</span>{{else}}<span class="bad">fails</span>{{end}}</td></tr>{{end}}</table>
<h2>Off-policy estimates</h2><table><tr><th>estimator, over BASELINE, bps a slice</th><th>value</th><th>95 %</th><th>effective samples</th></tr>
{{range .OPE}}<tr><td>{{.Name}}</td><td>{{f2 .Value}}</td><td>{{f2 .Low}} to {{f2 .High}}</td><td>{{samples .ESS}}</td></tr>{{end}}</table>
{{with .Signal}}<h2>Price signal</h2><p>{{signal .}}</p>{{end}}{{end}}

<h2>Decisions, explained</h2>
<table class="l"><tr><th>when</th><th>state (bin of bins)</th><th>action</th><th>why</th><th>where</th></tr>
{{range .Decisions}}<tr><td>{{.When}}</td><td>{{join .State}}</td><td>{{.Action}}</td><td>{{.Why}}</td><td>{{join .Venues}}</td></tr>{{end}}</table>
</html>
`))

// canvas is an SVG under way.
type canvas struct{ bytes.Buffer }

func newCanvas(w, h int, title string) *canvas {
	c := &canvas{}
	fmt.Fprintf(c, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s" font-family="system-ui,sans-serif" font-size="12">`, w, h, template.HTMLEscapeString(title))
	return c
}

func (c *canvas) line(x1, y1, x2, y2 float64, ink string, width float64) {
	fmt.Fprintf(c, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"/>`, x1, y1, x2, y2, ink, width)
}

func (c *canvas) text(x, y float64, anchor, s string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#333">%s</text>`, x, y, anchor, template.HTMLEscapeString(s))
}

func (c *canvas) done() template.HTML {
	c.WriteString("</svg>")
	return template.HTML(c.String())
}

// upright draws a vertical axis of bps with its ticks, from x1 to x2.
func (c *canvas) upright(lo, hi float64, y func(float64) float64, x1, x2 float64) {
	for _, v := range ticks(lo, hi, 5) {
		c.line(x1, y(v), x2, y(v), inkFaint, 1)
		c.text(x1-5, y(v)+4, "end", tickText(v))
	}
	c.line(x1, y(0), x2, y(0), inkGrey, 1)
	c.text(x1-5, 10, "end", "bps")
}

// ticks returns round values within lo..hi, at most n of them.
func ticks(lo, hi float64, n int) (list []float64) {
	if !(hi > lo) {
		return []float64{0}
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, f := range [...]float64{1, 2, 5, 10} {
		if (hi-lo)/(step*f) <= float64(n) {
			step *= f
			break
		}
	}
	for k := math.Ceil(lo / step); k*step <= hi+1e-9*step; k++ {
		list = append(list, k*step)
	}
	return list
}

func tickText(v float64) string {
	if math.Abs(v) < 1e-9 {
		return "0"
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// spanWords is a duration as a desk says it.
func spanWords(text string) string {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return text
	case d >= time.Hour:
		return tickText(d.Hours()) + " h"
	}
	return tickText(d.Minutes()) + " min"
}

// countWords is a number of shares with its thousands apart.
func countWords(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mixWords is what was traded in which way, per cent.
func mixWords(c costSummary) string {
	return fmt.Sprintf("%.0f / %.0f / %.0f / %.0f", 100*c.Dark, 100*c.SDP, 100*c.Posted, 100*c.Taken)
}

// signalWords is printSignal for the page.
func signalWords(q *learn.SignalQuality) string {
	var b strings.Builder
	printSignal(&b, q)
	return strings.TrimSpace(b.String())
}

// scale maps lo..hi to a..b.
func scale(lo, hi, a, b float64) func(float64) float64 {
	if hi <= lo {
		hi = lo + 1
	}
	return func(v float64) float64 { return a + (v-lo)/(hi-lo)*(b-a) }
}

// drawIntervals is a row for each saving: point and interval, zero marked.
func drawIntervals(list any) template.HTML {
	var rows []learn.RegimeSaving
	switch l := list.(type) {
	case []learn.RegimeSaving:
		rows = l
	case []curvePoint:
		for _, p := range l {
			p.Saving.Regime, p.Saving.Nominal = p.Name, false
			rows = append(rows, p.Saving)
		}
	}
	if len(rows) == 0 {
		return ""
	}
	lo, hi := 0.0, 0.0
	for _, r := range rows {
		lo, hi = math.Min(lo, r.Low), math.Max(hi, r.High)
	}
	h := 22*len(rows) + 44
	c := newCanvas(900, h, "savings with intervals")
	x := scale(lo, hi, 260, 790)
	for _, v := range ticks(lo, hi, 6) {
		c.line(x(v), 4, x(v), float64(h-38), inkFaint, 1)
		c.text(x(v), float64(h-24), "middle", tickText(v))
	}
	c.line(x(0), 4, x(0), float64(h-38), inkGrey, 1)
	c.text(525, float64(h-6), "middle", "bps of the order saved over BASELINE, with 95 % interval")
	for i, r := range rows {
		y, ink := float64(22*i+14), inkTable
		if r.Low <= 0 {
			ink = inkGrey
		}
		if r.High < 0 {
			ink = inkBaseline
		}
		name := r.Regime
		if r.Nominal && name != "nominal" {
			name += " (nominal)"
		}
		c.text(250, y+4, "end", name)
		c.line(x(r.Low), y, x(r.High), y, ink, 3)
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, x(r.Saved), y, ink)
		c.text(895, y+4, "end", fmt.Sprintf("%+.2f (n %d)", r.Saved, r.Pairs))
	}
	return c.done()
}

// drawCurve is saving against slices, on a logarithmic axis.
func drawCurve(list []curvePoint) template.HTML {
	lo, hi, most := 0.0, 0.0, 1
	least := math.MaxInt
	for _, p := range list {
		lo, hi = math.Min(lo, p.Saving.Low), math.Max(hi, p.Saving.High)
		most, least = max(most, p.Slices), min(least, p.Slices)
	}
	c := newCanvas(900, 240, "learning curve")
	x := scale(math.Log(float64(least)), math.Log(float64(most)), 70, 860)
	y := scale(lo, hi, 200, 20)
	c.upright(lo, hi, y, 60, 880)
	var points []string
	for _, p := range list {
		px := x(math.Log(float64(p.Slices)))
		c.line(px, y(p.Saving.Low), px, y(p.Saving.High), inkTable, 2)
		points = append(points, fmt.Sprintf("%.1f,%.1f", px, y(p.Saving.Saved)))
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, px, y(p.Saving.Saved), inkTable)
		c.text(px, 225, "middle", fmt.Sprintf("%d slices", p.Slices))
	}
	fmt.Fprintf(c, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(points, " "), inkTable)
	return c.done()
}

// drawImpact is mid with minus mid without, by minute.
func drawImpact(p impactPicture) template.HTML {
	all := append(slices.Clone(p.Baseline), p.Table...)
	if len(all) == 0 {
		return ""
	}
	lo, hi := math.Min(slices.Min(all), 0), math.Max(slices.Max(all), 0)
	c := newCanvas(900, 260, "impact by minute")
	x, y := scale(0, float64(max(len(p.Baseline)-1, 1)), 60, 780), scale(lo, hi, 230, 20)
	c.upright(lo, hi, y, 60, 780)
	for k, line := range [2][]float64{p.Baseline, p.Table} {
		ink, name := inkBaseline, "baseline"
		if k == 1 {
			ink, name = inkTable, "table"
		}
		var points []string
		for i, v := range line {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(float64(i)), y(v)))
		}
		fmt.Fprintf(c, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(points, " "), ink)
		fmt.Fprintf(c, `<text x="790" y="%d" fill="%s">%s</text>`, 40+20*k, ink, name)
	}
	c.text(780, 250, "end", fmt.Sprintf("minute %d", max(len(p.Baseline)-1, 0)))
	c.text(60, 250, "start", fmt.Sprintf("mid with us − mid without us, bps against the order, seed %d", p.Seed))
	return c.done()
}

// drawWaterfall goes from BASELINE's cost (second) to the table's (first) by part.
func drawWaterfall(parts [2]costSummary) template.HTML {
	a, b := parts[1], parts[0]
	steps := []struct {
		name string
		d    float64
	}{{"spread", b.Spread - a.Spread}, {"drift, impact in it", b.Drift - a.Drift}, {"fees", b.Fees - a.Fees}, {"left over", b.Remainder - a.Remainder}}
	low, high, at := math.Min(a.Mean, b.Mean), math.Max(a.Mean, b.Mean), a.Mean
	for _, s := range steps {
		at += s.d
		low, high = math.Min(low, at), math.Max(high, at)
	}
	pad := math.Max((high-low)*.3, .1)
	c := newCanvas(900, 230, "from the baseline's cost to the table's")
	y := scale(low-pad, high+pad/2, 200, 20)
	bar := func(i int, from, to float64, ink, name, value string) {
		x := 40 + 145*float64(i)
		fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="100" height="%.1f" fill="%s"/>`, x, math.Min(y(from), y(to)), math.Max(math.Abs(y(from)-y(to)), 1), ink)
		c.text(x+50, 218, "middle", name)
		c.text(x+50, math.Min(y(from), y(to))-5, "middle", value)
	}
	bar(0, low-pad, a.Mean, inkBaseline, "baseline", fmt.Sprintf("%.2f", a.Mean))
	at = a.Mean
	for i, s := range steps {
		ink := "#2e8b57"
		if s.d > 0 {
			ink = "#b00020"
		}
		bar(i+1, at, at+s.d, ink, s.name, fmt.Sprintf("%+.2f", s.d))
		at += s.d
	}
	bar(5, low-pad, b.Mean, inkTable, "table", fmt.Sprintf("%.2f", b.Mean))
	return c.done()
}

// drawHistogram shows single costs of BASELINE and the differences of pairs on one axis.
func drawHistogram(pairs []pairOfCosts) template.HTML {
	if len(pairs) == 0 {
		return ""
	}
	var costs, saved []float64
	for _, p := range pairs {
		costs, saved = append(costs, p.Baseline), append(saved, p.Baseline-p.Candidate)
	}
	all := append(slices.Clone(costs), saved...)
	lo, hi := slices.Min(all), slices.Max(all)
	const bins = 60
	c := newCanvas(900, 240, "costs of single orders and differences of pairs")
	x := scale(lo, hi, 40, 860)
	for k, list := range [2][]float64{costs, saved} {
		var n [bins]int
		most := 1
		for _, v := range list {
			i := min(int((v-lo)/math.Max(hi-lo, 1e-9)*bins), bins-1)
			n[i]++
			most = max(most, n[i])
		}
		ink, name := inkBaseline, "cost of one order by baseline"
		if k == 1 {
			ink, name = inkTable, "difference of a pair"
		}
		for i, v := range n {
			h := 140 * float64(v) / float64(most)
			fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="12" height="%.1f" fill="%s" fill-opacity=".6"/>`, x(lo+(hi-lo)*float64(i)/bins), 210-h, h, ink)
		}
		fmt.Fprintf(c, `<text x="860" y="%d" text-anchor="end" fill="%s">%s</text>`, 20+18*k, ink, name)
	}
	c.line(40, 210, 875, 210, inkGrey, 1)
	for _, v := range ticks(lo, hi, 8) {
		c.text(x(v), 226, "middle", tickText(v))
	}
	c.text(40, 14, "start", "bps of the order; each of the two by its own height")
	return c.done()
}

// evidenceWords says how little one order proves: how often luck alone looks like skill,
// and how many orders it takes to see a saving, alone and in pairs.
func evidenceWords(pairs []pairOfCosts) string {
	if len(pairs) < 2 {
		return "One pair proves nothing."
	}
	var costs, saved []float64
	lucky := 0
	for _, p := range pairs {
		costs, saved = append(costs, p.Baseline), append(saved, p.Baseline-p.Candidate)
		if p.Baseline <= -3 {
			lucky++
		}
	}
	// Normal approximation, two-sided 5 %, power 80 %, for a true saving of 1 bp.
	const z2 = (1.96 + .84) * (1.96 + .84)
	single, pair := learn.Deviation(costs), learn.Deviation(saved)
	return fmt.Sprintf("One order proves nothing: its outcome deviates by %.1f bps, and BASELINE itself beat the arrival price by 3 bps or more on "+
		"%.0f %% of these orders, by luck. To see a true saving of 1 bp takes about %.0f orders in each arm, or %.0f pairs of one seed each, whose "+
		"differences deviate by %.1f bps.", single, 100*float64(lucky)/float64(len(pairs)), math.Ceil(2*z2*single*single), math.Max(math.Ceil(z2*pair*pair), 2), pair)
}

// leftWords says what the best deviation from BASELINE saved.
func leftWords(list []curvePoint) string {
	best := slices.MaxFunc(list, func(a, b curvePoint) int { return cmp.Compare(a.Saving.Saved, b.Saving.Saved) })
	sure := 0
	for i := range list {
		if list[i].Saving.Lower > 0 {
			sure++
		}
	}
	return fmt.Sprintf("The best of %d saved %.2f bps (95 %% %.2f to %.2f); %d of them saved anything beyond chance, %.1f would by luck alone.",
		len(list), best.Saving.Saved, best.Saving.Low, best.Saving.High, sure, .05*float64(len(list)))
}
