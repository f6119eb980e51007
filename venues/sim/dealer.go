package sim

import (
	"fmt"
	"strconv"

	"penstock/event"
	"penstock/market"
)

// DealerConfig describes a single-dealer platform of one instrument. Callbacks
// may be nil.
type DealerConfig struct {
	Venue
	Seed        uint64
	QuotePrefix string       // QuoteIDs are this, at most 4 characters, and a number
	Increment   market.Price // quotes are multiples of it; 0 for the tick
	HalfSpread  market.Price // distance of each side from the reference midpoint
	QuoteQty    market.Qty   // offered on each side
	// RequestQty is the most that is quoted on request, 0 for nothing; each QuoteQty beyond the
	// first costs one Increment more.
	RequestQty market.Qty
	// SkewQty is how much inventory shifts both prices by one Increment, against
	// more of it; 0 for no skew.
	SkewQty market.Qty
	// HedgeNanos is how long the dealer takes to lay off half its inventory.
	HedgeNanos   int64
	RefreshNanos int64 // quotes are renewed at least this often
	MinGapNanos  int64 // and not more often than this
	ValidNanos   int64 // time from a quote to its ValidUntilTime
	StaleNanos   int64 // the reference may not be older
	// LastLook says that orders are held before they are answered.
	LastLook        bool
	HoldMedianNanos int64
	HoldSigmaMilli  int64        // of the log-normal hold time, thousandths
	RejectMove2     market.Price // twice the move of the midpoint against the dealer that rejects
	Quote           func(*Quote)
	QuoteCancelled  func(now int64)
}

// Quote is a two-sided price that one order may trade on once.
type Quote struct {
	Time    int64 // ns since epoch
	QuoteID event.ID
	BidPx   market.Price
	BidQty  market.Qty
	AskPx   market.Price
	AskQty  market.Qty
	Until   int64 // ValidUntilTime, ns since epoch
}

// Dealer streams quotes around a reference and decides on the orders that hit
// them.
type Dealer struct {
	blotter
	cfg       DealerConfig
	ref       reference
	quotes    []liveQuote // newest last
	lastQuote uint64
	lastTime  int64 // of the newest quote; 0: none streams
	shown     Quote // the newest quote, as streamed
	renew     bool  // shown was traded on or its price is no longer right
	held      []heldOrder
	holds     *logNormalTable
	draws     random
	inventory market.Qty
	hedgeAt   int64
	halted    bool
	passed    int // quotes that a client turned down
	expired   int
}

type liveQuote struct {
	Quote
	mid2 market.Price // of the reference when it was made
	used bool
}

// heldOrder waits for the dealer's last look.
type heldOrder struct {
	own  *OrderState
	due  int64
	mid2 market.Price
	px   market.Price
	end  int64
}

// maxQuotes bounds the quotes that a dealer remembers; older ones count as
// expired.
const maxQuotes = 4096

// NewDealer returns a dealer without a reference: it quotes after SetReference.
func NewDealer(cfg DealerConfig) (*Dealer, error) {
	if err := cfg.Instrument.Validate(); err != nil {
		return nil, fmt.Errorf("dealer: %w", err)
	}
	if cfg.Increment == 0 {
		cfg.Increment = cfg.Instrument.Tick
	}
	switch {
	case cfg.Increment < 0 || cfg.HalfSpread <= 0:
		return nil, fmt.Errorf("dealer: Increment and HalfSpread must be positive")
	case cfg.QuoteQty <= 0 || cfg.QuoteQty%cfg.Instrument.Lot != 0:
		return nil, fmt.Errorf("dealer: QuoteQty must be a positive multiple of the lot")
	case cfg.RefreshNanos <= 0 || cfg.ValidNanos <= 0 || cfg.StaleNanos <= 0:
		return nil, fmt.Errorf("dealer: RefreshNanos, ValidNanos and StaleNanos must be positive")
	case cfg.LastLook && (cfg.HoldMedianNanos <= 0 || cfg.HoldSigmaMilli < 0 || cfg.RejectMove2 <= 0):
		return nil, fmt.Errorf("dealer: last look needs HoldMedianNanos and RejectMove2, both positive")
	case cfg.MinGapNanos < 0 || cfg.MinGapNanos > cfg.RefreshNanos:
		return nil, fmt.Errorf("dealer: MinGapNanos must be 0 to RefreshNanos")
	case cfg.HoldMedianNanos > maxMeanNanos/64 || cfg.HoldSigmaMilli > 2000:
		return nil, fmt.Errorf("dealer: HoldMedianNanos up to two minutes, HoldSigmaMilli up to 2000")
	case len(cfg.QuotePrefix) > 4 || cfg.IDBase >= 1e16:
		return nil, fmt.Errorf("dealer: QuotePrefix up to 4 characters, IDBase below 10^16")
	}
	return &Dealer{
		blotter: newBlotter(cfg.Venue), cfg: cfg, draws: newRandom(cfg.Seed, streamHold),
		holds: newLogNormalTable(cfg.HoldSigmaMilli), lastQuote: cfg.IDBase,
	}, nil
}

// SetReference sets the BBO that the dealer prices from; a zero price means none.
func (d *Dealer) SetReference(now int64, bid, ask market.Price) {
	d.Advance(now)
	d.ref = reference{bid, ask, now}
	d.stream(now)
}

// Halt stops or resumes the dealer; a halted dealer withdraws its quotes.
func (d *Dealer) Halt(now int64, halted bool) {
	d.halted = halted
	d.stream(now)
}

