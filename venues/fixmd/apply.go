package fixmd

import (
	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// update is one entry in numbers.
type update struct {
	first, last uint64 // numbers of the update; last 0: none
	serial      uint64 // of the message
	price, qty  int64  // in units of the venue's precision
	ref, was    uint64 // KeyID: the order, and what it was called before
	position    int
	action      byte
	side        market.Side // 0: as the order's
	hasPrice    bool
	hasQty      bool
	trade       bool
}

// subscription finds the book whose request a message answers. current is false
// for what belongs to a request given up.
func (d *Decoder) subscription() (own *book, current bool) {
	id := d.head.reqID
	b := d.books.requested(id)
	if b == nil || len(b.reqID) == 0 {
		return nil, true
	}
	return b, string(id[1:]) == string(b.reqID)
}

// incremental decodes X.
func (d *Decoder) incremental(now int64, m *fix.Message) error {
	scanErr := d.scan(m, d.dialect.FirstX)
	own, current := d.subscription()
	if !current {
		d.stats.Old++
		return nil
	}
	if scanErr != nil {
		return d.refuse(now, m, own, false)
	}
	d.begin(now, d.head.sourceTime())
	d.copied = nil
	used := d.stats.Statistics
	for i := range d.entries {
		if d.entry(now, own, &d.entries[i]) != nil {
			return d.refuse(now, m, own, true)
		}
	}
	if d.copied != nil && d.copied.live && d.settleCopy(d.copied, d.head.crc) != nil {
		return d.refuse(now, m, own, true)
	}
	if len(d.list) > 0 || d.stats.Statistics > used {
		d.stats.Used++
	}
	d.finish(now)
	return nil
}

// entry takes one entry of X.
func (d *Decoder) entry(now int64, own *book, e *entry) error {
	b := own
	if e.symbol != nil {
		b = d.books.find(e.symbol)
		switch {
		case b == nil:
			d.stats.Ignored++
			return nil
		case own != nil && b != own:
			return d.bad(fix.TagSymbol, e.symbol, ErrAbsurd, "not the symbol of the subscription")
		}
	}
	switch {
	case b == nil:
		return d.bad(fix.TagSymbol, nil, ErrMalformed, "no symbol")
	case e.seen&hasAction == 0:
		return d.bad(fix.TagMDUpdateAction, nil, ErrMalformed, "no action")
	case d.dialect.NoBook:
		return d.statistic(e)
	}
	var u update
	if err := d.number(e, &u); err != nil {
		return err
	}
	u.serial = d.serial
	if statistic(e.kind) || e.kind == '2' && e.action == '2' { // a trade taken back is none
		if b.live && u.last != 0 {
			d.follows(now, b, &u)
		}
		return d.statistic(e)
	}
	if err := d.read(b, e, &u); err != nil {
		return err
	}
	if !b.live {
		d.early(b, &u)
		return nil
	}
	if u.last == 0 && d.dialect.Numbered && !u.trade {
		return d.bad(d.dialect.Last, nil, ErrMalformed, "no number of the update")
	}
	if u.last != 0 && !d.follows(now, b, &u) {
		return nil
	}
	return d.apply(b, &u)
}

func (d *Decoder) statistic(e *entry) error {
	if e.kind == 0 {
		return d.bad(fix.TagMDEntryType, nil, ErrMalformed, "no entry type")
	}
	if e.price != nil && !plainDecimal(e.price) {
		return d.bad(fix.TagMDEntryPx, e.price, ErrMalformed, market.ErrDecimal.Error())
	}
	d.stats.Statistics++
	return nil
}

// plainDecimal reports whether text is [-]digits[.digits], of any length: some
// venues write their rounding errors.
func plainDecimal(text []byte) bool {
	digits, points := 0, 0
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			digits++
		case c == '.':
			points++
		case c != '-' || i > 0:
			return false
		}
	}
	return digits > 0 && points <= 1
}

