package firewall_test

import (
	"encoding/binary"
	"testing"

	"penstock/market"
	"penstock/venues/firewall"
	"penstock/venues/ouch"
)

const (
	ouchParent = 261120143000000001
	ouchChild  = 261120143000001000
)

type ouchRig struct {
	t     *testing.T
	v     ouch.Version
	f     *firewall.Firewall
	s     *firewall.OUCH
	latch firewall.Latch
	trips []firewall.Violation
	now   int64
	ref   uint32
}

func newOUCHRig(t *testing.T, v ouch.Version) *ouchRig {
	r := &ouchRig{t: t, v: v, now: 1e18}
	var err error
	r.f, err = firewall.New(firewall.Config{MaxParents: 4, MaxChildren: 40, Latch: &r.latch, Ask: func() bool { return false },
		Credit: []market.Money{1 << 60}, Trip: func(v *firewall.Violation) { r.trips = append(r.trips, *v) },
		Limits: []firewall.Limits{{MaxQty: 1000, MaxNotional: 450_000_000, Low: 400_000, High: 600_000, Decimals: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	r.s, err = r.f.OUCH(firewall.SessionConfig{Venue: 2, Rate: 20, Symbols: []firewall.Symbol{{ID: 0, Text: "PSTK", PriceDecimals: 4}}},
		v == ouch.V42)
	if err != nil {
		t.Fatal(err)
	}
	r.f.RestoreParent(ouchParent, &firewall.Order{ID: [20]byte{'A'}, Side: market.Buy, Qty: 2000, Limit: 500_000})
	return r
}

func (r *ouchRig) order(child uint64) ouch.Order {
	r.ref++
	o := ouch.Order{UserRef: r.ref, Side: 'B', Qty: 300, Price: 499_500, TIF: '3', Display: 'N', Capacity: 'A', Sweep: 'N', Cross: 'N'}
	copy(o.Token[:], ouch.Token(child)+"  ")
	copy(o.Symbol[:], "PSTK    ")
	if r.v == ouch.V42 {
		o.TIF = 0
	}
	return o
}

func (r *ouchRig) out(o ouch.Order, parent uint64) firewall.Reason {
	r.now += 1e8
	return r.s.Out(r.now, ouch.AppendEnter(nil, r.v, &o), firewall.Said{Parent: parent})
}

// told gives the firewall a message of the venue about an order.
func (r *ouchRig) told(kind byte, o *ouch.Order, qty uint32, match uint64) {
	be := binary.BigEndian
	msg := append([]byte{kind}, make([]byte, 8)...)
	if r.v == ouch.V42 {
		msg = append(msg, o.Token[:]...)
	} else {
		msg = be.AppendUint32(msg, o.UserRef)
	}
	size := map[byte][2]int{'A': {64, 66}, 'B': {36, 32}, 'C': {18, 28}, 'E': {36, 40}, 'J': {29, 24}}[kind][r.v]
	switch kind {
	case 'A':
		msg = be.AppendUint32(append(msg, 'B'), o.Qty)
	case 'B':
		msg = be.AppendUint64(msg, match)
	case 'C', 'E':
		msg = be.AppendUint32(msg, qty)
	}
	if kind == 'E' && r.v == ouch.V50 {
		msg = be.AppendUint64(append(be.AppendUint64(msg, 499_500), 'R'), match)
	} else if kind == 'E' {
		msg = be.AppendUint64(append(be.AppendUint32(msg, 499_500), 'R'), match)
	}
	msg = append(msg, make([]byte, size-len(msg))...)
	if kind == 'A' && r.v == ouch.V50 {
		copy(msg[48:], o.Token[:])
	}
	r.s.In(msg)
}

func eachVersion(t *testing.T, f func(t *testing.T, v ouch.Version)) {
	for _, v := range []ouch.Version{ouch.V50, ouch.V42} {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

// A bad order in OUCH does not leave and sets the latch, as one in FIX does.
func TestEachViolationInOUCHIsNamedAndKills(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ouch.Version) {
		for _, c := range []struct {
			want   firewall.Reason
			parent uint64
			bend   func(*ouch.Order)
		}{
			{firewall.UnknownParent, ouchParent + 1, func(*ouch.Order) {}},
			{firewall.Malformed, ouchParent, func(o *ouch.Order) { o.Token[13] = 'X' }},
			{firewall.Malformed, ouchParent, func(o *ouch.Order) { copy(o.Symbol[:], "NONE    ") }},
			{firewall.WrongSide, ouchParent, func(o *ouch.Order) { o.Side = 'S' }},
			{firewall.WrongSide, ouchParent, func(o *ouch.Order) { o.Side = 'T' }},
			{firewall.Duplicate, ouchParent, func(o *ouch.Order) { copy(o.Token[:], ouch.Token(ouchChild)+"  ") }},
			{firewall.Quantity, ouchParent, func(o *ouch.Order) { o.Qty = 0 }},
			{firewall.Quantity, ouchParent, func(o *ouch.Order) { o.Qty = 1001 }},
			{firewall.Notional, ouchParent, func(o *ouch.Order) { o.Qty = 1000 }},
			{firewall.Malformed, ouchParent, func(o *ouch.Order) { o.Price = 0 }},
			{firewall.Band, ouchParent, func(o *ouch.Order) { o.Price = 399_900 }},
			{firewall.Limit, ouchParent, func(o *ouch.Order) { o.Price = 500_100 }},
			{firewall.Limit, ouchParent, func(o *ouch.Order) { o.Price = ouch.MarketPrice }},
		} {
			r := newOUCHRig(t, v)
			if got := r.out(r.order(ouchChild), ouchParent); got != firewall.Clear {
				t.Fatal(got)
			}
			bad := r.order(ouchChild + 1)
			c.bend(&bad)
			if got := r.out(bad, c.parent); got != c.want {
				t.Errorf("%+v: %v, want %v", bad, got, c.want)
			}
			if len(r.trips) != 1 || r.trips[0].Reason != c.want || r.trips[0].Venue != 2 {
				t.Errorf("%v: trips %+v", c.want, r.trips)
			}
			if got := r.out(r.order(ouchChild+2), ouchParent); got != firewall.Killed {
				t.Errorf("%v: a good order after the violation is %v", c.want, got)
			}
			cancel := ouch.AppendCancel(nil, v, 1, r.order(ouchChild).Token, 0)
			if got := r.s.Out(r.now, cancel, firewall.Said{}); got != firewall.Clear {
				t.Errorf("a cancel after the violation is %v", got)
			}
		}
		r := newOUCHRig(t, v)
		for _, msg := range [][]byte{nil, {'O'}, append([]byte{'U'}, make([]byte, 60)...), append([]byte{'M'}, make([]byte, 20)...)} {
			if got := r.s.Out(r.now, msg, firewall.Said{}); got != firewall.Unsupported && got != firewall.Malformed {
				t.Errorf("%q: %v", msg, got)
			}
		}
	})
}

// No more leaves than the client ordered, however executions are told.
func TestNoMoreThanTheClientOrderedInOUCH(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ouch.Version) {
		r := newOUCHRig(t, v)
		var all []ouch.Order
		for i := range uint64(6) { // 1800 of 2000
			o := r.order(ouchChild + i)
			all = append(all, o)
			if got := r.out(o, ouchParent); got != firewall.Clear {
				t.Fatal(i, got)
			}
			r.told('A', &o, 0, 0)
		}
		try := func(n uint64, want firewall.Reason) {
			t.Helper()
			if got := r.out(r.order(ouchChild+100+n), ouchParent); got != want {
				t.Fatalf("attempt %d: %v, want %v", n, got, want)
			}
			r.latch.Release(firewall.Scope{})
			if trouble := r.f.Recount(); trouble != "" {
				t.Fatal(trouble)
			}
		}
		try(1, firewall.Overfill)
		r.told('E', &all[0], 100, 7)
		r.told('E', &all[0], 100, 7) // the same again: 100 executed, not 200
		try(2, firewall.Overfill)
		r.told('C', &all[0], 50, 0) // part of it is off: 1750, and 300 more are still too many
		try(3, firewall.Overfill)
		r.told('C', &all[0], 150, 0) // now it is over, with 100 executed: 1600 used
		try(4, firewall.Clear)       // 1900
		r.told('E', &all[3], 300, 9)
		r.told('B', &all[3], 0, 9) // over when it was broken: it is not executed any more: 1600
		r.told('E', &all[4], 200, 10)
		r.told('B', &all[4], 0, 10) // open with 100: what was taken back does not come into the book again
		r.told('J', &all[1], 0, 0)  // 1100
		try(5, firewall.Clear)
		r.told('E', &all[2], 300, 8)
		try(6, firewall.Clear)
		try(7, firewall.Clear) // 2000
		try(8, firewall.Overfill)
		r.told('E', &all[4], 100, 11) // over: no message of OUCH says so
		r.told('B', &all[4], 0, 11)   // 1900
		try(9, firewall.Overfill)
		r.s.Unsent(ouchChild + 105)
		try(10, firewall.Clear)
	})
}

// After a restart the venue tells all of the session again: what the journal knew is not
// counted twice.
func TestSessionToldAgainCountsOnce(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ouch.Version) {
		r := newOUCHRig(t, v)
		o := r.order(ouchChild)
		o.Qty = 1000
		if !r.f.RestoreChild(&firewall.Restored{Number: ouchChild, Parent: ouchParent, Venue: 2, Qty: 1000, Cum: 400, Price: 499_500,
			Open: true, Acked: true}) {
			t.Fatal("not restored")
		}
		r.told('A', &o, 0, 0)
		r.told('E', &o, 400, 1)
		r.told('E', &o, 200, 2) // while nobody listened
		big := r.order(ouchChild + 1)
		big.Qty = 900
		if got := r.out(big, ouchParent); got != firewall.Clear { // 1000 and 900 of 2000
			t.Fatal(got)
		}
		if got := r.out(r.order(ouchChild+2), ouchParent); got != firewall.Overfill {
			t.Fatal(got)
		}
		if trouble := r.f.Recount(); trouble != "" {
			t.Fatal(trouble)
		}
	})
}

