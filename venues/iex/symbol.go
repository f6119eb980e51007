package iex

import (
	"encoding/binary"
	"fmt"

	"penstock/event"
	"penstock/market"
)

// priceDecimals are those of a DEEP price.
const priceDecimals = 4

// Symbol binds an instrument to the text by which IEX lists it.
type Symbol struct {
	Text          string // Nasdaq integrated symbology without its padding, at most 8 bytes
	ID            market.InstrumentID
	PriceDecimals uint8 // of the instrument: one Price is 10^-PriceDecimals
	QtyDecimals   uint8 // of the instrument: one Qty is 10^-QtyDecimals
}

// book is what the decoder knows of one instrument: how to scale its numbers and
// what the receivers of its events believe of its book.
type book struct {
	key      uint64 // the padded text, 0 for an empty slot of the index
	id       market.InstrumentID
	priceMul int64 // price = wire × priceMul / priceDiv; one of them is 1
	priceDiv int64
	qtyMul   int64

	ignored bool         // not wanted: kept so that it is asked for once
	halted  bool         // by its trading status
	stopped bool         // by an operational halt of IEX
	shorts  priceTest    // for short sales
	toldFor priceTest    // what of it the receivers know
	broken  event.Reason // why events were left out; ReasonNone when none were
	told    event.BookState
	clear   bool // a BookClear is owed
}

// priceTest is whether a price test holds for short sales of an instrument.
type priceTest uint8

const (
	untold priceTest = iota
	unrestricted
	restricted
)

func newBook(s Symbol) (book, error) {
	b := book{id: s.ID, priceMul: 1, priceDiv: 1, qtyMul: market.Pow10(min(s.QtyDecimals, 9)), clear: true}
	if len(s.Text) == 0 || len(s.Text) > 8 {
		return b, fmt.Errorf("iex symbol %q: must be 1 to 8 characters", s.Text)
	}
	if s.PriceDecimals > 9 || s.QtyDecimals > 9 {
		return b, fmt.Errorf("iex symbol %q: decimals must be 0 to 9", s.Text)
	}
	text := [8]byte{' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '}
	copy(text[:], s.Text)
	b.key = binary.LittleEndian.Uint64(text[:])
	if s.PriceDecimals >= priceDecimals {
		b.priceMul = market.Pow10(s.PriceDecimals - priceDecimals)
	} else {
		b.priceDiv = market.Pow10(priceDecimals - s.PriceDecimals)
	}
	return b, nil
}

// price scales a wire price; ok is false unless it is positive, below
// market.MaxPrice and a whole number of the instrument's increments.
func (b *book) price(wire int64) (p market.Price, ok bool) {
	if wire <= 0 || wire > int64(market.MaxPrice)/b.priceMul {
		return 0, false
	}
	return market.Price(wire * b.priceMul / b.priceDiv), wire%b.priceDiv == 0
}

// qty scales shares.
func (b *book) qty(wire uint32) (q market.Qty, ok bool) {
	if int64(wire) > int64(market.MaxQty)/b.qtyMul {
		return 0, false
	}
	return market.Qty(int64(wire) * b.qtyMul), true
}

// index finds the book of a padded symbol: open addressing, at most half full.
type index struct {
	slots []uint32 // place in the list of books plus one, 0 for none
	shift uint
}

func newIndex(symbols int) index {
	width := uint(4)
	for 1<<width < 2*symbols {
		width++
	}
	return index{slots: make([]uint32, 1<<width), shift: 64 - width}
}

// find returns the slot of key: that of its book, or the empty one where it goes.
func (x *index) find(books []book, key uint64) *uint32 {
	i := int(key * 0x9e3779b97f4a7c15 >> x.shift)
	for x.slots[i] != 0 && books[x.slots[i]-1].key != key {
		i = (i + 1) & (len(x.slots) - 1)
	}
	return &x.slots[i]
}
