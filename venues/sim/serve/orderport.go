package serve

import (
	"penstock/event"
	"penstock/venues/sim"
)

// orderPort is the order entry of a venue in one protocol. All calls but close and
// closeStores hold Market.mu.
type orderPort interface {
	onReport(r *sim.Report)
	onCancelReject(r *sim.CancelReject)
	serve()
	close(now int64) error
	closeStores() error // all clients are disconnected
	addr() string
	ownerOf(compID string) uint32 // 0 when there is no such client
	outboxes() []*outbox
	idText(owner uint32) func(event.ID) string // how a client's identifiers are spelled
}

var _, _ orderPort = (*orderEntry)(nil), (*ouchEntry)(nil)

func (e *orderEntry) addr() string { return e.listener.Addr().String() }

func (e *orderEntry) ownerOf(compID string) uint32 {
	if c := e.client(compID); c != nil {
		return c.owner
	}
	return 0
}

func (e *orderEntry) idText(owner uint32) func(event.ID) string { return e.owner(owner).ids.text }

func (e *ouchEntry) idText(uint32) func(event.ID) string { return event.ID.String }

func (e *orderEntry) outboxes() (all []*outbox) {
	for _, c := range e.clients {
		if c.out != nil {
			all = append(all, c.out)
		}
	}
	return all
}