// TestOUCHSidesAndDisplay: the side's letter carries the short mark, the appendage what is
// displayed.
func TestOUCHSidesAndDisplay(t *testing.T) {
	for _, v := range []ouch.Version{ouch.V50, ouch.V42} {
		r := &ouchRig{t: t, v: v, now: 1e18}
		f, err := firewall.New(firewall.Config{MaxParents: 4, MaxChildren: 40, Latch: &r.latch, Ask: func() bool { return false },
			Credit: []market.Money{1 << 60}, Trip: func(*firewall.Violation) {}, Shorts: []firewall.Shorts{{Short: true, Exempt: true}},
			Limits: []firewall.Limits{{MaxQty: 1000, MaxNotional: 450_000_000, Low: 400_000, High: 600_000, Decimals: 4}}})
		if err != nil {
			t.Fatal(err)
		}
		r.f = f
		if r.s, err = f.OUCH(firewall.SessionConfig{Venue: 2, Rate: 1000, Lit: true, Symbols: []firewall.Symbol{{ID: 0, Text: "PSTK",
			PriceDecimals: 4}}}, v == ouch.V42); err != nil {
			t.Fatal(err)
		}
		marks := []market.Mark{market.Long, market.Short, market.ShortExempt}
		for i, mark := range marks {
			f.RestoreParent(ouchParent+uint64(i), &firewall.Order{ID: [20]byte{'A', byte(i)}, Side: market.Sell, Mark: mark, Qty: 5000, Display: 250})
		}
		child := uint64(ouchChild)
		send := func(parent int, change func(*ouch.Order)) firewall.Reason {
			child++
			o := r.order(child)
			o.Side = 'S'
			change(&o)
			defer func() { r.latch.Release(firewall.Scope{}) }()
			why := r.out(o, ouchParent+uint64(parent))
			if trouble := f.Recount(); trouble != "" {
				t.Fatal(trouble)
			}
			return why
		}
		for parent := range marks {
			for k, side := range []byte("STE") {
				got, want := send(parent, func(o *ouch.Order) { o.Side = side }), firewall.ShortMark
				if k == parent {
					want = firewall.Clear
				}
				if got != want {
					t.Errorf("%v: side %c for %v: %v", v, side, marks[parent], got)
				}
			}
		}
	}
}

