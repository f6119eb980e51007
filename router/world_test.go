package router

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/policy"
	"penstock/router/risk"
)

// testConfig has two lit venues, a pool and a dealer for one stock.
func testConfig() *Config {
	venue := func(id market.VenueID, name string, kind market.VenueKind) market.Venue {
		return market.Venue{ID: id, Name: name, MIC: name, Kind: kind, MsgRate: 100_000, AckNanos: 1e9,
			TakeFee: market.Fee{PerLotMilli: 30_000}, MakeFee: market.Fee{PerLotMilli: -20_000}}
	}
	cfg := &Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Venues: []market.Venue{venue(0, "LITA", market.Lit), venue(1, "LITB", market.Lit),
			venue(2, "DRKA", market.Dark), venue(3, "SDPA", market.SDP)},
		Limits: []risk.Limits{{ParentMaxQty: 1e6, ParentMaxNotional: 1e13, ChildMaxQty: 20_000,
			ChildMaxNotional: 1e12, CollarBps: 200}},
		Controls: &risk.Controls{FirmCredit: 1 << 60, StrategyRate: 20_000, RepeatOrders: 50_000, RepeatNanos: 1e9, SameOrders: 500,
			SameNanos: 1e6, Restricted: []bool{false}, Decimals: []uint8{4}, Clients: []risk.Client{{Credit: 1 << 60,
				Instruments: []bool{true}, Venues: []bool{true, true, true, true}}}},
		Book:       book.Capacity{Levels: 64, Orders: 64},
		MaxParents: 64, MaxChildren: 200_000, Tactics: DefaultTactics(),
		// From 08:00 UTC, quarters of a minute: 40, 10, 10 and 40 % of the volume.
		Curves: []*VolumeCurve{{Open: 8 * 3600e9, Step: 15e9, Total: []market.Qty{400, 500, 600, 1000}}},
	}
	for v := range cfg.Venues {
		cfg.Listings = append(cfg.Listings, Listing{Venue: market.VenueID(v)})
	}
	return cfg
}

// order is the truth about one child at a venue.
type order struct {
	child    uint64
	parent   uint64
	venue    market.VenueID
	side     market.Side
	price    market.Price
	qty, cum market.Qty
	open     bool
	tif      market.TimeInForce
	dark     bool
	heard    market.Qty // CumQty that reached the router
	rejected bool
	dead     bool // its end reached the router, with all its fills
}

// world owns the truth: venues that fill, reject, cancel, lose connections,
// repeat themselves and answer late. It drives tests that look inside the core;
// internal/simtest is the one that tries to break it.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	core    *Core
	out     *event.Output
	seq     uint64
	epoch   uint64
	now     int64
	orders  map[uint64]*order
	asked   map[uint64]*client // by parent number
	byID    map[event.ID]*client
	wire    [4][]event.Event // reports under way, in order per venue
	up      [4]bool
	mid     market.Price
	quoteID int
	exec    int
	healthy bool
	log     []string
	seen    map[string]int
	taken   []event.Event
	check   func(*event.Command) // of every order, nil: none
	disturb func()               // before some steps of run, nil: nothing
	apart   bool                 // venues show little, each at prices of its own
	banded  bool                 // and may trade at some prices only
}

// client is a parent as its client sees it.
type client struct {
	id          event.ID
	qty         market.Qty
	limit       market.Price
	side        market.Side
	cum         market.Qty
	notional    market.Notional
	ended       bool
	last        market.OrdStatus
	outstanding market.Qty // Σ qty − cum of open orders at venues
}

func newWorld(t *testing.T, seed uint64, table *policy.Table) *world {
	cfg := testConfig()
	cfg.Table = table
	return newWorldOf(t, seed, cfg)
}

