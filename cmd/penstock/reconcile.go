package main

import (
	"fmt"
	"io"
	"strconv"

	"penstock/internal/emsclient"
	"penstock/market"
	"penstock/router"
	"penstock/venues/sim"
)

// reconciled compares three accounts of the same executions, each kept by
// somebody else: the client's reports, the router's ledger, the venues' books of
// trades.
type reconciled struct {
	Client   account  `json:"client"`
	Router   account  `json:"router"`
	Venues   account  `json:"venues"`
	Breaks   []string `json:"breaks"`
	Agree    bool     `json:"agree"`
	Currency string   `json:"currency"`
}

type account struct {
	Fills    int    `json:"fills"`
	Qty      string `json:"qty"`
	Notional string `json:"notional"`
	Fees     string `json:"fees,omitempty"`

	qty      market.Qty
	notional market.Notional
	fees     market.Notional
}

// reconcile compares the accounts of one parent. trades are indexed by VenueID.
func reconcile(core *router.Core, p *router.Parent, cfg *router.Config, order *emsclient.Order,
	violations []string, trades [][]sim.Fill) *reconciled {
	in := &cfg.Instruments[p.Instrument]
	r := &reconciled{Currency: in.Currency, Breaks: append([]string{}, violations...)}
	broken := func(format string, args ...any) { r.Breaks = append(r.Breaks, fmt.Sprintf(format, args...)) }
	if trouble := core.Audit(); trouble != "" {
		broken("router: %s", trouble)
	}
	children := map[string]*router.Child{}
	for i := range core.Children() {
		ch := &core.Children()[i]
		children[strconv.FormatUint(ch.Number, 10)] = ch
	}
	byMIC := map[string]market.Qty{}
	for i := range order.Fills {
		f := &order.Fills[i]
		r.Client.add(f.LastQty, f.LastPx, 0)
		byMIC[f.LastMkt] += f.LastQty
	}
	filled := map[string]market.Qty{}
	for v := range trades {
		var here account
		for i := range trades[v] {
			f := &trades[v][i]
			filled[f.ClOrdID.String()] += f.Qty
			if children[f.ClOrdID.String()] == nil {
				broken("%s traded order %s, which the router never sent", cfg.Venues[v].Name, f.ClOrdID)
			}
			here.add(f.Qty, f.Price, f.Fee)
		}
		ours := &p.Venues[v]
		if ours.Qty != here.qty || ours.Notional != here.notional || ours.Fees != here.fees {
			broken("%s says %s for %s with fees %s, the router %s for %s with fees %s", cfg.Venues[v].Name,
				in.FormatQty(here.qty), in.FormatNotional(here.notional), in.FormatNotional(here.fees),
				in.FormatQty(ours.Qty), in.FormatNotional(ours.Notional), in.FormatNotional(ours.Fees))
		}
		if byMIC[cfg.Venues[v].MIC] != here.qty {
			broken("%s says %s, the client's reports %s", cfg.Venues[v].Name, in.FormatQty(here.qty),
				in.FormatQty(byMIC[cfg.Venues[v].MIC]))
		}
		r.Venues.join(&here)
		r.Router.Fills += int(ours.Fills)
	}
	for id, ch := range children {
		if filled[id] != ch.Cum {
			broken("child %s: venue filled %s, router booked %s", id, in.FormatQty(filled[id]), in.FormatQty(ch.Cum))
		}
	}
	r.Router.qty, r.Router.notional, r.Router.fees = p.Cum, p.Notional, p.Fees
	if order.CumQty != p.Cum || order.OrdStatus != p.Status {
		broken("client believes %s %s, the router %s %s", order.OrdStatus, in.FormatQty(order.CumQty), p.Status,
			in.FormatQty(p.Cum))
	}
	if r.Client.qty != p.Cum || r.Client.notional != p.Notional || r.Venues.qty != p.Cum ||
		r.Venues.notional != p.Notional || r.Venues.fees != p.Fees {
		broken("the totals differ")
	}
	for _, a := range []*account{&r.Client, &r.Router, &r.Venues} {
		a.Qty, a.Notional, a.Fees = in.FormatQty(a.qty), in.FormatNotional(a.notional), in.FormatNotional(a.fees)
	}
	r.Client.Fees = ""
	r.Agree = len(r.Breaks) == 0
	return r
}

func (a *account) add(q market.Qty, p market.Price, fee market.Notional) {
	n, _ := p.Notional(q)
	a.Fills++
	a.qty += q
	a.notional += n
	a.fees += fee
}

func (a *account) join(o *account) {
	a.Fills += o.Fills
	a.qty += o.qty
	a.notional += o.notional
	a.fees += o.fees
}

func (r *reconciled) print(w io.Writer) {
	fmt.Fprintf(w, "\nclient's reports  %4d fills  %s for %s %s\n", r.Client.Fills, r.Client.Qty, r.Client.Notional, r.Currency)
	fmt.Fprintf(w, "router's ledger   %4d fills  %s for %s %s, fees %s\n", r.Router.Fills, r.Router.Qty,
		r.Router.Notional, r.Currency, r.Router.Fees)
	fmt.Fprintf(w, "venues' trades    %4d fills  %s for %s %s, fees %s\n", r.Venues.Fills, r.Venues.Qty,
		r.Venues.Notional, r.Currency, r.Venues.Fees)
	for _, b := range r.Breaks {
		fmt.Fprintf(w, "BREAK: %s\n", b)
	}
	if r.Agree {
		fmt.Fprintln(w, "the three accounts agree, to the share and the cent")
	}
}
