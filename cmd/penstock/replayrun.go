package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/journal"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/tape"
)

// replayEpoch numbers the orders of every replay: they meet no real venue.
const replayEpoch = 1

// replayParent is a parent order given on the command line.
type replayParent struct {
	side     market.Side
	qty      string
	symbol   string
	strategy event.Strategy
	horizon  time.Duration
	limit    string
	rate     market.Qty // 1/10,000
	urgency  event.Urgency
}

func parseReplayParent(text string) (*replayParent, error) {
	const form = `want "SIDE QTY SYMBOL STRATEGY [HORIZON] [RATE=0.1] [URGENCY=HIGH] [LIMIT PRICE]"`
	words := strings.Fields(text)
	if len(words) < 4 {
		return nil, fmt.Errorf("%q: %s", text, form)
	}
	p := &replayParent{qty: words[1], symbol: words[2]}
	switch strings.ToUpper(words[0]) {
	case "BUY":
		p.side = market.Buy
	case "SELL":
		p.side = market.Sell
	default:
		return nil, fmt.Errorf("side %q is not BUY or SELL", words[0])
	}
	rest := words[4:]
	var ok bool
	if p.strategy, ok = event.ParseStrategy(strings.ToUpper(words[3])); !ok || p.strategy == event.StrategyVWAP {
		return nil, fmt.Errorf("strategy %q is not SWEEP, TWAP, POV, IS or SEEK", words[3])
	}
	if p.strategy.Scheduled() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("%v needs a horizon, such as 60s", p.strategy)
		}
		var err error
		if p.horizon, err = time.ParseDuration(rest[0]); err != nil || p.horizon <= 0 {
			return nil, fmt.Errorf("horizon %q is not a duration such as 60s", rest[0])
		}
		rest = rest[1:]
	}
	for len(rest) > 0 {
		name, value, ok := strings.Cut(rest[0], "=")
		if !ok {
			break
		}
		if err := p.term(strings.ToLower(name), value); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if p.strategy == event.StrategyPOV && p.rate == 0 {
		return nil, errors.New("POV needs a rate of others' volume, such as RATE=0.1")
	}
	if len(rest) == 2 && strings.EqualFold(rest[0], "LIMIT") {
		p.limit, rest = rest[1], nil
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%q is left over: %s", strings.Join(rest, " "), form)
	}
	return p, nil
}

// term reads RATE=0.1 and URGENCY=HIGH.
func (p *replayParent) term(name, value string) error {
	if p.strategy.Scheduled() {
		switch name {
		case "rate":
			v, err := market.ParseDecimal([]byte(value), 4)
			if err != nil || v <= 0 || v > 10_000 {
				return fmt.Errorf("rate %q is not a fraction such as 0.1", value)
			}
			p.rate = market.Qty(v)
			return nil
		case "urgency":
			u, ok := event.ParseUrgency(strings.ToUpper(value))
			if !ok || p.strategy != event.StrategyIS && p.strategy != event.StrategySeek {
				return fmt.Errorf("urgency %q is not LOW, MEDIUM or HIGH, of IS or SEEK", value)
			}
			p.urgency = u
			return nil
		}
	}
	return fmt.Errorf("%s=%s: %v knows RATE=0.1 (not SWEEP) and URGENCY=HIGH (IS, SEEK)", name, value, p.strategy)
}

// event turns the order into what the EMS side would hand to the core.
func (p *replayParent) event(in *market.Instrument, now int64) (e event.Event, err error) {
	qty, err := market.ParseDecimal([]byte(p.qty), in.QtyDecimals)
	if err != nil {
		return e, fmt.Errorf("%w: --parent: quantity %s of %s: %w (at most %d decimals)", errConfig, p.qty, in.Symbol,
			err, in.QtyDecimals)
	}
	e = event.Event{Kind: event.ParentNew, RecvTime: now, Instrument: in.ID, Side: p.side, Qty: market.Qty(qty),
		OrdType: market.OrdMarket, TIF: market.TIFDay, Strategy: p.strategy}
	e.ID, _ = event.MakeID("REPLAY-1")
	if p.limit != "" {
		price, err := market.ParseDecimal([]byte(p.limit), in.PriceDecimals)
		if err != nil {
			return e, fmt.Errorf("%w: --parent: limit %s: %w (at most %d decimals)", errConfig, p.limit, err,
				in.PriceDecimals)
		}
		e.OrdType, e.Price = market.OrdLimit, market.Price(price)
	}
	if p.strategy.Scheduled() {
		e.Until = now + int64(p.horizon)
		e.SliceNanos = max(int64(p.horizon)/6, 1e9)
		e.CumQty, e.Code = p.rate, uint8(p.urgency)
	}
	return e, nil
}

// quoteTime is how long a composite was in each state, in recorded time.
type quoteTime struct{ Normal, Locked, Crossed, Missing int64 }

// replayRun is the replay of one instrument's recordings.
type replayRun struct {
	options    *replayOptions
	plan       *tape.Plan
	world      *tape.Replay
	cfg        *Config
	core       *router.Core
	seq        *loop.Sequencer
	journal    *journal.Writer
	journalDir string
	tableName  string

	quotes  quoteTime
	state   *int64
	since   int64
	sent    bool
	refuse  string
	events  int64
	started time.Time // when the first event was played, with --speed
	end     int64     // recorded time at which the recordings ended
	closed  bool      // they have
	books   []bookReport
	client  market.Qty // what the reports said was filled
	spent   market.Notional
}

