package tape

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strings"

	"penstock/market"
)

// maxDecimals is what an instrument can have.
const maxDecimals = 9

// surveyJSON reads recordings of JSON frames once and lists the symbols in them with
// the decimals that their prices and sizes need. The reference data in a recording
// would tell as much, but each venue writes it in its own form; the numbers
// themselves do not differ: a level is ["price","size",…], after a side or not, or a
// pair of members, and a member of a trade is named after what it is.
func surveyJSON(feed *Feed) ([]listed, error) {
	found := map[string]*numbers{}
	for _, path := range feed.Paths {
		if err := surveyFile(path, found); err != nil {
			return nil, err
		}
	}
	var list []listed
	for text, n := range found {
		if name := canonical(text); market.ValidSymbol(name) && n.seen {
			in := made(name, min(n.price.used, maxDecimals), min(n.qty.used, maxDecimals)).Instrument
			list = append(list, listed{text: text, instrument: &in,
				precision: &[2]uint8{min(n.price.written, maxDecimals), min(n.qty.written, maxDecimals)}})
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].text < list[j].text })
	return list, nil
}

// canonical is a symbol as an instrument may be called.
func canonical(text string) string { return strings.ToUpper(text) }

func surveyFile(path string, found map[string]*numbers) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := frames(f)
	for err == nil {
		var r Record
		if r, err = c.next(); err != nil {
			break
		}
		symbol := symbolIn(r.Data)
		if r.Kind == HTTP {
			symbol = []byte(bookRequest(r.Conn))
		}
		if len(symbol) == 0 {
			continue
		}
		n := found[string(symbol)]
		if n == nil && r.Kind == HTTP { // a request may write the symbol in other letters
			for text, other := range found {
				if strings.EqualFold(text, string(symbol)) {
					n = other
				}
			}
		}
		if n == nil {
			n = &numbers{}
			found[string(symbol)] = n
		}
		n.take(r.Data)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // a cut is told when the recording is played
	}
	return err
}

// symbolIn returns the symbol that a frame is about, nil when it names none.
func symbolIn(msg []byte) []byte {
	for _, key := range []string{`"product_id":"`, `"symbol":"`, `"instId":"`, `"s":"`} {
		if _, rest, ok := bytes.Cut(msg, []byte(key)); ok {
			if text, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
				return text
			}
		}
	}
	switch {
	case bytes.HasPrefix(msg, []byte("[")) && bytes.HasSuffix(msg, []byte(`"]`)): // Kraken v1
		at := bytes.LastIndexByte(msg[:len(msg)-2], '"')
		return msg[at+1 : len(msg)-2]
	case bytes.Contains(msg, []byte(`"channel":"`)): // Bitstamp: diff_order_book_ethusd
		_, rest, _ := bytes.Cut(msg, []byte(`"channel":"`))
		text, _, _ := bytes.Cut(rest, []byte{'"'})
		if at := bytes.LastIndexByte(text, '_'); at >= 0 {
			return text[at+1:]
		}
	}
	return nil
}

// decimals counts the decimals of numbers: as written, and up to the last that is
// not zero.
type decimals struct{ written, used uint8 }

func (d *decimals) take(text []byte) {
	_, fraction, ok := bytes.Cut(text, []byte{'.'})
	if !ok {
		return
	}
	d.written = max(d.written, uint8(min(len(fraction), 255)))
	fraction = bytes.TrimRight(fraction, "0")
	d.used = max(d.used, uint8(min(len(fraction), 255)))
}

// numbers is what was seen of one symbol.
type numbers struct {
	seen       bool
	price, qty decimals
}

var (
	priceNames = [][]byte{[]byte("price"), []byte("price_level"), []byte("p"), []byte("px"), []byte("b"), []byte("a")}
	qtyNames   = [][]byte{[]byte("qty"), []byte("size"), []byte("quantity"), []byte("new_quantity"),
		[]byte("amount"), []byte("q"), []byte("sz"), []byte("v"), []byte("B"), []byte("A")}
)

// take scans a frame for levels and for members with names of prices and sizes.
func (n *numbers) take(msg []byte) {
	for i := 0; i < len(msg); i++ {
		switch msg[i] {
		case '[':
			n.level(msg[i+1:])
		case '"':
			end := bytes.IndexByte(msg[i+1:], '"')
			if end < 0 {
				return
			}
			name := msg[i+1 : i+1+end]
			i += end + 1
			if i+1 < len(msg) && msg[i+1] == ':' {
				n.member(name, msg[i+2:])
			}
		}
	}
}

// level takes the beginning of an array: optional side, price and size.
func (n *numbers) level(rest []byte) {
	for _, side := range []string{`"buy",`, `"sell",`} {
		rest = bytes.TrimPrefix(rest, []byte(side))
	}
	price, rest, ok := number(rest)
	if !ok || len(rest) == 0 || rest[0] != ',' {
		return
	}
	qty, _, ok := number(bytes.TrimLeft(rest[1:], " "))
	if !ok {
		return
	}
	n.seen = true
	n.price.take(price)
	n.qty.take(qty)
}

func (n *numbers) member(name, rest []byte) {
	text, _, ok := number(bytes.TrimLeft(rest, " "))
	if !ok {
		return
	}
	for i := range priceNames {
		if bytes.Equal(name, priceNames[i]) {
			n.price.take(text)
		}
	}
	for i := range qtyNames {
		if bytes.Equal(name, qtyNames[i]) {
			n.seen = true
			n.qty.take(text)
		}
	}
}

// number returns the decimal number that rest begins with, in quotes or not.
func number(rest []byte) (text, after []byte, ok bool) {
	quoted := len(rest) > 0 && rest[0] == '"'
	if quoted {
		rest = rest[1:]
	}
	end := 0
	for end < len(rest) && (rest[end] >= '0' && rest[end] <= '9' || rest[end] == '.') {
		end++
	}
	text, after = rest[:end], rest[end:]
	if end == 0 || quoted && (len(after) == 0 || after[0] != '"') {
		return nil, nil, false
	}
	if quoted {
		after = after[1:]
	}
	return text, after, true
}
