package serve

import (
	"encoding/binary"
	"maps"
	"slices"

	"penstock/market"
	"penstock/venues/sim"
)

// itchFeed writes ITCH 5.0 messages. Times are nanoseconds since midnight UTC.
type itchFeed struct {
	mold     *mold
	midnight int64
	symbol   [8]byte
	up, down int64 // price increments × up / down is 1/10000
	buf      []byte
	halted   bool
	auction  bool // the reason of it
	// restricted says that a price test holds for short sales.
	restricted bool
	corrupt    bool                    // the next order is announced with no shares
	resting    map[uint64]restingOrder // by the reference in messages
}

// restingOrder is what an A message says of an order that is still there.
type restingOrder struct {
	side  market.Side
	qty   market.Qty
	price market.Price
}

// stockLocate is the number of the only instrument.
const stockLocate = 1

// itchFits reports whether ITCH can carry the instrument: whole shares, prices in
// 1/10000, and a symbol of eight characters.
func itchFits(in *market.Instrument, symbol string) bool {
	up, down := itchScale(in)
	return in.QtyDecimals == 0 && len(symbol) <= 8 && int64(in.Tick)*up%down == 0
}

func itchScale(in *market.Instrument) (up, down int64) {
	if in.PriceDecimals <= 4 {
		return market.Pow10(4 - in.PriceDecimals), 1
	}
	return 1, market.Pow10(in.PriceDecimals - 4)
}

// newITCHFeed opens the session: system events, the stock directory, trading.
func newITCHFeed(s *Server, now int64) *itchFeed {
	f := &itchFeed{mold: s.mold, midnight: s.market.Midnight()}
	copy(f.symbol[:], "        ")
	copy(f.symbol[:], s.cfg.Symbol)
	f.up, f.down = itchScale(s.in)
	f.resting = map[uint64]restingOrder{}
	f.open(now)
	return f
}

// open says what each session begins with.
func (f *itchFeed) open(now int64) {
	f.system(now, 'O')
	f.directory(now)
	f.send(now)
	f.state(now)
	f.send(now)
	f.system(now, 'S')
	f.system(now, 'Q')
}

// repeat builds the messages by which somebody who has heard nothing gets the
// orders that rest, oldest first, and calls say after each.
func (f *itchFeed) repeat(now int64, say func(now int64)) {
	for _, ref := range slices.Sorted(maps.Keys(f.resting)) {
		o := f.resting[ref]
		f.order(now, ref, o)
		say(now)
	}
}

// start begins a message: type, StockLocate, tracking number, time.
func (f *itchFeed) start(kind byte, locate uint16, now int64) {
	f.buf = append(f.buf[:0], kind)
	f.buf = binary.BigEndian.AppendUint16(f.buf, locate)
	f.buf = binary.BigEndian.AppendUint16(f.buf, 0)
	var t [8]byte
	binary.BigEndian.PutUint64(t[:], uint64(now-f.midnight))
	f.buf = append(f.buf, t[2:]...)
}

func (f *itchFeed) u64(v uint64)        { f.buf = binary.BigEndian.AppendUint64(f.buf, v) }
func (f *itchFeed) u32(v uint32)        { f.buf = binary.BigEndian.AppendUint32(f.buf, v) }
func (f *itchFeed) text(s string)       { f.buf = append(f.buf, s...) }
func (f *itchFeed) shares(q market.Qty) { f.u32(uint32(q)) }

func (f *itchFeed) price(p market.Price) { f.u32(uint32(int64(p) * f.up / f.down)) }

func (f *itchFeed) send(now int64) { f.mold.add(now, f.buf) }

func (f *itchFeed) system(now int64, event byte) {
	f.start('S', 0, now)
	f.buf = append(f.buf, event)
	f.send(now)
}

// directory is the R message of a common stock in round lots of 100.
func (f *itchFeed) directory(now int64) {
	f.start('R', stockLocate, now)
	f.buf = append(f.buf, f.symbol[:]...)
	f.text("QN") // global select market, financial status normal
	f.u32(100)
	f.text("N" + "C" + "Z " + "P" + "N" + "N" + "1" + "N")
	f.u32(0)
	f.text("N")
}

// state is the H message.
func (f *itchFeed) state(now int64) {
	state := byte('T')
	switch {
	case f.halted && f.auction:
		state = 'Q'
	case f.halted:
		state = 'H'
	}
	f.start('H', stockLocate, now)
	f.buf = append(f.buf, f.symbol[:]...)
	f.buf = append(f.buf, state, ' ')
	f.text("    ")
}

// shorts is the Y message: whether a price test holds for short sales.
func (f *itchFeed) shorts(now int64) {
	f.start('Y', stockLocate, now)
	f.buf = append(f.buf, f.symbol[:]...)
	f.buf = append(f.buf, map[bool]byte{false: '0', true: '1'}[f.restricted])
}

// collar is the J message.
func (f *itchFeed) collar(now int64, low, high market.Price) {
	f.start('J', stockLocate, now)
	f.buf = append(f.buf, f.symbol[:]...)
	f.price((low + high) / 2)
	f.price(high)
	f.price(low)
	f.u32(0)
	f.send(now)
}

// order is the A message of an order.
func (f *itchFeed) order(now int64, ref uint64, o restingOrder) {
	f.start('A', stockLocate, now)
	f.u64(ref)
	f.buf = append(f.buf, sideLetter(o.side))
	f.shares(o.qty)
	f.buf = append(f.buf, f.symbol[:]...)
	f.price(o.price)
}

func (f *itchFeed) change(c *sim.BookChange) {
	switch c.Kind {
	case sim.BookAdd:
		o := restingOrder{c.Side, c.Qty, c.Price}
		if f.corrupt {
			f.corrupt, o.qty = false, 0
		}
		f.order(c.Time, c.Ref, o)
	case sim.BookExecute:
		f.start('E', stockLocate, c.Time)
		f.u64(c.Ref)
		f.shares(c.Qty)
		f.u64(c.Match)
	case sim.BookReduce:
		f.start('X', stockLocate, c.Time)
		f.u64(c.Ref)
		f.shares(c.Qty)
	case sim.BookDelete:
		f.start('D', stockLocate, c.Time)
		f.u64(c.Ref)
	}
	f.send(c.Time)
	f.keep(c)
}

// keep follows the orders that rest.
func (f *itchFeed) keep(c *sim.BookChange) {
	ref := c.Ref
	o := f.resting[ref]
	switch c.Kind {
	case sim.BookAdd:
		o = restingOrder{c.Side, c.Qty, c.Price}
	case sim.BookExecute, sim.BookReduce:
		o.qty -= c.Qty
	case sim.BookDelete:
		o.qty = 0
	}
	if o.qty == 0 {
		delete(f.resting, ref)
		return
	}
	f.resting[ref] = o
}

func sideLetter(s market.Side) byte {
	if s == market.Buy {
		return 'B'
	}
	return 'S'
}

// trade says nothing: trades of displayed orders are E messages.
func (f *itchFeed) trade(*sim.Trade) {}

func (f *itchFeed) halt(now int64, halted bool) {
	f.halted = halted
	f.state(now)
	f.send(now)
}

func (f *itchFeed) serve() { f.mold.serve() }

// close ends the day and the session.
func (f *itchFeed) close(now int64) error {
	f.system(now, 'M')
	f.system(now, 'E')
	f.system(now, 'C')
	return f.mold.close(now)
}
