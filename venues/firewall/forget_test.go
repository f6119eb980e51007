package firewall

import "testing"

// TestForgetGivesNumbersBackOnceAllHasEnded: with an order open nothing is forgotten.
func TestForgetGivesNumbersBackOnceAllHasEnded(t *testing.T) {
	p := newPair(t)
	out := func(n uint64) Reason {
		p.now += second
		_, why := p.s.Out(p.now, []byte(wrap(p.orderText(n))), Said{})
		return why
	}
	for lap := range 3 {
		for i := range uint64(40) { // all the room there is
			if why := out(childA + i); why != Clear {
				t.Fatalf("lap %d, order %d: %v", lap, i, why)
			}
			if p.f.Forget() {
				t.Fatal("an open order was forgotten")
			}
			p.f.Resolve(childA+i, 0, true)
		}
		if !p.f.Forget() {
			t.Fatal("nothing is open, and nothing was forgotten")
		}
		if trouble := p.f.Recount(); trouble != "" || p.f.Stats().Children != 0 {
			t.Fatalf("%s; %+v", trouble, p.f.Stats())
		}
	}
}
