package firewall

import (
	"fmt"
	"strings"
	"testing"

	"penstock/fix"
	"penstock/market"
)

// TestALateFillStopsTheOrderAndNotTheFirm: an execution after the end of its order may find an
// order of the core on its way that was right when it was made. It does not leave, and nobody
// is killed for it; what the late fill does not explain is an overfill as before, and so is a
// core that goes on although it must have taken it.
func TestALateFillStopsTheOrderAndNotTheFirm(t *testing.T) {
	p := newPair(t)
	for i := range uint64(6) { // 1800 of 2000
		if got := p.check(wrap(p.orderText(childA + i))); got != Clear {
			t.Fatal(i, got)
		}
	}
	p.report(childA, 0, '4', '4')                                    // 1500
	if got := p.check(wrap(p.orderText(childA + 6))); got != Clear { // 1800
		t.Fatal(got)
	}
	p.report(childA+1, 0, '4', '4') // 1500: room for one
	p.report(childA, 300, 'F', '4') // and none, since what was over has executed
	for i := range uint64(excused) {
		if got := p.check(wrap(p.orderText(childA + 10 + i))); got != Late || len(p.trips) != 0 || p.latch.Stopped(2) {
			t.Fatalf("order %d: %v, trips %v", i, got, p.trips)
		}
	}
	if got := p.check(wrap(p.orderText(childA + 100))); got != Overfill || len(p.trips) != 1 {
		t.Fatalf("a core that does not learn: %v", got)
	}
	p.latch.Release(Scope{})
	p.twin.killed = false
	p.now += second
	p.report(childA+2, 0, '4', '4') // 1500 with the late fill
	if got := p.check(wrap(p.orderText(childA + 101))); got != Clear {
		t.Fatal(got)
	}
	p.report(childA+1, 10, 'F', '4') // 1810
	if got := p.check(wrap(strings.Replace(p.orderText(childA+102), "38=300", "38=800", 1))); got != Overfill {
		t.Fatalf("800 more than the late fill explains: %v", got)
	}
}

// TestWhatVenuesTakeBackAndRestate sends an order of 300 and lets its venue say of it what it
// may, and compares what is executed and what may still be.
func TestWhatVenuesTakeBackAndRestate(t *testing.T) {
	for _, c := range []struct {
		name     string
		reports  []string
		cum, out market.Qty
	}{
		{"smaller", []string{"150=D|39=0|38=200|14=0"}, 0, 200},
		{"smaller than executed", []string{"150=F|39=1|38=300|14=100", "150=D|39=1|38=100|14=100"}, 100, 0},
		{"larger", []string{"150=D|39=0|38=400|14=0"}, 0, 300},
		{"smaller, and fills are missing", []string{"150=D|39=1|38=200|14=100"}, 100, 200},
		{"busted at work", []string{"150=F|39=1|38=300|14=100", "150=H|39=0|38=300|14=0"}, 0, 300},
		{"busted twice", []string{"150=F|39=1|38=300|14=100", "150=H|39=0|38=300|14=0", "150=H|39=0|38=300|14=0"}, 0, 300},
		{"busted, then over", []string{"150=F|39=1|38=300|14=100", "150=H|39=0|38=300|14=0", "150=4|39=4|38=300|14=0"}, 0, 0},
		{"corrected", []string{"150=F|39=1|38=300|14=100", "150=G|39=1|38=300|14=60", "150=4|39=4|38=300|14=60"}, 60, 0},
		{"busted when it was over", []string{"150=F|39=2|38=300|14=300", "150=H|39=4|38=300|14=0"}, 0, 0},
	} {
		p := newPair(t)
		if got := p.check(wrap(p.orderText(childA))); got != Clear {
			t.Fatal(got)
		}
		for i, said := range c.reports {
			frame := []byte(wrap(fmt.Sprintf("35=8|34=%d|11=%d|17=E%d|55=PSTK|151=0|%s", i+2, uint64(childA), i, said)))
			var m fix.Message
			if err := m.Parse(frame); err != nil {
				t.Fatal(err)
			}
			p.s.In(&m)
		}
		own := &p.f.parents[p.f.byParent.find(parentA)]
		if trouble := p.f.Recount(); own.cum != c.cum || own.out != c.out || trouble != "" {
			t.Errorf("%s: %d executed, %d may be; want %d and %d; %s", c.name, own.cum, own.out, c.cum, c.out, trouble)
		}
	}
}
