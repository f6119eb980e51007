package itch

import (
	"fmt"
	"math"

	"penstock/event"
	"penstock/market"
)

// priceDecimals are those of an ITCH Price(4).
const priceDecimals = 4

// Symbol binds an instrument to the text by which the venue lists it.
type Symbol struct {
	Text          string // as in the stock directory, without its padding, at most 8 bytes
	ID            market.InstrumentID
	PriceDecimals uint8 // of the instrument: one Price is 10^-PriceDecimals
	QtyDecimals   uint8 // of the instrument: one Qty is 10^-QtyDecimals
}

// book is what the decoder knows of one instrument: how to scale its numbers
// and what the receivers of its events believe of its book.
type book struct {
	id       market.InstrumentID
	text     [8]byte
	priceMul int64 // price = wire × priceMul / priceDiv; one of them is 1
	priceDiv int64
	qtyMul   int64
	scale    uint8 // the same, in the decoder's scales

	code              uint16       // its locate code
	listed            bool         // that is known
	halted            bool         // by a trading action
	auction           bool         // likewise: orders are collected, nothing trades
	outage            bool         // by an operational halt
	low, high         market.Price // collars of the auction to come, 0 for none
	broken            event.Reason // why events were left out; ReasonNone when none were
	told              event.BookState
	clear             bool            // a BookClear is owed
	market            event.BookState // that was told of the whole market, BookEmpty: nothing
	toldLow, toldHigh market.Price
	shorts            byte // RegSHOAction: the price test for short sales; 0: nothing was said
	toldShorts        byte
}

func newBook(s Symbol) (book, error) {
	b := book{id: s.ID, market: event.BookLive, priceMul: 1, priceDiv: 1, qtyMul: market.Pow10(s.QtyDecimals)}
	if copy(b.text[:], "        "); len(s.Text) == 0 || len(s.Text) > len(b.text) {
		return b, fmt.Errorf("itch symbol %q: must be 1 to 8 characters", s.Text)
	}
	if s.PriceDecimals > 9 || s.QtyDecimals > 9 {
		return b, fmt.Errorf("itch symbol %q: decimals must be 0 to 9", s.Text)
	}
	copy(b.text[:], s.Text)
	if s.PriceDecimals >= priceDecimals {
		b.priceMul = market.Pow10(s.PriceDecimals - priceDecimals)
	} else {
		b.priceDiv = market.Pow10(priceDecimals - s.PriceDecimals)
	}
	return b, nil
}

// price scales a Price(4); ok is false for zero and for a price that is no
// whole number of the instrument's increments.
func (b *book) price(wire uint32) (p market.Price, ok bool) {
	if b.priceDiv == 1 {
		return market.Price(int64(wire) * b.priceMul), wire != 0
	}
	v := int64(wire)
	return market.Price(v / b.priceDiv), v != 0 && v%b.priceDiv == 0
}

// qty scales shares.
func (b *book) qty(wire uint32) market.Qty { return market.Qty(int64(wire) * b.qtyMul) }

const _ uint64 = math.MaxInt64 - math.MaxUint32*1_000_000_000 // no overflow in price and qty

// Reset says that the stream starts again at its first message: every book is
// cleared, locate codes are forgotten, and no book is LIVE before Live.
func (d *Decoder) Reset(now int64) {
	clear(d.byLocate[:])
	clear(d.lanes[:])
	d.state, d.reason, d.closed = event.BookSyncing, event.ReasonNone, false
	d.midnight = d.day(now)
	for i := range d.books {
		b := &d.books[i]
		b.listed, b.halted, b.auction, b.outage, b.broken, b.clear = false, false, false, false, event.ReasonNone, true
		b.low, b.high = 0, 0
	}
	d.owed = true
	d.Settle(now)
}

// Live says that the decoder has every message of the session so far. It ends
// SYNCING, and STALE where messages were only missing or late.
func (d *Decoder) Live(now int64) {
	late := d.reason == event.ReasonGap || d.reason == event.ReasonStale
	if d.state == event.BookSyncing || d.state == event.BookStale && late {
		d.state, d.reason, d.owed = event.BookLive, event.ReasonSnapshot, true
	}
	d.Settle(now)
}

