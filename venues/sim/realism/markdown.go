package realism

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the scorecard, with the same statistics of recordings beside it where
// they can be taken.
func Markdown(w io.Writer, results []Result, e Effort, recordings []Recording) {
	fmt.Fprintf(w, `# Is the simulated stock like a market?

Written by `+"`penstock realism`"+`; do not edit. Simulated: %d days, %d paired seeds an impact experiment (a quarter of them
for programs of more than two hours), %d round trips, %d hours of resting orders. Prices in ticks. Targets are those of the
literature (sign memory, square-root impact and its decay, clustering, queues), written down before the market was tuned. A
target that is missed is waived here with its value, never moved. R19, that a run in which an agent cannot trade is
bit for bit the run without it, is `+"`TestStockIgnoresWhoDoesNothing`"+`.

| | what | target | simulated | |
|---|---|---|---|---|
`, e.Days, e.Pairs, e.Trips, e.Passive)
	for _, r := range results {
		verdict := "holds"
		switch {
		case r.Pass:
		case r.Waiver != "":
			verdict = "waived: " + r.Waiver
		default:
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.ID, cell(r.What), cell(r.Target), cell(r.Measured), verdict)
	}
	if len(recordings) == 0 {
		fmt.Fprint(w, "\nNo recorded data were at hand, so nothing real stands beside it.\n")
		return
	}
	fmt.Fprint(w, "\n## The same statistics of recordings\n\nTrade signs of the consolidated tape are those of the quote rule; a cent is a tick "+
		"(BTC-USDT: one cent of a dollar). Recordings differ from each other as much as from the simulated stock; what they share is the shape.\n\n| |")
	var columns [][]Result
	for _, r := range recordings {
		fmt.Fprintf(w, " %s |", r.Name)
		columns = append(columns, observed(r.Days))
	}
	fmt.Fprint(w, "\n|---|"+strings.Repeat("---|", len(recordings))+"\n")
	for i := range columns[0] {
		fmt.Fprintf(w, "| %s %s |", columns[0][i].ID, cell(columns[0][i].What))
		for c, column := range columns {
			text := cell(column[i].Measured)
			if recordings[c].Days[0].Seconds < DaySeconds && long[column[i].ID] {
				text = "too short"
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
}

// long are the tests that need a whole day.
var long = map[string]bool{"R2": true, "R3": true, "R4": true, "R5": true, "R6": true, "R18": true}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