// TestOUCHDisplayIsRecounted: a post shows what TagMaxFloor says, or all of it.
func TestOUCHDisplayIsRecounted(t *testing.T) {
	f, err := firewall.New(firewall.Config{MaxParents: 4, MaxChildren: 40, Latch: new(firewall.Latch), Ask: func() bool { return false },
		Credit: []market.Money{1 << 60}, Trip: func(*firewall.Violation) {},
		Limits: []firewall.Limits{{MaxQty: 1000, MaxNotional: 450_000_000, Low: 400_000, High: 600_000, Decimals: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	r := &ouchRig{t: t, f: f, now: 1e18}
	if r.s, err = f.OUCH(firewall.SessionConfig{Venue: 2, Rate: 1000, Lit: true, Symbols: []firewall.Symbol{{ID: 0, Text: "PSTK",
		PriceDecimals: 4}}}, false); err != nil {
		t.Fatal(err)
	}
	f.RestoreParent(ouchParent, &firewall.Order{ID: [20]byte{'A'}, Side: market.Buy, Qty: 5000, Display: 350})
	post := func(child uint64, floor uint32) firewall.Reason {
		o := r.order(child)
		o.TIF, o.Display, o.MaxFloor = '0', 'P', floor
		return r.out(o, ouchParent)
	}
	for i, step := range []struct {
		floor uint32
		want  firewall.Reason
	}{{0, firewall.Clear}, {50, firewall.Clear}, {1, firewall.Display}} {
		if why := post(ouchChild+uint64(i), step.floor); why != step.want {
			t.Errorf("post %d: %v, want %v", i, why, step.want)
		}
	}
}
