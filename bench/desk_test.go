package bench

import (
	"fmt"
	"os"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/fix"
	"penstock/internal/warm"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/firewall"
)

// desk is the router from the bytes of feeds to the bytes of orders, without
// sockets: decoders, books, composite and features, policy table, allocation, risk
// gate, ledger, decision records, journal, and a FIX session for each venue.
type desk struct {
	feeds    *feeds
	core     *router.Core
	seq      *loop.Sequencer
	decoders []decode
	venues   []orderDesk
	wall     *firewall.Firewall
	latch    firewall.Latch
	journal  *journal.Writer
	dir      string // of the journal
	e        event.Event

	now    int64 // of the session
	next   int   // message to take
	sent   []event.Command
	first  int64 // when the first order of the message was encoded, 0 none
	last   int64 // and the last one, where sweeps is set
	timed  bool
	sweeps bool
	room   int // for child orders
	orders int
	packet []byte // the message to take, as a receive leaves it; empty: not yet
	from   uint32 // the venue that it is from

	near     int // venue of the pass, plus one; 0: the core is next
	pass     uint64
	part     uint64 // of the core in this pass
	nearID   market.InstrumentID
	nearSide market.Side
}

// orderDesk is one venue's FIX session and its templates.
type orderDesk struct {
	session   *fix.Session
	guard     *firewall.Session     // judges the bytes of every message
	templates [][2][3]*fix.Template // by instrument and side: taking, posting, cancelling
	bytes     int                   // of the last message
	latest    *fix.Template         // which made it
}

// deskOptions are what the benchmarks change.
type deskOptions struct {
	parents     int // on each instrument
	passive     int // of them, those whose limit is out of reach
	maxChildren int
	brake       bool // the children of a parent are bounded as in production
	journal     bool
	dealer      bool       // one that quotes, worse than the books
	sweep       market.Qty // what a parent wants, 0: as much as one venue shows
}

const slice = 60_000_000_000 // ns, of a parent's schedule

// newDesk builds the router, makes the books, and lets the parents come to the last
// decision of their slice, where their cell says: take.
func newDesk(tb testing.TB, f *feeds, o deskOptions) *desk {
	tb.Helper()
	d := &desk{feeds: f, now: midnight + 10e9, room: o.maxChildren,
		sent: make([]event.Command, 0, 1024), sweeps: o.sweep > 0}
	cfg := d.config(tb, o)
	var err error
	if d.core, err = router.New(cfg); err != nil {
		tb.Fatal(err)
	}
	if o.journal {
		d.openJournal(tb)
	}
	d.seq = loop.NewSequencer(d.core, d.journal, func(cmd *event.Command) { d.obey(cmd) })
	d.decoders = f.decoders(tb, func(e *event.Event) bool { d.seq.Take(d.now, e); return true })
	d.seq.Take(d.now, &event.Event{Kind: event.SessionStart, Ref: 217_000_000})
	d.openFirewall(tb, cfg)
	for i := range f.instruments {
		if cfg.Protect[i][0].On { // such stocks have bands, too
			d.seq.Take(d.now, priceBand(market.InstrumentID(i), f.limits[i]))
		}
	}
	for v := range cfg.Venues {
		d.venues = append(d.venues, newOrderDesk(tb, cfg, d.now))
		d.venues[v].guard = d.guard(tb, cfg, market.VenueID(v))
		d.seq.Take(d.now, &event.Event{Kind: event.VenueSession, Venue: market.VenueID(v), Code: uint8(event.SessionUp)})
	}
	for d.next < f.setup {
		if err := d.step(); err != nil {
			tb.Fatalf("message %d, %.80q: %v", d.next, f.message(d.next-1), err)
		}
	}
	if o.dealer {
		d.quote(market.VenueID(len(cfg.Venues) - 1))
	}
	d.sendParents(tb, o)
	return d
}

