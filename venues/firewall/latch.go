package firewall

import (
	"slices"
	"sync"
	"sync/atomic"

	"penstock/market"
)

// ScopeKind says what a kill covers.
type ScopeKind uint8

// Kinds of scope. Numbers are those of event.ScopeKind, which the journal holds.
const (
	ScopeFirm     ScopeKind = 0
	ScopeVenue    ScopeKind = 1
	ScopeSymbol   ScopeKind = 2 // an InstrumentID
	ScopeClient   ScopeKind = 3 // index of the client's session
	ScopeStrategy ScopeKind = 4
	ScopePolicy   ScopeKind = 5 // PolicyID of a table
)

// Scope is what a kill covers.
type Scope struct {
	Kind ScopeKind
	ID   uint64 // 0 of the firm
}

// Latch is the second layer of a kill: while it covers an order, the order does not
// leave, whatever the core says. Safe for concurrent use; reading costs one load.
type Latch struct {
	mu  sync.Mutex
	set atomic.Pointer[kills] // nil: open
}

type kills struct {
	firm   bool
	venues uint64 // bit by VenueID
	scopes []Scope
}

// Kill adds a scope.
func (l *Latch) Kill(s Scope) {
	l.change(func(k *kills) {
		if !slices.Contains(k.scopes, s) {
			k.scopes = append(k.scopes, s)
		}
	})
}

// Release takes a scope away; others stay.
func (l *Latch) Release(s Scope) {
	l.change(func(k *kills) {
		k.scopes = slices.DeleteFunc(k.scopes, func(o Scope) bool { return o == s })
	})
}

func (l *Latch) change(f func(*kills)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := &kills{}
	if old := l.set.Load(); old != nil {
		next.scopes = slices.Clone(old.scopes)
	}
	f(next)
	if len(next.scopes) == 0 {
		next = nil
	} else {
		for _, s := range next.scopes {
			next.firm = next.firm || s.Kind == ScopeFirm
			if s.Kind == ScopeVenue {
				next.venues |= 1 << (s.ID & 63)
			}
		}
	}
	l.set.Store(next)
}

// Scopes returns what is killed, in the order of the kills.
func (l *Latch) Scopes() []Scope {
	if k := l.set.Load(); k != nil {
		return slices.Clone(k.scopes)
	}
	return nil
}

// Stopped reports whether nothing new may leave for v: the firm or the venue is killed.
func (l *Latch) Stopped(v market.VenueID) bool {
	k := l.set.Load()
	return k != nil && (k.firm || k.venues>>v&1 != 0)
}

// covers reports whether an order of p with a policy at venue v is killed.
func (k *kills) covers(v market.VenueID, p *parent, policy uint64) bool {
	for _, s := range k.scopes {
		switch s.Kind {
		case ScopeFirm:
			return true
		case ScopeVenue:
			if s.ID == uint64(v) {
				return true
			}
		case ScopeSymbol:
			if s.ID == uint64(p.order.Instrument) {
				return true
			}
		case ScopeClient:
			if s.ID == uint64(p.order.Client) {
				return true
			}
		case ScopeStrategy:
			if s.ID == uint64(p.order.Strategy) {
				return true
			}
		case ScopePolicy:
			if s.ID == policy {
				return true
			}
		}
	}
	return false
}