// number reads the numbers of an update.
func (d *Decoder) number(e *entry, u *update) error {
	if e.last == nil {
		return nil
	}
	last, err := fix.ParseInt(e.last)
	if err != nil || last < 0 {
		return d.bad(d.dialect.Last, e.last, ErrMalformed, "not a number of an update")
	}
	first := last
	if e.first != nil {
		if first, err = fix.ParseInt(e.first); err != nil || first < 0 || first > last {
			return d.bad(d.dialect.First, e.first, ErrMalformed, "not a number up to the last")
		}
	}
	u.first, u.last = uint64(first), uint64(last)
	return nil
}

// follows reports whether an update comes next. What was there is passed over; a
// gap takes the book out of use. All entries of one message may share a number.
func (d *Decoder) follows(now int64, b *book, u *update) bool {
	switch {
	case b.seq == 0: // the snapshot had no number
	case u.last < b.seq, u.last == b.seq && b.serial != u.serial:
		d.stats.Duplicates++
		return false
	case u.first > b.seq+1:
		d.stats.Gaps++
		d.lose(now, b, event.ReasonGap)
		return false
	}
	b.seq, b.serial = u.last, u.serial
	return true
}

// early keeps an update for a book that waits for its snapshot, if the venue
// numbers them. A trade is told at once and does not come again.
func (d *Decoder) early(b *book, u *update) {
	if u.trade {
		d.trade(b, u)
		if !d.dialect.TradesReduce {
			return
		}
	}
	switch {
	case d.cfg.Held == 0 || u.last == 0 || d.dialect.SnapshotLast == 0:
		d.stats.Early++
	case len(b.held) == d.cfg.Held:
		d.stats.Early++ // shows as a gap behind the snapshot
	default:
		d.stats.Held++
		b.held = append(b.held, *u)
	}
}

// read turns the text of an entry into numbers.
func (d *Decoder) read(b *book, e *entry, u *update) error {
	u.action = e.action
	switch e.kind {
	case '0':
		u.side = market.Buy
	case '1':
		u.side = market.Sell
	case '2':
		u.trade = true
		if e.taker == '1' || e.taker == '2' {
			u.side = market.Side(e.taker)
		}
	case 0:
		if d.dialect.Key != KeyID || e.action == '0' {
			return d.bad(fix.TagMDEntryType, nil, ErrMalformed, "no entry type")
		}
	default:
		return d.bad(fix.TagMDEntryType, nil, ErrMalformed, "unknown entry type "+string(rune(e.kind)))
	}
	if e.price != nil {
		v, err := market.ParseDecimal(e.price, b.PricePrecision)
		if err != nil {
			return d.bad(fix.TagMDEntryPx, e.price, ErrMalformed, err.Error())
		}
		if v <= 0 || v > int64(market.MaxPrice)/b.priceK {
			return d.bad(fix.TagMDEntryPx, e.price, ErrAbsurd, "price out of range")
		}
		u.price, u.hasPrice = v, true
	}
	if e.qty != nil {
		v, err := market.ParseDecimal(e.qty, b.QtyPrecision)
		if err != nil {
			return d.bad(fix.TagMDEntrySize, e.qty, ErrMalformed, err.Error())
		}
		if v < 0 || v > int64(market.MaxQty)/b.qtyK {
			return d.bad(fix.TagMDEntrySize, e.qty, ErrAbsurd, "size out of range")
		}
		u.qty, u.hasQty = v, true
		if !e.firm && !u.trade {
			u.qty = 0 // shown, but not to be dealt on
		}
	}
	return d.identify(b, e, u)
}

