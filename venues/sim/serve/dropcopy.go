package serve

import (
	"fmt"

	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// dropCopy repeats every report about every client's orders to sessions of their own, in FIX. A
// session that is away asks for what it missed when it is back.
type dropCopy struct {
	entry  *orderEntry
	faults []DropCopyFault
}

// DropCopyFault is something that a drop copy says wrongly, once.
type DropCopyFault uint8

// Faults of a drop copy.
const (
	DropCopyLose   DropCopyFault = iota // the next execution is not told
	DropCopyQty                         // with one lot more
	DropCopyPrice                       // one tick higher
	DropCopyInvent                      // and another one is told that never was
)

func newDropCopy(s *Server) (*dropCopy, error) {
	d := &dropCopy{}
	var err error
	d.entry, err = newAcceptor(&orderEntry{server: s, dropCopy: true}, s.cfg.DropCopyAddr, "-copy", s.cfg.DropCopyClients, d.onMessage)
	return d, err
}

// onMessage takes an application message: nobody has anything to say here.
func (d *dropCopy) onMessage(c *client, m *fix.Message, now int64) bool {
	if t := string(m.Type()); t != fix.MsgReject && t != fix.MsgBusinessReject {
		c.session.BusinessReject(now, m, nil, unsupportedMessageType, "drop copy only")
	}
	return true
}

// onReport repeats a report to every session, also to one that is away. Market.mu is held.
func (d *dropCopy) onReport(r *sim.Report) {
	kept := *r
	trade := r.ExecType == market.ExecTrade
	if trade && len(d.faults) > 0 {
		fault := d.faults[0]
		d.faults = d.faults[1:]
		switch in := d.entry.server.in; fault {
		case DropCopyLose:
			return
		case DropCopyQty:
			kept.LastQty += in.Lot
		case DropCopyPrice:
			kept.LastPx += in.Tick
		case DropCopyInvent:
			extra := kept
			extra.ExecID = d.entry.server.engine.NextExecID()
			d.tell(&extra)
		}
	}
	d.tell(&kept)
}

func (d *dropCopy) tell(r *sim.Report) {
	kept := *r
	text := d.entry.server.orders.idText(r.Owner)
	for _, c := range d.entry.clients {
		c.leave(r.Time, false, func(at int64) { c.sendReport(at, &kept, "", text) })
	}
}

// DropCopyAddr returns the address of the drop copy, "" when there is none.
func (s *Server) DropCopyAddr() string {
	if s.dropCopy == nil {
		return ""
	}
	return s.dropCopy.entry.addr()
}

// DropCopyFaults returns how many faults wait for an execution.
func (s *Server) DropCopyFaults() int {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	return len(s.dropCopy.faults)
}

// DisturbDropCopy makes the drop copy say the next executions wrongly, one for each fault.
func (s *Server) DisturbDropCopy(faults ...DropCopyFault) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.dropCopy == nil {
		return fmt.Errorf("venue %s has no drop copy", s.cfg.Name)
	}
	s.dropCopy.faults = append(s.dropCopy.faults, faults...)
	return nil
}