// quote has a dealer say at what it would trade, which is nothing that anybody takes.
func (d *desk) quote(dealer market.VenueID) {
	for i := range d.feeds.instruments {
		id, price := market.InstrumentID(i), d.feeds.limits[i]
		d.seq.Take(d.now, &event.Event{Kind: event.BookStatus, Venue: dealer, Instrument: id, Code: uint8(event.BookLive)})
		quote, _ := event.MakeID("Q1")
		d.seq.Take(d.now, &event.Event{Kind: event.Quote, Venue: dealer, Instrument: id, ID: quote, Price: price * 97 / 100, Qty: 1_000,
			LastPx: price * 103 / 100, LastQty: 1_000})
	}
}

// benchTable is the table that the router and its rehearsal decide by.
func benchTable(tb testing.TB) *policy.Table {
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "bench", NotAfter: 1 << 62})
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

func (d *desk) config(tb testing.TB, o deskOptions) *router.Config {
	f, table := d.feeds, benchTable(tb)
	cfg := &router.Config{
		Instruments: f.instruments, Table: table, Book: book.Capacity{Levels: f.levels, Orders: f.orders},
		MaxParents: max(o.parents, 1)*len(f.instruments) + 16, MaxChildren: o.maxChildren, Tactics: router.DefaultTactics(),
	}
	if !o.brake {
		cfg.Tactics.MaxChildren, cfg.Tactics.MaxLife = o.maxChildren, o.maxChildren
	}
	for range f.instruments {
		cfg.Limits = append(cfg.Limits, risk.Limits{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6,
			ChildMaxNotional: 1e13, CollarBps: 500})
	}
	for v := range f.venues {
		id := market.VenueID(v)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: fmt.Sprintf("V%d", v), MIC: "X", Kind: market.Lit,
			ByOrder: f.byOrder, MsgRate: 1 << 20, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: int64(30_000 + v)}})
		for i := range f.instruments {
			cfg.Listings = append(cfg.Listings, router.Listing{Venue: id, Instrument: market.InstrumentID(i)})
		}
	}
	if o.dealer {
		id := market.VenueID(len(cfg.Venues))
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: "SDPA", MIC: "X", Kind: market.SDP, MsgRate: 1 << 20, AckNanos: 1e9, LastLook: true})
		for i := range f.instruments {
			cfg.Listings = append(cfg.Listings, router.Listing{Venue: id, Instrument: market.InstrumentID(i)})
		}
	}
	cfg.Controls, cfg.Protect = openControls(cfg), protection(cfg, f.byOrder) // ITCH tells of stocks that have it
	return cfg
}

// openJournal writes to memory where there is such a file system: how fast a disk
// syncs is no property of the router.
func (d *desk) openJournal(tb testing.TB) {
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "penstock-bench-")
	if err != nil {
		tb.Fatal(err)
	}
	d.dir = dir
	if d.journal, err = journal.Create(dir+"/journal", journal.Options{}); err != nil {
		tb.Fatal(err)
	}
}

// close ends the journal and removes it.
func (d *desk) close(tb testing.TB) {
	if d.journal != nil {
		if err := d.journal.Close(); err != nil {
			tb.Error("journal:", err)
		}
		os.RemoveAll(d.dir)
	}
}

