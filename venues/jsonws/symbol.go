package jsonws

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"penstock/market"
)

// Symbol binds an instrument to the text by which the venue names it and says how
// the venue's numbers become the instrument's.
type Symbol struct {
	Text          string // as the venue writes it in data: BTC/USD, BTC-USD, BTCUSDT
	ID            market.InstrumentID
	PriceDecimals uint8 // of the instrument: one Price is 10^-PriceDecimals
	QtyDecimals   uint8 // of the instrument: one Qty is 10^-QtyDecimals

	// PricePrecision and QtyPrecision are the pair's decimals at Kraken (channel
	// instrument); its checksum is over numbers of exactly that many. Others
	// leave them 0.
	PricePrecision uint8
	QtyPrecision   uint8

	// Contract is the size of one contract in units of the price's currency,
	// where quantities count such contracts (Binance coin-margined futures: 100
	// for BTC, 10 for ETH). A quantity n at price p then becomes
	//
	//	⌊ n × Contract × 10^QtyDecimals / p ⌋
	//
	// lots, p being the decimal price; less than one lot is no quantity. 0 says
	// that quantities are in units of the instrument.
	Contract int64
}

const symbolCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-"

func (s *Symbol) validate() error {
	switch {
	case s.Text == "" || len(s.Text) > 32 || strings.Trim(s.Text, symbolCharacters) != "":
		return fmt.Errorf("symbol %q: must be 1 to 32 characters of %s", s.Text, symbolCharacters)
	case s.PriceDecimals > 9 || s.QtyDecimals > 9 || s.PricePrecision > 9 || s.QtyPrecision > 9:
		return fmt.Errorf("symbol %s: decimals must be 0 to 9", s.Text)
	case s.Contract < 0 || s.Contract > 1_000_000:
		return fmt.Errorf("symbol %s: contract must be 0 to 1000000", s.Text)
	}
	return nil
}

// lots converts n contracts at a positive price; ok is false when they do not fit.
func (s *Symbol) lots(n, price int64) (int64, bool) {
	over, value := bits.Mul64(uint64(n), uint64(s.Contract))
	if over != 0 || value >= 1<<63 {
		return 0, false
	}
	hi, lo := bits.Mul64(value, pow10[s.QtyDecimals]*pow10[s.PriceDecimals])
	if hi >= uint64(price) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(price))
	return int64(q), q < 1<<63
}

// books finds the book of a symbol's text. Feeds mostly repeat the symbol of the
// message before; otherwise it is a binary search.
type books struct {
	all  []book // by text
	last int
}

func (s *books) find(text []byte) *book {
	if b := &s.all[s.last]; string(b.text) == string(text) {
		return b
	}
	i, ok := slices.BinarySearchFunc(s.all, text, func(b book, text []byte) int {
		return bytes.Compare(b.text, text)
	})
	if !ok {
		return nil
	}
	s.last = i
	return &s.all[i]
}

func newBooks(symbols []Symbol) (books, error) {
	if len(symbols) == 0 || len(symbols) > 4096 {
		return books{}, fmt.Errorf("%d symbols, must be 1 to 4096", len(symbols))
	}
	s := books{all: make([]book, len(symbols))}
	for i, symbol := range symbols {
		if err := symbol.validate(); err != nil {
			return books{}, err
		}
		s.all[i] = book{Symbol: symbol, text: []byte(symbol.Text),
			priceShape: shape{decimals: symbol.PriceDecimals},
			qtyShape:   shape{decimals: symbol.QtyDecimals}}
		if symbol.Contract != 0 {
			s.all[i].qtyShape.decimals = 0
		}
	}
	slices.SortFunc(s.all, func(a, b book) int { return cmp.Compare(a.Text, b.Text) })
	for i := range s.all {
		s.all[i].index = i
	}
	for i := range s.all[1:] {
		if s.all[i].Text == s.all[i+1].Text {
			return books{}, fmt.Errorf("symbol %s: configured twice", s.all[i].Text)
		}
	}
	return s, nil
}
