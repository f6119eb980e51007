package firewall

import (
	"encoding/binary"
	"math/bits"

	"penstock/fix"
	"penstock/market"
)

// wireOrder is what the bytes of a NewOrderSingle or OrderCancelReplaceRequest say.
type wireOrder struct {
	id, orig, parent uint64
	seq              uint64
	terms
	seen   uint32       // bit of each field read
	listed int32        // its symbol is that of instrument listed-1 and of no other; 0: not known
	qty    market.Qty   // with its text: not read yet; so with price and show
	price  market.Price // 0: none
	show   market.Qty   // the most that may be displayed, 0: all
	symbol []byte

	qtyText   []byte
	priceText []byte
	showText  []byte // MaxFloor(111) or DisplayQty(1138)
	locate    []byte // LocateBroker(5700)

	now      int64
	shows    market.Qty   // that its venue displays at once
	counts   market.Price // at which it counts
	cost     market.Money // added to what its client has
	replaces *child       // 35=G
	slot     *slot        // where its number will stand
	at       int32        // of its parent
	hidden   bool         // nothing of it is displayed
	asked    bool
}

// terms are what an order says in words.
type terms struct {
	side    market.Side
	mark    market.Mark
	tif     market.TimeInForce
	ordType market.OrdType
	idle    bool // conditional: it cannot trade
}

// Bits of wireOrder.seen.
const (
	sawID = 1 << iota
	sawOrig
	sawParent
	sawSeq
	sawSymbol
	sawSide
	sawOrdType
	sawQty
	sawPrice
	sawConditional
	sawTIF
	sawShow
	sawLocate
	needed = sawID | sawSeq | sawSymbol | sawSide | sawOrdType | sawQty // of an order
)

// scan reads the fields of a body, which ends with its last SOH. It is false when a field
// cannot be read, or is there twice so that two readers could see two orders.
func (s *Session) scan(b []byte, o *wireOrder) bool {
	for at := 0; at < len(b); {
		tag, value := readTag(b, at)
		if tag == 0 {
			return false
		}
		end := indexSOH(b, value)
		if end < 0 || end == value {
			return false
		}
		text, bit := b[value:end], uint32(0)
		switch tag {
		case fix.TagClOrdID:
			bit, o.id = sawID, s.number(text)
		case fix.TagOrigClOrdID:
			bit, o.orig = sawOrig, s.number(text)
		case fix.TagMsgSeqNum:
			bit, o.seq = sawSeq, digits(text)
		case fix.TagSymbol:
			bit, o.symbol = sawSymbol, text
		case fix.TagSide:
			bit = sawSide
			o.side, o.mark, _ = market.ParseSide(text[0])
		case fix.TagOrdType:
			bit, o.ordType = sawOrdType, market.OrdType(text[0])
		case fix.TagOrderQty:
			bit, o.qtyText = sawQty, text
		case fix.TagPrice:
			bit, o.priceText = sawPrice, text
		case fix.TagTimeInForce:
			bit, o.tif = sawTIF, market.TimeInForce(text[0])
		case fix.TagMaxFloor, tagDisplayQty:
			bit, o.showText = sawShow, text
		case fix.TagLocateBroker:
			bit, o.locate = sawLocate, text
		case s.cfg.ParentTag:
			bit, o.parent = sawParent, s.number(text)
		case s.cfg.ConditionalTag:
			bit, o.idle = sawConditional, len(text) == 1 && text[0] == s.cfg.ConditionalValue
		}
		if o.seen&bit != 0 {
			return false
		}
		o.seen |= bit
		at = end + 1
	}
	return true
}

// tagDisplayQty is DisplayQty(1138), MaxFloor(111) of later versions of FIX.
const tagDisplayQty = 1138

