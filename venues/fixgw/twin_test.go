package fixgw

import (
	"fmt"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/mutate"
	"penstock/market"
)

// slowReport is the readable twin of readReport: text from a map, numbers by the plain
// readers. It says which tag is refused, 0 for none.
func slowReport(g *Gateway, m *fix.Message) (e event.Event, badTag int) {
	f := map[int]string{}
	once := map[int]bool{11: true, 41: true, 37: true, 17: true, 150: true, 39: true, 20: true, 38: true,
		44: true, 31: true, 32: true, 14: true, 151: true}
	for i := range m.Len() {
		tag, v := m.Field(i)
		if _, seen := f[tag]; !seen {
			f[tag] = string(v)
		} else if once[tag] {
			return e, -1
		}
	}
	e = event.Event{Kind: event.Exec, Venue: g.cfg.Venue, RecvTime: 1}
	d := &g.cfg.Dialect
	sym := (*Symbol)(nil)
	for i := range g.cfg.Symbols {
		if g.cfg.Symbols[i].Text == f[55] {
			sym = &g.cfg.Symbols[i]
		}
	}
	for _, tag := range []int{150, 39, 55, 17} {
		if f[tag] == "" {
			return e, tag
		}
	}
	if sym == nil {
		return e, 55
	}
	e.SetMsgSeqNum(g.session.NextIn())
	e.SetSent(g.session.NextOut() - 1)
	e.Instrument, e.Ref = sym.ID, d.IDs.Parse([]byte(f[11]))
	if f[41] != "" {
		e.Ref = d.IDs.Parse([]byte(f[41]))
	}
	e.OrderRef = market.OrderRef([]byte(f[37]))
	copy(e.ID[:], f[17][max(0, len(f[17])-20):])
	if strings.HasPrefix(f[43], "Y") || strings.HasPrefix(f[97], "Y") {
		e.Flags = event.PossDup
	}
	e.Liquidity = slowLiquidity(d.LiquidityTag, f[d.LiquidityTag])
	for _, q := range []struct {
		tag      int
		to       *int64
		decimals uint8
		must     bool
	}{
		{14, (*int64)(&e.CumQty), sym.QtyDecimals, true}, {151, (*int64)(&e.LeavesQty), sym.QtyDecimals, true},
		{38, (*int64)(&e.Qty), sym.QtyDecimals, false}, {32, (*int64)(&e.LastQty), sym.QtyDecimals, false},
		{44, (*int64)(&e.Price), sym.PriceDecimals, false}, {31, (*int64)(&e.LastPx), sym.PriceDecimals, false},
	} {
		v, err := market.ParseDecimal([]byte(f[q.tag]), q.decimals)
		price := q.tag == 44 || q.tag == 31
		switch {
		case f[q.tag] == "" && !q.must:
		case err != nil || !price && strings.HasPrefix(f[q.tag], "-"):
			return e, q.tag
		default:
			*q.to = v
		}
	}
	when := f[60]
	if when == "" {
		when = f[52]
	}
	ns, err := fix.ParseTime([]byte(when))
	if err != nil && f[60] != "" {
		return e, 60
	} else if err == nil {
		e.SrcTime = ns
	}
	return slowVerdict(g, m, e, f, sym)
}

func slowVerdict(g *Gateway, m *fix.Message, e event.Event, f map[int]string, sym *Symbol) (event.Event, int) {
	code := func(tag int) byte { return char([]byte(f[tag])) }
	e.Code, e.OrdStatus, e.Side = execType(code(150), code(20)), market.OrdStatus(code(39)), market.Side(code(54))
	if e.Mark = map[market.Side]market.Mark{'5': market.Short, '6': market.ShortExempt}[e.Side]; e.Mark != market.Long {
		e.Side = market.Sell
	}
	refers := []int{19}
	if e.Code == 'F' {
		refers = []int{880, 1003, 527}
	}
	for _, tag := range refers {
		if f[tag] != "" {
			copy(e.OrigID[:], f[tag][max(0, len(f[tag])-len(e.OrigID)):])
			break
		}
	}
	if e.Code == 'I' && f[6] != "" {
		v, err := market.ParseDecimal(truncate([]byte(f[6]), sym.PriceDecimals), sym.PriceDecimals)
		if err != nil {
			return e, 6
		}
		e.LastPx = market.Price(v)
	}
	switch {
	case e.OrdStatus.String() == "OrdStatus?":
		return e, 39
	case market.ExecType(e.Code).String() == "OrdStatus?":
		return e, 150
	case e.Side != 0 && e.Side != '1' && e.Side != '2':
		return e, 54
	case e.Code == 'F' && e.LastQty == 0:
		return e, 32
	case e.Code == 'F' && f[31] == "":
		return e, 31
	}
	if e.Code == '8' || e.Code == 'I' && e.OrdStatus == '8' {
		e.Reason = g.classify(m)
		if e.Code == 'I' && f[103] == "5" {
			e.Reason = event.ReasonUnknownOrder
		}
	}
	return e, 0
}