func newWorldOf(t *testing.T, seed uint64, cfg *Config) *world {
	core, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 7)), core: core, out: core.OutputFor(),
		now: 1_800_000_000e9, orders: map[uint64]*order{}, asked: map[uint64]*client{},
		byID: map[event.ID]*client{}, mid: 500_000, seen: map[string]int{}}
	w.epoch = 123_456
	w.step(event.Event{Kind: event.SessionStart, Ref: w.epoch})
	for v := range 4 {
		w.connect(v)
	}
	w.quote()
	return w
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, l := range w.log[max(0, len(w.log)-60):] {
		w.t.Log(l)
	}
	w.t.Fatalf(format, args...)
}

func (w *world) step(e event.Event) {
	w.t.Helper()
	w.seq++
	e.Seq, e.StepTime, e.RecvTime = w.seq, w.now, w.now
	w.out.Reset()
	w.taken = append(w.taken, e)
	w.core.Step(&e, w.out)
	w.log = append(w.log, fmt.Sprintf("%d %v venue %d ref %d code %c qty %d cum %d", e.Seq, e.Kind,
		e.Venue, e.Ref, e.Code, e.Qty, e.CumQty))
	for i := range w.out.Commands {
		w.obey(&w.out.Commands[i])
	}
	if trouble := w.core.Audit(); trouble != "" {
		w.fail("after %v: %s", e.Kind, trouble)
	}
	if w.seq%8 == 0 {
		w.checkNear()
		w.checkCounts()
	}
}

// checkCounts compares what is counted as it happens with what there is.
func (w *world) checkCounts() {
	live := 0
	for i := range w.core.Parents() {
		if w.core.Parents()[i].Live() {
			live++
		}
	}
	kept := w.core.bookStates
	w.core.countBooks()
	if w.core.LiveParents() != live || w.core.bookStates != kept {
		w.fail("%d live parents and books in states %v counted, there are %d and %v", w.core.LiveParents(), kept, live, w.core.bookStates)
	}
}

// checkNear compares what taking costs by the levels that are kept with what it costs when
// they are merged anew.
func (w *world) checkNear() {
	for _, slot := range w.core.agenda.all {
		p := &w.core.parents[slot]
		m := w.core.composites[p.Instrument]
		if m.Partial != 0 || m.Dirty != 0 {
			continue
		}
		for _, qty := range []market.Qty{1, 700, p.OrderQty} {
			kept := w.core.sweepCost(p, qty)
			w.core.near[p.Instrument][p.Side.Index()].stale = true
			if anew := w.core.sweepCost(p, qty); kept != anew {
				w.fail("taking %d costs %d by what is kept, %d anew", qty, kept, anew)
			}
		}
	}
}

func (w *world) obey(c *event.Command) {
	w.log = append(w.log, fmt.Sprintf("   %v child %d parent %d venue %d qty %d px %d exec %v status %v cum %d leaves %d reason %v",
		c.Kind, c.Child, c.Parent, c.Venue, c.Qty, c.Price, c.ExecType, c.OrdStatus, c.CumQty, c.LeavesQty, c.Reason))
	switch c.Kind {
	case event.SendOrder:
		w.onOrder(c)
	case event.SendCancel:
		if w.up[c.Venue] {
			w.onCancel(c)
		}
	case event.SendStatus:
		if o := w.orders[c.Child]; w.up[c.Venue] {
			w.send(o, market.ExecOrderStatus, 0, 0)
		}
	case event.Report:
		w.onReport(c)
	}
}