// numbers reads what was not read yet in the units of instrument in.
//
//go:noinline
func (s *Session) numbers(o *wireOrder, in market.InstrumentID) bool {
	sym := &s.symbols[in]
	if o.qtyText != nil {
		q, ok := decimal(o.qtyText, sym.QtyDecimals)
		if !ok || q > int64(market.MaxQty) {
			return false
		}
		o.qty = market.Qty(q)
	}
	if o.showText != nil {
		q, ok := decimal(o.showText, sym.QtyDecimals)
		if !ok || q == 0 || q > int64(market.MaxQty) {
			return false
		}
		o.show = market.Qty(q)
	}
	if o.priceText != nil {
		p, ok := decimal(o.priceText, sym.PriceDecimals)
		if !ok || p == 0 || p > int64(market.MaxPrice) {
			return false
		}
		o.price = market.Price(p)
	}
	return true
}

// spelt reports whether numbers has something to read.
func (o *wireOrder) spelt() bool { return o.qtyText != nil || o.priceText != nil || o.showText != nil }

// number reads an order number as the session spells it, 0 when it is none.
func (s *Session) number(text []byte) uint64 {
	if s.cfg.IDs == fix.IDDecimal {
		return digits(text)
	}
	return s.cfg.IDs.Parse(text)
}

// readTag reads the tag at offset at and returns where its value begins; 0 is no tag.
func readTag(b []byte, at int) (tag, value int) {
	for i := at; i < len(b) && i < at+6; i++ {
		c := b[i] - '0'
		if c > 9 {
			if b[i] == '=' && i > at && b[at] != '0' {
				return tag, i + 1
			}
			return 0, 0
		}
		tag = tag*10 + int(c)
	}
	return 0, 0
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	zeros = 0x3030303030303030
)

// indexSOH returns the offset of the first SOH at or after from, -1 when there is none.
func indexSOH(b []byte, from int) int {
	i := from
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:]) ^ ones*fix.SOH
		if m := (w - ones) &^ w & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] == fix.SOH {
			return i
		}
	}
	return -1
}

// maxDigits is how many fit an int64 whatever they are.
const maxDigits = 18

// digits reads a positive whole number of at most 18 digits without a leading zero, 0 when
// text is none.
func digits(text []byte) uint64 {
	if len(text) == 0 || len(text) > maxDigits || text[0] == '0' {
		return 0
	}
	v, ok := plain(text)
	if !ok {
		return 0
	}
	return v
}

// plain reads up to 19 digits, eight at a time.
func plain(text []byte) (v uint64, ok bool) {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:]) ^ zeros
		if (x+0x7676767676767676|x)&highs != 0 {
			return 0, false
		}
		x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
		x = (x*100 + x>>16) & 0x0000ffff0000ffff
		v = v*100_000_000 + (x*10_000+x>>32)&0xffffffff
	}
	for ; i < len(text); i++ {
		c := text[i] - '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	return v, true
}

var pow10 = [maxDigits + 1]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18}

// decimal reads a number without sign in units of 10^-decimals. What does not fit 18 digits
// is refused: no order is so large.
func decimal(text []byte, decimals uint8) (v int64, ok bool) {
	if len(text) > maxDigits {
		return longDecimal(text, decimals)
	}
	sum, point := uint64(0), len(text)
	for i, c := range text {
		switch d := c - '0'; {
		case d <= 9:
			sum = sum*10 + uint64(d)
		case c == '.' && point == len(text):
			point = i
		default:
			return 0, false
		}
	}
	part := max(len(text)-point-1, 0)
	if part > int(decimals) || point+int(decimals) > maxDigits || point == 0 {
		return longDecimal(text, decimals)
	}
	return int64(sum * pow10[int(decimals)-part]), true
}

// longDecimal is decimal for any text: digits behind the decimals may be zeros.
func longDecimal(text []byte, decimals uint8) (v int64, ok bool) {
	whole, part := text, []byte(nil)
	for i, c := range text {
		if c == '.' {
			whole, part = text[:i], text[i+1:]
			break
		}
	}
	for len(part) > int(decimals) {
		if part[len(part)-1] != '0' {
			return 0, false
		}
		part = part[:len(part)-1]
	}
	if len(text) == 0 || len(whole)+int(decimals) > maxDigits || len(whole) == 0 {
		return 0, false
	}
	w, ok := plain(whole)
	if !ok {
		return 0, false
	}
	p, ok := plain(part)
	if !ok {
		return 0, false
	}
	return int64(w*pow10[decimals] + p*pow10[int(decimals)-len(part)]), true
}
