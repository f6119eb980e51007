package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/tape"
)

// replayReport is what a replay of one instrument has to say. Times are recorded
// times.
type replayReport struct {
	Instrument  string           `json:"instrument"`
	From        string           `json:"from"`
	To          string           `json:"to"`
	Seconds     float64          `json:"seconds"`
	Messages    int64            `json:"messages"`
	Events      int64            `json:"events"`
	NormalPct   float64          `json:"normal_pct"`
	LockedPct   float64          `json:"locked_pct"`
	CrossedPct  float64          `json:"crossed_pct"`
	MissingPct  float64          `json:"missing_pct"`
	Feeds       []feedReport     `json:"feeds"`
	Books       []bookReport     `json:"books"`
	Parent      *summary         `json:"parent,omitempty"`
	Matching    *reconciledTrade `json:"matching,omitempty"`
	Assumptions []string         `json:"assumptions,omitempty"`
	Troubles    []string         `json:"troubles"`
	Journal     string           `json:"journal,omitempty"`
}

type feedReport struct {
	Venue     string  `json:"venue"`
	Format    string  `json:"format"`
	Messages  int64   `json:"messages"`
	PerSecond float64 `json:"messages_per_second"`
	Events    int64   `json:"events"`
	Gaps      int64   `json:"gaps"`
	Checked   int64   `json:"checksums_ok"`
	Mismatch  int64   `json:"checksums_failed"`
	Malformed int64   `json:"malformed"`
	Left      int64   `json:"outside_period"`
}

type bookReport struct {
	Venue     string `json:"venue"`
	Kind      string `json:"kind"`
	Simulated bool   `json:"simulated"`
	State     string `json:"state"`
	BidQty    string `json:"bid_qty"`
	Bid       string `json:"bid"`
	Ask       string `json:"ask"`
	AskQty    string `json:"ask_qty"`
	Levels    int    `json:"levels"`
	Absurd    uint64 `json:"contradictions"`
}

// reconciledTrade compares the replay's matching engine with the router.
type reconciledTrade struct {
	Fills    int    `json:"fills"`
	Qty      string `json:"qty"`
	Notional string `json:"notional"`
	Fees     string `json:"fees"`
	Agree    bool   `json:"agree"`
}

func (r *replayRun) report() *replayReport {
	span := float64(r.end - r.world.Begin())
	stamp := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }
	in := &r.plan.Instruments[0]
	out := &replayReport{Instrument: in.Symbol, From: stamp(r.world.Begin()), To: stamp(r.end),
		Seconds: span / 1e9, Events: r.events, Troubles: []string{}, Journal: r.journalDir}
	if span > 0 {
		pct := func(ns int64) float64 { return 100 * float64(ns) / span }
		out.NormalPct, out.LockedPct = pct(r.quotes.Normal), pct(r.quotes.Locked)
		out.CrossedPct, out.MissingPct = pct(r.quotes.Crossed), pct(r.quotes.Missing)
	}
	for _, s := range r.world.Tape().Stats() {
		out.addFeed(&s)
	}
	out.Books = r.books
	for i := range out.Books {
		b := &out.Books[i]
		if !b.Simulated && b.Kind != market.Dark.String() && b.State != event.BookLive.String() &&
			b.State != event.BookHalted.String() {
			out.Troubles = append(out.Troubles, fmt.Sprintf("the book of %s is %s at the end: does the recording hold "+
				"%s in this format, with a snapshot?", b.Venue, b.State, in.Symbol))
		}
	}
	if r.options.parent != nil && !r.sent && r.plan.Instrument(r.options.parent.symbol) != nil {
		out.Troubles = append(out.Troubles, "the recordings ended before the parent was due: choose a smaller --at")
	}
	if r.sent {
		r.reportParent(out)
	}
	if len(r.world.Market().Trades()) > 0 || r.sent {
		out.Assumptions = r.world.Market().Assumptions()
	}
	return out
}

// bookReports describes the books as they are now.
func (r *replayRun) bookReports() (list []bookReport) {
	in := &r.plan.Instruments[0]
	for i := range r.plan.Venues {
		v := &r.plan.Venues[i]
		b := r.core.Composite(0).Books[v.ID]
		if b == nil {
			continue
		}
		bid, ask := tops(b, r.seq.Now())
		row := bookReport{Venue: v.Name, Kind: v.Kind.String(), Simulated: r.plan.Simulated(v.ID),
			State: b.State.String(), Levels: b.Bids.Len() + b.Asks.Len(), Absurd: b.Absurd,
			BidQty: in.FormatQty(bid.Qty), Bid: in.FormatPrice(bid.Price), Ask: in.FormatPrice(ask.Price),
			AskQty: in.FormatQty(ask.Qty)}
		if v.Kind == market.Dark {
			row.State = "-"
		}
		list = append(list, row)
	}
	return list
}

