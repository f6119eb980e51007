package ems

import (
	"sync"

	"penstock/event"
	"penstock/market"
)

// ordersKept bounds how many ClOrdIDs are remembered; the oldest goes first.
const ordersKept = 1 << 14

// orders remembers what each client was last told of each ClOrdID. Only refusals
// of the acceptor itself need it: an OrderCancelReject(9) has to name the order's
// OrderID(37) and OrdStatus(39).
type orders struct {
	mu   sync.Mutex
	last map[orderKey]orderView
	ring []orderKey
	next int
}

type orderKey struct {
	client uint16
	id     event.ID
}

type orderView struct {
	parent uint64
	status market.OrdStatus
}

func newOrders() *orders {
	return &orders{last: make(map[orderKey]orderView), ring: make([]orderKey, ordersKept)}
}

// told records a report that is on its way to the client.
func (o *orders) told(c *event.Command) {
	if c.Kind != event.Report || c.Parent == 0 {
		return
	}
	key := orderKey{c.Client, c.ID}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.last[key]; !ok {
		delete(o.last, o.ring[o.next])
		o.ring[o.next] = key
		o.next = (o.next + 1) % ordersKept
	}
	o.last[key] = orderView{c.Parent, c.OrdStatus}
}

// view returns what the client knows of the order; ok is false when it is not
// known here.
func (o *orders) view(client uint16, id event.ID) (v orderView, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v, ok = o.last[orderKey{client, id}]
	return v, ok
}
