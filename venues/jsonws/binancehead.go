package jsonws

import (
	"bytes"
	"encoding/binary"

	"penstock/market"
)

// depthHead is how the depth updates of one instrument begin, up to the first
// bid: texts that are the same each time, and an integer after each but the last.
type depthHead struct {
	book   *book
	closed bool // a second brace closes the message: it names its stream
	n      int
	texts  [depthNumbers + 1]prefix
	fields [depthNumbers]byte
}

// depthNumbers is how many integers a depth update may have: E T U u pu.
const depthNumbers = 5

// depthHeads are the heads of the instruments last heard of; see heads.
type depthHeads [64]depthHead

// streamAt is where the name of the stream begins.
const (
	binanceStream = `{"stream":"`
	streamAt      = len(binanceStream)
)

func (h *depthHeads) slot(msg []byte) *depthHead {
	if len(msg) < streamAt+8 {
		return nil
	}
	x := binary.LittleEndian.Uint64(msg[streamAt:])
	return &h[x*0x9E3779B97F4A7C15>>58]
}

// numberMark is where an integer of a message was.
type numberMark struct {
	start, end int
	field      byte
}

// learnHead keeps the head of a depth update whose bids begin at s.i, of which
// every number was marked.
func (n *Binance) learnHead(s *scanner) {
	in := &n.in
	h := n.heads.slot(s.b)
	need := bit('s') | bit('e') | bit('U') | bit('u')
	if n.market == BinanceFutures {
		need |= bit(fieldPU)
	}
	if h == nil || in.seen&need != need || in.seen&bit('a') != 0 {
		return
	}
	h.book, h.closed, h.n = in.book, bytes.HasPrefix(s.b, []byte(binanceStream)), len(in.marks)
	i := 0
	for k, m := range in.marks {
		h.fields[k] = m.field
		h.texts[k].set(s.b[i:m.start])
		i = m.end
	}
	h.texts[h.n].set(s.b[i:s.i])
}

// scanDepth reads a depth update that begins as the one before of its instrument. It
// sets what update needs and leaves the rest of n.in as it was.
func (n *Binance) scanDepth(msg []byte) bool {
	h, in := n.heads.slot(msg), &n.in
	if h == nil || h.book == nil {
		return false
	}
	in.levels, in.time, in.previous = in.levels[:0], 0, 0
	i, traded := 0, false
	for k := range h.n {
		if !h.texts[k].at(msg, i) {
			return false
		}
		v, next := integerAt(msg, i+len(h.texts[k].text))
		if next < 0 {
			return false
		}
		i = next
		switch h.fields[k] {
		case 'E', 'T':
			if v > timeMax {
				return false
			}
			if h.fields[k] == 'T' || !traded {
				in.time = v
			}
			traded = traded || h.fields[k] == 'T'
		case 'U':
			in.first = v
		case 'u':
			in.last = v
		case fieldPU:
			in.previous = v
		}
	}
	if !h.texts[h.n].at(msg, i) {
		return false
	}
	if in.kind = binanceDepth; in.book != h.book { // see outlet
		in.book = h.book
	}
	s := scanner{b: msg, i: i + len(h.texts[h.n].text)}
	if !n.scanLevels(&s, market.Buy) || !s.literal(`,"a":[`) || !n.scanLevels(&s, market.Sell) ||
		!s.char('}') || h.closed && !s.char('}') {
		return false
	}
	return s.end()
}