func (o *replayReport) addFeed(s *tape.Stats) {
	f := feedReport{Venue: s.Feed.Venue, Format: s.Feed.Format, Messages: s.Messages, Events: s.Events,
		Gaps: s.Gaps, Checked: s.Checked, Mismatch: s.Mismatch, Malformed: s.Malformed, Left: s.Left}
	if s.Last > s.First {
		f.PerSecond = float64(s.Messages) / (float64(s.Last-s.First) / 1e9)
	}
	o.Feeds = append(o.Feeds, f)
	o.Messages += s.Messages
	switch {
	case s.Err != nil:
		o.Troubles = append(o.Troubles, s.Err.Error())
	case s.FirstFault != nil:
		o.Troubles = append(o.Troubles, fmt.Sprintf("%s: %d malformed messages, %d gaps, %d failed checks; the first: %.300s",
			s.Feed.Venue, s.Malformed, s.Gaps, s.Mismatch, s.FirstFault))
	case !s.Sound():
		o.Troubles = append(o.Troubles, fmt.Sprintf("%s: %d gaps, %d failed checks", s.Feed.Venue, s.Gaps, s.Mismatch))
	}
}

func (r *replayRun) reportParent(out *replayReport) {
	parents := r.core.Parents()
	if len(parents) == 0 {
		out.Troubles = append(out.Troubles, "the parent was refused: "+r.refuse)
		return
	}
	p := &parents[0]
	in := &r.cfg.Router.Instruments[p.Instrument]
	out.Parent = summarise(r.core, p, &r.cfg.Router)
	out.Parent.Policy = r.tableName
	for i := range out.Parent.Venues {
		out.Parent.Venues[i].Simulated = r.plan.Simulated(market.VenueID(i))
	}
	var a account
	for _, t := range r.world.Market().Trades() {
		a.add(t.Qty, t.Price, t.Fee)
	}
	m := &reconciledTrade{Fills: a.Fills, Qty: in.FormatQty(a.qty), Notional: in.FormatNotional(a.notional),
		Fees: in.FormatNotional(a.fees)}
	m.Agree = a.qty == p.Cum && a.notional == p.Notional && a.fees == p.Fees && r.client == p.Cum &&
		r.spent == p.Notional && r.core.Audit() == ""
	out.Matching = m
	if !m.Agree {
		out.Troubles = append(out.Troubles, "the venues' fills, the router's ledger and the client's reports do not agree")
	}
	if p.Live() || p.Ended > r.end {
		out.Troubles = append(out.Troubles, "the recordings ended before the parent: choose a shorter horizon or a smaller --at")
	}
}

func (o *replayReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s to %s (%.1f s recorded), %d messages, %d events\n", o.Instrument, o.From, o.To,
		o.Seconds, o.Messages, o.Events)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "feed\tformat\tmessages\tper s\tevents\tgaps\tchecks\tfailed\tmalformed\t")
	for _, f := range o.Feeds {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f\t%d\t%d\t%d\t%d\t%d\t\n", f.Venue, f.Format, f.Messages, f.PerSecond,
			f.Events, f.Gaps, f.Checked, f.Mismatch, f.Malformed)
	}
	t.Flush()
	fmt.Fprintf(w, "composite: normal %.2f %%, locked %.2f %%, crossed %.3f %%, one-sided or empty %.2f %% of the time\n",
		o.NormalPct, o.LockedPct, o.CrossedPct, o.MissingPct)
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "book\tkind\tstate\tbid size\tbid\task\task size\tlevels\tcontradictions\t")
	for _, b := range o.Books {
		name := b.Venue
		if b.Simulated {
			name += " (simulated)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", name, b.Kind, b.State, b.BidQty, b.Bid, b.Ask,
			b.AskQty, b.Levels, b.Absurd)
	}
	t.Flush()
	fmt.Fprintln(w, "(contradictions: events that a book refused as impossible, such as a dealer's bid above its offer)")
	if o.Parent != nil {
		fmt.Fprintln(w)
		o.Parent.print(w)
		fmt.Fprintf(w, "\nmatching engine: %d fills, %s for %s, fees %s", o.Matching.Fills, o.Matching.Qty,
			o.Matching.Notional, o.Matching.Fees)
		if o.Matching.Agree {
			fmt.Fprint(w, ": equal to the router's ledger and the client's reports")
		}
		fmt.Fprintln(w)
	}
	for i, a := range o.Assumptions {
		if i == 0 {
			fmt.Fprintln(w, "assumptions:")
		}
		fmt.Fprintf(w, "  - %s\n", a)
	}
	for _, trouble := range o.Troubles {
		fmt.Fprintf(w, "TROUBLE: %s\n", trouble)
	}
	if o.Journal != "" {
		fmt.Fprintf(w, "journal: %s\n", o.Journal)
	}
	fmt.Fprintln(w)
}