func (r *replayRun) build() error {
	var err error
	if r.cfg, err = replayConfig(r.plan); err != nil {
		return err
	}
	r.tableName = compiledIn
	var data []byte
	if r.options.table != "" {
		if data, err = os.ReadFile(r.options.table); err != nil {
			return fmt.Errorf("%w: %w", errConfig, err)
		}
		table, _, err := loadTable(r.options.table, "")
		if err != nil {
			return err
		}
		r.cfg.Router.Table = table
		r.tableName = table.Meta().Trainer + " " + table.UUIDText()
	}
	r.cfg.Router.Tactics.Rule, r.cfg.Router.Tactics.Off = r.options.rule, r.options.off
	if r.core, err = router.New(&r.cfg.Router); err != nil {
		return err
	}
	if err := r.openReplayJournal(data); err != nil {
		return err
	}
	if p := r.options.parent; p != nil && r.plan.Instrument(p.symbol) != nil {
		if _, err := p.event(r.plan.Instrument(p.symbol), 0); err != nil {
			return err
		}
	}
	r.seq = loop.NewSequencer(r.core, r.journal, r.dispatch)
	r.state, r.since = &r.quotes.Missing, r.world.Begin()
	r.seq.Take(r.world.Begin(), &event.Event{Kind: event.SessionStart, Ref: replayEpoch, RecvTime: r.world.Begin()})
	return nil
}

func (r *replayRun) dispatch(c *event.Command) {
	switch {
	case c.Kind.ToVenue():
		r.world.Send(r.seq.Now(), c)
	case c.Kind == event.Report && c.ExecType == market.ExecTrade:
		n, _ := c.LastPx.Notional(c.LastQty)
		r.client += c.LastQty
		r.spent += n
	case c.Kind == event.Report && c.ExecType == market.ExecRejected:
		r.refuse = c.Reason.String()
	}
}

// play runs to the end of the recordings, and on until no parent is live.
func (r *replayRun) play() {
	parentAt := int64(math.MaxInt64)
	if p := r.options.parent; p != nil && r.plan.Instrument(p.symbol) != nil {
		parentAt = r.world.Begin() + int64(r.options.at)
	}
	var e event.Event
	for r.seq.Err() == nil {
		if !r.closed && r.world.Ended() {
			r.close()
			parentAt = math.MaxInt64
		}
		limit := r.core.NextTimer()
		if !r.sent {
			limit = min(limit, parentAt)
		}
		switch {
		case r.world.Next(limit, &e):
			r.pace(e.RecvTime)
			r.seq.Take(e.RecvTime, &e)
			r.events++
		case limit == math.MaxInt64 && r.closed:
			return
		case !r.closed && r.world.Ended(): // nothing came after the last look
			continue
		case !r.sent && limit == parentAt:
			r.send(limit)
		default:
			r.seq.TakeTimer(limit)
		}
		r.watch()
	}
}

// pace waits until the event of a recorded time is due at the speed asked for.
func (r *replayRun) pace(now int64) {
	if r.options.speed == 0 {
		return
	}
	if r.started.IsZero() {
		r.started = time.Now()
	}
	due := time.Duration(float64(now-r.world.Begin()) / r.options.speed)
	if wait := due - time.Since(r.started); wait > time.Millisecond {
		time.Sleep(wait)
	}
}

// close marks the end of the recordings: what they showed last is no market any
// more, so every book is STALE and nothing new is sent. Answers that are on their
// way still come.
func (r *replayRun) close() {
	r.watch()
	*r.state += r.seq.Now() - r.since
	r.state, r.since = new(int64), r.seq.Now()
	r.end, r.closed = r.seq.Now(), true
	r.books = r.bookReports()
	for i := range r.plan.Venues {
		r.seq.Take(r.end, &event.Event{Kind: event.BookStatus, Venue: r.plan.Venues[i].ID, RecvTime: r.end,
			Instrument: market.NoInstrument, Code: uint8(event.BookStale), Reason: event.ReasonDisconnect})
	}
}

func (r *replayRun) send(now int64) {
	r.sent = true
	e, err := r.options.parent.event(r.plan.Instrument(r.options.parent.symbol), now)
	if err == nil {
		r.seq.Take(now, &e)
	}
}

// watch adds up how long the composite has been normal, locked or crossed.
func (r *replayRun) watch() {
	if r.closed {
		return
	}
	m := r.core.Composite(0)
	state := &r.quotes.Missing
	switch {
	case !m.Bid.OK || !m.Ask.OK:
	case m.Ask.Price > m.Bid.Price:
		state = &r.quotes.Normal
	case m.Ask.Price == m.Bid.Price:
		state = &r.quotes.Locked
	default:
		state = &r.quotes.Crossed
	}
	if state != r.state {
		*r.state += r.seq.Now() - r.since
		r.state, r.since = state, r.seq.Now()
	}
}

// tops returns the best levels of one venue's book.
func tops(b *book.Book, now int64) (bid, ask book.Level) {
	bid, _ = b.Touch(market.Buy, now)
	ask, _ = b.Touch(market.Sell, now)
	return bid, ask
}