func slowLiquidity(tag int, v string) market.Liquidity {
	switch {
	case v == "":
		return 0
	case tag == 851:
		return market.Liquidity(v[0])
	case tag == 1057:
		return map[byte]market.Liquidity{'Y': '2', 'N': '1'}[v[0]]
	}
	return map[byte]market.Liquidity{'R': '2', 'A': '1'}[v[0]]
}

// FuzzReport gives each dialect reports as its session does, several with one Message,
// and compares the events with those of the slow twin.
func FuzzReport(tf *testing.F) {
	f := mutate.New(tf)
	for _, s := range []string{fill(7, 100), fill(8, 300), "11=1|14=0|17=E|39=8|55=ACME|150=8|151=0|58=no|103=1",
		"6=100.2512345678|11=1|14=5|17=E|20=3|31=1|32=5|39=0|55=EUR/USD|150=0|151=0.25|9882=R1|1057=N",
		"11=26112014-3000-4000-8001-000000000000|14=1.50|17=6f9619ff-8b86-4011-b42d-00c04fc964ff|31=1.085|32=.5|37=6f9619ff-8b86-4011-b42d-00c04fc964ff|39=1|54=2|55=EUR/USD|150=F|151=0",
		"11=1|14=1|17=E|19=D|39=4|55=ACME|150=4|151=0", "11=1|14=1|17=E|31=1|32=1|39=2|55=ACME|150=F|151=0|527=S|1003=T|880=M",
		"11=1|14=1|17=E|31=1|32=1|39=2|54=5|55=ACME|150=F|151=0|527=S|880=\x00", "11=1|14=0|17=E|39=0|54=6|55=ACME|150=0|151=1",
		"14=1|14=2|17=E|39=0|55=ACME|150=0|151=0", "14=1|17=E|39=0|43=Y|44=-5.25|55=ACME|60=20261120-14:30:60|150=I|151=00001|103=5"} {
		for d := range dialects {
			f.Add(s, s, 44, "1", uint8(d))
		}
	}
	var gateways []*Gateway
	var got []event.Event
	for _, d := range dialects {
		cfg := dialectConfig(f, d.Name)
		cfg.Symbols, cfg.Venue = testSymbols, 2
		cfg.Sink = func(e *event.Event) bool { got = append(got, *e); return true }
		g, err := New(cfg)
		if err != nil {
			f.Fatal(err)
		}
		gateways = append(gateways, g)
	}
	f.Fuzz(func(t *testing.T, a, b string, tag int, value string, dialect uint8) {
		g := gateways[int(dialect)%len(gateways)]
		var m fix.Message
		for _, text := range []string{a, b, a, fmt.Sprintf("%s|%d=%s", a, tag, value), a} {
			frame := wrap("35=8|34=7|49=XLIT|52=20261120-14:30:00.123|56=SOR|" + text)
			n, garbled, parsed := m.Next(frame, fix.MaxFrame)
			if n == 0 || garbled != nil || parsed != nil {
				continue
			}
			got = nil
			if !g.onMessage(&m, 1) {
				t.Fatal("not taken")
			}
			want, bad := slowReport(g, &m)
			if (bad != 0) != (len(got) == 0) || bad == 0 && got[0] != want {
				t.Fatalf("%s %q:\ngot  %+v\nwant %+v, refused tag %d; %s", g.cfg.Dialect.Name, text, got, want, bad,
					g.stats.LastMalformed)
			}
			g.session.Wrote(len(g.session.Out()))
		}
	})
}
