package ems

import (
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/internal/hist"
)

// A drop copy is a session of somebody who watches: it gets a copy of every report to every
// client when that becomes durable, and sends nothing. Copies have a store of their own, so
// what was missed while away or during a restart comes later, and once.

// Tags of copies.
const (
	tagClientID         = 109 // FIX 4.2: whose order it is
	tagNoPartyIDs       = 453
	tagPartyID          = 448
	tagPartyIDSource    = 447
	tagPartyRole        = 452
	tagCopyMsgIndicator = 797

	partyProprietary    = "D"
	roleOriginationFirm = 13 // order origination firm
)

// queued is a report on its way: to its client and to those who get copies, or to them alone.
type queued struct {
	event.Command
	copyOnly bool
}

// copies are the drop copy sessions of an acceptor. The dispatcher owns what is not behind mu.
type copies struct {
	sessions []Session
	senders  []chan event.Command
	seen     uint64   // reports of the run
	had      []uint64 // of them, in the store of each session when the run was resumed

	mu  sync.Mutex
	lag *hist.Latency // from the event that caused a report to its copy in the session's store
}

func newCopies(sessions []Session) *copies {
	c := &copies{sessions: sessions, had: make([]uint64, len(sessions)), lag: hist.New()}
	for range sessions {
		c.senders = append(c.senders, make(chan event.Command, senderQueue))
	}
	return c
}

// dispatch hands a report to the goroutines of the copies that do not have it.
func (c *copies) dispatch(r *event.Command) {
	c.seen++
	for i, sender := range c.senders {
		if c.seen > c.had[i] {
			sender <- *r
		}
	}
}

func (c *copies) close() {
	for _, sender := range c.senders {
		close(sender)
	}
}

// Lag returns a copy of the histogram of how long copies took from the event that caused the
// report to the store of the drop copy session, from where they are sent; ns.
func (a *Acceptor) Lag() *hist.Latency {
	a.copies.mu.Lock()
	defer a.copies.mu.Unlock()
	return a.copies.lag.Clone()
}

// sendCopies encodes and sends the copies of one session.
func (a *Acceptor) sendCopies(i int) {
	defer a.wait.Done()
	session := &a.copies.sessions[i]
	id, again := session.id(), a.again[len(a.senders)+i]
	for c := range a.copies.senders[i] {
		msg := a.cfg.encode(&c, session.BeginString)
		setOriginator(msg, &c, a.cfg.Sessions[c.Client].TargetCompID, version(session.BeginString))
		if again > 0 {
			again--
			msg.Header.SetField(fix.TagPossResend, quickfix.FIXBoolean(true))
		}
		if !a.deliver(msg, id) {
			continue
		}
		a.app.stats.copies.Add(1)
		a.copies.mu.Lock()
		a.copies.lag.Record(time.Now().UnixNano() - c.StepTime)
		a.copies.mu.Unlock()
	}
}

// deliver gives a message to its session, again and again until that has stored it; false
// when it stops before.
func (a *Acceptor) deliver(msg *quickfix.Message, id quickfix.SessionID) bool {
	for {
		err := quickfix.SendToTarget(msg, id)
		if err == nil {
			break
		}
		a.app.stats.sendErrors.Add(1)
		a.log.Eventf("session %s: copy not sent, trying again: %v", id.TargetCompID, err)
		select {
		case <-time.After(sendRetry):
			continue
		case <-a.stop:
		}
		a.app.stats.undelivered.Add(1)
		return false
	}
	if err := a.stores.made[id].tell(a.cfg.Run); err != nil {
		a.log.Eventf("session %s: copy not counted, a restart will send it again: %v", id.TargetCompID, err)
	}
	return true
}

// setOriginator says of a copy whose report it is, and that it is a copy.
func setOriginator(msg *quickfix.Message, c *event.Command, client string, v version) {
	if v.old() {
		msg.Body.SetString(tagClientID, client)
		return
	}
	if c.Kind == event.Report {
		msg.Body.SetField(tagCopyMsgIndicator, quickfix.FIXBoolean(true))
	}
	group := quickfix.NewRepeatingGroup(tagNoPartyIDs, quickfix.GroupTemplate{quickfix.GroupElement(tagPartyID),
		quickfix.GroupElement(tagPartyIDSource), quickfix.GroupElement(tagPartyRole)})
	party := group.Add()
	party.SetString(tagPartyID, client)
	party.SetString(tagPartyIDSource, partyProprietary)
	party.SetInt(tagPartyRole, roleOriginationFirm)
	msg.Body.SetGroup(group)
}