// identify reads what the dialect's entries are known by.
func (d *Decoder) identify(b *book, e *entry, u *update) error {
	switch d.dialect.Key {
	case KeyID:
		if e.id != nil {
			u.ref = reference(b.index, e.id)
			u.was = u.ref
		}
		if e.ref != nil && e.action != '0' {
			u.was = reference(b.index, e.ref)
			if u.ref == 0 {
				u.ref = u.was
			}
		}
		if u.ref == 0 && !u.trade && !d.dialect.AckWithoutID {
			return d.bad(fix.TagMDEntryID, nil, ErrMalformed, "neither 278 nor 280")
		}
	case KeyPosition:
		if e.position != nil {
			n, err := fix.ParseInt(e.position)
			if err != nil || n < 1 || n > maxDepth {
				return d.bad(fix.TagMDEntryPositionNo, e.position, ErrMalformed, "not a position")
			}
			u.position = int(n)
		}
	case KeyPrice:
		if !u.hasPrice && !u.trade {
			return d.bad(fix.TagMDEntryPx, nil, ErrMalformed, "no price")
		}
	}
	if u.trade && (!u.hasPrice || u.qty == 0) {
		return d.bad(fix.TagMDEntryPx, nil, ErrMalformed, "a trade needs price and size")
	}
	return nil
}

// apply makes changes of an update that is the next of a live book, or of a
// snapshot.
func (d *Decoder) apply(b *book, u *update) error {
	if u.trade {
		d.trade(b, u)
		return d.tradeReduces(b, u)
	}
	if d.dialect.Key == KeyID && u.ref == 0 {
		d.stats.Acks++ // an order that is not on the book yet
		return nil
	}
	if u.action != '2' && !u.hasQty && (d.dialect.Key != KeyID || u.action == '0') {
		return d.bad(fix.TagMDEntrySize, nil, ErrMalformed, "no size")
	}
	switch d.dialect.Key {
	case KeyID:
		return d.applyOrder(b, u)
	case KeyPosition:
		return d.applyPosition(b, u)
	}
	qty := u.qty
	if u.action == '2' {
		qty = 0
	}
	if d.cfg.ownCopy() {
		if err := d.copy(b); err != nil {
			return err
		}
		b.ladders[u.side.Index()].set(u.price, qty)
	}
	d.level(b, u.side, u.price, qty)
	return nil
}

func (d *Decoder) trade(b *book, u *update) {
	d.stats.Trades++
	d.list = append(d.list, change{book: int32(b.index), kind: event.MarketTrade, side: u.side,
		price: u.price * b.priceK, qty: u.qty * b.qtyK})
}

// tradeReduces takes a trade from the order that it names.
func (d *Decoder) tradeReduces(b *book, u *update) error {
	if !d.dialect.TradesReduce || u.ref == 0 {
		return nil
	}
	o := d.orders.find(u.ref)
	switch {
	case o == nil:
		d.stats.NoOrder++
	case u.qty > o.qty:
		return d.bad(fix.TagMDEntrySize, nil, ErrAbsurd, "trade above what the order shows")
	default:
		d.order(b, event.OrderExecuted, o.ref, o.side, u.price, u.qty)
		if o.qty -= u.qty; o.qty == 0 {
			d.orders.remove(u.ref)
		}
	}
	return nil
}

// applyOrder changes the order that an update names. A change of price, or to a
// larger size, is an order that leaves and comes again: it lost its place.
func (d *Decoder) applyOrder(b *book, u *update) error {
	o := d.orders.find(u.was)
	if u.action == '0' {
		if o != nil || !u.hasPrice {
			return d.bad(fix.TagMDEntryID, nil, ErrAbsurd, "new order is there already, or has no price")
		}
		return d.addOrder(b, resting{ref: u.ref, price: u.price, qty: u.qty, book: int32(b.index), side: u.side})
	}
	if o == nil {
		if u.action == '2' || d.dialect.AckWithoutID {
			d.stats.NoOrder++
			if d.dialect.AckWithoutID {
				return nil // it was never on the book
			}
		}
		return d.bad(fix.TagMDEntryID, nil, ErrAbsurd, "order is not on the book")
	}
	next := *o
	next.ref = u.ref
	if u.hasPrice {
		next.price = u.price
	}
	if u.hasQty {
		next.qty = u.qty
	}
	switch {
	case u.action == '2':
		next.qty = 0
	case u.side != 0 && u.side != o.side:
		return d.bad(fix.TagMDEntryType, nil, ErrAbsurd, "order changed its side")
	case next.ref == o.ref && next.price == o.price && next.qty > 0 && next.qty <= o.qty:
		if next.qty < o.qty {
			d.order(b, event.OrderReduced, o.ref, o.side, o.price, o.qty-next.qty)
			o.qty = next.qty
		}
		return nil
	}
	if o.qty > 0 {
		d.order(b, event.OrderDeleted, o.ref, o.side, o.price, 0)
	}
	d.orders.remove(o.ref)
	if u.action == '2' {
		return nil
	}
	if next.ref != u.was && d.orders.find(next.ref) != nil {
		return d.bad(fix.TagMDEntryID, nil, ErrAbsurd, "new id is that of another order")
	}
	return d.addOrder(b, next)
}

