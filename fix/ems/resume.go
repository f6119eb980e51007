package ems

import (
	"errors"
	"slices"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
)

// Resume says how an acceptor goes on after the process has ended without a goodbye. The
// router's journal is the truth: messages that were received and did not come into it are
// asked for again, and reports that it holds and that did not come into a session's store
// are sent (see Acceptor.Told).
type Resume struct {
	Clients []ResumeClient
}

// ResumeClient is what the journal knows of one client, by number of the client.
type ResumeClient struct {
	LastSeq int    // MsgSeqNum(34) of its last message in the journal, 0 when there is none
	At      int64  // when that was received, ns since epoch
	Reports uint64 // made for it in the run, told or not
}

// resume puts the stores right before quickfix uses them.
func (a *Acceptor) resume() error {
	a.again = make([]uint64, len(a.cfg.Sessions)+len(a.cfg.DropCopies))
	var err error
	if r := a.cfg.Resume; r != nil {
		err = a.goOn(r)
	}
	for i, session := range slices.Concat(a.cfg.Sessions, a.cfg.DropCopies) {
		s := a.stores.made[session.id()]
		if !a.cfg.HostDied && s.cut == 0 {
			continue
		}
		// A store that was cut off is as old as one that a host left behind.
		var c ResumeClient
		if r := a.cfg.Resume; r != nil && i < min(len(r.Clients), len(a.cfg.Sessions)) {
			c = r.Clients[i]
		}
		err = errors.Join(err, s.hostDied(a.again[i], c.LastSeq, c.At))
	}
	return err
}

// goOn takes back what was received and not recorded, and counts the reports that no store has.
func (a *Acceptor) goOn(r *Resume) (err error) {
	for i := range min(len(r.Clients), len(a.cfg.Sessions)) {
		s := a.stores.made[a.cfg.Sessions[i].id()]
		c := &r.Clients[i]
		if c.LastSeq > 0 {
			err = errors.Join(err, s.expectAgain(c.LastSeq+1, c.At))
		}
		a.again[i] = c.Reports - min(s.toldIn(a.cfg.Run), c.Reports)
	}
	var all uint64
	for i := range r.Clients {
		all += r.Clients[i].Reports
	}
	for i := range a.cfg.DropCopies {
		a.copies.had[i] = min(a.stores.made[a.cfg.DropCopies[i].id()].toldIn(a.cfg.Run), all)
		a.again[len(a.cfg.Sessions)+i] = all - a.copies.had[i]
	}
	return err
}

// Told returns how many reports of the run being resumed the client's session has in its
// store: what was made after them must be given to Report again, in order, and before
// any other. Reports that were on their way may be told twice, the second time with
// PossResend(97); their ExecID(17) is the same.
func (a *Acceptor) Told(client int) uint64 {
	return a.stores.made[a.cfg.Sessions[client].id()].toldIn(a.cfg.Run)
}

// Remember takes a report of the run that the client has been told before, for the answers
// to its requests and for the drop copies that lack it. After a restart every report of the
// run must be given in order, to Remember or to Report. It waits for room.
func (a *Acceptor) Remember(c *event.Command) {
	a.app.orders.told(c)
	if len(a.copies.sessions) == 0 {
		return
	}
	for !a.push(c, true) {
		time.Sleep(100 * time.Microsecond)
	}
}

// tell sends a report and counts it. The client's goroutine only.
func (a *Acceptor) tell(client int, c *event.Command) error {
	msg := a.cfg.encode(c, a.cfg.Sessions[client].BeginString)
	if c.Kind == event.Report {
		a.setStrategy(&msg.Body, c)
	}
	if a.again[client] > 0 {
		msg.Header.SetField(quickfix.Tag(fix.TagPossResend), quickfix.FIXBoolean(true))
	}
	id := a.cfg.Sessions[client].id()
	if err := quickfix.SendToTarget(msg, id); err != nil {
		return err
	}
	if a.again[client] > 0 {
		a.again[client]--
	}
	if err := a.stores.made[id].tell(a.cfg.Run); err != nil {
		a.log.Eventf("session %s: report not counted, a restart will send it again: %v", id.TargetCompID, err)
	}
	return nil
}
