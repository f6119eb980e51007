package fixmd

import (
	"strconv"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// QuoteReader turns a dealer's Quote(35=S), MassQuote(35=i) and QuoteCancel(35=Z)
// into events. Single owner.
//
// A quote has one size band or several. Of those that it tells, the first is an
// event.Quote as ever; band k of the same quote follows with Code k, and More is
// set on all but the last. A MassQuote that says less than all of a set
// (295 < 304) changes the bands it names, by QuoteEntryID(299).
type QuoteReader struct {
	venue   market.VenueID
	symbols []Symbol
	byText  map[string]int32
	byID    []int32 // index in symbols, -1
	entryID bool    // a band is dealt on by its 299
	bands   int     // how many bands are told
	kept    []quote // by symbol
	read    []quoteBand
	sets    []quoteSet
	last    int // symbol of the last Quote

	// What the last Read found; valid until the next.
	Events  []event.Event
	Index   []int32 // of the symbol of each event in the list of symbols
	Ack     []byte  // QuoteID(117) to acknowledge with 35=b; nil: not asked for
	Left    int     // bands that were not told
	Unknown int     // instruments that are not configured
}

// quote is what a dealer shows in one instrument.
type quote struct {
	n     int
	bands [maxBands]quoteBand
}

// quoteBand is one price with its sizes.
type quoteBand struct {
	entry    event.ID // QuoteEntryID(299)
	id       event.ID // what an order on it names
	bid, ask market.Price
	bidQty   market.Qty // 0: not quoted on that side
	askQty   market.Qty
	until    int64
}

// quoteSet is a part of read: the bands of one QuoteSet.
type quoteSet struct {
	symbol   int32
	from, to int
	total    int // TotNoQuoteEntries(304), 0: not said
}

// NewQuoteReader returns a reader for the symbols. entryIDIsQuoteID says that a
// band is dealt on by its QuoteEntryID(299), not the message's QuoteID(117). bands
// is how many size bands are told, 1 to 8.
func NewQuoteReader(venue market.VenueID, symbols []Symbol, entryIDIsQuoteID bool, bands int,
) *QuoteReader {
	q := &QuoteReader{venue: venue, symbols: symbols, byText: make(map[string]int32, len(symbols)),
		entryID: entryIDIsQuoteID, bands: min(max(bands, 1), maxBands), kept: make([]quote, len(symbols))}
	for i := range symbols {
		for int(symbols[i].ID) >= len(q.byID) {
			q.byID = append(q.byID, -1)
		}
		q.byID[symbols[i].ID] = int32(i)
		q.byText[symbols[i].Text] = int32(i)
	}
	return q
}

// QuoteReqID is QuoteReqID(131) under which quotes of an instrument are asked for.
func QuoteReqID(id market.InstrumentID) string { return "Q" + strconv.Itoa(int(id)) }

// Read decodes m, of type S, i or Z. With an error nothing changes.
func (q *QuoteReader) Read(m *fix.Message, now int64) *fix.FieldError {
	q.Events, q.Index, q.Ack = q.Events[:0], q.Index[:0], nil
	q.Left, q.Unknown = 0, 0
	switch m.Type()[0] {
	case 'S':
		return q.single(m, now)
	case 'i':
		return q.mass(m, now)
	}
	q.cancel(m, now)
	return nil
}

// bandText is a band as it stands in a message.
type bandText struct {
	symbol, reqID, id, entry     []byte
	bid, offer, bidSize, askSize []byte
	until                        []byte
}

func (b *bandText) take(tag int, v []byte) {
	switch tag {
	case fix.TagSymbol:
		b.symbol = v
	case fix.TagQuoteReqID:
		b.reqID = v
	case fix.TagBidPx:
		b.bid = v
	case fix.TagOfferPx:
		b.offer = v
	case fix.TagBidSize:
		b.bidSize = v
	case fix.TagOfferSize:
		b.askSize = v
	case fix.TagValidUntilTime:
		b.until = v
	}
}

// onceInQuote are the fields of which a second one makes a Quote contradict itself.
const onceInQuote = 1<<fix.SlotQuoteID | 1<<fix.SlotQuoteType | 1<<fix.SlotSymbol | 1<<fix.SlotBidPx |
	1<<fix.SlotOfferPx | 1<<fix.SlotBidSize | 1<<fix.SlotOfferSize | 1<<fix.SlotValidUntilTime

// single decodes Quote(35=S), which replaces what was quoted.
func (q *QuoteReader) single(m *fix.Message, now int64) *fix.FieldError {
	if twice := m.Twice(onceInQuote); twice != 0 {
		return m.Bad(fix.SlotTag(twice), fix.RejectDuplicate)
	}
	symbol := int32(q.last)
	if text := m.At(fix.SlotSymbol); q.last >= len(q.symbols) || string(text) != q.symbols[q.last].Text {
		symbol = q.find(present(text), m.At(fix.SlotQuoteReqID))
	}
	if symbol < 0 {
		q.Unknown++
		return m.Bad(fix.TagSymbol, fix.RejectValue)
	}
	q.last = int(symbol)
	s := &q.symbols[symbol]
	var out quoteBand
	id := m.At(fix.SlotQuoteID)
	var ok bool
	if out.id, ok = event.MakeID(id); !ok || len(id) == 0 { // dealt on, it must come back whole
		return m.Bad(fix.TagQuoteID, fix.RejectValue)
	}
	tag := sideAt(m, fix.SlotBidPx, fix.SlotBidSize, s, &out.bid, &out.bidQty)
	if tag == 0 {
		tag = sideAt(m, fix.SlotOfferPx, fix.SlotOfferSize, s, &out.ask, &out.askQty)
	}
	if tag != 0 {
		return m.Bad(fix.SlotTag(tag), fix.RejectFormat)
	}
	if out.until, ok = m.TimeAt(fix.SlotValidUntilTime); !ok && len(m.At(fix.SlotValidUntilTime)) > 0 {
		return m.Bad(fix.TagValidUntilTime, fix.RejectFormat)
	}
	at, ok := m.TimeAt(fix.SlotTransactTime)
	if !ok && len(m.At(fix.SlotTransactTime)) > 0 {
		return m.Bad(fix.TagTransactTime, fix.RejectFormat)
	} else if !ok {
		at, _ = m.TimeAt(fix.SlotSendingTime)
	}
	k := &q.kept[symbol]
	k.bands[0], k.n = out, 1
	q.tell(symbol, now, at)
	if string(m.At(fix.SlotQuoteType)) == "0" { // indicative: nothing can be dealt on it, and the one before is gone
		q.Events[0].Kind, q.Events[0].Reason = event.QuoteCancel, event.ReasonVenueState
		k.n = 0
	}
	return nil
}

// present is text, nil when it is empty.
func present(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text
}

// sideAt reads one side of a Quote, as quoteSide does; bad has the bit of the slot that
// cannot be read.
func sideAt(m *fix.Message, px, size fix.Slot, s *Symbol, price *market.Price, qty *market.Qty) (bad uint64) {
	if len(m.At(px)) == 0 || len(m.At(size)) == 0 {
		return 0
	}
	p, ok := m.DecimalAt(px, s.PriceDecimals)
	if !ok {
		return 1 << px
	}
	n, ok := m.DecimalAt(size, s.QtyDecimals)
	if !ok {
		return 1 << size
	}
	if p > 0 && n > 0 {
		*price, *qty = market.Price(p), market.Qty(n)
	}
	return 0
}

// sentAt is the source time: TransactTime(60), or else SendingTime(52).
func sentAt(transact []byte, m *fix.Message) (int64, *fix.FieldError) {
	if transact != nil {
		ns, err := fix.ParseTime(transact)
		if err != nil {
			return 0, m.Bad(fix.TagTransactTime, fix.RejectFormat)
		}
		return ns, nil
	}
	ns, _ := m.TimeAt(fix.SlotSendingTime)
	return ns, nil
}

// band appends a band to q.read.
func (q *QuoteReader) band(b *bandText, m *fix.Message) (symbol int32, bad *fix.FieldError) {
	symbol = q.find(b.symbol, b.reqID)
	if symbol < 0 {
		q.Unknown++
		return -1, m.Bad(fix.TagSymbol, fix.RejectValue)
	}
	s := &q.symbols[symbol]
	id := b.id
	if q.entryID && b.entry != nil {
		id = b.entry
	}
	var out quoteBand
	var ok bool
	if out.id, ok = event.MakeID(id); !ok || len(id) == 0 { // dealt on, it must come back whole
		return -1, m.Bad(fix.TagQuoteID, fix.RejectValue)
	}
	if out.entry, ok = event.MakeID(b.entry); !ok {
		return -1, m.Bad(fix.TagQuoteEntryID, fix.RejectValue)
	}
	tag := quoteSide(b.bid, b.bidSize, fix.TagBidPx, fix.TagBidSize, s, &out.bid, &out.bidQty)
	if tag == 0 {
		tag = quoteSide(b.offer, b.askSize, fix.TagOfferPx, fix.TagOfferSize, s, &out.ask, &out.askQty)
	}
	if tag != 0 {
		return -1, m.Bad(tag, fix.RejectFormat)
	}
	if b.until != nil {
		var err error
		if out.until, err = fix.ParseTime(b.until); err != nil {
			return -1, m.Bad(fix.TagValidUntilTime, fix.RejectFormat)
		}
	}
	q.read = append(q.read, out)
	return symbol, nil
}

// quoteSide reads one side; a missing or zero price or size means that the side
// is not quoted.
func quoteSide(px, size []byte, pxTag, sizeTag int, s *Symbol, price *market.Price,
	qty *market.Qty,
) (badTag int) {
	if px == nil || size == nil {
		return 0
	}
	p, err := market.ParseDecimal(px, s.PriceDecimals)
	if err != nil || p < 0 {
		return pxTag
	}
	n, err := market.ParseDecimal(size, s.QtyDecimals)
	if err != nil || n < 0 {
		return sizeTag
	}
	if p > 0 && n > 0 {
		*price, *qty = market.Price(p), market.Qty(n)
	}
	return 0
}

// find returns the index of a symbol by Symbol(55) or else by our QuoteReqID(131),
// -1 when it is not configured.
func (q *QuoteReader) find(symbol, reqID []byte) int32 {
	if symbol != nil {
		if i, ok := q.byText[string(symbol)]; ok {
			return i
		}
		return -1
	}
	return int32(q.requested(reqID))
}

// requested returns the index of the symbol that a QuoteReqID(131) of ours names,
// -1 when it names none.
func (q *QuoteReader) requested(reqID []byte) int {
	if len(reqID) < 2 || reqID[0] != 'Q' {
		return -1
	}
	id, err := fix.ParseInt(reqID[1:])
	if err != nil || id < 0 || id >= int64(len(q.byID)) {
		return -1
	}
	return int(q.byID[id])
}

// tell appends the events of what is quoted in a symbol.
func (q *QuoteReader) tell(symbol int32, now, srcTime int64) {
	k := &q.kept[symbol]
	told := 0
	for i := range k.bands[:k.n] {
		b := &k.bands[i]
		if b.bidQty == 0 && b.askQty == 0 && (i+1 < k.n || told > 0) {
			continue // withdrawn; the last of none is told, as a quote of nothing
		}
		if told == q.bands {
			q.Left++
			continue
		}
		if told > 0 {
			q.Events[len(q.Events)-1].Flags = event.More
		}
		q.add(event.Event{Kind: event.Quote, SrcTime: srcTime, Code: uint8(told), ID: b.id,
			Price: b.bid, Qty: b.bidQty, LastPx: b.ask, LastQty: b.askQty, Until: b.until}, symbol, now)
		told++
	}
}

func (q *QuoteReader) add(e event.Event, symbol int32, now int64) {
	e.Venue, e.Instrument, e.RecvTime = q.venue, q.symbols[symbol].ID, now
	q.Events = append(q.Events, e)
	q.Index = append(q.Index, symbol)
}

// mass decodes MassQuote(35=i).
func (q *QuoteReader) mass(m *fix.Message, now int64) *fix.FieldError {
	if bad := q.readSets(m); bad != nil {
		return bad
	}
	at, bad := sentAt(nil, m)
	if bad != nil {
		return bad
	}
	for i := range q.sets {
		s := &q.sets[i]
		if s.from == s.to {
			continue
		}
		q.commit(s)
		q.tell(s.symbol, now, at)
	}
	return nil
}

// readSets reads all sets into q.sets and q.read.
func (q *QuoteReader) readSets(m *fix.Message) *fix.FieldError {
	q.read, q.sets = q.read[:0], q.sets[:0]
	var b bandText
	var quoteID, reqID, setSymbol []byte
	inEntry, ack := false, false
	for i, n := 3, m.Len()-1; i <= n; i++ {
		tag, v := m.Field(i)
		if inEntry && (tag == fix.TagQuoteEntryID || tag == fix.TagQuoteSetID || i == n) {
			inEntry = false
			symbol, bad := q.band(&b, m)
			if bad != nil {
				return bad
			}
			s := &q.sets[len(q.sets)-1]
			if s.to > s.from && s.symbol != symbol {
				return m.Bad(fix.TagSymbol, fix.RejectValue)
			}
			s.symbol, s.to = symbol, len(q.read)
		}
		switch tag {
		case fix.TagQuoteID:
			quoteID = v
		case fix.TagQuoteReqID:
			reqID = v
		case fix.TagQuoteResponseLevel:
			ack = v[0] != '0'
		case fix.TagQuoteSetID:
			q.sets = append(q.sets, quoteSet{symbol: -1, from: len(q.read), to: len(q.read)})
			setSymbol = nil
		case fix.TagTotNoQuoteEntries:
			if total, err := fix.ParseInt(v); err == nil && len(q.sets) > 0 {
				q.sets[len(q.sets)-1].total = int(min(max(total, 0), maxBands))
			}
		case fix.TagQuoteEntryID:
			if len(q.sets) == 0 {
				return m.Bad(fix.TagQuoteSetID, fix.RejectMissingTag)
			}
			inEntry = true
			b = bandText{symbol: setSymbol, reqID: reqID, id: quoteID, entry: v}
		default:
			if inEntry {
				b.take(tag, v)
			}
			if tag == fix.TagSymbol {
				setSymbol = v // the entries behind may leave it out
			}
		}
	}
	if len(q.sets) == 0 {
		return m.Bad(fix.TagQuoteSetID, fix.RejectMissingTag)
	}
	if ack {
		q.Ack = quoteID
	}
	return nil
}

// commit takes a set over: the whole quote, or the bands that it names.
func (q *QuoteReader) commit(s *quoteSet) {
	k, bands := &q.kept[s.symbol], q.read[s.from:s.to]
	if s.total <= len(bands) {
		k.n = copy(k.bands[:], bands)
		q.Left += len(bands) - k.n
		return
	}
	for i := range bands {
		b := &bands[i]
		at := 0
		for at < k.n && k.bands[at].entry != b.entry {
			at++
		}
		if at == maxBands {
			q.Left++
			continue
		}
		k.bands[at] = *b
		k.n = max(k.n, at+1)
	}
}

// cancel decodes QuoteCancel(35=Z): of the symbols it names, by 55 or by our 131,
// or of all.
func (q *QuoteReader) cancel(m *fix.Message, now int64) {
	kind, _ := m.Get(fix.TagQuoteCancelType)
	all := string(kind) == "4"
	named := false
	for i, n := 3, m.Len()-1; i < n && !all; i++ {
		tag, v := m.Field(i)
		if tag != fix.TagSymbol {
			continue
		}
		named = true
		if s, ok := q.byText[string(v)]; ok {
			q.withdraw(s, now)
		} else {
			q.Unknown++
		}
	}
	if named {
		return
	}
	if reqID, ok := m.Get(fix.TagQuoteReqID); ok && !all {
		if s := q.requested(reqID); s >= 0 {
			q.withdraw(int32(s), now)
			return
		}
	}
	// Everything, or something that we cannot tell: the safe reading is everything.
	for s := range q.symbols {
		q.withdraw(int32(s), now)
	}
}

func (q *QuoteReader) withdraw(symbol int32, now int64) {
	q.kept[symbol].n = 0
	q.add(event.Event{Kind: event.QuoteCancel, Reason: event.ReasonVenueState}, symbol, now)
}

// Forget drops what was quoted: the session ended.
func (q *QuoteReader) Forget() {
	for i := range q.kept {
		q.kept[i].n = 0
	}
}
