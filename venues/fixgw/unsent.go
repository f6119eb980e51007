package fixgw

import "penstock/event"

// unsentCapacity bounds the commands that wait for a full socket.
const unsentCapacity = 1024

// unsentQueue holds the commands whose bytes the socket has not all taken, oldest
// first, with the count of written bytes at which they are through.
type unsentQueue struct {
	entries [unsentCapacity]struct {
		end     uint64
		command event.Command
	}
	head, tail uint
}

func (q *unsentQueue) full() bool { return q.tail-q.head == unsentCapacity }

func (q *unsentQueue) push(end uint64, c *event.Command) {
	e := &q.entries[q.tail%unsentCapacity]
	e.end, e.command = end, *c
	q.tail++
}

// front returns the oldest command, nil when there is none.
func (q *unsentQueue) front() *event.Command {
	if q.head == q.tail {
		return nil
	}
	return &q.entries[q.head%unsentCapacity].command
}

func (q *unsentQueue) pop() { q.head++ }

// sent takes out the commands that are through with written bytes.
func (q *unsentQueue) sent(written uint64, through func(*event.Command)) {
	for q.head != q.tail && q.entries[q.head%unsentCapacity].end <= written {
		through(&q.entries[q.head%unsentCapacity].command)
		q.head++
	}
}

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