// onOrder is the independent check of what leaves the router.
func (w *world) onOrder(c *event.Command) {
	if w.check != nil {
		w.check(c)
	}
	cl := w.asked[c.Parent]
	if cl == nil || cl.ended {
		w.fail("order %d for a parent that is not live", c.Child)
	}
	if w.orders[c.Child] != nil {
		w.fail("ClOrdID %d used twice", c.Child)
	}
	if c.Qty <= 0 || cl.cum+cl.outstanding+c.Qty > cl.qty {
		w.fail("overfill possible: cum %d outstanding %d new %d of %d", cl.cum, cl.outstanding, c.Qty, cl.qty)
	}
	if cl.limit != 0 && cl.side.Better(cl.limit, c.Price) {
		w.fail("price %d beyond the limit %d", c.Price, cl.limit)
	}
	o := &order{child: c.Child, parent: c.Parent, venue: c.Venue, side: c.Side, price: c.Price, qty: c.Qty,
		open: true, tif: c.TIF, dark: c.ExecInst == market.ExecInstMidPeg}
	w.orders[c.Child] = o
	cl.outstanding += c.Qty
	switch {
	case !w.up[c.Venue]:
		w.fail("order sent to a venue that is down")
	case w.rng.IntN(12) == 0:
		o.rejected = true
		w.close(o)
		w.send(o, market.ExecRejected, 0, 0)
		return
	}
	w.send(o, market.ExecNew, 0, 0)
	if c.TIF == market.TIFIOC {
		w.trade(o, market.Qty(w.rng.Int64N(int64(o.qty)+1)))
		if o.open {
			w.close(o)
			w.send(o, market.ExecCanceled, 0, 0)
		}
	}
}

// close ends an order at the venue. The client's exposure shrinks only when the
// router hears of it: see hear.
func (w *world) close(o *order) { o.open = false }

// hear settles what a report takes off the exposure of its client: fills that
// were not known yet, and the rest when the order is over and no fill is missing.
func (w *world) hear(e *event.Event) {
	o := w.orders[e.Ref]
	if e.Kind != event.Exec || o.dead {
		return
	}
	cl := w.asked[o.parent]
	why := market.ExecType(e.Code)
	terminal := e.OrdStatus.Terminal() && why != market.ExecNew
	if why == market.ExecTrade || why == market.ExecOrderStatus {
		cl.outstanding -= max(e.CumQty-o.heard, 0)
		o.heard = max(o.heard, e.CumQty)
	}
	if terminal && e.CumQty == o.heard {
		cl.outstanding -= o.qty - o.heard
		o.dead = true
	}
}

func (w *world) trade(o *order, qty market.Qty) {
	if qty <= 0 || !o.open {
		return
	}
	price := o.price
	if o.dark {
		price = w.mid
		if o.side.Better(o.price, price) {
			price = o.price
		}
	}
	o.cum += qty
	if o.cum == o.qty {
		o.open = false
	}
	w.send(o, market.ExecTrade, qty, price)
	w.seen["fill"]++
}

func (w *world) onCancel(c *event.Command) {
	o := w.orders[c.Child]
	switch {
	case o == nil:
		w.fail("cancel of an order that was never sent")
	case !o.open:
		e := event.Event{Kind: event.OrderCancelReject, Venue: o.venue, Ref: o.child, Reason: event.ReasonTooLate}
		w.wire[o.venue] = append(w.wire[o.venue], e)
		w.seen["cancel too late"]++
	default:
		if w.rng.IntN(3) == 0 {
			w.trade(o, market.Qty(w.rng.Int64N(int64(o.qty-o.cum)+1))) // the fill wins the race
			w.seen["cancel race"]++
		}
		if o.open {
			w.close(o)
			w.send(o, market.ExecCanceled, 0, 0)
		}
	}
}

// send puts a report on the wire; sometimes twice.
func (w *world) send(o *order, why market.ExecType, lastQty market.Qty, lastPx market.Price) {
	w.exec++
	status := market.StatusNew
	switch {
	case o.cum == o.qty:
		status = market.StatusFilled
	case o.rejected:
		status = market.StatusRejected
	case !o.open:
		status = market.StatusCanceled
	case o.cum > 0:
		status = market.StatusPartiallyFilled
	}
	id, _ := event.MakeID(fmt.Sprintf("E%d", w.exec))
	e := event.Event{Kind: event.Exec, Venue: o.venue, Ref: o.child, Code: uint8(why), OrdStatus: status,
		CumQty: o.cum, LastQty: lastQty, LastPx: lastPx, ID: id, Liquidity: market.LiquidityRemoved}
	if why == market.ExecOrderStatus {
		e.LastPx = o.price
	}
	w.wire[o.venue] = append(w.wire[o.venue], e)
	if w.rng.IntN(20) == 0 {
		w.wire[o.venue] = append(w.wire[o.venue], e)
		w.seen["duplicate"]++
	}
}

