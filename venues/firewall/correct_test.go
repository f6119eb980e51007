package firewall

import (
	"fmt"
	"testing"

	"penstock/fix"
	"penstock/market"
)

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
		{"busted when it was over", []string{"150=F|39=2|38=300|14=300", "150=H|39=4|38=300|14=0"}, 300, 0},
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