// newOrderDesk logs an initiator on to an acceptor, in memory.
func newOrderDesk(tb testing.TB, rc *router.Config, now int64) (o orderDesk) {
	cfg := fix.Config{BeginString: "FIX.4.4", SenderCompID: "PENSTOCK", TargetCompID: "VENUE", HeartBtIntSecs: 3600,
		App: func(*fix.Message, int64) bool { return true }}
	var err error
	if o.session, err = fix.NewSession(cfg, nil); err != nil {
		tb.Fatal(err)
	}
	cfg.Role, cfg.SenderCompID, cfg.TargetCompID = fix.Acceptor, "VENUE", "PENSTOCK"
	venue, err := fix.NewSession(cfg, nil)
	if err != nil {
		tb.Fatal(err)
	}
	o.session.Connected(now)
	venue.Connected(now)
	for range 4 {
		out := append([]byte(nil), o.session.Out()...)
		o.session.Wrote(len(out))
		venue.Receive(now, out)
		out = append([]byte(nil), venue.Out()...)
		venue.Wrote(len(out))
		o.session.Receive(now, out)
	}
	if !o.session.CanSend() {
		tb.Fatal("the session is not logged on")
	}
	for i := range rc.Instruments {
		var both [2][3]*fix.Template
		for s, side := range []string{"1", "2"} {
			for k, tif := range []string{"3", "0", ""} {
				spec := fix.TemplateSpec{MsgType: "D", TransactTime: true, PriceDecimals: rc.Instruments[i].PriceDecimals,
					QtyDecimals: rc.Instruments[i].QtyDecimals, Static: []fix.Static{{Tag: 40, Value: "2"}, {Tag: 54, Value: side},
						{Tag: 55, Value: rc.Instruments[i].Symbol}, {Tag: 59, Value: tif}}}
				spec.LinkTag = fix.TagSecondaryClOrdID
				if tif == "" {
					spec.LinkTag = 0
					spec.MsgType, spec.OrigID, spec.Static = "F", true, spec.Static[1:3]
				}
				if both[s][k], err = o.session.NewTemplate(spec); err != nil {
					tb.Fatal(err)
				}
			}
		}
		o.templates = append(o.templates, both)
	}
	return o
}

// write encodes a command, and asks the firewall whether its bytes may leave.
func (o *orderDesk) write(now int64, cmd *event.Command) {
	if err := o.encode(now, cmd); err != nil {
		panic(err)
	}
	out := o.session.Out()
	if _, why := o.guard.Out(now, out, firewall.Said{}); why != firewall.Clear {
		panic(why.String())
	}
	o.bytes = len(out)
}

// encode makes the bytes of an order or a cancel.
func (o *orderDesk) encode(now int64, cmd *event.Command) error {
	v := fix.Values{ID: cmd.Child, Link: cmd.Parent, Qty: int64(cmd.Qty), Price: int64(cmd.Price)}
	kind := 0
	switch {
	case cmd.Kind == event.SendCancel:
		kind = 2
		v = fix.Values{ID: cmd.Ref, OrigID: cmd.Child}
	case cmd.TIF == market.TIFDay:
		kind = 1
	}
	o.latest = o.templates[cmd.Instrument][cmd.Side.Index()][kind]
	return o.session.SendTemplate(o.latest, now, &v)
}

// wrote tells the session that its bytes left, and lets it get ready for the next.
func (o *orderDesk) wrote() {
	o.session.Wrote(o.bytes)
	o.session.Ready(o.latest)
	o.guard.Ready()
}

// bringNear is a bite of an idle loop between rehearsals: see loop.Loop.Warm.
func (d *desk) bringNear() {
	if d.near > 0 {
		if d.near <= len(d.feeds.rewarm) {
			d.feeds.rewarm[d.near-1](d.nearID)
		}
		o := &d.venues[d.near-1]
		side := o.templates[d.nearID][d.nearSide.Index()]
		o.session.Rewarm(side[0])
		side[d.pass%2+1].Rewarm()
		o.guard.Rewarm(d.pass)
		d.near = (d.near + 1) % (len(d.venues) + 1)
		return
	}
	switch d.part {
	case 0:
		if d.journal != nil {
			d.journal.Rewarm()
		}
		d.seq.Rewarm()
	case 1:
		warm.Of(d)
		warm.Slice(d.decoders)
		for _, decode := range d.decoders {
			warm.Func(decode)
		}
	}
	live := false
	d.nearID, d.nearSide, live = d.core.Rewarm(d.pass*router.RewarmParts + d.part)
	if d.part = (d.part + 1) % router.RewarmParts; d.part > 0 {
		return
	}
	d.pass++
	if live {
		d.near = 1
	}
}

