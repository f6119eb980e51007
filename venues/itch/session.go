package itch

import (
	"cmp"
	"encoding/binary"
	"slices"

	"penstock/event"
)

// withoutBook takes a message that names no book in use. Those that concern all
// books, or bind one, are among them.
func (d *Decoder) withoutBook(now int64, b *book, msg []byte) error {
	switch msg[0] {
	case typeSystemEvent:
		return d.systemEvent(now, msg)
	case typeBreakerBreach:
		return d.breakerBreach(now, msg)
	case typeStockDirectory:
		return d.directory(now, b, msg)
	}
	if b == &d.books[0] {
		d.stats.Ignored++
	} else {
		d.stats.Withheld++
	}
	return nil
}

// stateMessage takes the messages of a book in use that are not of orders. Those
// that it does not name tell of things that no book here keeps: market makers (L), decline levels (V), IPO releases (K), retail
// interest (N), direct listings (O), broken trades (B), auction imbalances (I).
func (d *Decoder) stateMessage(now int64, b *book, msg []byte) error {
	switch msg[0] {
	case typeSystemEvent:
		return d.systemEvent(now, msg)
	case typeBreakerBreach:
		return d.breakerBreach(now, msg)
	case typeStockDirectory:
		return d.directory(now, b, msg)
	case typeTradingAction:
		return d.tradingAction(now, b, msg)
	case typeRegSHO:
		return d.regSHO(now, b, msg)
	case typeOperationalHalt:
		return d.operationalHalt(now, b, msg)
	case typeAuctionCollar:
		return d.auctionCollar(now, b, msg)
	case typeCrossTrade:
		return d.crossTrade(now, b, msg)
	}
	return nil
}

// systemEvent closes every book at the end of system hours (E) or of messages
// (C). The market open and close in between change nothing here: orders rest and
// trade before and after.
func (d *Decoder) systemEvent(now int64, msg []byte) error {
	switch msg[11] {
	case 'O', 'S', 'Q', 'M':
		return nil
	case 'E', 'C':
		d.closed, d.owed = true, true
		d.Settle(now) // what the sink does not take now goes out before the next message
		return nil
	}
	return ErrValue
}

// directory takes a line of the stock directory. What it says of other stocks is
// ignored.
func (d *Decoder) directory(now int64, bound *book, msg []byte) error {
	b, err := d.stockDirectory(now, bound, msg)
	switch {
	case err != nil:
		d.blamed = b
	case b == &d.books[0]:
		d.stats.Ignored++
	}
	return err
}

// stockDirectory binds a locate code to a configured instrument for the session
// and returns its book. bound is the book that the code names so far. With an error
// it returns the book that cannot be trusted any more.
func (d *Decoder) stockDirectory(now int64, bound *book, msg []byte) (*book, error) {
	i := d.find(msg[11:19])
	b := &d.books[i]
	switch {
	case bound == b:
		return b, nil
	case bound != &d.books[0]:
		return bound, ErrValue // one code for two stocks
	case b.listed:
		return b, ErrValue // two codes for one stock
	}
	d.byLocate[locate(msg)] = i
	d.setLane(locate(msg), i)
	b.listed = true
	d.owed = !d.settleBook(now, b) || d.owed
	return b, nil
}

// listed is the text of a book, as a number, and its index.
type listed struct {
	text uint64
	book uint16
}

func (d *Decoder) nameBooks() {
	for i := 1; i < len(d.books); i++ {
		d.names = append(d.names, listed{binary.BigEndian.Uint64(d.books[i].text[:]), uint16(i)})
	}
	slices.SortFunc(d.names, func(a, b listed) int { return cmp.Compare(a.text, b.text) })
}

// find returns the index of the book of a padded symbol, 0 if there is none.
func (d *Decoder) find(text []byte) uint16 {
	want := binary.BigEndian.Uint64(text)
	i, found := slices.BinarySearchFunc(d.names, want, func(l listed, text uint64) int {
		return cmp.Compare(l.text, text)
	})
	if !found {
		return 0
	}
	return d.names[i].book
}

