package event

import (
	"strconv"
	"time"

	"penstock/market"
)

// line builds one line of text. Prices and quantities are those of one
// instrument.
type line struct {
	b          []byte
	n          *Names
	instrument *market.Instrument // nil when unknown
	now        int64              // of what the line is about, ns since epoch
}

func (n *Names) line(dst []byte, id market.InstrumentID, now int64) line {
	l := line{b: dst, n: n, now: now}
	if n != nil && int(id) < len(n.Instruments) {
		l.instrument = &n.Instruments[id]
	}
	return l
}

// word appends a space and s.
func (l *line) word(s string) {
	if s != "" {
		l.b = append(append(l.b, ' '), s...)
	}
}

func (l *line) uint(label string, v uint64) {
	l.b = strconv.AppendUint(append(l.b, label...), v, 10)
}

// nanos appends a span in whole nanoseconds.
func (l *line) nanos(label string, v int64) {
	l.b = strconv.AppendInt(append(l.b, label...), v, 10)
	l.b = append(l.b, "ns"...)
}

func (l *line) symbol(id market.InstrumentID) {
	switch {
	case l.instrument != nil:
		l.word(l.instrument.Symbol)
	case id == market.NoInstrument:
		l.word("*")
	default:
		l.uint(" instrument", uint64(id))
	}
}

func (l *line) venue(id market.VenueID) {
	switch {
	case id == market.NoVenue:
		l.word("*")
	case l.n != nil && int(id) < len(l.n.Venues):
		l.word(l.n.Venues[id].Name)
	default:
		l.uint(" venue", uint64(id))
	}
}

func (l *line) qty(label string, q market.Qty) {
	l.b = append(l.b, label...)
	if l.instrument == nil {
		l.b = strconv.AppendInt(l.b, int64(q), 10)
		return
	}
	l.b = market.AppendTrimmed(l.b, int64(q), l.instrument.QtyDecimals)
}

// qtyIf appends a quantity that is worth a word only when there is one.
func (l *line) qtyIf(label string, q market.Qty) {
	if q != 0 {
		l.qty(label, q)
	}
}

func (l *line) price(label string, p market.Price) {
	l.b = append(l.b, label...)
	if l.instrument == nil {
		l.b = strconv.AppendInt(l.b, int64(p), 10)
		return
	}
	l.b = market.AppendDecimal(l.b, int64(p), l.instrument.PriceDecimals)
}

// id appends a peer's identifier. What could break the line or pass for another
// word is escaped.
func (l *line) id(label string, id ID) {
	if id == (ID{}) {
		return
	}
	l.b = append(l.b, label...)
	for _, c := range id[:id.Len()] {
		if c <= ' ' || c > '~' || c == '\\' {
			const hex = "0123456789abcdef"
			l.b = append(l.b, '\\', 'x', hex[c>>4], hex[c&15])
			continue
		}
		l.b = append(l.b, c)
	}
}

func (l *line) reason(r Reason) {
	if r == ReasonNone {
		return
	}
	l.b = append(l.b, " ("...)
	l.b = append(append(l.b, r.String()...), ')')
}

// time appends a time of day, behind its date where that is not the line's own.
func (l *line) time(label string, ns int64) {
	const day = 86_400e9
	layout := "15:04:05.000000000"
	if ns/day != l.now/day {
		layout = "2006-01-02 " + layout
	}
	l.b = time.Unix(0, ns).UTC().AppendFormat(append(l.b, label...), layout)
}

// date appends a date that is given in days since 1970.
func (l *line) date(label string, days int64) {
	l.b = time.Unix(days*86_400, 0).UTC().AppendFormat(append(l.b, label...), time.DateOnly)
}

func (l *line) timeIf(label string, ns int64) {
	if ns != 0 {
		l.time(label, ns)
	}
}

// level appends "bid 100.25 x 300".
func (l *line) level(s market.Side, p market.Price, q market.Qty) {
	l.word(bookSide(s))
	l.price(" ", p)
	l.qty(" x ", q)
}

func bookSide(s market.Side) string {
	switch s {
	case market.Buy:
		return "bid"
	case market.Sell:
		return "ask"
	}
	return s.String()
}

// order appends "buy 300 @100.25"; price 0 is a market order or none.
func (l *line) order(s market.Side, q market.Qty, p market.Price) {
	l.word(s.String())
	l.qty(" ", q)
	if p != 0 {
		l.price(" @", p)
	}
}

// terms appends what of the order's terms is not the usual limit order.
func (l *line) terms(o market.OrdType, t market.TimeInForce, x market.ExecInst) {
	switch o {
	case 0, market.OrdLimit:
	case market.OrdMarket:
		l.word("market")
	case market.OrdPegged:
		l.word("pegged")
	case market.OrdPreviouslyQuoted:
		l.word("previously-quoted")
	default:
		l.uint(" OrdType ", uint64(o))
	}
	switch t {
	case 0:
	case market.TIFDay:
		l.word("DAY")
	case market.TIFGTC:
		l.word("GTC")
	case market.TIFIOC:
		l.word("IOC")
	case market.TIFFOK:
		l.word("FOK")
	case market.TIFGTD:
		l.word("GTD")
	default:
		l.uint(" TimeInForce ", uint64(t))
	}
	switch x {
	case market.ExecInstNone:
	case market.ExecInstMidPeg:
		l.word("mid-peg")
	case market.ExecInstISO:
		l.word("ISO")
	case market.ExecInstPostOnly:
		l.word("post-only")
	case market.ExecInstConditional:
		l.word("conditional")
	case market.ExecInstFirmUp:
		l.word("firm-up")
	default:
		l.uint(" ExecInst ", uint64(x))
	}
}

func (l *line) liquidity(q market.Liquidity) {
	switch q {
	case market.LiquidityAdded:
		l.word("added")
	case market.LiquidityRemoved:
		l.word("removed")
	}
}

// scope appends what an operator's act covers and sets.
func (l *line) scope(e *Event) {
	switch s := e.GetScope(); s.Kind {
	case ScopeFirm, ScopeVenue:
		l.venue(e.Venue)
	case ScopeSymbol:
		l.symbol(e.Instrument)
	case ScopeStrategy:
		l.word(e.Strategy.String())
	case ScopePolicy:
		l.b = strconv.AppendUint(append(l.b, " policy "...), s.ID, 16)
	default:
		l.uint(" client ", s.ID)
	}
	switch OperatorAct(e.Code) {
	case OperatorLimit:
		l.word(LimitKind(e.Ref).String())
		l.b = strconv.AppendInt(append(l.b, ' '), int64(e.Qty), 10)
		l.timeIf(" until ", e.Until)
	case OperatorResolve:
		l.uint(" C", e.Ref)
		l.qty(" cum ", e.CumQty)
	}
}