func (d *desk) obey(cmd *event.Command) {
	switch {
	case cmd.Kind == event.SendOrder || cmd.Kind == event.SendCancel:
	case cmd.Kind == event.Report && cmd.ExecType == market.ExecNew:
		d.wall.Accept(&firewall.Accepted{Number: cmd.Parent, Client: cmd.Client, ID: cmd.ID})
		return
	default:
		return
	}
	o := &d.venues[cmd.Venue]
	o.write(d.now, cmd)
	if cmd.Kind == event.SendOrder {
		if d.timed && d.first == 0 {
			d.first = readClock()
		} else if d.timed && d.sweeps {
			d.last = readClock()
		}
		d.orders++
	}
	o.wrote()
	d.sent = append(d.sent, *cmd)
}

// receive copies the next message to where all are received, as a socket does.
func (d *desk) receive() {
	d.packet = append(d.packet[:0], d.feeds.message(d.next)...)
	d.from = d.feeds.messages[d.next].venue
}

// step takes the next message. d.sent holds the orders that it made.
func (d *desk) step() error {
	if len(d.packet) == 0 {
		d.receive()
	}
	m := d.packet
	d.packet = d.packet[:0]
	d.next++
	return d.decoders[d.from](d.now, m)
}

// settle lets the venues answer what was sent, and 2 µs pass.
func (d *desk) settle() {
	d.timed = false
	for i := 0; i < len(d.sent); i++ { // an answer may add to the list
		d.answer(i)
	}
	d.sent = d.sent[:0]
	d.now += 2_000
}

// answer is the venue's to what was sent: immediate orders and those that are to be cancelled end
// without a fill, the others rest.
func (d *desk) answer(i int) {
	c := d.sent[i]
	d.e = event.Event{Kind: event.Exec, Venue: c.Venue, Instrument: c.Instrument, Side: c.Side, Ref: c.Child,
		Code: uint8(market.ExecNew), OrdStatus: market.StatusNew}
	if c.Kind == event.SendCancel || c.TIF == market.TIFIOC {
		d.e.Code, d.e.OrdStatus = uint8(market.ExecCanceled), market.StatusCanceled
	}
	if market.OrdStatus(d.e.OrdStatus).Terminal() {
		d.wall.Resolve(c.Child, 0, true)
	}
	d.seq.Take(d.now, &d.e)
}

// spent reports whether a new desk is needed: the messages or the room for child
// orders end, or the parents' slice does.
func (d *desk) spent() bool {
	return d.next >= len(d.feeds.messages) || len(d.core.Children())+256 > d.room || d.now > midnight+10e9+slice-1e9
}

// sendParents sends buyers of a small quantity and lets time pass to the last
// decision of their slice.
func (d *desk) sendParents(tb testing.TB, o deskOptions) {
	qty := market.Qty(100)
	if o.sweep > 0 {
		qty = o.sweep
	}
	for i := range d.feeds.instruments {
		for n := range o.parents {
			parent := event.Event{Kind: event.ParentNew, Instrument: market.InstrumentID(i), Side: market.Buy, Qty: qty,
				OrdType: market.OrdLimit, Price: d.feeds.limits[i], TIF: market.TIFDay, Strategy: event.StrategyTWAP,
				Until: d.now + slice, SliceNanos: slice}
			if n < o.passive {
				parent.Price = parent.Price * 96 / 100 / d.feeds.instruments[i].Tick * d.feeds.instruments[i].Tick
			}
			parent.ID, _ = event.MakeID(fmt.Sprintf("P%d-%d", i, n))
			d.wall.Ordered(&firewall.Order{ID: parent.ID, Instrument: parent.Instrument, Side: parent.Side, Qty: parent.Qty,
				Limit: parent.Price})
			d.seq.Take(d.now, &parent)
			d.settle()
		}
	}
	d.now = midnight + 10e9 + slice*55/60
	d.seq.TakeTimer(d.now)
	d.settle()
	live := 0
	for i := range d.core.Parents() {
		if d.core.Parents()[i].Live() {
			live++
		}
	}
	if live != o.parents*len(d.feeds.instruments) {
		tb.Fatalf("%d parents are live, want %d on each of %d instruments", live, o.parents, len(d.feeds.instruments))
	}
	d.orders = 0
}

