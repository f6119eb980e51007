package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
)

// offer is a conditional order, firm the order that answers its invitation.
func offer(number uint64, qty market.Qty) *event.Command {
	c := takeOrder()
	c.Child, c.OrdType, c.TIF, c.ExecInst = number, market.OrdPegged, market.TIFDay, market.ExecInstConditional
	c.Price, c.Qty, c.MinQty = 1_100_000, qty, 1000
	return c
}

func firm(number uint64, qty market.Qty, id event.ID) *event.Command {
	c := offer(number, qty)
	c.TIF, c.ExecInst, c.ID = market.TIFIOC, market.ExecInstFirmUp, id
	return c
}

func newPoolRig(t *testing.T, shape serve.InviteShape, window int64) *simRig {
	r := newSimRigOf(t, "DRK1", func(v *serve.Venue) {
		v.Conditional = sim.ConditionalRules{MinQty: 1000, FirmBps: 5000, WindowNanos: window}
		v.Contra, v.Invites = sim.Contra{}, shape
	})
	r.untilEvent("session", sessionUp)
	return r
}

// invited brings the other side to the pool and returns the invitation that follows: it ends a
// window after it was made, to the millisecond.
func (r *simRig) invited(number uint64, nanos int64) event.Event {
	r.t.Helper()
	window := r.server.Config().Conditional.WindowNanos
	from := wall()
	r.server.Interest(market.Sell, 4000, nanos)
	e := r.untilEvent("invitation", func(e *event.Event) bool { return e.Kind == event.Invitation })
	if e.Ref != number && e.Ref != 0 || e.ID.Len() == 0 || e.Side != market.Buy || e.Qty != 4000 ||
		e.Until < from+window-milli || e.Until > wall()+window {
		r.t.Errorf("invitation %+v", e)
	}
	return e
}

// TestFirmsUpInBothShapes trades a conditional order over the simulated pool's socket, with
// the invitation as a report and as an IOI.
func TestFirmsUpInBothShapes(t *testing.T) {
	for _, shape := range []serve.InviteShape{serve.InviteByReport, serve.InviteByIOI} {
		r := newPoolRig(t, shape, 5e9)
		if !r.g.Send(wall(), offer(child, 5000)) {
			t.Fatal("refused")
		}
		r.untilEvent("acknowledgement", func(e *event.Event) bool {
			return e.Kind == event.Exec && e.Ref == child && e.OrdStatus == market.StatusNew
		})
		e := r.invited(child, 10e9)
		if !r.g.Send(wall(), firm(child+1, 4000, e.ID)) {
			t.Fatal("refused")
		}
		if e := r.untilEvent("end of the conditional order", done(child)); e.OrdStatus != market.StatusCanceled || e.CumQty != 0 {
			t.Errorf("shape %d: %+v", shape, e)
		}
		if e := r.untilEvent("fill", done(child+1)); e.CumQty != 4000 {
			t.Errorf("shape %d: %+v", shape, e)
		}
		// One firm order for an invitation.
		r.g.Send(wall(), firm(child+2, 4000, e.ID))
		if e := r.untilEvent("refusal", done(child+2)); e.OrdStatus != market.StatusRejected || e.Reason != event.ReasonQuoteExpired {
			t.Errorf("shape %d: %+v", shape, e)
		}
		r.reconcile()
		if s := r.g.Stats(); s.Invitations != 1 {
			t.Errorf("%d invitations", s.Invitations)
		}
	}
}

// TestInvitationsLapse: what is not firmed up in time ends; too little is refused.
func TestInvitationsLapse(t *testing.T) {
	r := newPoolRig(t, serve.InviteByReport, 300e6)
	r.g.Send(wall(), offer(child, 4000))
	e := r.invited(child, 60e9)
	r.g.Send(wall(), firm(child+1, 1500, e.ID))
	ends := map[uint64]event.Event{} // the window may be over before the firm order is there
	r.untilEvent("refusal and end", func(e *event.Event) bool {
		if done(child)(e) || done(child+1)(e) {
			ends[e.Ref] = *e
		}
		return len(ends) == 2
	})
	if e := ends[child+1]; e.OrdStatus != market.StatusRejected {
		t.Errorf("less than half: %+v", e)
	}
	if e := ends[child]; e.OrdStatus != market.StatusCanceled || e.CumQty != 0 {
		t.Errorf("got %+v", e)
	}
	r.g.Send(wall(), firm(child+2, 4000, e.ID))
	if e := r.untilEvent("refusal", done(child+2)); e.OrdStatus != market.StatusRejected || e.Reason != event.ReasonQuoteExpired {
		t.Errorf("got %+v", e)
	}
	r.reconcile()
}