// deliver hands the oldest report of a venue to the router and settles the
// exposure that the router now knows to be gone.
func (w *world) deliver(v int) {
	if len(w.wire[v]) == 0 || !w.up[v] {
		return
	}
	e := w.wire[v][0]
	w.wire[v] = w.wire[v][1:]
	w.hear(&e)
	w.step(e)
}

func (w *world) connect(v int) {
	w.up[v] = true
	w.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
	w.openBook(v)
	w.quote()
}

// openBook lets the feed of a lit venue begin with an empty book.
func (w *world) openBook(v int) {
	for _, k := range []event.Event{
		{Kind: event.BookClear, Flags: event.More},
		{Kind: event.BookStatus, Code: uint8(event.BookLive)},
	} {
		if v < 2 {
			k.Venue = market.VenueID(v)
			w.step(k)
		}
	}
}

// drop loses the connection: what was on the wire is gone for good.
func (w *world) drop(v int) {
	w.up[v] = false
	w.seen["lost report"] += len(w.wire[v])
	w.wire[v] = nil
	w.step(event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionDown)})
}

// restart is a new process that has replayed the journal: every connection is gone.
func (w *world) restart() {
	for v := range w.up {
		w.up[v] = false
		w.seen["lost report"] += len(w.wire[v])
		w.wire[v] = nil
	}
	w.epoch++
	w.seen["restart"]++
	w.step(event.Event{Kind: event.SessionStart, Ref: w.epoch})
	for v := range 2 {
		w.openBook(v) // feeds are there before any order session is
	}
	w.quote()
}

// band says between which prices, less than so many ticks from mid, some venue, or all, may trade.
func (w *world) band(ticks int) {
	v := market.VenueID(w.rng.IntN(2))
	if w.rng.IntN(3) == 0 {
		v = market.NoVenue
	}
	w.step(event.Event{Kind: event.PriceBand, Venue: v, Price: w.mid - 100*market.Price(w.rng.IntN(ticks)), LastPx: w.mid + 100*market.Price(w.rng.IntN(ticks))})
}

// quote publishes fresh depth and a dealer's quote around the mid.
func (w *world) quote() {
	if w.banded && w.rng.IntN(3) == 0 {
		w.band(8)
	}
	for v := range 2 {
		for _, side := range []market.Side{market.Buy, market.Sell} {
			for i := range 3 {
				tick, qty := i+1, w.rng.IntN(20)*100
				if w.apart {
					tick, qty = 1+w.rng.IntN(3*i+3), w.rng.IntN(20)*30
				}
				w.level(v, side, w.mid-market.Price(side.Sign())*100*market.Price(tick), market.Qty(qty), event.More)
			}
		}
		w.level(v, market.Buy, w.mid-1000, 100, 0)
	}
	w.quoteID++
	id, _ := event.MakeID(fmt.Sprintf("Q%d", w.quoteID))
	w.step(event.Event{Kind: event.Quote, Venue: 3, ID: id, Price: w.mid - 100, Qty: 1000, LastPx: w.mid + 100,
		LastQty: 1000, Until: w.now + 1e9})
}

func (w *world) level(v int, side market.Side, price market.Price, qty market.Qty, f event.Flags) {
	w.step(event.Event{Kind: event.BookLevel, Venue: market.VenueID(v), Side: side, Price: price, Qty: qty, Flags: f})
}

// move shifts the whole market by a tick.
func (w *world) move() {
	for v := range 2 {
		w.step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
		w.step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive), Flags: event.More})
	}
	w.mid += 100 * market.Price(w.rng.IntN(3)-1)
	w.quote()
}

