package learn

import (
	"errors"
	"fmt"
	"io"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
)

// LogConfig says what a log needs besides events and decisions.
type LogConfig struct {
	Venues []market.Venue // for fees, indexed by VenueID
	// Terminal is what a share left at the end of a slice costs beyond the mid, in
	// price increments: half the spread, the taking fee and what waiting costs.
	Terminal float64
	// Alone returns the mid × 2 that the market had without the router at a time, 0
	// when unknown; nil outside a simulator.
	Alone func(now int64) int64
	// Cluster is set on every episode instead of the parent's number, if not 0.
	Cluster uint64
}

// Log makes episodes of what a core heard and did: live from its events, or from a
// journal. Rewards telescope: but for the terminal price, the sum over a slice is minus
// its implementation shortfall, what is left marked at the last mid.
//
//	r = −[ s·q(p − m) + s·x'(m' − m) + fees ] · 1e4/(X·m₀)
//
// with q filled at mean price p since the mid was m, x' left when it is m'.
type Log struct {
	cfg      LogConfig
	parents  map[uint64]*parentLog
	children map[uint64]uint64
	Episodes []Episode
	// Dropped counts decisions that cannot be used, by reason.
	Dropped map[string]int
}

// parentLog is the running slice of a parent.
type parentLog struct {
	side    float64
	slice   uint32
	epoch   uint32
	open    bool
	steps   []Step
	total   float64 // X, quantity of the slice at its start
	first   float64 // m₀
	left    float64 // x at the running decision
	mid     float64 // at the running decision
	alone   float64
	pending float64 // s·q(p − m) + fees since, in increments × quantity
	filled  float64
	outer   [Ways]float64
	leaves  float64 // of the parent
	last    float64 // latest mid known
}

// NewLog returns an empty log.
func NewLog(cfg LogConfig) *Log {
	return &Log{cfg: cfg, parents: map[uint64]*parentLog{}, children: map[uint64]uint64{}, Dropped: map[string]int{}}
}

// Event takes what the core heard.
func (g *Log) Event(e *event.Event) {
	if e.Kind != event.Exec || market.ExecType(e.Code) != market.ExecTrade {
		return
	}
	p := g.parents[g.children[e.Ref]]
	if p != nil && !p.open {
		p.leaves -= float64(e.LastQty)
	}
	if p == nil || !p.open || int(e.Venue) >= len(g.cfg.Venues) {
		return
	}
	fee := g.cfg.Venues[e.Venue].TakeFee
	if e.Liquidity == market.LiquidityAdded {
		fee = g.cfg.Venues[e.Venue].MakeFee
	}
	notional, _ := e.LastPx.Notional(e.LastQty)
	q := float64(e.LastQty)
	p.leaves -= q
	p.outer[wayOf(&g.cfg.Venues[e.Venue], e.Liquidity)] += q * max(p.leaves-(p.left-p.filled-q), 0)
	p.pending += p.side*q*(float64(e.LastPx)-p.mid) + float64(fee.Of(notional, e.LastQty))
	p.filled += q
}

// Command takes what the core wanted.
func (g *Log) Command(c *event.Command) {
	switch {
	case c.Kind == event.SendOrder:
		g.children[c.Child] = c.Parent
	case c.Kind != event.Report:
	case c.ExecType == market.ExecNew && g.parents[c.Parent] == nil:
		g.parents[c.Parent] = &parentLog{side: float64(c.Side.Sign()), leaves: float64(c.Qty)}
	case c.OrdStatus.Terminal():
		if p := g.parents[c.Parent]; p != nil {
			g.finish(c.Parent, p, p.last)
			delete(g.parents, c.Parent)
		}
	}
}

