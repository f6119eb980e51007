package bench

import (
	"encoding/binary"
	"testing"

	"penstock/book"
	"penstock/event"
	"penstock/fix"
	"penstock/journal"
	"penstock/market"
	"penstock/policy"
	"penstock/router"
	"penstock/router/loop"
	"penstock/router/risk"
	"penstock/venues/itch"
)

// The chain from the bytes of a feed message to the bytes of an order: ITCH
// decoder, books of seven venues, composite and features, policy table, allocation,
// risk gate, ledger, FIX template. Each round trip is
//
//	tick   an ITCH add that brings the ask into the parent's limit → 35=D bytes
//	reset  the venue answers "canceled", the feed deletes the order
//
// and only the tick is measured. Prices are in 1/10000 dollar, as ITCH has them.
type chain struct {
	core    *router.Core
	seq     *loop.Sequencer
	decoder *itch.Decoder
	session *fix.Session
	order   *fix.Template
	e       event.Event // answers of the venue

	now    int64
	ref    uint64
	rounds int
	sent   event.Command
	bytes  int

	directory, add, del []byte
}

const (
	// roundsPerRun bounds the child orders of one core.
	roundsPerRun = 100_000
	midnight     = 1_800_000_000_000_000_000
	limitPrice   = 500_000
)

func chainConfig(tb testing.TB) *router.Config {
	table, err := policy.BuildBaseline(policy.BuildOptions{Version: "bench", NotAfter: 1 << 62})
	if err != nil {
		tb.Fatal(err)
	}
	cfg := &router.Config{
		Instruments: []market.Instrument{{Symbol: "PSTK", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}},
		Limits: []risk.Limits{{ParentMaxQty: 1e9, ParentMaxNotional: 1e17, ChildMaxQty: 1e6,
			ChildMaxNotional: 1e13, CollarBps: 500}},
		Table: table, Book: book.Capacity{Levels: 256, Orders: 4096},
		MaxParents: 16, MaxChildren: roundsPerRun + 16, Tactics: router.DefaultTactics(),
	}
	cfg.Tactics.MaxChildren = roundsPerRun + 16
	kinds := []market.VenueKind{market.Lit, market.Lit, market.Lit, market.Dark, market.Dark, market.SDP, market.SDP}
	for i, kind := range kinds {
		id := market.VenueID(i)
		cfg.Venues = append(cfg.Venues, market.Venue{ID: id, Name: string(rune('A' + i)), MIC: "X", Kind: kind,
			MsgRate: 1 << 20, AckNanos: 1e9, TakeFee: market.Fee{PerLotMilli: 30_000}})
		cfg.Venues[i].ByOrder = i == 0
		cfg.Listings = append(cfg.Listings, router.Listing{Venue: id})
	}
	return cfg
}

// newChain builds a chain whose parent is at the last decision of its slice, so
// that its cell says: take. journalDir is empty for none.
func newChain(tb testing.TB, journalDir string) *chain {
	core, err := router.New(chainConfig(tb))
	if err != nil {
		tb.Fatal(err)
	}
	c := &chain{core: core, now: midnight + 10e9}
	var w *journal.Writer
	if journalDir != "" {
		if w, err = journal.Create(journalDir, journal.Options{}); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { w.Close() })
	}
	c.seq = loop.NewSequencer(core, w, c.obey)
	c.decoder, err = itch.NewDecoder(itch.Config{Venue: 0, Midnight: midnight, Sink: c.take,
		Symbols: []itch.Symbol{{Text: "PSTK", PriceDecimals: 4}}})
	if err != nil {
		tb.Fatal(err)
	}
	c.openSession(tb)
	c.makeMessages()
	c.openMarket(tb)
	return c
}

func (c *chain) take(e *event.Event) bool {
	c.seq.Take(c.now, e)
	return true
}

func (c *chain) obey(cmd *event.Command) {
	if cmd.Kind != event.SendOrder {
		return
	}
	c.sent = *cmd
	v := fix.Values{ID: cmd.Child, Qty: int64(cmd.Qty), Price: int64(cmd.Price)}
	if err := c.session.SendTemplate(c.order, c.now, &v); err != nil {
		panic(err)
	}
	c.bytes = len(c.session.Out())
	c.session.Wrote(c.bytes)
}

// openSession logs an initiator on to an acceptor, in memory.
func (c *chain) openSession(tb testing.TB) {
	cfg := fix.Config{BeginString: "FIX.4.4", SenderCompID: "PENSTOCK", TargetCompID: "VENUE", HeartBtIntSecs: 3600,
		App: func(*fix.Message, int64) bool { return true }}
	var err error
	if c.session, err = fix.NewSession(cfg, nil); err != nil {
		tb.Fatal(err)
	}
	cfg.Role, cfg.SenderCompID, cfg.TargetCompID = fix.Acceptor, "VENUE", "PENSTOCK"
	venue, err := fix.NewSession(cfg, nil)
	if err != nil {
		tb.Fatal(err)
	}
	c.session.Connected(c.now)
	venue.Connected(c.now)
	for range 4 {
		out := append([]byte(nil), c.session.Out()...)
		c.session.Wrote(len(out))
		venue.Receive(c.now, out)
		out = append([]byte(nil), venue.Out()...)
		venue.Wrote(len(out))
		c.session.Receive(c.now, out)
	}
	if !c.session.CanSend() {
		tb.Fatal("the session is not logged on")
	}
	c.order, err = c.session.NewTemplate(fix.TemplateSpec{MsgType: "D", TransactTime: true, PriceDecimals: 4,
		Static: []fix.Static{{Tag: 55, Value: "PSTK"}, {Tag: 54, Value: "1"}, {Tag: 40, Value: "2"}, {Tag: 59, Value: "3"}}})
	if err != nil {
		tb.Fatal(err)
	}
}

