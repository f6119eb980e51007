package fixgw

import (
	"penstock/event"
	"penstock/internal/warm"
)

// recentCapacity is how many sent commands a Reject(35=3) can still name.
const recentCapacity = 4096

// recentOrders maps the MsgSeqNum(34) of the last commands back to them.
type recentOrders struct {
	entries [recentCapacity]recentOrder
}

type recentOrder struct {
	seq, child, ref uint64
	price, qty      int64
	instrument      uint16
	side            byte
	kind            event.CommandKind
}

func (r *recentOrders) put(seq uint64, c *event.Command) {
	r.entries[seq%recentCapacity] = recentOrder{
		seq: seq, child: c.Child, ref: c.Ref, price: int64(c.Price), qty: int64(c.Qty),
		instrument: uint16(c.Instrument), side: byte(c.Side), kind: c.Kind,
	}
}

// get returns the command with that number, nil when it is too old or was none.
func (r *recentOrders) get(seq uint64) *recentOrder {
	if e := &r.entries[seq%recentCapacity]; e.seq == seq && seq != 0 {
		return e
	}
	return nil
}

// rewarm asks for where the command of number seq will be.
func (r *recentOrders) rewarm(seq uint64) { warm.Of(&r.entries[seq%recentCapacity]) }
