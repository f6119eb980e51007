package fixmd

import (
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"sort"

	"penstock/fix"
	"penstock/market"
)

// twin is the slow decoder: every entry is a map from tag to text, every book a
// map from what identifies an entry, every number a rational. It knows W and X, of
// one message at a time, without updates held for a snapshot.
type twin struct {
	dl      Dialect
	depth   int
	symbols map[string]Symbol
	books   map[string]*twinBook
	applied *big.Int
	touched []string // books whose depth the message changed, in order
}

type twinBook struct {
	live, partial bool
	seq           *big.Int // nil: the snapshot had none
	serial        int
	entries       map[string]twinLevel // KeyPrice: by side and price; KeyID: by id
	rungs         [2][]twinLevel       // KeyPosition: in order
}

type twinLevel struct {
	side       int
	price, qty *big.Int
}

func newTwin(c Config) *twin {
	w := &twin{dl: c.Dialect, depth: c.Depth, symbols: map[string]Symbol{}, books: map[string]*twinBook{}}
	for _, s := range c.Symbols {
		w.symbols[s.Text] = s
		w.books[s.Text] = &twinBook{entries: map[string]twinLevel{}}
	}
	return w
}

type tagged struct {
	tag   int
	value string
}

var decimalText = regexp.MustCompile(`^-?([0-9]+\.?[0-9]*|\.[0-9]+)$`)

