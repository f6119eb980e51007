package router

import (
	"slices"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/policy"
)

// FuzzTakeAlone cuts a day in which everything goes wrong, and lets each parent that may send
// take some quantity by takeAlone and, from the same state, by distribute: the orders, what is
// told of each venue and the state are the same.
func FuzzTakeAlone(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, uint16(250+150*seed), uint16(100*(seed+1)))
	}
	f.Fuzz(func(t *testing.T, seed uint64, cut, qty uint16) {
		events := recordedWorld(t, 400+seed%64, 500)
		compareTaking(t, events[:int(cut)%len(events)], market.Qty(qty%5000)+1)
	})
}

func compareTaking(t *testing.T, events []event.Event, qty market.Qty) (orders int) {
	fast, slow := testCore(t), testCore(t)
	out, other := fast.OutputFor(), slow.OutputFor()
	for i := range events {
		e := events[i]
		out.Reset()
		fast.Step(&e, out)
	}
	for i := range fast.parents[:fast.parentCount] {
		p := &fast.parents[i]
		if !fast.mayWork(p) || p.phase != phaseWorking || fast.room(p) <= 0 || fast.composites[p.Instrument].Partial != 0 {
			continue
		}
		p.tried &^= triedTake
		if err := loadState(slow, savedState(t, fast)); err != nil {
			t.Fatal(err)
		}
		slow.table = fast.table
		out.Reset()
		other.Reset()
		twin, template := &slow.parents[i], policy.Template(policy.ActionTakeAll)
		for _, one := range []struct {
			c   *Core
			p   *Parent
			out *event.Output
		}{{fast, p, out}, {slow, twin, other}} {
			c := one.c
			c.out, c.cause, c.scratch = one.out, &events[len(events)-1], allocation{}
			c.judgeVenues(one.p)
			if free := c.room(one.p); c == fast {
				c.takeAlone(one.p, template, qty, free)
				c.made.of = one.p
				c.weighLate(&c.made)
				c.made.of = nil
			} else {
				c.distribute(one.p, template, qty, free, false)
			}
			c.verdict.of = nil
		}
		if !slices.Equal(out.Commands, other.Commands) || fast.scratch.shares != slow.scratch.shares ||
			fast.situation != slow.situation || fast.scratch.placed != slow.scratch.placed {
			t.Fatalf("parent %d, %d:\n%+v\n%+v\n%+v\n%+v", i, qty, out.Commands, other.Commands, fast.scratch, slow.scratch)
		}
		if fast.Hash() != slow.Hash() {
			t.Fatalf("parent %d: another state", i)
		}
		for k := range out.Commands {
			if out.Commands[k].Kind == event.SendOrder {
				orders++
			}
		}
	}
	return orders
}

// TestTakeAloneTakes keeps FuzzTakeAlone from comparing nothing.
func TestTakeAloneTakes(t *testing.T) {
	orders := 0
	events := recordedWorld(t, 400, 1200)
	for cut := 150; cut < len(events); cut += 150 {
		orders += compareTaking(t, events[:cut], 300)
	}
	if orders < 10 {
		t.Errorf("%d orders", orders)
	}
}
