package fixmd

import (
	"fmt"
	"strconv"

	"penstock/event"
	"penstock/market"
)

// Symbol is one instrument as the venue names it.
type Symbol struct {
	ID            market.InstrumentID
	Text          string // Symbol(55)
	PriceDecimals uint8
	QtyDecimals   uint8
	// Decimals of the pair at the venue, over which its checksum is computed; at
	// most those above. Only for dialects with a checksum.
	PricePrecision uint8
	QtyPrecision   uint8
}

func (s *Symbol) validate(d *Dialect) error {
	switch {
	case s.Text == "" || len(s.Text) > 64:
		return fmt.Errorf("symbol %d: text of 1 to 64 characters wanted", s.ID)
	case s.PriceDecimals > 9 || s.QtyDecimals > 9:
		return fmt.Errorf("symbol %s: 0 to 9 decimals wanted", s.Text)
	case d.Checksum != 0 && (s.PricePrecision > s.PriceDecimals || s.QtyPrecision > s.QtyDecimals):
		return fmt.Errorf("symbol %s: the venue's precision is finer than our decimals", s.Text)
	}
	return nil
}

// book is what a decoder knows of one instrument's book at the venue, and what
// the receivers of its events believe of it.
type book struct {
	Symbol
	index  int
	priceK int64 // our price units in one of the venue's; 1 without a checksum
	qtyK   int64

	live      bool            // a snapshot was taken and nothing was lost since
	band      [2]int64        // price limits that the venue said, in our units; 0: none
	stop      event.BookState // the venue halted it, or collects orders for an auction; BookEmpty: neither
	partial   bool            // fragments of a snapshot were taken, not the last
	told      event.BookState // last state that the sink took
	owed      event.Reason    // why the sink has to hear STALE yet; ReasonNone: it has not
	resync    bool            // a new snapshot is wanted
	confirmed bool            // a snapshot came since the subscription
	seq       uint64          // last update number
	serial    uint64          // of the message that set seq
	moreBy    uint64          // of the list whose flags were set last

	ladders [2]ladder // where the dialect needs our own copy: by Side.Index
	held    []update  // came before the snapshot

	// Of the subscription; a Feed sets them.
	reqID   []byte // MDReqID(262) after its first letter; empty: any
	asked   int64  // when, ns since epoch; 0: not on this connection
	tries   uint   // requests in a row without a snapshot
	running bool   // there is a subscription to end before the next
	refused bool
	nextAsk int64 // not before, ns since epoch
}

// books finds the book of a symbol's text. Most entries repeat the symbol of the
// one before.
type books struct {
	all    []book
	last   int32
	byText map[string]int32
}

func newBooks(c *Config) (books, error) {
	if len(c.Symbols) == 0 || len(c.Symbols) > 4096 {
		return books{}, fmt.Errorf("%d symbols, must be 1 to 4096", len(c.Symbols))
	}
	s := books{all: make([]book, len(c.Symbols)), byText: map[string]int32{}}
	for i, symbol := range c.Symbols {
		if err := symbol.validate(&c.Dialect); err != nil {
			return books{}, err
		}
		if _, twice := s.byText[symbol.Text]; twice {
			return books{}, fmt.Errorf("symbol %s: configured twice", symbol.Text)
		}
		s.byText[symbol.Text] = int32(i)
		b := &s.all[i]
		*b = book{Symbol: symbol, index: i, priceK: 1, qtyK: 1}
		if c.Dialect.Checksum != 0 {
			b.priceK = market.Pow10(symbol.PriceDecimals - symbol.PricePrecision)
			b.qtyK = market.Pow10(symbol.QtyDecimals - symbol.QtyPrecision)
		} else {
			b.PricePrecision, b.QtyPrecision = b.PriceDecimals, b.QtyDecimals
		}
		if c.ownCopy() {
			b.ladders = [2]ladder{newLadder(market.Buy, c.Depth), newLadder(market.Sell, c.Depth)}
		}
	}
	return s, nil
}

func (s *books) find(text []byte) *book {
	if b := &s.all[s.last]; b.Text == string(text) {
		return b
	}
	if i, ok := s.byText[string(text)]; ok {
		s.last = i
		return &s.all[i]
	}
	return nil
}

// MDReqID(262) and QuoteReqID(131) that we send: a letter, the index of the book,
// and a number that no other request of this run has.
const (
	reqBook   = 'B'
	reqTrades = 'T'
)

func appendReqID(dst []byte, index int, n uint64) []byte {
	dst = append(strconv.AppendInt(dst, int64(index), 10), '.')
	return strconv.AppendUint(dst, n, 10)
}

// requested returns the book for which we sent that MDReqID(262), nil when it is
// not of our making.
func (s *books) requested(id []byte) *book {
	if len(id) < 4 || id[0] != reqBook && id[0] != reqTrades {
		return nil
	}
	n, i := 0, 1
	for ; i < len(id) && i < 6 && id[i]-'0' <= 9; i++ {
		n = n*10 + int(id[i]-'0')
	}
	if i == 1 || i == len(id) || id[i] != '.' || n >= len(s.all) {
		return nil
	}
	return &s.all[n]
}