// Inventory returns the dealer's position: positive is long.
func (d *Dealer) Inventory() market.Qty { return d.inventory }

// Current returns the quote that streams, for one that subscribes late.
func (d *Dealer) Current() (Quote, bool) { return d.shown, d.lastTime != 0 }

// Advance decides on held orders, renews quotes and lays off inventory up to
// now. It returns when something is due next.
func (d *Dealer) Advance(now int64) (next int64) {
	for {
		at := d.nextTime()
		if at > now {
			return at
		}
		d.decideUntil(at)
		d.hedge(at)
		d.stream(at)
	}
}

// nextTime is when the dealer next has to act.
func (d *Dealer) nextTime() int64 {
	next := Never
	for i := range d.held {
		next = min(next, d.held[i].due)
	}
	if d.hedgeAt != 0 {
		next = min(next, d.hedgeAt)
	}
	if d.lastTime != 0 {
		next = min(next, d.lastTime+d.cfg.RefreshNanos, d.ref.time+d.cfg.StaleNanos+1)
		if d.renew {
			next = min(next, d.lastTime+d.cfg.MinGapNanos)
		}
	}
	return next
}

// stream sends a new quote when the price changed or the old one is due, and
// withdraws when there is no price.
func (d *Dealer) stream(now int64) {
	if d.halted || !d.ref.usable(now, d.cfg.StaleNanos) {
		if d.lastTime != 0 {
			d.lastTime = 0
			for i := range d.quotes {
				d.quotes[i].used = true
			}
			if d.cfg.QuoteCancelled != nil {
				d.cfg.QuoteCancelled(now)
			}
		}
		return
	}
	bid, ask := d.price()
	age := now - d.lastTime
	d.renew = d.renew || bid != d.shown.BidPx || ask != d.shown.AskPx
	if d.lastTime != 0 && (age < d.cfg.MinGapNanos || !d.renew && age < d.cfg.RefreshNanos) {
		return
	}
	d.renew = false
	d.lastQuote++
	id, _ := event.MakeID(strconv.AppendUint([]byte(d.cfg.QuotePrefix), d.lastQuote, 10))
	d.shown = Quote{
		Time: now, QuoteID: id, BidPx: bid, BidQty: d.cfg.QuoteQty, AskPx: ask,
		AskQty: d.cfg.QuoteQty, Until: now + d.cfg.ValidNanos,
	}
	d.lastTime = now
	d.keep(now, &d.shown)
	if d.cfg.Quote != nil {
		q := d.shown
		d.cfg.Quote(&q)
	}
}

// Request returns a quote for qty on both sides, which one order may trade on once; ok is
// false when the dealer does not quote so much, or nothing at all.
func (d *Dealer) Request(now int64, qty market.Qty) (q Quote, ok bool) {
	d.Advance(now)
	if d.halted || !d.ref.usable(now, d.cfg.StaleNanos) || qty <= 0 || qty > d.cfg.RequestQty || qty%d.cfg.Instrument.Lot != 0 {
		return Quote{}, false
	}
	bid, ask := d.price()
	wider := d.cfg.Increment * market.Price((qty-1)/d.cfg.QuoteQty)
	d.lastQuote++
	id, _ := event.MakeID(strconv.AppendUint([]byte(d.cfg.QuotePrefix), d.lastQuote, 10))
	q = Quote{Time: now, QuoteID: id, BidPx: bid - wider, BidQty: qty, AskPx: ask + wider, AskQty: qty, Until: now + d.cfg.ValidNanos}
	d.keep(now, &q)
	return q, q.BidPx > 0
}

// TurnDown takes the word that a quote is not dealt on. It counts once, if the quote is known
// and nobody has dealt on it; expired quotes may be forgotten.
func (d *Dealer) TurnDown(now int64, id event.ID, expired bool) {
	d.Advance(now)
	for i := range d.quotes {
		if q := &d.quotes[i]; q.QuoteID == id && !q.used {
			q.used = true
			if expired {
				d.expired++
			} else {
				d.passed++
			}
			return
		}
	}
}

// TurnedDown returns how many quotes were turned down because others were better, and because
// they had expired.
func (d *Dealer) TurnedDown() (passed, expired int) { return d.passed, d.expired }

// price returns the two-sided price: the midpoint, shifted against the
// inventory, half a spread to each side and rounded away from the middle.
func (d *Dealer) price() (bid, ask market.Price) {
	mid2 := d.ref.mid2()
	if d.cfg.SkewQty > 0 {
		mid2 -= 2 * d.cfg.Increment * market.Price(d.inventory/d.cfg.SkewQty)
	}
	bid = ((mid2 - 2*d.cfg.HalfSpread) >> 1).FloorTo(d.cfg.Increment)
	ask = ((mid2 + 2*d.cfg.HalfSpread + 1) >> 1).CeilTo(d.cfg.Increment)
	return bid, ask
}

// keep makes a quote tradeable and drops the expired ones.
func (d *Dealer) keep(now int64, q *Quote) {
	keep := 0
	for keep < len(d.quotes) && (d.quotes[keep].Until <= now || len(d.quotes)-keep >= maxQuotes) {
		keep++
	}
	d.quotes = append(d.quotes[:0], d.quotes[keep:]...)
	d.quotes = append(d.quotes, liveQuote{Quote: *q, mid2: d.ref.mid2()})
}
