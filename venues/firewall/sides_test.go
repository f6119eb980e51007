package firewall

import (
	"fmt"
	"testing"

	"penstock/fix"
	"penstock/market"
)

// sidesWall has a lit venue and two clients: 0 sells nothing short, 1 does, but not exempt.
func sidesWall(t *testing.T) (f *Firewall, s *Session) {
	t.Helper()
	f, err := New(Config{Ask: func() bool { return false }, Limits: testLimits(), Credit: []market.Money{1 << 60, 1 << 60}, MaxParents: 8,
		MaxChildren: 40, Latch: new(Latch), Trip: func(*Violation) {}, Shorts: []Shorts{{}, {Short: true}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err = f.Session(SessionConfig{Venue: 2, BeginString: "FIX.4.4", ParentTag: fix.TagSecondaryClOrdID, Lit: true,
		Symbols: testSymbols, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

func sideOrder(child, parent uint64, side, more string) []byte {
	return []byte(wrap(fmt.Sprintf("35=D|34=%d|49=SOR|52=20261120-14:30:00.123|56=XLIT|11=%d|526=%d|40=2|54=%s|55=PSTK|"+
		"60=20261120-14:30:00.123|38=300|44=49.95%s", child-childA+2, child, parent, side, more)))
}

// TestShortSalesAreRecounted: the mark in the bytes must be that of the client's order, and the
// client one who may sell so, whatever the core thinks of it.
func TestShortSalesAreRecounted(t *testing.T) {
	for _, c := range []struct {
		client uint16
		mark   market.Mark
		side   string
		want   Reason
	}{
		{1, market.Short, "5", Clear},
		{1, market.Short, "2", ShortMark},
		{1, market.Short, "6", ShortMark},
		{1, market.Short, "1", WrongSide},
		{1, market.Long, "2", Clear},
		{1, market.Long, "5", ShortMark},
		{1, market.ShortExempt, "6", NoShorts},
		{0, market.Short, "5", NoShorts},
	} {
		f, s := sidesWall(t)
		f.RestoreParent(parentA, &Order{ID: [20]byte{'A'}, Client: c.client, Side: market.Sell, Mark: c.mark, Qty: 2000})
		if _, why := s.Out(1e18, sideOrder(childA, parentA, c.side, "|59=3"), Said{}); why != c.want {
			t.Errorf("%+v: %v", c, why)
		}
	}
}

// TestLocateIsTheClients: an order names for having located its stock whom its client named, or
// nobody where the venue does not ask.
func TestLocateIsTheClients(t *testing.T) {
	for _, c := range []struct {
		mark         market.Mark
		side, fields string
		want         Reason
	}{
		{market.Short, "5", "|59=3|5700=LOCATOR", Clear},
		{market.Short, "5", "|59=3", Clear},
		{market.Short, "5", "|59=3|5700=LOCATOR1", Locate},
		{market.Short, "5", "|59=3|5700=LOCATO", Locate},
		{market.Short, "5", "|59=3|5700=ABCDEFGHIJKLMNOPQRSTUVWXYZ", Locate},
		{market.Short, "5", "|59=3|5700=LOCATOR|5700=LOCATOR", Malformed},
		{market.Long, "2", "|59=3|5700=LOCATOR", Locate},
	} {
		f, s := sidesWall(t)
		o := &Order{ID: [20]byte{'A'}, Client: 1, Side: market.Sell, Mark: c.mark, Qty: 2000}
		if c.mark != market.Long {
			copy(o.Locate[:], "LOCATOR")
		}
		f.RestoreParent(parentA, o)
		if _, why := s.Out(1e18, sideOrder(childA, parentA, c.side, "|59=3"), Said{}); why != Clear { // a mould for the next
			t.Errorf("%+v: the order before it is %v", c, why)
		}
		if _, why := s.Out(1e18, sideOrder(childA+1, parentA, c.side, c.fields), Said{}); why != c.want {
			t.Errorf("%+v: %v", c, why)
		}
	}
}

// TestReplaceKeepsTheMark: a replace that would change it is not taken over.
func TestReplaceKeepsTheMark(t *testing.T) {
	f, s := sidesWall(t)
	f.RestoreParent(parentA, &Order{ID: [20]byte{'A'}, Client: 1, Side: market.Sell, Mark: market.Short, Qty: 2000})
	f.Ordered(&Order{ID: [20]byte{'B'}, Client: 1, Side: market.Sell, Qty: 3000})
	f.Accept(&Accepted{Number: parentA, ID: [20]byte{'B'}, Client: 1})
	if f.Stats().Unknown != 1 {
		t.Error("a replace took the mark away")
	}
	if _, why := s.Out(1e18, sideOrder(childA, parentA, "5", "|59=3"), Said{}); why != Clear {
		t.Error(why)
	}
}

// TestDisplayIsRecounted: what lit venues display of an order is added up from the bytes, and
// comes free by the venue's word that an order is over.
func TestDisplayIsRecounted(t *testing.T) {
	f, s := sidesWall(t)
	f.RestoreParent(parentA, &Order{ID: [20]byte{'A'}, Side: market.Buy, Qty: 9000, Display: 400})
	child := uint64(childA)
	send := func(more string, want Reason) uint64 {
		t.Helper()
		child++
		if _, why := s.Out(1e18, sideOrder(child, parentA, "1", more), Said{}); why != want {
			t.Fatalf("%s: %v, want %v", more, why, want)
		}
		f.cfg.Latch.Release(Scope{})
		if trouble := f.Recount(); trouble != "" {
			t.Fatal(trouble)
		}
		return child
	}
	report := func(child uint64, execType, status string, cum int) {
		t.Helper()
		m := new(fix.Message)
		if err := m.Parse([]byte(wrap(fmt.Sprintf("35=8|34=9|11=%d|17=E%d|150=%s|39=%s|14=%d|38=300", child, cum, execType, status, cum)))); err != nil {
			t.Fatal(err)
		}
		s.In(m)
	}
	send("|59=3", Clear) // shows nothing
	whole := send("|59=0", Clear)
	send("|59=0", Display)
	send("|59=0|111=101", Display)
	part := send("|59=0|111=100", Clear)
	send("|59=0|1138=1", Display)
	send("|59=0|111=0", Malformed)
	send("|59=0|111=100|1138=100", Malformed)
	report(part, "F", "1", 250) // two parts and a half of it: 100 more may be displayed all the same
	send("|59=0|111=1", Display)
	report(whole, "4", "4", 0)
	send("|59=0", Clear)
	send("|59=0|111=1", Display)
	f.Ordered(&Order{ID: [20]byte{'B'}, Side: market.Buy, Qty: 9000, Display: 700})
	f.Accept(&Accepted{Number: parentA, ID: [20]byte{'B'}})
	send("|59=0", Clear)
	f.Ordered(&Order{ID: [20]byte{'C'}, Side: market.Buy, Qty: 9000}) // says nothing of it
	f.Accept(&Accepted{Number: parentA, ID: [20]byte{'C'}})
	send("|59=0|111=1", Display)
}
