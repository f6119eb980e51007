package simtest

// item is something due in the world. Equal times come in the order of being planned.
type item struct {
	at    int64
	seq   uint64
	kind  due
	venue uint8
	gen   uint32 // of the link; an item of an earlier one is void
	n     uint64 // choice, or number of an order
}

// due says what an item is.
type due uint8

const (
	dueChoice   due = iota
	dueToVenue      // a message reaches the venue
	dueToRouter     // a message reaches the router
	dueSeen         // the router notices that a link is down
	dueConnect      // a link comes back
	dueAnswer       // a dealer answers a request for a quote
	dueOrder        // a venue acts on an order that it holds
	dueClient       // a client comes back
	dueResume       // an operator lifts what was ordered
	dueRestart      // the process comes back
	dueFeed         // a feed comes back
	dueReports      // reports to clients are durable
	dueTick         // both ends of a link whose messages are bytes
	dueUnpause      // an operator lets a parent work on
	dueCopy         // a drop copy's message reaches the router
	dueUnhalt       // the market trades an instrument again
	dueDay          // a trading day opens or closes
	dueShorts       // the price test for short sales begins or ends
	dueGoodbye      // clients cancel what would go on for ever
	dueCrash        // the host dies just before it has written what it did
)

// agenda is a binary heap of items.
type agenda struct {
	items []item
	seq   uint64
}

func (a *agenda) add(i item) {
	a.seq++
	i.seq = a.seq
	a.items = append(a.items, i)
	for n := len(a.items) - 1; n > 0; {
		up := (n - 1) / 2
		if !a.before(n, up) {
			break
		}
		a.items[n], a.items[up] = a.items[up], a.items[n]
		n = up
	}
}

func (a *agenda) before(i, j int) bool {
	x, y := &a.items[i], &a.items[j]
	return x.at < y.at || x.at == y.at && x.seq < y.seq
}

func (a *agenda) pop() item {
	top := a.items[0]
	last := len(a.items) - 1
	a.items[0] = a.items[last]
	a.items = a.items[:last]
	for n := 0; ; {
		least := 2*n + 1
		if least >= last {
			break
		}
		if right := least + 1; right < last && a.before(right, least) {
			least = right
		}
		if !a.before(least, n) {
			break
		}
		a.items[n], a.items[least] = a.items[least], a.items[n]
		n = least
	}
	return top
}