// buyInSlices is a client's order to buy at the market, over ten slices of a minute. It returns its ClOrdID.
func (w *world) buyInSlices(qty market.Qty) event.ID {
	id, _ := event.MakeID("C1")
	w.byID[id] = &client{id: id, qty: qty, side: market.Buy}
	w.step(event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: qty, OrdType: market.OrdMarket,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: w.now + 600e9, SliceNanos: 60e9})
	return id
}

func (w *world) newParent(i int) {
	id, _ := event.MakeID(fmt.Sprintf("C%d", i))
	lot := w.core.instruments[0].Lot
	cl := &client{id: id, qty: max(market.Qty(w.rng.IntN(20_000)+1).FloorTo(lot), lot), side: market.Buy + market.Side(w.rng.IntN(2))}
	e := event.Event{Kind: event.ParentNew, ID: id, Side: cl.side, Qty: cl.qty, OrdType: market.OrdMarket,
		TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: w.now + 5e9, SliceNanos: 1e9}
	if w.apart || w.rng.IntN(2) == 0 {
		e.OrdType, e.Price = market.OrdLimit, w.mid+market.Price(cl.side.Sign())*100*market.Price(w.rng.IntN(5)-1)
		cl.limit = e.Price
	}
	if w.rng.IntN(4) == 0 {
		e.Strategy, e.Until, e.SliceNanos = event.StrategySweep, 0, 0
	}
	w.byID[id] = cl
	w.step(e)
}

// onReport keeps the client's own book and checks every report against it.
func (w *world) onReport(c *event.Command) {
	cl := w.asked[c.Parent]
	if cl == nil {
		if cl = w.byID[c.ID]; w.disturb != nil && c.ExecType == market.ExecRejected {
			return
		}
		if cl == nil || c.ExecType != market.ExecNew {
			w.fail("first report %v for an unknown order %v", c.ExecType, c.ID)
		}
		w.asked[c.Parent] = cl
	}
	if c.ExecType == market.ExecTrade {
		cl.cum += c.LastQty
		n, _ := c.LastPx.Notional(c.LastQty)
		cl.notional += n
	}
	switch {
	case c.CumQty != cl.cum:
		w.fail("report says CumQty %d, fills sum to %d", c.CumQty, cl.cum)
	case c.Notional != cl.notional:
		w.fail("report's notional %d, fills sum to %d", c.Notional, cl.notional)
	case c.LeavesQty != 0 && c.LeavesQty != c.Qty-c.CumQty:
		w.fail("LeavesQty %d of %d with CumQty %d", c.LeavesQty, c.Qty, c.CumQty)
	case cl.ended && c.ExecType != market.ExecOrderStatus && c.ExecType != market.ExecTrade:
		w.fail("report %v after the end", c.ExecType)
	}
	if c.ExecType == market.ExecReplaced {
		cl.qty, cl.limit = c.Qty, c.Price
	}
	cl.last = c.OrdStatus
	cl.ended = cl.ended || c.OrdStatus.Terminal()
}

// settle compares the router's children with the truth.
func (w *world) settle() {
	for _, ch := range w.core.Children() {
		o := w.orders[ch.Number]
		if ch.Released && (o.open || ch.Cum != o.cum) {
			w.fail("child %d was released at CumQty %d; at the venue it is open %v with %d", ch.Number, ch.Cum,
				o.open, o.cum)
		}
		if ch.Cum > o.cum {
			w.fail("child %d has CumQty %d, the venue executed %d", ch.Number, ch.Cum, o.cum)
		}
	}
}