func (d *Decoder) addOrder(b *book, o resting) error {
	if !d.orders.insert(o) {
		return d.bad(0, nil, ErrAbsurd, "more orders than Orders allows")
	}
	if o.qty > 0 {
		d.order(b, event.OrderAdd, o.ref, o.side, o.price, o.qty)
	}
	return nil
}

// applyPosition changes the level at a position; a new one moves those behind it
// down, a delete moves them up.
func (d *Decoder) applyPosition(b *book, u *update) error {
	if err := d.copy(b); err != nil {
		return err
	}
	l := &b.ladders[u.side.Index()]
	i := u.position - 1
	limit := len(l.rungs)
	if u.action == '0' {
		limit++
	}
	if u.position == 0 || i >= limit {
		return d.bad(fix.TagMDEntryPositionNo, nil, ErrAbsurd, "no such position in the book")
	}
	if u.action != '2' && (u.qty == 0 || u.action == '0' && !u.hasPrice) {
		return d.bad(fix.TagMDEntrySize, nil, ErrAbsurd, "a level needs price and size")
	}
	switch u.action {
	case '0':
		l.insert(i, rung{u.price, u.qty})
	case '1':
		was := l.rungs[i]
		l.rungs[i].qty = u.qty
		if u.hasPrice && u.price != was.price {
			l.rungs[i].price = u.price
			d.level(b, u.side, was.price, 0)
		}
	case '2':
		d.level(b, u.side, l.rungs[i].price, 0)
		l.remove(i)
		return nil
	}
	if !l.inOrder(i) {
		return d.bad(fix.TagMDEntryPx, nil, ErrAbsurd, "price does not fit its position")
	}
	d.level(b, u.side, l.rungs[i].price, u.qty)
	return nil
}

// copy notes that the message changes the ladders of b, and completes those of the
// book before.
func (d *Decoder) copy(b *book) error {
	if was := d.copied; was != nil && was != b && was.live {
		if err := d.settleCopy(was, nil); err != nil {
			return err
		}
	}
	d.copied = b
	return nil
}

// settleCopy forgets the levels beyond the subscribed depth and compares the
// checksum, when there is one.
func (d *Decoder) settleCopy(b *book, crc []byte) error {
	for i := range b.ladders {
		l := &b.ladders[i]
		for n := len(l.rungs) - 1; n >= d.cfg.Depth; n-- {
			d.level(b, l.side, l.rungs[n].price, 0)
			l.rungs = l.rungs[:n]
		}
	}
	if crc == nil || d.dialect.Checksum == 0 {
		return nil
	}
	want, err := fix.ParseInt(crc)
	if err != nil {
		return d.bad(d.dialect.Checksum, crc, ErrMalformed, "not a checksum")
	}
	var sum uint32
	if sum, d.scratch = checksum(&b.ladders, d.scratch); int64(sum) != want {
		return d.bad(d.dialect.Checksum, crc, ErrChecksum, "")
	}
	d.stats.ChecksumOK++
	return nil
}