// openFirewall makes the firewall, which is in the chain as in production. Its limits are
// wide; a violation ends the benchmark.
func (d *desk) openFirewall(tb testing.TB, cfg *router.Config) {
	c := firewallConfig(cfg, &d.latch, func(v *firewall.Violation) { panic(fmt.Sprintf("%+v", *v)) })
	var err error
	if d.wall, err = firewall.New(c); err != nil {
		tb.Fatal(err)
	}
}

// firewallConfig has the limits of cfg.
func firewallConfig(cfg *router.Config, latch *firewall.Latch, trip func(*firewall.Violation)) firewall.Config {
	c := firewall.Config{Credit: []market.Money{market.MaxMoney}, MaxParents: cfg.MaxParents, MaxChildren: cfg.MaxChildren,
		Latch: latch, Ask: func() bool { return false }, Trip: trip}
	for i := range cfg.Instruments {
		in, l := &cfg.Instruments[i], &cfg.Limits[i]
		c.Limits = append(c.Limits, firewall.Limits{MaxQty: l.ChildMaxQty, MaxNotional: l.ChildMaxNotional, Low: 1,
			High: market.MaxPrice, Decimals: in.PriceDecimals + in.QtyDecimals})
	}
	return c
}

// openControls are those of one client that may have everything.
func openControls(cfg *router.Config) *risk.Controls {
	c := &risk.Controls{FirmCredit: market.MaxMoney, StrategyRate: 25_000, RepeatOrders: 100_000, RepeatNanos: 1, SameOrders: 1_000, SameNanos: 1,
		Restricted: make([]bool, len(cfg.Instruments)), Decimals: make([]uint8, len(cfg.Instruments))}
	client := risk.Client{Credit: market.MaxMoney, Instruments: make([]bool, len(cfg.Instruments)), Venues: make([]bool, len(cfg.Venues))}
	for i := range cfg.Instruments {
		client.Instruments[i] = true
		c.Decimals[i] = cfg.Instruments[i].PriceDecimals + cfg.Instruments[i].QtyDecimals
	}
	for v := range cfg.Venues {
		client.Venues[v] = true
	}
	c.Clients = []risk.Client{client}
	return c
}

// priceBand lets every venue trade an instrument within a tenth of a price.
func priceBand(id market.InstrumentID, price market.Price) *event.Event {
	return &event.Event{Kind: event.PriceBand, Venue: market.NoVenue, Instrument: id, Price: price * 9 / 10, LastPx: price * 11 / 10}
}

// protection is that of better quotes, on or off: every router is told which.
func protection(cfg *router.Config, on bool) (all [][]router.Protection) {
	for range cfg.Instruments {
		all = append(all, []router.Protection{{On: on}})
	}
	return all
}

// guardConfig is the firewall's session at venue v.
func guardConfig(cfg *router.Config, v market.VenueID, beginString string) firewall.SessionConfig {
	c := firewall.SessionConfig{Venue: v, BeginString: beginString, ParentTag: fix.TagSecondaryClOrdID, Rate: 1 << 18}
	for i := range cfg.Instruments {
		in := &cfg.Instruments[i]
		c.Symbols = append(c.Symbols, firewall.Symbol{ID: in.ID, Text: in.Symbol, PriceDecimals: in.PriceDecimals,
			QtyDecimals: in.QtyDecimals})
	}
	return c
}

func (d *desk) guard(tb testing.TB, cfg *router.Config, v market.VenueID) *firewall.Session {
	s, err := d.wall.Session(guardConfig(cfg, v, "FIX.4.4"))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
