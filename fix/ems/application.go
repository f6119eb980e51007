package ems

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// application is what quickfix calls: from one goroutine per session, never
// from two for the same one.
type application struct {
	config  *Config
	log     *Log
	intake  *intake
	orders  *orders
	worked  *worked
	clients map[quickfix.SessionID]uint16
	parsers sync.Pool // of *fix.Message
	stores  *storeFactory
	epoch   string // distinguishes the ExecIDs of this start
	execIDs atomic.Uint64
	stats   counters
}

func (a *application) OnCreate(quickfix.SessionID) {}

func (a *application) OnLogon(id quickfix.SessionID) {
	if client, ok := a.clients[id]; ok { // a drop copy is nobody's client
		a.intake.session(client, event.SessionUp)
	}
}

func (a *application) OnLogout(id quickfix.SessionID) {
	if client, ok := a.clients[id]; ok {
		a.intake.session(client, event.SessionDown)
	}
}

func (a *application) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (a *application) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }

// FromAdmin has nothing to say: the guard has judged every Logon.
func (a *application) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

// FromApp takes an order message. It answers what it refuses and never waits.
func (a *application) FromApp(m *quickfix.Message,
	id quickfix.SessionID) quickfix.MessageRejectError {
	a.stats.messages.Add(1)
	if _, ok := a.clients[id]; !ok {
		a.stats.malformed.Add(1)
		return quickfix.NewBusinessMessageRejectError("a drop copy session sends nothing", businessUnsupportedType, nil)
	}
	msg := a.parsers.Get().(*fix.Message)
	defer a.parsers.Put(msg)
	if err := msg.Parse(m.Bytes()); err != nil {
		a.stats.malformed.Add(1)
		return malformedAt(err).reject("")
	}
	in := inbound{msg: msg, config: a.config}
	r := in.read()
	in.event.Client = a.clients[id]
	if n, err := m.Header.GetInt(quickfix.Tag(fix.TagMsgSeqNum)); err == nil {
		in.event.Ref = uint64(n)
	}
	in.event.RecvTime = m.ReceiveTime.UnixNano()
	if r == nil {
		if err := a.stores.made[id].pass(int(in.event.Ref)); err != nil {
			a.log.Eventf("session %s: order not noted, it may be lost if the router is killed now: %v", id.TargetCompID, err)
		}
	}
	if r == nil {
		number, _ := in.msg.Get(tagTargetStrategy)
		a.worked.asked(&in.event, number)
	}
	if r == nil && !a.intake.order(&in.event) {
		a.stats.busy.Add(1)
		r = &refusal{form: businessReject, code: businessNotAvailable, text: "router busy"}
	}
	if r == nil {
		a.stats.orders.Add(1)
		return nil
	}
	return a.refuse(&in, r, id)
}

// refuse answers a message that does not reach the router.
func (a *application) refuse(in *inbound, r *refusal,
	id quickfix.SessionID) quickfix.MessageRejectError {
	now := time.Now().UnixNano()
	var reply *quickfix.Message
	switch {
	case r.form != orderReject:
		a.stats.malformed.Add(1)
		return r.reject(in.event.ID.String())
	case in.msgType == 'H':
		// A status request has no refusal of its own.
		a.stats.refused.Add(1)
		r.form, r.code = businessReject, 0
		if r.reason == event.ReasonUnknownInstrument {
			r.code = 2
		}
		return r.reject(in.event.ID.String())
	case in.msgType == 'D':
		reply = version(id.BeginString).refuseOrder(in, r, a.nextExecID(), now)
	default:
		v, ok := a.orders.view(in.event.Client, in.event.OrigID)
		if !ok {
			// FIX 4.4 vol. 4: Rejected when the order is unknown.
			v.status = market.StatusRejected
		}
		reply = version(id.BeginString).refuseCancel(in, r, v, now)
	}
	a.stats.refused.Add(1)
	if err := quickfix.SendToTarget(reply, id); err != nil {
		a.log.Eventf("session %s: refusal not sent: %v", id.TargetCompID, err)
	}
	return nil
}

// nextExecID returns an ExecID(17) that no report of the router has: theirs are
// numbers.
func (a *application) nextExecID() string {
	return "G" + a.epoch + "-" + strconv.FormatUint(a.execIDs.Add(1), 10)
}