// tradingAction halts a book, opens its auction or sets it free, here and on every other
// market that trades the stock. Halted and paused are one to us; a quotation-only period
// collects orders for the auction that ends it.
func (d *Decoder) tradingAction(now int64, b *book, msg []byte) error {
	switch msg[19] {
	case 'H', 'P':
		b.halted, b.auction = true, false
	case 'Q':
		b.halted, b.auction = false, true
	case 'T':
		b.halted, b.auction, b.low, b.high = false, false, 0, 0
	default:
		return ErrValue
	}
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// operationalHalt halts a book, or sets it free, on this market alone.
func (d *Decoder) operationalHalt(now int64, b *book, msg []byte) error {
	on, act := msg[19], msg[20]
	if on != 'Q' && on != 'B' && on != 'X' || act != 'H' && act != 'T' {
		return ErrValue
	}
	if d.market == 0 || d.market == on {
		b.outage = act == 'H'
		d.owed = !d.settleBook(now, b) || d.owed
	}
	return nil
}

// regSHO takes whether a price test holds for short sales of a stock, on every market: since
// its price fell today (1), or still from the day before (2). It is no part of what a Reset
// forgets: only the venue lifts it.
func (d *Decoder) regSHO(now int64, b *book, msg []byte) error {
	action := msg[19]
	if action < '0' || action > '2' {
		return ErrValue
	}
	b.shorts = action
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// restricted reports whether a RegSHOAction says that the price test holds.
func restricted(action byte) bool { return action == '1' || action == '2' }

// auctionCollar takes the prices between which the auction that ends a pause may execute
// (LULD Auction Collar). They end with it.
func (d *Decoder) auctionCollar(now int64, b *book, msg []byte) error {
	upper, lower := binary.BigEndian.Uint32(msg[23:]), binary.BigEndian.Uint32(msg[27:])
	high, ok := b.price(upper)
	low, too := b.price(lower)
	if !ok && upper != 0 || !too && lower != 0 || high != 0 && low > high {
		return ErrValue
	}
	b.low, b.high = low, high
	d.owed = !d.settleBook(now, b) || d.owed
	return nil
}

// breakerBreach halts every book: the market as a whole has fallen too far. The
// trading actions that follow say how each stock goes on.
func (d *Decoder) breakerBreach(now int64, msg []byte) error {
	if level := msg[11]; level < '1' || level > '3' {
		return ErrValue
	}
	for i := 1; i < len(d.books); i++ {
		d.books[i].halted = true
	}
	d.owed = true
	d.Settle(now)
	return nil
}

// misfit counts a message that is not of the specification. One of a known type
// was meant for a book: that book is missing it now. An unknown type is passed
// over, since a venue may add types that do not concern books.
func (d *Decoder) misfit(now int64, msg []byte) error {
	if len(msg) == 0 || lengths[msg[0]] != 0 {
		d.stats.Malformed++
		d.misfitBooks(now, msg)
		return refusal(msg, ErrLength)
	}
	d.stats.Unknown++
	return refusal(msg, ErrType)
}

func (d *Decoder) misfitBooks(now int64, msg []byte) {
	if len(msg) >= 3 {
		if i := d.byLocate[locate(msg)]; i != 0 {
			d.distrust(now, &d.books[i], event.ReasonMalformed)
		}
		return
	}
	for i := 1; i < len(d.books); i++ {
		d.distrust(now, &d.books[i], event.ReasonMalformed)
	}
}

// absurd counts a message whose values cannot be true and
// takes its book out of use.
func (d *Decoder) absurd(now int64, b *book, msg []byte, err error) error {
	d.stats.Types[msg[0]]++
	d.stats.Absurd++
	if d.blamed != nil {
		b, d.blamed = d.blamed, nil
	}
	if b != &d.books[0] {
		d.distrust(now, b, event.ReasonAbsurd)
	}
	return refusal(msg, err)
}
