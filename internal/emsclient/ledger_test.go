package emsclient

import (
	"math/big"
	"strings"
	"testing"

	"penstock/market"
)

var instruments = []market.Instrument{{Symbol: "ACME", Currency: "USD", PriceDecimals: 2,
	Tick: 1, Lot: 1}}

// day replays reports of one order: BUY 100 ACME limit 10.05.
func day(reports ...Report) *Ledger {
	l := NewLedger(instruments)
	l.Sent(Order{ClOrdID: "P1", Side: market.Buy, OrderQty: 100, LeavesQty: 100, Price: 1005})
	for i := range reports {
		r := &reports[i]
		if r.Symbol == "" {
			r.Symbol = "ACME"
		}
		if r.ClOrdID == "" {
			r.ClOrdID = "P1"
		}
		if r.Side == 0 {
			r.Side = market.Buy
		}
		if r.OrderID == "" {
			r.OrderID = "7"
		}
		if r.OrderQty == 0 {
			r.OrderQty = 100
		}
		l.Apply(r)
	}
	return l
}

func report(id string, t market.ExecType, s market.OrdStatus, cum, leaves, last market.Qty,
	px market.Price, avg int64) Report {
	return Report{ExecID: id, ExecType: t, OrdStatus: s, CumQty: cum, LeavesQty: leaves, LastQty: last,
		LastPx: px, AvgPx: avg}
}

var (
	accepted = report("1", market.ExecNew, market.StatusNew, 0, 100, 0, 0, 0)
	half     = report("2", market.ExecTrade, market.StatusPartiallyFilled, 60, 40, 60, 1000,
		10_000_000)
	rest = report("3", market.ExecTrade, market.StatusFilled, 100, 0, 40, 1005, 10_020_000)
)

func TestLedgerBooksADay(t *testing.T) {
	l := day(accepted, half, rest)
	o := l.Order("P1")
	if v := l.Violations(); v != nil {
		t.Errorf("violations %v", v)
	}
	if o.CumQty != 100 || o.LeavesQty != 0 || o.Notional != 60*1000+40*1005 || len(o.Fills) != 2 ||
		!o.Done() || o.AvgPx != 10_020_000 || o.Reports != 3 || len(o.States) != 3 {
		t.Errorf("order %+v", o)
	}
}

func TestLedgerObjects(t *testing.T) {
	change := func(r Report, f func(*Report)) Report {
		f(&r)
		return r
	}
	for _, c := range []struct {
		name    string
		reports []Report
		want    string
	}{
		{"ExecID twice", []Report{accepted, accepted}, "ExecID seen before"},
		{"unknown order", []Report{{ClOrdID: "P9", ExecID: "1"}}, "no such order"},
		{"after the end", []Report{half, rest, change(half, func(r *Report) { r.ExecID = "4" })},
			"is done"},
		{"CumQty falls", []Report{half, change(half, func(r *Report) {
			r.ExecID, r.CumQty = "4", 30
		})}, "CumQty 30, expected 120"},
		{"CumQty jumps", []Report{change(half, func(r *Report) { r.CumQty, r.LeavesQty = 70, 30 })},
			"fills add up to 60"},
		{"CumQty without a fill", []Report{change(accepted, func(r *Report) {
			r.CumQty, r.LeavesQty = 1, 99
		})}, "expected 0"},
		{"leaves", []Report{change(half, func(r *Report) { r.LeavesQty = 41 })}, "is not OrderQty"},
		{"leaves at the end", []Report{half, change(rest, func(r *Report) { r.LeavesQty = 1 })},
			"LeavesQty 1"},
		{"filled too early", []Report{change(half, func(r *Report) {
			r.OrdStatus, r.LeavesQty = market.StatusFilled, 0
		})}, "Filled with"},
		{"never filled", []Report{half, change(rest,
			func(r *Report) { r.OrdStatus = market.StatusPartiallyFilled })}, "PartiallyFilled with"},
		{"worse than the limit", []Report{change(half, func(r *Report) {
			r.LastPx, r.AvgPx = 1006, 10_060_000
		})}, "worse than the limit"},
		{"average", []Report{change(half, func(r *Report) { r.AvgPx++ })}, "AvgPx"},
		{"side", []Report{change(accepted, func(r *Report) { r.Side = market.Sell })}, "Side"},
		{"OrderID changes", []Report{accepted, change(half, func(r *Report) { r.OrderID = "8" })},
			"OrderID 8"},
		{"OrderQty changes", []Report{change(accepted, func(r *Report) { r.OrderQty = 99 })},
			"OrderQty 99"},
		{"state", []Report{change(accepted, func(r *Report) { r.ExecType = market.ExecCanceled })},
			"does not go with"},
		{"empty fill", []Report{change(half, func(r *Report) {
			r.LastQty, r.CumQty, r.LeavesQty = 0, 0,
				100
		})}, "fill of 0"},
	} {
		v := strings.Join(day(c.reports...).Violations(), "\n")
		if !strings.Contains(v, c.want) {
			t.Errorf("%s: violations %q, want %q", c.name, v, c.want)
		}
	}
}

