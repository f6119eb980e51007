package ems

import (
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
)

// TestDisplayQuantityIsSaidBack: by either name, kept by a replace that says none, and changed by
// one that says it, with TargetStrategy(847) or without.
func TestDisplayQuantityIsSaidBack(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	p.send("D", build("D", "847=1001|1138=50|"+group(endTime)))
	e := d.next(t, event.ParentNew)
	if e.Display() != 50 {
		t.Fatalf("event %+v", e)
	}
	b := newBook(a, &e, 7)
	b.report(t, market.ExecNew, market.StatusNew)
	if m := p.expect("8"); echoed(m)["DisplayQty"] != "7 50" || !strings.Contains(pretty(m), "|111=50|") {
		t.Errorf("%s", pretty(m))
	}
	for i, step := range []struct {
		fields string
		event  market.Qty
		said   string
	}{
		{"", 0, "7 50"}, {"111=20", 20, "7 20"}, {"847=1001|" + group(endTime), 0, "7 20"},
		{"847=1001|" + group(endTime, "DisplayQty 7 30"), 30, "7 30"}, {"1138=10", 10, "7 10"},
	} {
		id, orig := "R"+string(rune('1'+i)), "R"+string(rune('0'+i))
		if i == 0 {
			orig = "O1"
		}
		p.send("G", build("G", "11="+id+"|41="+orig+"|"+step.fields))
		e = d.next(t, event.ParentReplace)
		if e.Display() != step.event {
			t.Fatalf("%s: event %+v", step.fields, e)
		}
		b.order.ID, b.order.OrigID = e.ID, e.OrigID
		b.report(t, market.ExecReplaced, market.StatusReplaced)
		if m := p.expect("8"); echoed(m)["DisplayQty"] != step.said {
			t.Errorf("%q: %s", step.fields, pretty(m))
		}
	}
}

// TestShortSaleIsReadAndSaidBack: the mark beside the side, who located the stock, and Side(54)
// in the report.
func TestShortSaleIsReadAndSaidBack(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	for i, c := range []struct {
		fields string
		mark   market.Mark
		by     string
		side   string
	}{
		{"54=5|114=N|5700=LOCATOR", market.Short, "LOCATOR", "5"}, {"54=6|114=N|5700=B-2", market.ShortExempt, "B-2", "6"},
		{"54=5", market.Short, "", "5"}, {"54=5|114=N", market.Short, "", "5"}, {"54=2", market.Long, "", "2"},
	} {
		p.send("D", build("D", "11=S"+string(rune('0'+i))+"|"+c.fields))
		e := d.next(t, event.ParentNew)
		if e.Side != market.Sell || e.Mark != c.mark || e.OrigID.String() != c.by {
			t.Errorf("%s: event %+v", c.fields, e)
		}
		b := newBook(a, &e, uint64(7+i))
		b.order.Mark = e.Mark
		b.report(t, market.ExecNew, market.StatusNew)
		if m := p.expect("8"); get(m, 54) != c.side {
			t.Errorf("%s: %s", c.fields, pretty(m))
		}
	}
}