// scaled is text in units of 10^-decimals, nil when it is not a whole number of them.
func scaled(text string, decimals uint8) *big.Int {
	if !decimalText.MatchString(text) {
		return nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	r.Mul(r, new(big.Rat).SetInt64(market.Pow10(decimals)))
	if !r.IsInt() || !r.Num().IsInt64() {
		return nil
	}
	return new(big.Int).Set(r.Num())
}

func (w *twin) lose(names map[string]bool) {
	if len(names) == 0 {
		for name := range w.books {
			w.books[name].live, w.books[name].partial = false, false
		}
	}
	for name := range names {
		w.books[name].live, w.books[name].partial = false, false
	}
}

// message takes one message; refused says that it had to be.
func (w *twin) message(serial int, frame []byte) (refused bool) {
	var m fix.Message
	if n, err := fix.Frame(frame); err != nil || n != len(frame) || m.Parse(frame) != nil {
		w.lose(nil)
		return true
	}
	var fields []tagged
	first := map[int]string{}
	for i := range m.Len() {
		tag, v := m.Field(i)
		fields = append(fields, tagged{tag, string(v)})
		if _, twice := first[tag]; !twice {
			first[tag] = string(v)
		}
	}
	if first[43] == "Y" {
		return false
	}
	if n := scaled(first[w.dl.Applied], 0); n != nil && n.Sign() > 0 {
		if w.applied != nil && !(n.Int64() == 1 && first[35] == "A") {
			switch d := new(big.Int).Sub(n, w.applied); {
			case d.Sign() <= 0:
				return false
			case d.Int64() > 1:
				w.lose(nil)
			}
		}
		w.applied = n
	}
	switch first[35] {
	case "W":
		return w.snapshot(fields[3 : len(fields)-1])
	case "X":
		return w.incremental(serial, fields[3:len(fields)-1])
	}
	return false
}

// group splits a message into what stands outside the group, and its entries.
func (w *twin) group(fields []tagged, begin int) (head map[int]string, entries []map[int]string, ok bool) {
	head = map[int]string{}
	known := map[int]bool{279: true, 269: true, 55: true, 270: true, 271: true, 278: true, 280: true, 290: true,
		276: true, w.dl.Aggressor: true}
	if w.dl.First != 0 {
		known[w.dl.First], known[w.dl.Last] = true, true
	}
	count := int64(-1)
	var at map[int]string
	for i, f := range fields {
		outside := f.tag == 60 || f.tag == 893 || w.dl.Checksum != 0 && f.tag == w.dl.Checksum
		switch {
		case f.tag == begin && count >= 0:
			at = map[int]string{}
			entries = append(entries, at)
		case at == nil && count > 0 && fields[i-1].tag == 268:
			return head, entries, false
		}
		switch {
		case f.tag == 268:
			n := scaled(f.value, 0)
			if n == nil || n.Sign() < 0 || n.Int64() > fix.MaxFrameLimit || count >= 0 {
				return head, entries, false
			}
			count = n.Int64()
		case at == nil || outside:
			head[f.tag] = f.value
		case known[f.tag]:
			_, twice := at[f.tag]
			if at[f.tag] = f.value; twice {
				return head, entries, false
			}
			if f.tag == 279 && f.value != "0" && f.value != "1" && f.value != "2" || f.tag == 269 && len(f.value) != 1 {
				return head, entries, false
			}
		}
	}
	if count != int64(len(entries)) {
		return head, entries, false
	}
	for i, e := range entries { // what entries inherit
		from := head
		if i > 0 {
			from = entries[i-1]
		}
		inherit(e, from, 55)
		if i > 0 && !w.dl.InheritLast {
			from = head
		}
		if w.dl.First != 0 {
			inherit(e, from, w.dl.First)
			inherit(e, from, w.dl.Last)
		}
	}
	return head, entries, true
}

func inherit(e, from map[int]string, tag int) {
	if v, ok := from[tag]; ok {
		if _, has := e[tag]; !has {
			e[tag] = v
		}
	}
}

func isStatistic(kind string) bool { return regexp.MustCompile(`^[3-9A-Za-z]$`).MatchString(kind) }

func (w *twin) incremental(serial int, fields []tagged) (refused bool) {
	head, entries, ok := w.group(fields, w.dl.FirstX)
	if !ok {
		w.lose(nil)
		return true
	}
	named := map[string]bool{}
	w.touched = nil
	for _, e := range entries {
		if _, known := w.symbols[e[55]]; known {
			named[e[55]] = true
		}
	}
	for _, e := range entries {
		if e[55] != "" && !named[e[55]] {
			continue
		}
		if e[55] == "" || e[279] == "" || !w.entry(serial, e) {
			w.lose(named)
			return true
		}
	}
	if !w.complete(w.touched, head) {
		w.lose(named)
		return true
	}
	return false
}

// complete truncates the books of a message and checks the checksum of the last.
func (w *twin) complete(touched []string, head map[int]string) bool {
	last := ""
	for _, name := range touched {
		if b := w.books[name]; b.live {
			w.truncate(b)
			last = name
		}
	}
	if want, ok := head[w.dl.Checksum]; ok && w.dl.Checksum != 0 && last != "" {
		n := scaled(want, 0)
		return n != nil && n.Int64() == int64(w.crc(w.books[last]))
	}
	return true
}

// ladder returns a side of a KeyPrice book, best first.
func (b *twinBook) ladder(side int) (keys []string) {
	for k, l := range b.entries {
		if l.side == side && l.qty.Sign() > 0 {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		c := b.entries[keys[i]].price.Cmp(b.entries[keys[j]].price)
		return c < 0 == (side == 1) && c != 0
	})
	return keys
}

func (w *twin) truncate(b *twinBook) {
	if w.dl.Key == KeyPosition {
		for i := range b.rungs {
			b.rungs[i] = b.rungs[i][:min(len(b.rungs[i]), w.depth)]
		}
	}
	if !w.dl.Truncate && w.dl.Checksum == 0 {
		return
	}
	for side := range 2 {
		for i, k := range b.ladder(side) {
			if i >= w.depth {
				delete(b.entries, k)
			}
		}
	}
}

func (w *twin) crc(b *twinBook) uint32 {
	text := ""
	for _, side := range []int{1, 0} {
		for i, k := range b.ladder(side) {
			if i < 10 {
				text += b.entries[k].price.String() + b.entries[k].qty.String()
			}
		}
	}
	return crc32.ChecksumIEEE([]byte(text))
}

// values are the numbers of an entry.
type values struct {
	price, qty *big.Int // nil: not given
	side       int      // -1: not given
	trade      bool
	position   int
}

// read checks the text of an entry.
func (w *twin) read(e map[int]string) (v values, ok bool) {
	s := w.symbols[e[55]]
	v.side = -1
	switch e[269] {
	case "0", "1":
		v.side = int(e[269][0] - '0')
	case "2":
		v.trade = true
	case "":
		if w.dl.Key != KeyID || e[279] == "0" {
			return v, false
		}
	default:
		return v, false
	}
	priceDecimals, qtyDecimals := s.PriceDecimals, s.QtyDecimals
	if w.dl.Checksum != 0 {
		priceDecimals, qtyDecimals = s.PricePrecision, s.QtyPrecision
	}
	limit := func(most int64, fine, coarse uint8) int64 { return most / market.Pow10(fine-coarse) }
	if text, given := e[270]; given {
		v.price = scaled(text, priceDecimals)
		if v.price == nil || v.price.Sign() <= 0 ||
			v.price.Int64() > limit(int64(market.MaxPrice), s.PriceDecimals, priceDecimals) {
			return v, false
		}
	}
	if text, given := e[271]; given {
		v.qty = scaled(text, qtyDecimals)
		if v.qty == nil || v.qty.Sign() < 0 ||
			v.qty.Int64() > limit(int64(market.MaxQty), s.QtyDecimals, qtyDecimals) {
			return v, false
		}
		if !v.trade && regexp.MustCompile(`[BI]`).MatchString(e[276]) {
			v.qty = new(big.Int)
		}
	}
	switch w.dl.Key {
	case KeyID:
		if e[278] == "" && (e[280] == "" || e[279] == "0") && !v.trade && !w.dl.AckWithoutID {
			return v, false
		}
	case KeyPosition:
		if text, given := e[290]; given {
			n := scaled(text, 0)
			if n == nil || n.Sign() <= 0 || n.Int64() > maxDepth {
				return v, false
			}
			v.position = int(n.Int64())
		}
	case KeyPrice:
		if v.price == nil && !v.trade {
			return v, false
		}
	}
	return v, !v.trade || v.price != nil && v.qty != nil && v.qty.Sign() > 0
}

func (w *twin) entry(serial int, e map[int]string) bool {
	b := w.books[e[55]]
	checkStatistic := func() bool {
		return e[269] != "" && (e[270] == "" || decimalText.MatchString(e[270]))
	}
	if w.dl.NoBook {
		return checkStatistic()
	}
	var first, last *big.Int
	if text, given := e[w.dl.Last]; given && w.dl.Last != 0 {
		if last = scaled(text, 0); last == nil || last.Sign() < 0 {
			return false
		}
		first = last
		if text, given := e[w.dl.First]; given {
			if first = scaled(text, 0); first == nil || first.Sign() < 0 || first.Cmp(last) > 0 {
				return false
			}
		}
	}
	numbered := last != nil && last.Sign() > 0
	// follows: 0 next, 1 passed over, 2 gap
	follows := func() int {
		switch {
		case b.seq == nil:
		case last.Cmp(b.seq) < 0, last.Cmp(b.seq) == 0 && b.serial != serial:
			return 1
		case new(big.Int).Sub(first, b.seq).Cmp(big.NewInt(1)) > 0:
			b.live = false
			return 2
		}
		b.seq, b.serial = last, serial
		return 0
	}
	if isStatistic(e[269]) || e[269] == "2" && e[279] == "2" {
		if b.live && numbered {
			follows()
		}
		return checkStatistic()
	}
	v, ok := w.read(e)
	if !ok || !b.live {
		return ok
	}
	if !numbered && w.dl.Numbered && !v.trade {
		return false
	}
	if numbered && follows() != 0 {
		return true
	}
	return w.apply(b, e, v)
}

func (w *twin) apply(b *twinBook, e map[int]string, v values) bool {
	if v.trade {
		o, known := b.entries[e[278]]
		if !w.dl.TradesReduce || e[278] == "" && e[280] == "" || w.dl.Key != KeyID {
			return true
		}
		id := e[278]
		if id == "" && e[279] != "0" {
			id = e[280]
			o, known = b.entries[id]
		}
		if !known {
			return true
		}
		if v.qty.Cmp(o.qty) > 0 {
			return false
		}
		if o.qty = new(big.Int).Sub(o.qty, v.qty); o.qty.Sign() == 0 {
			delete(b.entries, id)
		} else {
			b.entries[id] = o
		}
		return true
	}
	w.touched = append(w.touched, e[55])
	remove := e[279] == "2"
	switch w.dl.Key {
	case KeyPrice:
		if !remove && v.qty == nil {
			return false
		}
		key := fmt.Sprint(v.side, " ", v.price)
		if remove || v.qty.Sign() == 0 {
			delete(b.entries, key)
		} else {
			b.entries[key] = twinLevel{v.side, v.price, v.qty}
		}
		return true
	case KeyPosition:
		return w.applyPosition(b, e, v, remove)
	}
	return w.applyOrder(b, e, v, remove)
}

func (w *twin) applyOrder(b *twinBook, e map[int]string, v values, remove bool) bool {
	id, was := e[278], e[278]
	if e[280] != "" && e[279] != "0" {
		was = e[280]
		if id == "" {
			id = was
		}
	}
	if id == "" {
		return true // not on the book
	}
	if e[279] == "0" {
		if _, there := b.entries[was]; there || v.price == nil || v.qty == nil {
			return false
		}
		b.entries[id] = twinLevel{v.side, v.price, v.qty}
		return true
	}
	o, there := b.entries[was]
	if !there {
		return w.dl.AckWithoutID
	}
	if !remove && v.side >= 0 && v.side != o.side {
		return false
	}
	delete(b.entries, was)
	if remove {
		return true
	}
	if _, other := b.entries[id]; other {
		return false
	}
	if v.price != nil {
		o.price = v.price
	}
	if v.qty != nil {
		o.qty = v.qty
	}
	b.entries[id] = o
	return true
}

func (w *twin) applyPosition(b *twinBook, e map[int]string, v values, remove bool) bool {
	rungs, i := b.rungs[v.side], v.position-1
	add := e[279] == "0"
	switch {
	case i < 0 || i > len(rungs) || i == len(rungs) && !add:
		return false
	case !remove && (v.qty == nil || v.qty.Sign() == 0), add && v.price == nil:
		return false
	}
	var next []twinLevel
	next = append(next, rungs[:i]...)
	if !remove {
		price := v.price
		if price == nil {
			price = rungs[i].price
		}
		next = append(next, twinLevel{v.side, price, v.qty})
	}
	if !add {
		i++
	}
	next = append(next, rungs[i:]...)
	for n := 1; n < len(next); n++ {
		if c := next[n-1].price.Cmp(next[n].price); c == 0 || c < 0 == (v.side == 0) {
			return false
		}
	}
	b.rungs[v.side] = next
	return true
}

func (w *twin) snapshot(fields []tagged) (refused bool) {
	head, entries, ok := w.group(fields, w.dl.FirstW)
	name := head[55]
	if name == "" && len(entries) > 0 {
		name = entries[0][55]
	}
	if _, known := w.symbols[name]; name != "" && !known {
		return false
	}
	fail := func() bool {
		if name == "" {
			w.lose(nil)
		} else {
			w.lose(map[string]bool{name: true})
		}
		return true
	}
	if !ok || name == "" {
		return fail()
	}
	if w.dl.NoBook {
		return false
	}
	b := w.books[name]
	if !b.partial {
		*b = twinBook{entries: map[string]twinLevel{}}
	}
	b.live = false
	var before map[int]string
	for _, e := range entries {
		if e[55] != "" && e[55] != name {
			return fail()
		}
		e[279], e[55] = "0", name
		if e[269] == "2" || isStatistic(e[269]) {
			if e[270] != "" && !decimalText.MatchString(e[270]) {
				return fail()
			}
			before = e
			continue
		}
		v, ok := w.read(e)
		if !ok || w.dl.Key != KeyID && before != nil && before[269] == e[269] && before[270] == e[270] {
			return fail()
		}
		before = e
		if w.dl.Key == KeyPosition {
			at := len(b.rungs[v.side]) + 1
			if v.position != 0 && v.position != at {
				return fail()
			}
			v.position = at
		}
		if v.qty != nil && v.qty.Sign() == 0 {
			continue
		}
		if w.dl.Key == KeyID && e[278] == "" { // AckWithoutID
			continue
		}
		if !w.apply(b, e, v) {
			return fail()
		}
	}
	if b.partial = head[893] == "N"; b.partial {
		return false
	}
	number, given := head[w.dl.SnapshotLast]
	if w.dl.SnapshotLast == 0 {
		number, given = "", false
	}
	if given {
		if b.seq = scaled(number, 0); b.seq == nil || b.seq.Sign() < 0 {
			return fail()
		}
		if b.seq.Sign() == 0 {
			b.seq = nil
		}
	} else if w.dl.Numbered {
		return fail()
	}
	b.live = true
	if !w.complete([]string{name}, head) {
		b.live = false
		return fail()
	}
	return false
}

// levels returns the depth of a book, as collect has it.
func (w *twin) levels(name string) (out [2]map[market.Price]market.Qty) {
	s, b := w.symbols[name], w.books[name]
	priceK, qtyK := int64(1), int64(1)
	if w.dl.Checksum != 0 {
		priceK, qtyK = market.Pow10(s.PriceDecimals-s.PricePrecision), market.Pow10(s.QtyDecimals-s.QtyPrecision)
	}
	for side := range out {
		out[side] = map[market.Price]market.Qty{}
		for _, l := range b.entries {
			if l.side == side && l.qty.Sign() > 0 {
				out[side][market.Price(l.price.Int64()*priceK)] += market.Qty(l.qty.Int64() * qtyK)
			}
		}
		for _, l := range b.rungs[side] {
			out[side][market.Price(l.price.Int64()*priceK)] += market.Qty(l.qty.Int64() * qtyK)
		}
	}
	return out
}