func TestLedgerTakesARepeatedReportOnce(t *testing.T) {
	again := half
	again.PossDup = true
	l := day(accepted, half, again, rest)
	if v := l.Violations(); v != nil || l.Order("P1").CumQty != 100 || len(l.Order("P1").Fills) != 2 {
		t.Errorf("order %+v, violations %v", l.Order("P1"), v)
	}
	// One that was never seen is booked: it comes from a resend.
	l = day(accepted, again)
	if v := l.Violations(); v != nil || l.Order("P1").CumQty != 60 {
		t.Errorf("order %+v, violations %v", l.Order("P1"), v)
	}
}

func TestRefusalOfADuplicateLeavesTheOrderAlone(t *testing.T) {
	refusal := Report{OrderID: "NONE", ExecID: "9", ExecType: market.ExecRejected,
		OrdStatus: market.StatusRejected}
	l := day(accepted, refusal, half, rest)
	l.Sent(Order{ClOrdID: "P1", OrderQty: 1})
	if o := l.Order("P1"); l.Violations() != nil || o.OrderQty != 100 || o.Reports != 3 {
		t.Errorf("order %+v, violations %v", o, l.Violations())
	}
}

func TestLedgerFollowsAReplace(t *testing.T) {
	replaced := Report{ClOrdID: "P2", OrigClOrdID: "P1", ExecID: "5", ExecType: market.ExecReplaced,
		OrdStatus: market.StatusPartiallyFilled, OrderQty: 80, CumQty: 60, LeavesQty: 20,
		AvgPx: 10_000_000, Price: 1010}
	last := Report{ClOrdID: "P2", ExecID: "6", ExecType: market.ExecTrade,
		OrdStatus: market.StatusFilled,
		OrderQty:  80, CumQty: 80, LastQty: 20, LastPx: 1010, AvgPx: 10_025_000}
	l := day(accepted, half, replaced, last)
	if v := l.Violations(); v != nil {
		t.Errorf("violations %v", v)
	}
	if o := l.Order("P2"); o != l.Order("P1") || o.ClOrdID != "P2" || o.CumQty != 80 || !o.Done() {
		t.Errorf("order %+v", o)
	}
}

func FuzzAvgPxIsTheNearest(f *testing.F) {
	f.Add(int64(100_200), int64(100))
	f.Fuzz(func(t *testing.T, notional, cum int64) {
		if cum <= 0 || cum > 1<<62 || notional < 0 || notional > 1<<48 {
			return
		}
		// |2·avg·cum − 2·notional·10^4| ≤ cum
		avg := AvgPx(market.Notional(notional), market.Qty(cum))
		d := new(big.Int).Mul(big.NewInt(avg), big.NewInt(cum))
		d.Sub(d, new(big.Int).Mul(big.NewInt(notional), big.NewInt(10_000)))
		if d.Lsh(d.Abs(d), 1).Cmp(big.NewInt(cum)) > 0 {
			t.Errorf("%d / %d = %d is not the nearest", notional, cum, avg)
		}
	})
}

// What the router takes back is taken from the account, by the report that it names, also
// after the end of the order; what names no fill is objected to.
func TestLedgerTakesBackWhatIsTakenBack(t *testing.T) {
	correct := report("4", market.ExecTradeCorrect, market.StatusPartiallyFilled, 80, 20, 40, 1000, 10_025_000)
	correct.ExecRefID = "2"
	ended := report("5", market.ExecCanceled, market.StatusCanceled, 80, 0, 0, 0, 10_025_000)
	bust := report("6", market.ExecTradeCancel, market.StatusCanceled, 40, 0, 40, 1000, 10_050_000)
	bust.ExecRefID = "4" // the correction
	l := day(accepted, half, rest, correct, ended, bust)
	o := l.Order("P1")
	if v := l.Violations(); v != nil || o.CumQty != 40 || o.Notional != 40*1005 || len(o.Fills) != 1 || !o.Done() {
		t.Errorf("order %+v, violations %v", o, v)
	}
	bust.ExecRefID = "2"
	if v := day(accepted, half, rest, correct, ended, bust).Violations(); len(v) == 0 || !strings.Contains(v[0], "ExecRefID 2") {
		t.Errorf("violations %v, want the reference objected to", v)
	}
}

func TestReportsOfFIX42AreUnderstood(t *testing.T) {
	for _, c := range []struct {
		execType market.ExecType
		trans    byte
		want     market.ExecType
	}{
		{'0', '0', market.ExecNew}, {'1', '0', market.ExecTrade}, {'2', '0', market.ExecTrade}, {'4', '0', market.ExecCanceled},
		{'1', '1', market.ExecTradeCancel}, {'2', '2', market.ExecTradeCorrect}, {'0', '3', market.ExecOrderStatus},
	} {
		if got := execType42(c.execType, c.trans); got != c.want {
			t.Errorf("150=%c 20=%c is %v, want %v", c.execType, c.trans, got, c.want)
		}
	}
}