func (w *world) run(steps int) {
	parents := 0
	for i := range steps {
		w.now += w.rng.Int64N(20e6)
		w.settle()
		if w.disturb != nil && w.rng.IntN(4) == 0 {
			w.disturb()
		}
		switch r := w.rng.IntN(100); {
		case (r < 2 || r < 14 && w.apart) && parents < 40:
			parents++
			w.newParent(parents)
		case r < 40:
			w.deliver(w.rng.IntN(4))
		case r < 55:
			w.step(event.Event{Kind: event.Timer})
		case r < 70:
			w.move()
		case r < 80:
			w.fillSomething()
		case r < 82 && !w.healthy && w.rng.IntN(20) == 0:
			w.restart()
		case r < 82 && !w.healthy:
			if v := w.rng.IntN(4); w.up[v] {
				w.drop(v)
			} else {
				w.connect(v)
			}
		case r < 84:
			w.request(i, event.ParentCancel)
		case r < 87:
			w.request(i, event.ParentReplace)
		case r < 88 && !w.healthy:
			w.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: market.NoVenue})
			for n := range w.out.Commands {
				if w.out.Commands[n].Kind == event.SendOrder {
					w.fail("an order left with the kill")
				}
			}
			w.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorResume), Venue: market.NoVenue})
		case r >= 88 && w.apart:
			w.tempt()
			w.tempt()
		}
	}
}

// tempt shows some parent at one venue what is at its limit, which is mostly less than it wants, and mostly beyond the limit
// all else.
func (w *world) tempt() {
	if len(w.core.agenda.all) == 0 {
		return
	}
	p := &w.core.parents[w.core.agenda.all[w.rng.IntN(len(w.core.agenda.all))]]
	at, far, tick := p.Limit, p.Side.Contra(), 100*market.Price(p.Side.Sign())
	if at == 0 {
		at = w.mid
	}
	for v := range 2 {
		w.step(event.Event{Kind: event.BookClear, Venue: market.VenueID(v), Flags: event.More})
		w.step(event.Event{Kind: event.BookStatus, Venue: market.VenueID(v), Code: uint8(event.BookLive), Flags: event.More})
		for range w.rng.IntN(4) {
			w.level(v, far, at+tick*market.Price(min(w.rng.IntN(12), 3)), market.Qty(w.rng.IntN(1000)), event.More)
		}
		w.level(v, p.Side, at-tick, 300, 0)
	}
	w.level(w.rng.IntN(2), far, at, market.Qty(1+w.rng.IntN(600)), 0)
}

// fillSomething executes part of a resting order.
func (w *world) fillSomething() {
	for i := len(w.core.Children()) - 1; i >= 0; i-- {
		o := w.orders[w.core.Children()[i].Number]
		if o.open && w.rng.IntN(3) == 0 {
			w.trade(o, market.Qty(w.rng.Int64N(int64(o.qty-o.cum))+1))
			return
		}
	}
}

func (w *world) request(i int, kind event.Kind) {
	if len(w.core.agenda.all) == 0 {
		return
	}
	p := &w.core.parents[w.core.agenda.all[w.rng.IntN(len(w.core.agenda.all))]]
	id, _ := event.MakeID(fmt.Sprintf("R%d", i))
	e := event.Event{Kind: kind, ID: id, OrigID: p.ClOrdID, Side: p.Side, Client: p.Client, Price: p.Limit,
		Qty: market.Qty(w.rng.Int64N(int64(p.OrderQty)*2) + 1)}
	w.step(e)
	w.seen[kind.String()]++
}

// heal brings every venue back and lets the day end.
func (w *world) heal() {
	w.healthy = true
	for v := range 4 {
		if !w.up[v] {
			w.connect(v)
		}
	}
	for range 3000 {
		w.now += 10e6
		for v := range 4 {
			for len(w.wire[v]) > 0 {
				w.deliver(v)
			}
		}
		w.settle()
		w.step(event.Event{Kind: event.Timer})
		if len(w.core.agenda.all) == 0 {
			return
		}
		if w.rng.IntN(10) == 0 {
			w.move()
		}
	}
	for _, slot := range w.core.agenda.all {
		p := &w.core.parents[slot]
		w.t.Logf("parent %d phase %d cum %d reserved %d of %d frozen %v", p.Number, p.phase, p.Cum, p.Reserved, p.OrderQty, p.Frozen)
		for s := p.first; s != none; s = w.core.children[s].next {
			w.t.Logf("   child %+v truth %+v", w.core.children[s], *w.orders[w.core.children[s].Number])
		}
	}
	w.fail("%d parents never ended", len(w.core.agenda.all))
}