// Decision takes a decision record. The first of each epoch is a step; later ones of
// the epoch continue it.
func (g *Log) Decision(d *event.Decision) {
	p := g.parents[d.Parent]
	mid := float64(d.Mid2) / 2
	switch {
	case p == nil:
		g.Dropped["parent unknown"]++
		return
	case d.Mid2 == 0:
		g.Dropped["no mid"]++
		return
	}
	p.last = mid
	switch {
	case d.Flags&event.DecisionForced != 0:
		g.finish(d.Parent, p, mid)
		return
	case p.open && p.slice == d.Slice && p.epoch == d.Epoch:
		return
	case d.Epoch >= Horizon || d.PropensityBps == 0:
		g.Dropped["no propensity"]++
		return
	}
	alone := 0.0
	if g.cfg.Alone != nil {
		alone = float64(g.cfg.Alone(d.StepTime)) / 2
	}
	if p.open && p.slice != d.Slice {
		g.closeStep(p, mid, alone)
		g.end(d.Parent, p)
	}
	if p.open {
		g.closeStep(p, mid, alone)
	} else {
		*p = parentLog{side: p.side, leaves: p.leaves, open: true, slice: d.Slice, total: float64(d.Remaining), first: mid, last: mid}
	}
	p.epoch, p.mid, p.alone, p.left = d.Epoch, mid, alone, float64(d.Remaining)
	p.pending, p.filled = 0, 0
	p.steps = append(p.steps, Step{
		Cell: uint32(d.Page)*policy.States + d.Cell, Time: timeOf(d.Cell), Action: d.Action, Share: p.left / p.total,
		Propensity: float64(d.PropensityBps) / 1e4, Baseline: float64(d.BaselineBps) / 1e4,
	})
}

// closeStep gives the running step its reward.
func (g *Log) closeStep(p *parentLog, mid, alone float64) {
	s := &p.steps[len(p.steps)-1]
	bps := 1e4 / (p.total * p.first)
	s.Reward = -bps * (p.pending + p.side*(p.left-p.filled)*(mid-p.mid))
	if alone > 0 && p.alone > 0 {
		s.Control = p.side * (alone - p.alone) * 1e4 / p.first
	}
	for way := range p.outer {
		s.Outer[way] = p.outer[way] * bps
	}
	p.left -= p.filled
	p.pending, p.filled, p.outer = 0, 0, [Ways]float64{}
}

// end closes the slice: what is left costs the terminal price and goes on. For the rest of the
// parent it counts as taken: who put it off would else owe nothing to those after it.
func (g *Log) end(parent uint64, p *parentLog) {
	s, left := &p.steps[len(p.steps)-1], max(p.left, 0)
	s.Reward -= left * g.cfg.Terminal * 1e4 / (p.total * p.first)
	s.Outer[WayTake] += left * max(p.leaves-left, 0) * 1e4 / (p.total * p.first)
	cluster := parent
	if g.cfg.Cluster != 0 {
		cluster = g.cfg.Cluster
	}
	g.Episodes = append(g.Episodes, Episode{Cluster: cluster, Slice: int(p.slice), Steps: p.steps})
	p.steps, p.open = nil, false
}

func (g *Log) finish(parent uint64, p *parentLog, mid float64) {
	if p.open {
		g.closeStep(p, mid, 0)
		g.end(parent, p)
	}
}

// FromJournal returns the episodes of a journal.
func FromJournal(dir string, cfg LogConfig) (*Log, error) {
	g := NewLog(cfg)
	r, err := journal.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("learn: %w", err)
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return nil, fmt.Errorf("learn: %w", err)
		}
		if err := g.record(&rec); err != nil {
			return nil, err
		}
	}
}

// record takes one record of a journal.
func (g *Log) record(rec *journal.Record) error {
	ok := true
	switch rec.Type {
	case journal.Event:
		var e event.Event
		if ok = e.SetBytes(rec.Payload); ok {
			g.Event(&e)
		}
	case journal.Command:
		var c event.Command
		if ok = c.SetBytes(rec.Payload); ok {
			g.Command(&c)
		}
	case journal.Decision:
		var d event.Decision
		if ok = d.SetBytes(rec.Payload); ok {
			g.Decision(&d)
		}
	}
	if !ok {
		return fmt.Errorf("learn: record %d is not of this build", rec.Seq)
	}
	return nil
}
