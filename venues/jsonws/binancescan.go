package jsonws

import "penstock/market"

// binanceKind says what a message is.
type binanceKind uint8

const (
	binanceNone binanceKind = iota
	binanceDepth
	binanceTrade
	binanceTicker
)

// binanceMessage is one stream message, scaled. Field names of the venue are in
// quotes.
type binanceMessage struct {
	kind                  binanceKind
	book                  *book
	time                  uint64 // "T", else "E"; ms since epoch
	first, last, previous uint64 // "U" "u" "pu"
	levels                []change
	price, qty            int64 // trade: "p" "q"
	makerBought           bool  // trade: "m"
	aggregate             bool  // an aggTrade, whose "a" is a number of trades
	bid, ask              change
	seen                  uint64 // bit of each field that was there, see bit
	marks                 []numberMark
}

func (m *binanceMessage) reset() {
	*m = binanceMessage{levels: m.levels[:0], marks: m.marks[:0]}
}

// bit numbers the one-letter fields from 'A' on; "ps" and "pu" come after 'z'.
func bit(letter byte) uint64 { return 1 << (letter - 'A') }

const (
	fieldPS = 'z' + 1
	fieldPU = 'z' + 2
)

// Fields that a message of each kind must have.
var (
	depthFields  = bit('s') | bit('U') | bit('u') | bit('b') | bit('a')
	tradeFields  = bit('s') | bit('p') | bit('q') | bit('m')
	tickerFields = bit('s') | bit('u') | bit('b') | bit('B') | bit('a') | bit('A')
)

// complete settles the kind of a message and reports whether it has every field.
// Spot sends bookTicker without "e".
func (m *binanceMessage) complete(market BinanceMarket) bool {
	if m.seen&bit('e') == 0 {
		m.kind = binanceTicker
	}
	need := tickerFields
	switch m.kind {
	case binanceNone:
		return false
	case binanceDepth:
		need = depthFields
		if market == BinanceFutures {
			need |= bit(fieldPU)
		}
	case binanceTrade:
		need = tradeFields
	}
	return m.seen&need == need
}

// scan reads a stream message in any order of its fields, as long as the symbol
// comes before the prices.
func (n *Binance) scan(msg []byte) bool {
	s := scanner{b: msg}
	if s.literal(binanceStream) {
		if _, ok := s.text(); !ok || !s.literal(`,"data":{`) {
			return false
		}
		return n.scanFields(&s) && s.char('}') && s.end() && n.in.complete(n.market)
	}
	return s.char('{') && n.scanFields(&s) && s.end() && n.in.complete(n.market)
}

// scanFields reads fields up to the closing brace, and the brace.
func (n *Binance) scanFields(s *scanner) bool {
	for {
		if !s.char('"') {
			return false
		}
		name, ok := s.text()
		if !ok || !s.char(':') {
			return false
		}
		field := byte(0)
		switch {
		case len(name) == 1 && name[0] >= 'A' && name[0] <= 'z':
			field = name[0]
		case string(name) == "pu":
			field = fieldPU
		case string(name) == "ps":
			field = fieldPS
		default:
			return false
		}
		start := s.i
		if n.in.seen&bit(field) != 0 || !n.scanField(s, field) {
			return false
		}
		switch field {
		case 'E', 'T', 'U', 'u', fieldPU:
			n.in.marks = append(n.in.marks, numberMark{start, s.i, field})
		}
		n.in.seen |= bit(field)
		if s.char('}') {
			return true
		}
		if !s.char(',') {
			return false
		}
	}
}

func (n *Binance) scanField(s *scanner, field byte) (ok bool) {
	in := &n.in
	switch field {
	case 'e':
		return s.char('"') && n.scanKind(s)
	case 's':
		if !s.char('"') {
			return false
		}
		symbol, ok := s.text()
		in.book = n.books.find(symbol)
		return ok && in.book != nil
	case 'b', 'a':
		if field == 'a' && in.aggregate {
			_, ok = s.integer()
			return ok
		}
		return n.scanSide(s, field)
	case 'U':
		in.first, ok = s.integer()
	case 'u':
		in.last, ok = s.integer()
	case fieldPU:
		in.previous, ok = s.integer()
	case 'E', 'T':
		at, ok := s.integer()
		if field == 'T' || in.seen&bit('T') == 0 {
			in.time = at
		}
		return ok && at <= timeMax
	case 't', 'f', 'l':
		_, ok = s.integer()
	case 'p', 'q', 'B', 'A':
		return n.scanNumber(s, field)
	case 'm':
		if in.makerBought = s.literal("true"); in.makerBought {
			return true
		}
		return s.literal("false")
	case 'M':
		return s.literal("true") || s.literal("false")
	case 'X', fieldPS:
		if s.char('"') {
			_, ok = s.text()
		}
	}
	return ok
}

func (n *Binance) scanKind(s *scanner) bool {
	kind, ok := s.text()
	switch string(kind) {
	case "depthUpdate":
		n.in.kind = binanceDepth
	case "trade":
		n.in.kind = binanceTrade
	case "aggTrade":
		n.in.kind, n.in.aggregate = binanceTrade, true
	case "bookTicker":
		n.in.kind = binanceTicker
	default:
		return false
	}
	return ok
}

// scanNumber reads a price or quantity that stands alone. Contracts of a trade
// need its price first, so a message in another order is left to the general
// parser.
func (n *Binance) scanNumber(s *scanner, field byte) bool {
	in := &n.in
	if in.book == nil {
		return false
	}
	if field == 'p' {
		price, ok := s.quoted(in.book.PriceDecimals)
		in.price = price
		return ok && price > 0
	}
	l := change{price: in.price}
	after := bit('p')
	switch field {
	case 'B':
		l.price, after = in.bid.price, bit('b')
	case 'A':
		l.price, after = in.ask.price, bit('a')
	}
	if !n.scanQty(s, &l) || in.seen&after == 0 {
		return false
	}
	switch field {
	case 'q':
		in.qty = l.qty
	case 'B':
		in.bid.qty = l.qty
	case 'A':
		in.ask.qty = l.qty
	}
	return true
}

// scanQty reads the quantity of a level whose price is known.
func (n *Binance) scanQty(s *scanner, l *change) (ok bool) {
	decimals := n.in.book.QtyDecimals
	if n.in.book.Contract != 0 {
		decimals = 0
	}
	l.qty, ok = s.quoted(decimals)
	return ok && l.check(&n.in.book.Symbol) == nil
}

// scanSide reads "b" or "a": a list of levels in a depth update, a price in a
// ticker.
func (n *Binance) scanSide(s *scanner, field byte) bool {
	in := &n.in
	if in.book == nil {
		return false
	}
	side := market.Buy
	if field == 'a' {
		side = market.Sell
	}
	if !s.char('[') {
		price, ok := s.quoted(in.book.PriceDecimals)
		if side == market.Buy {
			in.bid.price = price
		} else {
			in.ask.price = price
		}
		return ok && price > 0 && in.kind != binanceDepth
	}
	if in.kind != binanceDepth {
		return false
	}
	if side == market.Buy {
		n.learnHead(s)
	}
	return n.scanLevels(s, side)
}

// scanLevels reads levels and the bracket that ends their list.
func (n *Binance) scanLevels(s *scanner, side market.Side) bool {
	return s.levelsOf(&n.in.levels, side, n.in.book)
}
