package router

import (
	"slices"

	"penstock/book"
	"penstock/event"
	"penstock/internal/assert"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// Core is the router's state. It is driven by one thread; nothing in it is safe
// for concurrent use.
type Core struct {
	instruments []market.Instrument
	venues      []market.Venue
	composites  []*book.Composite
	listings    int
	bookStates  [market.MaxVenues]BookCounts
	toldFull    bool // a person knows that no further child has a place
	gate        *risk.Gate
	table       *policy.Table // nil after a load: see Offer
	policy      [32]byte      // SHA-256 of its file; zero: it is that of the configuration
	offered     offer
	rolledBack  bool // the compiled-in table is in force instead, since a cap of the canary was reached
	tactics     Tactics
	exploration Exploration

	parents     []Parent
	parentCount int
	agenda      agenda // of the live ones
	children    []Child
	childCount  int
	blank       int32 // slot beyond them where nothing is written, none: not known
	ids         clOrdIDs
	clients     []ClientPolicy
	awayUntil   []int64 // by client: when its orders are cancelled, Keep: not
	execs       execs
	dropCopies  [market.MaxVenues]dropCopy
	dropWaiting int  // executions in their waits
	hasDropCopy bool // some venue has one
	sessions    sessions
	everyVenue  uint16 // one bit for each
	venueStates [market.MaxVenues]venueState
	massOut     int // mass status requests that are not answered
	orphans     [maxOrphans]Orphan
	orphanCount int
	invitations invitations
	requests    requests                     // for quotes
	waiting     waiting                      // orders that are to arrive with others
	usedQuote   [][market.MaxVenues]event.ID // by instrument: last QuoteID hit there, never hit again
	standings   [][market.MaxVenues]standing // by instrument
	economics   economics
	terms       [2][market.MaxVenues]policy.Terms // of the running decision, where scratch.termed says so
	dealer      market.VenueID                    // of the running decision: whose quote costs least
	dealt       bool                              // there is one
	hit         int64                             // what a lot costs on its quote
	crossing    int64                             // of the running decision: cost of taking at the lit touch
	situation   policy.Situation                  // of the running decision
	pools       policy.Pools                      // of the running decision
	fees        [][2]market.Fee                   // by venue: as configured, to take and to make
	takes       [market.MaxVenues]market.Fee      // by venue: to take, in force; next to each other
	watch       Watch
	inflight    []inflight                        // by instrument
	near        [][2]nearLevels                   // by instrument and Side.Index
	listed      []listed                          // by instrument
	verdict     verdict                           // of the running decision
	paces       []pace                            // of the running slices, by parent
	stances     []stance                          // by parent
	facts       uint64                            // rises with what stances follow from
	steady      bool                              // the running event may use them
	owed        int32                             // the parent whose stance is to be made behind the event, none: nobody's
	posted      [][market.MaxVenues][2]market.Qty // by instrument: our resting lit orders, by Side.Index
	tapes       []tape                            // by instrument
	wall        wallClock
	trading     []trading       // by instrument
	regimes     []policy.Regime // by instrument
	curves      []*VolumeCurve  // by instrument, nil where there is none

	day tradingDay

	acted      Acted       // the last act of a person
	first      event.Event // act that waits for a second person
	twoPersons bool
	protect    [][]Protection

	epoch     uint64  // order numbers start here since the last SessionStart; 0 before the first
	starts    []start // of the process, oldest first
	cancels   uint64
	reports   uint64 // to clients, numbered
	seq       uint64
	now       int64
	nextCheck int64
	checked   int32 // slot from which on the parents of the running round are still to be checked
	nextAway  int64 // when the next client has been away too long; Keep: none
	nextAge   int64 // when the next book may be too old; math.MaxInt64: none can
	ages      ages
	chain     uint64 // hash of the state's history: see link
	out       *event.Output
	cause     *event.Event
	looking   int32 // the parent that looks at the market next, none: all have
	scratch   allocation
	made      made       // the decision whose record is to come
	batch     risk.Batch // of the running sweep
	nearSum   int64      // of no use: see decideInVain
	walk      walk

	Counters Counters
}

// inflight is the quantity of our taking orders that a venue has not answered,
// by venue and side: displayed size that is no longer ours to take.
type inflight [market.MaxVenues][2]market.Qty

// Counters count what should be rare, and what is worth knowing.
type Counters struct {
	Events         uint64
	Orphans        uint64 // reports for a ClOrdID that is not ours
	Duplicates     uint64 // executions that changed nothing
	Gaps           uint64 // CumQty moved by more than LastQty
	Overfills      uint64 // a venue executed more than we sent, or a parent more than was ordered
	LateFills      uint64 // executions of orders that had ended
	Conflicts      uint64 // ExecIDs that came back with other content
	Forgotten      uint64 // executions that there was no room to remember
	Alerts         uint64
	Unknown        uint64 // children whose state became unknown
	Resyncs        uint64 // books that contradicted themselves and begin again
	BookMoves      uint64 // changes of a book's state
	Aged           uint64 // books that became STALE by age alone
	Refused        uint64 // child orders that the gate stopped
	Brakes         uint64 // epochs in which the child limit of a parent was reached
	VenueRejects   uint64
	CancelRejects  uint64
	Absurd         uint64 // executions that no number can hold, which freeze the parent
	UnknownParents uint64 // acts of an operator on a parent that is unknown or over
	ParamSets      uint64 // parameter sets put in force
	BadParams      uint64 // parts or sets that could not be used
	Shut           uint64 // venues taken out of use for an instrument after refusals or bad fills
	Corrections    uint64 // trade cancels, corrections, and restatements that were not adopted
	ClientAway     uint64 // parents cancelled because their client was away too long
	DontKnow       uint64 // executions that their client does not know
	PolicySwaps    uint64 // tables put in force after the first
	DropCopies     uint64 // reports of drop copies
	DropUnchecked  uint64 // executions that a drop copy could not tell: it was away, and repeats nothing
	DropBreaks     uint64 // of them, or of ours, that the other one does not say or says otherwise
	MarketHalts    uint64 // instruments that the whole market stopped trading
	PriceBands     uint64 // price bands that were said
	ShortBans      uint64 // times that a price test began to hold for short sales
	BadBands       uint64 // price bands that cannot be
	ClockTrouble   uint64 // times that a person was told of the wall clock
	Clipped        uint64 // children that a price band gave another price
	Unbooked       uint64 // times that over-booked posts were cut back
	Uninvited      uint64 // invitations for conditional orders that are not there
	Lapsed         uint64 // invitations that were not answered
	BadDays        uint64 // trading days that cannot be
	DoubleOrders   uint64 // orders under a ClOrdID that is known
	Ambiguous      uint64 // invitations that name no order where several may be meant
	Asked          uint64 // requests for a quote
	Unasked        uint64 // quotes for requests that are not open
	QuotesPassed   uint64 // rounds of requests that ended without an order
	Waited         uint64 // orders that waited to arrive with others
	Dropped        uint64 // of these, not sent because they were not wanted any more
}

// New returns a core with all its memory taken.
func New(cfg *Config) (*Core, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	gate, err := risk.NewGate(cfg.Limits, cfg.Venues)
	if err != nil {
		return nil, err
	}
	if cfg.Controls != nil {
		if err := gate.Control(cfg.Controls, cfg.Venues, cfg.MaxParents); err != nil {
			return nil, err
		}
	}
	c := &Core{
		instruments: cfg.Instruments, venues: slices.Clone(cfg.Venues), gate: gate, table: cfg.Table,
		twoPersons: cfg.TwoPersons, protect: cfg.Protect,
		tactics: cfg.Tactics, exploration: cfg.Explore,
		parents:   make([]Parent, cfg.MaxParents),
		agenda:    newAgenda(len(cfg.Instruments), cfg.MaxParents),
		starts:    make([]start, 0, maxStarts),
		children:  make([]Child, cfg.MaxChildren),
		ids:       newClOrdIDs(4 * cfg.MaxParents),
		execs:     newExecs(2 * cfg.MaxChildren),
		inflight:  make([]inflight, len(cfg.Instruments)),
		near:      make([][2]nearLevels, len(cfg.Instruments)),
		listed:    make([]listed, len(cfg.Instruments)),
		paces:     make([]pace, cfg.MaxParents),
		stances:   make([]stance, cfg.MaxParents),
		tapes:     make([]tape, len(cfg.Instruments)),
		trading:   make([]trading, len(cfg.Instruments)),
		regimes:   make([]policy.Regime, len(cfg.Instruments)),
		curves:    make([]*VolumeCurve, len(cfg.Instruments)),
		usedQuote: make([][market.MaxVenues]event.ID, len(cfg.Instruments)),
		standings: make([][market.MaxVenues]standing, len(cfg.Instruments)),
		posted:    make([][market.MaxVenues][2]market.Qty, len(cfg.Instruments)),
		listings:  len(cfg.Listings), looking: none, blank: none, made: made{from: none},
		facts: 1, owed: none,
	}
	c.everyVenue = uint16(1<<len(c.venues) - 1)
	copy(c.curves, cfg.Curves)
	c.dropCopies = newDropCopies()
	c.clients, c.nextAway = cfg.Clients, Keep
	for range c.clients {
		c.awayUntil = append(c.awayUntil, Keep)
	}
	if c.table == nil {
		c.table = policy.StaticTable()
	}
	// Write to every page now: its first use must not fault on the way of an order.
	for i := range c.children {
		c.children[i].next = none
	}
	for i := range c.parents {
		c.parents[i].first = none
	}
	for i := range c.near {
		for side := range c.near[i] {
			c.near[i][side].least, c.near[i][side].second = noOpening, noOpening
		}
	}
	indexes := orderIndexes(cfg)
	for i := range cfg.Instruments {
		traded := func(v market.VenueID) bool {
			for _, l := range cfg.Listings {
				if l.Venue == v && int(l.Instrument) == i {
					return true
				}
			}
			return false
		}
		m := book.NewComposite(market.InstrumentID(i), c.venues, traded, cfg.Book,
			func(v market.VenueID) *book.Orders { return indexes[v] })
		for v, b := range m.Books[:len(cfg.Venues)] {
			if b != nil {
				b.MaxAge = cfg.Venues[v].MaxAgeNanos
				c.listed[i].kinds[cfg.Venues[v].Kind] |= 1 << v
			}
		}
		c.composites = append(c.composites, m)
	}
	for v := range c.venues {
		c.hasDropCopy = c.hasDropCopy || c.venues[v].DropCopyNanos > 0
		c.fees = append(c.fees, [2]market.Fee{c.venues[v].TakeFee, c.venues[v].MakeFee})
	}
	c.countBooks()
	c.nextAge = c.ages.begin(cfg.Venues)
	c.economics.marks.wait()
	c.invitations.wait()
	c.requests.wait()
	c.waiting.plan()
	c.adopt(policy.PriorParams())
	return c, nil
}

// orderIndexes makes an order index for each lit venue whose feed names orders.
func orderIndexes(cfg *Config) (indexes [market.MaxVenues]*book.Orders) {
	for i := range cfg.Venues {
		if v := &cfg.Venues[i]; v.ByOrder && v.Kind == market.Lit {
			indexes[v.ID] = book.NewOrders(cfg.Book.Orders)
		}
	}
	return indexes
}

// OutputFor returns an Output that holds whatever one Step of c can want.
func (c *Core) OutputFor() *event.Output {
	evidence := 0
	if len(c.protect) > 0 {
		evidence = len(c.venues) * len(c.parents) // protected quotes, once for each parent that sweeps
	}
	return event.NewOutput(evidence+2*len(c.children)+2*len(c.parents)+2*c.listings+64+maxRequests, len(c.parents)+16)
}

// Step takes one event and appends to out what shall happen. Seq must follow the
// event before; StepTime must not go back.
func (c *Core) Step(e *event.Event, out *event.Output) {
	for more := c.Begin(e, out); more; {
		more = c.Continue()
	}
}

// Begin is Step as far as the first orders: while it, or Continue, says that there is more,
// what is in out may leave already, and Continue must be called before anything else.
func (c *Core) Begin(e *event.Event, out *event.Output) (more bool) {
	assert.That(c.looking == none && c.made.of == nil && c.made.sent == nil, "a step is over before the next one begins")
	assert.That(e.Seq == c.seq+1, "events come in sequence")
	assert.That(e.StepTime >= c.now, "time does not go back")
	c.seq, c.now, c.out, c.cause = e.Seq, e.StepTime, out, e
	c.Counters.Events++
	if c.now >= min(c.economics.marks.next, c.gate.NextExpiry()) {
		c.comeDue()
	}
	c.steady = steady>>e.Kind&1 != 0
	switch e.Kind {
	case event.BookClear, event.BookLevel, event.OrderAdd, event.OrderExecuted, event.OrderReduced,
		event.OrderDeleted, event.BookStatus, event.MarketTrade, event.Quote, event.QuoteCancel,
		event.OrderReplaced:
		c.onMarket(e)
	case event.PriceBand:
		c.onPriceBand(e)
	case event.MarketStatus:
		c.onMarketStatus(e)
	case event.ShortRestriction:
		c.onShortRestriction(e)
	case event.Timer:
		c.onTimer()
	case event.Exec:
		c.onExec(e)
	case event.OrderCancelReject:
		c.onCancelReject(e)
	case event.DropCopy:
		c.onDropCopy(e)
	case event.MassStatus:
		c.onMassStatus(e.Venue)
	case event.DropCopySession:
		c.onDropCopySession(e)
	case event.ParentNew:
		c.onParentNew(e)
	case event.ParentCancel:
		c.onParentCancel(e)
	case event.ParentReplace:
		c.onParentReplace(e)
	case event.ParentStatus:
		c.onParentStatus(e)
	case event.VenueSession:
		c.onVenueSession(e)
	case event.ClientSession:
		c.onClientSession(e)
	case event.ParentDontKnow:
		c.onDontKnow(e)
	case event.Operator:
		c.onOperator(e)
	case event.Invitation:
		c.onInvitation(e)
	case event.QuoteAnswer:
		c.onQuoteAnswer(e)
	case event.PolicySwap:
		c.onPolicySwap(e)
	case event.Clock:
		c.onClock(e)
	case event.TradingDay:
		c.onTradingDay(e)
	case event.SessionStart:
		c.onStart(e)
	case event.VenueParams:
		c.onParams(e)
	}
	return c.Continue()
}

// Continue goes on with what Begin left: the record of the decision whose orders have left, and
// the parents that have not looked yet, as far as the next ones that send something.
func (c *Core) Continue() (more bool) {
	if (c.looking != none || c.made.of != nil) && c.look() {
		return true
	}
	if c.waiting.next <= c.now {
		c.facts++
		c.letGo()
		c.facts++
	}
	if len(c.agenda.over) > 0 {
		for _, slot := range c.agenda.over {
			c.agenda.leave(slot, int(c.parents[slot].Instrument))
		}
		c.agenda.over = c.agenda.over[:0]
	}
	if !c.steady {
		c.facts++ // what was made of a parent amid the event may not be what came of it
		if len(c.agenda.all) > 0 {
			c.owed = c.agenda.all[0]
		}
	}
	if c.owed != none {
		c.ready(c.owed)
		c.owed = none
	}
	if arrivals>>(c.cause.Kind&63)&1 != 0 {
		c.foresee(c.cause)
	}
	if c.seq%foldEvents == 0 {
		c.link()
	}
	return false
}

// Composite returns the merged book of an instrument, for reading on the core's
// own thread.
func (c *Core) Composite(id market.InstrumentID) *book.Composite { return c.composites[id] }

// Parents returns the parents of this run in order of acceptance, for reading on
// the core's own thread.
func (c *Core) Parents() []Parent { return c.parents[:c.parentCount] }

// LiveParents returns how many of them are live, without a look at each.
func (c *Core) LiveParents() int { return len(c.agenda.all) }

// BookCounts is how many books are in each state.
type BookCounts [event.BookStates]int32

// BookStates returns how many books of a venue are in each state, without a look at each.
func (c *Core) BookStates(v market.VenueID) BookCounts { return c.bookStates[v] }

// Parent returns the parent with a number, nil when there is none, likewise.
func (c *Core) Parent(number uint64) *Parent {
	if slot := slotIn(number); slot >= 0 && int(slot) < c.parentCount && c.parents[slot].Number == number {
		return &c.parents[slot]
	}
	return nil
}

// Children returns the children of this run in order of sending, likewise.
func (c *Core) Children() []Child { return c.children[:c.childCount] }

// Seq returns the Seq of the last event taken.
func (c *Core) Seq() uint64 { return c.seq }

// Now returns the StepTime of the last event taken, ns since epoch.
func (c *Core) Now() int64 { return c.now }

// Gate returns the pre-trade gate, for its counters.
func (c *Core) Gate() *risk.Gate { return c.gate }

// SessionUp reports whether the order session of a venue is up.
func (c *Core) SessionUp(v market.VenueID) bool { return has(c.sessions.up, v) }

// Order numbers are decimal: epoch, then nine digits. Children count from 1,
// cancel and status requests from 500,000,001.
const (
	numberBase   = 1_000_000_000
	cancelNumber = 500_000_000
)

// command starts a command caused by the running event.
func (c *Core) command(kind event.CommandKind) *event.Command {
	cmd := c.out.Command()
	cmd.Kind = kind
	cmd.Cause, cmd.CauseKind = c.seq, c.cause.Kind
	cmd.StepTime, cmd.RecvTime = c.now, c.cause.RecvTime
	return cmd
}