func message(kind byte, size int) []byte {
	m := make([]byte, size)
	m[0] = kind
	binary.BigEndian.PutUint16(m[1:], 7) // locate
	return m
}

func stamp(m []byte, nanos int64) {
	binary.BigEndian.PutUint16(m[5:], uint16(nanos>>32))
	binary.BigEndian.PutUint32(m[7:], uint32(nanos))
}

func (c *chain) makeMessages() {
	c.directory = message('R', 39)
	copy(c.directory[11:], "PSTK    ")
	c.add = message('A', 36)
	copy(c.add[24:], "PSTK    ")
	c.del = message('D', 19)
}

func (c *chain) addOrder(side byte, price market.Price, qty uint32) {
	c.ref++
	stamp(c.add, c.now-midnight)
	binary.BigEndian.PutUint64(c.add[11:], c.ref)
	c.add[19] = side
	binary.BigEndian.PutUint32(c.add[20:], qty)
	binary.BigEndian.PutUint32(c.add[32:], uint32(price))
	c.decode(c.add)
}

func (c *chain) decode(m []byte) {
	if err := c.decoder.Decode(c.now, m); err != nil {
		panic(err)
	}
}

// openMarket opens sessions and books and sends the parent.
func (c *chain) openMarket(tb testing.TB) {
	c.seq.Take(c.now, &event.Event{Kind: event.SessionStart, Ref: 217_000_000})
	for v := range 7 {
		id := market.VenueID(v)
		c.seq.Take(c.now, &event.Event{Kind: event.VenueSession, Venue: id, Code: uint8(event.SessionUp)})
		if v == 1 || v == 2 {
			c.openBook(id)
		}
	}
	c.decoder.Reset(c.now)
	c.decode(c.directory)
	c.decoder.Live(c.now)
	for i := range 10 {
		c.addOrder('B', limitPrice-market.Price(100*(i+2)), 500)
		c.addOrder('S', limitPrice+market.Price(100*(i+2)), 500)
	}
	parent := event.Event{Kind: event.ParentNew, Side: market.Buy, Qty: 3000, OrdType: market.OrdLimit,
		Price: limitPrice, TIF: market.TIFDay, Strategy: event.StrategyTWAP, Until: c.now + 60e9, SliceNanos: 60e9}
	parent.ID, _ = event.MakeID("BENCH")
	c.seq.Take(c.now, &parent)
	// What the first decisions sent rests or ends; the last decision takes.
	c.now += 55e9
	c.seq.TakeTimer(c.now)
	c.answerAll()
	if len(c.core.Parents()) != 1 || !c.core.Parents()[0].Live() {
		tb.Fatal("the parent was not accepted")
	}
}

func (c *chain) openBook(v market.VenueID) {
	level := func(side market.Side, price market.Price, flags event.Flags) {
		c.seq.Take(c.now, &event.Event{Kind: event.BookLevel, Venue: v, Side: side, Price: price, Qty: 500, Flags: flags})
	}
	for i := range 10 {
		level(market.Buy, limitPrice-market.Price(100*(i+2)), event.More)
		level(market.Sell, limitPrice+market.Price(100*(i+2)), event.More)
	}
	c.seq.Take(c.now, &event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
}

// answerAll lets the venues cancel every open child.
func (c *chain) answerAll() {
	for i := range c.core.Children() {
		if ch := &c.core.Children()[i]; !ch.Released {
			c.cancelled(ch.Number, ch.Venue)
		}
	}
}

func (c *chain) cancelled(child uint64, v market.VenueID) {
	c.e = event.Event{Kind: event.Exec, Venue: v, Ref: child, Code: uint8(market.ExecCanceled),
		OrdStatus: market.StatusCanceled}
	c.seq.Take(c.now, &c.e)
}

// tick is the measured part: a message that brings the ask to the limit.
func (c *chain) tick() { c.addOrder('S', limitPrice, 300) }

// reset undoes it. The message rate of the venue sees time pass.
func (c *chain) reset() {
	c.decodeDelete()
	c.cancelled(c.sent.Child, c.sent.Venue)
	c.now += 2_000
	c.rounds++
}

func (c *chain) decodeDelete() {
	stamp(c.del, c.now-midnight)
	binary.BigEndian.PutUint64(c.del[11:], c.ref)
	c.decode(c.del)
}

// lastOrder encodes the last order again and returns its bytes.
func (c *chain) lastOrder(t *testing.T) []byte {
	v := fix.Values{ID: c.sent.Child, Qty: int64(c.sent.Qty), Price: int64(c.sent.Price)}
	if err := c.session.SendTemplate(c.order, c.now, &v); err != nil {
		t.Fatal(err)
	}
	out := append([]byte(nil), c.session.Out()...)
	c.session.Wrote(len(out))
	return out
}