// Stale takes every book out of use. When messages are missing (ReasonGap) or late
// (ReasonStale) the books keep their depth and Live ends it, otherwise Reset.
func (d *Decoder) Stale(now int64, reason event.Reason) {
	d.state, d.reason, d.owed = event.BookStale, reason, true
	d.Settle(now)
}

// Settle emits the BookClear and BookStatus events that are owed; false means
// that the sink had no room and some still are.
func (d *Decoder) Settle(now int64) bool {
	if !d.owed {
		return true
	}
	for i := range d.books {
		if i > 0 && !d.settleBook(now, &d.books[i]) {
			return false
		}
	}
	d.owed = false
	return true
}

func (d *Decoder) settleBook(now int64, b *book) bool {
	want, reason := d.want(b)
	if b.clear && want != event.BookStale {
		if !d.emit(now, b, event.BookClear, 0, event.ReasonNone) {
			return false
		}
		b.clear, b.told = false, event.BookSyncing
	}
	if want != event.BookStale && want >= event.BookLive && !d.settleTrading(now, b, want) {
		return false
	}
	if want == b.told {
		return true
	}
	if !d.emit(now, b, event.BookStatus, want, reason) {
		return false
	}
	b.told = want
	return true
}

// settleTrading tells what a book in use knows of the whole market, before its own state:
// trading actions are those of every market that trades the stock. A book that is LIVE says
// by that alone that they stop nobody.
func (d *Decoder) settleTrading(now int64, b *book, want event.BookState) bool {
	whole := event.BookLive
	switch {
	case b.halted:
		whole = event.BookHalted
	case b.auction:
		whole = event.BookAuction
	}
	if whole != b.market {
		if want != event.BookLive && !d.emit(now, b, event.MarketStatus, whole, event.ReasonVenueState) {
			return false
		}
		b.market = whole
	}
	if b.low != b.toldLow || b.high != b.toldHigh {
		if !d.emit(now, b, event.PriceBand, 0, event.ReasonVenueState) {
			return false
		}
		b.toldLow, b.toldHigh = b.low, b.high
	}
	if restricted(b.shorts) != restricted(b.toldShorts) || b.shorts != 0 && b.toldShorts == 0 {
		if !d.emit(now, b, event.ShortRestriction, 0, event.ReasonVenueState) {
			return false
		}
		b.toldShorts = b.shorts
	}
	return true
}

// want derives the state of a book. STALE comes first: such a book is not complete.
func (d *Decoder) want(b *book) (event.BookState, event.Reason) {
	switch {
	case d.state == event.BookStale:
		return event.BookStale, d.reason
	case b.broken != event.ReasonNone:
		return event.BookStale, b.broken
	case d.state == event.BookEmpty:
		return event.BookEmpty, event.ReasonNone
	case d.state != event.BookLive || !b.listed:
		return event.BookSyncing, event.ReasonNone
	case d.closed || b.halted || b.outage:
		return event.BookHalted, event.ReasonVenueState
	case b.auction:
		return event.BookAuction, event.ReasonVenueState
	}
	return event.BookLive, event.ReasonSnapshot
}

// distrust takes one book out of use because an event of it had to be left out.
// false means that the sink had no room to say so yet.
func (d *Decoder) distrust(now int64, b *book, reason event.Reason) bool {
	b.broken = reason
	d.shutLane(b)
	if !d.settleBook(now, b) {
		d.owed = true
		return false
	}
	return true
}

func (d *Decoder) emit(
	now int64, b *book, kind event.Kind, state event.BookState, reason event.Reason,
) bool {
	d.status = event.Event{
		RecvTime: now, Kind: kind, Venue: d.venue, Instrument: b.id,
		Code: uint8(state), Reason: reason,
	}
	if kind == event.PriceBand {
		d.status.Price, d.status.LastPx = b.low, b.high
	}
	if kind == event.ShortRestriction && restricted(b.shorts) {
		d.status.Code = event.ShortsRestricted
	}
	if !d.sink(&d.status) {
		d.stats.NoRoom++
		return false
	}
	d.stats.Events++
	return true
}
